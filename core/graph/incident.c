/* incident.c - records read and written, and what is asked of an open one. */
#include "graph/incident.h"

#include <string.h>
#include <unistd.h>

#include "graph/incident_private.h"
#include "sys/crypto.h"

#define HOLD_PREFIX "main/key/"

static const struct json_caps caps = {STORE_VALUE_MAX, 70};

/* --- records ------------------------------------------------------------- */

bool incident_record_read(struct store *store, struct incident_record *record,
                          struct err *err) {
    struct buf value = BUF_EMPTY;
    bool       found = false, ok;

    record->value = NULL;
    record->version = 0;
    ok = store_get(store, buf_str(&record->key), &value, &record->version,
                   &found, err);
    if (ok && found) {
        record->value = json_parse(buf_str(&value), &caps, err);
        ok = record->value || err_wrap(err, "%s", buf_text(&record->key));
    }
    buf_release(&value);
    return ok;
}

void incident_record_release(struct incident_record *record) {
    buf_release(&record->key);
    json_release(record->value);
    memset(record, 0, sizeof *record);
}

void incident_record_write(struct batch                 *batch,
                           const struct incident_record *record) {
    batch_swap_json(batch, buf_str(&record->key), record->version,
                    record->value);
}

void incident_record_move(struct incident_record *occurrence,
                          struct ledger *ledger, enum ledger_state to) {
    ledger_move(ledger,
                ledger_state_find(json_find_text(occurrence->value, "state")),
                to);
    json_put_text(occurrence->value, "state", str_of(ledger_state_name(to)));
}

void incident_open_key(struct buf *out, struct str run) {
    buf_clear(out);
    buf_addf(out, INCIDENT_OPEN "%.*s", STR_ARG(run));
}

void incident_run_key(struct buf *out, struct str run) {
    buf_clear(out);
    buf_addf(out, INCIDENT_RUN "%.*s", STR_ARG(run));
}

void incident_hold_key(struct str playbook, const struct json *run_key,
                       struct buf *out) {
    struct buf text = BUF_EMPTY;

    json_write(run_key, &text);
    buf_addf(out, HOLD_PREFIX "%.*s/", STR_ARG(playbook));
    crypto_sha256_hex(buf_str(&text), out);
    buf_release(&text);
}

struct str incident_hold_of(const struct buf *hold_key) {
    size_t skip = sizeof HOLD_PREFIX - 1;

    return (struct str){hold_key->data + skip, hold_key->len - skip};
}

int64_t incident_firing(const struct json *open) {
    return json_find_int(open, "lead", 0) + json_find_int(open, "carried", 0) +
           json_find_int(open, "fresh", 0);
}

/* --- a run that waits ---------------------------------------------------- */

static struct json *open_record(const struct incident_new *begun,
                                const char                *state) {
    struct json *open = json_new_map();

    json_put_text(open, "state", str_of(state));
    json_put_int(open, "due", begun->due);
    json_put_text(open, "playbook", begun->playbook);
    json_put_text(open, "hold", begun->hold);
    json_put_text(open, "incident", begun->incident);
    json_put_text(open, "lead_key", begun->lead_key);
    json_put_int(open, "lead", 1);
    json_put_int(open, "carried", begun->carried);
    json_put_int(open, "fresh", 0);
    json_put_text(open, "from", begun->from);
    return open;
}

static void add_open(struct batch *batch, const struct incident_new *begun) {
    struct json *open = open_record(begun, "waiting");
    struct buf   key = BUF_EMPTY;

    incident_open_key(&key, begun->run);
    batch_insert_json(batch, buf_str(&key), open);
    buf_release(&key);
    json_release(open);
}

/* Its one occurrence was counted by nobody, so it never stops firing. */
void incident_open_alone(struct str playbook, const struct json *run_key,
                         struct buf *out) {
    struct buf          key = BUF_EMPTY;
    struct incident_new begun = {.playbook = playbook};
    struct json        *open;

    incident_hold_key(playbook, run_key, &key);
    begun.hold = incident_hold_of(&key);
    open = open_record(&begun, "running");
    json_write(open, out);
    buf_release(&key);
    json_release(open);
}

static void add_entry(struct batch *batch, const struct incident_new *begun) {
    struct json *entry = json_new_map(), *incident = json_clone(begun->facts);
    struct buf   key = BUF_EMPTY;

    json_put_text(incident, "id", begun->incident);
    json_put_text(entry, "run", begun->run);
    json_put_text(entry, "playbook", begun->playbook);
    json_put(entry, "key", json_clone(begun->key));
    json_put_int(entry, "at", begun->at);
    json_put_text(entry, "state", STR("waiting"));
    json_put(entry, "incident", incident);
    incident_run_key(&key, begun->run);
    batch_insert_json(batch, buf_str(&key), entry);
    buf_release(&key);
    json_release(entry);
}

void incident_begin(struct batch *batch, const struct incident_new *begun) {
    add_open(batch, begun);
    add_entry(batch, begun);
}

/* --- what the runner asks ------------------------------------------------ */

/* The lead goes where its run goes: the open record, the lead and the ledger in
 * one batch. What `run --live` began has no lead. */
