/* test_run_trace.c - one tree for a run, over any number of processes. */
#include <criterion/criterion.h>

#include <string.h>

#include "graph/run_trace.h"
#include "support.h"

#define SENDER "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"

static struct trace     *trace;
static struct run_trace *spans;
static struct json      *records, *told; /* told: by name */
static struct buf        body;

static void begin(void) {
    trace = trace_open(&(struct trace_options){.service = "nightshift"});
    records = json_new_list();
    told = json_new_map();
}

static void end(void) {
    run_trace_close(spans);
    trace_close(trace);
    json_release(records);
    json_release(told);
    buf_release(&body);
}

TestSuite(run_trace, .init = begin, .fini = end, .timeout = 10);

/* A process that goes on with what is recorded. */
static void go_on(const char *incident) {
    struct json *value = support_json(incident);

    run_trace_close(spans);
    spans = run_trace_open(trace, SUPPORT_RUN, value, records);
    json_release(value);
}

static void note(const char *text) {
    struct json *record = support_json(text);

    run_trace_record(spans, record);
    json_append(records, record);
}

static void see(const char *place, const char *question, int64_t began,
                int64_t ended, enum err_code code) {
    struct effect    effect = support_effect(question, "{'aws': {'region': "
                                                          "'eu-west-1', 'account': "
                                                          "'123456789012'}}");
    struct err       err = {.text = ""};
    struct gate_seen seen = {.place = str_of(place),
                             .effect = &effect,
                             .began_ms = began,
                             .ended_ms = ended,
                             .failed = code != ERR_COUNT,
                             .err = &err,
                             .how = "answered",
                             .status = code == ERR_COUNT ? 200 : 503};

    if (seen.failed)
        err_set(&err, code, "the service said no");
    run_trace_effect(spans, &seen);
    effect_release(&effect);
}

/* All spans so far, by their names; how many there are. */
static size_t collect(void) {
    struct json       *batch;
    const struct json *list;
    struct err         err;
    size_t             count;

    buf_clear(&body);
    if (trace_batch(trace, 1000, &body) == 0)
        return 0;
    batch = json_parse(buf_str(&body), &json_caps_answer, &err);
    cr_assert(batch, "%s", err.text);
    list = json_find(
        json_at(json_find(json_at(json_find(batch, "resourceSpans"), 0),
                          "scopeSpans"),
                0),
        "spans");
    count = json_count(list);
    for (size_t i = 0; i < count; i++)
        json_put_str(told, json_find_text(json_at(list, i), "name"),
                     json_clone(json_at(list, i)));
    json_release(batch);
    return count;
}

static const struct json *span(const char *name) {
    const struct json *found = json_find(told, name);

    cr_assert(found, "no span \"%s\" in %s", name, buf_text(&body));
    return found;
}

static void is_below(const char *child, const char *parent) {
    cr_expect(str_equal(json_find_text(span(child), "parentSpanId"),
                        json_find_text(span(parent), "spanId")),
              "%s is not below %s", child, parent);
    cr_expect(str_equal(json_find_text(span(child), "traceId"),
                        json_find_text(span(parent), "traceId")));
}

static void lasts(const char *name, const char *from, const char *to) {
    cr_expect_str_eq(json_find_text(span(name), "startTimeUnixNano").data,
                     from);
    cr_expect_str_eq(json_find_text(span(name), "endTimeUnixNano").data, to);
}

static int status(const char *name) {
    return (int)json_int(json_dig(span(name), "status", "code", NULL));
}

static struct str said(const char *name, const char *key) {
    const struct json *list = json_find(span(name), "attributes");

    for (size_t i = 0; i < json_count(list); i++)
        if (str_is(json_find_text(json_at(list, i), "key"), key))
            return json_text(
                json_dig(json_at(list, i), "value", "stringValue", NULL));
    return STR("");
}

#define STARTED                                                      \
    "{'kind': 'started', 'at': 10, 'run': 'run_1', 'mode': 'live',"  \
    " 'incident': {'id': 'inc_1', 'source': 'ops', 'labels': {'x': " \
    "'SECRET'}}}"
#define VISIT                                                                 \
    "{'kind': 'visit', 'at': 20, 'node': 'look', 'visit': 1, 'input': {'q': " \
    "'SECRET'}}"
#define ATTEMPT(at, number)                                                    \
    "{'kind': 'attempt', 'at': " #at ", 'node': 'look', 'visit': 1, 'phase': " \
    "'run', 'attempt': " #number "}"
#define ENDED(at)                                                          \
    "{'kind': 'ended', 'at': " #at ", 'node': 'look', 'visit': 1, 'use': " \
    "'analyst', 'outcome': 'found', 'next': 'done', 'output': {'y': "      \
    "'SECRET'}}"
#define FINISHED \
    "{'kind': 'finished', 'at': 90, 'outcome': 'done', 'verdict': 'pass'}"
