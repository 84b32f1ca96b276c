/* test_run_fork.c - branches that are walked at the same time, and questions
 * that are asked so.
 */
#include <criterion/criterion.h>

#include <string.h>

#include "graph/together.h"
#include "support.h"
#include "sys/loop.h"

#define WORLD                                                            \
    "{'match': {'effect': 'aws:ecs:ListTasks'}, 'answer': {'tasks': 2}}" \
    "{'match': {'effect': 'aws:ecs:ListServices'}, 'answer': {'s': 3}}"  \
    "{'match': {'effect': 'aws:ecs:DescribeTasks'}, 'answer': {'d': 4}}" \
    "{'match': {'effect': 'aws:ecs:DescribeTasks'}, 'error': {'code': "  \
    "'remote', 'text': 'a hiccup'}, 'times': 1}"

#define PLAYBOOK                                                           \
    "return { about = 'x', start = 'begin', failed = 'tell', limits = { "  \
    "attempts = 1 }, nodes = { begin = { use = 'begin', next = { ok = { "  \
    "all = { 'left', 'right' }, join = 'sum' } } },\n"                     \
    "left = { use = 'left', rerun = { times = 1, on = { 'remote' } }, "    \
    "with = { own = '$left.all', other = '$right.all', path = "            \
    "'$run.path' }, next = { ok = 'sum', lost = 'tell', over = 'done', "   \
    "again = { all = { 'left', 'right' }, join = 'sum' } } },\n"           \
    "right = { use = 'right', next = { ok = 'sum', lost = 'tell', over = " \
    "'done' } },\n"                                                        \
    "sum = { use = 'sum', with = { path = '$run.path', l = '$left', r = "  \
    "'$right' }, next = { ok = 'done' } },\n"                              \
    "tell = { use = 'escalation' } } }"

#define NODE(body)                                                     \
    "return { about = 'x', input = { own = 'list?', other = 'list?', " \
    "path = 'list?' }, output = { v = 'any?' }, outcomes = { 'ok', "   \
    "'lost', 'over', 'again' }, effects = { 'aws:ecs:ListTasks', "     \
    "'aws:ecs:ListServices', 'aws:ecs:DescribeTasks' }, run = "        \
    "function(ctx, input) " body " end }"

#define TASKS "ctx.aws('ecs:ListTasks', {})"
#define SERVICES "ctx.aws('ecs:ListServices', {})"

static struct bench bench;

static void open_bench(void) {
    bench_open(&bench, WORLD);
}

static void close_bench(void) {
    bench_close(&bench);
}

TestSuite(run_fork, .init = open_bench, .fini = close_bench);

static void add(const char *left, const char *right) {
    bench_script(&bench, "playbooks/heal.lua", PLAYBOOK);
    bench_script(&bench, "nodes/begin.lua", NODE("return 'ok'"));
    bench_script(&bench, "nodes/left.lua", left);
    bench_script(&bench, "nodes/right.lua", right);
    bench_script(&bench, "nodes/sum.lua",
                 "return { about = 'x', input = { path = 'list', l = 'map', r "
                 "= 'map' }, output = { seen = 'string' }, outcomes = { 'ok' "
                 "}, effects = {}, run = function(ctx, input) local t = {} "
                 "for i, s in ipairs(input.path) do t[i] = s.node end return "
                 "'ok', { seen = table.concat(t, ' ') } end }");
    bench_script(&bench, "nodes/escalation.lua", NODE("return 'ok'"));
}

static void walk(const char *left, const char *right, const char *path) {
    add(left, right);
    bench_walk(&bench);
    cr_assert_not(bench.failed, "%s", bench.err.text);
    bench_path_is(&bench, path);
}

/* --- joining ---------------------------------------------------------------- */

Test(run_fork, RN8_the_join_is_entered_when_all_branches_have_come) {
    walk(NODE(TASKS TASKS TASKS "return 'ok', { v = 1 }"),
         NODE("return 'ok', { v = 2 }"),
         "begin:ok left:ok right:ok sum:ok = done");
    cr_expect_lt(bench_position(&bench, "ended", 2),
                 bench_position(&bench, "visit", 3));
}

