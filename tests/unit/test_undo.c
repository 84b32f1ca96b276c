/* test_undo.c - what was written is taken back, the newest first. */
#include <criterion/criterion.h>

#include <string.h>

#include "support.h"

#define WORLD                                                            \
    "{'match': {'effect': 'aws:*'}, 'answer': {'ok': true}}"             \
    "{'match': {'effect': 'aws:ecs:DescribeServices'}, 'answer': "       \
    "{'services': "                                                      \
    "[{'desiredCount': 2}]}}"                                            \
    "{'match': {'effect': 'aws:x:Broken'}, 'error': {'code': 'remote', " \
    "'text': 'no'}}"

/* one -> two -> three, whose outcome leads to undo. */
#define PLAYBOOK(more)                                            \
    "return { about = 'x', start = 'one', failed = 'tell', " more \
    " nodes = {\n"                                                \
    "one = { use = 'one', next = { ok = 'two' } },\n"             \
    "two = { use = 'two', next = { ok = 'three' } },\n"           \
    "three = { use = 'three', next = { ok = 'undo' } },\n"        \
    "back = { use = 'escalation' }, tell = { use = 'escalation' } } }"

#define NODE(effects, run, more)                                        \
    "return { about = 'x', input = {}, output = { kept = 'string?' }, " \
    "outcomes = { 'ok' }, risk = 'low', effects = { " effects " },\n"   \
    "run = function(ctx, input) " run " end, " more "}"
#define WRITE(name) "ctx.aws('x:" name "', { n = '" name "' })"
#define UNDO(body) "undo = function(ctx, input, state) " body " end"

static struct bench bench;

static void open_undo(void) {
    bench_open(&bench, WORLD);
    bench_script(&bench, "nodes/escalation.lua",
                 "return { about = 'x', outcomes = { 'told' }, effects = {}, "
                 "run = function() return 'told' end }");
}

static void close_undo(void) {
    bench_close(&bench);
}

TestSuite(undo, .init = open_undo, .fini = close_undo);

static void walk(const char *playbook, const char *one, const char *two,
                 const char *three) {
    bench_script(&bench, "playbooks/heal.lua", playbook);
    bench_script(&bench, "nodes/one.lua", one);
    bench_script(&bench, "nodes/two.lua", two);
    bench_script(&bench, "nodes/three.lua", three);
    bench_walk(&bench);
}

/* The writes that the world saw, by operation. */
static void wrote(const char *wanted) {
    struct buf all = BUF_EMPTY;

    for (size_t i = 0; i < json_count(bench.spy->acts); i++) {
        const struct json *act = json_at(bench.spy->acts, i);

        if (json_truth(json_find(act, "writes")))
            buf_addf(&all, "%.*s ",
                     STR_ARG(json_find_text(json_find(act, "args"), "n")));
    }
    cr_expect_str_eq(buf_text(&all), wanted);
    buf_release(&all);
}

#define PLAIN(name)                                                          \
    NODE("'aws:x:" name "', 'aws:x:Un" name "'", WRITE(name) " return 'ok'", \
         UNDO(WRITE("Un" name) " return "                                    \
                               "'undone'"))
#define NOTHING NODE("", "return 'ok'", "")

Test(undo, goes_from_the_newest_to_the_oldest) {
    walk(PLAYBOOK(""), PLAIN("One"), PLAIN("Two"), PLAIN("Three"));
    wrote("One Two Three UnThree UnTwo UnOne ");
    bench_path_is(&bench, "one:ok two:ok three:ok undo:undone tell:told = "
                          "escalated");
    support_is(json_find(json_at(run_walk(bench.run)->undone, 0), "node"),
               "'three'");
}

Test(undo, leaves_nodes_alone_that_only_read) {
    walk(PLAYBOOK(""), PLAIN("One"),
         NODE("'aws:ecs:DescribeServices'",
              "ctx.aws('ecs:DescribeServices', {}) return 'ok'",
              UNDO("error('not called')")),
         NOTHING);
    wrote("One UnOne ");
    cr_expect_eq(json_count(run_walk(bench.run)->undone), 1);
}

Test(undo, names_what_cannot_be_undone_and_goes_on_behind_it) {
    const struct json *skipped;

    walk(
        PLAYBOOK(""), PLAIN("One"),
        NODE("'aws:x:Two'", WRITE("Two") " return 'ok'", "irreversible = true"),
        NOTHING);
    wrote("One Two UnOne ");
    skipped = json_at(run_walk(bench.run)->undone, 0);
    cr_expect(str_is(json_find_text(skipped, "node"), "two"));
    cr_expect(str_is(json_find_text(skipped, "outcome"), "skipped"));
    cr_expect(str_is(json_find_text(skipped, "reason"), "irreversible"));
    bench_path_is(&bench, "one:ok two:ok three:ok undo:undone tell:told = "
                          "escalated");
}

Test(undo, follows_the_edge_that_the_playbook_gives_it) {
    walk(PLAYBOOK("undone = 'back',"), PLAIN("One"), NOTHING, NOTHING);
    bench_path_is(&bench, "one:ok two:ok three:ok undo:undone back:told = "
                          "escalated");
}

