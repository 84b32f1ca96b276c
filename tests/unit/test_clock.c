/* test_clock.c - the real clocks move by themselves, the virtual one does not.
 */
#include <criterion/criterion.h>

#include "base/clock_virtual.h"
#include "sys/clock_real.h"

Test(clock_real, reads_wall_monotonic_and_cpu_time) {
    struct clock *clock = clock_real();
    int64_t       mono = clock->mono_ns(clock), cpu = clock->cpu_ns(clock);

    cr_assert_gt(clock->wall_ms(clock), INT64_C(1700000000000));
    cr_assert_lt(clock->wall_ms(clock), INT64_C(4000000000000));
    while (clock->cpu_ns(clock) < cpu + 2000000)
        ;
    cr_assert_geq(clock->mono_ns(clock), mono + 1000000);
    cr_assert_eq(clock, clock_real());
}

static struct clock_virtual world;

Test(clock_virtual, stands_still_until_it_is_moved) {
    struct clock *clock = &world.clock;

    clock_virtual_init(&world, 5000);
    cr_assert_eq(clock->wall_ms(clock), 5000);
    cr_assert_gt(clock->mono_ns(clock), 0);
    cr_assert_eq(clock->mono_ns(clock), clock->mono_ns(clock));
    cr_assert_eq(clock->cpu_ns(clock), 0);
}

Test(clock_virtual, advances_every_clock_by_the_same) {
    struct clock *clock = &world.clock;
    int64_t       mono;

    clock_virtual_init(&world, 5000);
    mono = clock->mono_ns(clock);
    clock_virtual_advance(&world, 1500);
    cr_assert_eq(clock->wall_ms(clock), 6500);
    cr_assert_eq(clock->mono_ns(clock) - mono, INT64_C(1500000000));
    cr_assert_eq(clock->cpu_ns(clock), INT64_C(1500000000));
}

Test(clock_virtual, CV1_a_step_of_the_wall_clock_moves_nothing_else) {
    struct clock *clock = &world.clock;
    int64_t       mono;

    clock_virtual_init(&world, 5000);
    mono = clock->mono_ns(clock);
    clock_virtual_set(&world, 1000);
    cr_assert_eq(clock->wall_ms(clock), 1000);
    cr_assert_eq(clock->mono_ns(clock), mono);
    cr_assert_eq(clock->cpu_ns(clock), 0);
}
