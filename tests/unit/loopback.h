/* loopback.h - a small HTTP server on the loop of the test that asks it.
 *
 * It answers by a list of rules, in their order, and writes down what it was
 * asked. A connection carries one request. Nothing of it outlives the test.
 *
 * Lifetime: a test. Thread: loop.
 */
#ifndef TESTS_LOOPBACK_H
#define TESTS_LOOPBACK_H

#include <stdbool.h>

#include "base/buf.h"

struct loop;
struct loop_watch;

/* "GET /path" or the beginning of it; `needs` is a part of the request, or
 * NULL. times 0: always. No rule: 404. */
struct loopback_rule {
    const char *begins, *needs;
    int         status;
    const char *body; /* copied by nobody */
    int         times;
};

struct loopback {
    struct loop          *loop;
    struct loop_watch    *watch;
    int                   fd, port, count;
    struct loopback_rule  rules[16];
    const char           *date; /* of every answer, or NULL */
    struct loopback_peer *peers;
    struct buf            asked; /* "GET /path\n" for each request */
    struct buf            last;  /* the last request, whole */
};

void loopback_open(struct loopback *server, struct loop *loop);
void loopback_close(struct loopback *server);
void loopback_rule(struct loopback *server, struct loopback_rule rule);
/* Every rule is gone, and what was asked. */
void loopback_clear(struct loopback *server);

#endif
