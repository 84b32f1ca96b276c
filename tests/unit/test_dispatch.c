/* test_dispatch.c - what becomes of each delivery, however bad its source is.
 *
 * Real sources in a real bundle, a store in memory; what the dispatcher tells
 * is written down as words.
 */
#include <pthread.h>
#include <string.h>

#include "base/mem.h"
#include "serve/dispatch.h"
#include "store/ledger.h"
#include "support.h"
#include "sys/loop.h"
#include "sys/watchdog.h"

#define GOOD                                                                  \
    "return { about = 'x', occurrences = function(request) local list = {} "  \
    "for i = 1, request.body.count do list[i] = { key = 'k' .. request.body." \
    "first + i, status = 'firing', started_at = '2026-01-01T00:00:00Z', "     \
    "labels = { service = 's' .. request.body.first + i } } end return list " \
    "end }"
#define SOURCE(body) \
    "return { about = 'x', occurrences = function(request) " body " end }"
#define PLAYBOOK                                                              \
    "return { about = 'x', trigger = { source = 'good' }, key = { "           \
    "'$incident.labels.service' }, start = 'look', nodes = { look = { use = " \
    "'look', next = { found = 'done' } } } }"

struct scene {
    struct bench           bench;
    struct watchdog       *watchdog;
    struct routes         *routes;
    struct dispatch       *dispatch;
    struct dispatch_events events;
    struct buf             reads; /* "good+ bad- " */
    int                    fates[SIGHTING_BEGUN + 1], begun, cancelled;
    int                    stop_after; /* sightings; 0: never */
    bool                   idle;
};

static void idle(void *arg) {
    ((struct scene *)arg)->idle = true;
}

static int64_t counted(struct scene *scene) {
    struct ledger ledger;
    struct err    err;

    cr_assert(ledger_read(scene->bench.store, &ledger, &err));
    return ledger.seen;
}

static void seen(void *arg, struct str source, enum sighting_fate fate) {
    struct scene *scene = arg;
    int           all = 0;

    (void)source;
    scene->fates[fate]++;
    for (int i = 0; i <= SIGHTING_BEGUN; i++)
        all += scene->fates[i];
    if (all == scene->stop_after)
        dispatch_stop(scene->dispatch, idle, scene);
}

static void begun(void *arg, const char *run, struct str playbook,
                  int64_t due_ms, const struct json *incident) {
    (void)due_ms;
    cr_expect((str_is(playbook, "heal") || str_is(playbook, "huge") ||
               str_is(playbook, "ends")) &&
              *run);
    cr_expect(json_find_text(incident, "id").len);
    ((struct scene *)arg)->begun++;
}

static void attached(void *arg, const char *run, struct json *evidence) {
    (void)arg;
    (void)run;
    json_release(evidence);
}

static void cancel(void *arg, const char *run) {
    ((struct scene *)arg)->cancelled += *run != '\0';
}

static void was_read(void *arg, struct str source, int64_t at, bool parsed) {
    (void)at;
    buf_addf(&((struct scene *)arg)->reads, "%.*s%s ", STR_ARG(source),
             parsed ? "+" : "-");
}

static void failed(void *arg, const struct err *err) {
    (void)arg;
    cr_assert(false, "%s", err->text);
}

static void open_dispatch(struct scene *scene) {
    struct dispatch_options options = {
        .loop = scene->bench.loop,
        .queue = scene->bench.queue,
        .clock = &scene->bench.clock.clock,
        .log = scene->bench.log,
        .watchdog = scene->watchdog,
        .redact = scene->bench.redact,
        .routes = scene->routes,
        .events = &scene->events,
        .arg = scene,
    };

    scene->dispatch = dispatch_open(&options);
}

static void add(struct scene *scene, const char *path, const char *text) {
    struct err err;

    cr_assert(bundle_add(scene->bench.bundle, str_of(path), str_of(text), &err),
              "%s", err.text);
}

