/* request_private.h - what the builders of requests share, for effect/ alone.
 *
 * Lifetime: call. Thread: loop.
 */
#ifndef EFFECT_REQUEST_PRIVATE_H
#define EFFECT_REQUEST_PRIVATE_H

#include "effect/request.h"

/* The deadline of the configuration, the usual cap, and a reach for endpoints
 * that are configured: a VPC endpoint or a Prometheus next door has a private
 * address. */
void request_limit(struct request *out, const struct json *config);
/* For values that are sound by their making; others check the result of
 * http_headers_add(). */
void request_header(struct request *out, const char *name, struct str value);
void request_json_body(struct request *out, const struct json *body);
/* config.SECTION.url or `otherwise`, without a slash at its end. */
void request_base(const struct json *config, const char *section,
                  const char *otherwise, struct buf *url);

typedef bool request_build_fn(const struct effect *effect, const char *token,
                              const struct request_context *context,
                              struct request *out, struct err *err);

request_build_fn request_aws_build;    /* request_aws.c */
request_build_fn request_github_build; /* request_github.c */

#endif
