/* bench_http.c - our HTTP client against libcurl's multi interface alone, and
 * what a thousand requests in flight cost.
 *
 * One server, a child process with epoll, answers both over loopback; it is
 * the same work twice: GET, a small JSON answer, connections kept alive, a
 * fixed number in flight. What is between the two figures is our copies of
 * request and answer, the judging of addresses, the deadline and the loop. The
 * two take turns and the best turn of each counts. The server ends with its
 * parent.
 *
 * /hold is not answered until as many of them wait as HOLD says: that is how a
 * thousand are in flight at the same moment.
 */
#include <arpa/inet.h>
#include <curl/curl.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <unistd.h>

#include "net/http_client.h"
#include "sys/clock_real.h"
#include "sys/loop.h"

#define REQUESTS 8000
#define AT_ONCE 32
#define TURNS 5
#define HOLD 1000
#define FD_MAX 4096

static const char answer[] = "HTTP/1.1 200 OK\r\nContent-Type: "
                             "application/json\r\nContent-Length: 29\r\n\r\n"
                             "{\"services\":[],\"failures\":[]}";

static void die(const char *what) {
    perror(what);
    exit(1);
}

/* --- the server --------------------------------------------------------- */

struct server {
    int    poll, listener, held;
    int    holding[HOLD];
    size_t used[FD_MAX];
    char   heads[FD_MAX][1024];
};

static void send_answer(int fd) {
    if (write(fd, answer, sizeof answer - 1) < 0)
        (void)close(fd);
}

static void hold(struct server *server, int fd) {
    server->holding[server->held++] = fd;
    if (server->held < HOLD)
        return;
    for (int i = 0; i < HOLD; i++)
        send_answer(server->holding[i]);
    server->held = 0;
}

static void take(struct server *server, int fd) {
    char   *head = server->heads[fd];
    size_t *used = &server->used[fd];
    ssize_t got = read(fd, head + *used, sizeof server->heads[fd] - 1 - *used);

    if (got <= 0) {
        (void)close(fd);
        *used = 0;
        return;
    }
    *used += (size_t)got;
    head[*used] = '\0';
    if (!strstr(head, "\r\n\r\n"))
        return;
    *used = 0;
    if (strncmp(head, "GET /hold ", 10) == 0)
        hold(server, fd);
    else
        send_answer(fd);
}

static void welcome(struct server *server) {
    struct epoll_event event = {.events = EPOLLIN};
    int                fd;

    while ((fd = accept4(server->listener, NULL, NULL, SOCK_NONBLOCK)) >= 0) {
        if (fd >= FD_MAX)
            die("too many connections");
        server->used[fd] = 0;
        event.data.fd = fd;
        (void)epoll_ctl(server->poll, EPOLL_CTL_ADD, fd, &event);
    }
}

static void serve(int listener) {
    static struct server server;
    struct epoll_event   event = {.events = EPOLLIN, .data.fd = listener};
    struct epoll_event   events[64];

    (void)prctl(PR_SET_PDEATHSIG, SIGKILL);
    server.listener = listener;
    server.poll = epoll_create1(0);
    (void)epoll_ctl(server.poll, EPOLL_CTL_ADD, listener, &event);
    for (;;) {
        int count = epoll_wait(server.poll, events, 64, -1);

        for (int i = 0; i < count; i++)
            if (events[i].data.fd == listener)
                welcome(&server);
            else
                take(&server, events[i].data.fd);
    }
}

/* Its process, and the URL of what it serves. */
static pid_t start_server(char url[64]) {
    struct sockaddr_in at = {.sin_family = AF_INET};
    socklen_t          len = sizeof at;
    int   listener = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0);
    pid_t child;

    at.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    if (bind(listener, (struct sockaddr *)&at, sizeof at) ||
        listen(listener, HOLD) ||
        getsockname(listener, (struct sockaddr *)&at, &len))
        die("listen");
    child = fork();
    if (child < 0)
        die("fork");
    if (child == 0)
        serve(listener);
    (void)close(listener);
    (void)snprintf(url, 64, "http://127.0.0.1:%d/", ntohs(at.sin_port));
    return child;
}

/* --- our client --------------------------------------------------------- */

struct ours {
    struct http_client *client;
    struct loop        *loop;
    char                url[80];
    int                 left, waiting;
};

static void ask(struct ours *ours);

static void answered(void *arg, const struct http_answer *got,
                     const struct err *err) {
    struct ours *ours = arg;

    if (got->fate != HTTP_ANSWERED || got->status != 200 ||
        got->body.len != 29) {
        (void)fprintf(stderr, "bench_http: %s\n", err->text);
        exit(1);
    }
    ours->waiting--;
    if (ours->left > 0)
        ask(ours);
    else if (ours->waiting == 0)
        loop_stop(ours->loop);
}

