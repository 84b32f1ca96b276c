/* bounded.c - what it costs, the basic functions and math.
 *
 * Charging is one call to vm_charge() with the work that follows it. (BD1)
 * Stock functions that work in constant time are taken from the stock library
 * by name, so what a later Lua adds there does not slip in.
 */
#include "vm/bounded.h"

#include <ctype.h>
#include <lauxlib.h>
#include <lualib.h>
#include <string.h>

#include "vm/bounded_private.h"
#include "vm/pattern.h"
#include "vm/vm.h"

#define PCALL_DEPTH 150

/* --- charging ---------------------------------------------------------- */

void bounded_charge(lua_State *L, lua_Unsigned elements) {
    vm_charge(L, elements < SIZE_MAX / 4 ? (size_t)elements : SIZE_MAX / 4);
}

void bounded_charge_bytes(lua_State *L, size_t bytes) {
    if (bytes >= 16)
        vm_charge(L, bytes / 16);
}

/* Subtracting as unsigned cannot overflow, and the one span that does not fit,
 * the whole range of integers, is cut to the largest number. (BD2) */
lua_Unsigned bounded_span(lua_Integer first, lua_Integer last) {
    lua_Unsigned distance;

    if (first > last)
        return 0;
    distance = (lua_Unsigned)last - (lua_Unsigned)first;
    return distance == LUA_MAXUNSIGNED ? distance : distance + 1;
}

/* --- tostring ---------------------------------------------------------- */

static const char *push_meta_text(lua_State *L, int index, size_t *len) {
    if (luaL_callmeta(L, index, "__tostring")) {
        if (!lua_isstring(L, -1))
            luaL_error(L, "'__tostring' must return a string");
        return lua_tolstring(L, -1, len);
    }
    if (luaL_getmetafield(L, index, "__name") != LUA_TNIL) {
        if (lua_type(L, -1) == LUA_TSTRING)
            return lua_tolstring(L, -1, len);
        lua_pop(L, 1);
    }
    lua_pushstring(L, lua_islightuserdata(L, index) && !lua_touserdata(L, index)
                          ? "null"
                          : luaL_typename(L, index));
    return lua_tolstring(L, -1, len);
}

const char *bounded_push_text(lua_State *L, int index, size_t *len) {
    index = lua_absindex(L, index);
    switch (lua_type(L, index)) {
    case LUA_TSTRING: lua_pushvalue(L, index); return lua_tolstring(L, -1, len);
    case LUA_TNUMBER:
    case LUA_TNIL:
    case LUA_TBOOLEAN: return luaL_tolstring(L, index, len);
    default: return push_meta_text(L, index, len);
    }
}

/* tostring(value) -> text; a table is "table", json.null is "null". */
static int to_text(lua_State *L) {
    luaL_checkany(L, 1);
    bounded_push_text(L, 1, NULL);
    return 1;
}

/* --- tonumber ---------------------------------------------------------- */

static const char *skip_space(const char *s) {
    return s + strspn(s, " \f\n\r\t\v");
}

static int digit_of(char c) {
    if (isdigit((unsigned char)c))
        return c - '0';
    return isalpha((unsigned char)c) ? toupper((unsigned char)c) - 'A' + 10
                                     : 99;
}

/* Digits of this base with spaces around them; wraps around, as in stock. */
static bool read_digits(const char *s, size_t len, int base,
                        lua_Integer *number) {
    const char  *end = s + len;
    lua_Unsigned value = 0;
    bool         negative;

    s = skip_space(s);
    negative = *s == '-';
    if (*s == '-' || *s == '+')
        s++;
    if (digit_of(*s) >= base)
        return false;
    for (; digit_of(*s) < base; s++)
        value = value * (lua_Unsigned)base + (lua_Unsigned)digit_of(*s);
    *number = (lua_Integer)(negative ? 0 - value : value);
    return skip_space(s) == end;
}

static int to_number_plain(lua_State *L) {
    size_t      len;
    const char *s;

    luaL_checkany(L, 1);
    if (lua_type(L, 1) == LUA_TNUMBER) {
        lua_settop(L, 1);
        return 1;
    }
    s = lua_type(L, 1) == LUA_TSTRING ? lua_tolstring(L, 1, &len) : NULL;
    if (s) {
        bounded_charge(L, len);
        if (lua_stringtonumber(L, s) == len + 1)
            return 1;
    }
    luaL_pushfail(L);
    return 1;
}

/* tonumber(value, base?) -> number or nil */
static int to_number(lua_State *L) {
    size_t      len;
    const char *s;
    lua_Integer base, number;

    if (lua_isnoneornil(L, 2))
        return to_number_plain(L);
    base = luaL_checkinteger(L, 2);
    luaL_checktype(L, 1, LUA_TSTRING);
    s = lua_tolstring(L, 1, &len);
    luaL_argcheck(L, 2 <= base && base <= 36, 2, "base out of range");
    bounded_charge(L, len);
    if (read_digits(s, len, (int)base, &number))
        lua_pushinteger(L, number);
    else
        luaL_pushfail(L);
    return 1;
}

