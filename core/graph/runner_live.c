/* runner_live.c - one run, from being loaded to being parked or over.
 *
 * A fresh run whose incident is at hand begins at once. Any other is read by
 * the store thread first: its open record, its entry, its journal, and what is
 * attached to it. Then it is walked, or, when nobody wants it any more, its
 * end is written behind what its journal holds. (RU1, RU5)
 */
#include <string.h>

#include "base/fault.h"
#include "base/mem.h"
#include "base/timestamp.h"
#include "graph/run_trace.h"
#include "graph/runner_private.h"
#include "graph/shelf.h"
#include "sys/crypto.h"
#include "sys/loop.h"

struct live {
    struct entry       *entry;
    struct runner      *runner;
    struct journal     *journal;
    struct gate        *gate;
    struct run         *run;
    struct run_trace   *trace; /* NULL: none */
    struct log         *log;   /* that names it, or NULL */
    struct bundle      *bundle;
    struct incident_run incident;
    struct json        *facts, *of; /* of: the incident */
    struct json        *open, *record, *attached;
    struct json        *late; /* evidence that came while it was read back */
    struct buf          bundle_hash; /* of one that is taken from the shelf */
    struct buf          why;         /* it is ended without being walked */
    int64_t             due_ms;
    bool                started; /* run_start() was called, its end not told */
};

static void load(struct live *live);
static void end_without_walking(struct live *live);

/* --- its spans ----------------------------------------------------------- */

static struct log *log_of(const struct live *live) {
    return live->log ? live->log : live->runner->options.log;
}

/* The incident as the run began with it, or will. */
static const struct json *incident_of(const struct live *live) {
    const struct json *first = json_at(journal_records(live->journal), 0);

    if (live->of)
        return live->of;
    return json_find(first ? first : live->record, "incident");
}

static void open_trace(struct live *live) {
    const struct runner_options *options = &live->runner->options;

    if (!options->trace)
        return;
    live->trace =
        run_trace_open(options->trace, live->entry->id, incident_of(live),
                       journal_records(live->journal));
    live->log = run_trace_log(live->trace, options->log);
    journal_watch(live->journal, run_trace_record, live->trace);
}

static void close_trace(struct live *live) {
    run_trace_close(live->trace);
    log_close(live->log);
    live->trace = NULL;
    live->log = NULL;
}

/* --- the end of a walk ----------------------------------------------------- */

static void live_close(struct live *live, int64_t due_ms) {
    struct entry *entry = live->entry;

    run_close(live->run);
    gate_close(live->gate);
    journal_close(live->journal);
    close_trace(live);
    bundle_release(live->bundle);
    incident_run_release(&live->incident);
    json_release(live->facts);
    json_release(live->of);
    json_release(live->open);
    json_release(live->record);
    json_release(live->attached);
    json_release(live->late);
    buf_release(&live->bundle_hash);
    buf_release(&live->why);
    mem_free(live);
    runner_done(entry, due_ms);
}

/* It is left as the store has it, for the next start. Only a store that has
 * failed concerns the others; a record that cannot be read is one run's. */
static void give_up(struct live *live, const struct err *err) {
    if (err->code == ERR_IO)
        runner_failed(live->runner, err);
    else
        log_line(log_of(live), LOG_ERROR, live->entry->id,
                 "run left until the next start", "code", err_name(err->code),
                 "error", err->text, NULL);
    live_close(live, err->code == ERR_IO ? INT64_MAX : -1);
}

/* --- the guard ----------------------------------------------------------- */

/* On the store thread. */
static bool guard(void *arg, struct store *store, const struct json *record,
                  struct store_write *writes, size_t *count, struct err *err) {
    struct incident_run *incident = arg;

    if (!incident_writes(incident, store, record, err))
        return false;
    *count = incident->batch.count;
    memcpy(writes, incident->batch.items, *count * sizeof *writes);
    return true;
}

static int64_t cooldown_of(const struct live *live) {
    struct str text = json_find_text(
        runner_limits(live->bundle, live->entry->lane->playbook), "cooldown");
    struct err err;
    int64_t    ms = 0;

    if (text.len)
        (void)timestamp_read_duration(text, &ms, &err);
    return ms;
}

