/* test_choice.c - what of a model's answer is taken. */
#include <criterion/criterion.h>

#include "llm/choice.h"
#include "llm/conversation.h"
#include "support.h"

#define QUESTION                                                            \
    "{\"question\":\"what now?\",\"evidence\":[{\"name\":\"log\",\"text\":" \
    "\"out of memory\"}],\"actions\":{\"scale\":{\"about\":\"more\","       \
    "\"arguments\":{\"by\":{\"type\":\"integer\",\"min\":1,\"max\":3},"     \
    "\"why\":{\"type\":\"string\",\"enum\":[\"cpu\",\"memory\"],"           \
    "\"optional\":true}}},\"wait\":{\"about\":\"nothing\"}}}"

static struct json *parse(const char *text) {
    struct err   err;
    struct json *value = json_parse(str_of(text), &json_caps_answer, &err);

    cr_assert(value, "%s", err.text);
    return value;
}

/* An answer with these members in place of the good ones. */
static struct json *answer_with(const char *changes) {
    struct json *answer = parse(
        "{\"action\":\"scale\",\"arguments\":{\"by\":2},\"confidence\":0.5,"
        "\"reasons\":[\"full\"],\"quotes\":[{\"evidence\":\"log\",\"text\":"
        "\"of memory\"}]}");
    struct json *more = parse(changes);

    json_merge(answer, more);
    json_release(more);
    return answer;
}

static bool taken(const char *changes) {
    struct json *question = parse(QUESTION), *answer = answer_with(changes);
    struct err   err;
    bool         ok = choice_check(QUESTION_CHOOSE, question, answer, &err);

    json_release(question);
    json_release(answer);
    return ok;
}

Test(choice, CH1_N12_only_a_declared_action_or_unsure_is_taken) {
    cr_expect(taken("{}"));
    cr_expect(taken("{\"action\":\"wait\",\"arguments\":{}}"));
    cr_expect(taken("{\"action\":\"unsure\",\"arguments\":{}}"));
    cr_expect_not(taken("{\"action\":\"delete\"}"));
    cr_expect_not(taken("{\"action\":\"Scale\"}"));
    cr_expect_not(taken("{\"action\":\"\"}"));
    cr_expect_not(taken("{\"action\":[\"scale\"]}"));
    cr_expect_not(taken("{\"action\":null}"));
}

Test(choice, CH2_N12_arguments_are_of_their_type_range_and_enum) {
    cr_expect(taken("{\"arguments\":{\"by\":1,\"why\":\"cpu\"}}"));
    cr_expect_not(taken("{\"arguments\":{\"by\":0}}"));
    cr_expect_not(taken("{\"arguments\":{\"by\":4}}"));
    cr_expect_not(taken("{\"arguments\":{\"by\":\"3\"}}"));
    cr_expect_not(taken("{\"arguments\":{\"by\":2.0}}"));
    cr_expect_not(taken("{\"arguments\":{}}"));
    cr_expect_not(taken("{\"arguments\":[]}"));
    cr_expect_not(taken("{\"arguments\":{\"by\":1,\"why\":\"disk\"}}"));
    cr_expect_not(taken("{\"arguments\":{\"by\":1,\"cluster\":\"x\"}}"));
    cr_expect_not(taken("{\"action\":\"wait\",\"arguments\":{\"by\":1}}"));
}

Test(choice, CH3_a_quote_is_in_the_evidence_word_for_word) {
    cr_expect(taken("{\"quotes\":[]}"));
    cr_expect_not(
        taken("{\"quotes\":[{\"evidence\":\"log\",\"text\":\"of  memory\"}]}"));
    cr_expect_not(
        taken("{\"quotes\":[{\"evidence\":\"diff\",\"text\":\"memory\"}]}"));
    cr_expect_not(taken("{\"quotes\":[{\"evidence\":\"log\",\"text\":\"\"}]}"));
    cr_expect_not(taken("{\"quotes\":[\"memory\"]}"));
    cr_expect_not(taken("{\"quotes\":\"memory\"}"));
}

Test(choice, refuses_other_members_and_confidence_out_of_range) {
    cr_expect(taken("{\"confidence\":1}"));
    cr_expect_not(taken("{\"confidence\":1.01}"));
    cr_expect_not(taken("{\"confidence\":-0.1}"));
    cr_expect_not(taken("{\"confidence\":\"0.5\"}"));
    cr_expect_not(taken("{\"reasons\":\"because\"}"));
    cr_expect_not(taken("{\"run\":\"rm\"}"));
}

Test(choice, N12_a_made_up_world_is_judged_alike) {
    struct json *question = parse(QUESTION), *value;
    struct err   err;

    value = conversation_judge("llm:choose", question, answer_with("{}"), &err);
    cr_expect(str_is(json_find_text(value, "action"), "scale"));
    json_release(value);
    value = conversation_judge("llm:choose", question,
                               answer_with("{\"action\":\"delete\"}"), &err);
    cr_expect(str_is(json_find_text(value, "action"), "unsure"));
    cr_expect(json_find_text(value, "why").len > 0);
    json_release(value);
    json_release(question);
}

static bool sound(const char *question) {
    struct json *value = parse(question);
    struct err   err;
    bool         ok = question_check(QUESTION_CHOOSE, value, &err);

    json_release(value);
    return ok;
}

Test(question, refuses_what_it_does_not_know) {
    cr_expect(sound(QUESTION));
    cr_expect_not(sound("{\"question\":\"?\",\"actions\":{}}"));
    cr_expect_not(sound("{\"question\":\"?\",\"actions\":{\"unsure\":{"
                        "\"about\":\"x\"}}}"));
    cr_expect_not(sound("{\"question\":\"?\",\"actions\":{\"a\":{\"about\":"
                        "\"x\",\"arguments\":{\"n\":{\"type\":\"int\"}}}}}"));
    cr_expect_not(sound("{\"question\":\"?\",\"evidence\":[{\"name\":"
                        "\"a\\nb\",\"text\":\"\"}],\"actions\":{\"a\":{"
                        "\"about\":\"x\"}}}"));
}
