/* http_client.c - one easy handle for each call, all in one multi handle.
 *
 * What is known of a request is decided by three facts of libcurl's, never by
 * guessing from its error code. The pre-request callback comes after connect
 * and handshake and before the first byte, for reused connections too. The
 * request size and upload size count bytes that send() took. And each new
 * attempt passes the open-socket or the pre-request callback, so that is where
 * libcurl's own repetition is stopped: when a reused connection dies before a
 * byte of the answer, libcurl quietly sends the request again, whatever its
 * method. That suits GET and HEAD; of any other request the second sending
 * would be a second write, so it is vetoed once a byte has left (HC4). Turning
 * reuse off for writes would do as well, for a handshake each.
 *
 * With TLS a failed write may have put records on the wire that libcurl counts
 * as nothing, so there the fact is that the writing began.
 *
 * FAULT_NET_MID_REQUEST stands where libcurl, having handed the last byte of
 * the request to the kernel, first asks to be told only of bytes to read. A
 * peer that answers within the same turn skips that moment; then it is the
 * first line of the answer, before anybody has seen it.
 */
#include "net/http_client.h"

#include <assert.h>
#include <signal.h>
#include <strings.h>
#include <sys/socket.h>

#include <arpa/inet.h>
#include <curl/curl.h>

#include "base/fault.h"
#include "base/mem.h"
#include "net/address.h"
#include "sys/loop.h"

enum {
    SPARES = 32,       /* easy handles kept for the next calls */
    CONNECTIONS = 256, /* idle ones kept */
    IDLE_S = 30,       /* an older one is likely closed by its peer */
    HEADERS_MAX = 256 * 1024,
    LABEL_MAX = 200,
    RECEIVE_BYTES = 4096, /* held while an answer is awaited; of 16 KiB */
    SLOW_BYTES_PER_S = 1,
    SLOW_S = 30,
};

/* What is watched on one descriptor. libcurl opens sockets through us; between
 * two requests the watch of a connected one stays, asking for nothing, since
 * taking it down and up again costs five system calls. libcurl 7.88 closes a
 * connected socket through us, but one that never got that far behind our back
 * and tells us only afterwards. Its resolver has descriptors of its own. */
struct socket_row {
    struct loop_watch *watch;
    bool               ours;
};

struct http_client {
    struct loop       *loop;
    CURLM             *multi;
    char              *proxy, *no_proxy, *ca_file, *user_agent;
    struct loop_timer *timer;
    struct socket_row *rows; /* by descriptor */
    size_t             row_count;
    CURL              *spares[SPARES];
    size_t             spare_count, calls;
    bool               kicked; /* a deferred kick is on its way */
    bool               closed; /* and frees the client */
};

enum veto { VETO_NONE, VETO_ADDRESS, VETO_REPEAT };

struct http_call {
    struct http_client *client;
    struct http_request request;
    struct http_answer  answer;
    http_done_fn       *done;
    void               *arg;
    CURL               *easy;
    struct curl_slist  *lines;
    char                why[CURL_ERROR_SIZE];
    char                label[LABEL_MAX]; /* method, host and path, no query */
    char                denied_address[INET6_ADDRSTRLEN];
    size_t              header_bytes;
    int                 opened, denied; /* sockets */
    enum veto           veto;
    bool                secure, proxied;
    bool                repeatable; /* GET or HEAD */
    bool                began;      /* connected, about to write */
    bool                left;       /* a byte is, or may be, on the wire */
    bool                fault_passed, head_done, body_begun, overran;
    bool                ended, cancelled;
};

static void note_bytes(struct http_call *call) {
    long       head = 0;
    curl_off_t body = 0;

    (void)curl_easy_getinfo(call->easy, CURLINFO_REQUEST_SIZE, &head);
    (void)curl_easy_getinfo(call->easy, CURLINFO_SIZE_UPLOAD_T, &body);
    if (head > 0 || body > 0 || (call->began && call->secure))
        call->left = true;
}