/* What the join is given does not show that the right branch was faster. */
Test(run_fork, WK2_N7_scripts_and_reports_see_branches_in_their_order) {
    const struct json *sum;

    walk(NODE(TASKS TASKS TASKS "return 'ok'"), NODE("return 'ok'"),
         "begin:ok left:ok right:ok sum:ok = done");
    cr_expect(str_is(json_find_text(bench_record(&bench, "ended", 1), "node"),
                     "right"));
    sum = json_at(json_find(run_walk(bench.run)->outputs, "sum"), 0);
    cr_expect(str_is(json_find_text(sum, "seen"), "begin left right"));
}

/* The right one has ended, and runs again in a second fork: what left is given
 * then is of the first one alone. */
Test(run_fork, WK2_a_branch_is_shown_nothing_of_what_its_siblings_do) {
    const struct json *left;

    walk(NODE("if #input.own == 0 then ctx.aws('ecs:DescribeTasks', {}) return "
              "'again', {} end return 'ok', { v = { #input.other, #input.path "
              "} }"),
         NODE("return 'ok'"),
         "begin:ok left:again right:ok left:ok right:ok sum:ok = done");
    left = json_at(json_find(run_walk(bench.run)->outputs, "left"), 1);
    support_is(json_find(left, "v"), "[1, 3]");
}

Test(run_fork, RN8_branches_are_walked_at_the_same_time) {
    walk(NODE(TASKS TASKS "return 'ok'"), NODE(SERVICES SERVICES "return 'ok'"),
         "begin:ok left:ok right:ok sum:ok = done");
    cr_expect_lt(bench_position(&bench, "attempt", 2),
                 bench_position(&bench, "read", 0));
    cr_expect_lt(bench_position(&bench, "read", 1),
                 bench_position(&bench, "ended", 1));
}

/* Time does not pass. */
static void hold(void *arg) {
    (void)arg;
}

/* --- leaving ------------------------------------------------------------------ */

Test(run_fork,
     RN8_the_first_edge_that_leaves_is_taken_and_siblings_count_nothing) {
    walk(NODE("return 'lost'"), NODE(TASKS TASKS TASKS "return 'over'"),
         "begin:ok left:lost tell:ok = escalated");
    cr_expect_eq(bench_count(&bench, "ended"), 3);
    cr_expect_leq(spy_count(bench.spy, "aws:ecs:ListTasks"), 1);
}

Test(run_fork, RN8_an_error_in_a_branch_leads_to_the_failed_route) {
    walk(NODE("error('no')"), NODE("ctx.sleep(600) return 'ok'"),
         "begin:ok left:error tell:ok = escalated");
}

Test(run_fork, RN8_a_branch_may_end_the_run) {
    bench.spy->waits = hold;
    walk(NODE("ctx.sleep(1) return 'ok'"), NODE("return 'over'"),
         "begin:ok right:over = done");
}

/* Each fork has branches of its own: the second one's `right` is another visit
 * than the first one's, which is still asking then. */
Test(run_fork, RN8_the_way_out_of_a_fork_may_be_a_fork) {
    walk(NODE("if #input.own == 0 then return 'again' end return 'ok'"),
         NODE(TASKS TASKS TASKS "return 'ok'"),
         "begin:ok left:again left:ok right:ok sum:ok = done");
    cr_expect_eq(json_find_int(bench_record(&bench, "visit", 2), "visit", 0),
                 1);
    cr_expect_eq(json_find_int(bench_record(&bench, "visit", 4), "visit", 0),
                 2);
}

/* The sibling rests already when the other one leaves. */
Test(run_fork, RN8_RN6_a_sibling_that_is_left_until_later_is_given_up) {
    int64_t began = mode_now(bench.mode);

    bench.spy->waits = hold;
    walk(NODE("ctx.sleep(86400) return 'ok'"),
         NODE(TASKS TASKS TASKS TASKS "return 'lost'"),
         "begin:ok right:lost tell:ok = escalated");
    cr_expect_lt(mode_now(bench.mode) - began, 86400000);
    cr_expect_eq(bench.parked, 0);
}

