/* delivery_trace.h - the trace that a sender began, and our first span in it.
 *
 * A delivery may say which trace it belongs to. What it says is believed for
 * nothing but the ids of spans: it is read strictly, and what is kept of it is
 * written anew. The runs that it begins hang below the span of its acceptance,
 * or below the sender's when nobody records spans here.
 *
 *   DT1  What is kept with an incident is a traceparent of 55 characters that
 *        we wrote, or nothing.
 *
 * Lifetime: call. Thread: any.
 */
#ifndef SERVE_DELIVERY_TRACE_H
#define SERVE_DELIVERY_TRACE_H

#include "base/json.h"
#include "observe/trace.h"

/* Of the headers that are kept of a delivery; false: it says none. */
bool delivery_trace_find(const struct json   *headers,
                         struct trace_parent *parent);
/* The key "trace" of an incident. With trace NULL nobody records spans. */
void delivery_trace_put(const struct trace *trace, const char *delivery,
                        const struct json *headers, struct json *incident);

struct delivery_accepted {
    struct trace_parent parent; /* as it was found */
    const char         *delivery, *source;
    int64_t             began_ms, ended_ms;
};
void delivery_trace_add(struct trace                   *trace,
                        const struct delivery_accepted *accepted);

#endif
