/* walk.h - where a run stands, folded from its journal.
 *
 * A run's position is never stored: it is what its records add up to. A live
 * run folds what it and the gate have added; a run that goes on folds what it
 * reads back, and stands where it stood. Bindings, policy facts and the report
 * all read from here.
 *
 * A run has one line, the trunk. While it stands at a fork each branch has a
 * line of its own; a branch whose `next` is the join has come to its end. The
 * fork is over when all have, or when one of them has left it. The way out of
 * one fork may be another fork, so each has a number.
 *
 *   WK1  Folding the same records gives the same walk, live or read back. (N7)
 *   WK2  What is shown of a fork is in the order of its branches, whichever of
 *        them was faster; and a branch is shown nothing of the others.
 *
 * Lifetime: run. Thread: loop.
 */
#ifndef GRAPH_WALK_H
#define GRAPH_WALK_H

#include "base/json.h"
#include "graph/fork.h"

/* One line that is walked, visit by visit. */
struct track {
    struct json *current; /* the visit that has not ended, or NULL */
    struct json *next;    /* where the last end leads, or NULL: a fork's map, or
                           * a name */
    struct json *parked;  /* the record of the visit that is left, or NULL */
    int          attempt; /* of the current visit */
};

#define WALK_TRUNK 0
#define WALK_TRACKS_MAX (1 + FORK_BRANCHES_MAX)

struct walk {
    struct json *started;  /* the first record */
    struct json *outputs;  /* node -> list of outputs, each with `outcome` */
    struct json *path;     /* list of the `ended` records, shortened */
    struct json *visits;   /* node -> count */
    struct json *fork;     /* whose branches are walked, or NULL */
    size_t       forks;    /* how many there were; the last one's number */
    size_t       fork_at;  /* steps of the path before the last one */
    struct json *failure;  /* { node, code, text } of the last error */
    struct json *wrote;    /* list of { node, visit }, oldest first */
    struct json *undone;   /* list of { node, visit, outcome } */
    struct json *attached; /* list of evidence, oldest first */
    struct json *finished; /* the last record, or NULL */
    int64_t      acted_ms; /* first write's intent; 0: none */
    size_t       folded;   /* how many records of the journal are in it */
    struct track tracks[WALK_TRACKS_MAX]; /* the trunk, and the branches */
};

void walk_init(struct walk *walk);
void walk_release(struct walk *walk);
/* Folds the records that have come since the last call. */
void walk_follow(struct walk *walk, const struct json *records);

/* What the visit of this track had spent of its time when it was parked. */
int64_t    walk_spent(const struct track *track, const char *phase,
                      struct str node, int visit);
int        walk_visits(const struct walk *walk, struct str node);
/* How many visits have written: what limits.attempts counts. */
int        walk_attempts(const struct walk *walk);
/* The last outcome of a node whose `use` is a verification, or NULL text. */
struct str walk_verdict(const struct walk *walk);

/* What "$…" may name on a track: outputs by node, and incident, service, run.
 * Gives. */
struct json *walk_scope(const struct walk *walk, size_t track,
                        const struct json *service);
/* What a policy is told. `risk` may be empty. Gives. */
struct json *walk_facts(const struct walk *walk, size_t track, int limit,
                        struct str risk);

#endif
