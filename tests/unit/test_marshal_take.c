/* test_marshal_take.c - values that leave, taken with no protected call around
 * it: an error that is raised would be a panic and end the process. */
#include "scripted.h"

#include "vm/marshal.h"
#include "vm/sandbox.h"

struct bare {
    struct vm     *vm;
    struct bundle *bundle;
    const char    *source;
};

static int bare_load(lua_State *L) {
    struct bare *bare = lua_touserdata(L, 1);

    sandbox_open(L, bare->bundle);
    if (luaL_loadstring(L, bare->source) != LUA_OK)
        return lua_error(L);
    lua_call(L, 0, 1);
    lua_rawsetp(L, LUA_REGISTRYINDEX, bare->bundle);
    return 0;
}

static struct bare bare_open(const char *source) {
    struct bare bare = {NULL, scripted_open(NULL), source};
    struct err  err = {.text = ""};

    bare.vm = vm_open(&scripted_limits, &scripted_clock);
    cr_assert(vm_enter(bare.vm, bare_load, &bare, &err), "%s\n %s", source,
              err.text);
    return bare;
}

static void bare_close(struct bare *bare) {
    vm_close(bare->vm);
    bundle_release(bare->bundle);
}

static struct json *
bare_take(struct bare *bare, const struct marshal_caps *caps, struct err *err) {
    lua_State   *L = vm_state(bare->vm);
    size_t       used = vm_memory_used(bare->vm);
    int          top = lua_gettop(L);
    struct json *value;

    lua_rawgetp(L, LUA_REGISTRYINDEX, bare->bundle);
    value = marshal_take(L, -1, caps, err);
    lua_pop(L, 1);
    cr_expect_eq(lua_gettop(L), top, "the stack is not as it was");
    cr_expect_leq(vm_memory_used(bare->vm), used + (64u << 10),
                  "it makes Lua values");
    return value;
}

static void takes(const char *source, const char *expected) {
    struct bare  bare = bare_open(source);
    struct err   err = {.text = ""};
    struct json *value = bare_take(&bare, &marshal_caps_output, &err);

    cr_assert(value, "%s\n fails: %s", source, err.text);
    support_is(value, expected);
    json_release(value);
    bare_close(&bare);
}

static void refuses_within(const char *source, const struct marshal_caps *caps,
                           enum err_code code, const char *part) {
    struct bare  bare = bare_open(source);
    struct err   err = {.text = ""};
    struct json *value = bare_take(&bare, caps, &err);

    cr_assert_null(value, "%s\n is taken", source);
    cr_expect(err.code == code && support_has(err.text, part),
              "%s\n gives %s: %s\n and not %s: %s", source, err_name(err.code),
              err.text, err_name(code), part);
    bare_close(&bare);
}

static void refuses(const char *source, enum err_code code, const char *part) {
    refuses_within(source, &marshal_caps_output, code, part);
}

#define ANGRY                                                            \
    "local function no() error('a metamethod ran') end "                 \
    "local angry = { __index = no, __newindex = no, __len = no, "        \
    "__pairs = no, __eq = no, __lt = no, __call = no, __tostring = no, " \
    "__concat = no, __name = 'angry', __metatable = 'angry' } "

Test(marshal_take, MA2_metamethods_are_not_called) {
    takes(ANGRY "return setmetatable({ 1, 2, 3 }, angry)", "[1, 2, 3]");
    takes(ANGRY "return setmetatable({ a = 1 }, angry)", "{'a': 1}");
    takes(ANGRY "return setmetatable({}, angry)", "{}");
    takes(ANGRY "return { setmetatable({ b = setmetatable({}, angry) }, "
                "angry) }",
          "[{'b': {}}]");
    takes("return setmetatable({ 1 }, { __len = function() return 9 end })",
          "[1]");
    takes("return setmetatable({}, { __metatable = 'json.array' })", "{}");
}

Test(marshal_take, MA2_what_cannot_cross_is_an_error_with_its_path) {
    refuses("return { a = { b = function() end } }", ERR_CONTRACT,
            ".a: .b: a function cannot leave a script");
    refuses("return { 1, { 0 / 0 } }", ERR_CONTRACT, "[2]: [1]: number is not");
    refuses("return '\xed\xa0\x80'", ERR_CONTRACT, "not valid UTF-8");
    refuses("return { [1] = 1, [3] = 3 }", ERR_CONTRACT, "key is a number");
    refuses("return { [1.5] = 1 }", ERR_CONTRACT, "key is a number");
    refuses("return { [{}] = 1 }", ERR_CONTRACT, "key is a table");
    refuses("local t = {} t.t = t return t", ERR_LIMIT, "nested more than 32");
    refuses("local t = json.array() t[1] = t return t", ERR_LIMIT,
            "nested more than 32");
}

