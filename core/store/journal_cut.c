/* journal_cut.c - from the end to the beginning, a few records at a time.
 *
 * The blobs of a slice go first, each in a batch of its own: after a crash in
 * between, the run has no row for them any more and they are passed over.
 */
#include "store/blob.h"
#include "store/journal.h"

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

static bool forget_all(struct store *store, const struct json *hashes,
                       struct str run, struct batch *batch, int64_t *blobs,
                       struct err *err) {
    bool ok = true;

    for (size_t i = 0; ok && i < json_count(hashes); i++)
        ok = blob_forget(store, json_text(json_at(hashes, i)), run, batch,
                         blobs, err) &&
             batch_apply(batch, store, err);
    return ok;
}

static bool cut_last(struct store *store, struct str stream, struct str run,
                     int64_t length, int64_t *blobs, struct err *err) {
    int64_t      from = length > STORE_CUT_MAX ? length - STORE_CUT_MAX + 1 : 1;
    struct json *hashes = json_new_list();
    struct batch batch = {.count = 0};
    bool ok = store_stream_read(store, stream, from, take_hash, hashes, err) &&
              forget_all(store, hashes, run, &batch, blobs, err);

    if (ok) {
        batch_cut(&batch, stream, length);
        ok = batch_apply(&batch, store, err);
    }
    json_release(hashes);
    batch_release(&batch);
    return ok;
}

bool journal_cut(struct store *store, struct str run, int64_t *left,
                 int64_t *blobs, struct err *err) {
    struct buf stream = BUF_EMPTY;
    int64_t    length = 0;
    bool       ok;

    buf_addf(&stream, JOURNAL_STREAM "%.*s", STR_ARG(run));
    ok = store_stream_length(store, buf_str(&stream), &length, err) &&
         (length == 0 ||
          cut_last(store, buf_str(&stream), run, length, blobs, err));
    *left = length > STORE_CUT_MAX ? length - STORE_CUT_MAX : 0;
    buf_release(&stream);
    return ok || err_wrap(err, "cutting the journal of %.*s", STR_ARG(run));
}
