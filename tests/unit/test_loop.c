/* test_loop.c - order, wake-ups, and when the loop has nothing left to do. */
#include <criterion/criterion.h>

#include <pthread.h>
#include <signal.h>
#include <sys/socket.h>

#include "base/mem.h"
#include "sys/clock_real.h"
#include "sys/loop.h"

static struct loop *loop;
static char         order[64];
static int          calls;

static void begin(void) {
    loop = loop_open();
}

static void end(void) {
    loop_close(loop);
}

TestSuite(loop, .init = begin, .fini = end, .timeout = 5);

static void note(void *arg) {
    size_t len = strlen(order);

    order[len] = *(const char *)arg;
}

static void count(void *arg) {
    (void)arg;
    calls++;
}

static void defer_c(void *arg) {
    note(arg);
    loop_defer(loop, note, "c");
    cr_assert_str_eq(order, "a", "the call came from inside loop_defer");
}

Test(loop, returns_at_once_when_there_is_nothing_to_wait_for) {
    loop_run(loop);
}

Test(loop, LO1_LO2_runs_deferred_calls_later_and_in_order) {
    loop_defer(loop, defer_c, "a");
    loop_defer(loop, note, "b");
    cr_assert_str_eq(order, "");
    loop_run(loop);
    cr_assert_str_eq(order, "abc");
}

static void defer_again(void *arg) {
    if (++calls < 100000)
        loop_defer(loop, defer_again, arg);
}

Test(loop, keeps_running_calls_that_defer_themselves) {
    loop_defer(loop, defer_again, NULL);
    loop_run(loop);
    cr_assert_eq(calls, 100000);
}

static void defer_until_stopped(void *arg) {
    if (!*(bool *)arg)
        loop_defer(loop, defer_until_stopped, arg);
}

static void set(void *arg) {
    *(bool *)arg = true;
}

Test(loop, lets_a_timer_through_between_calls_that_defer_themselves) {
    bool stopped = false;

    loop_defer(loop, defer_until_stopped, &stopped);
    (void)loop_timer_start(loop, 5, set, &stopped);
    loop_run(loop);
    cr_assert(stopped);
}

Test(loop, fires_timers_in_the_order_of_their_time) {
    (void)loop_timer_start(loop, 30, note, "c");
    (void)loop_timer_start(loop, 1, note, "b");
    (void)loop_timer_start(loop, 0, note, "a");
    loop_run(loop);
    cr_assert_str_eq(order, "abc");
}

Test(loop, ends_after_a_timer_of_no_delay_that_was_the_last_thing) {
    (void)loop_timer_start(loop, 0, count, NULL);
    loop_run(loop);
    (void)loop_timer_start(loop, -5, count, NULL);
    loop_run(loop);
    cr_assert_eq(calls, 2);
}

static void spin_ms(int64_t ms) {
    int64_t until = clock_real()->mono_ns(clock_real()) + ms * 1000000;

    while (clock_real()->mono_ns(clock_real()) < until)
        ;
}

static int64_t due_ns;

static void check_due(void *arg) {
    (void)arg;
    cr_assert_geq(clock_real()->mono_ns(clock_real()), due_ns);
}

/* libuv's idea of now is as old as the turn. */
static void start_late_in_the_turn(void *arg) {
    (void)arg;
    spin_ms(20);
    due_ns = clock_real()->mono_ns(clock_real()) + 10 * 1000000;
    (void)loop_timer_start(loop, 10, check_due, NULL);
}

Test(loop, LO3_a_timer_never_fires_early) {
    loop_defer(loop, start_late_in_the_turn, NULL);
    loop_run(loop);
}

static void check_due_and_stop(void *arg) {
    check_due(NULL);
    *(bool *)arg = true;
}

/* A busy loop looks at its timers all the time, and libuv counts in whole
 * milliseconds: without care a timer of 1 ms fires after a fraction of it. */
Test(loop, LO3_a_timer_never_fires_early_in_a_busy_loop) {
    for (int i = 0; i < 20; i++) {
        bool stopped = false;

        due_ns = clock_real()->mono_ns(clock_real()) + 1000000;
        (void)loop_timer_start(loop, 1, check_due_and_stop, &stopped);
        loop_defer(loop, defer_until_stopped, &stopped);
        loop_run(loop);
    }
}

static void cancel_timer(void *arg) {
    loop_timer_cancel(arg);
}

Test(loop, a_cancelled_timer_does_not_fire_and_does_not_keep_the_loop) {
    struct loop_timer *timer = loop_timer_start(loop, 60000, count, NULL);

    loop_defer(loop, cancel_timer, timer);
    loop_run(loop);
    cr_assert_eq(calls, 0);
}

static void stop(void *arg) {
    (void)arg;
    loop_stop(loop);
}

Test(loop, stop_ends_the_run_and_what_is_pending_waits_for_the_next) {
    struct loop_timer *timer = loop_timer_start(loop, 60000, count, NULL);

    loop_defer(loop, stop, NULL);
    loop_run(loop);
    loop_defer(loop, stop, NULL);
    loop_run(loop);
    loop_timer_cancel(timer);
    loop_run(loop);
}

enum { POSTS = 2000 };

static void *post_many(void *arg) {
    int *numbers = arg;

    for (int i = 0; i < POSTS; i++)
        loop_post(loop, set, (bool *)&numbers[i]);
    return NULL;
}

static int last;

static void in_order(void *arg) {
    int number = *(int *)arg;

    cr_assert_eq(number, last + 1);
    last = number;
}

