/* match.c - strict on the way in: what the source gives is checked in C. */
#include "graph/match.h"

#include <string.h>

#include "base/mem.h"
#include "base/nearest.h"
#include "base/timestamp.h"
#include "graph/bind.h"
#include "vm/attempt.h"

#define OCCURRENCES_MAX 10000
#define KEY_MAX 1024 /* bytes: every mention of it in the store has it */

static const struct json_caps caps = {MATCH_EVENT_MAX, 64};

/* --- the source ---------------------------------------------------------- */

struct json *match_request(struct json *headers, struct json *body,
                           int64_t received_ms) {
    struct json *request = json_new_map(), *list = json_new_list();

    json_put(request, "headers", headers);
    json_put(request, "body", body);
    json_put_int(request, "received_ms", received_ms);
    json_append(list, request);
    return list;
}

static bool check_key(const struct json *o, size_t at, struct err *err) {
    struct str key = json_find_text(o, "key");

    if (key.len == 0)
        return err_set(err, ERR_EVENT_SHAPE,
                       json_find(o, "key") ? "occurrence %zu: key must be text"
                                           : "occurrence %zu has no key",
                       at);
    return key.len <= KEY_MAX ||
           err_set(err, ERR_EVENT_SHAPE,
                   "occurrence %zu: a key of %zu bytes, at most %d are taken",
                   at, key.len, KEY_MAX);
}

static bool is_absent(const struct json *map, const char *name) {
    const struct json *value = json_find(map, name);

    return !value || json_is(value, JSON_NULL_KIND);
}

static bool check_moment(const struct json *o, const char *name, size_t at,
                         struct err *err) {
    int64_t ms;

    if (timestamp_read(json_find_text(o, name), &ms, err))
        return true;
    err->code = ERR_EVENT_SHAPE;
    return err_wrap(err, "occurrence %zu: %s", at, name);
}

/* (MT3) */
static bool check_moments(const struct json *o, bool unstarted, size_t at,
                          struct err *err) {
    if (!unstarted || !is_absent(o, "started_at"))
        return check_moment(o, "started_at", at, err) &&
               (is_absent(o, "ended_at") ||
                check_moment(o, "ended_at", at, err));
    if (is_absent(o, "ended_at"))
        return err_set(err, ERR_EVENT_SHAPE,
                       "occurrence %zu: resolved with neither started_at nor "
                       "ended_at",
                       at);
    return check_moment(o, "ended_at", at, err);
}

static const char *const known_fields[] = {"key",      "status", "started_at",
                                           "ended_at", "labels", "annotations",
                                           "links",    NULL};

static bool say_unknown(struct str name, size_t at, struct err *err) {
    struct nearest nearest = nearest_to(name);
    struct buf     words = BUF_EMPTY;

    for (const char *const *field = known_fields; *field; field++)
        nearest_offer(&nearest, str_of(*field));
    err_set(err, ERR_CONTRACT, "occurrence %zu has no field '%.*s'%s", at,
            (int)(name.len > 40 ? 40 : name.len), name.data,
            nearest_words(&nearest, &words));
    buf_release(&words);
    return false;
}

/* One that is misspelt would be missed by nobody. (MT4) */
static bool check_fields(const struct json *o, size_t at, struct err *err) {
    void        *place = NULL;
    struct str   name;
    struct json *value;

    while (json_next(o, &place, &name, &value)) {
        const char *const *field = known_fields;

        while (*field && !str_is(name, *field))
            field++;
        if (!*field)
            return say_unknown(name, at, err);
    }
    for (const char *const *map = known_fields + 5; *map; map++)
        if (!is_absent(o, *map) && !json_is(json_find(o, *map), JSON_MAP))
            return err_set(err, ERR_CONTRACT,
                           "occurrence %zu: %s must be a table of names", at,
                           *map);
    return true;
}

static bool check_occurrence(const struct json *o, bool ends_by_key, size_t at,
                             struct err *err) {
    struct str status = json_find_text(o, "status");
    bool       resolved = str_is(status, "resolved");

    if (!check_key(o, at, err))
        return false;
    if (!resolved && !str_is(status, "firing"))
        return err_set(err, ERR_EVENT_SHAPE,
                       "occurrence %zu: status \"%.*s\" "
                       "is neither firing nor resolved",
                       at, STR_ARG(status));
    if (!check_moments(o, resolved && ends_by_key, at, err))
        return false;
    if (!json_is(json_find(o, "labels"), JSON_MAP))
        return err_set(err, ERR_EVENT_SHAPE, "occurrence %zu has no labels",
                       at);
    return check_fields(o, at, err);
}

