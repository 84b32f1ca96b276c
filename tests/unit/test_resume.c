/* test_resume.c - a run cut behind any record goes on to the same end.
 *
 * One run of everything a run can do is walked without interruption. Then, for
 * each prefix of its journal, a fresh process reads that prefix back and goes
 * on, in a world where exactly what the prefix tells has happened. Of a write
 * with an intent and no result both are tried: that it reached the world, and
 * that it did not. Path, verdict, hand-over and the writes that the world has
 * seen must be those of the uninterrupted run.
 */
#include <criterion/criterion.h>

#include <string.h>

#include "support.h"
#include "sys/loop.h"

/* The service is well once it has 4 tasks and a deployment of its own. */
#define WORLD                                                                  \
    "{'match': {'effect': 'aws:ecs:DescribeServices'}, 'answer': "             \
    "{'services': "                                                            \
    "[{'desiredCount': 2, 'deployments': [{'id': 'd1'}]}]}}"                   \
    "{'match': {'effect': 'aws:ecs:DescribeServices'}, 'after': {'write': "    \
    "'aws:ecs:UpdateService', 'args': {'desiredCount': 4}}, 'answer': "        \
    "{'services': [{'desiredCount': 4, 'deployments': [{'id': 'd1'}]}]}}"      \
    "{'match': {'effect': 'aws:ecs:DescribeServices'}, 'after': {'write': "    \
    "'aws:ecs:UpdateService', 'args': {'forceNewDeployment': true}}, "         \
    "'answer': {'services': [{'desiredCount': 4, 'deployments': [{'id': "      \
    "'d2'}, {'id': 'd1'}]}]}}"                                                 \
    "{'match': {'effect': 'aws:ecs:DescribeServices'}, 'after': {'write': "    \
    "'aws:ecs:UpdateService', 'args': {'desiredCount': 2}}, 'answer': "        \
    "{'services': [{'desiredCount': 2, 'deployments': [{'id': 'd2'}, {'id': "  \
    "'d1'}]}]}}"                                                               \
    "{'match': {'effect': 'aws:ecs:UpdateService'}, 'answer': {'ok': true}}"   \
    "{'match': {'effect': 'aws:ecs:ListTasks'}, 'answer': {'settled': false}}" \
    "{'match': {'effect': 'aws:ecs:ListTasks'}, 'after': {'write': "           \
    "'aws:ecs:UpdateService', 'args': {'forceNewDeployment': true}, "          \
    "'delay': '50s'}, 'answer': {'settled': true}}"                            \
    "{'match': {'effect': 'aws:ecs:DescribeTasks'}, 'answer': {'n': 7}}"       \
    "{'match': {'effect': 'aws:ecs:DescribeTasks'}, 'times': 1, 'error': "     \
    "{'code': 'remote', 'text': 'a hiccup'}}"                                  \
    "{'match': {'effect': 'prometheus:query'}, 'answer': {'value': 1}}"        \
    "{'match': {'effect': 'notify:oncall'}, 'answer': {'status': 200}}"

#define PLAYBOOK                                                               \
    "return { about = 'x', start = 'look', failed = 'tell',\n"                 \
    "undone = 'tell', limits = { attempts = 2, deadline = '2h' }, nodes = {\n" \
    "look = { use = 'look', rerun = { times = 1, on = { 'remote' } },\n"       \
    "  policy = 'careful', next = { found = 'scale', unsure = 'tell' } },\n"   \
    "scale = { use = 'scale', with = { from = '$look.count' },\n"              \
    "  next = { scaled = 'renew' } },\n"                                       \
    "renew = { use = 'renew', next = { renewed = 'check', stuck = 'tell' } "   \
    "},\n"                                                                     \
    "check = { use = 'verification', next = { pass = 'done', worse = 'undo' "  \
    "} },\n"                                                                   \
    "tell = { use = 'escalation', with = { run = '$run' } } } }"

#define LOOK                                                               \
    "return { about = 'x', output = { count = 'integer', id = 'string' }," \
    "outcomes = { 'found' }, effects = { 'aws:ecs:DescribeServices', "     \
    "'aws:ecs:DescribeTasks' }, run = function(ctx)\n"                     \
    "local id = ctx.uuid()\n"                                              \
    "local s = ctx.aws('ecs:DescribeServices', {}).services[1]\n"          \
    "ctx.aws('ecs:DescribeTasks', {})\n"                                   \
    "return 'found', { count = s.desiredCount, id = id } end }"

