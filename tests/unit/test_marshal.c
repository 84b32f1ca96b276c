/* test_marshal.c - plain values cross, with their kind and every bit. */
#include <criterion/criterion.h>

#include <lauxlib.h>
#include <math.h>
#include <string.h>

#include "support.h"
#include "vm/marshal.h"
#include "vm/sandbox.h"
#include "vm/vm.h"

static const struct vm_limits roomy = {256u << 20, INT64_MAX / 2, 60000, 0};

static struct clock_virtual clock_;
static struct bundle       *bundle;
static struct vm           *vm;
static struct err           err;

static int open_inside(lua_State *L) {
    sandbox_open(L, bundle);
    return 0;
}

static void open_vm(void) {
    clock_virtual_init(&clock_, SUPPORT_START);
    bundle = bundle_open(NULL, &clock_.clock);
    vm = vm_open(&roomy, &clock_.clock);
    cr_assert(vm_enter(vm, open_inside, NULL, &err), "%s", err.text);
}

static void close_vm(void) {
    vm_close(vm);
    bundle_release(bundle);
}

TestSuite(marshal, .init = open_vm, .fini = close_vm);

struct crossing {
    const struct json  *in;
    const char         *script; /* gets the value as ...; NULL: nothing */
    struct marshal_caps caps;
    struct json        *out;
    struct err          err;
    int                 left; /* on the Lua stack, besides the value */
};

static int cross(lua_State *L) {
    struct crossing *c = lua_touserdata(L, 1);

    lua_settop(L, 0);
    if (c->script && luaL_loadstring(L, c->script) != LUA_OK)
        return lua_error(L);
    marshal_push(L, c->in);
    if (c->script)
        lua_call(L, 1, 1);
    c->out = marshal_take(L, -1, &c->caps, &c->err);
    c->left = lua_gettop(L) - 1;
    return 0;
}

static struct crossing crossed(const struct json *in, const char *script) {
    struct crossing c = {
        .in = in, .script = script, .caps = {64u << 20, 64, false}};

    cr_assert(vm_enter(vm, cross, &c, &err), "%s", err.text);
    cr_expect_eq(c.left, 0);
    return c;
}

static void stays(const struct json *value) {
    struct crossing c = crossed(value, NULL);
    struct buf      before = BUF_EMPTY, after = BUF_EMPTY;

    json_write(value, &before);
    cr_assert(c.out, "%s: %s", buf_text(&before), c.err.text);
    json_write(c.out, &after);
    cr_assert_str_eq(buf_text(&after), buf_text(&before));
    json_release(c.out);
    buf_release(&before);
    buf_release(&after);
}

static void text_stays(const char *text) {
    struct json *value = support_json(text);

    stays(value);
    json_release(value);
}

Test(marshal, MA1_numbers_keep_kind_sign_and_every_bit) {
    static const double  reals[] = {0.0,
                                    -0.0,
                                    0.1,
                                    1e308,
                                    -1e308,
                                    5e-324,
                                    1.0,
                                    9007199254740993.0,
                                    0.30000000000000004,
                                    1e22,
                                    2.2250738585072014e-308};
    static const int64_t ints[] = {0,         1,         -1,
                                   INT64_MAX, INT64_MIN, 9007199254740993};

    for (size_t i = 0; i < sizeof reals / sizeof *reals; i++) {
        struct json    *value = json_new_real(reals[i]);
        struct crossing c = crossed(value, NULL);

        cr_assert(json_is(c.out, JSON_REAL_KIND));
        cr_expect_eq(json_number(c.out), reals[i]);
        cr_expect_eq(signbit(json_number(c.out)) != 0, signbit(reals[i]) != 0);
        json_release(c.out);
        stays(value);
        json_release(value);
    }
    for (size_t i = 0; i < sizeof ints / sizeof *ints; i++) {
        struct json    *value = json_new_int(ints[i]);
        struct crossing c = crossed(value, NULL);

        cr_assert(json_is(c.out, JSON_INT));
        cr_expect_eq(json_int(c.out), ints[i]);
        json_release(c.out);
        json_release(value);
    }
}

