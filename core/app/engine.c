/* engine.c - each step returns at its first failure; engine_close() copes with
 * whatever was not opened.
 */
#include "app/engine.h"

#include <string.h>

#include "app/identity.h"
#include "app/scripts.h"
#include "app/services.h"
#include "app/state.h"
#include "base/mem.h"
#include "gate/gate_shared.h"
#include "gate/world.h"
#include "graph/lease.h"
#include "graph/shelf.h"
#include "net/http_client.h"
#include "secret/redact.h"
#include "sys/clock_real.h"
#include "sys/loop.h"
#include "sys/watchdog.h"

#define USER_AGENT "nightshift"

static void redact_line(void *arg, struct str text, struct buf *out) {
    redact_text(arg, text, out);
}

static struct log *open_log(const struct engine *engine) {
    struct log_options options = {
        .level = engine->options.log,
        .json = engine->options.log_json,
        .fd = STDERR_FILENO,
        .clock = engine->clock,
        .redact = redact_line,
        .redact_arg = engine->redact,
    };

    return log_open(&options);
}

static bool find_state(struct engine *engine, struct err *err) {
    struct buf dir = BUF_EMPTY;
    bool       ok = state_find(engine->options.state, &dir, err);

    if (ok)
        engine->state = buf_take(&dir);
    buf_release(&dir);
    return ok;
}

/* (EN1) */
static bool open_store(struct engine *engine, struct err *err) {
    bool live = engine->options.kind == MODE_LIVE;

    if (!live)
        engine->store = store_memory_open();
    else if (find_state(engine, err))
        engine->store = store_sqlite_open(engine->state, err);
    if (!engine->store)
        return false;
    return true;
}

/* A run that goes on takes the bundle that it began with. (N8) */
static bool open_bundle(struct engine *engine, struct err *err) {
    struct buf   key = BUF_EMPTY, value = BUF_EMPTY;
    struct json *entry = NULL;
    int64_t      version;
    bool         found = false, ok;

    if (!engine->options.resume) {
        struct buf dir = BUF_EMPTY;

        ok = scripts_find(engine->options.scripts, &dir, err) &&
             scripts_load(buf_text(&dir), engine->clock, &engine->bundle, err);
        buf_release(&dir);
        return ok;
    }
    buf_addf(&key, "main/run/%s", engine->options.resume);
    ok = store_get(engine->store, buf_str(&key), &value, &version, &found, err);
    if (ok && !found)
        ok = err_set(err, ERR_NOT_FOUND, "no run %s in %s",
                     engine->options.resume, engine->state);
    entry = ok ? json_parse(buf_str(&value), &json_caps_answer, err) : NULL;
    ok = entry && shelf_take(engine->store, json_find_text(entry, "bundle"),
                             engine->clock, &engine->bundle, err);
    json_release(entry);
    buf_release(&key);
    buf_release(&value);
    return ok;
}

static void open_client(struct engine *engine) {
    const struct json *http = json_find(config_json(engine->config), "http");
    struct http_client_options options = {
        .proxy = json_find(http, "proxy") ? json_find_text(http, "proxy").data
                                          : NULL,
        .ca_file = json_find(http, "ca_file")
                       ? json_find_text(http, "ca_file").data
                       : NULL,
        .user_agent = USER_AGENT,
    };

    engine->client = http_client_open(engine->loop, &options);
}

/* What earlier processes spent today. Only a live engine has a store that
 * knows. (N9) */
static bool read_spend(struct engine *engine, struct err *err) {
    struct buf key = BUF_EMPTY, value = BUF_EMPTY;
    bool       found = false, ok = true;

    spend_turn(&engine->spend, engine->clock->wall_ms(engine->clock));
    spend_key(engine->spend.day, &key);
    if (engine->options.kind == MODE_LIVE)
        ok = store_get(engine->store, buf_str(&key), &value,
                       &engine->spend.version, &found, err);
    if (ok && found && !str_to_int(buf_str(&value), &engine->spend.micro_usd))
        ok = err_set(err, ERR_CONFLICT, "%s holds no number", buf_text(&key));
    buf_release(&key);
    buf_release(&value);
    return ok;
}

bool engine_open(struct engine *engine, const struct engine_options *options,
                 struct err *err) {
    memset(engine, 0, sizeof *engine);
    engine->options = *options;
    engine->clock = clock_real();
    engine->loop = loop_open();
    engine->redact = redact_open();
    engine->log = open_log(engine);
    engine->watchdog = watchdog_open();
    engine->shared = gate_shared_open();
    if (!open_store(engine, err) || !open_bundle(engine, err))
        goto failed;
    engine->config = config_load(options->config, engine->bundle, err);
    if (!engine->config ||
        !services_attach(engine->bundle, engine->config, err))
        goto failed;
    redact_learn(engine->redact, config_secrets(engine->config));
    if (options->kind == MODE_LIVE && !options->resume &&
        !shelf_put(engine->store, engine->bundle, err))
        goto failed;
    if (!read_spend(engine, err))
        goto failed;
    engine->queue =
        queue_open(engine->loop, engine->store, options->kind == MODE_LIVE);
    if (options->kind != MODE_FIXTURE) {
        engine->identity = config_retain(engine->config);
        open_client(engine);
        if (!identity_open(engine, err))
            goto failed;
    }
    return true;

failed:
    engine_close(engine);
    return false;
}

void engine_close(struct engine *engine) {
    if (engine->client)
        http_client_close(engine->client);
    if (engine->queue)
        queue_close(engine->queue);
    if (engine->loop) {
        loop_run(engine->loop);
        signer_close_all(&engine->signers);
        loop_close(engine->loop);
    }
    config_release(engine->identity);
    config_release(engine->config);
    bundle_release(engine->bundle);
    store_close(engine->store);
    if (engine->watchdog)
        watchdog_close(engine->watchdog);
    gate_shared_close(engine->shared);
    log_close(engine->log);
    redact_close(engine->redact);
    mem_free(engine->state);
    memset(engine, 0, sizeof *engine);
}

static struct mode *live_mode(struct engine *engine) {
    struct mode_live_options options = {engine->loop,
                                        engine->clock,
                                        engine->client,
                                        config_json(engine->config),
                                        config_secrets(engine->config),
                                        &engine->signers,
                                        engine->redact,
                                        &engine->spend,
                                        NULL};

    return mode_live_open(&options);
}

struct mode *engine_mode(struct engine *engine, const struct json *incident,
                         struct err *err) {
    struct world *world;

    switch (engine->options.kind) {
    case MODE_LIVE: return live_mode(engine);
    case MODE_DRY_RUN:
        return mode_dryrun_open(engine->loop, engine->clock, live_mode(engine));
    default:
        world =
            world_open(json_retain((struct json *)engine->options.world), err);
        if (!world)
            return NULL;
        world_begin(world, incident, json_find_int(incident, "started_ms", 0));
        return mode_fixture_open(engine->loop, world);
    }
}
