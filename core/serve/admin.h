/* admin.h - /api/v1: what is known, and the few things that may be done.
 *
 * What is asked is read by the store thread, in its order, from the same
 * records that the command line reads; what is done goes to the loop. A viewer
 * may look, an operator may do.
 *
 *   AD1  Nothing is shown to who shows no token, and nothing done for a viewer.
 *
 * Lifetime: process. Thread: any; open and close: loop.
 */
#ifndef SERVE_ADMIN_H
#define SERVE_ADMIN_H

#include "serve/webhook.h"

struct admin;
struct loop;

/* What is done on the loop once the store says so; what is not known there has
 * ended meanwhile. */
struct admin_actions {
    void (*cancel)(void *arg, const char *run);
    void (*retry)(void *arg, const char *delivery);
};

struct admin_options {
    struct webhook             *webhook; /* which knows the tokens */
    struct queue               *queue;
    struct loop                *loop;
    const struct admin_actions *actions;
    void                       *arg;
}; /* all borrowed */

struct admin *admin_open(const struct admin_options *options);
void          admin_close(struct admin *admin); /* NULL is fine */

/* `tail` is what follows /api/v1/. Answers the exchange. */
void admin_take(struct admin *admin, struct http_exchange *exchange,
                struct str tail);

/* What is served, as docs/openapi.json names it: "/api/v1/runs/{id}". False
 * behind the last. */
bool admin_route(size_t index, const char **method, struct buf *path);

/* Is the sender's role enough? If not it is answered. */
bool admin_allows(struct webhook *webhook, struct http_exchange *exchange,
                  enum token_role needs);

#endif
