/* ledger.h - where every occurrence stands, as counts that always add up.
 *
 * Each sighting of an occurrence is in exactly one state. The counts are one
 * record, changed in the batch of the event that moves a sighting, so that a
 * crash can neither lose one nor count it twice. Deliveries have counts of
 * their own beside it: each is accepted once, and later read or not.
 *
 * The counts are of everything that ever came. When retention cuts a record
 * its count stays where it is, so that the sums stay true; how many records
 * were cut is counted beside them, and what is kept is the difference.
 *
 *   LG1  A sighting is counted in one state at a time: seen is not stored but
 *        their sum. (N2)
 *   LG2  accepted = parsed + unparsed + dropped + those still waiting to be
 *        read. (N2)
 *
 * Lifetime: call. Thread: store, but reading values: any.
 */
#ifndef STORE_LEDGER_H
#define STORE_LEDGER_H

#include "base/json.h"
#include "store/batch.h"

/* X(ENUM, "name", "what it means") */
#define LEDGER_STATES(X)                                                     \
    X(UNMATCHED, "unmatched", "no playbook takes it")                        \
    X(DUPLICATE, "duplicate", "seen before: a repeat, or the end of one")    \
    X(ATTACHED, "attached", "evidence for the run of another one")           \
    X(WAITING, "waiting", "its run has not begun")                           \
    X(RUNNING, "running", "its run is walked")                               \
    X(PARKED, "parked", "its run waits, in the store alone")                 \
    X(DONE, "done", "its run came to its end")                               \
    X(RECOVERED, "recovered", "it ended by itself before anything was done") \
    X(ESCALATED, "escalated", "its run handed over to people")               \
    X(FAILED, "failed", "its run could not even hand over")                  \
    X(CANCELLED, "cancelled", "somebody stopped its run")                    \
    X(QUARANTINED, "quarantined", "its run must not be walked again")

enum ledger_state {
#define X(id, name, about) LEDGER_##id,
    LEDGER_STATES(X)
#undef X
        LEDGER_COUNT,
    LEDGER_NONE = LEDGER_COUNT /* not seen yet */
};

struct ledger {
    int64_t counts[LEDGER_COUNT];
    int64_t seen;
    int64_t accepted, parsed, unparsed; /* deliveries */
    int64_t repeated; /* deliveries answered with the id of an earlier one */
    int64_t dropped;  /* deliveries given up: cut before they could be read */
    int64_t deliveries_cut, runs, runs_cut; /* runs: of the service, ever */
    int64_t version; /* of the record; 0: there is none */
};

#define LEDGER_KEY "main/ledger"

const char       *ledger_state_name(enum ledger_state state);
enum ledger_state ledger_state_find(struct str name); /* or LEDGER_NONE */

bool ledger_read(struct store *store, struct ledger *ledger, struct err *err);
/* From LEDGER_NONE it is seen for the first time. */
void ledger_move(struct ledger *ledger, enum ledger_state from,
                 enum ledger_state to);
/* Adds the write that makes it so. */
void ledger_write(const struct ledger *ledger, struct batch *batch);

/* Deliveries that are in the store, and ended or open runs of the service. */
int64_t ledger_deliveries_kept(const struct ledger *ledger);
int64_t ledger_runs_kept(const struct ledger *ledger);

/* { seen, states: { … }, deliveries: { … }, runs: { … } }. Gives. */
struct json *ledger_json(const struct ledger *ledger);

#endif
