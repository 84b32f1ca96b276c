/* answer.c - status, error code and body, in that order. */
#include "effect/answer.h"

#include <stdio.h>
#include <string.h>

#include "base/timestamp.h"
#include "effect/answer_private.h"
#include "effect/effect_aws.h"
#include "protocol/aws_answer.h"

#define CONTAINS(text, part) \
    (memmem((text).data, (text).len, part, sizeof part - 1) != NULL)

/* GitHub's secondary limit may say so in words alone. */
static bool rate_limited(const struct http_answer *http, struct str words) {
    struct str left =
        http_headers_find(&http->headers, "x-ratelimit-remaining");

    return http->status == 403 &&
           (str_is(left, "0") || CONTAINS(words, "secondary rate limit") ||
            http_headers_find(&http->headers, "retry-after").len > 0);
}

/* What the AWS SDKs take for "slow down", besides the names that say so. */
static bool is_throttle(struct str type) {
    static const char *const names[] = {"BandwidthLimitExceeded",
                                        "LimitExceededException",
                                        "PriorRequestNotComplete",
                                        "ProvisionedThroughputExceeded"
                                        "Exception",
                                        "RequestLimitExceeded",
                                        "TransactionInProgressException",
                                        NULL};

    return CONTAINS(type, "Throttl") || CONTAINS(type, "TooManyRequests") ||
           CONTAINS(type, "SlowDown") || str_in(type, names);
}

static enum err_code code_for(const struct http_answer *http, struct str type,
                              struct str words) {
    if (http->status == 429 || is_throttle(type) || rate_limited(http, words))
        return ERR_THROTTLED;
    if (http->status == 401 || http->status == 403 ||
        CONTAINS(type, "AccessDenied") || CONTAINS(type, "UnrecognizedClient"))
        return ERR_DENIED;
    if (http->status == 404 || CONTAINS(type, "NotFound"))
        return ERR_NOT_FOUND;
    if (http->status == 409)
        return ERR_CONFLICT;
    if (http->status == 408 || http->status == 504)
        return ERR_TIMEOUT;
    return http->status == 422 || http->status == 400 ? ERR_INVALID
                                                      : ERR_REMOTE;
}

/* A year; whether somebody waits so long is not decided here. */
#define WAIT_MAX_S 31536000LL
/* What GitHub asks for where it names no time. */
#define SECONDARY_WAIT_MS 60000

static int64_t sane_wait(int64_t seconds) {
    if (seconds > WAIT_MAX_S)
        seconds = WAIT_MAX_S;
    return seconds < 0 ? 0 : seconds * 1000;
}

/* Seconds or a date (RFC 9110, 10.2.3). */
static int64_t retry_after(const struct http_answer *http, int64_t now_ms) {
    struct str text = http_headers_find(&http->headers, "retry-after");
    int64_t    seconds, then;
    struct err err;

    if (str_to_int(text, &seconds))
        return sane_wait(seconds);
    return timestamp_read_http(text, &then, &err)
               ? sane_wait((then - now_ms + 999) / 1000)
               : 0;
}

/* GitHub's primary limit: none left until then, in seconds since 1970. */
static int64_t limit_resets(const struct http_answer *http, int64_t now_ms) {
    struct str left =
        http_headers_find(&http->headers, "x-ratelimit-remaining");
    int64_t seconds;

    if (!str_is(left, "0") ||
        !str_to_int(http_headers_find(&http->headers, "x-ratelimit-reset"),
                    &seconds) ||
        seconds < 0)
        return 0;
    return sane_wait(seconds - now_ms / 1000);
}

/* What AWS support asks for. */
static void add_request_id(struct err *err, struct str id) {
    size_t len = strlen(err->text);

    (void)snprintf(err->text + len, sizeof err->text - len, " (request %.*s)",
                   (int)(id.len > 100 ? 100 : id.len), id.data);
}

static int64_t wait_of(const struct effect      *effect,
                       const struct http_answer *http, int64_t now_ms,
                       enum err_code code) {
    int64_t ms = retry_after(http, now_ms);

    if (ms == 0 && code == ERR_THROTTLED)
        ms = limit_resets(http, now_ms);
    if (ms == 0 && code == ERR_THROTTLED && effect->kind == EFFECT_GITHUB &&
        (http->status == 403 || http->status == 429))
        ms = SECONDARY_WAIT_MS;
    return ms;
}

static struct answer failed(const struct effect      *effect,
                            const struct http_answer *http, int64_t now_ms) {
    struct answer           answer = {.fate = ANSWER_REFUSED};
    struct aws_answer_error error;
    struct str              type, words;

    /* Others say it in one of the ways that AWS does. */
    aws_answer_error_read(http, &error);
    type = buf_str(&error.code);
    words = buf_str(&error.message);
    err_set(&answer.err, code_for(http, type, words),
            "%s: status %d%s%.*s%s%.*s", effect->name, http->status,
            type.len ? " " : "", (int)(type.len > 100 ? 100 : type.len),
            type.data, words.len ? ": " : "",
            (int)(words.len > 300 ? 300 : words.len), words.data);
    if (error.request_id.len)
        add_request_id(&answer.err, buf_str(&error.request_id));
    aws_answer_error_release(&error);
    answer.err.status = http->status;
    answer.retry_after_ms = wait_of(effect, http, now_ms, answer.err.code);
    /* (AN1) */
    if (effect_writes(effect) && http->status >= 500 &&
        answer.err.code != ERR_THROTTLED)
        answer.fate = ANSWER_UNKNOWN;
    return answer;
}

