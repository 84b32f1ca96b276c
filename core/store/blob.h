/* blob.h - who refers to a blob, so that it goes with the last of them.
 *
 * "main/blob/HASH/OWNER" is a row for each record that names the blob, or for
 * the run whose journal does. It is written in the batch of the record, and
 * the blob is put in the same job: the store thread runs one job at a time, so
 * nobody can find a blob between the two and take it for one that nobody
 * needs. A blob is dropped in the batch that removes its last row.
 *
 *   BL1  A blob that a row refers to is there.
 *   BL2  With its last row a blob goes.
 *
 * Lifetime: call. Thread: store.
 */
#ifndef STORE_BLOB_H
#define STORE_BLOB_H

#include "store/batch.h"

/* Appends the row's key. */
void blob_row(struct buf *out, struct str hash, struct str owner);
/* Adds the writes that end what `owner` has of the blob: none when it has
 * nothing, two when it is the last. *dropped counts blobs that go. */
bool blob_forget(struct store *store, struct str hash, struct str owner,
                 struct batch *batch, int64_t *dropped, struct err *err);

#endif
