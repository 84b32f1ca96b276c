/* matcher.c - backtracking that counts what it does.
 *
 * The pattern is read as it is met, item by item, so that a malformed rest is
 * an error only for a subject that reaches it, as in stock Lua. A plain item
 * goes on in the loop of match_here(); only a choice to come back to (a
 * capture, a repetition, `?`) is a C frame. (PT3) Every loop below calls
 * matcher_step(). (PT1)
 */
#include "vm/matcher.h"

#include <ctype.h>
#include <lauxlib.h>
#include <stdbool.h>
#include <string.h>

#include "vm/pattern.h"
#include "vm/vm.h"

#define STEPS_BASE 2000000 /* a search may take these and a few more */
#define STEPS_PER_BYTE 16  /* for every byte of its subject */
#define CALL_STEPS 16      /* what it takes to begin */
#define BATCH 1000

/* One item of a pattern: a character, a class or a set. */
struct item {
    const char *start, *end;
};

static const char *match_here(struct matcher *m, const char *s, const char *p);

int matcher_fail(struct matcher *m, const char *format, ...) {
    va_list arguments;

    luaL_where(m->L, m->blame);
    va_start(arguments, format);
    lua_pushvfstring(m->L, format, arguments);
    va_end(arguments);
    lua_concat(m->L, 2);
    return lua_error(m->L);
}

void matcher_pay(struct matcher *m) {
    size_t due = m->steps - m->paid;

    m->paid = m->steps;
    vm_charge(m->L, due);
}

void matcher_step(struct matcher *m, size_t steps) {
    m->steps += steps;
    if (m->steps - m->paid < BATCH)
        return;
    matcher_pay(m);
    if (m->steps > m->most)
        matcher_fail(m, "pattern too complex");
}

void matcher_allow(struct matcher *m, size_t bytes) {
    m->most = m->steps + STEPS_BASE + STEPS_PER_BYTE * bytes;
}

void matcher_init(struct matcher *m, lua_State *L, int blame) {
    size_t len, pattern_len;

    m->L = L;
    m->subject = luaL_checklstring(L, 1, &len);
    m->pattern = luaL_checklstring(L, 2, &pattern_len);
    m->subject_end = m->subject + len;
    m->pattern_end = m->pattern + pattern_len;
    m->steps = CALL_STEPS;
    m->paid = 0;
    m->blame = blame;
    m->count = 0;
    matcher_allow(m, len);
}

/* --- items ------------------------------------------------------------- */

/* `p` is behind the opening bracket. A `]` that comes first is a member. */
static const char *set_end(struct matcher *m, const char *p) {
    const char *start = p;

    if (p < m->pattern_end && *p == '^')
        p++;
    do {
        if (p == m->pattern_end)
            matcher_fail(m, "malformed pattern (missing ']')");
        if (*p++ == '%' && p < m->pattern_end)
            p++;
    } while (p == m->pattern_end || *p != ']');
    matcher_step(m, (size_t)(p - start) / 4);
    return p + 1;
}

static struct item item_at(struct matcher *m, const char *p) {
    struct item item = {p, p + 1};

    if (*p == '%') {
        if (item.end == m->pattern_end)
            matcher_fail(m, "malformed pattern (ends with '%%')");
        item.end++;
    } else if (*p == '[') {
        item.end = set_end(m, p + 1);
    }
    return item;
}

static bool in_class(unsigned char c, unsigned char class) {
    bool is;

    switch (tolower(class)) {
    case 'a': is = isalpha(c); break;
    case 'c': is = iscntrl(c); break;
    case 'd': is = isdigit(c); break;
    case 'g': is = isgraph(c); break;
    case 'l': is = islower(c); break;
    case 'p': is = ispunct(c); break;
    case 's': is = isspace(c); break;
    case 'u': is = isupper(c); break;
    case 'w': is = isalnum(c); break;
    case 'x': is = isxdigit(c); break;
    case 'z': is = c == 0; break; /* of old Lua, still there */
    default: return class == c;
    }
    return isupper(class) ? !is : is;
}

