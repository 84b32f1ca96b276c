/* test_bundle.c - what a bundle takes in, what it is called, what it runs. */
#include "scripted.h"

#include <string.h>

#include "vm/settings.h"

struct hash {
    char text[2 * DIGEST_SIZE + 1];
};

static struct hash hash_of(struct bundle *bundle) {
    struct hash hash;

    bundle_seal(bundle);
    memcpy(hash.text, bundle_hash(bundle), sizeof hash.text);
    return hash;
}

static void add(struct bundle *bundle, struct str path, struct str text) {
    struct err err;

    cr_assert(bundle_add(bundle, path, text, &err), "%s", err.text);
}

static struct hash hash_one(struct str path, struct str text) {
    struct bundle *bundle = scripted_open(NULL);
    struct hash    hash;

    add(bundle, path, text);
    hash = hash_of(bundle);
    bundle_release(bundle);
    return hash;
}

/* The hash of a bundle with these two files. */
static struct hash hash_two(struct str path1, struct str text1,
                            struct str path2, struct str text2) {
    struct bundle *bundle = scripted_open(NULL);
    struct hash    hash;

    add(bundle, path1, text1);
    add(bundle, path2, text2);
    hash = hash_of(bundle);
    bundle_release(bundle);
    return hash;
}

/* --- its name ------------------------------------------------------------- */

#define NODE_PATH STR("nodes/analyst.lua")
#define NODE_TEXT STR("return { about = 'reads\0the logs' }")
#define LIB_PATH STR("lib/time.lua")
#define LIB_TEXT STR("return {}\n")

Test(bundle, B2_N8_every_byte_of_every_text_changes_the_hash) {
    struct hash whole = hash_two(NODE_PATH, NODE_TEXT, LIB_PATH, LIB_TEXT);
    char        text[64];

    for (size_t i = 0; i < NODE_TEXT.len; i++)
        for (int bit = 0; bit < 8; bit++) {
            struct str changed = {text, NODE_TEXT.len};

            memcpy(text, NODE_TEXT.data, NODE_TEXT.len);
            text[i] = (char)(text[i] ^ (1 << bit));
            cr_expect_str_neq(
                hash_two(NODE_PATH, changed, LIB_PATH, LIB_TEXT).text,
                whole.text, "byte %zu, bit %d", i, bit);
        }
}

Test(bundle, B2_N8_every_byte_of_a_path_changes_the_hash) {
    struct hash whole = hash_two(NODE_PATH, NODE_TEXT, LIB_PATH, LIB_TEXT);
    char        path[32];

    for (size_t i = strlen("nodes/"); i < NODE_PATH.len - strlen(".lua"); i++) {
        struct str changed = {path, NODE_PATH.len};

        memcpy(path, NODE_PATH.data, NODE_PATH.len);
        path[i] = path[i] == 'x' ? 'y' : 'x';
        cr_expect_str_neq(hash_two(changed, NODE_TEXT, LIB_PATH, LIB_TEXT).text,
                          whole.text, "byte %zu", i);
    }
    cr_expect_str_neq(
        hash_two(STR("policies/analyst.lua"), NODE_TEXT, LIB_PATH, LIB_TEXT)
            .text,
        whole.text, "another folder");
}

Test(bundle, B2_texts_cannot_be_cut_at_another_place_for_the_same_hash) {
    struct str a = STR("nodes/a.lua"), b = STR("nodes/b.lua");

    cr_expect_str_neq(hash_two(a, STR("xy"), b, STR("")).text,
                      hash_two(a, STR("x"), b, STR("y")).text);
    cr_expect_str_neq(hash_two(a, STR("x"), b, STR("y")).text,
                      hash_two(a, STR("y"), b, STR("x")).text);
    cr_expect_str_neq(hash_one(a, STR("xnodes/b.lua\0y")).text,
                      hash_two(a, STR("x"), b, STR("y")).text,
                      "the second file as a part of the first");
    cr_expect_str_neq(hash_one(a, STR("xnodes/b.lua\0001\0y")).text,
                      hash_two(a, STR("x"), b, STR("y")).text,
                      "the second file, with its length");
}

Test(bundle, B2_the_order_of_adding_does_not_matter) {
    cr_expect_str_eq(hash_two(NODE_PATH, NODE_TEXT, LIB_PATH, LIB_TEXT).text,
                     hash_two(LIB_PATH, LIB_TEXT, NODE_PATH, NODE_TEXT).text);
}

Test(bundle, B2_a_file_more_or_less_changes_the_hash) {
    struct bundle *bundle = scripted_open(NULL);
    struct hash    before = hash_of(bundle);

    cr_expect_eq(strlen(before.text), 64);
    add(bundle, LIB_PATH, STR(""));
    cr_expect_str_neq(hash_of(bundle).text, before.text,
                      "an empty file was added");
    bundle_release(bundle);
}

