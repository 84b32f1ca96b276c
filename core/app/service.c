/* service.c - opened from the store outwards, closed from the doors inwards.
 *
 * The first job is to read what is unfinished; the doors open right behind it,
 * since whatever comes in is behind it in the store's order, too.
 */
#include "app/service.h"

#include <signal.h>
#include <string.h>
#include <unistd.h>

#include "app/service_private.h"
#include "app/version.h"
#include "base/fault.h"
#include "base/mem.h"
#include "check/check.h"
#include "net/http_server.h"
#include "serve/sns.h"
#include "sys/loop.h"
#include "sys/marker.h"
#include "sys/notify.h"

#define TICK_MS 1000
#define DELIVERY_BYTES_MAX (64u << 20) /* of bodies that wait for the disk */
#define FAILED_MS 15000                /* probes are to see it first */
#define EXIT_STORE 74                  /* EX_IOERR */

/* --- what is in force ---------------------------------------------------- */

static struct json *source_scripts(struct bundle *bundle) {
    struct json *list = json_new_list();

    for (size_t i = 0; i < bundle_count(bundle); i++)
        if (bundle_at(bundle, i)->kind == SCRIPT_SOURCE)
            json_append_text(list, str_of(bundle_at(bundle, i)->id));
    return list;
}

bool service_use_doors(struct service *service, struct bundle *bundle,
                       struct config *config, struct err *err) {
    struct webhook_world world = {
        .sources = json_find(config_json(config), "sources"),
        .tokens = json_find(config_json(config), "tokens"),
        .secrets = config_secrets(config),
        .scripts = source_scripts(bundle),
        .own_token = str_of(service->token),
    };
    bool ok = webhook_use(service->webhook, &world, err);

    json_release((struct json *)world.scripts);
    return ok;
}

void service_use(struct service *service) {
    const struct json  *config = config_json(service->engine.config);
    struct runner_world world = {
        .bundle = service->engine.bundle,
        .facts = service->facts,
        .mode = service->mode,
        .runs = (size_t)service->settings.runs,
        .vm_bytes = (size_t)service->settings.vm_mb << 20,
        .settle_ms = json_find_int(config, "settle_ms", 5000),
        .park_after_ms = json_find_int(config, "park_after_ms", 10000),
    };

    runner_use(service->runner, &world);
    intake_limit(service->intake, (size_t)service->settings.deliveries);
    intake_remember(service->intake,
                    retention_again_ms(&service->settings.retention));
    dispatch_use(service->dispatch, service->routes,
                 json_find(config, "sources"));
    metrics_info(service->metrics, METRIC_BUNDLE,
                 bundle_hash(service->engine.bundle));
}

/* Everything in the folder, as `check` would say it. */
static bool prove(struct bundle *bundle, struct err *err) {
    struct json       *findings = check_bundle(bundle);
    const struct json *first = json_at(findings, 0);
    bool               ok = first == NULL;

    if (!ok)
        err_set(err, ERR_CONFIG, "%.*s:%lld: %.*s (nightshift check shows all)",
                STR_ARG(json_find_text(first, "file")),
                (long long)json_find_int(first, "line", 0),
                STR_ARG(json_find_text(first, "text")));
    json_release(findings);
    return ok;
}

/* --- opening ------------------------------------------------------------- */

static void intake_next(void *arg, struct intake_taken *taken) {
    dispatch_add(((struct service *)arg)->dispatch, taken);
}

static void open_store_side(struct service *service) {
    struct engine        *engine = &service->engine;
    struct intake_options intake = {
        .loop = engine->loop,
        .queue = engine->queue,
        .clock = engine->clock,
        .deliveries = (size_t)service->settings.deliveries,
        .bytes = DELIVERY_BYTES_MAX,
        .next = intake_next,
        .failed = service_intake_failed,
        .arg = service,
    };

    queue_watch(engine->queue, service_commit_seen, service);
    service->intake = intake_open(&intake);
}

