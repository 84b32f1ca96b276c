/* fault.h - named places where a test may kill the process or fail a call.
 *
 * `make torture` and the kill tests set NIGHTSHIFT_FAULT to "name:n" (kill
 * at the nth passage, as kill -9 would). With NIGHTSHIFT_FAULT=count every
 * passage is counted and the totals are printed at exit, so that a test knows
 * which points its scenario reaches. Unset, a point costs one load.
 *
 * This is the one piece of state below main: it must work in code that knows
 * no context, and it is set once, before the first thread.
 *
 * Lifetime: process. Thread: any.
 */
#ifndef BASE_FAULT_H
#define BASE_FAULT_H

#include "base/err.h"

/* X(ENUM, "name", "where it stands") */
#define FAULT_POINTS(X)                                                        \
    X(RUN_STARTED, "run.started", "the run's first record is durable")         \
    X(GATE_BEFORE_INTENT, "gate.before_intent",                                \
      "a write is about to be journaled")                                      \
    X(GATE_AFTER_INTENT, "gate.after_intent",                                  \
      "the intent is durable, nothing was sent")                               \
    X(NET_MID_REQUEST, "net.mid_request",                                      \
      "the whole request left, no byte of the answer was read")                \
    X(GATE_BEFORE_RESULT, "gate.before_result",                                \
      "the answer is here, not journaled")                                     \
    X(GATE_AFTER_RESULT, "gate.after_result",                                  \
      "the answer is durable, the node has not seen it")                       \
    X(RUN_BEFORE_CHECKPOINT, "run.before_checkpoint",                          \
      "a node ended, its end is not journaled")                                \
    X(RUN_CHECKPOINT, "run.checkpoint",                                        \
      "a node's end is durable, the next has not begun")                       \
    X(RUN_PARKED, "run.parked", "the run is parked, its driver does not know") \
    X(RUN_BEFORE_END, "run.before_end",                                        \
      "the walk is over, its end is not journaled")                            \
    X(INTAKE_BEFORE_STORE, "intake.before_store",                              \
      "a delivery is trusted, not stored")                                     \
    X(INTAKE_STORED, "intake.stored",                                          \
      "a delivery is durable, its sender not answered")                        \
    X(INTAKE_ANSWERED, "intake.answered",                                      \
      "its sender was answered, nobody has read it")                           \
    X(DISPATCH_READ, "dispatch.read",                                          \
      "the source has read a delivery, nothing is counted")                    \
    X(INCIDENT_SEEN, "incident.seen", "an occurrence is about to be counted")  \
    X(DISPATCH_PARSED, "dispatch.parsed",                                      \
      "all of a delivery is counted, it still is among the new")               \
    X(RUNNER_PARKED, "runner.parked",                                          \
      "a run waits in the store, its memory is given back")                    \
    X(RUNNER_WOKEN, "runner.woken",                                            \
      "a parked run is due and about to be walked")                            \
    X(RUNNER_ENDED, "runner.ended",                                            \
      "the end of a run is durable, nobody was told")                          \
    X(SERVE_RECOVERED, "serve.recovered",                                      \
      "the unfinished runs are known again, none is walked")                   \
    X(RELOAD_BEFORE_SWAP, "reload.before_swap",                                \
      "a new bundle is stored and proven, the old one in use")                 \
    X(RELOAD_SWAPPED, "reload.swapped", "a new bundle is in use")              \
    X(SERVE_DRAINING, "serve.draining",                                        \
      "the service was told to end and takes nothing more")                    \
    X(RETENTION_UNLINKED, "retention.unlinked",                                \
      "a run is in no list any more, its journal is not cut")                  \
    X(RETENTION_CUT, "retention.cut",                                          \
      "some of a journal is cut, the rest is not")                             \
    X(JOURNAL_BUILT, "journal.built",                                          \
      "a record and its audit are built, not written")                         \
    X(STORE_BLOB_WRITTEN, "store.blob_written",                                \
      "a blob is written, not committed")                                      \
    X(STORE_BEFORE_COMMIT, "store.before_commit",                              \
      "all writes are made, none is durable")                                  \
    X(STORE_AFTER_COMMIT, "store.after_commit",                                \
      "all are durable, no caller knows")                                      \
    X(STORE_BEFORE_CHECKPOINT, "store.before_checkpoint",                      \
      "the WAL is long enough")                                                \
    X(STORE_AFTER_CHECKPOINT, "store.after_checkpoint",                        \
      "the WAL is in the database, not begun anew")                            \
    X(STORE_BEFORE_COPY, "store.before_copy",                                  \
      "an older store was found, not copied")                                  \
    X(STORE_AFTER_COPY, "store.after_copy",                                    \
      "its copy is durable, nothing is migrated")                              \
    X(STORE_BEFORE_MIGRATION, "store.before_migration",                        \
      "it is migrated, not committed")                                         \
    X(QUEUE_COMMITTED, "queue.committed",                                      \
      "a group is durable, none of its jobs is reported")

enum fault_point {
#define X(id, name, where) FAULT_##id,
    FAULT_POINTS(X)
#undef X
        FAULT_COUNT
};

/* Reads "name:n", or "count". Called by main and by tests. */
bool        fault_arm(const char *text, struct err *err);
void        fault_pass(enum fault_point point); /* may not return */
const char *fault_name(enum fault_point point);
const char *fault_where(enum fault_point point);
long        fault_passages(enum fault_point point);

#endif
