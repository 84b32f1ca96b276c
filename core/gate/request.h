/* request.h - an effect as the HTTP request that carries it out.
 *
 * Each service has its own way of putting a name and arguments into a request:
 * AWS JSON posts to a signed endpoint, GitHub fills a route, Prometheus asks by
 * query string. Secrets enter here and nowhere earlier: after the intent was
 * written, from the table, into a header.
 *
 *   RQ1  A path argument cannot leave its segment, and no argument can add a
 *        header or another line.
 *   RQ2  Credentials go only to the endpoint that the configuration names for
 *        their service.
 *
 * Sources: AWS JSON 1.0 and 1.1 protocols (Smithy), GitHub REST
 * (docs.github.com/rest), Prometheus HTTP API v1.
 *
 * Lifetime: call. Thread: loop.
 */
#ifndef GATE_REQUEST_H
#define GATE_REQUEST_H

#include "auth/sigv4.h"
#include "gate/effect.h"
#include "net/http.h"

struct secrets;

struct request_context {
    const struct json    *config;
    const struct secrets *secrets;
    struct sigv4_key     *key; /* kept between requests */
    int64_t               now_ms;
};

bool request_build(const struct effect *effect, const char *token,
                   const struct request_context *context,
                   struct http_request *out, struct err *err);

#endif
