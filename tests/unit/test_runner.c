/* test_runner.c - runs that begin, sleep, come back and end, many at once.
 *
 * The store is in memory and the world a fixture. What a run asks of the world
 * is where the tests look in; a sleep that parks is woken by the loop's own
 * timer, and the world's clock is moved to meet it.
 */
#include <string.h>

#include "graph/runner_private.h"
#include "graph/shelf.h"
#include "observe/trace.h"
#include "support.h"
#include "sys/crypto.h"
#include "sys/loop.h"
#include "sys/watchdog.h"

#define WORLD                                                           \
    "{'match': {'effect': 'prometheus:query'}, 'answer': {'value': 1}}" \
    "{'match': {'effect': 'notify:oncall'}, 'answer': {'status': 200}}"

#define PLAYBOOK(limits)                                               \
    "return { about = 'x', trigger = { source = 's' }, key = { "       \
    "'$incident.labels.service' }, start = 'look', limits = { " limits \
    " }, nodes = { look = { use = 'look', next = { found = 'done' } } } }"
#define NODE(body)                                                 \
    "return { about = 'x', outcomes = { 'found' }, risk = 'low', " \
    "effects = { 'prometheus:query', 'notify:oncall' }, "          \
    "run = function(ctx) " body " return 'found' end }"
#define ASK "ctx.prometheus('query', { query = 'up' }) "
#define TELL "ctx.notify('oncall', { title = 'help' }) "

struct scene {
    size_t               runs; /* that may be walked at once */
    struct bench         bench;
    struct watchdog     *watchdog;
    struct runner       *runner;
    struct runner_events events;
    struct buf           began, ended; /* words */
    struct json         *last;         /* the journal of who ended last */
    size_t               most, most_lane, most_vms, vm_bytes;
    bool                 stop_at_ask;
    const char          *cancel_at, *why; /* at this effect, for this reason */
    int                  count, turns;
    bool                 idle;
    void (*when_parked)(struct scene *scene);
};

static struct trace *spans; /* of every runner that is opened, or NULL */

static void began(void *arg, const char *run, struct str playbook,
                  struct log *log) {
    (void)run;
    (void)log;
    buf_addf(&((struct scene *)arg)->began, "%.*s ", STR_ARG(playbook));
}

static void ended(void *arg, const struct runner_end *end) {
    struct scene *scene = arg;

    buf_addf(&scene->ended, "%.*s ", STR_ARG(end->outcome));
    json_release(scene->last);
    scene->last = json_clone(end->records);
}

static void failed(void *arg, const struct err *err) {
    (void)arg;
    cr_assert(false, "%s", err->text);
}

static void cancel(struct scene *scene, const char *run) {
    struct err err;
    bool       found;

    cr_assert(
        incident_cancel(scene->bench.store, run, scene->why, &found, &err));
    cr_expect(found);
    cr_expect(runner_cancel(scene->runner, str_of(run), scene->why));
}

static void idle(void *arg) {
    ((struct scene *)arg)->idle = true;
}

/* Each time that a run asks the world. */
static void look(void *arg, const struct mode_ask *ask) {
    struct scene *scene = arg;

    if (scene->runner->walked > scene->most)
        scene->most = scene->runner->walked;
    if (runner_counts(scene->runner).vms > scene->most_vms)
        scene->most_vms = runner_counts(scene->runner).vms;
    if (scene->stop_at_ask) {
        scene->stop_at_ask = false;
        cr_expect_gt(runner_counts(scene->runner).vm_waiting, 0);
        runner_stop(scene->runner, idle, scene);
    }
    for (struct lane *lane = scene->runner->lanes; lane; lane = lane->next)
        if (lane->walked > scene->most_lane)
            scene->most_lane = lane->walked;
    if (scene->cancel_at && strcmp(ask->effect->name, scene->cancel_at) == 0) {
        scene->cancel_at = NULL;
        cancel(scene, "run_1");
    }
}

