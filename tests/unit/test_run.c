/* test_run.c - real runs over the real gate, in a world of a few rows.
 *
 * A service is sick (the query says 1) until somebody scales it to 4. The
 * playbook looks, mends, verifies, and tells people when it cannot.
 */
#include <criterion/criterion.h>

#include <string.h>

#include "graph/lease.h"
#include "secret/redact.h"
#include "secret/secret.h"
#include "support.h"
#include "sys/crypto.h"
#include "sys/loop.h"

#define WORLD                                                                 \
    "{'match': {'effect': 'aws:ecs:DescribeServices'}, 'answer': "            \
    "{'services': "                                                           \
    "[{'desiredCount': 2, 'note': 'key CANARY-0123456789', 'deployments': "   \
    "[{'id': 'd1'}]}]}}"                                                      \
    "{'match': {'effect': 'aws:ecs:DescribeServices'}, 'after': {'write': "   \
    "'aws:ecs:UpdateService', 'args': {'desiredCount': 4}}, 'answer': "       \
    "{'services': [{'desiredCount': 4, 'deployments': [{'id': 'd1'}]}]}}"     \
    "{'match': {'effect': 'aws:ecs:UpdateService'}, 'answer': {'ok': true}}"  \
    "{'match': {'effect': 'aws:ecs:DeleteService'}, 'answer': {'ok': true}}"  \
    "{'match': {'effect': 'prometheus:query'}, 'answer': {'value': 1}}"       \
    "{'match': {'effect': 'prometheus:query'}, 'after': {'write': "           \
    "'aws:ecs:UpdateService', 'args': {'desiredCount': 4}, 'delay': '60s'}, " \
    "'answer': {'value': 0}}"                                                 \
    "{'match': {'effect': 'notify:oncall'}, 'answer': {'status': 200}}"

#define PLAYBOOK                                                        \
    "return { about = 'x', start = 'look', failed = 'tell',\n"          \
    "limits = { attempts = 2, deadline = '30m' }, nodes = {\n"          \
    "look = { use = 'look', with = { cluster = '$service.cluster' },\n" \
    "  next = { found = 'mend', nothing = 'tell' } },\n"                \
    "mend = { use = 'mend', with = { from = '$look.count' },\n"         \
    "  next = { mended = 'check', lost = 'tell' } },\n"                 \
    "check = { use = 'verification',\n"                                 \
    "  next = { pass = 'done', fail = 'look', unknown = 'tell' } },\n"  \
    "tell = { use = 'escalation', with = { run = '$run' } } } }"

#define LOOK                                                        \
    "return { about = 'x', input = { cluster = 'string' },\n"       \
    "output = { count = 'integer', note = 'string?' },\n"           \
    "outcomes = { 'found', 'nothing' },\n"                          \
    "effects = { 'aws:ecs:DescribeServices' },\n"                   \
    "run = function(ctx, input)\n"                                  \
    "  local s = ctx.aws('ecs:DescribeServices', { cluster = "      \
    "input.cluster }).services[1]\n"                                \
    "  return 'found', { count = s.desiredCount, note = s.note }\n" \
    "end }"

#define MEND(more)                                                          \
    "return { about = 'x', input = { from = 'integer' }, output = {},\n"    \
    "outcomes = { 'mended', 'lost' }, risk = 'low', irreversible = true,\n" \
    "effects = { 'aws:ecs:UpdateService', 'aws:ecs:DeleteService',\n"       \
    "  'aws:ecs:DescribeServices' },\n" more "}"

#define SCALE                                                              \
    "run = function(ctx, input) ctx.aws('ecs:UpdateService', { cluster = " \
    "'prod', service = 'api', desiredCount = 2 * input.from })\n"          \
    "return 'mended' end"

#define CHECK                                                       \
    "return { about = 'x', output = {},\n"                          \
    "outcomes = { 'pass', 'fail', 'unknown' },\n"                   \
    "effects = { 'prometheus:query' }, run = function(ctx)\n"       \
    "  ctx.sleep(120)\n"                                            \
    "  local v = ctx.prometheus('query', { query = 'up' }).value\n" \
    "  return v == 0 and 'pass' or 'fail' end }"

#define TELL                                                       \
    "return { about = 'x', input = { run = 'map' },\n"             \
    "output = { handover = 'map' }, outcomes = { 'told' },\n"      \
    "effects = { 'notify:oncall' }, run = function(ctx, input)\n"  \
    "  ctx.notify('oncall', { title = 'help' })\n"                 \
    "  return 'told', { handover = { why = input.run.failure or\n" \
    "    json.null } } end }"

static struct bench bench;

static void open_run(void) {
    bench_open(&bench, WORLD);
    json_put(bench.config, "channels", support_json("{'oncall': {}}"));
}

static void close_run(void) {
    bench_close(&bench);
}

TestSuite(run, .init = open_run, .fini = close_run);

/* The scripts above, with other ones in place of some. */
static void add_scripts(const char *playbook, const char *mend) {
    bench_script(&bench, "playbooks/heal.lua", playbook ? playbook : PLAYBOOK);
    bench_script(&bench, "nodes/look.lua", LOOK);
    bench_script(&bench, "nodes/mend.lua", mend ? mend : MEND(SCALE));
    bench_script(&bench, "nodes/verification.lua", CHECK);
    bench_script(&bench, "nodes/escalation.lua", TELL);
}

/* A playbook of one node "mend" that leads to done, and "tell". */
#define ONE(entry, limits)                                             \
    "return { about = 'x', start = 'mend', failed = 'tell', limits = " \
    "{ " limits                                                        \
    " }, nodes = { mend = { use = 'mend', with = { from = 2 }, " entry \
    " }, tell = { use = 'escalation', with = { run = '$run' } } } }"
#define LEADS "next = { mended = 'done', lost = 'tell' }"

