/* aws_query.h - arguments as a form: Action=…&Filters.member.1.Name=…
 *
 * The older services take names with dots in them. What stands between the
 * dots is nowhere in the arguments, so rows hint at it: `items` names the
 * items of a list that are not "member", `maps` says which objects are maps
 * and what their halves are called, `names` gives the wire's own name, and
 * `times` names arguments that are moments.
 *
 *   AQ1  Action and Version are the row's and the operation's; an argument
 *        cannot set them, and cannot add a parameter of another name. (RQ1)
 *   AQ2  An empty list is sent as one by `query` and left out by `ec2`; an
 *        empty object is left out by both. They are never mistaken.
 *
 * Source: Smithy, AWS query and EC2 query protocols.
 *
 * Lifetime: call. Thread: any.
 */
#ifndef PROTOCOL_AWS_QUERY_H
#define PROTOCOL_AWS_QUERY_H

#include "base/json.h"

bool aws_query_write(const struct json *row, struct str operation,
                     const struct json *args, struct buf *out, struct err *err);

#endif
