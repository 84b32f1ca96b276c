/* http_server.h - takes requests on threads of its own, hands each over whole.
 *
 * libmicrohttpd receives: a few threads with epoll, keep-alive, TLS 1.2 or
 * newer. A request whose head and body are complete, within their caps and
 * beyond doubt is handed to one function, and its connection sleeps, without a
 * thread, until somebody answers it: that is how a 202 can wait for a commit
 * that serves many. Everything else is answered here and never handed over.
 *
 *   HS1  A request is handed over once, with its whole body, or not at all.
 *   HS2  An exchange is answered once, from any thread; its connection holds
 *        no thread meanwhile.
 *   HS3  A request whose end is in doubt - two lengths, a length and chunks,
 *        an encoding that is not understood, a critical header twice, a line
 *        that does not end in CR LF - is refused with 400 and its connection
 *        closed.
 *   HS4  What exceeds a cap (body, head, connections, time) is refused before
 *        it is kept, and costs nobody else their turn.
 *   HS5  A renewed certificate is what the next connection sees; those that
 *        are open live on, and nobody is refused in between.
 *   HS6  Closing sends the answers that are owed before it ends.
 *
 * A refusal is application/problem+json, but for what libmicrohttpd cannot
 * read as a request at all (a field without a colon, a broken chunk, a line of
 * more than its whole memory): it answers that itself, with the right status.
 *
 * Source: RFC 9110 and RFC 9112, RFC 9457 for the form of an error.
 *
 * Lifetime: process. Thread: any, but open and close: loop.
 */
#ifndef NET_HTTP_SERVER_H
#define NET_HTTP_SERVER_H

#include <stdbool.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/err.h"
#include "net/http_tls.h"

struct http_server;
struct http_exchange;

/* On one of the server's threads; must not block. The exchange is the
 * callee's until it is answered. */
typedef void   http_server_fn(void *arg, struct http_exchange *exchange);
/* Bytes of body that a request to this path may have, at least 1; 0: there is
 * no such path, or not with this method. Any thread. */
typedef size_t http_server_cap_fn(void *arg, struct str method,
                                  struct str path);

struct http_server_options {
    const char         *address; /* "127.0.0.1", "::", … */
    uint16_t            port;    /* 0: one that is free */
    unsigned            threads;
    unsigned            connections; /* all together: at the cap the longest
                                      * idle gives way */
    unsigned            connections_per_peer; /* of one address; 0: no limit */
    unsigned            request_s;         /* for a whole request to arrive */
    unsigned            idle_s;            /* between two requests; 0: 60 */
    size_t              bodies;            /* bytes of all bodies together that
                                            * are held; 0: 256 MiB */
    const char         *certificate, *key; /* PEM; NULL: no TLS */
    const char         *client_ca;         /* PEM; NULL: no client is asked */
    http_server_cap_fn *cap;
    http_server_fn     *handle;
    void               *arg;
}; /* all borrowed */

struct http_server *http_server_open(const struct http_server_options *options,
                                     struct err                       *err);
uint16_t            http_server_port(const struct http_server *server);
/* Any thread. When it fails the old certificate stays. (HS5) */
bool http_server_renew(struct http_server *server, const char *certificate,
                       const char *key, struct err *err);
/* No new connections; requests that are under way are still taken, and each
 * answer ends its connection. */
void http_server_quiesce(struct http_server *server);
/* Waits until every exchange has been answered. NULL is fine. (HS6) */
void http_server_close(struct http_server *server);

/* Every status that http_server_refused() may be other than 0 for; ends in 0.
 */
extern const int http_server_statuses[];
/* How many were refused here and not handed over. 408: too slow, 503: had to
 * give way or found no place. */
uint64_t http_server_refused(const struct http_server *server, int status);

/* --- an exchange ------------------------------------------------------- */

struct str http_exchange_method(const struct http_exchange *exchange);
/* Decoded, without the query. */
struct str http_exchange_path(const struct http_exchange *exchange);
struct str http_exchange_query(const struct http_exchange *exchange,
                               const char                 *name);
struct str http_exchange_header(const struct http_exchange *exchange,
                                const char                 *name);
struct str http_exchange_body(const struct http_exchange *exchange);
struct str http_exchange_peer(const struct http_exchange *exchange);
/* Whose certificate was presented and verifies; else all is empty. */
struct http_tls_client
http_exchange_client(const struct http_exchange *exchange);

/* Adds to the answer that is to come: Retry-After, WWW-Authenticate, … */
void http_exchange_add(struct http_exchange *exchange, const char *name,
                       struct str value);
/* The body is copied; the exchange is gone. (HS2) */
void http_exchange_answer(struct http_exchange *exchange, int status,
                          const char *type, struct str body);
/* The body is as in http_problem.h. A 413 ends the connection. */
void http_exchange_problem(struct http_exchange *exchange, int status,
                           const char *code, const char *detail);

#endif
