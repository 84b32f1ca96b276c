/* trace_parent.h - which trace a run belongs to, and the headers that say so.
 *
 * A run is one trace. Its id is that of the request that brought the incident,
 * when that carried one, else it is made from the run's id; the id of a span is
 * made from the run's id and the span's place in it. Nothing is drawn at
 * random, so a run that goes on after a crash, or is told again by replay,
 * speaks of the same spans.
 *
 *   TP1  The same run and place give the same ids in every process, and no id
 *        is all zeroes.
 *   TP2  What is not exactly a traceparent of W3C Trace Context, or a trace
 *        header of AWS, is refused and leaves the parent as it was.
 *
 * What a sender says here is believed for nothing but the ids of spans.
 *
 * Sources: W3C Trace Context (traceparent, version 00 and how to read later
 * ones); AWS X-Ray's tracing header.
 *
 * Lifetime: call. Thread: any.
 */
#ifndef OBSERVE_TRACE_PARENT_H
#define OBSERVE_TRACE_PARENT_H

#include "base/buf.h"

enum { TRACE_ID_SIZE = 16, TRACE_SPAN_SIZE = 8, TRACE_SAMPLED = 1 };

struct trace_parent {
    unsigned char trace[TRACE_ID_SIZE];
    unsigned char span[TRACE_SPAN_SIZE]; /* zeroes: a trace without a span */
    unsigned char flags;                 /* TRACE_SAMPLED, and those to come */
};

/* traceparent. Of a later version the four fields known today are read. */
bool trace_parent_read(struct str header, struct trace_parent *parent);
/* X-Amzn-Trace-Id; Root is needed, Parent and Sampled may be missing. */
bool trace_amzn_read(struct str header, struct trace_parent *parent);
/* What a request carries: its traceparent, else its trace header of AWS, which
 * every load balancer adds. Empty: it has none. */
bool trace_parent_find(struct str traceparent, struct str amzn,
                       struct trace_parent *parent);
/* Appends a traceparent of version 00, to be sent along with an effect. */
void trace_parent_write(const struct trace_parent *parent, struct buf *out);
/* The same as AWS has it, in X-Amzn-Trace-Id. */
void trace_amzn_write(const struct trace_parent *parent, struct buf *out);
/* Appends the trace's id, as logs show it. */
void trace_id_write(const struct trace_parent *parent, struct buf *out);

/* A new trace for a run that came without one: sampled, no span. */
void trace_parent_of_run(struct str run, struct trace_parent *parent);
/* The span at a place of the run; "" is the run itself. */
void trace_span_of(struct str run, struct str place,
                   unsigned char span[TRACE_SPAN_SIZE]);

#endif
