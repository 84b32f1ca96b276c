/* test_match.c - from a delivery to the incidents of one playbook. */
#include <criterion/criterion.h>

#include "graph/match.h"
#include "support.h"
#include "sys/crypto.h"

#define PLAYBOOK                                                              \
    "{'trigger': {'source': 'plain', 'labels': {'service': '*', 'severity': " \
    "'critical'}}, 'key': ['$incident.labels.cluster', "                      \
    "'$incident.labels.service']}"
/* Hands the body on: what a test gives is what the source gives. */
#define SOURCE \
    "return { occurrences = function(request) return request.body end }"

static struct clock_virtual clock_;
static struct bundle       *bundle;
static struct match         match;
static struct err           err;

static void open_bundle(void) {
    clock_virtual_init(&clock_, SUPPORT_START);
    bundle = bundle_open(crypto_sha256, &clock_.clock);
}

static void close_bundle(void) {
    match_release(&match);
    bundle_release(bundle);
}

TestSuite(match, .init = open_bundle, .fini = close_bundle);

static bool deliver_by(const char *source, const char *delivery) {
    struct json *playbook = support_json(PLAYBOOK);
    struct json *body = support_json(delivery);
    struct buf   text = BUF_EMPTY;
    bool         ok;

    if (bundle_count(bundle) == 0)
        cr_assert(
            bundle_add(bundle, STR("sources/plain.lua"), str_of(source), &err));
    json_write(body, &text);
    match_release(&match);
    ok = match_delivery(bundle, playbook, buf_str(&text), 1000, &match, &err);
    json_release(playbook);
    json_release(body);
    buf_release(&text);
    return ok;
}

static void deliver(const char *delivery) {
    cr_assert(deliver_by(SOURCE, delivery), "%s", err.text);
}

static void refused(const char *source, const char *delivery,
                    enum err_code code, const char *part) {
    cr_expect_not(deliver_by(source, delivery), "%s took %s", source, delivery);
    cr_expect_eq(err.code, code, "%s: %s", err_name(err.code), err.text);
    cr_expect(support_has(err.text, part), "%s", err.text);
}

#define ALERT(key, status, at, service)                                      \
    "{'key': '" key "', 'status': '" status "', 'started_at': '2026-01-"     \
    "01T0" at ":00:00Z', 'labels': {'cluster': 'prod', 'service': '" service \
    "', 'severity': 'critical'}}"

Test(match, MT1_occurrences_of_one_key_are_one_incident_the_earliest_leads) {
    const struct json *first;

    deliver("[" ALERT("f1", "firing", "3", "api") ", " ALERT(
        "f2", "firing", "2",
        "api") ", " ALERT("f3", "firing", "1",
                          "web") ", " ALERT("f4", "firing", "2", "api") "]");
    cr_assert_eq(json_count(match.incidents), 2);
    first = json_at(match.incidents, 0);
    cr_expect(str_is(json_find_text(first, "fingerprint"), "f3"));
    first = json_at(match.incidents, 1);
    cr_expect(str_is(json_find_text(first, "fingerprint"), "f2"));
    support_is(json_find(first, "key"), "['prod', 'api']");
    cr_expect_eq(json_count(json_find(first, "attached")), 2);
    cr_expect_eq(match.seen, 4);
    cr_expect_eq(match.firing, 4);
    cr_expect_eq(match.attached, 2);
}

Test(match, MT1_the_order_in_the_delivery_does_not_decide) {
    deliver("[" ALERT("late", "firing", "9",
                      "api") ", " ALERT("early", "firing", "1", "api") "]");
    cr_assert_eq(json_count(match.incidents), 1);
    cr_expect(str_is(json_find_text(json_at(match.incidents, 0), "fingerprint"),
                     "early"));
    cr_expect_eq(json_find_int(json_at(match.incidents, 0), "started_ms", 0),
                 1767229200000);
}

Test(match, MT2_N10_a_resolved_occurrence_starts_nothing) {
    deliver("[" ALERT("f1", "resolved", "1", "api") "]");
    cr_expect_eq(json_count(match.incidents), 0);
    cr_expect_eq(match.resolved, 1);
    cr_expect_eq(match.firing, 0);
    cr_expect_eq(match.unmatched, 0);
}

