/* inquiry.h - what the records say of deliveries, incidents and runs.
 *
 * The admin API asks on the store thread, the command line on a state
 * directory that nobody holds; both give the same JSON, newest first. The ids
 * are in the order of time, so a list is read from the end of the keys, and
 * `more` says whether there are others before them. `count` is what is listed.
 *
 *   IQ1  Asking changes nothing, and what a list reads and holds in memory
 *        depends on its limit, not on how much there is.
 *
 * Lifetime: call. Thread: store.
 */
#ifndef SERVE_INQUIRY_H
#define SERVE_INQUIRY_H

#include "base/json.h"
#include "store/store.h"

#define INQUIRY_LIMIT 50
#define INQUIRY_LIMIT_MAX 200

struct inquiry {
    struct str state; /* runs: "open" or "all"; deliveries: "new", "unparsed" */
    size_t     limit; /* at least 1 */
};

/* Each gives a map, or NULL with err filled. */
struct json *inquiry_ledger(struct store *store, struct err *err);
struct json *inquiry_runs(struct store *store, const struct inquiry *inquiry,
                          struct err *err);
struct json *inquiry_incidents(struct store         *store,
                               const struct inquiry *inquiry, struct err *err);
struct json *inquiry_deliveries(struct store         *store,
                                const struct inquiry *inquiry, struct err *err);
/* Its entry, its open record while it has one, and its report. ERR_NOT_FOUND
 * when there is no such run. */
struct json *inquiry_run(struct store *store, struct str run, struct err *err);

#endif