static const struct json *failure(void) {
    const struct json *failed = run_walk(bench.run)->failure;

    cr_assert(failed, "nothing has failed");
    return failed;
}

static void failed_with(const char *code, const char *part) {
    cr_expect(str_is(json_find_text(failure(), "code"), code), "%.*s: %.*s",
              STR_ARG(json_find_text(failure(), "code")),
              STR_ARG(json_find_text(failure(), "text")));
    cr_expect(support_has(json_find_text(failure(), "text").data, part), "%.*s",
              STR_ARG(json_find_text(failure(), "text")));
}

/* --- the walk ----------------------------------------------------------- */

Test(run, walks_from_the_alarm_to_the_proof) {
    struct json *report;

    add_scripts(NULL, NULL);
    bench_walk(&bench);
    bench_path_is(&bench, "look:found mend:mended check:pass = done");
    cr_expect_eq(spy_writes(bench.spy), 1);
    report = bench_report(&bench);
    cr_expect(str_is(json_find_text(report, "verdict"), "pass"));
    cr_expect_eq(json_count(json_find(report, "writes")), 1);
    json_release(report);
}

Test(run, a_service_row_and_the_labels_are_what_scripts_see) {
    json_put(bench.config, "services",
             support_json("{'prod/api': {'cluster': 'prod', 'repo': 'o/r'}}"));
    add_scripts("return { about = 'x', start = 'mend', failed = 'tell', nodes "
                "= { mend = { use = 'mend', with = { s = '$service', i = "
                "'$incident.id' } } } }",
                "return { about = 'x', input = { s = 'map', i = 'string' }, "
                "output = { s = 'map', i = 'string' }, outcomes = { 'ok' }, "
                "effects = {}, run = function(ctx, input) return 'ok', input "
                "end }");
    bench_walk(&bench);
    bench_path_is(&bench, "mend:ok = done");
    support_is(json_at(json_find(run_walk(bench.run)->outputs, "mend"), 0),
               "{'i': 'inc_1', 's': {'cluster': 'prod', 'repo': 'o/r', "
               "'name': 'api'}, 'outcome': 'ok'}");
}

Test(run, an_end_at_the_failed_route_is_escalated) {
    add_scripts(ONE("next = { mended = 'tell', lost = 'tell' }", ""), NULL);
    bench_walk(&bench);
    bench_path_is(&bench, "mend:mended tell:told = escalated");
}

/* --- contracts ---------------------------------------------------------- */

Test(run, RN1_a_node_does_not_run_with_an_input_that_does_not_fit) {
    add_scripts("return { about = 'x', start = 'mend', failed = 'tell', nodes "
                "= { mend = { use = 'mend', with = { from = 'two' }, " LEADS
                " }, tell = { use = 'escalation', with = { run = '$run' } } } "
                "}",
                NULL);
    bench_walk(&bench);
    bench_path_is(&bench, "mend:error tell:told = escalated");
    failed_with("contract", "field 'from' is declared as integer");
    cr_expect_eq(bench_count(&bench, "intent"), 1); /* telling people */
}

static void mend_ends(const char *body, const char *part) {
    add_scripts(ONE(LEADS, ""), body);
    bench_walk(&bench);
    bench_path_is(&bench, "mend:error tell:told = escalated");
    failed_with("contract", part);
}

Test(run, RN1_an_outcome_that_is_not_declared_does_not_count) {
    mend_ends(MEND("run = function() return 'healed' end"),
              "\"healed\", which is not in its outcomes");
}

Test(run, RN1_an_end_without_an_outcome_does_not_count) {
    mend_ends(MEND("run = function() end"), "not in its outcomes");
}

Test(run, RN1_an_output_that_is_not_declared_does_not_count) {
    mend_ends(MEND("run = function() return 'mended', { x = 1 } end"),
              "output of node mend");
}

/* --- order -------------------------------------------------------------- */

struct watch {
    struct store *store;
    int           nodes;
};

static bool count_ended(void *arg, struct str key, int64_t version,
                        struct str value) {
    (void)key;
    (void)version;
    *(int *)arg += support_has(value.data, "\"kind\":\"ended\"");
    return true;
}

/* When the world sees the question of the nth node, n - 1 ends are stored. */
static void look_for_ends(void *arg, const struct mode_ask *ask) {
    struct watch *watch = arg;
    int           stored = 0, before = -1;
    struct err    err;

    if (strcmp(ask->effect->name, "aws:ecs:UpdateService") == 0)
        before = 1;
    if (strcmp(ask->effect->name, "prometheus:query") == 0)
        before = 2;
    if (before < 0)
        return;
    cr_assert(store_stream_read(watch->store, STR("main/journal/" SUPPORT_RUN),
                                1, count_ended, &stored, &err));
    cr_expect_geq(stored, before);
    watch->nodes++;
}

Test(run, RN2_the_end_of_a_node_is_durable_before_the_next_begins) {
    struct watch watch = {bench.store, 0};

    bench.spy->look = look_for_ends;
    bench.spy->arg = &watch;
    add_scripts(NULL, NULL);
    bench_walk(&bench);
    cr_expect_eq(watch.nodes, 2);
}

static bool fail_job(struct store *store, void *arg, struct err *err) {
    (void)store;
    (void)arg;
    return err_set(err, ERR_IO, "disk full");
}

Test(run, RN2_a_journal_that_fails_stops_the_run) {
    add_scripts(NULL, NULL);
    queue_post(bench.queue, fail_job, NULL, NULL);
    bench_walk(&bench);
    cr_expect(bench.failed);
    cr_expect_eq(bench.err.code, ERR_IO);
    cr_expect_eq(json_count(bench.spy->acts), 0);
}

/* --- bounds ------------------------------------------------------------- */

#define SICK "{'match': {'effect': 'prometheus:query'}, 'answer': {'value': 1}}"

