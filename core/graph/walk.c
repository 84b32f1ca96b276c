/* walk.c - one function for each kind of record. (WK1)
 *
 * The `visit` record of a branch names it, counted from 1; whatever else is
 * recorded of a node belongs to the track that is visiting it.
 */
#include "graph/walk.h"

#include <stdlib.h>
#include <string.h>

#include "base/timestamp.h"

void walk_init(struct walk *walk) {
    memset(walk, 0, sizeof *walk);
    walk->outputs = json_new_map();
    walk->path = json_new_list();
    walk->visits = json_new_map();
    walk->wrote = json_new_list();
    walk->undone = json_new_list();
    walk->attached = json_new_list();
}

static void clear_track(struct track *track) {
    json_release(track->current);
    json_release(track->next);
    json_release(track->parked);
    memset(track, 0, sizeof *track);
}

void walk_release(struct walk *walk) {
    json_release(walk->started);
    json_release(walk->outputs);
    json_release(walk->path);
    json_release(walk->visits);
    json_release(walk->fork);
    json_release(walk->failure);
    json_release(walk->wrote);
    json_release(walk->undone);
    json_release(walk->attached);
    json_release(walk->finished);
    for (size_t i = 0; i < WALK_TRACKS_MAX; i++)
        clear_track(&walk->tracks[i]);
    memset(walk, 0, sizeof *walk);
}

static void keep(struct json **slot, const struct json *value) {
    json_release(*slot);
    *slot = value ? json_clone(value) : NULL;
}

/* What is recorded never changes, so its parts may be shared. */
static struct json *shared(const struct json *value) {
    return json_retain((struct json *)value);
}

static void keep_whole(struct json **slot, const struct json *record) {
    json_release(*slot);
    *slot = shared(record);
}

static void copy(struct json *into, const struct json *from, const char *name) {
    const struct json *value = json_find(from, name);

    if (value)
        json_put(into, name, shared(value));
}

/* "restart/0002/run/-/0001": the node, the visit, the phase. */
struct place {
    struct str node, phase;
    int64_t    visit;
};

static struct place place_of(const struct json *record) {
    struct place place = {.visit = 0};
    struct str   rest = json_find_text(record, "slot"), visit;

    place.node = str_cut(rest, '/', &rest);
    visit = str_cut(rest, '/', &rest);
    place.phase = str_cut(rest, '/', &rest);
    (void)str_to_int(visit, &place.visit);
    return place;
}

static struct json *node_visit(struct str node, int64_t visit) {
    struct json *entry = json_new_map();

    json_put_text(entry, "node", node);
    json_put_int(entry, "visit", visit);
    return entry;
}

static void apply_intent(struct walk *walk, const struct json *record) {
    struct place       place = place_of(record);
    size_t             count = json_count(walk->wrote);
    const struct json *last = count ? json_at(walk->wrote, count - 1) : NULL;

    /* A message to people acts on nothing. */
    if (str_is(json_find_text(record, "class"), "notify"))
        return;
    if (!walk->acted_ms)
        walk->acted_ms = json_find_int(record, "at", 0);
    if (!str_is(place.phase, "run") ||
        (last && str_equal(json_find_text(last, "node"), place.node) &&
         json_find_int(last, "visit", 0) == place.visit))
        return;
    json_append(walk->wrote, node_visit(place.node, place.visit));
}

/* --- tracks ----------------------------------------------------------- */

static bool is_of(const struct json *record, const struct json *visit) {
    return str_equal(json_find_text(record, "node"),
                     json_find_text(visit, "node"));
}

/* Whose node the record speaks of: without a fork that is the trunk, which
 * undo uses too. NULL: of a branch that was cancelled. */
static struct track *track_of(struct walk *walk, const struct json *record) {
    if (!walk->fork)
        return &walk->tracks[WALK_TRUNK];
    for (size_t i = 1; i < WALK_TRACKS_MAX; i++)
        if (is_of(record, walk->tracks[i].current))
            return &walk->tracks[i];
    return NULL;
}

