/* ctx.h - the parameter that scripts ask through, and the only yield.
 *
 * What ctx offers is in ctx.lua; this is the one primitive below it. A
 * question is the list { where, kind, arguments … }: `where` is the line of
 * the script that asked, for the journal and for error messages.
 *
 *   CX1  ctx functions do no I/O: they yield, and the answer resumes them.
 *
 * Lifetime: call. Thread: loop.
 */
#ifndef VM_CTX_H
#define VM_CTX_H

#include <lua.h>

#include "vm/bundle.h"

/* Pushes a fresh ctx. May throw. */
void ctx_push(lua_State *L, struct bundle *bundle);

#endif
