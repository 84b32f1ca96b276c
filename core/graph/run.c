/* run.c - the walk: enter a node, take its end, follow the edge.
 *
 * Each visit is noted before it runs and its end is durable before the next
 * begins (RN2). What a node did wrong - an error, a limit, a broken contract -
 * leads to the playbook's `failed` node; what that node does wrong ends the
 * run.
 */
#include "graph/run.h"

#include <assert.h>
#include <string.h>

#include "base/fault.h"
#include "base/mem.h"
#include "base/timestamp.h"
#include "graph/bind.h"
#include "graph/contract.h"
#include "graph/run_private.h"
#include "sys/loop.h"
#include "sys/marker.h"
#include "sys/watchdog.h"

#define DEFAULT_ATTEMPTS 3
#define DEFAULT_DEADLINE 3600000

static void enter(struct run *run, struct str name);
static void finish(struct run *run, const char *outcome);

/* --- small things ------------------------------------------------------ */

int64_t run_now(const struct run *run) {
    return mode_now(run->options.mode);
}

struct json *run_record(const struct run *run, const char *kind) {
    struct json *record = json_new_map();

    json_put_text(record, "kind", str_of(kind));
    json_put_int(record, "at", run_now(run));
    return record;
}

static void note_audited(struct run *run, struct json *record,
                         struct json *audit, queue_done_fn *done) {
    journal_add(run->options.journal, record, audit, NULL, 0, done, run);
    run_catch_up(run);
}

/* The gate adds records of its own between ours. */
void run_catch_up(struct run *run) {
    walk_follow(&run->walk, journal_records(run->options.journal));
}

void run_note(struct run *run, struct json *record, queue_done_fn *done) {
    note_audited(run, record, NULL, done);
}

/* --- the end of a drive -------------------------------------------------- */

/* The last thing that a drive does: the run may be gone afterwards. */
static void report(struct run *run, struct run_end end) {
    run->driven = false;
    run->done(run->arg, &end);
}

static void settled(void *arg, const struct err *err) {
    struct run *run = arg;
    struct err  why = run->err;

    (void)err; /* why it stops is known already */
    report(run, (struct run_end){RUN_STOPPED, 0, &why});
}

/* What was added without waiting for the disk is still on its way. */
void run_stop(struct run *run) {
    journal_settle(run->options.journal, settled, run);
}

static bool journal_failed(struct run *run, const struct err *err) {
    if (!err)
        return false;
    run->err = *err;
    run_stop(run);
    return true;
}

static void parked_durable(void *arg, const struct err *err) {
    struct run *run = arg;

    if (journal_failed(run, err))
        return;
    fault_pass(FAULT_RUN_PARKED);
    report(run, (struct run_end){RUN_PARKED, run->step.due_ms, NULL});
}

/* (RN6) */
void run_park(struct run *run) {
    struct json *record = run_record(run, "parked");

    json_put_text(record, "node", run->step.node);
    json_put_int(record, "visit", run->step.visit);
    json_put_text(record, "phase", str_of(run->step.phase));
    json_put_int(record, "due", run->step.due_ms);
    json_put_int(record, "spent", run->step.spent_ms);
    run_note(run, record, parked_durable);
}

bool run_cancelled(struct run *run) {
    if (run->cancelled)
        err_set(&run->err, ERR_CANCELLED, "the run was cancelled");
    return run->cancelled;
}

static const struct json *limits(const struct run *run) {
    return json_find(run->playbook, "limits");
}

static int attempts_limit(const struct run *run) {
    return (int)json_find_int(limits(run), "attempts", DEFAULT_ATTEMPTS);
}

static struct str failed_route(const struct run *run) {
    struct str route = json_find_text(run->playbook, "failed");

    return route.len ? route : STR("escalation");
}

const struct json *run_node(const struct run *run, struct str name) {
    return json_find_str(json_find(run->playbook, "nodes"), name);
}

const struct json *run_meta(struct run *run, struct str use,
                            const struct script **script) {
    const struct json *meta;

    *script = bundle_find(run->options.bundle, SCRIPT_NODE, use);
    if (!*script) {
        err_set(&run->err, ERR_NOT_FOUND, "no node script \"%.*s\"",
                STR_ARG(use));
        return NULL;
    }
    return bundle_meta(run->options.bundle, *script, &meta, &run->err) ? meta
                                                                       : NULL;
}

static struct json *error_json(const struct err *err) {
    struct json *error = json_new_map();

