/* bounded_table.c - table functions whose work is known from a range.
 *
 * The range is charged whole before the first element is touched, so a table
 * that claims a length of 2^60 is refused and not walked. Elements go through
 * metamethods as in stock; those run under the hook.
 */
#include "vm/bounded_private.h"

#include <lauxlib.h>
#include <limits.h>

#define READS 1
#define WRITES 2
#define COUNTS 4

/* What is no table must have the metamethods that stand in for one. */
static void check_table(lua_State *L, int index, int uses) {
    static const char *const names[] = {"__index", "__newindex", "__len"};

    if (lua_type(L, index) == LUA_TTABLE)
        return;
    for (int i = 0; i < 3; i++)
        if (uses & 1 << i) {
            if (luaL_getmetafield(L, index, names[i]) == LUA_TNIL)
                luaL_checktype(L, index, LUA_TTABLE);
            lua_pop(L, 1);
        }
}

static lua_Integer length(lua_State *L, int index, int uses) {
    check_table(L, index, uses | COUNTS);
    return luaL_len(L, index);
}

/* A move reads one element and writes another, through two lookups. */
static void charge_moves(lua_State *L, lua_Unsigned count) {
    bounded_charge(L, count);
    bounded_charge(L, count);
}

/* table.insert(list, position?, value) */
static int insert(lua_State *L) {
    lua_Integer end =
        (lua_Integer)((lua_Unsigned)length(L, 1, READS | WRITES) + 1);
    lua_Integer at = end;

    switch (lua_gettop(L)) {
    case 2: break;
    case 3:
        at = luaL_checkinteger(L, 2);
        luaL_argcheck(L, (lua_Unsigned)at - 1 < (lua_Unsigned)end, 2,
                      "position out of bounds");
        charge_moves(L, bounded_span(at, end));
        for (lua_Integer i = end; i > at; i--) {
            lua_geti(L, 1, i - 1);
            lua_seti(L, 1, i);
        }
        break;
    default: return luaL_error(L, "wrong number of arguments to 'insert'");
    }
    lua_seti(L, 1, at);
    return 0;
}

/* table.remove(list, position?) -> value */
static int remove_at(lua_State *L) {
    lua_Integer size = length(L, 1, READS | WRITES);
    lua_Integer at = luaL_optinteger(L, 2, size);

    if (at != size)
        luaL_argcheck(L, (lua_Unsigned)at - 1 <= (lua_Unsigned)size, 2,
                      "position out of bounds");
    charge_moves(L, bounded_span(at, size));
    lua_geti(L, 1, at);
    for (; at < size; at++) {
        lua_geti(L, 1, at + 1);
        lua_seti(L, 1, at);
    }
    lua_pushnil(L);
    lua_seti(L, 1, at);
    return 1;
}

static void copy_up(lua_State *L, int to, lua_Integer from, lua_Integer count,
                    lua_Integer at) {
    for (lua_Integer i = 0; i < count; i++) {
        lua_geti(L, 1, from + i);
        lua_seti(L, to, at + i);
    }
}

static void copy_down(lua_State *L, int to, lua_Integer from, lua_Integer count,
                      lua_Integer at) {
    for (lua_Integer i = count - 1; i >= 0; i--) {
        lua_geti(L, 1, from + i);
        lua_seti(L, to, at + i);
    }
}

/* table.move(from, first, last, at, to?) -> to
 *   table.move({ 1, 2, 3 }, 2, 3, 1)  --> { 2, 3, 3 } */
static int move(lua_State *L) {
    lua_Integer first = luaL_checkinteger(L, 2);
    lua_Integer last = luaL_checkinteger(L, 3);
    lua_Integer at = luaL_checkinteger(L, 4);
    int         to = lua_isnoneornil(L, 5) ? 1 : 5;
    lua_Integer count;

    check_table(L, 1, READS);
    check_table(L, to, WRITES);
    if (last >= first) {
        luaL_argcheck(L, first > 0 || last < LUA_MAXINTEGER + first, 3,
                      "too many elements to move");
        count = last - first + 1;
        luaL_argcheck(L, at <= LUA_MAXINTEGER - count + 1, 4,
                      "destination wrap around");
        charge_moves(L, (lua_Unsigned)count);
        if (at > last || at <= first ||
            (to != 1 && !lua_compare(L, 1, to, LUA_OPEQ)))
            copy_up(L, to, first, count, at);
        else
            copy_down(L, to, first, count, at);
    }
    lua_pushvalue(L, to);
    return 1;
}

/* --- concat ------------------------------------------------------------ */

struct joining {
    luaL_Buffer buffer;
    size_t      len;
};

static void grow(lua_State *L, struct joining *j, size_t len) {
    bounded_charge_bytes(L, len);
    j->len += len;
    if (j->len > BOUNDED_STRING_MAX)
        luaL_error(L, "resulting string too large");
}

static void join_element(lua_State *L, struct joining *j, lua_Integer i) {
    size_t len;

    lua_geti(L, 1, i);
    if (!lua_isstring(L, -1))
        luaL_error(L, "invalid value (%s) at index %I in table for 'concat'",
                   luaL_typename(L, -1), (LUAI_UACINT)i);
    lua_tolstring(L, -1, &len);
    grow(L, j, len);
    luaL_addvalue(&j->buffer);
}

/* table.concat(list, between?, first?, last?) -> text */
static int concat(lua_State *L) {
    lua_Integer    last = length(L, 1, READS);
    size_t         len;
    const char    *between = luaL_optlstring(L, 2, "", &len);
    lua_Integer    i = luaL_optinteger(L, 3, 1);
    struct joining j = {.len = 0};

    last = luaL_optinteger(L, 4, last);
    bounded_charge(L, bounded_span(i, last));
    luaL_buffinit(L, &j.buffer);
    for (; i < last; i++) {
        join_element(L, &j, i);
        grow(L, &j, len);
        luaL_addlstring(&j.buffer, between, len);
    }
    if (i == last)
        join_element(L, &j, i);
    luaL_pushresult(&j.buffer);
    return 1;
}

/* --- pack and unpack --------------------------------------------------- */

/* table.pack(values…) -> { n = count, values… } */
static int pack(lua_State *L) {
    int count = lua_gettop(L);

    bounded_charge(L, (lua_Unsigned)count);
    lua_createtable(L, count, 1);
    lua_insert(L, 1);
    for (int i = count; i >= 1; i--)
        lua_seti(L, 1, i);
    lua_pushinteger(L, count);
    lua_setfield(L, 1, "n");
    return 1;
}

/* table.unpack(list, first?, last?) -> values… */
static int unpack(lua_State *L) {
    lua_Integer first = luaL_optinteger(L, 2, 1);
    lua_Integer last =
        lua_isnoneornil(L, 3) ? luaL_len(L, 1) : luaL_checkinteger(L, 3);
    lua_Unsigned count = bounded_span(first, last);

    if (count >= INT_MAX || !lua_checkstack(L, (int)count))
        return luaL_error(L, "too many results to unpack");
    bounded_charge(L, count);
    for (lua_Unsigned i = 0; i < count; i++)
        lua_geti(L, 1, (lua_Integer)((lua_Unsigned)first + i));
    return (int)count;
}

void bounded_table_push(lua_State *L) {
    static const luaL_Reg functions[] = {
        {"concat", concat}, {"insert", insert},    {"move", move},
        {"pack", pack},     {"remove", remove_at}, {"unpack", unpack},
        {NULL, NULL}};

    luaL_checkstack(L, 4, "table");
    lua_createtable(L, 0, 8);
    luaL_setfuncs(L, functions, 0);
}