Test(run, RN3_writes_are_tried_as_often_as_attempts_allow) {
    bench_close(&bench);
    bench_open(&bench, WORLD SICK);
    json_put(bench.config, "channels", support_json("{'oncall': {}}"));
    add_scripts(NULL, NULL);
    bench_walk(&bench);
    bench_path_is(&bench,
                  "look:found mend:mended check:fail look:found mend:mended "
                  "check:fail look:found mend:error tell:told = escalated");
    failed_with("limit", "limits.attempts = 2");
    cr_expect_eq(spy_count(bench.spy, "aws:ecs:UpdateService"), 2);
}

Test(run, RN3_a_loop_of_nodes_that_only_read_ends_too) {
    add_scripts("return { about = 'x', start = 'look', failed = 'tell', "
                "limits = { attempts = 2 }, nodes = { look = { use = 'look', "
                "with = { cluster = 'c' }, next = { found = 'look', nothing = "
                "'look' } }, tell = { use = 'escalation', with = { run = "
                "'$run' } } } }",
                NULL);
    bench_walk(&bench);
    bench_path_is(&bench, "look:found look:found look:found look:error "
                          "tell:told = escalated");
    failed_with("limit", "entered 3 times");
}

/* Two nodes that sleep for longer than the run may take. */
static void walk_over_the_deadline(void) {
    add_scripts(ONE("next = { mended = 'again', lost = 'tell' } }, again = { "
                    "use = 'mend', with = { from = 2 }, " LEADS,
                    "deadline = '1h'"),
                MEND("run = function(ctx) ctx.sleep(3601) return 'mended' "
                     "end"));
    bench_walk(&bench);
}

Test(run, RN3_the_deadline_leads_to_the_failed_route) {
    bench.park_after_ms = 4000000;
    walk_over_the_deadline();
    bench_path_is(&bench, "mend:mended again:error tell:told = escalated");
    failed_with("limit", "deadline");
}

Test(run, RN3_a_visit_that_is_due_behind_the_deadline_does_not_go_on) {
    walk_over_the_deadline();
    bench_path_is(&bench, "mend:error tell:told = escalated");
    failed_with("limit", "deadline");
}

Test(run, RN3_a_failed_route_that_fails_ends_the_run_as_failed) {
    bench_script(&bench, "playbooks/heal.lua", ONE(LEADS, ""));
    bench_script(&bench, "nodes/mend.lua",
                 MEND("run = function() error('first') end"));
    bench_script(&bench, "nodes/escalation.lua",
                 "return { about = 'x', outcomes = { 'told' }, effects = {}, "
                 "input = { run = 'map' }, "
                 "run = function() error('second') end }");
    bench_walk(&bench);
    bench_path_is(&bench, "mend:error tell:error = failed");
    cr_expect_not(bench.failed);
}

Test(run, RN3_a_failed_route_that_leads_back_to_itself_ends) {
    bench_script(&bench, "playbooks/heal.lua",
                 "return { about = 'x', start = 'tell', failed = 'tell', "
                 "nodes = { tell = { use = 'escalation', next = { told = "
                 "'tell' } } } }");
    bench_script(&bench, "nodes/escalation.lua",
                 "return { about = 'x', outcomes = { 'told' }, effects = {}, "
                 "run = function() return 'told' end }");
    bench_walk(&bench);
    bench_path_is(&bench, "tell:told tell:error = failed");
}

Test(run, N14_a_node_that_never_ends_is_an_error_like_any_other) {
    add_scripts(ONE(LEADS, ""), MEND("run = function() while true do pcall("
                                     "function() while true do end end) end "
                                     "end"));
    bench_walk(&bench);
    bench_path_is(&bench, "mend:error tell:told = escalated");
    failed_with("limit", "limit of");
}

Test(run, a_node_that_spends_its_timeout_is_stopped) {
    bench.spy->faults[0] = (struct spy_fault){
        "aws:ecs:DescribeServices", 2, ANSWER_REFUSED, ERR_THROTTLED, false};
    add_scripts(ONE(LEADS, ""),
                MEND("timeout = '5s', retry = { times = 3, backoff = '20s', "
                     "on = { 'throttled' } }, run = function(ctx) "
                     "ctx.aws('ecs:DescribeServices', {}) return 'mended' "
                     "end"));
    bench_walk(&bench);
    bench_path_is(&bench, "mend:error tell:told = escalated");
    failed_with("timeout", "timeout of 5000 ms");
}

Test(run, what_a_node_waits_for_on_purpose_is_not_its_timeout) {
    add_scripts(ONE(LEADS, ""), MEND("timeout = '5s', run = function(ctx) "
                                     "ctx.sleep(600) return 'mended' end"));
    bench_walk(&bench);
    bench_path_is(&bench, "mend:mended = done");
}

/* --- the bundle --------------------------------------------------------- */

Test(run, RN4_N8_a_run_does_not_go_on_with_another_bundle) {
    struct run_options options = {.id = SUPPORT_RUN, .playbook = STR("heal")};
    struct err         err;

    add_scripts(NULL, NULL);
    bench_walk(&bench);
    bench_cut(&bench, 3);
    bench_script(&bench, "lib/edited.lua", "return {}");
    options.journal = bench.journal;
    options.bundle = bench.bundle;
    cr_expect_null(run_open(&options, &err));
    cr_expect_eq(err.code, ERR_CONFLICT);
    cr_expect(support_has(err.text, "began with bundle"), "%s", err.text);
}

Test(run, RN4_N8_the_bundle_is_in_the_first_record_and_in_the_audit) {
    add_scripts(NULL, NULL);
    bench_walk(&bench);
    cr_expect(
        str_is(json_find_text(bench_record(&bench, "started", 0), "bundle"),
               bundle_hash(bench.bundle)));
}

