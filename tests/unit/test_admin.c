/* test_admin.c - who may look, who may do, and what is told of which failure.
 *
 * A server, a queue with its thread and a store in memory; the client is a
 * socket, and the deeds of the loop are written down instead of done.
 */
#include <criterion/criterion.h>

#include <arpa/inet.h>
#include <sys/socket.h>
#include <unistd.h>

#include "net/http_server.h"
#include "observe/metrics.h"
#include "secret/secret.h"
#include "serve/admin.h"
#include "store/delivery.h"
#include "store/queue.h"
#include "support.h"
#include "sys/loop.h"

static struct loop        *loop;
static struct store       *store;
static struct queue       *queue;
static struct webhook     *webhook;
static struct admin       *admin;
static struct http_server *server;
static struct buf          told; /* what the loop was asked to do */
static char                got[65536];

static void note_cancel(void *arg, const char *run) {
    (void)arg;
    buf_addf(&told, "cancel %s\n", run);
}

static void note_retry(void *arg, const char *delivery) {
    (void)arg;
    buf_addf(&told, "retry %s\n", delivery);
}

static const struct admin_actions actions = {note_cancel, note_retry};

static size_t cap_of(void *arg, struct str method, struct str path) {
    (void)arg;
    (void)method;
    return str_starts(path, "/api/v1/") ? 64 : 0;
}

static void take_it(void *arg, struct http_exchange *exchange) {
    struct str path = http_exchange_path(exchange);
    size_t     skip = strlen("/api/v1/");

    (void)arg;
    admin_take(admin, exchange,
               (struct str){path.data + skip, path.len - skip});
}

static void use_tokens(void) {
    struct secrets *secrets = secret_open();
    struct json    *tokens =
        support_json("{'a': {'secret': {'secret': 'I'}, 'role': 'ingest'},"
                     " 'b': {'secret': {'secret': 'V'}, 'role': 'viewer'}}");
    struct webhook_world world = {
        .tokens = tokens, .secrets = secrets, .own_token = STR("op")};
    struct err err;

    secret_put(secrets, "I", STR("in"));
    secret_put(secrets, "V", STR("view"));
    cr_assert(webhook_use(webhook, &world, &err), "%s", err.text);
    json_release(tokens);
    secret_close(secrets);
}

static void insert(const char *key, const char *value) {
    struct store_write write = {STORE_INSERT, str_of(key), 0, str_of(value)};
    struct err         err;

    cr_assert(store_batch(store, &write, 1, &err), "%s", err.text);
}

static void open_all(void) {
    struct webhook_options     doors = {0};
    struct admin_options       options = {0};
    struct http_server_options serve = {.address = "127.0.0.1",
                                        .threads = 2,
                                        .connections = 16,
                                        .request_s = 30,
                                        .cap = cap_of,
                                        .handle = take_it};
    struct err                 err;

    loop = loop_open();
    store = store_memory_open();
    insert("main/run/run_1", "{\"run\":\"run_1\",\"state\":\"waiting\"}");
    insert("main/open/run_1", "{\"state\":\"waiting\"}");
    insert("main/run/run_0", "{\"run\":\"run_0\",\"outcome\":\"done\"}");
    insert("main/delivery/dlv_1", "{\"source\":\"s\",\"at\":1,\"size\":2}\n{}");
    insert("main/unparsed/dlv_1", "script: x");
    insert("main/delivery/dlv_0", "{\"source\":\"s\",\"at\":1,\"size\":2}\n{}");
    queue = queue_open(loop, store, true);
    webhook = webhook_open(&doors);
    use_tokens();
    options = (struct admin_options){webhook, queue, loop, &actions, NULL};
    admin = admin_open(&options);
    server = http_server_open(&serve, &err);
    cr_assert(server, "%s", err.text);
}

static void close_all(void) {
    http_server_close(server);
    queue_close(queue);
    admin_close(admin);
    webhook_close(webhook);
    store_close(store);
    loop_close(loop);
    buf_release(&told);
}

TestSuite(admin, .init = open_all, .fini = close_all);

static void receive(int fd) {
    size_t  len = 0;
    ssize_t part;

    while ((part = read(fd, got + len, sizeof got - 1 - len)) > 0)
        len += (size_t)part;
    got[len] = '\0';
}

