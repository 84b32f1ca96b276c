/* test_provider.c - three protocols: what is sent, and what is read. */
#include <criterion/criterion.h>

#include "llm/provider.h"
#include "llm/spend.h"
#include "support.h"

static struct json *parse(const char *text) {
    struct err   err;
    struct json *value = json_parse(str_of(text), &json_caps_answer, &err);

    cr_assert(value, "%s", err.text);
    return value;
}

static struct provider_request request;

/* Builds with this configuration; gives the body. */
static struct json *built(const char *config_text) {
    struct json *config = parse(config_text);
    struct json *args = parse("{\"question\":\"?\",\"actions\":{\"a\":{"
                              "\"about\":\"x\"}}}");
    const struct provider *provider;
    struct prompt          prompt;
    struct json           *body;
    struct err             err;

    cr_assert(provider_find(config, &provider, &err), "%s", err.text);
    prompt_make(&prompt, QUESTION_CHOOSE, args, "n", NULL);
    cr_assert(provider->build(config, &prompt, &request, &err));
    body = parse(buf_text(&request.http.body));
    prompt_release(&prompt);
    json_release(args);
    json_release(config);
    return body;
}

static void close_request(void) {
    http_request_release(&request.http);
}

TestSuite(provider, .fini = close_request);

Test(provider, openai_asks_with_a_schema_and_no_temperature) {
    struct json *body = built("{\"llm\":{\"provider\":\"openai\",\"model\":"
                              "\"gpt-4.1\",\"max_tokens\":9}}");

    cr_expect_str_eq(request.http.url,
                     "https://api.openai.com/v1/chat/completions");
    cr_expect_eq(request.signer, SIGNER_OPENAI);
    cr_expect_eq(json_find_int(body, "temperature", 7), 0);
    cr_expect_eq(json_find_int(body, "max_tokens", 0), 9);
    cr_expect(json_dig(body, "response_format", "json_schema", "schema", NULL));
    json_release(body);
}

Test(provider, azure_has_the_deployment_in_its_path) {
    struct json *body =
        built("{\"llm\":{\"provider\":\"openai\",\"model\":\"my gpt\","
              "\"openai\":{\"url\":\"https://a.test/\",\"api_version\":"
              "\"2024-10-21\"}}}");

    cr_expect_str_eq(request.http.url,
                     "https://a.test/openai/deployments/my%20gpt/chat/"
                     "completions?api-version=2024-10-21");
    json_release(body);
}

Test(provider, bedrock_escapes_the_model_once) {
    struct json *body =
        built("{\"llm\":{\"provider\":\"bedrock\",\"model\":\"arn:aws:x/y\"},"
              "\"aws\":{\"region\":\"eu-west-1\"}}");

    cr_expect_str_eq(request.http.url,
                     "https://bedrock-runtime.eu-west-1.amazonaws.com/model/"
                     "arn%3Aaws%3Ax%2Fy/converse");
    cr_expect_eq(request.signer, SIGNER_AWS);
    cr_expect(json_find(body, "toolConfig"));
    json_release(body);
}

Test(provider, plain_asks_without_a_schema) {
    struct json *body = built("{\"llm\":{\"provider\":\"anthropic\",\"model\":"
                              "\"m\",\"plain\":true}}");

    cr_expect_null(json_find(body, "tools"));
    cr_expect(
        str_is(http_headers_find(&request.http.headers, "anthropic-version"),
               "2023-06-01"));
    json_release(body);
}

Test(provider, an_unknown_one_is_an_error_and_none_is_none) {
    struct json *config = parse("{\"llm\":{\"provider\":\"oracle\"}}");
    const struct provider *provider;
    struct err             err;

    cr_expect_not(provider_find(config, &provider, &err));
    json_release(config);
    config = parse("{}");
    cr_expect(provider_find(config, &provider, &err));
    cr_expect_null(provider);
    json_release(config);
}

