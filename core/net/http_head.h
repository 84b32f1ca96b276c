/* http_head.h - may this head be trusted to say where its request ends?
 *
 * Fed with the parts of a request's head in their order, it says what makes
 * the head unfit. Two readers who disagree about one byte of a head disagree
 * about where the next request begins, so what is in doubt is refused and
 * never mended: a name that is no token (a space before the colon), a bare CR
 * or LF, a folded line, two lengths, a critical field twice.
 *
 * libmicrohttpd 0.9.75 mends some of these before we see them. It parses in
 * place, though: where every line ended in CR LF, each part begins two bytes
 * behind the end of the one before, and a bare LF, a NUL or a fold leaves
 * another gap. `in_place` asks for that check; it compares addresses and reads
 * nothing between the parts.
 *
 *   HH1  A head is fit only if each field's name is a token, its value has no
 *        control character, and nothing but CR LF stood between the lines.
 *   HH2  A fit head has at most one length, and none of the fields that decide
 *        who is speaking stands there twice.
 *
 * Source: RFC 9112 sections 2.2, 5 and 6; RFC 9110 section 5.
 *
 * Lifetime: call. Thread: any.
 */
#ifndef NET_HTTP_HEAD_H
#define NET_HTTP_HEAD_H

#include "net/http_problem.h"

#define HTTP_HEAD_LINE_MAX 8192   /* of method, path and query */
#define HTTP_HEAD_BYTES_MAX 16384 /* of all fields */
#define HTTP_HEAD_FIELDS_MAX 100
#define HTTP_HEAD_SINGLES 16

struct http_head {
    bool        in_place;
    const char *end; /* of the part before */
    const char *doubt;
    size_t      bytes, fields;
    unsigned    times[HTTP_HEAD_SINGLES];
    struct str  values[HTTP_HEAD_SINGLES];
    bool        old; /* HTTP/1.0 */
};

/* A request target as it came, before anything is decoded. */
struct http_problem http_head_check_target(struct str target);

void http_head_begin(struct http_head *head, struct str version, bool in_place);
void http_head_add(struct http_head *head, struct str name, struct str value);
/* Behind the empty line. */
void http_head_end(struct http_head *head, const char *end);
/* status 0: it is fit, and *length is its Content-Length or 0. */
struct http_problem http_head_check(const struct http_head *head,
                                    int64_t                *length);

#endif
