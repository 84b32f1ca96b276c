/* test_gate.c - one door: checked, intended, acted, redacted, recorded.
 *
 * The world is a service that UpdateService changes and that DescribeServices
 * shows. A crash between intent and result is a cut of the journal behind the
 * intent; whether the world took the write is the test's choice.
 */
#include <criterion/criterion.h>

#include <string.h>

#include "base/mem.h"
#include "gate/gate_shared.h"
#include "observe/trace_parent.h"
#include "secret/redact.h"
#include "secret/secret.h"
#include "support.h"
#include "sys/loop.h"

#define ECS_WORLD                                                            \
    "{'match': {'effect': 'aws:ecs:DescribeServices'}, 'answer': "           \
    "{'services': "                                                          \
    "[{'desiredCount': 2, 'deployments': [{'id': 'd1'}]}]}}"                 \
    "{'match': {'effect': 'aws:ecs:DescribeServices'}, 'after': {'write': "  \
    "'aws:ecs:UpdateService', 'args': {'desiredCount': 4}}, 'answer': "      \
    "{'services': [{'desiredCount': 4, 'deployments': [{'id': 'd1'}]}]}}"    \
    "{'match': {'effect': 'aws:ecs:DescribeServices'}, 'after': {'write': "  \
    "'aws:ecs:UpdateService', 'args': {'forceNewDeployment': true}}, "       \
    "'answer': {'services': [{'desiredCount': 2, 'deployments': [{'id': "    \
    "'d2'}]}]}}"                                                             \
    "{'match': {'effect': 'aws:ecs:UpdateService'}, 'answer': {'taken': "    \
    "true}}"                                                                 \
    "{'match': {'effect': 'aws:ecs:RunTask'}, 'answer': {'taken': true}}"    \
    "{'match': {'effect': 'aws:ecs:DeleteService'}, 'answer': {'taken': "    \
    "true}}"                                                                 \
    "{'match': {'effect': 'notify:oncall'}, 'answer': {'status': 200}}"      \
    "{'match': {'effect': 'prometheus:query'}, 'answer': {'log': 'token is " \
    "CANARY-0123456789'}}"

#define READ "['n.lua:1', 'aws', 'ecs:DescribeServices', {'cluster': 'c'}]"
#define SCALE                                                   \
    "['n.lua:2', 'aws', 'ecs:UpdateService', {'cluster': 'c', " \
    "'service': 's', 'desiredCount': 4}]"
#define FORCE                                                   \
    "['n.lua:2', 'aws', 'ecs:UpdateService', {'cluster': 'c', " \
    "'service': 's', 'forceNewDeployment': true}]"
#define START "['n.lua:2', 'aws', 'ecs:RunTask', {'cluster': 'c'}]"
#define DELETE "['n.lua:2', 'aws', 'ecs:DeleteService', {'service': 's'}]"
#define TELL "['n.lua:2', 'notify', 'oncall', {'title': 't'}]"
#define MEASURE "['n.lua:2', 'prometheus', 'query', {'query': 'up'}]"

static struct bench bench;
static struct reply reply;
static int          slots;

static void open_bench(void) {
    bench_open(&bench, ECS_WORLD);
    json_put(bench.config, "channels", support_json("{'oncall': {}}"));
}

static void close_bench(void) {
    bench_close(&bench);
}

/* Asks in slot 1 and forgets the reply before. */
static void ask(const char *question) {
    json_release(reply.value);
    reply = bench_ask(&bench, 1, question);
}

static void fault(const char *effect, int times, enum answer_fate fate,
                  enum err_code code, bool applies) {
    bench.spy->faults[0] = (struct spy_fault){.effect = effect,
                                              .times = times,
                                              .fate = fate,
                                              .code = code,
                                              .applies = applies};
}

static void value_is(const char *wanted) {
    cr_expect_eq(reply.fate, GATE_ANSWERED, "fate %d: %s", reply.fate,
                 reply.err.text);
    support_is(reply.value, wanted);
}

static const char *how(void) {
    return json_find_text(bench_record(&bench, "result", 0), "how").data;
}

/* The process dies between the intent and the result. */
static void crash_after_intent(void) {
    bench_cut(&bench, bench_position(&bench, "intent", 0) + 1);
}

TestSuite(gate, .init = open_bench, .fini = close_bench);

/* --- slots -------------------------------------------------------------- */

Test(gate, G1_an_answered_slot_gives_its_answer_and_asks_nothing) {
    ask(READ);
    ask(READ);
    value_is("{'services': [{'desiredCount': 2, 'deployments': [{'id': "
             "'d1'}]}]}");
    cr_expect_eq(spy_count(bench.spy, "aws:ecs:DescribeServices"), 1);
    cr_expect_eq(bench_count(&bench, "read"), 1);
}

Test(gate, G1_holds_over_a_restart_for_reads_writes_and_errors) {
    struct reply third;

    json_release(bench_ask(&bench, 1, READ).value);
    json_release(bench_ask(&bench, 2, SCALE).value);
    fault("aws:ecs:DeleteService", 1, ANSWER_REFUSED, ERR_DENIED, false);
    third = bench_ask(&bench, 3, DELETE);
    cr_expect_eq(third.fate, GATE_FAILED);
    bench_cut(&bench, json_count(journal_records(bench.journal)));
    ask(READ);
    cr_expect_eq(reply.fate, GATE_ANSWERED);
    json_release(reply.value);
    reply = bench_ask(&bench, 2, SCALE);
    value_is("{'taken': true}");
    json_release(reply.value);
    reply = bench_ask(&bench, 3, DELETE);
    cr_expect_eq(reply.fate, GATE_FAILED);
    cr_expect_eq(reply.err.code, third.err.code);
    cr_expect_str_eq(reply.err.text, third.err.text);
    cr_expect_eq(spy_writes(bench.spy), 2);
    json_release(reply.value);
}

