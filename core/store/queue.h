/* queue.h - the store thread: one writer, whose order is the order of things.
 *
 * The loop posts jobs and never waits. The thread takes what has gathered,
 * runs it between store_group_begin() and store_group_commit(), and only then
 * reports each job as done, so that one fsync serves many. Since jobs run in
 * the order of posting, a job that is durable implies that every earlier one
 * is: that is why a read's answer need not wait for the disk.
 *
 * For a store in memory there is no thread: a job runs at once and is reported
 * on the loop's next turn.
 *
 * A webhook's sender waits for one commit and has nothing to do with the loop:
 * queue_submit() takes a job from any thread and reports it from the store
 * thread, so that a 202 needs no turn of the loop.
 *
 *   Q1  done is called once for each job, on the loop thread (of a submitted
 *       one: on the store thread), in the order of posting, after the group
 *       that held the job is durable.
 *   Q2  A job that fails leaves the others of its group alone (of its own
 *       batches, those that held stay: what must go together is one batch); a
 *       group whose commit fails fails every job in it.
 *
 * Lifetime: process. Thread: loop, but queue_submit: any.
 */
#ifndef STORE_QUEUE_H
#define STORE_QUEUE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"

struct loop;
struct queue;
struct store;

/* On the store thread. Must not touch what the loop may be changing. */
typedef bool queue_job_fn(struct store *store, void *arg, struct err *err);
/* On the loop. err is NULL when the job is durable. */
typedef void queue_done_fn(void *arg, const struct err *err);

struct queue *queue_open(struct loop *loop, struct store *store,
                         bool threaded); /* borrows both */
/* Finishes what is posted: runs the loop until all of it is reported, so it is
 * not called from inside a callback. NULL is fine. */
void          queue_close(struct queue *queue);
/* done may be NULL: then a failure is kept, and every later job fails with it
 * and is not run. */
void queue_post(struct queue *queue, queue_job_fn *job, queue_done_fn *done,
                void *arg);
/* From any thread, to a queue with a thread of its own; done is called there
 * and must be short. Nothing may be submitted once queue_close() was called. */
void queue_submit(struct queue *queue, queue_job_fn *job, queue_done_fn *done,
                  void *arg);

/* Calls `fn` on the loop, once, within QUEUE_LATER_MS, or when the queue is
 * closed: for what may wait a little to be written together with what follows.
 * False for a queue without a thread, where nothing is gained by it. */
#define QUEUE_LATER_MS 50
typedef void queue_later_fn(void *arg);
bool         queue_later(struct queue *queue, queue_later_fn *fn, void *arg);

/* Called on the store thread after each group: what it held and how long its
 * writing and its commit took. Set before the first job. */
typedef void queue_watch_fn(void *arg, size_t jobs, int64_t duration_ns);
void         queue_watch(struct queue *queue, queue_watch_fn *fn, void *arg);

#endif
