/* http_server.c - one exchange for each request, from its first line on.
 *
 * libmicrohttpd calls on_line() with the request line, on_request() when the
 * head is complete, then for each piece of the body, then once more; only that
 * last call hands over. A handler that answers before it returns costs nothing
 * further. Otherwise the connection is suspended, and answering resumes it,
 * which calls on_request() again, now with an answer to queue. Which of the two
 * it is, and who resumes, is decided by one atomic state. (HS2)
 *
 * A connection has one request at a time, so the exchange is a part of it and
 * a request allocates nothing but its body and its answer. The library times
 * out connections that are silent, not those that send one byte a second: that
 * is for http_crowd, which a reaper thread asks now and then. (HS4)
 */
#include "net/http_server.h"

#include <arpa/inet.h>
#include <assert.h>
#include <microhttpd.h>
#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>
#include <strings.h>
#include <sys/socket.h>

#include "base/mem.h"
#include "net/http.h"
#include "net/http_crowd.h"
#include "net/http_head.h"

/* Of a connection: its head, with tables. Beyond 32 KiB the library maps it for
 * itself: what was not written costs nothing, and all of it is given back. From
 * the heap, ten thousand that came and went again and again cost 220 MiB; 25
 * this way. */
#define POOL_BYTES (36u << 10)
#define REAP_MS 250
#define IDLE_S 60
#define BODIES_BYTES ((size_t)256 << 20)
#define RESERVE_MAX ((size_t)64 << 10)
#define SWALLOW_MAX ((size_t)1 << 20) /* of a body that is refused anyway */
#define SPARE 64 /* places for those who are about to give way */

const int http_server_statuses[] = {400, 404, 405, 408, 413, 414,
                                    417, 431, 500, 503, 505, 0};
#define STATUSES (sizeof http_server_statuses / sizeof *http_server_statuses)

enum answering { OPEN, ASLEEP, ANSWERED };

struct http_exchange {
    struct http_server    *server;
    struct MHD_Connection *connection;
    struct peer           *peer;
    const char            *line, *method, *path; /* the connection's */
    struct buf             body;
    size_t                 cap, swallowed;
    struct http_problem    refusal;
    bool                   has_head, handed_over;
    struct http_headers    added;
    struct MHD_Response   *response; /* once it is answered */
    int                    status;
    _Atomic enum answering answering;
};

/* An open connection. */
struct peer {
    struct http_crowd_place place; /* first: see cut_place() */
    int                     fd;
    char                    address[INET6_ADDRSTRLEN];
    struct http_tls        *tls; /* the one it began with, or NULL */
    struct http_tls_client  client;
    bool                    client_named;
    struct http_exchange    exchange;
};

struct http_server {
    struct http_server_options options;
    struct MHD_Daemon         *daemon;
    uint16_t                   port;
    int                        stopped; /* what listened until it was quiet */
    bool                       reads_in_place;
    _Atomic uint64_t           refused[STATUSES];
    struct http_crowd          crowd;
    atomic_size_t              bodies;     /* bytes that are held */
    atomic_size_t              unanswered; /* handed over */
    atomic_size_t              unsent;     /* and those not yet sent */
    atomic_size_t              resuming;   /* threads inside answer() */
    atomic_bool                quiet;      /* no new connections */
    atomic_bool                closing;
    pthread_mutex_t            lock; /* of what follows */
    pthread_cond_t             wake;
    struct http_tls           *tls;
    char                      *client_ca;
    bool                       ended, has_tls;
    char                       words[160]; /* why it does not start */
    pthread_t                  reaper;
};

static int64_t mono_ms(void) {
    struct timespec now;

    (void)clock_gettime(CLOCK_MONOTONIC, &now);
    return now.tv_sec * 1000LL + now.tv_nsec / 1000000;
}

static void count(struct http_server *server, int status) {
    for (size_t i = 0; i < STATUSES - 1; i++)
        if (http_server_statuses[i] == status)
            atomic_fetch_add(&server->refused[i], 1);
}

