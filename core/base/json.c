/* json.c - jansson behind our own names, with the writer that it lacks.
 *
 * The caps (JS2) are kept by a scan of the raw text before jansson sees it.
 * The writer is ours because jansson 2.14 prints 0.3 as 0.29999999999999999;
 * we try 15, 16 and 17 digits and keep the first that reads back equal (JS1).
 */
#include "base/json.h"

#include <assert.h>
#include <jansson.h>
#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "base/encode.h"
#include "base/mem.h"

const struct json_caps json_caps_answer = {16u << 20, 64};

static json_t *raw(const struct json *value) {
    union {
        const struct json *in;
        json_t            *out;
    } cast = {value};

    return cast.out;
}

static struct json *wrap(json_t *value) {
    return (struct json *)value;
}

/* --- reading ---------------------------------------------------------- */

/* Depth of the brackets outside strings; jansson itself recurses. (JS2) */
static int depth_of(struct str text) {
    int  depth = 0, deepest = 0;
    bool quoted = false;

    for (size_t i = 0; i < text.len; i++) {
        char c = text.data[i];

        if (quoted) {
            if (c == '\\')
                i++;
            else if (c == '"')
                quoted = false;
        } else if (c == '"') {
            quoted = true;
        } else if (c == '{' || c == '[') {
            deepest = ++depth > deepest ? depth : deepest;
        } else if (c == '}' || c == ']') {
            depth--;
        }
    }
    return deepest;
}

static enum err_code code_of(const json_error_t *error) {
    switch (json_error_code(error)) {
    case json_error_premature_end_of_input: return ERR_JSON_TRUNCATED;
    case json_error_stack_overflow: return ERR_JSON_DEPTH;
    case json_error_invalid_utf8: return ERR_JSON_UTF8;
    case json_error_duplicate_key: return ERR_JSON_DUPLICATE;
    case json_error_numeric_overflow: return ERR_JSON_NUMBER;
    default: return ERR_JSON_SYNTAX;
    }
}

static bool within_caps(struct str text, const struct json_caps *caps,
                        struct err *err) {
    size_t bad;

    if (text.len > caps->bytes)
        return err_set(err, ERR_JSON_SIZE, "%zu bytes, the cap is %zu",
                       text.len, caps->bytes);
    if (!encode_utf8_valid(text, &bad))
        return err_set(err, ERR_JSON_UTF8, "invalid UTF-8 at byte %zu", bad);
    if (depth_of(text) > caps->depth)
        return err_set(err, ERR_JSON_DEPTH, "nested %d deep, the cap is %d",
                       depth_of(text), caps->depth);
    return true;
}

static json_t *load(struct str text, size_t flags, size_t *used,
                    struct err *err) {
    json_error_t error;
    json_t      *value = json_loadb(text.len ? text.data : "", text.len,
                               flags | JSON_REJECT_DUPLICATES |
                                   JSON_DECODE_ANY | JSON_ALLOW_NUL,
                               &error);

    if (!value)
        err_set(err, text.len ? code_of(&error) : ERR_JSON_TRUNCATED,
                "line %d, column %d: %s", error.line, error.column, error.text);
    else
        *used = (size_t)error.position;
    return value;
}

struct json *json_parse(struct str text, const struct json_caps *caps,
                        struct err *err) {
    size_t used;

    if (!within_caps(text, caps, err))
        return NULL;
    return wrap(load(text, 0, &used, err));
}

struct json *json_parse_many(struct str text, const struct json_caps *caps,
                             struct err *err) {
    struct json *list;
    size_t       used = 0;

    if (!within_caps(text, caps, err))
        return NULL;
    list = json_new_list();
    for (text = str_trim(text); text.len; text = str_trim(text)) {
        json_t *value = load(text, JSON_DISABLE_EOF_CHECK, &used, err);

        if (!value) {
            err_wrap(err, "value %zu", json_count(list) + 1);
            json_release(list);
            return NULL;
        }
        json_append(list, wrap(value));
        text.data += used;
        text.len -= used;
    }
    return list;
}

struct json *json_retain(struct json *value) {
    return wrap(json_incref(raw(value)));
}

void json_release(struct json *value) {
    if (value)
        json_decref(raw(value));
}