    json_put_text(error, "code", str_of(err_name(err->code)));
    json_put_text(error, "text", str_of(err->text));
    return error;
}

/* --- the end of a node -------------------------------------------------- */

static void ended_durable(void *arg, const struct err *err) {
    struct run *run = arg;

    if (journal_failed(run, err))
        return;
    fault_pass(FAULT_RUN_CHECKPOINT);
    run_follow(run, json_text(run->walk.next));
}

static struct json *ended_record(struct run *run) {
    struct json *record = run_record(run, "ended");
    struct str   node = json_find_text(run->walk.current, "node");

    run_catch_up(run);
    json_put_text(record, "node", node);
    json_put_int(record, "visit", json_find_int(run->walk.current, "visit", 1));
    json_put_text(record, "use", json_find_text(run_node(run, node), "use"));
    return record;
}

static void note_ended(struct run *run, struct json *record, struct str next) {
    json_put_text(record, "next", next);
    fault_pass(FAULT_RUN_BEFORE_CHECKPOINT);
    log_line(run->options.log, LOG_INFO, run->options.id, "node ended", "node",
             json_find_text(record, "node").data, "outcome",
             json_find_text(record, "outcome").data, "next", next.data, NULL);
    run_note(run, record, ended_durable);
}

/* A node that cannot do its work leads to the failed route; when it *is* the
 * failed route there is nobody left to hand over to. */
static void node_failed(struct run *run) {
    struct json *record = ended_record(run);
    struct str   node = json_find_text(record, "node");
    struct str   route = failed_route(run);

    json_put_text(record, "outcome", STR("error"));
    json_put(record, "error", error_json(&run->err));
    note_ended(run, record, str_equal(node, route) ? STR("$failed") : route);
}

static struct str edge(const struct json *entry, struct str outcome) {
    return json_text(json_find_str(json_find(entry, "next"), outcome));
}

static bool writes(const struct json *meta) {
    const struct json *effects = json_find(meta, "effects");

    for (size_t i = 0; i < json_count(effects); i++) {
        enum effect_class class =
            effect_class_of(json_text(json_at(effects, i)));

        if (class != EFFECT_READ && class != EFFECT_NOTIFY)
            return true;
    }
    return false;
}

/* A visit that goes on after a crash, or starts again, has been let in. */
static bool wrote_already(const struct run *run) {
    const struct json *wrote = run->walk.wrote;
    const struct json *last = json_at(wrote, json_count(wrote) - 1);

    return json_count(wrote) > 0 &&
           str_equal(json_find_text(last, "node"),
                     json_find_text(run->walk.current, "node")) &&
           json_find_int(last, "visit", 0) ==
               json_find_int(run->walk.current, "visit", 0);
}

static struct str risk_of(struct run *run, struct str node) {
    const struct json   *entry = run_node(run, node);
    const struct script *script;
    const struct json   *meta =
        entry ? run_meta(run, json_find_text(entry, "use"), &script) : NULL;

    return writes(meta) ? json_find_text(meta, "risk") : STR("");
}

/* The policy's word over the outcome, with its reason. Pure: the facts that it
 * was given are in the journal with what it answered. (N7) */
static bool apply_policy(struct run *run, const struct json *entry,
                         struct json *record) {
    struct str           name = json_find_text(entry, "policy");
    struct str           asked = json_find_text(record, "outcome");
    const struct script *script =
        bundle_find(run->options.bundle, SCRIPT_POLICY, name);
    struct json *arguments = json_new_list(), *facts, *results, *noted;

    facts = walk_facts(&run->walk, attempts_limit(run),
                       risk_of(run, edge(entry, asked)));
    json_append_text(arguments, asked);
    json_append(arguments, json_find(record, "output")
                               ? json_clone(json_find(record, "output"))
                               : json_new_map());
    json_append(arguments, json_retain(facts));
    marker_set(run->options.marker, run->options.id);
    if (run->options.watchdog)
        watchdog_arm(run->options.watchdog, WATCHDOG_MS, script->path);
    results = attempt_call(run->options.bundle, script, "decide", arguments,
                           &vm_limits_node, &run->err);
    if (run->options.watchdog)
        watchdog_disarm(run->options.watchdog);
    marker_clear(run->options.marker);
    json_release(arguments);
    if (!results) {
        json_release(facts);
        return err_wrap(&run->err, "policy %.*s", STR_ARG(name));
    }
    noted = run_record(run, "policy");
    json_put_text(noted, "policy", name);
    json_put_text(noted, "node", json_find_text(record, "node"));
    json_put_text(noted, "asked", asked);
    json_put(noted, "facts", facts);
    json_put(noted, "result", json_clone(results));
    if (!str_equal(json_text(json_at(results, 0)), asked))
        json_put_text(record, "asked", asked);
    json_put_text(record, "outcome", json_text(json_at(results, 0)));
    if (json_text(json_at(results, 1)).len)
        json_put_text(record, "reason", json_text(json_at(results, 1)));
    json_release(results);
    run_note(run, noted, NULL);
    return true;
}

