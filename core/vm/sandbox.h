/* sandbox.h - the globals that a script sees, built from nothing.
 *
 * An allow-list: bounded versions of string, table, utf8, math and the basic
 * functions, `json`, and a `require` that knows lib.* and cjson. There is no
 * io, os, debug, package, coroutine, load, bytecode or FFI to take away,
 * because none was ever put in. (N3)
 *
 *   SB1  A name that is not on the list does not exist in a fresh sandbox.
 *   SB2  Two sandboxes share nothing that can be written.
 *
 * Lifetime: call. Thread: loop.
 */
#ifndef VM_SANDBOX_H
#define VM_SANDBOX_H

#include <lua.h>

#include "vm/bundle.h"

/* May throw; inside vm_enter(). */
void sandbox_open(lua_State *L, struct bundle *bundle);
/* Pushes the compiled chunk of a script. May throw. */
void sandbox_load(lua_State *L, struct bundle *bundle,
                  const struct script *script);
/* Pushes a chunk of the engine's own: "prelude" or "ctx". */
void sandbox_load_engine(lua_State *L, struct bundle *bundle, const char *name);

#endif
