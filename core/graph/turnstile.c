/* turnstile.c - a ring of those who wait, and everybody waits for a turn of the
 * loop: how much a VM takes is only known when its attempt has started, so each
 * must have started before the next is let through. (TU1)
 */
#include "graph/turnstile.h"

#include <assert.h>

#include "base/mem.h"

struct waiter {
    loop_fn *fn;
    void    *arg;
};

struct turnstile {
    struct loop   *loop;
    struct room    room;
    struct waiter *waiters;
    size_t         first, count, cap;
    bool           turning, open;
};

static bool may_pass(const struct turnstile *turnstile) {
    return turnstile->open || turnstile->room.vms == 0 ||
           !room_is_full(&turnstile->room);
}

static void turn_later(struct turnstile *turnstile);

/* (TU2) */
static void turn(void *arg) {
    struct turnstile *turnstile = arg;
    size_t            most = turnstile->count;

    while (most-- > 0 && may_pass(turnstile)) {
        struct waiter waiter = turnstile->waiters[turnstile->first];

        turnstile->first = (turnstile->first + 1) % turnstile->cap;
        turnstile->count--;
        waiter.fn(waiter.arg);
    }
    turnstile->turning = false;
    turn_later(turnstile);
}

static void turn_later(struct turnstile *turnstile) {
    if (turnstile->turning || turnstile->count == 0 || !may_pass(turnstile))
        return;
    turnstile->turning = true;
    loop_defer(turnstile->loop, turn, turnstile);
}

static void one_left(void *arg) {
    turn_later(arg);
}

struct turnstile *turnstile_open(struct loop *loop) {
    struct turnstile *turnstile = mem_new(sizeof *turnstile);

    turnstile->loop = loop;
    turnstile->room.left = one_left;
    turnstile->room.arg = turnstile;
    return turnstile;
}

void turnstile_close(struct turnstile *turnstile) {
    if (!turnstile)
        return;
    assert(turnstile->count == 0 && !turnstile->turning);
    mem_free(turnstile->waiters);
    mem_free(turnstile);
}

struct room *turnstile_room(struct turnstile *turnstile) {
    return &turnstile->room;
}

void turnstile_limit(struct turnstile *turnstile, size_t bytes) {
    turnstile->room.limit = bytes;
    turn_later(turnstile);
}

static void grow(struct turnstile *turnstile) {
    size_t         cap = turnstile->cap ? 2 * turnstile->cap : 16;
    struct waiter *waiters = mem_new(cap * sizeof *waiters);

    for (size_t i = 0; i < turnstile->count; i++)
        waiters[i] =
            turnstile->waiters[(turnstile->first + i) % turnstile->cap];
    mem_free(turnstile->waiters);
    turnstile->waiters = waiters;
    turnstile->first = 0;
    turnstile->cap = cap;
}

void turnstile_pass(struct turnstile *turnstile, struct loop *loop, loop_fn *fn,
                    void *arg) {
    if (!turnstile) {
        loop_defer(loop, fn, arg);
        return;
    }
    if (turnstile->count == turnstile->cap)
        grow(turnstile);
    turnstile
        ->waiters[(turnstile->first + turnstile->count++) % turnstile->cap] =
        (struct waiter){fn, arg};
    turn_later(turnstile);
}

void turnstile_let_go(struct turnstile *turnstile) {
    turnstile->open = true;
    turn_later(turnstile);
}

size_t turnstile_waiting(const struct turnstile *turnstile) {
    return turnstile->count;
}
