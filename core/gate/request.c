/* request.c - one builder for each service, all ending in an http_request. */
#include "gate/request.h"

#include <string.h>

#include "auth/secret.h"
#include "base/encode.h"
#include "base/mem.h"

#define TIMEOUT_MS 20000
#define ANSWER_CAP (8u << 20)

/* AWS services that speak JSON: the prefix of X-Amz-Target and the version. */
static const struct aws_service {
    const char *name, *target, *version;
} aws_services[] = {
    {"ecs", "AmazonEC2ContainerServiceV20141113", "1.1"},
    {"logs", "Logs_20140328", "1.1"},
    {"ssm", "AmazonSSM", "1.1"},
    {"events", "AWSEvents", "1.1"},
    {"application-autoscaling", "AnyScaleFrontendService", "1.1"},
    {"codedeploy", "CodeDeploy_20141006", "1.1"},
    {"dynamodb", "DynamoDB_20120810", "1.0"},
};

static void add_header(struct http_request *request, const char *name,
                       struct str value) {
    (void)http_headers_add(&request->headers, str_of(name), value);
}

static bool finish(struct http_request *out, const struct json *config) {
    out->deadline_ms = json_find_int(config, "effect_timeout_ms", TIMEOUT_MS);
    out->answer_cap = ANSWER_CAP;
    /* Endpoints come from the configuration, and a VPC endpoint or a
     * Prometheus next door has a private address. */
    out->reach = HTTP_PRIVATE;
    return true;
}

static void set_json_body(struct http_request *out, const struct json *body) {
    out->has_body = true;
    json_write(body, &out->body);
}

/* --- AWS -------------------------------------------------------------- */

static const struct aws_service *aws_service(struct str name) {
    for (size_t i = 0; i < sizeof aws_services / sizeof *aws_services; i++)
        if (str_is(name, aws_services[i].name))
            return &aws_services[i];
    return NULL;
}

static bool aws_endpoint(const struct effect *effect, struct str service,
                         const struct json *config, struct buf *url,
                         struct err *err) {
    const struct json *aws = json_find(config, "aws");
    struct str         region = json_find_text(effect->options, "region");
    struct str         custom =
        json_text(json_find_str(json_find(aws, "endpoints"), service));

    if (custom.len == 0)
        custom = json_find_text(aws, "endpoint");
    if (region.len == 0)
        return err_set(err, ERR_CONFIG,
                       "no AWS region: set AWS_REGION, "
                       "aws.region, or the catalogue row's region");
    buf_add_str(url, custom);
    if (custom.len == 0)
        buf_addf(url, "https://%.*s.%.*s.amazonaws.com", STR_ARG(service),
                 STR_ARG(region));
    if (!str_ends(buf_str(url), "/"))
        buf_add_char(url, '/');
    return true;
}

static bool aws_sign(const struct request_context *context, struct str service,
                     struct str region, struct http_request *out,
                     struct err *err) {
    struct sigv4_credentials credentials = {
        secret_find(context->secrets, "AWS_ACCESS_KEY_ID"),
        secret_find(context->secrets, "AWS_SECRET_ACCESS_KEY"),
        secret_find(context->secrets, "AWS_SESSION_TOKEN"),
    };
    struct sigv4_request request = {
        .method = str_of(out->method),
        .url = str_of(out->url),
        .headers = &out->headers,
        .body = buf_str(&out->body),
        .service = service,
        .region = region,
        .now_ms = context->now_ms,
        .normalise_path = true,
    };
    struct sigv4_signature signature = {0};
    bool                   ok;

    if (credentials.access_key.len == 0 || credentials.secret_key.len == 0)
        return err_set(err, ERR_DENIED,
                       "no AWS credentials: set "
                       "AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY");
    ok = sigv4_sign(context->key, &credentials, &request, &signature, err);
    if (ok)
        sigv4_put_headers(&signature, &credentials, &out->headers);
    sigv4_signature_release(&signature);
    return ok;
}

static void aws_headers(struct http_request      *out,
                        const struct aws_service *known, struct str operation) {
    struct buf text = BUF_EMPTY;

    buf_addf(&text, "application/x-amz-json-%s", known->version);
    add_header(out, "Content-Type", buf_str(&text));
    buf_clear(&text);
    buf_addf(&text, "%s.%.*s", known->target, STR_ARG(operation));
    add_header(out, "X-Amz-Target", buf_str(&text));
    buf_release(&text);
}

/* The arguments, with the slot's token where the operation takes one. */
static void aws_body(const struct effect *effect, const char *token,
                     struct http_request *out) {
    const char  *name = effect->rule ? effect->rule->token_arg : NULL;
    struct json *args = json_new_map();

    json_merge(args, effect->args);
    if (name && !json_find(args, name))
        json_put_text(args, name, str_of(token));
    set_json_body(out, args);
    json_release(args);
}