static void *post_in_order(void *arg) {
    int *numbers = arg;

    for (int i = 0; i < POSTS; i++)
        loop_post(loop, in_order, &numbers[i]);
    return NULL;
}

Test(loop, LO2_runs_posts_of_a_thread_in_order_and_waits_for_all) {
    static int numbers[POSTS];
    pthread_t  thread;

    for (int i = 0; i < POSTS; i++) {
        numbers[i] = i + 1;
        loop_expect(loop);
    }
    cr_assert_eq(pthread_create(&thread, NULL, post_in_order, numbers), 0);
    loop_run(loop);
    cr_assert_eq(last, POSTS);
    (void)pthread_join(thread, NULL);
}

Test(loop, takes_posts_of_several_threads_at_once) {
    static int numbers[4][POSTS];
    pthread_t  threads[4];

    for (int i = 0; i < 4 * POSTS; i++)
        loop_expect(loop);
    for (int i = 0; i < 4; i++)
        cr_assert_eq(pthread_create(&threads[i], NULL, post_many, numbers[i]),
                     0);
    loop_run(loop);
    for (int i = 0; i < 4; i++)
        (void)pthread_join(threads[i], NULL);
    for (int i = 0; i < 4 * POSTS; i++)
        cr_assert_neq(numbers[i / POSTS][i % POSTS], 0);
}

static int                pair[2];
static struct loop_watch *watch;

static void on_readable(void *arg, int fd, int events) {
    char byte;

    (void)arg;
    cr_assert_eq(events, LOOP_READ);
    if (read(fd, &byte, 1) == 1)
        note(&byte);
    else
        loop_watch_events(watch, 0);
}

static void open_pair(loop_watch_fn *fn) {
    cr_assert_eq(socketpair(AF_UNIX, SOCK_STREAM, 0, pair), 0);
    watch = loop_watch_start(loop, pair[0], fn, NULL);
}

static void close_pair(void) {
    loop_watch_stop(watch);
    (void)close(pair[0]);
    (void)close(pair[1]);
}

static void write_byte(void *arg) {
    cr_assert_eq(write(pair[1], arg, 1), 1);
}

static void ask_nothing(void *arg) {
    (void)arg;
    loop_watch_events(watch, 0);
}

Test(loop, a_watch_tells_of_bytes_and_keeps_the_loop_while_it_asks) {
    open_pair(on_readable);
    loop_watch_events(watch, LOOP_READ);
    (void)loop_timer_start(loop, 5, write_byte, "x");
    (void)loop_timer_start(loop, 20, ask_nothing, NULL);
    loop_run(loop);
    cr_assert_str_eq(order, "x");
    close_pair();
}

static void never(void *arg, int fd, int events) {
    (void)arg;
    (void)fd;
    cr_assert_fail("an event %d that nobody asked for", events);
}

Test(loop, a_watch_that_asks_for_nothing_hears_nothing) {
    open_pair(never);
    loop_watch_events(watch, LOOP_READ);
    loop_watch_events(watch, 0);
    write_byte("x");
    (void)loop_timer_start(loop, 5, count, NULL);
    loop_run(loop);
    cr_assert_eq(calls, 1);
    close_pair();
}

/* The event that arrived meanwhile was swallowed, so it must come again. */
Test(loop, a_watch_that_asks_again_hears_what_came_meanwhile) {
    open_pair(on_readable);
    loop_watch_events(watch, LOOP_READ);
    loop_watch_events(watch, 0);
    write_byte("x");
    (void)loop_timer_start(loop, 5, count, NULL);
    loop_run(loop);
    loop_watch_events(watch, LOOP_READ);
    (void)loop_timer_start(loop, 5, ask_nothing, NULL);
    loop_run(loop);
    cr_assert_str_eq(order, "x");
    close_pair();
}

static void on_writable(void *arg, int fd, int events) {
    (void)arg;
    (void)fd;
    calls |= events;
    loop_watch_events(watch, 0);
}

Test(loop, a_watch_tells_of_room_to_write) {
    open_pair(on_writable);
    loop_watch_events(watch, LOOP_READ | LOOP_WRITE);
    loop_run(loop);
    cr_assert_eq(calls, LOOP_WRITE);
    close_pair();
}

static void on_hang_up(void *arg, int fd, int events) {
    char byte;

    (void)arg;
    cr_assert_eq(events & LOOP_READ, LOOP_READ);
    cr_assert_leq(read(fd, &byte, 1), 0);
    calls++;
    loop_watch_stop(watch);
    (void)close(fd);
}

Test(loop, a_watch_tells_of_a_peer_that_is_gone) {
    open_pair(on_hang_up);
    loop_watch_events(watch, LOOP_READ);
    write_byte("x"); /* unread by the other side: its close is a reset */
    (void)read(pair[0], &order[0], 1);
    (void)close(pair[1]);
    loop_run(loop);
    cr_assert_eq(calls, 1);
}

static void on_hup(void *arg) {
    (void)arg;
    calls++;
    loop_stop(loop);
}

static void raise_hup(void *arg) {
    (void)arg;
    (void)raise(SIGHUP);
}

Test(loop, tells_of_a_signal_and_is_not_kept_by_it) {
    struct loop_timer *timer;

    loop_on_signal(loop, SIGHUP, on_hup, NULL);
    loop_run(loop);
    timer = loop_timer_start(loop, 60000, count, NULL);
    loop_defer(loop, raise_hup, NULL);
    loop_run(loop);
    cr_assert_eq(calls, 1);
    loop_timer_cancel(timer);
}
