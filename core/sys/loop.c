/* loop.c - libuv, with our own count of what keeps the loop alive.
 *
 * libuv keeps a loop while any handle is active, which is the wrong question
 * for us: the handle that threads wake us by is always active, and an idle
 * kept-alive connection stays registered on purpose. So `live` and `expected`
 * decide, and uv_run() is asked for one turn at a time. Handles are freed in
 * their close callbacks, because libuv still touches them until then.
 */
#include "sys/loop.h"

#include <assert.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stddef.h>

#include <uv.h>

#include "base/mem.h"

struct call {
    loop_fn *fn;
    void    *arg;
};

/* Calls in order; `head` is the next one to run. */
struct queue {
    struct call *items;
    size_t       head, count, cap;
};

struct watched_signal {
    uv_signal_t            uv;
    struct call            call;
    struct watched_signal *next;
};

struct loop {
    uv_loop_t              uv;
    uv_idle_t              idle; /* active while something is deferred */
    uv_prepare_t           prepare;
    uv_async_t             async; /* threads knock here */
    struct queue           deferred;
    size_t                 live; /* timers, and watches with wanted events */
    bool                   stopped, running;
    atomic_long            expected;
    pthread_mutex_t        mutex;  /* guards posted */
    struct queue           posted; /* by threads */
    struct queue           taken;  /* posted, while being run */
    struct watched_signal *signals;
};

struct loop_timer {
    uv_timer_t   uv;
    struct loop *loop;
    struct call  call;
};

/* `registered` may be more than `wanted`: taking an event out of epoll and
 * putting it back costs two system calls for every request on a kept-alive
 * connection. It shrinks only when an event arrives that nobody wants. */
struct loop_watch {
    uv_poll_t      uv;
    struct loop   *loop;
    loop_watch_fn *fn;
    void          *arg;
    int            fd, wanted, registered;
    bool           stopped;
};

static void queue_push(struct queue *queue, loop_fn *fn, void *arg) {
    if (queue->head == queue->count)
        queue->head = queue->count = 0;
    if (queue->count == queue->cap) {
        queue->cap = queue->cap ? queue->cap * 2 : 64;
        queue->items =
            mem_resize(queue->items, queue->cap * sizeof *queue->items);
    }
    queue->items[queue->count++] = (struct call){fn, arg};
}

/* At most `most` calls, so that a call which defers itself leaves room for
 * sockets and timers. The item is copied out: fn may grow the queue. */
static void queue_run(struct queue *queue, size_t most) {
    while (most-- && queue->head < queue->count) {
        struct call call = queue->items[queue->head++];

        call.fn(call.arg);
    }
}

/* Deferring from a deferred call for ever would let `head` run away from the
 * start of the array; what is left moves down once more than half is spent. */
static void queue_compact(struct queue *queue) {
    size_t left = queue->count - queue->head;

    if (queue->head < left)
        return;
    for (size_t i = 0; i < left; i++)
        queue->items[i] = queue->items[queue->head + i];
    queue->head = 0;
    queue->count = left;
}

static bool has_work(const struct loop *loop) {
    return loop->live > 0 || loop->deferred.head < loop->deferred.count ||
           atomic_load(&loop->expected) > 0;
}

static void on_idle(uv_idle_t *idle) {
    struct loop *loop = idle->data;

    queue_run(&loop->deferred, loop->deferred.count - loop->deferred.head);
    queue_compact(&loop->deferred);
    if (loop->deferred.count == 0)
        (void)uv_idle_stop(idle);
}

/* The last look before libuv waits for sockets: what this turn's timers and
 * deferred calls ended may have been the last thing to wait for. libuv 1.44
 * does not wait in such a turn anyway; older ones do. */
static void on_prepare(uv_prepare_t *prepare) {
    struct loop *loop = prepare->data;

    if (loop->stopped || !has_work(loop))
        uv_stop(&loop->uv);
}