static void open_runner(struct scene *scene, size_t runs) {
    struct runner_options options = {
        .loop = scene->bench.loop,
        .queue = scene->bench.queue,
        .clock = scene->bench.mode->clock,
        .log = scene->bench.log,
        .watchdog = scene->watchdog,
        .redact = scene->bench.redact,
        .events = &scene->events,
        .arg = scene,
        .trace = spans,
    };

    scene->runs = runs;
    scene->runner = runner_open(&options);
}

static void use(struct scene *scene) {
    const struct runner_world world = {.bundle = scene->bench.bundle,
                                       .facts = scene->bench.config,
                                       .mode = scene->bench.mode,
                                       .runs = scene->runs,
                                       .vm_bytes = scene->vm_bytes,
                                       .park_after_ms = 1};
    struct err                err = {.text = ""};

    cr_assert(shelf_put(scene->bench.store, scene->bench.bundle, &err), "%s",
              err.text);
    runner_use(scene->runner, &world);
}

static void add(struct scene *scene, const char *path, const char *text) {
    struct err err;

    cr_assert(bundle_add(scene->bench.bundle, str_of(path), str_of(text), &err),
              "%s", err.text);
}

static void open_scene(struct scene *scene, size_t runs, const char *limits,
                       const char *node) {
    memset(scene, 0, sizeof *scene);
    bench_open(&scene->bench, WORLD);
    json_put(scene->bench.config, "channels", support_json("{'oncall': {}}"));
    scene->bench.spy->look = look;
    scene->bench.spy->arg = scene;
    scene->watchdog = watchdog_open();
    scene->events = (struct runner_events){began, ended, failed};
    add(scene, "playbooks/a.lua", limits);
    add(scene, "playbooks/b.lua", PLAYBOOK(""));
    add(scene, "nodes/look.lua", node);
    bundle_seal(scene->bench.bundle);
    open_runner(scene, runs);
    use(scene);
}

static void stop(struct scene *scene) {
    scene->idle = false;
    runner_stop(scene->runner, idle, scene);
    loop_run(scene->bench.loop);
    cr_expect(scene->idle);
    runner_close(scene->runner);
    scene->runner = NULL;
}

static void close_scene(struct scene *scene) {
    if (scene->runner)
        stop(scene);
    watchdog_close(scene->watchdog);
    json_release(scene->last);
    buf_release(&scene->began);
    buf_release(&scene->ended);
    bench_close(&scene->bench);
}

/* An incident whose run waits in the store, and in the runner. */
static void begin(struct scene *scene, const char *playbook) {
    struct json    *incident = support_json("{'labels': {'service': 'api'}}");
    struct json    *run_key = json_new_list();
    char            key[32];
    struct sighting s = {.source = STR("s"),
                         .firing = true,
                         .delivery = STR("dlv_1"),
                         .started_at = STR("2026-01-01T00:00:00Z"),
                         .at = SUPPORT_START,
                         .playbook = str_of(playbook)};
    struct err      err;

    (void)snprintf(key, sizeof key, "k%d", ++scene->count);
    (void)snprintf(s.run, sizeof s.run, "run_%d", scene->count);
    (void)snprintf(s.id, sizeof s.id, "inc_%d", scene->count);
    json_append_text(run_key, str_of(key));
    json_put(incident, "key", json_retain(run_key));
    json_put_int(incident, "started_ms", SUPPORT_START);
    s.key = str_of(key);
    s.run_key = run_key;
    s.incident = incident;
    cr_assert(incident_see(scene->bench.store, &s, &err), "%s", err.text);
    cr_assert_eq(s.fate, SIGHTING_BEGUN);
    json_put_text(incident, "id", str_of(s.id));
    runner_add(scene->runner, str_of(s.run), str_of(playbook), s.due, incident);
    json_release(run_key);
    json_release(incident);
}

