/* trace.h - finished spans on their way to a collector, as OTLP over HTTP.
 *
 * A run is a trace; the run, the visit of a node and an effect are spans. A
 * span is added once it is over, is written as JSON there and then, and waits
 * in a queue until somebody takes a batch: the body of one POST to /v1/traces,
 * Content-Type application/json. Sending it, and keeping it for another try, is
 * the caller's.
 *
 *   TR1  What waits is bounded, in spans and in bytes; a span that does not fit
 *        is dropped and counted, and never waited for.
 *   TR2  Every text but a key is redacted, then cut at 1,024 bytes; attributes
 *        past the 32nd are left out, and the span says how many.
 *   TR3  A batch holds the oldest spans, each one once.
 *   TR4  A span whose trace is not sampled is not kept. The same trace is
 *        judged the same in every process.
 *
 * Source: opentelemetry-proto trace v1 and its JSON mapping, in which ids are
 * hex, enumerations numbers and integers of 64 bits texts.
 *
 * Lifetime: process. Thread: any.
 */
#ifndef OBSERVE_TRACE_H
#define OBSERVE_TRACE_H

#include "observe/log.h"
#include "observe/trace_parent.h"

struct trace;
struct trace_attribute;

/* Zeroed it takes every trace. */
struct trace_sampler {
    bool   some;    /* `ratio` of the traces that begin here, else all */
    double ratio;   /* 0 to 1 */
    bool   ignores; /* what the sender of a request decided */
};

struct trace_options {
    const char *service, *version, *instance; /* NULL: not said */
    const struct trace_attribute *resource;   /* more that is said of us */
    size_t                        resource_count;
    struct trace_sampler          sampler;
    size_t                        spans_max, bytes_max; /* 0: 2,048 and 4 MiB */
    log_redact_fn                *redact;               /* NULL: as it is */
    void                         *redact_arg;
}; /* texts are borrowed */

enum trace_kind { TRACE_INTERNAL = 1, TRACE_SERVER, TRACE_CLIENT };
enum trace_status { TRACE_UNSET, TRACE_OK, TRACE_ERROR };

struct trace_attribute {
    const char *key;
    struct str  text;
    int64_t     number; /* when text.data is NULL */
};

struct trace_span {
    struct trace_parent parent; /* its trace, its flags, the span above */
    unsigned char       id[TRACE_SPAN_SIZE];
    struct str          name;
    enum trace_kind     kind;
    int64_t             start_ms, end_ms;
    enum trace_status   status;
    struct str          message; /* of an error */
    const struct trace_attribute *attributes;
    size_t                        attribute_count;
};

struct trace *trace_open(const struct trace_options *options);
void          trace_close(struct trace *trace); /* NULL is fine */

/* Decides whether the spans below `parent` are kept, and says so in its flags.
 * `joined`: a sender began the trace, and its flags are what he decided. With
 * trace NULL they are not. */
void     trace_sample(const struct trace *trace, bool joined,
                      struct trace_parent *parent);
/* Nothing of the span is kept. With trace NULL nothing happens. */
void     trace_add(struct trace *trace, const struct trace_span *span);
/* Appends the next body, of at most `max` spans and about 1 MiB, and tells how
 * many spans it has. With none *body is as it was. */
size_t   trace_batch(struct trace *trace, size_t max, struct buf *body);
size_t   trace_waiting(struct trace *trace);
uint64_t trace_dropped(struct trace *trace);

#endif