static bool move_lead(struct store *store, const struct incident_record *open,
                      struct batch *batch, enum ledger_state to,
                      struct err *err) {
    struct str             key = json_find_text(open->value, "lead_key");
    struct incident_record lead = {.key = BUF_EMPTY};
    struct ledger          ledger;
    bool                   ok = true;

    incident_record_write(batch, open);
    if (key.len) {
        buf_add_str(&lead.key, key);
        ok = incident_record_read(store, &lead, err) &&
             ledger_read(store, &ledger, err);
    }
    if (ok && lead.value) {
        incident_record_move(&lead, &ledger, to);
        incident_record_write(batch, &lead);
        ledger_write(&ledger, batch);
    }
    incident_record_release(&lead);
    return ok;
}

/* A run that was parked is walked again, and its lead with it. */
static bool wake(struct store *store, struct incident_record *open,
                 struct batch *batch, struct err *err) {
    if (!str_is(json_find_text(open->value, "state"), "parked"))
        return true;
    json_put_text(open->value, "state", STR("running"));
    return move_lead(store, open, batch, LEDGER_RUNNING, err);
}

static bool take_over(struct store *store, struct incident_record *open,
                      struct incident_record *entry, struct err *err) {
    struct batch batch = {.count = 0};
    bool         ok;

    if (!str_is(json_find_text(entry->value, "state"), "running"))
        return true;
    json_put_int(entry->value, "fence",
                 json_find_int(entry->value, "fence", 1) + 1);
    json_put_int(entry->value, "holder", getpid());
    incident_record_write(&batch, entry);
    ok = wake(store, open, &batch, err) && batch_apply(&batch, store, err);
    batch_release(&batch);
    return ok;
}

bool incident_take(struct store *store, const char *run, struct json **open,
                   struct json **entry, struct err *err) {
    struct incident_record held = {.key = BUF_EMPTY}, kept = {.key = BUF_EMPTY};
    bool                   ok;

    incident_open_key(&held.key, str_of(run));
    incident_run_key(&kept.key, str_of(run));
    ok = incident_record_read(store, &held, err) &&
         (!held.value || (incident_record_read(store, &kept, err) &&
                          take_over(store, &held, &kept, err)));
    *open = held.value ? json_retain(held.value) : NULL;
    *entry = kept.value ? json_retain(kept.value) : NULL;
    incident_record_release(&held);
    incident_record_release(&kept);
    return ok;
}

struct rows {
    struct json *list;
    struct err  *err;
    bool         ok;
};

static bool take_evidence(void *arg, struct str key, int64_t version,
                          struct str value) {
    struct rows *rows = arg;
    struct json *row = json_parse(value, &caps, rows->err);

    (void)version;
    rows->ok = row != NULL;
    if (!row)
        return err_wrap(rows->err, "%.*s", STR_ARG(key));
    json_append(rows->list, json_retain(json_find(row, "evidence")));
    json_release(row);
    return true;
}

#define EVIDENCE_MAX 200 /* rows that a run is told of */

bool incident_attached(struct store *store, const struct json *open,
                       struct json *list, struct err *err) {
    const struct json *resolved = json_find(open, "resolved");
    struct buf         prefix = BUF_EMPTY;
    struct rows        rows = {list, err, true};
    bool               ok;

    buf_addf(&prefix, "main/attached/%.*s/",
             STR_ARG(json_find_text(open, "hold")));
    ok = store_scan(store, buf_str(&prefix), STR(""), EVIDENCE_MAX,
                    take_evidence, &rows, err) &&
         rows.ok;
    for (size_t i = 0; i < json_count(resolved); i++)
        json_append(list, json_retain(json_at(resolved, i)));
    buf_release(&prefix);
    return ok;
}

bool incident_cancel(struct store *store, const char *run, const char *why,
                     bool *found, struct err *err) {
    struct incident_record open = {.key = BUF_EMPTY};
    struct batch           batch = {.count = 0};
    bool                   ok;

    incident_open_key(&open.key, str_of(run));
    ok = incident_record_read(store, &open, err);
    *found = open.value != NULL;
    if (ok && *found) {
        json_put_text(open.value, "cancel", str_of(why));
        incident_record_write(&batch, &open);
        ok = batch_apply(&batch, store, err);
    }
    incident_record_release(&open);
    batch_release(&batch);
    return ok;
}

bool incident_crashed(struct store *store, const char *run, int64_t *times,
                      struct err *err) {
    struct incident_record open = {.key = BUF_EMPTY};
    struct batch           batch = {.count = 0};
    bool                   ok;

    *times = 0;
    incident_open_key(&open.key, str_of(run));
    ok = incident_record_read(store, &open, err);
    if (ok && open.value) {
        *times = json_find_int(open.value, "crashes", 0) + 1;
        json_put_int(open.value, "crashes", *times);
        incident_record_write(&batch, &open);
        ok = batch_apply(&batch, store, err);
    }
    incident_record_release(&open);
    batch_release(&batch);
    return ok;
}

bool incident_park(struct store *store, const char *run, int64_t due_ms,
                   struct err *err) {
    struct incident_record open = {.key = BUF_EMPTY};
    struct batch           batch = {.count = 0};
    bool                   ok;

    incident_open_key(&open.key, str_of(run));
    ok = incident_record_read(store, &open, err);
    if (ok && open.value) {
        json_put_text(open.value, "state", STR("parked"));
        json_put_int(open.value, "due", due_ms);
        ok = move_lead(store, &open, &batch, LEDGER_PARKED, err) &&
             batch_apply(&batch, store, err);
    }
    incident_record_release(&open);
    batch_release(&batch);
    return ok;
}