static bool listed(const struct json *list, struct str text) {
    for (size_t i = 0; i < json_count(list); i++)
        if (str_equal(json_text(json_at(list, i)), text))
            return true;
    return false;
}

/* (RN1) */
static bool check_end(struct run *run, const struct json *record) {
    const struct step *step = &run->step;
    struct str         outcome = json_find_text(record, "outcome");
    struct buf         what = BUF_EMPTY;
    bool               ok;

    if (!listed(json_find(step->meta, "outcomes"), outcome))
        return err_set(&run->err, ERR_CONTRACT,
                       "node %.*s ended with "
                       "\"%.*s\", which is not in its outcomes",
                       STR_ARG(step->node), STR_ARG(outcome));
    if (!json_find(record, "output"))
        return true;
    buf_addf(&what, "output of node %.*s", STR_ARG(step->node));
    ok =
        contract_check(json_find(step->meta, "output"),
                       json_find(record, "output"), buf_text(&what), &run->err);
    buf_release(&what);
    return ok;
}

/* Where an outcome leads; a node without edges is an end. */
static bool find_next(struct run *run, const struct json *entry,
                      const struct json *record, struct str *next) {
    struct str outcome = json_find_text(record, "outcome");

    if (!json_find(entry, "next")) {
        *next = STR("$end");
        return true;
    }
    *next = edge(entry, outcome);
    return next->len ||
           err_set(&run->err, ERR_CONTRACT,
                   "node %.*s: outcome \"%.*s\" has "
                   "no edge",
                   STR_ARG(json_find_text(record, "node")), STR_ARG(outcome));
}

/* Takes `record`, which has outcome and output. */
static void node_ended(struct run *run, struct json *record) {
    const struct json *entry = run_node(run, json_find_text(record, "node"));
    struct str         next;

    if ((!json_find(entry, "policy") || apply_policy(run, entry, record)) &&
        find_next(run, entry, record, &next)) {
        note_ended(run, record, next);
        return;
    }
    json_release(record);
    node_failed(run);
}

static struct json *result_record(struct run *run) {
    const struct json *results = run->step.results;
    struct json       *record = ended_record(run);

    if (run->step.assumed)
        json_put_bool(record, "assumed", true);
    json_put_text(record, "outcome", json_text(json_at(results, 0)));
    if (json_is(json_at(results, 1), JSON_MAP))
        json_put(record, "output", json_clone(json_at(results, 1)));
    return record;
}

/* The dry run cannot know how this node would go on: its first outcome, which
 * is the one it is there for, is assumed. */
static void assume_end(struct run *run, struct str outcome) {
    struct json *record = ended_record(run);

    json_put_text(record, "outcome", outcome);
    json_put_bool(record, "assumed", true);
    node_ended(run, record);
}

static bool rerun_due(struct run *run) {
    const struct json *rule = json_find(run_node(run, run->step.node), "rerun");
    int64_t            times = json_find_int(rule, "times", 0);
    int64_t            reruns = 0;
    const struct json *records = journal_records(run->options.journal);

    for (size_t i = json_count(records); i-- > 0;) {
        struct str kind = json_find_text(json_at(records, i), "kind");

        if (str_is(kind, "visit"))
            break;
        reruns += str_is(kind, "rerun");
    }
    return reruns < times &&
           listed(json_find(rule, "on"), str_of(err_name(run->err.code)));
}

static bool is_last_of_slot(const struct json *records, size_t at) {
    struct str slot = json_find_text(json_at(records, at), "slot");

    for (size_t i = at + 1; i < json_count(records); i++)
        if (str_equal(json_find_text(json_at(records, i), "slot"), slot))
            return false;
    return true;
}

/* Of this visit's answered slots the last refusal is opened again: never an
 * answer, never a write that may have been applied. After a crash the refusal
 * was recorded for an earlier attempt. */