Test(bundle, B2_using_a_script_does_not_change_the_hash) {
    struct bundle     *bundle = scripted_body(NULL, "", "return 1");
    struct hash        before = hash_of(bundle);
    const struct json *meta;
    struct err         err;

    cr_assert(
        bundle_meta(bundle, scripted_node(bundle, "subject"), &meta, &err));
    cr_expect_str_eq(hash_of(bundle).text, before.text);
    bundle_release(bundle);
}

Test(bundle, N8_two_bundles_of_one_moment_each_keep_their_own_scripts) {
    struct bundle *old = scripted_body(NULL, "", "return 'old'");
    struct bundle *new = scripted_body(NULL, "", "return 'new'");
    struct json *none = json_new_list(), *results;
    struct err   err = {.text = ""};

    cr_expect_str_neq(bundle_hash(old), bundle_hash(new));
    for (int i = 0; i < 2; i++) {
        results = attempt_call(new, scripted_node(new, "subject"), "run", none,
                               &scripted_limits, &err);
        support_is(results, "['new']");
        json_release(results);
        results = attempt_call(old, scripted_node(old, "subject"), "run", none,
                               &scripted_limits, &err);
        support_is(results, "['old']");
        json_release(results);
    }
    json_release(none);
    bundle_release(old);
    bundle_release(new);
}

Test(bundle, B3_N8_a_bundle_lasts_until_the_last_holder_lets_go) {
    struct bundle *bundle = scripted_body(NULL, "", "return 'here'");
    struct json   *none = json_new_list(), *results;
    struct err     err = {.text = ""};

    cr_expect_eq(bundle_retain(bundle), bundle);
    cr_expect_eq(bundle_retain(bundle), bundle);
    for (int holders = 3; holders > 0; holders--) {
        results = attempt_call(bundle, scripted_node(bundle, "subject"), "run",
                               none, &scripted_limits, &err);
        support_is(results, "['here']");
        json_release(results);
        bundle_release(bundle);
    }
    json_release(none);
    bundle_release(NULL);
}

/* --- bytecode ------------------------------------------------------------- */

static int write_part(lua_State *L, const void *part, size_t size, void *arg) {
    (void)L;
    buf_add(arg, part, size);
    return 0;
}

/* What luac would make of it. */
static struct buf bytecode(const char *source) {
    struct buf code = BUF_EMPTY;
    lua_State *L = luaL_newstate();

    cr_assert_eq(luaL_loadstring(L, source), LUA_OK);
    cr_assert_eq(lua_dump(L, write_part, &code, 1), 0);
    lua_close(L);
    return code;
}

static const char *no_environment(const char *name) {
    (void)name;
    return NULL;
}

Test(bundle, B1_N3_bytecode_is_not_run_as_a_node_a_library_or_settings) {
    struct buf     code = bytecode("return { run = function() return 1 end }");
    struct bundle *bundle = scripted_open(NULL);
    struct json   *none = json_new_list();
    struct err     err = {.text = ""};
    struct str     compiled;

    add(bundle, STR("nodes/alien.lua"), buf_str(&code));
    add(bundle, STR("lib/alien.lua"), buf_str(&code));
    add(bundle, STR("nodes/user.lua"),
        STR("local alien = require 'lib.alien' "
            "return { run = function() return alien.run() end }"));
    bundle_seal(bundle);
    cr_expect_not(
        bundle_code(bundle, scripted_node(bundle, "alien"), &compiled, &err));
    cr_expect(support_has(err.text, "attempt to load a binary chunk"), "%s",
              err.text);
    cr_expect_null(attempt_call(bundle, scripted_node(bundle, "alien"), "run",
                                none, &scripted_limits, &err));
    cr_expect_null(attempt_call(bundle, scripted_node(bundle, "user"), "run",
                                none, &scripted_limits, &err));
    cr_expect(support_has(err.text, "binary chunk"), "%s", err.text);
    cr_expect_null(settings_read(bundle, "alien.lua", buf_str(&code),
                                 no_environment, &err));
    cr_expect(support_has(err.text, "binary chunk"), "%s", err.text);
    json_release(none);
    bundle_release(bundle);
    buf_release(&code);
}

Test(bundle, B1_a_script_that_does_not_compile_says_its_file_and_line) {
    struct bundle *bundle = scripted_open(NULL);
    struct err     err;
    struct str     code;

    scripted_add(bundle, "nodes/bad.lua", "return {\n  run =\n}");
    cr_assert_not(
        bundle_code(bundle, scripted_node(bundle, "bad"), &code, &err));
    cr_expect_eq(err.code, ERR_SCRIPT);
    cr_expect(support_has(err.text, "scripts/nodes/bad.lua:3:"), "%s",
              err.text);
    bundle_release(bundle);
}

/* --- what is taken in ----------------------------------------------------- */

static void refused(struct str path, struct str text, enum err_code code,
                    const char *part) {
    struct bundle *bundle = scripted_open(NULL);
    struct err     err = {.text = ""};

    cr_expect_not(bundle_add(bundle, path, text, &err), "%.*s is taken",
                  STR_ARG(path));
    cr_expect(err.code == code && support_has(err.text, part), "%.*s: %s",
              STR_ARG(path), err.text);
    cr_expect_eq(bundle_count(bundle), 0);
    bundle_release(bundle);
}

