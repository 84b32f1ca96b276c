/* test_check.c - each broken bundle has exactly the finding it was made for.
 *
 * A folder of tests/fixtures/broken/ is a bundle with one mistake and a file
 * expect.json that names code, file and line. More than that one finding is a
 * failure too: an operator who mends the first must not chase echoes.
 */
#include <criterion/criterion.h>

#include "app/scripts.h"
#include "check/check.h"
#include "check/findings.h"
#include "sys/clock_real.h"
#include "sys/file.h"

#define BROKEN "tests/fixtures/broken"
#define SOUND "tests/fixtures/sound"

static struct err err;

static struct json *findings_of(const char *dir) {
    struct json   *all = json_new_list(), *checked;
    struct bundle *bundle;

    cr_assert(scripts_collect(dir, clock_real(), &bundle, all, &err), "%s",
              err.text);
    checked = check_bundle(bundle);
    for (size_t i = 0; i < json_count(checked); i++)
        json_append(all, json_retain(json_at(checked, i)));
    json_release(checked);
    bundle_release(bundle);
    return all;
}

static struct json *expectation(const char *dir) {
    struct buf   path = BUF_EMPTY, text = BUF_EMPTY;
    struct json *expect;

    buf_addf(&path, "%s/expect.json", dir);
    cr_assert(file_read(buf_text(&path), 4096, &text, &err), "%s", err.text);
    expect = json_parse(buf_str(&text), &json_caps_answer, &err);
    cr_assert(expect, "%s: %s", dir, err.text);
    buf_release(&path);
    buf_release(&text);
    return expect;
}

static bool same(const struct json *a, const struct json *b, const char *key) {
    return json_same(json_find(a, key), json_find(b, key));
}

static void expect_one(const char *dir) {
    struct json *found = findings_of(dir), *expect = expectation(dir);
    struct json *first = json_at(found, 0);
    struct buf   text = BUF_EMPTY;

    json_write_pretty(found, 0, &text);
    cr_expect_eq(json_count(found), 1, "%s: %zu findings: %s", dir,
                 json_count(found), buf_text(&text));
    cr_expect(same(first, expect, "code") && same(first, expect, "file") &&
                  same(first, expect, "line"),
              "%s: %s", dir, buf_text(&text));
    buf_release(&text);
    json_release(found);
    json_release(expect);
}

typedef void each_fn(const char *dir, void *arg);

static size_t each_broken(each_fn *each, void *arg) {
    struct file_list list;
    size_t           count;

    cr_assert(file_list_read(BROKEN, "expect.json", &list, &err), "%s",
              err.text);
    for (size_t i = 0; i < list.count; i++) {
        struct buf dir = BUF_EMPTY;

        buf_addf(&dir, BROKEN "/%.*s",
                 (int)(strlen(list.paths[i]) - strlen("/expect.json")),
                 list.paths[i]);
        each(buf_text(&dir), arg);
        buf_release(&dir);
    }
    count = list.count;
    file_list_release(&list);
    return count;
}

static void expect_this(const char *dir, void *arg) {
    (void)arg;
    expect_one(dir);
}

Test(check, CK1_CK3_finds_the_one_mistake_of_each_broken_bundle) {
    cr_expect_geq(each_broken(expect_this, NULL), 30);
}

static void note_code(const char *dir, void *arg) {
    struct json *expect = expectation(dir);

    json_put_str(arg, json_find_text(expect, "code"), json_new_bool(true));
    json_release(expect);
}

Test(check, every_finding_has_a_broken_bundle_that_shows_it) {
    struct json *seen = json_new_map();

    each_broken(note_code, seen);
    /* These two need a file that a repository should not hold. */
    json_put_bool(seen, "file_size", true);
    json_put_bool(seen, "file_unreadable", true);
    for (int i = 0; i < FINDING_COUNT; i++)
        cr_expect(json_find(seen, findings_code((enum finding)i)), "%s",
                  findings_code((enum finding)i));
    json_release(seen);
}

