/* test_http_client.c - the client against a peer that misbehaves.
 *
 * Each test that needs a peer starts tests/integration/http_double.py and
 * speaks to its ephemeral ports. Names are resolved by the getaddrinfo() below,
 * which stands in front of the C library's for the whole test binary, so that
 * a name can resolve to what no test machine has.
 */
#include <criterion/criterion.h>

#include <dlfcn.h>
#include <netdb.h>
#include <poll.h>
#include <spawn.h>
#include <stdatomic.h>
#include <sys/stat.h>
#include <sys/wait.h>

#include "base/fault.h"
#include "net/address.h"
#include "net/http_client.h"
#include "sys/loop.h"

typedef int resolve_fn(const char *, const char *, const struct addrinfo *,
                       struct addrinfo **);

extern char **environ;

static atomic_int slow_answers;

static const struct {
    const char *name, *address, *second;
} names[] = {
    {"private.test", "127.0.0.1", NULL},
    {"linklocal.test", "169.254.169.254", NULL},
    {"mapped.test", "::ffff:169.254.169.254", NULL},
    {"mixed.test", "169.254.169.254", "127.0.0.1"},
    {"slow.test", "127.0.0.1", NULL},
};

int getaddrinfo(const char *restrict node, const char *restrict service,
                const struct addrinfo *restrict hints,
                struct addrinfo **restrict out) {
    resolve_fn     *next;
    struct addrinfo any = {.ai_socktype = SOCK_STREAM};

    *(void **)&next = dlsym(RTLD_NEXT, "getaddrinfo");
    for (size_t i = 0; node && i < sizeof names / sizeof *names; i++) {
        int rc;

        if (strcmp(node, names[i].name) != 0)
            continue;
        if (strcmp(node, "slow.test") == 0) {
            (void)poll(NULL, 0, 3000);
            atomic_fetch_add(&slow_answers, 1);
        }
        rc = next(names[i].address, service, &any, out);
        if (rc == 0 && names[i].second)
            rc = next(names[i].second, service, &any, &(*out)->ai_next);
        return rc;
    }
    return next(node, service, hints, out);
}

static struct loop        *loop;
static struct http_client *client;
static pid_t               double_pid;
static int                 double_stdin = -1;
static int                 plain, refused, blackhole, secure;
static char                directory[] = "/tmp/nightshift-test-XXXXXX";
static char                cert[64];

static void start_double(bool with_tls) {
    char *python =
        access("/usr/bin/python3", X_OK) == 0 ? "/usr/bin/python3" : "python3";
    char                      *argv[] = {python,
                                         "-I",
                                         "-S",
                                         "tests/integration/http_double.py",
                    with_tls ? "--tls" : NULL,
                                         directory,
                                         NULL};
    posix_spawn_file_actions_t actions;
    int                        in[2], out[2];
    FILE                      *said;

    cr_assert(pipe(in) == 0 && pipe(out) == 0);
    (void)posix_spawn_file_actions_init(&actions);
    (void)posix_spawn_file_actions_adddup2(&actions, in[0], 0);
    (void)posix_spawn_file_actions_adddup2(&actions, out[1], 1);
    (void)posix_spawn_file_actions_addclose(&actions, in[1]);
    cr_assert_eq(
        posix_spawnp(&double_pid, python, &actions, NULL, argv, environ), 0);
    (void)posix_spawn_file_actions_destroy(&actions);
    (void)close(in[0]);
    (void)close(out[1]);
    double_stdin = in[1];
    said = fdopen(out[0], "r");
    cr_assert_eq(fscanf(said, "%d %d %d", &plain, &refused, &blackhole), 3);
    if (with_tls)
        cr_assert_eq(fscanf(said, "%d", &secure), 1);
    (void)fclose(said);
}

static const struct http_client_options quiet = {.user_agent = "test/1"};

static void open_with(const struct http_client_options *options) {
    loop = loop_open();
    client = http_client_open(loop, options);
}

