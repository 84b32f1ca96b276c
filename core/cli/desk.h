/* desk.h - whom a command asks what is known: the store, or who holds it.
 *
 * A state directory has one holder. When nobody is in it the records are read
 * right here; when a serve holds it, it left its address and a token beside
 * them, which only the directory's owner can read, and is asked over HTTP. The
 * answers are the same JSON (serve/inquiry.h).
 *
 *   DK1  The token is only sent to the process that holds the directory.
 *
 * Known limit: a serve gives no more than 200 of a list.
 *
 * Lifetime: call. Thread: main.
 */
#ifndef CLI_DESK_H
#define CLI_DESK_H

#include "base/json.h"
#include "cli/cli.h"

struct store;

struct desk {
    struct store *store; /* NULL: a serve is asked */
    struct buf    dir, url, token;
};

bool desk_open(struct desk *desk, const struct cli *cli, struct err *err);
void desk_close(struct desk *desk); /* also one that was not opened */

/* Each gives a map, or NULL with err filled. `state` as in inquiry.h. */
struct json *desk_runs(struct desk *desk, const char *state, bool all,
                       struct err *err);
struct json *desk_run(struct desk *desk, const char *run, struct err *err);
struct json *desk_incidents(struct desk *desk, bool all, struct err *err);
struct json *desk_deliveries(struct desk *desk, const char *state, bool all,
                             struct err *err);
/* Of a serve alone, since whoever has the store counts for himself. */
struct json *desk_ledger(struct desk *desk, struct err *err);
struct json *desk_readiness(struct desk *desk, struct err *err);
/* ERR_NOT_FOUND, or ERR_CONFLICT when it is too late. */
bool         desk_cancel(struct desk *desk, const char *run, struct err *err);
bool desk_retry(struct desk *desk, const char *delivery, struct err *err);

#endif
