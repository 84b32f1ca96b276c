/* otlp_settings.h - where traces go, and which: as values that can be used.
 *
 * From the table `otlp` of the configuration, which takes the usual OTEL_…
 * variables too. Without an endpoint there are no traces.
 *
 *   OS1  What cannot be done as it is asked for - another protocol, a sampler
 *        that nobody knows, a header that no request can carry - is an error
 *        that names the key and says what is allowed; nothing else is sent in
 *        its place.
 *   OS2  A value of a header is a secret: it is neither kept here nor in an
 *        error. (N11)
 *
 * Sources: the OTLP exporter and SDK pages of the OpenTelemetry specification
 * for names and defaults; W3C Baggage for lists of pairs.
 *
 * Lifetime: process. Thread: any.
 */
#ifndef OTLP_OTLP_SETTINGS_H
#define OTLP_OTLP_SETTINGS_H

#include "base/json.h"
#include "observe/trace.h"

#define OTLP_HEADER_LIST "OTEL_EXPORTER_OTLP_HEADERS" /* name of a secret */

/* Texts are borrowed from the configuration. */
struct otlp_settings {
    bool                 on;
    struct buf           url;               /* of the traces */
    const char          *service, *ca_file; /* ca_file: NULL when not given */
    struct json         *resource;          /* key -> text */
    const struct json   *headers;           /* name -> { secret }, or NULL */
    struct trace_sampler sampler;
    int64_t              timeout_ms, flush_ms;
};

/* Of the whole configuration. On failure nothing is held. */
bool otlp_settings_read(const struct json *config, struct otlp_settings *out,
                        struct err *err);
void otlp_settings_release(struct otlp_settings *settings);

/* The next pair of "key=value,key=value", blanks cut and the value decoded; an
 * empty one is passed over. False at the end, or with *bad on one that is none. */
bool otlp_settings_pair(struct str *list, struct str *key, struct buf *value,
                        bool *bad);

#endif