static void on_async(uv_async_t *async) {
    struct loop *loop = async->data;
    struct queue swap = loop->taken;
    size_t       count;

    (void)pthread_mutex_lock(&loop->mutex);
    loop->taken = loop->posted;
    loop->posted = swap;
    (void)pthread_mutex_unlock(&loop->mutex);
    count = loop->taken.count;
    queue_run(&loop->taken, count);
    loop->taken.head = loop->taken.count = 0;
    atomic_fetch_sub(&loop->expected, (long)count);
    assert(atomic_load(&loop->expected) >= 0);
}

struct loop *loop_open(void) {
    struct loop *loop = mem_new(sizeof *loop);
    int          rc = uv_loop_init(&loop->uv);

    rc = rc ? rc : uv_idle_init(&loop->uv, &loop->idle);
    rc = rc ? rc : uv_prepare_init(&loop->uv, &loop->prepare);
    rc = rc ? rc : uv_prepare_start(&loop->prepare, on_prepare);
    rc = rc ? rc : uv_async_init(&loop->uv, &loop->async, on_async);
    rc = rc ? rc : pthread_mutex_init(&loop->mutex, NULL);
    assert(rc == 0); /* only descriptors or memory can be missing */
    loop->idle.data = loop->prepare.data = loop->async.data = loop;
    return loop;
}

static void close_signals(struct loop *loop) {
    for (struct watched_signal *at = loop->signals; at; at = at->next)
        uv_close((uv_handle_t *)&at->uv, NULL);
}

void loop_close(struct loop *loop) {
    if (!loop)
        return;
    assert(loop->live == 0 && loop->deferred.head == loop->deferred.count);
    assert(atomic_load(&loop->expected) == 0);
    close_signals(loop);
    uv_close((uv_handle_t *)&loop->idle, NULL);
    uv_close((uv_handle_t *)&loop->prepare, NULL);
    uv_close((uv_handle_t *)&loop->async, NULL);
    (void)uv_run(&loop->uv, UV_RUN_DEFAULT);
    if (uv_loop_close(&loop->uv) != 0)
        assert(!"a watch was left open");
    while (loop->signals) {
        struct watched_signal *next = loop->signals->next;

        mem_free(loop->signals);
        loop->signals = next;
    }
    (void)pthread_mutex_destroy(&loop->mutex);
    mem_free(loop->deferred.items);
    mem_free(loop->posted.items);
    mem_free(loop->taken.items);
    mem_free(loop);
}

void loop_run(struct loop *loop) {
    assert(!loop->running);
    loop->running = true;
    while (!loop->stopped && has_work(loop))
        (void)uv_run(&loop->uv, UV_RUN_ONCE);
    loop->running = loop->stopped = false;
}

void loop_stop(struct loop *loop) {
    loop->stopped = true;
}

void loop_defer(struct loop *loop, loop_fn *fn, void *arg) {
    queue_push(&loop->deferred, fn, arg);
    if (!uv_is_active((uv_handle_t *)&loop->idle))
        (void)uv_idle_start(&loop->idle, on_idle);
}

void loop_expect(struct loop *loop) {
    atomic_fetch_add(&loop->expected, 1);
}

void loop_post(struct loop *loop, loop_fn *fn, void *arg) {
    bool first;

    (void)pthread_mutex_lock(&loop->mutex);
    first = loop->posted.count == 0;
    queue_push(&loop->posted, fn, arg);
    /* Inside the lock: once the loop thread can take this post it may close
     * the loop. Later posts of a batch need not knock again. */
    if (first)
        (void)uv_async_send(&loop->async);
    (void)pthread_mutex_unlock(&loop->mutex);
}

static void free_handle(uv_handle_t *handle) {
    mem_free(handle->data);
}

static void end_timer(struct loop_timer *timer) {
    timer->loop->live--;
    uv_close((uv_handle_t *)&timer->uv, free_handle);
}

static void on_timer(uv_timer_t *uv) {
    struct loop_timer *timer = uv->data;
    struct call        call = timer->call;

    end_timer(timer);
    call.fn(call.arg);
}

