/* http_trace.c - one header. */
#include "net/http_trace.h"

void http_trace_add(const struct trace_parent *parent, bool aws,
                    struct http_headers *headers) {
    const char *name = aws ? "X-Amzn-Trace-Id" : "traceparent";
    struct buf  value = BUF_EMPTY;

    if (!parent || http_headers_find(headers, name).len) /* (HTR1) */
        return;
    if (aws)
        trace_amzn_write(parent, &value);
    else
        trace_parent_write(parent, &value);
    (void)http_headers_add(headers, str_of(name), buf_str(&value));
    buf_release(&value);
}
