/* batch.h - writes being gathered, with the bytes that they point to.
 *
 * A store_write borrows its key and value. Who makes several of them, out of
 * what was just read, needs a home for those bytes until the batch is over.
 *
 * Lifetime: call. Thread: any.
 */
#ifndef STORE_BATCH_H
#define STORE_BATCH_H

#include "base/json.h"
#include "store/store.h"

#define BATCH_MAX 24

struct batch {
    struct store_write items[BATCH_MAX];
    struct buf         bytes[BATCH_MAX]; /* the key, then the value */
    size_t             count;
};

void batch_clear(struct batch *batch); /* keeps the memory */
void batch_release(struct batch *batch);

/* Copy what they are given. */
void batch_insert(struct batch *batch, struct str key, struct str value);
void batch_insert_json(struct batch *batch, struct str key,
                       const struct json *value);
void batch_swap(struct batch *batch, struct str key, int64_t expected,
                struct str value);
void batch_swap_json(struct batch *batch, struct str key, int64_t expected,
                     const struct json *value);
void batch_remove(struct batch *batch, struct str key, int64_t expected);
void batch_cut(struct batch *batch, struct str stream, int64_t length);
void batch_drop(struct batch *batch, struct str hash);

bool batch_apply(struct batch *batch, struct store *store, struct err *err);

#endif