static void ask(struct ours *ours) {
    struct http_request request;
    struct http_call   *call;
    struct err          err;

    http_request_init(&request, "GET", str_of(ours->url));
    request.reach = HTTP_PRIVATE;
    request.deadline_ms = 30000;
    request.answer_cap = 1 << 20;
    ours->left--;
    ours->waiting++;
    if (!http_client_start(ours->client, &request, answered, ours, &call,
                           &err)) {
        (void)fprintf(stderr, "bench_http: %s\n", err.text);
        exit(1);
    }
}

static void ask_all(struct ours *ours, const char *path, int count,
                    int at_once) {
    size_t base = strlen(ours->url);

    (void)snprintf(ours->url + base, sizeof ours->url - base, "%s", path);
    ours->left = count;
    for (int i = 0; i < at_once && ours->left > 0; i++)
        ask(ours);
    loop_run(ours->loop);
    ours->url[base] = '\0';
}

/* --- libcurl alone ------------------------------------------------------ */

/* Driven by sockets, its fastest way; curl_multi_poll() looks at every
 * connection each time. */
struct bare {
    CURLM *multi;
    int    poll;
    long   timer; /* ms; -1: none */
    CURL  *easy[AT_ONCE];
    int    left, waiting;
};

static size_t swallow(char *data, size_t size, size_t count, void *arg) {
    (void)data;
    *(size_t *)arg += size * count;
    return size * count;
}

static size_t swallowed;

static int on_socket(CURL *easy, curl_socket_t fd, int what, void *arg,
                     void *known) {
    struct bare       *bare = arg;
    struct epoll_event event = {.data.fd = fd};

    (void)easy;
    event.events = (what & CURL_POLL_IN ? EPOLLIN : 0u) |
                   (what & CURL_POLL_OUT ? EPOLLOUT : 0u);
    (void)known;
    if (what == CURL_POLL_REMOVE)
        (void)epoll_ctl(bare->poll, EPOLL_CTL_DEL, fd, &event);
    else if (epoll_ctl(bare->poll, EPOLL_CTL_MOD, fd, &event) < 0)
        (void)epoll_ctl(bare->poll, EPOLL_CTL_ADD, fd, &event);
    return 0;
}

static int on_timer(CURLM *multi, long ms, void *arg) {
    (void)multi;
    ((struct bare *)arg)->timer = ms;
    return 0;
}

static void bare_open(struct bare *bare, const char *url) {
    bare->poll = epoll_create1(0);
    bare->timer = -1;
    bare->multi = curl_multi_init();
    (void)curl_multi_setopt(bare->multi, CURLMOPT_SOCKETFUNCTION, on_socket);
    (void)curl_multi_setopt(bare->multi, CURLMOPT_SOCKETDATA, bare);
    (void)curl_multi_setopt(bare->multi, CURLMOPT_TIMERFUNCTION, on_timer);
    (void)curl_multi_setopt(bare->multi, CURLMOPT_TIMERDATA, bare);
    for (int i = 0; i < AT_ONCE; i++) {
        bare->easy[i] = curl_easy_init();
        (void)curl_easy_setopt(bare->easy[i], CURLOPT_URL, url);
        (void)curl_easy_setopt(bare->easy[i], CURLOPT_PROXY, "");
        (void)curl_easy_setopt(bare->easy[i], CURLOPT_NOSIGNAL, 1L);
        (void)curl_easy_setopt(bare->easy[i], CURLOPT_WRITEFUNCTION, swallow);
        (void)curl_easy_setopt(bare->easy[i], CURLOPT_WRITEDATA, &swallowed);
    }
}

/* It begins with the next timeout; libcurl does not say so again when it has
 * said it of another handle. */
static void bare_add(struct bare *bare, CURL *easy) {
    (void)curl_multi_add_handle(bare->multi, easy);
    bare->timer = 0;
}

static void bare_next(struct bare *bare) {
    CURLMsg *message;
    int      more;

    while ((message = curl_multi_info_read(bare->multi, &more))) {
        CURL *easy = message->easy_handle;

        if (message->data.result != CURLE_OK)
            die("bench_http: libcurl alone");
        (void)curl_multi_remove_handle(bare->multi, easy);
        if (bare->left-- > 0)
            bare_add(bare, easy);
        else
            bare->waiting--;
    }
}

