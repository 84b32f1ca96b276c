/* watchdog.c - an atomic deadline, polled by a thread of its own.
 *
 * The thread looks every 100 ms instead of being told of each section: telling
 * would cost a system call at every entry into Lua, and an overrun is measured
 * in seconds. It ends the process by _exit(), since atexit handlers and
 * buffers belong to the thread that is stuck.
 */
#include "sys/watchdog.h"

#include <assert.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdbool.h>

#include "base/mem.h"

enum { POLL_MS = 100, STATUS_OVERRUN = 70, LABEL_MAX = 160 };

struct watchdog {
    _Atomic int64_t       deadline_ns; /* 0: not armed */
    _Atomic(const char *) label;
    pthread_t             thread;
    pthread_mutex_t       mutex; /* guards closing */
    pthread_cond_t        wake;
    bool                  closing;
};

static int64_t now_ns(void) {
    struct timespec at;

    (void)clock_gettime(CLOCK_MONOTONIC, &at);
    return (int64_t)at.tv_sec * 1000000000 + at.tv_nsec;
}

/* Async-signal-safe by habit: the stuck thread may hold any lock there is,
 * the one inside stdio or malloc included. */
static void end_process(const char *label) {
    static const char before[] = "nightshift: watchdog: ";
    static const char after[] =
        " overran its time; ending, the journal resumes the runs\n";
    char   line[sizeof before + LABEL_MAX + sizeof after];
    size_t len = sizeof before - 1, label_len = strnlen(label, LABEL_MAX);

    memcpy(line, before, len);
    memcpy(line + len, label, label_len);
    len += label_len;
    memcpy(line + len, after, sizeof after - 1);
    len += sizeof after - 1;
    if (write(STDERR_FILENO, line, len) < 0)
        _exit(STATUS_OVERRUN);
    _exit(STATUS_OVERRUN);
}

/* The label is stored before the deadline and read after it, so a deadline
 * that has passed never comes with the label of an earlier section. */
static void look(struct watchdog *watchdog) {
    int64_t     deadline = atomic_load(&watchdog->deadline_ns);
    const char *label = atomic_load(&watchdog->label);

    if (deadline == 0 || now_ns() <= deadline)
        return;
    /* It may have ended between the two lines above. (WD2) */
    if (atomic_load(&watchdog->deadline_ns) == deadline)
        end_process(label);
}

static void wait_for_next(struct watchdog *watchdog) {
    int64_t         until = now_ns() + (int64_t)POLL_MS * 1000000;
    struct timespec at = {until / 1000000000, until % 1000000000};

    (void)pthread_cond_timedwait(&watchdog->wake, &watchdog->mutex, &at);
}

static void *watch(void *arg) {
    struct watchdog *watchdog = arg;

    (void)pthread_mutex_lock(&watchdog->mutex);
    while (!watchdog->closing) {
        wait_for_next(watchdog);
        look(watchdog);
    }
    (void)pthread_mutex_unlock(&watchdog->mutex);
    return NULL;
}

/* Signals are for the loop thread. */
static int start_thread(struct watchdog *watchdog) {
    sigset_t all, before;
    int      rc;

    (void)sigfillset(&all);
    (void)pthread_sigmask(SIG_SETMASK, &all, &before);
    rc = pthread_create(&watchdog->thread, NULL, watch, watchdog);
    (void)pthread_sigmask(SIG_SETMASK, &before, NULL);
    return rc;
}

struct watchdog *watchdog_open(void) {
    struct watchdog   *watchdog = mem_new(sizeof *watchdog);
    pthread_condattr_t monotonic;
    int                rc = pthread_condattr_init(&monotonic);

    rc = rc ? rc : pthread_condattr_setclock(&monotonic, CLOCK_MONOTONIC);
    rc = rc ? rc : pthread_cond_init(&watchdog->wake, &monotonic);
    rc = rc ? rc : pthread_mutex_init(&watchdog->mutex, NULL);
    rc = rc ? rc : start_thread(watchdog);
    assert(rc == 0); /* a process that may have no thread cannot serve */
    (void)rc;
    (void)pthread_condattr_destroy(&monotonic);
    return watchdog;
}

void watchdog_close(struct watchdog *watchdog) {
    if (!watchdog)
        return;
    (void)pthread_mutex_lock(&watchdog->mutex);
    watchdog->closing = true;
    (void)pthread_cond_signal(&watchdog->wake);
    (void)pthread_mutex_unlock(&watchdog->mutex);
    (void)pthread_join(watchdog->thread, NULL);
    (void)pthread_cond_destroy(&watchdog->wake);
    (void)pthread_mutex_destroy(&watchdog->mutex);
    mem_free(watchdog);
}

void watchdog_arm(struct watchdog *watchdog, int64_t limit_ms,
                  const char *label) {
    int64_t deadline = now_ns() + limit_ms * 1000000;

    /* Arming over an armed section must not pair the old deadline with the
     * new label, nor the other way round. */
    atomic_store_explicit(&watchdog->deadline_ns, 0, memory_order_release);
    atomic_store_explicit(&watchdog->label, label, memory_order_release);
    atomic_store_explicit(&watchdog->deadline_ns, deadline,
                          memory_order_release);
}

void watchdog_disarm(struct watchdog *watchdog) {
    atomic_store_explicit(&watchdog->deadline_ns, 0, memory_order_release);
}
