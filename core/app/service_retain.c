/* service_retain.c - a sweep a minute, in steps that leave room.
 *
 * A step is a job behind whatever waits for the disk already, and the next one
 * is posted only after a pause: as long as the step took when nothing waits to
 * be stored, three times as long when something does. So a sweep has a quarter
 * of the store thread while deliveries come in, whatever it finds to do.
 */
#include <string.h>

#include "app/service_private.h"
#include "base/mem.h"
#include "sys/loop.h"

#define SWEEP_MS 60000 /* between two, unless ages are shorter than that */
#define BUSY_PAUSES 3

struct step {
    struct service         *service;
    struct retention       *retention;
    bool                    begin, more;
    struct retention_limits limits; /* of one that begins */
    struct clock           *clock;
    int64_t                 took_ns;
};

static void post_step(struct service *service, bool begin);

/* --- what is told -------------------------------------------------------- */

static void set_age(struct service *service, enum retention_kind kind,
                    const struct retention_report *report) {
    int64_t at = report->oldest_ms[kind];
    int64_t now = service->engine.clock->wall_ms(service->engine.clock);

    metrics_set(service->metrics, METRIC_RETENTION_OLDEST,
                at ? (double)(now - at) / 1000 : 0, retention_kind_name(kind),
                NULL);
}

/* After each step, since a first sweep may take long. */
static void count_cut(struct service                *service,
                      const struct retention_report *report) {
    for (int i = 0; i < RETENTION_KIND_COUNT; i++) {
        metrics_add(service->metrics, METRIC_RETENTION_CUT,
                    (uint64_t)(report->cut[i] - service->cut[i]),
                    retention_kind_name((enum retention_kind)i), NULL);
        service->cut[i] = report->cut[i];
    }
}

static void tell_metrics(struct service                *service,
                         const struct retention_report *report) {
    metrics_add(service->metrics, METRIC_RETENTION_FAILED,
                (uint64_t)report->failed, NULL);
    metrics_add(service->metrics, METRIC_RETENTION_SWEEPS, 1, NULL);
    set_age(service, RETENTION_RUNS, report);
    set_age(service, RETENTION_DELIVERIES, report);
    set_age(service, RETENTION_UNPARSED, report);
}

static const char *words(int64_t number, char text[24]) {
    (void)snprintf(text, 24, "%lld", (long long)number);
    return text;
}

static void tell_log(struct service                *service,
                     const struct retention_report *report) {
    char    text[RETENTION_KIND_COUNT][24];
    int64_t all = 0;

    for (int i = 0; i < RETENTION_KIND_COUNT; i++)
        all += report->cut[i];
    if (report->failed)
        log_line(service->engine.log, LOG_ERROR, NULL,
                 "old records cannot be cut; they stay", "records",
                 words(report->failed, text[0]), "code",
                 err_name(report->first.code), "error", report->first.text,
                 NULL);
    if (all == 0)
        return;
    log_line(service->engine.log, LOG_INFO, NULL, "old records cut", "runs",
             words(report->cut[RETENTION_RUNS], text[0]), "deliveries",
             words(report->cut[RETENTION_DELIVERIES], text[1]), "unparsed",
             words(report->cut[RETENTION_UNPARSED], text[2]), "occurrences",
             words(report->cut[RETENTION_OCCURRENCES], text[3]), "cooldowns",
             words(report->cut[RETENTION_COOLDOWNS], text[4]), "blobs",
             words(report->cut[RETENTION_BLOBS], text[5]), NULL);
}

/* --- when ---------------------------------------------------------------- */

static int64_t least(int64_t a, int64_t b) {
    return a < b ? a : b;
}

static int64_t between_sweeps(const struct retention_limits *limits) {
    int64_t age =
        least(least(limits->runs.age_ms, limits->deliveries.age_ms),
              least(limits->unparsed.age_ms, limits->occurrences.age_ms));

    return least(SWEEP_MS, age / 2);
}

static void next_sweep(void *arg) {
    struct service *service = arg;

    service->retaining = NULL;
    post_step(service, true);
}

static void next_step(void *arg) {
    struct service *service = arg;

    service->retaining = NULL;
    post_step(service, false);
}

static void wait_a_little(struct service *service, int64_t took_ns) {
    int64_t pauses = intake_waiting(service->intake) ? BUSY_PAUSES : 1;

    service->retaining =
        loop_timer_start(service->engine.loop, 1 + took_ns * pauses / 1000000,
                         next_step, service);
}

static void wait_for_next(struct service *service) {
    service->resting = true;
    service->retaining = loop_timer_start(
        service->engine.loop, between_sweeps(&service->settings.retention),
        next_sweep, service);
}

/* --- a step -------------------------------------------------------------- */

static bool take_step(struct store *store, void *arg, struct err *err) {
    struct step *step = arg;
    int64_t      began = step->clock->mono_ns(step->clock);
    bool         ok;

    if (step->begin)
        retention_begin(step->retention, &step->limits,
                        step->clock->wall_ms(step->clock));
    ok = retention_step(step->retention, store, &step->more, err);
    step->took_ns = step->clock->mono_ns(step->clock) - began;
    return ok;
}

static void sweep_over(struct service *service) {
    const struct retention_report *report =
        retention_report(service->retention);

    tell_metrics(service, report);
    tell_log(service, report);
    metrics_set(service->metrics, METRIC_STORE_BYTES,
                (double)report->size.bytes, NULL);
    metrics_set(service->metrics, METRIC_STORE_FREE_BYTES,
                (double)report->size.free_bytes, NULL);
}

/* Between two steps nobody is in the sweep, so the loop may read it. A store
 * that refuses without having failed is asked again at the next sweep. */
static void step_taken(void *arg, const struct err *err) {
    struct step    *step = arg;
    struct service *service = step->service;
    bool            more = !err && step->more;

    if (!err)
        count_cut(service, retention_report(service->retention));
    if (err && err->code == ERR_IO)
        service_store_failed(service, err);
    else if (err)
        log_line(service->engine.log, LOG_ERROR, NULL, "sweep given up", "code",
                 err_name(err->code), "error", err->text, NULL);
    else if (!more)
        sweep_over(service);
    if (!service->draining && !service->failed) {
        if (more)
            wait_a_little(service, step->took_ns);
        else
            wait_for_next(service);
    }
    mem_free(step);
}

static void post_step(struct service *service, bool begin) {
    struct step *step = mem_new(sizeof *step);

    if (begin)
        memset(service->cut, 0, sizeof service->cut);
    service->resting = false;
    *step = (struct step){.service = service,
                          .retention = service->retention,
                          .begin = begin,
                          .limits = service->settings.retention,
                          .clock = service->engine.clock};
    queue_post(service->engine.queue, take_step, step_taken, step);
}

void service_retain(struct service *service) {
    post_step(service, true);
}

void service_retain_anew(struct service *service) {
    if (!service->resting)
        return;
    service_retain_stop(service);
    post_step(service, true);
}

void service_retain_stop(struct service *service) {
    loop_timer_cancel(service->retaining);
    service->retaining = NULL;
}
