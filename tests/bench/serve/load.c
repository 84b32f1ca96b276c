/* load.c - sends notifications as fast as a number of connections allows.
 *
 *   load accept PORT COUNT CONNECTIONS FROM     alerts that no playbook takes
 *   load incidents PORT COUNT CONNECTIONS FROM  alerts that each begin a run
 *   load closed PORT COUNT CONNECTIONS FROM     the same, and a connection sends
 *                                               its next one only when standard
 *                                               input has said, as the stub
 *                                               does, that its last one's calls
 *                                               are made
 *   load start PORT COMMAND …                   ms from starting the command
 *                                               until it has accepted one
 *
 * FROM is the number of the first alert; each is an alert of its own. One line
 * is printed: seconds, then p50 and p99 in ms from sending to 202 (closed: to
 * the last call), then how many were not accepted. The token is $LOAD_TOKEN.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define CONNECTIONS_MAX 1024
#define TEXT_MAX 4096

static const char alert[] =
    "{\"receiver\":\"nightshift\",\"status\":\"firing\",\"alerts\":[{"
    "\"status\":\"firing\",\"labels\":{\"alertname\":\"ServiceCrashLooping\","
    "\"cluster\":\"prod\",\"job\":\"ecs-exporter\",\"%s\":\"s%u\",\"number\":"
    "\"%u\",\"severity\":\"critical\",\"team\":\"shop\"},\"annotations\":{"
    "\"description\":\"Tasks of checkout stopped 6 times in 10 minutes; 0 of "
    "3 are running.\",\"runbook_url\":\"https://runbooks.example.com/"
    "servicecrashlooping\",\"summary\":\"checkout in prod is crash looping\"},"
    "\"startsAt\":\"2026-11-23T01:21:01.436462Z\",\"endsAt\":"
    "\"0001-01-01T00:00:00Z\",\"generatorURL\":\"http://prometheus.example."
    "com:9090/graph?g0.expr=ecs_service_running_tasks+%%3C+"
    "ecs_service_desired_tasks&g0.tab=1\",\"fingerprint\":\"%016x\"}],"
    "\"groupLabels\":{\"cluster\":\"prod\"},\"commonLabels\":{\"cluster\":"
    "\"prod\",\"job\":\"ecs-exporter\",\"severity\":\"critical\"},"
    "\"commonAnnotations\":{},\"externalURL\":\"http://alertmanager.example."
    "com:9093\",\"version\":\"4\",\"groupKey\":\"{}:{cluster=\\\"prod\\\"}\","
    "\"truncatedAlerts\":0}";

static struct sender {
    int      fd;
    unsigned id;
    int64_t  sent_ns;
    size_t   used;
    char     head[1024];
} senders[CONNECTIONS_MAX];

static struct {
    unsigned port, count, connections, from;
    bool     matched, closed;
} plan;
static unsigned begun, ended, refused;
static int64_t *times;
static int      poller;

static void die(const char *what) {
    perror(what);
    exit(1);
}

static int64_t now_ns(void) {
    struct timespec at;

    (void)clock_gettime(CLOCK_MONOTONIC, &at);
    return at.tv_sec * 1000000000LL + at.tv_nsec;
}

static int connect_to(unsigned port) {
    struct sockaddr_in at = {.sin_family = AF_INET,
                             .sin_port = htons((uint16_t)port),
                             .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    int                fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

    if (connect(fd, (struct sockaddr *)&at, sizeof at) == 0)
        return fd;
    (void)close(fd);
    return -1;
}

static size_t write_request(char *text, unsigned id, bool matched) {
    char        body[TEXT_MAX];
    const char *token = getenv("LOAD_TOKEN");
    int len = snprintf(body, sizeof body, alert, matched ? "service" : "host",
                       id, id, id);

    return (size_t)snprintf(
        text, 2 * TEXT_MAX,
        "POST /hooks/alertmanager HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer "
        "%s\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n%s",
        token ? token : "", len, body);
}

static void send_next(struct sender *sender) {
    char   text[2 * TEXT_MAX];
    size_t len;

    if (begun == plan.count)
        return;
    sender->id = plan.from + begun++;
    len = write_request(text, sender->id, plan.matched);
    sender->sent_ns = now_ns();
    if (write(sender->fd, text, len) != (ssize_t)len)
        die("load: write");
}

static void one_ended(struct sender *sender) {
    times[ended++] = now_ns() - sender->sent_ns;
    send_next(sender);
}

/* Is the whole answer there? All of them say how long they are. */
static bool is_whole(const struct sender *sender) {
    const char *length = strstr(sender->head, "Content-Length:");
    const char *body = strstr(sender->head, "\r\n\r\n");

    return length && body &&
           sender->used >= (size_t)(body + 4 - sender->head) +
                               strtoul(length + 15, NULL, 10);
}

