/* doctor.h - is everything as it should be? Looks, and changes nothing.
 *
 * Each thing that is looked at is a row: what was found, where, why that
 * matters and what to do next. The list below is the only one: from it come the
 * rows' names, and the pages of `nightshift explain`.
 *
 *   DO1  What is kept is the same afterwards: no record is written, nothing is
 *        migrated, a damaged database is not opened to be worked with; and
 *        nothing is sent unless it was asked for.
 *   DO2  What cannot be looked at is "skipped" and says why; it is never "ok".
 *   DO3  No secret is in a row. (N11)
 *
 * Lifetime: call. Thread: main.
 */
#ifndef DOCTOR_DOCTOR_H
#define DOCTOR_DOCTOR_H

#include "base/json.h"

struct clock;
struct config;
struct store;

/* X(ENUM, "name", "why it matters", "what to do when it is wrong") */
#define DOCTOR_CHECKS(X)                                                       \
    X(CONFIGURATION, "configuration",                                          \
      "A service does not start, or reload, on what does not prove sound.",    \
      "Mend the line; `nightshift check` shows every finding.")                \
    X(CREDENTIALS, "credentials",                                              \
      "What is signed with a secret that is not there is refused by others.",  \
      "Put it where secrets are looked for: docs/secrets.md.")                 \
    X(DIRECTORY, "state_directory",                                            \
      "Everything that survives a crash is in it.",                            \
      "Give --state; a first start makes it.")                                 \
    X(OWNER, "state_owner",                                                    \
      "A file of another user cannot be written by the service.",              \
      "chown -R the directory to the user of the service.")                    \
    X(MODE, "state_mode", "Deliveries and answers are in it, for its owner.",  \
      "chmod 0700 the directory, 0600 its files.")                             \
    X(SPACE, "state_space",                                                    \
      "A disk that is full ends the service: nothing can be kept.",            \
      "Make room, or move the directory to a larger disk.")                    \
    X(LOCK, "state_lock", "One process has the directory at a time.",          \
      "Wait for it, or end it; what it holds is told by `runs list`.")         \
    X(SCHEMA, "store_schema",                                                  \
      "A store of a newer version is not understood by an older program.",     \
      "Use the newer program, or put the copy of before back.")                \
    X(INTEGRITY, "store_integrity",                                            \
      "A damaged database loses what it has promised.",                        \
      "Stop, keep a copy of the directory, restore a backup.")                 \
    X(OCCURRENCES, "ledger_occurrences",                                       \
      "Each sighting of an occurrence is in exactly one state.",               \
      "It is a defect: keep a copy of the directory and report it.")           \
    X(DELIVERIES, "ledger_deliveries",                                         \
      "A delivery is read, unreadable or waiting; none is lost.",              \
      "It is a defect: keep a copy of the directory and report it.")           \
    X(UNPARSED, "deliveries_unparsed",                                         \
      "An alarm may be in a delivery that could not be read.",                 \
      "`nightshift deliveries list` says why; mend the source, then retry.")   \
    X(STUCK, "runs_stuck",                                                     \
      "A run that failed or is quarantined has handed over to nobody.",        \
      "`nightshift runs list --all`, then `runs show RUN`: look at it.")       \
    X(JOURNALS, "journals_open",                                               \
      "A run goes on from its journal, on the scripts that it began with.",    \
      "`nightshift runs show RUN`; a run that cannot go on: `runs cancel`.")   \
    X(AUDIT, "audit_chain", "What was done can be proven only without a gap.", \
      "Compare with a backup: somebody or something changed a record.")        \
    X(CLOCK, "clock", "Signatures, timers and certificates go by it.",         \
      "Synchronise the clock (chrony, systemd-timesyncd).")                    \
    X(FILES, "file_limit", "A connection is a descriptor.",                    \
      "Raise LimitNOFILE in the unit, or lower limits.connections.")           \
    X(READINESS, "readiness", "What the service says of itself.",              \
      "See docs/operations.md for the reason that is named.")                  \
    X(REACH, "endpoints", "What cannot be reached cannot be healed.",          \
      "Look at names, routes, proxy and certificates from this machine.")

enum doctor_check {
#define X(id, name, why, next) DOCTOR_##id,
    DOCTOR_CHECKS(X)
#undef X
        DOCTOR_COUNT
};

/* A warning needs a look, and is no failure. */
enum doctor_state { DOCTOR_OK, DOCTOR_SKIPPED, DOCTOR_WARNING, DOCTOR_WRONG };

struct doctor {
    struct json *rows; /* { check, state, what, where, why, next } */
    bool         wrong;
};

const char *doctor_name(enum doctor_check check);
const char *doctor_why(enum doctor_check check);
const char *doctor_next(enum doctor_check check);

void doctor_open(struct doctor *doctor);
void doctor_close(struct doctor *doctor);
void doctor_say(struct doctor *doctor, enum doctor_check check,
                enum doctor_state state, const char *where, const char *fmt,
                ...) __attribute__((format(printf, 5, 6)));

/* --- the state directory --------------------------------------------------- */

/* Everything that can be seen without opening the store. False: there is no
 * store in it. */
bool              doctor_directory(struct doctor *doctor, const char *dir);
/* For doctor_directory(), and for whoever has no disk to fill. */
enum doctor_state doctor_judge_space(int64_t free_bytes, int64_t free_files);
/* Integrity and schema. False: it must not be opened. `held` is filled when
 * another process has it. */
bool doctor_database(struct doctor *doctor, const char *dir, bool full,
                     bool *held);

/* --- what is kept ------------------------------------------------------------ */

/* One that nobody else has. */
void doctor_store(struct doctor *doctor, struct store *store,
                  struct clock *clock);
/* The sums of the ledger; `waiting` is how many deliveries are to be read. */
void doctor_ledger(struct doctor *doctor, const struct json *ledger,
                   int64_t waiting);

/* --- the host and the configuration ------------------------------------------- */

/* The configuration, or NULL when there is none to be used; released by the
 * caller. */
struct config *doctor_configuration(struct doctor *doctor, const char *scripts,
                                    const char *path, struct clock *clock);
void           doctor_host(struct doctor *doctor, const struct config *config,
                           struct clock *clock);
/* Asks each endpoint for anything at all, without a secret. */
void           doctor_reach(struct doctor *doctor, const struct config *config);

#endif
