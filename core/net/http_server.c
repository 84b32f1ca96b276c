/* http_server.c - one exchange for each request, from its head on.
 *
 * libmicrohttpd calls on_request() when the head is complete, then for each
 * piece of the body, then once more. Only the last of these hands over: the
 * connection is suspended first, so that an answer which comes at once finds
 * it asleep, and answering resumes it, which calls on_request() again, now
 * with an answer to queue.
 *
 * The library times out connections that are silent, not those that send one
 * byte a second. A reaper therefore remembers since when each connection owes
 * a whole request, and shuts the socket of one that takes too long. (HS4)
 */
#include "net/http_server.h"

#include <arpa/inet.h>
#include <assert.h>
#include <microhttpd.h>
#include <pthread.h>
#include <stdatomic.h>
#include <strings.h>
#include <sys/socket.h>

#include "base/json.h"
#include "base/mem.h"
#include "net/http.h"

#define HEAD_MAX (32u << 10) /* request line and fields, with their tables */
#define REAP_MS 250
#define IDLE_S 60

/* What is counted apart when it is refused here. */
static const int statuses[] = {400, 404, 408, 413, 503};
#define STATUSES (sizeof statuses / sizeof *statuses)

/* An open connection. */
struct peer {
    struct peer *next, *last;
    int          fd;
    atomic_llong owes_since_ms; /* 0: nothing, its request is whole */
    bool         reaped;
};

struct http_server {
    struct http_server_options options;
    struct MHD_Daemon         *daemon;
    uint16_t                   port;
    _Atomic uint64_t           refused[STATUSES];
    pthread_mutex_t            lock; /* of what follows */
    pthread_cond_t             wake;
    struct peer               *peers;
    size_t                     pending; /* handed over, not yet answered */
    bool                       closing;
    pthread_t                  reaper;
};

struct http_exchange {
    struct http_server    *server;
    struct MHD_Connection *connection;
    char                  *method, *path;
    char                   peer[INET6_ADDRSTRLEN];
    struct buf             body;
    size_t                 cap;
    bool                   overran;
    struct http_headers    added;
    struct MHD_Response   *response; /* once it is answered */
    int                    status;
};

static int64_t mono_ms(void) {
    struct timespec now;

    (void)clock_gettime(CLOCK_MONOTONIC, &now);
    return now.tv_sec * 1000LL + now.tv_nsec / 1000000;
}

static void count(struct http_server *server, int status) {
    for (size_t i = 0; i < STATUSES; i++)
        if (statuses[i] == status)
            atomic_fetch_add(&server->refused[i], 1);
}

uint64_t http_server_refused(const struct http_server *server, int status) {
    for (size_t i = 0; i < STATUSES; i++)
        if (statuses[i] == status)
            return atomic_load(&server->refused[i]);
    return 0;
}

/* --- connections and their reaper -------------------------------------- */

static void set_owing(struct MHD_Connection *connection, bool owing) {
    const union MHD_ConnectionInfo *info =
        MHD_get_connection_info(connection, MHD_CONNECTION_INFO_SOCKET_CONTEXT);
    struct peer *peer = info ? info->socket_context : NULL;

    if (peer)
        atomic_store(&peer->owes_since_ms, owing ? mono_ms() : 0);
}

static struct peer *add_peer(struct http_server *server, int fd) {
    struct peer *peer = mem_new(sizeof *peer);

    peer->fd = fd;
    atomic_store(&peer->owes_since_ms, mono_ms());
    (void)pthread_mutex_lock(&server->lock);
    peer->next = server->peers;
    if (peer->next)
        peer->next->last = peer;
    server->peers = peer;
    (void)pthread_mutex_unlock(&server->lock);
    return peer;
}

static void drop_peer(struct http_server *server, struct peer *peer) {
    (void)pthread_mutex_lock(&server->lock);
    if (peer->next)
        peer->next->last = peer->last;
    if (peer->last)
        peer->last->next = peer->next;
    else
        server->peers = peer->next;
    (void)pthread_mutex_unlock(&server->lock);
    mem_free(peer);
}

static void on_connection(void *arg, struct MHD_Connection *connection,
                          void                              **context,
                          enum MHD_ConnectionNotificationCode what) {
    if (what == MHD_CONNECTION_NOTIFY_STARTED) {
        *context =
            add_peer(arg, MHD_get_connection_info(
                              connection, MHD_CONNECTION_INFO_CONNECTION_FD)
                              ->connect_fd);
    } else if (*context) {
        drop_peer(arg, *context);
        *context = NULL;
    }
}