static struct json *check_occurrences(const struct json *results,
                                      bool ends_by_key, struct err *err) {
    struct json *list = json_at(results, 0);

    /* An empty table of a script is a map: Lua cannot tell the two apart. */
    if (!json_is(list, JSON_LIST) &&
        !(json_is(list, JSON_MAP) && json_count(list) == 0)) {
        err_set(err, ERR_CONTRACT, "a source must return a list");
        return NULL;
    }
    if (json_count(list) > OCCURRENCES_MAX) {
        err_set(err, ERR_LIMIT, "%zu occurrences, at most %d are taken",
                json_count(list), OCCURRENCES_MAX);
        return NULL;
    }
    for (size_t i = 0; i < json_count(list); i++)
        if (!check_occurrence(json_at(list, i), ends_by_key, i + 1, err))
            return NULL;
    return list;
}

const struct json *match_notes(const struct json *results) {
    const struct json *notes = json_at(results, 1);

    return json_is(notes, JSON_MAP) ? notes : NULL;
}

bool match_ends_by_key(struct bundle *bundle, const struct script *source) {
    const struct json *meta;
    struct err         err;

    return bundle_meta(bundle, source, &meta, &err) &&
           json_truth(json_find(meta, "ends_by_key"));
}

static bool read_source(struct bundle *bundle, struct str source,
                        struct json *body, int64_t now_ms,
                        struct json **occurrences, struct err *err) {
    const struct script *script = bundle_find(bundle, SCRIPT_SOURCE, source);
    struct json         *request = match_request(json_new_map(), body, now_ms),
                *results = NULL;

    if (!script)
        err_set(err, ERR_NOT_FOUND, "no source \"%.*s\"", STR_ARG(source));
    else
        results = attempt_call(bundle, script, "occurrences", request,
                               &vm_limits_source, err);
    json_release(request);
    *occurrences =
        results
            ? check_occurrences(results, match_ends_by_key(bundle, script), err)
            : NULL;
    if (*occurrences)
        json_retain(*occurrences);
    json_release(results);
    return *occurrences || err_wrap(err, "source %.*s", STR_ARG(source));
}

/* --- the playbook -------------------------------------------------------- */

/* "*" asks that the label is there; another text that it is the same. */
static bool label_fits(const struct json *wanted, const struct json *label) {
    if (json_text(label).len == 0)
        return false;
    return str_is(json_text(wanted), "*") || json_same(wanted, label);
}

bool match_takes(const struct json *playbook, const struct json *o) {
    const struct json *wanted = json_dig(playbook, "trigger", "labels", NULL);
    const struct json *labels = json_find(o, "labels");
    struct json_walk   walk = json_walk_over(wanted);

    while (json_walk_next(&walk))
        if (!label_fits(walk.value, json_find_str(labels, walk.key))) {
            json_walk_stop(&walk);
            return false;
        }
    return true;
}

/* { "$incident.labels.cluster", … } filled: what makes two the same. Of the
 * service only its labels are known here; check refuses the rest. */
static struct json *key_of(const struct json *playbook,
                           const struct json *incident) {
    const struct json *key = json_find(playbook, "key");
    const struct json *labels = json_find(incident, "labels");
    struct json       *scope = json_new_map(), *service = json_new_map();
    struct json       *filled;

    if (json_find(labels, "service"))
        json_put_text(service, "name", json_find_text(labels, "service"));
    if (json_find(labels, "cluster"))
        json_put_text(service, "cluster", json_find_text(labels, "cluster"));
    json_put(scope, "service", service);
    json_put(scope, "incident", json_clone(incident));
    filled = bind_input(key, scope);
    json_release(scope);
    return filled;
}

struct json *match_incident(const struct json *playbook, const struct json *o) {
    static const char *const fields[] = {"status",      "started_at", "labels",
                                         "annotations", "links",      NULL};
    struct json             *incident = json_new_map();
    struct err               err;
    int64_t                  ms = 0;