static void reopen_refused(struct run *run) {
    const struct json *records = journal_records(run->options.journal);

    for (size_t i = json_count(records); i-- > 0;) {
        const struct json *last = json_at(records, i);
        struct json       *record;

        if (str_is(json_find_text(last, "kind"), "visit"))
            return;
        if (!json_find(last, "slot") || !json_find(last, "error") ||
            json_truth(json_find(last, "lost")) || !is_last_of_slot(records, i))
            continue;
        record = run_record(run, "reopen");
        json_put_text(record, "slot", json_find_text(last, "slot"));
        run_note(run, record, NULL);
        return;
    }
}

/* Starts the node over the same slots. Opened first and counted then: a crash
 * between the two repeats a question, and never gives one up. */
static void rerun(struct run *run) {
    struct json *record;

    reopen_refused(run);
    record = run_record(run, "rerun");
    json_put_text(record, "node", run->step.node);
    json_put(record, "error", error_json(&run->err));
    run_note(run, record, NULL);
}

static void run_visit(struct run *run);

static void step_done(struct run *run, enum step_fate fate) {
    struct str   unknown = json_find_text(run->step.meta, "on_unknown");
    struct json *record;

    switch (fate) {
    case STEP_STOPPED: run_stop(run); return;
    case STEP_PARKED: run_park(run); return;
    case STEP_ASSUMED:
        assume_end(
            run, json_text(json_at(json_find(run->step.meta, "outcomes"), 0)));
        return;
    case STEP_ENDED:
        record = result_record(run);
        if (check_end(run, record)) {
            node_ended(run, record);
            return;
        }
        json_release(record);
        break;
    case STEP_UNKNOWN: /* (RN5) */
        if (!unknown.len)
            break;
        record = ended_record(run);
        json_put_text(record, "outcome", unknown);
        json_put_text(record, "reason", str_of(run->err.text));
        node_ended(run, record);
        return;
    case STEP_FAILED:
        if (rerun_due(run)) {
            rerun(run);
            run_visit(run);
            return;
        }
        break;
    }
    node_failed(run);
}

/* --- entering a node ---------------------------------------------------- */

static bool within_deadline(struct run *run) {
    struct str text = json_find_text(limits(run), "deadline");
    int64_t    ms = DEFAULT_DEADLINE;

    if (text.len && !timestamp_read_duration(text, &ms, &run->err))
        return false;
    if (run_now(run) - json_find_int(run->walk.started, "at", 0) <= ms)
        return true;
    return err_set(&run->err, ERR_LIMIT, "the run's deadline has passed");
}

/* (RN3) The failed route is free of both, once: a run must be able to hand
 * over, and must end. */
static bool may_enter(struct run *run, struct str name,
                      const struct json *meta) {
    int limit = attempts_limit(run);

    if (str_equal(name, failed_route(run)))
        return walk_visits(&run->walk, name) == 1 ||
               err_set(&run->err, ERR_LIMIT,
                       "the failed route led back to "
                       "itself");
    /* A visit that has written goes on, however late: whether its write was
     * applied must be found out before anybody is told anything. (N6) */
    if (!wrote_already(run) && !within_deadline(run))
        return false;
    if (walk_visits(&run->walk, name) > limit + 1)
        return err_set(&run->err, ERR_LIMIT,
                       "node %.*s was entered %d times, "
                       "limits.attempts is %d",
                       STR_ARG(name), walk_visits(&run->walk, name) - 1, limit);
    if (writes(meta) && !wrote_already(run) &&
        walk_attempts(&run->walk) >= limit)
        return err_set(&run->err, ERR_LIMIT,
                       "limits.attempts = %d: nothing "
                       "more is tried",
                       limit);
    return true;
}

/* What the alert says of its service, and what the catalogue adds. */
static struct json *service_of(const struct run *run) {
    const struct json *labels =
        json_dig(run->walk.started, "incident", "labels", NULL);
    struct str         name = json_find_text(labels, "service");
    struct str         cluster = json_find_text(labels, "cluster");
    struct json       *service = json_new_map();
    struct buf         key = BUF_EMPTY;
    const struct json *row;

    buf_addf(&key, "%.*s/%.*s", STR_ARG(cluster), STR_ARG(name));
    row = json_find_str(json_find(run->options.config, "services"),
                        buf_str(&key));
    if (row)
        json_merge(service, row);
    if (name.len)
        json_put_text(service, "name", name);
    if (cluster.len)
        json_put_text(service, "cluster", cluster);
    buf_release(&key);
    return service;
}

