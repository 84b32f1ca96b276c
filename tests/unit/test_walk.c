/* test_walk.c - where a run stands is what its records add up to. */
#include <criterion/criterion.h>

#include "graph/walk.h"
#include "support.h"

static struct walk walk;

static void fold(const char *records) {
    struct json *list = support_json(records);

    walk_release(&walk);
    walk_init(&walk);
    walk_follow(&walk, list);
    json_release(list);
}

#define STARTED                                                        \
    "{'kind': 'started', 'at': 1, 'run': 'run_1', 'incident': {'id': " \
    "'inc_1'}}"
#define VISIT(node, visit) \
    "{'kind': 'visit', 'node': '" node "', 'visit': " visit ", 'input': {}}"
#define INTENT(place, class, at)                                     \
    "{'kind': 'intent', 'slot': '" place "', 'class': '" class "', " \
                                                               "'at': " at "}"
#define ENDED(node, visit, use, outcome, next)                          \
    "{'kind': 'ended', 'node': '" node "', 'visit': " visit ", 'use': " \
    "'" use "', 'outcome': '" outcome "', 'next': '" next "', "         \
    "'output': {'n': " visit "}}"

Test(walk, stands_in_the_visit_that_has_not_ended) {
    fold("[" STARTED ", " VISIT("look", "1") ", {'kind': 'attempt', "
                                             "'attempt': 2}]");
    cr_expect(str_is(json_find_text(walk.tracks[WALK_TRUNK].current, "node"),
                     "look"));
    cr_expect_eq(walk.tracks[WALK_TRUNK].attempt, 2);
    cr_expect_null(walk.tracks[WALK_TRUNK].next);
    cr_expect_eq(walk_visits(&walk, STR("look")), 1);
    cr_expect_eq(walk_visits(&walk, STR("other")), 0);
}

Test(walk, stands_before_the_next_node_when_one_has_ended) {
    fold("[" STARTED ", " VISIT("look", "1") ", " ENDED("look", "1", "look",
                                                        "found", "mend") "]");
    cr_expect_null(walk.tracks[WALK_TRUNK].current);
    cr_expect(str_is(json_text(walk.tracks[WALK_TRUNK].next), "mend"));
    support_is(walk.outputs, "{'look': [{'n': 1, 'outcome': 'found'}]}");
}

Test(walk, counts_visits_that_wrote_and_not_their_writes) {
    fold(
        "[" STARTED ", " INTENT("mend/0001/run/-/0001", "set", "5") ", " INTENT(
            "mend/0001/run/-/0002", "once",
            "6") ", " INTENT("tell/0001/run/-/0001", "notify",
                             "7") ", " INTENT("mend/0001/undo/-/0001", "set",
                                              "8") ", " INTENT("mend/0002/run/"
                                                               "-/0001",
                                                               "set", "9") "]");
    cr_expect_eq(walk_attempts(&walk), 2);
    cr_expect_eq(walk.acted_ms, 5);
    support_is(walk.wrote, "[{'node': 'mend', 'visit': 1}, {'node': 'mend', "
                           "'visit': 2}]");
}

Test(walk, a_message_to_people_is_no_act) {
    fold("[" STARTED ", " INTENT("tell/0001/run/-/0001", "notify", "7") "]");
    cr_expect_eq(walk.acted_ms, 0);
    cr_expect_eq(walk_attempts(&walk), 0);
}

Test(walk, the_verdict_is_that_of_the_last_verification) {
    fold("[" STARTED "]");
    cr_expect_null(walk_verdict(&walk).data);
    fold("[" ENDED("check", "1", "verification", "fail", "x") ", " ENDED(
        "check", "2", "verification", "pass",
        "done") ", " ENDED("tell", "1", "escalation", "told", "$end") "]");
    cr_expect(str_is(walk_verdict(&walk), "pass"));
    fold("[{'kind': 'ended', 'node': 'check', 'use': 'verification', "
         "'outcome': 'pass', 'assumed': true}]");
    cr_expect(str_is(walk_verdict(&walk), "assumed"));
    fold("[{'kind': 'ended', 'node': 'check', 'use': 'verification', "
         "'outcome': 'error', 'error': {'code': 'io'}}]");
    cr_expect(str_is(walk_verdict(&walk), "unknown"));
}

