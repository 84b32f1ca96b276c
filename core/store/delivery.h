/* delivery.h - one webhook request as it arrived, kept byte for byte.
 *
 * A delivery is a record "main/delivery/ID": one line of JSON (source, at,
 * headers, size, and the blob's hash when the body is larger than 64 KiB),
 * then the body as it came. "main/new/ID" stands until it has been read;
 * "main/unparsed/ID" says why it could not be, until a retry can.
 * "main/dedup/SOURCE/HASH" names the delivery that the same request was taken
 * as before.
 *
 * What is repeated for longer than a while (again_ms) is a delivery again, and
 * read again: an alert that fires for weeks is sent in the same bytes all the
 * time, and its occurrence must be known to fire still when old ones are cut.
 *
 *   DL1  A delivery is stored whole with its place among the new, or not at
 *        all; a body that is a blob is there first. (N1)
 *   DL2  The same request of one source is stored once in again_ms; a repeat
 *        gives the id that it was stored under.
 *   DL3  Reading a delivery again gives the bytes that were sent.
 *   DL4  What has not been read is never cut; what could not be, only when
 *        that is asked for. A cut takes all of a delivery, or nothing.
 *
 * Lifetime: call. Thread: store.
 */
#ifndef STORE_DELIVERY_H
#define STORE_DELIVERY_H

#include "base/id.h"
#include "base/json.h"
#include "store/store.h"

#define DELIVERY_NEW "main/new/"
#define DELIVERY_UNPARSED "main/unparsed/"
#define DELIVERY_RECORD "main/delivery/"

struct delivery {
    char         id[ID_SIZE];      /* in: its own; out: of the first one */
    struct str   source, identity; /* identity: what makes two the same */
    int64_t      at;
    int64_t      again_ms; /* 0: a repeat is one however late it comes */
    struct json *headers;  /* those that the source may see */
    struct str   body;
    bool         repeated; /* out */
};

/* Borrows all of it. */
bool delivery_put(struct store *store, struct delivery *delivery,
                  struct err *err);

/* What was kept; release both. ERR_NOT_FOUND when there is none. */
struct delivery_kept {
    struct json *envelope; /* source, at, headers, size */
    struct buf   body;
};
bool delivery_get(struct store *store, struct str id,
                  struct delivery_kept *kept, struct err *err);
void delivery_release(struct delivery_kept *kept);

/* It has been read, or why not; moves it out of the new or the unparsed ones,
 * and the ledger with it. Doing it twice is fine. */
bool delivery_parsed(struct store *store, struct str id, struct err *err);
bool delivery_unparsed(struct store *store, struct str id,
                       const struct err *why, struct err *err);
/* Back among the new ones; *found is false when it is not unparsed. */
bool delivery_retry(struct store *store, struct str id, bool *found,
                    struct err *err);

/* Takes it out of the store with all that belongs to it; *cut is false when it
 * stays, or is gone already. With `unparsed` only one that could not be read
 * goes, without it only one that was. *blobs counts those that go with it. */
bool delivery_cut(struct store *store, struct str id, bool unparsed, bool *cut,
                  int64_t *blobs, struct err *err);

#endif