Test(check, says_nothing_about_a_sound_bundle) {
    struct json *found = findings_of(SOUND);

    cr_expect_eq(json_count(found), 0);
    json_release(found);
}

Test(check, says_nothing_about_the_scripts_that_ship) {
    struct json *found = findings_of("scripts");
    struct buf   text = BUF_EMPTY;

    json_write_pretty(found, 0, &text);
    cr_expect_eq(json_count(found), 0, "%s", buf_text(&text));
    buf_release(&text);
    json_release(found);
}

/* --- bundles made here ---------------------------------------------------- */

static void none(struct str input, unsigned char out[DIGEST_SIZE]) {
    (void)input;
    memset(out, 0, DIGEST_SIZE);
}

static struct bundle *bundle_of(const char *path, const char *text) {
    struct bundle *bundle = bundle_open(none, clock_real());

    cr_assert(bundle_add(bundle, str_of(path), str_of(text), &err), "%s",
              err.text);
    bundle_seal(bundle);
    return bundle;
}

static void expect_code(const char *path, const char *text, const char *code) {
    struct bundle *bundle = bundle_of(path, text);
    struct json   *found = check_bundle(bundle);
    struct str     first = json_find_text(json_at(found, 0), "code");

    cr_expect(str_is(first, code), "%s: '%.*s'", text, STR_ARG(first));
    json_release(found);
    bundle_release(bundle);
}

Test(check, CK2_runs_nothing_but_what_builds_the_table) {
    expect_code("nodes/x.lua",
                "return { about = 'x', outcomes = { 'a' },\n"
                "run = function() error('never') end }",
                "");
}

Test(check, CK1_stops_a_script_that_loops_while_it_is_loaded) {
    expect_code("nodes/x.lua", "while true do end\nreturn {}", "script_error");
}

Test(check, takes_the_names_that_a_script_declares_itself) {
    expect_code("nodes/x.lua",
                "local a <const>, b = 1, 2\n"
                "local function f(x, ...) return x, ... end\n"
                "local t = { key = a, [b] = f }\n"
                "function t.g(self2) return self2 end\n"
                "function t:h() return self.key end\n"
                "for i, v in ipairs(t) do t[i] = v end\n"
                "for n = 1, 3 do t.x = n goto next ::next:: end\n"
                "return { about = 'x', outcomes = { 'a' },\n"
                "run = function(ctx) t.x, t.y = b, a return 'a' end }",
                "");
}

/* The list in check_text.c would otherwise fall behind the sandbox. */
Test(check, knows_every_global_that_the_sandbox_has) {
    struct bundle *bundle =
        bundle_of("lib/names.lua", "local names = {}\n"
                                   "for name in pairs(_ENV) do\n"
                                   "  names[#names + 1] = name\n"
                                   "end\n"
                                   "return names\n");
    const struct json *names;
    struct buf         text = BUF_EMPTY;

    cr_assert(bundle_meta(bundle, bundle_at(bundle, 0), &names, &err), "%s",
              err.text);
    cr_expect_gt(json_count(names), 15);
    for (size_t i = 0; i < json_count(names); i++)
        buf_addf(&text, "local _ = %.*s\n",
                 STR_ARG(json_text(json_at(names, i))));
    buf_add_text(&text, "return {}");
    expect_code("lib/reads.lua", buf_text(&text), "");
    buf_release(&text);
    bundle_release(bundle);
}

Test(check, an_outcome_of_an_inner_function_is_not_the_nodes) {
    expect_code("nodes/x.lua",
                "return { about = 'x', outcomes = { 'a' },\n"
                "run = function(ctx)\n"
                "  local f = function() return 'inner' end\n"
                "  local s = 'b' .. f()\n"
                "  if s == 'c' then return 'a' end\n"
                "  return 'a' .. ''\n"
                "end }",
                "");
}