/* What does the member at `p` of a set say of `c`? *next is behind it. */
static bool in_member(unsigned char c, const char *p, const char *last,
                      const char **next) {
    if (*p == '%') {
        *next = p + 2;
        return in_class(c, (unsigned char)p[1]);
    }
    if (p[1] == '-' && p + 2 < last) {
        *next = p + 3;
        return (unsigned char)p[0] <= c && c <= (unsigned char)p[2];
    }
    *next = p + 1;
    return (unsigned char)*p == c;
}

static bool in_set(struct matcher *m, unsigned char c, struct item set) {
    const char *p = set.start + 1, *last = set.end - 1;
    bool        negated = *p == '^';

    if (negated)
        p++;
    while (p < last) {
        matcher_step(m, 1);
        if (in_member(c, p, last, &p))
            return !negated;
    }
    return negated;
}

static bool fits(struct matcher *m, const char *s, struct item item) {
    unsigned char c;

    matcher_step(m, 1);
    if (s >= m->subject_end)
        return false;
    c = (unsigned char)*s;
    switch (*item.start) {
    case '.': return true;
    case '%': return in_class(c, (unsigned char)item.start[1]);
    case '[': return in_set(m, c, item);
    default: return (unsigned char)*item.start == c;
    }
}

/* --- repetitions ------------------------------------------------------- */

static const char *match_longest(struct matcher *m, const char *s,
                                 struct item item) {
    ptrdiff_t count = 0;

    while (fits(m, s + count, item))
        count++;
    for (; count >= 0; count--) {
        const char *end = match_here(m, s + count, item.end + 1);

        if (end)
            return end;
    }
    return NULL;
}

static const char *match_shortest(struct matcher *m, const char *s,
                                  struct item item) {
    for (;;) {
        const char *end = match_here(m, s, item.end + 1);

        if (end)
            return end;
        if (!fits(m, s, item))
            return NULL;
        s++;
    }
}

/* --- captures ---------------------------------------------------------- */

static const char *open_capture(struct matcher *m, const char *s, const char *p,
                                ptrdiff_t len) {
    const char *end;

    if (m->count == MATCHER_CAPTURES)
        matcher_fail(m, "too many captures");
    m->captures[m->count++] = (struct capture){s, len};
    end = match_here(m, s, p);
    if (!end)
        m->count--;
    return end;
}

static const char *close_capture(struct matcher *m, const char *s,
                                 const char *p) {
    int         at = m->count;
    const char *end;

    do {
        if (at == 0)
            matcher_fail(m, "invalid pattern capture");
        at--;
    } while (m->captures[at].len != CAPTURE_OPEN);
    m->captures[at].len = s - m->captures[at].start;
    end = match_here(m, s, p);
    if (!end)
        m->captures[at].len = CAPTURE_OPEN;
    return end;
}

/* %1: the same text again. A position has no text and never comes again. */
static const char *match_again(struct matcher *m, const char *s, char digit) {
    int             at = digit - '1';
    struct capture *held = &m->captures[at < 0 ? 0 : at];

    if (at < 0 || at >= m->count || held->len == CAPTURE_OPEN)
        matcher_fail(m, "invalid capture index %%%d", at + 1);
    if (held->len == CAPTURE_POSITION || m->subject_end - s < held->len)
        return NULL;
    matcher_step(m, (size_t)held->len / 16 + 1);
    return memcmp(held->start, s, (size_t)held->len) == 0 ? s + held->len
                                                          : NULL;
}

/* --- %b and %f --------------------------------------------------------- */

