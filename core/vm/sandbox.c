/* sandbox.c - one table of globals, filled by those who know each part. */
#include "vm/sandbox.h"

#include <lauxlib.h>
#include <string.h>

#include "vm/bounded.h"
#include "vm/marshal.h"

static const char loaded_key; /* registry: what require has given out */

static void load(lua_State *L, struct str code, const char *name) {
    if (luaL_loadbufferx(L, code.data, code.len, name, "b") != LUA_OK)
        lua_error(L);
}

static void raise(lua_State *L, const struct err *err) {
    luaL_error(L, "%s", err->text);
}

void sandbox_load(lua_State *L, struct bundle *bundle,
                  const struct script *script) {
    struct err err;
    struct str code;

    if (!bundle_code(bundle, script, &code, &err))
        raise(L, &err);
    load(L, code, script->path);
}

void sandbox_load_engine(lua_State *L, struct bundle *bundle,
                         const char *name) {
    struct err err;
    struct str code;

    if (!bundle_engine_code(bundle, name, &code, &err))
        raise(L, &err);
    load(L, code, name);
}

static const struct script *find_library(struct bundle *bundle,
                                         const char    *name) {
    return strncmp(name, "lib.", 4) == 0
               ? bundle_find(bundle, SCRIPT_LIB, str_of(name + 4))
               : NULL;
}

static void load_library(lua_State *L, struct bundle *bundle,
                         const struct script *script) {
    if (!script) {
        marshal_push_cjson(L);
        return;
    }
    sandbox_load(L, bundle, script);
    lua_call(L, 0, 1);
}

/* require(name) -> what the library returned, once for each VM.
 *   local time = require "lib.time" */
static int require(lua_State *L) {
    struct bundle       *bundle = lua_touserdata(L, lua_upvalueindex(1));
    const char          *name = luaL_checkstring(L, 1);
    const struct script *script = find_library(bundle, name);

    lua_settop(L, 1);
    lua_rawgetp(L, LUA_REGISTRYINDEX, &loaded_key);
    lua_pushvalue(L, 1);
    if (lua_rawget(L, 2) == LUA_TBOOLEAN)
        return luaL_error(L, "library '%s' requires itself, or has failed",
                          name);
    if (!lua_isnil(L, -1))
        return 1;
    if (!script && strcmp(name, "cjson") != 0)
        return luaL_error(L,
                          "no library '%s'; require knows lib.* of this "
                          "bundle and cjson",
                          name);
    lua_pushvalue(L, 1);
    lua_pushboolean(L, true);
    lua_rawset(L, 2);
    load_library(L, bundle, script);
    lua_pushvalue(L, 1);
    lua_pushvalue(L, -2);
    lua_rawset(L, 2);
    return 1;
}

/* "10" + 1 is 11, as in every Lua: the measurements of a Prometheus are text.
 */
static int string_arithmetic(lua_State *L) {
    lua_settop(L, 2);
    for (int i = 1; i <= 2; i++) {
        if (lua_type(L, i) == LUA_TSTRING &&
            lua_stringtonumber(L, lua_tostring(L, i)))
            lua_replace(L, i);
        if (lua_type(L, i) != LUA_TNUMBER)
            return luaL_error(L, "attempt to perform arithmetic on a %s value",
                              luaL_typename(L, i));
    }
    lua_arith(L, (int)lua_tointeger(L, lua_upvalueindex(1)));
    return 1;
}

static void set_string_arithmetic(lua_State *L) {
    static const struct {
        const char *event;
        int         operator;
    } events[] = {{"__add", LUA_OPADD},   {"__sub", LUA_OPSUB},
                  {"__mul", LUA_OPMUL},   {"__mod", LUA_OPMOD},
                  {"__pow", LUA_OPPOW},   {"__div", LUA_OPDIV},
                  {"__idiv", LUA_OPIDIV}, {"__unm", LUA_OPUNM}};

    for (size_t i = 0; i < sizeof events / sizeof *events; i++) {
        lua_pushinteger(L, events[i].operator);
        lua_pushcclosure(L, string_arithmetic, 1);
        lua_setfield(L, -2, events[i].event);
    }
}

/* Strings find their methods in the sandbox's table and nowhere else. */
static void set_string_methods(lua_State *L, int string) {
    lua_pushliteral(L, "");
    lua_createtable(L, 0, 10);
    set_string_arithmetic(L);
    lua_pushvalue(L, string);
    lua_setfield(L, -2, "__index");
    lua_pushboolean(L, false);
    lua_setfield(L, -2, "__metatable");
    lua_setmetatable(L, -2);
    lua_pop(L, 1);
}

void sandbox_open(lua_State *L, struct bundle *bundle) {
    int globals;

    marshal_open(L);
    lua_newtable(L);
    lua_rawsetp(L, LUA_REGISTRYINDEX, &loaded_key);

    lua_createtable(L, 0, 32);
    globals = lua_gettop(L);
    lua_pushvalue(L, globals);
    lua_rawseti(L, LUA_REGISTRYINDEX, LUA_RIDX_GLOBALS);
    bounded_open_base(L);
    bounded_open_string(L);
    set_string_methods(L, lua_gettop(L));
    lua_setfield(L, globals, "string");
    bounded_open_table(L);
    lua_setfield(L, globals, "table");
    bounded_open_utf8(L);
    lua_setfield(L, globals, "utf8");
    bounded_open_math(L);
    lua_setfield(L, globals, "math");
    marshal_push_library(L);
    lua_setfield(L, globals, "json");
    lua_pushlightuserdata(L, bundle);
    lua_pushcclosure(L, require, 1);
    lua_setfield(L, globals, "require");

    sandbox_load_engine(L, bundle, "prelude");
    lua_pushvalue(L, globals);
    lua_call(L, 1, 0);
    lua_settop(L, globals - 1);
}