static void recover(struct scene *scene, const char *run) {
    struct json *open = NULL, *entry = NULL;
    struct err   err;

    cr_assert(incident_take(scene->bench.store, run, &open, &entry, &err));
    cr_assert(open, "%s is not open", run);
    runner_recover(scene->runner, str_of(run), open);
    json_release(open);
    json_release(entry);
}

static size_t count(const struct scene *scene, const char *kind) {
    size_t found = 0;

    for (size_t i = 0; i < json_count(scene->last); i++)
        found += str_is(json_find_text(json_at(scene->last, i), "kind"), kind);
    return found;
}

/* Looks each turn whether somebody is parked. */
static void poll_parked(void *arg) {
    struct scene *scene = arg;

    if (runner_counts(scene->runner).parked)
        scene->when_parked(scene);
    else
        loop_defer(scene->bench.loop, poll_parked, scene);
}

static void await_parked(struct scene *scene,
                         void (*when_parked)(struct scene *scene)) {
    scene->when_parked = when_parked;
    loop_defer(scene->bench.loop, poll_parked, scene);
    loop_run(scene->bench.loop);
}

static void time_passes(struct scene *scene, int64_t ms) {
    clock_virtual_advance((struct clock_virtual *)scene->bench.mode->clock, ms);
}

/* --- RU1 ----------------------------------------------------------------- */

static void stop_now(struct scene *scene) {
    runner_stop(scene->runner, idle, scene);
}

static void change_scripts(struct scene *scene) {
    bundle_release(scene->bench.bundle);
    scene->bench.bundle = bundle_open(crypto_sha256, &scene->bench.clock.clock);
    add(scene, "playbooks/a.lua", PLAYBOOK(""));
    add(scene, "nodes/look.lua", NODE(TELL TELL));
    bundle_seal(scene->bench.bundle);
}

Test(runner, RU1_N8_an_unfinished_run_goes_on_after_a_restart_as_it_began) {
    struct scene scene;

    open_scene(&scene, 4, PLAYBOOK(""), NODE(ASK "ctx.sleep(3600) " ASK));
    begin(&scene, "a");
    await_parked(&scene, stop_now);
    cr_assert(scene.idle);
    cr_expect_eq(scene.ended.len, 0);
    runner_close(scene.runner);
    change_scripts(&scene);
    time_passes(&scene, 3600000);
    open_runner(&scene, 4);
    use(&scene);
    recover(&scene, "run_1");
    loop_run(scene.bench.loop);
    cr_expect_str_eq(buf_text(&scene.ended), "done ");
    cr_expect_eq(spy_count(scene.bench.spy, "prometheus:query"), 2);
    cr_expect_eq(spy_count(scene.bench.spy, "notify:oncall"), 0);
    close_scene(&scene);
}

/* --- RU2 ----------------------------------------------------------------- */

static void nothing_more(struct scene *scene) {
    const struct entry *entry = map_find(&scene->runner->entries, STR("run_1"));

    cr_assert(entry);
    cr_expect_eq(entry->state, ENTRY_PARKED);
    cr_expect_null(entry->live);
    cr_expect_null(entry->incident);
    cr_expect_not_null(entry->timer);
    cr_expect_eq(runner_counts(scene->runner).running, 0);
    cr_expect_eq(runner_counts(scene->runner).waiting, 0);
    cr_expect_eq(spy_count(scene->bench.spy, "prometheus:query"), 1);
    time_passes(scene, 20);
}

Test(runner, RU2_a_parked_run_is_an_entry_and_a_timer_that_wakes_it) {
    struct scene scene;

    open_scene(&scene, 4, PLAYBOOK(""), NODE(ASK "ctx.sleep(0.02) " ASK));
    begin(&scene, "a");
    await_parked(&scene, nothing_more);
    cr_expect_str_eq(buf_text(&scene.ended), "done ");
    cr_expect_eq(spy_count(scene.bench.spy, "prometheus:query"), 2);
    cr_expect_eq(scene.runner->entries.count, 0);
    cr_expect_eq(runner_counts(scene.runner).parked, 0);
    close_scene(&scene);
}

