/* buf.h - growing bytes.
 *
 * A `struct buf` owns what it holds and always keeps a NUL behind the last
 * byte, so that buf->data may be handed to C as text. A zeroed buf is an empty
 * one. Growing never fails: see mem.h.
 *
 * Lifetime: call. Thread: any.
 */
#ifndef BASE_BUF_H
#define BASE_BUF_H

#include "base/str.h"

struct buf {
    char  *data;
    size_t len, cap;
};

#define BUF_EMPTY \
    { NULL, 0, 0 }

void buf_release(struct buf *buf); /* leaves an empty buf */
void buf_clear(struct buf *buf);   /* keeps the memory */
void buf_reserve(struct buf *buf, size_t more);
void buf_add(struct buf *buf, const void *data, size_t len);
void buf_add_str(struct buf *buf, struct str s);
void buf_add_text(struct buf *buf, const char *text);
void buf_add_char(struct buf *buf, char c);
void buf_addf(struct buf *buf, const char *fmt, ...)
    __attribute__((format(printf, 2, 3)));
struct str  buf_str(const struct buf *buf);
const char *buf_text(const struct buf *buf); /* "" when empty, never NULL */
char       *buf_take(struct buf *buf);       /* gives the bytes; buf is empty */

#endif