static void open_loop_side(struct service *service) {
    struct engine          *engine = &service->engine;
    struct dispatch_options dispatch = {
        .loop = engine->loop,
        .queue = engine->queue,
        .clock = engine->clock,
        .log = engine->log,
        .watchdog = engine->watchdog,
        .redact = engine->redact,
        .routes = service->routes,
        .events = &service_dispatch_events,
        .arg = service,
        .trace = service->trace,
    };
    struct runner_options runner = {
        .loop = engine->loop,
        .queue = engine->queue,
        .clock = engine->clock,
        .log = engine->log,
        .watchdog = engine->watchdog,
        .marker = service->marker,
        .shared = engine->shared,
        .redact = engine->redact,
        .events = &service_runner_events,
        .arg = service,
        .trace = service->trace,
    };

    service->dispatch = dispatch_open(&dispatch);
    service->runner = runner_open(&runner);
}

static bool open_marker(struct service *service, struct err *err) {
    struct buf path = BUF_EMPTY;

    buf_addf(&path, "%s/executing", service->engine.state);
    service->marker = marker_open(buf_text(&path), &service->blamed, err);
    buf_release(&path);
    if (service->blamed.len)
        log_line(service->engine.log, LOG_WARN, buf_text(&service->blamed),
                 "the last process died while it executed this run", NULL);
    return service->marker != NULL;
}

static void cancel_run(void *arg, const char *run) {
    (void)runner_cancel(((struct service *)arg)->runner, str_of(run),
                        "operator");
}

static void retry_delivery(void *arg, const char *delivery) {
    dispatch_add_stored(((struct service *)arg)->dispatch, str_of(delivery));
}

static const struct admin_actions admin_actions = {cancel_run, retry_delivery};

static struct sns *open_sns(const struct engine *engine) {
    struct sns_options options = {.loop = engine->loop,
                                  .client = engine->client,
                                  .queue = engine->queue,
                                  .clock = engine->clock,
                                  .log = engine->log};

    return sns_open(&options);
}

static bool open_parts(struct service *service, struct err *err) {
    struct engine         *engine = &service->engine;
    struct webhook_options webhook = {.clock = engine->clock,
                                      .log = engine->log,
                                      .metrics = service->metrics};
    struct admin_options   admin = {.queue = engine->queue,
                                    .loop = engine->loop,
                                    .actions = &admin_actions,
                                    .arg = service};

    if (!service_trace_open(service, err))
        return false;
    webhook.trace = service->trace;
    service->routes = routes_open(engine->bundle, err);
    service->mode = service->routes ? engine_mode(engine, NULL, err) : NULL;
    if (!service->mode || !open_marker(service, err))
        return false;
    service->facts = config_facts(engine->config);
    open_store_side(service);
    service->retention = retention_open();
    open_loop_side(service);
    service_make_token(service);
    webhook.intake = service->intake;
    webhook.sns = service->sns = open_sns(engine);
    service->webhook = webhook_open(&webhook);
    admin.webhook = service->webhook;
    service->admin = admin_open(&admin);
    service_use(service);
    service_reload_open(service);
    return service_use_doors(service, engine->bundle, engine->config, err);
}

/* --- what is done now and then ------------------------------------------- */

static void tick(void *arg);

/* Twice as often as systemd wants to hear of us, or each second. */
static void tick_again(struct service *service) {
    int64_t half = notify_watchdog_ms(service->notify) / 2;

    service->tick = loop_timer_start(
        service->engine.loop, half > 0 && half < TICK_MS ? half : TICK_MS, tick,
        service);
}