static void open_scene(struct scene *scene) {
    struct err err = {.text = ""};

    memset(scene, 0, sizeof *scene);
    bench_open(&scene->bench, "");
    add(scene, "sources/good.lua", GOOD);
    add(scene, "sources/fails.lua", SOURCE("error('no')"));
    add(scene, "sources/loops.lua", SOURCE("while true do end"));
    add(scene, "sources/grows.lua",
        SOURCE("local t = {} while true do t[#t + 1] = ('x'):rep(9999) .. #t "
               "end"));
    add(scene, "sources/babbles.lua", SOURCE("return { { key = 7 } }"));
    add(scene, "sources/silent.lua", SOURCE("return nil"));
    add(scene, "sources/huge.lua",
        SOURCE("return { { key = 'j', status = 'firing', started_at = "
               "'2026-01-01T00:00:00Z', labels = { service = 'r' } }, "
               "{ key = 'k', status = 'firing', started_at = "
               "'2026-01-01T00:00:00Z', labels = { service = 's', note = "
               "('x'):rep(1100000) } } }"));
    add(scene, "sources/ends.lua",
        "return { about = 'x', ends_by_key = true, occurrences = "
        "function(request) return request.body, { ignored = 'nothing', "
        "truncated = 2 } end }");
    add(scene, "playbooks/heal.lua", PLAYBOOK);
    add(scene, "playbooks/ends.lua",
        "return { about = 'x', trigger = { source = 'ends' }, key = { "
        "'$incident.labels.service' }, start = 'look', nodes = { look = { use "
        "= 'look', next = { found = 'done' } } } }");
    add(scene, "playbooks/huge.lua",
        "return { about = 'x', trigger = { source = 'huge' }, key = { "
        "'$incident.labels.service' }, start = 'look', nodes = { look = { use "
        "= 'look', next = { found = 'done' } } } }");
    bundle_seal(scene->bench.bundle);
    scene->routes = routes_open(scene->bench.bundle, &err);
    cr_assert(scene->routes, "%s", err.text);
    scene->watchdog = watchdog_open();
    scene->events = (struct dispatch_events){begun, attached, cancel,
                                             seen,  was_read, failed};
    open_dispatch(scene);
}

static void close_scene(struct scene *scene) {
    dispatch_close(scene->dispatch);
    routes_release(scene->routes);
    watchdog_close(scene->watchdog);
    buf_release(&scene->reads);
    bench_close(&scene->bench);
}

/* --- deliveries ---------------------------------------------------------- */

static void store_one(struct scene *scene, const char *id, const char *source,
                      const char *body) {
    struct delivery delivery = {.source = str_of(source),
                                .identity = str_of(id),
                                .at = SUPPORT_START,
                                .body = str_of(body)};
    struct err      err;

    (void)snprintf(delivery.id, sizeof delivery.id, "%s", id);
    cr_assert(delivery_put(scene->bench.store, &delivery, &err), "%s",
              err.text);
}

static void deliver(struct scene *scene, const char *id, const char *source,
                    const char *body) {
    store_one(scene, id, source, body);
    dispatch_add_stored(scene->dispatch, str_of(id));
}

static bool is_at(struct scene *scene, const char *place, const char *id) {
    struct buf key = BUF_EMPTY;
    struct err err;
    bool       found = false;

    buf_addf(&key, "%s%s", place, id);
    cr_assert(
        store_get(scene->bench.store, buf_str(&key), NULL, NULL, &found, &err));
    buf_release(&key);
    return found;
}

/* --- DI1 ----------------------------------------------------------------- */

Test(dispatch, DI1_a_delivery_is_new_until_it_is_parsed) {
    struct scene scene;

    open_scene(&scene);
    deliver(&scene, "dlv_1", "good", "{\"first\": 0, \"count\": 2}");
    cr_expect(is_at(&scene, DELIVERY_NEW, "dlv_1"));
    cr_expect_eq(dispatch_count(scene.dispatch), 1);
    loop_run(scene.bench.loop);
    cr_expect_not(is_at(&scene, DELIVERY_NEW, "dlv_1"));
    cr_expect_not(is_at(&scene, DELIVERY_UNPARSED, "dlv_1"));
    cr_expect_str_eq(buf_text(&scene.reads), "good+ ");
    cr_expect_eq(scene.begun, 2);
    cr_expect_eq(dispatch_count(scene.dispatch), 0);
    cr_expect_eq(dispatch_oldest(scene.dispatch), 0);
    close_scene(&scene);
}

Test(dispatch, DI1_N2_one_that_was_cut_is_read_again_and_counted_once) {
    struct scene scene;

    open_scene(&scene);
    scene.stop_after = 1;
    deliver(&scene, "dlv_1", "good", "{\"first\": 0, \"count\": 100}");
    loop_run(scene.bench.loop);
    cr_expect(scene.idle);
    cr_expect(is_at(&scene, DELIVERY_NEW, "dlv_1"));
    cr_expect_eq(scene.begun, 32);
    dispatch_close(scene.dispatch);
    open_dispatch(&scene);
    dispatch_add_stored(scene.dispatch, STR("dlv_1"));
    loop_run(scene.bench.loop);
    cr_expect_not(is_at(&scene, DELIVERY_NEW, "dlv_1"));
    cr_expect_eq(scene.fates[SIGHTING_AGAIN], 32);
    cr_expect_eq(scene.begun, 100);
    cr_expect_eq(counted(&scene), 100);
    close_scene(&scene);
}

