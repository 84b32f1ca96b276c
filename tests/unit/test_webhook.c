/* test_webhook.c - who is let in, and what the others are told.
 *
 * The whole way of a request: a socket, the server, the site, the webhook, the
 * intake, the store's thread.
 */
#include <stdlib.h>
#include <string.h>

#include "net/http_server.h"
#include "observe/metrics.h"
#include "raw_client.h"
#include "secret/secret.h"
#include "serve/readiness.h"
#include "serve/site.h"
#include "serve/webhook.h"
#include "support.h"
#include "sys/loop.h"

#define RIGHT "Authorization: Bearer sender-secret\r\n"
#define VIEWER "Authorization: Bearer viewer-secret\r\n"
#define WRONG "Authorization: Bearer somebody-else\r\n"

static struct {
    struct bench        bench;
    struct queue       *queue;
    struct intake      *intake;
    struct metrics     *metrics;
    struct secrets     *secrets;
    struct webhook     *webhook;
    struct readiness   *readiness;
    struct site        *site;
    struct http_server *server;
    struct buf          got;
} s;

static void next(void *arg, struct intake_taken *taken) {
    (void)arg;
    intake_taken_release(taken);
}

static void open_intake(size_t deliveries) {
    struct intake_options options = {.loop = s.bench.loop,
                                     .queue = s.queue,
                                     .clock = &s.bench.clock.clock,
                                     .deliveries = deliveries,
                                     .bytes = 1u << 20,
                                     .next = next};

    s.intake = intake_open(&options);
}

static void use_world(void) {
    struct json *sources = support_json(
        "{'slow': {'rate': '1/1h'}, 'free': {}, 'small': {'max_body': 16}}");
    struct json *tokens =
        support_json("{'a': {'secret': {'secret': 'SEND'}, 'role': 'ingest'}, "
                     "'b': {'secret': {'secret': 'LOOK'}, 'role': 'viewer'}}");
    struct webhook_world world = {.sources = sources, .tokens = tokens};
    struct err           err = {.text = ""};

    s.secrets = secret_open();
    secret_put(s.secrets, "SEND", STR("sender-secret"));
    secret_put(s.secrets, "LOOK", STR("viewer-secret"));
    world.secrets = s.secrets;
    cr_assert(webhook_use(s.webhook, &world, &err), "%s", err.text);
    json_release(sources);
    json_release(tokens);
}

static void open_with(size_t deliveries) {
    struct webhook_options     webhook = {.clock = &s.bench.clock.clock};
    struct site_options        site = {.webhook = NULL};
    struct http_server_options server = {.address = "127.0.0.1",
                                         .threads = 2,
                                         .connections = 16,
                                         .request_s = 30,
                                         .cap = site_cap,
                                         .handle = site_handle};
    struct err                 err = {.text = ""};

    memset(&s, 0, sizeof s);
    bench_open(&s.bench, "");
    s.queue = queue_open(s.bench.loop, s.bench.store, true);
    open_intake(deliveries);
    webhook.intake = s.intake;
    webhook.log = s.bench.log;
    webhook.metrics = s.metrics = metrics_open();
    s.webhook = webhook_open(&webhook);
    use_world();
    site.webhook = s.webhook;
    site.readiness = s.readiness = readiness_open();
    server.arg = s.site = site_open(&site, true, false);
    s.server = http_server_open(&server, &err);
    cr_assert(s.server, "%s", err.text);
}

static void open_all(void) {
    open_with(8);
}

static void settle(void) {
    http_server_close(s.server);
    s.server = NULL;
    queue_close(s.queue);
    s.queue = NULL;
    loop_run(s.bench.loop);
}

static void close_all(void) {
    settle();
    site_close(s.site);
    readiness_close(s.readiness);
    webhook_close(s.webhook);
    secret_close(s.secrets);
    metrics_close(s.metrics);
    intake_close(s.intake);
    buf_release(&s.got);
    bench_close(&s.bench);
}

TestSuite(webhook, .init = open_all, .fini = close_all);

static int post(const char *source, const char *headers, const char *body) {
    char path[64];

    (void)snprintf(path, sizeof path, "/hooks/%s", source);
    buf_clear(&s.got);
    raw_client_send(http_server_port(s.server), "POST", path, headers, body,
                    &s.got);
    return raw_client_status(&s.got);
}

static bool count_one(void *arg, struct str key, int64_t version,
                      struct str value) {
    (void)key;
    (void)version;
    (void)value;
    ++*(int *)arg;
    return true;
}

