/* test_otlp.c - batches reach a collector, or are given up and counted. */
#include <criterion/criterion.h>

#include <string.h>
#include <unistd.h>

#include "loopback.h"
#include "observe/log.h"
#include "observe/metrics.h"
#include "otlp/otlp.h"
#include "secret/secret.h"
#include "support.h"
#include "sys/clock_real.h"

static struct loop         *loop;
static struct loopback      server;
static struct trace        *trace;
static struct metrics      *metrics;
static struct secrets      *secrets;
static struct log          *told;
static struct otlp_settings settings;
static struct otlp         *otlp;
static int                  lines[2];
static struct json         *config;
static struct buf           text;
static struct err           err;

static void begin(void) {
    loop = loop_open();
    loopback_open(&server, loop);
    trace = trace_open(&(struct trace_options){.service = "nightshift"});
    metrics = metrics_open();
    secrets = secret_open();
    cr_assert_eq(pipe(lines), 0);
    told = log_open(&(struct log_options){
        .level = LOG_INFO, .fd = lines[1], .clock = clock_real()});
    config = json_new_map();
}

static void end(void) {
    otlp_close(otlp);
    loopback_close(&server);
    loop_run(loop);
    loop_close(loop);
    otlp_settings_release(&settings);
    trace_close(trace);
    metrics_close(metrics);
    secret_close(secrets);
    log_close(told);
    json_release(config);
    buf_release(&text);
}

TestSuite(otlp, .init = begin, .fini = end, .timeout = 30);

/* `more` is what else is configured, with a comma before it. */
static bool open_with(const char *more) {
    struct buf          all = BUF_EMPTY;
    struct otlp_options options = {.loop = loop,
                                   .clock = clock_real(),
                                   .log = told,
                                   .metrics = metrics,
                                   .trace = trace,
                                   .settings = &settings,
                                   .secrets = secrets,
                                   .user_agent = "test"};

    buf_addf(&all,
             "{'otlp': {'endpoint': 'http://127.0.0.1:%d', 'flush': '10ms'%s}}",
             server.port, more);
    json_release(config);
    config = support_json(buf_text(&all));
    buf_release(&all);
    otlp_settings_release(&settings);
    cr_assert(otlp_settings_read(config, &settings, &err), "%s", err.text);
    otlp = otlp_open(&options, &err);
    return otlp != NULL;
}

static void add_spans(int count) {
    struct trace_span span = {.name = STR("node look"),
                              .kind = TRACE_INTERNAL,
                              .start_ms = 1,
                              .end_ms = 2};

    trace_parent_of_run(STR("run_1"), &span.parent);
    for (int i = 0; i < count; i++) {
        char place[16];

        (void)snprintf(place, sizeof place, "%d", i);
        trace_span_of(STR("run_1"), str_of(place), span.id);
        trace_add(trace, &span);
    }
}

static double counted(const char *series) {
    const char *at;

    buf_clear(&text);
    metrics_write(metrics, METRICS_CLASSIC, &text);
    at = strstr(buf_text(&text), series);
    cr_assert(at, "no %s", series);
    return strtod(at + strlen(series), NULL);
}

#define SENT "\nnightshift_spans_sent_total "
#define FAILED "\nnightshift_span_exports_failed_total "
#define DROPPED(why) "\nnightshift_spans_dropped_total{why=\"" why "\"} "

static int asked(void) {
    int count = 0;

    for (size_t i = 0; i < server.asked.len; i++)
        count += server.asked.data[i] == '\n';
    return count;
}

struct wish {
    bool (*came)(void);
};

static void look(void *arg) {
    struct wish *wish = arg;

    if (wish->came())
        loop_stop(loop);
    else
        (void)loop_timer_start(loop, 2, look, wish);
}

/* Runs the loop until it is so; the suite's time is the limit. */
static void await(bool (*came)(void)) {
    struct wish wish = {came};

    look(&wish);
    loop_run(loop);
}

static void stopped(void *arg) {
    *(bool *)arg = true;
    loop_stop(loop);
}

