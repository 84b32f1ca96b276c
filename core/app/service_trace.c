/* service_trace.c - the spans of a running service, and who sends them.
 *
 * Without an endpoint there is neither: whoever would add a span has NULL and
 * does not.
 */
#include "app/service_private.h"
#include "app/version.h"
#include "base/mem.h"
#include "otlp/otlp.h"
#include "secret/redact.h"

#define FLUSH_MS 5000 /* at the end, at most */
#define SPANS_MAX 8192
#define BYTES_MAX (8u << 20)

static void redact_value(void *arg, struct str text, struct buf *out) {
    redact_text(arg, text, out);
}

/* service.name has a place of its own. */
static struct trace_attribute *resource_of(const struct json *resource,
                                           size_t            *count) {
    struct trace_attribute *list =
        mem_new((json_count(resource) + 1) * sizeof *list);
    struct json_walk walk = json_walk_over(resource);

    *count = 0;
    while (json_walk_next(&walk))
        if (!str_is(walk.key, "service.name") &&
            !str_is(walk.key, "service.version"))
            list[(*count)++] = (struct trace_attribute){
                walk.key.data, json_text(walk.value), 0};
    return list;
}

static void open_trace(struct service *service) {
    const struct otlp_settings *settings = &service->traces.settings;
    struct str version = json_find_text(settings->resource, "service.version");
    struct trace_options options = {
        .service = settings->service,
        .version = version.len ? version.data : APP_VERSION,
        .sampler = settings->sampler,
        .spans_max = SPANS_MAX,
        .bytes_max = BYTES_MAX,
        .redact = redact_value,
        .redact_arg = service->engine.redact,
    };

    service->traces.resource =
        resource_of(settings->resource, &options.resource_count);
    options.resource = service->traces.resource;
    service->trace = trace_open(&options);
}

bool service_trace_open(struct service *service, struct err *err) {
    struct engine     *engine = &service->engine;
    const struct json *config = config_json(engine->identity);
    struct str proxy = json_text(json_dig(config, "http", "proxy", NULL));
    struct otlp_options options = {
        .loop = engine->loop,
        .clock = engine->clock,
        .log = engine->log,
        .metrics = service->metrics,
        .settings = &service->traces.settings,
        .secrets = config_secrets(engine->identity),
        .redact = engine->redact,
        .proxy = proxy.len ? proxy.data : NULL,
        .user_agent = "nightshift/" APP_VERSION,
    };

    if (!otlp_settings_read(config, &service->traces.settings, err))
        return false;
    if (!service->traces.settings.on)
        return true;
    open_trace(service);
    options.trace = service->trace;
    service->traces.otlp = otlp_open(&options, err);
    if (service->traces.otlp)
        log_line(engine->log, LOG_INFO, NULL, "traces are sent", "to",
                 buf_text(&service->traces.settings.url), NULL);
    return service->traces.otlp != NULL;
}

/* Well before the time to drain is over. */
void service_trace_stop(struct service *service, int64_t left_ms,
                        loop_fn *done) {
    int64_t within = left_ms * 3 / 4;

    if (!service->traces.otlp)
        done(service);
    else
        otlp_stop(service->traces.otlp,
                  within < 0          ? 0
                  : within > FLUSH_MS ? FLUSH_MS
                                      : within,
                  done, service);
}

void service_trace_close(struct service *service) {
    otlp_close(service->traces.otlp);
    trace_close(service->trace);
    mem_free(service->traces.resource);
    otlp_settings_release(&service->traces.settings);
}
