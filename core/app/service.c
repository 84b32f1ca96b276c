/* service.c - opened from the store outwards, closed from the doors inwards.
 *
 * The first job is to read what is unfinished; the doors open right behind it,
 * since whatever comes in is behind it in the store's order, too.
 */
#include "app/service.h"

#include <signal.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

#include "app/service_private.h"
#include "base/encode.h"
#include "base/fault.h"
#include "base/mem.h"
#include "check/check.h"
#include "net/http_server.h"
#include "secret/redact.h"
#include "sys/crypto.h"
#include "sys/file.h"
#include "sys/loop.h"
#include "sys/marker.h"
#include "sys/notify.h"

#define SERVER_THREADS 2
#define TICK_MS 1000
#define DELIVERY_BYTES_MAX (64u << 20) /* of bodies that wait for the disk */
#define FAILED_MS 15000                /* probes are to see it first */
#define EXIT_STORE 74                  /* EX_IOERR */
#define CRASHES_MAX 2
#define ADDRESS_FILE "serve.json"

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
        .settle_ms = json_find_int(config, "settle_ms", 5000),
        .park_after_ms = json_find_int(config, "park_after_ms", 10000),
    };

    runner_use(service->runner, &world);
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
    };
    struct runner_options runner = {
        .loop = engine->loop,
        .queue = engine->queue,
        .clock = engine->clock,
        .log = engine->log,
        .watchdog = engine->watchdog,
        .marker = service->marker,
        .redact = engine->redact,
        .runs = (size_t)service->settings.runs,
        .events = &service_runner_events,
        .arg = service,
    };

    service->dispatch = dispatch_open(&dispatch);
    service->runner = runner_open(&runner);
}

static void make_token(struct service *service) {
    unsigned char random[32];
    struct buf    hex = BUF_EMPTY;

    crypto_random(random, sizeof random);
    encode_hex(random, sizeof random, &hex);
    (void)snprintf(service->token, sizeof service->token, "%s", buf_text(&hex));
    mem_wipe(hex.data, hex.len);
    buf_release(&hex);
    redact_learn_value(service->engine.redact, str_of(service->token));
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

static bool open_parts(struct service *service, struct err *err) {
    struct engine         *engine = &service->engine;
    struct webhook_options webhook = {.clock = engine->clock,
                                      .log = engine->log,
                                      .metrics = service->metrics};
    struct admin_options   admin = {.queue = engine->queue,
                                    .loop = engine->loop,
                                    .actions = &admin_actions,
                                    .arg = service};

    service->routes = routes_open(engine->bundle, err);
    service->mode = service->routes ? engine_mode(engine, NULL, err) : NULL;
    if (!service->mode || !open_marker(service, err))
        return false;
    service->facts = config_facts(engine->config);
    open_store_side(service);
    open_loop_side(service);
    make_token(service);
    webhook.intake = service->intake;
    service->webhook = webhook_open(&webhook);
    admin.webhook = service->webhook;
    service->admin = admin_open(&admin);
    service_use(service);
    service_reload_open(service);
    return service_use_doors(service, engine->bundle, engine->config, err);
}

/* --- what is unfinished -------------------------------------------------- */

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

static void sweep_later(struct service *service);

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
    } else {
        fault_pass(FAULT_SERVE_RECOVERED);
        for (size_t i = 0; i < json_count(recovery->open); i++)
            recover_run(recovery, json_at(recovery->open, i));
        for (size_t i = 0; i < json_count(recovery->deliveries); i++)
            dispatch_add_stored(service->dispatch,
                                json_text(json_at(recovery->deliveries, i)));
        readiness_set(service->readiness, READINESS_START, NULL);
        sweep_later(service);
    }
    json_release(recovery->open);
    json_release(recovery->deliveries);
    mem_free(recovery);
}

static void recover(struct service *service) {
    struct recovery *recovery = mem_new(sizeof *recovery);

    recovery->service = service;
    recovery->open = json_new_list();
    recovery->deliveries = json_new_list();
    queue_post(service->engine.queue, read_unfinished, recovered, recovery);
}

/* --- what is done now and then ------------------------------------------- */

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

    if (err && err->code == ERR_IO)
        service_store_failed(service, err);
    else if (!err && sweep->more)
        sweep_later(service);
    mem_free(sweep);
}

