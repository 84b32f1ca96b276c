/* secret_fetch.c - where the services table has Secrets Manager, so that every
 * kind of endpoint is known; then one call of it.
 */
#include "app/secret_fetch.h"

#include "auth/secret_manager.h"
#include "base/mem.h"
#include "protocol/aws_service.h"
#include "sys/loop.h"

struct fetching {
    struct config     *config;
    const struct json *reference;
    secret_fetch_fn   *done;
    void              *arg;
    struct err         err;
};

static void refuse(void *arg) {
    struct fetching *fetching = arg;

    fetching->done(fetching->arg, &fetching->err);
    mem_free(fetching);
}

static void fetched(void *arg, struct str value, const struct err *err) {
    struct fetching *fetching = arg;

    if (!err)
        config_resolve(fetching->config, fetching->reference, value);
    fetching->done(fetching->arg, err);
    mem_free(fetching);
}

static bool find_secret_manager(const struct json *config, struct buf *url,
                                struct str *region, struct err *err) {
    struct json *row = aws_service_take(json_find(config, "aws_services"),
                                        STR("secretsmanager"));
    bool         ok;

    if (!row)
        return err_set(err, ERR_CONFIG,
                       "lib/aws/services.lua has no row secretsmanager");
    ok = aws_service_endpoint(
        row, json_find_text(json_find(config, "aws"), "region"),
        json_find(config, "aws"), url, region, err);
    buf_add_char(url, '/');
    json_release(row);
    return ok;
}

bool secret_fetch_takes(const struct json *reference) {
    return str_starts(json_find_text(reference, "name"), "aws:");
}

void secret_fetch_start(const struct secret_fetch *fetch, struct config *config,
                        const struct json *reference, secret_fetch_fn *done,
                        void *arg) {
    const struct json    *values = config_json(config);
    struct fetching      *fetching = mem_new(sizeof *fetching);
    struct buf            url = BUF_EMPTY;
    struct secret_manager manager = {
        .client = fetch->client,
        .signer = fetch->signer,
        .clock = fetch->clock,
        .deadline_ms = json_find_int(values, "effect_timeout_ms", 20000),
    };
    bool ok = fetch->client || err_set(&fetching->err, ERR_CONFIG,
                                       "it is at AWS, and nothing goes out "
                                       "from here");

    fetching->config = config;
    fetching->reference = reference;
    fetching->done = done;
    fetching->arg = arg;
    if (ok &&
        find_secret_manager(values, &url, &manager.region, &fetching->err)) {
        manager.url = buf_str(&url);
        secret_manager_fetch(&manager, json_find_text(reference, "name"),
                             fetched, fetching);
    } else {
        loop_defer(fetch->loop, refuse, fetching);
    }
    buf_release(&url);
}
