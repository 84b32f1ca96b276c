/* journal.h - what a run asked of the world, and what came back, in order.
 *
 * One stream of records for each run, "main/journal/RUN", is all that a run
 * depends on. Running a node again over its journal therefore reaches the
 * same point without touching anything twice: crash recovery, wake-ups and
 * replay are one code path. Before the gate lets a write leave it records an
 * intent and waits until that is durable; afterwards it records the result.
 *
 * The loop keeps every record of a live run in memory and an index of slots;
 * the store thread writes them in the order of adding. A slot is the place of
 * one effect, NODE/VISIT/PHASE/PATH/ORDINAL; numbers have fixed width, so that
 * places of one node sort in the order of asking.
 *
 *   J1  journal_add() reports durable only what the store has committed, and
 *       then everything added before it is durable too.
 *   J2  A slot holds one question; a different one is refused, never stored.
 *   J3  An intent without a result means "unknown", never "not done". (N6)
 *   J4  A record and the audit records that speak of it are written together
 *       or not at all.
 *   J5  What a guard adds is written with its record or not at all.
 *   J6  A record that nobody waits for may be written together with the next
 *       one that somebody does, a moment later at most; before it, and also
 *       when that one is refused.
 *
 * A record is a JSON map with `kind` and `at`, and by kind:
 *   started   run playbook bundle mode incident config
 *   visit     node visit input
 *   attempt   node visit phase attempt
 *   read      slot effect class target digest args where, ok, answer or error
 *   intent    slot effect class target digest args where, before
 *   again     slot: the write is sent once more
 *   result    slot ok, answer or error, how
 *   wait      slot, the question, began due count since
 *   reopen    slot: a refusal is asked again
 *   rerun     node visit error
 *   parked    node visit phase due spent
 *   attached  evidence
 *   policy    policy node asked facts result
 *   undone    node visit outcome reason
 *   ended     node visit outcome output error next
 *   finished  outcome verdict
 * A record above 64 KiB is a blob; its entry is then { blob: HASH }, and the
 * run is among those that refer to it (store/blob.h).
 *
 * Lifetime: run. Thread: loop, but journal_load: store.
 */
#ifndef STORE_JOURNAL_H
#define STORE_JOURNAL_H

#include "base/json.h"
#include "store/queue.h"
#include "store/store.h"

struct journal;

#define JOURNAL_STREAM "main/journal/"

enum slot_state {
    SLOT_NEW,     /* nothing is recorded, or it was reopened */
    SLOT_WAITING, /* a wait or sleep that is not over */
    SLOT_UNKNOWN, /* an intent without a result */
    SLOT_DONE
};

struct slot {
    enum slot_state    state;
    struct str         digest; /* of the question that the slot holds */
    const struct json *asked;  /* the read, intent or wait record */
    const struct json *answer; /* the read or result record, when done */
};

struct journal *journal_open(struct queue *queue,
                             const char   *run);          /* borrows */
void            journal_close(struct journal *journal); /* NULL is fine */

/* Asked on the store thread about every record, before its batch is written:
 * what depends on the order of the store - who holds a key, what came first -
 * is decided there. `record` has the short plain values that stand at the top
 * of the record. *count is the room, at least 40, and then what was used. What
 * the writes point to belongs to `arg` until the batch is over. False refuses
 * the record with err. */
typedef bool journal_guard_fn(void *arg, struct store *store,
                              const struct json  *record,
                              struct store_write *writes, size_t *count,
                              struct err *err);
struct journal_guard {
    journal_guard_fn  *writes;
    const char *const *kinds; /* of record that it is asked of; NULL: all */
    void              *arg;   /* borrowed until journal_settle() has reported */
};
/* Once, before the first record is added. */
void journal_guard(struct journal *journal, struct journal_guard guard);

/* Told of every record as it is added, on the loop; borrowed for the call. What
 * was read back is not added. fn NULL: nobody. */
typedef void journal_watch_fn(void *arg, const struct json *record);
void journal_watch(struct journal *journal, journal_watch_fn *fn, void *arg);

/* Takes `record` and `audit` (NULL: none; else a map for the chain). `more` is
 * written in the same batch: at most two writes, copied. `done` may be NULL.
 */
void journal_add(struct journal *journal, struct json *record,
                 struct json *audit, const struct store_write *more,
                 size_t more_count, queue_done_fn *done, void *arg);

/* Reports when everything added so far is durable, or why it is not. */
void journal_settle(struct journal *journal, queue_done_fn *done, void *arg);

/* All records so far, oldest first; borrowed. */
const struct json *journal_records(const struct journal *journal);

/* What is known of a place. False with ERR_DIVERGED and both questions in
 * words when it holds another digest. (J2) */
bool journal_slot(const struct journal *journal, struct str place,
                  struct str digest, const char *question, struct slot *slot,
                  struct err *err);

/* The key of a slot: "restart/0001/run/-/0003", or of the second of those that
 * were asked at once as the third, "restart/0001/run/0003.02/0001". `path` is
 * 0 for the former. */
void       journal_place(struct buf *out, struct str node, int visit,
                         const char *phase, int ordinal, int path);
/* What the places have in common that were asked at once, as the beginning of
 * `place`; of one that was asked alone that is all of it. */
struct str journal_place_group(struct str place);

/* Blocking: reads a run's records back, for a run that goes on. */
bool journal_load(struct journal *journal, struct store *store,
                  struct err *err);

/* Blocking: takes the last few records away, of a run that nobody asks for any
 * more; *left is what remains, *blobs counts those that went with them. */
bool journal_cut(struct store *store, struct str run, int64_t *left,
                 int64_t *blobs, struct err *err);

#endif
