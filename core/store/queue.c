/* queue.c - two lists under one mutex: what is to do, and what is done.
 *
 * A group is at most GROUP_MAX jobs, so that under load the first of them does
 * not wait for the last that ever comes. The loop is woken once a group: there
 * is at most one post on its way, and the loop expects exactly one whenever
 * anything is unreported; jobs without a done are reported as well, or
 * loop_run() could return while they are unwritten.
 */
#include "store/queue.h"

#include <assert.h>
#include <pthread.h>
#include <time.h>

#include "base/fault.h"
#include "base/mem.h"
#include "store/store.h"
#include "sys/loop.h"

#define GROUP_MAX 512

struct job {
    queue_job_fn  *run;
    queue_done_fn *done;
    void          *arg;
    struct job    *next;
    struct err    *failure; /* owned; NULL when it held */
    bool           submitted;
};

struct list {
    struct job *first, *last;
};

struct later {
    queue_later_fn *fn;
    void           *arg;
};

struct queue {
    struct loop    *loop;
    struct store   *store;
    bool            threaded;
    pthread_t       thread;
    pthread_mutex_t mutex; /* guards what follows, up to the blank line */
    pthread_cond_t  work;
    struct list     waiting, finished;
    bool            closing;
    bool            knocked; /* a report is on its way to the loop */

    size_t      unreported; /* loop's, like the next */
    bool        draining;   /* queue_close() waits for unreported to be 0 */
    struct err *kept;       /* store thread's: of a job without a done */

    struct later      *laters; /* loop's */
    size_t             later_count, later_cap;
    struct loop_timer *timer; /* while there are any */

    queue_watch_fn *watch;
    void           *watch_arg;
};

static void list_push(struct list *list, struct job *job) {
    job->next = NULL;
    if (list->last)
        list->last->next = job;
    else
        list->first = job;
    list->last = job;
}

static struct job *list_pop(struct list *list) {
    struct job *job = list->first;

    if (job)
        list->first = job->next;
    if (!list->first)
        list->last = NULL;
    return job;
}

static void list_join(struct list *list, struct list *more) {
    if (!more->first)
        return;
    if (list->last)
        list->last->next = more->first;
    else
        list->first = more->first;
    list->last = more->last;
    *more = (struct list){NULL, NULL};
}

static void job_release(struct job *job) {
    mem_free(job->failure);
    mem_free(job);
}

static struct err *err_copy(const struct err *err) {
    struct err *copy = mem_new(sizeof *copy);

    *copy = *err;
    return copy;
}

/* --- a group, on the store thread --------------------------------------- */

static void fail(struct queue *queue, struct job *job, const struct err *err) {
    mem_free(job->failure);
    job->failure = err_copy(err);
    if (job->done || queue->kept)
        return;
    queue->kept = err_copy(err);
    err_wrap(queue->kept, "an earlier write failed");
}

static void run_job(struct queue *queue, struct job *job) {
    struct err err;

    if (queue->kept)
        fail(queue, job, queue->kept);
    else if (!job->run(queue->store, job->arg, &err))
        fail(queue, job, &err);
}

static void run_group(struct queue *queue, struct list *group) {
    struct err err;
    bool       ok = store_group_begin(queue->store, &err);

    if (ok) {
        for (struct job *job = group->first; job; job = job->next)
            run_job(queue, job);
        ok = store_group_commit(queue->store, &err);
    }
    if (ok) {
        fault_pass(FAULT_QUEUE_COMMITTED);
        return;
    }
    for (struct job *job = group->first; job; job = job->next)
        fail(queue, job, &err);
}

static int64_t mono_ns(void) {
    struct timespec now;

    (void)clock_gettime(CLOCK_MONOTONIC, &now);
    return now.tv_sec * 1000000000LL + now.tv_nsec;
}

static void run_watched(struct queue *queue, struct list *group) {
    int64_t began = queue->watch ? mono_ns() : 0;
    size_t  jobs = 0;

    run_group(queue, group);
    if (!queue->watch)
        return;
    for (struct job *job = group->first; job; job = job->next)
        jobs++;
    queue->watch(queue->watch_arg, jobs, mono_ns() - began);
}

/* Reports the submitted ones and leaves the others in the group. */
static void report_submitted(struct list *group) {
    struct list others = {NULL, NULL};
    struct job *job;

    while ((job = list_pop(group)) != NULL) {
        if (!job->submitted) {
            list_push(&others, job);
            continue;
        }
        job->done(job->arg, job->failure);
        job_release(job);
    }
    *group = others;
}

/* Blocks for work; an empty group means that the queue is closing. */
static struct list take(struct queue *queue) {
    struct list group = {NULL, NULL};
    struct job *job;
    size_t      count = 0;

    while (!queue->waiting.first && !queue->closing)
        (void)pthread_cond_wait(&queue->work, &queue->mutex);
    while (count++ < GROUP_MAX && (job = list_pop(&queue->waiting)) != NULL)
        list_push(&group, job);
    return group;
}

static void report(void *arg);

static void *work(void *arg) {
    struct queue *queue = arg;
    struct list   group;

    (void)pthread_setname_np(pthread_self(), "store"); /* for top and perf */
    (void)pthread_mutex_lock(&queue->mutex);
    while ((group = take(queue)).first) {
        (void)pthread_mutex_unlock(&queue->mutex);
        run_watched(queue, &group);
        report_submitted(&group);
        (void)pthread_mutex_lock(&queue->mutex);
        if (!group.first)
            continue;
        list_join(&queue->finished, &group);
        if (!queue->knocked)
            loop_post(queue->loop, report, queue);
        queue->knocked = true;
    }
    (void)pthread_mutex_unlock(&queue->mutex);
    return NULL;
}

