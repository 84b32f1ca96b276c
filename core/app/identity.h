/* identity.h - who an engine is to others: its secrets found, its signers opened.
 *
 * The secrets that the configuration names and that were not found on this
 * machine are fetched, each with the engine's own AWS credentials; then every
 * service gets the signer that its requests name. A live engine does not begin
 * the night without a secret that its configuration wants; a dry one says so
 * and goes on.
 *
 * Lifetime: process. Thread: main.
 */
#ifndef APP_IDENTITY_H
#define APP_IDENTITY_H

#include "app/engine.h"

/* Fills engine->signers; runs the loop while it fetches. The loop, the client,
 * the configuration and the redactor are open. */
bool identity_open(struct engine *engine, struct err *err);

#endif