Test(undo, one_that_fails_ends_it_and_leaves_the_rest_to_people) {
    walk(PLAYBOOK("undone = 'back',"), PLAIN("One"),
         NODE("'aws:x:Two', 'aws:x:Broken'", WRITE("Two") " return 'ok'",
              UNDO(WRITE("Broken") " return 'undone'")),
         PLAIN("Three"));
    wrote("One Two Three UnThree Broken ");
    bench_path_is(&bench, "one:ok two:ok three:ok undo:failed tell:told = "
                          "escalated");
}

Test(undo, one_that_says_failed_or_nothing_has_failed) {
    walk(PLAYBOOK(""), PLAIN("One"),
         NODE("'aws:x:Two'", WRITE("Two") " return 'ok'",
              UNDO("return 'failed'")),
         NOTHING);
    wrote("One Two ");
    bench_path_is(&bench, "one:ok two:ok three:ok undo:failed tell:told = "
                          "escalated");
}

Test(undo, is_told_input_output_and_every_write_with_what_was_before) {
    const struct json *writes = NULL;

    walk(PLAYBOOK(""),
         NODE("'aws:ecs:UpdateService', 'aws:x:One', 'aws:x:Note'",
              "ctx.aws('ecs:UpdateService', { cluster = 'c', service = 's', "
              "desiredCount = 4 }) " WRITE("One") " return 'ok', { kept = "
                                                  "'mine' }",
              UNDO("ctx.aws('x:Note', { n = 'Note', state = state, input = "
                   "input }) return 'undone'")),
         NOTHING, NOTHING);
    wrote(" One Note ");
    writes = json_find(
        json_at(bench.spy->acts, json_count(bench.spy->acts) - 1), "args");
    support_is(writes,
               "{'n': 'Note', 'input': {}, 'state': {'output': {'kept': "
               "'mine'}, 'writes': [{'effect': 'aws:ecs:UpdateService', "
               "'request': {'cluster': 'c', 'service': 's', 'desiredCount': "
               "4}, 'result': {'ok': true}, 'before': {'services': "
               "[{'desiredCount': 2}]}}, {'effect': 'aws:x:One', 'request': "
               "{'n': 'One'}, 'result': {'ok': true}}]}}");
}

#define DIES                                                                \
    NODE("'aws:x:Lost', 'aws:x:Note'", WRITE("Lost") " return 'ok'",        \
         UNDO("ctx.aws('x:Note', { n = 'Note', out = state.output == nil, " \
              "result = state.writes[1].result }) return 'undone'"))

Test(undo, a_node_that_died_without_an_output_is_undone_too) {
    bench.spy->faults[0] =
        (struct spy_fault){"aws:x:Lost", 1, ANSWER_UNKNOWN, ERR_TIMEOUT, true};
    walk("return { about = 'x', start = 'one', failed = 'three', nodes = { "
         "one = { use = 'one', next = { ok = 'done' } }, three = { use = "
         "'three', next = { ok = 'undo' } }, tell = { use = 'escalation' } }, "
         "undone = 'tell' }",
         DIES, NOTHING, NOTHING);
    wrote("Lost Note ");
    support_is(json_find(json_at(bench.spy->acts, 1), "args"),
               "{'n': 'Note', 'out': true, 'result': 'unknown'}");
    bench_path_is(&bench, "one:error three:ok undo:undone tell:told = "
                          "escalated");
}

Test(undo, G3_what_undo_may_do_is_what_its_node_declared) {
    walk(PLAYBOOK(""),
         NODE("'aws:x:One'", WRITE("One") " return 'ok'",
              UNDO(WRITE("Other") " return 'undone'")),
         NOTHING, NOTHING);
    wrote("One ");
    bench_path_is(&bench, "one:ok two:ok three:ok undo:failed tell:told = "
                          "escalated");
}

Test(undo, each_visit_that_wrote_is_undone_on_its_own) {
    walk("return { about = 'x', start = 'one', failed = 'tell', limits = { "
         "attempts = 3 }, nodes = { one = { use = 'one', next = { ok = 'two' "
         "} }, two = { use = 'one', next = { ok = 'undo' } }, tell = { use = "
         "'escalation' } } }",
         PLAIN("One"), NOTHING, NOTHING);
    wrote("One One UnOne UnOne ");
    cr_expect_eq(json_count(run_walk(bench.run)->undone), 2);
}

/* It dies between the note of a failed undo and the end of undoing. */
Test(undo, one_that_failed_has_failed_after_a_crash_too) {
    walk(PLAYBOOK(""), PLAIN("One"),
         NODE("'aws:x:Two'", WRITE("Two") " return 'ok'",
              UNDO("return 'failed'")),
         PLAIN("Three"));
    wrote("One Two Three UnThree ");
    bench_cut(&bench, bench_position(&bench, "undone", 1) + 1);
    bench_walk(&bench);
    wrote("One Two Three UnThree ");
    bench_path_is(&bench, "one:ok two:ok three:ok undo:failed tell:told = "
                          "escalated");
}
