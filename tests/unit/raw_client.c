/* raw_client.c - connects, writes, reads to the end. */
#include "raw_client.h"

#include <arpa/inet.h>
#include <criterion/criterion.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

void raw_client_ask(uint16_t port, struct str text, struct buf *got) {
    struct sockaddr_in to = {.sin_family = AF_INET,
                             .sin_port = htons(port),
                             .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    int                fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    char               part[4096];
    ssize_t            len;

    cr_assert_eq(connect(fd, (void *)&to, sizeof to), 0);
    (void)!send(fd, text.data, text.len, MSG_NOSIGNAL);
    while ((len = read(fd, part, sizeof part)) > 0)
        buf_add_str(got, (struct str){part, (size_t)len});
    (void)close(fd);
}

void raw_client_send(uint16_t port, const char *method, const char *path,
                     const char *headers, const char *body, struct buf *got) {
    struct buf text = BUF_EMPTY;

    buf_addf(&text,
             "%s %s HTTP/1.1\r\nHost: x\r\nConnection: close\r\n%s"
             "Content-Length: %zu\r\n\r\n%s",
             method, path, headers, strlen(body), body);
    raw_client_ask(port, buf_str(&text), got);
    buf_release(&text);
}

int raw_client_status(const struct buf *got) {
    struct str text = buf_str(got);
    int64_t    status = 0;

    if (!str_starts(text, "HTTP/1.1 ") || text.len < 12 ||
        !str_to_int((struct str){text.data + 9, 3}, &status))
        return 0;
    return (int)status;
}
