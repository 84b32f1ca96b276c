/* incident_run.c - what goes with three records of a run: its beginning, its
 * first write's intent, its end.
 *
 * The end is the large one: the open record goes, the entry says how it ended,
 * the lead and the ledger move, and the key is either freed, with its cooldown
 * written, or handed to the run that judges what came meanwhile. (INC5)
 */
#include <string.h>
#include <unistd.h>

#include "graph/incident_private.h"

#define SWEEP_ROWS 8 /* of one batch: two writes each */

struct ending {
    struct incident_run   *incident;
    struct store          *store;
    const struct json     *record;
    enum ledger_state      state;
    struct incident_record open, entry, lead;
    struct ledger          ledger;
    int64_t                at;
};

/* As it was written at the beginning, unless somebody wrote it since. */
static bool read_entry(struct ending *e, struct err *err) {
    const struct incident_run *known = e->incident;
    int64_t                    version = 0;
    bool                       found = false;

    if (known->entry && !store_get(e->store, buf_str(&e->entry.key), NULL,
                                   &version, &found, err))
        return false;
    if (!found || version != known->entry_version)
        return incident_record_read(e->store, &e->entry, err);
    e->entry.value = json_retain(known->entry);
    e->entry.version = version;
    return true;
}

static void keep_entry(struct ending *e) {
    json_release(e->incident->entry);
    e->incident->entry = json_retain(e->entry.value);
    e->incident->entry_version = e->entry.version + 1;
}

static bool read_three(struct ending *e, struct err *err) {
    const char *run = e->incident->run;
    struct str  lead;

    incident_open_key(&e->open.key, str_of(run));
    incident_run_key(&e->entry.key, str_of(run));
    if (!incident_record_read(e->store, &e->open, err) || !read_entry(e, err) ||
        !ledger_read(e->store, &e->ledger, err))
        return false;
    if (!e->open.value || !e->entry.value)
        return err_set(err, ERR_CONFLICT, "run %s is not among the open ones",
                       run);
    lead = json_find_text(e->open.value, "lead_key");
    buf_add_str(&e->lead.key, lead);
    return lead.len == 0 || incident_record_read(e->store, &e->lead, err);
}

static void release(struct ending *e) {
    incident_record_release(&e->open);
    incident_record_release(&e->entry);
    incident_record_release(&e->lead);
}

static void move_lead(struct ending *e, enum ledger_state to) {
    if (!e->lead.value)
        return;
    incident_record_move(&e->lead, &e->ledger, to);
    incident_record_write(&e->incident->batch, &e->lead);
}

/* --- the beginning, and going on ----------------------------------------- */

static bool begin(struct ending *e, struct err *err) {
    struct batch *batch = &e->incident->batch;

    if (!read_three(e, err))
        return false;
    if (json_find_text(e->open.value, "cancel").len)
        return err_set(err, ERR_CANCELLED, "the run is not wanted any more");
    json_put_text(e->open.value, "state", STR("running"));
    incident_record_write(batch, &e->open);
    e->incident->fence = json_find_int(e->entry.value, "fence", 0) + 1;
    json_put_text(e->entry.value, "state", STR("running"));
    json_put_int(e->entry.value, "fence", e->incident->fence);
    json_put_int(e->entry.value, "holder", getpid());
    json_put_text(e->entry.value, "bundle",
                  json_find_text(e->record, "bundle"));
    incident_record_write(batch, &e->entry);
    keep_entry(e);
    if (e->lead.value) {
        move_lead(e, LEDGER_RUNNING);
        ledger_write(&e->ledger, &e->incident->batch);
    }
    return true;
}

/* --- the first write ----------------------------------------------------- */

/* (INC3) */
static bool act(struct ending *e, struct err *err) {
    if (e->incident->acted ||
        str_is(json_find_text(e->record, "class"), "notify"))
        return true;
    incident_open_key(&e->open.key, str_of(e->incident->run));
    if (!incident_record_read(e->store, &e->open, err))
        return false;
    if (json_find_text(e->open.value, "cancel").len)
        return err_set(err, ERR_CANCELLED,
                       "nothing of the incident fires any more");
    json_put_bool(e->open.value, "acted", true);
    incident_record_write(&e->incident->batch, &e->open);
    e->incident->acted = true;
    return true;
}