Test(walk, the_scope_has_outputs_incident_service_and_run) {
    struct json *service = support_json("{'name': 'api'}"), *scope;

    fold("[" STARTED ", " INTENT(
        "mend/0001/run/-/0001", "set",
        "1000") ", "
                "{'kind': 'ended', 'node': 'mend', 'use': 'mend', 'outcome': "
                "'error', 'next': 'tell', 'error': {'code': 'io', 'text': "
                "'t'}}]");
    scope = walk_scope(&walk, WALK_TRUNK, service);
    support_is(json_find(scope, "service"), "{'name': 'api'}");
    support_is(json_find(scope, "incident"), "{'id': 'inc_1'}");
    support_is(json_find(scope, "run"),
               "{'id': 'run_1', 'attempts': 1, 'acted_at': "
               "'1970-01-01T00:00:01Z', 'failure': {'node': 'mend', 'code': "
               "'io', 'text': 't'}, 'path': [{'node': 'mend', 'outcome': "
               "'error', 'use': 'mend', 'next': 'tell', 'error': {'code': "
               "'io', 'text': 't'}}]}");
    json_release(service);
    json_release(scope);
}

Test(walk, facts_tell_what_was_tried_and_how_it_went) {
    struct json *facts;

    fold("[" INTENT("mend/0001/run/-/0001", "set", "5") ", " ENDED(
        "mend", "1", "restart", "restarted",
        "check") ", " ENDED("check", "1", "verification", "fail",
                            "mend") ", " INTENT("mend/0002/run/-/0001", "set",
                                                "9") ", " ENDED("mend", "2",
                                                                "restart",
                                                                "restarted",
                                                                "check") "]");
    facts = walk_facts(&walk, WALK_TRUNK, 3, STR("medium"));
    support_is(facts, "{'attempts': 2, 'limit': 3, 'risk': 'medium', 'tried': "
                      "[{'node': 'mend', 'outcome': 'restarted', 'verdict': "
                      "'fail'}, {'node': 'mend', 'outcome': 'restarted', "
                      "'verdict': ''}]}");
    json_release(facts);
    facts = walk_facts(&walk, WALK_TRUNK, 3, STR(""));
    cr_expect_null(json_find(facts, "risk"));
    json_release(facts);
}

static void write_part(const struct json *part, struct buf *out) {
    if (part)
        json_write(part, out);
    buf_add_char(out, '\n');
}

static void write_walk(const struct walk *w, struct buf *out) {
    const struct json *const parts[] = {w->started, w->outputs, w->path,
                                        w->visits,  w->fork,    w->failure,
                                        w->wrote,   w->undone,  w->finished};

    for (size_t i = 0; i < sizeof parts / sizeof *parts; i++)
        write_part(parts[i], out);
    for (size_t i = 0; i < WALK_TRACKS_MAX; i++) {
        const struct track *track = &w->tracks[i];

        buf_addf(out, "%d ", track->attempt);
        write_part(track->current, out);
        write_part(track->next, out);
        write_part(track->parked, out);
    }
    buf_addf(out, "%lld", (long long)w->acted_ms);
}

Test(walk, WK1_N7_one_by_one_or_all_at_once_it_is_the_same_walk) {
    struct json *all = support_json("[" STARTED ", " VISIT(
        "look",
        "1") ", {'kind': 'attempt', 'attempt': "
             "1}, " ENDED("look", "1", "look", "found", "mend") ", " VISIT(
                 "mend",
                 "1") ", " INTENT("mend/0001/run/-/0001", "set",
                                  "5") ", "
                                       "{'kind': 'result', 'slot': "
                                       "'mend/0001/run/-/0001'}, " ENDED(
                                           "mend", "1", "mend", "mended",
                                           "undo") ", {'kind': 'undone', "
                                                   "'node': 'mend', 'visit': "
                                                   "1, 'outcome': 'undone'}, "
                                                   "{'kind': 'nobody "
                                                   "knows this kind'}, "
                                                   "{'kind': 'finished', "
                                                   "'outcome': 'done'}]");
    struct json *grown = json_new_list();
    struct walk  live, back;

    walk_init(&live);
    for (size_t i = 0; i < json_count(all); i++) {
        struct buf one = BUF_EMPTY, other = BUF_EMPTY;

        json_append(grown, json_retain(json_at(all, i)));
        walk_follow(&live, grown);
        walk_init(&back);
        walk_follow(&back, grown);
        write_walk(&live, &one);
        write_walk(&back, &other);
        cr_expect_str_eq(buf_text(&one), buf_text(&other));
        walk_release(&back);
        buf_release(&one);
        buf_release(&other);
    }
    walk_release(&live);
    json_release(grown);
    json_release(all);
}

Test(walk, a_script_is_not_shown_whose_trace_it_belongs_to) {
    struct json *service = json_new_map(), *scope;

    fold("[{'kind': 'started', 'at': 1, 'run': 'run_1', 'incident': {'id': "
         "'inc_1', 'trace': '00-1-2-01'}}]");
    scope = walk_scope(&walk, WALK_TRUNK, service);
    support_is(json_find(scope, "incident"), "{'id': 'inc_1'}");
    json_release(service);
    json_release(scope);
}
