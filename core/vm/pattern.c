/* pattern.c - the string functions that take patterns.
 *
 * The matcher does the work that may take long; here are arguments, results
 * and the walk over the subject. What is built grows in a buffer of Lua's, so
 * a charge may throw between two parts of it. (PT1)
 */
#include "vm/pattern.h"

#include <ctype.h>
#include <lauxlib.h>
#include <stdbool.h>
#include <string.h>

#include "vm/bounded_private.h"
#include "vm/matcher.h"

#define PIECE 4096 /* bytes of a plain search between two charges */

/* --- arguments and results --------------------------------------------- */

static bool take_anchor(struct matcher *m) {
    if (m->pattern == m->pattern_end || *m->pattern != '^')
        return false;
    m->pattern++;
    return true;
}

/* Where the position of argument `index` is; false: behind the end. */
static bool begin_at(struct matcher *m, int index, const char **s) {
    lua_Integer len = m->subject_end - m->subject;
    lua_Integer from = luaL_optinteger(m->L, index, 1);

    if (from < 0)
        from = from < -len ? 1 : len + from + 1;
    else if (from == 0)
        from = 1;
    if (from > len + 1)
        return false;
    *s = m->subject + from - 1;
    return true;
}

/* The capture `at` of the match from s to end; without captures the first is
 * the whole match. */
static struct capture capture_get(struct matcher *m, int at, const char *s,
                                  const char *end) {
    struct capture whole = {s, end - s};

    if (at > 0 && at >= m->count)
        matcher_fail(m, "invalid capture index %%%d", at + 1);
    if (at < m->count && m->captures[at].len == CAPTURE_OPEN)
        matcher_fail(m, "unfinished capture");
    return at < m->count ? m->captures[at] : whole;
}

static void push_capture(struct matcher *m, int at, const char *s,
                         const char *end) {
    struct capture held = capture_get(m, at, s, end);

    if (held.len == CAPTURE_POSITION) {
        lua_pushinteger(m->L, held.start - m->subject + 1);
        return;
    }
    bounded_charge_bytes(m->L, (size_t)held.len);
    lua_pushlstring(m->L, held.start, (size_t)held.len);
}

static int push_captures(struct matcher *m, const char *s, const char *end,
                         bool whole) {
    int count = m->count == 0 && whole ? 1 : m->count;

    luaL_checkstack(m->L, count, "too many captures");
    for (int i = 0; i < count; i++)
        push_capture(m, i, s, end);
    return count;
}

/* --- find and match ---------------------------------------------------- */

static bool is_plain(const struct matcher *m) {
    for (const char *p = m->pattern; p < m->pattern_end; p++)
        if (*p && strchr("^$*+?.([%-", *p))
            return false;
    return true;
}

static int push_positions(struct matcher *m, const char *s, const char *end) {
    lua_pushinteger(m->L, s - m->subject + 1);
    lua_pushinteger(m->L, end - m->subject);
    return 2;
}

/* memmem() is linear, so its price is known beforehand; the subject is given
 * to it in pieces, since what lies behind the match costs nothing. */
static int find_plain(struct matcher *m, const char *s) {
    size_t len = (size_t)(m->pattern_end - m->pattern);
    size_t rest = (size_t)(m->subject_end - s), piece;

    for (; rest >= len; s += piece - len + 1, rest -= piece - len + 1) {
        const char *found;

        piece = PIECE + 2 * len < rest ? PIECE + 2 * len : rest;
        bounded_charge(m->L, piece);
        found = memmem(s, piece, m->pattern, len);
        if (found)
            return push_positions(m, found, found + len);
    }
    luaL_pushfail(m->L);
    return 1;
}

/* The first match from *s on, or NULL. */
static const char *seek(struct matcher *m, const char **s, bool anchored) {
    for (;; ++*s) {
        const char *end = matcher_run(m, *s);

        if (end || anchored || *s >= m->subject_end)
            return end;
    }
}