static enum reply_fate fate_of(const struct provider *provider, int status,
                               const char *body) {
    struct http_answer    http = {.fate = HTTP_ANSWERED, .status = status};
    struct provider_reply reply;

    buf_add_text(&http.body, body);
    provider_read(provider, &http, 0, &reply);
    cr_expect_eq(reply.fate == REPLY_ANSWER, reply.value != NULL);
    json_release(reply.value);
    http_answer_release(&http);
    return reply.fate;
}

#define OPENAI(finish, content)                                    \
    "{\"choices\":[{\"finish_reason\":\"" finish "\",\"message\":" \
    "{\"content\":" content "}}],\"usage\":{}}"
#define MESSAGES(stop, content) \
    "{\"stop_reason\":\"" stop "\",\"content\":[" content "]}"
#define CONVERSE(stop, content) \
    "{\"stopReason\":\"" stop   \
    "\",\"output\":{\"message\":{\"content\":[" content "]}}}"

Test(provider, PV1_openai_gives_a_whole_answer_or_none) {
    const struct provider *p = &provider_openai;

    cr_expect_eq(fate_of(p, 200, OPENAI("stop", "\"{}\"")), REPLY_ANSWER);
    cr_expect_eq(fate_of(p, 200, OPENAI("stop", "\"```json\\n{}\\n```\"")),
                 REPLY_ANSWER);
    cr_expect_eq(fate_of(p, 200, OPENAI("length", "\"{}\"")), REPLY_BAD);
    cr_expect_eq(fate_of(p, 200, OPENAI("content_filter", "\"{}\"")),
                 REPLY_REFUSED);
    cr_expect_eq(fate_of(p, 200, OPENAI("stop", "null,\"refusal\":\"no\"")),
                 REPLY_REFUSED);
    cr_expect_eq(fate_of(p, 200, OPENAI("stop", "\"\"")), REPLY_BAD);
    cr_expect_eq(fate_of(p, 200, OPENAI("stop", "\"[]\"")), REPLY_BAD);
    cr_expect_eq(fate_of(p, 200, OPENAI("stop", "\"Sure! {}\"")), REPLY_BAD);
    cr_expect_eq(fate_of(p, 200, "{}"), REPLY_BAD);
    cr_expect_eq(fate_of(p, 200, "<html>"), REPLY_BAD);
    cr_expect_eq(fate_of(p, 400, "{\"error\":{\"code\":\"content_filter\"}}"),
                 REPLY_REFUSED);
    cr_expect_eq(fate_of(p, 500, "{}"), REPLY_ERROR);
}

Test(provider, PV1_anthropic_gives_a_whole_answer_or_none) {
    const struct provider *p = &provider_anthropic;
    const char            *tool =
        MESSAGES("tool_use", "{\"type\":\"tool_use\",\"input\":{}}");

    cr_expect_eq(fate_of(p, 200, tool), REPLY_ANSWER);
    cr_expect_eq(fate_of(p, 200, MESSAGES("end_turn", "{\"text\":\"{}\"}")),
                 REPLY_ANSWER);
    cr_expect_eq(fate_of(p, 200, MESSAGES("max_tokens", "{\"text\":\"{}\"}")),
                 REPLY_BAD);
    cr_expect_eq(fate_of(p, 200, MESSAGES("refusal", "")), REPLY_REFUSED);
    cr_expect_eq(fate_of(p, 200, MESSAGES("end_turn", "")), REPLY_BAD);
    cr_expect_eq(fate_of(p, 529, "{}"), REPLY_ERROR);
}

Test(provider, PV1_bedrock_gives_a_whole_answer_or_none) {
    const struct provider *p = &provider_bedrock;

    cr_expect_eq(
        fate_of(p, 200, CONVERSE("tool_use", "{\"toolUse\":{\"input\":{}}}")),
        REPLY_ANSWER);
    cr_expect_eq(fate_of(p, 200, CONVERSE("end_turn", "{\"text\":\"{}\"}")),
                 REPLY_ANSWER);
    cr_expect_eq(fate_of(p, 200, CONVERSE("max_tokens", "{\"text\":\"{}\"}")),
                 REPLY_BAD);
    cr_expect_eq(fate_of(p, 200, CONVERSE("guardrail_intervened", "")),
                 REPLY_REFUSED);
    cr_expect_eq(fate_of(p, 200, CONVERSE("content_filtered", "")),
                 REPLY_REFUSED);
    cr_expect_eq(fate_of(p, 200, "{}"), REPLY_BAD);
}