Test(dispatch, DI1_one_that_was_not_begun_stays_new_when_it_stops) {
    struct scene scene;

    open_scene(&scene);
    deliver(&scene, "dlv_1", "good", "{\"first\": 0, \"count\": 1}");
    dispatch_stop(scene.dispatch, idle, &scene);
    loop_run(scene.bench.loop);
    cr_expect(scene.idle);
    cr_expect(is_at(&scene, DELIVERY_NEW, "dlv_1"));
    cr_expect_eq(counted(&scene), 0);
    close_scene(&scene);
}

/* --- DI2 ----------------------------------------------------------------- */

Test(dispatch, DI2_N14_a_bad_source_costs_its_own_delivery_and_no_other) {
    static const char *const bad[] = {"fails",   "loops",  "grows",
                                      "babbles", "silent", "nobody"};
    struct scene             scene;
    struct buf               wanted = BUF_EMPTY;
    char                     id[32];

    open_scene(&scene);
    for (int i = 0; i < 6; i++) {
        (void)snprintf(id, sizeof id, "dlv_bad%d", i);
        deliver(&scene, id, bad[i], "{}");
        (void)snprintf(id, sizeof id, "dlv_good%d", i);
        deliver(&scene, id, "good",
                i % 2 ? "{\"first\": 1, \"count\": 1}"
                      : "{\"first\": 2, \"count\": 1}");
        buf_addf(&wanted, "%s- good+ ", bad[i]);
    }
    loop_run(scene.bench.loop);
    cr_expect_str_eq(buf_text(&scene.reads), buf_text(&wanted));
    for (int i = 0; i < 6; i++) {
        (void)snprintf(id, sizeof id, "dlv_bad%d", i);
        cr_expect(is_at(&scene, DELIVERY_UNPARSED, id), "%s", bad[i]);
        cr_expect_not(is_at(&scene, DELIVERY_NEW, id), "%s", bad[i]);
    }
    cr_expect_eq(scene.begun, 2);
    buf_release(&wanted);
    close_scene(&scene);
}

Test(dispatch, DI2_a_body_that_is_no_json_is_put_aside) {
    struct scene scene;

    open_scene(&scene);
    deliver(&scene, "dlv_1", "good", "{\"first\": ");
    deliver(&scene, "dlv_2", "good", "{\"first\": 0, \"count\": 1}");
    loop_run(scene.bench.loop);
    cr_expect_str_eq(buf_text(&scene.reads), "good- good+ ");
    cr_expect(is_at(&scene, DELIVERY_UNPARSED, "dlv_1"));
    close_scene(&scene);
}

Test(dispatch, DI2_what_the_store_cannot_hold_is_put_aside_and_stops_nobody) {
    struct scene scene;

    open_scene(&scene);
    deliver(&scene, "dlv_1", "huge", "{}");
    deliver(&scene, "dlv_2", "good", "{\"first\": 0, \"count\": 1}");
    loop_run(scene.bench.loop);
    cr_expect(is_at(&scene, DELIVERY_UNPARSED, "dlv_1"));
    cr_expect_not(is_at(&scene, DELIVERY_NEW, "dlv_1"));
    cr_expect_eq(scene.begun, 2, "what came before it began, and dlv_2");
    cr_expect(is_at(&scene, DELIVERY_RECORD, "dlv_2"));
    cr_expect_not(is_at(&scene, DELIVERY_NEW, "dlv_2"));
    close_scene(&scene);
}

#define FIRES(key, at, service)                                         \
    "{\"key\":\"" key "\",\"status\":\"firing\",\"started_at\":\"2026-" \
    "01-01T00:0" at ":00Z\",\"labels\":{\"service\":\"" service "\"}}"
#define ENDS(key, at)                                                   \
    "{\"key\":\"" key "\",\"status\":\"resolved\",\"ended_at\":\"2026-" \
    "01-01T00:0" at ":00Z\",\"labels\":{}}"

Test(dispatch, an_end_that_names_only_its_key_cancels_every_run_of_it) {
    struct scene scene;

    open_scene(&scene);
    deliver(&scene, "dlv_1", "ends",
            "[" FIRES("k", "1", "a") "," FIRES("k", "2", "b") "," FIRES(
                "k", "9", "c") "," FIRES("other", "1", "d") "]");
    deliver(&scene, "dlv_2", "ends", "[" ENDS("k", "5") "]");
    loop_run(scene.bench.loop);
    cr_expect_str_eq(buf_text(&scene.reads), "ends+ ends+ ");
    cr_expect_eq(scene.begun, 4);
    cr_expect_eq(scene.cancelled, 2, "%d", scene.cancelled);
    close_scene(&scene);
}

