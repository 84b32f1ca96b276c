/* http_tls.c - GnuTLS credentials with a count.
 *
 * A client's certificate is asked for and not insisted on; whether a path
 * wants one is its owner's business. Its chain is therefore verified when a
 * request asks who is there, and one that does not verify is nobody's. (HT1)
 */
#include "net/http_tls.h"

#include <assert.h>
#include <ctype.h>
#include <gnutls/abstract.h>
#include <gnutls/gnutls.h>
#include <gnutls/x509.h>
#include <stdatomic.h>

#include "base/buf.h"
#include "base/mem.h"

#define SAN_COUNT_MAX 64
#define SAN_BYTES_MAX 256

struct http_tls {
    atomic_uint                      holders;
    bool                             asks;
    gnutls_certificate_credentials_t credentials;
};

static gnutls_datum_t datum(const char *text) {
    return (gnutls_datum_t){(unsigned char *)(uintptr_t)text,
                            (unsigned)strlen(text)};
}

static bool load(struct http_tls *tls, const char *certificate, const char *key,
                 const char *client_ca, struct err *err) {
    gnutls_datum_t chain = datum(certificate), secret = datum(key);
    int            rc;

    rc = gnutls_certificate_set_x509_key_mem(tls->credentials, &chain, &secret,
                                             GNUTLS_X509_FMT_PEM);
    if (rc < 0)
        return err_set(err, ERR_CONFIG,
                       "the certificate and its key cannot be used: %s",
                       gnutls_strerror(rc));
    if (client_ca) {
        gnutls_datum_t trust = datum(client_ca);

        rc = gnutls_certificate_set_x509_trust_mem(tls->credentials, &trust,
                                                   GNUTLS_X509_FMT_PEM);
        if (rc <= 0)
            return err_set(err, ERR_CONFIG,
                           "the client authorities cannot be used: %s",
                           rc ? gnutls_strerror(rc) : "none is in the text");
    }
    tls->asks = client_ca != NULL;
    return true;
}

struct http_tls *http_tls_open(const char *certificate, const char *key,
                               const char *client_ca, struct err *err) {
    struct http_tls *tls = mem_new(sizeof *tls);

    atomic_init(&tls->holders, 1);
    if (gnutls_certificate_allocate_credentials(&tls->credentials) < 0)
        abort(); /* out of memory, see mem.h */
    if (!load(tls, certificate, key, client_ca, err)) {
        http_tls_close(tls);
        return NULL;
    }
    return tls;
}

struct http_tls *http_tls_share(struct http_tls *tls) {
    if (tls)
        atomic_fetch_add(&tls->holders, 1);
    return tls;
}

void http_tls_close(struct http_tls *tls) {
    if (!tls || atomic_fetch_sub(&tls->holders, 1) > 1)
        return;
    gnutls_certificate_free_credentials(tls->credentials);
    mem_free(tls);
}

bool http_tls_attach(struct http_tls *tls, void *session) {
    if (gnutls_credentials_set(session, GNUTLS_CRD_CERTIFICATE,
                               tls->credentials) < 0)
        return false;
    if (tls->asks)
        gnutls_certificate_server_set_request(session, GNUTLS_CERT_REQUEST);
    return true;
}

/* --- the client --------------------------------------------------------- */

static bool verifies(gnutls_session_t session) {
    gnutls_typed_vdata_st use = {
        GNUTLS_DT_KEY_PURPOSE_OID,
        (unsigned char *)(uintptr_t)GNUTLS_KP_TLS_WWW_CLIENT, 0};
    unsigned status = 0, count = 0;

    return gnutls_certificate_get_peers(session, &count) && count > 0 &&
           gnutls_certificate_verify_peers(session, &use, 1, &status) == 0 &&
           status == 0;
}

static struct str copy(const void *data, size_t len) {
    return (struct str){mem_text(data, len), len};
}

/* What is no name of DNS was made to deceive: a NUL or a line end in it would
 * make two of one. (HT1) */
static void take_names(gnutls_x509_crt_t       certificate,
                       struct http_tls_client *client) {
    client->names = mem_new(SAN_COUNT_MAX * sizeof *client->names);
    for (unsigned i = 0; i < SAN_COUNT_MAX; i++) {
        char   name[SAN_BYTES_MAX];
        size_t len = sizeof name;
        int    kind = gnutls_x509_crt_get_subject_alt_name(certificate, i, name,
                                                           &len, NULL);

        if (kind == GNUTLS_E_REQUESTED_DATA_NOT_AVAILABLE)
            return;
        if (kind == GNUTLS_SAN_DNSNAME &&
            str_made_of((struct str){name, len}, isalnum, "-._*"))
            client->names[client->count++] = copy(name, len);
    }
}

static void take_subject(gnutls_x509_crt_t       certificate,
                         struct http_tls_client *client) {
    gnutls_datum_t text = {NULL, 0};

    if (gnutls_x509_crt_get_dn3(certificate, &text, 0) < 0)
        return;
    client->subject = copy(text.data, text.size);
    gnutls_free(text.data);
}

void http_tls_name_client(const struct http_tls *tls, void *session,
                          struct http_tls_client *client) {
    gnutls_x509_crt_t     certificate;
    const gnutls_datum_t *chain;
    unsigned              count;

    if (!tls->asks || !verifies(session))
        return;
    chain = gnutls_certificate_get_peers(session, &count);
    if (gnutls_x509_crt_init(&certificate) < 0)
        abort(); /* out of memory, see mem.h */
    if (gnutls_x509_crt_import(certificate, &chain[0], GNUTLS_X509_FMT_DER) >=
        0) {
        take_subject(certificate, client);
        take_names(certificate, client);
    }
    gnutls_x509_crt_deinit(certificate);
}

void http_tls_client_release(struct http_tls_client *client) {
    for (size_t i = 0; i < client->count; i++)
        mem_free((void *)(uintptr_t)client->names[i].data);
    mem_free(client->names);
    mem_free((void *)(uintptr_t)client->subject.data);
    *client = (struct http_tls_client){{NULL, 0}, NULL, 0};
}

/* --- what libmicrohttpd insists on -------------------------------------- */

static int none(gnutls_session_t session, const gnutls_datum_t *authorities,
                int count, const gnutls_pk_algorithm_t *algorithms,
                int algorithms_count, gnutls_pcert_st **certificate,
                unsigned *length, gnutls_privkey_t *key) {
    (void)session;
    (void)authorities;
    (void)count;
    (void)algorithms;
    (void)algorithms_count;
    *certificate = NULL;
    *length = 0;
    *key = NULL;
    return -1;
}

void *http_tls_no_certificate(void) {
    union {
        gnutls_certificate_retrieve_function2 *function;
        void                                  *pointer;
    } as = {none};

    return as.pointer;
}
