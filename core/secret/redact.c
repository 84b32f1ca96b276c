/* redact.c - one pass over the text; at each byte the held values are tried
 * first and then the shapes. A bitmap of the first two bytes keeps ordinary
 * text fast, and a value in which nothing is found is given back as it is.
 */
#include "secret/redact.h"

#include <ctype.h>
#include <string.h>

#include "base/encode.h"
#include "base/mem.h"
#include "secret/secret.h"

#define MARK "[redacted]"
#define SHORTEST 8
#define WORD_SIGN "_-./+=~"

/* One form of one secret, in the chain of those with the same first byte. */
struct held {
    struct buf   form;
    int64_t      until_ms; /* 0: for good */
    struct held *next;
};

struct redact {
    struct held  *held[256];
    unsigned char begins[65536 / 8]; /* two bytes that something begins with */
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

static size_t pair_of(const char *text) {
    return (size_t)(unsigned char)text[0] << 8 | (unsigned char)text[1];
}

static void set_begin(struct redact *redact, const char *text) {
    redact->begins[pair_of(text) / 8] |=
        (unsigned char)(1 << pair_of(text) % 8);
}

struct redact *redact_open(void) {
    struct redact *redact = mem_new(sizeof *redact);

    for (size_t i = 0; i < SHAPES; i++)
        set_begin(redact, shapes[i].prefix);
    set_begin(redact, key_begin);
    return redact;
}

static void wipe(struct buf *buf) {
    mem_wipe(buf->data, buf->cap);
    buf_release(buf);
}

static struct held *drop_held(struct held *held) {
    struct held *next = held->next;

    wipe(&held->form);
    mem_free(held);
    return next;
}

void redact_close(struct redact *redact) {
    if (!redact)
        return;
    for (size_t i = 0; i < 256; i++)
        while (redact->held[i])
            redact->held[i] = drop_held(redact->held[i]);
    mem_free(redact);
}

static struct held *find_held(const struct redact *redact, struct str form) {
    struct held *held = redact->held[(unsigned char)form.data[0]];

