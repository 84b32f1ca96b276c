/* blob.c - two rows of a scan tell whether an owner is the last. */
#include "store/blob.h"

void blob_row(struct buf *out, struct str hash, struct str owner) {
    buf_addf(out, "main/blob/%.*s/%.*s", STR_ARG(hash), STR_ARG(owner));
}

static bool count_row(void *arg, struct str key, int64_t version,
                      struct str value) {
    (void)key;
    (void)version;
    (void)value;
    (*(int *)arg)++;
    return true;
}

static bool is_last(struct store *store, struct str hash, bool *last,
                    struct err *err) {
    struct buf prefix = BUF_EMPTY;
    int        rows = 0;
    bool       ok;

    blob_row(&prefix, hash, STR(""));
    ok = store_scan(store, buf_str(&prefix), STR(""), 2, count_row, &rows, err);
    *last = rows == 1;
    buf_release(&prefix);
    return ok;
}

/* (BL2) */
bool blob_forget(struct store *store, struct str hash, struct str owner,
                 struct batch *batch, int64_t *dropped, struct err *err) {
    struct buf row = BUF_EMPTY;
    bool       found = false, last = false, ok;
    int64_t    version = 0;

    blob_row(&row, hash, owner);
    ok = store_get(store, buf_str(&row), NULL, &version, &found, err);
    if (ok && found)
        ok = is_last(store, hash, &last, err);
    if (ok && found)
        batch_remove(batch, buf_str(&row), version);
    if (ok && last) {
        batch_drop(batch, hash);
        (*dropped)++;
    }
    buf_release(&row);
    return ok;
}