static void begin(void) {
    start_double(false);
    open_with(&quiet);
}

static void begin_tls(void) {
    cr_assert_not_null(mkdtemp(directory));
    start_double(true);
    (void)snprintf(cert, sizeof cert, "%s/cert.pem", directory);
    open_with(
        &(struct http_client_options){.user_agent = "test/1", .ca_file = cert});
}

static void begin_alone(void) {
    open_with(&quiet);
}

static void end(void) {
    http_client_close(client);
    loop_close(loop);
    if (double_stdin < 0)
        return;
    (void)close(double_stdin);
    (void)waitpid(double_pid, NULL, 0);
}

static void end_tls(void) {
    char key[64];

    end();
    (void)snprintf(key, sizeof key, "%s/key.pem", directory);
    (void)unlink(key);
    (void)unlink(cert);
    (void)rmdir(directory);
}

/* One question; what is zero takes the default. */
struct ask {
    const char     *method, *body, *name, *value;
    enum http_reach reach;
    int64_t         deadline_ms;
    size_t          cap;
};

struct told {
    int            times, status;
    enum http_fate fate;
    struct err     err;
    char           body[8192], late[32];
    size_t         len, headers;
};

static void on_done(void *arg, const struct http_answer *answer,
                    const struct err *err) {
    struct told *told = arg;

    told->times++;
    told->fate = answer->fate;
    told->status = answer->status;
    told->err = *err;
    told->len = answer->body.len;
    told->headers = answer->headers.count;
    (void)snprintf(told->body, sizeof told->body, "%s",
                   buf_text(&answer->body));
    (void)snprintf(told->late, sizeof told->late, "%s",
                   http_headers_find(&answer->headers, "x-late").data);
}

static bool start(struct ask ask, const char *url, struct told *told,
                  struct http_call **call) {
    struct http_request request;

    *told = (struct told){0};
    http_request_init(&request, ask.method ? ask.method : "GET", str_of(url));
    request.reach = ask.reach;
    request.deadline_ms = ask.deadline_ms ? ask.deadline_ms : 20000;
    request.answer_cap = ask.cap ? ask.cap : 4000;
    if (ask.body) {
        buf_add_text(&request.body, ask.body);
        request.has_body = true;
    }
    if (ask.name)
        cr_assert(http_headers_add(&request.headers, str_of(ask.name),
                                   str_of(ask.value)));
    return http_client_start(client, &request, on_done, told, call, &told->err);
}

/* To `path` of the double, and until the loop has nothing left. */
static struct told get(struct ask ask, const char *path) {
    static struct told told;
    struct http_call  *call;
    char               url[256];

    ask.reach = HTTP_PRIVATE;
    (void)snprintf(url, sizeof url, "http://127.0.0.1:%d%s", plain, path);
    cr_assert(start(ask, url, &told, &call));
    cr_assert_eq(told.times, 0, "done came from inside start");
    loop_run(loop);
    cr_assert_eq(told.times, 1);
    return told;
}

static struct told get_url(struct ask ask, const char *format, int port) {
    static struct told told;
    struct http_call  *call;
    char               url[256];

#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wformat-nonliteral"
    (void)snprintf(url, sizeof url, format, port);
#pragma GCC diagnostic pop
    cr_assert(start(ask, url, &told, &call));
    loop_run(loop);
    cr_assert_eq(told.times, 1);
    return told;
}

static void is_failure(struct told told, enum http_fate fate,
                       enum err_code code) {
    cr_assert_eq(told.fate, fate, "fate %d: %s", told.fate, told.err.text);
    cr_assert_eq(told.err.code, code, "%s: %s", err_name(told.err.code),
                 told.err.text);
    cr_assert_eq(told.len + told.headers, 0, "part of an answer was handed on");
    cr_assert_eq(told.status, 0);
}