static struct json *input_for(const struct run *run, const struct json *entry) {
    struct json *service = service_of(run);
    struct json *scope = walk_scope(&run->walk, service);
    struct json *input = bind_input(json_find(entry, "with"), scope);

    json_release(service);
    json_release(scope);
    return input;
}

/* After a simulated write nothing that was assumed can fill a contract. */
static bool simulated(const struct run *run) {
    return mode_dryrun_simulated(run->options.mode);
}

static bool input_fits(struct run *run, const struct json *meta,
                       const struct json *input, struct str name) {
    struct buf what = BUF_EMPTY;
    bool       ok;

    buf_addf(&what, "input of node %.*s", STR_ARG(name));
    ok = simulated(run) || contract_check(json_find(meta, "input"), input,
                                          buf_text(&what), &run->err);
    buf_release(&what);
    return ok;
}

static struct str assumed_verdict(const struct run *run) {
    static const char *const verdicts[] = {"pass", "fail", "worse", "unknown"};

    return str_of(verdicts[run->options.scenario]);
}

/* The visit is noted; runs the node's function, or assumes its end. */
static void run_visit(struct run *run) {
    struct str           name = json_find_text(run->walk.current, "node");
    const struct json   *entry = run_node(run, name);
    const struct script *script;
    struct str           use = json_find_text(entry, "use");
    const struct json   *meta = run_meta(run, use, &script);
    struct json         *arguments;

    if (!meta || !may_enter(run, name, meta) ||
        !input_fits(run, meta, json_find(run->walk.current, "input"), name)) {
        node_failed(run);
        return;
    }
    if (simulated(run) && str_starts(use, "verification")) {
        assume_end(run, assumed_verdict(run));
        return;
    }
    arguments = json_new_list();
    json_append(arguments, json_clone(json_find(run->walk.current, "input")));
    step_start(run, "run", name,
               (int)json_find_int(run->walk.current, "visit", 1), script, meta,
               arguments, step_done);
}

static void enter(struct run *run, struct str name) {
    struct json *record = run_record(run, "visit");

    json_put_text(record, "node", name);
    json_put_int(record, "visit", walk_visits(&run->walk, name) + 1);
    json_put(record, "input", input_for(run, run_node(run, name)));
    run_note(run, record, NULL);
    run_visit(run);
}

/* --- following edges ----------------------------------------------------- */

/* A dry run that took a wait for granted and would look at the same thing once
 * more sees the world of before the wait. Its plan ends there: what comes
 * next depends on what will be seen then. */
static bool looks_again(const struct run *run, const struct json *last,
                        struct str target) {
    return run->options.mode->ops->kind == MODE_DRY_RUN && !simulated(run) &&
           json_truth(json_find(last, "assumed")) &&
           walk_visits(&run->walk, target) > 0;
}

void run_follow(struct run *run, struct str target) {
    const struct json *path = run->walk.path;
    const struct json *last = json_at(path, json_count(path) - 1);
    bool               escalated =
        str_equal(json_find_text(last, "node"), failed_route(run)) ||
        str_starts(json_find_text(last, "use"), "escalation");

    if (str_is(target, "done") || looks_again(run, last, target))
        finish(run, "done");
    else if (str_is(target, "$end"))
        finish(run, escalated ? "escalated" : "done");
    else if (str_is(target, "$failed"))
        finish(run, "failed");
    else if (run_cancelled(run))
        run_stop(run);
    else if (str_is(target, "undo"))
        undo_start(run);
    else
        enter(run, target);
}

static void finished_durable(void *arg, const struct err *err) {
    struct run *run = arg;

    if (!journal_failed(run, err))
        report(run, (struct run_end){RUN_ENDED, 0, NULL});
}

static struct json *audit_of(const struct run *run, const char *kind) {
    struct json *facts = json_new_map();

    json_put_text(facts, "kind", str_of(kind));
    json_put_int(facts, "at", run_now(run));
    json_put_text(facts, "run", str_of(run->options.id));
    json_put_text(facts, "mode", str_of(mode_name(run->options.mode)));
    json_put_text(facts, "playbook", run->options.playbook);
    json_put_text(facts, "bundle", str_of(bundle_hash(run->options.bundle)));
    return facts;
}