uint64_t http_server_refused(const struct http_server *server, int status) {
    for (size_t i = 0; i < STATUSES - 1; i++)
        if (http_server_statuses[i] == status)
            return atomic_load(&server->refused[i]);
    return 0;
}

/* --- connections -------------------------------------------------------- */

/* Past the library, for a connection that it has nothing to say on. Under TLS
 * the words would be no words, and the socket is only shut. Closing it is the
 * library's. */
static void cut_off(struct http_server *server, struct peer *peer,
                    struct http_problem problem) {
    struct buf whole = BUF_EMPTY;

    count(server, problem.status);
    if (problem.status && !peer->tls) {
        http_problem_write_whole(problem, &whole);
        (void)!send(peer->fd, whole.data, whole.len,
                    MSG_NOSIGNAL | MSG_DONTWAIT);
        buf_release(&whole);
    }
    (void)shutdown(peer->fd, SHUT_RDWR);
}

static void cut_place(void *arg, struct http_crowd_place *place,
                      enum http_crowd_state state, enum http_crowd_reason why) {
    static const struct http_problem slow = {
        408, "too_slow", "the request did not arrive in time"};
    static const struct http_problem full = {503, "too_many_connections",
                                             "there are too many connections"};
    static const struct http_problem nothing = {0, NULL, NULL};

    cut_off(arg, (struct peer *)place,
            state == HTTP_CROWD_IDLE ? nothing
            : why == HTTP_CROWD_SLOW ? slow
                                     : full);
}

static void name_peer(struct MHD_Connection *connection,
                      char                   name[INET6_ADDRSTRLEN]) {
    const struct sockaddr *address =
        MHD_get_connection_info(connection, MHD_CONNECTION_INFO_CLIENT_ADDRESS)
            ->client_addr;
    const struct sockaddr_in  *v4 = (const void *)address;
    const struct sockaddr_in6 *v6 = (const void *)address;

    if (address->sa_family == AF_INET)
        (void)inet_ntop(AF_INET, &v4->sin_addr, name, INET6_ADDRSTRLEN);
    else if (IN6_IS_ADDR_V4MAPPED(&v6->sin6_addr))
        (void)inet_ntop(AF_INET, &v6->sin6_addr.s6_addr[12], name,
                        INET6_ADDRSTRLEN);
    else
        (void)inet_ntop(AF_INET6, &v6->sin6_addr, name, INET6_ADDRSTRLEN);
}

static void *session_of(struct MHD_Connection *connection) {
    return MHD_get_connection_info(connection,
                                   MHD_CONNECTION_INFO_GNUTLS_SESSION)
        ->tls_session;
}

static struct http_tls *present_tls(struct http_server *server) {
    struct http_tls *tls;

    (void)pthread_mutex_lock(&server->lock);
    tls = http_tls_share(server->tls);
    (void)pthread_mutex_unlock(&server->lock);
    return tls;
}

static struct peer *welcome(struct http_server    *server,
                            struct MHD_Connection *connection) {
    struct peer *peer = mem_new(sizeof *peer);

    peer->fd =
        MHD_get_connection_info(connection, MHD_CONNECTION_INFO_CONNECTION_FD)
            ->connect_fd;
    name_peer(connection, peer->address);
    if (server->has_tls) {
        peer->tls = present_tls(server); /* HS5 */
        if (!http_tls_attach(peer->tls, session_of(connection)))
            (void)shutdown(peer->fd, SHUT_RDWR);
    }
    http_crowd_enter(&server->crowd, &peer->place, mono_ms());
    return peer;
}

static void see_off(struct http_server *server, struct peer *peer) {
    http_crowd_leave(&server->crowd, &peer->place);
    http_tls_client_release(&peer->client);
    http_tls_close(peer->tls);
    mem_free(peer);
}

static void on_connection(void *arg, struct MHD_Connection *connection,
                          void                              **context,
                          enum MHD_ConnectionNotificationCode what) {
    if (what == MHD_CONNECTION_NOTIFY_STARTED) {
        *context = welcome(arg, connection);
    } else if (*context) {
        see_off(arg, *context);
        *context = NULL;
    }
}