Test(match, MT2_N10_nor_does_it_lead_or_join_one_that_fires) {
    deliver("[" ALERT("f1", "resolved", "1", "api") ", " ALERT("f2", "firing",
                                                               "2", "api") "]");
    cr_assert_eq(json_count(match.incidents), 1);
    cr_expect(str_is(json_find_text(json_at(match.incidents, 0), "fingerprint"),
                     "f2"));
    cr_expect_null(json_find(json_at(match.incidents, 0), "attached"));
}

Test(match, the_trigger_wants_every_label_it_names) {
    deliver("[{'key': 'a', 'status': 'firing', 'started_at': "
            "'2026-01-01T00:00:00Z', 'labels': {'service': 'api', "
            "'severity': 'warning'}}, {'key': 'b', 'status': 'firing', "
            "'started_at': '2026-01-01T00:00:00Z', 'labels': {'severity': "
            "'critical'}}, {'key': 'c', 'status': 'firing', 'started_at': "
            "'2026-01-01T00:00:00Z', 'labels': {'service': '', 'severity': "
            "'critical'}}, {'key': 'd', 'status': 'firing', 'started_at': "
            "'2026-01-01T00:00:00Z', 'labels': {'service': 7, 'severity': "
            "'critical'}}]");
    cr_expect_eq(json_count(match.incidents), 0);
    cr_expect_eq(match.unmatched, 4);
}

Test(match, an_incident_carries_what_scripts_may_name) {
    deliver("[{'key': 'f', 'status': 'firing', 'started_at': "
            "'2026-01-01T01:00:00+01:00', 'labels': {'service': 'api', "
            "'severity': 'critical'}, 'annotations': null}]");
    support_is(json_at(match.incidents, 0),
               "{'status': 'firing', 'started_at': "
               "'2026-01-01T01:00:00+01:00', 'started_ms': 1767225600000, "
               "'labels': {'service': 'api', 'severity': 'critical'}, "
               "'annotations': {}, 'links': {}, 'fingerprint': 'f', 'source': "
               "'plain', 'key': [null, 'api']}");
}

Test(match, what_a_source_gives_is_checked) {
    refused(SOURCE, "[{'status': 'firing'}]", ERR_EVENT_SHAPE,
            "occurrence 1 has no key");
    refused(SOURCE, "[{'key': 7, 'status': 'firing'}]", ERR_EVENT_SHAPE,
            "occurrence 1: key must be text");
    refused(SOURCE, "[{'key': 'a', 'status': 'burning'}]", ERR_EVENT_SHAPE,
            "neither firing nor resolved");
    refused(SOURCE,
            "[{'key': 'a', 'status': 'firing', 'started_at': "
            "'yesterday'}]",
            ERR_EVENT_SHAPE, "started_at");
    refused(
        SOURCE,
        "[" ALERT("a", "firing", "1", "x") ", {'key': 'a', "
                                           "'status': 'firing', 'started_at': "
                                           "'2026-01-01T00:00:00Z'}]",
        ERR_EVENT_SHAPE, "occurrence 2 has no labels");
    refused(SOURCE, "{'a': 1}", ERR_CONTRACT, "must return a list");
    refused(SOURCE, "'text'", ERR_CONTRACT, "must return a list");
}

#define BY_KEY                                                             \
    "return { ends_by_key = true, occurrences = function(request) return " \
    "request.body end }"
#define UNSTARTED(status, more) \
    "[{'key': 'a', 'status': '" status "', 'labels': {}" more "}]"
#define ENDED ", 'ended_at': '2026-01-01T00:00:00Z'"