#define READ                                                                  \
    "['n.lua:1', 'aws', 'ecs:DescribeServices', {'cluster': 'c', 'include': " \
    "['SECRET']}]"

static void whole_run(void) {
    note(STARTED);
    note(VISIT);
    note(ATTEMPT(21, 1));
    see("look/0001/run/-/0001", READ, 25, 30, ERR_COUNT);
    note("{'kind': 'read', 'at': 30, 'slot': 'look/0001/run/-/0001'}");
    note(ENDED(40));
    note(FINISHED);
    run_trace_end(spans, STR("heal"));
}

Test(run_trace, RTR1_a_run_is_a_tree_of_nodes_attempts_and_effects) {
    go_on("{}");
    whole_run();
    cr_expect_eq(collect(), 4);
    cr_expect_null(json_find(span("run heal"), "parentSpanId"));
    is_below("node look", "run heal");
    is_below("attempt look", "node look");
    is_below("ecs.DescribeServices", "attempt look");
    lasts("run heal", "10000000", "90000000");
    lasts("node look", "20000000", "40000000");
    lasts("attempt look", "21000000", "40000000");
    lasts("ecs.DescribeServices", "25000000", "30000000");
    cr_expect_eq(json_int(json_find(span("ecs.DescribeServices"), "kind")),
                 TRACE_CLIENT);
    cr_expect(str_is(said("run heal", "nightshift.verdict"), "pass"));
    cr_expect(str_is(said("node look", "nightshift.outcome"), "found"));
    cr_expect(
        str_is(said("ecs.DescribeServices", "rpc.method"), "DescribeServices"));
    cr_expect(
        str_is(said("ecs.DescribeServices", "cloud.region"), "eu-west-1"));
}

Test(run_trace, RTR3_nothing_of_what_was_asked_or_answered_is_told) {
    go_on("{'labels': {'x': 'SECRET'}}");
    whole_run();
    cr_expect_eq(collect(), 4);
    cr_expect_not(support_has(buf_text(&body), "SECRET"), "%s",
                  buf_text(&body));
}

Test(run_trace, a_run_joins_the_trace_of_who_sent_its_alert) {
    go_on("{'trace': '" SENDER "'}");
    whole_run();
    (void)collect();
    cr_expect(str_is(json_find_text(span("run heal"), "traceId"),
                     "0af7651916cd43dd8448eb211c80319c"));
    cr_expect(str_is(json_find_text(span("run heal"), "parentSpanId"),
                     "b7ad6b7169203331"));
    is_below("node look", "run heal");
}

Test(run_trace, a_sender_who_does_not_sample_is_heard) {
    go_on("{'trace': "
          "'00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-00'}");
    whole_run();
    cr_expect_eq(collect(), 0);
    cr_expect_eq(run_trace_context(spans)->flags, 0);
}

Test(run_trace, a_trace_that_is_none_is_not_joined) {
    go_on("{'trace': 'spam'}");
    whole_run();
    (void)collect();
    cr_expect_null(json_find(span("run heal"), "parentSpanId"));
}

/* --- over processes ------------------------------------------------------ */

Test(run_trace, RTR2_what_was_told_is_not_told_again) {
    go_on("{}");
    whole_run();
    cr_expect_eq(collect(), 4);
    go_on("{}");
    cr_expect_eq(collect(), 0);
}

Test(run_trace, RTR1_a_run_that_goes_on_hangs_below_the_same_spans) {
    go_on("{}");
    note(STARTED);
    note(VISIT);
    note(ATTEMPT(21, 1));
    see("look/0001/run/-/0001", READ, 25, 30, ERR_COUNT);
    note("{'kind': 'read', 'at': 30, 'slot': 'look/0001/run/-/0001'}");
    cr_expect_eq(collect(), 1);
    go_on("{}");
    cr_expect_eq(collect(), 0);
    note(ATTEMPT(60, 2));
    cr_expect_eq(collect(), 1);
    cr_expect(
        str_is(said("attempt look", "nightshift.attempt.end"), "interrupted"));
    lasts("attempt look", "21000000", "30000000");
    is_below("ecs.DescribeServices", "attempt look");
    note(ENDED(70));
    note(FINISHED);
    run_trace_end(spans, STR("heal"));
    cr_expect_eq(collect(), 3);
    is_below("attempt look", "node look");
    is_below("node look", "run heal");
    lasts("node look", "20000000", "70000000");
    lasts("attempt look", "60000000", "70000000");
}

