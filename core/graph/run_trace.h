/* run_trace.h - the spans of one run, made of what it writes down.
 *
 *   run PLAYBOOK                  from `started` to `finished`
 *     node NAME                   a visit, from `visit` to `ended`
 *       attempt NAME              the script runs: until it ends, parks, fails
 *         EFFECT                  from the question to its recorded answer
 *       parked NAME               nobody runs it
 *       EFFECT                    that outlasted an attempt: a wait, a recovery
 *     undo NAME                   as a node
 *
 * The journal is what happened, so the spans are folded from its records as
 * they are added; the gate tells of effects, of which it knows more than it
 * records. A run that goes on folds what is read back and tells of none of it:
 * that was told by the process that added it. What a process had under way when
 * it died is told by the next one, as interrupted.
 *
 *   RTR1  Every span's id comes from the run and a place in it, so that a run
 *         has one tree over any number of processes.
 *   RTR2  What was recorded by an earlier process is not told again.
 *   RTR3  No question, answer or input is in a span: names, classes, outcomes
 *         and numbers alone, and the text of an error. (N11)
 *
 * Lifetime: run. Thread: loop.
 */
#ifndef GRAPH_RUN_TRACE_H
#define GRAPH_RUN_TRACE_H

#include "gate/gate.h"
#include "observe/trace.h"

struct run_trace;

/* The trace that a run belongs to: its sender's, when its incident has one,
 * else its own. The span is the sender's, or zeroes. */
void run_trace_parent(const struct trace *trace, const char *run,
                      const struct json *incident, struct trace_parent *parent);

/* `trace` is borrowed. `records`: those that the journal has already. */
struct run_trace *run_trace_open(struct trace *trace, const char *run,
                                 const struct json *incident,
                                 const struct json *records);
void              run_trace_close(struct run_trace *spans); /* NULL is fine */

void run_trace_record(void *spans, const struct json *record);
void run_trace_effect(void *spans, const struct gate_seen *seen);
/* Its end is durable. With NULL nothing happens. */
void run_trace_end(struct run_trace *spans, struct str playbook);

/* For the gate, and a log that names the trace; NULL of NULL. */
const struct trace_parent *run_trace_context(const struct run_trace *spans);
struct log *run_trace_log(const struct run_trace *spans, const struct log *log);

#endif
