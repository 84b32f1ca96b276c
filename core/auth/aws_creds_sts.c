/* aws_creds_sts.c - a role's credentials from the Security Token Service.
 *
 * A query request with an XML answer. What a role is assumed with signs it; a
 * web identity token is in its body instead, and no signature. The words of a
 * refusal are passed on unless something secret of the request is in them.
 *
 * Source: AWS Security Token Service API Reference, 2011-06-15.
 */
#include <string.h>

#include "auth/aws_creds_private.h"
#include "base/encode.h"
#include "base/mem.h"
#include "base/xml.h"
#include "net/http_client.h"

#define DEADLINE_MS 10000
#define SESSION_NAME "nightshift"

struct exchange {
    aws_creds_result_fn *done;
    void                *arg;
    const char          *action; /* AssumeRole, AssumeRoleWithWebIdentity */
    char                *arn;
    char                *hidden[2]; /* what no error may show; or NULL */
};

static void end(struct exchange *exchange, struct aws_creds_result *result) {
    struct exchange ended = *exchange;

    for (size_t i = 0; i < 2; i++) {
        if (exchange->hidden[i])
            mem_wipe(exchange->hidden[i], strlen(exchange->hidden[i]));
        mem_free(exchange->hidden[i]);
    }
    if (result->fate == AWS_CREDS_FAILED)
        (void)err_wrap(&result->err, "%s %s", exchange->action, exchange->arn);
    mem_free(exchange->arn);
    mem_free(exchange);
    ended.done(ended.arg, result);
}

/* --- the answer -------------------------------------------------------- */

static bool shows(const struct exchange *exchange, struct str words) {
    for (size_t i = 0; i < 2; i++)
        if (exchange->hidden[i] &&
            memmem(words.data, words.len, exchange->hidden[i],
                   strlen(exchange->hidden[i])))
            return true;
    return false;
}

static bool is_stale(struct str code) {
    return str_is(code, "ExpiredToken") ||
           str_is(code, "ExpiredTokenException") ||
           str_is(code, "InvalidClientTokenId");
}

static void read_refusal(const struct exchange    *exchange,
                         const struct http_answer *http,
                         const struct json        *root,
                         struct aws_creds_result  *result) {
    struct str code = xml_dig(root, "Error", "Code", NULL);
    struct str words = xml_dig(root, "Error", "Message", NULL);

    if (shows(exchange, code) || shows(exchange, words))
        code = STR(""), words = STR("its words are left out");
    result->stale = is_stale(code);
    (void)err_set(&result->err, ERR_DENIED, "status %d%s%.*s%s%.*s",
                  http->status, code.len ? " " : "",
                  (int)(code.len > 100 ? 100 : code.len), code.data,
                  words.len ? ": " : "",
                  (int)(words.len > 300 ? 300 : words.len), words.data);
    result->err.status = http->status;
}

static void read_answer(const struct exchange    *exchange,
                        const struct http_answer *http,
                        struct aws_creds_result  *result) {
    static const struct json_caps caps = {64u << 10, 16};
    struct json *root = xml_parse(buf_str(&http->body), &caps, &result->err);
    struct buf   name = BUF_EMPTY;
    const struct json     *given;
    struct aws_creds_parts parts;

    buf_addf(&name, "%sResult", exchange->action);
    given = xml_child(xml_child(root, buf_text(&name)), "Credentials");
    parts = (struct aws_creds_parts){xml_dig(given, "AccessKeyId", NULL),
                                     xml_dig(given, "SecretAccessKey", NULL),
                                     xml_dig(given, "SessionToken", NULL),
                                     xml_dig(given, "Expiration", NULL)};
    if (http->status != 200)
        read_refusal(exchange, http, root, result);
    else if (!given || parts.expires.len == 0)
        (void)err_set(&result->err, ERR_REMOTE,
                      "its answer has no credentials with an expiry");
    else if (aws_creds_value_make(&parts, &result->value, &result->err))
        result->fate = AWS_CREDS_FOUND;
    aws_creds_value_release_json(root);
    buf_release(&name);
}

static void answered(void *arg, const struct http_answer *http,
                     const struct err *err) {
    struct aws_creds_result result = {.fate = AWS_CREDS_FAILED};

    if (http->fate == HTTP_ANSWERED)
        read_answer(arg, http, &result);
    else
        result.err = *err;
    end(arg, &result);
}

/* --- the request ------------------------------------------------------- */

static bool is_region(struct str text) {
    for (size_t i = 0; i < text.len; i++)
        if (!strchr("abcdefghijklmnopqrstuvwxyz0123456789-", text.data[i]) ||
            !text.data[i])
            return false;
    return text.len > 0;
}

