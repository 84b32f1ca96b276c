/* request.h - an effect as the HTTP request that carries it out.
 *
 * Each service has its own way of putting a name and arguments into a request:
 * AWS posts to a regional endpoint, GitHub fills a route, Prometheus asks by
 * query string. Secrets enter later, by a signer, as the last step before the
 * request is sent; the one exception is a channel whose whole URL is one.
 *
 *   RQ1  No argument can leave the path segment, the query value or the body
 *        that is its place, or add a header or another line.
 *   RQ2  Credentials go only to the endpoint that the configuration names for
 *        their service; nothing built here holds one: `signer` says whose are
 *        to be added.
 *
 * Sources: AWS protocols (Smithy), GitHub REST (docs.github.com/rest),
 * Prometheus HTTP API v1.
 *
 * Lifetime: call. Thread: loop.
 */
#ifndef EFFECT_REQUEST_H
#define EFFECT_REQUEST_H

#include "auth/signer.h"
#include "effect/effect.h"

struct secrets;

struct request_context {
    const struct json    *config;
    const struct secrets *secrets;
};

/* Zeroed it is empty. `scope` borrows from the effect and the configuration. */
struct request {
    struct http_request http;
    enum signer_kind    signer;
    struct signer_scope scope;
};

/* On failure *out is empty. */
bool request_build(const struct effect *effect, const char *token,
                   const struct request_context *context, struct request *out,
                   struct err *err);

#endif
