/* provider_anthropic.c - messages, with one tool that the answer must use.
 *
 * Source: the Anthropic API reference (POST /v1/messages, version 2023-06-01).
 */
#include "llm/provider.h"

static struct json *tool(const struct prompt *prompt) {
    struct json *tool = json_new_map();

    json_put_text(tool, "name", STR("answer"));
    json_put_text(tool, "description", STR("Give the answer."));
    json_put(tool, "input_schema", json_clone(prompt->schema));
    return tool;
}

static void put_tool(struct json *body, const struct prompt *prompt) {
    struct json *tools = json_new_list(), *choice = json_new_map();

    json_append(tools, tool(prompt));
    json_put(body, "tools", tools);
    json_put_text(choice, "type", STR("tool"));
    json_put_text(choice, "name", STR("answer"));
    json_put(body, "tool_choice", choice);
}

static bool build(const struct json *config, const struct prompt *prompt,
                  struct provider_request *out, struct err *err) {
    struct json *body = json_new_map(), *messages = json_new_list();
    struct buf   url = BUF_EMPTY;

    (void)err;
    json_append(messages, provider_message("user", buf_str(&prompt->user)));
    json_put_text(body, "model",
                  json_find_text(json_find(config, "llm"), "model"));
    json_put_text(body, "system", str_of(prompt->system));
    json_put(body, "messages", messages);
    json_put_int(body, "max_tokens", provider_max_tokens(config));
    json_put_int(body, "temperature", 0);
    if (!provider_plain(config))
        put_tool(body, prompt);
    provider_base(config, "anthropic", "https://api.anthropic.com", &url);
    buf_add_text(&url, "/v1/messages");
    provider_post(out, buf_str(&url), body);
    (void)http_headers_add(&out->http.headers, STR("anthropic-version"),
                           STR("2023-06-01"));
    out->signer = SIGNER_ANTHROPIC;
    buf_release(&url);
    json_release(body);
    return true;
}

static const struct json *input_of(const struct json *block) {
    return str_is(json_find_text(block, "type"), "tool_use")
               ? json_find(block, "input")
               : NULL;
}

static void read_body(const struct json *body, struct provider_reply *out) {
    struct str stop = json_find_text(body, "stop_reason");

    provider_tokens(json_find(body, "usage"), "input_tokens", "output_tokens",
                    out);
    if (str_is(stop, "max_tokens"))
        provider_bad(out, REPLY_BAD, "the answer was cut at its longest");
    else if (str_is(stop, "refusal"))
        provider_bad(out, REPLY_REFUSED, "the model refused to answer");
    else
        provider_take_blocks(json_find(body, "content"), input_of, out);
}

const struct provider provider_anthropic = {"anthropic", build, read_body};
