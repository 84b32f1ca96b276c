/* service_private.h - the parts of a running service, for app/service*.c.
 *
 * service.c opens, joins and closes; service_doors.c has the listeners,
 * service_recover.c what a start goes on with; service_events.c hears what happens and
 * tells metrics and logs; service_scrape.c answers /metrics; service_trace.c
 * sends spans; service_retain.c cuts what is old; service_reload.c puts what is
 * new in force; service_watch.c asks for it when files change.
 *
 * Lifetime: process. Thread: loop.
 */
#ifndef APP_SERVICE_PRIVATE_H
#define APP_SERVICE_PRIVATE_H

#include <pthread.h>

#include "app/service.h"
#include "app/service_settings.h"
#include "graph/runner.h"
#include "observe/metrics.h"
#include "observe/trace.h"
#include "otlp/otlp.h"
#include "serve/admin.h"
#include "serve/dispatch.h"
#include "serve/readiness.h"
#include "serve/site.h"

struct http_server;
struct reload;
struct sns;
struct service_watch;

#define SERVICE_ASKED_MAX 16 /* who may wait for one reload */

struct service_traces {
    struct otlp_settings    settings;
    struct trace_attribute *resource;
    struct otlp            *otlp;
};

/* What runs of before a reload were opened with. */
struct service_past {
    struct service_past *next;
    struct mode         *mode;
    struct json         *facts;
    struct config       *config;
};

struct service {
    struct service_options  options;
    struct engine           engine;
    struct service_settings settings;
    struct metrics         *metrics;
    struct readiness       *readiness;
    struct intake          *intake;
    struct dispatch        *dispatch;
    struct runner          *runner;
    struct webhook         *webhook;
    struct sns             *sns;
    struct admin           *admin;
    struct routes          *routes;
    struct mode            *mode;
    struct json            *facts;
    struct notify          *notify;
    struct site            *sites[2];
    struct reload          *reload;
    struct service_watch   *watch;
    struct service_past    *past;
    struct http_exchange   *asked[SERVICE_ASKED_MAX];
    size_t                  asked_count;
    pthread_mutex_t         asking; /* guards ending */
    bool                    ending; /* the loop hears of nobody any more */
    struct marker          *marker;
    struct buf              blamed; /* the run that the last process died in */
    struct loop_timer      *tick, *deadline, *retaining;
    struct retention       *retention;
    int64_t cut[RETENTION_KIND_COUNT]; /* of the sweep, told to the metrics */
    char    token[65];                 /* of the state directory's owner */
    int     code;
    bool    draining, failed, sweeping;
    bool    resting;             /* no sweep of retention is under way */
    bool    shelving, again;     /* of a reload: see made() */
    bool    people_asked;        /* for it, and not only files */
    int     busy;                /* parts that have not stopped yet */
    int64_t drain_until_ms;      /* of the monotonic clock */
    struct trace         *trace; /* NULL: no spans */
    struct service_traces traces;

    /* A scrape may come through a door while main is still opening it. */
    struct http_server *_Atomic servers[2];
};

extern const struct dispatch_events service_dispatch_events;
extern const struct runner_events   service_runner_events;

/* For queue_watch(). */
void service_commit_seen(void *arg, size_t jobs, int64_t duration_ns);
/* For struct site_options. */
void service_scrape(void *arg, struct http_exchange *exchange);
void service_reload_asked(void *arg, struct http_exchange *exchange);

bool service_trace_open(struct service *service, struct err *err);
/* Sends what waits; `done` gets the service. */
void service_trace_stop(struct service *service, int64_t left_ms,
                        loop_fn *done);
/* Nobody adds a span any more. */
void service_trace_close(struct service *service);

void service_reload_open(struct service *service);
/* Nothing is walked any more. */
void service_reload_close(struct service *service);
void service_reload(void *service); /* a loop_fn; somebody has asked */
/* Nobody has asked: what changes nothing is not told. */
void service_reload_begin(struct service *service);
/* Runs what other threads have posted to the loop. */
void service_hear(struct service *service);
/* The runner and the dispatcher go on with what the service holds now. */
void service_use(struct service *service);
bool service_use_doors(struct service *service, struct bundle *bundle,
                       struct config *config, struct err *err);

/* Before anything is loaded. */
bool service_watch_open(struct service *service, struct err *err);
/* Watches, or not, as the settings say. */
void service_watch_use(struct service *service);
/* What a reload has read, whoever asked for it. */
void service_watch_know(struct service *service, const unsigned char *digest);
/* The loop must run to its end once more. */
void service_watch_stop(struct service *service);
void service_watch_close(struct service *service);

/* Reads what is unfinished and hands it to the dispatcher and the runner. */
void service_recover(struct service *service);
/* Goes on with what runs that have ended left to be done in steps. */
void service_sweep(struct service *service);

/* Begins to cut what is older than is to be kept, now and again. */
void service_retain(struct service *service);
/* At once, when it waits for its time: there are other limits. */
void service_retain_anew(struct service *service);
void service_retain_stop(struct service *service);

/* One more operator's token, for who can read the state directory. */
void service_make_token(struct service *service);
bool service_open_doors(struct service *service, struct err *err);
/* The certificate's files are read anew; on failure the old one stays. */
bool service_renew(struct service *service, struct err *err);
void service_tell_listening(const struct service *service);

void service_intake_failed(void *service, const struct err *err);
/* The store cannot be written any more. */
void service_store_failed(struct service *service, const struct err *err);

#endif