static void go_to(struct track *track, const struct json *next) {
    clear_track(track);
    keep(&track->next, next);
}

static void open_fork(struct walk *walk, const struct json *fork) {
    keep(&walk->fork, fork);
    walk->forks++;
    walk->fork_at = json_count(walk->path);
    for (size_t i = 0; i < fork_count(fork) && i < FORK_BRANCHES_MAX; i++)
        go_to(&walk->tracks[1 + i], json_at(json_find(fork, "all"), i));
}

static void go_on(struct walk *walk, struct track *track,
                  const struct json *next) {
    go_to(track, next);
    if (fork_is(next))
        open_fork(walk, next);
}

static void close_fork(struct walk *walk, const struct json *next) {
    struct json *kept = json_clone(next);

    for (size_t i = 1; i < WALK_TRACKS_MAX; i++)
        clear_track(&walk->tracks[i]);
    keep(&walk->fork, NULL);
    go_on(walk, &walk->tracks[WALK_TRUNK], kept);
    json_release(kept);
}

static bool has_come(const struct walk *walk, size_t branch) {
    const struct track *track = &walk->tracks[1 + branch];

    return !track->current &&
           str_equal(json_text(track->next), fork_join(walk->fork));
}

static bool all_have_come(const struct walk *walk) {
    for (size_t i = 0; i < fork_count(walk->fork); i++)
        if (!has_come(walk, i))
            return false;
    return true;
}

/* Where the end of a visit leads its track, and the run with it. */
static void lead_on(struct walk *walk, struct track *track,
                    const struct json *record) {
    const struct json *next = json_find(record, "next");

    if (json_truth(json_find(record, "leaves"))) {
        close_fork(walk, next);
        return;
    }
    go_on(walk, track, next);
    if (!fork_is(next) && walk->fork && all_have_come(walk))
        close_fork(walk, json_find(walk->fork, "join"));
}

/* --- records ------------------------------------------------------------ */

static void apply_started(struct walk *walk, const struct json *record) {
    keep_whole(&walk->started, record);
    lead_on(walk, &walk->tracks[WALK_TRUNK], record);
}

static void apply_visit(struct walk *walk, const struct json *record) {
    struct str    node = json_find_text(record, "node");
    int64_t       branch = json_find_int(record, "branch", WALK_TRUNK);
    struct track *track = &walk->tracks[branch < WALK_TRACKS_MAX ? branch : 0];

    clear_track(track);
    keep_whole(&track->current, record);
    json_put_str(walk->visits, node,
                 json_new_int(json_find_int(record, "visit", 1)));
}

static void add_output(struct walk *walk, const struct json *record) {
    struct str   node = json_find_text(record, "node");
    struct json *list = json_find_str(walk->outputs, node), *output;

    if (!list) {
        json_put_str(walk->outputs, node, json_new_list());
        list = json_find_str(walk->outputs, node);
    }
    output = json_is(json_find(record, "output"), JSON_MAP)
                 ? json_clone(json_find(record, "output"))
                 : json_new_map();
    json_put_text(output, "outcome", json_find_text(record, "outcome"));
    json_append(list, output);
}

static int64_t branch_of(const struct json *step) {
    return json_find_int(step, "branch", WALK_TRUNK);
}

/* Behind what the branches before it have done. (WK2) */
static void add_step(struct walk *walk, struct json *step) {
    size_t at = json_count(walk->path);

    while (at > walk->fork_at && branch_of(step) &&
           branch_of(json_at(walk->path, at - 1)) > branch_of(step))
        at--;
    json_insert(walk->path, at, step);
}