static void is_answer(struct told told, int status, const char *body) {
    cr_assert_eq(told.fate, HTTP_ANSWERED, "%s", told.err.text);
    cr_assert_eq(told.status, status);
    cr_assert_str_eq(told.body, body);
}

TestSuite(http_client, .init = begin, .fini = end, .timeout = 10);
TestSuite(http_client_alone, .init = begin_alone, .fini = end, .timeout = 10);
TestSuite(http_client_tls, .init = begin_tls, .fini = end_tls, .timeout = 10);

Test(http_client, gives_status_headers_and_body) {
    is_answer(get((struct ask){0}, "/ok"), 200, "fine");
    is_answer(get((struct ask){0}, "/error"), 500, "broken");
    is_answer(get((struct ask){0}, "/empty"), 204, "");
    is_answer(get((struct ask){.method = "HEAD"}, "/empty"), 204, "");
    is_answer(get((struct ask){0}, "/chunks"), 200, "fine");
}

Test(http_client, returns_a_redirect_and_does_not_follow_it) {
    is_answer(get((struct ask){0}, "/redirect"), 302, "");
    is_answer(get((struct ask){0}, "/seen"), 200, "1 GET /redirect 0\n");
}

Test(http_client, leaves_out_the_headers_of_an_interim_answer) {
    struct told told = get((struct ask){0}, "/continue");

    is_answer(told, 200, "fine");
    cr_assert_str_eq(told.late, "2");
    cr_assert_eq(told.headers, 2);
}

Test(http_client, leaves_out_trailers_whatever_they_look_like) {
    struct told told = get((struct ask){0}, "/chunks");

    is_answer(told, 200, "fine");
    cr_assert_eq(told.headers, 1);
}

Test(http_client, keeps_the_connection_for_the_next_request) {
    for (int i = 0; i < 3; i++)
        is_answer(get((struct ask){0}, "/ok"), 200, "fine");
    is_answer(get((struct ask){.method = "POST", .body = "x"}, "/ok"), 200,
              "fine");
    is_answer(get((struct ask){0}, "/seen"), 200,
              "1 GET /ok 0\n1 GET /ok 0\n1 GET /ok 0\n1 POST /ok 1\n");
}

static bool has(struct told told, const char *line) {
    return strstr(told.body, line) != NULL;
}

Test(http_client, sends_what_it_was_given_and_nothing_of_libcurls_own) {
    struct told told = get((struct ask){.method = "PUT",
                                        .body = "the body",
                                        .name = "X-Key",
                                        .value = "a: b"},
                           "/echo/a%2Fb/../c?x=%20y");

    cr_assert(has(told, "PUT /echo/a%2Fb/../c?x=%20y HTTP/1.1\r\n"));
    cr_assert(has(told, "\r\nX-Key: a: b\r\n"));
    cr_assert(has(told, "\r\nUser-Agent: test/1\r\n"));
    cr_assert(has(told, "\r\nContent-Length: 8\r\n"));
    cr_assert(has(told, "\r\n\r\nthe body"));
    cr_assert_not(has(told, "Expect"));
    cr_assert_not(has(told, "Content-Type"));
}

Test(http_client, sends_a_large_body_without_asking_first) {
    struct buf  body = BUF_EMPTY;
    struct told told;

    for (int i = 0; i < 1 << 17; i++)
        buf_add_text(&body, "sixteen bytes...");
    told = get((struct ask){.method = "POST", .body = body.data}, "/head");
    cr_assert(has(told, "\r\nContent-Length: 2097152"));
    cr_assert_not(has(told, "Expect"));
    buf_release(&body);
}

Test(http_client, sends_an_empty_body_with_its_length_and_none_without) {
    cr_assert(has(get((struct ask){.method = "POST"}, "/echo"),
                  "\r\nContent-Length: 0\r\n"));
    cr_assert_not(
        has(get((struct ask){.method = "DELETE"}, "/echo"), "Content-Length"));
    cr_assert(has(get((struct ask){.method = "DELETE", .body = "x"}, "/echo"),
                  "DELETE /echo HTTP/1.1"));
}