/* --- the end ------------------------------------------------------------- */

static enum ledger_state state_of(struct str outcome) {
    enum ledger_state state = ledger_state_find(outcome);

    return state == LEDGER_NONE ? LEDGER_FAILED : state;
}

struct first_row {
    struct buf   key;
    struct json *value;
    int64_t      version;
    struct err  *err;
};

static bool take_first(void *arg, struct str key, int64_t version,
                       struct str value) {
    struct first_row *row = arg;

    buf_add_str(&row->key, key);
    row->version = version;
    row->value = json_parse(value, &json_caps_answer, row->err);
    return false;
}

static bool find_fresh(struct ending *e, struct first_row *row) {
    struct buf prefix = BUF_EMPTY;
    bool       ok;

    buf_addf(&prefix, "main/attached/%.*s/%s/",
             STR_ARG(json_find_text(e->open.value, "hold")), e->incident->run);
    ok = store_scan(e->store, buf_str(&prefix), STR(""), 1, take_first, row,
                    row->err) &&
         (row->key.len == 0 || row->value);
    buf_release(&prefix);
    return ok;
}

/* The incident has one run more. */
static bool add_to_incident(struct ending *e, struct err *err) {
    struct incident_record incident = {.key = BUF_EMPTY};
    bool                   ok;

    buf_addf(&incident.key, "main/incident/%.*s",
             STR_ARG(json_find_text(e->open.value, "incident")));
    ok = incident_record_read(e->store, &incident, err);
    if (ok && incident.value) {
        json_append_text(json_find(incident.value, "runs"),
                         str_of(e->incident->next));
        incident_record_write(&e->incident->batch, &incident);
    }
    incident_record_release(&incident);
    return ok;
}

/* One of what was attached leads it: the first in the order of the keys. */
static bool lead_next(struct ending *e, const struct first_row *row,
                      struct err *err) {
    struct batch          *batch = &e->incident->batch;
    struct incident_record lead = {.key = BUF_EMPTY};
    const struct json     *facts = json_find(row->value, "incident");
    struct str          occurrence = json_find_text(row->value, "occurrence");
    struct incident_new begun = {
        .run = str_of(e->incident->next),
        .incident = json_find_text(e->open.value, "incident"),
        .playbook = json_find_text(e->open.value, "playbook"),
        .hold = json_find_text(e->open.value, "hold"),
        .key = json_find(e->entry.value, "key"),
        .facts = facts,
        .lead_key = occurrence,
        .from = str_of(e->incident->run),
        .at = e->at,
        .due = e->at + e->incident->cooldown_ms,
        .carried = json_find_int(e->open.value, "fresh", 1) - 1};
    bool ok;

    buf_add_str(&lead.key, occurrence);
    ok = incident_record_read(e->store, &lead, err) &&
         (lead.value ||
          err_set(err, ERR_CONFLICT, "%.*s is gone", STR_ARG(occurrence)));
    if (ok) {
        incident_record_move(&lead, &e->ledger, LEDGER_WAITING);
        json_put_text(lead.value, "run", begun.run);
        incident_record_write(batch, &lead);
        batch_remove(batch, buf_str(&row->key), row->version);
        incident_begin(batch, &begun);
        e->ledger.runs++;
        e->incident->followed = true;
        e->incident->next_due = begun.due;
    }
    incident_record_release(&lead);
    return ok && add_to_incident(e, err);
}