Test(gate, N7_another_question_in_a_slot_stops_the_run_and_shows_both) {
    ask(SCALE);
    ask("['n.lua:9', 'aws', 'ecs:UpdateService', {'cluster': 'c', 'service': "
        "'s', 'desiredCount': 5}]");
    cr_expect_eq(reply.fate, GATE_STOPPED);
    cr_expect_eq(reply.err.code, ERR_DIVERGED);
    cr_expect(support_has(reply.err.text, "\"desiredCount\":4"), "%s",
              reply.err.text);
    cr_expect(support_has(reply.err.text, "\"desiredCount\":5"), "%s",
              reply.err.text);
    cr_expect(support_has(reply.err.text, "n.lua:9"), "%s", reply.err.text);
    cr_expect_eq(spy_writes(bench.spy), 1);
}

/* --- intents ------------------------------------------------------------ */

struct look {
    struct store *store;
    int           seen;
};

/* When a write reaches the world, the store must hold its intent. */
static void look_for_intent(void *arg, const struct mode_ask *ask) {
    struct look *look = arg;
    int64_t      length;
    struct err   err;

    if (!effect_writes(ask->effect))
        return;
    cr_assert(store_stream_length(look->store, STR("main/journal/" SUPPORT_RUN),
                                  &length, &err));
    cr_expect_geq(length, 1, "no intent is in the store");
    cr_assert(
        store_stream_length(look->store, STR("main/audit"), &length, &err));
    cr_expect_geq(length, 1, "no audit record is in the store");
    look->seen++;
}

Test(gate, G2_N6_no_write_acts_before_its_intent_is_durable) {
    struct look look = {bench.store, 0};

    bench.spy->look = look_for_intent;
    bench.spy->arg = &look;
    ask(DELETE);
    value_is("{'taken': true}");
    cr_expect_eq(look.seen, 1);
    cr_expect_lt(bench_position(&bench, "intent", 0),
                 bench_position(&bench, "result", 0));
}

static bool fail_job(struct store *store, void *arg, struct err *err) {
    (void)store;
    (void)arg;
    return err_set(err, ERR_IO, "disk full");
}

Test(gate, G2_N6_a_journal_that_fails_keeps_the_write_from_leaving) {
    queue_post(bench.queue, fail_job, NULL, NULL);
    ask(DELETE);
    cr_expect_eq(reply.fate, GATE_STOPPED);
    cr_expect_eq(reply.err.code, ERR_IO);
    cr_expect_eq(spy_writes(bench.spy), 0);
}

Test(gate, the_intent_tells_question_target_and_what_was_before) {
    const struct json *intent;

    ask(SCALE);
    intent = bench_record(&bench, "intent", 0);
    support_is(json_find(intent, "before"),
               "{'services': [{'desiredCount': 2, 'deployments': [{'id': "
               "'d1'}]}]}");
    cr_expect(str_is(json_find_text(intent, "class"), "set"));
    cr_expect(str_is(json_find_text(intent, "target"), "aws:-/eu-1/ecs/c/s"));
    cr_expect(
        str_is(json_find_text(intent, "slot"), "restart/0001/run/-/0001"));
    cr_expect(str_is(json_find_text(intent, "where"), "n.lua:2"));
    cr_expect_str_eq(how(), "answered");
}

Test(gate, a_before_image_that_cannot_be_read_keeps_the_write_from_leaving) {
    fault("aws:ecs:DescribeServices", 9, ANSWER_REFUSED, ERR_DENIED, false);
    ask(FORCE);
    cr_expect_eq(reply.fate, GATE_FAILED);
    cr_expect_eq(reply.err.code, ERR_DENIED);
    cr_expect_eq(spy_writes(bench.spy), 0);
    cr_expect_eq(bench_count(&bench, "intent"), 0);
}

/* --- rights ------------------------------------------------------------- */

Test(gate, G3_an_undeclared_effect_is_refused_and_recorded) {
    const struct json *record;

    reply = bench_ask_allowed(&bench, 1, DELETE, "['aws:ecs:ListTasks']");
    cr_expect_eq(reply.fate, GATE_FAILED);
    cr_expect_eq(reply.err.code, ERR_DENIED);
    cr_expect_eq(json_count(bench.spy->acts), 0);
    record = bench_record(&bench, "read", 0);
    cr_expect(
        str_is(json_find_text(record, "effect"), "aws:ecs:DeleteService"));
    cr_expect(
        str_is(json_find_text(json_find(record, "error"), "code"), "denied"));
}