static void open_guard(struct live *live) {
    struct runner *runner = live->runner;
    unsigned char  random[ID_RANDOM];

    crypto_random(random, sizeof random);
    id_make(live->incident.next, "run_",
            runner->options.clock->wall_ms(runner->options.clock), random);
    memcpy(live->incident.run, live->entry->id, sizeof live->incident.run);
    live->incident.cooldown_ms = cooldown_of(live);
    live->incident.fence = json_find_int(live->record, "fence", 0);
    live->incident.acted = json_truth(json_find(live->open, "acted"));
    open_trace(live);
    journal_guard(live->journal, (struct journal_guard){guard, incident_kinds,
                                                        &live->incident});
}

/* --- the end ------------------------------------------------------------- */

static const struct json *last_record(const struct live *live) {
    const struct json *records = journal_records(live->journal);

    return json_at(records, json_count(records) - 1);
}

static void add_followed(struct live *live) {
    if (live->incident.followed)
        runner_add(live->runner, str_of(live->incident.next),
                   str_of(live->entry->lane->playbook), live->incident.next_due,
                   NULL);
}

static void over(struct live *live) {
    struct runner          *runner = live->runner;
    const struct json      *last = last_record(live);
    const struct runner_end end = {live->entry->id,
                                   str_of(live->entry->lane->playbook),
                                   json_find_text(last, "outcome"),
                                   json_find_text(last, "verdict"),
                                   journal_records(live->journal),
                                   log_of(live)};

    fault_pass(FAULT_RUNNER_ENDED);
    run_trace_end(live->trace, end.playbook);
    runner->options.events->ended(runner->options.arg, &end);
    add_followed(live);
    live_close(live, -1);
}

static void parked(void *arg, const struct err *err) {
    struct live *live = arg;

    if (err) {
        give_up(live, err);
        return;
    }
    fault_pass(FAULT_RUNNER_PARKED);
    live_close(live, live->due_ms);
}

static bool park(struct store *store, void *arg, struct err *err) {
    struct live *live = arg;

    return incident_park(store, live->entry->id, live->due_ms, err);
}

/* What it held in memory goes before the store has answered. */
static void park_live(struct live *live, int64_t due_ms) {
    run_close(live->run);
    live->run = NULL;
    live->due_ms = due_ms;
    queue_post(live->runner->options.queue, park, parked, live);
}

/* What is recorded stays; the end is written behind it. */
static void stopped(struct live *live, const struct err *err) {
    struct entry *entry = live->entry;

    if (err->code == ERR_IO) {
        give_up(live, err);
    } else if (err->code == ERR_CANCELLED && !entry->outcome &&
               live->runner->stopping) {
        live_close(live, INT64_MAX); /* it goes on after the next start */
    } else {
        if (err->code == ERR_CANCELLED && !entry->outcome)
            entry->outcome = "recovered"; /* the store knew it first */
        if (err->code != ERR_CANCELLED)
            entry->outcome = "quarantined";
        buf_clear(&live->why);
        buf_add_text(&live->why, err->text);
        load(live);
    }
}

static void walked(void *arg, const struct run_end *end) {
    struct live *live = arg;

    live->started = false;
    switch (end->fate) {
    case RUN_ENDED: over(live); break;
    case RUN_PARKED: park_live(live, end->due_ms); break;
    case RUN_STOPPED: stopped(live, end->err); break;
    }
}

/* --- one that is not walked ---------------------------------------------- */

static void ended(void *arg, const struct err *err) {
    struct live *live = arg;

    if (err)
        give_up(live, err);
    else
        over(live);
}

static void end_without_walking(struct live *live) {
    struct runner *runner = live->runner;
    int64_t        now = runner->options.clock->wall_ms(runner->options.clock);
    struct json   *record = json_new_map(), *audit = json_new_map();
    struct str     outcome = str_of(live->entry->outcome);

    live->bundle = bundle_retain(runner->world.bundle);
    open_guard(live);
    json_put_text(record, "kind", STR("finished"));
    json_put_int(record, "at", now);
    json_put_text(record, "outcome", outcome);
    json_put(record, "verdict", json_new_null());
    if (live->why.len)
        json_put_text(record, "reason", buf_str(&live->why));
    json_put_text(audit, "kind", STR("finished"));
    json_put_int(audit, "at", now);
    json_put_text(audit, "run", str_of(live->entry->id));
    json_put_text(audit, "playbook", str_of(live->entry->lane->playbook));
    json_put_text(audit, "outcome", outcome);
    log_line(log_of(live), LOG_WARN, live->entry->id, "run ended early",
             "outcome", live->entry->outcome, "why", buf_text(&live->why),
             NULL);
    journal_add(live->journal, record, audit, NULL, 0, ended, live);
}