/* %bxy with `p` at x. */
static const char *match_balance(struct matcher *m, const char *s,
                                 const char *p) {
    size_t open = 1;

    if (m->pattern_end - p < 2)
        matcher_fail(m, "malformed pattern (missing arguments to '%%b')");
    matcher_step(m, 1);
    if (s >= m->subject_end || *s != p[0])
        return NULL;
    for (s++; s < m->subject_end; s++) {
        matcher_step(m, 1);
        if (*s == p[1]) {
            if (--open == 0)
                return s + 1;
        } else if (*s == p[0]) {
            open++;
        }
    }
    return NULL;
}

/* %f[set] with `p` at the set. Both ends of the subject count as "\0". */
static bool at_frontier(struct matcher *m, const char *s, const char *p,
                        const char **next) {
    struct item   set;
    unsigned char before, after;

    if (p >= m->pattern_end || *p != '[')
        matcher_fail(m, "missing '[' after '%%f' in pattern");
    set = item_at(m, p);
    *next = set.end;
    before = s == m->subject ? 0 : (unsigned char)s[-1];
    after = s == m->subject_end ? 0 : (unsigned char)*s;
    return !in_set(m, before, set) && in_set(m, after, set);
}

/* --- the loop ---------------------------------------------------------- */

/* Items that are neither a character nor repeated. True when it was one: *s
 * is behind what it matched, or NULL. */
static bool match_escape(struct matcher *m, const char **s, const char **p) {
    char kind = *p + 1 < m->pattern_end ? (*p)[1] : 0;

    switch (kind) {
    case 'b':
        *s = match_balance(m, *s, *p + 2);
        *p += 4;
        return true;
    case 'f':
        if (!at_frontier(m, *s, *p + 2, p))
            *s = NULL;
        return true;
    default:
        if (!isdigit((unsigned char)kind))
            return false;
        *s = match_again(m, *s, kind);
        *p += 2;
        return true;
    }
}

/* One item and its suffix. True when the loop goes on from *s and *p; false
 * when *s is the answer. */
static bool match_item(struct matcher *m, const char **s, const char **p) {
    struct item item = item_at(m, *p);
    char        suffix = item.end < m->pattern_end ? *item.end : 0;
    const char *end;

    switch (suffix) {
    case '*': *s = match_longest(m, *s, item); return false;
    case '-': *s = match_shortest(m, *s, item); return false;
    case '+':
        *s = fits(m, *s, item) ? match_longest(m, *s + 1, item) : NULL;
        return false;
    case '?':
        if (fits(m, *s, item)) {
            end = match_here(m, *s + 1, item.end + 1);
            if (end) {
                *s = end;
                return false;
            }
        }
        *p = item.end + 1;
        return true;
    default:
        if (!fits(m, *s, item)) {
            *s = NULL;
            return false;
        }
        *s += 1;
        *p = item.end;
        return true;
    }
}

static bool match_one(struct matcher *m, const char **s, const char **p) {
    bool last = *p + 1 == m->pattern_end;

    switch (**p) {
    case '(':
        *s = !last && (*p)[1] == ')'
                 ? open_capture(m, *s, *p + 2, CAPTURE_POSITION)
                 : open_capture(m, *s, *p + 1, CAPTURE_OPEN);
        return false;
    case ')': *s = close_capture(m, *s, *p + 1); return false;
    case '$':
        if (!last)
            break;
        if (*s != m->subject_end)
            *s = NULL;
        return false;
    case '%':
        if (match_escape(m, s, p))
            return *s != NULL;
        break;
    default: break;
    }
    return match_item(m, s, p);
}

/* The end of the match of `p` at `s`, or NULL. */
static const char *match_here(struct matcher *m, const char *s, const char *p) {
    if (m->depth-- == 0)
        matcher_fail(m, "pattern too complex");
    matcher_step(m, 1);
    while (p < m->pattern_end && match_one(m, &s, &p))
        continue;
    m->depth++;
    return s;
}

const char *matcher_run(struct matcher *m, const char *s) {
    m->count = 0;
    m->depth = PATTERN_DEPTH;
    return match_here(m, s, m->pattern);
}
