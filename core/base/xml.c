/* xml.c - libexpat's events folded into a tree, with an eye on its depth. */
#include "base/xml.h"

#include <expat.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "base/mem.h"

struct reader {
    XML_Parser   parser;
    struct json *open[JSON_DEPTH_MAX]; /* from the root down; borrowed */
    int          depth, most;
    struct json *root;
    struct buf   text; /* of the innermost element so far */
    struct err  *err;
    bool         failed;
};

static void fail(struct reader *reader, enum err_code code, const char *why) {
    if (reader->failed)
        return;
    reader->failed = true;
    err_set(reader->err, code, "line %lu: %s",
            (unsigned long)XML_GetCurrentLineNumber(reader->parser), why);
    (void)XML_StopParser(reader->parser, XML_FALSE);
}

static struct str local_name(const char *name) {
    const char *colon = strrchr(name, ':');

    return str_of(colon ? colon + 1 : name);
}

static struct json *innermost(const struct reader *reader) {
    return reader->depth ? reader->open[reader->depth - 1] : NULL;
}

static struct json *children_of(struct json *element) {
    struct json *children = json_find(element, "children");

    if (children)
        return children;
    json_put(element, "children", json_new_list());
    return json_find(element, "children");
}

static void on_start(void *arg, const char *name, const char **attributes) {
    struct reader *reader = arg;
    struct json   *element, *parent = innermost(reader);

    (void)attributes;
    if (reader->failed)
        return;
    if (reader->depth == reader->most) {
        fail(reader, ERR_LIMIT, "nested too deeply"); /* XM1 */
        return;
    }
    element = json_new_map();
    json_put_text(element, "name", local_name(name));
    if (parent)
        json_append(children_of(parent), element);
    else
        reader->root = element;
    reader->open[reader->depth++] = element;
    buf_clear(&reader->text);
}

/* Text between children is layout; of an element without any it is a value. */
static void on_end(void *arg, const char *name) {
    struct reader *reader = arg;
    struct json   *element = innermost(reader);

    (void)name;
    if (reader->failed)
        return;
    if (!json_find(element, "children"))
        json_put_text(element, "text", buf_str(&reader->text));
    buf_clear(&reader->text);
    reader->depth--;
}

static void on_text(void *arg, const char *text, int len) {
    struct reader *reader = arg;

    buf_add(&reader->text, text, (size_t)len);
}

static void on_doctype(void *arg, const char *name, const char *system,
                       const char *public, int internal) {
    (void)name;
    (void)system;
    (void)public;
    (void)internal;
    fail(arg, ERR_INVALID, "a document type is not taken"); /* XM2 */
}

static void read_all(struct reader *reader, struct str text) {
    /* 1: this is the end, so an element that is still open is an error. */
    if (XML_Parse(reader->parser, text.len ? text.data : "", (int)text.len,
                  1) == XML_STATUS_ERROR)
        fail(reader, ERR_INVALID,
             XML_ErrorString(XML_GetErrorCode(reader->parser)));
}

struct json *xml_parse(struct str text, const struct json_caps *caps,
                       struct err *err) {
    struct reader reader = {.err = err};

    if (text.len > caps->bytes || text.len > INT32_MAX) {
        err_set(err, ERR_LIMIT, "%zu bytes of XML, the cap is %zu", text.len,
                caps->bytes);
        return NULL;
    }
    reader.most = caps->depth < JSON_DEPTH_MAX ? caps->depth : JSON_DEPTH_MAX;
    reader.parser = XML_ParserCreate(NULL);
    XML_SetUserData(reader.parser, &reader);
    XML_SetElementHandler(reader.parser, on_start, on_end);
    XML_SetCharacterDataHandler(reader.parser, on_text);
    XML_SetStartDoctypeDeclHandler(reader.parser, on_doctype);
    read_all(&reader, text);
    XML_ParserFree(reader.parser);
    buf_release(&reader.text);
    if (!reader.failed)
        return reader.root;
    json_release(reader.root);
    return NULL;
}

struct json *xml_child(const struct json *element, const char *name) {
    const struct json *children = json_find(element, "children");

    for (size_t i = 0; i < json_count(children); i++)
        if (str_is(json_find_text(json_at(children, i), "name"), name))
            return json_at(children, i);
    return NULL;
}

struct str xml_dig(const struct json *element, ...) {
    const char *name;
    va_list     names;

    va_start(names, element);
    while ((name = va_arg(names, const char *)))
        element = xml_child(element, name);
    va_end(names);
    return json_find_text(element, "text");
}

struct str xml_name(const struct json *element) {
    return json_find_text(element, "name");
}