static void apply_ended(struct walk *walk, const struct json *record) {
    static const char *const shown[] = {"node",   "visit",   "outcome", "asked",
                                        "reason", "assumed", "use",     "next",
                                        "branch", "leaves",  "error",   NULL};
    struct track            *track = track_of(walk, record);
    struct json             *step = json_new_map();

    for (const char *const *name = shown; *name; name++)
        copy(step, record, *name);
    copy(step, json_find(record, "output"), "reasons");
    add_step(walk, step);
    add_output(walk, record);
    if (track)
        lead_on(walk, track, record);
    if (json_find(record, "error")) {
        keep(&walk->failure, json_find(record, "error"));
        copy(walk->failure, record, "node");
    }
}

/* What happens to a visit while it lasts. */
static void apply_to_track(struct track *track, struct str kind,
                           const struct json *record) {
    if (!track)
        return;
    if (str_is(kind, "attempt"))
        track->attempt = (int)json_find_int(record, "attempt", 1);
    else if (str_is(kind, "parked"))
        keep_whole(&track->parked, record);
    else if (str_is(kind, "rerun"))
        keep(&track->parked, NULL);
}

static void fold(struct walk *walk, const struct json *record) {
    struct str kind = json_find_text(record, "kind");

    apply_to_track(track_of(walk, record), kind, record);
    if (str_is(kind, "started"))
        apply_started(walk, record);
    else if (str_is(kind, "visit"))
        apply_visit(walk, record);
    else if (str_is(kind, "intent"))
        apply_intent(walk, record);
    else if (str_is(kind, "attached"))
        json_append(walk->attached, json_clone(json_find(record, "evidence")));
    else if (str_is(kind, "undone"))
        json_append(walk->undone, json_clone(record));
    else if (str_is(kind, "ended"))
        apply_ended(walk, record);
    else if (str_is(kind, "finished"))
        keep_whole(&walk->finished, record);
}

void walk_follow(struct walk *walk, const struct json *records) {
    while (walk->folded < json_count(records))
        fold(walk, json_at(records, walk->folded++));
}

int64_t walk_spent(const struct track *track, const char *phase,
                   struct str node, int visit) {
    const struct json *parked = track->parked;

    return str_is(json_find_text(parked, "phase"), phase) &&
                   str_equal(json_find_text(parked, "node"), node) &&
                   json_find_int(parked, "visit", 0) == visit
               ? json_find_int(parked, "spent", 0)
               : 0;
}

int walk_visits(const struct walk *walk, struct str node) {
    return (int)json_int(json_find_str(walk->visits, node));
}

int walk_attempts(const struct walk *walk) {
    return (int)json_count(walk->wrote);
}

static bool is_verification(const struct json *step) {
    return str_starts(json_find_text(step, "use"), "verification");
}

static struct str verdict_of(const struct json *step) {
    return json_truth(json_find(step, "assumed"))
               ? STR("assumed")
               : json_find_text(step, "outcome");
}

struct str walk_verdict(const struct walk *walk) {
    for (size_t i = json_count(walk->path); i-- > 0;) {
        const struct json *step = json_at(walk->path, i);

        /* A verification that ended in an error has shown nothing. */
        if (is_verification(step))
            return json_find(step, "error") ? STR("unknown") : verdict_of(step);
    }
    return (struct str){NULL, 0};
}

/* --- what scripts may be told ----------------------------------------- */

/* Of a sibling in the same fork: whether it is there already is a matter of
 * speed. (WK2) */
static bool is_hidden(const struct walk *walk, size_t track, size_t at) {
    return track != WALK_TRUNK && at >= walk->fork_at &&
           branch_of(json_at(walk->path, at)) != (int64_t)track;
}

static struct json *path_for(const struct walk *walk, size_t track) {
    struct json *path = json_new_list();

    for (size_t i = 0; i < json_count(walk->path); i++)
        if (!is_hidden(walk, track, i))
            json_append(path, json_clone(json_at(walk->path, i)));
    return path;
}

static struct json *without_last(const struct json *list) {
    struct json *rest = json_new_list();

    for (size_t i = 0; i + 1 < json_count(list); i++)
        json_append(rest, json_retain(json_at(list, i)));
    return rest;
}

