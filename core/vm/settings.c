/* settings.c - a script without a bundle: compiled, run once, thrown away. */
#include "vm/settings.h"

#include <lauxlib.h>

#include "vm/marshal.h"
#include "vm/sandbox.h"
#include "vm/vm.h"

struct reading {
    struct bundle   *bundle;
    const char      *name;
    struct str       text;
    settings_env_fn *env;
    struct json     *table;
};

/* env(name) -> string or nil
 *   region = env("AWS_REGION") or "eu-central-1" */
static int env(lua_State *L) {
    struct reading *reading = lua_touserdata(L, lua_upvalueindex(1));

    lua_pushstring(L, reading->env(luaL_checkstring(L, 1)));
    return 1;
}

/* secret(name) -> { secret = name }
 *   token = secret("GITHUB_TOKEN") */
static int secret(lua_State *L) {
    luaL_checkstring(L, 1);
    lua_createtable(L, 0, 1);
    lua_pushvalue(L, 1);
    lua_setfield(L, -2, "secret");
    return 1;
}

static void set_global(lua_State *L, const char *name, lua_CFunction fn,
                       void *arg) {
    lua_pushlightuserdata(L, arg);
    lua_pushcclosure(L, fn, 1);
    lua_setglobal(L, name);
}

static int read_settings(lua_State *L) {
    struct reading *reading = lua_touserdata(L, 1);
    struct err      err;

    sandbox_open(L, reading->bundle);
    set_global(L, "env", env, reading);
    set_global(L, "secret", secret, reading);
    if (luaL_loadbufferx(L, reading->text.data, reading->text.len,
                         reading->name, "t") != LUA_OK)
        return lua_error(L);
    lua_call(L, 0, 1);
    if (!lua_istable(L, -1))
        return luaL_error(L, "must return a table, returned a %s",
                          luaL_typename(L, -1));
    reading->table = marshal_take(L, -1, &marshal_caps_output, &err);
    return reading->table ? 0 : luaL_error(L, "%s", err.text);
}

struct json *settings_read(struct bundle *bundle, const char *path,
                           struct str text, settings_env_fn *get_env,
                           struct err *err) {
    struct buf     name = BUF_EMPTY;
    struct reading reading = {bundle, NULL, text, get_env, NULL};
    struct vm     *vm = vm_open(&vm_limits_node, bundle_clock(bundle));
    bool           ok;

    buf_addf(&name, "@%s", path);
    reading.name = buf_text(&name);
    ok = vm_enter(vm, read_settings, &reading, err);
    vm_close(vm);
    buf_release(&name);
    if (ok)
        return reading.table;
    json_release(reading.table);
    err->code = ERR_CONFIG;
    return NULL;
}