static void bare_turn(struct bare *bare) {
    struct epoll_event events[AT_ONCE];
    int                running, count;

    if (bare->timer == 0) {
        bare->timer = -1;
        (void)curl_multi_socket_action(bare->multi, CURL_SOCKET_TIMEOUT, 0,
                                       &running);
        bare_next(bare); /* some may have ended already */
        return;
    }
    count = epoll_wait(bare->poll, events, AT_ONCE, (int)bare->timer);
    for (int i = 0; i < count; i++)
        (void)curl_multi_socket_action(
            bare->multi, events[i].data.fd,
            (events[i].events & EPOLLIN ? CURL_CSELECT_IN : 0) |
                (events[i].events & EPOLLOUT ? CURL_CSELECT_OUT : 0),
            &running);
    if (count == 0)
        bare->timer = 0;
    bare_next(bare);
}

static void bare_run(struct bare *bare, int count) {
    bare->left = count - AT_ONCE;
    bare->waiting = AT_ONCE;
    for (int i = 0; i < AT_ONCE; i++)
        bare_add(bare, bare->easy[i]);
    while (bare->waiting > 0)
        bare_turn(bare);
}

static void bare_close(struct bare *bare) {
    for (int i = 0; i < AT_ONCE; i++)
        curl_easy_cleanup(bare->easy[i]);
    (void)curl_multi_cleanup(bare->multi);
    (void)close(bare->poll);
}

/* --- measuring ---------------------------------------------------------- */

static double per_second(struct clock *clock, int64_t begun) {
    return REQUESTS * 1e9 / (double)(clock->mono_ns(clock) - begun);
}

static void measure_speed(struct ours *ours, struct clock *clock) {
    struct bare bare;
    double      our = 0, alone = 0;

    bare_open(&bare, ours->url);
    ask_all(ours, "", AT_ONCE, AT_ONCE);
    bare_run(&bare, AT_ONCE);
    for (int turn = 0; turn < TURNS; turn++) {
        int64_t begun = clock->mono_ns(clock);
        double  rate;

        ask_all(ours, "", REQUESTS, AT_ONCE);
        rate = per_second(clock, begun);
        our = rate > our ? rate : our;
        begun = clock->mono_ns(clock);
        bare_run(&bare, REQUESTS);
        rate = per_second(clock, begun);
        alone = rate > alone ? rate : alone;
    }
    bare_close(&bare);
    if (swallowed != (size_t)29 * (TURNS * REQUESTS + AT_ONCE))
        die("bench_http: libcurl alone made other requests");
    printf("bench http_per_second %.0f requests/s\n", our);
    printf("bench http_libcurl_alone %.0f requests/s\n", alone);
    printf("bench http_of_libcurl %.2f ratio (aim >= 0.6)\n", our / alone);
}

/* A line of /proc/self/status, in KiB. */
static long memory(const char *name) {
    FILE *status = fopen("/proc/self/status", "r");
    char  line[128];
    long  kib = 0;

    if (!status)
        die("/proc/self/status");
    while (fgets(line, sizeof line, status))
        if (strncmp(line, name, strlen(name)) == 0)
            kib = strtol(line + strlen(name), NULL, 10);
    (void)fclose(status);
    return kib;
}

/* The peak is counted from now. */
static void forget_peak(void) {
    FILE *refs = fopen("/proc/self/clear_refs", "w");

    if (refs) {
        (void)fputs("5", refs);
        (void)fclose(refs);
    }
}

static void measure_memory(struct ours *ours) {
    long idle;

    ask_all(ours, "", 1, 1);
    idle = memory("VmRSS:");
    forget_peak();
    ask_all(ours, "hold", HOLD, HOLD);
    printf("bench http_memory_1000 %.1f MiB (aim <= 64)\n",
           (double)(memory("VmHWM:") - idle) / 1024);
}

static void more_descriptors(void) {
    struct rlimit limit;

    (void)getrlimit(RLIMIT_NOFILE, &limit);
    limit.rlim_cur = limit.rlim_max < FD_MAX ? limit.rlim_max : FD_MAX;
    (void)setrlimit(RLIMIT_NOFILE, &limit);
}

int main(void) {
    struct http_client_options options = {.user_agent = "bench"};
    struct clock              *clock = clock_real();
    struct ours                ours = {.left = 0};
    char                       url[64];
    pid_t                      child;

    more_descriptors();
    child = start_server(url);
    ours.loop = loop_open();
    ours.client = http_client_open(ours.loop, &options);
    (void)snprintf(ours.url, sizeof ours.url, "%s", url);
    measure_memory(&ours);
    measure_speed(&ours, clock);
    http_client_close(ours.client);
    loop_run(ours.loop);
    loop_close(ours.loop);
    (void)kill(child, SIGKILL);
    return 0;
}
