/* matcher.h - one Lua pattern held against one subject, step by step.
 *
 * The part of the pattern functions that backtracks, and so the part that can
 * take for ever. Every step is counted; a batch of them is charged with
 * vm_charge(), and when a match takes more than it was allowed it is given up.
 * The state is a value on the C stack and owns nothing, so that a charge may
 * throw anywhere.
 *
 * Lifetime: call. Thread: loop.
 */
#ifndef VM_MATCHER_H
#define VM_MATCHER_H

#include <lua.h>
#include <stddef.h>

#define MATCHER_CAPTURES 32

enum { CAPTURE_OPEN = -1, CAPTURE_POSITION = -2 };

struct capture {
    const char *start;
    ptrdiff_t   len; /* or one of the two above */
};

struct matcher {
    lua_State     *L;
    const char    *subject, *subject_end; /* borrowed, both end in NUL */
    const char    *pattern, *pattern_end;
    size_t         steps, paid, most;
    int            depth; /* frames that may still be opened */
    int            blame; /* whose line an error shows; 1 called us */
    int            count;
    struct capture captures[MATCHER_CAPTURES];
};

/* Subject and pattern are the strings at 1 and 2 of the stack. */
void        matcher_init(struct matcher *m, lua_State *L, int blame);
/* From here on as many steps as a subject of these bytes deserves. */
void        matcher_allow(struct matcher *m, size_t bytes);
/* The end of a match that begins at `s`, or NULL. May throw. */
const char *matcher_run(struct matcher *m, const char *s);

void matcher_step(struct matcher *m, size_t steps);
void matcher_pay(struct matcher *m); /* what is counted and not yet charged */
int  matcher_fail(struct matcher *m, const char *format, ...);

#endif
