/* site.h - what is served under which path.
 *
 *   POST /hooks/SOURCE   deliveries (webhook.h)
 *   GET  /healthz        the process is there
 *   GET  /readyz         may senders come, and why not (readiness.h)
 *   GET  /metrics        OpenMetrics, or the older text format
 *   POST /-/reload       scripts and configuration anew; an operator's
 *        /api/v1/…       the admin API (admin.h)
 *
 * One site may be on two listeners: the public one has the deliveries and the
 * probes, the admin's own one, when there is one, the rest.
 *
 *   SI1  A path that the listener does not serve is not there, whatever the
 *        method or the token.
 *
 * Lifetime: process. Thread: any; open and close: loop.
 */
#ifndef SERVE_SITE_H
#define SERVE_SITE_H

#include "base/str.h"

struct admin;
struct http_exchange;
struct metrics;
struct queue;
struct readiness;
struct webhook;

struct site_options {
    struct webhook   *webhook;
    struct readiness *readiness;
    struct admin     *admin; /* NULL: not served */
    struct metrics   *metrics;
    /* Fills the gauges that are read when they are looked at; on the server's
     * thread, answers the exchange itself. */
    void (*scrape)(void *arg, struct http_exchange *exchange);
    /* Answers the exchange when the reload is over. */
    void (*reload)(void *arg, struct http_exchange *exchange);
    void *arg;
}; /* all borrowed */

struct site;

struct site *site_open(const struct site_options *options, bool public_paths,
                       bool admin_paths);
void         site_close(struct site *site); /* NULL is fine */

/* For struct http_server_options; `arg` is the site. */
size_t site_cap(void *arg, struct str method, struct str path);
void   site_handle(void *arg, struct http_exchange *exchange);

#endif
