/* batch.c - one buffer for each write; addresses are set when it is complete.
 */
#include "store/batch.h"

#include <assert.h>
#include <string.h>

void batch_clear(struct batch *batch) {
    for (size_t i = 0; i < batch->count; i++)
        buf_clear(&batch->bytes[i]);
    batch->count = 0;
}

void batch_release(struct batch *batch) {
    for (size_t i = 0; i < BATCH_MAX; i++)
        buf_release(&batch->bytes[i]);
    memset(batch, 0, sizeof *batch);
}

static struct buf *begin(struct batch *batch, enum store_write_kind kind,
                         struct str key, int64_t expected) {
    struct buf *bytes = &batch->bytes[batch->count];

    assert(batch->count < BATCH_MAX);
    batch->items[batch->count] =
        (struct store_write){kind, {NULL, key.len}, expected, {NULL, 0}};
    buf_add_str(bytes, key);
    return bytes;
}

static void end(struct batch *batch) {
    struct store_write *item = &batch->items[batch->count];
    struct buf         *bytes = &batch->bytes[batch->count++];

    item->key.data = bytes->data;
    item->value =
        (struct str){bytes->data + item->key.len, bytes->len - item->key.len};
}

static void add(struct batch *batch, enum store_write_kind kind, struct str key,
                int64_t expected, struct str value) {
    buf_add_str(begin(batch, kind, key, expected), value);
    end(batch);
}

static void add_json(struct batch *batch, enum store_write_kind kind,
                     struct str key, int64_t expected,
                     const struct json *value) {
    json_write(value, begin(batch, kind, key, expected));
    end(batch);
}

void batch_insert(struct batch *batch, struct str key, struct str value) {
    add(batch, STORE_INSERT, key, 0, value);
}

void batch_insert_json(struct batch *batch, struct str key,
                       const struct json *value) {
    add_json(batch, STORE_INSERT, key, 0, value);
}

void batch_swap(struct batch *batch, struct str key, int64_t expected,
                struct str value) {
    add(batch, STORE_SWAP, key, expected, value);
}

void batch_swap_json(struct batch *batch, struct str key, int64_t expected,
                     const struct json *value) {
    add_json(batch, STORE_SWAP, key, expected, value);
}

void batch_remove(struct batch *batch, struct str key, int64_t expected) {
    add(batch, STORE_REMOVE, key, expected, STR(""));
}

void batch_cut(struct batch *batch, struct str stream, int64_t length) {
    add(batch, STORE_CUT, stream, length, STR(""));
}

void batch_drop(struct batch *batch, struct str hash) {
    add(batch, STORE_DROP, hash, 0, STR(""));
}

bool batch_apply(struct batch *batch, struct store *store, struct err *err) {
    bool ok = store_batch(store, batch->items, batch->count, err);

    batch_clear(batch);
    return ok;
}