/* The socket is only shut; closing it is libmicrohttpd's. */
static void reap(struct http_server *server, int64_t now) {
    int64_t limit = (int64_t)server->options.request_s * 1000;

    for (struct peer *peer = server->peers; peer; peer = peer->next) {
        int64_t since = atomic_load(&peer->owes_since_ms);

        if (peer->reaped || since == 0 || now - since < limit)
            continue;
        peer->reaped = true;
        count(server, 408);
        (void)shutdown(peer->fd, SHUT_RDWR);
    }
}

static void *reaper(void *arg) {
    struct http_server *server = arg;

    (void)pthread_mutex_lock(&server->lock);
    while (!server->closing) {
        int64_t         at = mono_ms() + REAP_MS;
        struct timespec until = {at / 1000, at % 1000 * 1000000};

        (void)pthread_cond_timedwait(&server->wake, &server->lock, &until);
        reap(server, mono_ms());
    }
    (void)pthread_mutex_unlock(&server->lock);
    return NULL;
}

/* --- answers ----------------------------------------------------------- */

static struct MHD_Response *make_response(const char *type, struct str body) {
    struct MHD_Response *response = MHD_create_response_from_buffer(
        body.len, (void *)(uintptr_t)(body.len ? body.data : ""),
        MHD_RESPMEM_MUST_COPY);

    assert(response); /* out of memory aborts here too */
    if (type)
        (void)MHD_add_response_header(response, "Content-Type", type);
    return response;
}

static const char *title_of(int status) {
    switch (status) {
    case 400: return "Bad Request";
    case 401: return "Unauthorized";
    case 404: return "Not Found";
    case 405: return "Method Not Allowed";
    case 408: return "Request Timeout";
    case 413: return "Content Too Large";
    case 415: return "Unsupported Media Type";
    case 503: return "Service Unavailable";
    default: return "Error";
    }
}

static void write_problem(int status, const char *code, const char *detail,
                          struct buf *out) {
    struct json *problem = json_new_map();

    json_put_int(problem, "status", status);
    json_put_text(problem, "title", str_of(title_of(status)));
    json_put_text(problem, "code", str_of(code));
    json_put_text(problem, "detail", str_of(detail));
    json_write(problem, out);
    json_release(problem);
}

/* Refused before anybody was asked. The connection ends with it, since what
 * follows on it may be the rest of what was refused. (HS3) */
static enum MHD_Result refuse(struct http_exchange *exchange, int status,
                              const char *code, const char *detail) {
    struct buf           body = BUF_EMPTY;
    struct MHD_Response *response;
    enum MHD_Result      queued;

    write_problem(status, code, detail, &body);
    response = make_response("application/problem+json", buf_str(&body));
    (void)MHD_add_response_header(response, "Connection", "close");
    count(exchange->server, status);
    queued =
        MHD_queue_response(exchange->connection, (unsigned)status, response);
    MHD_destroy_response(response);
    buf_release(&body);
    return queued;
}

/* --- the head ---------------------------------------------------------- */

/* Fields that decide where a request ends or who is speaking. */
static const char *const single[] = {"Host",
                                     "Content-Length",
                                     "Transfer-Encoding",
                                     "Content-Type",
                                     "Content-Encoding",
                                     "Authorization",
                                     "webhook-id",
                                     "webhook-timestamp",
                                     "webhook-signature",
                                     "X-GitHub-Event",
                                     "X-Hub-Signature-256",
                                     "X-GitHub-Delivery",
                                     "X-PagerDuty-Signature"};
#define SINGLES (sizeof single / sizeof *single)
enum { AT_HOST, AT_LENGTH, AT_ENCODING };

struct head {
    int         times[SINGLES];
    const char *values[SINGLES];
};

static enum MHD_Result look_at_header(void *arg, enum MHD_ValueKind kind,
                                      const char *name, const char *value) {
    struct head *head = arg;

    (void)kind;
    for (size_t i = 0; i < SINGLES; i++)
        if (strcasecmp(name, single[i]) == 0) {
            head->times[i]++;
            head->values[i] = value ? value : "";
        }
    return MHD_YES;
}

static bool is_number(const char *text) {
    size_t digits = strspn(text, "0123456789");

    return digits > 0 && digits < 16 && text[digits] == '\0';
}

