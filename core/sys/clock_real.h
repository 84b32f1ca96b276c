/* clock_real.h - the clocks of this machine.
 *
 * Only those who drive runs hold it; everybody else is told the time.
 *
 * Lifetime: process. Thread: any; cpu_ns is of the thread that asks.
 */
#ifndef SYS_CLOCK_REAL_H
#define SYS_CLOCK_REAL_H

#include "base/clock.h"

struct clock *clock_real(void); /* one for all, never closed */

#endif
