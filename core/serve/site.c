/* site.c - one table of paths; a body is only taken where one is expected. */
#include "serve/site.h"

#include <stdbool.h>

#include "base/json.h"
#include "base/mem.h"
#include "net/http_problem.h"
#include "net/http_server.h"
#include "serve/admin.h"
#include "serve/readiness.h"
#include "serve/webhook.h"

#define HOOKS "/hooks/"
#define API "/api/v1/"
#define SMALL_BODY (64u << 10)

struct site {
    struct site_options options;
    bool                public_paths, admin_paths;
};

struct path {
    const char *method, *path;
    bool        prefix, admin;
    void (*handle)(struct site *site, struct http_exchange *exchange,
                   struct str tail);
};

static void answer_json(struct http_exchange *exchange, int status,
                        struct json *value) {
    struct buf body = BUF_EMPTY;

    json_write(value, &body);
    http_exchange_answer(exchange, status, "application/json", buf_str(&body));
    buf_release(&body);
    json_release(value);
}

static void hook(struct site *site, struct http_exchange *exchange,
                 struct str tail) {
    webhook_take(site->options.webhook, exchange, tail);
}

static void healthz(struct site *site, struct http_exchange *exchange,
                    struct str tail) {
    (void)site;
    (void)tail;
    http_exchange_answer(exchange, 200, "application/json",
                         STR("{\"status\":\"ok\"}"));
}

static void readyz(struct site *site, struct http_exchange *exchange,
                   struct str tail) {
    bool         ready;
    struct json *state = readiness_json(site->options.readiness, &ready);

    (void)tail;
    if (!ready)
        http_exchange_add(exchange, "Retry-After", STR(HTTP_PROBLEM_COME_BACK));
    answer_json(exchange, ready ? 200 : 503, state);
}

static void scrape(struct site *site, struct http_exchange *exchange,
                   struct str tail) {
    (void)tail;
    site->options.scrape(site->options.arg, exchange);
}

static void reload(struct site *site, struct http_exchange *exchange,
                   struct str tail) {
    (void)tail;
    if (admin_allows(site->options.webhook, exchange, TOKEN_OPERATOR))
        site->options.reload(site->options.arg, exchange);
}

static void api(struct site *site, struct http_exchange *exchange,
                struct str tail) {
    admin_take(site->options.admin, exchange, tail);
}

static const struct path paths[] = {
    {"POST", HOOKS, true, false, hook},
    {"GET", "/healthz", false, false, healthz},
    {"GET", "/readyz", false, false, readyz},
    {"GET", "/metrics", false, false, scrape},
    {"POST", "/-/reload", false, true, reload},
    {"GET", API, true, true, api},
    {"POST", API, true, true, api},
};
#define PATHS (sizeof paths / sizeof *paths)

/* (SI1) */
static const struct path *find(const struct site *site, struct str method,
                               struct str path, struct str *tail) {
    for (size_t i = 0; i < PATHS; i++) {
        const struct path *p = &paths[i];
        struct str         at = str_of(p->path);

        if (!str_is(method, p->method) ||
            !(p->prefix ? str_starts(path, p->path) : str_equal(path, at)) ||
            !(p->admin ? site->admin_paths : site->public_paths))
            continue;
        *tail = (struct str){path.data + at.len, path.len - at.len};
        return p;
    }
    return NULL;
}

size_t site_cap(void *arg, struct str method, struct str path) {
    struct site       *site = arg;
    struct str         tail;
    const struct path *p = find(site, method, path, &tail);

    if (!p)
        return 0;
    return p->handle == hook ? webhook_cap(site->options.webhook, tail)
                             : SMALL_BODY;
}

void site_handle(void *arg, struct http_exchange *exchange) {
    struct site       *site = arg;
    struct str         tail;
    const struct path *p = find(site, http_exchange_method(exchange),
                                http_exchange_path(exchange), &tail);

    if (p)
        p->handle(site, exchange, tail);
    else
        http_exchange_problem(exchange, 404, "no_such_path",
                              "nothing is served under this path and method");
}

struct site *site_open(const struct site_options *options, bool public_paths,
                       bool admin_paths) {
    struct site *site = mem_new(sizeof *site);

    site->options = *options;
    site->public_paths = public_paths;
    site->admin_paths = admin_paths;
    return site;
}

void site_close(struct site *site) {
    mem_free(site);
}