void json_wipe(struct json *value) {
    struct json *member;
    struct str   key, text = json_text(value);
    void        *at = NULL;

    /* The bytes are jansson's own copy, which only this value points to. */
    if (text.len)
        mem_wipe((char *)(uintptr_t)text.data, text.len);
    while (json_is(value, JSON_MAP) && json_next(value, &at, &key, &member))
        json_wipe(member);
    for (size_t i = 0; json_is(value, JSON_LIST) && i < json_count(value); i++)
        json_wipe(json_at(value, i));
}

struct json *json_clone(const struct json *value) {
    return wrap(json_deep_copy(raw(value)));
}

/* --- building --------------------------------------------------------- */

static struct json *must(json_t *value) {
    assert(value);
    return wrap(value);
}

struct json *json_new_null(void) {
    return must(json_null());
}

struct json *json_new_bool(bool value) {
    return must(json_boolean(value));
}

struct json *json_new_int(int64_t value) {
    return must(json_integer(value));
}

struct json *json_new_real(double value) {
    assert(isfinite(value));
    return must(json_real(value));
}

struct json *json_new_text(struct str text) {
    size_t bad;

    /* Text that is not UTF-8 is for the caller to refuse; what still gets
     * here is kept readable rather than lost. */
    if (!encode_utf8_valid(text, &bad)) {
        struct buf   mended = BUF_EMPTY;
        struct json *value;

        encode_utf8_mend(text, &mended);
        value = json_new_text(buf_str(&mended));
        buf_release(&mended);
        return value;
    }
    return must(json_stringn_nocheck(text.len ? text.data : "", text.len));
}

struct json *json_new_list(void) {
    return must(json_array());
}

struct json *json_new_map(void) {
    return must(json_object());
}

/* --- looking ---------------------------------------------------------- */

enum json_kind json_kind_of(const struct json *value) {
    switch (json_typeof(raw(value))) {
    case JSON_OBJECT: return JSON_MAP;
    case JSON_ARRAY: return JSON_LIST;
    case JSON_STRING: return JSON_TEXT;
    case JSON_INTEGER: return JSON_INT;
    case JSON_REAL: return JSON_REAL_KIND;
    case JSON_TRUE:
    case JSON_FALSE: return JSON_BOOL;
    default: return JSON_NULL_KIND;
    }
}

bool json_is(const struct json *value, enum json_kind kind) {
    return value && json_kind_of(value) == kind;
}

struct str json_text(const struct json *value) {
    if (!json_is(value, JSON_TEXT))
        return STR("");
    return (struct str){json_string_value(raw(value)),
                        json_string_length(raw(value))};
}

int64_t json_int(const struct json *value) {
    if (json_is(value, JSON_REAL_KIND) && fabs(json_number(value)) < 0x1p62)
        return (int64_t)json_number(value);
    return json_is(value, JSON_INT) ? json_integer_value(raw(value)) : 0;
}

double json_number(const struct json *value) {
    return value ? json_number_value(raw(value)) : 0;
}

bool json_truth(const struct json *value) {
    return value && json_is_true(raw(value));
}

struct json *json_find(const struct json *map, const char *key) {
    return json_find_str(map, str_of(key));
}

struct json *json_find_str(const struct json *map, struct str key) {
    json_t *member;
    char    small[128], *name = small;

    if (!json_is(map, JSON_MAP) || (key.len && memchr(key.data, 0, key.len)))
        return NULL;
    /* jansson 2.14 looks up by NUL-terminated text only. */
    if (key.len >= sizeof small)
        name = mem_text(key.data, key.len);
    else if (key.len)
        memcpy(small, key.data, key.len);
    name[key.len] = '\0';
    member = json_object_get(raw(map), name);
    if (name != small)
        mem_free(name);
    return wrap(member);
}

struct str json_find_text(const struct json *map, const char *key) {
    return json_text(json_find(map, key));
}

int64_t json_find_int(const struct json *map, const char *key,
                      int64_t otherwise) {
    const struct json *member = json_find(map, key);

    return json_is(member, JSON_INT) || json_is(member, JSON_REAL_KIND)
               ? json_int(member)
               : otherwise;
}

struct json *json_dig(const struct json *map, ...) {
    struct json *at = wrap(raw(map));
    const char  *key;
    va_list      keys;

    va_start(keys, map);
    while (at && (key = va_arg(keys, const char *)) != NULL)
        at = json_find(at, key);
    va_end(keys);
    return at;
}

