/* marshal.c - lua_next and raw access only, so that no script code runs.
 *
 * marshal_take() owns C memory while it walks, so every Lua call in it is one
 * that cannot throw: lua_checkstack, lua_next, lua_rawget*, lua_to* on values
 * whose type was looked at first. (MA2)
 */
#include "vm/marshal.h"

#include <lauxlib.h>
#include <math.h>
#include <string.h>

#include "base/encode.h"
#include "vm/vm.h"

const struct marshal_caps marshal_caps_output = {4u << 20, 32, false};

static const char list_marker, map_marker;

static void push_marker(lua_State *L, const char *marker) {
    lua_rawgetp(L, LUA_REGISTRYINDEX, marker);
}

static void make_marker(lua_State *L, const char *marker, const char *name) {
    lua_createtable(L, 0, 1);
    lua_pushstring(L, name);
    lua_setfield(L, -2, "__metatable");
    lua_rawsetp(L, LUA_REGISTRYINDEX, marker);
}

void marshal_open(lua_State *L) {
    make_marker(L, &list_marker, "json.array");
    make_marker(L, &map_marker, "json.object");
}

/* --- JSON to Lua ------------------------------------------------------ */

static void push_list(lua_State *L, const struct json *list) {
    size_t count = json_count(list);

    lua_createtable(L, count < 65536 ? (int)count : 65536, 0);
    for (size_t i = 0; i < count; i++) {
        marshal_push(L, json_at(list, i));
        lua_rawseti(L, -2, (lua_Integer)i + 1);
    }
    push_marker(L, &list_marker);
    lua_setmetatable(L, -2);
}

static void push_map(lua_State *L, const struct json *map) {
    size_t       count = json_count(map);
    void        *at = NULL;
    struct str   key;
    struct json *value;

    lua_createtable(L, 0, count < 65536 ? (int)count : 65536);
    while (json_next(map, &at, &key, &value)) {
        lua_pushlstring(L, key.data, key.len);
        marshal_push(L, value);
        lua_rawset(L, -3);
    }
    push_marker(L, &map_marker);
    lua_setmetatable(L, -2);
}

void marshal_push(lua_State *L, const struct json *value) {
    struct str text;

    luaL_checkstack(L, 8, "JSON too deep");
    if (!value) {
        lua_pushnil(L);
        return;
    }
    switch (json_kind_of(value)) {
    case JSON_MAP: push_map(L, value); break;
    case JSON_LIST: push_list(L, value); break;
    case JSON_INT: lua_pushinteger(L, json_int(value)); break;
    case JSON_REAL_KIND: lua_pushnumber(L, json_number(value)); break;
    case JSON_BOOL: lua_pushboolean(L, json_truth(value)); break;
    case JSON_TEXT:
        text = json_text(value);
        lua_pushlstring(L, text.data, text.len);
        break;
    default: lua_pushlightuserdata(L, NULL); break;
    }
}

/* --- Lua to JSON ------------------------------------------------------ */

struct taking {
    lua_State                 *L;
    const struct marshal_caps *caps;
    size_t                     left;
    int                        depth;
    struct err                *err;
};

static struct json *take(struct taking *t, int index);

static struct json *refuse(struct taking *t, enum err_code code,
                           const char *why) {
    err_set(t->err, code, "%s", why);
    return NULL;
}

static bool spend(struct taking *t, size_t bytes) {
    if (bytes > t->left)
        return err_set(t->err, ERR_LIMIT, "output larger than %zu bytes",
                       t->caps->bytes);
    t->left -= bytes;
    return true;
}

static struct json *take_text(struct taking *t, int index) {
    struct str text;
    size_t     bad;

    text.data = lua_tolstring(t->L, index, &text.len);
    if (!spend(t, text.len))
        return NULL;
    if (!encode_utf8_valid(text, &bad))
        return refuse(t, ERR_CONTRACT, "text is not valid UTF-8");
    return json_new_text(text);
}

static struct json *take_number(struct taking *t, int index) {
    if (lua_isinteger(t->L, index))
        return json_new_int(lua_tointeger(t->L, index));
    if (!isfinite(lua_tonumber(t->L, index)))
        return refuse(t, ERR_CONTRACT, "number is not finite");
    return json_new_real(lua_tonumber(t->L, index));
}

static bool has_marker(lua_State *L, int index, const char *marker) {
    bool is;

    if (!lua_getmetatable(L, index))
        return false;
    push_marker(L, marker);
    is = lua_rawequal(L, -1, -2);
    lua_pop(L, 2);
    return is;
}

