/* service_settings.c - rows for the numbers, a few lines for each of the rest.
 */
#include "app/service_settings.h"

#include <arpa/inet.h>
#include <stddef.h>
#include <string.h>

#include "base/nearest.h"
#include "base/timestamp.h"
#include "otlp/otlp_settings.h"
#include "serve/token.h"

#define LISTEN "127.0.0.1:8080"
#define DRAIN_MS 30000
#define DRAIN_MS_MAX (60 * 60 * 1000)

static const struct number {
    const char *group, *name;
    int64_t     least, most, otherwise;
    size_t      offset;
} numbers[] = {
#define AT(member) offsetof(struct service_settings, member)
    {"limits", "runs", 1, 100000, 1000, AT(runs)},
    {"limits", "vm_mb", 1, 1048576, 1024, AT(vm_mb)},
    {"limits", "deliveries", 1, 1000000, 2000, AT(deliveries)},
    {"limits", "connections", 1, 1000000, 12000, AT(connections)},
    {"limits", "request_seconds", 1, 3600, 30, AT(request_seconds)},
    {"limits", "idle_seconds", 1, 3600, 60, AT(idle_seconds)},
#undef AT
};

/* --- values ---------------------------------------------------------------- */

static bool is_whole(const struct json *value) {
    double number = json_number(value);

    return json_is(value, JSON_INT) || (number >= -1e15 && number <= 1e15 &&
                                        number == (double)(int64_t)number);
}

static bool read_number(const struct json *config, const struct number *row,
                        struct service_settings *out, struct err *err) {
    const struct json *value = json_dig(config, row->group, row->name, NULL);
    int64_t           *into = (int64_t *)((char *)out + row->offset);
    int64_t            number = json_int(value);

    *into = row->otherwise;
    if (!value)
        return true;
    if (is_whole(value) && number >= row->least && number <= row->most) {
        *into = number;
        return true;
    }
    return err_set(err, ERR_CONFIG,
                   "%s.%s must be a whole number from %lld to %lld, not %.17g",
                   row->group, row->name, (long long)row->least,
                   (long long)row->most, json_number(value));
}

static bool read_numbers(const struct json       *config,
                         struct service_settings *out, struct err *err) {
    for (size_t i = 0; i < sizeof numbers / sizeof *numbers; i++)
        if (!read_number(config, &numbers[i], out, err))
            return false;
    return true;
}

/* A word that is not in its list, with those that are. */
static bool wrong_word(const char *key, struct str word,
                       const char *const *words, struct err *err) {
    struct nearest nearest = nearest_to(word);
    struct buf     all = BUF_EMPTY, near = BUF_EMPTY;

    for (size_t i = 0; words[i]; i++) {
        buf_addf(&all, "%s%s",
                 i == 0         ? ""
                 : words[i + 1] ? ", "
                                : " or ",
                 words[i]);
        nearest_offer(&nearest, str_of(words[i]));
    }
    err_set(err, ERR_CONFIG, "%s must be %s, not '%.*s'%s", key, buf_text(&all),
            STR_ARG(word), nearest_words(&nearest, &near));
    buf_release(&all);
    buf_release(&near);
    return false;
}

/* --- addresses ------------------------------------------------------------- */

static bool cut_port(struct str text, struct str *host, int64_t *port) {
    size_t colon = text.len;

    while (colon > 0 && text.data[colon - 1] != ':')
        colon--;
    if (colon < 2)
        return false;
    *host = (struct str){text.data, colon - 1};
    return str_to_int((struct str){text.data + colon, text.len - colon},
                      port) &&
           *port >= 0 && *port <= 65535;
}

/* Numeric, so that where the service listens depends on no name server. */
bool service_settings_address(struct str text, struct service_address *out) {
    unsigned char binary[sizeof(struct in6_addr)];
    struct str    host;
    int64_t       port;
    int           family = AF_INET;

    if (!cut_port(text, &host, &port))
        return false;
    if (str_is(host, "localhost"))
        host = STR("127.0.0.1");
    if (host.len > 2 && host.data[0] == '[' && str_ends(host, "]")) {
        host = (struct str){host.data + 1, host.len - 2};
        family = AF_INET6;
    }
    if (host.len >= sizeof out->host)
        return false;
    memset(out, 0, sizeof *out);
    memcpy(out->host, host.data, host.len);
    out->port = (int)port;
    return inet_pton(family, out->host, binary) == 1;
}