static bool may_begin(struct http_call *call) {
    note_bytes(call);
    if (!call->left || call->repeatable)
        return true;
    call->veto = VETO_REPEAT; /* HC4 */
    return false;
}

static void pass_fault(struct http_call *call) {
    if (call->fault_passed)
        return;
    call->fault_passed = true;
    fault_pass(FAULT_NET_MID_REQUEST);
}

static bool allows_kind(enum http_reach reach, enum address_kind kind) {
    return kind == ADDRESS_PUBLIC ||
           (kind == ADDRESS_PRIVATE && reach == HTTP_PRIVATE);
}

static bool allows(const struct http_request *request,
                   const struct sockaddr     *address) {
    if (request->reach == HTTP_METADATA)
        return address_is_metadata(address);
    return allows_kind(request->reach, address_judge(address));
}

static bool allows_text(const struct http_request *request, const char *text) {
    if (request->reach == HTTP_METADATA)
        return address_is_metadata_text(text);
    return allows_kind(request->reach, address_judge_text(text));
}

static void name_address(const struct sockaddr *address, char *text) {
    const void *bytes = &((const struct sockaddr_in *)address)->sin_addr;

    if (address->sa_family == AF_INET6)
        bytes = &((const struct sockaddr_in6 *)address)->sin6_addr;
    if (!inet_ntop(address->sa_family, bytes, text, INET6_ADDRSTRLEN))
        text[0] = '\0';
}

static struct socket_row *row_at(struct http_client *client, int fd) {
    size_t need = (size_t)fd + 1;

    if (need > client->row_count) {
        client->rows =
            mem_resize(client->rows, need * 2 * sizeof *client->rows);
        memset(client->rows + client->row_count, 0,
               (need * 2 - client->row_count) * sizeof *client->rows);
        client->row_count = need * 2;
    }
    return &client->rows[fd];
}

static void stop_watching(struct http_client *client, int fd) {
    struct socket_row *row = row_at(client, fd);

    loop_watch_stop(row->watch);
    *row = (struct socket_row){NULL, false};
}

static curl_socket_t on_open_socket(void *arg, curlsocktype purpose,
                                    struct curl_sockaddr *address) {
    struct http_call *call = arg;
    int               fd;

    (void)purpose;
    if (!may_begin(call))
        return CURL_SOCKET_BAD;
    if (!call->proxied && !allows(&call->request, &address->addr)) {
        call->denied++; /* HC3 */
        name_address(&address->addr, call->denied_address);
        return CURL_SOCKET_BAD;
    }
    fd = socket(address->family, address->socktype | SOCK_CLOEXEC,
                address->protocol);
    if (fd < 0)
        return CURL_SOCKET_BAD;
    call->opened++;
    stop_watching(call->client, fd); /* whatever had this number is closed */
    row_at(call->client, fd)->ours = true;
    return fd;
}

/* The address again: a reused connection passed no open-socket callback of
 * ours, and may have been opened for a request that may reach more. (HC3) */
static int on_begin(void *arg, char *peer_ip, char *own_ip, int peer_port,
                    int own_port) {
    struct http_call *call = arg;

    (void)own_ip;
    (void)peer_port;
    (void)own_port;
    if (!may_begin(call))
        return CURL_PREREQFUNC_ABORT;
    if (!call->proxied && !allows_text(&call->request, peer_ip)) {
        call->veto = VETO_ADDRESS;
        (void)snprintf(call->denied_address, sizeof call->denied_address, "%s",
                       peer_ip);
        return CURL_PREREQFUNC_ABORT;
    }
    call->began = true;
    return CURL_PREREQFUNC_OK;
}

/* A peer that answers a little and then nothing is given up before a long
 * deadline ends. Only from the first byte on: until then a model may think. */