Test(http_client, sends_a_header_whose_value_is_empty) {
    cr_assert(has(get((struct ask){.name = "X-Nothing", .value = ""}, "/echo"),
                  "\r\nX-Nothing:\r\n"));
}

Test(http_client, takes_no_proxy_from_the_environment) {
    (void)setenv("http_proxy", "http://127.0.0.1:1", 1);
    (void)setenv("ALL_PROXY", "http://127.0.0.1:1", 1);
    is_answer(get((struct ask){0}, "/ok"), 200, "fine");
}

Test(http_client, HC4_says_not_sent_when_the_connection_is_refused) {
    is_failure(get_url((struct ask){.reach = HTTP_PRIVATE},
                       "http://127.0.0.1:%d/", refused),
               HTTP_NOT_SENT, ERR_IO);
}

Test(http_client, HC1_a_black_hole_ends_by_the_deadline_as_not_sent) {
    is_failure(get_url((struct ask){.reach = HTTP_PRIVATE, .deadline_ms = 200},
                       "http://127.0.0.1:%d/", blackhole),
               HTTP_NOT_SENT, ERR_TIMEOUT);
}

static void ignore(void *arg, int fd, int events) {
    (void)arg;
    (void)fd;
    (void)events;
}

/* libcurl closes such a socket without a word. */
Test(http_client, forgets_a_socket_that_never_connected) {
    int                fds[2];
    struct loop_watch *watches[2];

    (void)get_url((struct ask){.reach = HTTP_PRIVATE, .deadline_ms = 100},
                  "http://127.0.0.1:%d/", blackhole);
    cr_assert_eq(socketpair(AF_UNIX, SOCK_STREAM, 0, fds), 0);
    for (int i = 0; i < 2; i++)
        watches[i] = loop_watch_start(loop, fds[i], ignore, NULL);
    for (int i = 0; i < 2; i++) {
        loop_watch_stop(watches[i]);
        (void)close(fds[i]);
    }
}

Test(http_client, HC1_silence_after_the_request_ends_as_unknown) {
    is_failure(
        get((struct ask){.method = "POST", .deadline_ms = 200}, "/silent"),
        HTTP_SENT_UNKNOWN, ERR_TIMEOUT);
}

Test(http_client, HC1_headers_that_drip_end_by_the_deadline) {
    is_failure(get((struct ask){.deadline_ms = 300}, "/slowheaders"),
               HTTP_SENT_UNKNOWN, ERR_TIMEOUT);
}

Test(http_client, HC1_a_body_that_drips_ends_by_the_deadline) {
    is_failure(get((struct ask){.deadline_ms = 300}, "/slowbody"),
               HTTP_SENT_UNKNOWN, ERR_TIMEOUT);
}

Test(http_client, HC1_a_body_that_stalls_ends_by_the_deadline) {
    struct told told = get((struct ask){.deadline_ms = 200}, "/stall");

    is_failure(told, HTTP_SENT_UNKNOWN, ERR_TIMEOUT);
    cr_assert_eq(told.err.status, 200);
}

Test(http_client_alone, HC1_a_resolver_that_hangs_does_not_hold_the_loop) {
    struct told told =
        get_url((struct ask){.reach = HTTP_PRIVATE, .deadline_ms = 200},
                "http://slow.test:%d/", 1);

    is_failure(told, HTTP_NOT_SENT, ERR_TIMEOUT);
    cr_assert_eq(atomic_load(&slow_answers), 0, "it waited for the resolver");
}

Test(http_client, HC2_a_body_shorter_than_its_length_is_an_error) {
    is_failure(get((struct ask){0}, "/cut"), HTTP_SENT_UNKNOWN, ERR_IO);
}

Test(http_client, HC2_a_chunked_body_that_was_cut_is_an_error) {
    is_failure(get((struct ask){0}, "/cutchunks"), HTTP_SENT_UNKNOWN, ERR_IO);
}

