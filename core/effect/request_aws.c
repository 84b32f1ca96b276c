/* request_aws.c - AWS: a JSON body to a regional endpoint. */
#include <string.h>

#include "effect/request_private.h"

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

static void aws_headers(struct request *out, const struct aws_service *known,
                        struct str operation) {
    struct buf text = BUF_EMPTY;

    buf_addf(&text, "application/x-amz-json-%s", known->version);
    request_header(out, "Content-Type", buf_str(&text));
    buf_clear(&text);
    buf_addf(&text, "%s.%.*s", known->target, STR_ARG(operation));
    request_header(out, "X-Amz-Target", buf_str(&text));
    buf_release(&text);
}

/* The arguments, with the slot's token where the operation takes one. */
static void aws_body(const struct effect *effect, const char *token,
                     struct request *out) {
    const char  *name = effect->rule ? effect->rule->token_arg : NULL;
    struct json *args = json_new_map();

    json_merge(args, effect->args);
    if (name && !json_find(args, name))
        json_put_text(args, name, str_of(token));
    out->http.has_body = true;
    json_write(args, &out->http.body);
    json_release(args);
}

bool request_aws_build(const struct effect *effect, const char *token,
                       const struct request_context *context,
                       struct request *out, struct err *err) {
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
        http_request_init(&out->http, "POST", buf_str(&url));
        aws_headers(out, known, operation);
        aws_body(effect, token, out);
    }
    buf_release(&url);
    out->signer = SIGNER_AWS;
    out->scope.service = service;
    out->scope.region = json_find_text(effect->options, "region");
    out->scope.account = json_find_text(effect->options, "account");
    request_limit(out, context->config);
    return ok;
}
