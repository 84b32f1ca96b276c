/* resolver.c - names resolve to what a file says at that moment, and every
 * address that is connected to is written down. Preloaded into the process
 * under test, so that a name can change its mind without a name server. What
 * is not loopback is connected to a port of loopback instead, and the process
 * is told that it reached what it asked for: nothing ever leaves the machine.
 *
 * RESOLVER_SAYS: file with addresses, one a line. RESOLVER_LOG: file that gets
 * "resolve NAME" and "connect ADDRESS" lines. RESOLVER_PORT: the port.
 */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <dlfcn.h>
#include <errno.h>
#include <netdb.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static struct sockaddr_in reached[1024]; /* by descriptor */

static void note(const char *verb, const char *what) {
    FILE *log = fopen(getenv("RESOLVER_LOG"), "a");

    if (!log)
        abort();
    fprintf(log, "%s %s\n", verb, what);
    fclose(log);
}

static struct addrinfo *entry(const char *address, const char *port) {
    struct addrinfo    *made = calloc(1, sizeof *made + 32);
    struct sockaddr_in *at = (struct sockaddr_in *)(made + 1);

    at->sin_family = AF_INET;
    at->sin_port = htons((unsigned short)atoi(port ? port : "0"));
    inet_pton(AF_INET, address, &at->sin_addr);
    made->ai_family = AF_INET;
    made->ai_socktype = SOCK_STREAM;
    made->ai_addrlen = sizeof *at;
    made->ai_addr = (struct sockaddr *)at;
    return made;
}

int getaddrinfo(const char *name, const char *port,
                const struct addrinfo *hints, struct addrinfo **out) {
    FILE             *says = fopen(getenv("RESOLVER_SAYS"), "r");
    struct addrinfo **end = out;
    char              line[64];

    (void)hints;
    note("resolve", name);
    *out = NULL;
    while (says && fgets(line, sizeof line, says)) {
        line[strcspn(line, "\n")] = '\0';
        *end = entry(line, port);
        end = &(*end)->ai_next;
    }
    if (says)
        fclose(says);
    return *out ? 0 : EAI_NONAME;
}

void freeaddrinfo(struct addrinfo *list) {
    while (list) {
        struct addrinfo *next = list->ai_next;

        free(list);
        list = next;
    }
}

int connect(int fd, const struct sockaddr *to, socklen_t len) {
    int (*real)(int, const struct sockaddr *, socklen_t) =
        dlsym(RTLD_NEXT, "connect");
    struct sockaddr_in at;
    char               text[INET_ADDRSTRLEN];

    if (to->sa_family == AF_UNIX)
        return real(fd, to, len);
    if (to->sa_family != AF_INET) {
        errno = ENETUNREACH;
        return -1;
    }
    memcpy(&at, to, sizeof at);
    reached[fd % 1024] = at;
    inet_ntop(AF_INET, &at.sin_addr, text, sizeof text);
    note("connect", text);
    /* One public address is down. */
    if (strcmp(text, "8.8.4.4") == 0) {
        errno = ECONNREFUSED;
        return -1;
    }
    if (ntohl(at.sin_addr.s_addr) >> 24 != 127) {
        at.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
        at.sin_port = htons((unsigned short)atoi(getenv("RESOLVER_PORT")));
    }
    return real(fd, (const struct sockaddr *)&at, sizeof at);
}

int getpeername(int fd, struct sockaddr *out, socklen_t *len) {
    memcpy(out, &reached[fd % 1024], sizeof *reached);
    *len = sizeof *reached;
    return 0;
}