/* --- the loop's side ---------------------------------------------------- */

/* Takes what is finished. Within the lock the next post is expected before the
 * thread can make it. */
static struct list collect(struct queue *queue) {
    struct list finished = {NULL, NULL};

    (void)pthread_mutex_lock(&queue->mutex);
    list_join(&finished, &queue->finished);
    for (struct job *job = finished.first; job; job = job->next)
        queue->unreported--;
    queue->knocked = false;
    if (queue->threaded && queue->unreported > 0)
        loop_expect(queue->loop);
    (void)pthread_mutex_unlock(&queue->mutex);
    return finished;
}

/* (Q1) */
static void report(void *arg) {
    struct queue *queue = arg;
    struct list   finished = collect(queue);
    struct job   *job;

    while ((job = list_pop(&finished)) != NULL) {
        if (job->done)
            job->done(job->arg, job->failure);
        job_release(job);
    }
    if (queue->draining && queue->unreported == 0)
        loop_stop(queue->loop);
}

static void hand_to_thread(struct queue *queue, struct job *job) {
    bool first;

    (void)pthread_mutex_lock(&queue->mutex);
    first = !queue->waiting.first;
    list_push(&queue->waiting, job);
    if (first)
        (void)pthread_cond_signal(&queue->work);
    (void)pthread_mutex_unlock(&queue->mutex);
}

static void post_to_thread(struct queue *queue, struct job *job) {
    if (queue->unreported++ == 0)
        loop_expect(queue->loop);
    hand_to_thread(queue, job);
}

/* Without a done there is nothing to report, as nothing is unwritten. */
static void post_at_once(struct queue *queue, struct job *job) {
    struct list group = {job, job};

    run_group(queue, &group);
    if (!job->done) {
        job_release(job);
        return;
    }
    queue->unreported++;
    list_push(&queue->finished, job);
    if (!queue->knocked)
        loop_defer(queue->loop, report, queue);
    queue->knocked = true;
}

static struct job *make_job(queue_job_fn *run, queue_done_fn *done, void *arg) {
    struct job *job = mem_new(sizeof *job);

    job->run = run;
    job->done = done;
    job->arg = arg;
    return job;
}

void queue_submit(struct queue *queue, queue_job_fn *job, queue_done_fn *done,
                  void *arg) {
    struct job *submitted = make_job(job, done, arg);

    assert(queue->threaded && done);
    submitted->submitted = true;
    hand_to_thread(queue, submitted);
}

void queue_watch(struct queue *queue, queue_watch_fn *fn, void *arg) {
    queue->watch = fn;
    queue->watch_arg = arg;
}

void queue_post(struct queue *queue, queue_job_fn *job, queue_done_fn *done,
                void *arg) {
    struct job *posted = make_job(job, done, arg);

    if (queue->threaded)
        post_to_thread(queue, posted);
    else
        post_at_once(queue, posted);
}

/* --- a little later ------------------------------------------------------- */

/* One of them may ask for another. */
static void run_laters(struct queue *queue) {
    struct later *laters = queue->laters;
    size_t        count = queue->later_count;

    queue->laters = NULL;
    queue->later_count = queue->later_cap = 0;
    for (size_t i = 0; i < count; i++)
        laters[i].fn(laters[i].arg);
    mem_free(laters);
}

static void later_is_now(void *arg) {
    struct queue *queue = arg;

    queue->timer = NULL;
    run_laters(queue);
}

bool queue_later(struct queue *queue, queue_later_fn *fn, void *arg) {
    if (!queue->threaded || queue->draining)
        return false;
    if (queue->later_count == queue->later_cap) {
        queue->later_cap = queue->later_cap ? 2 * queue->later_cap : 32;
        queue->laters =
            mem_resize(queue->laters, queue->later_cap * sizeof *queue->laters);
    }
    queue->laters[queue->later_count++] = (struct later){fn, arg};
    if (!queue->timer)
        queue->timer =
            loop_timer_start(queue->loop, QUEUE_LATER_MS, later_is_now, queue);
    return true;
}

struct queue *queue_open(struct loop *loop, struct store *store,
                         bool threaded) {
    struct queue *queue = mem_new(sizeof *queue);
    int           rc = pthread_mutex_init(&queue->mutex, NULL);

    queue->loop = loop;
    queue->store = store;
    queue->threaded = threaded;
    rc = rc ? rc : pthread_cond_init(&queue->work, NULL);
    if (threaded)
        rc = rc ? rc : pthread_create(&queue->thread, NULL, work, queue);
    assert(rc == 0); /* only memory or threads can be missing */
    (void)rc;
    return queue;
}

void queue_close(struct queue *queue) {
    if (!queue)
        return;
    queue->draining = true;
    loop_timer_cancel(queue->timer);
    run_laters(queue);
    while (queue->unreported > 0)
        loop_run(queue->loop);
    (void)pthread_mutex_lock(&queue->mutex);
    queue->closing = true;
    (void)pthread_cond_signal(&queue->work);
    (void)pthread_mutex_unlock(&queue->mutex);
    if (queue->threaded)
        (void)pthread_join(queue->thread, NULL);
    (void)pthread_cond_destroy(&queue->work);
    (void)pthread_mutex_destroy(&queue->mutex);
    mem_free(queue->kept);
    mem_free(queue);
}
