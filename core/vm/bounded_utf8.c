/* bounded_utf8.c - the utf8 library, reading no byte that is not charged.
 *
 * Lua strings end in a NUL behind their last byte, which is no continuation
 * byte, so decoding a cut-off character stops there without a length.
 */
#include "vm/bounded_private.h"

#include <lauxlib.h>
#include <limits.h>

#include "vm/vm.h"

#define INVALID "invalid UTF-8 code"
#define UNICODE_MAX 0x10FFFFu
#define CODE_MAX 0x7FFFFFFFu

static bool is_continuation(char c) {
    return ((unsigned char)c & 0xC0) == 0x80;
}

static lua_Integer from_end(lua_Integer position, size_t len) {
    if (position >= 0)
        return position;
    if (0u - (lua_Unsigned)position > len)
        return 0;
    return (lua_Integer)len + position + 1;
}

/* How many bytes follow a first byte; -1 when it is none. */
static int following(unsigned char c) {
    static const unsigned char limits[] = {0x80, 0xC0, 0xE0, 0xF0,
                                           0xF8, 0xFC, 0xFE};

    if (c < limits[0])
        return 0;
    for (int i = 1; i < 6; i++)
        if (c >= limits[i] && c < limits[i + 1])
            return i;
    return -1;
}

/* Behind the character at `s`, or NULL when it is malformed, overlong or,
 * unless lax, no character of Unicode. */
static const char *decode(const char *s, uint32_t *code, bool lax) {
    static const uint32_t smallest[] = {0,       0x80,     0x800,
                                        0x10000, 0x200000, 0x4000000};
    int                   count = following((unsigned char)*s);
    uint32_t              value;

    if (count < 0)
        return NULL;
    value = (unsigned char)*s & (count ? 0x3Fu >> count : 0x7Fu);
    for (int i = 1; i <= count; i++) {
        if (!is_continuation(s[i]))
            return NULL;
        value = value << 6 | ((unsigned char)s[i] & 0x3Fu);
    }
    if (value < smallest[count])
        return NULL;
    if (!lax && (value > UNICODE_MAX || (value >= 0xD800 && value <= 0xDFFF)))
        return NULL;
    *code = value;
    return s + count + 1;
}

/* utf8.len(s, first?, last?, lax?) -> characters, or nil and the position of
 * the first byte that is not UTF-8 */
static int len(lua_State *L) {
    size_t      bytes;
    const char *s = luaL_checklstring(L, 1, &bytes);
    lua_Integer at = from_end(luaL_optinteger(L, 2, 1), bytes);
    lua_Integer last = from_end(luaL_optinteger(L, 3, -1), bytes);
    bool        lax = lua_toboolean(L, 4);
    lua_Integer count = 0;
    uint32_t    code;

    luaL_argcheck(L, 1 <= at && --at <= (lua_Integer)bytes, 2,
                  "initial position out of bounds");
    luaL_argcheck(L, --last < (lua_Integer)bytes, 3,
                  "final position out of bounds");
    bounded_charge(L, bounded_span(at, last));
    while (at <= last) {
        const char *next = decode(s + at, &code, lax);

        if (!next) {
            luaL_pushfail(L);
            lua_pushinteger(L, at + 1);
            return 2;
        }
        at = next - s;
        count++;
    }
    lua_pushinteger(L, count);
    return 1;
}

/* utf8.codepoint(s, first?, last?, lax?) -> numbers… */
static int codepoint(lua_State *L) {
    size_t       bytes;
    const char  *s = luaL_checklstring(L, 1, &bytes), *end;
    lua_Integer  first = from_end(luaL_optinteger(L, 2, 1), bytes);
    lua_Integer  last = from_end(luaL_optinteger(L, 3, first), bytes);
    bool         lax = lua_toboolean(L, 4);
    lua_Unsigned span;
    uint32_t     code;
    int          count = 0;

    luaL_argcheck(L, first >= 1, 2, "out of bounds");
    luaL_argcheck(L, last <= (lua_Integer)bytes, 3, "out of bounds");
    span = bounded_span(first, last);
    if (span >= INT_MAX)
        return luaL_error(L, "string slice too long");
    luaL_checkstack(L, (int)span, "string slice too long");
    bounded_charge(L, span);
    for (end = s + last, s += first - 1; s < end && span; count++) {
        s = decode(s, &code, lax);
        if (!s)
            return luaL_error(L, INVALID);
        lua_pushinteger(L, code);
    }
    return count;
}

