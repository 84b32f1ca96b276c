/* visit_end.c - how a visit ends: what the node returned is held against its
 * contract, judged by the policy, written down, and leads to an edge.
 *
 * The end is durable before anything follows it (RN2). What a node did wrong -
 * an error, a limit, a broken contract - leads to the playbook's `failed`
 * node; what that node does wrong ends the run.
 */
#include "base/fault.h"
#include "graph/contract.h"
#include "graph/run_private.h"
#include "sys/marker.h"
#include "sys/watchdog.h"

static struct json *ended_record(const struct line *line) {
    struct run        *run = line->run;
    struct json       *record = run_record(run, "ended");
    const struct json *current = line_track(line)->current;
    struct str         node = json_find_text(current, "node");

    run_catch_up(run);
    json_put_text(record, "node", node);
    json_put_int(record, "visit", json_find_int(current, "visit", 1));
    if (line->track != WALK_TRUNK)
        json_put_int(record, "branch", (int64_t)line->track);
    json_put_text(record, "use", json_find_text(run_node(run, node), "use"));
    return record;
}

static void ended_durable(void *arg, const struct err *err) {
    struct line *line = arg;

    if (line_failed(line, err))
        return;
    fault_pass(FAULT_RUN_CHECKPOINT);
    line_follow(line);
}

/* Does a branch leave its fork this way? */
static bool leaves(const struct line *line, struct str node,
                   const struct json *next) {
    const struct run *run = line->run;
    struct str        join = fork_join(run->walk.fork);

    return line->track != WALK_TRUNK &&
           !str_equal(json_text(next), fork_way_on(run->playbook, node, join));
}

/* Takes both. */
static void note_ended(struct line *line, struct json *record,
                       struct json *next) {
    struct run *run = line->run;
    struct buf  where = BUF_EMPTY;

    if (leaves(line, json_find_text(record, "node"), next))
        json_put_bool(record, "leaves", true);
    json_put(record, "next", next);
    fork_write(next, &where);
    fault_pass(FAULT_RUN_BEFORE_CHECKPOINT);
    log_line(run->options.log, LOG_INFO, run->options.id, "node ended", "node",
             json_find_text(record, "node").data, "outcome",
             json_find_text(record, "outcome").data, "next", buf_text(&where),
             NULL);
    buf_release(&where);
    run_note(run, record, ended_durable, line);
}

/* A node that cannot do its work leads to the failed route; when it *is* the
 * failed route there is nobody left to hand over to. */
void visit_end_failed(struct line *line) {
    struct json *record = ended_record(line);
    struct str   node = json_find_text(record, "node");
    struct str   route = fork_failed_route(line->run->playbook);

    if (str_equal(node, route))
        route = STR("$failed");
    json_put_text(record, "outcome", STR("error"));
    json_put(record, "error", json_new_error(&line->err));
    note_ended(line, record, json_new_text(route));
}

static const struct json *edge(const struct json *entry, struct str outcome) {
    return json_find_str(json_find(entry, "next"), outcome);
}

/* Of the node that an edge leads to, when it writes. */
static struct str risk_of(struct line *line, const struct json *target) {
    const struct json   *entry = run_node(line->run, json_text(target));
    const struct script *script;
    const struct json   *meta =
        entry ? run_meta(line->run, json_find_text(entry, "use"), &script,
                           &line->err)
                : NULL;

    return visit_writes(meta) ? json_find_text(meta, "risk") : STR("");
}

/* The policy's word over the outcome, with its reason. Pure: the facts that it
 * was given are in the journal with what it answered. (N7) */