/* --- walking ------------------------------------------------------------- */

/* The bundle's own table of AWS services goes with it. (N8) */
static struct json *facts_with(const struct json *facts,
                               struct bundle     *bundle) {
    const struct script *script =
        bundle_find(bundle, SCRIPT_LIB, STR("aws.services"));
    const struct json *rows;
    struct json       *all = json_new_map();
    struct err         err;

    json_merge(all, facts);
    if (script && bundle_meta(bundle, script, &rows, &err))
        json_put(all, "aws_services", json_retain((struct json *)rows));
    return all;
}

static bool same_evidence(const struct json *a, const struct json *b) {
    return str_equal(json_find_text(a, "fingerprint"),
                     json_find_text(b, "fingerprint")) &&
           str_equal(json_find_text(a, "started_at"),
                     json_find_text(b, "started_at")) &&
           str_equal(json_find_text(a, "status"), json_find_text(b, "status"));
}

static bool told_already(const struct live *live, const struct json *evidence) {
    const struct json *records = journal_records(live->journal);

    for (size_t i = 0; i < json_count(records); i++) {
        const struct json *record = json_at(records, i);

        if (str_is(json_find_text(record, "kind"), "attached") &&
            same_evidence(json_find(record, "evidence"), evidence))
            return true;
    }
    return false;
}

static void tell(struct live *live, const struct json *list) {
    for (size_t i = 0; i < json_count(list); i++)
        if (!told_already(live, json_at(list, i)))
            run_attach(live->run, json_retain(json_at(list, i)));
}

static bool open_run(struct live *live, struct err *err) {
    struct runner      *runner = live->runner;
    struct gate_options gate = {
        .mode = runner->world.mode,
        .redact = runner->options.redact,
        .config = live->facts,
        .settle_ms = runner->world.settle_ms,
        .shared = runner->options.shared,
        .seen = runner->options.trace ? run_trace_effect : NULL,
    };
    struct run_options options = {
        .id = live->entry->id,
        .loop = runner->options.loop,
        .turnstile = runner->turnstile,
        .mode = runner->world.mode,
        .journal = live->journal,
        .bundle = live->bundle,
        .playbook = str_of(live->entry->lane->playbook),
        .incident = live->of,
        .config = live->facts,
        .park_after_ms = runner->world.park_after_ms,
        .watchdog = runner->options.watchdog,
        .marker = runner->options.marker,
    };

    open_guard(live);
    gate.trace = run_trace_context(live->trace);
    gate.arg = live->trace;
    live->gate = gate_open(&gate);
    options.gate = live->gate;
    options.log = log_of(live);
    live->run = run_open(&options, err);
    return live->run != NULL;
}

static void walk_live(struct live *live) {
    struct runner *runner = live->runner;
    struct err     err;

    if (runner->stopping) {
        live_close(live, INT64_MAX); /* it begins after the next start */
        return;
    }
    if (!open_run(live, &err)) {
        stopped(live, &err);
        return;
    }
    live->started = true;
    if (live->entry->fresh)
        runner->options.events->began(runner->options.arg, live->entry->id,
                                      str_of(live->entry->lane->playbook),
                                      log_of(live));
    run_start(live->run, walked, live);
    tell(live, live->attached);
    tell(live, live->late);
}

/* --- its bundle ---------------------------------------------------------- */

static bool take_bundle(struct store *store, void *arg, struct err *err) {
    struct live *live = arg;

    return shelf_take(store, buf_str(&live->bundle_hash),
                      live->runner->options.clock, &live->bundle, err);
}

static void keep_bundle(struct runner *runner, struct bundle *bundle) {
    size_t count = runner->bundle_count + 1;

    runner->bundles =
        mem_resize(runner->bundles, count * sizeof(struct bundle *));
    runner->bundles[runner->bundle_count] = bundle_retain(bundle);
    runner->bundle_count = count;
}