static bool read_address(const char *key, const struct json *value,
                         struct service_address *out, struct err *err) {
    return service_settings_address(json_text(value), out) ||
           err_set(err, ERR_CONFIG,
                   "%s must be ADDRESS:PORT, such as 127.0.0.1:8080, "
                   "0.0.0.0:8080 or [::]:8080, not '%.*s'",
                   key, STR_ARG(json_text(value)));
}

static bool read_addresses(const struct json       *config,
                           struct service_settings *out, struct err *err) {
    const struct json *listen = json_find(config, "listen");
    const struct json *admin = json_dig(config, "admin", "listen", NULL);

    (void)service_settings_address(STR(LISTEN), &out->listen);
    if (listen && !read_address("listen", listen, &out->listen, err))
        return false;
    out->admin = out->listen;
    if (!admin)
        return true;
    if (!read_address("admin.listen", admin, &out->admin, err))
        return false;
    out->admin_apart = out->admin.port == 0 ||
                       out->admin.port != out->listen.port ||
                       strcmp(out->admin.host, out->listen.host) != 0;
    return true;
}

/* --- texts ----------------------------------------------------------------- */

static const char *text_or_null(const struct json *map, const char *key) {
    struct str text = json_find_text(map, key);

    return text.len > 0 ? text.data : NULL;
}

static bool read_tls(const struct json *config, struct service_settings *out,
                     struct err *err) {
    const struct json *tls = json_find(config, "tls");

    out->tls_certificate = text_or_null(tls, "certificate");
    out->tls_key = text_or_null(tls, "key");
    out->tls_client_ca = text_or_null(tls, "client_ca");
    if (!out->tls_certificate != !out->tls_key)
        return err_set(err, ERR_CONFIG,
                       "tls.%s is not given: TLS takes tls.certificate and "
                       "tls.key together",
                       out->tls_key ? "certificate" : "key");
    if (out->tls_client_ca && !out->tls_key)
        return err_set(err, ERR_CONFIG,
                       "tls.client_ca asks clients for certificates, which "
                       "takes tls.certificate and tls.key");
    return true;
}

static bool read_log(const struct json *config, struct service_settings *out,
                     struct err *err) {
    static const char *const formats[] = {"logfmt", "json", NULL};
    static const char *const levels[] = {"debug", "info", "warn", "error",
                                         NULL};
    const struct json       *format = json_dig(config, "log", "format", NULL);
    const struct json       *level = json_dig(config, "log", "level", NULL);

    out->log_level = LOG_INFO;
    out->log_json = str_is(json_text(format), "json");
    if (format && !str_in(json_text(format), formats))
        return wrong_word("log.format", json_text(format), formats, err);
    if (level && !log_level_read(json_text(level), &out->log_level))
        return wrong_word("log.level", json_text(level), levels, err);
    return true;
}

static bool read_drain(const struct json *config, struct service_settings *out,
                       struct err *err) {
    const struct json *drain = json_find(config, "drain");

    out->drain_ms = DRAIN_MS;
    if (drain &&
        !timestamp_read_duration(json_text(drain), &out->drain_ms, err))
        return err_wrap(err, "drain");
    return out->drain_ms <= DRAIN_MS_MAX ||
           err_set(err, ERR_CONFIG, "drain must be at most 1h, not '%.*s'",
                   STR_ARG(json_text(drain)));
}

/* --- retention ------------------------------------------------------------- */

#define DAY_MS ((int64_t)24 * 60 * 60 * 1000)
#define AGE_MS_MIN 1000
#define AGE_MS_MAX (36500 * DAY_MS)
#define COUNT_MAX 1000000000

static const struct keeping {
    const char *name;
    int64_t     days, count; /* count 0: it has none */
    size_t      offset;
} keepings[] = {
#define AT(member) offsetof(struct retention_limits, member)
    {"runs", 30, 100000, AT(runs)},
    {"deliveries", 14, 100000, AT(deliveries)},
    {"unparsed", 30, 10000, AT(unparsed)},
    {"occurrences", 90, 0, AT(occurrences)},
#undef AT
};

