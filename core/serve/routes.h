/* routes.h - which playbook takes an occurrence, of one bundle.
 *
 * Playbooks are asked in the order of their names and the first that takes an
 * occurrence gets it, since an occurrence has one run. A playbook whose mode
 * is "off" takes nothing.
 *
 *   RT1  The same bundle gives an occurrence to the same playbook.
 *
 * Lifetime: process. Thread: loop.
 */
#ifndef SERVE_ROUTES_H
#define SERVE_ROUTES_H

#include "base/json.h"
#include "vm/bundle.h"

struct routes;

/* Keeps the bundle. NULL with err filled when a playbook cannot be read. */
struct routes *routes_open(struct bundle *bundle, struct err *err);
struct routes *routes_retain(struct routes *routes);
void           routes_release(struct routes *routes); /* NULL is fine */

struct bundle *routes_bundle(const struct routes *routes);

struct route {
    struct str         id;       /* empty: none takes it */
    const struct json *playbook; /* its table */
};
/* `source` is the configured name, `script` the source's. */
struct route routes_find(const struct routes *routes, struct str source,
                         struct str script, const struct json *occurrence);

#endif