/* The status. */
static int ask(const char *method, const char *path, const char *token) {
    struct sockaddr_in to = {.sin_family = AF_INET,
                             .sin_port = htons(http_server_port(server)),
                             .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    int                fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    struct buf         text = BUF_EMPTY;
    struct str         rest;
    int64_t            status = 0;

    cr_assert_eq(connect(fd, (void *)&to, sizeof to), 0);
    buf_addf(&text,
             "%s /api/v1/%s HTTP/1.1\r\nHost: x\r\nConnection: close\r\n%s%s%s"
             "Content-Length: 0\r\n\r\n",
             method, path, token ? "Authorization: Bearer " : "",
             token ? token : "", token ? "\r\n" : "");
    (void)!send(fd, text.data, text.len, MSG_NOSIGNAL);
    receive(fd);
    buf_release(&text);
    (void)close(fd);
    (void)str_to_int(str_cut(str_of(got + strlen("HTTP/1.1 ")), ' ', &rest),
                     &status);
    return (int)status;
}

static const char *const looks[] = {"ledger",    "runs",       "runs/run_1",
                                    "incidents", "deliveries", "nothing"};
static const char *const deeds[] = {"runs/run_1/cancel",
                                    "deliveries/dlv_1/retry"};

Test(admin, AD1_without_a_token_of_a_role_nothing_is_shown_or_done) {
    for (size_t i = 0; i < sizeof looks / sizeof *looks; i++) {
        cr_expect_eq(ask("GET", looks[i], NULL), 401, "%s", looks[i]);
        cr_expect(support_has(got, "WWW-Authenticate: Bearer"));
        cr_expect_not(support_has(got, "run_1"));
        cr_expect_eq(ask("GET", looks[i], "wrong"), 401, "%s", looks[i]);
        cr_expect_eq(ask("GET", looks[i], "in"), 403, "%s", looks[i]);
    }
    for (size_t i = 0; i < sizeof deeds / sizeof *deeds; i++) {
        cr_expect_eq(ask("POST", deeds[i], NULL), 401, "%s", deeds[i]);
        cr_expect_eq(ask("POST", deeds[i], "in"), 403, "%s", deeds[i]);
    }
    loop_run(loop);
    cr_expect_eq(told.len, 0, "%s", buf_text(&told));
}

Test(admin, AD1_a_viewer_looks_and_does_nothing) {
    bool       found = false;
    struct err err;

    for (size_t i = 0; i + 1 < sizeof looks / sizeof *looks; i++)
        cr_expect_eq(ask("GET", looks[i], "view"), 200, "%s: %s", looks[i],
                     got);
    for (size_t i = 0; i < sizeof deeds / sizeof *deeds; i++)
        cr_expect_eq(ask("POST", deeds[i], "view"), 403, "%s", deeds[i]);
    loop_run(loop);
    cr_expect_eq(told.len, 0, "%s", buf_text(&told));
    cr_expect(
        store_get(store, STR("main/unparsed/dlv_1"), NULL, NULL, &found, &err));
    cr_expect(found);
}

Test(admin, what_an_operator_does_is_in_the_store_before_the_loop_hears) {
    struct buf value = BUF_EMPTY;
    bool       found = false;
    struct err err;

    cr_expect_eq(ask("POST", deeds[0], "op"), 202, "%s", got);
    cr_expect_eq(ask("POST", deeds[1], "op"), 202, "%s", got);
    cr_expect_eq(told.len, 0, "the loop has not run yet");
    cr_expect(
        store_get(store, STR("main/open/run_1"), &value, NULL, &found, &err));
    cr_expect(support_has(buf_text(&value), "\"cancel\":\"operator\""));
    cr_expect(
        store_get(store, STR("main/new/dlv_1"), NULL, NULL, &found, &err));
    cr_expect(found);
    loop_run(loop);
    cr_expect_str_eq(buf_text(&told), "cancel run_1\nretry dlv_1\n");
    buf_release(&value);
}

Test(admin, what_is_not_there_or_not_open_is_told_apart) {
    cr_expect_eq(ask("GET", "runs/run_9", "op"), 404);
    cr_expect(support_has(got, "application/problem+json"));
    cr_expect_eq(ask("POST", "runs/run_9/cancel", "op"), 404);
    cr_expect_eq(ask("POST", "runs/run_0/cancel", "op"), 409);
    cr_expect_eq(ask("POST", "deliveries/dlv_9/retry", "op"), 404);
    cr_expect_eq(ask("POST", "deliveries/dlv_0/retry", "op"), 409);
    cr_expect_eq(ask("GET", "nothing", "op"), 404);
    cr_expect_eq(ask("GET", "runs/", "op"), 404);
    cr_expect_eq(ask("POST", "ledger", "op"), 405);
    cr_expect(support_has(got, "Allow: GET"));
    loop_run(loop);
    cr_expect_eq(told.len, 0, "%s", buf_text(&told));
}

Test(admin, a_limit_or_a_state_that_is_none_is_refused) {
    cr_expect_eq(ask("GET", "runs?limit=201", "view"), 400);
    cr_expect_eq(ask("GET", "runs?limit=-1", "view"), 400);
    cr_expect_eq(ask("GET", "runs?state=closed", "view"), 400);
    cr_expect_eq(ask("GET", "deliveries?state=open", "view"), 400);
    cr_expect_eq(ask("GET", "runs?state=open&limit=200", "view"), 200);
    cr_expect(support_has(got, "run_1"));
    cr_expect_not(support_has(got, "run_0"));
}

static const struct json *described(const struct json *document,
                                    const char *method, struct str path) {
    const struct json *item = json_find_str(json_find(document, "paths"), path);

    return json_find(item, method[0] == 'G' ? "get" : "post");
}

Test(admin, the_document_names_every_route_and_no_other) {
    struct buf   path = BUF_EMPTY;
    const char  *method;
    size_t       count = 0;
    struct json *document;
    struct err   err;

    cr_assert_eq(ask("GET", "openapi.json", "view"), 200, "%s", got);
    document = json_parse(str_of(strstr(got, "\r\n\r\n") + 4),
                          &json_caps_answer, &err);
    cr_assert(document, "%s", err.text);
    while (admin_route(count, &method, &path)) {
        cr_expect(described(document, method, buf_str(&path)), "%s %s", method,
                  buf_text(&path));
        count++;
    }
    cr_expect_eq(json_count(json_find(document, "paths")), count);
    buf_release(&path);
    json_release(document);
}