static void stop(int64_t within_ms) {
    bool over = false;

    otlp_stop(otlp, within_ms, stopped, &over);
    loop_run(loop);
    cr_expect(over);
}

static bool three_sent(void) {
    return counted(SENT) >= 3;
}

static bool something_refused(void) {
    return counted(DROPPED("refused")) > 0;
}

static bool failed_once(void) {
    return counted(FAILED) >= 1;
}

static const char *log_text(void) {
    static char said[65536];
    ssize_t     got;

    (void)close(lines[1]);
    got = read(lines[0], said, sizeof said - 1);
    said[got > 0 ? got : 0] = '\0';
    return said;
}

/* --- a collector that works ---------------------------------------------- */

Test(otlp, a_batch_is_one_post_of_json) {
    secret_put(secrets, "KEY", STR("Bearer CANARY-0123456789"));
    secret_put(secrets, OTLP_HEADER_LIST, STR("x-tenant=blue%20one, x-b=2"));
    loopback_rule(
        &server, (struct loopback_rule){"POST /v1/traces", NULL, 200, "{}", 0});
    cr_assert(open_with(", 'headers': {'Authorization': {'secret': 'KEY'}}"),
              "%s", err.text);
    add_spans(3);
    await(three_sent);
    cr_expect_eq(asked(), 1);
    cr_expect(support_has(buf_text(&server.last),
                          "Content-Type: application/json\r\n"));
    cr_expect(support_has(buf_text(&server.last),
                          "Authorization: Bearer CANARY-0123456789\r\n"));
    cr_expect(support_has(buf_text(&server.last), "x-tenant: blue one\r\n"));
    cr_expect(support_has(buf_text(&server.last), "{\"resourceSpans\":["));
    stop(1000);
    cr_expect_eq(asked(), 1);
}

Test(otlp, what_a_collector_did_not_take_is_not_counted_as_sent) {
    loopback_rule(&server,
                  (struct loopback_rule){
                      "POST /v1/traces", NULL, 200,
                      "{\"partialSuccess\":{\"rejectedSpans\":\"2\"}}", 0});
    cr_assert(open_with(""));
    add_spans(3);
    await(something_refused);
    cr_expect_eq(counted(SENT), 1);
    cr_expect_eq(counted(DROPPED("refused")), 2);
    stop(1000);
}

Test(otlp, OT3_a_stop_sends_everything_that_waits) {
    loopback_rule(
        &server, (struct loopback_rule){"POST /v1/traces", NULL, 200, "{}", 0});
    cr_assert(open_with(""));
    add_spans(1200);
    stop(20000);
    cr_expect_eq(counted(SENT), 1200);
    cr_expect_eq(asked(), 3);
    cr_expect_eq(counted(DROPPED("ended")), 0);
}

/* --- one that does not --------------------------------------------------- */

Test(otlp, OT1_a_batch_is_sent_again_after_503) {
    loopback_rule(&server,
                  (struct loopback_rule){"POST /v1/traces", NULL, 503, "", 1});
    loopback_rule(
        &server, (struct loopback_rule){"POST /v1/traces", NULL, 200, "{}", 0});
    cr_assert(open_with(""));
    add_spans(3);
    await(three_sent);
    cr_expect_eq(asked(), 2);
    cr_expect_eq(counted(FAILED), 1);
    cr_expect_eq(counted(DROPPED("unreachable")), 0);
    stop(1000);
}

Test(otlp, OT1_not_before_it_may) {
    struct clock *clock = clock_real();
    int64_t       began;

    server.date = "Thu, 01 Jan 2026 00:00:00 GMT\r\nRetry-After: 2";
    loopback_rule(&server,
                  (struct loopback_rule){"POST /v1/traces", NULL, 429, "", 1});
    loopback_rule(
        &server, (struct loopback_rule){"POST /v1/traces", NULL, 200, "{}", 0});
    cr_assert(open_with(""));
    add_spans(3);
    await(failed_once);
    began = clock->mono_ns(clock);
    await(three_sent);
    cr_expect_geq(clock->mono_ns(clock) - began, INT64_C(1900000000));
    stop(1000);
}

