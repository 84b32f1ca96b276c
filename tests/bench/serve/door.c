/* door.c - the service's own door, with nobody behind it who reads.
 *
 *   door memory       into a store that answers at once
 *   door sqlite DIR   into the store of the service
 *
 * Prints its port and runs until it is ended. The token is $LOAD_TOKEN.
 */
#include <signal.h>
#include <stdio.h>

#include "net/http_server.h"
#include "observe/log.h"
#include "observe/metrics.h"
#include "serve/webhook.h"
#include "sys/clock_real.h"
#include "sys/loop.h"

static size_t cap(void *arg, struct str method, struct str path) {
    (void)method;
    (void)path;
    return webhook_cap(arg, STR("alertmanager"));
}

static void handle(void *arg, struct http_exchange *exchange) {
    webhook_take(arg, exchange, STR("alertmanager"));
}

static void forget(void *arg, struct intake_taken *taken) {
    (void)arg;
    intake_taken_release(taken);
}

static void fail(const struct err *err) {
    (void)fprintf(stderr, "door: %s\n", err->text);
    exit(1);
}

static struct store *open_store(int argc, char **argv) {
    struct err    err;
    struct store *store =
        argc > 2 ? store_sqlite_open(argv[2], &err) : store_memory_open();

    if (!store)
        fail(&err);
    return store;
}

static struct webhook *open_webhook(struct intake *intake, struct log *log) {
    struct webhook_options options = {.intake = intake,
                                      .clock = clock_real(),
                                      .log = log,
                                      .metrics = metrics_open()};
    struct webhook        *webhook = webhook_open(&options);
    struct json           *scripts = json_new_list();
    struct webhook_world   world = {.scripts = scripts,
                                    .own_token = str_of(getenv("LOAD_TOKEN"))};
    struct err             err;

    json_append_text(scripts, STR("alertmanager"));
    if (!webhook_use(webhook, &world, &err))
        fail(&err);
    json_release(scripts);
    return webhook;
}

int main(int argc, char **argv) {
    struct loop       *loop = loop_open();
    struct queue      *queue = queue_open(loop, open_store(argc, argv), true);
    struct log_options log = {.fd = 2, .clock = clock_real()};
    struct intake_options      intake = {.loop = loop,
                                         .queue = queue,
                                         .clock = clock_real(),
                                         .deliveries = 2000,
                                         .bytes = 64u << 20,
                                         .next = forget};
    struct http_server_options options = {
        .address = "127.0.0.1",
        .threads = 2,
        .connections = 1000,
        .request_s = 30,
        .cap = cap,
        .handle = handle,
        .arg = open_webhook(intake_open(&intake), log_open(&log))};
    struct err          err;
    struct http_server *server = http_server_open(&options, &err);

    if (!server)
        fail(&err);
    printf("%d\n", http_server_port(server));
    (void)fflush(stdout);
    loop_expect(loop);
    loop_run(loop);
    return 0;
}