static bool read_age(const struct keeping *row, const struct json *age,
                     int64_t *ms, struct err *err) {
    *ms = row->days * DAY_MS;
    if (!age)
        return true;
    if (!timestamp_read_duration(json_text(age), ms, err))
        return err_wrap(err, "retention.%s.age", row->name);
    return (*ms >= AGE_MS_MIN && *ms <= AGE_MS_MAX) ||
           err_set(err, ERR_CONFIG,
                   "retention.%s.age must be from 1s to 36500d, not '%.*s'",
                   row->name, STR_ARG(json_text(age)));
}

static bool read_count(const struct keeping *row, const struct json *count,
                       int64_t *out, struct err *err) {
    *out = row->count;
    if (!count)
        return true;
    *out = json_int(count);
    return (is_whole(count) && *out >= 1 && *out <= COUNT_MAX) ||
           err_set(err, ERR_CONFIG,
                   "retention.%s.count must be a whole number from 1 to %d, "
                   "not %.17g",
                   row->name, COUNT_MAX, json_number(count));
}

/* What waits for a retry must not go before what was read. */
static bool check_order(const struct retention_limits *limits,
                        struct err                    *err) {
    struct buf age = BUF_EMPTY;

    if (limits->unparsed.age_ms >= limits->deliveries.age_ms)
        return true;
    timestamp_write_duration(limits->deliveries.age_ms, &age);
    err_set(err, ERR_CONFIG,
            "retention.unparsed.age must be at least %s, which is "
            "retention.deliveries.age: what could not be read is kept longer",
            buf_text(&age));
    buf_release(&age);
    return false;
}

static bool read_retention(const struct json       *config,
                           struct service_settings *out, struct err *err) {
    const struct json *all = json_find(config, "retention");

    for (size_t i = 0; i < sizeof keepings / sizeof *keepings; i++) {
        const struct keeping   *row = &keepings[i];
        struct retention_limit *limit =
            (void *)((char *)&out->retention + row->offset);
        const struct json *given = json_find(all, row->name);

        if (!read_age(row, json_find(given, "age"), &limit->age_ms, err) ||
            !read_count(row, json_find(given, "count"), &limit->count, err))
            return false;
    }
    return check_order(&out->retention, err);
}

/* --- tokens ---------------------------------------------------------------- */

static bool check_token(struct str name, const struct json *token,
                        struct err *err) {
    const struct json *role = json_find(token, "role");
    enum token_role    known;
    struct buf         key = BUF_EMPTY;
    bool               ok = true;

    if (!json_find(token, "secret"))
        ok = err_set(err, ERR_CONFIG,
                     "tokens.%.*s has no secret: secret(\"NAME\")",
                     STR_ARG(name));
    else if (!role)
        ok = err_set(err, ERR_CONFIG,
                     "tokens.%.*s has no role: ingest, viewer or operator",
                     STR_ARG(name));
    buf_addf(&key, "tokens.%.*s.role", STR_ARG(name));
    if (ok && !token_role_read(json_text(role), &known))
        ok = wrong_word(buf_text(&key), json_text(role), token_roles, err);
    buf_release(&key);
    return ok;
}

static bool check_tokens(const struct json *config, struct err *err) {
    struct json_walk walk = json_walk_over(json_find(config, "tokens"));
    bool             ok = true;

    while (ok && json_walk_next(&walk))
        ok = check_token(walk.key, walk.value, err);
    json_walk_stop(&walk);
    return ok;
}

/* Read again by who sends them. */
static bool check_traces(const struct json *config, struct err *err) {
    struct otlp_settings traces;
    bool                 ok = otlp_settings_read(config, &traces, err);

    otlp_settings_release(&traces);
    return ok;
}

/* (SV1, SV2) */
bool service_settings_read(const struct json       *config,
                           struct service_settings *out, struct err *err) {
    const struct json *watch = json_find(config, "watch");

    memset(out, 0, sizeof *out);
    out->watch = !watch || json_truth(watch);
    return read_addresses(config, out, err) && read_tls(config, out, err) &&
           read_numbers(config, out, err) && read_drain(config, out, err) &&
           read_log(config, out, err) && read_retention(config, out, err) &&
           check_tokens(config, err) && check_traces(config, err);
}
