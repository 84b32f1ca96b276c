/* buf.h - borrowed bytes and growing bytes.
 *
 * `struct str` is a view: a pointer and a length, never owning, not always
 * ending in NUL. `struct buf` owns what it holds and always keeps a NUL behind
 * the last byte, so that buf->data may be handed to C as text. A zeroed buf is
 * an empty one. Growing never fails: see mem.h.
 *
 * Lifetime: call. Thread: any.
 */
#ifndef BASE_BUF_H
#define BASE_BUF_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct str {
    const char *data;
    size_t      len;
};

#define STR(literal) ((struct str){"" literal, sizeof literal - 1})
#define STR_ARG(s) (int)(s).len, (s).data /* for "%.*s" */

struct str str_of(const char *text); /* NULL gives the empty str */
bool       str_equal(struct str a, struct str b);
bool       str_is(struct str a, const char *text);
bool       str_starts(struct str s, const char *prefix);
bool       str_ends(struct str s, const char *suffix);
int        str_compare(struct str a, struct str b); /* by bytes */
struct str str_trim(struct str s);
/* Everything before the first `at`; *rest gets what follows, or an empty str
 * with NULL data when `at` does not occur. */
struct str str_cut(struct str s, char at, struct str *rest);
/* Decimal only, the whole text, no overflow; false otherwise. */
bool       str_to_int(struct str s, int64_t *out);
/* Edits to turn one into the other, for "did you mean"; capped at 64 bytes. */
size_t     str_distance(struct str a, struct str b);

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
