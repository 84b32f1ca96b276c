/* config_change.h - what an edit changes, and what of it waits for a restart.
 *
 * The listener, the client and the signers are opened once, with the values of
 * the first configuration. An edit of one of those keys is not refused, since
 * it is right for the next start; its present value stays in force, and the
 * reload says so each time until one or the other is done.
 *
 *   CC1  A change is the path of one key, and every key that differs is told.
 *   CC2  A key that waits for a restart has its present value afterwards.
 *
 * Lifetime: call. Thread: loop.
 */
#ifndef APP_CONFIG_CHANGE_H
#define APP_CONFIG_CHANGE_H

#include "app/config.h"

/* Paths of the keys that differ, in the order of their bytes; gives. */
struct json *config_change_list(const struct config *present,
                                const struct config *next);
/* Puts the present values of those keys into `next`, and gives their paths. */
struct json *config_change_hold(struct config       *next,
                                const struct config *present);

#endif
