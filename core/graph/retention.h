/* retention.h - what is old enough, or too much, is cut from the store.
 *
 * A sweep goes through the kinds of records in small steps, each a job of the
 * store thread that looks at some dozens of keys and cuts a few: whoever posts
 * the steps decides what goes between them. Ids are in the order of time, so
 * a sweep looks at the oldest ones and stops at the first that stays.
 *
 *   runs         entry, journal, blobs and place in the incident of one that
 *                has ended: `runs` after its end, or when there are too many
 *   deliveries   what was read, with its body and the memory of repeats
 *   unparsed     what could not be read and waits for a retry
 *   occurrences  so that a repeat is known for one: not seen for as long
 *   cooldowns    over
 *
 * The ledger's counts stay; the audit chain, what is unfinished, bundles and
 * spending are never looked at.
 *
 *   AO1  What is unfinished stays, however old: open runs, what is attached to
 *        them, deliveries that were not read.
 *   AO2  An occurrence stays while it is shown by deliveries, so that a repeat
 *        of it never begins a second run. (N2)
 *   AO3  A step is bounded, and a sweep that was cut off goes on at the next.
 *   AO4  A record that cannot be understood stays, and stops no other.
 *
 * Lifetime: process. Thread: store, but open and close: loop.
 */
#ifndef GRAPH_RETENTION_H
#define GRAPH_RETENTION_H

#include "store/store.h"

/* X(ENUM, "name") */
#define RETENTION_KINDS(X)       \
    X(RUNS, "run")               \
    X(DELIVERIES, "delivery")    \
    X(UNPARSED, "unparsed")      \
    X(OCCURRENCES, "occurrence") \
    X(COOLDOWNS, "cooldown")     \
    X(BLOBS, "blob")

enum retention_kind {
#define X(id, name) RETENTION_##id,
    RETENTION_KINDS(X)
#undef X
        RETENTION_KIND_COUNT
};
const char *retention_kind_name(enum retention_kind kind);

/* Of a kind: how long in ms, and how many. */
struct retention_limit {
    int64_t age_ms, count;
};
struct retention_limits {
    struct retention_limit runs, deliveries, unparsed, occurrences;
};

/* A repeat in the same bytes is read again after so long, which keeps the
 * occurrences that it shows. (AO2) */
int64_t retention_again_ms(const struct retention_limits *limits);

struct retention;

/* What a sweep has done so far, and what it has found. */
struct retention_report {
    int64_t cut[RETENTION_KIND_COUNT];
    int64_t oldest_ms[RETENTION_KIND_COUNT]; /* kept; 0: none, or n/a */
    int64_t runs_kept, deliveries_kept;
    struct store_size size;
    int64_t           failed; /* records that could not be cut */
    struct err        first;  /* why the first of them could not */
};

struct retention *retention_open(void);
void retention_close(struct retention *retention); /* NULL is fine */
/* A new sweep. */
void retention_begin(struct retention              *retention,
                     const struct retention_limits *limits, int64_t now_ms);
/* ERR_IO when the store has failed; *more is false when the sweep is over. */
bool retention_step(struct retention *retention, struct store *store,
                    bool *more, struct err *err);
const struct retention_report *
retention_report(const struct retention *retention);

#endif
