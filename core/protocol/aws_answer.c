/* aws_answer.c - the protocol says the form, the row the lists. */
#include "protocol/aws_answer.h"

#include <string.h>
#include <strings.h>

#include "base/encode.h"
#include "base/xml.h"
#include "protocol/aws_service.h"

/* --- errors ------------------------------------------------------------ */

void aws_answer_error_release(struct aws_answer_error *error) {
    buf_release(&error->code);
    buf_release(&error->message);
    buf_release(&error->request_id);
}

static struct str first_of(const struct json *map, const char *const *names) {
    for (; *names; names++)
        if (json_find_text(map, *names).len)
            return json_find_text(map, *names);
    return STR("");
}

/* "com.amazonaws.x#Code:http://…" -> "Code" */
static struct str bare_code(struct str code) {
    struct str rest;

    (void)str_cut(code, '#', &rest);
    if (rest.data)
        code = rest;
    return str_trim(str_cut(code, ':', &rest));
}

static void json_error(struct str text, struct aws_answer_error *out) {
    static const char *const codes[] = {"__type", "code", "Code", NULL};
    static const char *const words[] = {"message", "Message", "errorMessage",
                                        "error", NULL};
    struct err               err;
    struct json             *body = json_parse(text, &json_caps_answer, &err);

    if (out->code.len == 0)
        buf_add_str(&out->code, bare_code(first_of(body, codes)));
    buf_add_str(&out->message, first_of(body, words));
    json_release(body);
}

/* <ErrorResponse><Error>, <Response><Errors><Error>, <Error>. */
static const struct json *error_element(const struct json *root) {
    if (str_is(xml_name(root), "Error"))
        return root;
    if (str_is(xml_name(root), "Response"))
        return xml_child(xml_child(root, "Errors"), "Error");
    return xml_child(root, "Error");
}

static void xml_error(struct str text, struct aws_answer_error *out) {
    static const char *const ids[] = {"RequestId", "RequestID", "requestId",
                                      NULL};
    struct err               err;
    struct json             *root = xml_parse(text, &json_caps_answer, &err);
    const struct json       *error = error_element(root);

    if (out->code.len == 0)
        buf_add_str(&out->code, str_trim(xml_dig(error, "Code", NULL)));
    buf_add_str(&out->message, str_trim(xml_dig(error, "Message", NULL)));
    for (size_t i = 0; ids[i] && out->request_id.len == 0; i++) {
        buf_add_str(&out->request_id, xml_dig(root, ids[i], NULL));
        if (out->request_id.len == 0)
            buf_add_str(&out->request_id, xml_dig(error, ids[i], NULL));
    }
    json_release(root);
}

void aws_answer_error_read(const struct http_answer *http,
                           struct aws_answer_error  *out) {
    static const char *const ids[] = {"x-amzn-requestid", "x-amz-request-id",
                                      "x-amz-id-1", NULL};
    struct str               body = str_trim(buf_str(&http->body));

    memset(out, 0, sizeof *out);
    for (size_t i = 0; ids[i] && out->request_id.len == 0; i++)
        buf_add_str(&out->request_id,
                    http_headers_find(&http->headers, ids[i]));
    buf_add_str(&out->code, bare_code(http_headers_find(&http->headers,
                                                        "x-amzn-errortype")));
    if (str_starts(body, "<"))
        xml_error(body, out);
    else
        json_error(body, out);
}

/* --- XML as values ----------------------------------------------------- */

static bool all_named(const struct json *children, const char *name) {
    for (size_t i = 0; i < json_count(children); i++)
        if (!str_is(xml_name(json_at(children, i)), name))
            return false;
    return json_count(children) > 0;
}

static struct json *value_of(const struct json *element,
                             const struct json *lists);

static struct json *list_of(const struct json *children,
                            const struct json *lists) {
    struct json *list = json_new_list();

    for (size_t i = 0; i < json_count(children); i++)
        json_append(list, value_of(json_at(children, i), lists));
    return list;
}

