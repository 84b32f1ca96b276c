/* delivery_trace.c - one span, whose id both who adds it and who hangs runs
 * below it make from the delivery's.
 */
#include "serve/delivery_trace.h"

#include <string.h>

bool delivery_trace_find(const struct json   *headers,
                         struct trace_parent *parent) {
    return trace_parent_find(json_find_text(headers, "traceparent"),
                             json_find_text(headers, "x-amzn-trace-id"),
                             parent);
}

static void accept_span(const char   *delivery,
                        unsigned char span[TRACE_SPAN_SIZE]) {
    trace_span_of(str_of(delivery), STR("accept"), span);
}

/* A span that is not recorded is no place to hang anything, unless the sender
 * has none either. */
static void go_below(const struct trace *trace, const char *delivery,
                     struct trace_parent *parent) {
    static const unsigned char none[TRACE_SPAN_SIZE];
    struct trace_parent        judged = *parent;

    trace_sample(trace, true, &judged);
    if (judged.flags & TRACE_SAMPLED ||
        memcmp(parent->span, none, sizeof none) == 0)
        accept_span(delivery, parent->span);
}

/* (DT1) */
void delivery_trace_put(const struct trace *trace, const char *delivery,
                        const struct json *headers, struct json *incident) {
    struct trace_parent parent;
    struct buf          text = BUF_EMPTY;

    if (!delivery_trace_find(headers, &parent))
        return;
    go_below(trace, delivery, &parent);
    trace_parent_write(&parent, &text);
    json_put_text(incident, "trace", buf_str(&text));
    buf_release(&text);
}

void delivery_trace_add(struct trace                   *trace,
                        const struct delivery_accepted *accepted) {
    const struct trace_attribute attributes[] = {
        {"http.request.method", STR("POST"), 0},
        {"http.route", STR("/hooks/{source}"), 0},
        {"http.response.status_code", {NULL, 0}, 202},
        {"nightshift.source", str_of(accepted->source), 0},
        {"nightshift.delivery", str_of(accepted->delivery), 0}};
    struct trace_span span = {.parent = accepted->parent,
                              .name = STR("POST /hooks/{source}"),
                              .kind = TRACE_SERVER,
                              .start_ms = accepted->began_ms,
                              .end_ms = accepted->ended_ms,
                              .attributes = attributes,
                              .attribute_count =
                                  sizeof attributes / sizeof *attributes};

    trace_sample(trace, true, &span.parent);
    accept_span(accepted->delivery, span.id);
    trace_add(trace, &span);
}
