/* support.c - opens in the order that engine.c does, and closes backwards.
 *
 * The loop is run to its end after each step, so a bench between two calls has
 * nothing under way and may be cut anywhere.
 */
#include "support.h"

#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include "base/mem.h"
#include "gate/world.h"
#include "graph/report.h"
#include "secret/redact.h"
#include "sys/clock_real.h"
#include "sys/crypto.h"
#include "sys/file.h"
#include "sys/loop.h"

/* --- values ----------------------------------------------------------- */

static struct json *many(const char *text) {
    char        *quoted = mem_text(text, strlen(text));
    struct err   err = {.text = ""};
    struct json *values;

    for (char *c = quoted; *c; c++)
        if (*c == '\'')
            *c = '"';
    values = json_parse_many(str_of(quoted), &json_caps_answer, &err);
    cr_assert(values, "%s: %s", text, err.text);
    mem_free(quoted);
    return values;
}

struct json *support_json(const char *text) {
    struct json *values = many(text), *first = json_at(values, 0);

    cr_assert_eq(json_count(values), 1, "%s is not one value", text);
    json_retain(first);
    json_release(values);
    return first;
}

void support_is(const struct json *value, const char *text) {
    struct json *wanted = support_json(text);
    struct buf   got = BUF_EMPTY, want = BUF_EMPTY;

    json_write(wanted, &want);
    if (value)
        json_write(value, &got);
    cr_expect_str_eq(buf_text(&got), buf_text(&want));
    json_release(wanted);
    buf_release(&got);
    buf_release(&want);
}

bool support_has(const char *text, const char *part) {
    return strstr(text, part) != NULL;
}

void support_services(struct json *config) {
    static const char  path[] = "scripts/lib/aws/services.lua";
    struct bundle     *bundle = bundle_open(crypto_sha256, clock_real());
    struct buf         text = BUF_EMPTY;
    const struct json *rows;
    struct err         err;

    cr_assert(file_read(path, BUNDLE_TEXT_MAX, &text, &err), "%s", err.text);
    cr_assert(
        bundle_add(bundle, STR("lib/aws/services.lua"), buf_str(&text), &err));
    bundle_seal(bundle);
    cr_assert(bundle_meta(bundle,
                          bundle_find(bundle, SCRIPT_LIB, STR("aws.services")),
                          &rows, &err),
              "%s", err.text);
    json_put(config, "aws_services", json_clone(rows));
    bundle_release(bundle);
    buf_release(&text);
}

struct effect support_effect(const char *question, const char *config) {
    struct json  *asked = support_json(question);
    struct json  *settings = support_json(config ? config : "{}");
    struct effect effect;
    struct err    err = {.text = ""};

    if (!json_find(settings, "aws_services"))
        support_services(settings);
    cr_assert(effect_make(&effect, asked, settings, &err), "%s: %s", question,
              err.text);
    json_release(asked);
    json_release(settings);
    return effect;
}

/* --- the spy ---------------------------------------------------------- */

static void drop_answer(void *arg, struct answer *answer) {
    (void)arg;
    if (answer->fate == ANSWER_GIVEN)
        json_release(answer->value);
}

static struct spy_fault *fault_for(struct spy *spy, const char *effect) {
    for (size_t i = 0; i < sizeof spy->faults / sizeof *spy->faults; i++)
        if (spy->faults[i].times > 0 &&
            strcmp(spy->faults[i].effect, effect) == 0)
            return &spy->faults[i];
    return NULL;
}

static void note_act(struct spy *spy, const struct mode_ask *ask) {
    struct json *act = json_new_map();

    json_put_text(act, "effect", str_of(ask->effect->name));
    json_put(act, "args", json_clone(ask->effect->args));
    json_put_text(act, "token", str_of(ask->token));
    json_put_bool(act, "writes", effect_writes(ask->effect));
    json_put_int(act, "at", mode_now(&spy->mode));
    json_append(spy->acts, act);
}

