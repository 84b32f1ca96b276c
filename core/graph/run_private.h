/* run_private.h - what the files of one run share, for graph/ alone.
 *
 * run.c walks the graph, step.c executes one function of one node, undo.c
 * takes writes back. A step is a node's `run` or `undo` at one visit.
 *
 * Lifetime: run. Thread: loop.
 */
#ifndef GRAPH_RUN_PRIVATE_H
#define GRAPH_RUN_PRIVATE_H

#include "graph/run.h"
#include "vm/attempt.h"

#define WATCHDOG_MS 10000 /* five times the CPU limit of an attempt */

enum step_fate {
    STEP_ENDED,   /* results */
    STEP_FAILED,  /* err */
    STEP_UNKNOWN, /* err: a write that nobody knows the end of */
    STEP_ASSUMED, /* the dry run's scenario ends here */
    STEP_PARKED,  /* due_ms: the step is left, and started again then */
    STEP_STOPPED  /* err: the run stops */
};

struct step {
    const char          *phase; /* "run" or "undo" */
    struct str           node;  /* its name in the graph */
    int                  visit;
    const struct script *script;
    const struct json   *meta, *allowed;
    struct json         *arguments, *retry, *results;
    struct attempt      *attempt;
    struct effect        wait; /* the wait that the script is judging */
    struct json         *polled;
    struct call         *call; /* what the gate is asked, or NULL */
    int                  ordinal;
    int64_t              spent_ms, asked_ms, timeout_ms, due_ms;
    bool                 waiting;
    bool                 assumed; /* a wait was taken for granted */
    struct buf           place;
    void (*done)(struct run *run, enum step_fate fate);
};

struct run {
    struct run_options options;
    const struct json *playbook;
    struct walk        walk;
    struct step        step;
    struct err         err;
    run_done_fn       *done;
    void              *arg;
    size_t             undoing; /* index into walk.wrote, counted down */
    bool               driven, cancelled;
};

int64_t run_now(const struct run *run);
/* Takes the record; adds it to the journal and folds it. */
void    run_note(struct run *run, struct json *record, queue_done_fn *done);
void    run_catch_up(struct run *run);
struct json       *run_record(const struct run *run, const char *kind);
void               run_stop(struct run *run);
/* Writes down that the step is left until its due_ms, and reports it. */
void               run_park(struct run *run);
/* Fills run->err when it was. (RN7) */
bool               run_cancelled(struct run *run);
const struct json *run_node(const struct run *run, struct str name);
/* The node script's table, or NULL with run->err filled. */
const struct json *run_meta(struct run *run, struct str use,
                            const struct script **script);
/* Follows an edge's target. */
void               run_follow(struct run *run, struct str target);

/* step.c. Takes `arguments`; step.node must live as long as the step. */
void step_start(struct run *run, const char *phase, struct str node, int visit,
                const struct script *script, const struct json *meta,
                struct json *arguments,
                void (*done)(struct run *run, enum step_fate fate));
void step_release(struct step *step);

/* undo.c */
void undo_start(struct run *run);

#endif