Test(gate, G3_a_secret_is_refused_even_when_it_is_declared) {
    static const enum mode_kind kinds[] = {MODE_LIVE, MODE_DRY_RUN,
                                           MODE_FIXTURE};

    for (size_t i = 0; i < sizeof kinds / sizeof *kinds; i++) {
        bench.spy->ops.kind = kinds[i];
        reply = bench_ask(&bench, (int)i + 1,
                          "['', 'aws', 'secretsmanager:GetSecretValue', {}]");
        cr_expect_eq(reply.fate, GATE_FAILED);
        cr_expect_eq(reply.err.code, ERR_DENIED);
        cr_expect(support_has(reply.err.text, "no script may hold"));
        cr_expect_eq(bench_count(&bench, "read"), i + 1);
    }
    cr_expect_eq(json_count(bench.spy->acts), 0);
}

Test(gate, G3_a_wait_needs_the_right_to_what_it_polls) {
    reply = bench_ask_allowed(
        &bench, 1, "['', 'wait', {'ask': ['aws:ecs:DescribeServices', {}]}]",
        "[]");
    cr_expect_eq(reply.fate, GATE_FAILED);
    cr_expect_eq(reply.err.code, ERR_DENIED);
    reply = bench_ask_allowed(
        &bench, 2, "['', 'wait', {'ask': ['aws:ecs:DeleteService', {}]}]",
        "['aws:ecs:DeleteService']");
    cr_expect_eq(reply.err.code, ERR_INVALID);
    cr_expect_eq(json_count(bench.spy->acts), 0);
}

Test(gate, G3_clock_ids_and_the_catalogue_need_no_right) {
    json_put(bench.config, "services",
             support_json("{'prod/api': {'repo': 'o/r'}}"));
    reply = bench_ask_allowed(&bench, 1, "['', 'now']", "[]");
    value_is("1767225720000");
    json_release(reply.value);
    reply = bench_ask_allowed(&bench, 2, "['', 'service', 'prod/api']", "[]");
    value_is("{'repo': 'o/r'}");
    json_release(reply.value);
    reply = bench_ask_allowed(&bench, 3, "['', 'service', 'x/y']", "[]");
    value_is("null");
    json_release(reply.value);
}

Test(gate, ids_and_chance_are_the_slots_own_and_the_same_each_time) {
    struct reply first = bench_ask_allowed(&bench, 1, "['', 'uuid']", "[]");
    struct reply other = bench_ask_allowed(&bench, 2, "['', 'uuid']", "[]");
    struct reply chance = bench_ask_allowed(&bench, 3, "['', 'random']", "[]");
    struct reply again;

    cr_expect_eq(json_text(first.value).len, 36);
    cr_expect_not(json_same(first.value, other.value));
    cr_expect_geq(json_number(chance.value), 0);
    cr_expect_lt(json_number(chance.value), 1);
    /* Even where the first one's record did not reach the disk. */
    bench_cut(&bench, 0);
    again = bench_ask_allowed(&bench, 1, "['', 'uuid']", "[]");
    cr_expect(json_same(first.value, again.value));
    json_release(first.value);
    json_release(other.value);
    json_release(chance.value);
    json_release(again.value);
}

/* --- trying again ------------------------------------------------------- */

Test(gate, G4_a_retry_stays_in_its_slot) {
    bench.retry = support_json("{'times': 3, 'backoff': 1000, 'on': "
                               "['throttled']}");
    fault("aws:ecs:DeleteService", 3, ANSWER_REFUSED, ERR_THROTTLED, false);
    ask(DELETE);
    value_is("{'taken': true}");
    cr_expect_eq(spy_count(bench.spy, "aws:ecs:DeleteService"), 4);
    cr_expect_eq(bench_count(&bench, "intent"), 1);
    cr_expect_eq(bench_count(&bench, "result"), 1);
}

Test(gate, G4_a_write_then_a_throttled_read_is_one_write) {
    bench.retry = support_json("{'times': 3, 'backoff': 1000, 'on': "
                               "['throttled']}");
    json_release(bench_ask(&bench, 1, DELETE).value);
    fault("aws:ecs:DescribeServices", 3, ANSWER_REFUSED, ERR_THROTTLED, false);
    reply = bench_ask(&bench, 2, READ);
    cr_expect_eq(reply.fate, GATE_ANSWERED);
    cr_expect_eq(spy_count(bench.spy, "aws:ecs:DescribeServices"), 4);
    cr_expect_eq(spy_writes(bench.spy), 1);
}

Test(gate, G4_gives_up_after_the_times_and_only_on_the_codes_named) {
    bench.retry = support_json("{'times': 2, 'backoff': 1000, 'on': "
                               "['throttled']}");
    fault("aws:ecs:DescribeServices", 9, ANSWER_REFUSED, ERR_THROTTLED, false);
    ask(READ);
    cr_expect_eq(reply.fate, GATE_FAILED);
    cr_expect_eq(reply.err.code, ERR_THROTTLED);
    cr_expect_eq(spy_count(bench.spy, "aws:ecs:DescribeServices"), 3);
    fault("aws:ecs:DescribeServices", 9, ANSWER_REFUSED, ERR_TIMEOUT, false);
    reply = bench_ask(&bench, 2, READ);
    cr_expect_eq(reply.err.code, ERR_TIMEOUT);
    cr_expect_eq(spy_count(bench.spy, "aws:ecs:DescribeServices"), 4);
}

