/* loopback.c - one list of peers; each is read until its request is whole. */
#include "loopback.h"

#include <criterion/criterion.h>

#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <arpa/inet.h>

#include "base/mem.h"
#include "sys/loop.h"

struct loopback_peer {
    struct loopback_peer *next;
    struct loopback      *server;
    struct loop_watch    *watch;
    int                   fd;
    struct buf            request;
};

static bool is_whole(const struct buf *request) {
    const char *end = strstr(buf_text(request), "\r\n\r\n");
    const char *length = strcasestr(buf_text(request), "\r\ncontent-length:");
    size_t      body = length ? strtoul(length + 17, NULL, 10) : 0;

    return end && request->len >= (size_t)(end + 4 - buf_text(request)) + body;
}

static struct loopback_rule *rule_for(struct loopback  *server,
                                      const struct buf *request) {
    for (int i = 0; i < server->count; i++) {
        struct loopback_rule *rule = &server->rules[i];

        if (rule->times < 0 ||
            strncmp(buf_text(request), rule->begins, strlen(rule->begins)) ||
            (rule->needs && !strstr(buf_text(request), rule->needs)))
            continue;
        if (rule->times > 0 && --rule->times == 0)
            rule->times = -1;
        return rule;
    }
    return NULL;
}

static void note(struct loopback *server, const struct buf *request) {
    const char *text = buf_text(request);
    const char *end = strstr(text, " HTTP/1.1\r\n");

    buf_add(&server->asked, text, end ? (size_t)(end - text) : 0);
    buf_add_char(&server->asked, '\n');
    buf_clear(&server->last);
    buf_add_str(&server->last, buf_str(request));
}

static void drop(struct loopback_peer *peer) {
    struct loopback_peer **at = &peer->server->peers;

    while (*at != peer)
        at = &(*at)->next;
    *at = peer->next;
    loop_watch_stop(peer->watch);
    (void)close(peer->fd);
    buf_release(&peer->request);
    mem_free(peer);
}

static void answer(struct loopback_peer *peer) {
    struct loopback_rule *rule = rule_for(peer->server, &peer->request);
    const char           *body = rule && rule->body ? rule->body : "";
    const char           *date = peer->server->date;
    struct buf            out = BUF_EMPTY;

    note(peer->server, &peer->request);
    buf_addf(&out,
             "HTTP/1.1 %d Word\r\nContent-Length: %zu\r\n"
             "Connection: close\r\n%s%s%s\r\n%s",
             rule ? rule->status : 404, strlen(body), date ? "Date: " : "",
             date ? date : "", date ? "\r\n" : "", body);
    cr_assert_eq(send(peer->fd, out.data, out.len, MSG_NOSIGNAL),
                 (ssize_t)out.len);
    buf_release(&out);
    drop(peer);
}

static void readable(void *arg, int fd, int events) {
    struct loopback_peer *peer = arg;
    char                  bytes[4096];
    ssize_t               got = recv(fd, bytes, sizeof bytes, 0);

    (void)events;
    if (got <= 0) {
        drop(peer);
        return;
    }
    buf_add(&peer->request, bytes, (size_t)got);
    if (is_whole(&peer->request))
        answer(peer);
}

static void connected(void *arg, int fd, int events) {
    struct loopback      *server = arg;
    struct loopback_peer *peer = mem_new(sizeof *peer);

    (void)events;
    peer->fd = accept(fd, NULL, NULL);
    cr_assert_geq(peer->fd, 0);
    peer->server = server;
    peer->next = server->peers;
    server->peers = peer;
    peer->watch = loop_watch_start(server->loop, peer->fd, readable, peer);
    loop_watch_events(peer->watch, LOOP_READ);
}

void loopback_open(struct loopback *server, struct loop *loop) {
    struct sockaddr_in address = {.sin_family = AF_INET,
                                  .sin_addr = {htonl(INADDR_LOOPBACK)}};
    socklen_t          len = sizeof address;

    *server = (struct loopback){.loop = loop};
    server->fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    cr_assert_eq(bind(server->fd, (struct sockaddr *)&address, len), 0);
    cr_assert_eq(listen(server->fd, 16), 0);
    cr_assert_eq(getsockname(server->fd, (struct sockaddr *)&address, &len), 0);
    server->port = ntohs(address.sin_port);
    server->watch = loop_watch_start(loop, server->fd, connected, server);
    loop_watch_events(server->watch, LOOP_READ);
}

void loopback_close(struct loopback *server) {
    while (server->peers)
        drop(server->peers);
    loop_watch_stop(server->watch);
    (void)close(server->fd);
    buf_release(&server->asked);
    buf_release(&server->last);
}

void loopback_rule(struct loopback *server, struct loopback_rule rule) {
    cr_assert_lt(server->count, 16);
    server->rules[server->count++] = rule;
}

void loopback_clear(struct loopback *server) {
    server->count = 0;
    buf_clear(&server->asked);
    buf_clear(&server->last);
}
