/* test_delivery_trace.c - what a sender says of its trace, and what is kept. */
#include <criterion/criterion.h>

#include <string.h>

#include "serve/delivery_trace.h"
#include "support.h"

#define TRACE "0af7651916cd43dd8448eb211c80319c"
#define SENDER "00-" TRACE "-b7ad6b7169203331-01"
#define AMZN "Root=1-0af76519-16cd43dd8448eb211c80319c;Sampled=1"

static struct json *incident;

static void begin(void) {
    incident = json_new_map();
}

static void end(void) {
    json_release(incident);
}

TestSuite(delivery_trace, .init = begin, .fini = end, .timeout = 10);

static struct str kept(const struct trace *trace, const char *name,
                       const char *value) {
    struct json *headers = json_new_map();

    json_put_text(headers, name, str_of(value));
    json_drop(incident, "trace");
    delivery_trace_put(trace, "dlv_1", headers, incident);
    json_release(headers);
    return json_find_text(incident, "trace");
}

Test(delivery_trace, keeps_the_senders_span_when_nobody_records) {
    cr_expect_str_eq(kept(NULL, "traceparent", SENDER).data, SENDER);
}

Test(delivery_trace, runs_hang_below_the_acceptance) {
    struct trace       *trace = trace_open(&(struct trace_options){0});
    struct trace_parent parent, sender;
    struct buf          body = BUF_EMPTY, span = BUF_EMPTY;
    struct str          text = kept(trace, "traceparent", SENDER);

    cr_assert(trace_parent_read(STR(SENDER), &sender));
    cr_assert(trace_parent_read(text, &parent));
    cr_expect_eq(memcmp(parent.trace, sender.trace, sizeof sender.trace), 0);
    delivery_trace_add(trace, &(struct delivery_accepted){.parent = sender,
                                                          .delivery = "dlv_1",
                                                          .source = "ops",
                                                          .began_ms = 1,
                                                          .ended_ms = 2});
    cr_assert_eq(trace_batch(trace, 9, &body), 1);
    buf_addf(&span,
             "\"spanId\":\"%.16s\",\"parentSpanId\":"
             "\"b7ad6b7169203331\"",
             text.data + 36);
    cr_expect(support_has(buf_text(&body), buf_text(&span)), "%s",
              buf_text(&body));
    cr_expect(support_has(buf_text(&body), "\"kind\":2"));
    buf_release(&body);
    buf_release(&span);
    trace_close(trace);
}

Test(delivery_trace, hangs_nothing_below_a_span_that_is_not_recorded) {
    struct trace *trace = trace_open(&(struct trace_options){0});

    cr_expect_str_eq(
        kept(trace, "traceparent", "00-" TRACE "-b7ad6b7169203331-00").data,
        "00-" TRACE "-b7ad6b7169203331-00");
    trace_close(trace);
}

Test(delivery_trace, takes_the_header_that_load_balancers_add) {
    struct trace *trace = trace_open(&(struct trace_options){0});

    cr_expect(
        str_starts(kept(trace, "x-amzn-trace-id", AMZN), "00-" TRACE "-"));
    trace_close(trace);
}

Test(delivery_trace, DT1_keeps_nothing_that_is_not_exactly_one) {
    static const char *const bad[] = {
        "",
        "00-" TRACE "-b7ad6b7169203331-01-more",
        "00-" TRACE "-0000000000000000-01",
        "'; drop table --",
        "00-" TRACE "-b7ad6b7169203331-01\n",
        "ff-" TRACE "-b7ad6b7169203331-01",
    };

    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        cr_expect_eq(kept(NULL, "traceparent", bad[i]).len, 0, "%s", bad[i]);
        cr_expect_eq(kept(NULL, "x-amzn-trace-id", bad[i]).len, 0, "%s",
                     bad[i]);
    }
}

/* The header of a load balancer names no span; one of zeroes is none. */
Test(delivery_trace, DT1_a_root_without_a_span_is_kept_all_the_same) {
    struct trace_parent parent;

    cr_expect(trace_parent_read(kept(NULL, "x-amzn-trace-id", AMZN), &parent));
}