#define PRICED                                                                 \
    "{\"llm\":{\"model\":\"m\",\"day_usd\":0.01,\"prices\":{\"m\":{\"input\":" \
    "2.5,\"output\":10}}}}"

static enum err_code spent(const char *config_text, struct spend day,
                           struct spend_limits limits) {
    struct json *config = parse(config_text);
    int64_t      worst;
    struct err   err = {0};
    bool ok = spend_check(config, &day, &limits, 1000, 100, &worst, &err);

    json_release(config);
    return ok ? ERR_COUNT : err.code;
}

Test(spend, SP1_a_budget_without_a_price_is_an_error) {
    struct spend_limits none = {0, -1, NULL}, some = {0, 5, NULL};

    cr_expect_eq(spent("{\"llm\":{\"model\":\"m\"}}", (struct spend){0}, none),
                 ERR_COUNT);
    cr_expect_eq(spent("{\"llm\":{\"model\":\"m\"}}", (struct spend){0}, some),
                 ERR_CONFIG);
    cr_expect_eq(spent("{\"llm\":{\"model\":\"m\",\"day_usd\":1}}",
                       (struct spend){0}, none),
                 ERR_CONFIG);
}

/* The worst case is 1000 * 2.5 + 100 * 10 = 3500. */
Test(spend, SP2_the_worst_case_must_fit_what_is_left) {
    struct spend day = {.micro_usd = 6500}, full = {.micro_usd = 6501};

    cr_expect_eq(spent(PRICED, day, (struct spend_limits){0, -1, NULL}),
                 ERR_COUNT);
    cr_expect_eq(spent(PRICED, full, (struct spend_limits){0, -1, NULL}),
                 ERR_LIMIT);
    cr_expect_eq(spent(PRICED, day, (struct spend_limits){1, 3501, NULL}),
                 ERR_COUNT);
    cr_expect_eq(spent(PRICED, day, (struct spend_limits){2, 3501, NULL}),
                 ERR_LIMIT);
    cr_expect_eq(spent(PRICED, day, (struct spend_limits){0, 0, NULL}),
                 ERR_LIMIT);
}

/* Branches and runs ask at the same time. */
Test(spend, SP2_what_is_on_its_way_is_not_left) {
    struct spend      day = {.micro_usd = 0};
    struct spend_hold one, other;
    int               run = 1, another = 2;

    spend_hold(&day, &one, &run, 3500);
    cr_expect_eq(spent(PRICED, day, (struct spend_limits){0, 7000, &run}),
                 ERR_COUNT);
    cr_expect_eq(spent(PRICED, day, (struct spend_limits){0, 6999, &run}),
                 ERR_LIMIT);
    cr_expect_eq(spent(PRICED, day, (struct spend_limits){0, 6999, &another}),
                 ERR_COUNT);
    spend_hold(&day, &other, &another, 3500);
    cr_expect_eq(spent(PRICED, day, (struct spend_limits){0, 7000, &run}),
                 ERR_LIMIT, "the day has 10000");
    spend_free(&day, &one);
    spend_free(&day, &one);
    cr_expect_eq(spent(PRICED, day, (struct spend_limits){0, 3500, &run}),
                 ERR_COUNT);
}

Test(spend, a_day_turns_once_and_never_back) {
    struct spend spend = {0};
    struct buf   key = BUF_EMPTY;

    spend_add(&spend, 1795651200000, 7);
    spend_add(&spend, 1795651200000, 7);
    spend_key(spend.day, &key);
    cr_expect_str_eq(buf_text(&key), "main/spend/llm/2026-11-26");
    cr_expect_eq(spend.micro_usd, 14);
    spend_turn(&spend, 1795651200000 + 86400000);
    cr_expect_eq(spend.micro_usd, 0);
    spend_add(&spend, 1795651200000, 5);
    cr_expect_eq(spend.micro_usd, 5);
    buf_release(&key);
}
