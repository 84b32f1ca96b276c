/* ready.h - VMs in which a script is loaded already, for its next attempt.
 *
 * Building the sandbox and loading a script's code costs more than most nodes
 * do. It always comes to the same, so a VM that was built for a script keeps a
 * picture of itself from before its first input, and is put back to it after
 * the attempt, all of it: allocator, collector, counts of work. Nothing passes
 * from one attempt to another, since no byte that one wrote is in use in the
 * next. (AT1)
 *
 * A bundle has one; what it holds is bounded.
 *
 *   RY1  A VM is in one attempt's hands at a time.
 *   RY2  At most so many are kept for one script and for all.
 *
 * Lifetime: until closed. Thread: the bundle's.
 */
#ifndef VM_READY_H
#define VM_READY_H

#include "vm/vm.h"

struct ready;
struct script;

#define READY_OF_SCRIPT 32
#define READY_OF_ALL 128

/* What a VM was prepared for. */
struct ready_use {
    const struct script *script;
    bool                 ctx;
    struct vm_limits     limits;
};

struct ready *ready_open(void);
void          ready_close(struct ready *ready); /* NULL is fine */

/* Gives one, or NULL: none is free. */
struct vm *ready_take(struct ready *ready, const struct ready_use *use);
/* Takes one that was prepared for this use, to keep its picture if there is
 * room; before its first input. It stays the caller's. */
void       ready_keep(struct ready *ready, const struct ready_use *use,
                      struct vm *vm);
/* Takes it back, or closes it. */
void       ready_give(struct ready *ready, const struct ready_use *use,
                      struct vm *vm);

#endif
