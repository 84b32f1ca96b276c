/* bounded_order.c - pairs and next in the order of keys.
 *
 * Lua's own order over string keys differs from process to process. Here
 * numbers come first, ascending, then strings by their bytes, then false and
 * true; other keys have no order that a second run would repeat, and are
 * refused. (BD4) pairs takes all keys at once and sorts them in a block that
 * Lua owns; what is removed meanwhile is skipped, what is added is not seen.
 * next looks for the smallest key that is greater, one pass each time.
 */
#include "vm/bounded_private.h"

#include <lauxlib.h>
#include <math.h>
#include <string.h>

#include "vm/vm.h"

enum rank { RANK_NUMBER, RANK_STRING, RANK_BOOLEAN };

/* A key as C sees it; a string's bytes are borrowed from the table. */
struct key {
    union {
        lua_Integer whole; /* also 0 and 1 of a boolean */
        lua_Number  real;
        const char *text;
    };
    size_t   len;   /* of text */
    uint32_t place; /* in the list of unsorted keys */
    uint8_t  rank;
    bool     integer;
};

/* --- one key before another -------------------------------------------- */

static int compare_whole(lua_Integer a, lua_Integer b) {
    return (a > b) - (a < b);
}

/* A float key is never an integer that fits, so the two are never equal. */
static int compare_mixed(lua_Integer whole, lua_Number real) {
    if (real >= 9223372036854775808.0)
        return -1;
    if (real < -9223372036854775808.0)
        return 1;
    return whole <= (lua_Integer)floor(real) ? -1 : 1;
}

static int compare_numbers(const struct key *a, const struct key *b) {
    if (a->integer && b->integer)
        return compare_whole(a->whole, b->whole);
    if (a->integer)
        return compare_mixed(a->whole, b->real);
    if (b->integer)
        return -compare_mixed(b->whole, a->real);
    return (a->real > b->real) - (a->real < b->real);
}

static int compare_text(const struct key *a, const struct key *b) {
    size_t shorter = a->len < b->len ? a->len : b->len;
    int    order = memcmp(a->text, b->text, shorter);

    return order ? order : (a->len > b->len) - (a->len < b->len);
}

static int compare(const struct key *a, const struct key *b) {
    if (a->rank != b->rank)
        return a->rank < b->rank ? -1 : 1;
    switch (a->rank) {
    case RANK_NUMBER: return compare_numbers(a, b);
    case RANK_STRING: return compare_text(a, b);
    default: return compare_whole(a->whole, b->whole);
    }
}

/* --- reading ----------------------------------------------------------- */

/* The key at the stack index. Does not convert it, as lua_next requires. */
static struct key read_key(lua_State *L, int index, const char *function) {
    struct key key = {.integer = true};

    switch (lua_type(L, index)) {
    case LUA_TNUMBER:
        key.rank = RANK_NUMBER;
        key.integer = lua_isinteger(L, index);
        if (key.integer)
            key.whole = lua_tointeger(L, index);
        else
            key.real = lua_tonumber(L, index);
        break;
    case LUA_TSTRING:
        key.rank = RANK_STRING;
        key.text = lua_tolstring(L, index, &key.len);
        break;
    case LUA_TBOOLEAN:
        key.rank = RANK_BOOLEAN;
        key.whole = lua_toboolean(L, index);
        break;
    default:
        luaL_error(L,
                   "%s: a key of type %s has no order; use numbers, "
                   "strings or booleans as keys",
                   function, luaL_typename(L, index));
    }
    return key;
}

/* Pushes a list of the keys of the table at 1, as Lua has them; *bytes is the
 * length of all strings. Charges before each thousand. */
static lua_Integer push_keys(lua_State *L, size_t *bytes, bool *sorted) {
    lua_Integer count = 0;
    int         list;
    struct key  last = {0}, key;

    *bytes = 0;
    *sorted = true;
    lua_newtable(L);
    list = lua_gettop(L);
    lua_pushnil(L);
    while (lua_next(L, 1)) {
        lua_pop(L, 1);
        if (count % 1000 == 0)
            vm_charge(L, count ? 1000 : 16);
        key = read_key(L, -1, "pairs");
        *bytes += key.len;
        bounded_charge_bytes(L, key.len);
        if (count > 0 && *sorted)
            *sorted = compare(&last, &key) < 0;
        last = key;
        lua_pushvalue(L, -1);
        lua_rawseti(L, list, ++count);
    }
    return count;
}

/* --- sorting ----------------------------------------------------------- */

static void merge(struct key *from, struct key *to, lua_Integer left,
                  lua_Integer middle, lua_Integer right) {
    lua_Integer a = left, b = middle;

    for (lua_Integer i = left; i < right; i++) {
        if (a < middle && (b == right || compare(&from[a], &from[b]) <= 0))
            to[i] = from[a++];
        else
            to[i] = from[b++];
    }
}