static void finish(struct run *run, const char *outcome) {
    struct json *record = run_record(run, "finished");
    struct json *audit = audit_of(run, "finished");
    struct str   verdict = walk_verdict(&run->walk);
    size_t       steps = json_count(run->walk.path);

    /* Nothing was verified, but something was taken for granted. */
    if (!verdict.data && steps &&
        json_truth(json_find(json_at(run->walk.path, steps - 1), "assumed")))
        verdict = STR("assumed");
    json_put_text(record, "outcome", str_of(outcome));
    json_put_text(audit, "outcome", str_of(outcome));
    json_put(record, "verdict",
             verdict.data ? json_new_text(verdict) : json_new_null());
    fault_pass(FAULT_RUN_BEFORE_END);
    note_audited(run, record, audit, finished_durable);
}

/* --- the life of a run --------------------------------------------------- */

/* (RN4) */
static bool same_bundle(const struct run_options *options, struct err *err) {
    const struct json *first = json_at(journal_records(options->journal), 0);
    struct str         began_with = json_find_text(first, "bundle");

    return !first || str_is(began_with, bundle_hash(options->bundle)) ||
           err_set(err, ERR_CONFLICT,
                   "run %s began with bundle %.12s and cannot go on with %.12s",
                   options->id, began_with.data, bundle_hash(options->bundle));
}

struct run *run_open(const struct run_options *options, struct err *err) {
    const struct script *script =
        bundle_find(options->bundle, SCRIPT_PLAYBOOK, options->playbook);
    struct run *run;

    if (!script) {
        err_set(err, ERR_NOT_FOUND, "no playbook \"%.*s\"",
                STR_ARG(options->playbook));
        return NULL;
    }
    if (!same_bundle(options, err))
        return NULL;
    run = mem_new(sizeof *run);
    run->options = *options;
    bundle_retain(run->options.bundle); /* N8 */
    walk_init(&run->walk);
    if (!bundle_meta(options->bundle, script, &run->playbook, err)) {
        run_close(run);
        return NULL;
    }
    return run;
}

void run_close(struct run *run) {
    if (!run)
        return;
    step_release(&run->step);
    walk_release(&run->walk);
    bundle_release(run->options.bundle);
    mem_free(run);
}

const struct walk *run_walk(const struct run *run) {
    return &run->walk;
}

static void started_durable(void *arg, const struct err *err) {
    struct run *run = arg;

    if (journal_failed(run, err))
        return;
    fault_pass(FAULT_RUN_STARTED);
    run_follow(run, json_find_text(run->playbook, "start"));
}

/* The table of AWS services is the bundle's, which the run keeps anyway. */
static struct json *facts_to_keep(const struct json *config) {
    struct json *facts = json_new_map();

    json_merge(facts, config);
    json_drop(facts, "aws_services");
    return facts;
}

static void note_started(struct run *run) {
    struct json *record = run_record(run, "started");

    json_put_text(record, "run", str_of(run->options.id));
    json_put_text(record, "playbook", run->options.playbook);
    json_put_text(record, "bundle", str_of(bundle_hash(run->options.bundle)));
    json_put_text(record, "mode", str_of(mode_name(run->options.mode)));
    json_put(record, "incident", json_clone(run->options.incident));
    json_put(record, "config", facts_to_keep(run->options.config));
    note_audited(run, record, audit_of(run, "started"), started_durable);
}

static void go_on(void *arg) {
    struct run *run = arg;

    if (run->walk.finished)
        report(run, (struct run_end){RUN_ENDED, 0, NULL});
    else if (run->walk.current)
        run_visit(run);
    else if (run->walk.next)
        run_follow(run, json_text(run->walk.next));
    else
        run_follow(run, json_find_text(run->playbook, "start"));
}

void run_start(struct run *run, run_done_fn *done, void *arg) {
    const struct json *records = journal_records(run->options.journal);

    assert(!run->driven);
    run->driven = true;
    run->done = done;
    run->arg = arg;
    if (json_count(records) == 0) {
        note_started(run);
        return;
    }
    run_catch_up(run);
    loop_defer(run->options.loop, go_on, run);
}

void run_attach(struct run *run, struct json *evidence) {
    struct json *record;

    if (run->walk.finished) {
        json_release(evidence);
        return;
    }
    record = run_record(run, "attached");
    json_put(record, "evidence", evidence);
    run_note(run, record, NULL);
}

void run_cancel(struct run *run) {
    run->cancelled = true;
    if (run->step.call)
        gate_cancel(run->step.call);
}