void json_put(struct json *map, const char *key, struct json *value) {
    int rc = json_object_set_new_nocheck(raw(map), key, raw(value));

    assert(rc == 0);
    (void)rc;
}

void json_put_str(struct json *map, struct str key, struct json *value) {
    char *name = mem_text(key.data, key.len);

    json_put(map, name, value);
    mem_free(name);
}

void json_put_text(struct json *map, const char *key, struct str text) {
    json_put(map, key, json_new_text(text));
}

void json_put_int(struct json *map, const char *key, int64_t value) {
    json_put(map, key, json_new_int(value));
}

void json_put_bool(struct json *map, const char *key, bool value) {
    json_put(map, key, json_new_bool(value));
}

void json_drop(struct json *map, const char *key) {
    (void)json_object_del(raw(map), key);
}

void json_drop_str(struct json *map, struct str key) {
    char *text = mem_text(key.data, key.len);

    json_drop(map, text);
    mem_free(text);
}

void json_merge(struct json *into, const struct json *from) {
    (void)json_object_update(raw(into), raw(from));
}

size_t json_count(const struct json *container) {
    if (json_is(container, JSON_LIST))
        return json_array_size(raw(container));
    return json_is(container, JSON_MAP) ? json_object_size(raw(container)) : 0;
}

struct json *json_at(const struct json *list, size_t index) {
    return json_is(list, JSON_LIST) ? wrap(json_array_get(raw(list), index))
                                    : NULL;
}

bool json_lists(const struct json *list, struct str text) {
    for (size_t i = 0; i < json_count(list); i++)
        if (str_equal(json_text(json_at(list, i)), text))
            return true;
    return false;
}

void json_append(struct json *list, struct json *value) {
    int rc = json_array_append_new(raw(list), raw(value));

    assert(rc == 0);
    (void)rc;
}

void json_insert(struct json *list, size_t index, struct json *value) {
    int rc = json_array_insert_new(raw(list), index, raw(value));

    assert(rc == 0);
    (void)rc;
}

void json_replace(struct json *list, size_t index, struct json *value) {
    int rc = json_array_set_new(raw(list), index, raw(value));

    assert(rc == 0);
    (void)rc;
}

void json_append_text(struct json *list, struct str text) {
    json_append(list, json_new_text(text));
}

struct json *json_new_error(const struct err *err) {
    struct json *error = json_new_map();

    json_put_text(error, "code", str_of(err_name(err->code)));
    json_put_text(error, "text", str_of(err->text));
    if (err->status)
        json_put_int(error, "status", err->status);
    return error;
}

static int by_bytes(const void *a, const void *b) {
    return strcmp(*(const char *const *)a, *(const char *const *)b);
}

/* Most maps are small, and qsort() allocates. */
static void sort_keys(const char **keys, size_t count) {
    if (count > 24) {
        qsort(keys, count, sizeof *keys, by_bytes);
        return;
    }
    for (size_t i = 1; i < count; i++) {
        const char *moving = keys[i];
        size_t      at = i;

        for (; at && strcmp(keys[at - 1], moving) > 0; at--)
            keys[at] = keys[at - 1];
        keys[at] = moving;
    }
}

struct json_walk json_walk_over(const struct json *map) {
    struct json_walk walk = {.map = map, .count = json_count(map)};
    size_t           i = 0;
    const char      *key;
    json_t          *value;

    if (!json_is(map, JSON_MAP) || walk.count == 0)
        return walk;
    walk.keys = mem_new(walk.count * sizeof *walk.keys);
    json_object_foreach(raw(map), key, value) {
        (void)value;
        walk.keys[i++] = key;
    }
    sort_keys(walk.keys, walk.count);
    return walk;
}

bool json_walk_next(struct json_walk *walk) {
    if (!walk->keys || walk->at == walk->count) {
        json_walk_stop(walk);
        return false;
    }
    walk->key = str_of(walk->keys[walk->at++]);
    walk->value = wrap(json_object_get(raw(walk->map), walk->key.data));
    return true;
}

void json_walk_stop(struct json_walk *walk) {
    mem_free(walk->keys);
    walk->keys = NULL;
}

