/* test_arena.c - blocks that keep their bytes, and a picture that comes back.
 */
#include <criterion/criterion.h>

#include <stdint.h>
#include <string.h>

#include "vm/arena.h"

enum { BLOCKS = 400 };

struct block {
    unsigned char *at;
    size_t         size;
    unsigned char  fill;
};

static unsigned seed = 1;

static unsigned chance(unsigned most) {
    seed = seed * 1664525u + 1013904223u;
    return (seed >> 8) % most;
}

static size_t some_size(void) {
    switch (chance(8)) {
    case 0: return 1 + chance(40000);
    case 1: return 1 + chance(4000);
    default: return 1 + chance(200);
    }
}

static void check_block(const struct block *block) {
    for (size_t i = 0; i < block->size; i++)
        cr_assert_eq(block->at[i], block->fill);
}

static void fill_block(struct block *block, unsigned char fill) {
    block->fill = fill;
    if (block->at)
        memset(block->at, fill, block->size);
}

/* Takes, grows, shrinks or frees one; what it held moves with it. */
static void touch(struct arena *arena, struct block *block) {
    size_t size = chance(3) ? some_size() : 0;
    size_t kept = size < block->size ? size : block->size;

    check_block(block);
    block->at = arena_resize(arena, block->at, block->size, size);
    cr_assert_eq(block->at == NULL, size == 0);
    cr_assert_eq((uintptr_t)block->at % 16, 0);
    block->size = kept;
    check_block(block);
    block->size = size;
    fill_block(block, (unsigned char)chance(256));
}

static void churn(struct arena *arena, struct block *blocks, int times) {
    while (times-- > 0)
        touch(arena, &blocks[chance(BLOCKS)]);
    for (int i = 0; i < BLOCKS; i++)
        check_block(&blocks[i]);
}

Test(arena, blocks_keep_their_bytes_over_any_order_of_calls) {
    static struct block blocks[BLOCKS];
    struct arena       *arena = arena_open();

    churn(arena, blocks, 100000);
    arena_close(arena);
}

Test(arena, AR1_AR2_a_picture_comes_back_byte_for_byte) {
    static struct block blocks[BLOCKS], later[BLOCKS], again[BLOCKS];
    struct arena       *arena = arena_open();
    size_t              bytes;

    for (int i = 0; i < 100; i++) {
        blocks[i].size = 1 + chance(700);
        blocks[i].at = arena_resize(arena, NULL, 0, blocks[i].size);
        fill_block(&blocks[i], (unsigned char)i);
    }
    cr_assert(arena_keep(arena));
    bytes = arena_bytes(arena);
    for (int round = 0; round < 3; round++) {
        memset(later, 0, sizeof later);
        churn(arena, later, 3000);
        memcpy(again, blocks, sizeof again);
        for (int i = 0; i < 100; i += 2) {
            fill_block(&again[i], 0xff);
            (void)arena_resize(arena, again[i].at, again[i].size, 0);
        }
        cr_assert_gt(arena_bytes(arena), bytes);
        arena_restore(arena);
        cr_assert_eq(arena_bytes(arena), bytes);
        for (int i = 0; i < BLOCKS; i++)
            check_block(&blocks[i]);
    }
    arena_close(arena);
}

Test(arena, AR1_what_came_after_the_picture_is_nowhere_in_it) {
    struct arena  *arena = arena_open();
    unsigned char *first, *secret;

    first = arena_resize(arena, NULL, 0, 64);
    cr_assert(arena_keep(arena));
    secret = arena_resize(arena, NULL, 0, 64);
    memset(secret, 'S', 64);
    arena_restore(arena);
    cr_assert_eq(arena_resize(arena, NULL, 0, 64), secret);
    for (int i = 0; i < 64; i++)
        cr_assert_eq(secret[i], 0);
    (void)first;
    arena_close(arena);
}

Test(arena, one_that_is_not_all_in_its_piece_has_no_picture) {
    struct arena *arena = arena_open();

    (void)arena_resize(arena, NULL, 0, 100000);
    cr_assert_not(arena_keep(arena));
    cr_assert_not(arena_kept(arena));
    arena_close(arena);
}