#define POLICY                                                                 \
    "return { about = 'x', adds = { 'unsure' }, decide = function(o, output, " \
    "facts) return o, 'tried ' .. facts.attempts end }"

#define SCALE                                                              \
    "return { about = 'x', input = { from = 'integer' }, output = {}, "    \
    "outcomes = { 'scaled' }, risk = 'low', effects = { "                  \
    "'aws:ecs:UpdateService' },\n"                                         \
    "run = function(ctx, input) ctx.aws('ecs:UpdateService', { cluster = " \
    "'prod', service = 'api', desiredCount = 2 * input.from }) return "    \
    "'scaled' end,\n"                                                      \
    "undo = function(ctx, input, state) local w = state.writes[1]\n"       \
    "ctx.aws('ecs:UpdateService', { cluster = 'prod', service = 'api', "   \
    "desiredCount = w.before.services[1].desiredCount }) return 'undone' " \
    "end }"

#define RENEW                                                                \
    "return { about = 'x', output = {}, outcomes = { 'renewed', 'stuck' }, " \
    "risk = 'low', irreversible = true, effects = { "                        \
    "'aws:ecs:UpdateService', 'aws:ecs:ListTasks' },\n"                      \
    "run = function(ctx) ctx.aws('ecs:UpdateService', { cluster = 'prod', "  \
    "service = 'api', forceNewDeployment = true })\n"                        \
    "ctx.sleep(5)\n"                                                         \
    "local ok = ctx.wait_for { ask = { 'aws:ecs:ListTasks', {} }, every = "  \
    "'20s', within = '5m', done = function(a) return a.settled end }\n"      \
    "ctx.sleep(60)\n"                                                        \
    "return ok and 'renewed' or 'stuck' end }"

#define CHECK                                                                 \
    "return { about = 'x', outcomes = { 'pass', 'worse' }, effects = { "      \
    "'prometheus:query' }, run = function(ctx)\n"                             \
    "return ctx.prometheus('query', { query = 'up' }).value == 0 and 'pass' " \
    "or 'worse' end }"

#define TELL                                                                \
    "return { about = 'x', input = { run = 'map' }, output = { handover = " \
    "'map' }, outcomes = { 'told' }, effects = {}, run = function(ctx, "    \
    "input) return 'told', { handover = { attempts = input.run.attempts, "  \
    "id = input.run.id, steps = #input.run.path } } end }"

/* Writes, and then does not know how to go on; once more, and once too often.
 */
#define FAILS_PLAYBOOK                                                       \
    "return { about = 'x', start = 'scale', failed = 'tell', limits = { "    \
    "attempts = 1 }, nodes = { scale = { use = 'scale', with = { from = 2 "  \
    "}, next = { scaled = 'check' } }, check = { use = 'verification', next" \
    " = { pass = 'done', worse = 'stumble' } }, stumble = { use = "          \
    "'stumble', next = { ok = 'scale' } }, tell = { use = 'escalation', "    \
    "with = { run = '$run' } } } }"
#define STUMBLE                                                          \
    "return { about = 'x', outcomes = { 'ok' }, effects = { "            \
    "'aws:ecs:ListTasks' }, run = function(ctx)\n"                       \
    "local ok, e = pcall(ctx.aws, 'ecs:StopTask', {})\n"                 \
    "local a, b = ctx.try.aws('ecs:RunTask', {})\n"                      \
    "local c, d = pcall(ctx.aws, 'ecs:ListTasks', { 1 })\n"              \
    "ctx.aws('ecs:ListTasks', { e = e.code, b = b.code, d = d.code })\n" \
    "return 'ok' end }"
#define TELL_PEOPLE                                                         \
    "return { about = 'x', input = { run = 'map' }, output = { handover = " \
    "'map' }, outcomes = { 'told' }, effects = { 'notify:oncall' }, run = " \
    "function(ctx, input) ctx.notify('oncall', { title = 'help' })\n"       \
    "return 'told', { handover = input.run.failure } end }"

/* Two branches that take different times, one of which asks three things at
 * once and one of which is parked in between. */
