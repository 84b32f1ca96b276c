/* worker.c - detached threads; the post that the loop expects is the join. */
#include "sys/worker.h"

#include <pthread.h>

#include "base/mem.h"

struct work {
    struct loop *loop;
    loop_fn     *run, *done;
    void        *arg;
};

static void *work(void *arg) {
    struct work *item = arg, copy = *item;

    mem_free(item);
    copy.run(copy.arg);
    loop_post(copy.loop, copy.done, copy.arg);
    return NULL;
}

static bool start_thread(struct work *item) {
    pthread_attr_t detached;
    pthread_t      thread;
    bool           ok = pthread_attr_init(&detached) == 0;

    if (!ok)
        return false;
    ok = pthread_attr_setdetachstate(&detached, PTHREAD_CREATE_DETACHED) == 0 &&
         pthread_create(&thread, &detached, work, item) == 0;
    (void)pthread_attr_destroy(&detached);
    return ok;
}

static void work_here(void *arg) {
    (void)work(arg);
}

/* (WK1) */
void worker_start(struct loop *loop, loop_fn *run, loop_fn *done, void *arg) {
    struct work *item = mem_new(sizeof *item);

    *item = (struct work){loop, run, done, arg};
    loop_expect(loop);
    if (!start_thread(item))
        loop_defer(loop, work_here, item);
}
