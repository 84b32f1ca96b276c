/* bounded.h - the standard library that scripts see, with every loop paid for.
 *
 * Lua's hook is silent inside C, so stock string.rep, table.move or a pattern
 * can run for minutes without being noticed. The functions here do the same as
 * the stock ones, but charge what they are going to touch before they touch
 * it, check every range for overflow and cap the size of what they make. What
 * calls back into the script (sort, gsub with a function, xpcall) is written
 * in Lua, in prelude.lua, where the hook sees it and may yield.
 *
 * They differ from stock where replay would otherwise diverge: `pairs` and
 * `next` go in the order of keys, nothing prints an address, sort is stable,
 * math.random points to ctx. setmetatable installs a copy of what it is given,
 * where __call must be a function; pcall nests so deep and no deeper.
 *
 *   BD1  No function works longer than what it has charged before.
 *   BD2  Arguments near the ends of the integers give an error or the stock
 *        answer, never an overflow.
 *   BD3  Values and errors are those of stock Lua 5.4, except as listed above.
 *   BD4  The order of pairs, next and sort depends on the keys alone.
 *   BD5  No script ever holds a table that Lua uses as a metatable, and none
 *        of them has __gc, __mode or __close.
 *
 * prelude.lua is a chunk; sandbox_open() runs it in each new state with the
 * table of globals, once the libraries are in it. Until then `string` holds
 * two C functions that only the prelude may have; it takes them out.
 *
 * Lifetime: call. Thread: loop.
 */
#ifndef VM_BOUNDED_H
#define VM_BOUNDED_H

#include <lua.h>

/* The longest string that one call makes. */
#define BOUNDED_STRING_MAX ((size_t)16 << 20)

/* Fills the table at the top of the stack: assert error getmetatable ipairs
 * next pairs pcall rawequal rawget rawlen rawset select setmetatable tonumber
 * tostring type. The prelude adds xpcall. */
void bounded_open_base(lua_State *L);

/* Each pushes one library. The prelude adds string.gsub and table.sort. */
void bounded_open_string(lua_State *L);
void bounded_open_table(lua_State *L);
void bounded_open_utf8(lua_State *L);
void bounded_open_math(lua_State *L);

/* What tostring() says of the value, pushed; honours __tostring and __name,
 * and tells no address. May run script code and may throw. */
const char *bounded_push_text(lua_State *L, int index, size_t *len);

#endif