static struct peer *peer_of(struct MHD_Connection *connection) {
    return MHD_get_connection_info(connection,
                                   MHD_CONNECTION_INFO_SOCKET_CONTEXT)
        ->socket_context;
}

static void *reaper(void *arg) {
    struct http_server *server = arg;

    (void)pthread_mutex_lock(&server->lock);
    while (!server->ended) {
        int64_t         at = mono_ms() + REAP_MS;
        struct timespec until = {at / 1000, at % 1000 * 1000000};

        (void)pthread_cond_timedwait(&server->wake, &server->lock, &until);
        (void)pthread_mutex_unlock(&server->lock);
        http_crowd_reap(&server->crowd, mono_ms());
        (void)pthread_mutex_lock(&server->lock);
    }
    (void)pthread_mutex_unlock(&server->lock);
    return NULL;
}

/* --- refusals ----------------------------------------------------------- */

static struct MHD_Response *make_response(const char *type, struct str body) {
    struct MHD_Response *response = MHD_create_response_from_buffer(
        body.len, (void *)(uintptr_t)(body.len ? body.data : ""),
        body.len ? MHD_RESPMEM_MUST_COPY : MHD_RESPMEM_PERSISTENT);

    if (!response)
        abort(); /* out of memory, see mem.h */
    if (type)
        (void)MHD_add_response_header(response, "Content-Type", type);
    return response;
}

static size_t cap_of(const struct http_server *server, const char *method,
                     const char *path) {
    return server->options.cap(server->options.arg, str_of(method),
                               str_of(path));
}

/* The methods that this path has, as Allow says them; empty: none. */
static void list_methods(const struct http_server *server, const char *path,
                         struct buf *out) {
    static const char *const methods[] = {"GET", "POST", "PUT", "PATCH",
                                          "DELETE"};

    for (size_t i = 0; i < sizeof methods / sizeof *methods; i++)
        if (cap_of(server, methods[i], path))
            buf_addf(out, "%s%s%s", out->len ? ", " : "", methods[i],
                     i == 0 ? ", HEAD" : "");
}

/* Refused before anybody was asked. The connection ends with it, since what
 * follows on it may be the rest of what was refused. (HS3) */
static enum MHD_Result refuse(struct http_exchange *exchange,
                              struct http_problem   problem) {
    struct buf           text = BUF_EMPTY;
    struct MHD_Response *response;
    enum MHD_Result      queued;

    http_problem_write(problem, &text);
    response = make_response(HTTP_PROBLEM_TYPE, buf_str(&text));
    (void)MHD_add_response_header(response, "Connection", "close");
    if (problem.status == 503)
        (void)MHD_add_response_header(response, "Retry-After",
                                      HTTP_PROBLEM_COME_BACK);
    buf_clear(&text);
    if (problem.status == 405) {
        list_methods(exchange->server, exchange->path, &text);
        (void)MHD_add_response_header(response, "Allow", buf_text(&text));
    }
    count(exchange->server, problem.status);
    queued = MHD_queue_response(exchange->connection, (unsigned)problem.status,
                                response);
    MHD_destroy_response(response);
    buf_release(&text);
    return queued;
}

/* --- the head ----------------------------------------------------------- */

static enum MHD_Result look_at_field(void *arg, enum MHD_ValueKind kind,
                                     const char *name, size_t name_len,
                                     const char *value, size_t value_len) {
    (void)kind;
    http_head_add(arg, (struct str){name, name_len},
                  (struct str){value, value_len});
    return MHD_YES;
}

static struct http_problem no_such_path(const struct http_exchange *exchange) {
    struct buf methods = BUF_EMPTY;
    bool       some;

    list_methods(exchange->server, exchange->path, &methods);
    some = methods.len > 0;
    buf_release(&methods);
    if (some)
        return (struct http_problem){405, "no_such_method",
                                     "this path is not served with this "
                                     "method"};
    return (struct http_problem){404, "no_such_path",
                                 "nothing is served under this path"};
}

static const struct http_problem too_large = {
    413, "too_large", "the body is larger than this path takes"};
