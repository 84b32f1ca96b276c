/* route.h - fills a path template with arguments, and lays out a query.
 *
 * "GET /repos/{owner}/{repo}/commits" and its like: what a template names goes
 * into the path, escaped; what is left over is the query or the body.
 *
 *   RO1  A path argument cannot leave its segment: what would be empty, "." or
 *        ".." there is refused, and every byte that means something in a URL
 *        is escaped. Only {path} and {ref} may span
 *        segments.
 *
 * Source: RFC 3986.
 *
 * Lifetime: call. Thread: any.
 */
#ifndef PROTOCOL_ROUTE_H
#define PROTOCOL_ROUTE_H

#include "base/json.h"

/* Appends the path to url and takes the arguments that it used out of `left`,
 * a map. */
bool route_fill(struct str route, struct json *left, struct buf *url,
                struct err *err);
/* Appends "?a=1&b=2", sorted by name; nothing for an empty map. A list gives
 * its name once for each item. */
void route_add_query(const struct json *args, struct buf *url);

#endif
