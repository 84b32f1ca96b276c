/* arena.c - lists of free blocks by size over a piece that is cut from the
 * front.
 *
 * Sizes are rounded up: to 16 bytes when small, to a power of two when middle.
 * A larger block, and any once the piece is used up, is malloc's, in a list so
 * that it can be forgotten. The lists' heads are outside of the piece and a part
 * of the picture. (AR1)
 */
#include "vm/arena.h"

#include <assert.h>
#include <string.h>

#include "base/mem.h"

#define PIECE (128u << 10)
#define GRAIN 16
#define SMALL_MAX 512
#define MIDDLE_MAX 8192
#define SMALLS (SMALL_MAX / GRAIN)
#define CLASSES (SMALLS + 4) /* 1024, 2048, 4096, 8192 */

struct spare {
    struct spare *next;
};

/* In front of a block that is not in the piece; its size keeps blocks aligned.
 */
struct outside {
    struct outside *next, *before;
};

struct state {
    struct spare *spares[CLASSES];
    size_t        used; /* of the piece, from its front */
};

struct arena {
    char          *piece;
    struct state   now, then;
    char          *picture; /* then.used bytes; NULL: none */
    struct outside outsides;
    size_t         outside_bytes;
};

struct arena *arena_open(void) {
    struct arena *arena = mem_new(sizeof *arena);

    arena->piece = mem_pages(PIECE);
    arena->outsides.next = arena->outsides.before = &arena->outsides;
    return arena;
}

static void forget_outsides(struct arena *arena) {
    struct outside *at = arena->outsides.next;

    while (at != &arena->outsides) {
        struct outside *next = at->next;

        mem_free(at);
        at = next;
    }
    arena->outsides.next = arena->outsides.before = &arena->outsides;
    arena->outside_bytes = 0;
}

/* (AR2) */
void arena_close(struct arena *arena) {
    if (!arena)
        return;
    forget_outsides(arena);
    mem_pages_free(arena->piece, PIECE);
    mem_free(arena->picture);
    mem_free(arena);
}

/* --- blocks -------------------------------------------------------------- */

/* CLASSES: not one of the piece. */
static size_t class_of(size_t size) {
    size_t class = SMALLS, most = 2 * SMALL_MAX;

    if (size <= SMALL_MAX)
        return (size - 1) / GRAIN;
    for (; most < size && class < CLASSES; most *= 2)
        class ++;
    return class;
}

static size_t size_of(size_t class) {
    return class < SMALLS ? (class + 1) * GRAIN
                          : (size_t)2 * SMALL_MAX << (class - SMALLS);
}

static bool is_inside(const struct arena *arena, const void *block) {
    const char *at = block;

    return at >= arena->piece && at < arena->piece + PIECE;
}

static void *take_inside(struct arena *arena, size_t class) {
    struct spare *spare = arena->now.spares[class];
    size_t        size = size_of(class);

    if (spare) {
        arena->now.spares[class] = spare->next;
        return spare;
    }
    if (size > PIECE - arena->now.used)
        return NULL;
    arena->now.used += size;
    return arena->piece + arena->now.used - size;
}

static void *take_outside(struct arena *arena, size_t size) {
    struct outside *outside = mem_try_resize(NULL, sizeof *outside + size);

    if (!outside)
        return NULL;
    outside->next = arena->outsides.next;
    outside->before = &arena->outsides;
    outside->next->before = outside->before->next = outside;
    arena->outside_bytes += size;
    return outside + 1;
}

static void *take(struct arena *arena, size_t size) {
    size_t class = class_of(size);
    void *block = class < CLASSES ? take_inside(arena, class) : NULL;

    return block ? block : take_outside(arena, size);
}

static void give(struct arena *arena, void *block, size_t size) {
    struct outside *outside = (struct outside *)block - 1;
    struct spare   *spare = block;

    if (is_inside(arena, block)) {
        spare->next = arena->now.spares[class_of(size)];
        arena->now.spares[class_of(size)] = spare;
        return;
    }
    outside->next->before = outside->before;
    outside->before->next = outside->next;
    arena->outside_bytes -= size;
    mem_free(outside);
}

/* One that stays outside may grow where it is. */
static void *resize_outside(struct arena *arena, void *old, size_t old_size,
                            size_t size) {
    struct outside *outside = (struct outside *)old - 1;

    outside = mem_try_resize(outside, sizeof *outside + size);
    if (!outside)
        return NULL;
    outside->next->before = outside->before->next = outside;
    arena->outside_bytes += size - old_size;
    return outside + 1;
}

void *arena_resize(struct arena *arena, void *old, size_t old_size,
                   size_t size) {
    void *block;

    if (size == 0 || !old) {
        if (old)
            give(arena, old, old_size);
        return size ? take(arena, size) : NULL;
    }
    if (is_inside(arena, old) && class_of(old_size) == class_of(size))
        return old;
    if (!is_inside(arena, old) && class_of(size) == CLASSES)
        return resize_outside(arena, old, old_size, size);
    block = take(arena, size);
    assert(block || size > old_size); /* malloc has refused a small one */
    if (!block)
        return NULL;
    memcpy(block, old, size < old_size ? size : old_size);
    give(arena, old, old_size);
    return block;
}

/* --- the picture ----------------------------------------------------------- */

bool arena_keep(struct arena *arena) {
    assert(!arena->picture);
    if (arena->outsides.next != &arena->outsides)
        return false;
    arena->then = arena->now;
    arena->picture = mem_resize(NULL, arena->then.used);
    memcpy(arena->picture, arena->piece, arena->then.used);
    return true;
}

/* What lay behind the picture is not only free but gone. (AR1) */
void arena_restore(struct arena *arena) {
    forget_outsides(arena);
    memset(arena->piece + arena->then.used, 0,
           arena->now.used - arena->then.used);
    arena->now = arena->then;
    memcpy(arena->piece, arena->picture, arena->then.used);
}

bool arena_kept(const struct arena *arena) {
    return arena->picture != NULL;
}

size_t arena_bytes(const struct arena *arena) {
    return arena->now.used + arena->outside_bytes + arena->then.used;
}
