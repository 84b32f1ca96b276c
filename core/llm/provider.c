/* provider.c - what the providers share: limits, errors, text as JSON. */
#include "llm/provider.h"

#include <string.h>

#include "base/timestamp.h"

#define MAX_TOKENS 1024
#define TIMEOUT_MS 60000
#define ANSWER_CAP (1u << 20)
#define WAIT_MAX_MS 3600000

bool provider_find(const struct json *config, const struct provider **out,
                   struct err *err) {
    static const struct provider *const all[] = {
        &provider_openai, &provider_anthropic, &provider_bedrock};
    const struct json *llm = json_find(config, "llm");
    struct str         name = json_find_text(llm, "provider");

    *out = NULL;
    if (name.len == 0 || str_is(name, "none"))
        return true;
    for (size_t i = 0; i < sizeof all / sizeof *all; i++)
        if (str_is(name, all[i]->name))
            *out = all[i];
    if (!*out)
        return err_set(err, ERR_CONFIG,
                       "llm.provider is openai, anthropic, bedrock or none, "
                       "not \"%.*s\"",
                       STR_ARG(name));
    return json_find_text(llm, "model").len > 0 ||
           err_set(err, ERR_CONFIG, "llm.model is not set");
}

/* --- requests ---------------------------------------------------------- */

int64_t provider_max_tokens(const struct json *config) {
    return json_find_int(json_find(config, "llm"), "max_tokens", MAX_TOKENS);
}

bool provider_plain(const struct json *config) {
    return json_truth(json_dig(config, "llm", "plain", NULL));
}

void provider_base(const struct json *config, const char *name,
                   const char *otherwise, struct buf *url) {
    const struct json *row = json_dig(config, "llm", name, NULL);
    struct str         base = json_find_text(row, "url");

    buf_add_str(url, base.len ? base : str_of(otherwise));
    while (url->len && url->data[url->len - 1] == '/')
        url->data[--url->len] = '\0';
}

void provider_post(struct provider_request *out, struct str url,
                   const struct json *body) {
    http_request_init(&out->http, "POST", url);
    (void)http_headers_add(&out->http.headers, STR("Content-Type"),
                           STR("application/json"));
    out->http.has_body = true;
    json_write(body, &out->http.body);
    out->http.reach = HTTP_PRIVATE;
    out->http.deadline_ms = TIMEOUT_MS;
    out->http.answer_cap = ANSWER_CAP;
}

struct json *provider_message(const char *role, struct str text) {
    struct json *message = json_new_map();

    json_put_text(message, "role", str_of(role));
    json_put_text(message, "content", text);
    return message;
}

/* --- answers ----------------------------------------------------------- */

void provider_tokens(const struct json *usage, const char *input,
                     const char *output, struct provider_reply *out) {
    out->input = json_find_int(usage, input, -1);
    out->output = json_find_int(usage, output, -1);
    /* Nobody sends so many; a made-up figure is no figure. */
    if (out->input < 0 || out->output < 0 || out->input > INT32_MAX ||
        out->output > INT32_MAX)
        out->input = out->output = -1;
}

void provider_bad(struct provider_reply *out, enum reply_fate fate,
                  const char *words) {
    out->fate = fate;
    err_set(&out->err, ERR_INVALID, "%s", words);
}

void provider_take_value(const struct json *value, struct provider_reply *out) {
    if (!json_is(value, JSON_MAP)) {
        provider_bad(out, REPLY_BAD, "the answer is no JSON object");
        return;
    }
    out->fate = REPLY_ANSWER;
    out->value = json_clone(value);
}

/* ```json … ``` around the whole of it. */
static struct str without_fence(struct str text) {
    struct str rest;

    text = str_trim(text);
    if (text.len < 6 || !str_starts(text, "```") || !str_ends(text, "```"))
        return text;
    text.len -= 3;
    (void)str_cut(text, '\n', &rest);
    return str_trim(rest);
}

void provider_take_text(struct str text, struct provider_reply *out) {
    struct json *value;
    struct err   err;

    text = without_fence(text);
    if (text.len == 0) {
        provider_bad(out, REPLY_BAD, "the answer is empty");
        return;
    }
    value = json_parse(text, &json_caps_answer, &err);
    provider_take_value(value, out);
    json_release(value);
}

void provider_take_blocks(const struct json     *content,
                          provider_input_fn     *input_of,
                          struct provider_reply *out) {
    const struct json *input = NULL;
    struct buf         text = BUF_EMPTY;

    for (size_t i = 0; !input && i < json_count(content); i++) {
        input = input_of(json_at(content, i));
        buf_add_str(&text, json_find_text(json_at(content, i), "text"));
    }
    if (input)
        provider_take_value(input, out);
    else
        provider_take_text(buf_str(&text), out);
    buf_release(&text);
}

static int64_t retry_after(const struct http_answer *http, int64_t now_ms) {
    struct str text = http_headers_find(&http->headers, "retry-after");
    int64_t    ms, wait;
    struct err err;

    if (str_to_int(http_headers_find(&http->headers, "retry-after-ms"), &ms))
        wait = ms;
    else if (str_to_int(text, &ms))
        wait = ms > WAIT_MAX_MS ? -1 : ms * 1000;
    else
        wait = timestamp_read_http(text, &ms, &err) ? ms - now_ms : -1;
    return wait < 0 || wait > WAIT_MAX_MS ? 0 : wait;
}

/* 529 is Anthropic's "overloaded", 503 a server that has no room now. */
static enum err_code code_of(int status) {
    switch (status) {
    case 429:
    case 503:
    case 529: return ERR_THROTTLED;
    case 401:
    case 403: return ERR_DENIED;
    case 404: return ERR_NOT_FOUND;
    case 408:
    case 504: return ERR_TIMEOUT;
    default: return status < 500 ? ERR_INVALID : ERR_REMOTE;
    }
}

static void read_error(const struct http_answer *http, const struct json *body,
                       int64_t now_ms, struct provider_reply *out) {
    const struct json *error = json_find(body, "error");
    struct str         words = json_find_text(error, "message");

    if (str_is(json_find_text(error, "code"), "content_filter")) {
        provider_bad(out, REPLY_REFUSED, "the provider filtered the question");
        return;
    }
    if (words.len == 0)
        words = json_find_text(body, "message");
    out->fate = REPLY_ERROR;
    err_set(&out->err, code_of(http->status), "status %d%s%.*s", http->status,
            words.len ? ": " : "", (int)(words.len > 300 ? 300 : words.len),
            words.data ? words.data : "");
    out->err.status = http->status;
    out->retry_after_ms = retry_after(http, now_ms);
}

void provider_read(const struct provider    *provider,
                   const struct http_answer *http, int64_t now_ms,
                   struct provider_reply *out) {
    struct err   err;
    struct json *body =
        json_parse(buf_str(&http->body), &json_caps_answer, &err);

    *out = (struct provider_reply){.input = -1, .output = -1};
    if (http->status != 200) {
        read_error(http, body, now_ms, out);
        /* A refusal costs nothing. */
        out->input = out->output = 0;
    } else if (body) {
        provider->read(body, out);
    } else {
        provider_bad(out, REPLY_BAD, "the provider's answer is not JSON");
    }
    json_release(body);
}