static void expect_progress(struct http_call *call) {
    int64_t half_s = call->request.deadline_ms / 2000;

    (void)curl_easy_setopt(call->easy, CURLOPT_LOW_SPEED_LIMIT,
                           (long)SLOW_BYTES_PER_S);
    (void)curl_easy_setopt(call->easy, CURLOPT_LOW_SPEED_TIME,
                           (long)(half_s > SLOW_S ? half_s : SLOW_S));
}

static void add_header(struct http_call *call, struct str line) {
    struct str value, name = str_cut(str_trim(line), ':', &value);

    /* What is no header (a folded line, a control character) is left out. */
    if (value.data)
        (void)http_headers_add(&call->answer.headers, name, value);
}

static size_t on_header(char *data, size_t size, size_t count, void *arg) {
    struct http_call *call = arg;
    struct str        line = {data, size * count};

    if (call->header_bytes == 0)
        expect_progress(call);
    pass_fault(call);
    call->header_bytes += line.len;
    if (call->header_bytes > HEADERS_MAX) {
        call->overran = true;
        return 0;
    }
    if (call->body_begun)
        return line.len; /* a trailer: nobody asked for one */
    if (str_starts(line, "HTTP/")) {
        http_headers_release(&call->answer.headers); /* of a 1xx answer */
        call->head_done = false;
    } else if (str_trim(line).len == 0) {
        call->head_done = true;
    } else if (!call->head_done) {
        add_header(call, line);
    }
    return line.len;
}

static size_t on_body(char *data, size_t size, size_t count, void *arg) {
    struct http_call *call = arg;
    size_t            len = size * count;

    call->body_begun = true;
    if (len > call->request.answer_cap - call->answer.body.len) {
        call->overran = true; /* HC2: unpacked already */
        return 0;
    }
    buf_add(&call->answer.body, data, len);
    return len;
}

static void release_lines(struct curl_slist *lines) {
    for (struct curl_slist *at = lines; at; at = at->next)
        mem_wipe(at->data, strlen(at->data));
    curl_slist_free_all(lines);
}

static void call_free(struct http_call *call) {
    struct http_client *client = call->client;

    if (call->easy) {
        curl_easy_reset(call->easy);
        if (client->spare_count < SPARES)
            client->spares[client->spare_count++] = call->easy;
        else
            curl_easy_cleanup(call->easy);
    }
    release_lines(call->lines);
    http_request_release(&call->request);
    http_answer_release(&call->answer);
    mem_free(call);
}

static bool explain_timeout(struct http_call *call, struct err *err) {
    long long   ms = (long long)call->request.deadline_ms;
    const char *what = "no connection";

    if (call->header_bytes)
        what = "the answer began and did not end";
    else if (call->left)
        what = "no answer";
    return err_set(err, ERR_TIMEOUT, "%s within %lld ms", what, ms);
}

static bool explain(struct http_call *call, CURLcode rc, struct err *err) {
    const char *why = call->why[0] ? call->why : curl_easy_strerror(rc);

    if (call->cancelled)
        return err_set(err, ERR_CANCELLED, "cancelled");
    if (call->veto == VETO_ADDRESS || (call->denied && call->opened == 0))
        return err_set(err, ERR_DENIED, "address %s may not be reached",
                       call->denied_address);
    if (call->veto == VETO_REPEAT)
        return err_set(err, ERR_IO,
                       "the kept-alive connection broke after the "
                       "request had left; it was not sent again");
    if (call->overran || rc == CURLE_FILESIZE_EXCEEDED)
        return err_set(err, ERR_LIMIT,
                       "the answer is larger than %zu bytes, or its headers "
                       "than %d",
                       call->request.answer_cap, HEADERS_MAX);
    if (rc == CURLE_OPERATION_TIMEDOUT)
        return explain_timeout(call, err);
    return err_set(err, ERR_IO, "%s", why);
}