Test(http_client, HC2_a_body_over_the_cap_is_an_error) {
    is_failure(get((struct ask){0}, "/big"), HTTP_SENT_UNKNOWN, ERR_LIMIT);
    is_failure(get((struct ask){0}, "/bigchunks"), HTTP_SENT_UNKNOWN,
               ERR_LIMIT);
    cr_assert_eq(get((struct ask){.cap = 4096}, "/big").len, 4096);
}

Test(http_client, HC2_the_cap_counts_what_gzip_unpacks_to) {
    is_answer(get((struct ask){0}, "/gzip"), 200, "fine");
    is_failure(get((struct ask){.cap = 1000000}, "/bomb"), HTTP_SENT_UNKNOWN,
               ERR_LIMIT);
}

Test(http_client, HC2_headers_without_end_are_an_error) {
    is_failure(get((struct ask){0}, "/headerflood"), HTTP_SENT_UNKNOWN,
               ERR_LIMIT);
}

Test(http_client, HC4_says_unknown_when_the_peer_resets_after_reading) {
    struct told told =
        get((struct ask){.method = "POST", .body = "x"}, "/reset?token=secret");

    is_failure(told, HTTP_SENT_UNKNOWN, ERR_IO);
    cr_assert(strstr(told.err.text, "POST 127.0.0.1/reset: "));
    cr_assert_not(strstr(told.err.text, "secret"));
}

Test(http_client, HC4_says_unknown_when_the_peer_closes_or_talks_rubbish) {
    is_failure(get((struct ask){0}, "/close"), HTTP_SENT_UNKNOWN, ERR_IO);
    is_failure(get((struct ask){0}, "/garbage"), HTTP_SENT_UNKNOWN, ERR_IO);
}

Test(http_client, HC4_says_unknown_when_half_of_a_body_left) {
    struct buf  body = BUF_EMPTY;
    struct told told;

    for (int i = 0; i < 1 << 20; i++)
        buf_add_text(&body, "sixteen bytes...");
    told = get(
        (struct ask){.method = "POST", .body = body.data, .deadline_ms = 300},
        "/deaf");
    is_failure(told, HTTP_SENT_UNKNOWN, ERR_TIMEOUT);
    buf_release(&body);
}

/* The same peer, the same break: a read is asked again by libcurl, of which
 * the double sees the second asking on a new connection; a write is not. */
Test(http_client, HC4_does_not_repeat_a_write_when_a_kept_connection_breaks) {
    struct ask post = {.method = "POST", .body = "x"};

    is_answer(get(post, "/resetonreuse"), 200, "first");
    is_failure(get(post, "/resetonreuse"), HTTP_SENT_UNKNOWN, ERR_IO);
    is_answer(get((struct ask){0}, "/seen"), 200,
              "1 POST /resetonreuse 1\n1 POST /resetonreuse 1\n");
}

Test(http_client, HC4_does_not_repeat_a_write_without_a_body_either) {
    struct ask drop = {.method = "DELETE"};

    is_answer(get(drop, "/resetonreuse"), 200, "first");
    is_failure(get(drop, "/resetonreuse"), HTTP_SENT_UNKNOWN, ERR_IO);
    is_answer(get((struct ask){0}, "/seen"), 200,
              "1 DELETE /resetonreuse 0\n1 DELETE /resetonreuse 0\n");
}

Test(http_client, repeats_a_read_when_a_kept_connection_breaks) {
    is_answer(get((struct ask){0}, "/resetonreuse"), 200, "first");
    is_answer(get((struct ask){0}, "/resetonreuse"), 200, "first");
    is_answer(get((struct ask){0}, "/seen"), 200,
              "1 GET /resetonreuse 0\n1 GET /resetonreuse 0\n"
              "2 GET /resetonreuse 0\n");
}

