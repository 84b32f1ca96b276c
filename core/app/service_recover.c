/* service_recover.c - what a start goes on with, and what ends leave to be done.
 *
 * The list of unfinished runs and of deliveries that nobody has read is the
 * first job of the store thread; whatever comes in later is behind it. (SR1)
 */
#include <string.h>

#include "app/service_private.h"
#include "base/fault.h"
#include "base/mem.h"

#define CRASHES_MAX 2 /* of the process in one run */

struct recovery {
    struct service *service;
    struct json    *open;       /* list of [run, open record] */
    struct json    *deliveries; /* list of ids */
    int64_t         crashes;    /* in the run that is blamed */
    struct err     *err;
};

static bool take_open(void *arg, struct str key, int64_t version,
                      struct str value) {
    struct recovery *recovery = arg;
    struct json     *pair = json_new_list(), *open;
    size_t           skip = strlen(INCIDENT_OPEN);

    (void)version;
    open = json_parse(value, &json_caps_answer, recovery->err);
    if (!open) {
        json_release(pair);
        return false;
    }
    json_append_text(pair, (struct str){key.data + skip, key.len - skip});
    json_append(pair, open);
    json_append(recovery->open, pair);
    return true;
}

static bool take_new(void *arg, struct str key, int64_t version,
                     struct str value) {
    struct recovery *recovery = arg;
    size_t           skip = strlen(DELIVERY_NEW);

    (void)version;
    (void)value;
    json_append_text(recovery->deliveries,
                     (struct str){key.data + skip, key.len - skip});
    return true;
}

static bool read_unfinished(struct store *store, void *arg, struct err *err) {
    struct recovery *recovery = arg;

    struct buf *blamed = &recovery->service->blamed;

    err->text[0] = '\0';
    recovery->err = err;
    if (blamed->len &&
        !incident_crashed(store, buf_text(blamed), &recovery->crashes, err))
        return false;
    return store_scan(store, STR(INCIDENT_OPEN), STR(""), SIZE_MAX, take_open,
                      recovery, err) &&
           store_scan(store, STR(DELIVERY_NEW), STR(""), SIZE_MAX, take_new,
                      recovery, err) &&
           !err->text[0];
}

/* A run in which the process died twice would end it a third time. */
static void recover_run(const struct recovery *recovery,
                        const struct json     *pair) {
    struct service    *service = recovery->service;
    struct str         run = json_text(json_at(pair, 0));
    const struct json *open = json_at(pair, 1);

    if (recovery->crashes >= CRASHES_MAX &&
        str_equal(run, buf_str(&service->blamed)))
        runner_put_aside(service->runner, run, json_find_text(open, "playbook"),
                         "quarantined",
                         "the process died twice while it executed this run");
    else
        runner_recover(service->runner, run, open);
}

static void recovered(void *arg, const struct err *err) {
    struct recovery *recovery = arg;
    struct service  *service = recovery->service;

    if (err) {
        service_store_failed(service, err);
    } else if (!service->draining) { /* else the doors did not open */
        fault_pass(FAULT_SERVE_RECOVERED);
        for (size_t i = 0; i < json_count(recovery->open); i++)
            recover_run(recovery, json_at(recovery->open, i));
        for (size_t i = 0; i < json_count(recovery->deliveries); i++)
            dispatch_add_stored(service->dispatch,
                                json_text(json_at(recovery->deliveries, i)));
        readiness_set(service->readiness, READINESS_START, NULL);
        service_sweep(service);
        service_retain(service);
    }
    json_release(recovery->open);
    json_release(recovery->deliveries);
    mem_free(recovery);
    mem_trim(); /* the list may have been many times what its runs need now */
}

void service_recover(struct service *service) {
    struct recovery *recovery = mem_new(sizeof *recovery);

    recovery->service = service;
    recovery->open = json_new_list();
    recovery->deliveries = json_new_list();
    queue_post(service->engine.queue, read_unfinished, recovered, recovery);
}

/* --- what is left of ends ------------------------------------------------- */

struct sweep {
    struct service *service;
    bool            more;
};

static bool sweep_some(struct store *store, void *arg, struct err *err) {
    struct sweep *sweep = arg;

    sweep->more = true;
    for (int i = 0; i < 50 && sweep->more; i++)
        if (!incident_sweep(store, &sweep->more, err))
            return false;
    return true;
}

static void swept(void *arg, const struct err *err) {
    struct sweep   *sweep = arg;
    struct service *service = sweep->service;

    service->sweeping = false;
    if (err && err->code == ERR_IO)
        service_store_failed(service, err);
    else if (err)
        log_line(service->engine.log, LOG_ERROR, NULL,
                 "what a run left cannot be swept", "code", err_name(err->code),
                 "error", err->text, NULL);
    else if (sweep->more)
        service_sweep(service);
    mem_free(sweep);
}

void service_sweep(struct service *service) {
    struct sweep *sweep;

    if (service->sweeping)
        return;
    service->sweeping = true;
    sweep = mem_new(sizeof *sweep);
    sweep->service = service;
    queue_post(service->engine.queue, sweep_some, swept, sweep);
}
