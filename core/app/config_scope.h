/* config_scope.h - whom a key of the configuration concerns.
 *
 * A run's questions may depend on some keys only, and those are journaled with
 * it. How a request travels is another matter, and where the service listens,
 * whom it lets in and how much it takes at once is a third: a run that goes on
 * elsewhere, or after a reload, must not be held to either.
 *
 * Lifetime: process. Thread: any.
 */
#ifndef APP_CONFIG_SCOPE_H
#define APP_CONFIG_SCOPE_H

#include "app/config_key.h"

/* How and with what a request travels; no question depends on it. */
bool config_scope_is_transport(const struct config_key *key);
/* Everything below these steps is the service's own; told by the first. */
bool config_scope_is_service(const struct json *steps);

#endif