/* What makes the head unfit, or NULL. (HS3) */
static const char *doubt_in(const struct head *head) {
    const int *times = head->times;

    for (size_t i = 0; i < SINGLES; i++)
        if (times[i] > 1)
            return "a field that must stand there once is repeated";
    if (times[AT_HOST] == 0)
        return "the Host is missing";
    if (times[AT_LENGTH] && times[AT_ENCODING])
        return "the request has two lengths";
    if (times[AT_LENGTH] && !is_number(head->values[AT_LENGTH]))
        return "the Content-Length is no number";
    if (times[AT_ENCODING] &&
        strcasecmp(head->values[AT_ENCODING], "chunked") != 0)
        return "the Transfer-Encoding is not understood";
    return NULL;
}

static enum MHD_Result judge_head(struct http_exchange *exchange) {
    const struct http_server *server = exchange->server;
    struct head               head = {{0}, {NULL}};
    const char               *doubt;
    int64_t                   length = 0;

    (void)MHD_get_connection_values(exchange->connection, MHD_HEADER_KIND,
                                    look_at_header, &head);
    doubt = doubt_in(&head);
    if (doubt)
        return refuse(exchange, 400, "bad_request", doubt);
    exchange->cap = server->options.cap(
        server->options.arg, str_of(exchange->method), str_of(exchange->path));
    if (exchange->cap == 0)
        return refuse(exchange, 404, "no_such_path",
                      "nothing is served under this path and method");
    if (head.values[AT_LENGTH])
        (void)str_to_int(str_of(head.values[AT_LENGTH]), &length);
    if ((uint64_t)length > exchange->cap)
        return refuse(exchange, 413, "too_large",
                      "the body is larger than this path takes");
    return MHD_YES;
}

/* --- requests ---------------------------------------------------------- */

static void name_peer(struct http_exchange *exchange) {
    const struct sockaddr *address =
        MHD_get_connection_info(exchange->connection,
                                MHD_CONNECTION_INFO_CLIENT_ADDRESS)
            ->client_addr;
    const void *bytes =
        &((const struct sockaddr_in *)(const void *)address)->sin_addr;

    if (address->sa_family == AF_INET6)
        bytes =
            &((const struct sockaddr_in6 *)(const void *)address)->sin6_addr;
    if (!inet_ntop(address->sa_family, bytes, exchange->peer,
                   sizeof exchange->peer))
        exchange->peer[0] = '\0';
}

static struct http_exchange *begin(struct http_server    *server,
                                   struct MHD_Connection *connection,
                                   const char *path, const char *method) {
    struct http_exchange *exchange = mem_new(sizeof *exchange);

    exchange->server = server;
    exchange->connection = connection;
    exchange->method = mem_text(method, strlen(method));
    exchange->path = mem_text(path, strlen(path));
    name_peer(exchange);
    return exchange;
}

/* Chunks have no length beforehand, and in the middle of a body the library
 * takes no answer: the rest is read and forgotten. (HS4) */
static enum MHD_Result take_piece(struct http_exchange *exchange,
                                  const char *data, size_t *len) {
    if (*len > exchange->cap - exchange->body.len)
        exchange->overran = true;
    if (!exchange->overran)
        buf_add(&exchange->body, data, *len);
    *len = 0;
    return MHD_YES;
}

static void hand_over(struct http_exchange *exchange) {
    struct http_server *server = exchange->server;

    set_owing(exchange->connection, false);
    (void)pthread_mutex_lock(&server->lock);
    server->pending++;
    (void)pthread_mutex_unlock(&server->lock);
    MHD_suspend_connection(exchange->connection);
    server->options.handle(server->options.arg, exchange); /* HS1 */
}

static enum MHD_Result on_request(void *arg, struct MHD_Connection *connection,
                                  const char *path, const char *method,
                                  const char *version, const char *data,
                                  size_t *len, void **context) {
    struct http_exchange *exchange = *context;

    (void)version;
    if (!exchange) {
        *context = exchange = begin(arg, connection, path, method);
        return judge_head(exchange);
    }
    if (exchange->response)
        return MHD_queue_response(connection, (unsigned)exchange->status,
                                  exchange->response);
    if (*len)
        return take_piece(exchange, data, len);
    if (exchange->overran)
        return refuse(exchange, 413, "too_large",
                      "the body is larger than this path takes");
    hand_over(exchange);
    return MHD_YES;
}

