/* service_doors.c - the listeners, and how the command line finds them.
 *
 * Where an admin address of its own is configured, the public one has the
 * deliveries and the probes and nothing else.
 */
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

#include "app/service_private.h"
#include "base/encode.h"
#include "base/mem.h"
#include "net/http_server.h"
#include "secret/redact.h"
#include "sys/crypto.h"
#include "sys/file.h"

#define SERVER_THREADS 2
#define ADDRESS_FILE "serve.json"
#define PEM_MAX (1u << 20)

void service_make_token(struct service *service) {
    unsigned char random[32];
    struct buf    hex = BUF_EMPTY;

    crypto_random(random, sizeof random);
    encode_hex(random, sizeof random, &hex);
    (void)snprintf(service->token, sizeof service->token, "%s", buf_text(&hex));
    mem_wipe(hex.data, hex.len);
    buf_release(&hex);
    redact_learn_value(service->engine.redact, str_of(service->token));
}

struct pem {
    struct buf certificate, key, client_ca;
};

static void pem_release(struct pem *pem) {
    if (pem->key.data)
        mem_wipe(pem->key.data, pem->key.len);
    buf_release(&pem->certificate);
    buf_release(&pem->key);
    buf_release(&pem->client_ca);
}

static bool read_file(const char *path, struct buf *out, struct err *err) {
    return !path || file_read(path, PEM_MAX, out, err);
}

/* Nothing is in it that is not configured. */
static bool pem_read(const struct service_settings *settings, struct pem *pem,
                     struct err *err) {
    *pem = (struct pem){BUF_EMPTY, BUF_EMPTY, BUF_EMPTY};
    return read_file(settings->tls_certificate, &pem->certificate, err) &&
           read_file(settings->tls_key, &pem->key, err) &&
           read_file(settings->tls_client_ca, &pem->client_ca, err);
}

static const char *pem_text(const struct buf *pem) {
    return pem->len ? buf_text(pem) : NULL;
}

/* A connection is a descriptor; so are those to others, and the files. */
static void raise_descriptors(const struct service *service) {
    rlim_t want = (rlim_t)service->settings.connections * 5 / 4 +
                  (rlim_t)service->settings.runs + 1024;
    struct rlimit limit;

    if (getrlimit(RLIMIT_NOFILE, &limit) != 0 || limit.rlim_cur >= want)
        return;
    limit.rlim_cur = limit.rlim_max < want ? limit.rlim_max : want;
    if (setrlimit(RLIMIT_NOFILE, &limit) != 0 || limit.rlim_cur < want)
        log_line(service->engine.log, LOG_WARN, NULL,
                 "fewer descriptors than limits.connections may need; raise "
                 "LimitNOFILE",
                 NULL);
}

static bool open_server(struct service *service, int which,
                        const struct service_address *address,
                        struct err                   *err) {
    const struct service_settings *settings = &service->settings;
    struct http_server_options     options = {
            .address = address->host,
            .port = (uint16_t)address->port,
            .threads = SERVER_THREADS,
            .connections = (unsigned)settings->connections,
            .request_s = (unsigned)settings->request_seconds,
            .idle_s = (unsigned)settings->idle_seconds,
            .cap = site_cap,
            .handle = site_handle,
            .arg = service->sites[which],
    };
    struct pem pem;

    if (pem_read(settings, &pem, err)) {
        options.certificate = pem_text(&pem.certificate);
        options.key = pem_text(&pem.key);
        options.client_ca = pem_text(&pem.client_ca);
        service->servers[which] = http_server_open(&options, err);
    }
    pem_release(&pem);
    return service->servers[which] != NULL;
}

bool service_renew(struct service *service, struct err *err) {
    struct pem pem;
    bool       ok = pem_read(&service->settings, &pem, err);

    for (int i = 0; ok && pem.certificate.len && i < 2; i++)
        ok = !service->servers[i] ||
             http_server_renew(service->servers[i], buf_text(&pem.certificate),
                               buf_text(&pem.key), err);
    pem_release(&pem);
    return ok;
}

/* For the command line of who can read the state directory. */
static bool write_address(struct service *service, struct err *err) {
    struct json *map = json_new_map();
    struct buf   path = BUF_EMPTY, text = BUF_EMPTY, address = BUF_EMPTY;
    int          which = service->settings.admin_apart ? 1 : 0;
    const struct service_address *at =
        which ? &service->settings.admin : &service->settings.listen;
    bool ok;

    buf_addf(&address, strchr(at->host, ':') ? "[%s]:%u" : "%s:%u", at->host,
             http_server_port(service->servers[which]));
    json_put_text(map, "address", buf_str(&address));
    json_put_bool(map, "tls", service->settings.tls_certificate != NULL);
    json_put_text(map, "token", str_of(service->token));
    json_put_int(map, "pid", getpid());
    json_write(map, &text);
    buf_addf(&path, "%s/" ADDRESS_FILE, service->engine.state);
    ok = file_write(buf_text(&path), buf_str(&text), err);
    mem_wipe(text.data, text.len);
    buf_release(&path);
    buf_release(&text);
    buf_release(&address);
    json_wipe(map);
    json_release(map);
    return ok;
}

void service_tell_listening(const struct service *service) {
    struct buf  address = BUF_EMPTY;
    const char *host = service->settings.listen.host;

    buf_addf(&address, strchr(host, ':') ? "[%s]:%u" : "%s:%u", host,
             http_server_port(service->servers[0]));
    log_line(service->engine.log, LOG_INFO, NULL, "listening", "address",
             buf_text(&address), "state", service->engine.state, "bundle",
             bundle_hash(service->engine.bundle), NULL);
    fprintf(stderr, "listening on %s\n", buf_text(&address));
    buf_release(&address);
}

bool service_open_doors(struct service *service, struct err *err) {
    struct site_options options = {
        .webhook = service->webhook,
        .readiness = service->readiness,
        .admin = service->admin,
        .metrics = service->metrics,
        .scrape = service_scrape,
        .reload = service_reload_asked,
        .arg = service,
    };
    bool apart = service->settings.admin_apart;

    raise_descriptors(service);
    service->sites[0] = site_open(&options, true, !apart);
    if (apart)
        service->sites[1] = site_open(&options, false, true);
    return open_server(service, 0, &service->settings.listen, err) &&
           (!apart || open_server(service, 1, &service->settings.admin, err)) &&
           write_address(service, err);
}