static const struct json *half(const struct json *entry, const char *small,
                               const char *large) {
    const struct json *found = xml_child(entry, small);

    return found ? found : xml_child(entry, large);
}

static bool all_entries(const struct json *children) {
    for (size_t i = 0; i < json_count(children); i++)
        if (!half(json_at(children, i), "key", "Name") ||
            !half(json_at(children, i), "value", "Value"))
            return false;
    return all_named(children, "entry");
}

static struct json *map_of(const struct json *entries,
                           const struct json *lists) {
    struct json *map = json_new_map();

    for (size_t i = 0; i < json_count(entries); i++)
        json_put_str(
            map,
            json_find_text(half(json_at(entries, i), "key", "Name"), "text"),
            value_of(half(json_at(entries, i), "value", "Value"), lists));
    return map;
}

static void put_repeated(struct json *map, struct str name, struct json *value,
                         bool is_list) {
    struct json *held = json_find_str(map, name), *list;

    if (!held && !is_list) {
        json_put_str(map, name, value);
        return;
    }
    if (held && json_find_str(map, name) && is_list) {
        json_append(held, value);
        return;
    }
    list = json_new_list();
    if (held)
        json_append(list, json_retain(held));
    json_append(list, value);
    json_put_str(map, name, list);
}

/* A second one of a name makes a list; from the third on there is one. */
static struct json *object_of(const struct json *children,
                              const struct json *lists) {
    struct json *map = json_new_map(), *seen = json_new_map();

    for (size_t i = 0; i < json_count(children); i++) {
        const struct json *child = json_at(children, i);
        struct str         name = xml_name(child);
        const struct json *hint = json_find_str(lists, name);
        int64_t            count = json_int(json_find_str(seen, name));
        bool flat = (hint && json_text(hint).len == 0) || count > 1;

        put_repeated(map, name, value_of(child, lists), flat);
        json_put_str(seen, name, json_new_int(count + 1));
    }
    json_release(seen);
    return map;
}

static struct json *value_of(const struct json *element,
                             const struct json *lists) {
    const struct json *children = json_find(element, "children");
    struct str hint = json_text(json_find_str(lists, xml_name(element)));

    if (hint.len)
        return list_of(children, lists); /* AA2 */
    if (!children)
        return json_new_text(json_find_text(element, "text"));
    if (all_named(children, "member") || all_named(children, "item"))
        return list_of(children, lists);
    if (all_entries(children))
        return map_of(children, lists);
    return object_of(children, lists);
}

static struct json *object_at(const struct json *element,
                              const struct json *lists) {
    const struct json *children = json_find(element, "children");

    return children ? object_of(children, lists) : json_new_map();
}

/* --- answers ----------------------------------------------------------- */

static struct json *not_promised(const char *what, struct err *err) {
    err_set(err, ERR_REMOTE, "the answer is not %s", what);
    return NULL;
}

static struct json *read_json(const struct http_answer *http, bool empty_fits,
                              struct err *err) {
    struct json *body;

    if (http->body.len == 0 && empty_fits)
        return json_new_map();
    body = json_parse(buf_str(&http->body), &json_caps_answer, err);
    if (!body) {
        err_wrap(err, "the answer is not JSON");
        return NULL;
    }
    if (json_is(body, JSON_MAP))
        return body;
    json_release(body);
    return not_promised("a JSON object", err);
}

static struct json *parse_xml(const struct http_answer *http, struct err *err) {
    struct json *root = xml_parse(buf_str(&http->body), &json_caps_answer, err);

    if (!root)
        err_wrap(err, "the answer is not XML");
    return root;
}

/* <XResponse><XResult>…</XResult><ResponseMetadata>…; EC2 has no result. */
static struct json *read_query(const struct json *row, struct str operation,
                               const struct http_answer *http,
                               struct err               *err) {
    struct json       *root = parse_xml(http, err), *value = NULL;
    const struct json *lists = json_find(row, "lists");
    struct buf         response = BUF_EMPTY, result = BUF_EMPTY;

    buf_addf(&response, "%.*sResponse", STR_ARG(operation));
    buf_addf(&result, "%.*sResult", STR_ARG(operation));
    if (root && !str_equal(xml_name(root), buf_str(&response)))
        not_promised(buf_text(&response), err); /* AA1 */
    else if (root && aws_service_protocol(row) == AWS_EC2)
        value = object_at(root, lists);
    else if (root)
        value = object_at(xml_child(root, buf_text(&result)), lists);
    if (value)
        json_drop(value, "requestId");
    json_release(root);
    buf_release(&response);
    buf_release(&result);
    return value;
}