static void is_denied(const char *url, enum http_reach reach) {
    is_failure(get_url((struct ask){.reach = reach}, url, plain), HTTP_NOT_SENT,
               ERR_DENIED);
}

Test(http_client, HC3_a_public_request_reaches_no_loopback) {
    is_denied("http://127.0.0.1:%d/ok", HTTP_PUBLIC);
    is_denied("http://localhost:%d/ok", HTTP_PUBLIC);
    is_denied("http://[::1]:%d/ok", HTTP_PUBLIC);
    is_denied("http://0x7f.1:%d/ok", HTTP_PUBLIC);
    is_denied("http://2130706433:%d/ok", HTTP_PUBLIC);
    is_denied("http://private.test:%d/ok", HTTP_PUBLIC);
}

Test(http_client, HC3_nobody_reaches_link_local_or_unspecified) {
    is_denied("http://169.254.169.254:%d/", HTTP_PRIVATE);
    is_denied("http://linklocal.test:%d/", HTTP_PRIVATE);
    is_denied("http://mapped.test:%d/", HTTP_PRIVATE);
    is_denied("http://0.0.0.0:%d/ok", HTTP_PRIVATE);
    is_denied("http://[::]:%d/ok", HTTP_PRIVATE);
    is_denied("http://[::ffff:169.254.169.254]:%d/", HTTP_PRIVATE);
    is_denied("http://[fe80::1]:%d/", HTTP_PRIVATE);
}

static void is_refused_metadata(const char *url) {
    is_denied(url, HTTP_METADATA);
}

Test(http_client, HC5_what_reaches_metadata_reaches_nothing_else) {
    is_refused_metadata("http://10.0.0.1:%d/");
    is_refused_metadata("http://192.0.2.1:%d/");
    is_refused_metadata("http://169.254.169.253:%d/");
    is_refused_metadata("http://169.254.170.3:%d/");
    is_refused_metadata("http://mapped.test:%d/");
    is_refused_metadata("http://0.0.0.0:%d/ok");
    is_refused_metadata("http://[fd00:ec2::253]:%d/");
    is_refused_metadata("http://[fe80::1]:%d/");
    is_answer(get_url((struct ask){.reach = HTTP_METADATA},
                      "http://127.0.0.1:%d/ok", plain),
              200, "fine");
}

Test(http_client, HC5_every_place_that_hands_out_credentials_is_known) {
    static const char *const known[] = {"169.254.169.254",
                                        "169.254.170.2",
                                        "169.254.170.23",
                                        "fd00:ec2::254",
                                        "fd00:ec2::23",
                                        "127.0.0.2",
                                        "::1"};
    static const char *const other[] = {
        "169.254.169.123", "8.8.8.8", "fd00:ec2::1", "::", "localhost", ""};

    for (size_t i = 0; i < sizeof known / sizeof *known; i++)
        cr_expect(address_is_metadata_text(known[i]), "%s", known[i]);
    for (size_t i = 0; i < sizeof other / sizeof *other; i++)
        cr_expect_not(address_is_metadata_text(other[i]), "%s", other[i]);
}

Test(http_client_alone, HC5_what_reaches_metadata_goes_round_a_proxy) {
    struct told told;

    http_client_close(client);
    client = http_client_open(
        loop, &(struct http_client_options){.user_agent = "test/1",
                                            .proxy = "http://127.0.0.1:9"});
    told = get_url((struct ask){.reach = HTTP_METADATA}, "http://10.0.0.1:%d/",
                   80);
    is_failure(told, HTTP_NOT_SENT, ERR_DENIED);
    cr_expect(strstr(told.err.text, "10.0.0.1"), "%s", told.err.text);
}

Test(http_client, HC3_a_name_reaches_the_one_address_that_is_allowed) {
    is_answer(get_url((struct ask){.reach = HTTP_PRIVATE},
                      "http://mixed.test:%d/ok", plain),
              200, "fine");
}

