/* together.h - reads that a node asks at the same time.
 *
 * `ctx.all` hands over a list of questions. Each is a slot of its own, so a
 * crash in the middle loses none of the answers that were recorded, and only
 * the others are asked again. The script goes on when all have an answer.
 *
 *   TG1  Only reads are asked together: nothing depends on which was first.
 *   TG2  One that is refused, or fails, costs its own answer alone.
 *
 * Lifetime: run. Thread: loop.
 */
#ifndef GRAPH_TOGETHER_H
#define GRAPH_TOGETHER_H

#include "gate/gate.h"

#define TOGETHER_MAX 32

struct together;

/* Where the script asked: each question gets the place behind it. */
struct together_place {
    struct str  node;
    int         visit;
    const char *phase;
    int         ordinal;
};

struct together_asks {
    const struct json *list;   /* of { "aws:ecs:ListServices", arguments } */
    const char        *where;  /* the script's line */
    const struct json *config; /* as effect_make() takes it */
};

/* `ask` has all but the place. NULL with err when the list is none that can be
 * asked. `done` comes once, later, on the loop: with GATE_ANSWERED and a list
 * of { ok, value } and { ok, error }, or with the gravest of what ends a
 * node. */
struct together *together_submit(struct gate *gate, const struct gate_ask *ask,
                                 const struct together_place *place,
                                 const struct together_asks  *asks,
                                 gate_done_fn *done, void *arg,
                                 struct err *err);
/* As gate_cancel(), of those that are not answered yet. */
void             together_cancel(struct together *together);

#endif
