/* report.c - one pass over the records; a write is an intent and its result. */
#include "graph/report.h"

#include <string.h>

static void copy(struct json *into, const struct json *from, const char *name,
                 const char *as) {
    const struct json *value = json_find(from, name);

    if (value)
        json_put(into, as, json_clone(value));
}

static void put_place(struct json *entry, const struct json *record) {
    struct str rest, place = json_find_text(record, "slot");
    struct str node = str_cut(place, '/', &rest), phase;

    (void)str_cut(rest, '/', &rest);
    phase = str_cut(rest, '/', &rest);
    json_put_text(entry, "node", node);
    if (str_is(phase, "undo"))
        json_put_text(entry, "phase", phase);
    copy(entry, record, "slot", "slot");
}

static struct json *question_of(const struct json *record) {
    struct json *entry = json_new_map();

    copy(entry, record, "effect", "effect");
    copy(entry, record, "class", "class");
    copy(entry, record, "target", "target");
    copy(entry, record, "args", "request");
    copy(entry, record, "digest", "digest");
    put_place(entry, record);
    return entry;
}

static bool is_kind(const struct json *record, const char *kind) {
    return str_is(json_find_text(record, "kind"), kind);
}

static const struct json *result_of(const struct json *records, size_t from,
                                    struct str slot) {
    for (size_t i = from; i < json_count(records); i++)
        if (is_kind(json_at(records, i), "result") &&
            str_equal(json_find_text(json_at(records, i), "slot"), slot))
            return json_at(records, i);
    return NULL;
}

static struct json *write_entry(const struct json *records, size_t at) {
    const struct json *intent = json_at(records, at);
    const struct json *result =
        result_of(records, at, json_find_text(intent, "slot"));
    struct json *entry = question_of(intent);

    copy(entry, intent, "before", "before");
    copy(entry, result, "how", "how");
    copy(entry, result, "answer", "after");
    copy(entry, result, "error", "error");
    copy(entry, result, "assumed", "assumed");
    if (!result)
        json_put_text(entry, "how", STR("unknown"));
    return entry;
}

/* The engine's own questions (clock, ids) are no reads of the world. */
static bool is_world_read(const struct json *record) {
    return is_kind(record, "read") &&
           !str_starts(json_find_text(record, "effect"), "engine:");
}

static struct json *read_entry(const struct json *record) {
    struct json *entry = question_of(record);

    copy(entry, record, "ok", "ok");
    copy(entry, record, "error", "error");
    copy(entry, record, "assumed", "assumed");
    return entry;
}

static struct json *wait_entry(const struct json *record,
                               const struct json *result) {
    const struct json *args = json_find(record, "args");
    struct json       *entry = json_new_map();

    put_place(entry, record);
    copy(entry, json_find(record, "args"), "ms", "sleep_ms");
    copy(entry, args, "within", "within_ms");
    if (json_find(args, "ask"))
        json_put(entry, "for", json_clone(json_at(json_find(args, "ask"), 0)));
    copy(entry, json_find(result, "answer"), "ok", "came");
    copy(entry, result, "assumed", "assumed");
    return entry;
}

static bool first_of_slot(const struct json *records, size_t at) {
    struct str slot = json_find_text(json_at(records, at), "slot");

    for (size_t i = 0; i < at; i++)
        if (is_kind(json_at(records, i), "wait") &&
            str_equal(json_find_text(json_at(records, i), "slot"), slot))
            return false;
    return true;
}

static void add_effects(const struct json *records, struct json *report) {
    struct json *writes = json_new_list(), *reads = json_new_list();
    struct json *waits = json_new_list();

    for (size_t i = 0; i < json_count(records); i++) {
        const struct json *record = json_at(records, i);

        if (is_kind(record, "intent"))
            json_append(writes, write_entry(records, i));
        else if (is_world_read(record))
            json_append(reads, read_entry(record));
        else if (is_kind(record, "wait") && first_of_slot(records, i))
            json_append(
                waits,
                wait_entry(record, result_of(records, i,
                                             json_find_text(record, "slot"))));
    }
    json_put(report, "writes", writes);
    json_put(report, "reads", reads);
    json_put(report, "waits", waits);
}

/* A step that was assumed shows where its other outcomes would lead. */
static struct json *step_entry(const struct report_context *context,
                               const struct json           *step) {
    struct json       *entry = json_clone(step);
    const struct json *node = json_find_str(
        json_find(context->playbook, "nodes"), json_find_text(step, "node"));

    if (json_truth(json_find(step, "assumed")))
        copy(entry, node, "next", "edges");
    return entry;
}

static void add_path(const struct report_context *context,
                     struct json                 *report) {
    struct json       *path = json_new_list();
    const struct json *steps = context->walk->path;

    for (size_t i = 0; i < json_count(steps); i++)
        json_append(path, step_entry(context, json_at(steps, i)));
    json_put(report, "path", path);
}

static void add_handover(const struct walk *walk, struct json *report) {
    struct json_walk over = json_walk_over(walk->outputs);

    while (json_walk_next(&over)) {
        const struct json *last =
            json_at(over.value, json_count(over.value) - 1);

        if (json_find(last, "handover"))
            json_put(report, "handover",
                     json_clone(json_find(last, "handover")));
    }
}

/* A branch that has come to the join stands nowhere. */
static void add_stand(const struct walk *walk, size_t branch,
                      struct json *list) {
    const struct track *track = &walk->tracks[branch];
    struct str          next = json_text(track->next);
    struct json        *stand;

    if (!track->current &&
        (!next.len || (branch && str_equal(next, fork_join(walk->fork)))))
        return;
    stand = json_new_map();
    json_put_text(stand, "node", next);
    copy(stand, track->current, "node", "node");
    copy(stand, track->current, "visit", "visit");
    copy(stand, track->parked, "due", "due");
    if (branch)
        json_put_int(stand, "branch", (int64_t)branch);
    json_append(list, stand);
}

/* Where a run that has not ended is: at one node, or in several branches. */
static void add_stands(const struct walk *walk, struct json *report) {
    struct json *list = json_new_list();

    for (size_t i = 0; i < WALK_TRACKS_MAX; i++)
        add_stand(walk, i, list);
    json_put(report, "stands", list);
}

struct json *report_make(const struct report_context *context) {
    const struct walk *walk = context->walk;
    struct json       *report = json_new_map();

    json_put_text(report, "schema", STR("nightshift.run/1"));
    copy(report, walk->started, "run", "run");
    copy(report, walk->started, "playbook", "playbook");
    copy(report, walk->started, "bundle", "bundle");
    copy(report, walk->started, "mode", "mode");
    copy(report, walk->started, "incident", "incident");
    copy(report, walk->started, "at", "started_at");
    copy(report, walk->finished, "at", "ended_at");
    json_put(report, "outcome",
             walk->finished ? json_clone(json_find(walk->finished, "outcome"))
                            : json_new_text(STR("stopped")));
    json_put(report, "verdict",
             walk->finished ? json_clone(json_find(walk->finished, "verdict"))
                            : json_new_null());
    if (context->scenario)
        json_put_text(report, "assume", str_of(context->scenario));
    add_path(context, report);
    add_effects(context->records, report);
    if (json_count(walk->undone))
        json_put(report, "undone", json_clone(walk->undone));
    add_handover(walk, report);
    if (!walk->finished)
        add_stands(walk, report);
    return report;
}
