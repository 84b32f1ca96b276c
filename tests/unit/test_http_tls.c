/* test_http_tls.c - certificates, ours and theirs, over a real handshake.
 *
 * The authorities and certificates are made here, each for the moment of the
 * test; the client is GnuTLS on a blocking socket.
 */
#include <criterion/criterion.h>

#include <arpa/inet.h>
#include <gnutls/gnutls.h>
#include <gnutls/x509.h>
#include <sys/socket.h>

#include "net/http_server.h"
#include "support.h"

#define DAY (24 * 3600)

struct identity {
    gnutls_x509_crt_t     certificate;
    gnutls_x509_privkey_t key;
    char                  certificate_pem[4096], key_pem[4096];
};

static struct identity     authority, impostor, door, other_door, alerts;
static struct http_server *server;
static char                got[4096];

static struct timespec now(void) {
    struct timespec at;

    (void)clock_gettime(CLOCK_REALTIME, &at);
    return at;
}

static void ok(int rc) {
    cr_assert(rc >= 0, "%s", gnutls_strerror(rc));
}

/* Signed by itself when `by` is NULL. */
static void make(struct identity *who, const struct identity *by,
                 const char *name, const char *use, int days) {
    static unsigned char   serial;
    size_t                 len = sizeof who->certificate_pem;
    gnutls_x509_crt_t      crt;
    const struct identity *signer = by ? by : who;

    serial++;
    ok(gnutls_x509_privkey_init(&who->key));
    ok(gnutls_x509_privkey_generate(
        who->key, GNUTLS_PK_ECDSA,
        GNUTLS_CURVE_TO_BITS(GNUTLS_ECC_CURVE_SECP256R1), 0));
    ok(gnutls_x509_crt_init(&crt));
    who->certificate = crt;
    ok(gnutls_x509_crt_set_version(crt, 3));
    ok(gnutls_x509_crt_set_serial(crt, &serial, 1));
    ok(gnutls_x509_crt_set_activation_time(crt, now().tv_sec - 9 * DAY));
    ok(gnutls_x509_crt_set_expiration_time(crt, now().tv_sec + days * DAY));
    ok(gnutls_x509_crt_set_dn_by_oid(crt, GNUTLS_OID_X520_COMMON_NAME, 0, name,
                                     (unsigned)strlen(name)));
    ok(gnutls_x509_crt_set_subject_alt_name(crt, GNUTLS_SAN_DNSNAME, name,
                                            (unsigned)strlen(name), 0));
    ok(gnutls_x509_crt_set_key(crt, who->key));
    ok(gnutls_x509_crt_set_basic_constraints(crt, by == NULL, -1));
    if (use)
        ok(gnutls_x509_crt_set_key_purpose_oid(crt, use, 0));
    ok(gnutls_x509_crt_sign2(crt, signer->certificate, signer->key,
                             GNUTLS_DIG_SHA256, 0));
    ok(gnutls_x509_crt_export(crt, GNUTLS_X509_FMT_PEM, who->certificate_pem,
                              &len));
    len = sizeof who->key_pem;
    ok(gnutls_x509_privkey_export(who->key, GNUTLS_X509_FMT_PEM, who->key_pem,
                                  &len));
}

static void drop(struct identity *who) {
    if (who->certificate)
        gnutls_x509_crt_deinit(who->certificate);
    if (who->key)
        gnutls_x509_privkey_deinit(who->key);
}

static size_t cap_of(void *arg, struct str method, struct str path) {
    (void)arg;
    (void)path;
    return str_is(method, "GET") ? 1 : 0;
}

/* "<subject> name name" */
static void say_who(void *arg, struct http_exchange *exchange) {
    struct http_tls_client client = http_exchange_client(exchange);
    struct buf             body = BUF_EMPTY;

    (void)arg;
    buf_addf(&body, "<%.*s>", STR_ARG(client.subject));
    for (size_t i = 0; i < client.count; i++)
        buf_addf(&body, " %.*s", STR_ARG(client.names[i]));
    http_exchange_answer(exchange, 200, "text/plain", buf_str(&body));
    buf_release(&body);
}

