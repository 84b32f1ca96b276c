/* audit.h - the chain of what was done: each record carries the one before.
 *
 * A record is canonical JSON with `seq`, `prev` (the hash of the record
 * before, 64 zeroes for the first) and `hash` (SHA-256 of the record without
 * `hash`). It is written by the store thread in the batch of the journal
 * records that it speaks of, so that neither exists without the other.
 *
 *   AU1  The chain has no gap: record n names the hash of record n - 1. (N13)
 *        What is kept in memory of the last record is used only while the
 *        stream in the store is exactly as long.
 *   AU2  A changed, removed, swapped or inserted record is named by
 *        audit_verify().
 *
 * The chain has no key: who can write the whole file can also make another
 * whole chain, or cut this one short together with the stream's length. To
 * notice that, keep the hash of the last record somewhere else.
 *
 * Lifetime: process. Thread: store.
 */
#ifndef STORE_AUDIT_H
#define STORE_AUDIT_H

#include "base/buf.h"
#include "base/err.h"
#include "store/store.h"

struct json;

#define AUDIT_STREAM "main/audit"

/* Where the chain ends: the number and the hash of its last record. */
struct audit_head {
    int64_t length;
    char    hash[STORE_HASH_SIZE];
};
bool audit_head_read(struct store *store, struct audit_head *head,
                     struct err *err);
/* Saves the next audit_head_read() from reading the last record again: to be
 * called when the batch with its append has succeeded. */
void audit_head_keep(struct store *store, const struct audit_head *head);

/* The write that appends `facts` (a map: at, run, kind, slot, effect, target,
 * digest …; not seq, prev or hash) to the chain, to be put into a batch by the
 * caller. Replaces what `text` holds with the record's bytes; it must outlive
 * the batch. `head` moves on, so that a second append fits behind the first in
 * the same batch; when the batch fails, the caller puts its old value back. */
struct store_write audit_append(struct audit_head *head,
                                const struct json *facts, struct buf *text);

/* Reads the whole chain. *count gets the good records; the error names the
 * first bad one and what is wrong with it. */
bool audit_verify(struct store *store, int64_t *count, struct err *err);

#endif