static bool cool_down(struct ending *e, struct str hold, struct err *err) {
    struct buf key = BUF_EMPTY, until = BUF_EMPTY;
    bool       found = false, ok = true;
    int64_t    version = 0;

    if (e->incident->cooldown_ms == 0)
        return true;
    buf_addf(&key, "main/cooldown/%.*s", STR_ARG(hold));
    buf_addf(&until, "%lld", (long long)(e->at + e->incident->cooldown_ms));
    ok = store_get(e->store, buf_str(&key), NULL, &version, &found, err);
    if (ok && found)
        batch_swap(&e->incident->batch, buf_str(&key), version,
                   buf_str(&until));
    else if (ok)
        batch_insert(&e->incident->batch, buf_str(&key), buf_str(&until));
    buf_release(&key);
    buf_release(&until);
    return ok;
}

/* The key goes to the run that follows, or is free. (INC2) */
static bool pass_key(struct ending *e, bool followed, struct err *err) {
    struct str hold = json_find_text(e->open.value, "hold");
    struct buf key = BUF_EMPTY;
    bool       found = false, ok;
    int64_t    version = 0;

    buf_addf(&key, "main/key/%.*s", STR_ARG(hold));
    ok = store_get(e->store, buf_str(&key), NULL, &version, &found, err);
    if (ok && found && followed)
        batch_swap(&e->incident->batch, buf_str(&key), version,
                   str_of(e->incident->next));
    else if (ok && found)
        batch_remove(&e->incident->batch, buf_str(&key), version);
    buf_release(&key);
    return ok && cool_down(e, hold, err);
}

/* What was carried into this run shares its end; that may be many, so it is
 * written down here and done in steps. */
static void leave_sweep(struct ending *e) {
    struct json *sweep;
    struct buf   key = BUF_EMPTY;

    if (json_find_int(e->open.value, "carried", 0) == 0)
        return;
    sweep = json_new_map();
    json_put(sweep, "hold", json_clone(json_find(e->open.value, "hold")));
    json_put(sweep, "from", json_clone(json_find(e->open.value, "from")));
    json_put_text(sweep, "state", str_of(ledger_state_name(e->state)));
    buf_addf(&key, "main/sweep/%s", e->incident->run);
    batch_insert_json(&e->incident->batch, buf_str(&key), sweep);
    buf_release(&key);
    json_release(sweep);
}

static void close_entry(struct ending *e) {
    struct json *entry = e->entry.value;

    json_put_text(entry, "state", STR("ended"));
    json_put(entry, "outcome", json_clone(json_find(e->record, "outcome")));
    if (json_find(e->record, "verdict"))
        json_put(entry, "verdict", json_clone(json_find(e->record, "verdict")));
    json_put_int(entry, "ended", e->at);
    incident_record_write(&e->incident->batch, &e->entry);
}

/* (LE2) */
static bool check_fence(const struct ending *e, struct err *err) {
    int64_t fence = json_find_int(e->entry.value, "fence", 0);

    return fence == e->incident->fence ||
           err_set(err, ERR_HELD,
                   "run %s was taken over: its fence is %lld, ours was %lld",
                   e->incident->run, (long long)fence,
                   (long long)e->incident->fence);
}

static bool end(struct ending *e, struct err *err) {
    struct first_row row = {.err = err};
    bool             ok;

    if (!read_three(e, err) || !check_fence(e, err))
        return false;
    e->state = state_of(json_find_text(e->record, "outcome"));
    ok = find_fresh(e, &row);
    if (ok) {
        batch_remove(&e->incident->batch, buf_str(&e->open.key),
                     e->open.version);
        close_entry(e);
        move_lead(e, e->state);
        leave_sweep(e);
        ok = pass_key(e, row.value != NULL, err) &&
             (!row.value || lead_next(e, &row, err));
        if (e->lead.value || row.value)
            ledger_write(&e->ledger, &e->incident->batch);
    }
    buf_release(&row.key);
    json_release(row.value);
    return ok;
}

/* --- the guard ----------------------------------------------------------- */

const char *const incident_kinds[] = {"started", "intent", "finished", NULL};

