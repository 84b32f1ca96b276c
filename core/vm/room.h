/* room.h - how much memory the VMs of all attempts hold together.
 *
 * Each VM has a limit of its own; this is about their sum. It is only counted
 * here: the turnstile (graph/turnstile.h) lets no attempt start while the sum
 * is above the limit. What already runs may still grow, each within its own
 * limit, so that the sum can pass the limit but no start adds to it then.
 *
 *   RO1  What is counted is what the VMs in attempts' hands use, at any moment.
 *
 * Lifetime: process. Thread: loop.
 */
#ifndef VM_ROOM_H
#define VM_ROOM_H

#include <stdbool.h>
#include <stddef.h>

struct room {
    size_t used, limit; /* bytes; limit 0: none */
    size_t vms;
    void (*left)(void *arg); /* an attempt has ended; or NULL */
    void *arg;
};

static inline bool room_is_full(const struct room *room) {
    return room->limit && room->used >= room->limit;
}

#endif