static bool apply_policy(struct line *line, const struct json *entry,
                         struct json *record) {
    struct run          *run = line->run;
    struct str           name = json_find_text(entry, "policy");
    struct str           asked = json_find_text(record, "outcome");
    const struct script *script =
        bundle_find(run->options.bundle, SCRIPT_POLICY, name);
    struct json *arguments = json_new_list(), *facts, *results, *noted;

    facts = walk_facts(&run->walk, line->track, run_attempts_limit(run),
                       risk_of(line, edge(entry, asked)));
    json_append_text(arguments, asked);
    json_append(arguments, json_find(record, "output")
                               ? json_clone(json_find(record, "output"))
                               : json_new_map());
    json_append(arguments, json_retain(facts));
    marker_set(run->options.marker, run->options.id);
    if (run->options.watchdog)
        watchdog_arm(run->options.watchdog, WATCHDOG_MS, script->path);
    results = attempt_call(run->options.bundle, script, "decide", arguments,
                           &vm_limits_node, &line->err);
    if (run->options.watchdog)
        watchdog_disarm(run->options.watchdog);
    marker_clear(run->options.marker);
    json_release(arguments);
    if (!results) {
        json_release(facts);
        return err_wrap(&line->err, "policy %.*s", STR_ARG(name));
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
    run_note(run, noted, NULL, NULL);
    return true;
}

/* (RN1) */
static bool check_end(struct line *line, const struct json *record) {
    const struct step *step = &line->step;
    struct str         outcome = json_find_text(record, "outcome");
    struct buf         what = BUF_EMPTY;
    bool               ok;

    if (!json_lists(json_find(step->meta, "outcomes"), outcome))
        return err_set(&line->err, ERR_CONTRACT,
                       "node %.*s ended with "
                       "\"%.*s\", which is not in its outcomes",
                       STR_ARG(step->node), STR_ARG(outcome));
    if (!json_find(record, "output"))
        return true;
    buf_addf(&what, "output of node %.*s", STR_ARG(step->node));
    ok = contract_check(json_find(step->meta, "output"),
                        json_find(record, "output"), buf_text(&what),
                        &line->err);
    buf_release(&what);
    return ok;
}

/* Where an outcome leads; a node without edges is an end. Gives, or NULL. */
static struct json *find_next(struct line *line, const struct json *entry,
                              const struct json *record) {
    struct str         outcome = json_find_text(record, "outcome");
    const struct json *next = edge(entry, outcome);

    if (!json_find(entry, "next"))
        return json_new_text(STR("$end"));
    if (next)
        return json_clone(next);
    err_set(&line->err, ERR_CONTRACT, "node %.*s: outcome \"%.*s\" has no edge",
            STR_ARG(json_find_text(record, "node")), STR_ARG(outcome));
    return NULL;
}

/* Takes `record`, which has outcome and output. */
static void node_ended(struct line *line, struct json *record) {
    const struct json *entry =
        run_node(line->run, json_find_text(record, "node"));
    struct json *next = NULL;

    if (!json_find(entry, "policy") || apply_policy(line, entry, record))
        next = find_next(line, entry, record);
    if (next) {
        note_ended(line, record, next);
        return;
    }
    json_release(record);
    visit_end_failed(line);
}

static struct json *result_record(struct line *line) {
    const struct json *results = line->step.results;
    struct json       *record = ended_record(line);

    if (line->step.assumed)
        json_put_bool(record, "assumed", true);
    json_put_text(record, "outcome", json_text(json_at(results, 0)));
    if (json_is(json_at(results, 1), JSON_MAP))
        json_put(record, "output", json_clone(json_at(results, 1)));
    return record;
}

void visit_end_assumed(struct line *line, struct str outcome) {
    struct json *record = ended_record(line);

    json_put_text(record, "outcome", outcome);
    json_put_bool(record, "assumed", true);
    node_ended(line, record);
}

/* --- starting over -------------------------------------------------------- */

/* Is the record one of this visit, whatever was recorded of others? */
static bool is_of_visit(const struct line *line, const struct json *record) {
    const struct json *current = line_track(line)->current;

    return str_equal(json_find_text(record, "node"),
                     json_find_text(current, "node"));
}

static bool begins_visit(const struct line *line, const struct json *record) {
    return str_is(json_find_text(record, "kind"), "visit") &&
           is_of_visit(line, record);
}

static bool rerun_due(const struct line *line) {
    const struct run  *run = line->run;
    const struct json *rule =
        json_find(run_node(run, line->step.node), "rerun");
    const struct json *records = journal_records(run->options.journal);
    int64_t            times = json_find_int(rule, "times", 0), reruns = 0;

    for (size_t i = json_count(records); i-- > 0;) {
        const struct json *record = json_at(records, i);

        if (begins_visit(line, record))
            break;
        reruns += str_is(json_find_text(record, "kind"), "rerun") &&
                  is_of_visit(line, record);
    }
    return reruns < times &&
           json_lists(json_find(rule, "on"), str_of(err_name(line->err.code)));
}

static bool is_last_of_slot(const struct json *records, size_t at) {
    struct str slot = json_find_text(json_at(records, at), "slot");

    for (size_t i = at + 1; i < json_count(records); i++)
        if (str_equal(json_find_text(json_at(records, i), "slot"), slot))
            return false;
    return true;
}

static bool is_refusal(const struct line *line, const struct json *records,
                       size_t at) {
    const struct json *record = json_at(records, at);
    struct str         rest, slot = json_find_text(record, "slot");

    return slot.len && json_find(record, "error") &&
           !json_truth(json_find(record, "lost")) &&
           str_equal(str_cut(slot, '/', &rest), line->step.node) &&
           is_last_of_slot(records, at);
}

static void reopen(struct line *line, struct str slot) {
    struct json *record = run_record(line->run, "reopen");

    json_put_text(record, "slot", slot);
    run_note(line->run, record, NULL, NULL);
}

/* Of this visit's answered slots the last refusal is opened again, and those
 * that were asked at once with it: never an answer, never a write that may have
 * been applied. After a crash the refusal was recorded for an earlier
 * attempt. */
static void reopen_refused(struct line *line) {
    const struct json *records = journal_records(line->run->options.journal);
    struct str         group = {NULL, 0};

    for (size_t i = json_count(records); i-- > 0;) {
        struct str slot = json_find_text(json_at(records, i), "slot");

        if (begins_visit(line, json_at(records, i)))
            return;
        if (!is_refusal(line, records, i) ||
            (group.len && !str_equal(journal_place_group(slot), group)))
            continue;
        group = journal_place_group(slot);
        reopen(line, slot);
    }
}

/* Starts the node over the same slots. Opened first and counted then: a crash
 * between the two repeats a question, and never gives one up. */
static void rerun(struct line *line) {
    struct json *record;

    reopen_refused(line);
    record = run_record(line->run, "rerun");
    json_put_text(record, "node", line->step.node);
    json_put_int(record, "visit", line->step.visit);
    json_put(record, "error", json_new_error(&line->err));
    run_note(line->run, record, NULL, NULL);
    visit_go_on(line);
}

/* --- what a step came to ---------------------------------------------------- */

void visit_end(struct line *line, enum step_fate fate) {
    struct str         unknown = json_find_text(line->step.meta, "on_unknown");
    const struct json *outcomes = json_find(line->step.meta, "outcomes");
    struct json       *record;

    if (line_left_behind(line)) {
        line_still(line);
        return;
    }
    switch (fate) {
    case STEP_STOPPED: line_stop(line); return;
    case STEP_PARKED: line_park(line); return;
    case STEP_ASSUMED:
        visit_end_assumed(line, json_text(json_at(outcomes, 0)));
        return;
    case STEP_ENDED:
        record = result_record(line);
        if (check_end(line, record)) {
            node_ended(line, record);
            return;
        }
        json_release(record);
        break;
    case STEP_UNKNOWN: /* (RN5) */
        if (!unknown.len)
            break;
        record = ended_record(line);
        json_put_text(record, "outcome", unknown);
        json_put_text(record, "reason", str_of(line->err.text));
        node_ended(line, record);
        return;
    case STEP_FAILED:
        if (rerun_due(line)) {
            rerun(line);
            return;
        }
        break;
    }
    visit_end_failed(line);
}