static const struct http_problem two_spaces = {
    400, "bad_request", "the request line has more than one space in a row"};
static const struct http_problem too_full = {
    503, "too_busy", "too many bodies are being received"};
static const struct http_problem too_late = {
    503, "ending", "the service is about to end; send it again"};

static size_t head_size(const struct http_exchange *exchange) {
    return MHD_get_connection_info(exchange->connection,
                                   MHD_CONNECTION_INFO_REQUEST_HEADER_SIZE)
        ->header_size;
}

static struct http_problem judge(struct http_exchange *exchange,
                                 const char           *version) {
    struct http_server *server = exchange->server;
    struct http_head    head;
    struct http_problem problem = exchange->refusal;
    int64_t             length;

    if (problem.status)
        return problem;
    if (server->reads_in_place &&
        exchange->path != exchange->line + strlen(exchange->line) + 1)
        return two_spaces;
    http_head_begin(&head, str_of(version), server->reads_in_place);
    (void)MHD_get_connection_values_n(exchange->connection, MHD_HEADER_KIND,
                                      look_at_field, &head);
    http_head_end(&head, exchange->line + head_size(exchange));
    problem = http_head_check(&head, &length);
    if (problem.status)
        return problem;
    exchange->cap = cap_of(server, exchange->method, exchange->path);
    if (exchange->cap == 0)
        return no_such_path(exchange);
    if ((uint64_t)length > exchange->cap)
        return too_large;
    if (atomic_load(&server->bodies) + (uint64_t)length >
        server->options.bodies)
        return too_full;
    if (length)
        buf_reserve(&exchange->body, (size_t)length < RESERVE_MAX
                                         ? (size_t)length
                                         : RESERVE_MAX);
    return problem;
}

/* HEAD is GET, and the library keeps the body of the answer back. */
static enum MHD_Result take_head(struct http_exchange *exchange,
                                 const char *path, const char *method,
                                 const char *version) {
    struct http_problem problem;

    exchange->has_head = true;
    exchange->line = method;
    exchange->path = path;
    exchange->method = strcmp(method, "HEAD") == 0 ? "GET" : method;
    problem = judge(exchange, version);
    return problem.status ? refuse(exchange, problem) : MHD_YES;
}

/* --- the body ----------------------------------------------------------- */

static bool has_room(struct http_exchange *exchange, size_t more) {
    struct http_server *server = exchange->server;

    if (more > exchange->cap - exchange->body.len) {
        exchange->refusal = too_large;
        return false;
    }
    if (atomic_fetch_add(&server->bodies, more) + more >
        server->options.bodies) {
        atomic_fetch_sub(&server->bodies, more);
        exchange->refusal = too_full;
        return false;
    }
    return true;
}

static void forget_body(struct http_exchange *exchange) {
    atomic_fetch_sub(&exchange->server->bodies, exchange->body.len);
    buf_release(&exchange->body);
}

/* Chunks have no length beforehand, and in the middle of a body the library
 * takes no answer: the rest is read and forgotten, up to a point. (HS4) */
static enum MHD_Result take_piece(struct http_exchange *exchange,
                                  const char *data, size_t *len) {
    size_t more = *len;

    *len = 0;
    if (!exchange->refusal.status && has_room(exchange, more)) {
        buf_add(&exchange->body, data, more);
        return MHD_YES;
    }
    forget_body(exchange);
    exchange->swallowed += more;
    if (exchange->swallowed <= SWALLOW_MAX)
        return MHD_YES;
    cut_off(exchange->server, exchange->peer, exchange->refusal);
    return MHD_NO;
}

/* --- handing over, and the answer --------------------------------------- */

static enum MHD_Result send_answer(struct http_exchange *exchange) {
    return MHD_queue_response(exchange->connection, (unsigned)exchange->status,
                              exchange->response);
}

static void wake_closer(struct http_server *server) {
    if (!atomic_load(&server->closing))
        return;
    (void)pthread_mutex_lock(&server->lock);
    (void)pthread_cond_broadcast(&server->wake);
    (void)pthread_mutex_unlock(&server->lock);
}

