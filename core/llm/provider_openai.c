/* provider_openai.c - chat completions: OpenAI, Azure, and servers that speak
 * like them.
 *
 * Source: the OpenAI API reference (POST /v1/chat/completions) and Azure's
 * (deployments, api-version).
 */
#include "base/encode.h"
#include "llm/provider.h"

/* Azure puts the deployment into the path, which is llm.model there. */
static void add_url(const struct json *config, struct buf *url) {
    const struct json *row = json_dig(config, "llm", "openai", NULL);
    struct str         version = json_find_text(row, "api_version");

    provider_base(config, "openai", "https://api.openai.com/v1", url);
    if (version.len > 0) {
        buf_add_text(url, "/openai/deployments/");
        encode_percent(json_find_text(json_find(config, "llm"), "model"), "",
                       url);
    }
    buf_add_text(url, "/chat/completions");
    if (version.len > 0) {
        buf_add_text(url, "?api-version=");
        encode_percent(version, "", url);
    }
}

/* Models that think first take neither a temperature nor max_tokens. */
static bool thinks(struct str model) {
    return str_starts(model, "o1") || str_starts(model, "o3") ||
           str_starts(model, "o4") || str_starts(model, "gpt-5");
}

static struct json *format(const struct prompt *prompt) {
    struct json *format = json_new_map(), *schema = json_new_map();

    json_put_text(schema, "name", STR("answer"));
    json_put(schema, "schema", json_clone(prompt->schema));
    json_put_bool(schema, "strict", false);
    json_put_text(format, "type", STR("json_schema"));
    json_put(format, "json_schema", schema);
    return format;
}

static struct json *body_of(const struct json   *config,
                            const struct prompt *prompt) {
    struct str   model = json_find_text(json_find(config, "llm"), "model");
    struct json *body = json_new_map(), *messages = json_new_list();

    json_append(messages, provider_message("system", str_of(prompt->system)));
    json_append(messages, provider_message("user", buf_str(&prompt->user)));
    json_put_text(body, "model", model);
    json_put(body, "messages", messages);
    json_put_int(body, thinks(model) ? "max_completion_tokens" : "max_tokens",
                 provider_max_tokens(config));
    if (!thinks(model))
        json_put_int(body, "temperature", 0);
    if (!provider_plain(config))
        json_put(body, "response_format", format(prompt));
    return body;
}

static bool build(const struct json *config, const struct prompt *prompt,
                  struct provider_request *out, struct err *err) {
    struct json *body = body_of(config, prompt);
    struct buf   url = BUF_EMPTY;

    (void)err;
    add_url(config, &url);
    provider_post(out, buf_str(&url), body);
    out->signer = SIGNER_OPENAI;
    buf_release(&url);
    json_release(body);
    return true;
}

static void read_body(const struct json *body, struct provider_reply *out) {
    const struct json *choice = json_at(json_find(body, "choices"), 0);
    const struct json *message = json_find(choice, "message");
    struct str         finish = json_find_text(choice, "finish_reason");

    provider_tokens(json_find(body, "usage"), "prompt_tokens",
                    "completion_tokens", out);
    if (str_is(finish, "content_filter"))
        provider_bad(out, REPLY_REFUSED, "the provider filtered the answer");
    else if (json_find_text(message, "refusal").len > 0)
        provider_bad(out, REPLY_REFUSED, "the model refused to answer");
    else if (str_is(finish, "length"))
        provider_bad(out, REPLY_BAD, "the answer was cut at its longest");
    else
        provider_take_text(json_find_text(message, "content"), out);
}

const struct provider provider_openai = {"openai", build, read_body};
