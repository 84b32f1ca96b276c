/* run.h - one walk of one playbook for one incident, in one mode.
 *
 * A run enters a node, executes its script in a fresh VM, carries each question
 * to the gate and each answer back, checks what the node returned, lets the
 * policy judge the outcome, writes the end down, and follows the edge. This is
 * the only place where a question leaves the VM and enters the gate.
 *
 * Nothing but the journal tells where a run stands. A run that goes on after a
 * crash folds its records and enters the visit that had not ended; the slots
 * that were answered are answered again from the journal.
 *
 * A wait that is due far away ends the drive: the run is parked. All that is
 * left of it is its journal, and to go on when it is due is to go on as after a
 * crash, with the same object or with one that was opened anew.
 *
 *   RN1  A node runs only with an input that fits its contract, and its end
 *        counts only with an outcome and output that fit it.
 *   RN2  The end of a node is durable before the next one begins.
 *   RN3  A run ends: every node's visits are bounded, and so is its time.
 *   RN4  A run goes on with the bundle it began with. (N8)
 *   RN5  A write whose end nobody knows leads to `on_unknown` or to the failed
 *        route, never to another try.
 *   RN6  A run is reported parked only when all its records are durable; time
 *        spent parked is not the node's.
 *   RN7  A cancelled run stops at its next question or node, never in the
 *        middle of an effect that has begun.
 *
 *   RN8  Branches of a fork are walked at the same time. The run goes on at the
 *        join when all have come to it, or along the first edge that leaves
 *        the fork; what a sibling comes to after that counts for nothing.
 *
 * Lifetime: run. Thread: loop.
 */
#ifndef GRAPH_RUN_H
#define GRAPH_RUN_H

#include "gate/gate.h"
#include "graph/walk.h"
#include "observe/log.h"
#include "store/journal.h"
#include "vm/bundle.h"

struct run;
struct turnstile;

struct run_options {
    const char        *id;
    struct loop       *loop;
    struct turnstile  *turnstile; /* before each attempt; NULL: none */
    struct gate       *gate;
    struct mode       *mode;
    struct journal    *journal; /* empty, or loaded: then the run goes on */
    struct bundle     *bundle;
    struct str         playbook;
    const struct json *incident;
    const struct json *config;   /* what questions depend on; journaled (N7) */
    enum mode_scenario scenario; /* of a dry run */
    int64_t            park_after_ms; /* longer waits park the run */
    struct log        *log;
    struct watchdog   *watchdog; /* armed while a script runs; NULL: none */
    struct marker     *marker;   /* names the run meanwhile; NULL: none */
};                               /* all borrowed; the
                                  * bundle is held until run_close() (N8) */

enum run_fate {
    RUN_ENDED,  /* the walk reached an end, whatever the end was */
    RUN_PARKED, /* nothing is to be done before due_ms */
    RUN_STOPPED /* err; what is recorded may go on another time */
};

struct run_end {
    enum run_fate     fate;
    int64_t           due_ms;
    const struct err *err;
};

/* Once for each start, later, on the loop; of the journal nothing is on its
 * way then. The run may be closed from inside, or started again. */
typedef void run_done_fn(void *arg, const struct run_end *end);

/* The playbook must have passed check_playbook(). */
struct run *run_open(const struct run_options *options, struct err *err);
/* Begins, or goes on: after a crash, and after RUN_PARKED when it is due. */
void        run_start(struct run *run, run_done_fn *done, void *arg);
/* Not while it is started. NULL is fine. */
void        run_close(struct run *run);

/* Takes what came in for a run that has begun: the decision finds it in
 * $incident.attached, from the next visit on. Nothing once it has ended. */
void run_attach(struct run *run, struct json *evidence);
/* It stops with ERR_CANCELLED, unless it ends first. (RN7) */
void run_cancel(struct run *run);

const struct walk *run_walk(const struct run *run);

#endif
