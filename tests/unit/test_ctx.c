/* test_ctx.c - what a script can ask, and how an answer comes back. */
#include <criterion/criterion.h>

#include "support.h"
#include "vm/attempt.h"

static struct clock_virtual clock_;
static struct bundle       *bundle;
static struct attempt      *attempt;
static struct json         *arguments;
static struct err           err;

static void begin(const char *body) {
    struct buf text = BUF_EMPTY;

    clock_virtual_init(&clock_, SUPPORT_START);
    bundle = bundle_open(NULL, &clock_.clock);
    buf_addf(&text, "return { run = function(ctx, input)\n%s\nend }", body);
    cr_assert(bundle_add(bundle, STR("nodes/x.lua"), buf_str(&text), &err));
    arguments = support_json("[{'n': 1}]");
    attempt = attempt_open(bundle, bundle_find(bundle, SCRIPT_NODE, STR("x")),
                           "run", true, arguments, &vm_limits_node, &err);
    cr_assert(attempt);
    buf_release(&text);
}

static void finish(void) {
    attempt_close(attempt);
    json_release(arguments);
    bundle_release(bundle);
}

/* Resumes with an answer (NULL: none) and expects this question. */
static void asks(bool ok, const char *answer, const char *question) {
    struct json       *value = answer ? support_json(answer) : NULL;
    enum attempt_state state = attempt_resume(attempt, ok, value, &err);

    cr_assert_eq(state, ATTEMPT_ASKS, "state %d: %s", state, err.text);
    support_is(attempt_question(attempt), question);
    json_release(value);
}

static void ends(bool ok, const char *answer, const char *results) {
    struct json       *value = answer ? support_json(answer) : NULL;
    enum attempt_state state = attempt_resume(attempt, ok, value, &err);

    cr_assert_eq(state, ATTEMPT_ENDED, "state %d: %s", state, err.text);
    support_is(attempt_results(attempt), results);
    json_release(value);
}

static void fails(bool ok, const char *answer) {
    struct json *value = answer ? support_json(answer) : NULL;

    cr_assert_eq(attempt_resume(attempt, ok, value, &err), ATTEMPT_FAILED);
    json_release(value);
}

Test(ctx, CX1_a_question_is_where_kind_and_arguments_and_nothing_else) {
    begin("return ctx.aws('ecs:ListTasks', { cluster = 'c' }, { region = "
          "'r' }).n");
    asks(true, NULL,
         "['scripts/nodes/x.lua:2', 'aws', 'ecs:ListTasks', {'cluster': "
         "'c'}, {'region': 'r'}]");
    ends(true, "{'n': [1, 2]}", "[[1, 2]]");
    finish();
}

Test(ctx, CX1_every_door_yields_and_none_acts) {
    begin("ctx.github('GET /user', {}) ctx.prometheus('query', {}) "
          "ctx.http { url = 'u' } ctx.notify('c', {}) ctx.now() ctx.random() "
          "ctx.uuid() ctx.sleep(3) ctx.service('k') "
          "ctx.log.info('m', { a = 1 }) return 'ok'");
    asks(true, NULL, "['scripts/nodes/x.lua:2', 'github', 'GET /user', {}]");
    asks(true, "{}", "['scripts/nodes/x.lua:2', 'prometheus', 'query', {}]");
    asks(true, "{}", "['scripts/nodes/x.lua:2', 'http', {'url': 'u'}]");
    asks(true, "{}", "['scripts/nodes/x.lua:2', 'notify', 'c', {}]");
    asks(true, "{}", "['scripts/nodes/x.lua:2', 'now']");
    asks(true, "1", "['scripts/nodes/x.lua:2', 'random']");
    asks(true, "0.5", "['scripts/nodes/x.lua:2', 'uuid']");
    asks(true, "'u'", "['scripts/nodes/x.lua:2', 'sleep', 3]");
    asks(true, "null", "['scripts/nodes/x.lua:2', 'service', 'k']");
    asks(true, "null",
         "['scripts/nodes/x.lua:2', 'log', 'info', 'm', {'a': 1}]");
    ends(true, NULL, "['ok']");
    finish();
}

#define DENIED \
    "{'code': 'denied', 'text': 'no', 'status': 403, 'where': 'x.lua:2'}"