static struct json *read_rest_xml(const struct json        *row,
                                  const struct http_answer *http,
                                  bool empty_fits, struct err *err) {
    struct json *root, *value;

    if (http->body.len == 0 && empty_fits)
        return json_new_map();
    root = parse_xml(http, err);
    if (!root)
        return NULL;
    /* S3 may begin with 200 and fail later. */
    value = error_element(root) == root
                ? not_promised("a result, but an error", err)
                : object_at(root, json_find(row, "lists"));
    json_release(root);
    return value;
}

static struct json *raw_body(const struct http_answer *http, struct str name) {
    struct json *map = json_new_map(), *inner;
    struct str   body = buf_str(&http->body);
    struct buf   coded = BUF_EMPTY;
    size_t       bad;

    if (encode_utf8_valid(body, &bad) &&
        !(body.len && memchr(body.data, '\0', body.len))) {
        json_put_str(map, name, json_new_text(body));
        return map;
    }
    encode_base64(body, &coded);
    inner = json_new_map();
    json_put_text(inner, "base64", buf_str(&coded));
    json_put_str(map, name, inner);
    buf_release(&coded);
    return map;
}

/* "x-amz-meta-*": every header of that beginning, in one map. */
static struct json *header_map(const struct http_answer *http,
                               struct str                pattern) {
    struct json *map = json_new_map();
    size_t       len = pattern.len - 1;

    for (size_t i = 0; i < http->headers.count; i++) {
        const struct http_header *header = &http->headers.items[i];
        struct str                name = str_of(header->name);
        size_t                    bad;

        if (name.len > len && strncasecmp(name.data, pattern.data, len) == 0 &&
            encode_utf8_valid(str_of(header->value), &bad))
            json_put_text(map, name.data + len, str_of(header->value));
    }
    return map;
}

static void add_headers(struct json *value, const struct json *names,
                        const struct http_answer *http) {
    struct json_walk walk = json_walk_over(names);

    while (json_walk_next(&walk)) {
        struct str wire = json_text(walk.value), text;
        size_t     bad;

        if (str_ends(wire, "*")) {
            json_put_str(value, walk.key, header_map(http, wire));
            continue;
        }
        text = http_headers_find(&http->headers, wire.data);
        if (text.len && encode_utf8_valid(text, &bad))
            json_put_str(value, walk.key, json_new_text(text));
    }
}

static struct json *read_rest(const struct json *row, const struct json *route,
                              const struct http_answer *http, bool empty_fits,
                              struct err *err) {
    const struct json *answer = json_find(route, "answer");
    struct str         raw = json_find_text(answer, "body");
    struct json       *value;
    bool               none = empty_fits || http->status == 204 ||
                str_is(json_find_text(route, "method"), "HEAD");

    if (raw.len)
        value = raw_body(http, raw);
    else if (aws_service_protocol(row) == AWS_REST_JSON)
        value = read_json(http, none, err);
    else
        value = read_rest_xml(row, http, none, err);
    if (value)
        add_headers(value, json_find(answer, "headers"), http);
    return value;
}

struct json *aws_answer_value(const struct json *row, struct str operation,
                              const struct json        *route,
                              const struct http_answer *http, bool empty_fits,
                              struct err *err) {
    switch (aws_service_protocol(row)) {
    case AWS_QUERY:
    case AWS_EC2: return read_query(row, operation, http, err);
    case AWS_REST_JSON:
    case AWS_REST_XML: return read_rest(row, route, http, empty_fits, err);
    default: return read_json(http, empty_fits, err);
    }
}
