/* store_private.h - what a kind of store brings, and what all kinds share.
 *
 * store.c checks keys, sizes and hashes, counts, and reads streams; a kind of
 * store only keeps records in order. So the two kinds cannot differ in what
 * they accept, and both word a refusal with store_expect().
 *
 *   - What reaches these functions is valid; apply() sees 1 to 100 writes.
 *   - apply() is whole or nothing, inside a group as well.
 *
 * Lifetime: process. Thread: store.
 */
#ifndef STORE_STORE_PRIVATE_H
#define STORE_STORE_PRIVATE_H

#include "store/store.h"

/* What stands at a key. */
struct store_found {
    bool    present, stream;
    int64_t version;
};

struct store_ops {
    bool (*apply)(struct store *store, const struct store_write *writes,
                  size_t count, struct err *err);
    /* value is empty, or NULL when it is not asked for; found is zeroed. */
    bool (*get)(struct store *store, struct str key, struct buf *value,
                struct store_found *found, struct err *err);
    /* Keys that start with prefix and are greater than after, until each()
     * answers false or they end. */
    bool (*scan)(struct store *store, struct str prefix, struct str after,
                 store_scan_fn *each, void *arg, struct err *err);
    /* Keys that start with prefix and are less than before, if it is not
     * empty, the greatest first. */
    bool (*scan_back)(struct store *store, struct str prefix, struct str before,
                      store_scan_fn *each, void *arg, struct err *err);
    bool (*blob_put)(struct store *store, const char *hash, struct str bytes,
                     struct err *err);
    bool (*blob_get)(struct store *store, const char *hash, struct buf *bytes,
                     bool *found, struct err *err);
    bool (*size)(struct store *store, struct store_size *size, struct err *err);
    bool (*group_begin)(struct store *store, struct err *err);
    bool (*group_commit)(struct store *store, struct err *err);
    void (*close)(struct store *store);
};

/* The last audit record that this process wrote. Only audit.c looks at it, and
 * only while the stream is as long as it says. A group that fails leaves a
 * store that takes nothing more, so it cannot outlive one. (ST3) */
struct store_last {
    int64_t number; /* 0: not known */
    char    hash[STORE_HASH_SIZE];
};

/* The first member of each kind's own struct. */
struct store {
    const struct store_ops *ops;
    bool                    grouped, scanning;
    struct store_last       audit;
};

#define STORE_SCHEMA_KEY "meta/schema"
#define STORE_ENTRY_TAIL 11 /* "/%010d" */

/* Does the write's expectation hold against what stands at its key? */
bool    store_expect(const struct store_write *write, struct store_found found,
                     struct err *err);
/* Entries that a cut leaves. */
int64_t store_cut_to(const struct store_write *write);
/* The key of entry n, in the order of n. */
void    store_entry_key(struct buf *out, struct str stream, int64_t n);

/* store_sqlite_open() with its list of migrations as an argument: steps[i] is
 * SQL that leads from schema i + 1 to i + 2; the store ends at count + 1. */
struct store *store_sqlite_open_with(const char *dir, const char *const *steps,
                                     size_t count, struct err *err);

#endif