/* Fills the call's answer; err too unless the answer is whole. */
static void conclude(struct http_call *call, CURLcode rc, struct err *err) {
    long status = 0;

    note_bytes(call);
    (void)curl_easy_getinfo(call->easy, CURLINFO_RESPONSE_CODE, &status);
    if (rc == CURLE_OK && !call->cancelled && status >= 200) {
        call->answer.fate = HTTP_ANSWERED;
        call->answer.status = (int)status;
        return;
    }
    http_answer_release(&call->answer); /* HC2 */
    call->answer.fate = call->left ? HTTP_SENT_UNKNOWN : HTTP_NOT_SENT;
    (void)explain(call, rc, err);
    (void)err_wrap(err, "%s", call->label);
    err->status = call->header_bytes ? (int)status : 0;
}

static void deliver(struct http_call *call, const struct err *err) {
    call->ended = true;
    call->client->calls--;
    call->done(call->arg, &call->answer, err);
    call_free(call);
}

static void finish(struct http_call *call, CURLcode rc) {
    struct err err = {0};

    conclude(call, rc, &err);
    /* A peer that hangs up at once leaves no turn to wait for its answer. */
    if (call->left)
        pass_fault(call);
    (void)curl_multi_remove_handle(call->client->multi, call->easy);
    deliver(call, &err);
}

/* done may start and cancel calls, so nothing is kept across it. */
static void drain(struct http_client *client) {
    CURLMsg *message;
    int      left;

    while ((message = curl_multi_info_read(client->multi, &left))) {
        struct http_call *call = NULL;

        if (message->msg != CURLMSG_DONE)
            continue;
        (void)curl_easy_getinfo(message->easy_handle, CURLINFO_PRIVATE, &call);
        finish(call, message->data.result);
    }
}

static void act(struct http_client *client, int fd, int what) {
    int running;

    (void)curl_multi_socket_action(client->multi, fd, what, &running);
    drain(client);
}

static void on_socket(void *arg, int fd, int events) {
    act(arg, fd,
        (events & LOOP_READ ? CURL_CSELECT_IN : 0) |
            (events & LOOP_WRITE ? CURL_CSELECT_OUT : 0));
}

static void on_timer(void *arg) {
    struct http_client *client = arg;

    client->timer = NULL;
    act(client, CURL_SOCKET_TIMEOUT, 0);
}

static void client_free(struct http_client *client) {
    mem_free(client->proxy);
    mem_free(client->no_proxy);
    mem_free(client->ca_file);
    mem_free(client->user_agent);
    mem_free(client->rows);
    mem_free(client);
}

static void on_kick(void *arg) {
    struct http_client *client = arg;

    client->kicked = false;
    if (client->closed)
        client_free(client);
    else
        act(client, CURL_SOCKET_TIMEOUT, 0);
}

/* "At once" is the next turn, which costs no timer; every call begins so. */
static int on_timer_change(CURLM *multi, long timeout_ms, void *arg) {
    struct http_client *client = arg;

    (void)multi;
    loop_timer_cancel(client->timer);
    client->timer = NULL;
    if (timeout_ms > 0) {
        client->timer =
            loop_timer_start(client->loop, timeout_ms, on_timer, client);
    } else if (timeout_ms == 0 && !client->kicked) {
        client->kicked = true;
        loop_defer(client->loop, on_kick, client);
    }
    return 0;
}

static bool is_connected(int fd) {
    struct sockaddr_storage peer;
    socklen_t               len = sizeof peer;

    return getpeername(fd, (struct sockaddr *)&peer, &len) == 0;
}

static int on_socket_change(CURL *easy, curl_socket_t fd, int what, void *arg,
                            void *unused) {
    struct http_client *client = arg;
    struct socket_row  *row = row_at(client, fd);
    struct http_call   *call = NULL;
    int                 events = (what & CURL_POLL_IN ? LOOP_READ : 0) |
                 (what & CURL_POLL_OUT ? LOOP_WRITE : 0);

    (void)unused;
    if (what == CURL_POLL_REMOVE) {
        if (row->ours && row->watch && is_connected(fd))
            loop_watch_events(row->watch, 0);
        else
            stop_watching(client, fd);
        return 0;
    }
    if (!row->watch)
        row->watch = loop_watch_start(client->loop, fd, on_socket, client);
    loop_watch_events(row->watch, events);
    (void)curl_easy_getinfo(easy, CURLINFO_PRIVATE, &call);
    if (what == CURL_POLL_IN && call && call->began)
        pass_fault(call);
    return 0;
}