/* Keys exactly 1..n? */
static bool is_sequence(lua_State *L, int index) {
    lua_Unsigned count = 0, length = lua_rawlen(L, index);

    if (length == 0)
        return false;
    lua_pushnil(L);
    while (lua_next(L, index)) {
        lua_Integer key = lua_isinteger(L, -2) ? lua_tointeger(L, -2) : 0;

        lua_pop(L, 1);
        if (key < 1 || (lua_Unsigned)key > length) {
            lua_pop(L, 1);
            return false;
        }
        count++;
    }
    return count == length;
}

static bool is_empty(lua_State *L, int index) {
    lua_pushnil(L);
    if (!lua_next(L, index))
        return true;
    lua_pop(L, 2);
    return false;
}

static struct json *take_list(struct taking *t, int index) {
    lua_Unsigned length = lua_rawlen(t->L, index);
    struct json *list;

    /* What a marked list holds beside its positions would be lost. */
    if (!is_empty(t->L, index) && !is_sequence(t->L, index))
        return refuse(t, ERR_CONTRACT,
                      "a json.array has a name or a hole among its "
                      "positions 1..n");
    list = json_new_list();
    for (lua_Unsigned i = 1; i <= length; i++) {
        struct json *item;

        lua_rawgeti(t->L, index, (lua_Integer)i);
        item = take(t, lua_gettop(t->L));
        lua_pop(t->L, 1);
        if (!item) {
            err_wrap(t->err, "[%llu]", (unsigned long long)i);
            json_release(list);
            return NULL;
        }
        json_append(list, item);
    }
    return list;
}

static bool take_member(struct taking *t, struct json *map) {
    int          top = lua_gettop(t->L);
    struct str   key = {NULL, 0};
    struct json *value;
    size_t       bad;

    if (lua_type(t->L, top - 1) != LUA_TSTRING)
        return err_set(t->err, ERR_CONTRACT,
                       "a map's key is a %s; give positions 1..n without "
                       "holes, or names, not both",
                       lua_typename(t->L, lua_type(t->L, top - 1)));
    key.data = lua_tolstring(t->L, top - 1, &key.len);
    if (memchr(key.data, 0, key.len) || !encode_utf8_valid(key, &bad))
        return err_set(t->err, ERR_CONTRACT,
                       "a map's key is not valid UTF-8 text");
    if (!spend(t, key.len))
        return false;
    value = take(t, top);
    if (!value)
        return err_wrap(t->err, ".%.*s", (int)(key.len > 40 ? 40 : key.len),
                        key.data);
    json_put(map, key.data, value);
    return true;
}

static struct json *take_map(struct taking *t, int index) {
    struct json *map = json_new_map();

    lua_pushnil(t->L);
    while (lua_next(t->L, index)) {
        if (!take_member(t, map)) {
            lua_pop(t->L, 2);
            json_release(map);
            return NULL;
        }
        lua_pop(t->L, 1);
    }
    return map;
}

static struct json *take_table(struct taking *t, int index) {
    struct json *made;
    bool         list;

    if (t->depth == t->caps->depth || !lua_checkstack(t->L, 8)) {
        err_set(t->err, ERR_LIMIT, "output nested more than %d deep",
                t->caps->depth);
        return NULL;
    }
    list = has_marker(t->L, index, &list_marker) ||
           (!has_marker(t->L, index, &map_marker) && is_sequence(t->L, index));
    t->depth++;
    made = list ? take_list(t, index) : take_map(t, index);
    t->depth--;
    return made;
}

static struct json *take(struct taking *t, int index) {
    if (!spend(t, 16))
        return NULL;
    switch (lua_type(t->L, index)) {
    case LUA_TNIL: return json_new_null();
    case LUA_TBOOLEAN: return json_new_bool(lua_toboolean(t->L, index));
    case LUA_TNUMBER: return take_number(t, index);
    case LUA_TSTRING: return take_text(t, index);
    case LUA_TTABLE: return take_table(t, index);
    case LUA_TLIGHTUSERDATA: return json_new_null();
    case LUA_TFUNCTION:
        if (t->caps->functions)
            return json_new_text(STR("function"));
        break;
    default: break;
    }
    err_set(t->err, ERR_CONTRACT, "a %s cannot leave a script",
            lua_typename(t->L, lua_type(t->L, index)));
    return NULL;
}

struct json *marshal_take(lua_State *L, int index,
                          const struct marshal_caps *caps, struct err *err) {
    struct taking t = {L, caps, caps->bytes, 0, err};
    int           top = lua_gettop(L);
    struct json  *value;

    if (!lua_checkstack(L, 8)) {
        err_set(err, ERR_LIMIT, "no room on the Lua stack");
        return NULL;
    }
    value = take(&t, lua_absindex(L, index));
    lua_settop(L, top);
    return value;
}