Test(marshal, MA1_empty_lists_and_maps_and_nulls_keep_their_kind) {
    text_stays("{'a': [], 'b': {}, 'c': [[], {}, null, [null]], 'd': null}");
    text_stays("[null, null]");
    text_stays("[]");
    text_stays("{}");
    text_stays("{'1': 'a', '2': 'b'}");
    text_stays("'a\\u0000b'");
}

static uint64_t seed = 88172645463325252u;

static uint64_t random_bits(void) {
    seed ^= seed << 13;
    seed ^= seed >> 7;
    return seed ^= seed << 17;
}

static struct json *random_text(void) {
    static const char *const parts[] = {"a",    "\xC3\xA9", "\xF0\x9F\x98\x80",
                                        "\"",   "\\",       "\n",
                                        "\x7F", "1",        "."};
    struct buf               text = BUF_EMPTY;
    struct json             *made;

    for (int i = (int)(random_bits() % 6); i > 0; i--)
        buf_add_text(&text, parts[random_bits() % 9]);
    if (random_bits() % 8 == 0)
        buf_add_char(&text, '\0');
    made = json_new_text(buf_str(&text));
    buf_release(&text);
    return made;
}

static struct json *random_number(void) {
    uint64_t bits = random_bits();
    double   real;

    memcpy(&real, &bits, sizeof real);
    if (random_bits() % 2 && isfinite(real))
        return json_new_real(real);
    return json_new_int((int64_t)bits >> random_bits() % 64);
}

static struct json *random_value(int depth) {
    struct json *made;

    switch (random_bits() % (depth ? 7 : 4)) {
    case 0: return json_new_null();
    case 1: return json_new_bool(random_bits() & 1);
    case 2: return random_number();
    case 3: return random_text();
    case 4:
    case 5:
        made = json_new_list();
        for (int i = (int)(random_bits() % 5); i > 0; i--)
            json_append(made, random_value(depth - 1));
        return made;
    default:
        made = json_new_map();
        for (int i = (int)(random_bits() % 5); i > 0; i--) {
            struct buf key = BUF_EMPTY;

            buf_addf(&key, "%llu", (unsigned long long)(random_bits() % 30));
            json_put(made, buf_text(&key), random_value(depth - 1));
            buf_release(&key);
        }
        return made;
    }
}

Test(marshal, MA1_any_value_comes_back_byte_for_byte) {
    for (int i = 0; i < 3000; i++) {
        struct json *value = random_value(5);

        stays(value);
        json_release(value);
    }
}

Test(marshal, MA1_what_a_script_passes_on_keeps_its_kind) {
    struct json    *value = support_json("{'l': [], 'm': {}, 'n': null}");
    struct crossing c = crossed(
        value, "local v = ... return { x = v, l = v.l, n = v.n, deep = { v.m, "
               "v.l } }");

    support_is(c.out, "{'x': {'l': [], 'm': {}, 'n': null}, 'l': [], 'n': "
                      "null, 'deep': [{}, []]}");
    json_release(c.out);
    json_release(value);
}

static void makes(const char *script, const char *wanted) {
    struct crossing c = crossed(NULL, script);

    cr_assert(c.out, "%s: %s", script, c.err.text);
    support_is(c.out, wanted);
    json_release(c.out);
}

Test(marshal, a_table_of_a_script_is_a_list_when_its_keys_are_1_to_n) {
    makes("return { 1, 2, 3 }", "[1, 2, 3]");
    makes("return {}", "{}");
    makes("return json.array {}", "[]");
    makes("return json.object {}", "{}");
    makes("return { a = 1 }", "{'a': 1}");
    makes("return nil", "null");
    makes("local t = json.array {} t[1] = 'x' return t", "['x']");
    makes("return { n = json.null }", "{'n': null}");
}

static void refuses(const char *script, enum err_code code, const char *part) {
    struct crossing c = crossed(NULL, script);

    cr_expect_null(c.out, "%s", script);
    cr_expect_eq(c.err.code, code, "%s: %s", script, c.err.text);
    cr_expect(support_has(c.err.text, part), "%s", c.err.text);
    json_release(c.out);
}