static void set_gauges(struct service *service) {
    struct runner_counts counts = runner_counts(service->runner);
    int64_t              oldest = dispatch_oldest(service->dispatch);
    int64_t now = service->engine.clock->wall_ms(service->engine.clock);

    metrics_set(service->metrics, METRIC_RUNS, (double)counts.waiting,
                "waiting", NULL);
    metrics_set(service->metrics, METRIC_RUNS, (double)counts.running,
                "running", NULL);
    metrics_set(service->metrics, METRIC_RUNS, (double)counts.parked, "parked",
                NULL);
    metrics_set(service->metrics, METRIC_VMS, (double)counts.vms, NULL);
    metrics_set(service->metrics, METRIC_VM_BYTES, (double)counts.vm_bytes,
                NULL);
    metrics_set(service->metrics, METRIC_VM_WAITING, (double)counts.vm_waiting,
                NULL);
    metrics_set(service->metrics, METRIC_QUEUE_AGE,
                oldest ? (double)(now - oldest) / 1000 : 0, NULL);
}

static void tick(void *arg) {
    struct service *service = arg;

    service->tick = NULL;
    set_gauges(service);
    service_sweep(service);
    (void)notify_alive(service->notify);
    if (!service->draining)
        tick_again(service);
}

/* --- the end ------------------------------------------------------------- */

static int64_t mono_ms(const struct service *service) {
    return service->engine.clock->mono_ns(service->engine.clock) / 1000000;
}

static void all_stopped(void *arg) {
    loop_stop(((struct service *)arg)->engine.loop);
}

static void part_stopped(void *arg) {
    struct service *service = arg;

    if (--service->busy == 0)
        service_trace_stop(service, service->drain_until_ms - mono_ms(service),
                           all_stopped);
}

static void out_of_time(void *arg) {
    struct service *service = arg;

    log_line(service->engine.log, LOG_WARN, NULL,
             "not everything stopped in time; it goes on after the next start",
             NULL);
    _exit(service->code);
}

/* Whatever was on its way is in the journal, or was never promised. */
static void give_up(void *arg) {
    _exit(((struct service *)arg)->code);
}

/* (SR2) With a store that has failed there is nothing to wait for. */
static void drain(void *arg) {
    struct service *service = arg;

    if (service->failed)
        give_up(service);
    if (service->draining)
        return;
    service->draining = true;
    fault_pass(FAULT_SERVE_DRAINING);
    (void)notify_stopping(service->notify, "draining");
    readiness_set(service->readiness, READINESS_DRAIN, "about to end");
    log_line(service->engine.log, LOG_INFO, NULL, "draining", NULL);
    for (int i = 0; i < 2; i++)
        if (service->servers[i])
            http_server_quiesce(service->servers[i]);
    loop_timer_cancel(service->tick);
    service->tick = NULL;
    service_retain_stop(service);
    service->deadline = loop_timer_start(
        service->engine.loop, service->settings.drain_ms, out_of_time, service);
    service->drain_until_ms = mono_ms(service) + service->settings.drain_ms;
    service->busy = 2;
    dispatch_stop(service->dispatch, part_stopped, service);
    runner_stop(service->runner, part_stopped, service);
}

struct failure {
    struct service *service;
    struct err      err;
};

static void failure_told(void *arg) {
    struct failure *failure = arg;

    service_store_failed(failure->service, &failure->err);
    mem_free(failure);
}

/* On the store thread: probes see it at once, the loop a turn later. */
void service_intake_failed(void *arg, const struct err *err) {
    struct service *service = arg;
    struct failure *failure = mem_new(sizeof *failure);

    readiness_set(service->readiness, READINESS_STORE, err->text);
    metrics_set(service->metrics, METRIC_STORE_FAILED, 1, NULL);
    *failure = (struct failure){service, *err};
    loop_expect(service->engine.loop);
    loop_post(service->engine.loop, failure_told, failure);
}

/* (SR3) */
void service_store_failed(struct service *service, const struct err *err) {
    if (service->failed)
        return;
    service->failed = true;
    service->code = EXIT_STORE;
    intake_fail(service->intake);
    metrics_set(service->metrics, METRIC_STORE_FAILED, 1, NULL);
    readiness_set(service->readiness, READINESS_STORE, err->text);
    log_line(service->engine.log, LOG_ERROR, NULL,
             "the store has failed; ending soon to be started again", "error",
             err->text, NULL);
    (void)loop_timer_start(service->engine.loop, FAILED_MS, give_up, service);
}

