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
 *   RN1  A node runs only with an input that fits its contract, and its end
 *        counts only with an outcome and output that fit it.
 *   RN2  The end of a node is durable before the next one begins.
 *   RN3  A run ends: every node's visits are bounded, and so is its time.
 *   RN4  A run goes on with the bundle it began with. (N8)
 *   RN5  A write whose end nobody knows leads to `on_unknown` or to the failed
 *        route, never to another try.
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

struct run_options {
    const char        *id;
    struct loop       *loop;
    struct gate       *gate;
    struct mode       *mode;
    struct journal    *journal; /* empty, or loaded: then the run goes on */
    struct bundle     *bundle;
    struct str         playbook;
    const struct json *incident;
    const struct json *config;   /* what questions depend on; journaled (N7) */
    enum mode_scenario scenario; /* of a dry run */
    int64_t            park_after_ms; /* longer waits drop the VM */
    struct log        *log;
    struct watchdog   *watchdog; /* armed while a script runs; NULL: none */
    /* Written together with the first and with the last record: the run's own
     * entry in the store, and the hold on its key. */
    const struct store_write *first, *last;
    size_t                    first_count, last_count;
}; /* all borrowed; the bundle is held until run_close() as well (N8) */

/* err is NULL when the walk reached an end, whatever the end was. */
typedef void run_done_fn(void *arg, const struct err *err);

/* The playbook must have passed check_playbook(). */
struct run *run_open(const struct run_options *options, struct err *err);
void        run_start(struct run *run, run_done_fn *done, void *arg);
void        run_close(struct run *run); /* NULL is fine */

const struct walk *run_walk(const struct run *run);

#endif
