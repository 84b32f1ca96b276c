/* bare.c - the same work with nothing around it: the least that it can cost.
 *
 *   bare DIR PORT STUB   a notification is answered 202, then its five calls are
 *                        made at the stub, one after the other
 *
 * One thread with epoll. Whatever a turn of the loop has brought is a line in
 * DIR/log; then comes one fdatasync, and only then are the answers and the next
 * calls sent. Nothing is parsed but lengths and one number.
 */
#include <arpa/inet.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <unistd.h>

#define FD_MAX 4096
#define STEPS 5

static struct peer {
    bool     ours; /* a call to the stub */
    unsigned id;
    int      step;
    size_t   used;
    char     text[8192];
} * peers[FD_MAX];

static int      idle[FD_MAX], idle_count; /* calls' connections */
static int      due[FD_MAX], due_count;   /* to be sent after the sync */
static int      answered[FD_MAX], answer_count;
static unsigned begun[FD_MAX];
static int      poller, listener, log_file;
static unsigned stub;
static bool     dirty;

static void die(const char *what) {
    perror(what);
    exit(1);
}

static void add_peer(int fd, bool ours) {
    struct epoll_event event = {.events = EPOLLIN, .data.fd = fd};

    if (fd < 0 || fd >= FD_MAX)
        die("bare: connection");
    if (!peers[fd])
        peers[fd] = calloc(1, sizeof *peers[fd]);
    peers[fd]->ours = ours;
    peers[fd]->used = 0;
    (void)epoll_ctl(poller, EPOLL_CTL_ADD, fd, &event);
}

static int call_connection(void) {
    struct sockaddr_in at = {.sin_family = AF_INET,
                             .sin_port = htons((uint16_t)stub),
                             .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    int                fd;

    if (idle_count > 0)
        return idle[--idle_count];
    fd = socket(AF_INET, SOCK_STREAM, 0);
    if (connect(fd, (struct sockaddr *)&at, sizeof at))
        die("bare: connect");
    add_peer(fd, true);
    return fd;
}

static void note(unsigned id, int step) {
    char line[160];
    int  len =
        snprintf(line, sizeof line,
                 "{\"run\":%u,\"step\":%d,\"outcome\":\"found\"}\n", id, step);

    if (write(log_file, line, (size_t)len) != len)
        die("bare: log");
    dirty = true;
}

static void take_call(int fd) {
    struct peer *peer = peers[fd];

    note(peer->id, ++peer->step);
    if (peer->step < STEPS)
        due[due_count++] = fd;
    else
        idle[idle_count++] = fd;
}

static void take_notification(int fd) {
    const char *number = strstr(peers[fd]->text, "\"number\":\"");

    begun[answer_count] = number ? (unsigned)strtoul(number + 10, NULL, 10) : 0;
    note(begun[answer_count], 0);
    answered[answer_count++] = fd;
}

static bool is_whole(const struct peer *peer) {
    const char *length = strstr(peer->text, "Content-Length:");
    const char *body = strstr(peer->text, "\r\n\r\n");

    return length && body &&
           peer->used >=
               (size_t)(body + 4 - peer->text) + strtoul(length + 15, NULL, 10);
}

static void take(int fd) {
    struct peer *peer = peers[fd];
    ssize_t      got =
        read(fd, peer->text + peer->used, sizeof peer->text - 1 - peer->used);

    if (got <= 0) {
        (void)close(fd);
        return;
    }
    peer->used += (size_t)got;
    peer->text[peer->used] = '\0';
    if (!is_whole(peer))
        return;
    peer->used = 0;
    if (peer->ours)
        take_call(fd);
    else
        take_notification(fd);
}

static void send_call(int fd) {
    char text[160];
    int  len = snprintf(text, sizeof text,
                        "GET /api/v1/query?query=id%u HTTP/1.1\r\nHost: x\r\n"
                         "Accept: */*\r\n\r\n",
                        peers[fd]->id);

    if (write(fd, text, (size_t)len) != len)
        die("bare: call");
}

static void settle(void) {
    static const char accepted[] =
        "HTTP/1.1 202 Accepted\r\nContent-Length: 2\r\n\r\n{}";

    if (dirty && fdatasync(log_file))
        die("bare: sync");
    dirty = false;
    for (; answer_count > 0; answer_count--) {
        int fd = call_connection();

        if (write(answered[answer_count - 1], accepted, sizeof accepted - 1) <
            0)
            die("bare: answer");
        peers[fd]->id = begun[answer_count - 1];
        peers[fd]->step = 0;
        send_call(fd);
    }
    while (due_count > 0)
        send_call(due[--due_count]);
}

static void open_all(char **argv) {
    struct sockaddr_in at = {.sin_family = AF_INET,
                             .sin_port =
                                 htons((uint16_t)strtoul(argv[2], NULL, 10)),
                             .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    char               path[512];

    (void)snprintf(path, sizeof path, "%s/log", argv[1]);
    log_file = open(path, O_WRONLY | O_CREAT | O_APPEND, 0600);
    stub = (unsigned)strtoul(argv[3], NULL, 10);
    listener = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0);
    poller = epoll_create1(0);
    if (log_file < 0 || bind(listener, (struct sockaddr *)&at, sizeof at) ||
        listen(listener, 1024))
        die("bare: open");
    add_peer(listener, false);
}

int main(int argc, char **argv) {
    if (argc != 4)
        return 64;
    open_all(argv);
    printf("%s\n", argv[2]);
    (void)fflush(stdout);
    for (;;) {
        struct epoll_event events[256];
        int                count = epoll_wait(poller, events, 256, -1), fd;

        for (int i = 0; i < count; i++)
            if (events[i].data.fd != listener)
                take(events[i].data.fd);
            else
                while ((fd = accept(listener, NULL, NULL)) >= 0)
                    add_peer(fd, false);
        settle();
    }
}