Test(otlp, OT1_never_after_any_other_answer) {
    loopback_rule(
        &server, (struct loopback_rule){"POST /v1/traces", NULL, 400, "no", 0});
    cr_assert(open_with(""));
    add_spans(3);
    await(something_refused);
    cr_expect_eq(asked(), 1);
    cr_expect_eq(counted(DROPPED("refused")), 3);
    stop(1000);
    cr_expect_eq(asked(), 1);
}

Test(otlp, OT1_gives_a_batch_up_when_the_end_comes) {
    loopback_rule(&server,
                  (struct loopback_rule){"POST /v1/traces", NULL, 503, "", 0});
    cr_assert(open_with(""));
    add_spans(3);
    await(failed_once);
    add_spans(2);
    stop(10000);
    cr_expect_eq(counted(DROPPED("ended")), 5);
}

/* The address takes connections and nobody reads them. */
static void never_answer(void) {
    loop_watch_events(server.watch, 0);
}

Test(otlp, OT2_a_request_ends_by_its_deadline) {
    never_answer();
    cr_assert(open_with(", 'timeout': '50ms'"));
    add_spans(3);
    await(failed_once);
    cr_expect_eq(counted(SENT), 0);
    stop(100);
}

Test(otlp, OT3_a_stop_ends_in_time_when_nobody_answers) {
    never_answer();
    cr_assert(open_with(", 'timeout': '5m'"));
    add_spans(3);
    stop(50);
    cr_expect_eq(counted(DROPPED("ended")), 3);
}

/* --- what is told -------------------------------------------------------- */

Test(otlp, OT4_N11_a_failure_is_told_once_without_what_was_sent_or_answered) {
    const char *said, *first;

    secret_put(secrets, OTLP_HEADER_LIST, STR("x-key=CANARY-0123456789"));
    loopback_rule(&server, (struct loopback_rule){"POST /v1/traces", NULL, 503,
                                                  "ECHO-0123456789", 0});
    cr_assert(open_with(""));
    add_spans(3);
    await(failed_once);
    stop(1000);
    said = log_text();
    first = strstr(said, "traces cannot be sent");
    cr_assert(first, "%s", said);
    cr_expect_null(strstr(first + 1, "traces cannot be sent"));
    cr_expect(support_has(said, "status 503"));
    cr_expect_not(support_has(said, "0123456789"), "%s", said);
}

Test(otlp,
     OT4_N11_a_header_that_splits_a_request_is_refused_without_its_value) {
    secret_put(secrets, "KEY", STR("CANARY-1\r\nX: 2"));
    cr_expect_not(open_with(", 'headers': {'x': {'secret': 'KEY'}}"));
    cr_expect(support_has(err.text, "otlp.headers.x"), "%s", err.text);
    cr_expect_not(support_has(err.text, "CANARY"), "%s", err.text);
    secret_put(secrets, OTLP_HEADER_LIST, STR("CANARY-2"));
    cr_expect_not(open_with(""));
    cr_expect_not(support_has(err.text, "CANARY"), "%s", err.text);
}

Test(otlp, what_finds_no_room_is_counted) {
    loopback_rule(
        &server, (struct loopback_rule){"POST /v1/traces", NULL, 200, "{}", 0});
    add_spans(2500);
    cr_assert(open_with(""));
    stop(10000);
    cr_expect_eq(counted(DROPPED("full")), 2500 - 2048);
    cr_expect_eq(counted(SENT), 2048);
}

/* --- settings ------------------------------------------------------------ */

static bool reads(const char *otlp_table) {
    struct buf all = BUF_EMPTY;

    otlp_settings_release(&settings);
    buf_addf(&all, "{'otlp': %s}", otlp_table);
    json_release(config);
    config = support_json(buf_text(&all));
    buf_release(&all);
    return otlp_settings_read(config, &settings, &err);
}

static void refuses(const char *otlp_table, const char *word) {
    cr_expect_not(reads(otlp_table), "%s", otlp_table);
    cr_expect_eq(err.code, ERR_CONFIG);
    cr_expect(support_has(err.text, word), "%s", err.text);
}

