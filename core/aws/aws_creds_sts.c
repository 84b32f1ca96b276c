/* aws_creds_sts.c - a role's credentials from the Security Token Service.
 *
 * A query request with an XML answer. What a role is assumed with signs it; a
 * web identity token is in its body instead, and no signature. The words of a
 * refusal are passed on unless something secret of the request is in them.
 *
 * When STS says that our clock is off, its own Date says by how much, and the
 * request is signed once more; the expiry that it gives is then told in our
 * time, since that is what it is compared with.
 *
 * Source: AWS Security Token Service API Reference, 2011-06-15.
 */
#include <string.h>

#include "aws/aws_creds_private.h"
#include "base/encode.h"
#include "base/mem.h"
#include "base/timestamp.h"
#include "base/xml.h"
#include "net/http_client.h"

#define DEADLINE_MS 10000
#define SESSION_NAME "nightshift"

struct exchange {
    const struct aws_creds_options *o;
    aws_creds_result_fn            *done;
    void                           *arg;
    const char            *action; /* AssumeRole, AssumeRoleWithWebIdentity */
    char                  *arn, *region;
    struct buf             url, body;
    struct aws_creds_value with;    /* what signs; empty for a web identity */
    struct buf             token;   /* of a web identity */
    int64_t                skew_ms; /* STS's clock minus ours */
    bool                   mended;
};

static void end(struct exchange *exchange, struct aws_creds_result *result) {
    struct exchange ended = *exchange;

    if (result->fate == AWS_CREDS_FAILED)
        (void)err_wrap(&result->err, "%s %s", exchange->action, exchange->arn);
    mem_free(exchange->arn);
    mem_free(exchange->region);
    buf_release(&exchange->url);
    aws_creds_value_release_buf(&exchange->body);
    aws_creds_value_release_buf(&exchange->token);
    aws_creds_value_release(&exchange->with);
    mem_free(exchange);
    ended.done(ended.arg, result);
}

static void fail(struct exchange *exchange, const struct err *err) {
    struct aws_creds_result result = {.fate = AWS_CREDS_FAILED, .err = *err};

    end(exchange, &result);
}

/* --- the answer -------------------------------------------------------- */

static bool has_part(struct str words, struct str part) {
    return part.len && memmem(words.data, words.len, part.data, part.len);
}

static bool shows(const struct exchange *exchange, struct str words) {
    return has_part(words, str_of(exchange->with.secret_key)) ||
           has_part(words, str_of(exchange->with.session_token)) ||
           has_part(words, buf_str(&exchange->token));
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
    (void)err_set(&result->err,
                  str_starts(code, "Throttling")
                      ? ERR_THROTTLED
                      : aws_creds_http_code(http->status),
                  "status %d%s%.*s%s%.*s", http->status, code.len ? " " : "",
                  (int)(code.len > 100 ? 100 : code.len), code.data,
                  words.len ? ": " : "",
                  (int)(words.len > 300 ? 300 : words.len), words.data);
    result->err.status = http->status;
}

static void read_answer(const struct exchange    *exchange,
                        const struct http_answer *http, const struct json *root,
                        struct aws_creds_result *result) {
    struct buf             name = BUF_EMPTY;
    const struct json     *given;
    struct aws_creds_parts parts;

    buf_addf(&name, "%sResult", exchange->action);
    given = xml_child(xml_child(root, buf_text(&name)), "Credentials");
    buf_release(&name);
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
    if (result->fate == AWS_CREDS_FOUND)
        result->value.expires_ms -= exchange->skew_ms;
}

static bool is_clock_off(const struct http_answer *http,
                         const struct json        *root) {
    struct str code = xml_dig(root, "Error", "Code", NULL);
    struct str words = xml_dig(root, "Error", "Message", NULL);

    return http->status != 200 && (str_is(code, "RequestExpired") ||
                                   str_is(code, "RequestTimeTooSkewed") ||
                                   (str_is(code, "SignatureDoesNotMatch") &&
                                    (has_part(words, STR("expired: ")) ||
                                     has_part(words, STR("not yet current")))));
}

static int64_t now_of(const struct exchange *exchange) {
    return exchange->o->clock->wall_ms(exchange->o->clock) + exchange->skew_ms;
}

/* Once: a clock that is off after that is not the reason. */
static bool mend(struct exchange *exchange, const struct http_answer *http,
                 const struct json *root) {
    struct str date = http_headers_find(&http->headers, "date");
    struct err err;
    int64_t    theirs;

    if (exchange->mended || !is_clock_off(http, root) ||
        !timestamp_read_http(date, &theirs, &err))
        return false;
    exchange->mended = true;
    exchange->skew_ms = theirs - now_of(exchange);
    return true;
}

static void send(struct exchange *exchange);

static void answered(void *arg, const struct http_answer *http,
                     const struct err *err) {
    static const struct json_caps caps = {64u << 10, 16};
    struct exchange              *exchange = arg;
    struct aws_creds_result       result = {.fate = AWS_CREDS_FAILED};
    struct json                  *root;
    bool                          again;

    if (http->fate != HTTP_ANSWERED) {
        fail(exchange, err);
        return;
    }
    root = xml_parse(buf_str(&http->body), &caps, &result.err);
    again = mend(exchange, http, root);
    if (!again)
        read_answer(exchange, http, root, &result);
    aws_creds_value_release_json(root);
    if (again)
        send(exchange);
    else
        end(exchange, &result);
}

