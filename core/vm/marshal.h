/* marshal.h - plain values between Lua and JSON, deep-copied and capped.
 *
 * nil, booleans, numbers, text and tables cross; nothing else does. A table
 * that came from JSON, or from json.array / json.object, remembers its kind in
 * a marker metatable, so that `[]` stays `[]`. A table without a marker is a
 * list when its keys are exactly 1..n with n > 0, and a map otherwise.
 *
 *   MA1  JSON -> Lua -> JSON is byte-equal in canonical form.
 *   MA2  marshal_take() never throws and never calls a metamethod.
 *   MA3  What crosses is capped in depth, count and bytes.
 *
 * Lifetime: call. Thread: loop.
 */
#ifndef VM_MARSHAL_H
#define VM_MARSHAL_H

#include <lua.h>

#include "base/err.h"
#include "base/json.h"

struct marshal_caps {
    size_t bytes; /* of text and keys, and 16 for each value */
    int    depth;
    bool   functions; /* true: a function becomes the text "function" */
};
extern const struct marshal_caps marshal_caps_output; /* 4 MiB, 32 deep */

/* Puts the two markers and the `json` table's parts into the registry. */
void         marshal_open(lua_State *L);
/* May throw. NULL pushes nil; JSON null pushes json.null. */
void         marshal_push(lua_State *L, const struct json *value);
/* NULL with err filled; the sentence names the path of what cannot cross. */
struct json *marshal_take(lua_State *L, int index,
                          const struct marshal_caps *caps, struct err *err);

/* Pushes the library table `json`: null, array, object, encode, decode. */
void marshal_push_library(lua_State *L);
/* Pushes the table that require "cjson" gives. */
void marshal_push_cjson(lua_State *L);

#endif
