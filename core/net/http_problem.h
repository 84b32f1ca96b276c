/* http_problem.h - an error as a sender gets it: application/problem+json.
 *
 * One form for every refusal, whoever refuses: { type, title, status, detail,
 * code }. The type is always about:blank, which says that the title is the
 * status's own phrase; what a program looks at is the code.
 *
 * Source: RFC 9457, RFC 9110 section 15 for the phrases.
 *
 * Lifetime: call. Thread: any.
 */
#ifndef NET_HTTP_PROBLEM_H
#define NET_HTTP_PROBLEM_H

#include "base/buf.h"

#define HTTP_PROBLEM_TYPE "application/problem+json"
#define HTTP_PROBLEM_COME_BACK "5" /* seconds, of every 503 */

struct http_problem {
    int         status; /* 0: there is none */
    const char *code, *detail;
};

const char *http_problem_title(int status);
void        http_problem_write(struct http_problem problem, struct buf *out);
/* A whole answer, head and body, after which the connection closes: for
 * whoever has nothing but a socket. */
void http_problem_write_whole(struct http_problem problem, struct buf *out);

#endif
