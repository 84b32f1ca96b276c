/* test_mode_dryrun.c - real reads, imagined writes, and nothing in between. */
#include <criterion/criterion.h>

#include "support.h"

#define WORLD                                                                  \
    "{'match': {'effect': 'aws:ecs:DescribeServices'}, 'answer': "             \
    "{'services': "                                                            \
    "[{'desiredCount': 2, 'runningCount': 2}]}}"                               \
    "{'match': {'effect': 'aws:ecs:*'}, 'answer': {'sent': true}, 'times': 0}" \
    "{'match': {'effect': 'prometheus:query'}, 'answer': {'data': 1}}"         \
    "{'match': {'effect': 'github:GET *'}, 'answer': {'state': 'open'}}"       \
    "{'match': {'effect': 'github:graphql:query'}, 'answer': {'node': null}}"

#define READ                                                \
    "['', 'aws', 'ecs:DescribeServices', {'cluster': 'c', " \
    "'services': ['s']}]"
#define OTHER                                               \
    "['', 'aws', 'ecs:DescribeServices', {'cluster': 'd', " \
    "'services': ['s']}]"
#define SCALE                                            \
    "['', 'aws', 'ecs:UpdateService', {'cluster': 'c', " \
    "'service': 's', 'desiredCount': 4}]"
#define REVERT                                                           \
    "['', 'github', 'POST /graphql', {'query': 'mutation($input: I!) { " \
    "revertPullRequest(input: $input) { a } }', 'variables': {'input': " \
    "{'pullRequestId': 'PR_1', 'body': 'b'}}}]"
#define PULL                                                         \
    "['', 'github', 'GET /repos/{owner}/{repo}/pulls/{pull_number}'" \
    ", {'owner': 'o', 'repo': 'r', 'pull_number': 0}]"

static struct bench bench;
static struct reply reply;

/* The reader is a spy that counts; what it does not refuse is answered. */
static void open_dry(void) {
    bench_open(&bench, WORLD);
    bench.mode =
        mode_dryrun_open(bench.loop, bench.spy->mode.clock, &bench.spy->mode);
    json_put(bench.config, "channels", support_json("{'oncall': {}}"));
}

static void close_dry(void) {
    json_release(reply.value);
    bench_close(&bench);
}

static void ask(int ordinal, const char *question) {
    json_release(reply.value);
    reply = bench_ask(&bench, ordinal, question);
}

TestSuite(mode_dryrun, .init = open_dry, .fini = close_dry);

Test(mode_dryrun, MO1_N5_no_write_of_any_class_reaches_the_reader) {
    static const char *const writes[] = {
        SCALE,
        "['', 'aws', 'ecs:UpdateService', {'service': 's', "
        "'forceNewDeployment': true}]",
        "['', 'aws', 'ecs:RunTask', {}]",
        "['', 'aws', 'ecs:StopTask', {'task': 't'}]",
        "['', 'aws', 'ecs:DeleteService', {}]",
        "['', 'aws', 'unheard:Of', {}]",
        "['', 'github', 'POST /repos/{owner}/{repo}/pulls', {'owner': 'o', "
        "'repo': 'r'}]",
        "['', 'github', 'DELETE /x', {}]",
        "['', 'notify', 'oncall', {'title': 't'}]",
    };

    for (size_t i = 0; i < sizeof writes / sizeof *writes; i++) {
        ask((int)i + 1, writes[i]);
        cr_expect(reply.assumed, "%s is not assumed: %s", writes[i],
                  reply.err.text);
    }
    cr_expect_eq(spy_writes(bench.spy), 0);
    cr_expect_eq(bench_count(&bench, "intent"), sizeof writes / sizeof *writes);
}

Test(mode_dryrun, reads_are_real_until_the_first_imagined_write) {
    ask(1, READ);
    cr_expect_not(reply.assumed);
    cr_expect_eq(spy_count(bench.spy, "aws:ecs:DescribeServices"), 1);
    cr_expect_not(mode_dryrun_simulated(bench.mode));
    ask(2, SCALE);
    cr_expect(mode_dryrun_simulated(bench.mode));
}

