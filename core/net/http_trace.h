/* http_trace.h - the header that carries a trace on to whom we ask.
 *
 * `traceparent` of W3C Trace Context; to AWS its own X-Amzn-Trace-Id, which its
 * load balancers, API gateways and Lambda read and hand on, where traceparent
 * means nothing to them. Neither is signed, since whatever stands between may
 * rewrite it, so it is added behind the signature.
 *
 *   HTR1  A header that the request has already is left alone.
 *
 * Lifetime: call. Thread: any.
 */
#ifndef NET_HTTP_TRACE_H
#define NET_HTTP_TRACE_H

#include "net/http.h"
#include "observe/trace_parent.h"

/* With parent NULL nothing happens. */
void http_trace_add(const struct trace_parent *parent, bool aws,
                    struct http_headers *headers);

#endif
