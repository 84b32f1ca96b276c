/* encode.c - table-free loops; none of this is hot except percent-encoding,
 * which looks its bytes up in a bitmap. */
#include "base/encode.h"

#include <string.h>

static const char hex_lower[] = "0123456789abcdef";
static const char hex_upper[] = "0123456789ABCDEF";
static const char base64_set[] =
    "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

void encode_hex(const unsigned char *bytes, size_t len, struct buf *out) {
    buf_reserve(out, len * 2);
    for (size_t i = 0; i < len; i++) {
        buf_add_char(out, hex_lower[bytes[i] >> 4]);
        buf_add_char(out, hex_lower[bytes[i] & 15]);
    }
}

void encode_base64(struct str bytes, struct buf *out) {
    const unsigned char *in = (const unsigned char *)bytes.data;

    for (size_t i = 0; i < bytes.len; i += 3) {
        size_t   left = bytes.len - i;
        uint32_t word = (uint32_t)in[i] << 16 |
                        (left > 1 ? (uint32_t)in[i + 1] << 8 : 0) |
                        (left > 2 ? (uint32_t)in[i + 2] : 0);

        buf_add_char(out, base64_set[word >> 18]);
        buf_add_char(out, base64_set[word >> 12 & 63]);
        buf_add_char(out, left > 1 ? base64_set[word >> 6 & 63] : '=');
        buf_add_char(out, left > 2 ? base64_set[word & 63] : '=');
    }
}

bool encode_base64_read(struct str text, struct buf *out, struct err *err) {
    uint32_t word = 0;
    int      bits = 0;

    for (size_t i = 0; i < text.len && text.data[i] != '='; i++) {
        const char *at = memchr(base64_set, text.data[i], 64);

        if (!at)
            return err_set(err, ERR_INVALID, "not base64 at byte %zu", i);
        word = word << 6 | (uint32_t)(at - base64_set);
        bits += 6;
        if (bits >= 8) {
            bits -= 8;
            buf_add_char(out, (char)(word >> bits & 255));
        }
    }
    return true;
}

static bool unreserved(unsigned char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
           (c >= '0' && c <= '9') || c == '-' || c == '.' || c == '_' ||
           c == '~';
}

void encode_percent(struct str bytes, const char *keep, struct buf *out) {
    buf_reserve(out, bytes.len);
    for (size_t i = 0; i < bytes.len; i++) {
        unsigned char c = (unsigned char)bytes.data[i];

        if (unreserved(c) || (c && strchr(keep, c))) {
            buf_add_char(out, (char)c);
            continue;
        }
        buf_add_char(out, '%');
        buf_add_char(out, hex_upper[c >> 4]);
        buf_add_char(out, hex_upper[c & 15]);
    }
}

static int hex_value(char c) {
    if (c >= '0' && c <= '9')
        return c - '0';
    if (c >= 'a' && c <= 'f')
        return c - 'a' + 10;
    return c >= 'A' && c <= 'F' ? c - 'A' + 10 : -1;
}

bool encode_percent_read(struct str text, struct buf *out, struct err *err) {
    for (size_t i = 0; i < text.len; i++) {
        int high, low;

        if (text.data[i] != '%') {
            buf_add_char(out, text.data[i]);
            continue;
        }
        high = i + 2 < text.len ? hex_value(text.data[i + 1]) : -1;
        low = i + 2 < text.len ? hex_value(text.data[i + 2]) : -1;
        if (high < 0 || low < 0)
            return err_set(err, ERR_INVALID,
                           "percent sign at byte %zu without two hex digits",
                           i);
        buf_add_char(out, (char)(high << 4 | low));
        i += 2;
    }
    return true;
}

/* Length of the UTF-8 sequence at the start of text, 0 when there is none. */
static size_t sequence(struct str text) {
    const unsigned char *s = (const unsigned char *)text.data;
    size_t               len = s[0] < 0x80   ? 1
                               : s[0] < 0xC2 ? 0
                               : s[0] < 0xE0 ? 2
                               : s[0] < 0xF0 ? 3
                               : s[0] < 0xF5 ? 4
                                             : 0;

    if (len == 0 || len > text.len)
        return 0;
    for (size_t i = 1; i < len; i++)
        if ((s[i] & 0xC0) != 0x80)
            return 0;
    if ((s[0] == 0xE0 && s[1] < 0xA0) || (s[0] == 0xED && s[1] > 0x9F) ||
        (s[0] == 0xF0 && s[1] < 0x90) || (s[0] == 0xF4 && s[1] > 0x8F))
        return 0;
    return len;
}

bool encode_utf8_valid(struct str text, size_t *bad) {
    size_t i = 0;

    while (i < text.len) {
        size_t len = (unsigned char)text.data[i] < 0x80
                         ? 1
                         : sequence((struct str){text.data + i, text.len - i});

        if (len == 0) {
            *bad = i;
            return false;
        }
        i += len;
    }
    return true;
}

void encode_utf8_mend(struct str text, struct buf *out) {
    while (text.len) {
        size_t len = sequence(text);

        if (len)
            buf_add(out, text.data, len);
        else
            buf_add_text(out, "\xEF\xBF\xBD");
        text.data += len ? len : 1;
        text.len -= len ? len : 1;
    }
}