static void take_answer(struct sender *sender) {
    ssize_t got = read(sender->fd, sender->head + sender->used,
                       sizeof sender->head - 1 - sender->used);

    if (got <= 0)
        die("load: the connection ended");
    sender->used += (size_t)got;
    sender->head[sender->used] = '\0';
    if (!is_whole(sender))
        return;
    sender->used = 0;
    if (strncmp(sender->head, "HTTP/1.1 202", 12) != 0) {
        refused++;
        one_ended(sender);
    } else if (!plan.closed) {
        one_ended(sender);
    }
}

static void take_told(void) {
    unsigned ids[1024];
    ssize_t  got = read(STDIN_FILENO, ids, sizeof ids);

    if (got <= 0)
        die("load: the stub ended");
    for (size_t i = 0; i < (size_t)got / sizeof *ids; i++)
        for (unsigned c = 0; c < plan.connections; c++)
            if (senders[c].id == ids[i])
                one_ended(&senders[c]);
}

static void watch(int fd, uint64_t number) {
    struct epoll_event event = {.events = EPOLLIN, .data.u64 = number};

    if (epoll_ctl(poller, EPOLL_CTL_ADD, fd, &event))
        die("epoll_ctl");
}

static int by_time(const void *a, const void *b) {
    int64_t x = *(const int64_t *)a, y = *(const int64_t *)b;

    return (x > y) - (x < y);
}

static int run(void) {
    int64_t from;

    poller = epoll_create1(0);
    times = calloc(plan.count, sizeof *times);
    if (plan.closed)
        watch(STDIN_FILENO, CONNECTIONS_MAX);
    for (unsigned i = 0; i < plan.connections; i++) {
        senders[i].fd = connect_to(plan.port);
        if (senders[i].fd < 0)
            die("load: connect");
        watch(senders[i].fd, i);
    }
    from = now_ns();
    for (unsigned i = 0; i < plan.connections; i++)
        send_next(&senders[i]);
    while (ended < plan.count) {
        struct epoll_event events[64];
        int                count = epoll_wait(poller, events, 64, -1);

        for (int i = 0; i < count; i++)
            if (events[i].data.u64 == CONNECTIONS_MAX)
                take_told();
            else
                take_answer(&senders[events[i].data.u64]);
    }
    from = now_ns() - from;
    qsort(times, plan.count, sizeof *times, by_time);
    printf("%.6f %.3f %.3f %u\n", (double)from / 1e9,
           (double)times[plan.count / 2] / 1e6,
           (double)times[plan.count * 99ULL / 100] / 1e6, refused);
    return 0;
}

/* --- from the start to the first one -------------------------------------- */

static bool accepts(unsigned port) {
    char   text[2 * TEXT_MAX], head[1024] = "";
    size_t len = write_request(text, 1, false);
    int    fd = connect_to(port);
    bool   ok = fd >= 0 && write(fd, text, len) == (ssize_t)len &&
              read(fd, head, sizeof head - 1) > 0 &&
              strncmp(head, "HTTP/1.1 202", 12) == 0;

    if (fd >= 0)
        (void)close(fd);
    return ok;
}

static int time_start(unsigned port, char **command) {
    int64_t from = now_ns(), took;
    pid_t   child = fork();
    int     status;

    if (child == 0) {
        (void)execv(command[0], command);
        _exit(127);
    }
    while (!accepts(port)) {
        if (waitpid(child, &status, WNOHANG) == child)
            die("load: the command has ended");
        (void)usleep(100);
    }
    took = now_ns() - from;
    (void)kill(child, SIGTERM);
    (void)waitpid(child, &status, 0);
    printf("%.3f\n", (double)took / 1e6);
    return 0;
}

static unsigned number(const char *text) {
    return (unsigned)strtoul(text, NULL, 10);
}

int main(int argc, char **argv) {
    if (argc > 3 && strcmp(argv[1], "start") == 0)
        return time_start(number(argv[2]), argv + 3);
    if (argc != 6)
        return 64;
    plan.closed = strcmp(argv[1], "closed") == 0;
    plan.matched = strcmp(argv[1], "accept") != 0;
    plan.port = number(argv[2]);
    plan.count = number(argv[3]);
    plan.connections = number(argv[4]);
    plan.from = number(argv[5]);
    if (plan.count == 0 || plan.connections > CONNECTIONS_MAX ||
        plan.connections > plan.count)
        return 64;
    return run();
}