/* utf8.char(numbers…) -> text */
static int from_codes(lua_State *L) {
    int         count = lua_gettop(L);
    luaL_Buffer buffer;

    bounded_charge(L, 4 * (lua_Unsigned)count);
    luaL_buffinit(L, &buffer);
    for (int i = 1; i <= count; i++) {
        lua_Unsigned code = (lua_Unsigned)luaL_checkinteger(L, i);

        luaL_argcheck(L, code <= CODE_MAX, i, "value out of range");
        lua_pushfstring(L, "%U", (long)code);
        luaL_addvalue(&buffer);
    }
    luaL_pushresult(&buffer);
    return 1;
}

/* --- offset ------------------------------------------------------------ */

struct walk {
    lua_State  *L;
    const char *s;
    lua_Integer at, len;
    size_t      bytes;
};

/* One byte to the left or right; charges each thousand. */
static void walk_byte(struct walk *w, int by) {
    w->at += by;
    if (++w->bytes % 1000 == 0)
        vm_charge(w->L, 1000);
}

static bool inside(const struct walk *w) {
    return w->at < w->len && is_continuation(w->s[w->at]);
}

static lua_Integer walk_left(struct walk *w, lua_Integer n) {
    while (n < 0 && w->at > 0) {
        do
            walk_byte(w, -1);
        while (w->at > 0 && inside(w));
        n++;
    }
    return n;
}

static lua_Integer walk_right(struct walk *w, lua_Integer n) {
    n--;
    while (n > 0 && w->at < w->len) {
        do
            walk_byte(w, 1);
        while (inside(w));
        n--;
    }
    return n;
}

/* utf8.offset(s, n, from?) -> the byte where the n-th character begins */
static int offset(lua_State *L) {
    size_t      bytes;
    struct walk w = {.L = L, .s = luaL_checklstring(L, 1, &bytes)};
    lua_Integer n = luaL_checkinteger(L, 2);

    w.len = (lua_Integer)bytes;
    w.at = from_end(luaL_optinteger(L, 3, n >= 0 ? 1 : w.len + 1), bytes) - 1;
    luaL_argcheck(L, 0 <= w.at && w.at <= w.len, 3, "position out of bounds");
    if (n == 0) {
        while (w.at > 0 && inside(&w))
            walk_byte(&w, -1);
    } else {
        if (inside(&w))
            return luaL_error(L, "initial position is a continuation byte");
        n = n < 0 ? walk_left(&w, n) : walk_right(&w, n);
    }
    if (n == 0)
        lua_pushinteger(L, w.at + 1);
    else
        luaL_pushfail(L);
    return 1;
}

/* --- codes ------------------------------------------------------------- */

static int next_code(lua_State *L, bool lax) {
    size_t       bytes;
    struct walk  w = {.L = L, .s = luaL_checklstring(L, 1, &bytes)};
    lua_Unsigned at = (lua_Unsigned)lua_tointeger(L, 2);
    const char  *next;
    uint32_t     code;

    if (at >= bytes)
        return 0;
    w.len = (lua_Integer)bytes;
    w.at = (lua_Integer)at;
    while (inside(&w))
        walk_byte(&w, 1);
    if (w.at >= w.len)
        return 0;
    next = decode(w.s + w.at, &code, lax);
    if (!next)
        return luaL_error(L, INVALID);
    lua_pushinteger(L, w.at + 1);
    lua_pushinteger(L, code);
    return 2;
}

static int next_code_strict(lua_State *L) {
    return next_code(L, false);
}

static int next_code_lax(lua_State *L) {
    return next_code(L, true);
}

/* utf8.codes(s, lax?) -> iterator over position and code */
static int codes(lua_State *L) {
    luaL_checkstring(L, 1);
    lua_pushcfunction(L,
                      lua_toboolean(L, 2) ? next_code_lax : next_code_strict);
    lua_pushvalue(L, 1);
    lua_pushinteger(L, 0);
    return 3;
}

void bounded_utf8_push(lua_State *L) {
    static const luaL_Reg functions[] = {
        {"char", from_codes}, {"codepoint", codepoint}, {"codes", codes},
        {"len", len},         {"offset", offset},       {NULL, NULL}};
    static const char charpattern[] = "[\0-\x7F\xC2-\xFD][\x80-\xBF]*";

    luaL_checkstack(L, 4, "utf8");
    lua_createtable(L, 0, 6);
    luaL_setfuncs(L, functions, 0);
    lua_pushlstring(L, charpattern, sizeof charpattern - 1);
    lua_setfield(L, -2, "charpattern");
}