/* What a reload does while a run waits for an answer. */
static void swap_the_bundle(void *arg, const struct mode_ask *ask) {
    (void)arg;
    (void)ask;
    bundle_release(bench.bundle);
    bench.bundle = bundle_open(crypto_sha256, &bench.clock.clock);
    bench.spy->look = NULL;
}

Test(run, RN4_N8_a_run_ends_on_its_bundle_after_everybody_else_let_go_of_it) {
    add_scripts(ONE(LEADS, ""),
                MEND("run = function(ctx) ctx.aws('ecs:DescribeServices', {}) "
                     "return 'mended' end"));
    bench.spy->look = swap_the_bundle;
    bench_walk(&bench);
    bench_path_is(&bench, "mend:mended = done");
    cr_expect_eq(bundle_count(bench.bundle), 0);
}

/* --- writes that nobody knows the end of -------------------------------- */

#define DELETE                                                      \
    "run = function(ctx) ctx.aws('ecs:DeleteService', { service = " \
    "'api' }) return 'mended' end"

static void lose_the_delete(void) {
    bench.spy->faults[0] = (struct spy_fault){
        "aws:ecs:DeleteService", 1, ANSWER_UNKNOWN, ERR_TIMEOUT, true};
}

Test(run, RN5_an_unknown_write_leads_to_the_failed_route) {
    lose_the_delete();
    add_scripts(ONE(LEADS, ""), MEND(DELETE));
    bench_walk(&bench);
    bench_path_is(&bench, "mend:error tell:told = escalated");
    failed_with("unknown", "may or may not have been applied");
    cr_expect_eq(spy_count(bench.spy, "aws:ecs:DeleteService"), 1);
}

Test(run, RN5_an_unknown_write_leads_to_on_unknown_where_there_is_one) {
    lose_the_delete();
    add_scripts(ONE("next = { mended = 'done', lost = 'tell' }", ""),
                MEND("on_unknown = 'lost', " DELETE));
    bench_walk(&bench);
    bench_path_is(&bench, "mend:lost tell:told = escalated");
    cr_expect_eq(spy_count(bench.spy, "aws:ecs:DeleteService"), 1);
}

Test(run, RN5_neither_pcall_nor_try_nor_rerun_tries_it_once_more) {
    lose_the_delete();
    add_scripts(ONE(LEADS ", rerun = { times = 3, on = { 'unknown' } }", ""),
                MEND("run = function(ctx) for i = 1, 3 do ctx.try.aws("
                     "'ecs:DeleteService', {}) pcall(ctx.aws, "
                     "'ecs:DeleteService', {}) end return 'mended' end"));
    bench_walk(&bench);
    bench_path_is(&bench, "mend:error tell:told = escalated");
    cr_expect_eq(spy_count(bench.spy, "aws:ecs:DeleteService"), 1);
}

/* --- two repetitions that are not the same ------------------------------ */

#define WRITE_THEN_READ                                      \
    "run = function(ctx) ctx.aws('ecs:DeleteService', {})\n" \
    "ctx.aws('ecs:DescribeServices', {}) return 'mended' end"

static void throttle_reads(int times) {
    bench.spy->faults[0] =
        (struct spy_fault){"aws:ecs:DescribeServices", times, ANSWER_REFUSED,
                           ERR_THROTTLED, false};
}

Test(run, G4_a_throttled_read_behind_a_write_gives_exactly_one_write) {
    throttle_reads(3);
    add_scripts(ONE(LEADS, ""),
                MEND("retry = { times = 3, backoff = '1s', on = { 'throttled' "
                     "} }, " WRITE_THEN_READ));
    bench_walk(&bench);
    bench_path_is(&bench, "mend:mended = done");
    cr_expect_eq(spy_count(bench.spy, "aws:ecs:DeleteService"), 1);
    cr_expect_eq(spy_count(bench.spy, "aws:ecs:DescribeServices"), 4);
    cr_expect_eq(bench_count(&bench, "attempt"), 1);
}

Test(run, a_node_that_runs_again_does_so_over_the_same_slots) {
    throttle_reads(2);
    add_scripts(ONE(LEADS ", rerun = { times = 2, on = { 'throttled' } }",
                    "attempts = 1"),
                MEND("retry = { times = 0, on = {} }, " WRITE_THEN_READ));
    bench_walk(&bench);
    bench_path_is(&bench, "mend:mended = done");
    cr_expect_eq(spy_count(bench.spy, "aws:ecs:DeleteService"), 1);
    cr_expect_eq(spy_count(bench.spy, "aws:ecs:DescribeServices"), 3);
    cr_expect_eq(bench_count(&bench, "attempt"), 3);
    cr_expect_eq(bench_count(&bench, "reopen"), 2);
}

Test(run, a_node_runs_again_only_so_often_and_only_on_the_codes_named) {
    throttle_reads(9);
    add_scripts(ONE(LEADS ", rerun = { times = 1, on = { 'throttled' } }", ""),
                MEND("retry = { times = 0, on = {} }, " WRITE_THEN_READ));
    bench_walk(&bench);
    bench_path_is(&bench, "mend:error tell:told = escalated");
    cr_expect_eq(spy_count(bench.spy, "aws:ecs:DescribeServices"), 2);
}

/* --- rights and secrets ------------------------------------------------- */

Test(run, G3_what_a_node_did_not_declare_is_refused_and_recorded) {
    const struct json *record;

    add_scripts(ONE(LEADS, ""),
                MEND("run = function(ctx) ctx.aws('ecs:StopTask', { task = "
                     "'t' }) return 'mended' end"));
    bench_walk(&bench);
    bench_path_is(&bench, "mend:error tell:told = escalated");
    failed_with("denied", "aws:ecs:StopTask is not in this node's effects");
    cr_expect_eq(spy_count(bench.spy, "aws:ecs:StopTask"), 0);
    record = bench_record(&bench, "read", 0);
    cr_expect(str_is(json_find_text(record, "effect"), "aws:ecs:StopTask"));
}

