/* watch_private.h - one look at all that is watched, for sys/watch*.c.
 *
 * Lifetime: call. Thread: any, one at a time.
 */
#ifndef SYS_WATCH_PRIVATE_H
#define SYS_WATCH_PRIVATE_H

#include "sys/watch.h"

/* A directory of which the kernel tells us. `names`: those that count, each
 * between two slashes; empty: all do. */
struct watch_place {
    int        number;
    struct buf names;
};

struct watch_look {
    const struct watch_paths *of;
    int                       fd; /* of inotify, or -1 */
    struct watch_place       *places;
    size_t                    count;
    int                       problem; /* an errno of inotify, or 0 */
    unsigned char             digest[DIGEST_SIZE];
};

/* Asks for notices of every directory before it reads it, so that what changes
 * after it was read is noticed. Fills all but `of` and `fd`. */
void watch_look_make(struct watch_look *look);
void watch_look_release(struct watch_look *look);

/* Is this name one that counts there? */
bool watch_place_counts(const struct watch_place *place, struct str name);

#endif
