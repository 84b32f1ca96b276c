/* test_trace.c - spans wait, bounded and without secrets. */
#include <criterion/criterion.h>

#include <pthread.h>

#include "base/encode.h"
#include "base/json.h"
#include "observe/trace.h"

static struct trace     *trace;
static struct json      *parsed;
static struct buf        body;
static struct trace_span span;
static struct err        err;

static void begin(void) {
    span = (struct trace_span){.name = STR("analyst"),
                               .kind = TRACE_INTERNAL,
                               .start_ms = INT64_C(1772330584567),
                               .end_ms = INT64_C(1772330584600)};
    trace_parent_of_run(STR("run_7"), &span.parent);
    trace_span_of(STR("run_7"), STR("analyst/1"), span.id);
}

static void end(void) {
    trace_close(trace);
    json_release(parsed);
    buf_release(&body);
}

TestSuite(trace, .init = begin, .fini = end, .timeout = 60);

static void open_trace(struct trace_options options) {
    trace = trace_open(&options);
}

static const struct json *scope_of(size_t max) {
    json_release(parsed);
    buf_clear(&body);
    cr_assert_gt(trace_batch(trace, max, &body), 0);
    parsed = json_parse(buf_str(&body), &json_caps_answer, &err);
    cr_assert(parsed, "%s: %s", err.text, buf_text(&body));
    return json_at(
        json_find(json_at(json_find(parsed, "resourceSpans"), 0), "scopeSpans"),
        0);
}

static const struct json *spans_of(size_t max) {
    return json_find(scope_of(max), "spans");
}

static const struct json *attribute(const struct json *owner, size_t index) {
    return json_at(json_find(owner, "attributes"), index);
}

static struct str text_at(const struct json *owner, size_t index) {
    return json_text(
        json_dig(attribute(owner, index), "value", "stringValue", NULL));
}

Test(trace, writes_a_span_in_the_json_mapping_of_otlp) {
    const struct json *written;

    open_trace((struct trace_options){.service = "nightshift"});
    span.attributes = (struct trace_attribute[]){
        {"effect", STR("aws:ecs:UpdateService"), 0},
        {"visit", {NULL, 0}, INT64_C(9007199254740993)}};
    span.attribute_count = 2;
    span.status = TRACE_ERROR;
    span.message = STR("throttled");
    trace_add(trace, &span);
    written = json_at(spans_of(10), 0);
    cr_assert_eq(json_find_text(written, "traceId").len, 32);
    cr_assert_eq(json_find_text(written, "spanId").len, 16);
    cr_assert_null(json_find(written, "parentSpanId"));
    cr_assert(str_is(json_find_text(written, "startTimeUnixNano"),
                     "1772330584567000000"));
    cr_assert_eq(json_int(json_find(written, "kind")), 1);
    cr_assert(str_is(text_at(written, 0), "aws:ecs:UpdateService"));
    cr_assert(str_is(
        json_text(json_dig(attribute(written, 1), "value", "intValue", NULL)),
        "9007199254740993"));
    cr_assert_eq(json_int(json_dig(written, "status", "code", NULL)), 2);
}

Test(trace, names_the_span_above) {
    unsigned char run_span[TRACE_SPAN_SIZE];
    struct buf    hex = BUF_EMPTY;

    open_trace((struct trace_options){.service = "t"});
    trace_span_of(STR("run_7"), STR(""), run_span);
    memcpy(span.parent.span, run_span, sizeof run_span);
    trace_add(trace, &span);
    encode_hex(run_span, sizeof run_span, &hex);
    cr_assert(str_equal(json_find_text(json_at(spans_of(1), 0), "parentSpanId"),
                        buf_str(&hex)));
    buf_release(&hex);
}

Test(trace, says_whose_spans_they_are) {
    const struct json *resource;

    open_trace(
        (struct trace_options){.service = "nightshift", .version = "1.2"});
    trace_add(trace, &span);
    (void)spans_of(1);
    resource =
        json_find(json_at(json_find(parsed, "resourceSpans"), 0), "resource");
    cr_assert_eq(json_count(json_find(resource, "attributes")), 2);
    cr_assert(str_is(text_at(resource, 0), "nightshift"));
    cr_assert(str_is(text_at(resource, 1), "1.2"));
}