static struct json *outputs_for(const struct walk *walk, size_t track) {
    struct json *outputs = json_new_map();

    json_merge(outputs, walk->outputs);
    for (size_t i = 0; i < json_count(walk->path); i++) {
        struct str node = json_find_text(json_at(walk->path, i), "node");

        if (is_hidden(walk, track, i))
            json_put_str(outputs, node,
                         without_last(json_find_str(outputs, node)));
    }
    return outputs;
}

static void put_moment(struct json *map, const char *key, int64_t ms) {
    struct buf text = BUF_EMPTY;

    timestamp_write(ms, &text);
    json_put_text(map, key, buf_str(&text));
    buf_release(&text);
}

static struct json *run_scope(const struct walk *walk, size_t track) {
    struct json *run = json_new_map();

    copy(run, walk->started, "run");
    json_put_text(run, "id", json_find_text(walk->started, "run"));
    json_drop(run, "run");
    json_put_int(run, "attempts", walk_attempts(walk));
    json_put(run, "path", path_for(walk, track));
    if (walk->acted_ms)
        put_moment(run, "acted_at", walk->acted_ms);
    if (walk->failure)
        json_put(run, "failure", json_clone(walk->failure));
    return run;
}

/* What the notification had, and what has come since. */
static struct json *incident_scope(const struct walk *walk) {
    const struct json *first = json_find(walk->started, "incident");
    struct json       *incident, *list;

    if (!first)
        return json_new_null();
    if (json_count(walk->attached) == 0 && !json_find(first, "trace"))
        return shared(first);
    incident = json_clone(first);
    json_drop(incident, "trace"); /* whose spans these are is no fact */
    if (json_count(walk->attached) == 0)
        return incident;
    if (!json_is(json_find(incident, "attached"), JSON_LIST))
        json_put(incident, "attached", json_new_list());
    list = json_find(incident, "attached");
    for (size_t i = 0; i < json_count(walk->attached); i++)
        json_append(list, json_clone(json_at(walk->attached, i)));
    return incident;
}

struct json *walk_scope(const struct walk *walk, size_t track,
                        const struct json *service) {
    struct json *scope = outputs_for(walk, track);

    json_put(scope, "run", run_scope(walk, track));
    json_put(scope, "service", shared(service));
    json_put(scope, "incident", incident_scope(walk));
    return scope;
}

/* The outcome of the first verification after this visit, or "". */
static struct str verdict_after(const struct json *path, size_t from) {
    for (size_t i = from + 1; i < json_count(path); i++)
        if (is_verification(json_at(path, i)))
            return verdict_of(json_at(path, i));
    return STR("");
}

static bool has_written(const struct walk *walk, const struct json *step) {
    for (size_t i = 0; i < json_count(walk->wrote); i++) {
        const struct json *wrote = json_at(walk->wrote, i);

        if (str_equal(json_find_text(wrote, "node"),
                      json_find_text(step, "node")) &&
            json_find_int(wrote, "visit", 0) == json_find_int(step, "visit", 0))
            return true;
    }
    return false;
}

static struct json *tried(const struct walk *walk, size_t track) {
    struct json *list = json_new_list(), *path = path_for(walk, track);

    for (size_t i = 0; i < json_count(path); i++) {
        const struct json *step = json_at(path, i);
        struct json       *entry;

        if (!has_written(walk, step))
            continue;
        entry = json_new_map();
        copy(entry, step, "node");
        copy(entry, step, "outcome");
        json_put_text(entry, "verdict", verdict_after(path, i));
        json_append(list, entry);
    }
    json_release(path);
    return list;
}

struct json *walk_facts(const struct walk *walk, size_t track, int limit,
                        struct str risk) {
    struct json *facts = json_new_map();

    json_put_int(facts, "attempts", walk_attempts(walk));
    json_put_int(facts, "limit", limit);
    if (risk.len)
        json_put_text(facts, "risk", risk);
    json_put(facts, "tried", tried(walk, track));
    return facts;
}