static bool find_place(const struct aws_creds_options *o, struct str profiles,
                       struct str *region, struct buf *url, struct err *err) {
    const struct json *aws = json_find(o->config, "aws");
    struct str custom = json_text(json_dig(aws, "endpoints", "sts", NULL));

    *region = json_find_text(aws, "region");
    if (region->len == 0)
        *region = profiles;
    if (custom.len == 0)
        custom = json_find_text(aws, "endpoint");
    if (!is_region(*region))
        return err_set(err, ERR_CONFIG,
                       "no AWS region to ask STS in: set AWS_REGION, "
                       "aws.region, or the profile's region");
    buf_add_str(url, custom);
    if (custom.len == 0)
        buf_addf(url, "https://sts.%.*s.amazonaws.com%s", STR_ARG(*region),
                 str_starts(*region, "cn-") ? ".cn" : "");
    if (!str_ends(buf_str(url), "/"))
        buf_add_char(url, '/');
    return true;
}

static void add_field(struct buf *body, const char *name, struct str value) {
    if (value.len == 0)
        return;
    buf_addf(body, "&%s=", name);
    encode_percent(value, "", body);
}

/* The body is reserved whole, so that a token in it has no older copy. */
static void write_body(const char *action, const struct aws_creds_role *role,
                       struct str token, struct buf *body) {
    buf_reserve(body, 3 * (token.len + role->arn.len + role->external_id.len +
                           role->session_name.len) +
                          512);
    buf_addf(body, "Action=%s&Version=2011-06-15", action);
    add_field(body, "RoleArn", role->arn);
    add_field(body, "RoleSessionName",
              role->session_name.len ? role->session_name : STR(SESSION_NAME));
    add_field(body, "ExternalId", role->external_id);
    add_field(body, "DurationSeconds", role->duration);
    add_field(body, "WebIdentityToken", token);
}

static bool sign(const struct aws_creds_options *o, struct str region,
                 const struct aws_creds_value *with,
                 struct http_request *request, struct err *err) {
    struct sigv4_credentials credentials = {str_of(with->access_key),
                                            str_of(with->secret_key),
                                            str_of(with->session_token)};
    struct sigv4_request     sigv4 = {
            .method = str_of(request->method),
            .url = str_of(request->url),
            .headers = &request->headers,
            .body = buf_str(&request->body),
            .service = STR("sts"),
            .region = region,
            .now_ms = o->clock->wall_ms(o->clock),
            .normalise_path = true,
    };
    struct sigv4_signature signature = {0};
    struct sigv4_key       key = {0};
    bool ok = sigv4_sign(&key, &credentials, &sigv4, &signature, err);

    if (ok)
        sigv4_put_headers(&signature, &credentials, &request->headers);
    sigv4_signature_release(&signature);
    sigv4_key_release(&key);
    return ok;
}

static bool build(const struct aws_creds_options *o, const char *action,
                  const struct aws_creds_role  *role,
                  const struct aws_creds_value *with, struct str token,
                  struct http_request *request, struct err *err) {
    struct buf url = BUF_EMPTY;
    struct str region;
    bool       ok = find_place(o, role->region, &region, &url, err);

    if (ok) {
        aws_creds_http_init(request, "POST", buf_str(&url), HTTP_PRIVATE,
                            DEADLINE_MS);
        request->has_body = true;
        write_body(action, role, token, &request->body);
        (void)http_headers_add(
            &request->headers, STR("Content-Type"),
            STR("application/x-www-form-urlencoded; charset=utf-8"));
        ok = !with || sign(o, region, with, request, err);
    }
    buf_release(&url);
    return ok;
}

static char *copy(struct str text) {
    return text.len ? mem_text(text.data, text.len) : NULL;
}

static void start(const struct aws_creds_options *o, struct exchange *exchange,
                  const struct aws_creds_role  *role,
                  const struct aws_creds_value *with, struct str token) {
    struct aws_creds_result result = {.fate = AWS_CREDS_FAILED};
    struct http_request     request = {0};
    struct http_call       *call;

    exchange->arn = mem_text(role->arn.data, role->arn.len);
    if (!o->client)
        (void)err_set(&result.err, ERR_DENIED, "there is no network here");
    else if (build(o, exchange->action, role, with, token, &request,
                   &result.err) &&
             http_client_start(o->client, &request, answered, exchange, &call,
                               &result.err))
        return;
    http_request_release(&request);
    end(exchange, &result);
}

void aws_creds_sts_assume(const struct aws_creds_options *o,
                          const struct aws_creds_role    *role,
                          const struct aws_creds_value   *with,
                          aws_creds_result_fn *done, void *arg) {
    struct exchange *exchange = mem_new(sizeof *exchange);

    *exchange = (struct exchange){
        .done = done,
        .arg = arg,
        .action = "AssumeRole",
        .hidden = {copy(str_of(with->secret_key)),
                   copy(str_of(with->session_token))},
    };
    start(o, exchange, role, with, STR(""));
}

void aws_creds_sts_exchange(const struct aws_creds_options *o,
                            const struct aws_creds_role *role, struct str token,
                            aws_creds_result_fn *done, void *arg) {
    struct exchange *exchange = mem_new(sizeof *exchange);

    *exchange = (struct exchange){
        .done = done,
        .arg = arg,
        .action = "AssumeRoleWithWebIdentity",
        .hidden = {copy(token)},
    };
    start(o, exchange, role, NULL, token);
}