Test(gate, G4_without_a_rule_reads_are_tried_and_writes_only_when_throttled) {
    fault("aws:ecs:DescribeServices", 3, ANSWER_REFUSED, ERR_TIMEOUT, false);
    ask(READ);
    cr_expect_eq(reply.fate, GATE_ANSWERED);
    json_release(reply.value);
    fault("aws:ecs:DeleteService", 1, ANSWER_REFUSED, ERR_TIMEOUT, false);
    reply = bench_ask(&bench, 2, DELETE);
    cr_expect_eq(reply.fate, GATE_FAILED);
    fault("aws:ecs:DeleteService", 1, ANSWER_REFUSED, ERR_THROTTLED, false);
    reply = bench_ask(&bench, 3, DELETE);
    cr_expect_eq(reply.fate, GATE_ANSWERED);
    json_release(reply.value);
}

static int64_t act_at(size_t number) {
    return json_find_int(json_at(bench.spy->acts, number), "at", -1);
}

Test(gate, RT1_a_retry_is_never_earlier_than_the_service_asked_for) {
    fault("aws:ecs:DeleteService", 1, ANSWER_REFUSED, ERR_THROTTLED, false);
    bench.spy->retry_after_ms = 110000;
    ask(DELETE);
    value_is("{'taken': true}");
    cr_expect_geq(act_at(1) - act_at(0), 110000);
}

Test(gate, RT2_a_long_wait_fails_as_throttled_and_says_when) {
    fault("aws:ecs:DescribeServices", 1, ANSWER_REFUSED, ERR_REMOTE, false);
    bench.spy->status = 503;
    bench.spy->retry_after_ms = 3600000;
    ask(READ);
    cr_expect_eq(reply.fate, GATE_FAILED);
    cr_expect_eq(reply.err.code, ERR_THROTTLED);
    cr_expect_eq(reply.err.status, 503);
    cr_expect(strstr(reply.err.text, "not before 2"), "%s", reply.err.text);
    cr_expect(strstr(reply.err.text, "the spy says"), "%s", reply.err.text);
    cr_expect_eq(spy_count(bench.spy, "aws:ecs:DescribeServices"), 1);
}

Test(gate, RT2_says_when_also_to_a_node_that_does_not_retry) {
    bench.retry = support_json("{'times': 3, 'backoff': 1, 'on': ['io']}");
    fault("aws:ecs:DeleteService", 1, ANSWER_REFUSED, ERR_THROTTLED, false);
    bench.spy->retry_after_ms = 121000;
    ask(DELETE);
    cr_expect_eq(reply.err.code, ERR_THROTTLED);
    cr_expect(strstr(reply.err.text, "not before 2"), "%s", reply.err.text);
}

Test(gate, RT3_a_service_that_is_down_uses_up_the_retries_of_all) {
    bench.retry = support_json("{'times': 99, 'backoff': 1, 'on': "
                               "['timeout']}");
    fault("aws:ecs:DescribeServices", 1000, ANSWER_REFUSED, ERR_TIMEOUT, false);
    ask(READ);
    cr_expect_eq(reply.fate, GATE_FAILED);
    cr_expect_eq(spy_count(bench.spy, "aws:ecs:DescribeServices"), 51);
    reply = bench_ask(&bench, 2, READ);
    cr_expect_eq(spy_count(bench.spy, "aws:ecs:DescribeServices"), 52);
    /* Prometheus has a bucket of its own. */
    fault("prometheus:query", 1, ANSWER_REFUSED, ERR_TIMEOUT, false);
    reply = bench_ask(&bench, 3, MEASURE);
    cr_expect_eq(reply.fate, GATE_ANSWERED);
    json_release(reply.value);
    reply.value = NULL;
}

Test(gate, G4_a_read_that_failed_at_the_server_is_asked_again) {
    fault("aws:ecs:DescribeServices", 3, ANSWER_REFUSED, ERR_REMOTE, false);
    bench.spy->status = 500;
    ask(READ);
    cr_expect_eq(reply.fate, GATE_ANSWERED);
    json_release(reply.value);
    fault("aws:ecs:DescribeServices", 1, ANSWER_REFUSED, ERR_REMOTE, false);
    bench.spy->status = 418;
    reply = bench_ask(&bench, 2, READ);
    cr_expect_eq(reply.fate, GATE_FAILED);
    reply.value = NULL;
}

Test(gate, G4_an_unknown_write_is_not_retried_whatever_the_rule_says) {
    bench.retry = support_json("{'times': 9, 'backoff': 1, 'on': "
                               "['timeout', 'unknown', 'io']}");
    fault("aws:ecs:DeleteService", 1, ANSWER_UNKNOWN, ERR_TIMEOUT, true);
    ask(DELETE);
    cr_expect_eq(reply.fate, GATE_UNKNOWN);
    cr_expect_eq(reply.err.code, ERR_UNKNOWN);
    cr_expect_eq(spy_writes(bench.spy), 1);
    /* Nor when the node runs again. */
    ask(DELETE);
    cr_expect_eq(reply.fate, GATE_UNKNOWN);
    bench_cut(&bench, json_count(journal_records(bench.journal)));
    ask(DELETE);
    cr_expect_eq(reply.fate, GATE_UNKNOWN);
    cr_expect_eq(spy_writes(bench.spy), 1);
}

/* --- recovery by class -------------------------------------------------- */

Test(gate, J3_set_is_read_back_and_found_applied) {
    ask(SCALE);
    crash_after_intent();
    ask(SCALE);
    value_is("{'service': {'desiredCount': 4, 'deployments': [{'id': "
             "'d1'}]}}");
    cr_expect_eq(spy_writes(bench.spy), 1);
    cr_expect_str_eq(how(), "found applied");
}