Test(ctx, an_error_raises_with_code_text_and_status) {
    begin("ctx.aws('ecs:ListTasks', {})");
    asks(true, NULL, "['scripts/nodes/x.lua:2', 'aws', 'ecs:ListTasks', {}]");
    fails(false, DENIED);
    cr_expect_eq(err.code, ERR_DENIED);
    cr_expect_eq(err.status, 403);
    cr_expect_str_eq(err.text, "x.lua:2: no");
    finish();
}

Test(ctx, an_error_can_be_caught_and_looked_at) {
    begin("local ok, e = pcall(ctx.aws, 'ecs:ListTasks', {}) "
          "return ok, e.code, e.status");
    asks(true, NULL, "['scripts/nodes/x.lua:2', 'aws', 'ecs:ListTasks', {}]");
    ends(false, DENIED, "[false, 'denied', 403]");
    finish();
}

Test(ctx, try_gives_nil_and_the_error_instead) {
    begin("local answer, e = ctx.try.aws('ecs:ListTasks', {}) "
          "return answer == nil, e.code");
    asks(true, NULL, "['scripts/nodes/x.lua:2', 'aws', 'ecs:ListTasks', {}]");
    ends(false, DENIED, "[true, 'denied']");
    finish();
}

Test(ctx, a_service_that_is_not_listed_is_nil) {
    begin("return ctx.service('a/b') == nil");
    asks(true, NULL, "['scripts/nodes/x.lua:2', 'service', 'a/b']");
    ends(true, "null", "[true]");
    finish();
}

#define WAIT                                                                \
    "local ok, last = ctx.wait_for { ask = { 'aws:ecs:ListTasks', { c = 1 " \
    "} }, every = '10s', within = '5m', done = function(answer) return "    \
    "answer.n == 3 end } return ok, last.n"
#define WAIT_ASKS                                                            \
    "['scripts/nodes/x.lua:2', 'wait', {'ask': ['aws:ecs:ListTasks', {'c': " \
    "1}], 'every': '10s', 'within': '5m'}]"

Test(ctx, a_wait_lets_the_script_judge_each_answer) {
    begin(WAIT);
    asks(true, NULL, WAIT_ASKS);
    asks(true, "{'final': false, 'answer': {'n': 1}}",
         "['scripts/nodes/x.lua:2', 'judged', false]");
    asks(true, "{'final': false, 'answer': {'n': 3}}",
         "['scripts/nodes/x.lua:2', 'judged', true]");
    ends(true, "{'final': true, 'ok': true, 'answer': {'n': 3}}", "[true, 3]");
    finish();
}

Test(ctx, a_wait_that_is_over_is_not_judged_again) {
    begin(WAIT);
    asks(true, NULL, WAIT_ASKS);
    ends(true, "{'final': true, 'ok': false, 'answer': {'n': 2}}",
         "[false, 2]");
    finish();
}

Test(ctx, a_wait_without_a_judge_is_an_error_of_the_script) {
    begin("ctx.wait_for { ask = { 'aws:ecs:ListTasks' } }");
    fails(true, NULL);
    cr_expect_eq(err.code, ERR_INVALID);
    finish();
}

Test(ctx, AT2_a_question_that_is_no_plain_value_is_the_scripts_error) {
    begin("local ok, e = pcall(ctx.aws, 'ecs:ListTasks', { f = function() "
          "end }) local deep = {} deep.deep = deep "
          "local ok2, e2 = pcall(ctx.aws, 'ecs:ListTasks', deep) "
          "local ok3, e3 = pcall(ctx.aws, 1, 2, 3, 4, 5, 6, 7, 8, 9) "
          "return { ok, e.code }, { ok2, e2.code }, { ok3, e3.code }");
    ends(true, NULL,
         "[[false, 'contract'], [false, 'limit'], [false, 'invalid']]");
    finish();
}

Test(ctx, AT2_a_result_that_is_no_plain_value_fails_the_attempt) {
    begin("return 'ok', { f = ctx.aws }");
    fails(true, NULL);
    cr_expect_eq(err.code, ERR_CONTRACT);
    cr_expect(support_has(err.text, ".f"), "%s", err.text);
    finish();
}