static bool build_aws(const struct effect *effect, const char *token,
                      const struct request_context *context,
                      struct http_request *out, struct err *err) {
    struct str operation,
        service = {effect->name + 4, strlen(effect->name + 4)};
    const struct aws_service *known;
    struct buf                url = BUF_EMPTY;
    bool                      ok;

    service = str_cut(service, ':', &operation);
    known = aws_service(service);
    if (!known)
        return err_set(err, ERR_INVALID,
                       "AWS service \"%.*s\" does not speak "
                       "JSON or is not known to this version",
                       STR_ARG(service));
    ok = aws_endpoint(effect, service, context->config, &url, err);
    if (ok) {
        http_request_init(out, "POST", buf_str(&url));
        aws_headers(out, known, operation);
        aws_body(effect, token, out);
        ok = aws_sign(context, service,
                      json_find_text(effect->options, "region"), out, err);
    }
    buf_release(&url);
    return ok && finish(out, context->config);
}

/* --- routes ----------------------------------------------------------- */

static void add_value(const struct json *value, const char *keep,
                      struct buf *out) {
    struct buf plain = BUF_EMPTY;

    if (json_is(value, JSON_TEXT))
        buf_add_str(&plain, json_text(value));
    else
        json_write(value, &plain);
    encode_percent(buf_str(&plain), keep, out);
    buf_release(&plain);
}

static bool climbs(struct str segment) {
    return str_is(segment, ".") || str_is(segment, "..") || segment.len == 0;
}

/* A git reference or a file's path keeps its slashes; each of its segments
 * still has to be one. (RQ1) */
static bool add_path_argument(struct str name, const struct json *value,
                              struct buf *url, struct err *err) {
    bool       segments = str_is(name, "ref") || str_is(name, "path");
    struct buf text = BUF_EMPTY;
    struct str rest;
    bool       ok = true;

    add_value(value, segments ? "/" : "", &text);
    rest = buf_str(&text);
    do
        ok = !climbs(str_cut(rest, '/', &rest));
    while (ok && rest.data);
    if (ok)
        buf_add_str(url, buf_str(&text));
    else
        err_set(err, ERR_INVALID,
                "path argument %.*s = \"%s\" leaves its "
                "segment",
                STR_ARG(name), buf_text(&text));
    buf_release(&text);
    return ok;
}

/* Fills {name} from args and takes it out of `left`. */
static bool fill_route(struct str route, struct json *left, struct buf *url,
                       struct err *err) {
    while (route.len) {
        struct str rest, name, head = str_cut(route, '{', &rest);

        buf_add_str(url, head);
        if (!rest.data)
            return true;
        name = str_cut(rest, '}', &route);
        if (!json_find_str(left, name))
            return err_set(err, ERR_INVALID,
                           "the route needs the argument "
                           "%.*s",
                           STR_ARG(name));
        if (!add_path_argument(name, json_find_str(left, name), url, err))
            return false;
        {
            char *key = mem_text(name.data, name.len);

            json_drop(left, key);
            mem_free(key);
        }
        if (!route.data)
            return true;
    }
    return true;
}

static void add_query(const struct json *args, struct buf *url) {
    struct json_walk walk = json_walk_over(args);
    char             mark = '?';

    while (json_walk_next(&walk)) {
        buf_add_char(url, mark);
        encode_percent(walk.key, "", url);
        buf_add_char(url, '=');
        add_value(walk.value, "", url);
        mark = '&';
    }
}

static void add_base(const struct json *config, const char *section,
                     const char *otherwise, struct buf *url) {
    struct str base = json_find_text(json_find(config, section), "url");

    buf_add_str(url, base.len ? base : str_of(otherwise));
    while (url->len && url->data[url->len - 1] == '/')
        url->data[--url->len] = '\0';
}

static void add_bearer(struct http_request *out, struct str token) {
    struct buf value = BUF_EMPTY;

    if (token.len == 0)
        return;
    buf_addf(&value, "Bearer %.*s", STR_ARG(token));
    add_header(out, "Authorization", buf_str(&value));
    mem_wipe(value.data, value.len);
    buf_release(&value);
}

/* --- GitHub ----------------------------------------------------------- */

