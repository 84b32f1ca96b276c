/* trace_parent.c - fixed fields read by position, ids cut from a SHA-256.
 *
 * Each reader fills a value of its own and hands it over at the end. (TP2)
 */
#include "observe/trace_parent.h"

#include "base/encode.h"
#include "sys/crypto.h"

/* 00-<32 hex>-<16 hex>-<2 hex> */
enum { AT_TRACE = 3, AT_SPAN = 36, AT_FLAGS = 53, LENGTH = 55 };

static int digit_of(char c) {
    if (c >= '0' && c <= '9')
        return c - '0';
    return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

/* Lower case only, exactly `size` bytes. */
static bool read_hex(struct str text, unsigned char *out, size_t size) {
    if (text.len != 2 * size)
        return false;
    for (size_t i = 0; i < size; i++) {
        int high = digit_of(text.data[2 * i]);
        int low = digit_of(text.data[2 * i + 1]);

        if (high < 0 || low < 0)
            return false;
        out[i] = (unsigned char)(high << 4 | low);
    }
    return true;
}

static bool is_zero(const unsigned char *bytes, size_t size) {
    for (size_t i = 0; i < size; i++)
        if (bytes[i])
            return false;
    return true;
}

static struct str part(struct str text, size_t at, size_t len) {
    return (struct str){text.data + at, len};
}

/* Version 00 ends behind the flags; a later one may go on after a dash, and
 * ff is no version. */
static bool is_framed(struct str header) {
    unsigned char version;

    if (header.len < LENGTH || !read_hex(part(header, 0, 2), &version, 1))
        return false;
    if (version == 0xff || (version == 0 && header.len != LENGTH))
        return false;
    if (header.len > LENGTH && header.data[LENGTH] != '-')
        return false;
    return header.data[AT_TRACE - 1] == '-' &&
           header.data[AT_SPAN - 1] == '-' && header.data[AT_FLAGS - 1] == '-';
}

bool trace_parent_read(struct str header, struct trace_parent *parent) {
    struct trace_parent read;

    if (!is_framed(header) ||
        !read_hex(part(header, AT_TRACE, 32), read.trace, sizeof read.trace) ||
        !read_hex(part(header, AT_SPAN, 16), read.span, sizeof read.span) ||
        !read_hex(part(header, AT_FLAGS, 2), &read.flags, 1))
        return false;
    if (is_zero(read.trace, sizeof read.trace) ||
        is_zero(read.span, sizeof read.span))
        return false;
    *parent = read;
    return true;
}

/* 1-<8 hex, seconds>-<24 hex> */
static bool read_root(struct str value, struct trace_parent *parent) {
    return value.len == 35 && str_starts(value, "1-") &&
           value.data[10] == '-' &&
           read_hex(part(value, 2, 8), parent->trace, 4) &&
           read_hex(part(value, 11, 24), parent->trace + 4, 12) &&
           !is_zero(parent->trace, sizeof parent->trace);
}

static bool read_span(struct str value, struct trace_parent *parent) {
    return read_hex(value, parent->span, sizeof parent->span) &&
           !is_zero(parent->span, sizeof parent->span);
}

/* "?" leaves the decision to us. */
static bool read_sampled(struct str value, struct trace_parent *parent) {
    parent->flags = str_is(value, "0") ? 0 : TRACE_SAMPLED;
    return value.len == 1 && strchr("01?", value.data[0]);
}

struct field {
    const char *name;
    bool (*read)(struct str value, struct trace_parent *parent);
};

static const struct field fields[] = {
    {"Root", read_root}, {"Parent", read_span}, {"Sampled", read_sampled}};

enum { ROOT_SEEN = 1 };

/* Fields of other names (Self, Lineage) are none of ours. A field that comes
 * twice could be read two ways, so it is refused. */
static bool read_field(struct str field, struct trace_parent *parent,
                       unsigned *seen) {
    struct str value, name = str_cut(field, '=', &value);

    for (unsigned i = 0; i < sizeof fields / sizeof *fields; i++) {
        if (!str_is(name, fields[i].name))
            continue;
        if (*seen & 1u << i || !value.data)
            return false;
        *seen |= 1u << i;
        return fields[i].read(value, parent);
    }
    return true;
}

bool trace_amzn_read(struct str header, struct trace_parent *parent) {
    struct trace_parent read = {.flags = TRACE_SAMPLED};
    unsigned            seen = 0;

    while (header.len) {
        struct str field = str_cut(header, ';', &header);

        if (!read_field(str_trim(field), &read, &seen))
            return false;
    }
    if (!(seen & ROOT_SEEN))
        return false;
    *parent = read;
    return true;
}

bool trace_parent_find(struct str traceparent, struct str amzn,
                       struct trace_parent *parent) {
    return trace_parent_read(traceparent, parent) ||
           trace_amzn_read(amzn, parent);
}

void trace_id_write(const struct trace_parent *parent, struct buf *out) {
    encode_hex(parent->trace, sizeof parent->trace, out);
}

/* Flags that version 00 does not know are not handed on. */
void trace_parent_write(const struct trace_parent *parent, struct buf *out) {
    buf_add_text(out, "00-");
    trace_id_write(parent, out);
    buf_add_char(out, '-');
    encode_hex(parent->span, sizeof parent->span, out);
    buf_addf(out, "-%02x", parent->flags & TRACE_SAMPLED);
}

void trace_amzn_write(const struct trace_parent *parent, struct buf *out) {
    buf_add_text(out, "Root=1-");
    encode_hex(parent->trace, 4, out);
    buf_add_char(out, '-');
    encode_hex(parent->trace + 4, sizeof parent->trace - 4, out);
    buf_add_text(out, ";Parent=");
    encode_hex(parent->span, sizeof parent->span, out);
    buf_addf(out, ";Sampled=%d", parent->flags & TRACE_SAMPLED);
}

/* The first bytes of a digest over texts that a NUL keeps apart. (TP1) */
static void derive(const char *kind, struct str run, struct str place,
                   unsigned char *id, size_t size) {
    unsigned char digest[DIGEST_SIZE];
    struct buf    input = BUF_EMPTY;

    buf_add(&input, kind, strlen(kind) + 1);
    buf_add_str(&input, run);
    buf_add_char(&input, '\0');
    buf_add_str(&input, place);
    crypto_sha256(buf_str(&input), digest);
    buf_release(&input);
    memcpy(id, digest, size);
    id[size - 1] |= is_zero(id, size);
}

void trace_parent_of_run(struct str run, struct trace_parent *parent) {
    *parent = (struct trace_parent){.flags = TRACE_SAMPLED};
    derive("trace", run, STR(""), parent->trace, sizeof parent->trace);
}

void trace_span_of(struct str run, struct str place,
                   unsigned char span[TRACE_SPAN_SIZE]) {
    derive("span", run, place, span, TRACE_SPAN_SIZE);
}
