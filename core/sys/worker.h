/* worker.h - one piece of work aside, on a thread of its own.
 *
 * For work that computes for longer than the loop may be held, a few times an
 * hour: a thread for each costs less than a pool that waits for it. What the
 * work touches belongs to its thread until done.
 *
 *   WK1  `done` comes exactly once, on the loop thread, after `run` has
 *        returned, and the loop runs until then.
 *
 * Lifetime: call. Thread: loop.
 */
#ifndef SYS_WORKER_H
#define SYS_WORKER_H

#include "sys/loop.h"

/* Where no thread can be had, the loop does the work itself. */
void worker_start(struct loop *loop, loop_fn *run, loop_fn *done, void *arg);

#endif