Test(run, G5_N11_a_secret_in_an_answer_reaches_neither_script_nor_journal) {
    struct secrets *secrets = secret_open();
    struct json    *report;
    struct buf      all = BUF_EMPTY;

    secret_put(secrets, "X", STR("CANARY-0123456789"));
    redact_learn(bench.redact, secrets);
    secret_close(secrets);
    add_scripts(NULL, NULL);
    bench_walk(&bench);
    report = bench_report(&bench);
    json_write(report, &all);
    json_write(journal_records(bench.journal), &all);
    cr_expect_null(strstr(buf_text(&all), "CANARY"));
    cr_expect(
        str_is(json_find_text(
                   json_at(json_find(run_walk(bench.run)->outputs, "look"), 0),
                   "note"),
               "key [redacted]"));
    json_release(report);
    buf_release(&all);
}

/* --- divergence --------------------------------------------------------- */

Test(run, N7_another_question_than_the_recorded_one_stops_the_run) {
    struct json *started;

    add_scripts(NULL, NULL);
    started = support_json("{'kind': 'started', 'at': 0, 'incident': "
                           "{'labels': {'cluster': 'prod'}}}");
    json_put_text(started, "bundle", str_of(bundle_hash(bench.bundle)));
    json_put_int(started, "at", mode_now(bench.mode));
    journal_add(bench.journal, started, NULL, NULL, 0, NULL, NULL);
    journal_add(bench.journal,
                support_json("{'kind': 'visit', 'node': 'look', 'visit': 1, "
                             "'input': {'cluster': 'prod'}}"),
                NULL, NULL, 0, NULL, NULL);
    journal_add(bench.journal,
                support_json("{'kind': 'read', 'slot': "
                             "'look/0001/run/-/0001', 'effect': "
                             "'aws:ecs:DescribeServices', 'digest': 'other', "
                             "'args': {'cluster': 'elsewhere'}, 'answer': "
                             "{}}"),
                NULL, NULL, 0, NULL, NULL);
    loop_run(bench.loop);
    bench_walk(&bench);
    cr_expect(bench.failed);
    cr_expect_eq(bench.err.code, ERR_DIVERGED);
    cr_expect(support_has(bench.err.text, "{\"cluster\":\"elsewhere\"}"), "%s",
              bench.err.text);
    cr_expect(support_has(bench.err.text, "{\"cluster\":\"prod\"}"), "%s",
              bench.err.text);
    cr_expect_eq(json_count(bench.spy->acts), 0);
}

/* --- policies ----------------------------------------------------------- */

#define WITH_POLICY                                                     \
    ONE("policy = 'careful', next = { mended = 'done', lost = 'tell', " \
        "unsure = 'tell' }",                                            \
        "")

static void add_policy(const char *body) {
    struct buf text = BUF_EMPTY;

    buf_addf(&text,
             "return { about = 'x', adds = { 'unsure' }, decide = "
             "function(outcome, output, facts) %s end }",
             body);
    bench_script(&bench, "policies/careful.lua", buf_text(&text));
    buf_release(&text);
}

Test(run, N7_a_policy_turns_an_outcome_and_its_facts_are_journaled) {
    const struct json *noted, *step;

    add_scripts(WITH_POLICY, NULL);
    add_policy("return 'unsure', 'tried ' .. facts.attempts");
    bench_walk(&bench);
    bench_path_is(&bench, "mend:unsure tell:told = escalated");
    noted = bench_record(&bench, "policy", 0);
    support_is(json_find(noted, "facts"),
               "{'attempts': 1, 'limit': 3, 'tried': []}");
    support_is(json_find(noted, "result"), "['unsure', 'tried 1']");
    cr_expect_lt(bench_position(&bench, "policy", 0),
                 bench_position(&bench, "ended", 0));
    step = json_at(run_walk(bench.run)->path, 0);
    cr_expect(str_is(json_find_text(step, "asked"), "mended"));
    cr_expect(str_is(json_find_text(step, "reason"), "tried 1"));
}

Test(run, a_policy_that_agrees_changes_nothing) {
    add_scripts(WITH_POLICY, NULL);
    add_policy("return outcome");
    bench_walk(&bench);
    bench_path_is(&bench, "mend:mended = done");
    cr_expect_null(json_find(json_at(run_walk(bench.run)->path, 0), "asked"));
}

static void policy_fails(const char *body, const char *code) {
    add_scripts(WITH_POLICY, NULL);
    add_policy(body);
    bench_walk(&bench);
    bench_path_is(&bench, "mend:error tell:told = escalated");
    failed_with(code, "");
}

Test(run, a_policy_that_raises_leads_to_the_failed_route) {
    policy_fails("error('no idea')", "script");
}

Test(run, a_policy_with_a_word_that_has_no_edge_leads_to_the_failed_route) {
    policy_fails("return 'celebrate'", "contract");
}

Test(run, a_policy_that_says_nothing_leads_to_the_failed_route) {
    policy_fails("return nil", "contract");
}

/* --- waits -------------------------------------------------------------- */

/* Shows a deployment as done 50 seconds after the write. */
#define ROLLING                                                               \
    WORLD                                                                     \
    "{'match': {'effect': 'aws:ecs:DescribeServices', 'args': {'poll': 1}}, " \
    "'answer': {'done': false}}"                                              \
    "{'match': {'effect': 'aws:ecs:DescribeServices', 'args': {'poll': 1}}, " \
    "'after': {'write': 'aws:ecs:UpdateService', 'delay': '50s'}, 'answer': " \
    "{'done': true}}"