static struct bundle *known_bundle(struct runner *runner, struct str hash) {
    if (str_is(hash, bundle_hash(runner->world.bundle)))
        return bundle_retain(runner->world.bundle);
    for (size_t i = 0; i < runner->bundle_count; i++)
        if (str_is(hash, bundle_hash(runner->bundles[i])))
            return bundle_retain(runner->bundles[i]);
    return NULL;
}

static void go_on(struct live *live) {
    const struct json *first = json_at(journal_records(live->journal), 0);

    live->facts = facts_with(json_find(first, "config"), live->bundle);
    live->of = json_clone(json_find(first, "incident"));
    walk_live(live);
}

static void bundle_taken(void *arg, const struct err *err) {
    struct live *live = arg;

    if (err && err->code == ERR_IO) {
        give_up(live, err);
    } else if (err) {
        stopped(live, err);
    } else {
        keep_bundle(live->runner, live->bundle);
        bundle_use_room(live->bundle, turnstile_room(live->runner->turnstile));
        if (live->entry->outcome)
            load(live); /* meanwhile nobody wants it any more */
        else
            go_on(live);
    }
}

/* (N8) */
static void go_on_with(struct live *live, struct str hash) {
    live->bundle = known_bundle(live->runner, hash);
    if (live->bundle) {
        go_on(live);
        return;
    }
    buf_add_str(&live->bundle_hash, hash);
    queue_post(live->runner->options.queue, take_bundle, bundle_taken, live);
}

/* --- loading ------------------------------------------------------------- */

static void begin_with(struct live *live, struct json *incident) {
    live->bundle = bundle_retain(live->runner->world.bundle);
    live->facts = facts_with(live->runner->world.facts, live->bundle);
    live->of = incident;
    walk_live(live);
}

static bool load_it(struct store *store, void *arg, struct err *err) {
    struct live *live = arg;

    return incident_take(store, live->entry->id, &live->open, &live->record,
                         err) &&
           journal_load(live->journal, store, err) &&
           (!live->open ||
            incident_attached(store, live->open, live->attached, err));
}

/* The store knows best who wanted it to end. */
static bool is_unwanted(struct live *live) {
    const char *ending = runner_ending(live->open);
    const char *known = live->entry->outcome;

    if (ending && (!known || strcmp(known, "quarantined") != 0))
        live->entry->outcome = ending;
    return live->entry->outcome != NULL;
}

static void loaded(void *arg, const struct err *err) {
    struct live       *live = arg;
    const struct json *first = json_at(journal_records(live->journal), 0);

    if (err) {
        give_up(live, err);
    } else if (!live->open) {
        live_close(live, -1); /* it has ended */
    } else if (is_unwanted(live)) {
        end_without_walking(live);
    } else if (first) {
        go_on_with(live, json_find_text(first, "bundle"));
    } else {
        begin_with(live, json_clone(json_find(live->record, "incident")));
    }
}

/* Anew, after an attempt whose records the store did not take. */
static void load(struct live *live) {
    run_close(live->run);
    live->run = NULL;
    journal_close(live->journal);
    close_trace(live);
    bundle_release(live->bundle);
    live->bundle = NULL;
    json_release(live->open);
    json_release(live->record);
    json_release(live->attached);
    live->open = live->record = NULL;
    live->attached = json_new_list();
    live->journal = journal_open(live->runner->options.queue, live->entry->id);
    queue_post(live->runner->options.queue, load_it, loaded, live);
}

void runner_walk(struct entry *entry) {
    struct live *live = mem_new(sizeof *live);

    entry->live = live;
    live->entry = entry;
    live->runner = entry->runner;
    if (entry->incident && !entry->outcome) {
        struct json *incident = entry->incident;

        entry->incident = NULL;
        live->journal = journal_open(entry->runner->options.queue, entry->id);
        begin_with(live, incident);
    } else {
        load(live);
    }
}

/* --- what comes meanwhile ------------------------------------------------ */

void runner_live_attach(struct live *live, struct json *evidence) {
    if (live->started) {
        run_attach(live->run, evidence);
        return;
    }
    if (!live->late)
        live->late = json_new_list();
    json_append(live->late, evidence);
}

void runner_live_cancel(struct live *live) {
    if (live->started)
        run_cancel(live->run);
}