/* The closer may have seen all answered before this one was counted: then
 * nobody is there to answer it. */
static void take_back(struct http_server *server) {
    atomic_fetch_sub(&server->unanswered, 1);
    atomic_fetch_sub(&server->unsent, 1);
    wake_closer(server);
}

/* Whoever finds the other's mark resumes: answer() when this fell asleep
 * before, this when it was answered while it was falling asleep. (HS2) */
static enum MHD_Result hand_over(struct http_exchange *exchange) {
    struct http_server *server = exchange->server;
    enum answering      was = OPEN;

    if (!http_crowd_move(&server->crowd, &exchange->peer->place,
                         HTTP_CROWD_BUSY, mono_ms()))
        return MHD_NO; /* it was cut a moment ago */
    atomic_fetch_add(&server->unanswered, 1);
    atomic_fetch_add(&server->unsent, 1);
    if (atomic_load(&server->closing)) {
        take_back(server);
        return refuse(exchange, too_late);
    }
    exchange->handed_over = true;
    server->options.handle(server->options.arg, exchange); /* HS1 */
    if (atomic_load(&exchange->answering) == ANSWERED)
        return send_answer(exchange);
    MHD_suspend_connection(exchange->connection);
    if (!atomic_compare_exchange_strong(&exchange->answering, &was, ASLEEP))
        MHD_resume_connection(exchange->connection);
    return MHD_YES;
}

static enum MHD_Result on_request(void *arg, struct MHD_Connection *connection,
                                  const char *path, const char *method,
                                  const char *version, const char *data,
                                  size_t *len, void **context) {
    struct http_exchange *exchange = *context;

    (void)arg;
    (void)connection;
    if (!exchange->has_head)
        return take_head(exchange, path, method, version);
    if (exchange->handed_over)
        return atomic_load(&exchange->answering) == ANSWERED
                   ? send_answer(exchange)
                   : MHD_YES;
    if (*len)
        return take_piece(exchange, data, len);
    if (exchange->refusal.status)
        return refuse(exchange, exchange->refusal);
    return hand_over(exchange);
}

static void *on_line(void *arg, const char *target,
                     struct MHD_Connection *connection) {
    struct http_server   *server = arg;
    struct peer          *peer = peer_of(connection);
    struct http_exchange *exchange = &peer->exchange;

    *exchange = (struct http_exchange){
        .server = server,
        .connection = connection,
        .peer = peer,
        .refusal = http_head_check_target(str_of(target)),
    };
    if (peer->place.state == HTTP_CROWD_IDLE)
        (void)http_crowd_move(&server->crowd, &peer->place, HTTP_CROWD_OWING,
                              mono_ms());
    return exchange;
}

/* The library takes a short read for the last one, and its epoll reports each
 * edge once: where the peer's end came in the same packet as its request it
 * would be seen only when the time is up. Shutting what is shut already makes
 * another edge. */
static void show_end(const struct peer *peer) {
    char byte;

    if (recv(peer->fd, &byte, 1, MSG_PEEK | MSG_DONTWAIT) == 0)
        (void)shutdown(peer->fd, SHUT_RD);
}

static void on_completed(void *arg, struct MHD_Connection *connection,
                         void **context, enum MHD_RequestTerminationCode why) {
    struct http_server   *server = arg;
    struct http_exchange *exchange = *context;

    (void)connection;
    (void)why;
    if (!exchange)
        return;
    (void)http_crowd_move(&server->crowd, &exchange->peer->place,
                          HTTP_CROWD_IDLE, mono_ms());
    show_end(exchange->peer);
    if (exchange->response)
        MHD_destroy_response(exchange->response);
    http_headers_release(&exchange->added);
    forget_body(exchange);
    if (exchange->handed_over) {
        atomic_fetch_sub(&server->unsent, 1);
        wake_closer(server);
    }
    *context = NULL;
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
    return str_trim(str_of(MHD_lookup_connection_value(exchange->connection,
                                                       MHD_HEADER_KIND, name)));
}