/* --- the request ------------------------------------------------------- */

static bool is_region(struct str text) {
    for (size_t i = 0; i < text.len; i++)
        if (!strchr("abcdefghijklmnopqrstuvwxyz0123456789-", text.data[i]) ||
            !text.data[i])
            return false;
    return text.len > 0;
}

static bool find_place(struct exchange *exchange, struct str profiles,
                       struct err *err) {
    const struct json *aws = json_find(exchange->o->config, "aws");
    struct str         region = json_find_text(aws, "region");
    struct buf        *url = &exchange->url;
    struct str custom = json_text(json_dig(aws, "endpoints", "sts", NULL));

    if (region.len == 0)
        region = profiles;
    if (custom.len == 0)
        custom = json_find_text(aws, "endpoint");
    if (!is_region(region))
        return err_set(err, ERR_CONFIG,
                       "no AWS region to ask STS in: set AWS_REGION, "
                       "aws.region, or the profile's region");
    buf_add_str(url, custom);
    if (custom.len == 0)
        buf_addf(url, "https://sts.%.*s.amazonaws.com%s", STR_ARG(region),
                 str_starts(region, "cn-") ? ".cn" : "");
    if (!str_ends(buf_str(url), "/"))
        buf_add_char(url, '/');
    exchange->region = mem_text(region.data, region.len);
    return true;
}

static void add_field(struct buf *body, const char *name, struct str value) {
    if (value.len == 0)
        return;
    buf_addf(body, "&%s=", name);
    encode_percent(value, "", body);
}

/* The body is reserved whole, so that a token in it has no older copy. */
static void write_body(struct exchange             *exchange,
                       const struct aws_creds_role *role) {
    struct buf *body = &exchange->body;
    size_t given = exchange->token.len + role->arn.len + role->external_id.len +
                   role->session_name.len + role->duration.len;

    buf_reserve(body, 3 * given + 512);
    buf_addf(body, "Action=%s&Version=2011-06-15", exchange->action);
    add_field(body, "RoleArn", role->arn);
    add_field(body, "RoleSessionName",
              role->session_name.len ? role->session_name : STR(SESSION_NAME));
    add_field(body, "ExternalId", role->external_id);
    add_field(body, "DurationSeconds", role->duration);
    add_field(body, "WebIdentityToken", buf_str(&exchange->token));
}

static bool sign(const struct exchange *exchange, struct http_request *request,
                 struct err *err) {
    struct sigv4_credentials credentials = {
        str_of(exchange->with.access_key), str_of(exchange->with.secret_key),
        str_of(exchange->with.session_token)};
    struct sigv4_request sigv4 = {
        .method = str_of(request->method),
        .url = str_of(request->url),
        .headers = &request->headers,
        .body = buf_str(&request->body),
        .service = STR("sts"),
        .region = str_of(exchange->region),
        .now_ms = now_of(exchange),
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

static void send(struct exchange *exchange) {
    struct http_request request;
    struct http_call   *call;
    struct err          err;

    aws_creds_http_init(&request, "POST", buf_str(&exchange->url), HTTP_PRIVATE,
                        DEADLINE_MS);
    request.has_body = true;
    buf_reserve(&request.body, exchange->body.len);
    buf_add_str(&request.body, buf_str(&exchange->body));
    (void)http_headers_add(
        &request.headers, STR("Content-Type"),
        STR("application/x-www-form-urlencoded; charset=utf-8"));
    if ((!exchange->with.access_key || sign(exchange, &request, &err)) &&
        http_client_start(exchange->o->client, &request, answered, exchange,
                          &call, &err))
        return;
    http_request_release(&request);
    fail(exchange, &err);
}

static struct exchange *exchange_new(const struct aws_creds_options *o,
                                     const char                     *action,
                                     const struct aws_creds_role    *role,
                                     aws_creds_result_fn *done, void *arg) {
    struct exchange *exchange = mem_new(sizeof *exchange);

    exchange->o = o;
    exchange->done = done;
    exchange->arg = arg;
    exchange->action = action;
    exchange->arn = mem_text(role->arn.data, role->arn.len);
    return exchange;
}

static void start(struct exchange             *exchange,
                  const struct aws_creds_role *role) {
    struct err err;

    if (!exchange->o->client) {
        (void)err_set(&err, ERR_DENIED, "there is no network here");
        fail(exchange, &err);
    } else if (find_place(exchange, role->region, &err)) {
        write_body(exchange, role);
        send(exchange);
    } else {
        fail(exchange, &err);
    }
}

void aws_creds_sts_assume(const struct aws_creds_options *o,
                          const struct aws_creds_role    *role,
                          const struct aws_creds_value   *with,
                          aws_creds_result_fn *done, void *arg) {
    struct exchange *exchange = exchange_new(o, "AssumeRole", role, done, arg);

    aws_creds_value_copy(with, &exchange->with);
    start(exchange, role);
}

void aws_creds_sts_exchange(const struct aws_creds_options *o,
                            const struct aws_creds_role *role, struct str token,
                            aws_creds_result_fn *done, void *arg) {
    struct exchange *exchange =
        exchange_new(o, "AssumeRoleWithWebIdentity", role, done, arg);

    buf_reserve(&exchange->token, token.len);
    buf_add_str(&exchange->token, token);
    start(exchange, role);
}