static struct http_server_options options_with(const char *client_ca) {
    return (struct http_server_options){.address = "127.0.0.1",
                                        .threads = 2,
                                        .connections = 16,
                                        .request_s = 30,
                                        .certificate = door.certificate_pem,
                                        .key = door.key_pem,
                                        .client_ca = client_ca,
                                        .cap = cap_of,
                                        .handle = say_who};
}

static void open_all(void) {
    struct http_server_options options;
    struct err                 err;

    make(&authority, NULL, "authority", NULL, 9);
    make(&impostor, NULL, "authority", NULL, 9);
    make(&door, &authority, "door.example", NULL, 9);
    make(&other_door, &authority, "other.example", NULL, 9);
    options = options_with(authority.certificate_pem);
    server = http_server_open(&options, &err);
    cr_assert(server, "%s", err.text);
}

static void close_all(void) {
    http_server_close(server);
    drop(&authority);
    drop(&impostor);
    drop(&door);
    drop(&other_door);
    drop(&alerts);
}

TestSuite(http_tls, .init = open_all, .fini = close_all);

/* --- the client --------------------------------------------------------- */

struct line {
    int                              fd;
    gnutls_session_t                 session;
    gnutls_certificate_credentials_t credentials;
};

/* Shows it whomever the server says that it believes. */
static int show(gnutls_session_t session, const gnutls_datum_t *authorities,
                int count, const gnutls_pk_algorithm_t *algorithms,
                int algorithms_count, gnutls_retr2_st *out) {
    (void)session;
    (void)authorities;
    (void)count;
    (void)algorithms;
    (void)algorithms_count;
    *out = (gnutls_retr2_st){.cert_type = GNUTLS_CRT_X509,
                             .key_type = GNUTLS_PRIVKEY_X509,
                             .ncerts = 1};
    out->cert.x509 = &alerts.certificate;
    out->key.x509 = alerts.key;
    return 0;
}

static bool dial(struct line *line, const char *priorities) {
    struct sockaddr_in to = {.sin_family = AF_INET,
                             .sin_port = htons(http_server_port(server)),
                             .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};

    line->fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    cr_assert_eq(connect(line->fd, (void *)&to, sizeof to), 0);
    ok(gnutls_init(&line->session, GNUTLS_CLIENT | GNUTLS_NO_SIGNAL));
    ok(gnutls_priority_set_direct(line->session, priorities, NULL));
    ok(gnutls_certificate_allocate_credentials(&line->credentials));
    if (alerts.certificate)
        gnutls_certificate_set_retrieve_function(line->credentials, show);
    ok(gnutls_credentials_set(line->session, GNUTLS_CRD_CERTIFICATE,
                              line->credentials));
    gnutls_transport_set_int(line->session, line->fd);
    return gnutls_handshake(line->session) == GNUTLS_E_SUCCESS;
}

static void hang_up(struct line *line) {
    gnutls_deinit(line->session);
    gnutls_certificate_free_credentials(line->credentials);
    (void)close(line->fd);
}

/* Until the answer's body has come, which ends so or so. */
static const char *ask(struct line *line) {
    size_t  len = 0;
    ssize_t part;

    (void)gnutls_record_send(line->session, "GET / HTTP/1.1\r\nHost: x\r\n\r\n",
                             27);
    do {
        got[len] = '\0';
        part =
            gnutls_record_recv(line->session, got + len, sizeof got - 1 - len);
        len += part > 0 ? (size_t)part : 0;
        got[len] = '\0';
    } while (part > 0 && !strstr(got, "<"));
    return got;
}

static const char *ask_once(void) {
    struct line line;

    cr_assert(dial(&line, "NORMAL"));
    (void)ask(&line);
    hang_up(&line);
    return got;
}

