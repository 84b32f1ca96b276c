/* delivery.c - three rows for one that is new, one less once it is read. */
#include "store/delivery.h"

#include <string.h>

#include "store/blob.h"
#include "store/ledger.h"
#include "sys/crypto.h"

#define BLOB_FROM (64u << 10)

static const struct json_caps caps = {1u << 20, 16};

static void key_for(struct buf *out, const char *prefix, struct str id) {
    buf_clear(out);
    buf_addf(out, "%s%.*s", prefix, STR_ARG(id));
}

/* --- taking one in ------------------------------------------------------- */

static void add_blob_row(struct batch *batch, struct str hash, struct str id) {
    struct buf row = BUF_EMPTY;

    blob_row(&row, hash, id);
    batch_insert(batch, buf_str(&row), STR(""));
    buf_release(&row);
}

/* The line, and the body behind it unless that is a blob. */
static bool write_record(struct store *store, const struct delivery *delivery,
                         struct batch *batch, struct buf *out,
                         struct err *err) {
    struct json *line = json_new_map();
    char         hash[STORE_HASH_SIZE];
    bool         large = delivery->body.len > BLOB_FROM, ok = true;

    json_put_text(line, "source", delivery->source);
    json_put_int(line, "at", delivery->at);
    json_put_int(line, "size", (int64_t)delivery->body.len);
    json_put_text(line, "identity", delivery->identity);
    if (delivery->headers)
        json_put(line, "headers", json_retain(delivery->headers));
    if (large)
        ok = store_blob_put(store, delivery->body, hash, err);
    if (large && ok) {
        json_put_text(line, "blob", str_of(hash));
        add_blob_row(batch, str_of(hash), str_of(delivery->id));
    }
    json_write(line, out);
    buf_add_char(out, '\n');
    if (!large)
        buf_add_str(out, delivery->body);
    json_release(line);
    return ok;
}

static void dedup_key(struct str source, struct str identity, struct buf *out) {
    buf_addf(out, "main/dedup/%.*s/", STR_ARG(source));
    crypto_sha256_hex(identity, out);
}

/* *version is that of the row, 0 when there is none. (DL2) */
static bool find_first(struct store *store, struct delivery *delivery,
                       const struct buf *key, int64_t *version,
                       struct err *err) {
    struct buf first = BUF_EMPTY;
    bool       found = false;
    bool ok = store_get(store, buf_str(key), &first, version, &found, err);

    delivery->repeated =
        found && (delivery->again_ms == 0 ||
                  delivery->at - id_time(buf_str(&first)) < delivery->again_ms);
    if (ok && delivery->repeated)
        (void)snprintf(delivery->id, sizeof delivery->id, "%s",
                       buf_text(&first));
    buf_release(&first);
    return ok;
}

static bool gather(struct store *store, struct delivery *delivery,
                   struct batch *batch, struct err *err) {
    struct buf    key = BUF_EMPTY, text = BUF_EMPTY;
    struct ledger ledger;
    int64_t       version = 0;
    bool          ok;

    dedup_key(delivery->source, delivery->identity, &key);
    ok = find_first(store, delivery, &key, &version, err) &&
         ledger_read(store, &ledger, err);
    if (ok && delivery->repeated) {
        ledger.repeated++;
    } else if (ok) {
        if (version)
            batch_swap(batch, buf_str(&key), version, str_of(delivery->id));
        else
            batch_insert(batch, buf_str(&key), str_of(delivery->id));
        key_for(&key, DELIVERY_NEW, str_of(delivery->id));
        batch_insert(batch, buf_str(&key), STR(""));
        ok = write_record(store, delivery, batch, &text, err);
        key_for(&key, DELIVERY_RECORD, str_of(delivery->id));
        batch_insert(batch, buf_str(&key), buf_str(&text));
        ledger.accepted++;
    }
    if (ok)
        ledger_write(&ledger, batch);
    buf_release(&key);
    buf_release(&text);
    return ok;
}

/* (DL1, DL2) */
bool delivery_put(struct store *store, struct delivery *delivery,
                  struct err *err) {
    struct batch batch = {.count = 0};
    bool         ok =
        gather(store, delivery, &batch, err) && batch_apply(&batch, store, err);

    batch_release(&batch);
    return ok || err_wrap(err, "delivery");
}

/* --- reading it again ---------------------------------------------------- */

bool delivery_get(struct store *store, struct str id,
                  struct delivery_kept *kept, struct err *err) {
    struct buf key = BUF_EMPTY, value = BUF_EMPTY;
    struct str line, body, hash;
    bool       found = false, ok;

    memset(kept, 0, sizeof *kept);
    key_for(&key, DELIVERY_RECORD, id);
    ok = store_get(store, buf_str(&key), &value, NULL, &found, err) &&
         (found ||
          err_set(err, ERR_NOT_FOUND, "no delivery %.*s is kept", STR_ARG(id)));
    if (ok) {
        line = str_cut(buf_str(&value), '\n', &body);
        kept->envelope = json_parse(line, &caps, err);
        ok = kept->envelope != NULL;
        hash = json_find_text(kept->envelope, "blob");
        if (ok && hash.len)
            ok = store_blob_get(store, hash.data, &kept->body, err);
        else if (ok)
            buf_add_str(&kept->body, body);
    }
    buf_release(&key);
    buf_release(&value);
    if (!ok)
        delivery_release(kept);
    return ok;
}

void delivery_release(struct delivery_kept *kept) {
    json_release(kept->envelope);
    buf_release(&kept->body);
    memset(kept, 0, sizeof *kept);
}

/* --- where it stands ----------------------------------------------------- */

