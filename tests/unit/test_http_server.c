/* test_http_server.c - what is handed over, and what never is.
 *
 * The client is a raw socket, so that a request can be as wrong as it likes.
 */
#include <criterion/criterion.h>

#include <arpa/inet.h>
#include <poll.h>
#include <pthread.h>
#include <stdatomic.h>
#include <sys/socket.h>

#include "net/http_server.h"
#include "support.h"

#define CAP 64

static struct http_server   *server;
static atomic_int            handed_over;
static struct http_exchange *held; /* by a handler that does not answer */
static pthread_mutex_t       lock = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t        came = PTHREAD_COND_INITIALIZER;
static char                  got[65536];

static size_t cap_of(void *arg, struct str method, struct str path) {
    (void)arg;
    if (str_is(method, "GET"))
        return str_is(path, "/page") ? 1 : 0;
    return str_is(method, "POST") && str_starts(path, "/hooks/") ? CAP : 0;
}

static void echo(void *arg, struct http_exchange *exchange) {
    struct buf body = BUF_EMPTY;

    (void)arg;
    atomic_fetch_add(&handed_over, 1);
    buf_addf(&body, "%.*s %.*s q=%.*s h=%.*s from %.*s: %.*s",
             STR_ARG(http_exchange_method(exchange)),
             STR_ARG(http_exchange_path(exchange)),
             STR_ARG(http_exchange_query(exchange, "q")),
             STR_ARG(http_exchange_header(exchange, "x-test")),
             STR_ARG(http_exchange_peer(exchange)),
             STR_ARG(http_exchange_body(exchange)));
    http_exchange_add(exchange, "X-Answer", STR("yes"));
    http_exchange_answer(exchange, 202, "text/plain", buf_str(&body));
    buf_release(&body);
}

static void hold(void *arg, struct http_exchange *exchange) {
    (void)arg;
    (void)pthread_mutex_lock(&lock);
    held = exchange;
    (void)pthread_cond_signal(&came);
    (void)pthread_mutex_unlock(&lock);
}

static void open_with(http_server_fn *handle, unsigned request_s,
                      unsigned connections, size_t bodies) {
    struct http_server_options options = {.address = "127.0.0.1",
                                          .threads = 2,
                                          .connections = connections,
                                          .request_s = request_s,
                                          .bodies = bodies,
                                          .cap = cap_of,
                                          .handle = handle};
    struct err                 err;

    server = http_server_open(&options, &err);
    cr_assert(server, "%s", err.text);
}

static void open_server(http_server_fn *handle, unsigned request_s) {
    open_with(handle, request_s, 64, 0);
}

static void open_echo(void) {
    open_server(echo, 30);
}

static void close_server(void) {
    http_server_close(server);
}

TestSuite(http_server, .init = open_echo, .fini = close_server);

