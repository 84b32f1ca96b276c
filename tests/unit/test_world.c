/* test_world.c - rows that answer, in phases. */
#include <criterion/criterion.h>

#include "gate/world.h"
#include "support.h"

#define BEGIN (SUPPORT_START + 120000)

static struct world *world;
static struct err    err;

static void open_rows(const char *rows) {
    struct json *list = support_json(rows);
    struct json *incident =
        support_json("{'labels': {'cluster': 'prod', 'service': 'api', "
                     "'severity': 'critical'}}");

    world_close(world);
    world = world_open(list, &err);
    cr_assert(world, "%s", err.text);
    world_begin(world, incident, SUPPORT_START);
    json_release(incident);
}

/* The answer to this question so long after the world's beginning. */
static struct json *ask_at(const char *question, int64_t after_ms) {
    struct effect effect = support_effect(question, NULL);
    struct json  *answer = NULL;

    if (!world_answer(world, &effect, BEGIN + after_ms, &answer, &err))
        answer = NULL;
    effect_release(&effect);
    return answer;
}

static void answers(const char *question, int64_t after_ms,
                    const char *wanted) {
    struct json *answer = ask_at(question, after_ms);

    cr_assert(answer, "%s: %s", question, err.text);
    support_is(answer, wanted);
    json_release(answer);
}

static void fails(const char *question, enum err_code code) {
    cr_expect_null(ask_at(question, 0), "%s", question);
    cr_expect_eq(err.code, code, "%s", err.text);
}

#define READ "['', 'aws', 'ecs:DescribeServices', {'cluster': 'prod'}]"
#define WRITE "['', 'aws', 'ecs:UpdateService', {'desiredCount': 4}]"

Test(world, the_last_row_that_fits_answers) {
    open_rows("[{'match': {'effect': 'aws:ecs:*'}, 'answer': {'n': 1}},"
              " {'match': {'effect': 'aws:ecs:DescribeServices'}, "
              "'answer': {'n': 2}},"
              " {'match': {'effect': 'aws:ecs:DescribeServices', 'args': "
              "{'cluster': 'other'}}, 'answer': {'n': 3}}]");
    answers(READ, 0, "{'n': 2}");
    answers("['', 'aws', 'ecs:ListTasks', {}]", 0, "{'n': 1}");
    answers("['', 'aws', 'ecs:DescribeServices', {'cluster': 'other', "
            "'x': 1}]",
            0, "{'n': 3}");
}

Test(world, patterns_are_deep_subsets_with_stars_in_texts) {
    open_rows("[{'match': {'effect': 'aws:x:Do', 'args': {'a': {'b': 'x*z'}, "
              "'l': [1, '*']}}, 'answer': {}}]");
    answers("['', 'aws', 'x:Do', {'a': {'b': 'xyz', 'c': 1}, 'l': [1, 'q']}]",
            0, "{}");
    fails("['', 'aws', 'x:Do', {'a': {'b': 'xy'}, 'l': [1, 'q']}]",
          ERR_NO_ANSWER);
    fails("['', 'aws', 'x:Do', {'a': {'b': 'xz'}, 'l': [1, 'q', 2]}]",
          ERR_NO_ANSWER);
    fails("['', 'aws', 'x:Do', {'a': {'b': 'xz'}, 'l': [2, 'q']}]",
          ERR_NO_ANSWER);
    fails("['', 'aws', 'x:Do', {'l': [1, 'q']}]", ERR_NO_ANSWER);
    fails("['', 'aws', 'x:Do', {'a': {'b': 3}, 'l': [1, 'q']}]", ERR_NO_ANSWER);
}

Test(world, a_row_that_is_used_up_makes_way) {
    open_rows("[{'match': {'effect': 'aws:ecs:*'}, 'answer': {'n': 1}},"
              " {'match': {'effect': 'aws:ecs:*'}, 'times': 2, "
              "'answer': {'n': 2}}]");
    answers(READ, 0, "{'n': 2}");
    answers(READ, 0, "{'n': 2}");
    answers(READ, 0, "{'n': 1}");
}

Test(world, a_row_may_wait_for_a_time) {
    open_rows("[{'match': {'effect': '*'}, 'answer': {'n': 1}},"
              " {'match': {'effect': '*'}, 'after': {'time': '90s'}, "
              "'answer': {'n': 2}}]");
    answers(READ, 89999, "{'n': 1}");
    answers(READ, 90000, "{'n': 2}");
}

Test(world, W2_a_row_that_waits_for_a_write_answers_only_after_it) {
    open_rows("[{'match': {'effect': '*'}, 'answer': {'n': 1}},"
              " {'match': {'effect': 'aws:ecs:Describe*'}, 'after': {'write': "
              "'aws:ecs:UpdateService', 'args': {'desiredCount': 4}, "
              "'delay': '30s'}, 'answer': {'n': 2}}]");
    answers(READ, 0, "{'n': 1}");
    answers("['', 'aws', 'ecs:UpdateService', {'desiredCount': 3}]", 1000,
            "{'n': 1}");
    answers(READ, 100000, "{'n': 1}");
    answers(WRITE, 100000, "{'n': 1}");
    answers(READ, 129999, "{'n': 1}");
    answers(READ, 130000, "{'n': 2}");
}