/* --- no memory ------------------------------------------------------------ */

/* Anchored one behind the other, so that nothing can be collected. */
static int hoard(lua_State *L) {
    size_t *size = lua_touserdata(L, 1);

    while (vm_memory_used(vm_of(L)) < SIZE_MAX) {
        (void)lua_newuserdatauv(L, *size, 1);
        lua_rawgetp(L, LUA_REGISTRYINDEX, size);
        lua_setiuservalue(L, -2, 1);
        lua_rawsetp(L, LUA_REGISTRYINDEX, size);
    }
    return 0;
}

/* What is left is too little for the smallest table. */
static int hoard_tables(lua_State *L) {
    lua_newtable(L);
    while (vm_memory_used(vm_of(L)) < SIZE_MAX) {
        lua_newtable(L);
        lua_insert(L, -2);
        lua_setmetatable(L, -2);
        lua_pushvalue(L, -1);
        lua_rawsetp(L, LUA_REGISTRYINDEX, lua_touserdata(L, 1));
    }
    return 0;
}

Test(marshal_take, MA2_a_state_without_a_free_byte_is_read_all_the_same) {
    struct bare bare = bare_open(
        "return { list = json.array { 1, 2, json.object { a = 'b' } }, "
        "map = { c = 1.5, ['1'] = {}, [('long '):rep(20)] = true } }");
    struct err   err = {.text = ""};
    struct json *value;
    size_t       used;

    for (size_t size = 1u << 20; size > 4; size /= 2)
        cr_assert_not(vm_enter(bare.vm, hoard, &size, &err));
    cr_assert_not(vm_enter(bare.vm, hoard_tables, &bare, &err));
    cr_assert(vm_killed(bare.vm));
    used = vm_memory_used(bare.vm);
    value = bare_take(&bare, &marshal_caps_output, &err);
    cr_assert(value, "%s", err.text);
    cr_expect_eq(vm_memory_used(bare.vm), used);
    support_is(json_find(value, "list"), "[1, 2, {'a': 'b'}]");
    cr_expect_eq(json_count(json_find(value, "map")), 3);
    json_release(value);
    bare_close(&bare);
}

/* --- caps ----------------------------------------------------------------- */

Test(marshal_take, MA3_thirty_two_levels_cross_and_one_more_does_not) {
    static const char *const nests[] = {
        "local t = 1 for _ = 1, %d do t = { t } end return t",
        "local t = 1 for _ = 1, %d do t = { a = t } end return t",
        "local t = 1 for _ = 1, %d do t = json.array { t } end return t"};
    char source[96];

    for (size_t i = 0; i < sizeof nests / sizeof *nests; i++) {
        struct bare  bare;
        struct err   err = {.text = ""};
        struct json *value;

        (void)snprintf(source, sizeof source, nests[i], 32);
        bare = bare_open(source);
        value = bare_take(&bare, &marshal_caps_output, &err);
        cr_expect(value, "%s", err.text);
        json_release(value);
        bare_close(&bare);
        (void)snprintf(source, sizeof source, nests[i], 33);
        refuses(source, ERR_LIMIT, "nested more than 32 deep");
    }
}

Test(marshal_take, MA3_bytes_are_counted_to_the_last_one) {
    static const char   source[] = "return { 1, 'abc', true, { key = 1.5 } }";
    /* two containers, four values, a text and a key */
    struct marshal_caps caps = {6 * 16 + 3 + 3, 2, false};
    struct bare         bare = bare_open(source);
    struct err          err = {.text = ""};
    struct json        *value = bare_take(&bare, &caps, &err);

    cr_assert(value, "%s", err.text);
    json_release(value);
    bare_close(&bare);
    caps.bytes--;
    refuses_within(source, &caps, ERR_LIMIT, "larger than 101 bytes");
    caps = (struct marshal_caps){4096, 1, false};
    refuses_within(source, &caps, ERR_LIMIT, "nested more than 1 deep");
}

Test(marshal_take, MA3_what_is_small_and_unfolds_without_end_is_refused,
     .timeout = 30) {
    refuses("local t = 'x' for _ = 1, 31 do t = { t, t } end return t",
            ERR_LIMIT, "output larger than 4194304 bytes");
    refuses("local t = {} for i = 1, 300000 do t[i] = i end return t",
            ERR_LIMIT, "output larger than");
    refuses("return ('x'):rep(4 << 20)", ERR_LIMIT, "output larger than");
    refuses("return { [('x'):rep(5 << 20)] = 1 }", ERR_LIMIT, "output larger");
    /* Its length is claimed to be more than the number of its items. */
    refuses("local t = json.array { 1, 2, 3, 4, 5 } t[9] = 9 "
            "for i = 3, 62 do t[1 << i] = i end "
            "return t",
            ERR_CONTRACT, "a hole among its positions");
}
