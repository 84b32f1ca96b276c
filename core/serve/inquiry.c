/* inquiry.c - the last keys of a list; then each is read by its key. */
#include "serve/inquiry.h"

#include <string.h>

#include "base/id.h"
#include "base/mem.h"
#include "graph/incident.h"
#include "graph/report.h"
#include "store/delivery.h"
#include "store/journal.h"
#include "store/ledger.h"

#define INCIDENTS "main/incident/"

static const struct json_caps caps = {STORE_VALUE_MAX, 70};

/* --- reading ------------------------------------------------------------- */

/* Replaces what text holds; empty when there is none. */
static bool read_text(struct store *store, const char *prefix, struct str id,
                      struct buf *text, bool *found, struct err *err) {
    struct buf key = BUF_EMPTY;
    bool       ok;

    *found = false;
    buf_addf(&key, "%s%.*s", prefix, STR_ARG(id));
    ok = store_get(store, buf_str(&key), text, NULL, found, err);
    buf_release(&key);
    return ok;
}

/* The record as JSON, or its first line of a delivery; NULL: there is none. */
static bool read_record(struct store *store, const char *prefix, struct str id,
                        struct json **value, struct err *err) {
    struct buf text = BUF_EMPTY;
    struct str rest;
    bool       found, ok = read_text(store, prefix, id, &text, &found, err);

    *value = NULL;
    if (ok && found) {
        *value = json_parse(str_cut(buf_str(&text), '\n', &rest), &caps, err);
        ok = *value || err_wrap(err, "%s%.*s", prefix, STR_ARG(id));
    }
    buf_release(&text);
    return ok;
}

/* The ids of a scan, newest first. */
struct ids {
    struct json *list;
    size_t       skip;
};

static bool keep(void *arg, struct str key, int64_t version, struct str value) {
    struct ids *ids = arg;

    (void)version;
    (void)value;
    json_append_text(ids->list,
                     (struct str){key.data + ids->skip, key.len - ids->skip});
    return true;
}

/* Adds one to the list, or leaves it out. */
typedef bool add_fn(struct store *store, struct str id, struct json *list,
                    struct err *err);

static bool add_all(struct store *store, const struct json *ids, size_t limit,
                    struct json *list, add_fn *add, struct err *err) {
    bool ok = true;

    for (size_t i = 0; ok && i < json_count(ids) && i < limit; i++)
        ok = add(store, json_text(json_at(ids, i)), list, err);
    return ok;
}

/* One more than asked for is looked at, to know whether there is one. (IQ1) */
static struct json *newest_of(struct store *store, const char *prefix,
                              const char *name, size_t limit, add_fn *add,
                              struct err *err) {
    struct ids   ids = {json_new_list(), strlen(prefix)};
    struct json *list = json_new_list(), *out = json_new_map();
    struct buf   schema = BUF_EMPTY;
    size_t       look = limit == SIZE_MAX ? limit : limit + 1;
    bool ok = store_scan_back(store, str_of(prefix), STR(""), look, keep, &ids,
                              err) &&
              add_all(store, ids.list, limit, list, add, err);

    buf_addf(&schema, "nightshift.%s/1", name);
    json_put_text(out, "schema", buf_str(&schema));
    json_put_int(out, "count", (int64_t)json_count(list));
    json_put_bool(out, "more", json_count(ids.list) > limit);
    json_put(out, name, list);
    buf_release(&schema);
    json_release(ids.list);
    if (ok)
        return out;
    json_release(out);
    return NULL;
}

/* --- runs ---------------------------------------------------------------- */

static bool keep_value(void *arg, struct str key, int64_t version,
                       struct str value) {
    struct buf *last = arg;

    (void)key;
    (void)version;
    buf_clear(last);
    buf_add_str(last, value);
    return true;
}

/* An entry written by `run --live` does not say how it ended: the last record
 * of its journal does. */
static bool add_end(struct store *store, struct json *entry, struct err *err) {
    struct buf   stream = BUF_EMPTY, text = BUF_EMPTY;
    struct json *last = NULL;
    int64_t      length = 0;
    bool         ok;

    buf_addf(&stream, "main/journal/%.*s",
             STR_ARG(json_find_text(entry, "run")));
    ok = store_stream_length(store, buf_str(&stream), &length, err) &&
         (length == 0 || store_stream_read(store, buf_str(&stream), length,
                                           keep_value, &text, err));
    if (ok && text.len) {
        last = json_parse(buf_str(&text), &caps, err);
        ok = last != NULL;
    }
    if (str_is(json_find_text(last, "kind"), "finished")) {
        json_put(entry, "outcome", json_clone(json_find(last, "outcome")));
        json_put(entry, "verdict", json_clone(json_find(last, "verdict")));
    }
    json_release(last);
    buf_release(&text);
    buf_release(&stream);
    return ok;
}

