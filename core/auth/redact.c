/* redact.c - one pass over the text; at each byte the held values are tried
 * first and then the shapes. A first-byte bitmap keeps ordinary text fast.
 */
#include "auth/redact.h"

#include <ctype.h>
#include <string.h>

#include "auth/secret.h"
#include "base/encode.h"
#include "base/mem.h"

#define MARK "[redacted]"
#define SHORTEST 8
#define WORD_SIGN "_-./+=~"

struct redact {
    struct buf *held;
    size_t      count;
    bool        begins[256]; /* bytes with which something may begin */
};

/* A shape: a prefix, and how many characters of a word must follow. */
static const struct shape {
    const char *prefix;
    size_t      least, most;
    bool        keep_prefix;
} shapes[] = {
    {"AKIA", 16, 16, false},         {"ASIA", 16, 16, false},
    {"ghp_", 20, 255, false},        {"gho_", 20, 255, false},
    {"ghs_", 20, 255, false},        {"ghu_", 20, 255, false},
    {"github_pat_", 20, 255, false}, {"sk-", 20, 255, false},
    {"xoxb-", 10, 255, false},       {"xoxp-", 10, 255, false},
    {"Bearer ", 8, 4096, true},      {"bearer ", 8, 4096, true},
    {"password=", 1, 255, true},     {"Password=", 1, 255, true},
    {"passwd=", 1, 255, true},       {"secret=", 1, 255, true},
    {"token=", 1, 4096, true},       {"eyJhbGciOi", 20, 4096, false},
};
#define SHAPES (sizeof shapes / sizeof *shapes)

static const char key_begin[] = "-----BEGIN ", key_end[] = "-----END ";

struct redact *redact_open(void) {
    struct redact *redact = mem_new(sizeof *redact);

    for (size_t i = 0; i < SHAPES; i++)
        redact->begins[(unsigned char)shapes[i].prefix[0]] = true;
    redact->begins['-'] = true;
    return redact;
}

void redact_close(struct redact *redact) {
    if (!redact)
        return;
    for (size_t i = 0; i < redact->count; i++) {
        mem_wipe(redact->held[i].data, redact->held[i].len);
        buf_release(&redact->held[i]);
    }
    mem_free(redact->held);
    mem_free(redact);
}

static void hold(struct redact *redact, struct buf *form) {
    for (size_t i = 0; i < redact->count; i++)
        if (str_equal(buf_str(&redact->held[i]), buf_str(form))) {
            buf_release(form);
            return;
        }
    redact->held =
        mem_resize(redact->held, (redact->count + 1) * sizeof *redact->held);
    redact->begins[(unsigned char)form->data[0]] = true;
    redact->held[redact->count++] = *form;
}

/* (RD1) Base64 without its last group, which depends on what follows. */
void redact_learn(struct redact *redact, const struct secrets *secrets) {
    for (size_t i = 0; i < secret_count(secrets); i++) {
        struct str value = secret_at(secrets, i);
        struct buf raw = BUF_EMPTY, base64 = BUF_EMPTY, url = BUF_EMPTY;

        if (value.len < SHORTEST)
            continue;
        buf_add_str(&raw, value);
        encode_base64((struct str){value.data, value.len / 3 * 3}, &base64);
        encode_percent(value, "", &url);
        hold(redact, &raw);
        hold(redact, &base64);
        hold(redact, &url);
    }
}

static bool begins_with(struct str text, struct str what) {
    return text.len >= what.len && memcmp(text.data, what.data, what.len) == 0;
}

static size_t word_length(struct str text, size_t most) {
    size_t len = 0;

    while (len < text.len && len < most &&
           (isalnum((unsigned char)text.data[len]) ||
            strchr(WORD_SIGN, text.data[len])) &&
           text.data[len])
        len++;
    return len;
}

static size_t match_key_block(struct str text) {
    const char *end;

    if (!begins_with(text, str_of(key_begin)))
        return 0;
    end = memmem(text.data, text.len, key_end, sizeof key_end - 1);
    if (!end)
        return text.len;
    end = memmem(end + 9, text.len - (size_t)(end + 9 - text.data), "-----", 5);
    return end ? (size_t)(end + 5 - text.data) : text.len;
}

/* How many bytes at the start of text go, and how many of them stay as the
 * prefix that tells a person what was here. */
static size_t match(const struct redact *redact, struct str text,
                    size_t *keep) {
    *keep = 0;
    for (size_t i = 0; i < redact->count; i++)
        if (begins_with(text, buf_str(&redact->held[i])))
            return redact->held[i].len;
    for (size_t i = 0; i < SHAPES; i++) {
        struct str prefix = str_of(shapes[i].prefix);
        size_t     word;

        if (!begins_with(text, prefix))
            continue;
        word = word_length(
            (struct str){text.data + prefix.len, text.len - prefix.len},
            shapes[i].most);
        if (word < shapes[i].least)
            continue;
        *keep = shapes[i].keep_prefix ? prefix.len : 0;
        return prefix.len + word;
    }
    return text.data[0] == '-' ? match_key_block(text) : 0;
}

void redact_text(const struct redact *redact, struct str text,
                 struct buf *out) {
    size_t from = 0, keep;

    buf_reserve(out, text.len);
    for (size_t i = 0; i < text.len; i++) {
        size_t len = 0;

        if (redact->begins[(unsigned char)text.data[i]])
            len =
                match(redact, (struct str){text.data + i, text.len - i}, &keep);
        if (len == 0)
            continue;
        buf_add(out, text.data + from, i - from + keep);
        buf_add_text(out, MARK);
        from = i + len;
        i = from - 1;
    }
    buf_add(out, text.data + from, text.len - from);
}

static struct json *redacted_text(const struct redact *redact,
                                  const struct json   *value) {
    struct buf   out = BUF_EMPTY;
    struct json *made;

    redact_text(redact, json_text(value), &out);
    made = str_equal(buf_str(&out), json_text(value))
               ? json_retain((struct json *)value)
               : json_new_text(buf_str(&out));
    buf_release(&out);
    return made;
}

static struct json *redacted_map(const struct redact *redact,
                                 const struct json   *map) {
    struct json *made = json_new_map(), *value;
    struct str   key;
    void        *at = NULL;

    while (json_next(map, &at, &key, &value)) {
        struct buf clean = BUF_EMPTY;

        redact_text(redact, key, &clean);
        json_put(made, buf_text(&clean), redact_json(redact, value));
        buf_release(&clean);
    }
    return made;
}

struct json *redact_json(const struct redact *redact,
                         const struct json   *value) {
    struct json *made;

    switch (json_kind_of(value)) {
    case JSON_TEXT: return redacted_text(redact, value);
    case JSON_MAP: return redacted_map(redact, value);
    case JSON_LIST:
        made = json_new_list();
        for (size_t i = 0; i < json_count(value); i++)
            json_append(made, redact_json(redact, json_at(value, i)));
        return made;
    default: return json_retain((struct json *)value);
    }
}
