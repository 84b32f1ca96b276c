/* run.c - the life of a run: how it begins, where its trunk's ends lead, and
 * what a drive comes to.
 */
#include "graph/run.h"

#include <assert.h>
#include <string.h>

#include "base/fault.h"
#include "base/mem.h"
#include "graph/run_private.h"
#include "sys/loop.h"

#define DEFAULT_ATTEMPTS 3

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
                         struct json *audit, queue_done_fn *done, void *arg) {
    journal_add(run->options.journal, record, audit, NULL, 0, done, arg);
    run_catch_up(run);
}

/* The gate adds records of its own between ours. */
void run_catch_up(struct run *run) {
    walk_follow(&run->walk, journal_records(run->options.journal));
}

void run_note(struct run *run, struct json *record, queue_done_fn *done,
              void *arg) {
    note_audited(run, record, NULL, done, arg);
}

int run_attempts_limit(const struct run *run) {
    return (int)json_find_int(json_find(run->playbook, "limits"), "attempts",
                              DEFAULT_ATTEMPTS);
}

bool run_simulated(const struct run *run) {
    return mode_dryrun_simulated(run->options.mode);
}

const struct json *run_node(const struct run *run, struct str name) {
    return json_find_str(json_find(run->playbook, "nodes"), name);
}

const struct json *run_meta(struct run *run, struct str use,
                            const struct script **script, struct err *err) {
    const struct json *meta;

    *script = bundle_find(run->options.bundle, SCRIPT_NODE, use);
    if (!*script) {
        err_set(err, ERR_NOT_FOUND, "no node script \"%.*s\"", STR_ARG(use));
        return NULL;
    }
    return bundle_meta(run->options.bundle, *script, &meta, err) ? meta : NULL;
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
void run_report_stopped(struct run *run) {
    journal_settle(run->options.journal, settled, run);
}

void run_report_parked(struct run *run, int64_t due_ms) {
    fault_pass(FAULT_RUN_PARKED);
    report(run, (struct run_end){RUN_PARKED, due_ms, NULL});
}

/* --- following edges ----------------------------------------------------- */

static bool was_visited(const struct run *run, const struct json *target) {
    for (size_t i = 0; i < fork_count(target); i++)
        if (walk_visits(&run->walk, fork_head(target, i)) > 0)
            return true;
    return walk_visits(&run->walk, json_text(target)) > 0;
}

/* A dry run that took a wait for granted and would look at the same thing once
 * more sees the world of before the wait. Its plan ends there: what comes
 * next depends on what will be seen then. */
static bool looks_again(const struct run *run, const struct json *last,
                        const struct json *target) {
    return run->options.mode->ops->kind == MODE_DRY_RUN &&
           !run_simulated(run) && json_truth(json_find(last, "assumed")) &&
           was_visited(run, target);
}

static void go_to(struct run *run, const struct json *target) {
    struct str name = json_text(target);

    if (line_over(&run->trunk))
        line_stop(&run->trunk);
    else if (fork_is(target))
        lines_fork(run);
    else if (str_is(name, "undo"))
        undo_start(run);
    else
        visit_enter(&run->trunk, name);
}

void run_follow(struct run *run, const struct json *target) {
    const struct json *path = run->walk.path;
    const struct json *last = json_at(path, json_count(path) - 1);
    struct str         name = json_text(target);
    bool               escalated = str_equal(json_find_text(last, "node"),
                                             fork_failed_route(run->playbook)) ||
                     str_starts(json_find_text(last, "use"), "escalation");

    if (str_is(name, "done") || looks_again(run, last, target))
        finish(run, "done");
    else if (str_is(name, "$end"))
        finish(run, escalated ? "escalated" : "done");
    else if (str_is(name, "$failed"))
        finish(run, "failed");
    else
        go_to(run, target);
}

static void finished_durable(void *arg, const struct err *err) {
    struct run *run = arg;

    if (!line_failed(&run->trunk, err))
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
    note_audited(run, record, audit, finished_durable, run);
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
    run->trunk.run = run;
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
    step_release(&run->trunk.step);
    lines_close(run);
    walk_release(&run->walk);
    bundle_release(run->options.bundle);
    mem_free(run);
}

const struct walk *run_walk(const struct run *run) {
    return &run->walk;
}

static void started_durable(void *arg, const struct err *err) {
    struct run *run = arg;

    if (line_failed(&run->trunk, err))
        return;
    fault_pass(FAULT_RUN_STARTED);
    run_follow(run, line_track(&run->trunk)->next);
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
    json_put(record, "next", json_clone(json_find(run->playbook, "start")));
    note_audited(run, record, audit_of(run, "started"), started_durable, run);
}

static void go_on(void *arg) {
    struct run *run = arg;

    if (run->walk.finished)
        report(run, (struct run_end){RUN_ENDED, 0, NULL});
    else if (run->walk.fork)
        lines_fork(run);
    else
        line_go_on(&run->trunk);
}

void run_start(struct run *run, run_done_fn *done, void *arg) {
    const struct json *records = journal_records(run->options.journal);

    assert(!run->driven);
    run->driven = true;
    run->stopping = false;
    run->forked = 0;
    run->trunk.state = LINE_WALKS;
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
    run_note(run, record, NULL, NULL);
}

void run_cancel(struct run *run) {
    run->cancelled = true;
    lines_cancel(run);
}