#define WAIT                                                                  \
    MEND("run = function(ctx, input)\n"                                       \
         "ctx.aws('ecs:UpdateService', { cluster = 'prod', service = 'api', " \
         "desiredCount = 4 })\n"                                              \
         "local ok, last = ctx.wait_for { ask = { "                           \
         "'aws:ecs:DescribeServices', { poll = 1 } }, every = '20s', within " \
         "= '5m', done = function(answer) return answer.done end }\n"         \
         "return ok and last.done and 'mended' or 'lost' end")

/* Walks a wait of four polls: at 0, 20, 40 and 60 seconds. */
static void walk_a_wait(int64_t park_after_ms, bool forgets) {
    bench_close(&bench);
    bench_open(&bench, ROLLING);
    bench.park_after_ms = park_after_ms;
    bench.forgets = forgets;
    add_scripts(ONE(LEADS, ""), WAIT);
    bench_walk(&bench);
    bench_path_is(&bench, "mend:mended = done");
    cr_expect_eq(spy_count(bench.spy, "aws:ecs:UpdateService"), 1);
    /* One more for the write's before-image. */
    cr_expect_eq(spy_count(bench.spy, "aws:ecs:DescribeServices"), 5);
    /* The first, and one for each answer that was not good. */
    cr_expect_eq(bench_count(&bench, "wait"), 4);
}

Test(run, a_wait_asks_until_the_script_is_content) {
    walk_a_wait(3600000, false);
    cr_expect_eq(bench_count(&bench, "attempt"), 1);
    cr_expect_eq(bench.parked, 0);
}

Test(run, N7_a_parked_wait_gets_the_same_answers_and_polls_no_more) {
    walk_a_wait(10000, false);
    cr_expect_eq(bench_count(&bench, "attempt"), 4);
    cr_expect_eq(bench.parked, 3);
}

Test(run, N7_a_wait_whose_run_was_closed_meanwhile_polls_no_more_either) {
    walk_a_wait(10000, true);
    cr_expect_eq(bench_count(&bench, "attempt"), 4);
    cr_expect_eq(bench.parked, 3);
}

static int64_t stored_records(void) {
    int64_t    length;
    struct err err;

    cr_assert(store_stream_length(bench.store, STR("main/journal/" SUPPORT_RUN),
                                  &length, &err));
    return length;
}

#define SLEEPS                                                \
    MEND("timeout = '50s', run = function(ctx) ctx.sleep(60)" \
         " return 'mended' end")

Test(run, RN6_a_run_is_parked_when_all_that_it_did_is_durable) {
    const struct json *parked;
    int64_t            began = mode_now(bench.mode);

    add_scripts(ONE(LEADS, ""), SLEEPS);
    bench_drive(&bench);
    cr_expect_eq(bench.due_ms, began + 60000);
    cr_expect_eq(mode_now(bench.mode), began, "somebody waited");
    cr_expect_eq(stored_records(), json_count(journal_records(bench.journal)));
    parked = bench_record(&bench, "parked", 0);
    cr_expect_eq(json_find_int(parked, "due", 0), began + 60000);
    cr_expect(str_is(json_find_text(parked, "node"), "mend"));
}

Test(run, RN6_a_parked_run_that_is_started_too_early_parks_again) {
    int64_t due;

    add_scripts(ONE(LEADS, ""), SLEEPS);
    bench_drive(&bench);
    due = bench.due_ms;
    bench_drive(&bench);
    cr_expect_eq(bench.due_ms, due);
    cr_expect_eq(bench_count(&bench, "wait"), 1);
    bench_walk(&bench);
    bench_path_is(&bench, "mend:mended = done");
    cr_expect_eq(mode_now(bench.mode), due);
}

/* Reads that take their time: 20 s before the wait, 20 s behind it. */
static void take_time(void *arg, const struct mode_ask *ask) {
    (void)ask;
    clock_virtual_advance((struct clock_virtual *)arg, 20000);
}

static void spend(const char *timeout, const char *path) {
    struct buf mend = BUF_EMPTY;

    buf_addf(&mend,
             MEND("timeout = '%s', run = function(ctx) local function look() "
                  "ctx.aws('ecs:DescribeServices', {}) end look() "
                  "ctx.sleep(600) look() ctx.now() return 'mended' end"),
             timeout);
    add_scripts(ONE(LEADS, ""), buf_text(&mend));
    bench.spy->look = take_time;
    bench.spy->arg = bench.spy->mode.clock;
    bench.forgets = true;
    bench_walk(&bench);
    bench_path_is(&bench, path);
    buf_release(&mend);
}

Test(run, RN6_time_spent_parked_is_not_the_nodes) {
    spend("50s", "mend:mended = done");
}

Test(run, RN6_what_it_spent_before_it_was_parked_is) {
    spend("30s", "mend:error tell:told = escalated");
    failed_with("timeout", "30000 ms");
}

/* The undo of what was written may wait as well. */
Test(run, RN6_an_undo_parks_and_goes_on) {
    bench.forgets = true;
    add_scripts("return { about = 'x', start = 'mend', failed = 'tell', nodes "
                "= { mend = { use = 'mend', with = { from = 2 }, next = { "
                "mended = 'undo' } }, tell = { use = 'escalation', with = { "
                "run = '$run' } } } }",
                "return { about = 'x', input = { from = 'integer' }, output "
                "= {}, outcomes = { 'mended' }, risk = 'low', effects = { "
                "'aws:ecs:UpdateService' }, run = function(ctx) "
                "ctx.aws('ecs:UpdateService', { cluster = 'prod', service = "
                "'api', desiredCount = 4 }) return 'mended' end, undo = "
                "function(ctx) ctx.sleep(60) ctx.aws('ecs:UpdateService', { "
                "cluster = 'prod', service = 'api', desiredCount = 2 }) "
                "ctx.sleep(60) return 'undone' end }");
    bench_walk(&bench);
    bench_path_is(&bench, "mend:mended undo:undone tell:told = escalated");
    cr_expect_eq(bench.parked, 2);
    cr_expect_eq(spy_writes(bench.spy), 3); /* and people were told */
}