static int dial(void) {
    struct sockaddr_in to = {.sin_family = AF_INET,
                             .sin_port = htons(http_server_port(server)),
                             .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    int                fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

    cr_assert_eq(connect(fd, (void *)&to, sizeof to), 0);
    return fd;
}

static void put(int fd, const char *text) {
    (void)!send(fd, text, strlen(text), MSG_NOSIGNAL);
}

/* Everything until the peer closes, or until `end` has come. */
static const char *take(int fd, const char *end) {
    size_t  len = 0;
    ssize_t part;

    got[0] = '\0';
    while (!(end && strstr(got, end)) &&
           (part = read(fd, got + len, sizeof got - 1 - len)) > 0) {
        len += (size_t)part;
        got[len] = '\0';
    }
    return got;
}

static const char *ask(const char *text) {
    int fd = dial();

    put(fd, text);
    (void)shutdown(fd, SHUT_WR);
    (void)take(fd, NULL);
    (void)close(fd);
    return got;
}

static bool says(const char *part) {
    return support_has(got, part);
}

Test(http_server, HS1_hands_over_a_whole_request_and_sends_the_answer) {
    (void)ask("POST /hooks/a?q=1 HTTP/1.1\r\nHost: x\r\nX-Test: y\r\n"
              "Content-Length: 5\r\n\r\nhello");
    cr_expect(says("HTTP/1.1 202"), "%s", got);
    cr_expect(says("X-Answer: yes"));
    cr_expect(says("POST /hooks/a q=1 h=y from 127.0.0.1: hello"), "%s", got);
}

Test(http_server, HS1_a_body_in_chunks_comes_whole) {
    (void)ask("POST /hooks/a HTTP/1.1\r\nHost: x\r\n"
              "Transfer-Encoding: chunked\r\n\r\n"
              "3\r\nhel\r\n2\r\nlo\r\n0\r\n\r\n");
    cr_expect(says(": hello"), "%s", got);
}

/* What is missing is waited for: as long as a request may take. */
static void open_impatient(void) {
    open_server(echo, 1);
}

Test(http_server, HS1_a_request_that_was_cut_is_never_handed_over,
     .init = open_impatient) {
    (void)ask("POST /hooks/a HTTP/1.1\r\nHost: x\r\n"
              "Content-Length: 50\r\n\r\nhello");
    (void)ask("POST /hooks/a HTTP/1.1\r\nHost: x\r\nContent-Le");
    (void)ask("POST /hooks/a HTTP/1.1\r\nHost: x\r\n"
              "Transfer-Encoding: chunked\r\n\r\n5\r\nhel");
    cr_expect_eq(atomic_load(&handed_over), 0);
}

Test(http_server, HS3_a_request_whose_end_is_in_doubt_is_refused) {
    static const char *const fields[] = {
        "Content-Length: 5\r\nContent-Length: 5\r\n",
        "Content-Length: 5\r\nTransfer-Encoding: chunked\r\n",
        "Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n",
        "Transfer-Encoding: gzip, chunked\r\n",
        "Transfer-Encoding: xchunked\r\n",
        "Content-Length: +5\r\n",
        "Content-Length: 0x5\r\n",
        "Content-Length: 5, 5\r\n",
        "Content-Length: -1\r\n",
        "Content-Length: 5\r\nHost: y\r\n",
        "Content-Length: 5\r\nAuthorization: a\r\nAuthorization: b\r\n",
        "Content-Length : 5\r\n",
        "Content-Length: 5\r\nTransfer-Encoding : chunked\r\n",
        "Content-Length: 5\r\nX: a\r\n b\r\n",
        "Content-Length: 5\r\nX: a\r\n\tContent-Length: 6\r\n",
        "Content-Length: 5\nX: a\r\n",
        "Content-Length: 5\r\nX: a\n",
        "Content-Length: 5\r\nX: a\rY: b\r\n",
        "Content-Length: 5\r\nX: a\r\n\x01: b\r\n",
        "Content-Length: 5\r\nX-Hub-Signature-256: a\r\n"
        "X-Hub-Signature-256: b\r\n"};
    struct buf text = BUF_EMPTY;

    for (size_t i = 0; i < sizeof fields / sizeof *fields; i++) {
        buf_clear(&text);
        buf_addf(&text,
                 "POST /hooks/a HTTP/1.1\r\nHost: x\r\n%s\r\nhello"
                 "POST /hooks/smuggled HTTP/1.1\r\nHost: x\r\n"
                 "Content-Length: 0\r\n\r\n",
                 fields[i]);
        (void)ask(buf_text(&text));
        cr_expect(says("HTTP/1.1 400") && !says("HTTP/1.1 202"), "%s gives %s",
                  fields[i], got);
    }
    cr_expect_eq(atomic_load(&handed_over), 0);
    cr_expect_eq(http_server_refused(server, 400),
                 sizeof fields / sizeof *fields);
    buf_release(&text);
}

Test(http_server, HS3_a_refusal_is_a_problem_and_ends_the_connection) {
    (void)ask("POST /hooks/a HTTP/1.1\r\nHost: x\r\nHost: y\r\n"
              "Content-Length: 0\r\n\r\n");
    cr_expect(says("application/problem+json"), "%s", got);
    cr_expect(says("\"status\":400"));
    cr_expect(says("\"title\":\"Bad Request\""));
    cr_expect(says("Connection: close"));
}

Test(http_server, HS4_a_body_over_the_cap_is_refused_by_its_length_alone) {
    int fd = dial();

    put(fd, "POST /hooks/a HTTP/1.1\r\nHost: x\r\n"
            "Content-Length: 65\r\n\r\n");
    (void)take(fd, NULL);
    cr_expect(says("HTTP/1.1 413"), "%s", got);
    (void)close(fd);
    cr_expect_eq(http_server_refused(server, 413), 1);
}

Test(http_server, HS4_chunks_over_the_cap_are_refused) {
    struct buf text = BUF_EMPTY;

    buf_add_text(&text, "POST /hooks/a HTTP/1.1\r\nHost: x\r\n"
                        "Transfer-Encoding: chunked\r\n\r\n");
    for (int i = 0; i < 20; i++)
        buf_add_text(&text, "5\r\nhello\r\n");
    buf_add_text(&text, "0\r\n\r\n");
    (void)ask(buf_text(&text));
    cr_expect(says("HTTP/1.1 413"), "%s", got);
    cr_expect_eq(atomic_load(&handed_over), 0);
    buf_release(&text);
}

/* `before`, so many x, `after`. */
static void ask_long(const char *before, int count, const char *after) {
    struct buf text = BUF_EMPTY;

    buf_add_text(&text, before);
    for (int i = 0; i < count; i++)
        buf_add_char(&text, 'x');
    buf_add_text(&text, after);
    (void)ask(buf_text(&text));
    buf_release(&text);
}

Test(http_server, HS4_a_head_over_the_cap_is_refused) {
    static const char begins[] =
        "POST /hooks/a HTTP/1.1\r\nHost: x\r\nX-Long: ";
    static const char ends[] = "\r\nContent-Length: 0\r\n\r\n";

    ask_long(begins, 8000, ends);
    cr_expect(says("HTTP/1.1 202"), "%s", got);
    ask_long(begins, 17000, ends);
    cr_expect(says("HTTP/1.1 431"), "%s", got);
    cr_expect(says("\"code\":\"head_too_large\""), "%s", got);
    /* More than the library's memory: its own words. */
    ask_long(begins, 40000, ends);
    cr_expect(says("HTTP/1.1 431"), "%s", got);
    cr_expect_eq(atomic_load(&handed_over), 1);
    cr_expect_eq(http_server_refused(server, 431), 2);
}

Test(http_server, HS4_a_path_over_the_cap_is_refused) {
    ask_long("POST /hooks/", 9000, " HTTP/1.1\r\nHost: x\r\n\r\n");
    cr_expect(says("HTTP/1.1 414"), "%s", got);
    cr_expect(says("\"code\":\"uri_too_long\""), "%s", got);
    ask_long("POST /hooks/", 40000, " HTTP/1.1\r\nHost: x\r\n\r\n");
    cr_expect(says("HTTP/1.1 414"), "%s", got);
    cr_expect_eq(http_server_refused(server, 414), 2);
    cr_expect_eq(atomic_load(&handed_over), 0);
}

Test(http_server, HS4_chunks_without_end_are_cut) {
    char piece[2048];
    int  fd = dial();

    memset(piece, 'x', sizeof piece);
    memcpy(piece, "7fa\r\n", 5);
    put(fd, "POST /hooks/a HTTP/1.1\r\nHost: x\r\n"
            "Transfer-Encoding: chunked\r\n\r\n");
    /* Until it does not take any more. */
    while (send(fd, piece, 5 + 0x7fa, MSG_NOSIGNAL) > 0 &&
           send(fd, "\r\n", 2, MSG_NOSIGNAL) > 0)
        continue;
    (void)close(fd);
    cr_expect_eq(http_server_refused(server, 413), 1);
    cr_expect_eq(atomic_load(&handed_over), 0);
}

Test(http_server, nothing_is_served_where_nothing_is) {
    (void)ask("POST /else HTTP/1.1\r\nHost: x\r\n"
              "Content-Length: 0\r\n\r\n");
    cr_expect(says("HTTP/1.1 404"), "%s", got);
}

Test(http_server, another_method_is_told_which_there_are) {
    (void)ask("GET /hooks/a HTTP/1.1\r\nHost: x\r\n\r\n");
    cr_expect(says("HTTP/1.1 405"), "%s", got);
    cr_expect(says("\r\nAllow: POST\r\n"), "%s", got);
    (void)ask("BREW /hooks/a HTTP/1.1\r\nHost: x\r\n\r\n");
    cr_expect(says("HTTP/1.1 405"), "%s", got);
    cr_expect_eq(http_server_refused(server, 405), 2);
}

Test(http_server, a_connection_is_kept_for_the_next_request) {
    int fd = dial();

    for (int i = 0; i < 3; i++) {
        put(fd, "POST /hooks/a HTTP/1.1\r\nHost: x\r\n"
                "Content-Length: 5\r\n\r\nagain");
        (void)take(fd, ": again");
        cr_expect(says("HTTP/1.1 202"), "%d: %s", i, got);
    }
    cr_expect_eq(atomic_load(&handed_over), 3);
    (void)close(fd);
}

static struct http_exchange *await_held(void) {
    struct http_exchange *exchange;

    (void)pthread_mutex_lock(&lock);
    while (!held)
        (void)pthread_cond_wait(&came, &lock);
    exchange = held;
    held = NULL;
    (void)pthread_mutex_unlock(&lock);
    return exchange;
}

Test(http_server_alone, HS2_an_answer_may_come_later_and_from_another_thread) {
    int fds[8];

    open_server(hold, 30);
    /* More than there are threads: waiting holds none of them. */
    for (size_t i = 0; i < 8; i++) {
        struct http_exchange *exchange;

        fds[i] = dial();
        put(fds[i], "POST /hooks/a HTTP/1.1\r\nHost: x\r\n"
                    "Content-Length: 0\r\nConnection: close\r\n\r\n");
        exchange = await_held();
        if (i % 2)
            http_exchange_problem(exchange, 503, "full", "come back");
        else
            http_exchange_answer(exchange, 202, "text/plain", STR("kept"));
    }
    for (size_t i = 0; i < 8; i++) {
        (void)take(fds[i], NULL);
        cr_expect(says(i % 2 ? "503" : "kept"), "%s", got);
        (void)close(fds[i]);
    }
    close_server();
}

Test(http_server_alone, HS4_one_that_sends_too_slowly_is_cut_and_no_other) {
    int           slow, fd;
    struct pollfd gone;

    open_server(echo, 1);
    slow = dial();
    put(slow, "POST /hooks/a HTTP/1.1\r\nHost: x\r\nX-Slow: ");
    gone = (struct pollfd){slow, POLLIN, 0};
    fd = dial();
    /* A byte now and then, until the server hangs up. */
    while (poll(&gone, 1, 100) == 0)
        put(slow, "x");
    (void)take(slow, NULL);
    cr_expect(says("HTTP/1.1 408 Request Timeout"), "%s", got);
    cr_expect(says("\"code\":\"too_slow\""), "%s", got);
    cr_expect_geq(http_server_refused(server, 408), 1);
    (void)close(fd);
    fd = dial();
    put(fd, "POST /hooks/a HTTP/1.1\r\nHost: x\r\nContent-Length: 0\r\n"
            "Connection: close\r\n\r\n");
    (void)take(fd, NULL);
    cr_expect(says("HTTP/1.1 202"), "%s", got);
    (void)close(fd);
    (void)close(slow);
    close_server();
}

Test(http_server, an_expectation_is_answered_before_the_body) {
    int fd = dial();

    put(fd, "POST /hooks/a HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\n"
            "Expect: 100-continue\r\nConnection: close\r\n\r\n");
    (void)take(fd, "\r\n\r\n");
    cr_expect(says("HTTP/1.1 100"), "%s", got);
    put(fd, "hello");
    (void)take(fd, NULL);
    cr_expect(says("HTTP/1.1 202") && says(": hello"), "%s", got);
    (void)close(fd);
}

Test(http_server, HS4_nobody_is_told_to_send_what_is_too_large) {
    int fd = dial();

    put(fd, "POST /hooks/a HTTP/1.1\r\nHost: x\r\nContent-Length: 65\r\n"
            "Expect: 100-continue\r\n\r\n");
    (void)take(fd, NULL);
    cr_expect(says("HTTP/1.1 413") && !says("HTTP/1.1 100"), "%s", got);
    (void)close(fd);
}

Test(http_server, a_head_is_a_get_without_its_body) {
    (void)ask("HEAD /page HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n");
    cr_expect(says("HTTP/1.1 202") && says("X-Answer: yes"), "%s", got);
    cr_expect_not(says("GET /page"), "%s", got);
    (void)ask("GET /page HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n");
    cr_expect(says("GET /page"), "%s", got);
}

Test(http_server, HS1_requests_in_one_piece_are_handed_over_one_by_one) {
    (void)ask("POST /hooks/a HTTP/1.1\r\nHost: x\r\nContent-Length: 3\r\n\r\n"
              "onePOST /hooks/b HTTP/1.1\r\nHost: x\r\n"
              "Transfer-Encoding: chunked\r\n\r\n3\r\ntwo\r\n0\r\n\r\n"
              "POST /hooks/c HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\n"
              "Connection: close\r\n\r\nthree");
    cr_expect(says("/hooks/a q= h= from 127.0.0.1: one"), "%s", got);
    cr_expect(says("/hooks/b q= h= from 127.0.0.1: two"), "%s", got);
    cr_expect(says("/hooks/c q= h= from 127.0.0.1: three"), "%s", got);
    cr_expect_eq(atomic_load(&handed_over), 3);
}

static void shy(void *arg, struct http_exchange *exchange) {
    (void)arg;
    http_exchange_add(exchange, "Retry-After", STR("7"));
    http_exchange_problem(exchange, 503, "full", "come back");
}

Test(http_server_alone, a_problem_carries_what_was_added) {
    open_server(shy, 30);
    (void)ask("POST /hooks/a HTTP/1.1\r\nHost: x\r\nContent-Length: 0\r\n"
              "Connection: close\r\n\r\n");
    cr_expect(says("HTTP/1.1 503") && says("Retry-After: 7"), "%s", got);
    cr_expect(says("\"type\":\"about:blank\"") && says("\"code\":\"full\"") &&
                  says("\"status\":503") && says("\"detail\":\"come back\"") &&
                  says("\"title\":\"Service Unavailable\""),
              "%s", got);
    close_server();
}

static void send_again(int fd, const char *word) {
    put(fd, "POST /hooks/a HTTP/1.1\r\nHost: x\r\n"
            "Content-Length: 5\r\n\r\n");
    put(fd, word);
    (void)take(fd, word);
    cr_expect(says("HTTP/1.1 202") && says(word), "%s", got);
}

Test(http_server_alone, HS4_a_silent_crowd_pushes_out_itself) {
    int silent[64], active, fd;

    open_with(echo, 30, 16, 0);
    active = dial();
    send_again(active, "first");
    for (int i = 0; i < 64; i++) {
        silent[i] = dial();
        put(silent[i], i % 2 ? "POST /hooks/a HTTP/1.1\r\nHost:" : "");
        if (i % 8 == 0)
            send_again(active, "again");
    }
    fd = dial();
    send_again(fd, "later");
    send_again(active, "still");
    (void)take(silent[0], NULL);
    cr_expect(says("HTTP/1.1 503") && says("Retry-After"), "%s", got);
    cr_expect_geq(http_server_refused(server, 503), 64 - 16 + 2);
    for (int i = 0; i < 64; i++)
        (void)close(silent[i]);
    (void)close(fd);
    (void)close(active);
    close_server();
}

Test(http_server_alone, HS4_all_bodies_together_have_a_cap) {
    int first, second;

    open_with(echo, 30, 64, 60);
    first = dial();
    put(first, "POST /hooks/a HTTP/1.1\r\nHost: x\r\nContent-Length: 50\r\n"
               "Expect: 100-continue\r\n\r\n");
    (void)take(first, "\r\n\r\n");
    put(first, "0123456789012345678901234567890123456789");
    /* The server has it once it has taken all but the last ten bytes. */
    do {
        second = dial();
        put(second, "POST /hooks/a HTTP/1.1\r\nHost: x\r\n"
                    "Content-Length: 30\r\nConnection: close\r\n\r\n"
                    "012345678901234567890123456789");
        (void)shutdown(second, SHUT_WR);
        (void)take(second, NULL);
        (void)close(second);
    } while (says("HTTP/1.1 202"));
    cr_expect(says("HTTP/1.1 503") && says("Retry-After") && says("too_busy"),
              "%s", got);
    put(first, "0123456789");
    (void)take(first, "0123456789");
    cr_expect(says("HTTP/1.1 202"), "%s", got);
    (void)close(first);
    send_again(first = dial(), "after");
    (void)close(first);
    close_server();
}

static void *close_it(void *arg) {
    (void)arg;
    close_server();
    return NULL;
}

Test(http_server_alone, HS6_closing_sends_the_answers_that_are_owed) {
    for (int turn = 0; turn < 20; turn++) {
        struct http_exchange *exchange;
        pthread_t             closer;
        int                   fd;

        open_server(hold, 30);
        fd = dial();
        put(fd, "POST /hooks/a HTTP/1.1\r\nHost: x\r\n"
                "Content-Length: 0\r\n\r\n");
        exchange = await_held();
        (void)pthread_create(&closer, NULL, close_it, NULL);
        http_exchange_answer(exchange, 202, "text/plain", STR("owed"));
        (void)pthread_join(closer, NULL);
        (void)take(fd, NULL);
        cr_expect(says("HTTP/1.1 202") && says("owed"), "%s", got);
        (void)close(fd);
    }
}

Test(http_server_alone, HS6_a_quiet_server_takes_nobody_new) {
    struct sockaddr_in to = {.sin_family = AF_INET,
                             .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    int fd, late = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

    open_server(echo, 30);
    fd = dial();
    send_again(fd, "first");
    to.sin_port = htons(http_server_port(server));
    http_server_quiesce(server);
    http_server_quiesce(server);
    cr_expect_neq(connect(late, (void *)&to, sizeof to), 0);
    put(fd, "POST /hooks/a HTTP/1.1\r\nHost: x\r\n"
            "Content-Length: 5\r\n\r\nfinal");
    (void)take(fd, NULL); /* to the end, which it makes by itself */
    cr_expect(says("HTTP/1.1 202") && says("Connection: close"), "%s", got);
    (void)close(fd);
    (void)close(late);
    close_server();
}

/* --- many at once, answered by other threads at any moment --------------- */

#define ANSWERERS 2
#define CLIENTS 8
#define ROUNDS 400

static struct http_exchange *waiting[CLIENTS];
static size_t                waiting_count;
static bool                  over;

static void queue_it(void *arg, struct http_exchange *exchange) {
    (void)arg;
    (void)pthread_mutex_lock(&lock);
    waiting[waiting_count++] = exchange;
    (void)pthread_cond_signal(&came);
    (void)pthread_mutex_unlock(&lock);
}

static void *answerer(void *arg) {
    (void)arg;
    (void)pthread_mutex_lock(&lock);
    for (;;) {
        struct http_exchange *exchange;

        while (!waiting_count && !over)
            (void)pthread_cond_wait(&came, &lock);
        if (!waiting_count)
            break;
        exchange = waiting[--waiting_count];
        (void)pthread_mutex_unlock(&lock);
        http_exchange_answer(exchange, 202, "text/plain",
                             http_exchange_body(exchange));
        (void)pthread_mutex_lock(&lock);
    }
    (void)pthread_mutex_unlock(&lock);
    return NULL;
}

static void *client(void *arg) {
    intptr_t me = (intptr_t)arg;
    char     text[256], answer[1024];
    int      fd = dial();
    intptr_t good = 0;

    for (int i = 0; i < ROUNDS; i++) {
        char    word[16];
        size_t  len = 0;
        ssize_t part = 1;

        (void)snprintf(word, sizeof word, "%03d-%04d", (int)me, i);
        (void)snprintf(text, sizeof text,
                       "POST /hooks/a HTTP/1.1\r\nHost: x\r\n"
                       "Content-Length: 8\r\n\r\n%s",
                       word);
        put(fd, text);
        do {
            answer[len] = '\0';
            part = read(fd, answer + len, sizeof answer - 1 - len);
            len += part > 0 ? (size_t)part : 0;
            answer[len] = '\0';
        } while (part > 0 && !strstr(answer, word));
        good += strncmp(answer, "HTTP/1.1 202", 12) == 0 && part > 0;
    }
    (void)close(fd);
    return (void *)good;
}

Test(http_server_alone, HS2_every_sender_gets_its_own_answer) {
    pthread_t answerers[ANSWERERS], clients[CLIENTS];

    open_server(queue_it, 30);
    for (int i = 0; i < ANSWERERS; i++)
        (void)pthread_create(&answerers[i], NULL, answerer, NULL);
    for (intptr_t i = 0; i < CLIENTS; i++)
        (void)pthread_create(&clients[i], NULL, client, (void *)i);
    for (int i = 0; i < CLIENTS; i++) {
        void *good;

        (void)pthread_join(clients[i], &good);
        cr_expect_eq((intptr_t)good, ROUNDS);
    }
    (void)pthread_mutex_lock(&lock);
    over = true;
    (void)pthread_cond_broadcast(&came);
    (void)pthread_mutex_unlock(&lock);
    for (int i = 0; i < ANSWERERS; i++)
        (void)pthread_join(answerers[i], NULL);
    close_server();
}

Test(http_server_alone, says_what_it_cannot_listen_on) {
    struct http_server_options options = {.address = "nowhere",
                                          .threads = 1,
                                          .connections = 4,
                                          .connections_per_peer = 4,
                                          .request_s = 1,
                                          .cap = cap_of,
                                          .handle = echo};
    struct err                 err;

    cr_expect_null(http_server_open(&options, &err));
    cr_expect_eq(err.code, ERR_CONFIG);
    open_server(echo, 30);
    options.address = "127.0.0.1";
    options.port = http_server_port(server);
    cr_expect_null(http_server_open(&options, &err));
    cr_expect_eq(err.code, ERR_IO);
    cr_expect(support_has(err.text, "127.0.0.1"), "%s", err.text);
    close_server();
}
