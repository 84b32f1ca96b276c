/* buf.c - capacity doubles, so that adding stays linear in what is added. */
#include "base/buf.h"

#include <assert.h>
#include <limits.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "base/mem.h"

void buf_release(struct buf *buf) {
    mem_free(buf->data);
    *buf = (struct buf)BUF_EMPTY;
}

void buf_clear(struct buf *buf) {
    buf->len = 0;
    if (buf->data)
        buf->data[0] = '\0';
}

void buf_reserve(struct buf *buf, size_t more) {
    size_t need = buf->len + more + 1;

    assert(need > buf->len);
    if (need <= buf->cap)
        return;
    buf->cap = buf->cap * 2 > need ? buf->cap * 2 : need;
    buf->data = mem_resize(buf->data, buf->cap);
    /* Room may be all that is ever asked for: it still ends in NUL. */
    buf->data[buf->len] = '\0';
}

void buf_add(struct buf *buf, const void *data, size_t len) {
    buf_reserve(buf, len);
    if (len)
        memcpy(buf->data + buf->len, data, len);
    buf->len += len;
    buf->data[buf->len] = '\0';
}

void buf_add_str(struct buf *buf, struct str s) {
    buf_add(buf, s.data, s.len);
}

void buf_add_text(struct buf *buf, const char *text) {
    buf_add(buf, text, strlen(text));
}

void buf_add_char(struct buf *buf, char c) {
    buf_add(buf, &c, 1);
}

/* Most texts fit into what is there and are made once. */
void buf_addf(struct buf *buf, const char *fmt, ...) {
    va_list args;
    size_t  room;
    int     len;

    buf_reserve(buf, 32);
    room = buf->cap - buf->len;
    va_start(args, fmt);
    len = vsnprintf(buf->data + buf->len, room, fmt, args);
    va_end(args);
    assert(len >= 0 && len < INT_MAX);
    if ((size_t)len >= room) {
        buf_reserve(buf, (size_t)len);
        va_start(args, fmt);
        (void)vsnprintf(buf->data + buf->len, (size_t)len + 1, fmt, args);
        va_end(args);
    }
    buf->len += (size_t)len;
}

struct str buf_str(const struct buf *buf) {
    return (struct str){buf_text(buf), buf->len};
}

const char *buf_text(const struct buf *buf) {
    return buf->data ? buf->data : "";
}

char *buf_take(struct buf *buf) {
    char *data = buf->data ? buf->data : mem_text("", 0);

    *buf = (struct buf)BUF_EMPTY;
    return data;
}
