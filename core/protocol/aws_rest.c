/* aws_rest.c - each place takes its arguments out of what is left. */
#include "protocol/aws_rest.h"

#include <ctype.h>
#include <string.h>

#include "base/encode.h"
#include "base/mem.h"
#include "base/nearest.h"
#include "protocol/aws_argument.h"
#include "protocol/aws_service.h"

#define BUCKET "/{Bucket}"

struct filling {
    const struct json *row, *operation;
    struct json       *left; /* arguments without a place so far */
    struct aws_rest   *out;
    char               mark; /* of the query: '?' then '&' */
};

void aws_rest_release(struct aws_rest *rest) {
    buf_release(&rest->target);
    buf_release(&rest->body);
    http_headers_release(&rest->headers);
}

static bool is_scalar(const struct json *value) {
    return value && !json_is(value, JSON_LIST) && !json_is(value, JSON_MAP) &&
           !json_is(value, JSON_NULL_KIND);
}

/* --- the path ---------------------------------------------------------- */

static bool climbs(struct str segment) {
    return str_is(segment, ".") || str_is(segment, "..");
}

/* (AR1) */
static bool stays(struct str text, bool greedy) {
    struct str rest = text;

    if (text.len == 0 || !greedy)
        return text.len > 0 && !climbs(text);
    do
        if (climbs(str_cut(rest, '/', &rest)))
            return false;
    while (rest.data);
    return true;
}

static bool add_label(const struct json *row, struct str name,
                      const struct json *args, struct buf *path,
                      struct err *err) {
    bool               greedy = str_ends(name, "+");
    struct str         key = {name.data, name.len - (greedy ? 1 : 0)};
    const struct json *value = json_find_str(args, key);
    struct buf         plain = BUF_EMPTY;
    bool               ok;

    if (!is_scalar(value))
        return err_set(err, ERR_INVALID,
                       "the argument %.*s is part of the path: give it, as a "
                       "text or a number",
                       STR_ARG(key));
    aws_argument_write(row, AWS_TIME_ISO, key, value, NULL, &plain);
    ok = stays(buf_str(&plain), greedy);
    if (ok)
        encode_percent(buf_str(&plain), greedy ? "/" : "", path);
    else
        err_set(err, ERR_INVALID,
                "path argument %.*s = \"%.100s\" leaves its place",
                STR_ARG(key), buf_text(&plain));
    buf_release(&plain);
    return ok;
}

static bool fill(const struct json *row, struct str uri,
                 const struct json *args, struct buf *path, struct err *err) {
    while (uri.len) {
        struct str rest, name, head = str_cut(uri, '{', &rest);

        buf_add_str(path, head);
        if (!rest.data)
            return true;
        name = str_cut(rest, '}', &uri);
        if (!add_label(row, name, args, path, err))
            return false;
        if (!uri.data)
            return true;
    }
    return true;
}

static struct str uri_path(const struct json *operation, struct str *query) {
    return str_cut(json_find_text(operation, "uri"), '?', query);
}

bool aws_rest_path(const struct json *row, const struct json *operation,
                   const struct json *args, struct buf *path, struct err *err) {
    struct str query;

    return fill(row, uri_path(operation, &query), args, path, err);
}

/* The argument of the next {Name} or {Name+}; false behind the last. */
static bool next_label(struct str *rest, struct str *name) {
    (void)str_cut(*rest, '{', rest);
    *name = str_cut(*rest, '}', rest);
    if (str_ends(*name, "+"))
        name->len--;
    return name->len > 0;
}

static void drop_labels(struct filling *f) {
    struct str query, name, rest = uri_path(f->operation, &query);

    while (next_label(&rest, &name))
        json_drop_str(f->left, name);
}

/* Lower case, digits and hyphens: a dot would need a certificate of its own. */
bool aws_rest_bucket_is_host(const struct json *row,
                             const struct json *operation,
                             const struct json *args) {
    struct str bucket = json_find_text(args, "Bucket");

    if (!str_is(json_find_text(row, "signing"), "s3") ||
        !str_starts(json_find_text(operation, "uri"), BUCKET) ||
        bucket.len < 3 || bucket.len > 63 || bucket.data[0] == '-' ||
        bucket.data[bucket.len - 1] == '-')
        return false;
    for (size_t i = 0; i < bucket.len; i++) {
        unsigned char c = (unsigned char)bucket.data[i];

        if (!islower(c) && !isdigit(c) && c != '-')
            return false;
    }
    return true;
}

