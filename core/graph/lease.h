/* lease.h - a run of the command line: its entry in the store, and its key.
 *
 * The service's runs are held by incident.h, and both hold the same keys. What
 * is begun here has an open record, too, so that a service that is started on
 * the same directory goes on with what was cut short; what the service began is
 * the service's.
 *
 * "main/run/ID" says which playbook and bundle a run walks and who walks it; a
 * fencing number goes up each time somebody takes it over. "main/key/…" keeps
 * a second run of the same playbook and key away from the first record to the
 * last, and is freed in the batch that writes the end.
 *
 *   LE1  Two runs of one playbook and key never overlap.
 *   LE2  Who takes a run over raises its fence; the end is written only by the
 *        last who took it.
 *
 * Lifetime: run. Thread: store.
 */
#ifndef GRAPH_LEASE_H
#define GRAPH_LEASE_H

#include "base/json.h"
#include "store/store.h"

struct lease {
    struct buf         run_key, hold_key, open_key, open, opening, closing, run;
    struct store_write first[3], last[3];
};

/* For a new run. `key` is the incident's. */
void lease_begin(struct lease *lease, const char *run, struct str playbook,
                 const struct json *key, const char *bundle, int64_t now_ms);
/* What the records of the run move: a journal_guard_fn, `arg` is the lease. */
bool lease_writes(void *arg, struct store *store, const struct json *record,
                  struct store_write *writes, size_t *count, struct err *err);
/* Who holds the key? ERR_HELD names the run and how to go on with it. */
bool lease_check(const struct lease *lease, struct store *store,
                 struct err *err);
/* For a run that goes on: raises the fence, gives its entry. */
bool lease_take(struct lease *lease, struct store *store, const char *run,
                struct json **entry, struct err *err);
void lease_release(struct lease *lease);

#endif
