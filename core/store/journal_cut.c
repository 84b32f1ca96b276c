/* journal_cut.c - from the end to the beginning, a few records at a time.
 *
 * The blobs of a slice go first, each in a batch of its own: after a crash in
 * between, the run has no row for them any more and they are passed over.
 */
#include "store/blob.h"
#include "store/journal.h"

#define BLOBS_MAX 2   /* that a call drops: each may be large */
#define ENTRY_MAX 200 /* bytes of one that names a blob, and more */

static const struct json_caps caps = {ENTRY_MAX, 4};

static bool take_hash(void *arg, struct str key, int64_t version,
                      struct str value) {
    struct json *hashes = arg, *entry = NULL;
    struct err   ignored;

    (void)key;
    (void)version;
    if (value.len <= ENTRY_MAX)
        entry = json_parse(value, &caps, &ignored);
    if (json_find_text(entry, "blob").len)
        json_append_text(hashes, json_find_text(entry, "blob"));
    json_release(entry);
    return true;
}

/* *done is false when there are more than a call may drop. */
static bool forget_some(struct store *store, const struct json *hashes,
                        struct str run, struct batch *batch, int64_t *blobs,
                        bool *done, struct err *err) {
    int64_t before = *blobs;
    bool    ok = true;
    size_t  i = 0;

    for (; ok && i < json_count(hashes) && *blobs < before + BLOBS_MAX; i++)
        ok = blob_forget(store, json_text(json_at(hashes, i)), run, batch,
                         blobs, err) &&
             batch_apply(batch, store, err);
    *done = i == json_count(hashes);
    return ok;
}

/* *left is as it was when only blobs went. */
static bool cut_last(struct store *store, struct str stream, struct str run,
                     int64_t *left, int64_t *blobs, struct err *err) {
    int64_t      length = *left;
    int64_t      from = length > STORE_CUT_MAX ? length - STORE_CUT_MAX + 1 : 1;
    struct json *hashes = json_new_list();
    struct batch batch = {.count = 0};
    bool         done = false;
    bool ok = store_stream_read(store, stream, from, take_hash, hashes, err) &&
              forget_some(store, hashes, run, &batch, blobs, &done, err);

    if (ok && done) {
        batch_cut(&batch, stream, length);
        ok = batch_apply(&batch, store, err);
        *left = from - 1;
    }
    json_release(hashes);
    batch_release(&batch);
    return ok;
}

bool journal_cut(struct store *store, struct str run, int64_t *left,
                 int64_t *blobs, struct err *err) {
    struct buf stream = BUF_EMPTY;
    bool       ok;

    buf_addf(&stream, JOURNAL_STREAM "%.*s", STR_ARG(run));
    ok = store_stream_length(store, buf_str(&stream), left, err) &&
         (*left == 0 ||
          cut_last(store, buf_str(&stream), run, left, blobs, err));
    buf_release(&stream);
    return ok || err_wrap(err, "cutting the journal of %.*s", STR_ARG(run));
}