Test(http_client, HC3_a_connection_of_wider_reach_is_not_borrowed) {
    is_answer(get((struct ask){0}, "/ok"), 200, "fine");
    is_denied("http://127.0.0.1:%d/ok", HTTP_PUBLIC);
    is_answer(get((struct ask){0}, "/seen"), 200, "1 GET /ok 0\n");
}

static void is_refused(struct ask ask, const char *url, enum err_code code) {
    struct told       told;
    struct http_call *call;

    cr_assert_not(start(ask, url, &told, &call), "%s", url);
    cr_assert_eq(told.err.code, code);
    loop_run(loop);
    cr_assert_eq(told.times, 0, "done came though start refused");
}

Test(http_client_alone, refuses_urls_that_not_everybody_reads_alike) {
    static const char *const urls[] = {
        "",
        "/relative",
        "example.com",
        "//example.com/",
        "ftp://example.com/",
        "file:///etc/passwd",
        "http:/example.com",
        "http:///example.com",
        "http://",
        "http://user:pass@example.com/",
        "http://@example.com/",
        "http://example.com/a b",
        "http://example.com/\r\nX-Evil: 1",
        "http://example.com\\@evil.example/",
        "http://ex\303\244mple.com/",
        "http://example.com/a\\b",
        "http://example.com:99999/",
    };

    for (size_t i = 0; i < sizeof urls / sizeof *urls; i++)
        is_refused((struct ask){0}, urls[i], ERR_INVALID);
}

Test(http_client_alone, refuses_headers_and_methods_that_split_a_request) {
    is_refused((struct ask){.method = "GET / HTTP/1.1\r\nX: "},
               "http://example.com/", ERR_INVALID);
    is_refused((struct ask){.name = "Transfer-Encoding", .value = "chunked"},
               "http://example.com/", ERR_INVALID);
    is_refused((struct ask){.name = "connection", .value = "close"},
               "http://example.com/", ERR_INVALID);
}

Test(http_client_alone, leaves_the_request_empty_also_when_it_refuses) {
    struct http_request request;
    struct http_call   *call;
    struct err          err;

    http_request_init(&request, "GET", STR("nonsense"));
    cr_assert_not(
        http_client_start(client, &request, on_done, NULL, &call, &err));
    cr_assert_null(request.url);
    cr_assert_null(request.method);
}

static struct http_call *to_cancel;

static void cancel(void *arg) {
    (void)arg;
    http_client_cancel(to_cancel);
    http_client_cancel(to_cancel); /* twice is once */
}

Test(http_client, a_cancelled_call_is_done_once_and_later) {
    struct told told;
    char        url[64];

    (void)snprintf(url, sizeof url, "http://127.0.0.1:%d/silent", plain);
    cr_assert(
        start((struct ask){.reach = HTTP_PRIVATE}, url, &told, &to_cancel));
    cancel(NULL);
    cr_assert_eq(told.times, 0);
    loop_run(loop);
    cr_assert_eq(told.times, 1);
    is_failure(told, HTTP_NOT_SENT, ERR_CANCELLED);
}

Test(http_client, HC4_a_call_cancelled_after_it_left_is_unknown) {
    struct told told;
    char        url[64];

    (void)snprintf(url, sizeof url, "http://127.0.0.1:%d/silent", plain);
    cr_assert(
        start((struct ask){.reach = HTTP_PRIVATE}, url, &told, &to_cancel));
    (void)loop_timer_start(loop, 100, cancel, NULL);
    loop_run(loop);
    is_failure(told, HTTP_SENT_UNKNOWN, ERR_CANCELLED);
}

Test(http_client, answers_many_calls_at_once) {
    enum { MANY = 40 };
    static struct told told[MANY];
    struct http_call  *call;
    char               url[64];

    (void)snprintf(url, sizeof url, "http://127.0.0.1:%d/ok", plain);
    for (int i = 0; i < MANY; i++)
        cr_assert(
            start((struct ask){.reach = HTTP_PRIVATE}, url, &told[i], &call));
    loop_run(loop);
    for (int i = 0; i < MANY; i++)
        is_answer(told[i], 200, "fine");
}

