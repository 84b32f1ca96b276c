/* map.h - from a text to a pointer, for thousands of things known by id.
 *
 * Open addressing with linear probing; the keys' bytes belong to what they
 * lead to and must stay while it is in the map. At most three quarters full,
 * and grown by doubling, so a find looks at two or three places.
 *
 *   MP1  What was put is found until it is taken out, whatever else came and
 *        went.
 *
 * Lifetime: process. Thread: any, one at a time.
 */
#ifndef BASE_MAP_H
#define BASE_MAP_H

#include "base/str.h"

struct map_slot {
    struct str key; /* data NULL: empty */
    void      *value;
};

struct map {
    struct map_slot *slots;
    size_t           room, count; /* room is a power of two, or 0 */
};

void  map_release(struct map *map); /* not what it leads to */
void *map_find(const struct map *map, struct str key); /* or NULL */
/* The key must not be there. */
void  map_put(struct map *map, struct str key, void *value);
void *map_take(struct map *map, struct str key); /* or NULL */
/* Each once, in no order: *at starts as 0; NULL at the end. Nothing may be put
 * or taken meanwhile. */
void *map_next(const struct map *map, size_t *at);

#endif
