/* test_site.c - which listener has which paths. */
#include <string.h>

#include "net/http_server.h"
#include "raw_client.h"
#include "serve/admin.h"
#include "serve/readiness.h"
#include "serve/site.h"
#include "support.h"

#define OWN "Authorization: Bearer own-secret\r\n"

static struct webhook     *webhook;
static struct readiness   *readiness;
static struct admin       *admin;
static struct site        *site;
static struct http_server *server;
static struct buf          got;

static void here(void *arg, struct http_exchange *exchange) {
    (void)arg;
    http_exchange_answer(exchange, 200, "text/plain", STR("here"));
}

static void open_with(bool public_paths, bool admin_paths) {
    struct webhook_options     doors = {.metrics = NULL};
    struct admin_options       rights = {.queue = NULL};
    struct webhook_world       world = {.own_token = STR("own-secret")};
    struct site_options        options = {.scrape = here, .reload = here};
    struct http_server_options listen = {.address = "127.0.0.1",
                                         .threads = 2,
                                         .connections = 16,
                                         .request_s = 30,
                                         .cap = site_cap,
                                         .handle = site_handle};
    struct err                 err = {.text = ""};

    rights.webhook = options.webhook = webhook = webhook_open(&doors);
    cr_assert(webhook_use(webhook, &world, &err), "%s", err.text);
    options.admin = admin = admin_open(&rights);
    options.readiness = readiness = readiness_open();
    listen.arg = site = site_open(&options, public_paths, admin_paths);
    server = http_server_open(&listen, &err);
    cr_assert(server, "%s", err.text);
}

static void close_all(void) {
    http_server_close(server);
    site_close(site);
    admin_close(admin);
    readiness_close(readiness);
    webhook_close(webhook);
    buf_release(&got);
}

static int ask(const char *method, const char *path, const char *headers) {
    buf_clear(&got);
    raw_client_send(http_server_port(server), method, path, headers, "", &got);
    return raw_client_status(&got);
}

static void absent(const char *method, const char *path) {
    cr_expect_eq(ask(method, path, ""), 404, "%s %s: %s", method, path,
                 buf_text(&got));
    cr_expect_eq(ask(method, path, OWN), 404, "%s %s: %s", method, path,
                 buf_text(&got));
}

static void is(int status, const char *method, const char *path,
               const char *headers) {
    cr_expect_eq(ask(method, path, headers), status, "%s %s: %s", method, path,
                 buf_text(&got));
}

Test(site, SI1_the_public_one_has_nothing_of_the_admins) {
    open_with(true, false);
    is(200, "GET", "/healthz", "");
    is(200, "GET", "/readyz", "");
    is(200, "GET", "/metrics", "");
    absent("POST", "/-/reload");
    absent("GET", "/api/v1/runs");
    absent("POST", "/api/v1/runs");
    close_all();
}

Test(site, SI1_the_admins_own_one_has_nothing_of_the_public) {
    open_with(false, true);
    is(401, "POST", "/-/reload", "");
    is(200, "POST", "/-/reload", OWN);
    is(401, "GET", "/api/v1/runs", "");
    absent("GET", "/healthz");
    absent("GET", "/readyz");
    absent("GET", "/metrics");
    absent("POST", "/hooks/alarm");
    close_all();
}

Test(site, SI1_a_longer_path_is_another_one) {
    open_with(true, true);
    absent("GET", "/healthz/");
    absent("GET", "/healthz2");
    absent("GET", "/metrics/x");
    absent("POST", "/-/reload/now");
    absent("GET", "/api/v2/runs");
    absent("POST", "/hooks/nobody");
    absent("GET", "/");
    close_all();
}

Test(site, a_path_that_is_there_refuses_a_method_that_it_has_not) {
    open_with(true, true);
    is(405, "POST", "/healthz", OWN);
    is(405, "GET", "/-/reload", OWN);
    is(405, "DELETE", "/api/v1/runs", OWN);
    close_all();
}

Test(site, RY1_readyz_is_503_exactly_while_there_is_a_reason) {
    open_with(true, false);
    readiness_set(readiness, READINESS_STORE, "disk full");
    is(503, "GET", "/readyz", "");
    cr_expect(support_has(buf_text(&got), "Retry-After: "));
    cr_expect(support_has(buf_text(&got), "disk full"));
    is(200, "GET", "/healthz", "");
    readiness_set(readiness, READINESS_STORE, NULL);
    is(200, "GET", "/readyz", "");
    close_all();
}