Test(run, N7_a_parked_sleep_sleeps_once) {
    int64_t began = mode_now(bench.mode);

    add_scripts(ONE(LEADS, ""), MEND("run = function(ctx) ctx.sleep(60) "
                                     "ctx.aws('ecs:DeleteService', {}) "
                                     "ctx.sleep(60) return 'mended' end"));
    bench_walk(&bench);
    bench_path_is(&bench, "mend:mended = done");
    cr_expect_eq(mode_now(bench.mode) - began, 120000);
    cr_expect_eq(spy_count(bench.spy, "aws:ecs:DeleteService"), 1);
    cr_expect_eq(bench_count(&bench, "attempt"), 3);
    cr_expect_eq(bench_count(&bench, "wait"), 2);
}

/* --- cancelled ----------------------------------------------------------- */

static void cancel(void *arg) {
    (void)arg;
    run_cancel(bench.run);
}

static void cancel_later(void *arg) {
    loop_defer(bench.loop, cancel, arg);
}

static void cancel_inside(void *arg, const struct mode_ask *ask) {
    if (strcmp(ask->effect->name, arg) == 0)
        run_cancel(bench.run);
}

static void stopped_by_cancelling(void) {
    cr_expect(bench.failed);
    cr_expect_eq(bench.err.code, ERR_CANCELLED);
    cr_expect_eq(bench_count(&bench, "finished"), 0);
    cr_expect_eq(stored_records(), json_count(journal_records(bench.journal)));
}

Test(run, RN7_a_run_that_waits_in_memory_stops_at_once) {
    bench.park_after_ms = 3600000;
    add_scripts(ONE(LEADS, ""), SLEEPS);
    bench.spy->waits = cancel_later;
    bench_walk(&bench);
    stopped_by_cancelling();
    cr_expect_eq(bench_count(&bench, "result"), 0);
}

/* The write is heard out and recorded; what comes after it is not asked. */
Test(run, RN7_a_run_stops_behind_the_effect_that_has_begun) {
    add_scripts(ONE(LEADS, ""),
                MEND("run = function(ctx) ctx.aws('ecs:UpdateService', { "
                     "cluster = 'prod', service = 'api', desiredCount = 4 }) "
                     "ctx.aws('ecs:DeleteService', {}) return 'mended' end"));
    bench.spy->look = cancel_inside;
    bench.spy->arg = (void *)(uintptr_t) "aws:ecs:UpdateService";
    bench_walk(&bench);
    stopped_by_cancelling();
    cr_expect_eq(bench_count(&bench, "result"), 1);
    cr_expect_eq(spy_count(bench.spy, "aws:ecs:DeleteService"), 0);
}

Test(run, RN7_a_run_stops_before_its_next_node) {
    add_scripts(NULL, NULL);
    bench.spy->look = cancel_inside;
    bench.spy->arg = (void *)(uintptr_t) "aws:ecs:DescribeServices";
    bench_walk(&bench);
    stopped_by_cancelling();
    cr_expect_eq(bench_count(&bench, "ended"), 1);
    cr_expect_eq(bench_count(&bench, "visit"), 1);
}

Test(run, RN7_a_run_whose_walk_is_over_ends) {
    add_scripts(ONE(LEADS, ""), MEND(SCALE));
    bench.spy->look = cancel_inside;
    bench.spy->arg = (void *)(uintptr_t) "aws:ecs:UpdateService";
    bench_walk(&bench);
    cr_expect_not(bench.failed);
    bench_path_is(&bench, "mend:mended = done");
}

Test(run, RN7_a_parked_run_that_was_cancelled_does_not_go_on) {
    add_scripts(ONE(LEADS, ""), SLEEPS);
    bench_drive(&bench);
    run_cancel(bench.run);
    bench_again(&bench);
    stopped_by_cancelling();
    cr_expect_eq(bench_count(&bench, "attempt"), 1);
}

/* --- evidence that comes in meanwhile -------------------------------------- */

static void attach(void *arg, const struct mode_ask *ask) {
    (void)arg;
    if (effect_writes(ask->effect))
        run_attach(bench.run, support_json("{'fingerprint': 'f2'}"));
}

static void attached_is(const char *wanted) {
    struct json *service = json_new_map();
    struct json *scope = walk_scope(run_walk(bench.run), WALK_TRUNK, service);

    support_is(json_dig(scope, "incident", "attached", NULL), wanted);
    json_release(scope);
    json_release(service);
}

#define SHOWS                                                           \
    "return { about = 'x', start = 'mend', failed = 'tell', nodes = { " \
    "mend = { use = 'mend', with = { from = 2 }, next = { mended = "    \
    "'tell', lost = 'tell' } }, tell = { use = 'escalation', with = { " \
    "run = { failure = '$incident.attached' } } } } }"

Test(run, N7_what_is_attached_is_seen_by_the_next_node_and_after_a_cut) {
    json_put(bench.incident, "attached",
             support_json("[{'fingerprint': 'f1'}]"));
    add_scripts(SHOWS, MEND(SCALE));
    bench.spy->look = attach;
    bench_walk(&bench);
    support_is(json_dig(bench_record(&bench, "visit", 1), "input", "run",
                        "failure", NULL),
               "[{'fingerprint': 'f1'}, {'fingerprint': 'f2'}]");
    attached_is("[{'fingerprint': 'f1'}, {'fingerprint': 'f2'}, "
                "{'fingerprint': 'f2'}]");
    bench_cut(&bench, bench_position(&bench, "visit", 1));
    bench.spy->look = NULL;
    bench_walk(&bench);
    support_is(json_dig(bench_record(&bench, "visit", 1), "input", "run",
                        "failure", NULL),
               "[{'fingerprint': 'f1'}, {'fingerprint': 'f2'}]");
}

