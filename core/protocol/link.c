/* link.c - a header read value by value, then two URLs compared.
 *
 * Commas and semicolons may stand inside <…> and "…", so neither is split by
 * searching for them.
 */
#include "protocol/link.h"

#include <ctype.h>
#include <string.h>
#include <strings.h>

#include "base/encode.h"

static void skip(struct str *s, size_t count) {
    s->data += count;
    s->len -= count;
}

static void skip_space(struct str *s) {
    while (s->len && (*s->data == ' ' || *s->data == '\t'))
        skip(s, 1);
}

static bool take(struct str *s, char c) {
    skip_space(s);
    if (!s->len || *s->data != c)
        return false;
    skip(s, 1);
    return true;
}

static struct str take_until(struct str *s, const char *stops) {
    struct str taken = {s->data, 0};

    while (s->len && !strchr(stops, *s->data)) {
        taken.len++;
        skip(s, 1);
    }
    return taken;
}

static bool same_word(struct str a, const char *b) {
    return a.len == strlen(b) && strncasecmp(a.data, b, a.len) == 0;
}

/* rel may name several relations: "next last". */
static bool names_next(struct str value) {
    while (value.data) {
        struct str one = str_cut(value, ' ', &value);

        if (same_word(one, "next"))
            return true;
    }
    return false;
}

/* One `; name=value`; *is_next when it is rel with next in it. */
static bool parameter(struct str *s, bool *is_next) {
    struct str name, value;

    skip_space(s);
    name = str_trim(take_until(s, "=;, \t"));
    if (!take(s, '='))
        return true;
    if (take(s, '"')) {
        value = take_until(s, "\"");
        if (!take(s, '"'))
            return false;
    } else {
        value = str_trim(take_until(s, ";, \t"));
    }
    *is_next = *is_next || (same_word(name, "rel") && names_next(value));
    return true;
}

bool link_next(struct str header, struct str *next, struct err *err) {
    *next = STR("");
    while (skip_space(&header), header.len) {
        struct str target;
        bool       is_next = false;

        if (!take(&header, '<'))
            goto bad;
        target = take_until(&header, ">");
        if (!take(&header, '>'))
            goto bad;
        while (take(&header, ';'))
            if (!parameter(&header, &is_next))
                goto bad;
        if (is_next && next->len)
            goto bad;
        if (is_next)
            *next = target;
        if (!take(&header, ',') && header.len)
            goto bad;
    }
    return true;
bad:
    return err_set(err, ERR_REMOTE, "the Link header cannot be read");
}

/* --- same origin, same path ---------------------------------------------- */

/* "https://host:1/a/b?c" -> "https://host:1" and "/a/b" and "c" */
static bool split(struct str url, struct str *origin, struct str *path,
                  struct str *query) {
    const char *begin = memmem(url.data, url.len, "://", 3), *slash;
    struct str  plain = str_cut(url, '?', query);

    if (!begin || begin + 3 > plain.data + plain.len)
        return false;
    begin += 3;
    slash = memchr(begin, '/', (size_t)(plain.data + plain.len - begin));
    if (!slash)
        return false;
    *origin = (struct str){plain.data, (size_t)(slash - plain.data)};
    *path = (struct str){slash, (size_t)(plain.data + plain.len - slash)};
    return true;
}

static bool same_origin(struct str a, struct str b) {
    return a.len == b.len && strncasecmp(a.data, b.data, a.len) == 0;
}

/* Takes "/repositories/" and a number from the front. */
static bool take_numbered(struct str *path, const char *prefix) {
    size_t digits = 0;

    if (!str_starts(*path, prefix))
        return false;
    skip(path, strlen(prefix));
    while (digits < path->len && isdigit((unsigned char)path->data[digits]))
        digits++;
    skip(path, digits);
    return digits > 0 && (path->len == 0 || *path->data == '/');
}

/* Takes "/repos/" and `count` segments. */
static bool take_named(struct str *path, const char *prefix, int count) {
    if (!str_starts(*path, prefix))
        return false;
    skip(path, strlen(prefix));
    for (; count > 0; count--) {
        struct str segment = take_until(path, "/");

        if (segment.len == 0)
            return false;
        if (count > 1 && !take(path, '/'))
            return false;
    }
    return true;
}

static bool same_path(struct str next, struct str page) {
    static const struct {
        const char *number, *name;
        int         segments;
    } forms[] = {{"/repositories/", "/repos/", 2},
                 {"/organizations/", "/orgs/", 1},
                 {"/user/", "/users/", 1}};

    if (str_equal(next, page))
        return true;
    /* The base of an Enterprise server is in front of both. */
    if (str_starts(next, "/api/v3/") && str_starts(page, "/api/v3/")) {
        skip(&next, strlen("/api/v3"));
        skip(&page, strlen("/api/v3"));
    }
    for (size_t i = 0; i < sizeof forms / sizeof *forms; i++) {
        struct str a = next, b = page;

        if (take_numbered(&a, forms[i].number) &&
            take_named(&b, forms[i].name, forms[i].segments) && str_equal(a, b))
            return true;
    }
    return false;
}

static bool decode(struct str text, struct buf *out, struct err *err) {
    size_t from = out->len;
    bool   ok = encode_percent_read(text, out, err);

    for (size_t i = from; ok && i < out->len; i++)
        ok = out->data[i] != '\0';
    return ok;
}

static bool add_pair(struct json *args, struct str pair, struct err *err) {
    struct str value, name = str_cut(pair, '=', &value);
    struct buf key = BUF_EMPTY, text = BUF_EMPTY;
    bool       ok = decode(name, &key, err) &&
              decode(value.data ? value : STR(""), &text, err) && key.len > 0 &&
              !json_find(args, buf_text(&key)) &&
              encode_utf8_valid(buf_str(&key), &(size_t){0}) &&
              encode_utf8_valid(buf_str(&text), &(size_t){0});

    if (ok)
        json_put_text(args, buf_text(&key), buf_str(&text));
    buf_release(&key);
    buf_release(&text);
    return ok || err_set(err, ERR_REMOTE,
                         "the next link has a query that cannot be read");
}

struct json *link_arguments(struct str next, struct str url, struct err *err) {
    struct str   origin, path, query, our_origin, our_path, our_query;
    struct json *args;

    if (!split(next, &origin, &path, &query) ||
        !split(url, &our_origin, &our_path, &our_query) ||
        !same_origin(origin, our_origin) || !same_path(path, our_path)) {
        err_set(err, ERR_REMOTE, "the next link leads elsewhere: %.*s",
                (int)(next.len > 200 ? 200 : next.len), next.data);
        return NULL;
    }
    args = json_new_map();
    while (query.data && query.len) {
        if (add_pair(args, str_cut(query, '&', &query), err))
            continue;
        json_release(args);
        return NULL;
    }
    return args;
}
