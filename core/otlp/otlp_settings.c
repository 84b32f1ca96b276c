/* otlp_settings.c - one short function for each key. */
#include "otlp/otlp_settings.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>

#include "base/encode.h"
#include "base/timestamp.h"

#define TRACES_PATH "/v1/traces"
#define RESOURCE_MAX 24
#define TIMEOUT_MS 10000
#define FLUSH_MS 5000

static bool refuse(struct err *err, const char *key, struct str given,
                   const char *allowed) {
    return err_set(err, ERR_CONFIG, "otlp.%s must be %s, not '%.*s'", key,
                   allowed, (int)(given.len > 80 ? 80 : given.len), given.data);
}

/* --- pairs --------------------------------------------------------------- */

bool otlp_settings_pair(struct str *list, struct str *key, struct buf *value,
                        bool *bad) {
    struct str text = STR(""), pair;
    struct err err;

    *bad = false;
    while (list->data && text.len == 0)
        text = str_trim(str_cut(*list, ',', list));
    if (text.len == 0)
        return false;
    *key = str_trim(str_cut(text, '=', &pair));
    buf_clear(value);
    *bad = key->len == 0 || !pair.data ||
           !encode_percent_read(str_trim(pair), value, &err);
    return !*bad;
}

/* --- where --------------------------------------------------------------- */

static bool is_url(struct str text) {
    return str_starts(text, "http://") || str_starts(text, "https://");
}

static bool read_url(const struct json *otlp, struct otlp_settings *out,
                     struct err *err) {
    struct str  base = json_find_text(otlp, "endpoint");
    struct str  whole = json_find_text(otlp, "traces_endpoint");
    const char *key = whole.len ? "traces_endpoint" : "endpoint";
    struct str  given = whole.len ? whole : base;

    if (!is_url(given))
        return refuse(err, key, given, "a URL like http://127.0.0.1:4318");
    while (!whole.len && base.len && base.data[base.len - 1] == '/')
        base.len--;
    buf_add_str(&out->url, whole.len ? whole : base);
    if (!whole.len)
        buf_add_text(&out->url, TRACES_PATH);
    return true;
}

static bool read_protocol(const struct json *otlp, struct err *err) {
    struct str given = json_find_text(otlp, "protocol");

    return given.len == 0 || str_is(given, "http/json") ||
           err_set(err, ERR_CONFIG,
                   "otlp.protocol (OTEL_EXPORTER_OTLP_PROTOCOL) is '%.*s', and "
                   "traces are sent as http/json alone: set it to that, with "
                   "the collector's port for HTTP (4318), or set "
                   "OTEL_TRACES_EXPORTER=none",
                   (int)(given.len > 40 ? 40 : given.len), given.data);
}

static bool is_header(struct str name) {
    return str_made_of(name, isalnum, "!#$%&'*+-.^_`|~");
}

/* (OS2) */
static bool read_headers(const struct json *otlp, struct otlp_settings *out,
                         struct err *err) {
    struct json_walk walk = json_walk_over(json_find(otlp, "headers"));
    bool             ok = true;

    out->headers = json_find(otlp, "headers");
    while (ok && json_walk_next(&walk))
        if (!is_header(walk.key))
            ok = refuse(err, "headers", walk.key, "named as HTTP allows");
    json_walk_stop(&walk);
    return ok;
}

/* --- which --------------------------------------------------------------- */

static const struct sampler {
    const char *name;
    bool        some, ratio, ignores;
} samplers[] = {
    {"always_on", false, false, true},
    {"always_off", true, false, true},
    {"traceidratio", true, true, true},
    {"parentbased_always_on", false, false, false},
    {"parentbased_always_off", true, false, false},
    {"parentbased_traceidratio", true, true, false},
};

static bool read_ratio(const struct json *otlp, double *ratio,
                       struct err *err) {
    struct str given = json_find_text(otlp, "sampler_arg");
    char      *end;

    *ratio = 1;
    if (given.len == 0)
        return true;
    *ratio = strtod(given.data, &end);
    return (end == given.data + given.len && *ratio >= 0 && *ratio <= 1) ||
           refuse(err, "sampler_arg", given, "a number from 0 to 1");
}