static int on_close_socket(void *arg, curl_socket_t fd) {
    stop_watching(arg, fd);
    return close(fd);
}

static char *copy_text(const char *text) {
    return text ? mem_text(text, strlen(text)) : NULL;
}

/* Entries are hosts; one stands for what is below it too. "*" is every host. */
static bool goes_round_proxy(const char *no_proxy, struct str host) {
    struct str rest = str_of(no_proxy);

    while (rest.len) {
        struct str entry = str_trim(str_cut(rest, ',', &rest));

        if (str_is(entry, "*"))
            return true;
        if (str_starts(entry, "."))
            entry.data++, entry.len--;
        if (entry.len == 0 || entry.len > host.len ||
            strncasecmp(host.data + host.len - entry.len, entry.data,
                        entry.len) != 0)
            continue;
        if (entry.len == host.len || host.data[host.len - entry.len - 1] == '.')
            return true;
    }
    return false;
}

/* What is written in the URL, for requests whose name a proxy resolves. A host
 * that is no address is a name. */
static bool allows_host(const struct http_request *request, const char *host) {
    char              bare[INET6_ADDRSTRLEN] = "";
    unsigned char     bytes[16];
    struct str        name = str_of(host);
    enum address_kind kind = ADDRESS_PUBLIC;

    if (str_starts(name, "[") && str_ends(name, "]"))
        name = (struct str){host + 1, name.len - 2};
    if (name.len < sizeof bare)
        memcpy(bare, name.data, name.len);
    if (inet_pton(AF_INET, bare, bytes) == 1 ||
        inet_pton(AF_INET6, bare, bytes) == 1)
        kind = address_judge_text(bare);
    else if (strcasecmp(host, "localhost") == 0)
        kind = ADDRESS_PRIVATE;
    return allows_kind(request->reach, kind);
}

/* libcurl's parser is lenient ("http:/host", blanks); what passes here reads
 * the same to everybody. */
static bool is_strict_url(struct str url) {
    const char *host = strstr(url.data, "://");
    struct str  scheme;

    if (!host || host[3] == '/')
        return false;
    scheme = (struct str){url.data, (size_t)(host - url.data)};
    if (!(scheme.len == 4 && strncasecmp(scheme.data, "http", 4) == 0) &&
        !(scheme.len == 5 && strncasecmp(scheme.data, "https", 5) == 0))
        return false;
    for (size_t i = 0; i < url.len; i++)
        if (url.data[i] <= ' ' || url.data[i] > '~' || url.data[i] == '\\')
            return false;
    return true;
}

static bool read_host(struct http_call *call, const char *host,
                      struct err *err) {
    struct http_client *client = call->client;
    struct str          name = str_of(host);

    call->secure = strncasecmp(call->request.url, "https", 5) == 0;
    call->proxied = client->proxy && call->request.reach != HTTP_METADATA &&
                    !goes_round_proxy(client->no_proxy, name);
    if (call->proxied && !allows_host(&call->request, host))
        return err_set(err, ERR_DENIED, "%s: address %s may not be reached",
                       call->label, host);
    return true;
}

/* libcurl's own parser says what the host is, so that what is judged here and
 * what is connected later cannot differ. */