static int search_run(lua_State *L, bool find) {
    struct matcher m;
    const char    *s, *end;
    bool           anchored;

    matcher_init(&m, L, 1);
    if (!begin_at(&m, 3, &s)) {
        luaL_pushfail(L);
        return 1;
    }
    bounded_charge_bytes(L, (size_t)(m.pattern_end - m.pattern));
    if (find && (lua_toboolean(L, 4) || is_plain(&m)))
        return find_plain(&m, s);
    anchored = take_anchor(&m);
    end = seek(&m, &s, anchored);
    matcher_pay(&m);
    if (!end) {
        luaL_pushfail(L);
        return 1;
    }
    if (!find)
        return push_captures(&m, s, end, true);
    return push_positions(&m, s, end) + push_captures(&m, s, end, false);
}

/* string.find(s, pattern, init?, plain?) -> first, last, captures…
 *   ("deploy 42"):find("%d+")  --> 8, 9 */
int pattern_find(lua_State *L) {
    return search_run(L, true);
}

/* string.match(s, pattern, init?) -> captures…, or the whole match
 *   ("cpu=93%"):match("(%w+)=(%d+)")  --> "cpu", "93" */
int pattern_match(lua_State *L) {
    return search_run(L, false);
}

/* --- one match after the other ----------------------------------------- */

/* The next match from *s on that does not end at `stop`, where the one before
 * ended: an empty match right behind another does not count. */
static const char *seek_next(struct matcher *m, const char **s,
                             const char *stop) {
    for (; *s <= m->subject_end; ++*s) {
        const char *end = matcher_run(m, *s);

        if (end && end != stop)
            return end;
    }
    return NULL;
}

/* Upvalues: subject, pattern, where to begin, where the last match ended. */
static int gmatch_next(lua_State *L) {
    struct matcher m;
    lua_Integer    stop = lua_tointeger(L, lua_upvalueindex(4));
    const char    *s, *end;

    lua_settop(L, 0);
    lua_pushvalue(L, lua_upvalueindex(1));
    lua_pushvalue(L, lua_upvalueindex(2));
    matcher_init(&m, L, 1);
    s = m.subject + lua_tointeger(L, lua_upvalueindex(3));
    end = seek_next(&m, &s, stop < 0 ? NULL : m.subject + stop);
    matcher_pay(&m);
    if (!end)
        return 0;
    lua_pushinteger(L, end - m.subject);
    lua_pushvalue(L, -1);
    lua_replace(L, lua_upvalueindex(3));
    lua_replace(L, lua_upvalueindex(4));
    return push_captures(&m, s, end, true);
}

/* string.gmatch(s, pattern, init?) -> iterator over the captures
 *   for key, value in ("a=1,b=2"):gmatch("(%w+)=(%w+)") do … end */
int pattern_gmatch(lua_State *L) {
    struct matcher m;
    const char    *s;

    matcher_init(&m, L, 1);
    if (!begin_at(&m, 3, &s))
        s = m.subject_end + 1;
    lua_settop(L, 2);
    lua_pushinteger(L, s - m.subject);
    lua_pushinteger(L, -1);
    lua_pushcclosure(L, gmatch_next, 4);
    return 1;
}

/* The caller of gsub is three levels up: scan, each, gsub, script. */
int pattern_scan(lua_State *L) {
    struct matcher m;
    lua_Integer    from = luaL_checkinteger(L, 3);
    lua_Integer    stop = luaL_checkinteger(L, 4);
    const char    *s, *end;
    bool           anchored;

    matcher_init(&m, L, 3);
    anchored = take_anchor(&m);
    s = m.subject + from - 1;
    if (anchored && stop > 0) {
        lua_pushnil(L);
        return 1;
    }
    end = anchored ? matcher_run(&m, s)
                   : seek_next(&m, &s, stop ? m.subject + stop - 1 : NULL);
    matcher_pay(&m);
    if (!end) {
        lua_pushnil(L);
        return 1;
    }
    push_positions(&m, s, end);
    if (!lua_toboolean(L, 5))
        return 2 + push_captures(&m, s, end, true);
    push_capture(&m, 0, s, end);
    return 3;
}

/* --- gsub by a string -------------------------------------------------- */

struct building {
    luaL_Buffer buffer;
    size_t      len;
};

