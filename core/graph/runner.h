/* runner.h - thousands of runs: which is walked now, which waits, which sleeps.
 *
 * Every unfinished run has an entry here and an open record in the store; the
 * journal, the VM and everything else exist only while it is walked. A run
 * that has to wait for long is parked: its memory is given back, and a timer
 * brings it in again, through the same door as after a crash. Runs begin in
 * the order of arriving, a playbook's turn at a time, while there is room
 * among all and among those of the same playbook.
 *
 *   RU1  A run is walked by nobody else while it is walked here, and every
 *        unfinished one is walked again after a restart, on its own bundle.
 *        (N8)
 *   RU2  A parked run holds an entry and a timer, nothing more.
 *   RU3  No more runs are walked at once than allowed, of one playbook and of
 *        all; what waits is begun fairly.
 *   RU4  A run that was executing when the process died, twice, is put aside
 *        as quarantined and not walked again.
 *   RU5  A run that is not wanted any more ends as recovered or cancelled, not
 *        in the middle of an effect. (N10)
 *   RU6  No attempt starts while all VMs together hold more than allowed; it
 *        waits for its turn.
 *
 * Lifetime: process. Thread: loop.
 */
#ifndef GRAPH_RUNNER_H
#define GRAPH_RUNNER_H

#include "graph/incident.h"
#include "graph/run.h"

struct runner;

/* How a run ended, for logs and metrics. Borrowed. */
struct runner_end {
    const char        *run;
    struct str         playbook, outcome, verdict;
    const struct json *records; /* of its journal */
    struct log        *log;
};

struct runner_events {
    /* Both with the log that names its trace. */
    void (*began)(void *arg, const char *run, struct str playbook,
                  struct log *log);
    void (*ended)(void *arg, const struct runner_end *end);
    void (*failed)(void *arg, const struct err *err); /* the store */
};

/* What the present scripts and configuration are; asked at each beginning. */
struct runner_world {
    struct bundle     *bundle;
    const struct json *facts; /* what new runs may depend on */
    struct mode       *mode;  /* borrowed until the runner is closed */
    int64_t            settle_ms, park_after_ms;
    size_t             runs;     /* walked at once */
    size_t             vm_bytes; /* of all VMs together; 0: no limit */
};

struct runner_options {
    struct loop                *loop;
    struct queue               *queue;
    struct clock               *clock;
    struct log                 *log;
    struct watchdog            *watchdog;
    struct marker              *marker; /* or NULL */
    const struct redact        *redact;
    struct gate_shared         *shared; /* NULL: each run its own */
    const struct runner_events *events;
    void                       *arg;
    struct trace               *trace; /* NULL: no spans */
};                                     /* all borrowed */

struct runner *runner_open(const struct runner_options *options);
/* Nothing may be walked any more: runner_stop() first. NULL is fine. */
void           runner_close(struct runner *runner);
/* From the next run that begins; keeps the bundle, borrows the facts. */
void runner_use(struct runner *runner, const struct runner_world *world);

/* A run that waits in the store. `incident` saves reading it back; or NULL. */
void runner_add(struct runner *runner, struct str run, struct str playbook,
                int64_t due_ms, const struct json *incident);
/* One that the store says is unfinished: its open record. */
void runner_recover(struct runner *runner, struct str run,
                    const struct json *open);
/* Not to be walked: it ends with this outcome and says why. */
void runner_put_aside(struct runner *runner, struct str run,
                      struct str playbook, const char *outcome,
                      const char *why);

/* Evidence that came meanwhile; takes it. */
void runner_attach(struct runner *runner, struct str run,
                   struct json *evidence);
/* Its open record says that it is not wanted. False: not known here. */
bool runner_cancel(struct runner *runner, struct str run, const char *why);

/* Begins nothing more and stops what is walked at its next question, to go on
 * after the next start; `idle` when nothing is walked or on its way. */
void runner_stop(struct runner *runner, void (*idle)(void *arg), void *arg);

struct runner_counts {
    size_t waiting, running, parked;
    size_t vms, vm_bytes, vm_waiting; /* attempts that wait for room */
};
struct runner_counts runner_counts(const struct runner *runner);

#endif