/* --- RU3 ----------------------------------------------------------------- */

Test(runner, RU3_no_more_are_walked_at_once_than_allowed_among_all) {
    struct scene scene;

    open_scene(&scene, 3, PLAYBOOK(""), NODE(ASK ASK));
    for (int i = 0; i < 10; i++)
        begin(&scene, i % 2 ? "a" : "b");
    loop_run(scene.bench.loop);
    cr_expect_eq(scene.most, 3);
    cr_expect_eq(spy_count(scene.bench.spy, "prometheus:query"), 20);
    cr_expect_eq(runner_counts(scene.runner).waiting, 0);
    close_scene(&scene);
}

Test(runner, RU3_another_limit_counts_from_the_next_beginning_on) {
    struct scene scene;

    open_scene(&scene, 3, PLAYBOOK(""), NODE(ASK ASK));
    scene.runs = 1;
    use(&scene);
    for (int i = 0; i < 4; i++)
        begin(&scene, "a");
    loop_run(scene.bench.loop);
    cr_expect_eq(scene.most, 1);
    close_scene(&scene);
}

Test(runner, RU3_no_more_of_a_playbook_than_it_allows_hold_up_no_other) {
    struct scene scene;

    open_scene(&scene, 5, PLAYBOOK("runs = 2"), NODE(ASK ASK));
    for (int i = 0; i < 6; i++)
        begin(&scene, "a");
    loop_run(scene.bench.loop);
    cr_expect_eq(scene.most, 2);
    scene.most_lane = 0;
    for (int i = 0; i < 6; i++)
        begin(&scene, "a");
    begin(&scene, "b");
    begin(&scene, "b");
    loop_run(scene.bench.loop);
    cr_expect_eq(scene.most, 4);
    cr_expect_eq(scene.most_lane, 2);
    cr_expect_eq(spy_count(scene.bench.spy, "prometheus:query"), 28);
    close_scene(&scene);
}

Test(runner, RU3_playbooks_take_turns_however_many_wait_of_one) {
    struct scene scene;

    open_scene(&scene, 1, PLAYBOOK(""), NODE(ASK));
    for (int i = 0; i < 5; i++)
        begin(&scene, "a");
    begin(&scene, "b");
    begin(&scene, "b");
    loop_run(scene.bench.loop);
    cr_expect_str_eq(buf_text(&scene.began), "a b a b a a a ");
    close_scene(&scene);
}

/* --- RU6 ----------------------------------------------------------------- */

Test(runner, RU6_an_attempt_waits_until_the_vms_have_room) {
    struct scene scene;

    open_scene(&scene, 10, PLAYBOOK(""), NODE(ASK ASK));
    scene.vm_bytes = 1; /* one VM is more than that */
    use(&scene);
    for (int i = 0; i < 8; i++)
        begin(&scene, i % 2 ? "a" : "b");
    loop_run(scene.bench.loop);
    cr_expect_eq(scene.most, 8);
    cr_expect_eq(scene.most_vms, 1);
    cr_expect_eq(spy_count(scene.bench.spy, "prometheus:query"), 16);
    cr_expect_eq(runner_counts(scene.runner).vms, 0);
    cr_expect_eq(runner_counts(scene.runner).vm_bytes, 0);
    close_scene(&scene);
}

Test(runner, RU6_one_that_waits_for_room_goes_on_after_a_stop) {
    struct scene scene;

    open_scene(&scene, 10, PLAYBOOK(""), NODE(ASK));
    scene.vm_bytes = 1;
    use(&scene);
    for (int i = 0; i < 4; i++)
        begin(&scene, "a");
    scene.stop_at_ask = true;
    loop_run(scene.bench.loop);
    cr_expect(scene.idle);
    cr_expect_eq(runner_counts(scene.runner).vm_waiting, 0);
    runner_close(scene.runner);
    open_runner(&scene, 10);
    use(&scene);
    for (int i = 2; i <= 4; i++) { /* the first had asked its last */
        char run[16];

        (void)snprintf(run, sizeof run, "run_%d", i);
        recover(&scene, run);
    }
    loop_run(scene.bench.loop);
    cr_expect_eq(spy_count(scene.bench.spy, "prometheus:query"), 4);
    cr_expect_eq(runner_counts(scene.runner).waiting, 0);
    close_scene(&scene);
}

