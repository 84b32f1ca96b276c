/* clock.h - the three clocks, as a seam.
 *
 * Below graph/ nobody reads a clock: `now` is an argument. Those who drive
 * runs hold one of these: the real one (sys/clock_real.c) or a virtual one
 * that a fixture world moves forward (base/clock_virtual.c).
 *
 * Lifetime: process. Thread: loop.
 */
#ifndef BASE_CLOCK_H
#define BASE_CLOCK_H

#include <stdint.h>

struct clock {
    int64_t (*wall_ms)(struct clock *clock); /* UTC, since 1970 */
    int64_t (*mono_ns)(struct clock *clock); /* never steps */
    int64_t (*cpu_ns)(struct clock *clock);  /* of this thread */
};

#endif
