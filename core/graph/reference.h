/* reference.h - "$node.field": how a playbook says where a value comes from.
 *
 * The root is the name of a node in the graph, or `incident`, `service`,
 * `run`; the path goes through maps by key and through lists by number, from
 * 1 as Lua counts. "$node.all" is the list of every earlier visit's output.
 *
 *   RF1  A text that does not begin with '$', or names nothing behind it, is
 *        no reference: it stands for itself.
 *
 * Lifetime: call. Thread: any.
 */
#ifndef GRAPH_REFERENCE_H
#define GRAPH_REFERENCE_H

#include "base/json.h"

struct reference {
    struct str root, path; /* borrow from the text; path may be empty */
    bool       all;
};

bool         reference_parse(struct str text, struct reference *out);
/* The value itself for an empty path; NULL when a step finds nothing. */
struct json *reference_dig(const struct json *value, struct str path);

#endif
