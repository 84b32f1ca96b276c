/* incident_ends.c - one record of a key, small however often it fires.
 *
 * What it holds begins with the earliest. The oldest is forgotten first when
 * there are too many: its run is long over, and its end would change nothing.
 */
#include "base/mem.h"
#include "graph/incident_private.h"
#include "sys/crypto.h"

#define OPEN_MAX 32

static struct json *list_of(const struct incident_ends *ends) {
    return json_find(ends->record.value, "open");
}

bool incident_ends_read(struct incident_ends *ends, struct store *store,
                        struct str source, struct str key, struct err *err) {
    struct buf hex = BUF_EMPTY;

    crypto_sha256_hex(key, &hex);
    buf_clear(&ends->record.key);
    buf_addf(&ends->record.key, INCIDENT_ENDS "%.*s/%s", STR_ARG(source),
             buf_text(&hex));
    buf_release(&hex);
    if (!incident_record_read(store, &ends->record, err))
        return false;
    ends->is_new = !ends->record.value;
    if (ends->is_new) {
        ends->record.value = json_new_map();
        json_put(ends->record.value, "open", json_new_list());
    }
    return true;
}

void incident_ends_release(struct incident_ends *ends) {
    incident_record_release(&ends->record);
}

void incident_ends_write(const struct incident_ends *ends, int64_t at,
                         struct batch *batch) {
    json_put_int(ends->record.value, "at", at);
    if (ends->is_new)
        batch_insert_json(batch, buf_str(&ends->record.key),
                          ends->record.value);
    else
        incident_record_write(batch, &ends->record);
}

bool incident_ends_covers(const struct incident_ends *ends, int64_t start_ms) {
    return json_find(ends->record.value, "until") &&
           start_ms <= json_find_int(ends->record.value, "until", 0);
}

void incident_ends_until(struct incident_ends *ends, int64_t end_ms) {
    if (!incident_ends_covers(ends, end_ms))
        json_put_int(ends->record.value, "until", end_ms);
}

/* The list without the entry that is called `hash`; without its first one when
 * `hash` is empty and it is full. */
static void drop(struct incident_ends *ends, struct str hash) {
    const struct json *list = list_of(ends);
    struct json       *kept = json_new_list();
    size_t first = hash.len == 0 && json_count(list) >= OPEN_MAX ? 1 : 0;

    for (size_t i = first; i < json_count(list); i++)
        if (!str_equal(json_find_text(json_at(list, i), "hash"), hash))
            json_append(kept, json_retain(json_at(list, i)));
    json_put(ends->record.value, "open", kept);
}

void incident_ends_add(struct incident_ends *ends, struct str hash,
                       int64_t start_ms) {
    struct json *entry = json_new_map();

    drop(ends, STR(""));
    json_put_text(entry, "hash", hash);
    json_put_int(entry, "start", start_ms);
    json_append(list_of(ends), entry);
}

void incident_ends_drop(struct incident_ends *ends, struct str hash) {
    drop(ends, hash);
}

struct str incident_ends_find(const struct incident_ends *ends,
                              int64_t                     end_ms) {
    const struct json *list = list_of(ends);

    for (size_t i = 0; i < json_count(list); i++)
        if (json_find_int(json_at(list, i), "start", 0) <= end_ms)
            return json_find_text(json_at(list, i), "hash");
    return STR("");
}