Test(marshal, MA2_what_cannot_cross_is_named_by_its_path) {
    refuses("return { a = { 1, { b = function() end } } }", ERR_CONTRACT,
            ".a: [2]: .b: a function cannot leave a script");
    refuses("return { 1, nil, 3 }", ERR_CONTRACT, "a map's key is a number");
    refuses("return { 1, a = 2 }", ERR_CONTRACT, "a map's key is a number");
    refuses("return { [true] = 1 }", ERR_CONTRACT, "a map's key is a boolean");
    refuses("return 0/0", ERR_CONTRACT, "not finite");
    refuses("return { x = 1/0 }", ERR_CONTRACT, ".x: number is not finite");
    refuses("return '\\xFF'", ERR_CONTRACT, "not valid UTF-8");
    refuses("return { ['\\xFF'] = 1 }", ERR_CONTRACT, "not valid UTF-8");
    refuses("return { ['a\\0b'] = 1 }", ERR_CONTRACT, "not valid UTF-8");
}

Test(marshal, MA2_no_metamethod_is_ever_called) {
    makes("local hit = function() error('called') end\n"
          "return setmetatable({ a = 1 }, { __index = hit, __len = hit, "
          "__pairs = hit, __eq = hit, __tostring = hit, __newindex = hit })",
          "{'a': 1}");
    makes("local t = setmetatable({}, { __index = { secret = 1 } }) return t",
          "{}");
}

Test(marshal, MA3_depth_count_and_bytes_are_capped) {
    struct crossing c = {.caps = {1000, 4, false}};

    c.script = "return { { { {} } } }";
    cr_assert(vm_enter(vm, cross, &c, &err));
    cr_assert(c.out);
    json_release(c.out);
    c.script = "return { { { { {} } } } }";
    cr_assert(vm_enter(vm, cross, &c, &err));
    cr_expect_null(c.out);
    cr_expect(support_has(c.err.text, "nested more than 4"), "%s", c.err.text);
    c.script = "return { ('x'):rep(1001) }";
    cr_assert(vm_enter(vm, cross, &c, &err));
    cr_expect_null(c.out);
    cr_expect_eq(c.err.code, ERR_LIMIT);
    c.script = "local t = {} for i = 1, 100 do t[i] = true end return t";
    cr_assert(vm_enter(vm, cross, &c, &err));
    cr_expect_null(c.out);
    c.script = "local t = {} t.t = t return t";
    cr_assert(vm_enter(vm, cross, &c, &err));
    cr_expect_null(c.out);
    /* Shared many times over, small in memory: a billion laughs. */
    c.script = "local t = 'x' for i = 1, 4 do t = { t, t, t, t, t, t, t, t } "
               "end return t";
    cr_assert(vm_enter(vm, cross, &c, &err));
    cr_expect_null(c.out);
    cr_expect_eq(c.err.code, ERR_LIMIT);
}

Test(marshal, json_encodes_canonically_and_decodes_strictly) {
    makes("return json.encode({ b = 1, a = json.array {}, c = 0.1 })",
          "'{\\\"a\\\":[],\\\"b\\\":1,\\\"c\\\":0.1}'");
    makes("return json.decode('{\\\"a\\\":[],\\\"n\\\":null}')",
          "{'a': [], 'n': null}");
    makes("return pcall(json.decode, '[1,]') and 1 or 0", "0");
    makes("return pcall(json.decode, '{\\\"a\\\":1,\\\"a\\\":2}') and 1 or 0",
          "0");
    makes("return pcall(json.encode, error) and 1 or 0", "0");
    makes("return require('cjson').encode({ require('cjson').empty_array })",
          "'[[]]'");
}

Test(marshal, functions_of_a_scripts_table_can_be_taken_as_text) {
    struct crossing c = {.script = "return { run = function() end }",
                         .caps = {1000, 4, true}};

    cr_assert(vm_enter(vm, cross, &c, &err));
    support_is(c.out, "{'run': 'function'}");
    json_release(c.out);
}