Test(check, N4_an_effect_that_nobody_knows_counts_as_a_write) {
    expect_code("nodes/x.lua",
                "return { about = 'x', outcomes = { 'a' }, risk = 'low',\n"
                "effects = { 'aws:made:UpThing' }, run = function() end }",
                "write_no_undo");
}

/* --- one playbook --------------------------------------------------------- */

static bool check_one(const char *dir, const char *playbook) {
    struct bundle *bundle;
    bool           ok;

    cr_assert(scripts_load(dir, clock_real(), &bundle, &err), "%s", err.text);
    ok = check_playbook(bundle, str_of(playbook), &err);
    bundle_release(bundle);
    return ok;
}

Test(check, a_sound_playbook_may_run) {
    cr_expect(check_one(SOUND, "heal"), "%s", err.text);
}

Test(check, CK1_the_first_finding_of_a_playbook_becomes_the_error) {
    cr_assert_not(check_one(BROKEN "/edge_nowhere", "watch"));
    cr_expect_eq(err.code, ERR_CONFIG);
    cr_expect_str_eq(err.text,
                     "scripts/playbooks/watch.lua:11: edge_nowhere: there is "
                     "no node 'escalaton' (did you mean 'escalation'?)");
}

Test(check, an_unknown_playbook_is_answered_with_the_nearest) {
    cr_assert_not(check_one(SOUND, "heel"));
    cr_expect_eq(err.code, ERR_NOT_FOUND);
    cr_expect_str_eq(err.text, "no playbook 'heel' (did you mean 'heal'?)");
}

Test(check, what_a_playbook_does_not_use_does_not_stop_it) {
    struct bundle *bundle;

    cr_assert(scripts_load(SOUND, clock_real(), &bundle, &err));
    cr_assert(
        bundle_add(bundle, STR("nodes/other.lua"), STR("return 7"), &err));
    cr_expect(check_playbook(bundle, STR("heal"), &err), "%s", err.text);
    bundle_release(bundle);
}

/* --- files ---------------------------------------------------------------- */

static void in_folder(char *dir, size_t size, const char *name,
                      struct str content) {
    struct buf path = BUF_EMPTY;

    (void)snprintf(dir, size, "/tmp/nightshift-check-XXXXXX");
    cr_assert(mkdtemp(dir));
    buf_addf(&path, "%s/nodes", dir);
    cr_assert(file_make_directory(buf_text(&path), &err), "%s", err.text);
    buf_addf(&path, "/%s", name);
    cr_assert(file_write(buf_text(&path), content, &err), "%s", err.text);
    buf_release(&path);
}

static void drop_folder(const char *dir, const char *name) {
    struct buf path = BUF_EMPTY;

    buf_addf(&path, "%s/nodes/%s", dir, name);
    (void)unlink(buf_text(&path));
    path.data[path.len - strlen(name) - 1] = '\0';
    (void)rmdir(path.data);
    (void)rmdir(dir);
    buf_release(&path);
}

Test(check, CK1_says_that_a_file_is_too_large) {
    char         dir[64];
    struct buf   text = BUF_EMPTY;
    struct json *found;

    while (text.len <= BUNDLE_TEXT_MAX)
        buf_add_text(&text, "-- a line that says nothing at all\n");
    in_folder(dir, sizeof dir, "big.lua", buf_str(&text));
    found = findings_of(dir);
    cr_assert_eq(json_count(found), 1);
    cr_expect(str_is(json_find_text(json_at(found, 0), "code"), "file_size"));
    cr_expect(
        str_is(json_find_text(json_at(found, 0), "file"), "nodes/big.lua"));
    json_release(found);
    drop_folder(dir, "big.lua");
    buf_release(&text);
}

Test(check, SC1_a_file_that_cannot_be_taken_refuses_the_bundle) {
    struct bundle *bundle;

    cr_assert_not(
        scripts_load(BROKEN "/file_with_a_dash", clock_real(), &bundle, &err));
    cr_expect_null(bundle);
    cr_expect_eq(err.code, ERR_INVALID);
}