static void spy_act(struct mode *mode, const struct mode_ask *ask,
                    mode_done_fn *done, void *arg) {
    struct spy       *spy = (struct spy *)mode;
    struct spy_fault *fault = fault_for(spy, ask->effect->name);
    struct answer     answer = {.fate = ANSWER_REFUSED};

    note_act(spy, ask);
    if (spy->look)
        spy->look(spy->arg, ask);
    if (!fault) {
        cr_assert(spy->inner, "nobody answers %s", ask->effect->name);
        spy->inner->ops->act(spy->inner, ask, done, arg);
        return;
    }
    fault->times--;
    if (fault->applies)
        spy->inner->ops->act(spy->inner, ask, drop_answer, NULL);
    answer.fate = fault->fate;
    err_set(&answer.err, fault->code, "the spy says %s", err_name(fault->code));
    answer.err.status = spy->status;
    answer.retry_after_ms = spy->retry_after_ms;
    mode_answer_later(mode, answer, done, arg);
}

static void spy_until(struct mode *mode, int64_t due_ms, mode_done_fn *done,
                      void *arg) {
    struct spy *spy = (struct spy *)mode;

    if (!spy->waits || due_ms <= mode_now(mode)) {
        spy->inner->ops->until(spy->inner, due_ms, done, arg);
        return;
    }
    spy->held = done;
    spy->held_arg = arg;
    loop_expect(mode->loop);
    spy->waits(spy->arg);
}

static void release_held(void *arg) {
    struct spy   *spy = arg;
    struct answer answer = {.fate = ANSWER_GIVEN};
    mode_done_fn *held = spy->held;

    spy->held = NULL;
    spy->released = false;
    held(spy->held_arg, &answer);
}

void spy_release(struct spy *spy) {
    if (!spy->held || spy->released)
        return;
    spy->released = true;
    loop_post(spy->mode.loop, release_held, spy);
}

/* What is not held comes by itself. */
static void spy_wake(struct mode *mode, void *arg) {
    struct spy *spy = (struct spy *)mode;

    cr_assert(!spy->held || arg == spy->held_arg, "somebody else is woken");
    spy_release(spy);
}

static void spy_close(struct mode *mode) {
    struct spy *spy = (struct spy *)mode;

    mode_close(spy->inner);
    json_release(spy->acts);
    mem_free(spy);
}

struct spy *spy_open(struct loop *loop, struct mode *inner,
                     enum mode_kind kind) {
    struct spy *spy = mem_new(sizeof *spy);

    spy->ops =
        (struct mode_ops){kind, spy_act, spy_until, spy_close, NULL, spy_wake};
    spy->inner = inner;
    spy->acts = json_new_list();
    spy->mode =
        (struct mode){&spy->ops, loop, inner ? inner->clock : NULL, NULL};
    return spy;
}

int spy_count(const struct spy *spy, const char *effect) {
    int count = 0;

    for (size_t i = 0; i < json_count(spy->acts); i++)
        count +=
            str_is(json_find_text(json_at(spy->acts, i), "effect"), effect);
    return count;
}

int spy_writes(const struct spy *spy) {
    int count = 0;

    for (size_t i = 0; i < json_count(spy->acts); i++)
        count += json_truth(json_find(json_at(spy->acts, i), "writes"));
    return count;
}

/* --- the bench -------------------------------------------------------- */

static struct log *quiet_log(struct clock *clock) {
    struct log_options options = {
        .level = LOG_ERROR, .fd = open("/dev/null", O_WRONLY), .clock = clock};

    return log_open(&options);
}

static struct spy *open_world(struct bench *bench, const char *rows) {
    struct err    err = {.text = ""};
    struct world *world = world_open(many(rows), &err);

    cr_assert(world, "%s", err.text);
    world_begin(world, bench->incident, SUPPORT_START);
    return spy_open(bench->loop, mode_fixture_open(bench->loop, world),
                    MODE_FIXTURE);
}

void bench_open(struct bench *bench, const char *world) {
    memset(bench, 0, sizeof *bench);
    clock_virtual_init(&bench->clock, SUPPORT_START);
    bench->loop = loop_open();
    bench->store = store_memory_open();
    bench->queue = queue_open(bench->loop, bench->store, false);
    bench->bundle = bundle_open(crypto_sha256, &bench->clock.clock);
    bench->redact = redact_open();
    bench->log = quiet_log(&bench->clock.clock);
    bench->config = support_json("{'aws': {'region': 'eu-1'}}");
    bench->incident = support_json(
        "{'id': 'inc_1', 'started_ms': 1767225600000, 'labels': "
        "{'cluster': 'prod', 'service': 'api'}, 'key': ['prod', 'api']}");
    bench->spy = open_world(bench, world);
    bench->mode = &bench->spy->mode;
    bench->journal = journal_open(bench->queue, SUPPORT_RUN);
    bench->playbook = "heal";
    bench->park_after_ms = 10000;
}

