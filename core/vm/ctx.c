/* ctx.c - no I/O, no heap, one yield. (CX1) */
#include "vm/ctx.h"

#include <lauxlib.h>

#include "vm/sandbox.h"

/* "scripts/nodes/analyst.lua:12" of the nearest frame that is a script's. */
static void push_where(lua_State *L) {
    lua_Debug frame;

    for (int level = 1; lua_getstack(L, level, &frame); level++) {
        lua_getinfo(L, "Sl", &frame);
        if (frame.source[0] == '@') {
            lua_pushfstring(L, "%s:%d", frame.short_src, frame.currentline);
            return;
        }
    }
    lua_pushliteral(L, "");
}

/* ask(kind, …) -> ok, answer. Yields { where, kind, … } to attempt.c, whose
 * resume gives the results. */
static int ask(lua_State *L) {
    luaL_checkstring(L, 1);
    luaL_checkstack(L, 4, "too many arguments");
    push_where(L);
    lua_insert(L, 1);
    return lua_yield(L, lua_gettop(L));
}

void ctx_push(lua_State *L, struct bundle *bundle) {
    sandbox_load_engine(L, bundle, "ctx");
    lua_pushcfunction(L, ask);
    lua_call(L, 1, 1);
}
