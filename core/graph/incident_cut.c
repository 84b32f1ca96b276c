/* incident_cut.c - out of all lists at once, then the journal in steps.
 *
 * The first batch is what is seen of it: the entry goes, the incident has one
 * run less or goes with its last, the ledger counts it as cut, and a row says
 * that there is a rest. Nobody can ask for the run from then on, so that the
 * rest may be cut backwards, over any number of starts. (INC6)
 */
#include "base/fault.h"
#include "graph/incident_private.h"
#include "store/journal.h"

struct cutting {
    struct store          *store;
    struct str             run;
    struct incident_record entry, incident;
    struct batch           batch;
};

static void add_rest(struct cutting *c) {
    struct buf key = BUF_EMPTY;

    buf_addf(&key, INCIDENT_CUT "%.*s", STR_ARG(c->run));
    batch_insert(&c->batch, buf_str(&key), STR(""));
    buf_release(&key);
}

static struct json *others(const struct json *runs, struct str run) {
    struct json *list = json_new_list();

    for (size_t i = 0; i < json_count(runs); i++)
        if (!str_equal(json_text(json_at(runs, i)), run))
            json_append(list, json_clone(json_at(runs, i)));
    return list;
}

static bool leave_incident(struct cutting *c, struct err *err) {
    struct str id = json_find_text(json_find(c->entry.value, "incident"), "id");
    struct json *rest;

    buf_addf(&c->incident.key, "main/incident/%.*s", STR_ARG(id));
    if (!incident_record_read(c->store, &c->incident, err))
        return false;
    if (!c->incident.value)
        return true;
    rest = others(json_find(c->incident.value, "runs"), c->run);
    if (json_count(rest) == 0) {
        batch_remove(&c->batch, buf_str(&c->incident.key), c->incident.version);
        json_release(rest);
    } else {
        json_put(c->incident.value, "runs", rest);
        incident_record_write(&c->batch, &c->incident);
    }
    return true;
}

/* What `run --live` began belongs to no incident and was never counted. */
static bool add_cut(struct cutting *c, struct err *err) {
    struct ledger ledger;

    batch_remove(&c->batch, buf_str(&c->entry.key), c->entry.version);
    add_rest(c);
    if (!json_find(c->entry.value, "incident"))
        return true;
    if (!leave_incident(c, err) || !ledger_read(c->store, &ledger, err))
        return false;
    ledger.runs_cut++;
    if (ledger.runs < ledger.runs_cut) /* begun before they were counted */
        ledger.runs = ledger.runs_cut;
    ledger_write(&ledger, &c->batch);
    return true;
}

/* The entry says so, and there is no open record that says otherwise. */
static bool has_ended(struct cutting *c, bool *ended, struct err *err) {
    struct buf open = BUF_EMPTY;
    bool       ok, found = false;

    incident_run_key(&c->entry.key, c->run);
    incident_open_key(&open, c->run);
    ok = incident_record_read(c->store, &c->entry, err) &&
         store_get(c->store, buf_str(&open), NULL, NULL, &found, err);
    *ended = ok && !found &&
             str_is(json_find_text(c->entry.value, "state"), "ended");
    buf_release(&open);
    return ok;
}

bool incident_cut(struct store *store, struct str run, bool *cut,
                  struct err *err) {
    struct cutting c = {.store = store, .run = run};
    bool           ok = has_ended(&c, cut, err);

    if (ok && *cut)
        ok = add_cut(&c, err) && batch_apply(&c.batch, store, err);
    if (ok && *cut)
        fault_pass(FAULT_RETENTION_UNLINKED);
    incident_record_release(&c.entry);
    incident_record_release(&c.incident);
    batch_release(&c.batch);
    return ok;
}

/* The row goes when the journal has. */
static bool drop_row(struct store *store, struct str run, struct err *err) {
    struct batch batch = {.count = 0};
    struct buf   key = BUF_EMPTY;
    bool         ok;

    buf_addf(&key, INCIDENT_CUT "%.*s", STR_ARG(run));
    batch_remove(&batch, buf_str(&key), 1);
    ok = batch_apply(&batch, store, err);
    buf_release(&key);
    batch_release(&batch);
    return ok;
}

bool incident_cut_rest(struct store *store, struct str run, bool *more,
                       int64_t *blobs, struct err *err) {
    int64_t left = 0;

    if (!journal_cut(store, run, &left, blobs, err))
        return false;
    *more = left > 0;
    fault_pass(FAULT_RETENTION_CUT);
    return *more || drop_row(store, run, err);
}

/* The delivery that showed it last has the time in its name; a repeat of it in
 * the same bytes is a delivery of its own again after a while. (DL2) */
static int64_t seen_last(const struct json *occurrence) {
    int64_t at = id_time(json_find_text(occurrence, "delivery"));

    return at ? at : json_find_int(occurrence, "at", INT64_MAX);
}

bool incident_forgettable(const struct json *occurrence, int64_t seen_before) {
    switch (ledger_state_find(json_find_text(occurrence, "state"))) {
    case LEDGER_ATTACHED:
    case LEDGER_WAITING:
    case LEDGER_RUNNING:
    case LEDGER_PARKED:
    case LEDGER_NONE: return false;
    default: return seen_last(occurrence) <= seen_before;
    }
}
