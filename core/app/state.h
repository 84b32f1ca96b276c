/* state.h - which folder holds what survives a crash.
 *
 * --state, else systemd's $STATE_DIRECTORY, else the user's own under
 * $XDG_STATE_HOME. A command that only looks opens one that is there and never
 * makes one.
 *
 * Lifetime: call. Thread: main.
 */
#ifndef APP_STATE_H
#define APP_STATE_H

#include "base/buf.h"
#include "base/err.h"

struct store;

/* Replaces what dir holds. */
bool          state_find(const char *given, struct buf *dir, struct err *err);
/* ERR_NOT_FOUND when nothing was ever kept there; ERR_HELD names the process
 * that is using it. */
struct store *state_open(const char *given, struct buf *dir, struct err *err);

#endif