Test(match, MT3_a_resolved_one_of_such_a_source_may_lack_its_start) {
    cr_expect(deliver_by(BY_KEY, UNSTARTED("resolved", ENDED)), "%s", err.text);
    cr_expect_eq(match.resolved, 1);
    cr_expect(
        deliver_by(BY_KEY, UNSTARTED("resolved", ENDED ", 'started_at': null")),
        "%s", err.text);
    cr_expect_eq(match.resolved, 1);
    refused(BY_KEY, UNSTARTED("firing", ENDED), ERR_EVENT_SHAPE, "started_at");
    refused(BY_KEY, UNSTARTED("resolved", ""), ERR_EVENT_SHAPE,
            "neither started_at nor ended_at");
    refused(BY_KEY, UNSTARTED("resolved", ", 'ended_at': 'soon'"),
            ERR_EVENT_SHAPE, "ended_at: not an RFC 3339 time");
    refused(BY_KEY, UNSTARTED("resolved", ENDED ", 'started_at': 7"),
            ERR_EVENT_SHAPE, "started_at: not an RFC 3339 time");
}

Test(match, MT3_of_another_source_it_may_not) {
    refused(SOURCE, UNSTARTED("resolved", ENDED), ERR_EVENT_SHAPE,
            "started_at");
}

#define WITH(more)                                                   \
    "[{'key': 'a', 'status': 'firing', 'labels': {}, 'started_at': " \
    "'2026-01-01T00:00:00Z', " more "}]"

Test(match, MT4_a_field_that_does_not_count_is_refused) {
    refused(SOURCE, WITH("'anotations': {}"), ERR_CONTRACT,
            "occurrence 1 has no field 'anotations' (did you mean "
            "'annotations'?)");
    refused(SOURCE, WITH("'annotations': 'text'"), ERR_CONTRACT,
            "annotations must be a table of names");
    refused(SOURCE, WITH("'links': ['x']"), ERR_CONTRACT,
            "links must be a table of names");
    deliver(WITH("'links': null, 'annotations': {}, 'ended_at': null"));
    cr_expect_eq(match.seen, 1);
}

Test(match, a_key_is_capped) {
    refused("return { occurrences = function() return { { key = "
            "('k'):rep(1025), status = 'firing', labels = {}, started_at = "
            "'2026-01-01T00:00:00Z' } } end }",
            "[]", ERR_EVENT_SHAPE, "a key of 1025 bytes");
}

Test(match, what_a_source_says_of_the_delivery_is_its_second_result) {
    struct json *results = support_json("[[], {'truncated': 3}]");
    struct json *odd = support_json("[[], 7]"), *none = support_json("[[]]");

    cr_expect_eq(json_find_int(match_notes(results), "truncated", 0), 3);
    cr_expect_null(match_notes(odd));
    cr_expect_null(match_notes(none));
    json_release(results);
    json_release(odd);
    json_release(none);
}

Test(match, a_source_that_returns_nothing_is_refused) {
    refused("return { occurrences = function() end }", "[]", ERR_CONTRACT,
            "must return a list");
}

Test(match, a_source_that_asks_or_raises_is_refused) {
    refused("return { occurrences = function(r) error { code = "
            "'event_version', text = 'version 9' } end }",
            "[]", ERR_EVENT_VERSION, "version 9");
}

Test(match, a_source_that_gives_none_is_no_failure) {
    deliver("[]");
    cr_expect_eq(match.seen, 0);
    deliver("{}");
    cr_expect_eq(match.seen, 0);
}

Test(match, a_playbook_without_its_source_is_told_so) {
    struct json *playbook = support_json(PLAYBOOK);

    cr_expect_not(match_delivery(bundle, playbook, STR("[]"), 0, &match, &err));
    cr_expect_eq(err.code, ERR_NOT_FOUND);
    json_release(playbook);
}

Test(match, bytes_that_are_no_json_are_refused) {
    struct json *playbook = support_json(PLAYBOOK);

    cr_assert(bundle_add(bundle, STR("sources/plain.lua"), STR(SOURCE), &err));
    cr_expect_not(
        match_delivery(bundle, playbook, STR("{\"a\":"), 0, &match, &err));
    cr_expect_eq(err.code, ERR_JSON_TRUNCATED);
    match_release(&match);
    cr_expect_not(
        match_delivery(bundle, playbook, STR("\xFF"), 0, &match, &err));
    cr_expect_eq(err.code, ERR_JSON_UTF8);
    json_release(playbook);
}
