/* attempt.h - one execution of one script's function in a VM of its own.
 *
 * The function runs in a coroutine. It ends, fails, asks, or spends its slice;
 * whoever drives it (graph/run.c) answers questions and resumes. An attempt
 * sees its arguments and nothing else: the VM is fresh and is thrown away.
 *
 *   AT1  An attempt sees no trace of another one.
 *   AT2  A question or result that cannot be plain values is an error for the
 *        script, not for the engine.
 *
 * Lifetime: run. Thread: loop.
 */
#ifndef VM_ATTEMPT_H
#define VM_ATTEMPT_H

#include "base/json.h"
#include "vm/bundle.h"
#include "vm/vm.h"

struct attempt;

enum attempt_state {
    ATTEMPT_SLICED, /* call attempt_resume() again, without an answer */
    ATTEMPT_ASKS,   /* attempt_question(), then resume with the answer */
    ATTEMPT_ENDED,  /* attempt_results() */
    ATTEMPT_FAILED  /* err; only close is left */
};

/* `function` is a field of the script's table ("run", "undo", "decide",
 * "occurrences"); `arguments` a list, borrowed until close. With `ctx` the
 * function's first parameter is the ctx. */
struct attempt *attempt_open(struct bundle *bundle, const struct script *script,
                             const char *function, bool ctx,
                             const struct json      *arguments,
                             const struct vm_limits *limits, struct err *err);
void            attempt_close(struct attempt *attempt); /* NULL is fine */

/* The first call passes NULL; after ATTEMPT_ASKS, `ok` and the value or the
 * error { code, text, status }. */
enum attempt_state attempt_resume(struct attempt *attempt, bool ok,
                                  const struct json *answer, struct err *err);

/* A list: where, kind, arguments. Borrowed until the next resume. */
const struct json *attempt_question(const struct attempt *attempt);
/* A list of what the function returned, at most three. */
const struct json *attempt_results(const struct attempt *attempt);

/* The table that a script returns, functions as text; NULL with err filled. */
struct json *attempt_table(struct bundle *bundle, const struct script *script,
                           struct err *err);

/* Runs a pure function (policy, source) to its end: a question is an error.
 * Gives the list of results, or NULL. */
struct json *attempt_call(struct bundle *bundle, const struct script *script,
                          const char *function, const struct json *arguments,
                          const struct vm_limits *limits, struct err *err);

#endif