/* --- RU5 ----------------------------------------------------------------- */

Test(runner, RU5_N10_one_that_waits_ends_without_having_asked_anything) {
    struct scene scene;

    open_scene(&scene, 4, PLAYBOOK(""), NODE(ASK TELL));
    begin(&scene, "a");
    begin(&scene, "a");
    scene.why = "resolved";
    cancel(&scene, "run_1");
    scene.why = "operator";
    cancel(&scene, "run_2");
    loop_run(scene.bench.loop);
    cr_expect_str_eq(buf_text(&scene.ended), "recovered cancelled ");
    cr_expect_eq(json_count(scene.bench.spy->acts), 0);
    cr_expect_not(runner_cancel(scene.runner, STR("run_1"), "operator"));
    close_scene(&scene);
}

Test(runner, RU5_N10_one_that_reads_ends_before_its_first_write) {
    struct scene scene;

    open_scene(&scene, 4, PLAYBOOK(""), NODE(ASK TELL));
    scene.cancel_at = "prometheus:query";
    scene.why = "resolved";
    begin(&scene, "a");
    loop_run(scene.bench.loop);
    cr_expect_str_eq(buf_text(&scene.ended), "recovered ");
    cr_expect_eq(spy_writes(scene.bench.spy), 0);
    cr_expect_eq(count(&scene, "intent"), 0);
    cr_expect_eq(count(&scene, "finished"), 1);
    close_scene(&scene);
}

Test(runner, RU5_a_write_that_is_under_way_is_recorded_before_the_end) {
    struct scene scene;

    open_scene(&scene, 4, PLAYBOOK(""), NODE(TELL TELL));
    scene.cancel_at = "notify:oncall";
    scene.why = "operator";
    begin(&scene, "a");
    loop_run(scene.bench.loop);
    cr_expect_str_eq(buf_text(&scene.ended), "cancelled ");
    cr_expect_eq(spy_writes(scene.bench.spy), 1);
    cr_expect_eq(count(&scene, "intent"), 1);
    cr_expect_eq(count(&scene, "result"), 1);
    close_scene(&scene);
}

static void cancel_first(struct scene *scene) {
    cancel(scene, "run_1");
}

Test(runner, RU5_one_that_is_parked_ends_at_once) {
    struct scene scene;

    open_scene(&scene, 4, PLAYBOOK(""), NODE(ASK "ctx.sleep(3600) " TELL));
    scene.why = "resolved";
    begin(&scene, "a");
    await_parked(&scene, cancel_first);
    cr_expect_str_eq(buf_text(&scene.ended), "recovered ");
    cr_expect_eq(spy_writes(scene.bench.spy), 0);
    close_scene(&scene);
}

/* --- what comes while a run is being read back ---------------------------- */

/* Parks a run, and opens another runner on other scripts that is about to read
 * it back. */
static void restart_parked(struct scene *scene) {
    open_scene(scene, 4, PLAYBOOK(""), NODE(ASK "ctx.sleep(3600) " ASK));
    begin(scene, "a");
    await_parked(scene, stop_now);
    runner_close(scene->runner);
    change_scripts(scene);
    time_passes(scene, 3600000);
    open_runner(scene, 4);
    use(scene);
    recover(scene, "run_1");
}

static void stop_later(void *arg) {
    stop_now(arg);
}