static struct answer not_answered(const struct effect      *effect,
                                  const struct http_answer *http,
                                  const struct err         *err) {
    struct answer answer = {.fate = ANSWER_REFUSED, .err = *err};

    if (effect_writes(effect) && http->fate == HTTP_SENT_UNKNOWN)
        answer.fate = ANSWER_UNKNOWN;
    err_wrap(&answer.err, "%s", effect->name);
    return answer;
}

/* A plain HTTP tool gets its status and whatever the body is. */
static struct json *plain_value(const struct http_answer *http,
                                struct json              *body) {
    struct json *value = json_new_map();

    json_put_int(value, "status", http->status);
    if (body)
        json_put(value, "json", json_retain(body));
    else
        json_put_text(value, "text", buf_str(&http->body));
    return value;
}

static struct json *aws_value(const struct effect      *effect,
                              const struct http_answer *http, struct err *err) {
    struct json *value = aws_answer_value(
        effect->service, effect_aws_operation(effect), effect_aws_route(effect),
        http, effect_writes(effect), err);

    if (!value)
        err_wrap(err, "%s: status %d", effect->name, http->status);
    return value;
}

static struct json *value_of(const struct effect      *effect,
                             const struct http_answer *http, struct json *body,
                             struct err *err) {
    if (effect->kind == EFFECT_HTTP || effect->kind == EFFECT_TO_PEOPLE)
        return plain_value(http, body);
    if (effect->kind == EFFECT_AWS)
        return aws_value(effect, http, err);
    if (body)
        return json_retain(body);
    if (http->body.len == 0 && effect_writes(effect))
        return json_new_map();
    err_wrap(err, "%s: status %d, the answer is not JSON", effect->name,
             http->status);
    return NULL;
}

struct answer answer_read(const struct effect      *effect,
                          const struct http_answer *http,
                          const struct err *sent_err, int64_t now_ms) {
    struct answer answer = {.fate = ANSWER_GIVEN};
    struct json  *body;
    struct err    err;

    if (http->fate != HTTP_ANSWERED)
        return not_answered(effect, http, sent_err);
    body = json_parse(buf_str(&http->body), &json_caps_answer, &err);
    if (http->status < 200 || http->status > 299) {
        answer = failed(effect, http, now_ms);
    } else if (answer_github_is_graphql(effect)) {
        answer_github_graphql(effect, body, &answer);
        if (answer.fate == ANSWER_REFUSED)
            answer.retry_after_ms =
                wait_of(effect, http, now_ms, answer.err.code);
    } else {
        answer.value = value_of(effect, http, body, &err);
        if (!answer.value) {
            /* (AN2) The service accepted it, so a write is not refused. */
            answer.fate =
                effect_writes(effect) ? ANSWER_UNKNOWN : ANSWER_REFUSED;
            answer.err = err;
            answer.err.code = ERR_REMOTE;
        }
    }
    json_release(body);
    return answer;
}

/* "Signature expired: … is now earlier than …" and its opposite. */
static bool speaks_of_time(struct str words) {
    return CONTAINS(words, "expired: ") || CONTAINS(words, "not yet current");
}

static enum answer_us about_us(struct str type, struct str words) {
    static const char *const clock[] = {
        "RequestTimeTooSkewed", "RequestExpired", "RequestInTheFuture", NULL};
    static const char *const signature[] = {"InvalidSignatureException",
                                            "SignatureDoesNotMatch",
                                            "AuthFailure", NULL};
    static const char *const stale[] = {"ExpiredToken", "ExpiredTokenException",
                                        "InvalidClientTokenId",
                                        "UnrecognizedClientException", NULL};

    if (str_in(type, clock) ||
        (str_in(type, signature) && speaks_of_time(words)))
        return ANSWER_CLOCK_OFF;
    return str_in(type, stale) ? ANSWER_STALE_CREDENTIALS : ANSWER_FINE;
}

enum answer_us answer_about_us(const struct effect      *effect,
                               const struct http_answer *http) {
    struct aws_answer_error error;
    enum answer_us          us;

    if (http->status >= 200 && http->status <= 299)
        return ANSWER_FINE;
    if (effect->kind == EFFECT_GITHUB)
        return http->status == 401 ? ANSWER_STALE_CREDENTIALS : ANSWER_FINE;
    aws_answer_error_read(http, &error);
    us = about_us(buf_str(&error.code), buf_str(&error.message));
    aws_answer_error_release(&error);
    return us;
}
