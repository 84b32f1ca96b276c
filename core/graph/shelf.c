/* shelf.c - blobs first, then the list, so that a list is never dangling. */
#include "graph/shelf.h"

#include "base/json.h"
#include "store/blob.h"
#include "sys/crypto.h"

static void key_of(struct buf *key, struct str hash) {
    buf_addf(key, "main/bundle/%.*s", STR_ARG(hash));
}

static bool put_texts(struct store *store, const struct bundle *bundle,
                      struct json *list, struct err *err) {
    char hash[STORE_HASH_SIZE];

    for (size_t i = 0; i < bundle_count(bundle); i++) {
        const struct script *script = bundle_at(bundle, i);

        if (!store_blob_put(store, buf_str(&script->text), hash, err))
            return false;
        json_put_text(list, script->path, str_of(hash));
    }
    return true;
}

static bool add_row(struct store *store, struct str hash, struct batch *batch,
                    struct err *err) {
    struct buf row = BUF_EMPTY;
    bool       found = true, ok;

    blob_row(&row, hash, STR("bundle"));
    ok = store_get(store, buf_str(&row), NULL, NULL, &found, err);
    if (ok && !found)
        batch_insert(batch, buf_str(&row), STR(""));
    buf_release(&row);
    return ok;
}

/* A text has one row of all bundles, since they are not cut; many rows are one
 * batch, as each may be a commit. (BL1) */
static bool refer(struct store *store, const struct json *list,
                  struct err *err) {
    struct json     *texts = json_new_map();
    struct batch     batch = {.count = 0};
    struct json_walk walk = json_walk_over(list);
    bool             ok = true;

    while (json_walk_next(&walk))
        json_put_str(texts, json_text(walk.value), json_new_bool(true));
    walk = json_walk_over(texts);
    while (ok && json_walk_next(&walk)) {
        ok = add_row(store, walk.key, &batch, err);
        if (ok && batch.count == BATCH_MAX)
            ok = batch_apply(&batch, store, err);
    }
    json_walk_stop(&walk);
    ok = ok && (batch.count == 0 || batch_apply(&batch, store, err));
    json_release(texts);
    batch_release(&batch);
    return ok;
}

bool shelf_put(struct store *store, const struct bundle *bundle,
               struct err *err) {
    struct buf         key = BUF_EMPTY, value = BUF_EMPTY;
    struct json       *list = json_new_map();
    struct store_write write;
    int64_t            version;
    bool               found, ok;

    key_of(&key, str_of(bundle_hash(bundle)));
    ok = store_get(store, buf_str(&key), &value, &version, &found, err);
    if (ok && !found) {
        ok = put_texts(store, bundle, list, err) && refer(store, list, err);
        buf_clear(&value);
        json_write(list, &value);
        write = (struct store_write){STORE_INSERT, buf_str(&key), 0,
                                     buf_str(&value)};
        ok = ok && store_batch(store, &write, 1, err);
    }
    json_release(list);
    buf_release(&key);
    buf_release(&value);
    return ok || err_wrap(err, "keeping the bundle");
}

static bool add_texts(struct store *store, const struct json *list,
                      struct bundle *bundle, struct err *err) {
    struct json_walk walk = json_walk_over(list);
    struct buf       text = BUF_EMPTY;
    bool             ok = true;

    while (ok && json_walk_next(&walk)) {
        buf_clear(&text);
        ok = store_blob_get(store, json_text(walk.value).data, &text, err) &&
             bundle_add(bundle, walk.key, buf_str(&text), err);
    }
    json_walk_stop(&walk);
    buf_release(&text);
    return ok;
}

/* (SH1) */
static bool is_hash(const struct bundle *bundle, struct str hash,
                    struct err *err) {
    return str_is(hash, bundle_hash(bundle)) ||
           err_set(err, ERR_CONFLICT, "bundle %.*s was changed in the store",
                   STR_ARG(hash));
}

bool shelf_take(struct store *store, struct str hash, struct clock *clock,
                struct bundle **bundle, struct err *err) {
    struct buf   key = BUF_EMPTY, value = BUF_EMPTY;
    struct json *list = NULL;
    int64_t      version;
    bool         found = false, ok;

    *bundle = bundle_open(crypto_sha256, clock);
    key_of(&key, hash);
    ok = store_get(store, buf_str(&key), &value, &version, &found, err);
    if (ok && !found)
        ok = err_set(err, ERR_NOT_FOUND, "bundle %.*s is not in the store",
                     STR_ARG(hash));
    list = ok ? json_parse(buf_str(&value), &json_caps_answer, err) : NULL;
    ok = list && add_texts(store, list, *bundle, err);
    if (ok) {
        bundle_seal(*bundle);
        ok = is_hash(*bundle, hash, err);
    }
    json_release(list);
    buf_release(&key);
    buf_release(&value);
    if (!ok) {
        bundle_release(*bundle);
        *bundle = NULL;
    }
    return ok;
}