    while (held && !str_equal(buf_str(&held->form), form))
        held = held->next;
    return held;
}

static int64_t later(int64_t a, int64_t b) {
    return a == 0 || b == 0 ? 0 : a > b ? a : b;
}

/* Takes the form; one that is too short would blot out ordinary words. */
static void hold(struct redact *redact, struct buf *form, int64_t until_ms) {
    struct held *held =
        form->len < SHORTEST ? NULL : find_held(redact, buf_str(form));

    if (held)
        held->until_ms = later(held->until_ms, until_ms);
    if (held || form->len < SHORTEST) {
        wipe(form);
        return;
    }
    held = mem_new(sizeof *held);
    held->form = *form;
    held->until_ms = until_ms;
    held->next = redact->held[(unsigned char)form->data[0]];
    redact->held[(unsigned char)form->data[0]] = held;
    set_begin(redact, form->data);
}

/* Base64 of the value where it does not begin a group: what is `offset` bytes
 * before it, and the group behind it, are unknown, so the characters that they
 * have a hand in are left out. */
static void hold_base64(struct redact *redact, struct str value, size_t offset,
                        bool url, int64_t until_ms) {
    struct buf padded = BUF_EMPTY, text = BUF_EMPTY, form = BUF_EMPTY;
    size_t     first = offset ? 4 : 0;

    buf_reserve(&padded, value.len + offset);
    buf_add(&padded, "\0\0", offset);
    buf_add_str(&padded, value);
    padded.len -= padded.len % 3;
    encode_base64(buf_str(&padded), &text);
    for (size_t i = first; i < text.len; i++)
        buf_add_char(&form, !url                  ? text.data[i]
                            : text.data[i] == '+' ? '-'
                            : text.data[i] == '/' ? '_'
                                                  : text.data[i]);
    hold(redact, &form, until_ms);
    wipe(&padded);
    wipe(&text);
}

/* As text inside a JSON text has it, without the quotes. */
static void hold_escaped(struct redact *redact, struct str value,
                         int64_t until_ms) {
    struct buf quoted = BUF_EMPTY, form = BUF_EMPTY;

    json_write_text(value, &quoted);
    buf_add(&form, quoted.data + 1, quoted.len - 2);
    hold(redact, &form, until_ms);
    wipe(&quoted);
}

/* %2F, and %2f as some write it. */
static void hold_percent(struct redact *redact, struct str value,
                         int64_t until_ms) {
    struct buf upper = BUF_EMPTY, lower = BUF_EMPTY;

    encode_percent(value, "", &upper);
    for (size_t i = 0; i < upper.len; i++) {
        bool hex = (i > 0 && upper.data[i - 1] == '%') ||
                   (i > 1 && upper.data[i - 2] == '%');
        char c = upper.data[i];

        buf_add_char(&lower, hex ? (char)tolower((unsigned char)c) : c);
    }
    hold(redact, &upper, until_ms);
    hold(redact, &lower, until_ms);
}

static void learn(struct redact *redact, struct str value, int64_t until_ms) {
    struct buf raw = BUF_EMPTY;

    buf_add_str(&raw, value);
    hold(redact, &raw, until_ms);
    hold_escaped(redact, value, until_ms);
    hold_percent(redact, value, until_ms);
    for (size_t offset = 0; offset < 3; offset++) {
        hold_base64(redact, value, offset, false, until_ms);
        hold_base64(redact, value, offset, true, until_ms);
    }
}

/* Of a URL that is a secret the path is the secret part: a server knows it
 * without the host, and an error shows it without the scheme. */
static void learn_url(struct redact *redact, struct str url, int64_t until_ms) {
    const char *host = memmem(url.data, url.len, "://", 3);
    const char *path;

    if (!str_starts(url, "http") || !host)
        return;
    host += 3;
    path = memchr(host, '/', (size_t)(url.data + url.len - host));
    if (path && url.data + url.len - path > SHORTEST)
        learn(redact, (struct str){path, (size_t)(url.data + url.len - path)},
              until_ms);
}

static void forget_until(struct redact *redact, int64_t now_ms) {
    for (size_t i = 0; i < 256; i++)
        for (struct held **at = &redact->held[i]; *at;)
            if ((*at)->until_ms && (*at)->until_ms < now_ms)
                *at = drop_held(*at);
            else
                at = &(*at)->next;
}

/* (RD1, RD3) */
void redact_learn_until(struct redact *redact, struct str value,
                        int64_t until_ms, int64_t now_ms) {
    forget_until(redact, now_ms);
    if (value.len < SHORTEST)
        return;
    learn(redact, value, until_ms);
    learn_url(redact, value, until_ms);
}

void redact_learn_value(struct redact *redact, struct str value) {
    redact_learn_until(redact, value, 0, 0);
}

void redact_learn(struct redact *redact, const struct secrets *secrets) {
    for (size_t i = 0; i < secret_count(secrets); i++)
        redact_learn_value(redact, secret_at(secrets, i));
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

/* The longest: one secret may be the beginning of another. */
static size_t match_held(const struct redact *redact, struct str text) {
    const struct held *held = redact->held[(unsigned char)text.data[0]];
    size_t             longest = 0;

    for (; held; held = held->next)
        if (held->form.len > longest && begins_with(text, buf_str(&held->form)))
            longest = held->form.len;
    return longest;
}

static size_t match_shape(struct str text, size_t *keep) {
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
    return 0;
}

/* How many bytes at the start of text go, and how many of them stay as the
 * prefix that tells a person what was here. */
static size_t match(const struct redact *redact, struct str text,
                    size_t *keep) {
    size_t len;

    *keep = 0;
    len = match_held(redact, text);
    if (!len)
        len = match_shape(text, keep);
    return len || text.data[0] != '-' ? len : match_key_block(text);
}

struct finding {
    size_t at, len, keep; /* len 0: there is none */
};

static bool may_begin(const struct redact *redact, const char *text) {
    return redact->begins[pair_of(text) / 8] >> pair_of(text) % 8 & 1;
}

/* The first one from there on. Nothing is shorter than two bytes. */
static struct finding find(const struct redact *redact, struct str text,
                           size_t from) {
    struct finding found = {0, 0, 0};

    for (size_t i = from; i + 1 < text.len && !found.len; i++) {
        if (!may_begin(redact, text.data + i))
            continue;
        found.at = i;
        found.len = match(redact, (struct str){text.data + i, text.len - i},
                          &found.keep);
    }
    return found;
}

void redact_text(const struct redact *redact, struct str text,
                 struct buf *out) {
    size_t         from = 0;
    struct finding found;

    buf_reserve(out, text.len);
    while ((found = find(redact, text, from)).len) {
        buf_add(out, text.data + from, found.at - from + found.keep);
        buf_add_text(out, MARK);
        from = found.at + found.len;
    }
    buf_add(out, text.data + from, text.len - from);
}

static bool is_clean(const struct redact *redact, const struct json *value) {
    struct json *member;
    struct str   key;
    void        *at = NULL;

    switch (json_kind_of(value)) {
    case JSON_TEXT: return !find(redact, json_text(value), 0).len;
    case JSON_MAP:
        while (json_next(value, &at, &key, &member))
            if (find(redact, key, 0).len || !is_clean(redact, member))
                return false;
        return true;
    case JSON_LIST:
        for (size_t i = 0; i < json_count(value); i++)
            if (!is_clean(redact, json_at(value, i)))
                return false;
        return true;
    default: return true;
    }
}

static struct json *redacted(const struct redact *redact,
                             const struct json   *value);

static struct json *redacted_text(const struct redact *redact,
                                  const struct json   *value) {
    struct buf   out = BUF_EMPTY;
    struct json *made;

    redact_text(redact, json_text(value), &out);
    made = json_new_text(buf_str(&out));
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
        json_put(made, buf_text(&clean), redacted(redact, value));
        buf_release(&clean);
    }
    return made;
}

static struct json *redacted(const struct redact *redact,
                             const struct json   *value) {
    struct json *made;

    switch (json_kind_of(value)) {
    case JSON_TEXT: return redacted_text(redact, value);
    case JSON_MAP: return redacted_map(redact, value);
    case JSON_LIST:
        made = json_new_list();
        for (size_t i = 0; i < json_count(value); i++)
            json_append(made, redacted(redact, json_at(value, i)));
        return made;
    default: return json_retain((struct json *)value);
    }
}

struct json *redact_json(const struct redact *redact,
                         const struct json   *value) {
    return is_clean(redact, value) ? json_retain((struct json *)value)
                                   : redacted(redact, value);
}
