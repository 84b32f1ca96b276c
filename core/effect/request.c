/* request.c - one builder for each kind of effect; those of AWS and GitHub have
 * files of their own.
 */
#include "effect/request.h"

#include <string.h>

#include "base/mem.h"
#include "effect/request_private.h"
#include "protocol/route.h"
#include "secret/secret.h"

#define TIMEOUT_MS 20000
#define ANSWER_CAP (8u << 20)

void request_limit(struct request *out, const struct json *config) {
    out->http.deadline_ms =
        json_find_int(config, "effect_timeout_ms", TIMEOUT_MS);
    out->http.answer_cap = ANSWER_CAP;
    out->http.reach = HTTP_PRIVATE;
}

void request_header(struct request *out, const char *name, struct str value) {
    (void)http_headers_add(&out->http.headers, str_of(name), value);
}

void request_json_body(struct request *out, const struct json *body) {
    out->http.has_body = true;
    json_write(body, &out->http.body);
    request_header(out, "Content-Type", STR("application/json"));
}

void request_base(const struct json *config, const char *section,
                  const char *otherwise, struct buf *url) {
    struct str base = json_find_text(json_find(config, section), "url");

    buf_add_str(url, base.len ? base : str_of(otherwise));
    while (url->len && url->data[url->len - 1] == '/')
        url->data[--url->len] = '\0';
}

/* --- Prometheus ------------------------------------------------------- */

static bool build_prometheus(const struct effect *effect, const char *token,
                             const struct request_context *context,
                             struct request *out, struct err *err) {
    struct buf url = BUF_EMPTY;
    struct str base =
        json_find_text(json_find(context->config, "prometheus"), "url");

    (void)token;
    if (base.len == 0)
        return err_set(err, ERR_CONFIG,
                       "no Prometheus: set PROMETHEUS_URL or "
                       "prometheus.url");
    request_base(context->config, "prometheus", "", &url);
    buf_addf(&url, "/api/v1/%s", effect->name + strlen("prometheus:"));
    route_add_query(effect->args, &url);
    http_request_init(&out->http, "GET", buf_str(&url));
    out->signer = SIGNER_PROMETHEUS;
    buf_release(&url);
    request_limit(out, context->config);
    return true;
}

/* --- plain HTTP and people --------------------------------------------- */

static bool add_given_headers(const struct json *given, struct request *out,
                              struct err *err) {
    struct json_walk walk = json_walk_over(given);

    while (json_walk_next(&walk))
        if (!http_headers_add(&out->http.headers, walk.key,
                              json_text(walk.value))) {
            err_set(err, ERR_INVALID, "header \"%.*s\" cannot be sent",
                    STR_ARG(walk.key));
            json_walk_stop(&walk);
            return false;
        }
    return true;
}

/* Of "http:GET host:port/path": the one that http.allow was asked for. */
static struct str host_of(const struct effect *effect) {
    struct str rest;

    (void)str_cut(str_of(effect->name), ' ', &rest);
    return str_cut(rest, '/', &rest);
}

static bool build_http(const struct effect *effect, const char *token,
                       const struct request_context *context,
                       struct request *out, struct err *err) {
    const struct json *http = json_find(context->config, "http");
    struct str         method = json_find_text(effect->args, "method");
    char              *verb =
        method.len ? mem_text(method.data, method.len) : mem_text("GET", 3);

    (void)token;
    http_request_init(&out->http, verb, json_find_text(effect->args, "url"));
    mem_free(verb);
    if (!add_given_headers(json_find(effect->args, "headers"), out, err))
        return false;
    if (json_find(effect->args, "json"))
        request_json_body(out, json_find(effect->args, "json"));
    request_limit(out, context->config);
    out->signer = SIGNER_TOOL;
    out->scope.host = host_of(effect);
    /* A host that a script names is not one that we were configured with. */
    if (!json_truth(json_find(http, "private")))
        out->http.reach = HTTP_PUBLIC;
    return true;
}

static bool build_notify(const struct effect *effect, const char *token,
                         const struct request_context *context,
                         struct request *out, struct err *err) {
    const char        *channel = effect->name + strlen("notify:");
    const struct json *row =
        json_find(json_find(context->config, "channels"), channel);
    struct str url = json_find_text(row, "url");
    struct str name = json_find_text(json_find(row, "url"), "secret");

    if (name.len)
        url = secret_find(context->secrets, name.data);
    if (url.len == 0)
        return err_set(err, ERR_CONFIG, "channel %s has no url", channel);
    http_request_init(&out->http, "POST", url);
    /* Same token when it is sent again, so that a receiver can tell. */
    request_header(out, "Idempotency-Key", str_of(token));
    request_json_body(out, effect->args);
    request_limit(out, context->config);
    return true;
}

static request_build_fn *builder_of(enum effect_kind kind) {
    switch (kind) {
    case EFFECT_AWS: return request_aws_build;
    case EFFECT_GITHUB: return request_github_build;
    case EFFECT_PROMETHEUS: return build_prometheus;
    case EFFECT_HTTP: return build_http;
    case EFFECT_TO_PEOPLE: return build_notify;
    default: return NULL;
    }
}

bool request_build(const struct effect *effect, const char *token,
                   const struct request_context *context, struct request *out,
                   struct err *err) {
    request_build_fn *build = builder_of(effect->kind);

    memset(out, 0, sizeof *out);
    if (!build)
        return err_set(err, ERR_INVALID, "%s is not sent anywhere",
                       effect->name);
    if (build(effect, token, context, out, err))
        return true;
    http_request_release(&out->http);
    memset(out, 0, sizeof *out);
    return false;
}
