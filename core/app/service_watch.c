/* service_watch.c - a change of the files asks for a reload.
 *
 * What was there before the files were loaded is known to the watch, so that a
 * change between the two is not lost. Nothing is said of a reload that nobody
 * has asked for and that changes nothing; one that is refused is told as often
 * as the files have another content, since only then is there a reload.
 */
#include <string.h>

#include "app/scripts.h"
#include "app/service_private.h"
#include "base/mem.h"
#include "sys/watch.h"

#define QUIET_MS 500
#define MOST_MS 5000
#define LOOK_MS 30000
#define POLL_MS 2000

struct service_watch {
    const char   *paths[2];
    char         *scripts;
    struct watch *watch;              /* NULL: `watch = false` */
    unsigned char known[DIGEST_SIZE]; /* what was read last */
};

static struct watch_paths paths_of(const struct service_watch *own) {
    return (struct watch_paths){own->paths, 2, ".lua"};
}

/* Before anything is loaded; also finds the folder of the scripts. */
bool service_watch_open(struct service *service, struct err *err) {
    struct engine_options *options = &service->options.engine;
    struct service_watch  *own = mem_new(sizeof *own);
    struct buf             scripts = BUF_EMPTY;
    struct watch_paths     paths;
    bool                   ok = scripts_find(options->scripts, &scripts, err);

    service->watch = own;
    if (ok) {
        own->scripts = mem_text(scripts.data, scripts.len);
        options->scripts = own->scripts;
        own->paths[0] = own->scripts;
        own->paths[1] = options->config ? options->config : "nightshift.lua";
        paths = paths_of(own);
        watch_digest(&paths, own->known);
    }
    buf_release(&scripts);
    return ok;
}

static void changed(void *arg) {
    struct service *service = arg;

    log_line(service->engine.log, LOG_DEBUG, NULL, "the files have changed",
             NULL);
    service_reload_begin(service);
}

static void polling(void *arg, const char *why) {
    struct service *service = arg;

    metrics_set(service->metrics, METRIC_WATCH_POLLING, why ? 1 : 0, NULL);
    if (why)
        log_line(service->engine.log, LOG_WARN, NULL,
                 "changes of files are not noticed at once; they are looked "
                 "for every 2 s, and SIGHUP reloads at any time",
                 "why", why, NULL);
    else
        log_line(service->engine.log, LOG_INFO, NULL,
                 "changes of files are noticed again", NULL);
}

/* By the configuration in force; it may have been changed. */
void service_watch_use(struct service *service) {
    struct service_watch *own = service->watch;
    struct watch_options  options = {.loop = service->engine.loop,
                                     .clock = service->engine.clock,
                                     .of = paths_of(own),
                                     .known = own->known,
                                     .quiet_ms = QUIET_MS,
                                     .most_ms = MOST_MS,
                                     .look_ms = LOOK_MS,
                                     .poll_ms = POLL_MS,
                                     .changed = changed,
                                     .polling = polling,
                                     .arg = service};

    if (service->settings.watch == (own->watch != NULL))
        return;
    watch_close(own->watch);
    own->watch = service->settings.watch ? watch_open(&options) : NULL;
    metrics_set(service->metrics, METRIC_WATCH_POLLING, 0, NULL);
}

void service_watch_know(struct service *service, const unsigned char *digest) {
    struct service_watch *own = service->watch;

    memcpy(own->known, digest, DIGEST_SIZE);
    if (own->watch)
        watch_know(own->watch, digest);
}

/* While the loop still runs. */
void service_watch_stop(struct service *service) {
    if (!service->watch)
        return;
    watch_close(service->watch->watch);
    service->watch->watch = NULL;
}

void service_watch_close(struct service *service) {
    if (service->watch)
        mem_free(service->watch->scripts);
    mem_free(service->watch);
    service->watch = NULL;
}
