/* service_reload.c - from a candidate that is proven to one that is in force.
 *
 * The bundle is on the shelf before anything uses it, since a run that began
 * with it must find it there after a crash (N8). Then the doors, which may
 * still refuse, and last the two pointers; after that nothing can fail. Runs
 * that have begun keep their bundle and their mode: what they were opened with
 * is kept until the service ends.
 */
#include "app/reload.h"
#include "app/service_private.h"
#include "base/fault.h"
#include "base/mem.h"
#include "graph/shelf.h"
#include "net/http_server.h"
#include "sys/loop.h"
#include "sys/notify.h"

/* --- who waits for it ---------------------------------------------------- */

static void answer_all(struct service *service, int status,
                       const struct json *body) {
    struct buf text = BUF_EMPTY;

    if (service->again && !service->draining)
        return;
    json_write(body, &text);
    for (size_t i = 0; i < service->asked_count; i++)
        http_exchange_answer(service->asked[i], status, "application/json",
                             buf_str(&text));
    service->asked_count = 0;
    service->people_asked = false;
    buf_release(&text);
}

/* --- refused ------------------------------------------------------------- */

static void refuse(struct service *service, const struct json *problems) {
    struct buf   words = BUF_EMPTY;
    struct json *body = json_new_map();

    reload_words(problems, &words);
    fprintf(stderr, "reload refused, what ran before goes on:\n%s\n",
            buf_text(&words));
    log_line(service->engine.log, LOG_ERROR, NULL, "reload refused", "problems",
             buf_text(&words), NULL);
    metrics_add(service->metrics, METRIC_RELOADS, 1, "refused", NULL);
    metrics_set(service->metrics, METRIC_RELOAD_FAILED, 1, NULL);
    readiness_set(service->readiness, READINESS_RELOAD, buf_text(&words));
    json_put_text(body, "status", STR("refused"));
    json_put(body, "problems", json_retain((struct json *)problems));
    answer_all(service, 409, body);
    json_release(body);
    buf_release(&words);
    (void)notify_ready(service->notify, "serving; the last reload was refused");
}

static void refuse_err(struct service *service, const struct err *err) {
    struct json *problems = json_new_list(), *one = json_new_map();

    json_put_text(one, "code", str_of(err_name(err->code)));
    json_put_text(one, "text", str_of(err->text));
    json_put_text(one, "next", str_of(err_next(err->code)));
    json_append(problems, one);
    refuse(service, problems);
    json_release(problems);
}

/* --- taken --------------------------------------------------------------- */

static void tell_taken(struct service                *service,
                       const struct reload_candidate *candidate) {
    struct json *body = json_new_map();
    struct buf   keys = BUF_EMPTY;
    const char  *result = candidate->changed ? "changed" : "unchanged";

    json_put_text(body, "status", str_of(result));
    json_put_text(body, "bundle", str_of(bundle_hash(candidate->bundle)));
    json_put(body, "needs_restart",
             candidate->needs_restart ? json_retain(candidate->needs_restart)
                                      : json_new_list());
    json_write(json_find(body, "needs_restart"), &keys);
    log_line(service->engine.log,
             candidate->changed || service->people_asked ? LOG_INFO : LOG_DEBUG,
             NULL, "reloaded", "result", result, "bundle",
             bundle_hash(candidate->bundle), "needs_restart", buf_text(&keys),
             NULL);
    metrics_add(service->metrics, METRIC_RELOADS, 1, result, NULL);
    metrics_set(service->metrics, METRIC_RELOAD_FAILED, 0, NULL);
    readiness_set(service->readiness, READINESS_RELOAD, NULL);
    answer_all(service, 200, body);
    json_release(body);
    buf_release(&keys);
    (void)notify_ready(service->notify, "serving");
}

/* What runs of before were opened with stays as it is. */
static void keep_old(struct service *service) {
    struct service_past *past = mem_new(sizeof *past);

    past->mode = service->mode;
    past->facts = service->facts;
    past->config = config_retain(service->engine.config);
    past->next = service->past;
    service->past = past;
}

static void swap(struct service *service, struct reload_candidate *candidate,
                 struct routes *routes) {
    struct routes *old = service->routes;
    struct err     err;

    fault_pass(FAULT_RELOAD_BEFORE_SWAP);
    keep_old(service);
    tell_taken(service, candidate);
    service->settings.runs = candidate->settings.runs;
    service->settings.vm_mb = candidate->settings.vm_mb;
    service->settings.deliveries = candidate->settings.deliveries;
    service->settings.drain_ms = candidate->settings.drain_ms;
    service->settings.watch = candidate->settings.watch;
    service->settings.retention = candidate->settings.retention;
    reload_swap(candidate, &service->engine.bundle, &service->engine.config);
    service->routes = routes;
    service->mode = engine_mode(&service->engine, NULL, &err);
    service->facts = config_facts(service->engine.config);
    service_use(service);
    service_watch_use(service);
    service_retain_anew(service);
    routes_release(old);
    fault_pass(FAULT_RELOAD_SWAPPED);
}

struct shelving {
    struct service          *service;
    struct reload_candidate *candidate;
};

static bool shelve(struct store *store, void *arg, struct err *err) {
    return shelf_put(store, ((struct shelving *)arg)->candidate->bundle, err);
}

