/* service_settings.h - what `serve` is told, as values that can be used.
 *
 * config.c knows that limits.runs is a number; here it is known to be a whole
 * one within bounds, `listen` to be an address and a port, and what is not
 * given has its default. Read at the start, by `check` and at each reload, so
 * that a service never meets a setting that it cannot use.
 *
 *   SV1  What is out of range, no word of its list, or half of a pair is an
 *        error that names the key and says what is allowed.
 *   SV2  What is not given has the default that config.def tells of.
 *
 * Lifetime: process. Thread: any.
 */
#ifndef APP_SERVICE_SETTINGS_H
#define APP_SERVICE_SETTINGS_H

#include "base/json.h"
#include "graph/retention.h"
#include "observe/log.h"

struct service_address {
    char host[46]; /* numeric: "127.0.0.1", "::1" */
    int  port;     /* 0: any that is free */
};

/* Texts are borrowed from the configuration; NULL when not given. */
struct service_settings {
    struct service_address  listen, admin;
    bool                    admin_apart; /* has an address of its own */
    const char             *tls_certificate, *tls_key, *tls_client_ca;
    int64_t                 runs, vm_mb, deliveries, connections;
    int64_t                 request_seconds, idle_seconds;
    int64_t                 drain_ms;
    struct retention_limits retention;
    bool                    watch;
    bool                    log_json;
    enum log_level          log_level;
};

/* Of config_json(). The names of secrets, not their values, are in it. */
bool service_settings_read(const struct json       *config,
                           struct service_settings *out, struct err *err);

/* "127.0.0.1:8080", "[::1]:8080" or "localhost:8080"; false when it is none. */
bool service_settings_address(struct str text, struct service_address *out);

#endif
