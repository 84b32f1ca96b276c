/* test_sandbox.c - an allow-list, built from nothing. */
#include <criterion/criterion.h>

#include <lauxlib.h>
#include <string.h>

#include "support.h"
#include "vm/marshal.h"
#include "vm/sandbox.h"
#include "vm/vm.h"

static const struct vm_limits roomy = {32u << 20, 200000000, 2000, 0};

static struct clock_virtual clock_;
static struct bundle       *bundle;
static struct err           err;

static void open_bundle(void) {
    clock_virtual_init(&clock_, SUPPORT_START);
    bundle = bundle_open(NULL, &clock_.clock);
    cr_assert(bundle_add(bundle, STR("lib/one.lua"),
                         STR("local n = 0\n"
                             "return { next = function() n = n + 1 return n "
                             "end }"),
                         &err));
    cr_assert(bundle_add(bundle, STR("lib/loops.lua"),
                         STR("return require 'lib.loops'"), &err));
}

TestSuite(sandbox, .init = open_bundle);

struct evaluation {
    const char  *text;
    struct json *value;
};

static int evaluate(lua_State *L) {
    struct evaluation *e = lua_touserdata(L, 1);
    struct err         inner;

    sandbox_open(L, bundle);
    if (luaL_loadstring(L, e->text) != LUA_OK)
        return lua_error(L);
    lua_call(L, 0, 1);
    e->value = marshal_take(L, -1, &marshal_caps_output, &inner);
    return e->value ? 0 : luaL_error(L, "%s", inner.text);
}

/* What the text returns in a sandbox of its own, or NULL. */
static struct json *value_of(const char *text) {
    struct vm        *vm = vm_open(&roomy, &clock_.clock);
    struct evaluation e = {text, NULL};

    if (!vm_enter(vm, evaluate, &e, &err))
        e.value = NULL;
    vm_close(vm);
    return e.value;
}

static void gives(const char *text, const char *wanted) {
    struct json *value = value_of(text);

    cr_assert(value, "%s: %s", text, err.text);
    support_is(value, wanted);
    json_release(value);
}

static void raises(const char *text, const char *part) {
    struct json *value = value_of(text);

    cr_expect_null(value, "%s", text);
    cr_expect(support_has(err.text, part), "%s", err.text);
}

#define NAMES(table)                                    \
    "local names = {} for name in pairs(" table ") do " \
    "names[#names + 1] = name end return names"

Test(sandbox, SB1_N3_the_globals_are_these_and_no_others) {
    gives("local names, g = {}, _G or _ENV " /* there is no _G */
          "for name in pairs(g) do names[#names + 1] = name end return names",
          "['assert', 'error', 'getmetatable', 'ipairs', 'json', 'math', "
          "'next', 'pairs', 'pcall', 'rawequal', 'rawget', 'rawlen', "
          "'rawset', 'require', 'select', 'setmetatable', 'string', 'table', "
          "'tonumber', 'tostring', 'type', 'utf8', 'xpcall']");
}

Test(sandbox, SB1_N3_the_libraries_are_these_and_no_more) {
    gives(NAMES("string"),
          "['byte', 'char', 'find', 'format', 'gmatch', 'gsub', 'len', "
          "'lower', 'match', 'rep', 'reverse', 'sub', 'upper']");
    gives(NAMES("table"), "['concat', 'insert', 'move', 'pack', 'remove', "
                          "'sort', 'unpack']");
    gives(NAMES("json"), "['array', 'decode', 'encode', 'null', 'object']");
    gives(NAMES("utf8"), "['char', 'charpattern', 'codepoint', 'codes', "
                         "'len', 'offset']");
    gives(NAMES("math"),
          "['abs', 'acos', 'asin', 'atan', 'ceil', 'cos', 'deg', 'exp', "
          "'floor', 'fmod', 'huge', 'log', 'max', 'maxinteger', 'min', "
          "'mininteger', 'modf', 'pi', 'rad', 'random', 'randomseed', 'sin', "
          "'sqrt', 'tan', 'tointeger', 'type', 'ult']");
}

Test(sandbox, SB1_N3_no_door_exists_under_its_usual_name) {
    static const char *const doors[] = {
        "io",        "os",          "debug",          "package",
        "coroutine", "load",        "loadstring",     "loadfile",
        "dofile",    "print",       "collectgarbage", "_G",
        "_VERSION",  "string.dump", "string.pack",    "string.unpack",
        "ffi",       "warn",        "module"};

    for (size_t i = 0; i < sizeof doors / sizeof *doors; i++) {
        char text[64];

        (void)snprintf(text, sizeof text, "return %s == nil", doors[i]);
        gives(text, "true");
    }
}

Test(sandbox, SB1_N7_chance_and_time_are_not_to_be_had_but_through_ctx) {
    raises("return math.random()", "use ctx.random()");
    raises("math.randomseed(1)", "use ctx.random()");
}

Test(sandbox, N3_strings_lead_nowhere_but_to_their_methods) {
    gives("return ('x').dump == nil and ('x'):rep(2) == 'xx'", "true");
    gives("return getmetatable('x')", "false");
    raises("setmetatable('x', {})", "table expected");
}

Test(sandbox, N3_require_knows_the_bundle_and_cjson) {
    gives("return require('lib.one').next()", "1");
    gives("return require('cjson').encode({ 1 })", "'[1]'");
    raises("require 'os'", "no library 'os'");
    raises("require 'lib.nothing'", "no library 'lib.nothing'");
    raises("require '../secret'", "no library");
    raises("require 'lib.loops'", "requires itself");
}

Test(sandbox, a_library_is_loaded_once_in_a_sandbox) {
    gives("require('lib.one').next() return require('lib.one').next()", "2");
}

Test(sandbox, SB2_nothing_that_one_writes_is_seen_by_another) {
    gives("string.rep = nil table.sort = nil json.null = 'mine' "
          "require('lib.one').next() leak = 1 math.pi = 3 return true",
          "true");
    gives("return { leak == nil, ('x'):rep(2), require('lib.one').next(), "
          "math.pi > 3, json.null == 'mine', table.sort ~= nil }",
          "[true, 'xx', 1, true, false, true]");
}

Test(sandbox, SB2_metatables_of_markers_cannot_be_written) {
    gives("return getmetatable(json.array {})", "'json.array'");
    raises("getmetatable(json.array {}).__index = {}", "");
    raises("setmetatable(json.array {}, {})", "protected");
}

Test(sandbox, texts_that_are_numbers_count_as_in_every_lua) {
    gives("return { '10' + 1, '1.5' * 2, -'3', 7 // '2' }", "[11, 3.0, -3, 3]");
    raises("return 'x' + 1", "arithmetic");
}

Test(sandbox, N3_bytecode_is_not_run) {
    gives("return load == nil and string.dump == nil", "true");
}
