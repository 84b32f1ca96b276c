/* service.h - `serve`: every part opened, joined, and closed in order.
 *
 * Deliveries come in on the server's threads, are kept by the store thread,
 * read and walked on the loop. This is where the parts are told of each other:
 * who hears that an incident began, that a run ended, that the store failed.
 *
 *   SR1  Whatever ends the process, the next start goes on with every delivery
 *        that was accepted and every run that was begun. (N1, N8)
 *   SR2  After a signal to end, nothing new is begun and what is walked is
 *        stopped at its next question; what does not stop in time is left to
 *        the next start.
 *   SR3  A store that failed is never written again: senders are told to come
 *        again, and the process ends so that it can be started anew.
 *
 * Lifetime: process. Thread: main.
 */
#ifndef APP_SERVICE_H
#define APP_SERVICE_H

#include "app/engine.h"

struct service_options {
    struct engine_options engine;
    const char           *listen; /* overrides the configuration's; or NULL */
    bool                  log_given; /* the command line's level counts */
};

/* Serves until it is told to end. *code is the exit code. */
bool service_run(const struct service_options *options, int *code,
                 struct err *err);

#endif
