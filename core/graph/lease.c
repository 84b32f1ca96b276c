/* lease.c - three records, six writes, all put into batches by others. */
#include "graph/lease.h"

#include <string.h>

#include "graph/incident.h"

static void set_keys(struct lease *lease, const char *run, struct str playbook,
                     const struct json *key) {
    buf_addf(&lease->run_key, INCIDENT_RUN "%s", run);
    buf_addf(&lease->open_key, INCIDENT_OPEN "%s", run);
    incident_hold_key(playbook, key, &lease->hold_key);
    incident_open_alone(playbook, key, &lease->open);
    buf_add_text(&lease->run, run);
}

static void write_entry(struct json *entry, const char *state,
                        struct buf *out) {
    json_put_text(entry, "state", str_of(state));
    buf_clear(out);
    json_write(entry, out);
}

static void set_last(struct lease *lease, int64_t version) {
    lease->last[0] = (struct store_write){STORE_SWAP, buf_str(&lease->run_key),
                                          version, buf_str(&lease->closing)};
    lease->last[1] = (struct store_write){
        STORE_REMOVE, buf_str(&lease->hold_key), 1, STR("")};
    lease->last[2] = (struct store_write){
        STORE_REMOVE, buf_str(&lease->open_key), 1, STR("")};
}

void lease_begin(struct lease *lease, const char *run, struct str playbook,
                 const struct json *key, const char *bundle, int64_t now_ms) {
    struct json *entry = json_new_map();

    memset(lease, 0, sizeof *lease);
    set_keys(lease, run, playbook, key);
    json_put_text(entry, "run", str_of(run));
    json_put_text(entry, "playbook", playbook);
    json_put(entry, "key", json_clone(key));
    json_put_text(entry, "bundle", str_of(bundle));
    json_put_int(entry, "at", now_ms);
    json_put_int(entry, "holder", getpid());
    json_put_int(entry, "fence", 1);
    write_entry(entry, "running", &lease->opening);
    write_entry(entry, "ended", &lease->closing);
    lease->first[0] = (struct store_write){
        STORE_INSERT, buf_str(&lease->run_key), 0, buf_str(&lease->opening)};
    lease->first[1] = (struct store_write){
        STORE_INSERT, buf_str(&lease->hold_key), 0, buf_str(&lease->run)};
    lease->first[2] = (struct store_write){
        STORE_INSERT, buf_str(&lease->open_key), 0, buf_str(&lease->open)};
    set_last(lease, 1);
    json_release(entry);
}

/* A service may have changed it since, and before there were services there
 * was none. */
static bool add_last(const struct lease *lease, struct store *store,
                     struct store_write *writes, size_t *count,
                     struct err *err) {
    int64_t version = 0;
    bool    found = false;

    if (!store_get(store, buf_str(&lease->open_key), NULL, &version, &found,
                   err))
        return false;
    memcpy(writes, lease->last, sizeof lease->last);
    writes[2].expected = version;
    *count = found ? 3 : 2;
    return true;
}

bool lease_writes(void *arg, struct store *store, const struct json *record,
                  struct store_write *writes, size_t *count, struct err *err) {
    const struct lease *lease = arg;
    struct str          kind = json_find_text(record, "kind");

    *count = 0;
    if (str_is(kind, "finished"))
        return add_last(lease, store, writes, count, err);
    if (!str_is(kind, "started"))
        return true;
    memcpy(writes, lease->first, sizeof lease->first);
    *count = 3;
    return true;
}

/* (LE1) */
bool lease_check(const struct lease *lease, struct store *store,
                 struct err *err) {
    struct buf holder = BUF_EMPTY;
    int64_t    version;
    bool       found, ok;

    ok = store_get(store, buf_str(&lease->hold_key), &holder, &version, &found,
                   err);
    if (ok && found)
        ok = err_set(err, ERR_HELD,
                     "run %s of the same playbook and key has "
                     "not ended; go on with it, on the same --state and "
                     "--config: nightshift run --live --resume %s",
                     buf_text(&holder), buf_text(&holder));
    buf_release(&holder);
    return ok;
}

/* (LE2) */
bool lease_take(struct lease *lease, struct store *store, const char *run,
                struct json **entry, struct err *err) {
    struct buf         key = BUF_EMPTY, value = BUF_EMPTY;
    struct store_write swap;
    int64_t            version = 0;
    bool               found = false, ok;

    memset(lease, 0, sizeof *lease);
    *entry = NULL;
    buf_addf(&key, "main/run/%s", run);
    ok = store_get(store, buf_str(&key), &value, &version, &found, err);
    if (ok && !found)
        ok = err_set(err, ERR_NOT_FOUND, "no run %s in this state directory",
                     run);
    *entry = ok ? json_parse(buf_str(&value), &json_caps_answer, err) : NULL;
    buf_release(&key);
    buf_release(&value);
    if (!*entry)
        return false;
    set_keys(lease, run, json_find_text(*entry, "playbook"),
             json_find(*entry, "key"));
    /* What has ended holds nothing and can only be shown. */
    if (str_is(json_find_text(*entry, "state"), "ended"))
        return true;
    if (json_find(*entry, "incident"))
        return err_set(err, ERR_HELD,
                       "run %s was begun by a service; start one on this "
                       "directory, and it goes on: nightshift serve",
                       run);
    json_put_int(*entry, "fence", json_find_int(*entry, "fence", 1) + 1);
    json_put_int(*entry, "holder", getpid());
    write_entry(*entry, "ended", &lease->closing);
    write_entry(*entry, "running", &lease->opening);
    set_last(lease, version + 1);
    swap = (struct store_write){STORE_SWAP, buf_str(&lease->run_key), version,
                                buf_str(&lease->opening)};
    return store_batch(store, &swap, 1, err);
}

void lease_release(struct lease *lease) {
    buf_release(&lease->run_key);
    buf_release(&lease->hold_key);
    buf_release(&lease->open_key);
    buf_release(&lease->open);
    buf_release(&lease->opening);
    buf_release(&lease->closing);
    buf_release(&lease->run);
    memset(lease, 0, sizeof *lease);
}