#define FORK_PLAYBOOK                                                         \
    "return { about = 'x', start = { all = { 'many', 'slow' }, join = "       \
    "'scale' }, failed = 'tell', limits = { attempts = 1 }, nodes = {\n"      \
    "many = { use = 'many', next = { found = 'scale' } },\n"                  \
    "slow = { use = 'slow', next = { ready = 'look', late = 'tell' } },\n"    \
    "look = { use = 'look', rerun = { times = 1, on = { 'remote' } },\n"      \
    "  policy = 'careful', next = { found = 'scale', unsure = 'tell' } },\n"  \
    "scale = { use = 'scale', with = { from = '$look.count' },\n"             \
    "  next = { scaled = 'check' } },\n"                                      \
    "check = { use = 'verification', next = { pass = 'done', worse = 'tell' " \
    "} },\n"                                                                  \
    "tell = { use = 'escalation', with = { run = '$run' } } } }"
#define MANY                                                                 \
    "return { about = 'x', output = { n = 'integer', refused = 'string' }, " \
    "outcomes = { 'found' }, effects = { 'aws:ecs:ListTasks', "              \
    "'prometheus:query' }, run = function(ctx)\n"                            \
    "local some, errors = ctx.try.all { up = { 'prometheus:query', { query " \
    "= 'up' } }, tasks = { 'aws:ecs:ListTasks', { of = 1 } }, no = { "       \
    "'aws:ecs:ListClusters', {} } }\n"                                       \
    "local all = ctx.all { { 'prometheus:query', { query = 'down' } } }\n"   \
    "return 'found', { n = some.up.value + all[1].value, refused = "         \
    "errors.no.code } end }"
#define SLOW                                                                  \
    "return { about = 'x', outcomes = { 'ready', 'late' }, effects = { "      \
    "'aws:ecs:ListTasks' }, run = function(ctx)\n"                            \
    "ctx.sleep(30) ctx.aws('ecs:ListTasks', {}) ctx.sleep(60) return 'ready'" \
    " end }"

static const struct story {
    const char *playbook, *tell, *path;
    int         writes;
} heals = {PLAYBOOK, TELL,
           "look:found scale:scaled renew:renewed check:worse undo:undone "
           "tell:told = escalated",
           3},
  fails = {FAILS_PLAYBOOK, TELL_PEOPLE,
           "scale:scaled check:worse stumble:ok scale:error tell:told = "
           "escalated",
           2},
  forks = {FORK_PLAYBOOK, TELL,
           "many:found slow:ready look:found scale:scaled check:worse "
           "tell:told = escalated",
           1};

static void open_scripts(struct bench *bench, const struct story *story) {
    bench_open(bench, WORLD);
    json_put(bench->config, "channels", support_json("{'oncall': {}}"));
    bench_script(bench, "playbooks/heal.lua", story->playbook);
    bench_script(bench, "nodes/look.lua", LOOK);
    bench_script(bench, "policies/careful.lua", POLICY);
    bench_script(bench, "nodes/scale.lua", SCALE);
    bench_script(bench, "nodes/renew.lua", RENEW);
    bench_script(bench, "nodes/stumble.lua", STUMBLE);
    bench_script(bench, "nodes/many.lua", MANY);
    bench_script(bench, "nodes/slow.lua", SLOW);
    bench_script(bench, "nodes/verification.lua", CHECK);
    bench_script(bench, "nodes/escalation.lua", story->tell);
}

/* What must not depend on where a run was cut. */
static void write_story(struct bench *bench, const struct json *seen,
                        struct buf *out) {
    static const char *const parts[] = {"outcome", "verdict", "handover",
                                        "undone"};
    struct json             *report = bench_report(bench);
    const struct json       *writes = json_find(report, "writes");

    bench_path(bench, out);
    for (size_t i = 0; i < sizeof parts / sizeof *parts; i++) {
        const struct json *part = json_find(report, parts[i]);

        buf_addf(out, "\n%s ", parts[i]);
        if (str_is(str_of(parts[i]), "undone"))
            buf_addf(out, "%zu", json_count(part));
        else if (part)
            json_write(part, out);
    }
    for (size_t i = 0; i < json_count(writes); i++) {
        const struct json *write = json_at(writes, i);

        buf_addf(out, "\nplanned %.*s ",
                 STR_ARG(json_find_text(write, "slot")));
        json_write(json_find(write, "request"), out);
    }
    for (size_t i = 0; i < json_count(seen); i++) {
        buf_add_text(out, "\nseen ");
        json_write(json_at(seen, i), out);
    }
    json_release(report);
}

/* People may be told twice after a crash; a write must not happen twice. */
static bool counts(const struct json *act) {
    return json_truth(json_find(act, "writes")) &&
           !str_starts(json_find_text(act, "effect"), "notify:");
}

