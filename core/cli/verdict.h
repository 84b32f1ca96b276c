/* verdict.h - what auth/inbound thinks of one delivery, as JSON in and out.
 *
 * For a line { "verify": … } of `nightshift sign`: settings of a source and a
 * delivery as it came, so that a person can see why it is refused, and a test
 * can let signers of others make deliveries. Members of what is given:
 *
 *   settings      as under `sources` of the configuration
 *   secrets       { NAME = text }; one that is not there is taken from the
 *                 environment
 *   headers       { name = text }
 *   body          text, or body_base64 for bytes that are none
 *   time          when it came, RFC 3339
 *   subject       of a verified client certificate, and names, a list
 *   certificates  { url = PEM }, what would have been fetched
 *
 * Lifetime: call. Thread: loop.
 */
#ifndef CLI_VERDICT_H
#define CLI_VERDICT_H

#include "base/json.h"

/* Gives { verdict, why, secret, delivery, who, url, warning }, without those
 * that are empty; NULL with err filled. */
struct json *verdict_of(const struct json *delivery, struct err *err);

#endif
