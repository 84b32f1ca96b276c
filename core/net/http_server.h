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
 *        an encoding that is not understood, a critical header twice - is
 *        refused with 400 and its connection closed.
 *   HS4  What exceeds a cap (body, head, connections, time) is refused before
 *        it is kept, and costs nobody else their turn.
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

struct http_server;
struct http_exchange;

/* On one of the server's threads; must not block. The exchange is the
 * callee's until it is answered. */
typedef void   http_server_fn(void *arg, struct http_exchange *exchange);
/* Bytes of body that a request to this path may have; 0: no such path. */
typedef size_t http_server_cap_fn(void *arg, struct str method,
                                  struct str path);

struct http_server_options {
    const char         *address; /* "127.0.0.1", "::", … */
    uint16_t            port;    /* 0: one that is free */
    unsigned            threads, connections, connections_per_peer;
    unsigned            request_s;         /* for a whole request to arrive */
    const char         *certificate, *key; /* PEM; NULL: no TLS */
    http_server_cap_fn *cap;
    http_server_fn     *handle;
    void               *arg;
}; /* all borrowed */

struct http_server *http_server_open(const struct http_server_options *options,
                                     struct err                       *err);
uint16_t            http_server_port(const struct http_server *server);
/* No new connections; requests that are under way are still taken. */
void                http_server_quiesce(struct http_server *server);
/* Waits until every exchange has been answered. NULL is fine. */
void                http_server_close(struct http_server *server);

/* How many were refused here, by status: 400, 404, 408, 413, 431, 503. */
uint64_t http_server_refused(const struct http_server *server, int status);

/* --- an exchange ------------------------------------------------------- */

struct str http_exchange_method(const struct http_exchange *exchange);
struct str http_exchange_path(const struct http_exchange *exchange);
struct str http_exchange_query(const struct http_exchange *exchange,
                               const char                 *name);
struct str http_exchange_header(const struct http_exchange *exchange,
                                const char                 *name);
struct str http_exchange_body(const struct http_exchange *exchange);
struct str http_exchange_peer(const struct http_exchange *exchange);
/* Adds to the answer that is to come. */
void       http_exchange_add(struct http_exchange *exchange, const char *name,
                             struct str value);
/* The body is copied; the exchange is gone. (HS2) */
void       http_exchange_answer(struct http_exchange *exchange, int status,
                                const char *type, struct str body);
/* application/problem+json: { status, title, detail, code }. */
void       http_exchange_problem(struct http_exchange *exchange, int status,
                                 const char *code, const char *detail);

#endif
