/* clock_virtual.h - a clock that moves only when it is told to.
 *
 * Fixture worlds, specs and replay run on it, so that "wait five minutes"
 * takes no time and the same events always happen at the same moments. Embed
 * it and hand out &it->clock.
 *
 *   CV1  Monotonic time never goes back, whatever the wall clock is set to.
 *
 * Lifetime: embedded. Thread: loop.
 */
#ifndef BASE_CLOCK_VIRTUAL_H
#define BASE_CLOCK_VIRTUAL_H

#include "base/clock.h"

struct clock_virtual {
    struct clock clock; /* first: the functions find us by it */
    int64_t      wall_ms, mono_ns;
};

void clock_virtual_init(struct clock_virtual *virtual, int64_t wall_ms);
/* Time passes: every clock moves on. ms is not negative, asserted. */
void clock_virtual_advance(struct clock_virtual *virtual, int64_t ms);
/* The wall clock steps, as an operator or NTP makes it; nothing else moves. */
void clock_virtual_set(struct clock_virtual *virtual, int64_t wall_ms);

#endif
