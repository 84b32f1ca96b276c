/* http.h - a request and its answer, as values.
 *
 * Built by whoever knows the protocol (gate/), signed by auth/, sent by
 * net/http_client.c. The answer says not only what came back but what is
 * known of the request: `not sent` means no byte of it reached the wire, so
 * that even a write may be sent again; `unknown` means some bytes did and no
 * full answer came, so that nobody knows whether it was applied.
 *
 * Source: RFC 9110.
 *
 * Lifetime: call. Thread: loop.
 */
#ifndef NET_HTTP_H
#define NET_HTTP_H

#include "base/buf.h"

struct http_header {
    char *name, *value;
};

struct http_headers {
    struct http_header *items;
    size_t              count;
};

/* Adds copies. A name or value with CR, LF or NUL is refused. */
bool       http_headers_add(struct http_headers *headers, struct str name,
                            struct str value);
/* First value of a name, any case; the empty str when there is none. */
struct str http_headers_find(const struct http_headers *headers,
                             const char                *name);
void       http_headers_drop(struct http_headers *headers, const char *name);
void       http_headers_release(struct http_headers *headers);

/* Whom a connection may reach, decided on the address really connected. */
enum http_reach {
    HTTP_PUBLIC,  /* no loopback, private, link-local or reserved address */
    HTTP_PRIVATE, /* private and loopback too, link-local never */
    /* Only where AWS hands out credentials, and loopback; never by a proxy. For
     * auth/ alone (lint). */
    HTTP_METADATA,
};

struct http_request {
    char               *method, *url;
    struct http_headers headers;
    struct buf          body;
    bool                has_body; /* an empty body is still sent as one */
    enum http_reach     reach;
    int64_t             deadline_ms; /* for the whole exchange; > 0 */
    size_t              answer_cap;  /* bytes of body; more is an error */
};

void http_request_init(struct http_request *request, const char *method,
                       struct str url);
void http_request_release(struct http_request *request); /* wipes headers */

enum http_fate { HTTP_NOT_SENT, HTTP_SENT_UNKNOWN, HTTP_ANSWERED };

struct http_answer {
    enum http_fate      fate;
    int                 status; /* only with HTTP_ANSWERED */
    struct http_headers headers;
    struct buf          body;
};

void http_answer_release(struct http_answer *answer);

#endif