Test(trace, TR1_drops_and_counts_what_does_not_fit) {
    open_trace((struct trace_options){.spans_max = 3});
    for (int i = 0; i < 5; i++)
        trace_add(trace, &span);
    cr_assert_eq(trace_waiting(trace), 3);
    cr_assert_eq(trace_dropped(trace), 2);
    cr_assert_eq(trace_batch(trace, 10, &body), 3);
    trace_add(trace, &span);
    cr_assert_eq(trace_waiting(trace), 1);
}

Test(trace, TR1_is_bounded_in_bytes_too) {
    open_trace((struct trace_options){.bytes_max = 1000});
    for (int i = 0; i < 100; i++)
        trace_add(trace, &span);
    cr_assert_lt(trace_waiting(trace), 5);
    cr_assert_gt(trace_waiting(trace), 1);
    cr_assert_eq(trace_batch(trace, 1, &body), 1);
    trace_add(trace, &span);
    cr_assert_eq(trace_dropped(trace) + trace_waiting(trace), 100);
}

Test(trace, TR3_gives_the_oldest_first_and_each_once) {
    char name[8];

    open_trace((struct trace_options){.spans_max = 4});
    for (int i = 0; i < 6; i++) {
        (void)snprintf(name, sizeof name, "n%d", i);
        span.name = str_of(name);
        trace_add(trace, &span);
        if (i == 1)
            cr_assert(
                str_is(json_find_text(json_at(spans_of(1), 0), "name"), "n0"));
        if (i == 2)
            cr_assert(
                str_is(json_find_text(json_at(spans_of(1), 0), "name"), "n1"));
    }
    cr_assert_eq(json_count(spans_of(100)), 4);
    cr_assert_eq(trace_waiting(trace), 0);
}

Test(trace, gives_nothing_when_nothing_waits) {
    open_trace((struct trace_options){.service = "t"});
    cr_assert_eq(trace_batch(trace, 10, &body), 0);
    cr_assert_eq(body.len, 0);
}

Test(trace, keeps_a_batch_near_one_mebibyte) {
    static char value[1025];
    size_t      taken;

    memset(value, 'x', sizeof value - 1);
    open_trace((struct trace_options){.service = "t"});
    span.attributes = (struct trace_attribute[]){{"k", str_of(value), 0}};
    span.attribute_count = 1;
    for (int i = 0; i < 2000; i++)
        trace_add(trace, &span);
    taken = trace_batch(trace, 5000, &body);
    cr_assert_lt(body.len, (1 << 20) + 4096);
    cr_assert_eq(trace_waiting(trace), 2000 - taken);
    cr_assert_gt(taken, 100);
}

static void hide(void *arg, struct str text, struct buf *out) {
    (void)arg;
    for (size_t i = 0; i < text.len; i++) {
        struct str rest = {text.data + i, text.len - i};
        bool       secret = str_starts(rest, "s3cret");

        buf_add(out, secret ? "***" : text.data + i, secret ? 3 : 1);
        i += secret ? 5 : 0;
    }
}

Test(trace, TR2_redacts_every_text_before_it_is_cut) {
    static char value[1030];

    memset(value, 'x', 1021);
    memcpy(value + 1021, "s3cret", 7);
    open_trace((struct trace_options){.redact = hide});
    span.name = STR("a s3cret name");
    span.status = TRACE_ERROR;
    span.message = STR("s3cret");
    span.attributes = (struct trace_attribute[]){{"k", str_of(value), 0}};
    span.attribute_count = 1;
    trace_add(trace, &span);
    cr_assert(str_ends(text_at(json_at(spans_of(1), 0), 0), "x***"));
    cr_assert_null(strstr(buf_text(&body), "s3c"));
    cr_assert(strstr(buf_text(&body), "a *** name"));
}

Test(trace, TR2_cuts_values_and_attributes_and_says_so) {
    static struct trace_attribute many[40];
    static char                   value[5000];
    const struct json            *written;

    memset(value, 'x', sizeof value);
    for (int i = 0; i < 40; i++)
        many[i] = (struct trace_attribute){"k", {value, sizeof value}, 0};
    open_trace((struct trace_options){.service = "t"});
    span.attributes = many;
    span.attribute_count = 40;
    trace_add(trace, &span);
    written = json_at(spans_of(1), 0);
    cr_assert_eq(json_count(json_find(written, "attributes")), 32);
    cr_assert_eq(json_int(json_find(written, "droppedAttributesCount")), 8);
    cr_assert_eq(text_at(written, 0).len, 1024);
}

