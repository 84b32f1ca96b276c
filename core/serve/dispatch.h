/* dispatch.h - reads deliveries: through their source, into incidents.
 *
 * Deliveries are read one after the other in the order of their arrival; the
 * source's script runs in turns, so that a large one holds nobody up. What it
 * returns is checked, given to a playbook, and counted by the store thread in
 * small jobs. A delivery that cannot be read stays among the unparsed with the
 * reason, and is read again when somebody asks for it.
 *
 *   DI1  A delivery is read until it is parsed or unparsed, over any number of
 *        crashes.
 *   DI2  A source that fails, loops or gives nonsense costs its own delivery
 *        and no other. (N14)
 *   DI3  What is read while a large one is being counted is bounded.
 *
 * Lifetime: process. Thread: loop.
 */
#ifndef SERVE_DISPATCH_H
#define SERVE_DISPATCH_H

#include "graph/incident.h"
#include "observe/log.h"
#include "serve/intake.h"
#include "serve/routes.h"

struct dispatch;
struct redact;
struct trace;
struct watchdog;

/* What became of them, for the runner and the metrics. */
struct dispatch_events {
    /* A run waits; incident is its own, with id. Borrowed. */
    void (*begun)(void *arg, const char *run, struct str playbook,
                  int64_t due_ms, const struct json *incident);
    /* Evidence for a run; taken. */
    void (*attached)(void *arg, const char *run, struct json *evidence);
    void (*cancel)(void *arg, const char *run);
    void (*seen)(void *arg, struct str source, enum sighting_fate fate);
    void (*read)(void *arg, struct str source, int64_t at, bool parsed);
    void (*failed)(void *arg, const struct err *err); /* the store */
};

struct dispatch_options {
    struct loop                  *loop;
    struct queue                 *queue;
    struct clock                 *clock;
    struct log                   *log;
    struct watchdog              *watchdog;
    const struct redact          *redact;
    const struct json            *sources; /* the configuration's, or NULL */
    struct routes                *routes;  /* to begin with; kept by others */
    const struct dispatch_events *events;
    void                         *arg;
    const struct trace           *trace; /* NULL: nobody records spans */
};                                       /* all borrowed */

struct dispatch *dispatch_open(const struct dispatch_options *options);
/* What has not been read is among the new ones in the store. NULL is fine. */
void             dispatch_close(struct dispatch *dispatch);

void dispatch_add(struct dispatch *dispatch, struct intake_taken *taken);
/* One that is in the store. */
void dispatch_add_stored(struct dispatch *dispatch, struct str id);
/* From the next delivery on. */
void dispatch_use(struct dispatch *dispatch, struct routes *routes,
                  const struct json *sources);
/* Reads no further; `idle` is called when no job is on its way. */
void dispatch_stop(struct dispatch *dispatch, void (*idle)(void *arg),
                   void            *arg);

/* Since when the oldest unread one waits, ms UTC; 0: none does. */
int64_t dispatch_oldest(const struct dispatch *dispatch);
size_t  dispatch_count(const struct dispatch *dispatch);

/* The script of a source: the configured one, else its own name. */
struct str dispatch_script(const struct json *sources, struct str source);

#endif
