/* pattern.h - Lua's patterns, written afresh so that a match can be stopped.
 *
 * The stock matcher backtracks inside C, where no hook fires: thirty bytes of
 * pattern keep it busy for hours. This one counts every step, charges them in
 * batches with vm_charge() and gives up a single search that takes more than a
 * cap which grows with the subject. What it accepts, finds and captures is
 * what stock Lua 5.4 does; a test compares the two on random input.
 *
 *   PT1  Every search ends, and has charged what it did.
 *   PT2  Finds, captures and refuses what stock Lua 5.4 does.
 *   PT3  The C stack used does not depend on the subject, and a pattern can
 *        make it at most PATTERN_DEPTH frames deep.
 *
 * Lifetime: call. Thread: loop.
 */
#ifndef VM_PATTERN_H
#define VM_PATTERN_H

#include <lua.h>

#define PATTERN_DEPTH 200

/* As in the string library. */
int pattern_find(lua_State *L);
int pattern_match(lua_State *L);
int pattern_gmatch(lua_State *L);

/* Given the Lua function that replaces by function or table, makes
 * string.gsub: each(s, pattern, lookup, most) -> text, count. */
int pattern_make_gsub(lua_State *L);

/* For that function: scan(s, pattern, from, stop, one) -> nil, or the first and
 * the last position of the next match and its captures, or only the first one.
 * `from` is where to begin and `stop` where the last match ended (0: there was
 * none), since an empty match right behind it does not count. Errors name the
 * caller of gsub. */
int pattern_scan(lua_State *L);

#endif
