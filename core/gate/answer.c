/* answer.c - status, error code and body, in that order. */
#include "gate/answer.h"

#include <string.h>

#define CONTAINS(text, part) \
    (memmem((text).data, (text).len, part, sizeof part - 1) != NULL)

/* The service's own word for the error: AWS "__type", after any '#'. */
static struct str error_type(const struct json *body) {
    struct str type = json_find_text(body, "__type"), rest;

    if (type.len == 0)
        type = json_find_text(body, "code");
    (void)str_cut(type, '#', &rest);
    return rest.data ? rest : type;
}

static struct str error_words(const struct json *body) {
    static const char *const names[] = {"message", "Message", "error"};

    for (size_t i = 0; i < sizeof names / sizeof *names; i++)
        if (json_find_text(body, names[i]).len)
            return json_find_text(body, names[i]);
    return STR("");
}

static bool rate_limited(const struct http_answer *http) {
    struct str left =
        http_headers_find(&http->headers, "x-ratelimit-remaining");

    return http->status == 403 &&
           (str_is(left, "0") ||
            http_headers_find(&http->headers, "retry-after").len > 0);
}

static enum err_code code_for(const struct http_answer *http, struct str type) {
    if (http->status == 429 || CONTAINS(type, "Throttl") ||
        CONTAINS(type, "TooManyRequests") || CONTAINS(type, "SlowDown") ||
        rate_limited(http))
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

static int64_t retry_after(const struct http_answer *http) {
    int64_t seconds;

    if (!str_to_int(http_headers_find(&http->headers, "retry-after"),
                    &seconds) ||
        seconds < 0 || seconds > 3600)
        return 0;
    return seconds * 1000;
}

static struct mode_answer failed(const struct effect      *effect,
                                 const struct http_answer *http,
                                 const struct json        *body) {
    struct mode_answer answer = {.fate = MODE_REFUSED};
    struct str         type = error_type(body), words = error_words(body);

    err_set(&answer.err, code_for(http, type), "%s: status %d%s%.*s%s%.*s",
            effect->name, http->status, type.len ? " " : "", STR_ARG(type),
            words.len ? ": " : "", (int)(words.len > 300 ? 300 : words.len),
            words.data);
    answer.err.status = http->status;
    answer.retry_after_ms = retry_after(http);
    /* (AN1) */
    if (effect_writes(effect) && http->status >= 500 &&
        answer.err.code != ERR_THROTTLED)
        answer.fate = MODE_UNKNOWN;
    return answer;
}

static struct mode_answer not_answered(const struct effect      *effect,
                                       const struct http_answer *http,
                                       const struct err         *err) {
    struct mode_answer answer = {.fate = MODE_REFUSED, .err = *err};

    if (effect_writes(effect) && http->fate == HTTP_SENT_UNKNOWN)
        answer.fate = MODE_UNKNOWN;
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

static struct json *value_of(const struct effect      *effect,
                             const struct http_answer *http, struct json *body,
                             struct err *err) {
    if (effect->kind == EFFECT_HTTP || effect->kind == EFFECT_TO_PEOPLE)
        return plain_value(http, body);
    if (body)
        return json_retain(body);
    if (http->body.len == 0 && effect_writes(effect))
        return json_new_map();
    err_wrap(err, "%s: status %d, the answer is not JSON", effect->name,
             http->status);
    return NULL;
}

struct mode_answer answer_read(const struct effect      *effect,
                               const struct http_answer *http,
                               const struct err         *sent_err) {
    struct mode_answer answer = {.fate = MODE_ANSWERED};
    struct json       *body;
    struct err         err;

    if (http->fate != HTTP_ANSWERED)
        return not_answered(effect, http, sent_err);
    body = json_parse(buf_str(&http->body), &json_caps_answer, &err);
    if (http->status < 200 || http->status > 299) {
        answer = failed(effect, http, body);
    } else {
        answer.value = value_of(effect, http, body, &err);
        if (!answer.value) {
            /* (AN2) The service accepted it, so a write is not refused. */
            answer.fate = effect_writes(effect) ? MODE_UNKNOWN : MODE_REFUSED;
            answer.err = err;
            answer.err.code = ERR_REMOTE;
        }
    }
    json_release(body);
    return answer;
}