/* Bottom up; the sorted keys are in one of the two halves of `keys`. */
static struct key *sort(lua_State *L, struct key *keys, lua_Integer count,
                        size_t bytes) {
    struct key *from = keys, *to = keys + count;

    for (lua_Integer width = 1; width < count; width *= 2) {
        struct key *swap = from;

        bounded_charge(L, (lua_Unsigned)count);
        bounded_charge_bytes(L, bytes);
        for (lua_Integer left = 0; left < count; left += 2 * width) {
            lua_Integer middle = left + width, right = middle + width;

            merge(from, to, left, middle < count ? middle : count,
                  right < count ? right : count);
        }
        from = to;
        to = swap;
    }
    return from;
}

/* Replaces the list of keys at the top by a sorted one. */
static void sort_keys(lua_State *L, lua_Integer count, size_t bytes) {
    int         list = lua_gettop(L);
    struct key *keys =
        lua_newuserdatauv(L, 2 * (size_t)count * sizeof *keys, 0);

    for (lua_Integer i = 0; i < count; i++) {
        lua_rawgeti(L, list, i + 1);
        keys[i] = read_key(L, -1, "pairs");
        keys[i].place = (uint32_t)i + 1;
        lua_pop(L, 1);
    }
    keys = sort(L, keys, count, bytes);
    lua_createtable(L, (int)count, 0);
    for (lua_Integer i = 0; i < count; i++) {
        lua_rawgeti(L, list, keys[i].place);
        lua_rawseti(L, -2, i + 1);
    }
    lua_replace(L, list);
    lua_settop(L, list);
}

/* --- pairs ------------------------------------------------------------- */

/* Upvalues: the sorted keys, the place of the last one given, the table. */
static int next_pair(lua_State *L) {
    lua_Integer at = lua_tointeger(L, lua_upvalueindex(2));

    lua_settop(L, 0);
    for (;;) {
        if (lua_rawgeti(L, lua_upvalueindex(1), ++at) == LUA_TNIL)
            return 1;
        lua_pushvalue(L, 1);
        if (lua_rawget(L, lua_upvalueindex(3)) != LUA_TNIL)
            break;
        vm_charge(L, 1);
        lua_settop(L, 0);
    }
    lua_pushinteger(L, at);
    lua_replace(L, lua_upvalueindex(2));
    return 2;
}

static int pairs_finish(lua_State *L, int status, lua_KContext context) {
    (void)L;
    (void)status;
    (void)context;
    return 3;
}

/* pairs(table) -> iterator, table, nil
 *   for name, value in pairs({ b = 2, a = 1 }) do … end  --> a, then b */
int bounded_order_pairs(lua_State *L) {
    lua_Integer count;
    size_t      bytes;
    bool        sorted;

    luaL_checkany(L, 1);
    lua_settop(L, 1);
    if (luaL_getmetafield(L, 1, "__pairs") != LUA_TNIL) {
        lua_insert(L, 1);
        lua_callk(L, 1, 3, 0, pairs_finish);
        return 3;
    }
    luaL_checktype(L, 1, LUA_TTABLE);
    count = push_keys(L, &bytes, &sorted);
    if (!sorted)
        sort_keys(L, count, bytes);
    lua_pushinteger(L, 0);
    lua_pushvalue(L, 1);
    lua_pushcclosure(L, next_pair, 3);
    lua_pushvalue(L, 1);
    lua_pushnil(L);
    return 3;
}

/* --- next -------------------------------------------------------------- */

static int push_member(lua_State *L, int key) {
    lua_pushvalue(L, key);
    lua_pushvalue(L, key);
    lua_rawget(L, 1);
    return 2;
}

/* next(table, key?) -> the key that follows and its value, or nil. `key` need
 * not be in the table any more. */
int bounded_order_next(lua_State *L) {
    struct key after = {0}, best = {0}, key;
    bool       first, found = false;

    luaL_checktype(L, 1, LUA_TTABLE);
    lua_settop(L, 2);
    first = lua_isnil(L, 2);
    if (!first)
        after = read_key(L, 2, "next");
    lua_pushnil(L); /* 3: the best so far */
    lua_pushnil(L);
    for (size_t count = 0; lua_next(L, 1); count++) {
        lua_pop(L, 1);
        if (count % 1000 == 0)
            vm_charge(L, count ? 4000 : 16);
        key = read_key(L, -1, "next");
        bounded_charge_bytes(L, key.len);
        if ((!first && compare(&key, &after) <= 0) ||
            (found && compare(&key, &best) >= 0))
            continue;
        found = true;
        best = key;
        lua_pushvalue(L, -1);
        lua_replace(L, 3);
    }
    if (found)
        return push_member(L, 3);
    lua_pushnil(L);
    return 1;
}
