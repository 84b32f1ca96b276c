/* etag.h - answers that a service may tell us are still good.
 *
 * A read whose answer carried an ETag is sent with it the next time; a 304
 * costs nothing of GitHub's rate limit and means the kept body. Who polls a
 * pull request for ten minutes asks forty times and is counted for the times
 * that something changed.
 *
 *   ET1  What one identity was shown is never given to another: the key is of
 *        URL and Authorization together, as a digest.
 *   ET2  At most ETAG_COUNT answers and ETAG_BYTES of them are kept; the one
 *        used longest ago goes first.
 *
 * Source: RFC 9110, sections 8.8.3 and 13.1.2.
 *
 * Lifetime: process. Thread: loop.
 */
#ifndef GATE_ETAG_H
#define GATE_ETAG_H

#include "net/http.h"

#define ETAG_COUNT 128
#define ETAG_BYTES (4u << 20)

struct etag;

struct etag *etag_open(void);
void         etag_close(struct etag *etag); /* NULL is fine */

struct etag_key {
    char text[65]; /* "" for a request that is not kept */
};
/* After signing. Adds If-None-Match when an answer is kept. */
struct etag_key etag_ask(struct etag *etag, struct http_request *request);
/* Keeps a 200 that has an ETag; fills *whole with the kept answer for a 304,
 * with the new headers, and gives true. *whole is then to be released. */
bool            etag_take(struct etag *etag, const struct etag_key *key,
                          const struct http_answer *http, struct http_answer *whole);

#endif