/* --- waiting --------------------------------------------------------------------
 */

static struct clock_virtual *virtual_clock(void) {
    return (struct clock_virtual *)bench.spy->mode.clock;
}

/* Each is left until its own time, and nobody is asked twice. */
Test(run_fork, RN6_a_run_is_parked_when_every_branch_waits) {
    int64_t began = mode_now(bench.mode);

    bench.spy->waits = hold;
    add(NODE("ctx.sleep(60) return 'ok'"), NODE("ctx.sleep(90) return 'ok'"));
    bench_drive(&bench);
    cr_assert_eq(bench.due_ms, began + 60000);
    clock_virtual_advance(virtual_clock(), 60000);
    bench_cut(&bench, json_count(journal_records(bench.journal)));
    bench_drive(&bench);
    cr_assert_eq(bench.due_ms, began + 90000);
    clock_virtual_advance(virtual_clock(), 30000);
    bench_drive(&bench);
    bench_path_is(&bench, "begin:ok left:ok right:ok sum:ok = done");
    cr_expect_eq(bench_count(&bench, "attempt"), 6);
    cr_expect_eq(bench_count(&bench, "wait"), 2);
}

static void release(void *arg) {
    clock_virtual_advance(virtual_clock(), 60000);
    spy_release(arg);
}

static void release_after_five(void *arg, const struct mode_ask *ask) {
    (void)arg;
    (void)ask;
    if (spy_count(bench.spy, "aws:ecs:ListTasks") == 5)
        loop_defer(bench.loop, release, bench.spy);
}

Test(run_fork, RN6_a_branch_that_waits_is_woken_while_the_other_one_works) {
    bench.spy->waits = hold;
    bench.spy->look = release_after_five;
    add(NODE("ctx.sleep(60) return 'ok'"),
        NODE("for i = 1, 40 do " TASKS " end return 'ok'"));
    bench_drive(&bench);
    cr_expect_lt(bench_position(&bench, "attempt", 3),
                 bench_position(&bench, "read", 20));
}

/* --- stopping ---------------------------------------------------------------- */

static void cancel_inside(void *arg, const struct mode_ask *ask) {
    if (strcmp(ask->effect->name, arg) == 0)
        run_cancel(bench.run);
}

Test(run_fork, RN7_a_cancelled_run_stops_in_all_its_branches) {
    add(NODE(TASKS TASKS "return 'ok'"), NODE(SERVICES SERVICES "return 'ok'"));
    bench.spy->look = cancel_inside;
    bench.spy->arg = (void *)(uintptr_t) "aws:ecs:ListServices";
    bench_walk(&bench);
    cr_expect(bench.failed);
    cr_expect_eq(bench.err.code, ERR_CANCELLED);
    cr_expect_eq(bench_count(&bench, "finished"), 0);
    cr_expect_leq(spy_count(bench.spy, "aws:ecs:ListTasks"), 1);
}

static int  turns;
static bool in_time;

static void cancel_in_turns(void *arg) {
    if (turns-- > 0) {
        loop_defer(bench.loop, cancel_in_turns, arg);
        return;
    }
    in_time = !bench.ended;
    if (in_time)
        run_cancel(bench.run);
}

/* Whenever it is cancelled before it was parked. */
Test(run_fork, RN7_RN6_a_cancelled_run_is_not_parked) {
    for (int after = 0; after < 40; after++) {
        turns = after;
        add(NODE("ctx.sleep(3600) return 'ok'"), NODE("return 'ok'"));
        loop_defer(bench.loop, cancel_in_turns, NULL);
        bench_drive(&bench);
        cr_expect_eq(bench.failed, in_time, "after %d turns", after);
        close_bench();
        open_bench();
    }
}

/* Of one that has not ended it is said where it stands. */
Test(run_fork, a_report_names_every_node_that_a_run_stands_at) {
    struct json *report;

    bench.spy->waits = hold;
    add(NODE("ctx.sleep(60) return 'ok'"), NODE("ctx.sleep(90) return 'ok'"));
    bench_drive(&bench);
    report = bench_report(&bench);
    support_is(json_find(report, "stands"),
               "[{'branch': 1, 'due': 1767225780000, 'node': 'left', 'visit': "
               "1}, {'branch': 2, 'due': 1767225810000, 'node': 'right', "
               "'visit': 1}]");
    json_release(report);
}