static bool add_path(struct filling *f, bool host_bucket, struct err *err) {
    struct str query, path = uri_path(f->operation, &query);

    if (host_bucket) {
        path.data += strlen(BUCKET);
        path.len -= strlen(BUCKET);
    }
    if (path.len == 0)
        buf_add_char(&f->out->target, '/');
    if (!fill(f->row, path, f->left, &f->out->target, err))
        return false;
    drop_labels(f);
    f->mark = '?';
    if (query.len) {
        buf_add_char(&f->out->target, '?');
        buf_add_str(&f->out->target, query);
        f->mark = '&';
    }
    return true;
}

/* --- the query --------------------------------------------------------- */

static void add_pair(struct filling *f, struct str wire, struct str name,
                     const struct json *value) {
    struct buf *out = &f->out->target;

    buf_add_char(out, f->mark);
    f->mark = '&';
    encode_percent(wire, "", out);
    buf_add_char(out, '=');
    aws_argument_write(f->row, AWS_TIME_ISO, name, value, "", out);
}

/* A list gives its name once for each item. */
static bool add_query_value(struct filling *f, struct str wire, struct str name,
                            const struct json *value, struct err *err) {
    for (size_t i = 0; i < json_count(value) && json_is(value, JSON_LIST); i++)
        if (!add_query_value(f, wire, name, json_at(value, i), err))
            return false;
    if (json_is(value, JSON_LIST) || json_is(value, JSON_NULL_KIND))
        return true;
    if (!is_scalar(value))
        return err_set(err, ERR_INVALID,
                       "the argument %.*s goes into the query: give it as a "
                       "text, a number or a list of them",
                       STR_ARG(name));
    add_pair(f, wire, name, value);
    return true;
}

/* --- headers ----------------------------------------------------------- */

/* (AR2) */
static bool add_header(struct filling *f, struct str header, struct str name,
                       const struct json *value, struct err *err) {
    struct buf text = BUF_EMPTY;
    bool       ok;

    if (!is_scalar(value))
        return json_is(value, JSON_NULL_KIND) ||
               err_set(err, ERR_INVALID,
                       "the argument %.*s is a header: give it as a text or a "
                       "number",
                       STR_ARG(name));
    aws_argument_write(f->row, AWS_TIME_ISO, name, value, NULL, &text);
    ok = !aws_service_reserves(header) &&
         http_headers_add(&f->out->headers, header, buf_str(&text));
    buf_release(&text);
    return ok || err_set(err, ERR_INVALID,
                         "the argument %.*s cannot be sent as the header %.*s",
                         STR_ARG(name), STR_ARG(header));
}

static bool is_token(struct str text) {
    for (size_t i = 0; i < text.len; i++)
        if (!isalnum((unsigned char)text.data[i]) &&
            (!text.data[i] || !strchr("-_.", text.data[i])))
            return false;
    return text.len > 0;
}

/* "x-amz-meta-*": one header for each member of a map. */
static bool add_header_map(struct filling *f, struct str pattern,
                           struct str name, const struct json *map,
                           struct err *err) {
    struct json_walk walk = json_walk_over(map);
    bool             ok = true;

    while (ok && json_walk_next(&walk)) {
        struct buf header = BUF_EMPTY;

        buf_addf(&header, "%.*s%.*s", (int)pattern.len - 1, pattern.data,
                 STR_ARG(walk.key));
        ok = is_token(walk.key)
                 ? add_header(f, buf_str(&header), name, walk.value, err)
                 : err_set(err, ERR_INVALID,
                           "a name in the argument %.*s is no header's",
                           STR_ARG(name));
        buf_release(&header);
    }
    json_walk_stop(&walk);
    return ok;
}

static bool add_header_value(struct filling *f, struct str wire,
                             struct str name, const struct json *value,
                             struct err *err) {
    return str_ends(wire, "*") ? add_header_map(f, wire, name, value, err)
                               : add_header(f, wire, name, value, err);
}

typedef bool place_fn(struct filling *f, struct str wire, struct str name,
                      const struct json *value, struct err *err);