/* --- the library ------------------------------------------------------ */

static int raise(lua_State *L, const struct err *err) {
    return luaL_error(L, "%s: %s", err_name(err->code), err->text);
}

/* json.array(table?) -> table: marks it, so that it is written as `[]`.
 *   ctx.aws("ecs:DescribeServices", { services = json.array{} }) */
static int mark(lua_State *L) {
    if (lua_isnoneornil(L, 1)) {
        lua_settop(L, 0);
        lua_newtable(L);
    }
    luaL_checktype(L, 1, LUA_TTABLE);
    lua_settop(L, 1);
    if (lua_getmetatable(L, 1)) {
        luaL_getmetafield(L, 1, "__metatable");
        if (lua_type(L, -1) != LUA_TSTRING)
            return luaL_error(L, "table already has a metatable");
        lua_settop(L, 1);
    }
    push_marker(L, lua_touserdata(L, lua_upvalueindex(1)));
    lua_setmetatable(L, 1);
    return 1;
}

/* C memory that must not leak when a later line throws: Lua's collector
 * releases it. The script never sees the holder. */
struct held {
    struct json *value;
    struct buf   text;
};

static int held_release(lua_State *L) {
    struct held *held = lua_touserdata(L, 1);

    json_release(held->value);
    held->value = NULL;
    buf_release(&held->text);
    return 0;
}

static struct held *hold(lua_State *L) {
    struct held *held = lua_newuserdatauv(L, sizeof *held, 0);

    vm_finalizes(L);
    *held = (struct held){NULL, BUF_EMPTY};
    if (luaL_newmetatable(L, "nightshift.held")) {
        lua_pushcfunction(L, held_release);
        lua_setfield(L, -2, "__gc");
    }
    lua_setmetatable(L, -2);
    return held;
}

/* json.encode(value) -> text, canonical.
 *   json.encode({ b = 1, a = json.array{} })  --> {"a":[],"b":1} */
static int encode(lua_State *L) {
    struct err   err;
    struct held *held;

    luaL_checkany(L, 1);
    vm_charge(L, 1000); /* also when it fails: what fails may be tried again */
    held = hold(L);
    held->value = marshal_take(L, 1, &marshal_caps_output, &err);
    if (!held->value)
        return raise(L, &err);
    json_write(held->value, &held->text);
    vm_charge(L, held->text.len);
    lua_pushlstring(L, buf_text(&held->text), held->text.len);
    buf_release(&held->text);
    return 1;
}

/* json.decode(text) -> value; raises on what is not strict JSON.
 *   json.decode("[1]")[1]  --> 1 */
static int decode(lua_State *L) {
    static const struct json_caps caps = {4u << 20, 64};
    struct err                    err;
    struct str                    text;
    struct held                  *held;

    text.data = luaL_checklstring(L, 1, &text.len);
    vm_charge(L, text.len * 4 + 1000);
    held = hold(L);
    held->value = json_parse(text, &caps, &err);
    if (!held->value)
        return raise(L, &err);
    marshal_push(L, held->value);
    return 1;
}

static void set_marker_function(lua_State *L, const char *name,
                                const char *marker) {
    lua_pushlightuserdata(L, (void *)(uintptr_t)marker);
    lua_pushcclosure(L, mark, 1);
    lua_setfield(L, -2, name);
}

/* The parts that `json` and `cjson` share. */
static void push_codec(lua_State *L) {
    static const luaL_Reg codec[] = {
        {"encode", encode}, {"decode", decode}, {NULL, NULL}};

    luaL_newlib(L, codec);
    lua_pushlightuserdata(L, NULL);
    lua_setfield(L, -2, "null");
}

void marshal_push_library(lua_State *L) {
    push_codec(L);
    set_marker_function(L, "array", &list_marker);
    set_marker_function(L, "object", &map_marker);
}

/* cjson.new() -> a codec of its own; it has no settings to keep apart. */
static int new_codec(lua_State *L) {
    marshal_push_cjson(L);
    return 1;
}

void marshal_push_cjson(lua_State *L) {
    push_codec(L);
    lua_pushcfunction(L, new_codec);
    lua_setfield(L, -2, "new");
    set_marker_function(L, "as_array", &list_marker);
    lua_newtable(L);
    push_marker(L, &list_marker);
    lua_setmetatable(L, -2);
    lua_setfield(L, -2, "empty_array");
    lua_pushliteral(L, "cjson");
    lua_setfield(L, -2, "_NAME");
}
