/* clock_real.c - clock_gettime, which the kernel answers without a system
 * call for wall and monotonic time. Nothing is cached: a stale now would make
 * a deadline late by a whole turn of the loop.
 */
#include "sys/clock_real.h"

#include <assert.h>
#include <time.h>

static int64_t read_ns(clockid_t id) {
    struct timespec at;
    int             rc = clock_gettime(id, &at);

    assert(rc == 0);
    (void)rc;
    return (int64_t)at.tv_sec * 1000000000 + at.tv_nsec;
}

static int64_t wall_ms(struct clock *clock) {
    (void)clock;
    return read_ns(CLOCK_REALTIME) / 1000000;
}

static int64_t mono_ns(struct clock *clock) {
    (void)clock;
    return read_ns(CLOCK_MONOTONIC);
}

static int64_t cpu_ns(struct clock *clock) {
    (void)clock;
    return read_ns(CLOCK_THREAD_CPUTIME_ID);
}

struct clock *clock_real(void) {
    static struct clock real = {wall_ms, mono_ns, cpu_ns};

    return &real;
}