Test(run_fork, N7_another_question_in_a_branch_stops_the_run_whole) {
    size_t at;

    walk(NODE(TASKS "return 'ok'"), NODE(SERVICES "return 'ok'"),
         "begin:ok left:ok right:ok sum:ok = done");
    at = bench_position(&bench, "read", 1) + 1;
    json_put_text(
        json_at((struct json *)(uintptr_t)journal_records(bench.journal),
                bench_position(&bench, "read", 0)),
        "digest", STR("other"));
    bench_cut(&bench, at);
    bench_walk(&bench);
    cr_expect(bench.failed);
    cr_expect_eq(bench.err.code, ERR_DIVERGED);
}

Test(run_fork, a_node_that_runs_again_does_not_open_its_siblings_slots) {
    walk(NODE("return 'ok', { v = ctx.aws('ecs:DescribeTasks', {}) }"),
         NODE("local a, e = ctx.try.aws('ecs:StopTask', {}) " TASKS TASKS TASKS
              "return 'ok'"),
         "begin:ok left:ok right:ok sum:ok = done");
    cr_expect_eq(bench_count(&bench, "rerun"), 1);
    cr_expect_eq(bench_count(&bench, "reopen"), 1);
    cr_expect(str_starts(
        json_find_text(bench_record(&bench, "reopen", 0), "slot"), "left/"));
}

/* --- asked together ------------------------------------------------------------ */

/* One node that gives `v`, and its sibling does nothing. */
static void ask(const char *body, const char *expected) {
    struct buf         left = BUF_EMPTY;
    const struct json *output;

    buf_addf(&left, NODE("%s"), body);
    walk(buf_text(&left), NODE("return 'ok'"),
         "begin:ok left:ok right:ok sum:ok = done");
    output = json_at(json_find(run_walk(bench.run)->outputs, "left"), 0);
    support_is(json_find(output, "v"), expected);
    buf_release(&left);
}

Test(together, TG1_answers_come_under_the_keys_of_their_questions,
     .init = open_bench, .fini = close_bench) {
    ask("return 'ok', { v = ctx.all { t = { 'aws:ecs:ListTasks', {} }, s = { "
        "'aws:ecs:ListServices', {} } } }",
        "{'s': {'s': 3}, 't': {'tasks': 2}}");
    cr_expect(str_is(json_find_text(bench_record(&bench, "read", 0), "slot"),
                     "left/0001/run/0001.01/0001"));
    cr_expect(str_is(json_find_text(bench_record(&bench, "read", 1), "slot"),
                     "left/0001/run/0001.02/0001"));
}

Test(together, TG2_one_that_fails_costs_its_own_answer_alone,
     .init = open_bench, .fini = close_bench) {
    ask("local a, e = ctx.try.all { { 'aws:ecs:ListTasks', {} }, { "
        "'aws:ecs:ListClusters', {} } } return 'ok', { v = { a[1].tasks, a[2] "
        "== nil, e[2].code } }",
        "[2, true, 'denied']");
}

Test(together, TG2_without_try_the_first_error_is_raised, .init = open_bench,
     .fini = close_bench) {
    ask("local ok, e = pcall(ctx.all, { { 'aws:ecs:ListTasks', {} }, { "
        "'aws:ecs:ListClusters', {} } }) return 'ok', { v = { ok, e.code } }",
        "[false, 'denied']");
}

Test(together, TG1_a_write_among_them_asks_nothing, .init = open_bench,
     .fini = close_bench) {
    ask("local ok, e = pcall(ctx.all, { { 'aws:ecs:ListTasks', {} }, { "
        "'aws:ecs:UpdateService', {} } }) return 'ok', { v = { ok, e.code, "
        "e.text:find('not a read', 1, true) ~= nil } }",
        "[false, 'invalid', true]");
    cr_expect_eq(bench_count(&bench, "read"), 0);
}

