/* fuzz_llm_answer.c - arbitrary bytes as what a model's server says.
 *
 * The first byte picks the provider. Whatever arrives: no crash, and an answer
 * that is taken names a declared action with arguments of its form.
 */
#include <assert.h>
#include <string.h>

#include "llm/choice.h"
#include "llm/provider.h"

int LLVMFuzzerTestOneInput(const unsigned char *data, size_t size);

static struct json *question(void) {
    static struct json *value;
    struct err          err;

    if (!value)
        value = json_parse(
            STR("{\"question\":\"?\",\"evidence\":[{\"name\":\"log\",\"text\":"
                "\"out of memory\"}],\"actions\":{\"scale\":{\"about\":\"x\","
                "\"arguments\":{\"by\":{\"type\":\"integer\",\"min\":1,"
                "\"max\":3}}}}}"),
            &json_caps_answer, &err);
    return value;
}

static void check_taken(const struct json *answer) {
    struct str         action = json_find_text(answer, "action");
    const struct json *by = json_dig(answer, "arguments", "by", NULL);

    assert(str_is(action, "scale") || str_is(action, "unsure"));
    assert(str_is(action, "unsure") ||
           (json_is(by, JSON_INT) && json_int(by) >= 1 && json_int(by) <= 3));
}

int LLVMFuzzerTestOneInput(const unsigned char *data, size_t size) {
    static const struct provider *const all[] = {
        &provider_openai, &provider_anthropic, &provider_bedrock};
    struct http_answer    http = {.fate = HTTP_ANSWERED, .status = 200};
    struct provider_reply reply;
    struct err            err;

    if (size == 0)
        return 0;
    buf_add(&http.body, data + 1, size - 1);
    provider_read(all[data[0] % 3], &http, 0, &reply);
    assert((reply.fate == REPLY_ANSWER) == (reply.value != NULL));
    if (reply.value &&
        choice_check(QUESTION_CHOOSE, question(), reply.value, &err))
        check_taken(reply.value);
    json_release(reply.value);
    http_answer_release(&http);
    return 0;
}
