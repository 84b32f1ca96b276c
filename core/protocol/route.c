/* route.c - one segment after the other. */
#include "protocol/route.h"

#include "base/encode.h"
#include "base/mem.h"

static void add_value(const struct json *value, const char *keep,
                      struct buf *out) {
    struct buf plain = BUF_EMPTY;

    if (json_is(value, JSON_TEXT))
        buf_add_str(&plain, json_text(value));
    else
        json_write(value, &plain);
    encode_percent(buf_str(&plain), keep, out);
    buf_release(&plain);
}

static bool climbs(struct str segment) {
    return str_is(segment, ".") || str_is(segment, "..") || segment.len == 0;
}

/* A git reference or a file's path keeps its slashes; each of its segments
 * still has to be one. (RO1) */
static bool add_path_argument(struct str name, const struct json *value,
                              struct buf *url, struct err *err) {
    bool       segments = str_is(name, "ref") || str_is(name, "path");
    struct buf text = BUF_EMPTY;
    struct str rest;
    bool       ok = true;

    add_value(value, segments ? "/" : "", &text);
    rest = buf_str(&text);
    do
        ok = !climbs(str_cut(rest, '/', &rest));
    while (ok && rest.data);
    if (ok)
        buf_add_str(url, buf_str(&text));
    else
        err_set(err, ERR_INVALID,
                "path argument %.*s = \"%s\" leaves its "
                "segment",
                STR_ARG(name), buf_text(&text));
    buf_release(&text);
    return ok;
}

bool route_fill(struct str route, struct json *left, struct buf *url,
                struct err *err) {
    while (route.len) {
        struct str rest, name, head = str_cut(route, '{', &rest);

        buf_add_str(url, head);
        if (!rest.data)
            return true;
        name = str_cut(rest, '}', &route);
        if (!json_find_str(left, name))
            return err_set(err, ERR_INVALID,
                           "the route needs the argument "
                           "%.*s",
                           STR_ARG(name));
        if (!add_path_argument(name, json_find_str(left, name), url, err))
            return false;
        json_drop_str(left, name);
        if (!route.data)
            return true;
    }
    return true;
}

static void add_pair(struct str name, const struct json *value, struct buf *url,
                     char *mark) {
    buf_add_char(url, *mark);
    encode_percent(name, "", url);
    buf_add_char(url, '=');
    add_value(value, "", url);
    *mark = '&';
}

void route_add_query(const struct json *args, struct buf *url) {
    struct json_walk walk = json_walk_over(args);
    char             mark = '?';

    while (json_walk_next(&walk)) {
        if (!json_is(walk.value, JSON_LIST))
            add_pair(walk.key, walk.value, url, &mark);
        for (size_t i = 0;
             json_is(walk.value, JSON_LIST) && i < json_count(walk.value); i++)
            add_pair(walk.key, json_at(walk.value, i), url, &mark);
    }
}