Test(trace, mends_bytes_that_are_no_text) {
    open_trace((struct trace_options){.service = "t"});
    span.name = STR("a\"\n\\\0\377\302");
    trace_add(trace, &span);
    cr_assert(str_equal(json_find_text(json_at(spans_of(1), 0), "name"),
                        STR("a\"\n\\\0\357\277\275\357\277\275")));
}

Test(trace, does_nothing_when_there_is_no_object) {
    trace_add(NULL, &span);
    trace_close(NULL);
}

enum { THREADS = 4, EACH = 2000 };

static void *add_spans(void *arg) {
    (void)arg;
    for (int i = 0; i < EACH; i++)
        trace_add(trace, &span);
    return NULL;
}

Test(trace, TR3_counts_every_span_of_several_threads) {
    pthread_t threads[THREADS];
    size_t    taken = 0;

    open_trace((struct trace_options){.spans_max = 100});
    for (int i = 0; i < THREADS; i++)
        cr_assert_eq(pthread_create(&threads[i], NULL, add_spans, NULL), 0);
    for (int i = 0; i < 500; i++)
        taken += trace_batch(trace, 10, &body);
    for (int i = 0; i < THREADS; i++)
        (void)pthread_join(threads[i], NULL);
    taken += trace_waiting(trace);
    cr_assert_eq(taken + trace_dropped(trace), THREADS * EACH);
}

/* --- which are kept ------------------------------------------------------ */

static bool kept(struct trace_sampler sampler, bool joined, bool sampled) {
    struct trace_options options = {.sampler = sampler};

    trace_close(trace);
    trace = trace_open(&options);
    span.parent.flags = sampled ? TRACE_SAMPLED : 0;
    trace_sample(trace, joined, &span.parent);
    trace_add(trace, &span);
    return trace_waiting(trace) == 1;
}

Test(trace, TR4_keeps_what_the_sender_kept_unless_told_otherwise) {
    struct trace_sampler none = {.some = true}, deaf = none;

    deaf.ignores = true;
    cr_expect(kept((struct trace_sampler){0}, true, true));
    cr_expect_not(kept((struct trace_sampler){0}, true, false));
    cr_expect(kept(none, true, true));
    cr_expect_not(kept(none, true, false));
    cr_expect_not(kept(deaf, true, true));
    cr_expect(kept((struct trace_sampler){.ignores = true}, true, false));
}

Test(trace, TR4_keeps_all_or_none_of_those_that_begin_here) {
    cr_expect(kept((struct trace_sampler){0}, false, false));
    cr_expect_not(kept((struct trace_sampler){.some = true}, false, true));
    cr_expect(kept((struct trace_sampler){true, 1, false}, false, false));
}

Test(trace, TR4_keeps_about_the_ratio_and_the_same_ones_each_time) {
    struct trace_sampler tenth = {true, 0.1, false};
    char                 run[16];
    int                  count = 0;

    for (int i = 0; i < 500; i++) {
        bool once;

        (void)snprintf(run, sizeof run, "run_%d", i);
        trace_parent_of_run(str_of(run), &span.parent);
        once = kept(tenth, false, true);
        cr_assert_eq(kept(tenth, false, false), once);
        count += once;
    }
    cr_expect_gt(count, 25);
    cr_expect_lt(count, 75);
}

Test(trace, TR4_keeps_nothing_when_there_is_no_object) {
    trace_sample(NULL, true, &span.parent);
    cr_expect_eq(span.parent.flags, 0);
}

Test(trace, says_more_of_us_and_escapes_its_names) {
    struct trace_attribute more[] = {{"deployment\"", STR("blue"), 0}};

    open_trace((struct trace_options){
        .service = "nightshift", .resource = more, .resource_count = 1});
    trace_add(trace, &span);
    (void)spans_of(10);
    cr_expect(strstr(buf_text(&body), "{\"key\":\"deployment\\\"\","
                                      "\"value\":{\"stringValue\":\"blue\"}}"),
              "%s", buf_text(&body));
}