static void sweep_later(struct service *service) {
    struct sweep *sweep = mem_new(sizeof *sweep);

    sweep->service = service;
    queue_post(service->engine.queue, sweep_some, swept, sweep);
}

static void tick(void *arg);

static void tick_again(struct service *service) {
    service->tick =
        loop_timer_start(service->engine.loop, TICK_MS, tick, service);
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
    metrics_set(service->metrics, METRIC_QUEUE_AGE,
                oldest ? (double)(now - oldest) / 1000 : 0, NULL);
}

static void tick(void *arg) {
    struct service *service = arg;

    service->tick = NULL;
    set_gauges(service);
    sweep_later(service);
    (void)notify_alive(service->notify);
    if (!service->draining)
        tick_again(service);
}

/* --- the end ------------------------------------------------------------- */

static void part_stopped(void *arg) {
    struct service *service = arg;

    if (--service->busy == 0)
        loop_stop(service->engine.loop);
}

static void out_of_time(void *arg) {
    struct service *service = arg;

    log_line(service->engine.log, LOG_WARN, NULL,
             "not everything stopped in time; it goes on after the next start",
             NULL);
    _exit(service->code);
}

/* (SR2) */
static void drain(void *arg) {
    struct service *service = arg;

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
    service->deadline = loop_timer_start(
        service->engine.loop, service->settings.drain_ms, out_of_time, service);
    service->busy = 2;
    dispatch_stop(service->dispatch, part_stopped, service);
    runner_stop(service->runner, part_stopped, service);
}

