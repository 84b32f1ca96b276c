/* incident_private.h - the records of an incident, for graph/incident*.c.
 *
 * All are small JSON maps. The open record counts what still fires: `lead`
 * (0 or 1), `carried` and `fresh` rows; when the three are 0 nobody needs the
 * run any more.
 *
 *   main/occurrence/SOURCE/HASH  state status run hold delivery
 *   main/ends/SOURCE/KEY  until at open: [{ hash start }]
 *   main/open/RUN      state due playbook hold incident lead_key lead carried
 *                      fresh from resolved acted cancel crashes
 *   main/run/RUN       run playbook key bundle at state incident holder
 *                      fence outcome verdict ended
 *   main/incident/INC  playbook key runs at
 *   main/attached/HOLD/RUN/HASH  occurrence evidence
 *   main/cooldown/HOLD until
 *   main/sweep/RUN     hold from state
 *   main/cut/RUN       (empty)
 *
 * HOLD is PLAYBOOK/SHA-256 of the key. A record of ends is there only for a
 * source that does not say, when something ends, which firing that was: what
 * began up to `until` is over, `open` are the occurrences that are not, and it
 * was last told of at `at`.
 *
 * Lifetime: call. Thread: store.
 */
#ifndef GRAPH_INCIDENT_PRIVATE_H
#define GRAPH_INCIDENT_PRIVATE_H

#include "graph/incident.h"

/* One record as it stands. */
struct incident_record {
    struct buf   key;
    struct json *value; /* NULL: there is none */
    int64_t      version;
};

bool incident_record_read(struct store *store, struct incident_record *record,
                          struct err *err);
void incident_record_release(struct incident_record *record);
/* Swaps it for its changed value. */
void incident_record_write(struct batch                 *batch,
                           const struct incident_record *record);
/* Moves its "state", and the ledger with it. */
void incident_record_move(struct incident_record *occurrence,
                          struct ledger *ledger, enum ledger_state to);

void       incident_open_key(struct buf *out, struct str run);
void       incident_run_key(struct buf *out, struct str run);
/* PLAYBOOK/HASH, out of the key that incident_hold_key() wrote. */
struct str incident_hold_of(const struct buf *hold_key);
/* What still fires of an open record's incident. */
int64_t    incident_firing(const struct json *open);

/* What of one source's key is over, and what is not. */
struct incident_ends {
    struct incident_record record;
    bool                   is_new;
};
#define INCIDENT_ENDS "main/ends/"

bool incident_ends_read(struct incident_ends *ends, struct store *store,
                        struct str source, struct str key, struct err *err);
void incident_ends_release(struct incident_ends *ends);
void incident_ends_write(const struct incident_ends *ends, int64_t at,
                         struct batch *batch);
/* Is what began then over already? */
bool incident_ends_covers(const struct incident_ends *ends, int64_t start_ms);
void incident_ends_until(struct incident_ends *ends, int64_t end_ms);
void incident_ends_add(struct incident_ends *ends, struct str hash,
                       int64_t start_ms);
void incident_ends_drop(struct incident_ends *ends, struct str hash);
/* The first that began by then and is open; empty: none. Borrowed until it is
 * dropped. */
struct str incident_ends_find(const struct incident_ends *ends, int64_t end_ms);

/* A run that waits: its open record, its entry, and its place in the incident.
 */
struct incident_new {
    struct str         run, incident, playbook, hold;
    const struct json *key, *facts; /* the incident's key and itself */
    struct str         lead_key, from;
    int64_t            at, due, carried;
};
void incident_begin(struct batch *batch, const struct incident_new *begun);

#endif