bool json_next(const struct json *map, void **at, struct str *key,
               struct json **value) {
    if (!json_is(map, JSON_MAP))
        return false;
    *at =
        *at ? json_object_iter_next(raw(map), *at) : json_object_iter(raw(map));
    if (!*at)
        return false;
    *key = str_of(json_object_iter_key(*at));
    *value = wrap(json_object_iter_value(*at));
    return true;
}

bool json_same(const struct json *a, const struct json *b) {
    return json_equal(raw(a), raw(b)) == 1;
}

/* --- writing ---------------------------------------------------------- */

void json_write_text(struct str text, struct buf *out) {
    static const char letters[] = "\b\t\n?\f\r", names[] = "btn?fr";
    size_t            from = 0;

    buf_reserve(out, text.len + 2);
    buf_add_char(out, '"');
    for (size_t i = 0; i < text.len; i++) {
        unsigned char c = (unsigned char)text.data[i];

        if (c >= 0x20 && c != '"' && c != '\\')
            continue;
        buf_add(out, text.data + from, i - from);
        from = i + 1;
        if (c == '"' || c == '\\')
            buf_addf(out, "\\%c", c);
        else if (c >= 8 && c <= 13 && c != 11)
            buf_addf(out, "\\%c", names[strchr(letters, c) - letters]);
        else
            buf_addf(out, "\\u%04x", c);
    }
    buf_add(out, text.data + from, text.len - from);
    buf_add_char(out, '"');
}

static void write_real(double value, struct buf *out) {
    char text[40];
    int  digits = 15;

    do
        (void)snprintf(text, sizeof text, "%.*g", digits, value);
    while (strtod(text, NULL) != value && ++digits <= 17);
    buf_add_text(out, text);
    /* 1.0 stays a real when it is read again. */
    if (!strpbrk(text, ".e"))
        buf_add_text(out, ".0");
}

static void write_scalar(const struct json *value, struct buf *out) {
    switch (json_kind_of(value)) {
    case JSON_BOOL:
        buf_add_text(out, json_truth(value) ? "true" : "false");
        break;
    case JSON_INT: buf_addf(out, "%lld", (long long)json_int(value)); break;
    case JSON_REAL_KIND: write_real(json_number(value), out); break;
    case JSON_TEXT: json_write_text(json_text(value), out); break;
    default: buf_add_text(out, "null"); break;
    }
}

/* `indent` below zero: everything on one line. */
static void write_break(int indent, struct buf *out) {
    if (indent < 0)
        return;
    buf_addf(out, "\n%*s", indent * 2, "");
}

static void write_at(const struct json *value, int indent, struct buf *out);

static void write_member(struct str key, const struct json *value, int indent,
                         struct buf *out) {
    json_write_text(key, out);
    buf_add_text(out, indent < 0 ? ":" : ": ");
    write_at(value, indent, out);
}

static void write_container(const struct json *value, int indent,
                            struct buf *out) {
    bool             map = json_is(value, JSON_MAP);
    int              inner = indent < 0 ? -1 : indent + 1;
    struct json_walk walk = json_walk_over(map ? value : NULL);
    size_t           count = json_count(value);

    buf_add_char(out, map ? '{' : '[');
    for (size_t i = 0; i < count; i++) {
        if (i)
            buf_add_char(out, ',');
        write_break(inner, out);
        if (map && json_walk_next(&walk))
            write_member(walk.key, walk.value, inner, out);
        else if (!map)
            write_at(json_at(value, i), inner, out);
    }
    json_walk_stop(&walk);
    if (count)
        write_break(indent, out);
    buf_add_char(out, map ? '}' : ']');
}

/* A container that fits in what is left of a line of 80 stays on it. */
static bool write_flat(const struct json *value, int indent, struct buf *out) {
    struct buf line = BUF_EMPTY;
    bool       fits;

    write_container(value, -1, &line);
    fits = line.len + (size_t)indent * 2 <= 60;
    if (fits)
        buf_add_str(out, buf_str(&line));
    buf_release(&line);
    return fits;
}

static void write_at(const struct json *value, int indent, struct buf *out) {
    if (!json_is(value, JSON_MAP) && !json_is(value, JSON_LIST))
        write_scalar(value, out);
    else if (indent <= 0 || !write_flat(value, indent, out))
        write_container(value, indent, out);
}

void json_write(const struct json *value, struct buf *out) {
    write_at(value, -1, out);
}

void json_write_pretty(const struct json *value, int indent, struct buf *out) {
    write_at(value, indent, out);
}
