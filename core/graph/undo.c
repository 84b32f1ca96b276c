/* undo.c - takes back what this run's nodes wrote, the newest first.
 *
 * Each node that wrote and has an `undo` runs it at the visit it wrote in,
 * under the same gate, in the phase "undo" of its own slots. Nodes without one
 * are named and skipped. One that fails ends it: the rest stays as it is, and
 * a person decides. After a crash the ones already noted are not run again.
 */
#include "graph/run_private.h"
#include "sys/loop.h"

static void next(struct run *run);

static struct str route(const struct run *run, const char *outcome) {
    struct str target = json_find_text(run->playbook, outcome);
    struct str failed = json_find_text(run->playbook, "failed");

    if (target.len && !(outcome[0] == 'f'))
        return target;
    return failed.len ? failed : STR("escalation");
}

static void end_durable(void *arg, const struct err *err) {
    struct run *run = arg;

    if (!line_failed(&run->trunk, err))
        line_follow(&run->trunk);
}

static void end(struct run *run, const char *outcome) {
    struct json *record = run_record(run, "ended");

    json_put_text(record, "node", STR("undo"));
    json_put_int(record, "visit", 1);
    json_put_text(record, "outcome", str_of(outcome));
    json_put_text(record, "next", route(run, outcome));
    run_note(run, record, end_durable, run);
}

static const struct json *current(const struct run *run) {
    return json_at(run->walk.wrote, run->undoing);
}

/* Notes how one node's undo ended; says whether to go on. */
static void note(struct run *run, const char *outcome, const char *why) {
    struct json *record = run_record(run, "undone");

    json_put_text(record, "node", json_find_text(current(run), "node"));
    json_put_int(record, "visit", json_find_int(current(run), "visit", 1));
    json_put_text(record, "outcome", str_of(outcome));
    if (why[0])
        json_put_text(record, "reason", str_of(why));
    run_note(run, record, NULL, NULL);
}

static void step_done(struct line *line, enum step_fate fate) {
    struct run *run = line->run;
    struct str  outcome = json_text(json_at(line->step.results, 0));

    if (fate == STEP_STOPPED) {
        line_stop(line);
        return;
    }
    if (fate == STEP_PARKED) {
        line_park(line);
        return;
    }
    if (fate == STEP_ASSUMED ||
        (fate == STEP_ENDED && str_is(outcome, "undone"))) {
        note(run, "undone", "");
        next(run);
        return;
    }
    note(run, "failed",
         fate == STEP_ENDED ? "its undo said so" : run->trunk.err.text);
    end(run, "failed");
}

static bool already(const struct run *run) {
    for (size_t i = 0; i < json_count(run->walk.undone); i++) {
        const struct json *done = json_at(run->walk.undone, i);

        if (str_equal(json_find_text(done, "node"),
                      json_find_text(current(run), "node")) &&
            json_find_int(done, "visit", 0) ==
                json_find_int(current(run), "visit", 0))
            return true;
    }
    return false;
}

/* --- what undo is told --------------------------------------------------- */

/* Is this record's slot one of the node's `run` phase at that visit? */
static bool is_slot_of(const struct json *record, const struct json *wrote) {
    struct buf prefix = BUF_EMPTY;
    bool       is;

    buf_addf(&prefix, "%.*s/%04d/run/", STR_ARG(json_find_text(wrote, "node")),
             (int)json_find_int(wrote, "visit", 1));
    is = str_starts(json_find_text(record, "slot"), buf_text(&prefix));
    buf_release(&prefix);
    return is;
}

static const struct json *result_for(const struct json *records,
                                     struct str         slot) {
    for (size_t i = 0; i < json_count(records); i++) {
        const struct json *record = json_at(records, i);

        if (str_is(json_find_text(record, "kind"), "result") &&
            str_equal(json_find_text(record, "slot"), slot))
            return json_find(record, "answer");
    }
    return NULL;
}