/* --- the whole ----------------------------------------------------------- */

/* The command line's word counts more than the configuration's. */
static void adjust_log(struct service *service) {
    const struct service_options  *options = &service->options;
    const struct service_settings *settings = &service->settings;

    log_adjust(service->engine.log,
               options->log_given ? options->engine.log : settings->log_level,
               options->engine.log_json || settings->log_json);
}

static bool open_service(struct service *service, struct err *err) {
    struct engine_options *options = &service->options.engine;

    options->kind = MODE_LIVE;
    if (!service_watch_open(service, err))
        return false;
    if (!engine_open(&service->engine, options, err))
        return false;
    if (!service_settings_read(config_json(service->engine.config),
                               &service->settings, err) ||
        !prove(service->engine.bundle, err))
        return false;
    if (service->options.listen &&
        !service_settings_address(str_of(service->options.listen),
                                  &service->settings.listen))
        return err_set(err, ERR_USAGE, "--listen is like 127.0.0.1:8080");
    adjust_log(service);
    service->metrics = metrics_open();
    metrics_info(service->metrics, METRIC_BUILD, APP_VERSION);
    metrics_set(service->metrics, METRIC_PROCESS_START,
                (double)service->engine.clock->wall_ms(service->engine.clock) /
                    1000,
                NULL);
    service->readiness = readiness_open();
    readiness_set(service->readiness, READINESS_START,
                  "reading what is unfinished");
    return open_parts(service, err);
}

static void close_service(struct service *service) {
    loop_timer_cancel(service->deadline);
    loop_timer_cancel(service->tick);
    service_watch_stop(service);
    service_retain_stop(service);
    service_reload_close(service);
    sns_end(service->sns);
    while (sns_is_busy(service->sns))
        service_hear(service);
    /* The second one's scrapes count what the first one refused. */
    for (int i = 1; i >= 0; i--)
        http_server_close(service->servers[i]);
    if (service->engine.queue) {
        queue_close(service->engine.queue);
        service->engine.queue = NULL;
    }
    service_hear(service);
    for (int i = 0; i < 2; i++)
        site_close(service->sites[i]);
    admin_close(service->admin);
    webhook_close(service->webhook);
    sns_close(service->sns);
    dispatch_close(service->dispatch);
    runner_close(service->runner);
    intake_close(service->intake);
    retention_close(service->retention);
    routes_release(service->routes);
    mode_close(service->mode);
    service_trace_close(service);
    json_release(service->facts);
    readiness_close(service->readiness);
    metrics_close(service->metrics);
    notify_close(service->notify);
    marker_close(service->marker);
    buf_release(&service->blamed);
    if (service->engine.loop)
        engine_close(&service->engine);
    service_watch_close(service);
}

static void serve(struct service *service) {
    struct loop *loop = service->engine.loop;

    loop_on_signal(loop, SIGTERM, drain, service);
    loop_on_signal(loop, SIGINT, drain, service);
    loop_on_signal(loop, SIGHUP, service_reload, service);
    tick_again(service);
    service_watch_use(service);
    service_tell_listening(service);
    (void)notify_ready(service->notify, "serving");
    loop_run(loop);
}

bool service_run(const struct service_options *options, int *code,
                 struct err *err) {
    struct service *service = mem_new(sizeof *service);
    bool            ok;

    service->options = *options;
    (void)pthread_mutex_init(&service->asking, NULL);
    service->notify = notify_open(err);
    ok = service->notify && open_service(service, err);
    if (ok) {
        service_recover(service);
        ok = service_open_doors(service, err);
    }
    if (ok)
        serve(service);
    *code = service->code;
    close_service(service);
    (void)pthread_mutex_destroy(&service->asking);
    mem_free(service);
    return ok;
}
