/* shown.c - what observe/ writes of values that a parser of others then reads.
 *
 * Usage: shown json|logfmt|openmetrics|classic|traces <VALUES
 * Values are ended by a NUL each. A log gets a line for a value, metrics a
 * series, traces a span; tests/integration/observe_oracles.py reads them.
 */
#include <stdio.h>

#include "base/clock_virtual.h"
#include "observe/log.h"
#include "observe/metrics.h"
#include "observe/trace.h"
#include "sys/file.h"

enum { INPUT_MAX = 16 << 20 };

struct values {
    struct buf text;
    size_t     at;
};

/* A value with its NUL behind it; false when there are no more. */
static bool next(struct values *values, const char **value) {
    if (values->at >= values->text.len)
        return false;
    *value = values->text.data + values->at;
    values->at += strlen(*value) + 1;
    return true;
}

static void show_log(struct values *values, bool json) {
    struct clock_virtual world;
    struct log          *log;
    const char          *value;

    clock_virtual_init(&world, INT64_C(1772330584567));
    log = log_open(&(struct log_options){
        .json = json, .fd = STDOUT_FILENO, .clock = &world.clock});
    while (next(values, &value))
        log_line(log, LOG_INFO, value, value, "value", value, "last", "x",
                 NULL);
    log_close(log);
}

static void put(struct buf *text) {
    (void)fwrite(buf_text(text), 1, text->len, stdout);
    buf_release(text);
}

static void count(struct metrics *metrics, const char *value, int number) {
    metrics_add(metrics, METRIC_RUNS_ENDED, (uint64_t)number, value, "done",
                NULL);
    metrics_add(metrics, METRIC_EFFECTS, 1, value, "set", "answered", NULL);
    metrics_observe(metrics, METRIC_ACCEPT_SECONDS, number / 7.0, NULL);
    metrics_observe(metrics, METRIC_DELIVERY_BYTES, number * 1e5, NULL);
    metrics_observe(metrics, METRIC_EFFECT_SECONDS, number / 9.0, "set", NULL);
    metrics_set(metrics, METRIC_QUEUE_AGE, number / 3.0, NULL);
    metrics_set(metrics, METRIC_PROCESS_CPU, number / 11.0, NULL);
    metrics_info(metrics, METRIC_BUNDLE, value);
}

static void show_metrics(struct values *values, enum metrics_format format) {
    struct metrics *metrics = metrics_open();
    struct buf      text = BUF_EMPTY;
    const char     *value;

    for (int number = 1; next(values, &value); number++)
        count(metrics, value, number);
    metrics_info(metrics, METRIC_BUILD, "1.0");
    metrics_write(metrics, format, &text);
    metrics_close(metrics);
    put(&text);
}

static void add_span(struct trace *trace, const char *value, int number) {
    struct trace_attribute attributes[] = {{"value", str_of(value), 0},
                                           {"number", {NULL, 0}, number}};
    struct trace_span      span = {.name = str_of(value),
                                   .kind = TRACE_CLIENT,
                                   .start_ms = INT64_C(1772330584567),
                                   .end_ms = INT64_C(1772330584567) + number,
                                   .status = TRACE_ERROR,
                                   .message = str_of(value),
                                   .attributes = attributes,
                                   .attribute_count = 2};

    trace_parent_of_run(str_of(value), &span.parent);
    if (number % 2)
        trace_span_of(str_of(value), STR(""), span.parent.span);
    trace_span_of(str_of(value), STR("analyst/1"), span.id);
    trace_add(trace, &span);
}

/* One body on a line. */
static void show_traces(struct values *values) {
    struct trace *trace = trace_open(&(struct trace_options){
        .service = "nightshift", .version = "1.0", .instance = "here"});
    struct buf    body = BUF_EMPTY;
    const char   *value;

    for (int number = 1; next(values, &value); number++)
        add_span(trace, value, number);
    while (trace_batch(trace, 100, &body))
        buf_add_char(&body, '\n');
    trace_close(trace);
    put(&body);
}

int main(int argc, char **argv) {
    struct values values = {.text = BUF_EMPTY};
    struct str    what = str_of(argc == 2 ? argv[1] : NULL);
    struct err    err;

    if (!file_read("-", INPUT_MAX, &values.text, &err)) {
        (void)fprintf(stderr, "shown: %s\n", err.text);
        return 1;
    }
    if (str_is(what, "json") || str_is(what, "logfmt"))
        show_log(&values, str_is(what, "json"));
    else if (str_is(what, "traces"))
        show_traces(&values);
    else
        show_metrics(&values, str_is(what, "classic") ? METRICS_CLASSIC
                                                      : METRICS_OPENMETRICS);
    buf_release(&values.text);
    return 0;
}