/* How many deliveries the store has; ends the service. */
static int stored(void) {
    struct err err;
    int        count = 0;

    settle();
    cr_assert(store_scan(s.bench.store, STR(DELIVERY_RECORD), STR(""), 1000,
                         count_one, &count, &err));
    return count;
}

static const char *body_of_answer(void) {
    const char *body = strstr(buf_text(&s.got), "\r\n\r\n");

    return body ? body + 4 : "";
}

/* --- WH1 ----------------------------------------------------------------- */

Test(webhook, WH1_a_proven_sender_is_told_the_delivery_that_is_stored) {
    cr_expect_eq(post("free", RIGHT, "{\"a\": 1}"), 202);
    cr_expect(support_has(body_of_answer(), "{\"delivery\":\"dlv_"));
    cr_expect_eq(post("free", RIGHT, "{\"a\": 1}"), 202);
    cr_expect(support_has(body_of_answer(), "\"repeated\":true"));
    cr_expect_eq(stored(), 1);
}

Test(webhook, WH1_N1_nothing_of_an_unproven_sender_is_stored) {
    static const char *const senders[] = {"", WRONG, VIEWER,
                                          "Authorization: Bearer \r\n"};
    static const char *const bodies[] = {"{\"a\": 1}", "{\"broken", ""};
    struct buf               first = BUF_EMPTY;

    for (size_t i = 0; i < 4; i++)
        for (size_t j = 0; j < 3; j++) {
            cr_expect_eq(post("free", senders[i], bodies[j]), 401, "%zu %zu", i,
                         j);
            if (first.len == 0)
                buf_add_text(&first, body_of_answer());
            cr_expect_str_eq(body_of_answer(), buf_text(&first));
        }
    cr_expect_not(support_has(buf_text(&first), "somebody"));
    buf_release(&first);
    cr_expect_eq(stored(), 0);
}

Test(webhook, WH1_what_is_not_worth_reading_is_not_stored) {
    cr_expect_eq(post("free", RIGHT, "{\"a\": "), 400);
    cr_expect_eq(post("free", RIGHT, "{\"a\": 1, \"a\": 2}"), 400);
    cr_expect_eq(post("free", RIGHT, "{\"a\": \"\xff\"}"), 400);
    cr_expect_eq(post("small", RIGHT, "{\"a\": \"0123456789\"}"), 413);
    cr_expect_eq(post("nobody", RIGHT, "{}"), 404);
    cr_expect_eq(stored(), 0);
}

/* --- WH2 ----------------------------------------------------------------- */

static void come_again(int status) {
    cr_expect_eq(status, 503, "%s", buf_text(&s.got));
    cr_expect(support_has(buf_text(&s.got), "Retry-After: "), "%s",
              buf_text(&s.got));
}

Test(webhook, WH2_over_its_rate_is_asked_to_come_again) {
    cr_expect_eq(post("slow", RIGHT, "{\"a\": 1}"), 202);
    come_again(post("slow", RIGHT, "{\"a\": 2}"));
    clock_virtual_advance(&s.bench.clock, 3600000);
    cr_expect_eq(post("slow", RIGHT, "{\"a\": 2}"), 202);
    cr_expect_eq(stored(), 2);
}

Test(webhook, WH2_N1_a_store_that_failed_asks_to_come_again) {
    intake_fail(s.intake);
    come_again(post("free", RIGHT, "{}"));
    cr_expect_eq(stored(), 0);
}

Test(webhook, WH2_N1_too_much_that_waits_asks_to_come_again) {
    close_all();
    open_with(0);
    come_again(post("free", RIGHT, "{}"));
    cr_expect_eq(stored(), 0);
}

/* --- WH3 ----------------------------------------------------------------- */

Test(webhook, WH3_a_refused_sender_takes_nothing_of_the_rate) {
    for (int i = 0; i < 5; i++)
        cr_expect_eq(post("slow", WRONG, "{}"), 401);
    cr_expect_eq(post("slow", RIGHT, "{}"), 202);
    cr_expect_eq(stored(), 1);
}

Test(webhook, WH3_a_source_over_its_rate_holds_up_no_other) {
    cr_expect_eq(post("slow", RIGHT, "{}"), 202);
    for (int i = 0; i < 5; i++)
        come_again(post("slow", RIGHT, "{\"a\": 1}"));
    for (int i = 0; i < 20; i++)
        cr_expect_eq(post("free", RIGHT, "{}"), 202);
    cr_expect_eq(stored(), 2);
}