/* Both refusals are opened again, or the second run would meet one of them. */
Test(together, TG2_N7_a_node_that_runs_again_asks_all_that_were_refused,
     .init = open_bench, .fini = close_bench) {
    bench_close(&bench);
    bench_open(&bench, WORLD
               "{'match': {'effect': 'aws:ecs:ListTasks', 'args': {'of': 1}}, "
               "'error': {'code': 'remote', 'text': 'a hiccup'}, 'times': 1}");
    ask("local a = ctx.all { { 'aws:ecs:ListTasks', { of = 1 } }, { "
        "'aws:ecs:ListServices', {} }, { 'aws:ecs:DescribeTasks', {} } } "
        "return 'ok', { v = { a[1].tasks, a[2].s, a[3].d } }",
        "[2, 3, 4]");
    cr_expect_eq(bench_count(&bench, "rerun"), 1);
    cr_expect_eq(bench_count(&bench, "reopen"), 2);
    cr_expect_eq(spy_count(bench.spy, "aws:ecs:ListServices"), 1);
}

Test(together, what_is_no_list_of_questions_is_an_error, .init = open_bench,
     .fini = close_bench) {
    ask("local n, t = 0, {} for i = 1, 33 do t[i] = { 'aws:ecs:ListTasks', {} "
        "} end for i, q in ipairs { {}, { 7 }, { { 'sleep', 3 } }, { { "
        "'llm:choose', {} } }, t, 'x' } do local ok, e = pcall(ctx.all, q) n "
        "= n + (not ok and e.code == 'invalid' and 1 or 0) end return 'ok', { "
        "v = n }",
        "6");
}

/* In the order of their keys, numbers first, wherever they are written. */
Test(together, N7_questions_are_asked_in_the_order_of_their_keys,
     .init = open_bench, .fini = close_bench) {
    ask("local t = { b = 1, [2] = 1, a = 1, [10] = 1, [1] = 1, [1.5] = 1 } "
        "for key in pairs(t) do t[key] = { 'aws:ecs:ListTasks', { of = "
        "tostring(key) } } end local a = ctx.all(t) local n = 0 for _, v in "
        "pairs(a) do n = n + v.tasks end return 'ok', { v = n }",
        "12");
    for (size_t i = 0; i < 6; i++) {
        static const char *const keys[] = {"1", "1.5", "2", "10", "a", "b"};

        cr_expect(str_is(
            json_find_text(json_find(bench_record(&bench, "read", i), "args"),
                           "of"),
            keys[i]));
    }
}

Test(together, TG1_only_effects_are_asked, .init = open_bench,
     .fini = close_bench) {
    ask("local t = {} for i, q in ipairs { 'now:x', 'service:a/b', 'uuid:x', "
        "'sleep:3', 'wait:x', 'log:info', 'all:x', 'judged:x', 'random:x', "
        "'notify:oncall', 'llm:ask', 'engine:wait' } do local ok, e = "
        "pcall(ctx.all, { { q, {} } }) if ok or e.code ~= 'invalid' then "
        "t[#t + 1] = q .. (ok and '' or e.code) end end return 'ok', { v = "
        "table.concat(t, ' ') }",
        "'notify:oncallnot_found'");
    cr_expect_eq(bench_count(&bench, "read"), 0);
}

Test(together, TG2_those_that_are_throttled_are_asked_again_alone,
     .init = open_bench, .fini = close_bench) {
    bench.spy->faults[0] = (struct spy_fault){
        "aws:ecs:ListTasks", 5, ANSWER_REFUSED, ERR_THROTTLED, false};
    ask("local t, n = {}, 0 for i = 1, 32 do t[i] = { 'aws:ecs:ListTasks', { n "
        "= i } } end for _, a in ipairs(ctx.all(t)) do n = n + a.tasks end "
        "return 'ok', { v = n }",
        "64");
    cr_expect_eq(bench_count(&bench, "read"), 32);
    cr_expect_eq(spy_count(bench.spy, "aws:ecs:ListTasks"), 37);
}