static void expect_door(const struct line *line, const char *name) {
    unsigned              count;
    const gnutls_datum_t *chain =
        gnutls_certificate_get_peers(line->session, &count);
    gnutls_x509_crt_t crt;

    ok(gnutls_x509_crt_init(&crt));
    ok(gnutls_x509_crt_import(crt, &chain[0], GNUTLS_X509_FMT_DER));
    cr_expect(gnutls_x509_crt_check_hostname(crt, name), "%s", name);
    gnutls_x509_crt_deinit(crt);
}

Test(http_tls, HT1_a_client_is_named_by_its_certificate) {
    make(&alerts, &authority, "alerts.example", GNUTLS_KP_TLS_WWW_CLIENT, 9);
    cr_expect(support_has(ask_once(), "<CN=alerts.example> alerts.example"),
              "%s", got);
}

Test(http_tls, HT1_without_a_certificate_nobody_is_there) {
    cr_expect(support_has(ask_once(), "<>"), "%s", got);
}

Test(http_tls, HT1_another_authority_of_the_same_name_is_not_believed) {
    make(&alerts, &impostor, "alerts.example", GNUTLS_KP_TLS_WWW_CLIENT, 9);
    cr_expect(support_has(ask_once(), "<>"), "%s", got);
}

Test(http_tls, HT1_a_certificate_that_is_over_is_not_believed) {
    make(&alerts, &authority, "alerts.example", GNUTLS_KP_TLS_WWW_CLIENT, -1);
    cr_expect(support_has(ask_once(), "<>"), "%s", got);
}

Test(http_tls, HT1_a_certificate_for_servers_names_no_client) {
    make(&alerts, &authority, "alerts.example", GNUTLS_KP_TLS_WWW_SERVER, 9);
    cr_expect(support_has(ask_once(), "<>"), "%s", got);
}

Test(http_tls, HS5_a_renewed_certificate_is_for_the_next_connection) {
    struct line before, after;
    struct err  err;

    cr_assert(dial(&before, "NORMAL"));
    expect_door(&before, "door.example");
    cr_expect(support_has(ask(&before), "HTTP/1.1 200"), "%s", got);
    cr_assert(http_server_renew(server, other_door.certificate_pem,
                                other_door.key_pem, &err),
              "%s", err.text);
    cr_assert(dial(&after, "NORMAL"));
    expect_door(&after, "other.example");
    cr_expect(support_has(ask(&after), "HTTP/1.1 200"), "%s", got);
    cr_expect(support_has(ask(&before), "HTTP/1.1 200"), "%s", got);
    hang_up(&before);
    hang_up(&after);
}

Test(http_tls, HS5_one_that_cannot_be_used_changes_nothing) {
    struct line line;
    struct err  err;

    cr_expect_not(http_server_renew(server, other_door.certificate_pem,
                                    door.key_pem, &err));
    cr_expect_eq(err.code, ERR_CONFIG);
    cr_expect_not(http_server_renew(server, "no", "certificate", &err));
    cr_assert(dial(&line, "NORMAL"));
    expect_door(&line, "door.example");
    hang_up(&line);
}

Test(http_tls, nothing_older_than_tls_1_2_is_spoken) {
    struct line line;

    cr_expect_not(dial(&line, "NORMAL:-VERS-ALL:+VERS-TLS1.1:+VERS-TLS1.0"));
    hang_up(&line);
    cr_expect(dial(&line, "NORMAL:-VERS-ALL:+VERS-TLS1.2"));
    hang_up(&line);
}

Test(http_tls, authorities_that_are_none_are_said) {
    struct http_server_options options = options_with("no authority");
    struct err                 err;

    cr_expect_null(http_server_open(&options, &err));
    cr_expect_eq(err.code, ERR_CONFIG);
    cr_expect(support_has(err.text, "client authorities"), "%s", err.text);
}
