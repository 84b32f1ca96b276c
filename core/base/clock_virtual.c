/* clock_virtual.c - two numbers. CPU time is what passed on the virtual clock
 * since it began, so that it is as repeatable as the rest; a limit on real CPU
 * seconds needs the real clock. Monotonic time does not begin at zero, since
 * a zero often means "never" to those who store it.
 */
#include "base/clock_virtual.h"

#include <assert.h>

enum { BEGIN_NS = 1000000000 };

static int64_t wall_ms(struct clock *clock) {
    return ((struct clock_virtual *)clock)->wall_ms;
}

static int64_t mono_ns(struct clock *clock) {
    return ((struct clock_virtual *)clock)->mono_ns;
}

static int64_t cpu_ns(struct clock *clock) {
    return ((struct clock_virtual *)clock)->mono_ns - BEGIN_NS;
}

void clock_virtual_init(struct clock_virtual *virtual, int64_t wall) {
    virtual->clock = (struct clock){wall_ms, mono_ns, cpu_ns};
    virtual->wall_ms = wall;
    virtual->mono_ns = BEGIN_NS;
}

void clock_virtual_advance(struct clock_virtual *virtual, int64_t ms) {
    assert(ms >= 0); /* CV1 */
    virtual->wall_ms += ms;
    virtual->mono_ns += ms * 1000000;
}

void clock_virtual_set(struct clock_virtual *virtual, int64_t wall) {
    virtual->wall_ms = wall;
}