static void build(struct matcher *m, struct building *b, const char *text,
                  size_t len) {
    bounded_charge_bytes(m->L, len);
    b->len += len;
    if (b->len > BOUNDED_STRING_MAX)
        matcher_fail(m, "resulting string too large");
    luaL_addlstring(&b->buffer, text, len);
}

static void build_capture(struct matcher *m, struct building *b, int at,
                          const char *s, const char *end) {
    struct capture held = capture_get(m, at, s, end);

    if (held.len != CAPTURE_POSITION) {
        build(m, b, held.start, (size_t)held.len);
        return;
    }
    lua_pushinteger(m->L, held.start - m->subject + 1);
    luaL_tolstring(m->L, -1, NULL);
    lua_remove(m->L, -2);
    b->len += 20;
    luaL_addvalue(&b->buffer);
}

static void build_replacement(struct matcher *m, struct building *b,
                              const char *s, const char *end) {
    size_t      len;
    const char *text = lua_tolstring(m->L, 3, &len);
    const char *last = text + len, *escape;

    while ((escape = memchr(text, '%', (size_t)(last - text)))) {
        build(m, b, text, (size_t)(escape - text));
        matcher_step(m, 1);
        text = escape + 1;
        if (*text == '%')
            build(m, b, text, 1);
        else if (*text == '0')
            build(m, b, s, (size_t)(end - s));
        else if (isdigit((unsigned char)*text))
            build_capture(m, b, *text - '1', s, end);
        else
            matcher_fail(m, "invalid use of '%%' in replacement string");
        text++;
    }
    build(m, b, text, (size_t)(last - text));
}

/* Arguments 1 to 3 are strings, 4 the most replacements. */
static int gsub_string(lua_State *L, lua_Integer most) {
    struct matcher  m;
    struct building b;
    const char     *s, *end, *stop = NULL;
    lua_Integer     count = 0;
    bool            anchored;

    matcher_init(&m, L, 1);
    b.len = 0;
    luaL_buffinit(L, &b.buffer);
    anchored = take_anchor(&m);
    for (s = m.subject; count < most && s <= m.subject_end;) {
        const char *from = s;

        end = anchored ? matcher_run(&m, s) : seek_next(&m, &s, stop);
        if (!end) {
            s = from;
            break;
        }
        build(&m, &b, from, (size_t)(s - from));
        build_replacement(&m, &b, s, end);
        count++;
        s = stop = end;
        matcher_allow(&m, (size_t)(m.subject_end - s));
        if (anchored)
            break;
    }
    matcher_pay(&m);
    build(&m, &b, s, (size_t)(m.subject_end - s));
    luaL_pushresult(&b.buffer);
    lua_pushinteger(L, count);
    return 2;
}

static int gsub_finish(lua_State *L, int status, lua_KContext context) {
    (void)L;
    (void)status;
    (void)context;
    return 2;
}

/* string.gsub(s, pattern, replacement, most?) -> text, count
 *   ("a-b"):gsub("%-", "_")  --> "a_b", 1
 * A function or a table is the prelude's work, where the hook sees the calls
 * and may yield between them. */
static int gsub(lua_State *L) {
    int         kind = lua_type(L, 3);
    size_t      len;
    lua_Integer most;

    luaL_checklstring(L, 1, &len);
    luaL_checkstring(L, 2);
    most = luaL_optinteger(L, 4, (lua_Integer)len + 1);
    luaL_argexpected(L,
                     kind == LUA_TNUMBER || kind == LUA_TSTRING ||
                         kind == LUA_TFUNCTION || kind == LUA_TTABLE,
                     3, "string/function/table");
    if (kind == LUA_TNUMBER || kind == LUA_TSTRING)
        return gsub_string(L, most);
    lua_settop(L, 3);
    lua_pushinteger(L, most);
    lua_pushvalue(L, lua_upvalueindex(1));
    lua_insert(L, 1);
    lua_callk(L, 4, 2, 0, gsub_finish);
    return 2;
}

int pattern_make_gsub(lua_State *L) {
    luaL_checktype(L, 1, LUA_TFUNCTION);
    lua_settop(L, 1);
    lua_pushcclosure(L, gsub, 1);
    return 1;
}
