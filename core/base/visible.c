/* visible.c - one pass over UTF-8; what is no UTF-8 is copied byte by byte. */
#include "base/visible.h"

static size_t length_of(unsigned char lead) {
    return lead >= 0xF0 ? 4 : lead >= 0xE0 ? 3 : lead >= 0xC0 ? 2 : 1;
}

static uint32_t code_at(const char *at, size_t length) {
    static const unsigned char masks[] = {0, 0x7F, 0x1F, 0x0F, 0x07};
    uint32_t                   code = (unsigned char)at[0] & masks[length];

    for (size_t i = 1; i < length; i++)
        code = code << 6 | ((unsigned char)at[i] & 0x3F);
    return code;
}

/* (VS1) */
static bool hidden(uint32_t code) {
    static const uint32_t ranges[][2] = {
        {0xAD, 0xAD},       {0x61C, 0x61C},     {0x180E, 0x180E},
        {0x200B, 0x200F},   {0x202A, 0x202E},   {0x2060, 0x2064},
        {0x2066, 0x2069},   {0xFE00, 0xFE0F},   {0xFEFF, 0xFEFF},
        {0xE0000, 0xE007F}, {0xE0100, 0xE01EF},
    };

    for (size_t i = 0; i < sizeof ranges / sizeof *ranges; i++)
        if (code >= ranges[i][0] && code <= ranges[i][1])
            return true;
    return false;
}

void visible_add(struct str text, struct buf *out) {
    for (size_t at = 0; at < text.len;) {
        size_t length = length_of((unsigned char)text.data[at]);

        if (length > text.len - at)
            length = 1;
        if (!hidden(code_at(text.data + at, length)))
            buf_add(out, text.data + at, length);
        at += length;
    }
}

static struct json *visible_map(const struct json *map) {
    struct json_walk walk = json_walk_over(map);
    struct json     *out = json_new_map();

    while (json_walk_next(&walk)) {
        struct buf key = BUF_EMPTY;

        visible_add(walk.key, &key);
        json_put_str(out, buf_str(&key), visible_json(walk.value));
        buf_release(&key);
    }
    return out;
}

struct json *visible_json(const struct json *value) {
    struct buf   text = BUF_EMPTY;
    struct json *out;

    if (json_is(value, JSON_MAP))
        return visible_map(value);
    if (json_is(value, JSON_LIST)) {
        out = json_new_list();
        for (size_t i = 0; i < json_count(value); i++)
            json_append(out, visible_json(json_at(value, i)));
        return out;
    }
    if (!json_is(value, JSON_TEXT))
        return json_clone(value);
    visible_add(json_text(value), &text);
    out = json_new_text(buf_str(&text));
    buf_release(&text);
    return out;
}
