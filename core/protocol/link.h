/* link.h - where the next page is, from a Link header.
 *
 * `<https://api.github.com/…?page=2>; rel="next", <…>; rel="last"`: the link is
 * never followed. Its query becomes the arguments of the next call, which goes
 * the same way as the first, so all that a server can choose by it is a page.
 *
 *   LK1  A next link that leads to another origin or path than the page did is
 *        an error, never followed and never ignored.
 *
 * GitHub writes paths of repositories and organisations by number
 * (/repositories/42/issues for /repos/o/r/issues); that is the same path.
 *
 * Source: RFC 8288.
 *
 * Lifetime: call. Thread: any.
 */
#ifndef PROTOCOL_LINK_H
#define PROTOCOL_LINK_H

#include "base/json.h"

/* *next is empty when the header names no next page. */
bool         link_next(struct str header, struct str *next, struct err *err);
/* (LK1) Gives the arguments of the query of `next`, all of them texts, for a
 * page that was asked for at `url`; NULL with err. */
struct json *link_arguments(struct str next, struct str url, struct err *err);

#endif
