/* arena.h - the memory of one Lua state, which can be put back as it was.
 *
 * Lua asks for many small blocks and gives them all back at the end. Here they
 * come out of one piece of address space that is this state's alone, so that
 * the end is one call, and what the piece held at some moment can be kept as a
 * picture and copied back: at the same addresses, everything in it is again
 * what it was then, and nothing of what came after is left. What does not fit
 * is taken from the C library and forgotten with the rest.
 *
 *   AR1  After arena_restore() every byte that was in use at arena_keep() is
 *        as it was then; what came into use after it is gone.
 *   AR2  Closing or restoring gives back all that was ever taken.
 *
 * Lifetime: call. Thread: one at a time.
 */
#ifndef VM_ARENA_H
#define VM_ARENA_H

#include <stdbool.h>
#include <stddef.h>

struct arena;

struct arena *arena_open(void);
void          arena_close(struct arena *arena); /* NULL is fine */

/* As realloc(), of a block whose size the caller knows; `size` 0 frees. NULL
 * when there is no memory, never for a smaller size. */
void *arena_resize(struct arena *arena, void *old, size_t old_size,
                   size_t size);

/* Keeps the picture; false when what is in use is not all within the piece.
 * Once. */
bool   arena_keep(struct arena *arena);
void   arena_restore(struct arena *arena);
bool   arena_kept(const struct arena *arena);
/* Of this arena, whatever is used of it. */
size_t arena_bytes(const struct arena *arena);

#endif