struct str http_exchange_body(const struct http_exchange *exchange) {
    return buf_str(&exchange->body);
}

struct str http_exchange_peer(const struct http_exchange *exchange) {
    return str_of(exchange->peer->address);
}

struct http_tls_client
http_exchange_client(const struct http_exchange *exchange) {
    struct peer *peer = exchange->peer;

    if (peer->tls && !peer->client_named) {
        http_tls_name_client(peer->tls, session_of(exchange->connection),
                             &peer->client);
        peer->client_named = true;
    }
    return peer->client;
}

void http_exchange_add(struct http_exchange *exchange, const char *name,
                       struct str value) {
    bool sound = http_headers_add(&exchange->added, str_of(name), value);

    assert(sound); /* nothing from outside is put into a header */
    (void)sound;
}

static void dress(const struct http_exchange *exchange, int status,
                  struct MHD_Response *response) {
    const struct http_headers *added = &exchange->added;

    for (size_t i = 0; i < added->count; i++)
        (void)MHD_add_response_header(response, added->items[i].name,
                                      added->items[i].value);
    if (status == 413 || atomic_load(&exchange->server->quiet))
        (void)MHD_add_response_header(response, "Connection", "close");
}

/* The exchange may be gone as soon as it is marked, and the server as soon as
 * `resuming` says that nobody is in here. (HS2) */
void http_exchange_answer(struct http_exchange *exchange, int status,
                          const char *type, struct str body) {
    struct http_server    *server = exchange->server;
    struct MHD_Connection *connection = exchange->connection;
    struct MHD_Response   *response = make_response(type, body);

    assert(!exchange->response);
    dress(exchange, status, response);
    exchange->status = status;
    exchange->response = response;
    atomic_fetch_add(&server->resuming, 1);
    atomic_fetch_sub(&server->unanswered, 1);
    if (atomic_exchange(&exchange->answering, ANSWERED) == ASLEEP)
        MHD_resume_connection(connection);
    wake_closer(server);
    atomic_fetch_sub(&server->resuming, 1);
}

void http_exchange_problem(struct http_exchange *exchange, int status,
                           const char *code, const char *detail) {
    struct buf body = BUF_EMPTY;

    http_problem_write((struct http_problem){status, code, detail}, &body);
    if (status == 503)
        http_exchange_add(exchange, "Retry-After", STR(HTTP_PROBLEM_COME_BACK));
    http_exchange_answer(exchange, status, HTTP_PROBLEM_TYPE, buf_str(&body));
    buf_release(&body);
}

/* --- opening and closing ------------------------------------------------ */

static bool address_of(const struct http_server_options *o,
                       struct sockaddr_storage *out, socklen_t *len,
                       struct err *err) {
    struct sockaddr_in  *v4 = (struct sockaddr_in *)out;
    struct sockaddr_in6 *v6 = (struct sockaddr_in6 *)out;

    *out = (struct sockaddr_storage){0};
    if (inet_pton(AF_INET, o->address, &v4->sin_addr) == 1) {
        v4->sin_family = AF_INET;
        v4->sin_port = htons(o->port);
        *len = sizeof *v4;
    } else if (inet_pton(AF_INET6, o->address, &v6->sin6_addr) == 1) {
        v6->sin6_family = AF_INET6;
        v6->sin6_port = htons(o->port);
        *len = sizeof *v6;
    } else {
        return err_set(err, ERR_CONFIG, "\"%s\" is no IP address to listen on",
                       o->address);
    }
    return true;
}

static uint16_t port_of(const struct sockaddr_storage *at) {
    return ntohs(at->ss_family == AF_INET6
                     ? ((const struct sockaddr_in6 *)at)->sin6_port
                     : ((const struct sockaddr_in *)at)->sin_port);
}

