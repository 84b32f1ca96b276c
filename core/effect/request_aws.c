/* request_aws.c - the service's row says which protocol builds the request. */
#include <string.h>

#include "effect/effect_aws.h"
#include "effect/request_private.h"
#include "protocol/aws_argument.h"
#include "protocol/aws_query.h"
#include "protocol/aws_rest.h"
#include "protocol/aws_service.h"

struct building {
    const struct effect *effect;
    const struct json   *row, *aws;
    struct json         *args; /* with the slot's token */
    struct buf           url;  /* the endpoint, then all of it */
    struct request      *out;
};

/* The arguments, with the slot's token where the operation takes one. */
static struct json *with_token(const struct effect *effect, const char *token) {
    const char  *name = effect->rule ? effect->rule->token_arg : NULL;
    struct json *args = json_new_map();

    json_merge(args, effect->args);
    if (name && !json_find(args, name))
        json_put_text(args, name, str_of(token));
    return args;
}

static void start_post(struct building *b) {
    buf_add_char(&b->url, '/');
    http_request_init(&b->out->http, "POST", buf_str(&b->url));
    b->out->http.has_body = true;
}

static bool build_json(struct building *b, struct err *err) {
    struct buf   text = BUF_EMPTY;
    struct json *body = aws_argument_seconds(b->row, b->args);

    (void)err;
    start_post(b);
    buf_addf(&text, "application/x-amz-%.*s",
             STR_ARG(json_find_text(b->row, "protocol")));
    request_header(b->out, "Content-Type", buf_str(&text));
    buf_clear(&text);
    buf_addf(&text, "%.*s.%.*s", STR_ARG(json_find_text(b->row, "target")),
             STR_ARG(effect_aws_operation(b->effect)));
    request_header(b->out, "X-Amz-Target", buf_str(&text));
    json_write(body, &b->out->http.body);
    json_release(body);
    buf_release(&text);
    return true;
}

static bool build_query(struct building *b, struct err *err) {
    start_post(b);
    request_header(b->out, "Content-Type",
                   STR("application/x-www-form-urlencoded; charset=utf-8"));
    return aws_query_write(b->row, effect_aws_operation(b->effect), b->args,
                           &b->out->http.body, err);
}

/* https://s3.… -> https://bucket.s3.… */
static void put_bucket(struct building *b) {
    struct str bucket = json_find_text(b->args, "Bucket");
    struct buf url = BUF_EMPTY;
    size_t     scheme = strlen("https://");

    buf_add(&url, b->url.data, scheme);
    buf_addf(&url, "%.*s.", STR_ARG(bucket));
    buf_add(&url, b->url.data + scheme, b->url.len - scheme);
    buf_release(&b->url);
    b->url = url;
}

static bool start_rest(struct building *b, const struct json *route,
                       struct aws_rest *rest) {
    buf_add_str(&b->url, buf_str(&rest->target));
    http_request_init(&b->out->http, json_find_text(route, "method").data,
                      buf_str(&b->url));
    b->out->http.headers = rest->headers;
    b->out->http.body = rest->body;
    b->out->http.has_body = rest->has_body;
    rest->headers = (struct http_headers){0};
    rest->body = (struct buf)BUF_EMPTY;
    return true;
}

static bool build_rest(struct building *b, struct err *err) {
    const struct json *route = effect_aws_route(b->effect);
    struct aws_rest    rest = {0};
    bool               host, ok;

    if (!route)
        return err_set(err, ERR_INVALID,
                       "lib/aws/services.lua has no operation %.*s under %.*s: "
                       "add its method and uri",
                       STR_ARG(effect_aws_operation(b->effect)),
                       STR_ARG(json_find_text(b->row, "key")));
    host = !aws_service_is_custom(b->row, b->aws) &&
           aws_rest_bucket_is_host(b->row, route, b->args);
    if (host)
        put_bucket(b);
    ok = aws_rest_write(b->row, route, b->args, host, &rest, err) &&
         start_rest(b, route, &rest);
    aws_rest_release(&rest);
    return ok;
}

static bool build(struct building *b, struct err *err) {
    switch (aws_service_protocol(b->row)) {
    case AWS_JSON_1_0:
    case AWS_JSON_1_1: return build_json(b, err);
    case AWS_QUERY:
    case AWS_EC2: return build_query(b, err);
    default: return build_rest(b, err);
    }
}

static bool no_row(const struct effect *effect, struct err *err) {
    struct str rest, service = str_cut(str_of(effect->name + 4), ':', &rest);

    return err_set(err, ERR_INVALID,
                   "AWS service \"%.*s\" is not in lib/aws/services.lua of the "
                   "scripts: add a row",
                   STR_ARG(service));
}

bool request_aws_build(const struct effect *effect, const char *token,
                       const struct request_context *context,
                       struct request *out, struct err *err) {
    struct building b = {
        effect, effect->service, json_find(context->config, "aws"),
        NULL,   BUF_EMPTY,       out};
    struct str region = json_find_text(effect->options, "region"), signing;
    bool       ok;

    if (!effect->service)
        return no_row(effect, err);
    b.args = with_token(effect, token);
    ok = aws_service_endpoint(b.row, region, b.aws, &b.url, &signing, err) &&
         build(&b, err);
    buf_release(&b.url);
    json_release(b.args);
    if (!ok)
        return err_wrap(err, "%s", effect->name);
    out->signer = SIGNER_AWS;
    out->scope.service = json_find_text(effect->service, "signing");
    out->scope.region = signing;
    out->scope.account = json_find_text(effect->options, "account");
    request_limit(out, context->config);
    return true;
}