static bool read_sampler(const struct json *otlp, struct otlp_settings *out,
                         struct err *err) {
    struct str given = json_find_text(otlp, "sampler");
    struct buf all = BUF_EMPTY;

    if (given.len == 0)
        return true;
    for (size_t i = 0; i < sizeof samplers / sizeof *samplers; i++) {
        const struct sampler *sampler = &samplers[i];

        buf_addf(&all, "%s%s", i ? ", " : "one of ", sampler->name);
        if (!str_is(given, sampler->name))
            continue;
        buf_release(&all);
        out->sampler = (struct trace_sampler){.some = sampler->some,
                                              .ignores = sampler->ignores};
        return !sampler->ratio || read_ratio(otlp, &out->sampler.ratio, err);
    }
    (void)refuse(err, "sampler", given, buf_text(&all));
    buf_release(&all);
    return false;
}

/* --- who we are ---------------------------------------------------------- */

static bool read_resource(const struct json *otlp, struct otlp_settings *out,
                          struct err *err) {
    struct str list = json_find_text(otlp, "resource"), key, given = list;
    struct buf value = BUF_EMPTY;
    bool       bad = false;

    out->resource = json_new_map();
    while (json_count(out->resource) < RESOURCE_MAX &&
           otlp_settings_pair(&list, &key, &value, &bad))
        json_put_str(out->resource, key, json_new_text(buf_str(&value)));
    buf_release(&value);
    return !bad || refuse(err, "resource", given,
                          "key=value,key=value, with %XX for what is special");
}

/* otlp.service comes first, then service.name among the resource's. */
static void read_service(const struct json *otlp, struct otlp_settings *out) {
    struct str name = json_find_text(otlp, "service");
    struct str other = json_find_text(out->resource, "service.name");

    out->service = name.len ? name.data : other.len ? other.data : "nightshift";
}

/* --- how long ------------------------------------------------------------ */

static bool read_duration(const struct json *otlp, const char *key,
                          int64_t otherwise, int64_t *out, struct err *err) {
    struct str given = json_find_text(otlp, key);

    *out = otherwise;
    if (given.len == 0)
        return true;
    return (timestamp_read_duration(given, out, err) && *out >= 10 &&
            *out <= 300000) ||
           refuse(err, key, given, "from 10ms to 5m");
}

static bool is_wanted(const struct json *otlp) {
    return (json_find_text(otlp, "endpoint").len ||
            json_find_text(otlp, "traces_endpoint").len) &&
           !str_is(json_find_text(otlp, "exporter"), "none");
}

static bool read_exporter(const struct json *otlp, struct err *err) {
    struct str given = json_find_text(otlp, "exporter");

    return given.len == 0 || str_is(given, "otlp") || str_is(given, "none") ||
           refuse(err, "exporter", given, "otlp or none");
}

static bool read_all(const struct json *otlp, struct otlp_settings *out,
                     struct err *err) {
    return read_url(otlp, out, err) && read_protocol(otlp, err) &&
           read_headers(otlp, out, err) && read_sampler(otlp, out, err) &&
           read_resource(otlp, out, err) &&
           read_duration(otlp, "timeout", TIMEOUT_MS, &out->timeout_ms, err) &&
           read_duration(otlp, "flush", FLUSH_MS, &out->flush_ms, err);
}

/* (OS1) */
bool otlp_settings_read(const struct json *config, struct otlp_settings *out,
                        struct err *err) {
    const struct json *otlp = json_find(config, "otlp");
    struct str         ca = json_find_text(otlp, "ca_file");

    memset(out, 0, sizeof *out);
    if (!read_exporter(otlp, err))
        return false;
    if (!is_wanted(otlp))
        return true;
    if (!read_all(otlp, out, err)) {
        otlp_settings_release(out);
        return false;
    }
    if (!ca.len)
        ca = json_text(json_dig(config, "http", "ca_file", NULL));
    out->ca_file = ca.len ? ca.data : NULL;
    read_service(otlp, out);
    out->on = true;
    return true;
}

void otlp_settings_release(struct otlp_settings *settings) {
    buf_release(&settings->url);
    json_release(settings->resource);
    memset(settings, 0, sizeof *settings);
}
