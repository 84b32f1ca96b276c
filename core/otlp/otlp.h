/* otlp.h - sends the spans that wait, a batch at a time, to a collector.
 *
 * OTLP over HTTP in JSON. Spans wait in `struct trace`, which is bounded and
 * drops what does not fit; here a batch is taken out of it when enough wait or
 * the first has waited long enough, and posted by a client of our own. Telling
 * is no effect: it goes past the gate, changes nothing that a run depends on,
 * and no run ever waits for it.
 *
 *   OT1  A batch is posted again after 429, 502, 503, 504 or no answer at all,
 *        not before Retry-After, and a few times at most; after any other
 *        answer never. What is given up is counted.
 *   OT2  There is one request at a time, and each ends by its deadline.
 *   OT3  A stop sends what waits and ends within the time that it is given,
 *        whatever the collector does.
 *   OT4  The value of a header is in no log and no error, and nothing of what
 *        a collector answers is either. (N11)
 *
 * Source: OTLP specification 1, "OTLP/HTTP".
 *
 * Lifetime: process. Thread: loop.
 */
#ifndef OTLP_OTLP_H
#define OTLP_OTLP_H

#include "otlp/otlp_settings.h"
#include "sys/loop.h"

struct clock;
struct log;
struct metrics;
struct otlp;
struct redact;
struct secrets;

struct otlp_options {
    struct loop                *loop;
    struct clock               *clock;
    struct log                 *log;
    struct metrics             *metrics; /* or NULL */
    struct trace               *trace;
    const struct otlp_settings *settings;
    const struct secrets       *secrets; /* looked at for each batch */
    struct redact              *redact;  /* learns values of headers; or NULL */
    const char                 *proxy, *user_agent; /* proxy: or NULL */
};                                                  /* all borrowed */

/* Fails when a header's value can be sent by nobody. */
struct otlp *otlp_open(const struct otlp_options *options, struct err *err);
/* `done` comes once, later. */
void otlp_stop(struct otlp *otlp, int64_t within_ms, loop_fn *done, void *arg);
/* Never started, or stopped. NULL is fine. */
void otlp_close(struct otlp *otlp);

#endif