Test(mode_dryrun, a_write_is_answered_with_its_own_prediction) {
    ask(1, SCALE);
    support_is(reply.value, "{'service': {'desiredCount': 4, 'runningCount': "
                            "4, 'pendingCount': 0}}");
    support_is(json_find(bench_record(&bench, "intent", 0), "before"),
               "{'services': [{'desiredCount': 2, 'runningCount': 2}]}");
    cr_expect(
        json_truth(json_find(bench_record(&bench, "result", 0), "assumed")));
}

Test(mode_dryrun, a_read_that_could_see_the_write_shows_the_prediction) {
    ask(1, READ);
    ask(2, SCALE);
    ask(3, READ);
    cr_expect(reply.assumed);
    support_is(reply.value, "{'services': [{'desiredCount': 4, "
                            "'runningCount': 4, 'pendingCount': 0}]}");
    /* Once for the read and once for the write's before-image. */
    cr_expect_eq(spy_count(bench.spy, "aws:ecs:DescribeServices"), 2);
}

Test(mode_dryrun, a_read_that_cannot_see_the_write_stays_real) {
    ask(1, SCALE);
    ask(2, OTHER);
    cr_expect_not(reply.assumed);
    cr_expect_eq(reply.fate, GATE_ANSWERED);
}

Test(mode_dryrun, a_measurement_after_a_write_is_not_taken) {
    ask(1, SCALE);
    ask(2, "['', 'prometheus', 'query', {'query': 'up'}]");
    cr_expect_eq(reply.fate, GATE_SILENT);
    cr_expect_eq(spy_count(bench.spy, "prometheus:query"), 0);
}

Test(mode_dryrun, a_message_to_people_changes_nothing_that_is_read) {
    ask(1, "['', 'notify', 'oncall', {'title': 't'}]");
    cr_expect_not(mode_dryrun_simulated(bench.mode));
    ask(2, "['', 'prometheus', 'query', {'query': 'up'}]");
    cr_expect_eq(reply.fate, GATE_ANSWERED);
    cr_expect_not(reply.assumed);
}

Test(mode_dryrun, an_imagined_pull_request_is_read_back_as_imagined) {
    ask(1, "['', 'github', 'POST /repos/{owner}/{repo}/pulls', {'owner': 'o', "
           "'repo': 'r', 'head': 'h'}]");
    ask(2, PULL);
    cr_expect(reply.assumed);
    support_is(reply.value, "{'state': 'open', 'number': 0, 'merged': false, "
                            "'html_url': '(assumed pull request)'}");
}

Test(mode_dryrun, what_touches_anything_is_seen_by_every_read_of_its_service) {
    ask(1, REVERT);
    cr_assert(reply.assumed, "%s", reply.err.text);
    ask(2, PULL);
    cr_expect(reply.assumed);
    support_is(json_find(reply.value, "state"), "'open'");
    cr_expect_eq(spy_count(bench.spy, "github:GET /repos/{owner}/{repo}/pulls/"
                                      "{pull_number}"),
                 0);
}

Test(mode_dryrun, nobody_waits) {
    int64_t began = mode_now(bench.mode);

    reply = bench_ask_allowed(&bench, 1, "['', 'sleep', 3600]", "[]");
    cr_expect_eq(reply.fate, GATE_ANSWERED);
    cr_expect(reply.assumed);
    cr_expect_eq(mode_now(bench.mode), began);
}

Test(mode_dryrun, MO1_the_other_modes_have_a_name_and_no_client) {
    cr_expect_str_eq(mode_name(bench.mode), "dry-run");
    cr_expect_str_eq(mode_name(&bench.spy->mode), "fixture");
    cr_expect_str_eq(mode_name(bench.spy->inner), "fixture");
}

Test(mode_dryrun, scenarios_have_four_names) {
    static const char *const names[] = {"works", "no_effect", "worse",
                                        "no_data"};
    enum mode_scenario       scenario;

    for (size_t i = 0; i < 4; i++) {
        cr_assert(mode_scenario_read(str_of(names[i]), &scenario));
        cr_expect_str_eq(mode_scenario_name(scenario), names[i]);
    }
    cr_expect_not(mode_scenario_read(STR("hopes"), &scenario));
}