static void on_completed(void *arg, struct MHD_Connection *connection,
                         void **context, enum MHD_RequestTerminationCode why) {
    struct http_exchange *exchange = *context;

    set_owing(connection, true); /* the next one */
    if (!exchange) {
        /* The library could make nothing of the head and said so itself. */
        if (why != MHD_REQUEST_TERMINATED_COMPLETED_OK)
            count(arg, 400);
        return;
    }
    if (exchange->response)
        MHD_destroy_response(exchange->response);
    http_headers_release(&exchange->added);
    buf_release(&exchange->body);
    mem_free(exchange->method);
    mem_free(exchange->path);
    mem_free(exchange);
    *context = NULL;
}

/* With this the library tells on_completed() also of requests whose head it
 * refuses by itself. */
static void *on_line(void *arg, const char *line,
                     struct MHD_Connection *connection) {
    (void)arg;
    (void)line;
    (void)connection;
    return NULL;
}

struct str http_exchange_method(const struct http_exchange *exchange) {
    return str_of(exchange->method);
}

struct str http_exchange_path(const struct http_exchange *exchange) {
    return str_of(exchange->path);
}

struct str http_exchange_query(const struct http_exchange *exchange,
                               const char                 *name) {
    return str_of(MHD_lookup_connection_value(exchange->connection,
                                              MHD_GET_ARGUMENT_KIND, name));
}

struct str http_exchange_header(const struct http_exchange *exchange,
                                const char                 *name) {
    return str_of(MHD_lookup_connection_value(exchange->connection,
                                              MHD_HEADER_KIND, name));
}

struct str http_exchange_body(const struct http_exchange *exchange) {
    return buf_str(&exchange->body);
}

struct str http_exchange_peer(const struct http_exchange *exchange) {
    return str_of(exchange->peer);
}

void http_exchange_add(struct http_exchange *exchange, const char *name,
                       struct str value) {
    bool sound = http_headers_add(&exchange->added, str_of(name), value);

    assert(sound); /* nothing from outside is put into a header */
    (void)sound;
}

/* The last thing done here with the exchange is to resume it: from then on it
 * may be gone. (HS2) */
void http_exchange_answer(struct http_exchange *exchange, int status,
                          const char *type, struct str body) {
    struct http_server  *server = exchange->server;
    struct MHD_Response *response = make_response(type, body);

    assert(!exchange->response);
    for (size_t i = 0; i < exchange->added.count; i++)
        (void)MHD_add_response_header(response, exchange->added.items[i].name,
                                      exchange->added.items[i].value);
    exchange->status = status;
    exchange->response = response;
    MHD_resume_connection(exchange->connection);
    (void)pthread_mutex_lock(&server->lock);
    server->pending--;
    (void)pthread_cond_broadcast(&server->wake);
    (void)pthread_mutex_unlock(&server->lock);
}

void http_exchange_problem(struct http_exchange *exchange, int status,
                           const char *code, const char *detail) {
    struct buf body = BUF_EMPTY;

    write_problem(status, code, detail, &body);
    http_exchange_answer(exchange, status, "application/problem+json",
                         buf_str(&body));
    buf_release(&body);
}

/* --- opening and closing ----------------------------------------------- */

static bool listen_on(const struct http_server_options *o, int *fd,
                      uint16_t *port, struct err *err) {
    struct sockaddr_storage storage = {0};
    struct sockaddr_in     *v4 = (struct sockaddr_in *)&storage;
    struct sockaddr_in6    *v6 = (struct sockaddr_in6 *)&storage;
    bool                    is_v6 = strchr(o->address, ':') != NULL;
    socklen_t               len = is_v6 ? sizeof *v6 : sizeof *v4;
    int                     yes = 1;

    if (is_v6)
        v6->sin6_port = htons(o->port);
    else
        v4->sin_port = htons(o->port);
    storage.ss_family = is_v6 ? AF_INET6 : AF_INET;
    if (inet_pton(storage.ss_family, o->address,
                  is_v6 ? (void *)&v6->sin6_addr : (void *)&v4->sin_addr) != 1)
        return err_set(err, ERR_CONFIG, "\"%s\" is no IP address to listen on",
                       o->address);
    *fd = socket(storage.ss_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK,
                 0);
    (void)setsockopt(*fd, SOL_SOCKET, SO_REUSEADDR, &yes, sizeof yes);
    if (*fd < 0 || bind(*fd, (struct sockaddr *)&storage, len) != 0 ||
        listen(*fd, SOMAXCONN) != 0 ||
        getsockname(*fd, (struct sockaddr *)&storage, &len) != 0) {
        err_set(err, ERR_IO, "cannot listen on %s port %d: %m", o->address,
                o->port);
        if (*fd >= 0)
            (void)close(*fd);
        return false;
    }
    *port = ntohs(is_v6 ? v6->sin6_port : v4->sin_port);
    return true;
}