static void add_seen(const struct bench *bench, struct json *seen) {
    for (size_t i = 0; i < json_count(bench->spy->acts); i++) {
        const struct json *act = json_at(bench->spy->acts, i);

        if (counts(act))
            json_append(seen, json_clone(json_find(act, "args")));
    }
}

/* --- the world as a prefix tells it ------------------------------------- */

static void nothing(void *arg, struct answer *answer) {
    (void)arg;
    if (answer->fate == ANSWER_GIVEN)
        json_release(answer->value);
}

static bool has_result(const struct json *records, size_t count,
                       struct str slot) {
    for (size_t i = 0; i < count; i++)
        if (str_is(json_find_text(json_at(records, i), "kind"), "result") &&
            str_equal(json_find_text(json_at(records, i), "slot"), slot))
            return true;
    return false;
}

/* Lets the world see the recorded question, as it did before the crash. */
static void ask_world(struct bench *bench, const struct json *record,
                      struct json *seen) {
    struct str name,
        kind = str_cut(json_find_text(record, "effect"), ':', &name);
    struct json    *question = json_new_list();
    struct mode    *world = bench->spy->inner;
    struct effect   effect;
    struct mode_ask ask = {.effect = &effect, .before = NULL, .token = ""};
    struct err      err;

    json_append_text(question, STR(""));
    json_append_text(question, kind);
    json_append_text(question, name);
    json_append(question, json_clone(json_find(record, "args")));
    cr_assert(effect_make(&effect, question, bench->config, &err));
    world->ops->act(world, &ask, nothing, NULL);
    loop_run(bench->loop);
    if (effect_writes(&effect) && effect.class != EFFECT_NOTIFY)
        json_append(seen, json_clone(effect.args));
    effect_release(&effect);
    json_release(question);
}

static void replay_world(struct bench *bench, const struct json *records,
                         size_t count, bool applied, struct json *seen) {
    for (size_t i = 0; i < count; i++) {
        const struct json *record = json_at(records, i);
        struct str         kind = json_find_text(record, "kind");
        bool engine = str_starts(json_find_text(record, "effect"), "engine:");

        bench->spy->inner->ops->until(
            bench->spy->inner, json_find_int(record, "at", 0), nothing, NULL);
        loop_run(bench->loop);
        if (str_is(kind, "intent") &&
            (applied ||
             has_result(records, count, json_find_text(record, "slot"))))
            ask_world(bench, record, seen);
        else if (str_is(kind, "read") && !engine &&
                 str_is(json_find_text(record, "class"), "read"))
            ask_world(bench, record, seen);
    }
}

/* --- the property ------------------------------------------------------- */

static void goes_on(const struct story *kind, const struct json *records,
                    size_t count, bool applied, const char *story) {
    struct bench bench;
    struct json *seen = json_new_list();
    struct buf   told = BUF_EMPTY;

    open_scripts(&bench, kind);
    for (size_t i = 0; i < count; i++)
        journal_add(bench.journal, json_clone(json_at(records, i)), NULL, NULL,
                    0, NULL, NULL);
    loop_run(bench.loop);
    bench_cut(&bench, count);
    replay_world(&bench, records, count, applied, seen);
    bench_walk(&bench);
    cr_assert_not(bench.failed, "cut after %zu: %s", count, bench.err.text);
    add_seen(&bench, seen);
    write_story(&bench, seen, &told);
    cr_expect_str_eq(
        buf_text(&told), story,
        "cut after %zu records (%.*s), %s:"
        "\n%s\n--- and not\n%s",
        count, STR_ARG(json_find_text(json_at(records, count - 1), "kind")),
        applied ? "applied" : "not applied", buf_text(&told), story);
    bench_close(&bench);
    json_release(seen);
    buf_release(&told);
}

static struct json *walk_through(const struct story *kind, struct buf *story) {
    struct bench bench;
    struct json *records, *seen = json_new_list();

    open_scripts(&bench, kind);
    bench_walk(&bench);
    add_seen(&bench, seen);
    write_story(&bench, seen, story);
    records = json_clone(journal_records(bench.journal));
    bench_path_is(&bench, kind->path);
    cr_expect_eq(spy_writes(bench.spy), kind->writes);
    bench_close(&bench);
    json_release(seen);
    return records;
}

