/* vm.h - one walled-in Lua state, and the only way into it.
 *
 * A VM has three limits: memory, instructions and CPU time, and a slice after
 * which it yields to the loop. C functions that scripts can
 * call charge their work with vm_charge(), since Lua's hook is silent inside
 * C. When a limit is struck the VM is *killed*: from then on the hook raises
 * at every instruction, so that no pcall of the script can hold on, until the
 * state is back in C. A killed VM is closed, never used again.
 *
 *   V1  Everything that may raise happens inside vm_enter(): a raise outside
 *       a protected call would be a panic.
 *   V2  A strike cannot be caught by the script. (N14)
 *   V3  No byte beyond the memory limit is ever allocated for a script.
 *   V4  Nothing that a script can see tells addresses, the hash seed, the
 *       clock or the mode.
 *   V5  Where a turn ends depends on the script's work alone, not on time.
 *   V6  A VM that was renewed cannot be told from one that was prepared anew.
 *
 * Lifetime: call. Thread: loop.
 */
#ifndef VM_VM_H
#define VM_VM_H

#include <lua.h>

#include "base/clock.h"
#include "base/err.h"

struct room;
struct vm;

struct vm_limits {
    size_t  memory;       /* bytes */
    int64_t instructions; /* Lua's, and what C functions charge */
    int64_t cpu_ms;       /* of this thread, while inside */
    int64_t slice;        /* such work until a turn ends; 0: never */
};
extern const struct vm_limits vm_limits_node;   /* 32 MiB, a node attempt */
extern const struct vm_limits vm_limits_source; /* 256 MiB, 5 s */

struct vm *vm_open(const struct vm_limits *limits, struct clock *clock);
void       vm_close(struct vm *vm); /* NULL is fine */

/* What it is now is what vm_renew() makes it again, whatever a script did to
 * it meanwhile. False when it cannot be: a limit was struck, it has finalizers
 * or is too large. Both outside of vm_enter(). (V6) */
bool vm_keep(struct vm *vm);
bool vm_kept(const struct vm *vm);
void vm_renew(struct vm *vm);
/* From now on what it uses is counted in `room`; NULL: nowhere. */
void vm_count_in(struct vm *vm, struct room *room);
/* A value with a finalizer was made, so closing must call it. */
void vm_finalizes(lua_State *L);

/* The only way in. `fn` gets `arg` as light userdata at index 1. */
bool vm_enter(struct vm *vm, lua_CFunction fn, void *arg, struct err *err);

/* For C functions that scripts call: count `work` units (one is about one VM
 * instruction; a byte copied is a sixteenth) and raise when the budget is
 * spent. May throw, so nothing may be owned across it. */
void vm_charge(lua_State *L, size_t work);

/* Has a limit been struck? The sentence says which. */
bool vm_killed(const struct vm *vm);

/* For attempt.c, inside vm_enter(): resumes a coroutine of this VM. Gives
 * lua_resume()'s code; vm_sliced() says whether a yield was the slice's. */
int vm_resume(struct vm *vm, lua_State *coroutine, int arguments, int *results);
bool vm_sliced(const struct vm *vm);

/* Moves the error value on top of `from` into err. */
void vm_error_take(struct vm *vm, lua_State *from, int rc, struct err *err);

size_t vm_memory_used(const struct vm *vm);
/* What it holds of the process: with free blocks and its picture. */
size_t vm_memory_held(const struct vm *vm);

/* The `struct vm` that a state belongs to. */
struct vm *vm_of(lua_State *L);
lua_State *vm_state(struct vm *vm);

#endif