    for (const char *const *field = fields; *field; field++)
        json_put(incident, *field,
                 json_is(json_find(o, *field), JSON_NULL_KIND) ||
                         !json_find(o, *field)
                     ? json_new_map()
                     : json_clone(json_find(o, *field)));
    (void)timestamp_read(json_find_text(o, "started_at"), &ms, &err);
    json_put_int(incident, "started_ms", ms);
    json_put_text(incident, "fingerprint", json_find_text(o, "key"));
    json_put_text(incident, "source",
                  json_find_text(json_find(playbook, "trigger"), "source"));
    json_put(incident, "key", key_of(playbook, incident));
    return incident;
}

static struct json *same_key(const struct json *incidents,
                             const struct json *key) {
    for (size_t i = 0; i < json_count(incidents); i++)
        if (json_same(json_find(json_at(incidents, i), "key"), key))
            return json_at(incidents, i);
    return NULL;
}

/* What else fires on the same thing is evidence, not a run of its own. */
static void attach(struct json *incident, const struct json *other) {
    struct json *list = json_find(incident, "attached"), *entry;

    if (!list) {
        json_put(incident, "attached", json_new_list());
        list = json_find(incident, "attached");
    }
    entry = json_new_map();
    json_put(entry, "labels", json_clone(json_find(other, "labels")));
    json_put_text(entry, "started_at", json_find_text(other, "started_at"));
    json_append(list, entry);
}

/* (MT1) */
static void add_incident(struct match *match, struct json *incident) {
    struct json *held = same_key(match->incidents, json_find(incident, "key"));

    if (held) {
        attach(held, incident);
        match->attached++;
        json_release(incident);
    } else {
        json_append(match->incidents, incident);
    }
}

struct place {
    int64_t ms;
    size_t  at;
};

static int by_start(const void *a, const void *b) {
    const struct place *x = a, *y = b;

    if (x->ms != y->ms)
        return x->ms < y->ms ? -1 : 1;
    return x->at < y->at ? -1 : 1;
}

static struct str moment_of(const struct json *o) {
    struct str start = json_find_text(o, "started_at");

    return start.len ? start : json_find_text(o, "ended_at");
}

/* The earliest first; equal ones in the order they came. Gives. */
static struct json *sorted_by_start(const struct json *list) {
    size_t        count = json_count(list);
    struct place *places = mem_new(count * sizeof *places);
    struct json  *sorted = json_new_list();
    struct err    err;

    for (size_t i = 0; i < count; i++) {
        places[i].at = i;
        (void)timestamp_read(moment_of(json_at(list, i)), &places[i].ms, &err);
    }
    qsort(places, count, sizeof *places, by_start);
    for (size_t i = 0; i < count; i++)
        json_append(sorted, json_retain(json_at(list, places[i].at)));
    mem_free(places);
    return sorted;
}

struct json *match_occurrences(const struct json *results, bool ends_by_key,
                               struct err *err) {
    const struct json *list = check_occurrences(results, ends_by_key, err);

    return list ? sorted_by_start(list) : NULL;
}

bool match_delivery(struct bundle *bundle, const struct json *playbook,
                    struct str delivery, int64_t now_ms, struct match *match,
                    struct err *err) {
    struct str source =
        json_find_text(json_find(playbook, "trigger"), "source");
    struct json *body = json_parse(delivery, &caps, err), *given;
    struct json *occurrences;

    memset(match, 0, sizeof *match);
    match->incidents = json_new_list();
    if (!body || !read_source(bundle, source, body, now_ms, &given, err))
        return err_wrap(err, "event");
    occurrences = sorted_by_start(given);
    json_release(given);
    for (size_t i = 0; i < json_count(occurrences); i++) {
        const struct json *o = json_at(occurrences, i);
        bool firing = str_is(json_find_text(o, "status"), "firing");

        match->seen++;
        match->firing += firing;
        match->resolved += !firing; /* (MT2) */
        if (firing && match_takes(playbook, o))
            add_incident(match, match_incident(playbook, o));
        else
            match->unmatched += firing;
    }
    json_release(occurrences);
    return true;
}

void match_release(struct match *match) {
    json_release(match->incidents);
    match->incidents = NULL;
}