Test(world, W2_counts_the_writes) {
    open_rows("[{'match': {'effect': '*'}, 'answer': {'n': 1}},"
              " {'match': {'effect': 'aws:ecs:Describe*'}, 'after': {'write': "
              "'aws:ecs:Update*', 'count': 2}, 'answer': {'n': 2}}]");
    answers(WRITE, 0, "{'n': 1}");
    answers(READ, 0, "{'n': 1}");
    answers(WRITE, 0, "{'n': 1}");
    answers(READ, 0, "{'n': 2}");
}

Test(world, W2_a_write_that_failed_and_a_read_are_no_writes) {
    open_rows("[{'match': {'effect': '*'}, 'answer': {'n': 1}},"
              " {'match': {'effect': 'aws:ecs:UpdateService'}, 'error': "
              "{'code': 'denied', 'text': 'no'}},"
              " {'match': {'effect': 'aws:ecs:List*'}, 'after': {'write': "
              "'*'}, 'answer': {'n': 2}}]");
    fails(WRITE, ERR_DENIED);
    answers(READ, 0, "{'n': 1}");
    answers("['', 'aws', 'ecs:ListTasks', {}]", 0, "{'n': 1}");
}

Test(world, W3_what_no_row_answers_prints_the_missing_row) {
    open_rows("[{'world': {'about': 'empty'}}]");
    fails("['', 'aws', 'ecs:StopTask', {'task': 'a\\\"b'}]", ERR_NO_ANSWER);
    cr_expect(support_has(err.text,
                          "{\"match\":{\"effect\":\"aws:ecs:StopTask\","
                          "\"args\":{\"task\":\"a\\\"b\"}},\"answer\":{}}"),
              "%s", err.text);
}

Test(world, errors_have_code_text_and_status) {
    open_rows("[{'match': {'effect': '*'}, 'error': {'code': 'throttled', "
              "'text': 'slow down', 'status': 400}}]");
    fails(READ, ERR_THROTTLED);
    cr_expect_str_eq(err.text, "slow down");
    cr_expect_eq(err.status, 400);
    open_rows("[{'match': {'effect': '*'}, 'error': {'code': 'odd'}}]");
    fails(READ, ERR_REMOTE);
}

Test(world, templates_take_labels_arguments_and_moments) {
    open_rows("[{'match': {'effect': '*'}, 'answer': {"
              "'text': 'svc ${service} in ${cluster}, ${labels.severity}',"
              "'count': '${args.desiredCount}', 'at': '${start-5m}',"
              "'s': '${start|s}', 'ms': '${now+1s|ms}',"
              "'half': '${start+500ms|s}',"
              "'none': 'x${labels.none}y', 'open': '${service',"
              "'list': ['${args.a.1.b}']}}]");
    answers("['', 'aws', 'ecs:UpdateService', {'desiredCount': 4, 'a': [0, "
            "{'b': true}]}]",
            1000,
            "{'text': 'svc api in prod, critical', 'count': 4, 'at': "
            "'2025-12-31T23:55:00Z', 's': 1767225600, 'ms': 1767225722000, "
            "'half': 1767225600.5, 'none': 'xy', 'open': '${service', "
            "'list': [true]}");
}

Test(world, templates_fill_patterns_too) {
    open_rows("[{'match': {'effect': '*', 'args': {'cluster': '${cluster}'}}, "
              "'answer': {'n': 1}}]");
    answers(READ, 0, "{'n': 1}");
    fails("['', 'aws', 'ecs:ListTasks', {'cluster': 'other'}]", ERR_NO_ANSWER);
}

Test(world, W1_the_same_questions_get_the_same_answers) {
    static const char rows[] =
        "[{'match': {'effect': '*'}, 'answer': {'n': '${now}'}},"
        " {'match': {'effect': '*'}, 'times': 3, 'answer': {'n': 2}},"
        " {'match': {'effect': '*'}, 'after': {'write': '*', 'count': 2}, "
        "'answer': {'n': '${args.desiredCount}'}}]";
    struct buf first = BUF_EMPTY, second = BUF_EMPTY;

    for (int round = 0; round < 2; round++) {
        struct buf *out = round ? &second : &first;

        open_rows(rows);
        for (int i = 0; i < 12; i++) {
            struct json *answer = ask_at(i % 3 ? READ : WRITE, i * 1000);

            json_write(answer, out);
            json_release(answer);
        }
    }
    cr_expect_str_eq(buf_text(&first), buf_text(&second));
    buf_release(&first);
    buf_release(&second);
}

static void refused(const char *rows, const char *part) {
    struct json *list = support_json(rows);

    cr_expect_null(world_open(list, &err), "%s", rows);
    cr_expect(support_has(err.text, part), "%s", err.text);
}

Test(world, a_row_with_a_mistake_is_refused_by_number) {
    refused("[{'match': {'effect': 'x'}, 'answer': {}}, {'answer': {}}]",
            "world row 2: a row needs match.effect");
    refused("[{'match': {'effect': 'x'}}]", "either answer or error");
    refused("[{'match': {'effect': 'x'}, 'answer': {}, 'error': {}}]",
            "either answer or error");
    refused("[{'match': {'effect': 'x'}, 'answer': {}, 'tiems': 1}]",
            "unknown key \"tiems\"");
    refused("[{'match': {'effect': 'x', 'arg': 1}, 'answer': {}}]",
            "match: unknown key \"arg\"");
    refused("[{'match': {'effect': 'x'}, 'after': {'wirte': 'x'}, "
            "'answer': {}}]",
            "after: unknown key \"wirte\"");
}