static struct json *write_of(const struct json *records,
                             const struct json *intent) {
    struct json       *write = json_new_map();
    const struct json *result =
        result_for(records, json_find_text(intent, "slot"));

    json_put_text(write, "effect", json_find_text(intent, "effect"));
    json_put(write, "request", json_clone(json_find(intent, "args")));
    json_put(write, "result",
             result ? json_clone(result) : json_new_text(STR("unknown")));
    if (json_find(intent, "before"))
        json_put(write, "before", json_clone(json_find(intent, "before")));
    return write;
}

static const struct json *ended_of(const struct json *records,
                                   const struct json *wrote) {
    for (size_t i = 0; i < json_count(records); i++) {
        const struct json *record = json_at(records, i);

        if (str_is(json_find_text(record, "kind"), "ended") &&
            str_equal(json_find_text(record, "node"),
                      json_find_text(wrote, "node")) &&
            json_find_int(record, "visit", 0) ==
                json_find_int(wrote, "visit", 0))
            return record;
    }
    return NULL;
}

static const struct json *input_of(const struct json *records,
                                   const struct json *wrote) {
    for (size_t i = 0; i < json_count(records); i++) {
        const struct json *record = json_at(records, i);

        if (str_is(json_find_text(record, "kind"), "visit") &&
            str_equal(json_find_text(record, "node"),
                      json_find_text(wrote, "node")) &&
            json_find_int(record, "visit", 0) ==
                json_find_int(wrote, "visit", 0))
            return json_find(record, "input");
    }
    return NULL;
}

/* input, and state = { output, writes }: the node may have died before it had
 * an output, so the writes are told apart. */
static struct json *arguments_for(const struct run  *run,
                                  const struct json *wrote) {
    const struct json *records = journal_records(run->options.journal);
    const struct json *input = input_of(records, wrote);
    const struct json *output = json_find(ended_of(records, wrote), "output");
    struct json       *list = json_new_list(), *state = json_new_map();
    struct json       *writes = json_new_list();

    for (size_t i = 0; i < json_count(records); i++) {
        const struct json *record = json_at(records, i);

        if (str_is(json_find_text(record, "kind"), "intent") &&
            is_slot_of(record, wrote))
            json_append(writes, write_of(records, record));
    }
    if (output)
        json_put(state, "output", json_clone(output));
    json_put(state, "writes", writes);
    json_append(list, input ? json_clone(input) : json_new_map());
    json_append(list, state);
    return list;
}

/* --- the walk backwards -------------------------------------------------- */

static void undo_one(struct run *run) {
    struct str           node = json_find_text(current(run), "node");
    const struct script *script;
    const struct json   *meta =
        run_meta(run, json_find_text(run_node(run, node), "use"), &script,
                 &run->trunk.err);

    if (!meta) {
        note(run, "failed", run->trunk.err.text);
        end(run, "failed");
    } else if (!json_find(meta, "undo")) {
        note(run, "skipped", "irreversible");
        next(run);
    } else {
        line_track(&run->trunk)->attempt = 0;
        step_start(&run->trunk, "undo", node,
                   (int)json_find_int(current(run), "visit", 1), script, meta,
                   arguments_for(run, current(run)), step_done);
    }
}

static void next(struct run *run) {
    while (run->undoing > 0) {
        run->undoing--;
        if (already(run))
            continue;
        undo_one(run);
        return;
    }
    end(run, "undone");
}

/* Did one fail before a crash, with the end of undoing not yet noted? */
static bool failed_before(const struct run *run) {
    const struct json *records = journal_records(run->options.journal);

    for (size_t i = json_count(records); i-- > 0;) {
        const struct json *record = json_at(records, i);
        struct str         kind = json_find_text(record, "kind");

        if (str_is(kind, "undone"))
            return str_is(json_find_text(record, "outcome"), "failed");
        if (str_is(kind, "ended"))
            return false;
    }
    return false;
}

void undo_start(struct run *run) {
    run->undoing = json_count(run->walk.wrote);
    if (failed_before(run))
        end(run, "failed");
    else
        next(run);
}
