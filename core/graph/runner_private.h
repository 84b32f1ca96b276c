/* runner_private.h - entries and what is alive of them, for graph/runner*.c.
 *
 * runner.c keeps entries: lanes, timers, what begins next. runner_live.c walks
 * one: loads it, opens it, takes its end.
 *
 * Lifetime: process. Thread: loop.
 */
#ifndef GRAPH_RUNNER_PRIVATE_H
#define GRAPH_RUNNER_PRIVATE_H

#include "base/map.h"
#include "graph/runner.h"
#include "graph/turnstile.h"

enum entry_state {
    ENTRY_WAITING, /* in its lane, or for its time */
    ENTRY_WALKED,  /* loaded, walked, or on its way to the store */
    ENTRY_PARKED
};

struct live;

struct entry {
    char               id[ID_SIZE];
    enum entry_state   state;
    bool               fresh;  /* its journal is empty */
    bool               queued; /* in its lane */
    struct lane       *lane;
    struct entry      *next;
    struct loop_timer *timer;
    int64_t            due_ms;
    struct json       *incident; /* of a fresh one; or NULL */
    const char        *outcome;  /* it is not to be walked but ended as this */
    struct live       *live;     /* while it is walked */
    struct runner     *runner;
};

/* Runs of one playbook. */
struct lane {
    struct lane  *next;
    char         *playbook;
    struct entry *first, *last;
    size_t        walked;
};

struct runner {
    struct runner_options options;
    struct runner_world   world;
    struct turnstile     *turnstile;
    struct map            entries;
    struct lane          *lanes; /* the next turn is the first one's */
    size_t                walked, parked;
    struct bundle       **bundles; /* of runs that began on older ones */
    size_t                bundle_count;
    bool                  poked, stopping;
    void (*idle)(void *arg);
    void *idle_arg;
};

/* Walks it: state is ENTRY_WALKED, until runner_done(). */
void               runner_walk(struct entry *entry);
/* It is parked until due_ms, or gone when due_ms is -1. */
void               runner_done(struct entry *entry, int64_t due_ms);
/* What the open record of a run that is not wanted any more ends it as; NULL:
 * it is wanted. */
const char        *runner_ending(const struct json *open);
/* A playbook's `limits`, or NULL. */
const struct json *runner_limits(struct bundle *bundle, const char *playbook);
void               runner_failed(struct runner *runner, const struct err *err);
void               runner_live_attach(struct live *live, struct json *evidence);
void               runner_live_cancel(struct live *live);

#endif