Test(http_client, passes_the_fault_point_once_for_each_request_that_left) {
    struct err err;

    cr_assert(fault_arm("count", &err));
    (void)get((struct ask){.method = "POST", .body = "x"}, "/ok");
    cr_assert_eq(fault_passages(FAULT_NET_MID_REQUEST), 1);
    (void)get((struct ask){.deadline_ms = 200}, "/silent");
    cr_assert_eq(fault_passages(FAULT_NET_MID_REQUEST), 2,
                 "it waits for the answer instead of the request's end");
    (void)get_url((struct ask){.reach = HTTP_PRIVATE}, "http://127.0.0.1:%d/",
                  refused);
    cr_assert_eq(fault_passages(FAULT_NET_MID_REQUEST), 2);
}

/* The double answers as a proxy too: it does not mind an absolute URL. */
Test(http_client, HC3_through_a_proxy_judges_the_address_in_the_url) {
    char                       proxy[64];
    struct http_client_options options = {.user_agent = "test/1",
                                          .proxy = proxy,
                                          .no_proxy = "x.test, .private.test"};
    struct told                told;
    struct http_call          *call;

    (void)snprintf(proxy, sizeof proxy, "http://127.0.0.1:%d", plain);
    http_client_close(client);
    client = http_client_open(loop, &options);
    told = get_url((struct ask){0}, "http://anything.test:%d/echo", 80);
    cr_assert(has(told, "GET http://anything.test:80/echo HTTP/1.1\r\n") ||
              has(told, "GET http://anything.test/echo HTTP/1.1\r\n"));
    cr_assert_not(
        start((struct ask){0}, "http://169.254.169.254/", &told, &call));
    cr_assert_eq(told.err.code, ERR_DENIED);
    told = get_url((struct ask){.reach = HTTP_PRIVATE},
                   "http://private.test:%d/echo", plain);
    cr_assert(has(told, "GET /echo HTTP/1.1\r\n"), "it did not go round");
}

Test(http_client_tls, takes_an_answer_from_a_peer_it_can_verify) {
    is_answer(get_url((struct ask){.reach = HTTP_PRIVATE},
                      "https://localhost:%d/ok", secure),
              200, "fine");
}

Test(http_client_tls, HC4_refuses_a_peer_with_another_name_as_not_sent) {
    is_failure(get_url((struct ask){.reach = HTTP_PRIVATE, .method = "POST"},
                       "https://127.0.0.1:%d/ok", secure),
               HTTP_NOT_SENT, ERR_IO);
}

Test(http_client_tls, HC1_a_handshake_that_hangs_ends_as_not_sent) {
    struct err err;

    cr_assert(fault_arm("count", &err));
    is_failure(get_url((struct ask){.reach = HTTP_PRIVATE,
                                    .method = "POST",
                                    .deadline_ms = 200},
                       "https://localhost:%d/ok", plain),
               HTTP_NOT_SENT, ERR_TIMEOUT);
    cr_assert_eq(fault_passages(FAULT_NET_MID_REQUEST), 0);
}

Test(http_client_tls, HC4_refuses_a_certificate_it_does_not_know_as_not_sent) {
    http_client_close(client);
    client = http_client_open(loop, &quiet);
    is_failure(get_url((struct ask){.reach = HTTP_PRIVATE, .method = "POST"},
                       "https://localhost:%d/ok", secure),
               HTTP_NOT_SENT, ERR_IO);
}

Test(http_client_tls, HC4_says_unknown_when_the_peer_resets_after_reading) {
    is_failure(get_url((struct ask){.reach = HTTP_PRIVATE, .method = "POST"},
                       "https://localhost:%d/reset", secure),
               HTTP_SENT_UNKNOWN, ERR_IO);
}