static void shelved(void *arg, const struct err *failure) {
    struct shelving *shelving = arg;
    struct service  *service = shelving->service;
    struct routes   *routes = NULL;
    struct err       err;

    service->shelving = false;
    if (service->draining) {
        reload_release(shelving->candidate);
    } else if (failure) {
        refuse_err(service, failure);
        reload_release(shelving->candidate);
        if (failure->code == ERR_IO)
            service_store_failed(service, failure);
    } else if (!(routes = routes_open(shelving->candidate->bundle, &err)) ||
               !service_use_doors(service, shelving->candidate->bundle,
                                  shelving->candidate->config, &err)) {
        refuse_err(service, &err);
        reload_release(shelving->candidate);
        routes_release(routes);
    } else {
        swap(service, shelving->candidate, routes);
    }
    mem_free(shelving);
    if (service->again && !service->draining)
        reload_ask(service->reload);
    service->again = false;
}

/* While one is on its way to the shelf another was compared with what will not
 * be in force: it is made anew, and who waits is told of that one. The
 * certificate's files are looked at first, since they may be all that changed.
 */
static void made(void *arg, struct reload_candidate *candidate,
                 const struct json *problems) {
    struct service  *service = arg;
    struct shelving *shelving;
    struct err       err;

    service_watch_know(service, reload_digest(service->reload));
    if (service->shelving) {
        service->again = true;
        if (candidate)
            reload_release(candidate);
    } else if (!candidate) {
        refuse(service, problems);
    } else if (!service_renew(service, &err)) {
        refuse_err(service, &err);
        reload_release(candidate);
    } else if (!candidate->changed) {
        tell_taken(service, candidate);
        reload_release(candidate);
    } else {
        shelving = mem_new(sizeof *shelving);
        shelving->service = service;
        shelving->candidate = candidate;
        service->shelving = true;
        queue_post(service->engine.queue, shelve, shelved, shelving);
    }
}

/* --- asked --------------------------------------------------------------- */

void service_reload_begin(struct service *service) {
    struct clock *clock = service->engine.clock;

    if (service->draining)
        return;
    (void)notify_reloading(service->notify, clock->mono_ns(clock) / 1000);
    reload_ask(service->reload);
}

void service_reload(void *arg) {
    struct service *service = arg;

    service->people_asked = true;
    service_reload_begin(service);
}

struct asking {
    struct service       *service;
    struct http_exchange *exchange;
};

static void turn_away(struct http_exchange *exchange) {
    http_exchange_problem(exchange, 503, "busy",
                          "the service ends, or reloads already");
}

static void asked(void *arg) {
    struct asking  *asking = arg;
    struct service *service = asking->service;

    if (service->draining || service->asked_count == SERVICE_ASKED_MAX) {
        turn_away(asking->exchange);
    } else {
        service->asked[service->asked_count++] = asking->exchange;
        service_reload(service);
    }
    mem_free(asking);
}

void service_reload_asked(void *arg, struct http_exchange *exchange) {
    struct service *service = arg;
    struct asking  *asking = mem_new(sizeof *asking);
    bool            ending;

    asking->service = service;
    asking->exchange = exchange;
    (void)pthread_mutex_lock(&service->asking);
    ending = service->ending;
    if (!ending) {
        loop_expect(service->engine.loop);
        loop_post(service->engine.loop, asked, asking);
    }
    (void)pthread_mutex_unlock(&service->asking);
    if (!ending)
        return;
    turn_away(exchange);
    mem_free(asking);
}

/* --- the life of it ------------------------------------------------------ */

void service_reload_open(struct service *service) {
    struct engine        *engine = &service->engine;
    struct reload_options options = {
        .scripts = engine->options.scripts,
        .config = engine->options.config,
        .bundle = &engine->bundle,
        .config_in_force = &engine->config,
        .redact = engine->redact,
        .fetch = {engine->loop, engine->client, engine->signers.by[SIGNER_AWS],
                  engine->clock},
        .done = made,
        .arg = service,
    };

    service->reload = reload_open(&options);
}

static void heard_all(void *arg) {
    loop_stop(((struct service *)arg)->engine.loop);
}

/* What was posted to the loop runs before it stops, since calls keep their
 * order. */
void service_hear(struct service *service) {
    if (!service->engine.loop)
        return;
    loop_defer(service->engine.loop, heard_all, service);
    loop_run(service->engine.loop);
}

/* A server closes only when all are answered: who has asked is heard once
 * more, and whoever asks from now on is answered where he asks. */
static void hear_the_last(struct service *service) {
    (void)pthread_mutex_lock(&service->asking);
    service->ending = true;
    (void)pthread_mutex_unlock(&service->asking);
    service->draining = true;
    service_hear(service);
}

/* Whoever still waits is told that nothing came of it. */
void service_reload_close(struct service *service) {
    struct json *body = json_new_map();

    hear_the_last(service);
    json_put_text(body, "status", STR("ended"));
    answer_all(service, 503, body);
    json_release(body);
    if (service->reload)
        reload_close(service->reload);
    service->reload = NULL;
    while (service->past) {
        struct service_past *past = service->past;

        service->past = past->next;
        mode_close(past->mode);
        json_release(past->facts);
        config_release(past->config);
        mem_free(past);
    }
}