static bool complete(struct store *store, struct json *entry, struct err *err) {
    json_drop(entry, "holder");
    json_drop(entry, "fence");
    return json_find_text(entry, "outcome").len || add_end(store, entry, err);
}

static bool add_run(struct store *store, struct str id, struct json *list,
                    struct err *err) {
    struct json *entry;

    if (!read_record(store, INCIDENT_RUN, id, &entry, err))
        return false;
    if (!entry)
        return true;
    json_append(list, entry);
    return complete(store, entry, err);
}

static bool add_open_run(struct store *store, struct str id, struct json *list,
                         struct err *err) {
    struct json *open, *entry;
    size_t       at = json_count(list);
    bool         ok = read_record(store, INCIDENT_OPEN, id, &open, err) &&
              add_run(store, id, list, err);

    entry = json_at(list, at);
    if (ok && open && entry)
        json_put(entry, "state", json_clone(json_find(open, "state")));
    json_release(open);
    return ok;
}

struct json *inquiry_runs(struct store *store, const struct inquiry *inquiry,
                          struct err *err) {
    bool open = str_is(inquiry->state, "open");

    return newest_of(store, open ? INCIDENT_OPEN : INCIDENT_RUN, "runs",
                     inquiry->limit, open ? add_open_run : add_run, err);
}

/* --- one run ------------------------------------------------------------- */

static bool add_report(struct store *store, struct str run, struct json *out,
                       struct err *err) {
    char                 *id = mem_text(run.data, run.len);
    struct journal       *journal = journal_open(NULL, id);
    struct walk           walk;
    struct report_context context = {&walk, NULL, NULL, NULL};
    bool                  ok = journal_load(journal, store, err);

    context.records = journal_records(journal);
    if (ok && json_count(context.records)) {
        walk_init(&walk);
        walk_follow(&walk, context.records);
        json_put(out, "report", report_make(&context));
        walk_release(&walk);
    }
    journal_close(journal);
    mem_free(id);
    return ok;
}

struct json *inquiry_run(struct store *store, struct str run, struct err *err) {
    struct json *out = json_new_map(), *entry = NULL, *open = NULL;
    bool         ok = read_record(store, INCIDENT_RUN, run, &entry, err) &&
              (entry || err_set(err, ERR_NOT_FOUND,
                                "no run %.*s; nightshift runs list shows them",
                                STR_ARG(run)));

    json_put_text(out, "schema", STR("nightshift.run_entry/1"));
    if (entry)
        json_put(out, "run", entry);
    ok = ok && complete(store, entry, err) &&
         read_record(store, INCIDENT_OPEN, run, &open, err);
    if (open)
        json_put(out, "open", open);
    ok = ok && add_report(store, run, out, err);
    if (ok)
        return out;
    json_release(out);
    return NULL;
}

/* --- the others ---------------------------------------------------------- */

struct json *inquiry_ledger(struct store *store, struct err *err) {
    struct ledger ledger;
    struct json  *out;

    if (!ledger_read(store, &ledger, err))
        return NULL;
    out = ledger_json(&ledger);
    json_put_text(out, "schema", STR("nightshift.ledger/1"));
    return out;
}

static bool add_incident(struct store *store, struct str id, struct json *list,
                         struct err *err) {
    struct json *value;

    if (!read_record(store, INCIDENTS, id, &value, err))
        return false;
    json_put_text(value, "incident", id);
    json_append(list, value);
    return true;
}

struct json *inquiry_incidents(struct store         *store,
                               const struct inquiry *inquiry, struct err *err) {
    return newest_of(store, INCIDENTS, "incidents", inquiry->limit,
                     add_incident, err);
}

static bool add_delivery(struct store *store, struct str id, struct json *list,
                         struct err *err) {
    struct buf   reason = BUF_EMPTY;
    struct json *kept, *out = json_new_map();
    bool         found, ok;

    ok = read_record(store, DELIVERY_RECORD, id, &kept, err) &&
         read_text(store, DELIVERY_UNPARSED, id, &reason, &found, err);
    json_put_text(out, "delivery", id);
    json_put_text(out, "source", json_find_text(kept, "source"));
    json_put_int(out, "at", json_find_int(kept, "at", 0));
    json_put_int(out, "size", json_find_int(kept, "size", 0));
    if (reason.len)
        json_put_text(out, "reason", buf_str(&reason));
    json_append(list, out);
    json_release(kept);
    buf_release(&reason);
    return ok;
}

struct json *inquiry_deliveries(struct store         *store,
                                const struct inquiry *inquiry,
                                struct err           *err) {
    bool fresh = str_is(inquiry->state, "new");

    return newest_of(store, fresh ? DELIVERY_NEW : DELIVERY_UNPARSED,
                     "deliveries", inquiry->limit, add_delivery, err);
}