Test(gate, J3_set_that_did_not_happen_is_set_again) {
    fault("aws:ecs:UpdateService", 1, ANSWER_REFUSED, ERR_DENIED, false);
    ask(SCALE);
    crash_after_intent();
    ask(SCALE);
    value_is("{'taken': true}");
    cr_expect_eq(spy_writes(bench.spy), 2);
    cr_expect_eq(bench_count(&bench, "again"), 1);
    cr_expect_str_eq(how(), "sent again");
}

Test(gate, J3_verify_waits_to_settle_and_is_found_applied) {
    int64_t before, read_at;

    ask(FORCE);
    crash_after_intent();
    before = mode_now(bench.mode);
    ask(FORCE);
    cr_expect_eq(reply.fate, GATE_ANSWERED);
    cr_expect_eq(spy_writes(bench.spy), 1);
    cr_expect_str_eq(how(), "found applied");
    read_at = json_find_int(
        json_at(bench.spy->acts, json_count(bench.spy->acts) - 1), "at", 0);
    cr_expect_geq(read_at - before, 5000);
}

Test(gate, J3_verify_is_sent_again_only_when_provably_absent) {
    fault("aws:ecs:UpdateService", 1, ANSWER_REFUSED, ERR_DENIED, false);
    ask(FORCE);
    crash_after_intent();
    ask(FORCE);
    value_is("{'taken': true}");
    cr_expect_eq(spy_writes(bench.spy), 2);
}

Test(gate, J3_verify_that_cannot_be_read_back_stays_unknown) {
    ask(FORCE);
    crash_after_intent();
    fault("aws:ecs:DescribeServices", 99, ANSWER_REFUSED, ERR_DENIED, false);
    ask(FORCE);
    cr_expect_eq(reply.fate, GATE_UNKNOWN);
    cr_expect_eq(spy_writes(bench.spy), 1);
    cr_expect(support_has(reply.err.text, "class verify"), "%s",
              reply.err.text);
}

Test(gate, J3_a_throttled_read_back_is_asked_again) {
    ask(FORCE);
    crash_after_intent();
    fault("aws:ecs:DescribeServices", 2, ANSWER_REFUSED, ERR_THROTTLED, false);
    ask(FORCE);
    cr_expect_eq(reply.fate, GATE_ANSWERED, "%s", reply.err.text);
    cr_expect_eq(spy_writes(bench.spy), 1);
}

Test(gate, J3_token_is_sent_again_with_the_same_token) {
    const struct json *first, *second;

    ask(START);
    crash_after_intent();
    ask(START);
    value_is("{'taken': true}");
    cr_assert_eq(json_count(bench.spy->acts), 2);
    first = json_at(bench.spy->acts, 0);
    second = json_at(bench.spy->acts, 1);
    cr_expect_eq(json_find_text(first, "token").len, 64);
    cr_expect(json_same(json_find(first, "token"), json_find(second, "token")));
}

Test(gate, J3_notify_is_sent_at_most_once_again) {
    ask(TELL);
    crash_after_intent();
    ask(TELL);
    value_is("{'status': 200}");
    cr_expect_eq(spy_writes(bench.spy), 2);
    /* It dies again, between the second sending and its result. */
    bench_cut(&bench, bench_position(&bench, "again", 0) + 1);
    ask(TELL);
    cr_expect_eq(reply.fate, GATE_FAILED);
    cr_expect_eq(reply.err.code, ERR_UNKNOWN);
    cr_expect_eq(spy_writes(bench.spy), 2);
}

Test(gate, J3_once_is_never_sent_again) {
    ask(DELETE);
    crash_after_intent();
    ask(DELETE);
    cr_expect_eq(reply.fate, GATE_UNKNOWN);
    cr_expect_eq(reply.err.code, ERR_UNKNOWN);
    cr_expect_eq(spy_writes(bench.spy), 1);
    cr_expect(support_has(reply.err.text, "may or may not"), "%s",
              reply.err.text);
}

Test(gate, a_write_unknown_without_a_crash_recovers_the_same_way) {
    fault("aws:ecs:UpdateService", 1, ANSWER_UNKNOWN, ERR_TIMEOUT, true);
    ask(SCALE);
    value_is("{'service': {'desiredCount': 4, 'deployments': [{'id': "
             "'d1'}]}}");
    cr_expect_eq(spy_writes(bench.spy), 1);
}

Test(gate, recovery_of_one_write_ends) {
    fault("aws:ecs:RunTask", 99, ANSWER_UNKNOWN, ERR_TIMEOUT, false);
    ask(START);
    cr_expect_eq(reply.fate, GATE_UNKNOWN);
    cr_expect_leq(spy_writes(bench.spy), 4);
}

/* --- secrets ------------------------------------------------------------ */

Test(gate, G5_N11_an_answer_is_redacted_before_it_is_recorded_or_seen) {
    struct secrets *secrets = secret_open();
    struct buf      all = BUF_EMPTY;

    secret_put(secrets, "X", STR("CANARY-0123456789"));
    redact_learn(bench.redact, secrets);
    secret_close(secrets);
    ask(MEASURE);
    value_is("{'log': 'token is [redacted]'}");
    json_write(journal_records(bench.journal), &all);
    cr_expect_null(strstr(buf_text(&all), "CANARY"), "%s", buf_text(&all));
    /* What a script sees later is the recorded answer, byte for byte. */
    cr_expect(json_same(reply.value,
                        json_find(bench_record(&bench, "read", 0), "answer")));
    buf_release(&all);
}

