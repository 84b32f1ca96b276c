/* aws_argument.h - one argument as text, and moments as each protocol has them.
 *
 * A script writes moments as RFC 3339 or as seconds since 1970. JSON bodies
 * want seconds, forms and queries ISO 8601, headers the date of HTTP; a row
 * lists in `times` which arguments are moments, and everything else goes out
 * as the script wrote it.
 *
 * Source: Smithy, timestampFormat and the defaults of each protocol.
 *
 * Lifetime: call. Thread: any.
 */
#ifndef PROTOCOL_AWS_ARGUMENT_H
#define PROTOCOL_AWS_ARGUMENT_H

#include "base/json.h"

enum aws_time { AWS_TIME_SECONDS, AWS_TIME_ISO };

/* Text, number or truth value, percent-encoded but for `keep`; NULL: as is. */
void         aws_argument_write(const struct json *row, enum aws_time form,
                                struct str name, const struct json *value,
                                const char *keep, struct buf *out);
/* A copy whose moments are in seconds, at any depth. */
struct json *aws_argument_seconds(const struct json *row,
                                  const struct json *args);

#endif