/* Removes the row when it is there. */
static bool take_out(struct store *store, struct batch *batch,
                     const char *prefix, struct str id, bool *found,
                     struct err *err) {
    struct buf key = BUF_EMPTY;
    int64_t    version = 0;
    bool       ok;

    key_for(&key, prefix, id);
    ok = store_get(store, buf_str(&key), NULL, &version, found, err);
    if (ok && *found)
        batch_remove(batch, buf_str(&key), version);
    buf_release(&key);
    return ok;
}

static bool move(struct store *store, struct str id, const char *from,
                 const char *to, struct str value, int parsed, int unparsed,
                 bool *found, struct err *err) {
    struct batch  batch = {.count = 0};
    struct buf    key = BUF_EMPTY;
    struct ledger ledger;
    bool          ok = take_out(store, &batch, from, id, found, err) &&
              ledger_read(store, &ledger, err);

    if (ok && *found) {
        key_for(&key, to ? to : "", id);
        if (to)
            batch_insert(&batch, buf_str(&key), value);
        ledger.parsed += parsed;
        ledger.unparsed += unparsed;
        ledger_write(&ledger, &batch);
        ok = batch_apply(&batch, store, err);
    }
    batch_release(&batch);
    buf_release(&key);
    return ok;
}

bool delivery_parsed(struct store *store, struct str id, struct err *err) {
    bool found;

    return move(store, id, DELIVERY_NEW, NULL, STR(""), 1, 0, &found, err);
}

bool delivery_unparsed(struct store *store, struct str id,
                       const struct err *why, struct err *err) {
    struct buf text = BUF_EMPTY;
    bool       found, ok;

    buf_addf(&text, "%s: %s", err_name(why->code), why->text);
    ok = move(store, id, DELIVERY_NEW, DELIVERY_UNPARSED, buf_str(&text), 0, 1,
              &found, err);
    buf_release(&text);
    return ok;
}

bool delivery_retry(struct store *store, struct str id, bool *found,
                    struct err *err) {
    return move(store, id, DELIVERY_UNPARSED, DELIVERY_NEW, STR(""), 0, -1,
                found, err);
}

/* --- cutting it ---------------------------------------------------------- */

/* The row of repeats goes as well, unless it names a later one. */
static bool cut_dedup(struct store *store, struct str id,
                      const struct json *envelope, struct batch *batch,
                      struct err *err) {
    struct buf key = BUF_EMPTY, value = BUF_EMPTY;
    int64_t    version = 0;
    bool       found = false, ok;

    dedup_key(json_find_text(envelope, "source"),
              json_find_text(envelope, "identity"), &key);
    ok = store_get(store, buf_str(&key), &value, &version, &found, err);
    if (ok && found && str_equal(buf_str(&value), id))
        batch_remove(batch, buf_str(&key), version);
    buf_release(&key);
    buf_release(&value);
    return ok;
}

static bool cut_record(struct store *store, struct str id, struct str record,
                       struct batch *batch, int64_t *blobs, struct err *err) {
    struct str   rest, hash;
    struct json *envelope =
        json_parse(str_cut(record, '\n', &rest), &caps, err);
    bool ok = envelope && cut_dedup(store, id, envelope, batch, err);

    hash = json_find_text(envelope, "blob");
    ok = ok &&
         (hash.len == 0 || blob_forget(store, hash, id, batch, blobs, err));
    json_release(envelope);
    return ok || err_wrap(err, "delivery %.*s", STR_ARG(id));
}

/* Is it among the new or the unparsed ones? */
static bool stands(struct store *store, const char *prefix, struct str id,
                   bool *there, struct err *err) {
    struct buf key = BUF_EMPTY;
    bool       ok;

    key_for(&key, prefix, id);
    ok = store_get(store, buf_str(&key), NULL, NULL, there, err);
    buf_release(&key);
    return ok;
}

/* (DL4) */
static bool may_go(struct store *store, struct str id, bool unparsed, bool *may,
                   struct err *err) {
    bool fresh = false, aside = false;

    if (!stands(store, DELIVERY_NEW, id, &fresh, err) ||
        !stands(store, DELIVERY_UNPARSED, id, &aside, err))
        return false;
    *may = !fresh && aside == unparsed;
    return true;
}

static bool add_cut(struct store *store, struct str id, bool unparsed,
                    struct batch *batch, bool *cut, int64_t *blobs,
                    struct err *err) {
    struct buf    key = BUF_EMPTY, record = BUF_EMPTY;
    struct ledger ledger;
    int64_t       version = 0;
    bool          ok, aside;

    key_for(&key, DELIVERY_RECORD, id);
    ok = store_get(store, buf_str(&key), &record, &version, cut, err) &&
         ledger_read(store, &ledger, err);
    if (ok && *cut) {
        batch_remove(batch, buf_str(&key), version);
        ok = cut_record(store, id, buf_str(&record), batch, blobs, err);
        if (ok && unparsed)
            ok = take_out(store, batch, DELIVERY_UNPARSED, id, &aside, err);
        ledger.unparsed -= unparsed;
        ledger.dropped += unparsed;
        ledger.deliveries_cut++;
        ledger_write(&ledger, batch);
    }
    buf_release(&key);
    buf_release(&record);
    return ok;
}

bool delivery_cut(struct store *store, struct str id, bool unparsed, bool *cut,
                  int64_t *blobs, struct err *err) {
    struct batch batch = {.count = 0};
    bool         may = false, ok = may_go(store, id, unparsed, &may, err);

    *cut = false;
    if (ok && may)
        ok = add_cut(store, id, unparsed, &batch, cut, blobs, err) &&
             batch_apply(&batch, store, err);
    batch_release(&batch);
    return ok;
}
