/* stub.c - what nodes call: answers at once, or holds all until it is let go.
 *
 * The first line of its output is its port; behind it, for each incident whose
 * STEPS calls have been answered, its number as four bytes: whoever sends
 * incidents waits for that. A request with query=idN is a call of incident N;
 * GET /-/hold and /-/release begin and end the holding, /-/held says how many
 * are held. It ends when nobody reads its output any more.
 */
#include <arpa/inet.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <unistd.h>

#define FD_MAX 65536
#define HEAD_MAX 1024
#define IDS_MAX 4000000
#define STEPS 5

static const char answer[] =
    "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n"
    "Content-Length: 130\r\n\r\n"
    "{\"status\":\"success\",\"data\":{\"resultType\":\"vector\",\"result\":"
    "[{\"metric\":{\"service\":\"checkout\"},\"value\":[1764033661.436,"
    "\"0.0125\"]}]}}";

static struct peer {
    size_t used;
    bool   held;
    char   head[HEAD_MAX];
} * peers[FD_MAX];
static unsigned char calls[IDS_MAX];
static int           held_count;
static bool          holding;
static int           poller;

static void die(const char *what) {
    perror(what);
    exit(1);
}

static void let_go(int fd) {
    held_count -= peers[fd]->held;
    peers[fd]->held = false;
}

static void end_peer(int fd) {
    (void)close(fd);
    let_go(fd);
    peers[fd]->used = 0;
}

static void reply(int fd, const char *text, size_t len) {
    if (write(fd, text, len) != (ssize_t)len)
        end_peer(fd);
}

static void tell_number(int fd, int number) {
    char body[16], text[160];
    int  len;

    (void)snprintf(body, sizeof body, "%d\n", number);
    len = snprintf(text, sizeof text,
                   "HTTP/1.1 200 OK\r\nContent-Length: %zu\r\n\r\n%s",
                   strlen(body), body);
    reply(fd, text, (size_t)len);
}

static void release_all(void) {
    holding = false;
    for (int fd = 0; fd < FD_MAX; fd++)
        if (peers[fd] && peers[fd]->held) {
            let_go(fd);
            reply(fd, answer, sizeof answer - 1);
        }
}

static void count_call(const char *head) {
    const char *id = strstr(head, "query=id");
    unsigned    number = id ? (unsigned)strtoul(id + 8, NULL, 10) : IDS_MAX;

    if (number < IDS_MAX && ++calls[number] == STEPS &&
        write(STDOUT_FILENO, &number, sizeof number) < 0)
        exit(0);
}

static void control(int fd, const char *head) {
    if (strncmp(head, "GET /-/hold ", 12) == 0)
        holding = true;
    else if (strncmp(head, "GET /-/release ", 15) == 0)
        release_all();
    tell_number(fd, held_count);
}

static void handle(int fd, const char *head) {
    if (strncmp(head, "GET /-/", 7) == 0) {
        control(fd, head);
    } else if (holding) {
        peers[fd]->held = true;
        held_count++;
    } else {
        reply(fd, answer, sizeof answer - 1);
        count_call(head);
    }
}

static void take(int fd) {
    struct peer *peer = peers[fd];
    ssize_t      got =
        read(fd, peer->head + peer->used, sizeof peer->head - 1 - peer->used);

    if (got <= 0) {
        end_peer(fd);
        return;
    }
    peer->used += (size_t)got;
    peer->head[peer->used] = '\0';
    if (strstr(peer->head, "\r\n\r\n")) {
        peer->used = 0;
        handle(fd, peer->head);
    }
}

static void watch(int fd, uint32_t events) {
    struct epoll_event event = {.events = events, .data.fd = fd};

    if (epoll_ctl(poller, EPOLL_CTL_ADD, fd, &event))
        die("epoll_ctl");
}

static void welcome(int listener) {
    int fd;

    while ((fd = accept4(listener, NULL, NULL, SOCK_NONBLOCK)) >= 0) {
        if (fd >= FD_MAX)
            die("too many connections");
        if (!peers[fd])
            peers[fd] = calloc(1, sizeof *peers[fd]);
        peers[fd]->used = 0;
        watch(fd, EPOLLIN);
    }
}

static int listen_somewhere(void) {
    struct sockaddr_in at = {.sin_family = AF_INET,
                             .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t          len = sizeof at;
    int                fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0);

    if (bind(fd, (struct sockaddr *)&at, sizeof at) || listen(fd, 4096) ||
        getsockname(fd, (struct sockaddr *)&at, &len))
        die("listen");
    printf("%d\n", ntohs(at.sin_port));
    (void)fflush(stdout);
    return fd;
}

int main(void) {
    struct rlimit files = {FD_MAX, FD_MAX};
    int           listener;

    (void)setrlimit(RLIMIT_NOFILE, &files);
    poller = epoll_create1(0);
    listener = listen_somewhere();
    watch(listener, EPOLLIN);
    watch(STDOUT_FILENO, 0); /* EPOLLERR comes unasked */
    for (;;) {
        struct epoll_event events[256];
        int                count = epoll_wait(poller, events, 256, -1);

        for (int i = 0; i < count; i++)
            if (events[i].data.fd == listener)
                welcome(listener);
            else if (events[i].data.fd == STDOUT_FILENO)
                return 0;
            else
                take(events[i].data.fd);
    }
}