Test(runner, RU1_one_that_is_being_read_when_it_stops_is_left_as_it_is) {
    struct scene scene;

    restart_parked(&scene);
    scene.idle = false;
    loop_defer(scene.bench.loop, stop_later, &scene);
    loop_run(scene.bench.loop);
    cr_expect(scene.idle);
    cr_expect_eq(scene.ended.len, 0);
    cr_expect_eq(spy_count(scene.bench.spy, "prometheus:query"), 1);
    runner_close(scene.runner);
    open_runner(&scene, 4);
    use(&scene);
    recover(&scene, "run_1");
    loop_run(scene.bench.loop);
    cr_expect_str_eq(buf_text(&scene.ended), "done ");
    close_scene(&scene);
}

static void cancel_in_some_turns(void *arg) {
    struct scene *scene = arg;

    if (scene->turns-- > 0)
        loop_defer(scene->bench.loop, cancel_in_some_turns, scene);
    else
        cancel(scene, "run_1");
}

Test(runner, RU5_one_that_is_cancelled_while_it_is_read_is_not_walked) {
    struct scene scene;

    for (int turns = 0; turns < 3; turns++) {
        restart_parked(&scene);
        scene.turns = turns;
        scene.why = "operator";
        cancel_in_some_turns(&scene);
        loop_run(scene.bench.loop);
        cr_expect_str_eq(buf_text(&scene.ended), "cancelled ", "turn %d: %s",
                         turns, buf_text(&scene.ended));
        close_scene(&scene);
    }
}

/* --- spans --------------------------------------------------------------- */

static int told(struct buf *body, const char *name) {
    int count = 0;

    for (const char *at = buf_text(body); (at = strstr(at, name)); at++)
        count++;
    return count;
}

Test(runner, a_run_that_is_stopped_and_goes_on_has_each_span_once) {
    struct scene scene;
    struct buf   body = BUF_EMPTY;

    spans = trace_open(&(struct trace_options){.service = "x"});
    open_scene(&scene, 4, PLAYBOOK(""), NODE(ASK "ctx.sleep(3600) " ASK));
    begin(&scene, "a");
    await_parked(&scene, stop_now);
    runner_close(scene.runner);
    open_runner(&scene, 4);
    use(&scene);
    recover(&scene, "run_1");
    time_passes(&scene, 3600000);
    loop_run(scene.bench.loop);
    cr_expect_str_eq(buf_text(&scene.ended), "done ");
    (void)trace_batch(spans, 100, &body);
    cr_expect_eq(told(&body, "\"name\":\"run a\""), 1);
    cr_expect_eq(told(&body, "\"name\":\"node look\""), 1);
    cr_expect_eq(told(&body, "\"name\":\"attempt look\""), 2);
    cr_expect_eq(told(&body, "\"name\":\"parked look\""), 1);
    cr_expect_eq(told(&body, "\"name\":\"engine:sleep\""), 1);
    cr_expect_eq(told(&body, "\"name\":\"prometheus:query\""), 2);
    buf_release(&body);
    close_scene(&scene);
    trace_close(spans);
}

Test(runner, a_run_that_is_ended_without_being_walked_has_its_root) {
    struct scene scene;
    struct buf   body = BUF_EMPTY;

    spans = trace_open(&(struct trace_options){.service = "x"});
    open_scene(&scene, 4, PLAYBOOK(""), NODE(ASK "ctx.sleep(3600) " ASK));
    begin(&scene, "a");
    await_parked(&scene, stop_now);
    runner_close(scene.runner);
    open_runner(&scene, 4);
    use(&scene);
    runner_put_aside(scene.runner, STR("run_1"), STR("a"), "quarantined", "x");
    loop_run(scene.bench.loop);
    cr_expect_str_eq(buf_text(&scene.ended), "quarantined ");
    (void)trace_batch(spans, 100, &body);
    cr_expect_eq(told(&body, "\"name\":\"run a\""), 1);
    cr_expect_eq(told(&body, "\"name\":\"node look\""), 1);
    buf_release(&body);
    close_scene(&scene);
    trace_close(spans);
}