Test(dispatch, in_one_delivery_the_end_may_stand_before_what_it_ends) {
    struct scene scene;

    open_scene(&scene);
    deliver(&scene, "dlv_1", "ends",
            "[" ENDS("k", "5") "," FIRES("k", "1", "a") "," FIRES("k", "6",
                                                                  "b") "]");
    loop_run(scene.bench.loop);
    cr_expect_eq(scene.begun, 2);
    cr_expect_eq(scene.cancelled, 1, "in the order of their moments");
    close_scene(&scene);
}

/* --- DI3 ----------------------------------------------------------------- */

/* A store thread that is busy for as long as the mutex is held. */
struct jam {
    struct scene   *scene;
    pthread_mutex_t mutex;
    int             turns;
    size_t          unread;
    size_t          most; /* jobs of one group */
};

/* On the store thread. */
static void watch(void *arg, size_t jobs, int64_t duration_ns) {
    struct jam *jam = arg;

    (void)duration_ns;
    if (jobs > jam->most)
        jam->most = jobs;
}

static bool wait_for_it(struct store *store, void *arg, struct err *err) {
    struct jam *jam = arg;

    (void)pthread_mutex_lock(&jam->mutex);
    (void)pthread_mutex_unlock(&jam->mutex);
    return store_batch(store, NULL, 0, err);
}

static void one_turn(void *arg) {
    struct jam *jam = arg;

    if (jam->turns-- > 0) {
        loop_defer(jam->scene->bench.loop, one_turn, jam);
        return;
    }
    jam->unread = dispatch_count(jam->scene->dispatch);
    (void)pthread_mutex_unlock(&jam->mutex);
}

static struct intake_taken *taken(int number, int count) {
    struct intake_taken *taken = mem_new(sizeof *taken);

    (void)snprintf(taken->id, sizeof taken->id, "dlv_%d", number);
    taken->source = mem_text("good", 4);
    taken->at = SUPPORT_START;
    taken->headers = json_new_map();
    taken->body = support_json("{'first': 0}");
    json_put_int(taken->body, "count", count);
    return taken;
}

static void open_jam(struct scene *scene, struct jam *jam) {
    dispatch_close(scene->dispatch);
    queue_close(scene->bench.queue);
    scene->bench.queue =
        queue_open(scene->bench.loop, scene->bench.store, true);
    open_dispatch(scene);
    queue_watch(scene->bench.queue, watch, jam);
    (void)pthread_mutex_lock(&jam->mutex);
    queue_post(scene->bench.queue, wait_for_it, NULL, jam);
    loop_defer(scene->bench.loop, one_turn, jam);
}

Test(dispatch, DI3_a_large_one_is_counted_a_batch_at_a_time) {
    struct scene scene;
    struct jam   jam = {&scene, PTHREAD_MUTEX_INITIALIZER, 2000, 0, 0};

    open_scene(&scene);
    store_one(&scene, "dlv_0", "good", "{}");
    open_jam(&scene, &jam);
    dispatch_add(scene.dispatch, taken(0, 320));
    loop_run(scene.bench.loop);
    cr_expect_leq(jam.most, 2, "%zu", jam.most);
    cr_expect_eq(scene.begun, 320);
    close_scene(&scene);
}

Test(dispatch, DI3_no_more_are_read_ahead_of_a_store_that_is_slow) {
    struct scene scene;
    struct jam   jam = {&scene, PTHREAD_MUTEX_INITIALIZER, 2000, 0, 0};
    char         id[32];

    open_scene(&scene);
    for (int i = 0; i < 100; i++) {
        (void)snprintf(id, sizeof id, "dlv_%d", i);
        store_one(&scene, id, "good", "{}");
    }
    open_jam(&scene, &jam);
    for (int i = 0; i < 100; i++)
        dispatch_add(scene.dispatch, taken(i, 1));
    loop_run(scene.bench.loop);
    cr_expect_eq(jam.unread, 100 - 64, "%zu", jam.unread);
    cr_expect_eq(dispatch_count(scene.dispatch), 0);
    close_scene(&scene);
}

Test(dispatch, DI3_what_waits_behind_many_is_read_back_from_the_store) {
    struct scene scene;
    char         id[32];

    open_scene(&scene);
    for (int i = 0; i < 600; i++) {
        (void)snprintf(id, sizeof id, "dlv_%d", i);
        store_one(&scene, id, "good", "{\"first\": 7, \"count\": 2}");
        dispatch_add(scene.dispatch, taken(i, 1));
    }
    loop_run(scene.bench.loop);
    cr_expect_eq(dispatch_count(scene.dispatch), 0);
    cr_expect_eq(counted(&scene), 512 + 2 * (600 - 512));
    close_scene(&scene);
}
