/* test_report.c - a run as it is read, made from its records alone. */
#include <criterion/criterion.h>

#include "graph/report.h"
#include "support.h"

#define STARTED                                                         \
    "{'kind': 'started', 'at': 1, 'run': 'run_1', 'playbook': 'heal', " \
    "'bundle': 'b', 'mode': 'live', 'incident': {'id': 'inc_1'}}"

static struct json *report_of(const char *records, const char *playbook,
                              const char *scenario) {
    struct json          *list = support_json(records);
    struct json          *table = playbook ? support_json(playbook) : NULL;
    struct walk           walk;
    struct report_context context = {&walk, list, table, scenario};
    struct json          *report;

    walk_init(&walk);
    walk_follow(&walk, list);
    report = report_make(&context);
    walk_release(&walk);
    json_release(list);
    json_release(table);
    return report;
}

static void part_is(const char *records, const char *part, const char *wanted) {
    struct json *report = report_of(records, NULL, NULL);

    support_is(json_find(report, part), wanted);
    json_release(report);
}

Test(report, names_run_playbook_bundle_mode_and_ends) {
    struct json *report =
        report_of("[" STARTED ", {'kind': 'finished', 'at': 9, 'outcome': "
                  "'done', 'verdict': 'pass'}]",
                  NULL, NULL);

    support_is(report, "{'schema': 'nightshift.run/1', 'run': 'run_1', "
                       "'playbook': 'heal', 'bundle': 'b', 'mode': 'live', "
                       "'incident': {'id': 'inc_1'}, 'started_at': 1, "
                       "'ended_at': 9, 'outcome': 'done', 'verdict': 'pass', "
                       "'path': [], 'writes': [], 'reads': [], 'waits': []}");
    json_release(report);
}

Test(report, a_run_without_its_last_record_has_stopped) {
    part_is("[" STARTED "]", "outcome", "'stopped'");
    part_is("[" STARTED "]", "verdict", "null");
}

Test(report, a_write_is_its_intent_and_its_result) {
    part_is("[" STARTED ", {'kind': 'intent', 'slot': "
            "'mend/0001/run/-/0002', 'effect': 'aws:x:Do', 'class': 'once', "
            "'target': 't', 'digest': 'd', 'args': {'a': 1}, 'before': {'b': "
            "2}}, {'kind': 'result', 'slot': 'mend/0001/run/-/0002', 'ok': "
            "true, 'how': 'answered', 'answer': {'c': 3}}]",
            "writes",
            "[{'effect': 'aws:x:Do', 'class': 'once', 'target': 't', "
            "'digest': 'd', 'request': {'a': 1}, 'node': 'mend', 'slot': "
            "'mend/0001/run/-/0002', 'before': {'b': 2}, 'how': 'answered', "
            "'after': {'c': 3}}]");
}

Test(report, J3_a_write_without_a_result_is_unknown_and_never_left_out) {
    part_is("[" STARTED ", {'kind': 'intent', 'slot': "
            "'mend/0001/undo/-/0001', 'effect': 'aws:x:Do', 'class': 'once', "
            "'target': 't', 'digest': 'd', 'args': {}}]",
            "writes",
            "[{'effect': 'aws:x:Do', 'class': 'once', 'target': 't', "
            "'digest': 'd', 'request': {}, 'node': 'mend', 'phase': 'undo', "
            "'slot': 'mend/0001/undo/-/0001', 'how': 'unknown'}]");
}

Test(report, a_read_of_the_clock_is_no_read_of_the_world) {
    part_is("[" STARTED ", {'kind': 'read', 'slot': 'a/0001/run/-/0001', "
            "'effect': 'engine:now', 'ok': true, 'answer': 1}, {'kind': "
            "'read', 'slot': 'a/0001/run/-/0002', 'effect': 'aws:x:List', "
            "'ok': false, 'error': {'code': 'denied'}}]",
            "reads",
            "[{'effect': 'aws:x:List', 'node': 'a', 'slot': "
            "'a/0001/run/-/0002', 'ok': false, 'error': {'code': "
            "'denied'}}]");
}

Test(report, a_wait_is_one_entry_however_often_it_polled) {
    struct json *report = report_of(
        "[" STARTED ", {'kind': 'wait', 'slot': 'a/0001/run/-/0001', 'args': "
        "{'ask': ['aws:x:List', {}], 'within': 300000}}, {'kind': 'wait', "
        "'slot': 'a/0001/run/-/0001', 'args': {'ask': ['aws:x:List', {}], "
        "'within': 300000}}, {'kind': 'result', 'slot': "
        "'a/0001/run/-/0001', 'answer': {'ok': true}}]",
        NULL, NULL);
    const struct json *waits = json_find(report, "waits");

    cr_assert_eq(json_count(waits), 1);
    cr_expect(str_is(json_find_text(json_at(waits, 0), "for"), "aws:x:List"));
    cr_expect_eq(json_find_int(json_at(waits, 0), "within_ms", 0), 300000);
    cr_expect(json_truth(json_find(json_at(waits, 0), "came")));
    json_release(report);
}

Test(report, what_was_assumed_says_so_and_shows_the_other_edges) {
    struct json *report = report_of(
        "[" STARTED ", {'kind': 'ended', 'node': 'check', 'use': "
        "'verification', 'outcome': 'pass', 'assumed': true, 'next': "
        "'done'}]",
        "{'nodes': {'check': {'next': {'pass': 'done', 'worse': 'undo'}}}}",
        "works");
    const struct json *step = json_at(json_find(report, "path"), 0);

    cr_expect(str_is(json_find_text(report, "assume"), "works"));
    support_is(json_find(step, "edges"), "{'pass': 'done', 'worse': 'undo'}");
    json_release(report);
}

Test(report, the_last_hand_over_is_the_reports_own) {
    part_is("[" STARTED ", {'kind': 'ended', 'node': 'tell', 'outcome': "
            "'told', 'output': {'handover': {'why': 'a'}}}, {'kind': "
            "'ended', 'node': 'tell', 'outcome': 'told', 'output': "
            "{'handover': {'why': 'b'}}}]",
            "handover", "{'why': 'b'}");
}