Test(gate, G5_N11_arguments_are_redacted_in_the_record_not_in_the_request) {
    struct secrets *secrets = secret_open();
    struct buf      all = BUF_EMPTY;

    secret_put(secrets, "X", STR("CANARY-0123456789"));
    redact_learn(bench.redact, secrets);
    secret_close(secrets);
    ask("['', 'aws', 'ecs:DeleteService', {'service': "
        "'CANARY-0123456789'}]");
    json_write(journal_records(bench.journal), &all);
    cr_expect_null(strstr(buf_text(&all), "CANARY"), "%s", buf_text(&all));
    cr_expect(
        str_is(json_find_text(json_find(json_at(bench.spy->acts, 0), "args"),
                              "service"),
               "CANARY-0123456789"));
    buf_release(&all);
}

/* --- sleeps and waits --------------------------------------------------- */

#define SLEEP "['', 'sleep', 90]"
#define WAIT                                                           \
    "['', 'wait', {'ask': ['aws:ecs:DescribeServices', {}], 'every': " \
    "'30s', 'within': '5m'}]"

static void ask_to_wait(const char *question) {
    json_release(reply.value);
    reply =
        bench_ask_allowed(&bench, 1, question, "['aws:ecs:DescribeServices']");
}

/* The process dies while it waits; another one begins, and no time passed. */
static void crash_while_waiting(int64_t due) {
    struct json *wait = json_clone(bench_record(&bench, "wait", 0));

    json_put_int(wait, "due", due);
    bench_close(&bench);
    open_bench();
    journal_add(bench.journal, wait, NULL, NULL, 0, NULL, NULL);
}

Test(gate, a_sleep_goes_on_to_its_due_time_after_a_restart) {
    int64_t began = mode_now(bench.mode);

    ask_to_wait(SLEEP);
    cr_expect_eq(mode_now(bench.mode), began + 90000);
    crash_while_waiting(began + 90000);
    ask_to_wait(SLEEP);
    cr_expect_eq(reply.fate, GATE_ANSWERED);
    cr_expect_eq(mode_now(bench.mode), began + 90000);
    cr_expect_eq(bench_count(&bench, "wait"), 1);
}

Test(gate, a_sleep_that_was_due_meanwhile_is_over_at_once) {
    int64_t began = mode_now(bench.mode);

    ask_to_wait(SLEEP);
    crash_while_waiting(began - 1);
    ask_to_wait(SLEEP);
    cr_expect_eq(reply.fate, GATE_ANSWERED);
    cr_expect_eq(mode_now(bench.mode), began);
}

Test(gate, a_wait_polls_next_when_it_is_due_after_a_restart) {
    int64_t began = mode_now(bench.mode);

    ask_to_wait(WAIT);
    cr_expect_eq(mode_now(bench.mode), began);
    crash_while_waiting(began + 30000);
    ask_to_wait(WAIT);
    cr_expect_eq(mode_now(bench.mode), began + 30000);
    cr_expect_eq(spy_count(bench.spy, "aws:ecs:DescribeServices"), 1);
}

static struct reply ask_parking(const char *question, int64_t park_after) {
    bench.ask_park_ms = park_after;
    return bench_ask_allowed(&bench, 1, question,
                             "['aws:ecs:DescribeServices']");
}

Test(gate, a_sleep_that_is_due_far_away_parks_with_its_record_alone) {
    int64_t began = mode_now(bench.mode);

    reply = ask_parking(SLEEP, 90000);
    cr_expect_eq(reply.fate, GATE_PARKED);
    cr_expect_eq(reply.due_ms, began + 90000);
    cr_expect_eq(mode_now(bench.mode), began, "it waited");
    cr_expect_eq(bench_count(&bench, "wait"), 1);
    /* Asked too early it parks again, and nothing is added. */
    reply = ask_parking(SLEEP, 90000);
    cr_expect_eq(reply.fate, GATE_PARKED);
    cr_expect_eq(reply.due_ms, began + 90000);
    cr_expect_eq(json_count(journal_records(bench.journal)), 1);
}

Test(gate, what_is_nearer_than_that_is_waited_for) {
    reply = ask_parking(SLEEP, 90001);
    cr_expect_eq(reply.fate, GATE_ANSWERED);
}

Test(gate, a_wait_parks_behind_its_poll_not_before_it) {
    reply = ask_parking(WAIT, 30000);
    cr_expect_eq(reply.fate, GATE_ANSWERED);
    cr_expect_not(json_truth(json_find(reply.value, "final")));
    cr_expect_eq(spy_count(bench.spy, "aws:ecs:DescribeServices"), 1);
    json_release(reply.value);
}

/* --- cancelling ---------------------------------------------------------- */

static struct call *call;

static void cancel(void *arg) {
    (void)arg;
    gate_cancel(call);
}

static void cancel_later(void *arg) {
    loop_defer(bench.loop, cancel, arg);
}

static void keep_fate(void *arg, const struct gate_answer *answer) {
    (void)arg;
    reply.came = true;
    reply.fate = answer->fate;
    reply.err = *answer->err;
}