static bool check_url(struct http_call *call, struct err *err) {
    CURLU *url = curl_url();
    char  *host = NULL, *path = NULL;
    bool   ok = is_strict_url(str_of(call->request.url)) &&
              curl_url_set(url, CURLUPART_URL, call->request.url,
                           CURLU_PATH_AS_IS | CURLU_DISALLOW_USER) == CURLUE_OK;

    ok = ok && curl_url_get(url, CURLUPART_HOST, &host, 0) == CURLUE_OK;
    ok = ok && curl_url_get(url, CURLUPART_PATH, &path, 0) == CURLUE_OK;
    if (ok) {
        (void)snprintf(call->label, sizeof call->label, "%s %s%s",
                       call->request.method, host, path);
        ok = read_host(call, host, err);
    } else {
        (void)err_set(
            err, ERR_INVALID,
            "%s: the URL must be absolute, http or https, percent-encoded "
            "and without credentials",
            call->request.method);
    }
    curl_free(host);
    curl_free(path);
    curl_url_cleanup(url);
    return ok;
}

static bool check_method(const char *method, struct err *err) {
    size_t len = strspn(method, "ABCDEFGHIJKLMNOPQRSTUVWXYZ-");

    if (len == 0 || method[len])
        return err_set(err, ERR_INVALID,
                       "the method of a request is capital letters");
    return true;
}

/* Whoever may say where a message ends may hide a second one behind it. */
static bool frames_message(const char *name) {
    return strcasecmp(name, "Transfer-Encoding") == 0 ||
           strcasecmp(name, "Connection") == 0 ||
           strcasecmp(name, "Upgrade") == 0;
}

/* libcurl writes these itself. */
static bool is_implied(const char *name) {
    return strcasecmp(name, "Content-Length") == 0 ||
           strcasecmp(name, "Expect") == 0;
}

static void add_line(struct http_call *call, const char *line) {
    struct curl_slist *lines = curl_slist_append(call->lines, line);

    assert(lines); /* out of memory aborts here too */
    call->lines = lines;
}

/* "Name:" would take the header away, "Name;" sends it empty. */
static bool add_lines(struct http_call *call, struct err *err) {
    struct http_headers *headers = &call->request.headers;
    struct buf           line = BUF_EMPTY;

    for (size_t i = 0; i < headers->count; i++) {
        struct http_header *header = &headers->items[i];

        if (frames_message(header->name)) {
            buf_release(&line);
            return err_set(err, ERR_INVALID, "%s: header %s is not for callers",
                           call->label, header->name);
        }
        if (is_implied(header->name))
            continue;
        buf_clear(&line);
        buf_addf(&line, header->value[0] ? "%s: %s" : "%s;%s", header->name,
                 header->value);
        add_line(call, line.data);
    }
    mem_wipe(line.data, line.cap);
    buf_release(&line);
    add_line(call, "Expect:");
    if (http_headers_find(headers, "Content-Type").len == 0)
        add_line(call, "Content-Type:"); /* else libcurl calls it a form */
    return true;
}

static void set_long(CURL *easy, CURLoption option, long value) {
    CURLcode rc = curl_easy_setopt(easy, option, value);

    assert(rc == CURLE_OK); /* an option that this libcurl lacks */
    (void)rc;
}

static void set_text(CURL *easy, CURLoption option, const char *value) {
    CURLcode rc = curl_easy_setopt(easy, option, value);

    assert(rc == CURLE_OK);
    (void)rc;
}

static void set_method(CURL *easy, const struct http_request *request) {
    const char *method = request->method;
    bool        post = strcmp(method, "POST") == 0;
    bool        put = strcmp(method, "PUT") == 0;
    bool        patch = strcmp(method, "PATCH") == 0;

    if (strcmp(method, "HEAD") == 0) {
        set_long(easy, CURLOPT_NOBODY, 1);
        return;
    }
    /* For these a missing body is an empty one (RFC 9110, 8.6). */
    if (request->has_body || request->body.len || post || put || patch) {
        set_long(easy, CURLOPT_POST, 1);
        (void)curl_easy_setopt(easy, CURLOPT_POSTFIELDS,
                               buf_text(&request->body)); /* borrowed */
        (void)curl_easy_setopt(easy, CURLOPT_POSTFIELDSIZE_LARGE,
                               (curl_off_t)request->body.len);
    }
    set_text(easy, CURLOPT_CUSTOMREQUEST, method);
}