struct loop_timer *loop_timer_start(struct loop *loop, int64_t delay_ms,
                                    loop_fn *fn, void *arg) {
    struct loop_timer *timer = mem_new(sizeof *timer);

    timer->loop = loop;
    timer->call = (struct call){fn, arg};
    timer->uv.data = timer;
    loop->live++;
    /* libuv's clock is read once a turn and cut to whole milliseconds; the
     * refresh and the extra one make "not before" true. (LO3) */
    uv_update_time(&loop->uv);
    (void)uv_timer_init(&loop->uv, &timer->uv);
    (void)uv_timer_start(&timer->uv, on_timer,
                         delay_ms > 0 ? (uint64_t)delay_ms + 1 : 0, 0);
    return timer;
}

void loop_timer_cancel(struct loop_timer *timer) {
    if (timer)
        end_timer(timer);
}

static void on_poll(uv_poll_t *uv, int status, int events);

static void register_events(struct loop_watch *watch, int events) {
    int flags = (events & LOOP_READ ? UV_READABLE : 0) |
                (events & LOOP_WRITE ? UV_WRITABLE : 0);

    watch->registered = events;
    if (flags == 0)
        (void)uv_poll_stop(&watch->uv);
    else if (uv_poll_start(&watch->uv, flags, on_poll) != 0)
        assert(!"the descriptor was closed under its watch");
}

/* Gone wrong, libuv has stopped the handle already. Whoever owns the socket
 * finds the error by reading or writing; if it still wants events after that,
 * they are asked for again. */
static void on_poll_error(struct loop_watch *watch) {
    watch->registered = 0;
    if (watch->wanted)
        watch->fn(watch->arg, watch->fd, watch->wanted);
    if (!watch->stopped && watch->wanted && watch->registered == 0)
        register_events(watch, watch->wanted);
}

static void on_poll(uv_poll_t *uv, int status, int events) {
    struct loop_watch *watch = uv->data;
    int                happened = (events & UV_READABLE ? LOOP_READ : 0) |
                   (events & UV_WRITABLE ? LOOP_WRITE : 0);

    if (status < 0) {
        on_poll_error(watch);
        return;
    }
    if (happened & ~watch->wanted)
        register_events(watch, watch->wanted);
    happened &= watch->wanted;
    if (happened)
        watch->fn(watch->arg, watch->fd, happened);
}

struct loop_watch *loop_watch_start(struct loop *loop, int fd,
                                    loop_watch_fn *fn, void *arg) {
    struct loop_watch *watch = mem_new(sizeof *watch);
    int                rc = uv_poll_init(&loop->uv, &watch->uv, fd);

    assert(rc == 0); /* not a socket or pipe: our own mistake */
    (void)rc;
    watch->uv.data = watch;
    watch->loop = loop;
    watch->fd = fd;
    watch->fn = fn;
    watch->arg = arg;
    return watch;
}

void loop_watch_events(struct loop_watch *watch, int events) {
    if (!watch->wanted != !events)
        watch->loop->live += events ? 1 : -1;
    watch->wanted = events;
    if (events & ~watch->registered)
        register_events(watch, events);
}

void loop_watch_stop(struct loop_watch *watch) {
    if (!watch)
        return;
    loop_watch_events(watch, 0);
    watch->stopped = true;
    uv_close((uv_handle_t *)&watch->uv, free_handle);
}

static void on_signal(uv_signal_t *uv, int number) {
    struct watched_signal *signal = uv->data;

    (void)number;
    signal->call.fn(signal->call.arg);
}

void loop_on_signal(struct loop *loop, int signal, loop_fn *fn, void *arg) {
    struct watched_signal *watched = mem_new(sizeof *watched);
    int                    rc = uv_signal_init(&loop->uv, &watched->uv);

    watched->uv.data = watched;
    watched->call = (struct call){fn, arg};
    watched->next = loop->signals;
    loop->signals = watched;
    rc = rc ? rc : uv_signal_start(&watched->uv, on_signal, signal);
    assert(rc == 0);
    (void)rc;
}