void bench_close(struct bench *bench) {
    run_close(bench->run);
    gate_close(bench->gate);
    mode_close(bench->mode);
    journal_close(bench->journal);
    queue_close(bench->queue);
    store_close(bench->store);
    bundle_release(bench->bundle);
    log_close(bench->log);
    redact_close(bench->redact);
    json_release(bench->config);
    json_release(bench->incident);
    json_release(bench->retry);
    loop_close(bench->loop);
}

void bench_script(struct bench *bench, const char *path, const char *text) {
    struct err err;

    cr_assert(bundle_add(bench->bundle, str_of(path), str_of(text), &err), "%s",
              err.text);
    bundle_seal(bench->bundle);
}

static void open_gate(struct bench *bench) {
    struct gate_options options = {
        .mode = bench->mode,
        .redact = bench->redact,
        .config = bench->config,
        .settle_ms = 5000,
        .shared = bench->shared,
        .trace = bench->trace,
        .seen = bench->seen,
        .arg = bench->seen_arg,
    };

    gate_close(bench->gate);
    bench->gate = gate_open(&options);
}

void bench_gate(struct bench *bench) {
    if (!bench->gate)
        open_gate(bench);
}

static void replied(void *arg, const struct gate_answer *answer) {
    struct reply *reply = arg;

    cr_assert_not(reply->came, "an answer came twice");
    reply->came = true;
    reply->fate = answer->fate;
    reply->assumed = answer->assumed;
    reply->value = answer->value ? json_clone(answer->value) : NULL;
    reply->err = *answer->err;
    reply->due_ms = answer->due_ms;
}

struct reply bench_ask_allowed(struct bench *bench, int ordinal,
                               const char *question, const char *allowed) {
    struct json    *asked = support_json(question);
    struct json    *rights = support_json(allowed);
    struct buf      place = BUF_EMPTY;
    struct gate_ask ask = {.journal = bench->journal,
                           .run = SUPPORT_RUN,
                           .allowed = rights,
                           .retry = bench->retry,
                           .park_after_ms = bench->ask_park_ms};
    struct effect   effect;
    struct reply    reply = {.came = false};
    struct err      err;

    cr_assert(effect_make(&effect, asked, bench->config, &err), "%s", err.text);
    journal_place(&place, STR("restart"), 1, "run", ordinal, 0);
    ask.place = buf_str(&place);
    bench_gate(bench);
    gate_submit(bench->gate, &ask, &effect, replied, &reply);
    cr_assert_not(reply.came, "an answer came from inside gate_submit()");
    loop_run(bench->loop);
    cr_assert(reply.came, "no answer to %s", question);
    json_release(asked);
    json_release(rights);
    buf_release(&place);
    return reply;
}

struct reply bench_ask(struct bench *bench, int ordinal, const char *question) {
    struct effect effect = {0};
    struct json  *asked = support_json(question);
    struct buf    allowed = BUF_EMPTY;
    struct reply  reply;
    struct err    err;

    cr_assert(effect_make(&effect, asked, bench->config, &err), "%s", err.text);
    buf_addf(&allowed, "['%s']", effect.name);
    reply = bench_ask_allowed(bench, ordinal, question, buf_text(&allowed));
    effect_release(&effect);
    json_release(asked);
    buf_release(&allowed);
    return reply;
}

static void append_records(struct store *store, const struct json *records,
                           size_t count) {
    struct err err;

    for (size_t i = 0; i < count; i++) {
        struct buf         text = BUF_EMPTY;
        struct store_write write = {STORE_APPEND,
                                    STR("main/journal/" SUPPORT_RUN),
                                    (int64_t)i,
                                    {NULL, 0}};

        json_write(json_at(records, i), &text);
        write.value = buf_str(&text);
        cr_assert(store_batch(store, &write, 1, &err), "%s", err.text);
        buf_release(&text);
    }
}

void bench_cut(struct bench *bench, size_t records) {
    struct store *store = store_memory_open();
    struct err    err = {.text = ""};

    run_close(bench->run);
    bench->run = NULL;
    append_records(store, journal_records(bench->journal), records);
    journal_close(bench->journal);
    queue_close(bench->queue);
    store_close(bench->store);
    bench->store = store;
    bench->queue = queue_open(bench->loop, store, false);
    bench->journal = journal_open(bench->queue, SUPPORT_RUN);
    cr_assert(journal_load(bench->journal, store, &err), "%s", err.text);
}