static void set_callbacks(CURL *easy, struct http_call *call) {
    (void)curl_easy_setopt(easy, CURLOPT_PRIVATE, call);
    (void)curl_easy_setopt(easy, CURLOPT_OPENSOCKETFUNCTION, on_open_socket);
    (void)curl_easy_setopt(easy, CURLOPT_OPENSOCKETDATA, call);
    (void)curl_easy_setopt(easy, CURLOPT_CLOSESOCKETFUNCTION, on_close_socket);
    (void)curl_easy_setopt(easy, CURLOPT_CLOSESOCKETDATA, call->client);
    (void)curl_easy_setopt(easy, CURLOPT_PREREQFUNCTION, on_begin);
    (void)curl_easy_setopt(easy, CURLOPT_PREREQDATA, call);
    (void)curl_easy_setopt(easy, CURLOPT_HEADERFUNCTION, on_header);
    (void)curl_easy_setopt(easy, CURLOPT_HEADERDATA, call);
    (void)curl_easy_setopt(easy, CURLOPT_WRITEFUNCTION, on_body);
    (void)curl_easy_setopt(easy, CURLOPT_WRITEDATA, call);
    (void)curl_easy_setopt(easy, CURLOPT_ERRORBUFFER, call->why);
}

static void set_security(CURL *easy, const struct http_client *client) {
    set_text(easy, CURLOPT_PROTOCOLS_STR, "http,https");
    set_long(easy, CURLOPT_FOLLOWLOCATION, 0);
    set_long(easy, CURLOPT_NETRC, CURL_NETRC_IGNORED);
    set_long(easy, CURLOPT_SSLVERSION, CURL_SSLVERSION_TLSv1_2);
    set_long(easy, CURLOPT_SSL_VERIFYPEER, 1);
    set_long(easy, CURLOPT_SSL_VERIFYHOST, 2);
    if (client->ca_file)
        set_text(easy, CURLOPT_CAINFO, client->ca_file);
}

/* libcurl reads http_proxy and no_proxy unless both are set here. */
static void set_proxy(CURL *easy, const struct http_call *call) {
    set_text(easy, CURLOPT_PROXY, call->proxied ? call->client->proxy : "");
    set_text(easy, CURLOPT_NOPROXY, "");
    set_long(easy, CURLOPT_SUPPRESS_CONNECT_HEADERS, 1);
    if (call->client->ca_file)
        set_text(easy, CURLOPT_PROXY_CAINFO, call->client->ca_file);
}

static void set_limits(CURL *easy, const struct http_request *request) {
    int64_t deadline = request->deadline_ms;

    set_long(easy, CURLOPT_NOSIGNAL, 1);
    set_long(easy, CURLOPT_BUFFERSIZE, RECEIVE_BYTES);
    /* HC1. Quick exit: without it a deadline that strikes while the resolver's
     * thread is inside getaddrinfo() would wait for that thread. */
    set_long(easy, CURLOPT_TIMEOUT_MS, (long)deadline);
    set_long(easy, CURLOPT_CONNECTTIMEOUT_MS, (long)deadline);
    set_long(easy, CURLOPT_QUICK_EXIT, 1);
    set_long(easy, CURLOPT_MAXAGE_CONN, IDLE_S);
    if (strcmp(request->method, "HEAD") != 0)
        (void)curl_easy_setopt(easy, CURLOPT_MAXFILESIZE_LARGE,
                               (curl_off_t)request->answer_cap);
}

static void set_up(struct http_call *call) {
    struct http_client *client = call->client;
    CURL *easy = client->spare_count ? client->spares[--client->spare_count]
                                     : curl_easy_init();

    assert(easy);
    call->easy = easy;
    set_callbacks(easy, call);
    set_security(easy, client);
    set_proxy(easy, call);
    set_limits(easy, &call->request);
    set_text(easy, CURLOPT_URL, call->request.url);
    set_long(easy, CURLOPT_PATH_AS_IS, 1); /* signed as it is */
    set_long(easy, CURLOPT_HTTP_VERSION, CURL_HTTP_VERSION_1_1);
    set_text(easy, CURLOPT_ACCEPT_ENCODING, "gzip, deflate");
    set_text(easy, CURLOPT_USERAGENT, client->user_agent);
    (void)curl_easy_setopt(easy, CURLOPT_HTTPHEADER, call->lines);
    set_method(easy, &call->request);
}