Test(run_trace, an_effect_that_outlasts_its_attempt_is_the_visits) {
    go_on("{}");
    note(STARTED);
    note(VISIT);
    note(ATTEMPT(21, 1));
    note("{'kind': 'parked', 'at': 30, 'node': 'look', 'visit': 1, 'phase': "
         "'run', 'due': 60}");
    cr_expect_eq(collect(), 1);
    go_on("{}");
    note(ATTEMPT(61, 2));
    see("look/0001/run/-/0001", "['', 'sleep', 30]", 25, 62, ERR_COUNT);
    note(ENDED(70));
    (void)collect();
    lasts("parked look", "30000000", "61000000");
    is_below("parked look", "node look");
    is_below("engine:sleep", "node look");
    cr_expect_eq(json_int(json_find(span("engine:sleep"), "kind")),
                 TRACE_INTERNAL);
}

Test(run_trace, a_run_that_is_ended_from_outside_closes_what_is_open) {
    go_on("{}");
    note(STARTED);
    note(VISIT);
    note(ATTEMPT(21, 1));
    go_on("{}");
    note("{'kind': 'finished', 'at': 90, 'outcome': 'quarantined', 'reason': "
         "'it died twice'}");
    run_trace_end(spans, STR("heal"));
    cr_expect_eq(collect(), 3);
    lasts("node look", "20000000", "21000000");
    lasts("run heal", "10000000", "90000000");
    cr_expect_eq(status("run heal"), TRACE_ERROR);
    cr_expect(str_is(said("run heal", "error.type"), "quarantined"));
}

/* --- what goes wrong ----------------------------------------------------- */

/* It is heard out, and then the run goes on without it. */
Test(run_trace, the_sibling_of_a_branch_that_left_ends_before_what_follows) {
    go_on("{'id': 'inc_1'}");
    note("{'kind': 'started', 'at': 1000}");
    note("{'kind': 'visit', 'at': 1000, 'node': 'logs', 'visit': 1, 'branch': "
         "1}");
    note("{'kind': 'visit', 'at': 1000, 'node': 'code', 'visit': 1, 'branch': "
         "2}");
    note("{'kind': 'attempt', 'at': 1000, 'node': 'code', 'visit': 1, 'phase': "
         "'run', 'attempt': 1}");
    note("{'kind': 'ended', 'at': 2000, 'node': 'logs', 'visit': 1, 'leaves': "
         "true, 'outcome': 'lost'}");
    note("{'kind': 'read', 'at': 3000}");
    cr_expect_eq(collect(), 1);
    note("{'kind': 'visit', 'at': 9000, 'node': 'tell', 'visit': 1}");
    cr_expect_eq(collect(), 2);
    lasts("node code", "1000000000", "3000000000");
    lasts("attempt code", "1000000000", "3000000000");
}

Test(run_trace, errors_set_the_status_of_effect_attempt_and_node) {
    go_on("{}");
    note(STARTED);
    note(VISIT);
    note(ATTEMPT(21, 1));
    see("look/0001/run/-/0001", READ, 25, 30, ERR_THROTTLED);
    note("{'kind': 'rerun', 'at': 31, 'node': 'look', 'error': {'code': "
         "'throttled', 'text': 'the service said no'}}");
    (void)collect();
    cr_expect_eq(status("ecs.DescribeServices"), TRACE_ERROR);
    cr_expect_eq(status("attempt look"), TRACE_ERROR);
    cr_expect(str_is(said("ecs.DescribeServices", "error.type"), "throttled"));
    note(ATTEMPT(32, 2));
    note("{'kind': 'ended', 'at': 40, 'node': 'look', 'visit': 1, 'outcome': "
         "'error', 'error': {'code': 'limit', 'text': 'too long'}}");
    (void)collect();
    cr_expect_eq(status("node look"), TRACE_ERROR);
    cr_expect(str_is(
        json_text(json_dig(span("node look"), "status", "message", NULL)),
        "too long"));
}

Test(run_trace, an_undo_is_a_span_of_its_own) {
    go_on("{}");
    note(STARTED);
    note(VISIT);
    note(ATTEMPT(21, 1));
    note(ENDED(30));
    note("{'kind': 'attempt', 'at': 50, 'node': 'look', 'visit': 1, 'phase': "
         "'undo', 'attempt': 1}");
    see("look/0001/undo/-/0001", READ, 51, 52, ERR_COUNT);
    note("{'kind': 'undone', 'at': 60, 'node': 'look', 'visit': 1, 'outcome': "
         "'failed', 'reason': 'its undo said so'}");
    note(FINISHED);
    run_trace_end(spans, STR("heal"));
    cr_expect_eq(collect(), 6);
    is_below("undo look", "run heal");
    is_below("attempt look", "undo look");
    is_below("ecs.DescribeServices", "attempt look");
    cr_expect_eq(status("undo look"), TRACE_ERROR);
}

Test(run_trace, without_spans_nothing_happens) {
    run_trace_end(NULL, STR("heal"));
    cr_expect_null(run_trace_context(NULL));
    cr_expect_null(run_trace_log(NULL, NULL));
}