static void walked(void *arg, const struct run_end *end) {
    struct bench *bench = arg;

    cr_assert_not(bench->ended, "a run ended twice");
    bench->ended = true;
    bench->failed = end->fate == RUN_STOPPED;
    bench->due_ms = end->fate == RUN_PARKED ? end->due_ms : 0;
    if (bench->failed)
        bench->err = *end->err;
}

static void open_run(struct bench *bench) {
    struct run_options options = {
        .id = SUPPORT_RUN,
        .loop = bench->loop,
        .mode = bench->mode,
        .journal = bench->journal,
        .bundle = bench->bundle,
        .playbook = str_of(bench->playbook),
        .incident = bench->incident,
        .config = bench->config,
        .scenario = bench->scenario,
        .park_after_ms = bench->park_after_ms,
        .log = bench->log,
    };

    open_gate(bench);
    options.gate = bench->gate;
    if (bench->guard.writes)
        journal_guard(bench->journal, bench->guard);
    run_close(bench->run);
    bench->run = run_open(&options, &bench->err);
    cr_assert(bench->run, "%s", bench->err.text);
}

void bench_again(struct bench *bench) {
    bench->ended = false;
    run_start(bench->run, walked, bench);
    cr_assert_not(bench->ended, "a run ended inside run_start()");
    loop_run(bench->loop);
    cr_assert(bench->ended, "the run never ended");
    bench->parked += bench->due_ms != 0;
}

void bench_drive(struct bench *bench) {
    open_run(bench);
    bench_again(bench);
}

static void past(void *arg, struct answer *answer) {
    (void)arg;
    (void)answer;
}

void bench_walk(struct bench *bench) {
    bench_drive(bench);
    while (bench->due_ms) {
        bench->mode->ops->until(bench->mode, bench->due_ms, past, NULL);
        loop_run(bench->loop);
        if (bench->forgets) {
            bench_cut(bench, json_count(journal_records(bench->journal)));
            open_run(bench);
        }
        bench_again(bench);
    }
}

/* --- what came of it -------------------------------------------------- */

static const struct json *find_record(const struct bench *bench,
                                      const char *kind, size_t *nth,
                                      size_t *at) {
    const struct json *records = journal_records(bench->journal);

    for (*at = 0; *at < json_count(records); (*at)++)
        if (str_is(json_find_text(json_at(records, *at), "kind"), kind) &&
            (*nth)-- == 0)
            return json_at(records, *at);
    return NULL;
}

size_t bench_count(const struct bench *bench, const char *kind) {
    size_t nth = SIZE_MAX, at;

    (void)find_record(bench, kind, &nth, &at);
    return SIZE_MAX - nth;
}

const struct json *bench_record(const struct bench *bench, const char *kind,
                                size_t nth) {
    size_t             at;
    const struct json *record = find_record(bench, kind, &nth, &at);

    cr_assert(record, "there is no such %s record", kind);
    return record;
}

size_t bench_position(const struct bench *bench, const char *kind, size_t nth) {
    size_t at;

    cr_assert(find_record(bench, kind, &nth, &at), "no such %s record", kind);
    return at;
}

void bench_path(const struct bench *bench, struct buf *out) {
    const struct walk *walk = run_walk(bench->run);

    for (size_t i = 0; i < json_count(walk->path); i++) {
        const struct json *step = json_at(walk->path, i);

        buf_addf(out, "%.*s:%.*s ", STR_ARG(json_find_text(step, "node")),
                 STR_ARG(json_find_text(step, "outcome")));
    }
    buf_addf(out, "= %.*s", STR_ARG(json_find_text(walk->finished, "outcome")));
}

void bench_path_is(const struct bench *bench, const char *path) {
    struct buf text = BUF_EMPTY;

    bench_path(bench, &text);
    cr_expect_str_eq(buf_text(&text), path, "%s (%s)", buf_text(&text),
                     bench->failed ? bench->err.text : "");
    buf_release(&text);
}

struct json *bench_report(struct bench *bench) {
    struct report_context context = {
        run_walk(bench->run), journal_records(bench->journal), NULL, NULL};

    return report_make(&context);
}
