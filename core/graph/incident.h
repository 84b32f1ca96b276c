/* incident.h - the store's side of an incident: its occurrences and its run.
 *
 * Everything that happens to an occurrence is one batch, and the batch moves
 * the ledger: seen first, seen again, attached, its run begun, parked, ended.
 * The store thread applies them one after the other, and that order decides
 * what no single reader could: whether an alert that arrives while a run ends
 * still belongs to it, and whether `resolved` came before the first write.
 *
 * An unfinished run has one record, "main/open/RUN": the list that a start
 * reads, however long the history is. "main/key/PLAYBOOK/HASH" names the run
 * that holds a key. What else fires on a held key is attached: a row
 * "main/attached/HASH/RUN/OCCURRENCE" under the run that it came during. When
 * that run ends, the rows that came during it are judged again: the first of
 * them leads the next run, and the others are carried into it; those that were
 * carried into the run that ended share its end.
 *
 *   INC1  An occurrence is counted once for each delivery that shows it, even
 *         when a crash makes a delivery be read twice. (N2)
 *   INC2  One run at a time holds a playbook and key; what comes meanwhile is
 *         attached. (LE1)
 *   INC3  `resolved` starts nothing; when nothing of the incident fires any
 *         more and no write is intended yet, the run is cancelled; after an
 *         intent it is evidence. The order in the store decides. (N10)
 *   INC4  A late `firing` never undoes `resolved`.
 *   INC5  What was attached while a run was walked is judged again after it.
 *   INC6  Only a run that has ended is cut. It leaves all lists in one batch;
 *         what is left to cut of it is noted in "main/cut/RUN", so that a
 *         crash leaves no half of a run to be seen, and no rest for ever.
 *   INC7  An end that does not say which firing it ends is the end of all that
 *         its key began up to then, whichever of them is read first.
 *
 * Lifetime: call. Thread: store.
 */
#ifndef GRAPH_INCIDENT_H
#define GRAPH_INCIDENT_H

#include "base/id.h"
#include "store/batch.h"
#include "store/ledger.h"

#define INCIDENT_OPEN "main/open/"
#define INCIDENT_RUN "main/run/"

/* --- sightings ---------------------------------------------------------- */

enum sighting_fate {
    SIGHTING_AGAIN, /* counted before, for the same delivery */
    SIGHTING_UNMATCHED,
    SIGHTING_DUPLICATE,
    SIGHTING_ATTACHED,
    SIGHTING_BEGUN /* a run waits to be walked */
};

/* One occurrence as one delivery shows it. */
struct sighting {
    struct str         source, key;
    struct str         started_at, ended_at; /* each may be empty */
    bool               firing;
    bool               by_key; /* the source's ends name only the key (INC7) */
    struct str         delivery;
    int64_t            at;
    struct str         playbook; /* that takes it; empty: none */
    const struct json *run_key;  /* the incident's key, as a list */
    const struct json *incident; /* without id; only read here */
    char               run[ID_SIZE], id[ID_SIZE]; /* for a run that begins */

    enum sighting_fate fate;
    char               holder[ID_SIZE]; /* the run that it belongs to, or "" */
    bool               cancel;   /* nothing of that run's incident fires */
    bool               evidence; /* for a run that is walked */
    struct json       *others;   /* more runs: [{ run cancel }]; NULL: none */
    int64_t            due;      /* of one that begins */
};

/* What a run is told of another occurrence: of its facts. Gives. */
struct json *incident_evidence(const struct json *facts, bool firing);

/* Fills what stands behind the blank line; `others` is given. */
bool incident_see(struct store *store, struct sighting *sighting,
                  struct err *err);

/* --- a run's records ---------------------------------------------------- */

/* What the batch of a journal record needs; one for each run that is walked.
 * Only the store thread touches it between two reports. */
struct incident_run {
    char         run[ID_SIZE], next[ID_SIZE]; /* next: for one that follows */
    int64_t      cooldown_ms;                 /* of the playbook */
    struct batch batch;
    bool         followed;        /* out: `next` waits to be walked */
    int64_t      next_due, fence; /* fence: 0 before it is walked */
    bool         acted;
    /* The run's entry as this process wrote it last, and its version then: the
     * end need not read it back. */
    struct json *entry;
    int64_t      entry_version;
};

/* The writes that go with a record: of `started`, the first `intent` and
 * `finished`; none for others. ERR_CANCELLED refuses an intent. They stand in
 * incident->batch until the next call. */
extern const char *const incident_kinds[]; /* of those records */
bool incident_writes(struct incident_run *incident, struct store *store,
                     const struct json *record, struct err *err);
void incident_run_release(struct incident_run *incident);

/* The run waits until due and is in nobody's memory. */
bool incident_park(struct store *store, const char *run, int64_t due_ms,
                   struct err *err);
/* It was executing when the process died; *times counts. */
bool incident_crashed(struct store *store, const char *run, int64_t *times,
                      struct err *err);
/* Somebody wants it stopped: `why` is "resolved" or "operator". *found is
 * false when it has ended. */
bool incident_cancel(struct store *store, const char *run, const char *why,
                     bool *found, struct err *err);

/* The open record, and the run's entry with its incident; NULL when there is
 * none (then err is not filled). Both are given. Of a run that has begun the
 * fence is raised: who walked it before cannot end it any more (LE2); one that
 * was parked is running again. */
bool incident_take(struct store *store, const char *run, struct json **open,
                   struct json **entry, struct err *err);

/* What else fires on the run's key, and what has ended since it acted, as
 * evidence; appends. */
bool incident_attached(struct store *store, const struct json *open,
                       struct json *list, struct err *err);

/* What was carried into runs that have ended takes their end: at most a few
 * rows a call; *more says whether to call again. */
bool incident_sweep(struct store *store, bool *more, struct err *err);

#define INCIDENT_CUT "main/cut/"

/* *cut is false when it stays: it has not ended, or is gone. */
bool incident_cut(struct store *store, struct str run, bool *cut,
                  struct err *err);
/* The rest of one that was cut, a few records a call; *more says whether there
 * is a rest, *blobs counts those that went. */
bool incident_cut_rest(struct store *store, struct str run, bool *more,
                       int64_t *blobs, struct err *err);
/* Of an occurrence's record: may it be forgotten? Nobody waits for it, and it
 * was not seen since this moment. */
bool incident_forgettable(const struct json *occurrence, int64_t seen_before);

/* The open record of a run that was begun for itself and is walked. */
void incident_open_alone(struct str playbook, const struct json *run_key,
                         struct buf *out);

/* Appends "main/key/PLAYBOOK/SHA-256 of the key" */
void incident_hold_key(struct str playbook, const struct json *run_key,
                       struct buf *out);

#endif
