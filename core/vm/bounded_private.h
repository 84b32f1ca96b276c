/* bounded_private.h - what the files of the bounded library share.
 *
 * Each of them holds the functions of one stock library and pushes it as one
 * table; bounded.c puts them together. Charging is here, so that all of them
 * mean the same by it: an element is one unit, sixteen bytes are another.
 *
 * Lifetime: call. Thread: loop.
 */
#ifndef VM_BOUNDED_PRIVATE_H
#define VM_BOUNDED_PRIVATE_H

#include <lua.h>

#include "vm/bounded.h"

void bounded_charge(lua_State *L, lua_Unsigned elements);
void bounded_charge_bytes(lua_State *L, size_t bytes);

/* The number of elements from first to last, both included; overflow cannot
 * happen, and a range that ends before it begins has none. */
lua_Unsigned bounded_span(lua_Integer first, lua_Integer last);

void bounded_string_push(lua_State *L);
void bounded_table_push(lua_State *L);
void bounded_utf8_push(lua_State *L);

int bounded_format_run(lua_State *L);    /* string.format */
int bounded_order_pairs(lua_State *L);   /* pairs */
int bounded_order_next(lua_State *L);    /* next */
int bounded_metatable_set(lua_State *L); /* setmetatable */
int bounded_metatable_get(lua_State *L); /* getmetatable */

#endif
