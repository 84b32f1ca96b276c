/* watch.c - notices in, one timer, one look at a time.
 *
 * The timer stands for the next look. A notice moves it to a short while from
 * now, again and again, but never past the bound that the first notice of the
 * burst has set. Notices that come during a look call for another one, since
 * nobody knows what of them it has seen; and while it runs, the numbers that it
 * was given for new directories are not known yet and are taken for ours.
 */
#include "sys/watch.h"

#include <errno.h>
#include <limits.h>
#include <string.h>
#include <sys/inotify.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/mem.h"
#include "sys/loop.h"
#include "sys/watch_private.h"
#include "sys/worker.h"

#define MS ((int64_t)1000000)
enum { BATCH = 16 * 1024, BATCHES_MOST = 16 };

struct watch {
    struct watch_options options;
    char               **paths;
    char                *suffix;
    int                  fd; /* of inotify, or -1 */
    struct loop_watch   *notices;
    struct watch_look    held, next; /* held.places: those in force */
    struct loop_timer   *timer;
    int64_t              burst_ns; /* when it began, 0: there is none */
    unsigned char        known[DIGEST_SIZE];
    bool                 has_known, looking, polling, closed;
};

static void look_due(void *arg);

static void set_timer(struct watch *watch, int64_t ms) {
    loop_timer_cancel(watch->timer);
    watch->timer =
        loop_timer_start(watch->options.loop, ms > 0 ? ms : 0, look_due, watch);
}

/* (WT1) */
static void noticed(struct watch *watch) {
    struct clock *clock = watch->options.clock;
    int64_t       now = clock->mono_ns(clock), left;

    if (!watch->burst_ns)
        watch->burst_ns = now;
    if (watch->looking)
        return;
    left = watch->options.most_ms - (now - watch->burst_ns) / MS;
    set_timer(watch,
              left < watch->options.quiet_ms ? left : watch->options.quiet_ms);
}

/* --- notices ------------------------------------------------------------------ */

static bool matters(const struct watch         *watch,
                    const struct inotify_event *event) {
    struct str name = event->len ? str_of(event->name) : STR("");

    for (size_t i = 0; i < watch->held.count; i++)
        if (watch->held.places[i].number == event->wd)
            return watch_place_counts(&watch->held.places[i], name);
    return watch->looking || (event->mask & IN_Q_OVERFLOW) != 0;
}

static bool read_batch(const struct watch *watch, bool *any) {
    _Alignas(struct inotify_event) char batch[BATCH];
    ssize_t got = read(watch->fd, batch, sizeof batch), at = 0;

    while (at < got) {
        const struct inotify_event *event = (const void *)(batch + at);

        *any = *any || matters(watch, event);
        at += (ssize_t)(sizeof *event + event->len);
    }
    return got > 0;
}

static void on_notices(void *arg, int fd, int events) {
    struct watch *watch = arg;
    bool          any = false;

    (void)fd;
    (void)events;
    for (int i = 0; i < BATCHES_MOST && read_batch(watch, &any); i++)
        continue;
    if (any)
        noticed(watch);
}

static void open_notices(struct watch *watch) {
    if (watch->fd >= 0)
        return;
    watch->fd = inotify_init1(IN_NONBLOCK | IN_CLOEXEC);
    if (watch->fd < 0)
        return;
    watch->notices =
        loop_watch_start(watch->options.loop, watch->fd, on_notices, watch);
    loop_watch_events(watch->notices, LOOP_READ);
}

/* --- looks -------------------------------------------------------------------- */

static void free_watch(struct watch *watch) {
    watch_look_release(&watch->held);
    watch_look_release(&watch->next);
    for (size_t i = 0; i < watch->options.of.count; i++)
        mem_free(watch->paths[i]);
    mem_free(watch->paths);
    mem_free(watch->suffix);
    if (watch->fd >= 0)
        (void)close(watch->fd);
    mem_free(watch);
}

static const char *why_not(int problem) {
    switch (problem) {
    case ENOSPC: return "fs.inotify.max_user_watches is reached: raise it";
    case EMFILE:
        return "fs.inotify.max_user_instances is reached, or no descriptor is "
               "left: raise it";
    default: return strerror(problem);
    }
}

/* (WT3) */
static void tell_polling(struct watch *watch, int problem) {
    bool polling = problem != 0;

    if (polling != watch->polling)
        watch->options.polling(watch->options.arg,
                               polling ? why_not(problem) : NULL);
    watch->polling = polling;
}

static void drop_old_places(struct watch *watch) {
    for (size_t i = 0; i < watch->held.count; i++) {
        int  number = watch->held.places[i].number;
        bool kept = false;

        for (size_t k = 0; k < watch->next.count && !kept; k++)
            kept = watch->next.places[k].number == number;
        if (!kept && watch->fd >= 0)
            (void)inotify_rm_watch(watch->fd, number);
    }
    watch_look_release(&watch->held);
    watch->held = watch->next;
    watch->next.places = NULL;
    watch->next.count = 0;
}

void watch_know(struct watch *watch, const unsigned char digest[DIGEST_SIZE]) {
    memcpy(watch->known, digest, DIGEST_SIZE);
    watch->has_known = true;
}

/* (WT2) The callback may close us, so it is the last. */
static void judge(struct watch *watch) {
    bool same = watch->has_known &&
                memcmp(watch->known, watch->held.digest, DIGEST_SIZE) == 0;

    watch_know(watch, watch->held.digest);
    if (!same)
        watch->options.changed(watch->options.arg);
}

static void look_made(void *arg) {
    struct watch *watch = arg;
    int           problem = watch->next.problem;

    watch->looking = false;
    if (watch->closed) {
        free_watch(watch);
        return;
    }
    drop_old_places(watch);
    set_timer(watch, watch->fd < 0 || problem ? watch->options.poll_ms
                                              : watch->options.look_ms);
    if (watch->burst_ns)
        noticed(watch);
    tell_polling(watch, watch->fd < 0 ? EMFILE : problem);
    judge(watch);
}

static void make_look(void *arg) {
    watch_look_make(&((struct watch *)arg)->next);
}

static void look_due(void *arg) {
    struct watch *watch = arg;

    watch->timer = NULL;
    open_notices(watch);
    watch->burst_ns = 0;
    watch->looking = true;
    watch->next.of = &watch->options.of;
    watch->next.fd = watch->fd;
    worker_start(watch->options.loop, make_look, look_made, watch);
}

/* --- the life of it ------------------------------------------------------------ */

static void copy_paths(struct watch *watch, const struct watch_paths *of) {
    watch->paths = mem_new((of->count + 1) * sizeof *watch->paths);
    for (size_t i = 0; i < of->count; i++)
        watch->paths[i] = mem_text(of->paths[i], strlen(of->paths[i]));
    if (of->suffix)
        watch->suffix = mem_text(of->suffix, strlen(of->suffix));
    watch->options.of = (struct watch_paths){(const char *const *)watch->paths,
                                             of->count, watch->suffix};
}

struct watch *watch_open(const struct watch_options *options) {
    struct watch *watch = mem_new(sizeof *watch);

    watch->options = *options;
    watch->fd = -1;
    copy_paths(watch, &options->of);
    if (options->known)
        watch_know(watch, options->known);
    set_timer(watch, 0);
    return watch;
}

void watch_close(struct watch *watch) {
    if (!watch)
        return;
    watch->closed = true;
    loop_timer_cancel(watch->timer);
    loop_watch_stop(watch->notices);
    /* A look still asks for notices by the same descriptor. */
    if (!watch->looking)
        free_watch(watch);
}