static bool check(struct http_call *call, struct err *err) {
    if (!check_method(call->request.method, err) || !check_url(call, err))
        return false;
    if (call->request.deadline_ms <= 0)
        return err_set(err, ERR_INVALID, "%s: a request needs a deadline",
                       call->label);
    return add_lines(call, err);
}

bool http_client_start(struct http_client *client, struct http_request *request,
                       http_done_fn *done, void *arg, struct http_call **out,
                       struct err *err) {
    struct http_call *call = mem_new(sizeof *call);
    CURLMcode         rc;

    call->client = client;
    call->request = *request;
    *request = (struct http_request){0};
    call->done = done;
    call->arg = arg;
    if (!check(call, err)) {
        call_free(call);
        return false;
    }
    call->repeatable = strcmp(call->request.method, "GET") == 0 ||
                       strcmp(call->request.method, "HEAD") == 0;
    set_up(call);
    client->calls++;
    rc = curl_multi_add_handle(client->multi, call->easy);
    assert(rc == CURLM_OK); /* asks for a kick; nothing is done yet */
    (void)rc;
    *out = call;
    return true;
}

static void on_cancelled(void *arg) {
    struct http_call *call = arg;
    struct err        err = {0};

    conclude(call, CURLE_ABORTED_BY_CALLBACK, &err);
    deliver(call, &err);
}

void http_client_cancel(struct http_call *call) {
    if (call->ended || call->cancelled)
        return;
    call->cancelled = true;
    note_bytes(call);
    (void)curl_multi_remove_handle(call->client->multi, call->easy);
    loop_defer(call->client->loop, on_cancelled, call);
}

struct http_client *http_client_open(struct loop                      *loop,
                                     const struct http_client_options *o) {
    struct http_client *client = mem_new(sizeof *client);
    CURLcode            rc = curl_global_init(CURL_GLOBAL_DEFAULT);

    assert(rc == CURLE_OK); /* counted by libcurl, safe to repeat */
    (void)rc;
    (void)signal(SIGPIPE, SIG_IGN);
    client->loop = loop;
    client->multi = curl_multi_init();
    assert(client->multi);
    client->proxy = copy_text(o->proxy);
    client->no_proxy = copy_text(o->no_proxy);
    client->ca_file = copy_text(o->ca_file);
    client->user_agent = copy_text(o->user_agent);
    (void)curl_multi_setopt(client->multi, CURLMOPT_SOCKETFUNCTION,
                            on_socket_change);
    (void)curl_multi_setopt(client->multi, CURLMOPT_SOCKETDATA, client);
    (void)curl_multi_setopt(client->multi, CURLMOPT_TIMERFUNCTION,
                            on_timer_change);
    (void)curl_multi_setopt(client->multi, CURLMOPT_TIMERDATA, client);
    (void)curl_multi_setopt(client->multi, CURLMOPT_PIPELINING,
                            CURLPIPE_NOTHING);
    (void)curl_multi_setopt(client->multi, CURLMOPT_MAXCONNECTS,
                            (long)CONNECTIONS);
    return client;
}

void http_client_close(struct http_client *client) {
    if (!client)
        return;
    assert(client->calls == 0);
    while (client->spare_count)
        curl_easy_cleanup(client->spares[--client->spare_count]);
    (void)curl_multi_cleanup(client->multi);
    for (size_t fd = 0; fd < client->row_count; fd++)
        stop_watching(client, (int)fd);
    curl_global_cleanup();
    loop_timer_cancel(client->timer);
    client->closed = true;
    if (!client->kicked)
        client_free(client); /* else the kick does */
}
