/* loop.h - the one event loop: timers, sockets, and a way in for threads.
 *
 * libuv behind names of our own, so that no other file depends on it. What
 * keeps loop_run() from returning is counted here: deferred calls, timers,
 * watches that ask for events, and posts that a thread still owes. Signals,
 * and watches that ask for nothing (a kept-alive connection between two
 * requests), do not keep it.
 *
 *   LO1  A callback runs on the loop thread and never from inside the call
 *        that asked for it.
 *   LO2  Deferred and posted calls run in the order of asking.
 *   LO3  A timer never fires early.
 *
 * Lifetime: process. Thread: loop, but loop_expect and loop_post: any.
 */
#ifndef SYS_LOOP_H
#define SYS_LOOP_H

#include <stdbool.h>
#include <stdint.h>

struct loop;
struct loop_timer;
struct loop_watch;

typedef void loop_fn(void *arg);
typedef void loop_watch_fn(void *arg, int fd, int events);

enum { LOOP_READ = 1, LOOP_WRITE = 2 };

struct loop *loop_open(void);
void         loop_close(struct loop *loop); /* nothing may be pending */
/* Returns when nothing is left to wait for, or after the turn in which
 * loop_stop() was called; it may be run again then. */
void         loop_run(struct loop *loop);
void         loop_stop(struct loop *loop);

/* Call fn on the next turn. Cheap: no system call. What is deferred from
 * inside a deferred call waits for the turn after, so sockets get theirs. */
void loop_defer(struct loop *loop, loop_fn *fn, void *arg);

/* The same from any thread. loop_expect() keeps loop_run() from returning
 * while somebody still owes a post; each post settles one expectation, so a
 * thread that posts on its own account expects first. */
void loop_expect(struct loop *loop);
void loop_post(struct loop *loop, loop_fn *fn, void *arg);

/* Fires once; then, or when cancelled, the handle is gone. */
struct loop_timer *loop_timer_start(struct loop *loop, int64_t delay_ms,
                                    loop_fn *fn, void *arg);
void               loop_timer_cancel(struct loop_timer *timer);

/* Begins with no events asked for. fd is borrowed, non-blocking from then on,
 * and may be closed only after loop_watch_stop(). An error on it is reported
 * as every event that is asked for. */
struct loop_watch *loop_watch_start(struct loop *loop, int fd,
                                    loop_watch_fn *fn, void *arg);
void               loop_watch_events(struct loop_watch *watch, int events);
void               loop_watch_stop(struct loop_watch *watch);

/* fn on the loop thread when this signal arrives; does not keep the loop. */
void loop_on_signal(struct loop *loop, int signal, loop_fn *fn, void *arg);

#endif