/* --- pcall ------------------------------------------------------------- */

/* Upvalue 1 counts the calls that have not returned. */
static int pcall_finish(lua_State *L, int status, lua_KContext context) {
    (void)context;
    --*(int *)lua_touserdata(L, lua_upvalueindex(1));
    if (status == LUA_OK || status == LUA_YIELD)
        return lua_gettop(L);
    lua_pushboolean(L, 0);
    lua_insert(L, -2);
    return 2;
}

/* pcall(function, arguments...) -> true and results, or false and the error.
 * Each level catches a strike once, and Lua then looks through the whole
 * stack, so with a hundred thousand levels the way out would take minutes. */
static int call_protected(lua_State *L) {
    int *depth = lua_touserdata(L, lua_upvalueindex(1));

    luaL_checkany(L, 1);
    if (*depth == PCALL_DEPTH)
        return luaL_error(L,
                          "stack overflow (%d calls of pcall within each "
                          "other)",
                          PCALL_DEPTH);
    ++*depth;
    lua_pushboolean(L, 1);
    lua_insert(L, 1);
    return pcall_finish(
        L, lua_pcallk(L, lua_gettop(L) - 2, LUA_MULTRET, 0, 0, pcall_finish),
        0);
}

static void set_pcall(lua_State *L) {
    *(int *)lua_newuserdatauv(L, sizeof(int), 0) = 0;
    lua_pushcclosure(L, call_protected, 1);
    lua_setfield(L, -2, "pcall");
}

/* --- libraries --------------------------------------------------------- */

/* Copies the named fields of the table at the top into the one under it. */
static void take_fields(lua_State *L, const char *const *names) {
    for (; *names; names++) {
        lua_getfield(L, -1, *names);
        lua_setfield(L, -3, *names);
    }
}

/* The stock basic library writes itself into the registry's table of globals,
 * so it is given an empty one for that moment. */
static void push_stock_base(lua_State *L) {
    lua_rawgeti(L, LUA_REGISTRYINDEX, LUA_RIDX_GLOBALS);
    lua_newtable(L);
    lua_rawseti(L, LUA_REGISTRYINDEX, LUA_RIDX_GLOBALS);
    luaopen_base(L);
    lua_insert(L, -2);
    lua_rawseti(L, LUA_REGISTRYINDEX, LUA_RIDX_GLOBALS);
}

void bounded_open_base(lua_State *L) {
    static const char *const stock[] = {
        "assert", "error",  "ipairs", "rawequal", "rawget",
        "rawlen", "rawset", "select", "type",     NULL};
    static const luaL_Reg own[] = {{"getmetatable", bounded_metatable_get},
                                   {"next", bounded_order_next},
                                   {"pairs", bounded_order_pairs},
                                   {"setmetatable", bounded_metatable_set},
                                   {"tonumber", to_number},
                                   {"tostring", to_text},
                                   {NULL, NULL}};

    luaL_checkstack(L, 8, "base");
    push_stock_base(L);
    take_fields(L, stock);
    lua_pop(L, 1);
    luaL_setfuncs(L, own, 0);
    set_pcall(L);
}

static int no_random(lua_State *L) {
    return luaL_error(L, "math.random would differ when the node runs again: "
                         "use ctx.random()");
}

void bounded_open_math(lua_State *L) {
    static const char *const stock[] = {
        "abs", "acos",       "asin", "atan", "ceil", "cos", "deg",
        "exp", "floor",      "fmod", "huge", "log",  "max", "maxinteger",
        "min", "mininteger", "modf", "pi",   "rad",  "sin", "sqrt",
        "tan", "tointeger",  "type", "ult",  NULL};
    static const luaL_Reg own[] = {
        {"random", no_random}, {"randomseed", no_random}, {NULL, NULL}};

    luaL_checkstack(L, 8, "math");
    lua_createtable(L, 0, 28);
    luaopen_math(L);
    take_fields(L, stock);
    lua_pop(L, 1);
    luaL_setfuncs(L, own, 0);
}

/* make_gsub and scan are the prelude's, which takes them out. */
void bounded_open_string(lua_State *L) {
    static const luaL_Reg patterns[] = {{"find", pattern_find},
                                        {"format", bounded_format_run},
                                        {"gmatch", pattern_gmatch},
                                        {"match", pattern_match},
                                        {"make_gsub", pattern_make_gsub},
                                        {"scan", pattern_scan},
                                        {NULL, NULL}};

    bounded_string_push(L);
    luaL_setfuncs(L, patterns, 0);
}

void bounded_open_table(lua_State *L) {
    bounded_table_push(L);
}

void bounded_open_utf8(lua_State *L) {
    bounded_utf8_push(L);
}
