/* watchdog.h - ends the process when one section of code will not end.
 *
 * The step and memory limits of a VM do not see inside a C function, and a
 * loop thread that is stuck in one can neither answer nor stop. Ending the
 * process is safe, because the journal brings every run back, and it is the
 * only thing that helps. Arming costs one reading of the clock and two stores,
 * so every entry into Lua can afford it.
 *
 *   WD1  A section that overruns ends the process with status 70 and one line
 *        on standard error that carries its label.
 *   WD2  A section that ends in time, and time between sections, never does.
 *
 * Lifetime: process. Thread: one arms and disarms, always the same.
 */
#ifndef SYS_WATCHDOG_H
#define SYS_WATCHDOG_H

#include <stdint.h>

struct watchdog;

struct watchdog *watchdog_open(void);
void             watchdog_close(struct watchdog *watchdog);

/* label is borrowed until the next arm or disarm and printed as it is: no
 * secrets. Arming again while armed begins anew. Noticed within 100 ms. */
void watchdog_arm(struct watchdog *watchdog, int64_t limit_ms,
                  const char *label);
void watchdog_disarm(struct watchdog *watchdog);

#endif
