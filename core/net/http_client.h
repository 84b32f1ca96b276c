/* http_client.h - sends requests over kept-alive connections.
 *
 * libcurl's multi interface on our loop. Redirects are never followed, TLS is
 * 1.2 or newer with the peer and host verified, only http and https exist,
 * compressed answers are capped after they are unpacked, and the address of a
 * connection is judged when the socket is opened, so that a name which
 * resolves to 169.254.169.254 gets nowhere.
 *
 *   HC1  Every request ends by its deadline, whatever the peer does.
 *   HC2  An answer that was cut or overran its cap is an error, never a
 *        shorter answer.
 *   HC3  No connection is made to an address that the request's reach
 *        forbids, also when the name resolved to it only just now, and none
 *        that a request of wider reach left open is used.
 *   HC4  Of a request other than GET and HEAD the bytes leave at most once:
 *        nothing here repeats it. `not sent` is said only when no byte left.
 *   HC5  What may reach the places where AWS hands out credentials reaches
 *        nothing else, and goes through no proxy.
 *
 * Known limits: through a proxy it is the proxy that resolves names, so there
 * only addresses written in the URL are judged. A body that ends with its
 * connection (no length, no chunks) shows no cut, nor does a gzip stream that
 * its sender cut; whoever parses it finds out.
 *
 * Lifetime: process. Thread: loop.
 */
#ifndef NET_HTTP_CLIENT_H
#define NET_HTTP_CLIENT_H

#include "base/err.h"
#include "net/http.h"

struct loop;
struct http_client;
struct http_call;

struct http_client_options {
    const char *proxy;      /* NULL: none, whatever the environment says */
    const char *no_proxy;   /* "a.example,.b.example": go round the proxy */
    const char *ca_file;    /* NULL: the system's */
    const char *user_agent; /* never NULL */
};

/* `answer` lives until done returns. err is filled unless the fate is
 * HTTP_ANSWERED, whatever the status: a 500 is an answer. err->status is the
 * status of an answer that began and did not end, else 0. */
typedef void http_done_fn(void *arg, const struct http_answer *answer,
                          const struct err *err);

/* Ignores SIGPIPE for the whole process: OpenSSL writes to sockets that the
 * peer may have closed. */
struct http_client *http_client_open(struct loop                      *loop,
                                     const struct http_client_options *o);
/* No call may be in flight: cancel them and let their done come first. */
void                http_client_close(struct http_client *client);

/* Takes what `request` holds and leaves it empty, also when it refuses: a URL
 * that is not absolute http or https, or carries credentials; a header that
 * frames the message. */
bool http_client_start(struct http_client *client, struct http_request *request,
                       http_done_fn *done, void *arg, struct http_call **call,
                       struct err *err);
/* done still comes, once, later, with ERR_CANCELLED. */
void http_client_cancel(struct http_call *call);

#endif