/* Whatever was on its way is in the journal, or was never promised. */
static void give_up(void *arg) {
    _exit(((struct service *)arg)->code);
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

/* --- doors --------------------------------------------------------------- */

static bool read_pem(const char *path, struct buf *out, struct err *err) {
    return !path || file_read(path, 1u << 20, out, err);
}

/* A connection is a descriptor; so are those to others, and the files. */
static void raise_descriptors(const struct service *service) {
    rlim_t want = (rlim_t)service->settings.connections * 5 / 4 +
                  (rlim_t)service->settings.runs + 1024;
    struct rlimit limit;

    if (getrlimit(RLIMIT_NOFILE, &limit) != 0 || limit.rlim_cur >= want)
        return;
    limit.rlim_cur = limit.rlim_max < want ? limit.rlim_max : want;
    if (setrlimit(RLIMIT_NOFILE, &limit) != 0 || limit.rlim_cur < want)
        log_line(service->engine.log, LOG_WARN, NULL,
                 "fewer descriptors than limits.connections may need; raise "
                 "LimitNOFILE",
                 NULL);
}

static bool open_server(struct service *service, int which,
                        const struct service_address *address,
                        struct err                   *err) {
    const struct service_settings *settings = &service->settings;
    struct buf certificate = BUF_EMPTY, key = BUF_EMPTY, ca = BUF_EMPTY;
    struct http_server_options options = {
        .address = address->host,
        .port = (uint16_t)address->port,
        .threads = SERVER_THREADS,
        .connections = (unsigned)settings->connections,
        .request_s = (unsigned)settings->request_seconds,
        .cap = site_cap,
        .handle = site_handle,
        .arg = service->sites[which],
    };
    bool ok = read_pem(settings->tls_certificate, &certificate, err) &&
              read_pem(settings->tls_key, &key, err) &&
              read_pem(settings->tls_client_ca, &ca, err);

    if (settings->tls_certificate) {
        options.certificate = buf_text(&certificate);
        options.key = buf_text(&key);
    }
    if (settings->tls_client_ca)
        options.client_ca = buf_text(&ca);
    if (ok)
        service->servers[which] = http_server_open(&options, err);
    buf_release(&certificate);
    if (key.data)
        mem_wipe(key.data, key.len);
    buf_release(&key);
    buf_release(&ca);
    return service->servers[which] != NULL;
}

/* For the command line of who can read the state directory. */
static bool write_address(struct service *service, struct err *err) {
    struct json *map = json_new_map();
    struct buf   path = BUF_EMPTY, text = BUF_EMPTY, address = BUF_EMPTY;
    int          which = service->settings.admin_apart ? 1 : 0;
    const struct service_address *at =
        which ? &service->settings.admin : &service->settings.listen;
    bool ok;

    buf_addf(&address, strchr(at->host, ':') ? "[%s]:%u" : "%s:%u", at->host,
             http_server_port(service->servers[which]));
    json_put_text(map, "address", buf_str(&address));
    json_put_bool(map, "tls", service->settings.tls_certificate != NULL);
    json_put_text(map, "token", str_of(service->token));
    json_put_int(map, "pid", getpid());
    json_write(map, &text);
    buf_addf(&path, "%s/" ADDRESS_FILE, service->engine.state);
    ok = file_write(buf_text(&path), buf_str(&text), err);
    mem_wipe(text.data, text.len);
    buf_release(&path);
    buf_release(&text);
    buf_release(&address);
    json_wipe(map);
    json_release(map);
    return ok;
}

static void tell_listening(struct service *service) {
    struct buf  address = BUF_EMPTY;
    const char *host = service->settings.listen.host;

    buf_addf(&address, strchr(host, ':') ? "[%s]:%u" : "%s:%u", host,
             http_server_port(service->servers[0]));
    log_line(service->engine.log, LOG_INFO, NULL, "listening", "address",
             buf_text(&address), "state", service->engine.state, "bundle",
             bundle_hash(service->engine.bundle), NULL);
    fprintf(stderr, "listening on %s\n", buf_text(&address));
    buf_release(&address);
}

static bool open_doors(struct service *service, struct err *err) {
    struct site_options options = {
        .webhook = service->webhook,
        .readiness = service->readiness,
        .admin = service->admin,
        .metrics = service->metrics,
        .scrape = service_scrape,
        .reload = service_reload_asked,
        .arg = service,
    };
    bool apart = service->settings.admin_apart;

    raise_descriptors(service);
    service->sites[0] = site_open(&options, true, !apart);
    if (apart)
        service->sites[1] = site_open(&options, true, true);
    return open_server(service, 0, &service->settings.listen, err) &&
           (!apart || open_server(service, 1, &service->settings.admin, err)) &&
           write_address(service, err);
}

/* --- the whole ----------------------------------------------------------- */

static bool open_service(struct service *service, struct err *err) {
    struct engine_options *options = &service->options.engine;

    options->kind = MODE_LIVE;
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
    service->metrics = metrics_open();
    service->readiness = readiness_open();
    readiness_set(service->readiness, READINESS_START,
                  "reading what is unfinished");
    return open_parts(service, err);
}

static void close_service(struct service *service) {
    loop_timer_cancel(service->deadline);
    loop_timer_cancel(service->tick);
    service_reload_close(service);
    /* The second one's scrapes count what the first one refused. */
    for (int i = 1; i >= 0; i--)
        http_server_close(service->servers[i]);
    if (service->engine.queue) {
        queue_close(service->engine.queue);
        service->engine.queue = NULL;
    }
    for (int i = 0; i < 2; i++)
        site_close(service->sites[i]);
    admin_close(service->admin);
    webhook_close(service->webhook);
    dispatch_close(service->dispatch);
    runner_close(service->runner);
    intake_close(service->intake);
    routes_release(service->routes);
    mode_close(service->mode);
    json_release(service->facts);
    readiness_close(service->readiness);
    metrics_close(service->metrics);
    notify_close(service->notify);
    marker_close(service->marker);
    buf_release(&service->blamed);
    if (service->engine.loop)
        engine_close(&service->engine);
}

static void serve(struct service *service) {
    struct loop *loop = service->engine.loop;

    loop_on_signal(loop, SIGTERM, drain, service);
    loop_on_signal(loop, SIGINT, drain, service);
    loop_on_signal(loop, SIGHUP, service_reload, service);
    tick_again(service);
    tell_listening(service);
    (void)notify_ready(service->notify, "serving");
    loop_run(loop);
}

bool service_run(const struct service_options *options, int *code,
                 struct err *err) {
    struct service *service = mem_new(sizeof *service);
    bool            ok;

    service->options = *options;
    service->notify = notify_open(err);
    ok = service->notify && open_service(service, err);
    if (ok) {
        recover(service);
        ok = open_doors(service, err);
    }
    if (ok)
        serve(service);
    *code = service->code;
    close_service(service);
    mem_free(service);
    return ok;
}
