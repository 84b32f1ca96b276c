/* store.h - what survives a crash: records, streams and blobs.
 *
 * The contract is narrow on purpose, so that a DynamoDB or a Redis can keep
 * it: insert if absent, compare and swap, append at an expected head, all of
 * them only inside a batch of at most 100 that happens whole or not at all;
 * get; scan in the order of keys' bytes, from either end; blobs named by their
 * SHA-256. There is no query and no transaction that grows with its input.
 *
 * A record has a version, 1 when inserted, one more at each swap. A stream is
 * a record of its own whose version is its length and whose value is empty:
 * entry n (from 1) of stream "s" is the record "s/%010d" with version 1. Keys
 * of that shape, a slash and ten digits at the end, are written by appends
 * alone, so that no other write can change, drop or forestall an entry. What
 * nobody needs any more is cut off the end of its stream, a few entries a
 * write, and the stream goes with its first entry.
 *
 * Keys are UTF-8 without control characters. Every store begins with one
 * record, "meta/schema", whose value is the number of its layout.
 *
 *   ST1  A batch happens whole or not at all, also over a crash.
 *   ST2  A stream has no gap, and no entry of it ever changes; one that is
 *        being cut ends earlier and is whole up to there.
 *   ST3  After a failed write nothing is accepted until the store is opened
 *        again: it never carries on as if the write had happened. Opening
 *        makes durable what it finds, also behind a sync that failed.
 *   ST4  A store written by a newer version is refused; an older one is
 *        copied before it is migrated.
 *   ST5  The audit chain cannot be cut.
 *
 * Calls block. In the service they are made by the store thread alone
 * (store/queue.h). Two implementations ship: store_sqlite.c, store_memory.c.
 *
 * Lifetime: process. Thread: store.
 */
#ifndef STORE_STORE_H
#define STORE_STORE_H

#include "base/buf.h"
#include "base/err.h"

#define STORE_BATCH_MAX 100
#define STORE_KEY_MAX 512          /* bytes; 501 for the key of a stream */
#define STORE_VALUE_MAX (1u << 20) /* bytes; what is larger is a blob */
#define STORE_BLOB_MAX (64u << 20)
#define STORE_CUT_MAX 32   /* entries that one write cuts */
#define STORE_HASH_SIZE 65 /* hex of a SHA-256, with the NUL */
#define STORE_SCHEMA 1

struct store;

enum store_write_kind {
    STORE_INSERT, /* expected is ignored; the key must be absent */
    STORE_SWAP,   /* expected: the version that the record has now */
    STORE_REMOVE, /* expected as for swap */
    STORE_APPEND, /* key: the stream; expected: its length now */
    STORE_CUT,    /* the same; its last entries go, STORE_CUT_MAX at most */
    STORE_DROP    /* key: the hash of a blob, which may be absent */
};

struct store_write {
    enum store_write_kind kind;
    struct str            key;
    int64_t               expected;
    struct str            value;
};

/* Called in order; returning false ends the scan early, without an error.
 * key and value end with the call. Must not call the store. */
typedef bool store_scan_fn(void *arg, struct str key, int64_t version,
                           struct str value);

/* ERR_CONFLICT when an expectation does not hold, ERR_INVALID or ERR_LIMIT
 * when a write cannot be taken at all: nothing was written. Writes apply in
 * order and see each other; an empty batch holds. */
bool store_batch(struct store *store, const struct store_write *writes,
                 size_t count, struct err *err);
/* Replaces what value holds; empty, and version 0, when nothing is found.
 * value and version may be NULL. */
bool store_get(struct store *store, struct str key, struct buf *value,
               int64_t *version, bool *found, struct err *err);
/* Records whose key starts with prefix and is greater than `after`: streams
 * and their entries too, in the order of the keys' bytes. */
bool store_scan(struct store *store, struct str prefix, struct str after,
                size_t limit, store_scan_fn *each, void *arg, struct err *err);
/* The same from the other end: keys that are less than `before`, which may be
 * empty for all, the greatest first. */
bool store_scan_back(struct store *store, struct str prefix, struct str before,
                     size_t limit, store_scan_fn *each, void *arg,
                     struct err *err);

/* Entries from..length of a stream, in order; none when there is no stream.
 * ERR_CONFLICT names an entry that is missing. (ST2) */
bool store_stream_read(struct store *store, struct str stream, int64_t from,
                       store_scan_fn *each, void *arg, struct err *err);
bool store_stream_length(struct store *store, struct str stream,
                         int64_t *length, struct err *err);

bool store_blob_put(struct store *store, struct str bytes,
                    char hash[STORE_HASH_SIZE], struct err *err);
/* ERR_NOT_FOUND when absent; ERR_CONFLICT when the bytes are not the hash's */
bool store_blob_get(struct store *store, const char *hash, struct buf *bytes,
                    struct err *err);

/* What it takes of the disk, and how much of that is free to be used again; 0
 * in memory. */
struct store_size {
    int64_t bytes, free_bytes;
};
bool store_size(struct store *store, struct store_size *size, struct err *err);

/* Between begin and commit every batch and blob is a part of one durable
 * group; a batch that fails takes only itself back. Groups do not nest. */
bool store_group_begin(struct store *store, struct err *err);
bool store_group_commit(struct store *store, struct err *err);

/* In memory: for dry runs, fixtures and tests. */
struct store *store_memory_open(void);
/* One file, DIR/nightshift.db (0600), WAL, synchronous FULL. The directory is
 * made when absent (0700) and locked: ERR_HELD names the process that has it.
 */
struct store *store_sqlite_open(const char *dir, struct err *err);
void          store_close(struct store *store); /* NULL is fine */

/* Looks at such a file and changes nothing in it: the number of its schema, and
 * what is damaged, in words, one line each. `full` takes as long as reading all
 * of it, and compares every blob with its hash. ERR_HELD as above. */
bool store_sqlite_check(const char *dir, bool full, int64_t *schema,
                        struct buf *damage, struct err *err);

#endif