static bool listen_on(const struct http_server_options *o, int *fd,
                      uint16_t *port, struct err *err) {
    struct sockaddr_storage at;
    socklen_t               len;
    int                     yes = 1;

    if (!address_of(o, &at, &len, err))
        return false;
    *fd = socket(at.ss_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (*fd < 0 ||
        setsockopt(*fd, SOL_SOCKET, SO_REUSEADDR, &yes, sizeof yes) != 0 ||
        bind(*fd, (struct sockaddr *)&at, len) != 0 ||
        listen(*fd, SOMAXCONN) != 0 ||
        getsockname(*fd, (struct sockaddr *)&at, &len) != 0) {
        err_set(err, ERR_IO,
                "cannot listen on %s port %d: %m; configure another `listen`, "
                "or free this one",
                o->address, o->port);
        if (*fd >= 0)
            (void)close(*fd);
        return false;
    }
    *port = port_of(&at);
    return true;
}

/* The library's own words, a line for each connection that failed, would be a
 * gift to whoever floods us. They are counted: what it refuses by itself it
 * says here and nowhere else. */
static void on_words(void *arg, const char *format, va_list words) {
    static const char refused[] =
        "Error processing request (HTTP response code is %u";
    static const char full[] = "Server reached connection limit";

    struct http_server *server = arg;

    if (!server->daemon)
        (void)vsnprintf(server->words, sizeof server->words, format, words);
    else if (strncmp(format, refused, sizeof refused - 1) == 0)
        count(arg, (int)va_arg(words, unsigned));
    else if (strncmp(format, full, sizeof full - 1) == 0)
        count(arg, 503);
}

/* The crowd keeps the cap. The library has some places more, since one who
 * gave way is still there until its thread has seen it. */
static unsigned places(const struct http_server_options *o) {
    return o->connections + o->connections / 4 + SPARE * o->threads;
}

/* The crowd keeps both times, and says why. The library's own, which says
 * nothing, must not come before. */
static unsigned silence(const struct http_server_options *o) {
    return o->request_s > o->idle_s ? o->request_s : o->idle_s;
}

static struct MHD_Daemon *start_daemon(struct http_server *server, int fd) {
    const struct http_server_options *o = &server->options;
    struct MHD_OptionItem             tls[] = {
                    {MHD_OPTION_HTTPS_CERT_CALLBACK, 0, http_tls_no_certificate()},
                    {MHD_OPTION_HTTPS_PRIORITIES, 0, (char[]){HTTP_TLS_PRIORITIES}},
                    {MHD_OPTION_END, 0, NULL}};
    struct MHD_OptionItem none[] = {{MHD_OPTION_END, 0, NULL}};
    unsigned flags = MHD_USE_EPOLL_INTERNAL_THREAD | MHD_ALLOW_SUSPEND_RESUME |
                     MHD_USE_ERROR_LOG | (o->certificate ? MHD_USE_TLS : 0);

    return MHD_start_daemon(
        flags, 0, NULL, NULL, on_request, server, MHD_OPTION_EXTERNAL_LOGGER,
        on_words, server, MHD_OPTION_LISTEN_SOCKET, fd,
        MHD_OPTION_THREAD_POOL_SIZE, o->threads > 1 ? o->threads : 0,
        MHD_OPTION_CONNECTION_LIMIT, places(o),
        MHD_OPTION_PER_IP_CONNECTION_LIMIT, o->connections_per_peer,
        MHD_OPTION_CONNECTION_MEMORY_LIMIT, (size_t)POOL_BYTES,
        MHD_OPTION_CONNECTION_TIMEOUT, silence(o) + 1,
        MHD_OPTION_STRICT_FOR_CLIENT, 0, MHD_OPTION_URI_LOG_CALLBACK, on_line,
        server, MHD_OPTION_NOTIFY_COMPLETED, on_completed, server,
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

static struct http_server *make(const struct http_server_options *options) {
    struct http_server         *server = mem_new(sizeof *server);
    struct http_server_options *o = &server->options;

    *o = *options;
    server->stopped = -1;
    o->idle_s = o->idle_s ? o->idle_s : IDLE_S;
    o->bodies = o->bodies ? o->bodies : BODIES_BYTES;
    /* See http_head.h; later versions are strict themselves. */
    server->reads_in_place = strncmp(MHD_get_version(), "0.9.75", 6) == 0;
    if (o->client_ca)
        server->client_ca = mem_text(o->client_ca, strlen(o->client_ca));
    init_waiting(server);
    http_crowd_init(&server->crowd, o->connections,
                    (int64_t)o->request_s * 1000, (int64_t)o->idle_s * 1000,
                    cut_place, server);
    return server;
}

static void release(struct http_server *server) {
    http_crowd_release(&server->crowd);
    http_tls_close(server->tls);
    (void)pthread_mutex_destroy(&server->lock);
    (void)pthread_cond_destroy(&server->wake);
    mem_free(server->client_ca);
    mem_free(server);
}

static bool start(struct http_server *server, struct err *err) {
    const struct http_server_options *o = &server->options;
    int                               fd = -1;

    if (o->certificate) {
        server->tls = http_tls_open(o->certificate, o->key, o->client_ca, err);
        if (!server->tls)
            return false;
        server->has_tls = true;
    }
    if (!listen_on(o, &fd, &server->port, err))
        return false;
    server->daemon = start_daemon(server, fd);
    if (!server->daemon) {
        (void)close(fd);
        return err_set(err, ERR_IO,
                       "the server on %s port %d does not start: %slower "
                       "limits.connections, or raise LimitNOFILE",
                       o->address, server->port, server->words);
    }
    if (pthread_create(&server->reaper, NULL, reaper, server) != 0)
        abort(); /* out of memory, see mem.h */
    return true;
}

struct http_server *http_server_open(const struct http_server_options *options,
                                     struct err                       *err) {
    struct http_server *server = make(options);

    if (!start(server, err)) {
        release(server);
        return NULL;
    }
    server->options.certificate = server->options.key = NULL;
    server->options.client_ca = NULL;
    return server;
}

uint16_t http_server_port(const struct http_server *server) {
    return server->port;
}

bool http_server_renew(struct http_server *server, const char *certificate,
                       const char *key, struct err *err) {
    struct http_tls *fresh, *old;

    if (!server->has_tls)
        return err_set(err, ERR_CONFIG, "the listener on port %d has no TLS",
                       server->port);
    fresh = http_tls_open(certificate, key, server->client_ca, err);
    if (!fresh)
        return false;
    (void)pthread_mutex_lock(&server->lock);
    old = server->tls;
    server->tls = fresh;
    (void)pthread_mutex_unlock(&server->lock);
    http_tls_close(old);
    return true;
}

/* The library's threads may still use the descriptor, so that its number must
 * not become another's: it is shut, which refuses whoever comes, and closed
 * when they have ended. */
void http_server_quiesce(struct http_server *server) {
    int fd = MHD_quiesce_daemon(server->daemon);

    atomic_store(&server->quiet, true);
    if (fd < 0)
        return;
    (void)shutdown(fd, SHUT_RDWR);
    server->stopped = fd;
}

/* All answers, however long they take; then their sending, which a peer that
 * does not read cannot hold up for longer than a request may take. (HS6) */
static void await_answers(struct http_server *server) {
    struct timespec until;
    int64_t         at;

    atomic_store(&server->closing, true);
    (void)pthread_mutex_lock(&server->lock);
    while (atomic_load(&server->unanswered))
        (void)pthread_cond_wait(&server->wake, &server->lock);
    at = mono_ms() + (int64_t)server->options.request_s * 1000;
    until = (struct timespec){at / 1000, at % 1000 * 1000000};
    while (atomic_load(&server->unsent) && mono_ms() < at)
        (void)pthread_cond_timedwait(&server->wake, &server->lock, &until);
    server->ended = true;
    (void)pthread_cond_broadcast(&server->wake);
    (void)pthread_mutex_unlock(&server->lock);
    while (atomic_load(&server->resuming))
        (void)sched_yield();
}

void http_server_close(struct http_server *server) {
    if (!server)
        return;
    await_answers(server);
    (void)pthread_join(server->reaper, NULL);
    MHD_stop_daemon(server->daemon);
    if (server->stopped >= 0)
        (void)close(server->stopped);
    release(server);
}
