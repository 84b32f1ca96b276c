/* services.h - the bundle's table of AWS services, beside the configuration.
 *
 * The table is a script, lib/aws/services.lua, so a run keeps the one that it
 * began with (N8). A bundle without one has no AWS service, which is said when
 * one is called. A broken row stops the engine, as a broken configuration
 * does, since nobody knows which call it would have been.
 *
 * Lifetime: call. Thread: main.
 */
#ifndef APP_SERVICES_H
#define APP_SERVICES_H

#include "app/config.h"

/* Also reads AWS_ENDPOINT_URL_<SERVICE> of every row. */
bool services_attach(struct bundle *bundle, struct config *config,
                     struct err *err);

#endif