#define AT "'endpoint': 'http://c:4318'"

Test(otlp_settings, without_an_endpoint_there_are_no_traces) {
    begin();
    cr_expect(reads("{}") && !settings.on);
    cr_expect(reads("{'protocol': 'grpc'}") && !settings.on);
    cr_expect(reads("{" AT ", 'exporter': 'none', 'protocol': 'grpc'}") &&
              !settings.on);
    end();
}

Test(otlp_settings, the_path_is_added_to_a_base_and_not_to_a_whole_url) {
    begin();
    cr_assert(reads("{'endpoint': 'http://c:4318/otlp/'}"));
    cr_expect_str_eq(buf_text(&settings.url), "http://c:4318/otlp/v1/traces");
    cr_assert(reads("{" AT ", 'traces_endpoint': 'https://c/x'}"));
    cr_expect_str_eq(buf_text(&settings.url), "https://c/x");
    cr_expect_str_eq(settings.service, "nightshift");
    end();
}

Test(otlp_settings, OS1_what_cannot_be_done_is_refused) {
    begin();
    refuses("{" AT ", 'protocol': 'grpc'}", "OTEL_EXPORTER_OTLP_PROTOCOL");
    refuses("{" AT ", 'protocol': 'http/protobuf'}", "http/json");
    refuses("{'endpoint': 'collector:4317'}", "otlp.endpoint");
    refuses("{'traces_endpoint': 'x'}", "otlp.traces_endpoint");
    refuses("{" AT ", 'exporter': 'console'}", "otlp.exporter");
    refuses("{" AT ", 'sampler': 'jaeger_remote'}", "parentbased_always_on");
    refuses("{" AT ", 'sampler': 'traceidratio', 'sampler_arg': '2'}",
            "from 0 to 1");
    refuses("{" AT ", 'sampler': 'traceidratio', 'sampler_arg': 'x'}",
            "from 0 to 1");
    refuses("{" AT ", 'resource': 'a'}", "otlp.resource");
    refuses("{" AT ", 'resource': 'a=%zz'}", "otlp.resource");
    refuses("{" AT ", 'flush': '1ms'}", "10ms");
    end();
}

Test(otlp_settings, OS2_N11_a_header_is_named_and_its_secret_is_not_shown) {
    begin();
    refuses("{" AT ", 'headers': {'a b': {'secret': 'CANARY'}}}", "'a b'");
    cr_expect_not(support_has(err.text, "CANARY"));
    end();
}

Test(otlp_settings, reads_samplers_by_their_usual_names) {
    begin();
    cr_assert(reads("{" AT "}"));
    cr_expect(!settings.sampler.some && !settings.sampler.ignores);
    cr_assert(reads("{" AT ", 'sampler': 'always_off'}"));
    cr_expect(settings.sampler.some && settings.sampler.ratio <= 0 &&
              settings.sampler.ignores);
    cr_assert(reads("{" AT ", 'sampler': 'parentbased_traceidratio', "
                    "'sampler_arg': '0.25'}"));
    cr_expect(settings.sampler.some && !settings.sampler.ignores);
    cr_expect_float_eq(settings.sampler.ratio, 0.25, 1e-9);
    cr_assert(reads("{" AT ", 'sampler': 'traceidratio'}"));
    cr_expect_float_eq(settings.sampler.ratio, 1, 1e-9);
    end();
}

Test(otlp_settings, reads_the_resource_and_the_name_in_it) {
    begin();
    cr_assert(reads("{" AT ", 'resource': "
                    "'service.name=pager, deployment.environment=a%2Cb,,'}"));
    cr_expect_str_eq(settings.service, "pager");
    support_is(settings.resource, "{'service.name': 'pager', "
                                  "'deployment.environment': 'a,b'}");
    cr_assert(reads("{" AT ", 'service': 'mine', 'resource': "
                    "'service.name=pager'}"));
    cr_expect_str_eq(settings.service, "mine");
    end();
}