bool incident_writes(struct incident_run *incident, struct store *store,
                     const struct json *record, struct err *err) {
    struct ending e = {.incident = incident, .store = store, .record = record};
    struct str    kind = json_find_text(record, "kind");
    bool          ok = true;

    batch_clear(&incident->batch);
    e.at = json_find_int(record, "at", 0);
    if (str_is(kind, "started"))
        ok = begin(&e, err);
    else if (str_is(kind, "intent"))
        ok = act(&e, err);
    else if (str_is(kind, "finished"))
        ok = end(&e, err);
    release(&e);
    return ok;
}

void incident_run_release(struct incident_run *incident) {
    batch_release(&incident->batch);
    json_release(incident->entry);
    incident->entry = NULL;
}

/* --- what was carried ---------------------------------------------------- */

struct sweep {
    struct store *store;
    struct json  *rows; /* list of { key, version, occurrence } */
    struct err   *err;
    bool          ok;
};

static bool collect_row(void *arg, struct str key, int64_t version,
                        struct str value) {
    struct sweep *sweep = arg;
    struct json  *row = json_parse(value, &json_caps_answer, sweep->err), *kept;

    sweep->ok = row != NULL;
    if (!row)
        return false;
    kept = json_new_map();
    json_put_text(kept, "key", key);
    json_put_int(kept, "version", version);
    json_put(kept, "occurrence", json_clone(json_find(row, "occurrence")));
    json_append(sweep->rows, kept);
    json_release(row);
    return true;
}

static bool sweep_row(struct sweep *sweep, struct batch *batch,
                      struct ledger *ledger, const struct json *row,
                      enum ledger_state to) {
    struct incident_record occurrence = {.key = BUF_EMPTY};
    bool                   ok;

    buf_add_str(&occurrence.key, json_find_text(row, "occurrence"));
    ok = incident_record_read(sweep->store, &occurrence, sweep->err);
    if (ok && occurrence.value) {
        incident_record_move(&occurrence, ledger, to);
        incident_record_write(batch, &occurrence);
    }
    batch_remove(batch, json_find_text(row, "key"),
                 json_find_int(row, "version", 1));
    incident_record_release(&occurrence);
    return ok;
}

static bool sweep_rows(struct sweep *sweep, struct batch *batch,
                       const struct json *todo, bool *last) {
    struct buf        prefix = BUF_EMPTY;
    struct ledger     ledger;
    enum ledger_state to = state_of(json_find_text(todo, "state"));
    bool              ok;

    buf_addf(&prefix, "main/attached/%.*s/%.*s/",
             STR_ARG(json_find_text(todo, "hold")),
             STR_ARG(json_find_text(todo, "from")));
    ok = store_scan(sweep->store, buf_str(&prefix), STR(""), SWEEP_ROWS,
                    collect_row, sweep, sweep->err) &&
         sweep->ok && ledger_read(sweep->store, &ledger, sweep->err);
    for (size_t i = 0; ok && i < json_count(sweep->rows); i++)
        ok = sweep_row(sweep, batch, &ledger, json_at(sweep->rows, i), to);
    *last = json_count(sweep->rows) < SWEEP_ROWS;
    if (ok && json_count(sweep->rows))
        ledger_write(&ledger, batch);
    buf_release(&prefix);
    return ok;
}

bool incident_sweep(struct store *store, bool *more, struct err *err) {
    struct sweep     sweep = {store, json_new_list(), err, true};
    struct batch     batch = {.count = 0};
    struct first_row todo = {.err = err};
    bool             last = true, ok;

    ok = store_scan(store, STR("main/sweep/"), STR(""), 1, take_first, &todo,
                    err) &&
         (todo.key.len == 0 || todo.value);
    *more = ok && todo.value;
    if (*more) {
        ok = sweep_rows(&sweep, &batch, todo.value, &last);
        if (ok && last)
            batch_remove(&batch, buf_str(&todo.key), todo.version);
        ok = ok && batch_apply(&batch, store, err);
    }
    json_release(sweep.rows);
    json_release(todo.value);
    buf_release(&todo.key);
    batch_release(&batch);
    return ok;
}