/* libmicrohttpd's own words are about connections that failed; each of those
 * is counted, and a line for each would be a gift to whoever floods us. */
static void no_words(void *arg, const char *format, va_list words) {
    (void)arg;
    (void)format;
    (void)words;
}

static struct MHD_Daemon *start_daemon(struct http_server *server, int fd) {
    const struct http_server_options *o = &server->options;
    struct MHD_OptionItem             tls[] = {
                    {MHD_OPTION_HTTPS_MEM_CERT, 0, (void *)(uintptr_t)o->certificate},
                    {MHD_OPTION_HTTPS_MEM_KEY, 0, (void *)(uintptr_t)o->key},
                    {MHD_OPTION_HTTPS_PRIORITIES, 0,
                     "NORMAL:-VERS-ALL:+VERS-TLS1.3:+VERS-TLS1.2"},
                    {MHD_OPTION_END, 0, NULL}};
    struct MHD_OptionItem none[] = {{MHD_OPTION_END, 0, NULL}};
    unsigned flags = MHD_USE_EPOLL_INTERNAL_THREAD | MHD_ALLOW_SUSPEND_RESUME |
                     MHD_USE_ERROR_LOG | (o->certificate ? MHD_USE_TLS : 0);

    return MHD_start_daemon(
        flags, 0, NULL, NULL, on_request, server, MHD_OPTION_EXTERNAL_LOGGER,
        no_words, NULL, MHD_OPTION_LISTEN_SOCKET, fd,
        MHD_OPTION_THREAD_POOL_SIZE, o->threads > 1 ? o->threads : 0,
        MHD_OPTION_CONNECTION_LIMIT, o->connections,
        MHD_OPTION_PER_IP_CONNECTION_LIMIT, o->connections_per_peer,
        MHD_OPTION_CONNECTION_MEMORY_LIMIT, (size_t)HEAD_MAX,
        MHD_OPTION_CONNECTION_TIMEOUT, (unsigned)IDLE_S,
        MHD_OPTION_STRICT_FOR_CLIENT, 1, MHD_OPTION_URI_LOG_CALLBACK, on_line,
        NULL, MHD_OPTION_NOTIFY_COMPLETED, on_completed, server,
        MHD_OPTION_NOTIFY_CONNECTION, on_connection, server, MHD_OPTION_ARRAY,
        o->certificate ? tls : none, MHD_OPTION_END);
}

static void init_waiting(struct http_server *server) {
    pthread_condattr_t monotonic;

    (void)pthread_mutex_init(&server->lock, NULL);
    (void)pthread_condattr_init(&monotonic);
    (void)pthread_condattr_setclock(&monotonic, CLOCK_MONOTONIC);
    (void)pthread_cond_init(&server->wake, &monotonic);
    (void)pthread_condattr_destroy(&monotonic);
}

struct http_server *http_server_open(const struct http_server_options *options,
                                     struct err                       *err) {
    struct http_server *server = mem_new(sizeof *server);
    int                 fd = -1, rc;

    server->options = *options;
    init_waiting(server);
    if (!listen_on(options, &fd, &server->port, err)) {
        mem_free(server);
        return NULL;
    }
    server->daemon = start_daemon(server, fd);
    if (!server->daemon) {
        (void)close(fd);
        mem_free(server);
        err_set(err, ERR_CONFIG,
                "the server on port %d does not start: look at the "
                "certificate and its key",
                options->port);
        return NULL;
    }
    rc = pthread_create(&server->reaper, NULL, reaper, server);
    assert(rc == 0);
    (void)rc;
    return server;
}

uint16_t http_server_port(const struct http_server *server) {
    return server->port;
}

void http_server_quiesce(struct http_server *server) {
    int fd = MHD_quiesce_daemon(server->daemon);

    if (fd >= 0)
        (void)close(fd);
}

static void await_answers(struct http_server *server) {
    (void)pthread_mutex_lock(&server->lock);
    while (server->pending)
        (void)pthread_cond_wait(&server->wake, &server->lock);
    server->closing = true;
    (void)pthread_cond_broadcast(&server->wake);
    (void)pthread_mutex_unlock(&server->lock);
}

void http_server_close(struct http_server *server) {
    if (!server)
        return;
    await_answers(server);
    (void)pthread_join(server->reaper, NULL);
    MHD_stop_daemon(server->daemon);
    (void)pthread_mutex_destroy(&server->lock);
    (void)pthread_cond_destroy(&server->wake);
    mem_free(server);
}
