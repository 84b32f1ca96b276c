/* provider_bedrock.c - Converse, signed with SigV4.
 *
 * The model id holds ':' and '/', which are escaped here once; the signer
 * escapes the path once more, as Bedrock does.
 *
 * Source: the Amazon Bedrock API reference (Converse).
 */
#include "base/encode.h"
#include "llm/provider.h"

static struct str region_of(const struct json *config) {
    struct str region = json_find_text(json_find(config, "llm"), "region");

    return region.len ? region
                      : json_find_text(json_find(config, "aws"), "region");
}

static struct json *texts(struct str text) {
    struct json *list = json_new_list(), *block = json_new_map();

    json_put_text(block, "text", text);
    json_append(list, block);
    return list;
}

static struct json *tools(const struct prompt *prompt) {
    struct json *config = json_new_map(), *list = json_new_list();
    struct json *spec = json_new_map(), *schema = json_new_map();
    struct json *tool = json_new_map(), *choice = json_new_map();

    json_put(schema, "json", json_clone(prompt->schema));
    json_put_text(spec, "name", STR("answer"));
    json_put_text(spec, "description", STR("Give the answer."));
    json_put(spec, "inputSchema", schema);
    json_put(tool, "toolSpec", spec);
    json_append(list, tool);
    json_put(config, "tools", list);
    /* "any" of one tool; not every model takes the name of a tool. */
    json_put(choice, "any", json_new_map());
    json_put(config, "toolChoice", choice);
    return config;
}

static struct json *body_of(const struct json   *config,
                            const struct prompt *prompt) {
    struct json *body = json_new_map(), *messages = json_new_list();
    struct json *message = json_new_map(), *limits = json_new_map();

    json_put_text(message, "role", STR("user"));
    json_put(message, "content", texts(buf_str(&prompt->user)));
    json_append(messages, message);
    json_put_int(limits, "maxTokens", provider_max_tokens(config));
    json_put_int(limits, "temperature", 0);
    json_put(body, "system", texts(str_of(prompt->system)));
    json_put(body, "messages", messages);
    json_put(body, "inferenceConfig", limits);
    if (!provider_plain(config))
        json_put(body, "toolConfig", tools(prompt));
    return body;
}

static void add_url(const struct json *config, struct str region,
                    struct buf *url) {
    const struct json *aws = json_find(config, "aws");
    struct str         custom =
        json_find_text(json_find(aws, "endpoints"), "bedrock-runtime");
    struct buf usual = BUF_EMPTY;

    if (custom.len == 0)
        custom = json_find_text(aws, "endpoint");
    buf_add_str(&usual, custom);
    if (custom.len == 0)
        buf_addf(&usual, "https://bedrock-runtime.%.*s.amazonaws.com",
                 STR_ARG(region));
    provider_base(config, "bedrock", buf_text(&usual), url);
    buf_add_text(url, "/model/");
    encode_percent(json_find_text(json_find(config, "llm"), "model"), "", url);
    buf_add_text(url, "/converse");
    buf_release(&usual);
}

static bool build(const struct json *config, const struct prompt *prompt,
                  struct provider_request *out, struct err *err) {
    struct str   region = region_of(config);
    struct buf   url = BUF_EMPTY;
    struct json *body;

    if (region.len == 0)
        return err_set(err, ERR_CONFIG,
                       "no region for Bedrock: set AWS_REGION or llm.region");
    body = body_of(config, prompt);
    add_url(config, region, &url);
    provider_post(out, buf_str(&url), body);
    out->signer = SIGNER_AWS;
    out->scope.service = STR("bedrock");
    out->scope.region = region;
    buf_release(&url);
    json_release(body);
    return true;
}

static const struct json *input_of(const struct json *block) {
    return json_find(json_find(block, "toolUse"), "input");
}

static void read_body(const struct json *body, struct provider_reply *out) {
    struct str stop = json_find_text(body, "stopReason");

    provider_tokens(json_find(body, "usage"), "inputTokens", "outputTokens",
                    out);
    if (str_is(stop, "max_tokens") ||
        str_is(stop, "model_context_window_exceeded"))
        provider_bad(out, REPLY_BAD, "the answer was cut at its longest");
    else if (str_is(stop, "guardrail_intervened") ||
             str_is(stop, "content_filtered"))
        provider_bad(out, REPLY_REFUSED, "the provider filtered the answer");
    else
        provider_take_blocks(
            json_dig(body, "output", "message", "content", NULL), input_of,
            out);
}

const struct provider provider_bedrock = {"bedrock", build, read_body};
