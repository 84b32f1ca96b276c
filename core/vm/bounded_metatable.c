/* bounded_metatable.c - scripts describe a metatable, Lua uses a copy of it.
 *
 * The copy has the metamethods of the list below and nothing else, so __gc,
 * __mode and __close cannot come in later by assignment to the table that the
 * script still has. (BD5) Each described table has one copy, found through a
 * weak table in the registry and filled anew by every setmetatable, so that a
 * thousand objects of one class share one copy. In the copy a key that no
 * script can name leads back to the described table, for getmetatable.
 */
#include "vm/bounded_private.h"

#include <lauxlib.h>

#include "vm/vm.h"

static const char copies_key; /* registry: described table -> its copy */
static const char origin_key; /* in a copy: the described table */

/* Pushes the weak table; its keys are described tables. */
static void push_copies(lua_State *L) {
    if (lua_rawgetp(L, LUA_REGISTRYINDEX, &copies_key) == LUA_TTABLE)
        return;
    lua_pop(L, 1);
    lua_newtable(L);
    lua_createtable(L, 0, 1);
    lua_pushliteral(L, "k");
    lua_setfield(L, -2, "__mode");
    lua_setmetatable(L, -2);
    lua_pushvalue(L, -1);
    lua_rawsetp(L, LUA_REGISTRYINDEX, &copies_key);
}

static void fill_copy(lua_State *L, int described, int copy) {
    static const char *const fields[] = {
        "__add",      "__band",  "__bnot",      "__bor",  "__bxor",  "__call",
        "__concat",   "__div",   "__eq",        "__idiv", "__index", "__le",
        "__len",      "__lt",    "__metatable", "__mod",  "__mul",   "__name",
        "__newindex", "__pairs", "__pow",       "__shl",  "__shr",   "__sub",
        "__tostring", "__unm"};

    for (size_t i = 0; i < sizeof fields / sizeof *fields; i++) {
        lua_pushstring(L, fields[i]);
        lua_pushvalue(L, -1);
        lua_rawget(L, described);
        lua_rawset(L, copy);
    }
}

/* Pushes the copy of the table at `described`. */
static void push_copy(lua_State *L, int described) {
    int copies;

    push_copies(L);
    copies = lua_gettop(L);
    lua_pushvalue(L, described);
    if (lua_rawget(L, copies) != LUA_TTABLE) {
        lua_pop(L, 1);
        lua_createtable(L, 0, 8);
        lua_pushvalue(L, described);
        lua_rawsetp(L, -2, &origin_key);
        lua_pushvalue(L, described);
        lua_pushvalue(L, -2);
        lua_rawset(L, copies);
    }
    fill_copy(L, described, lua_gettop(L));
    lua_remove(L, copies);
}

/* Lua follows a __call that is itself called through a __call inside one
 * instruction, moving the stack at each step: a ring of them takes hours. */
static void check_call(lua_State *L, int described) {
    int kind;

    lua_pushliteral(L, "__call");
    kind = lua_rawget(L, described);
    if (kind != LUA_TNIL && kind != LUA_TFUNCTION)
        luaL_error(L, "'__call' must be a function");
    lua_pop(L, 1);
}

static void refuse_fields(lua_State *L, int described) {
    static const char *const fields[] = {"__gc", "__mode", "__close"};

    for (size_t i = 0; i < sizeof fields / sizeof *fields; i++) {
        lua_pushstring(L, fields[i]);
        if (lua_rawget(L, described) != LUA_TNIL)
            luaL_error(L, "a metatable may not have '%s'", fields[i]);
        lua_pop(L, 1);
    }
}

/* setmetatable(table, metatable or nil) -> table
 *   setmetatable({}, { __index = defaults })
 * Metamethods assigned to the metatable afterwards take effect with the next
 * setmetatable that is given it. */
int bounded_metatable_set(lua_State *L) {
    int kind = lua_type(L, 2);

    luaL_checktype(L, 1, LUA_TTABLE);
    luaL_argexpected(L, kind == LUA_TNIL || kind == LUA_TTABLE, 2,
                     "nil or table");
    if (luaL_getmetafield(L, 1, "__metatable") != LUA_TNIL)
        return luaL_error(L, "cannot change a protected metatable");
    lua_settop(L, 2);
    if (kind == LUA_TTABLE) {
        vm_charge(L, 30);
        refuse_fields(L, 2);
        check_call(L, 2);
        push_copy(L, 2);
    }
    lua_setmetatable(L, 1);
    lua_settop(L, 1);
    return 1;
}

/* getmetatable(value) -> what setmetatable was given, its __metatable, nil
 * when there is none, and false for a metatable that is not the script's. */
int bounded_metatable_get(lua_State *L) {
    luaL_checkany(L, 1);
    if (!lua_getmetatable(L, 1)) {
        lua_pushnil(L);
        return 1;
    }
    lua_pushliteral(L, "__metatable");
    if (lua_rawget(L, -2) != LUA_TNIL)
        return 1;
    lua_pop(L, 1);
    if (lua_rawgetp(L, -1, &origin_key) == LUA_TNIL)
        lua_pushboolean(L, 0);
    return 1;
}
