/* notify.h - tells systemd how the service does, without its library.
 *
 * The protocol is one datagram of NAME=value lines to the socket that
 * NOTIFY_SOCKET names, a path or, after '@', an abstract name. With the
 * variable unset or empty nobody listens and every call does nothing, so that
 * callers need not ask.
 *
 *   NF1  The variables are taken out of the environment when they are read, so
 *        that nothing started later speaks for us.
 *   NF2  A status is one line whatever is in it, and cannot set another field.
 *   NF3  A datagram that cannot be sent at once is given up: the loop never
 *        waits for systemd.
 *
 * Sources: sd_notify(3), sd_watchdog_enabled(3).
 *
 * Lifetime: process. Thread: loop.
 */
#ifndef SYS_NOTIFY_H
#define SYS_NOTIFY_H

#include <stdbool.h>
#include <stdint.h>

#include "base/err.h"

struct notify;

/* NULL with err filled when NOTIFY_SOCKET names nothing that can be a socket;
 * call before there are threads, since it changes the environment. */
struct notify *notify_open(struct err *err);
void           notify_close(struct notify *notify); /* NULL is fine */

/* How often systemd wants to hear notify_alive() at the latest, 0: never. Call
 * twice as often. It is our process that is meant, or it is 0. */
int64_t notify_watchdog_ms(const struct notify *notify);

/* False when somebody listens and the datagram could not be sent. */
bool notify_ready(struct notify *notify, const char *status);
bool notify_status(struct notify *notify, const char *status);
/* mono_us: the monotonic clock now; followed by notify_ready() when done. */
bool notify_reloading(struct notify *notify, int64_t mono_us);
bool notify_stopping(struct notify *notify, const char *status);
bool notify_alive(struct notify *notify);

#endif
