/* bounded_string.c - string functions without patterns and without format.
 *
 * A result's length is known before the first byte is written, so it is
 * checked against the cap, charged, and then built in one buffer of Lua's.
 */
#include "vm/bounded_private.h"

#include <ctype.h>
#include <lauxlib.h>
#include <limits.h>
#include <string.h>

/* Where a position from the left or, negative, from the right begins: at least
 * 1, but perhaps behind the end. */
static lua_Integer position_first(lua_Integer position, size_t len) {
    if (position > 0)
        return position;
    if (position == 0 || position < -(lua_Integer)len)
        return 1;
    return (lua_Integer)len + position + 1;
}

/* The same for where a range ends: at most the end, perhaps 0. */
static lua_Integer position_last(lua_Integer position, size_t len) {
    if (position > (lua_Integer)len)
        return (lua_Integer)len;
    if (position >= 0)
        return position;
    if (position < -(lua_Integer)len)
        return 0;
    return (lua_Integer)len + position + 1;
}

/* string.len(s) -> bytes */
static int len(lua_State *L) {
    size_t bytes;

    luaL_checklstring(L, 1, &bytes);
    lua_pushinteger(L, (lua_Integer)bytes);
    return 1;
}

/* string.sub(s, first, last?) -> text
 *   ("checkout"):sub(-3)  --> "out" */
static int sub(lua_State *L) {
    size_t      bytes;
    const char *s = luaL_checklstring(L, 1, &bytes);
    lua_Integer first = position_first(luaL_checkinteger(L, 2), bytes);
    lua_Integer last = position_last(luaL_optinteger(L, 3, -1), bytes);

    if (first > last) {
        lua_pushliteral(L, "");
        return 1;
    }
    bounded_charge_bytes(L, bounded_span(first, last));
    lua_pushlstring(L, s + first - 1, bounded_span(first, last));
    return 1;
}

/* string.byte(s, first?, last?) -> numbers… */
static int byte(lua_State *L) {
    size_t       bytes;
    const char  *s = luaL_checklstring(L, 1, &bytes);
    lua_Integer  from = luaL_optinteger(L, 2, 1);
    lua_Integer  first = position_first(from, bytes);
    lua_Integer  last = position_last(luaL_optinteger(L, 3, from), bytes);
    lua_Unsigned count = bounded_span(first, last);

    if (count >= INT_MAX)
        return luaL_error(L, "string slice too long");
    luaL_checkstack(L, (int)count, "string slice too long");
    bounded_charge(L, count);
    for (lua_Unsigned i = 0; i < count; i++)
        lua_pushinteger(L, (unsigned char)s[(lua_Unsigned)first - 1 + i]);
    return (int)count;
}

/* string.char(numbers…) -> text */
static int from_bytes(lua_State *L) {
    int         count = lua_gettop(L);
    luaL_Buffer buffer;
    char       *to;

    bounded_charge(L, (lua_Unsigned)count);
    to = luaL_buffinitsize(L, &buffer, (size_t)count);
    for (int i = 1; i <= count; i++) {
        lua_Unsigned code = (lua_Unsigned)luaL_checkinteger(L, i);

        luaL_argcheck(L, code <= UCHAR_MAX, i, "value out of range");
        to[i - 1] = (char)code;
    }
    luaL_pushresultsize(&buffer, (size_t)count);
    return 1;
}

static int map_bytes(lua_State *L, int (*map)(int)) {
    size_t      bytes;
    const char *s = luaL_checklstring(L, 1, &bytes);
    luaL_Buffer buffer;
    char       *to;

    bounded_charge(L, bytes / 4);
    to = luaL_buffinitsize(L, &buffer, bytes);
    for (size_t i = 0; i < bytes; i++)
        to[i] = (char)map((unsigned char)s[i]);
    luaL_pushresultsize(&buffer, bytes);
    return 1;
}

/* string.lower(s) -> text */
static int lower(lua_State *L) {
    return map_bytes(L, tolower);
}

/* string.upper(s) -> text */
static int upper(lua_State *L) {
    return map_bytes(L, toupper);
}

/* string.reverse(s) -> text */
static int reverse(lua_State *L) {
    size_t      bytes;
    const char *s = luaL_checklstring(L, 1, &bytes);
    luaL_Buffer buffer;
    char       *to;

    bounded_charge(L, bytes / 4);
    to = luaL_buffinitsize(L, &buffer, bytes);
    for (size_t i = 0; i < bytes; i++)
        to[i] = s[bytes - 1 - i];
    luaL_pushresultsize(&buffer, bytes);
    return 1;
}

struct part {
    const char *text;
    size_t      len;
};

/* Writes text and separator once, then copies what is there behind itself. */
static void repeat(char *to, size_t total, struct part s, struct part between) {
    size_t done = s.len + between.len, more;

    memcpy(to, s.text, s.len);
    if (total == s.len)
        return;
    memcpy(to + s.len, between.text, between.len);
    for (; done < total; done += more) {
        more = done < total - done ? done : total - done;
        memcpy(to + done, to, more);
    }
}

/* string.rep(s, count, between?) -> text
 *   ("-"):rep(3, "+")  --> "-+-+-" */
static int rep(lua_State *L) {
    struct part s, between;
    lua_Integer count;
    size_t      total;
    luaL_Buffer buffer;
    char       *to;

    s.text = luaL_checklstring(L, 1, &s.len);
    count = luaL_checkinteger(L, 2);
    between.text = luaL_optlstring(L, 3, "", &between.len);
    if (count <= 0 || s.len + between.len == 0) {
        lua_pushliteral(L, "");
        return 1;
    }
    if ((lua_Unsigned)count > BOUNDED_STRING_MAX / (s.len + between.len) + 1)
        return luaL_error(L, "resulting string too large");
    total = (size_t)count * s.len + ((size_t)count - 1) * between.len;
    if (total > BOUNDED_STRING_MAX)
        return luaL_error(L, "resulting string too large");
    bounded_charge(L, (lua_Unsigned)count);
    bounded_charge_bytes(L, total);
    to = luaL_buffinitsize(L, &buffer, total);
    repeat(to, total, s, between);
    luaL_pushresultsize(&buffer, total);
    return 1;
}

void bounded_string_push(lua_State *L) {
    static const luaL_Reg functions[] = {
        {"byte", byte},   {"char", from_bytes}, {"len", len},
        {"lower", lower}, {"rep", rep},         {"reverse", reverse},
        {"sub", sub},     {"upper", upper},     {NULL, NULL}};

    luaL_checkstack(L, 4, "string");
    lua_createtable(L, 0, 18);
    luaL_setfuncs(L, functions, 0);
}