static bool take_place(struct filling *f, const char *place, place_fn *put,
                       struct err *err) {
    struct json_walk walk = json_walk_over(json_find(f->operation, place));
    bool             ok = true;

    while (ok && json_walk_next(&walk)) {
        struct json *value = json_find_str(f->left, walk.key);

        if (!value)
            continue;
        ok = put(f, json_text(walk.value), walk.key, value, err);
        json_drop_str(f->left, walk.key);
    }
    json_walk_stop(&walk);
    return ok;
}

/* --- the body ---------------------------------------------------------- */

/* Text as it is; { base64 = "…" } for bytes; else JSON. */
static bool add_payload(struct filling *f, struct str name, struct err *err) {
    const struct json *value = json_find_str(f->left, name);
    struct str         coded = json_find_text(value, "base64");
    bool               ok = true;

    f->out->has_body = true;
    if (json_is(value, JSON_TEXT))
        buf_add_str(&f->out->body, json_text(value));
    else if (coded.len && json_count(value) == 1)
        ok = encode_base64_read(coded, &f->out->body, err) ||
             err_wrap(err, "the argument %.*s", STR_ARG(name));
    else if (value && aws_service_protocol(f->row) == AWS_REST_JSON)
        json_write(value, &f->out->body);
    else if (value)
        ok = err_set(err, ERR_INVALID,
                     "the argument %.*s is the body: give it as a text, or as "
                     "{ base64 = \"…\" }",
                     STR_ARG(name));
    json_drop_str(f->left, name);
    return ok;
}

static bool has_body(const struct json *operation) {
    struct str         method = json_find_text(operation, "method");
    const struct json *body = json_find(operation, "body");

    if (body)
        return json_truth(body);
    return !str_is(method, "GET") && !str_is(method, "HEAD") &&
           !str_is(method, "DELETE");
}

static void offer_labels(struct nearest *nearest, struct str rest) {
    struct str name;

    while (next_label(&rest, &name))
        nearest_offer(nearest, name);
}

/* (AR3) */
static bool no_place(const struct filling *f, struct err *err) {
    struct json_walk walk = json_walk_over(f->left);
    struct nearest   nearest;
    struct buf       words = BUF_EMPTY;

    if (!json_walk_next(&walk))
        return true;
    nearest = nearest_to(walk.key);
    nearest_offer_all(&nearest, json_find(f->operation, "query"));
    nearest_offer_all(&nearest, json_find(f->operation, "headers"));
    offer_labels(&nearest, json_find_text(f->operation, "uri"));
    err_set(err, ERR_INVALID,
            "the argument %.*s has no place in this operation's row%s",
            STR_ARG(walk.key), nearest_words(&nearest, &words));
    json_walk_stop(&walk);
    buf_release(&words);
    return false;
}

static bool add_body(struct filling *f, struct err *err) {
    struct str payload = json_find_text(f->operation, "payload");
    bool       json = aws_service_protocol(f->row) == AWS_REST_JSON;

    if (payload.len && !add_payload(f, payload, err))
        return false;
    if (payload.len || !json || !has_body(f->operation))
        return no_place(f, err);
    f->out->has_body = true;
    {
        struct json *body = aws_argument_seconds(f->row, f->left);

        json_write(body, &f->out->body);
        json_release(body);
    }
    return true;
}

static void add_content_type(struct filling *f) {
    struct str given =
        json_text(json_at(json_find(f->operation, "content"), 0));

    if (!f->out->has_body ||
        http_headers_find(&f->out->headers, "content-type").len)
        return;
    if (given.len == 0)
        given = aws_service_protocol(f->row) == AWS_REST_JSON
                    ? STR("application/json")
                    : STR("application/octet-stream");
    (void)http_headers_add(&f->out->headers, STR("Content-Type"), given);
}

bool aws_rest_write(const struct json *row, const struct json *operation,
                    const struct json *args, bool host_bucket,
                    struct aws_rest *out, struct err *err) {
    struct filling f = {row, operation, json_new_map(), out, '?'};
    bool           ok;

    json_merge(f.left, args);
    ok = add_path(&f, host_bucket, err) &&
         take_place(&f, "query", add_query_value, err) &&
         take_place(&f, "headers", add_header_value, err) && add_body(&f, err);
    if (ok)
        add_content_type(&f);
    json_release(f.left);
    return ok;
}