/* Submits in slot 1, with the spy's hooks set to cancel it. */
static void submit(const char *question) {
    struct json    *asked = support_json(question);
    struct json    *rights = support_json("['aws:ecs:DescribeServices', "
                                             "'aws:ecs:UpdateService']");
    struct gate_ask ask = {.journal = bench.journal,
                           .run = SUPPORT_RUN,
                           .place = STR("restart/0001/run/-/0001"),
                           .allowed = rights};
    struct effect   effect;
    struct err      err;

    bench_gate(&bench);
    cr_assert(effect_make(&effect, asked, bench.config, &err), "%s", err.text);
    call = gate_submit(bench.gate, &ask, &effect, keep_fate, NULL);
    loop_run(bench.loop);
    cr_assert(reply.came);
    json_release(asked);
    json_release(rights);
}

Test(gate, G6_a_sleep_that_is_cancelled_stops_at_once) {
    bench.spy->waits = cancel_later;
    submit(SLEEP);
    cr_expect_eq(reply.fate, GATE_STOPPED);
    cr_expect_eq(reply.err.code, ERR_CANCELLED);
    cr_expect_eq(bench_count(&bench, "result"), 0);
}

Test(gate, G6_a_read_that_backs_off_is_not_asked_again_once_cancelled) {
    fault("aws:ecs:DescribeServices", 1, ANSWER_REFUSED, ERR_THROTTLED, false);
    bench.spy->waits = cancel_later;
    submit(READ);
    cr_expect_eq(reply.fate, GATE_STOPPED);
    cr_expect_eq(spy_count(bench.spy, "aws:ecs:DescribeServices"), 1);
}

static void cancel_read(void *arg, const struct mode_ask *ask) {
    (void)ask;
    loop_defer(bench.loop, cancel, arg);
}

/* Cancelled while it is on its way, and refused then. */
Test(gate, G6_a_read_that_is_refused_once_cancelled_is_not_asked_again) {
    fault("aws:ecs:DescribeServices", 1, ANSWER_REFUSED, ERR_THROTTLED, false);
    bench.spy->look = cancel_read;
    submit(READ);
    cr_expect_eq(reply.fate, GATE_STOPPED);
    cr_expect_eq(spy_count(bench.spy, "aws:ecs:DescribeServices"), 1);
}

static void cancel_write(void *arg, const struct mode_ask *ask) {
    (void)arg;
    if (effect_writes(ask->effect))
        gate_cancel(call);
}

Test(gate, G6_a_write_that_has_been_sent_is_heard_out_and_recorded) {
    bench.spy->look = cancel_write;
    submit(SCALE);
    cr_expect_eq(reply.fate, GATE_ANSWERED);
    cr_expect_eq(bench_count(&bench, "result"), 1);
}

/* A refused write waits to be sent again with its intent on record: it is
 * not left in that state. */
Test(gate, G6_a_write_that_backs_off_is_not_cut_short) {
    fault("aws:ecs:UpdateService", 1, ANSWER_REFUSED, ERR_THROTTLED, false);
    bench.spy->look = cancel_write;
    submit(SCALE);
    cr_expect_eq(reply.fate, GATE_ANSWERED);
    cr_expect_eq(spy_count(bench.spy, "aws:ecs:UpdateService"), 2);
    cr_expect_eq(bench_count(&bench, "result"), 1);
}

/* In earnest: the timer of an hour is gone with it. */
Test(gate, G6_a_live_sleep_that_is_cancelled_leaves_no_timer) {
    struct mode_live_options options = {.loop = bench.loop,
                                        .clock = &bench.clock.clock};

    mode_close(bench.mode);
    bench.mode = mode_live_open(&options);
    loop_defer(bench.loop, cancel, NULL);
    submit("['', 'sleep', 3600]");
    cr_expect_eq(reply.fate, GATE_STOPPED);
}

/* --- the guard of the journal --------------------------------------------- */

static bool resolved(void *arg, struct store *store, const struct json *record,
                     struct store_write *writes, size_t *count,
                     struct err *err) {
    (void)arg, (void)store, (void)writes;
    *count = 0;
    return !str_is(json_find_text(record, "kind"), "intent") ||
           err_set(err, ERR_CANCELLED, "the alert is resolved");
}

Test(gate, N10_a_refused_intent_stops_the_run_and_nothing_is_sent) {
    journal_guard(bench.journal, (struct journal_guard){resolved, NULL, NULL});
    ask(SCALE);
    cr_expect_eq(reply.fate, GATE_STOPPED);
    cr_expect_eq(reply.err.code, ERR_CANCELLED);
    cr_expect(support_has(reply.err.text, "the alert is resolved"), "%s",
              reply.err.text);
    cr_expect_eq(spy_writes(bench.spy), 0);
}

/* --- what is shared ------------------------------------------------------- */

static int reads_of_a_gate_that_fails(struct gate_shared *shared) {
    int before = spy_count(bench.spy, "aws:ecs:DescribeServices");

    bench.shared = shared;
    gate_close(bench.gate);
    bench.gate = NULL;
    fault("aws:ecs:DescribeServices", 99, ANSWER_REFUSED, ERR_THROTTLED, false);
    json_release(bench_ask(&bench, ++slots, READ).value);
    return spy_count(bench.spy, "aws:ecs:DescribeServices") - before;
}