static bool build_github(const struct effect *effect, const char *token,
                         const struct request_context *context,
                         struct http_request *out, struct err *err) {
    struct str   route, method = str_cut(str_of(effect->name + 7), ' ', &route);
    char        *verb = mem_text(method.data, method.len);
    struct json *left = json_clone(effect->args);
    struct buf   url = BUF_EMPTY;
    bool         query = str_is(method, "GET") || str_is(method, "HEAD");
    bool         ok;

    (void)token;
    add_base(context->config, "github", "https://api.github.com", &url);
    ok = fill_route(route, left, &url, err);
    if (ok) {
        if (query)
            add_query(left, &url);
        http_request_init(out, verb, buf_str(&url));
        add_header(out, "Accept", STR("application/vnd.github+json"));
        add_header(out, "X-GitHub-Api-Version", STR("2022-11-28"));
        add_bearer(out, secret_find(context->secrets, "GITHUB_TOKEN"));
        if (!query) {
            add_header(out, "Content-Type", STR("application/json"));
            set_json_body(out, left);
        }
    }
    json_release(left);
    mem_free(verb);
    buf_release(&url);
    return ok && finish(out, context->config);
}

/* --- Prometheus ------------------------------------------------------- */

static bool build_prometheus(const struct effect *effect, const char *token,
                             const struct request_context *context,
                             struct http_request *out, struct err *err) {
    struct buf url = BUF_EMPTY;
    struct str base =
        json_find_text(json_find(context->config, "prometheus"), "url");

    (void)token;
    if (base.len == 0)
        return err_set(err, ERR_CONFIG,
                       "no Prometheus: set PROMETHEUS_URL or "
                       "prometheus.url");
    add_base(context->config, "prometheus", "", &url);
    buf_addf(&url, "/api/v1/%s", effect->name + strlen("prometheus:"));
    add_query(effect->args, &url);
    http_request_init(out, "GET", buf_str(&url));
    add_bearer(out, secret_find(context->secrets, "PROMETHEUS_TOKEN"));
    buf_release(&url);
    return finish(out, context->config);
}

/* --- plain HTTP and people --------------------------------------------- */

static bool add_given_headers(const struct json   *given,
                              struct http_request *out, struct err *err) {
    struct json_walk walk = json_walk_over(given);

    while (json_walk_next(&walk))
        if (!http_headers_add(&out->headers, walk.key, json_text(walk.value))) {
            err_set(err, ERR_INVALID, "header \"%.*s\" cannot be sent",
                    STR_ARG(walk.key));
            json_walk_stop(&walk);
            return false;
        }
    return true;
}

static bool build_http(const struct effect *effect, const char *token,
                       const struct request_context *context,
                       struct http_request *out, struct err *err) {
    const struct json *http = json_find(context->config, "http");
    struct str         method = json_find_text(effect->args, "method");
    char              *verb =
        method.len ? mem_text(method.data, method.len) : mem_text("GET", 3);

    (void)token;
    http_request_init(out, verb, json_find_text(effect->args, "url"));
    mem_free(verb);
    if (!add_given_headers(json_find(effect->args, "headers"), out, err))
        return false;
    if (json_find(effect->args, "json")) {
        add_header(out, "Content-Type", STR("application/json"));
        set_json_body(out, json_find(effect->args, "json"));
    }
    finish(out, context->config);
    /* A host that a script names is not one that we were configured with. */
    if (!json_truth(json_find(http, "private")))
        out->reach = HTTP_PUBLIC;
    return true;
}

static bool build_notify(const struct effect *effect, const char *token,
                         const struct request_context *context,
                         struct http_request *out, struct err *err) {
    const char        *channel = effect->name + strlen("notify:");
    const struct json *row =
        json_find(json_find(context->config, "channels"), channel);
    struct str url = json_find_text(row, "url");
    struct str name = json_find_text(json_find(row, "url"), "secret");

    if (name.len)
        url = secret_find(context->secrets, name.data);
    if (url.len == 0)
        return err_set(err, ERR_CONFIG, "channel %s has no url", channel);
    http_request_init(out, "POST", url);
    add_header(out, "Content-Type", STR("application/json"));
    /* Same token when it is sent again, so that a receiver can tell. */
    add_header(out, "Idempotency-Key", str_of(token));
    set_json_body(out, effect->args);
    return finish(out, context->config);
}

bool request_build(const struct effect *effect, const char *token,
                   const struct request_context *context,
                   struct http_request *out, struct err *err) {
    memset(out, 0, sizeof *out);
    switch (effect->kind) {
    case EFFECT_AWS: return build_aws(effect, token, context, out, err);
    case EFFECT_GITHUB: return build_github(effect, token, context, out, err);
    case EFFECT_PROMETHEUS:
        return build_prometheus(effect, token, context, out, err);
    case EFFECT_HTTP: return build_http(effect, token, context, out, err);
    case EFFECT_TO_PEOPLE:
        return build_notify(effect, token, context, out, err);
    default:
        return err_set(err, ERR_INVALID, "%s is not sent anywhere",
                       effect->name);
    }
}