static void from_every_record(const struct story *kind) {
    struct buf   story = BUF_EMPTY;
    struct json *records = walk_through(kind, &story);

    for (size_t count = 1; count <= json_count(records); count++) {
        goes_on(kind, records, count, true, buf_text(&story));
        goes_on(kind, records, count, false, buf_text(&story));
    }
    json_release(records);
    buf_release(&story);
}

Test(resume, N7_RN2_a_run_that_is_undone_goes_on_from_every_record) {
    from_every_record(&heals);
}

/* Each time that it is parked its object is closed, as in the service. */
Test(resume, N7_a_run_that_is_opened_anew_whenever_it_is_due_ends_the_same) {
    struct bench bench;
    struct buf   story = BUF_EMPTY, told = BUF_EMPTY;
    struct json *records = walk_through(&heals, &story);
    struct json *seen = json_new_list();

    open_scripts(&bench, &heals);
    bench.forgets = true;
    bench_walk(&bench);
    add_seen(&bench, seen);
    write_story(&bench, seen, &told);
    cr_expect_str_eq(buf_text(&told), buf_text(&story));
    cr_expect_eq(bench.parked, 4);
    cr_expect_eq(json_count(journal_records(bench.journal)),
                 json_count(records));
    bench_close(&bench);
    json_release(records);
    json_release(seen);
    buf_release(&story);
    buf_release(&told);
}

Test(resume, N7_RN2_a_run_that_fails_goes_on_from_every_record) {
    from_every_record(&fails);
}

Test(resume, N7_RN8_TG2_a_fork_goes_on_from_every_record) {
    from_every_record(&forks);
}

Test(resume, WK1_a_run_that_is_over_is_over_when_it_is_read_back) {
    struct bench bench;

    open_scripts(&bench, &heals);
    bench_walk(&bench);
    bench_cut(&bench, json_count(journal_records(bench.journal)));
    bench_walk(&bench);
    cr_expect_not(bench.failed);
    bench_path_is(&bench, heals.path);
    cr_expect_eq(bench_count(&bench, "finished"), 1);
    cr_expect_eq(spy_writes(bench.spy), 3);
    bench_close(&bench);
}

/* It dies again and again, one record further each time. */
Test(resume, N7_a_run_that_dies_behind_every_record_still_arrives) {
    struct bench bench;
    struct buf   path = BUF_EMPTY;
    size_t       count = 1;

    open_scripts(&bench, &heals);
    bench_walk(&bench);
    while (count <= json_count(journal_records(bench.journal)) && count < 400) {
        bench_cut(&bench, count);
        bench_walk(&bench);
        cr_assert_not(bench.failed, "%zu: %s", count, bench.err.text);
        count++;
    }
    bench_path(&bench, &path);
    cr_expect(support_has(buf_text(&path), "tell:told = escalated"), "%s",
              buf_text(&path));
    cr_expect_eq(bench_count(&bench, "finished"), 1);
    bench_close(&bench);
    buf_release(&path);
}

static size_t first_intent(const struct json *records) {
    size_t at = 0;

    while (!str_is(json_find_text(json_at(records, at), "kind"), "intent"))
        at++;
    return at;
}

/* However late it is: nobody may be left to guess whether it was applied. */
Test(resume, N6_a_write_is_resolved_though_the_deadline_has_passed) {
    struct buf         story = BUF_EMPTY;
    struct json       *records = walk_through(&heals, &story);
    struct json       *seen = json_new_list();
    size_t             at = first_intent(records);
    const struct json *intent = json_at(records, at);
    struct bench       bench;

    open_scripts(&bench, &heals);
    for (size_t i = 0; i <= at; i++)
        journal_add(bench.journal, json_clone(json_at(records, i)), NULL, NULL,
                    0, NULL, NULL);
    loop_run(bench.loop);
    bench_cut(&bench, at + 1);
    replay_world(&bench, records, at + 1, true, seen);
    bench.spy->inner->ops->until(bench.spy->inner,
                                 json_find_int(intent, "at", 0) + 3 * 3600000,
                                 nothing, NULL);
    loop_run(bench.loop);
    bench_walk(&bench);
    cr_expect(has_result(journal_records(bench.journal),
                         json_count(journal_records(bench.journal)),
                         json_find_text(intent, "slot")));
    cr_expect_eq(spy_writes(bench.spy), 0, "it was sent once more");
    bench_close(&bench);
    json_release(records);
    json_release(seen);
    buf_release(&story);
}
