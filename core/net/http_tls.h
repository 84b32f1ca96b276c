/* http_tls.h - our certificate, and what a peer's certificate says.
 *
 * One struct http_tls is one certificate with its key, and the authorities
 * whose clients are believed. It is counted: every connection holds the one it
 * began with, so a certificate can be replaced while connections live on.
 *
 *   HT1  A client is named only when it presented a certificate that one of
 *        our authorities issued for that use and that is valid now.
 *
 * TLS 1.2 or newer. The only module that knows GnuTLS, which libmicrohttpd
 * brings; a session is a void pointer outside.
 *
 * Lifetime: process. Thread: any.
 */
#ifndef NET_HTTP_TLS_H
#define NET_HTTP_TLS_H

#include "base/err.h"
#include "base/str.h"

#define HTTP_TLS_PRIORITIES "NORMAL:-VERS-ALL:+VERS-TLS1.3:+VERS-TLS1.2"

struct http_tls;

/* Who called: nobody, where the subject is empty. */
struct http_tls_client {
    struct str  subject; /* RFC 4514: "CN=alerts,O=Example" */
    struct str *names;   /* DNS names of its subject alternative name */
    size_t      count;
};

/* All PEM; client_ca may be NULL: then nobody is asked for a certificate. */
struct http_tls *http_tls_open(const char *certificate, const char *key,
                               const char *client_ca, struct err *err);
struct http_tls *http_tls_share(struct http_tls *tls); /* NULL is fine */
void             http_tls_close(struct http_tls *tls); /* NULL is fine */

/* Before the handshake. */
bool http_tls_attach(struct http_tls *tls, void *session);
/* After it. */
void http_tls_name_client(const struct http_tls *tls, void *session,
                          struct http_tls_client *client);
void http_tls_client_release(struct http_tls_client *client);

/* For libmicrohttpd's HTTPS_CERT_CALLBACK, which it insists on: every session
 * was given its credentials before, so this is never what answers. */
void *http_tls_no_certificate(void);

#endif
