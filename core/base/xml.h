/* xml.h - XML answers as JSON values: elements, text, nothing else.
 *
 * Older services answer in XML. What they mean by it differs from one to the
 * next, so the tree that is given here is plain, and whoever knows the service
 * reads it: an element is { name, children } or, when it has none, { name,
 * text }. Prefixes of names, attributes, comments and processing instructions
 * are left out, and so is the white space between elements.
 *
 * A document type is refused, and with it every entity of a document's own, so
 * that a small text cannot grow and no file or address is ever named by one.
 *
 *   XM1  Text over a cap, nested too deeply, cut or not well formed is an
 *        error; no part of it is given.
 *   XM2  A document type declaration is refused.
 *
 * Source: XML 1.0; the reading is libexpat's.
 *
 * Lifetime: call. Thread: any.
 */
#ifndef BASE_XML_H
#define BASE_XML_H

#include "base/json.h"

/* The root element, or NULL with err filled (ERR_INVALID, ERR_LIMIT). */
struct json *xml_parse(struct str text, const struct json_caps *caps,
                       struct err *err);

/* The first child of that name, or NULL. NULL has no children. */
struct json *xml_child(const struct json *element, const char *name);
/* Walks names downwards, NULL ends the list; the text there, or an empty. */
struct str   xml_dig(const struct json *element, ...) __attribute__((sentinel));
struct str   xml_name(const struct json *element);

#endif
