/* turnstile.h - an attempt starts when the VMs together have room for it.
 *
 * Starts pass in the order in which they came. While all VMs together hold as
 * much as they may, they wait; whenever an attempt ends, as many pass as there
 * is room for. With no VM at all one may always pass, so nobody waits for
 * nothing.
 *
 *   TU1  No attempt starts while the VMs hold more than their limit.
 *   TU2  Who came first starts first; a waiting one starts once there is room.
 *
 * Lifetime: process. Thread: loop.
 */
#ifndef GRAPH_TURNSTILE_H
#define GRAPH_TURNSTILE_H

#include "sys/loop.h"
#include "vm/room.h"

struct turnstile;

struct turnstile *turnstile_open(struct loop *loop); /* borrows */
/* Nobody may wait any more. NULL is fine. */
void              turnstile_close(struct turnstile *turnstile);
/* What bundles count their VMs in, see bundle_use_room(). */
struct room      *turnstile_room(struct turnstile *turnstile);
void              turnstile_limit(struct turnstile *turnstile, size_t bytes);

/* Calls fn once, later, on the loop. Without a turnstile: on its next turn. */
void turnstile_pass(struct turnstile *turnstile, struct loop *loop, loop_fn *fn,
                    void *arg);
/* From now on everybody passes: each will find out that it is to stop. */
void turnstile_let_go(struct turnstile *turnstile);
size_t turnstile_waiting(const struct turnstile *turnstile);

#endif