Test(bundle, files_in_other_folders_are_refused) {
    refused(STR("node/a.lua"), STR(""), ERR_INVALID, "scripts live in");
    refused(STR("a.lua"), STR(""), ERR_INVALID, "scripts live in");
    refused(STR("/nodes/a.lua"), STR(""), ERR_INVALID, "scripts live in");
    refused(STR("../nodes/a.lua"), STR(""), ERR_INVALID, "scripts live in");
    refused(STR(""), STR(""), ERR_INVALID, "scripts live in");
}

Test(bundle, names_that_are_no_ids_are_refused) {
    refused(STR("nodes/a-b.lua"), STR(""), ERR_INVALID, "letters");
    refused(STR("nodes/../lib/a.lua"), STR(""), ERR_INVALID, "letters");
    refused(STR("nodes/a.b.lua"), STR(""), ERR_INVALID, "letters");
    refused(STR("nodes/a.txt"), STR(""), ERR_INVALID, "letters");
    refused(STR("nodes/.lua"), STR(""), ERR_INVALID, "letters");
    refused(STR("nodes/"), STR(""), ERR_INVALID, "letters");
    refused(STR("nodes/\xc3\xa9.lua"), STR(""), ERR_INVALID, "letters");
}

Test(bundle, a_script_has_at_most_its_bytes) {
    static char    text[BUNDLE_TEXT_MAX + 1];
    struct bundle *bundle = scripted_open(NULL);

    memset(text, ' ', sizeof text);
    add(bundle, STR("nodes/a.lua"), (struct str){text, BUNDLE_TEXT_MAX});
    refused(STR("nodes/a.lua"), (struct str){text, BUNDLE_TEXT_MAX + 1},
            ERR_LIMIT, "a script has at most 131072");
    bundle_release(bundle);
}

Test(bundle, scripts_are_found_by_kind_and_id_and_stand_in_order_of_paths) {
    struct bundle *bundle = scripted_open(NULL);

    scripted_add(bundle, "policies/b.lua", "return {}");
    scripted_add(bundle, "nodes/deep/er/b.lua", "return {}");
    scripted_add(bundle, "nodes/b.lua", "return {}");
    cr_assert_eq(bundle_count(bundle), 3);
    cr_expect_str_eq(bundle_at(bundle, 0)->path, "nodes/b.lua");
    cr_expect_str_eq(bundle_at(bundle, 1)->path, "nodes/deep/er/b.lua");
    cr_expect_str_eq(bundle_at(bundle, 2)->path, "policies/b.lua");
    cr_expect_str_eq(bundle_find(bundle, SCRIPT_NODE, STR("deep.er.b"))->path,
                     "nodes/deep/er/b.lua");
    cr_expect_str_eq(bundle_find(bundle, SCRIPT_POLICY, STR("b"))->path,
                     "policies/b.lua");
    cr_expect_null(bundle_find(bundle, SCRIPT_LIB, STR("b")));
    cr_expect_null(bundle_find(bundle, SCRIPT_NODE, STR("deep/er/b")));
    bundle_release(bundle);
}

Test(bundle, the_table_of_a_script_is_read_once_and_shows_functions_as_text) {
    struct bundle       *bundle = scripted_open(NULL);
    const struct json   *meta, *again;
    const struct script *script;
    struct err           err = {.text = ""};

    scripted_add(bundle, "nodes/a.lua",
                 "return { about = 'x', effects = {}, outcomes = { 'ok' }, "
                 "run = function() end }");
    script = scripted_node(bundle, "a");
    cr_assert(bundle_meta(bundle, script, &meta, &err), "%s", err.text);
    support_is(meta, "{'about': 'x', 'effects': {}, 'outcomes': ['ok'], "
                     "'run': 'function'}");
    cr_assert(bundle_meta(bundle, script, &again, &err));
    cr_expect_eq(meta, again);
    bundle_release(bundle);
}

static void has_no_table(const char *text, enum err_code code,
                         const char *part) {
    struct bundle     *bundle = scripted_open(NULL);
    const struct json *meta;
    struct err         err = {.text = ""};

    scripted_add(bundle, "nodes/a.lua", text);
    cr_expect_not(bundle_meta(bundle, scripted_node(bundle, "a"), &meta, &err),
                  "%s", text);
    cr_expect_null(meta);
    cr_expect(err.code == code && support_has(err.text, part), "%s: %s", text,
              err.text);
    bundle_release(bundle);
}

Test(bundle, N14_a_script_without_a_table_says_why_and_one_without_end_stops) {
    has_no_table("", ERR_SCRIPT, "scripts/nodes/a.lua: must return a table");
    has_no_table("return 'x'", ERR_SCRIPT, "returned a string");
    has_no_table("error('no')", ERR_SCRIPT, "scripts/nodes/a.lua:1: no");
    has_no_table("return { f = { 0 / 0 } }", ERR_CONTRACT, ".f: [1]: number");
    has_no_table("while true do end", ERR_LIMIT, "instructions limit");
}