Test(run, what_comes_after_the_end_is_not_attached) {
    size_t records;

    add_scripts(ONE(LEADS, ""), MEND(SCALE));
    bench_walk(&bench);
    records = json_count(journal_records(bench.journal));
    run_attach(bench.run, support_json("{'fingerprint': 'f2'}"));
    cr_expect_eq(json_count(journal_records(bench.journal)), records);
}

Test(run, a_wait_that_does_not_come_ends_with_its_time) {
    int64_t began = mode_now(bench.mode);

    add_scripts(ONE(LEADS, ""),
                MEND("run = function(ctx) local ok = ctx.wait_for { ask = { "
                     "'aws:ecs:DescribeServices', {} }, every = '30s', within "
                     "= '2m', done = function() return false end } return ok "
                     "and 'mended' or 'lost' end"));
    bench_walk(&bench);
    bench_path_is(&bench, "mend:lost tell:told = escalated");
    cr_expect_eq(spy_count(bench.spy, "aws:ecs:DescribeServices"), 5);
    cr_expect_eq(mode_now(bench.mode) - began, 120000);
}

Test(run, a_wait_for_something_stable_begins_anew_when_it_flaps) {
    bench_close(&bench);
    bench_open(&bench,
               "{'match': {'effect': 'aws:*'}, 'answer': {'up': true}}"
               "{'match': {'effect': 'aws:*'}, 'after': {'time': '40s'}, "
               "'answer': {'up': false}}"
               "{'match': {'effect': 'aws:*'}, 'after': {'time': '60s'}, "
               "'answer': {'up': true}}");
    add_scripts(ONE(LEADS, ""),
                MEND("run = function(ctx) local ok = ctx.wait_for { ask = { "
                     "'aws:ecs:DescribeServices', {} }, every = '20s', within "
                     "= '5m', stable = '40s', done = function(a) return a.up "
                     "end } return ok and 'mended' or 'lost' end"));
    bench_walk(&bench);
    bench_path_is(&bench, "mend:mended = done");
    cr_expect_eq(spy_count(bench.spy, "aws:ecs:DescribeServices"), 6);
}

Test(run, a_poll_that_fails_raises_in_the_script_parked_or_not) {
    throttle_reads(99);
    add_scripts(ONE(LEADS, ""),
                MEND("run = function(ctx) local ok, e = ctx.try.wait_for { "
                     "ask = { 'aws:ecs:DescribeServices', {} }, every = "
                     "'30s', done = function() return false end } return e "
                     "and e.code == 'throttled' and 'lost' or 'mended' end"));
    bench_walk(&bench);
    bench_path_is(&bench, "mend:lost tell:told = escalated");
}

/* --- the lease ---------------------------------------------------------- */

static bool is_there(const char *key) {
    bool       found;
    struct err err;

    cr_assert(store_get(bench.store, str_of(key), NULL, NULL, &found, &err));
    return found;
}

Test(run, LE1_the_key_is_held_from_the_first_record_to_the_last) {
    struct lease lease, other;
    struct err   err;

    add_scripts(NULL, NULL);
    lease_begin(&lease, SUPPORT_RUN, STR("heal"),
                json_find(bench.incident, "key"), "hash", 0);
    bench.guard = (struct journal_guard){lease_writes, NULL, &lease};
    bench_walk(&bench);
    cr_expect(is_there("main/run/" SUPPORT_RUN));
    lease_begin(&other, "run_2", STR("heal"), json_find(bench.incident, "key"),
                "hash", 0);
    cr_expect(lease_check(&other, bench.store, &err), "%s", err.text);
    lease_release(&lease);
    lease_release(&other);
}

Test(run, LE1_a_run_whose_key_is_held_does_not_begin) {
    struct lease lease, other;
    struct err   err;

    add_scripts(NULL, NULL);
    lease_begin(&other, "run_2", STR("heal"), json_find(bench.incident, "key"),
                "hash", 0);
    cr_assert(store_batch(bench.store, other.first, 2, &err));
    lease_begin(&lease, SUPPORT_RUN, STR("heal"),
                json_find(bench.incident, "key"), "hash", 0);
    bench.guard = (struct journal_guard){lease_writes, NULL, &lease};
    bench_walk(&bench);
    cr_expect(bench.failed);
    cr_expect_eq(bench.err.code, ERR_CONFLICT);
    cr_expect_eq(json_count(bench.spy->acts), 0);
    lease_release(&lease);
    lease_release(&other);
}

/* --- dry runs ----------------------------------------------------------- */

static void walk_dry(enum mode_scenario scenario) {
    bench.mode =
        mode_dryrun_open(bench.loop, bench.spy->mode.clock, &bench.spy->mode);
    bench.scenario = scenario;
    add_scripts(NULL, NULL);
    bench_walk(&bench);
    cr_expect_eq(spy_writes(bench.spy), 0);
}

Test(run, N5_a_dry_run_reads_and_plans_and_sends_no_write) {
    struct json *report;

    walk_dry(ASSUME_WORKS);
    bench_path_is(&bench, "look:found mend:mended check:pass = done");
    report = bench_report(&bench);
    cr_expect(str_is(json_find_text(report, "verdict"), "assumed"));
    cr_expect_eq(json_count(json_find(report, "writes")), 1);
    json_release(report);
}

Test(run, N5_whatever_the_scenario_no_write_is_sent) {
    walk_dry(ASSUME_NO_EFFECT);
    bench_path_is(&bench,
                  "look:found mend:mended check:fail look:found mend:mended "
                  "check:fail look:found mend:error tell:told = escalated");
}

Test(run, N5_without_data_a_dry_run_hands_over) {
    walk_dry(ASSUME_NO_DATA);
    bench_path_is(&bench, "look:found mend:mended check:unknown tell:told = "
                          "escalated");
}
