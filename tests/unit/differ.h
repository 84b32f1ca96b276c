/* differ.h - one snippet in stock Lua and in the sandbox: same answer?
 *
 * Both run it under pcall and write down what came out: results, or the error
 * without its position. The stock state is the oracle.
 *
 * Lifetime: call. Thread: any.
 */
#ifndef TESTS_DIFFER_H
#define TESTS_DIFFER_H

#include <criterion/criterion.h>
#include <lauxlib.h>
#include <lualib.h>

#include "base/buf.h"
#include "vm/bundle.h"
#include "vm/sandbox.h"
#include "vm/vm.h"

struct differ {
    lua_State     *stock, *ours;
    struct vm     *vm;
    struct bundle *bundle;
    struct buf     expected, got;
    uint64_t       seed;
};

static int64_t differ_no_time(struct clock *clock) {
    (void)clock;
    return 0;
}

static struct clock differ_clock = {differ_no_time, differ_no_time,
                                    differ_no_time};

static inline void differ_open(struct differ *d) {
    static const struct vm_limits limits = {(size_t)1 << 30, INT64_MAX / 2,
                                            INT32_MAX, 0};

    *d = (struct differ){.seed = 88172645463325252u};
    d->stock = luaL_newstate();
    luaL_openlibs(d->stock);
    d->bundle = bundle_open(NULL, &differ_clock);
    d->vm = vm_open(&limits, &differ_clock);
    d->ours = vm_state(d->vm);
    sandbox_open(d->ours, d->bundle);
}

static inline void differ_close(struct differ *d) {
    lua_close(d->stock);
    vm_close(d->vm);
    bundle_release(d->bundle);
    buf_release(&d->expected);
    buf_release(&d->got);
}

/* A number below `below`; the seed is fixed, so a failure comes again. */
static inline unsigned differ_random(struct differ *d, unsigned below) {
    d->seed ^= d->seed << 13;
    d->seed ^= d->seed >> 7;
    d->seed ^= d->seed << 17;
    return (unsigned)((d->seed >> 20) % below);
}

static inline void differ_write(lua_State *L, int index, struct buf *out) {
    size_t      len;
    const char *text;

    switch (lua_type(L, index)) {
    case LUA_TSTRING:
        text = lua_tolstring(L, index, &len);
        buf_addf(out, "\"");
        buf_add(out, text, len);
        buf_addf(out, "\" ");
        break;
    case LUA_TNUMBER:
        if (lua_isinteger(L, index))
            buf_addf(out, "%lld ", (long long)lua_tointeger(L, index));
        else
            buf_addf(out, "%a ", lua_tonumber(L, index));
        break;
    case LUA_TBOOLEAN:
        buf_addf(out, lua_toboolean(L, index) ? "true " : "false ");
        break;
    case LUA_TTABLE:
        buf_addf(out, "{");
        for (lua_Integer i = 1; i <= (lua_Integer)lua_rawlen(L, index); i++) {
            lua_rawgeti(L, index, i);
            differ_write(L, lua_gettop(L), out);
            lua_pop(L, 1);
        }
        buf_addf(out, "} ");
        break;
    default: buf_addf(out, "%s ", luaL_typename(L, index));
    }
}

/* Calls the function under `count` arguments at the top. */
static inline void differ_run(lua_State *L, int count, struct buf *out) {
    int base = lua_gettop(L) - count - 1;
    int rc = lua_pcall(L, count, LUA_MULTRET, 0);

    buf_clear(out);
    if (rc != LUA_OK)
        buf_add_text(out, "error: ");
    for (int i = base + 1; i <= lua_gettop(L); i++)
        differ_write(L, i, out);
    lua_settop(L, base);
}

static inline void differ_load(lua_State *L, const char *source) {
    if (luaL_loadbuffer(L, source, strlen(source), "=test") != LUA_OK)
        cr_assert_fail("%s", lua_tostring(L, -1));
}

/* Compares after the caller pushed function and arguments on both. */
static inline bool differ_same(struct differ *d, int count) {
    differ_run(d->stock, count, &d->expected);
    differ_run(d->ours, count, &d->got);
    return str_equal(buf_str(&d->expected), buf_str(&d->got));
}

/* The snippet gives the same results, or the same error, in both. */
static inline void differ_check(struct differ *d, const char *source) {
    differ_load(d->stock, source);
    differ_load(d->ours, source);
    if (!differ_same(d, 0))
        cr_assert_fail("%s\n stock: %s\n ours:  %s", source,
                       buf_text(&d->expected), buf_text(&d->got));
}

/* The snippet gives this in the sandbox. */
static inline void differ_expect(struct differ *d, const char *source,
                                 const char *expected) {
    differ_load(d->ours, source);
    differ_run(d->ours, 0, &d->got);
    cr_assert_str_eq(buf_text(&d->got), expected, "%s\n gives %s, not %s",
                     source, buf_text(&d->got), expected);
}

/* The snippet ends with an error that has this in it. */
static inline void differ_refuses(struct differ *d, const char *source,
                                  const char *part) {
    differ_load(d->ours, source);
    differ_run(d->ours, 0, &d->got);
    cr_assert(str_starts(buf_str(&d->got), "error: ") &&
                  strstr(buf_text(&d->got), part),
              "%s\n gives %s, not an error with '%s'", source,
              buf_text(&d->got), part);
}

#endif