Test(gate, GS1_who_shares_a_bucket_gets_no_retries_when_it_is_empty) {
    struct gate_shared *shared = gate_shared_open();

    cr_expect_eq(reads_of_a_gate_that_fails(shared), 4);
    gate_shared_bucket(shared, EFFECT_AWS)->taken = RETRY_TOKENS;
    cr_expect_eq(reads_of_a_gate_that_fails(shared), 1);
    cr_expect_eq(reads_of_a_gate_that_fails(NULL), 4, "it has its own");
    gate_close(bench.gate);
    bench.gate = NULL;
    gate_shared_close(shared);
}

Test(gate, a_world_without_an_answer_is_silence_and_nothing_is_recorded) {
    ask("['', 'aws', 'ecs:ListTasks', {}]");
    cr_expect_eq(reply.fate, GATE_SILENT);
    cr_expect_eq(reply.err.code, ERR_NO_ANSWER);
    cr_expect_eq(json_count(journal_records(bench.journal)), 0);
}

/* --- models --------------------------------------------------------------- */

static void look_for_spending(void *arg, const struct mode_ask *ask) {
    if (ask->effect->kind == EFFECT_LLM)
        *(struct spend_limits *)arg = ask->spend;
}

Test(gate, CL1_a_run_has_spent_what_its_journal_says_after_a_cut_too) {
    struct spend_limits seen = {-1, -1, NULL};

    for (int i = 1; i <= 2; i++) {
        struct json *record = json_new_map();

        json_put_text(record, "kind", STR("note"));
        json_put_int(record, "at", 1);
        json_put_int(record, "micro_usd", 100 * i);
        journal_add(bench.journal, record, NULL, NULL, 0, NULL, NULL);
    }
    loop_run(bench.loop);
    bench_cut(&bench, json_count(journal_records(bench.journal)));
    bench.spy->look = look_for_spending;
    bench.spy->arg = &seen;
    json_release(bench_ask(&bench, 1,
                           "['n.lua:1', 'llm', 'choose', {'question': '?', "
                           "'actions': {'a': {'about': 'x'}}}]")
                     .value);
    cr_expect_eq(seen.run_spent, 300);
    cr_expect_eq(seen.run_limit, -1);
}

/* --- being told of ------------------------------------------------------- */

static struct buf told;
static int64_t    listened;

static void see(void *arg, const struct gate_seen *seen) {
    (void)arg;
    buf_addf(&told, "%s %s %lld+%lld %s;", seen->effect->name,
             seen->failed ? err_name(seen->err->code) : "-",
             (long long)(seen->began_ms - listened),
             (long long)(seen->ended_ms - seen->began_ms), seen->how);
}

static void told_is(const char *wanted) {
    cr_expect_str_eq(buf_text(&told), wanted);
    buf_release(&told);
}

/* Before the gate is opened. */
static void listen(void) {
    bench.seen = see;
    listened = mode_now(bench.mode);
}

Test(gate, G7_tells_of_an_effect_and_not_of_its_recorded_answer) {
    listen();
    ask(READ);
    ask(READ);
    told_is("aws:ecs:DescribeServices - 0+0 answered;");
}

Test(gate, G7_tells_of_what_failed_and_of_what_was_refused_here) {
    listen();
    fault("aws:ecs:DescribeServices", 1, ANSWER_REFUSED, ERR_DENIED, false);
    ask(READ);
    ask(READ);
    json_release(
        bench_ask_allowed(&bench, 2, DELETE, "['prometheus:query']").value);
    told_is("aws:ecs:DescribeServices denied 0+0 answered;"
            "aws:ecs:DeleteService denied 0+0 answered;");
}

Test(gate, G7_tells_of_a_recovered_write_from_its_intent_on) {
    listen();
    ask(SCALE);
    crash_after_intent();
    buf_clear(&told);
    ask(SCALE);
    told_is("aws:ecs:UpdateService - 0+0 found applied;");
}

Test(gate, G7_tells_of_a_wait_when_it_is_over) {
    listen();
    bench.ask_park_ms = 90000;
    ask_to_wait(SLEEP);
    cr_expect_eq(reply.fate, GATE_PARKED);
    told_is("");
    bench.ask_park_ms = 90001;
    ask_to_wait(SLEEP);
    told_is("engine:sleep - 0+90000 answered;");
}

Test(gate, G7_does_not_tell_of_a_poll_nor_of_the_clock) {
    listen();
    ask_to_wait(WAIT);
    json_release(bench_ask(&bench, 2, "['', 'now']").value);
    told_is("");
}

static struct trace_parent carried;

static void keep_trace(void *arg, const struct mode_ask *ask) {
    (void)arg;
    carried = *ask->trace;
}

Test(gate, a_request_carries_the_runs_trace_and_its_own_span) {
    struct trace_parent trace = {{7}, {8}, TRACE_SAMPLED};
    unsigned char       span[TRACE_SPAN_SIZE];

    bench.trace = &trace;
    bench.spy->look = keep_trace;
    ask(READ);
    trace_span_of(STR(SUPPORT_RUN), STR("restart/0001/run/-/0001"), span);
    cr_expect_eq(memcmp(carried.span, span, sizeof span), 0);
    cr_expect_eq(memcmp(carried.trace, trace.trace, sizeof trace.trace), 0);
    cr_expect_eq(carried.flags, TRACE_SAMPLED);
}
