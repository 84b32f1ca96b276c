/* map.c - FNV-1a, and removal that moves the rest of the run of slots back, so
 * that no marks of removed ones are needed. (MP1)
 */
#include "base/map.h"

#include <assert.h>
#include <string.h>

#include "base/mem.h"

#define FIRST_ROOM 64

static size_t hash_of(struct str key) {
    uint64_t hash = 14695981039346656037u;

    for (size_t i = 0; i < key.len; i++)
        hash = (hash ^ (unsigned char)key.data[i]) * 1099511628211u;
    return (size_t)(hash ^ hash >> 32);
}

/* The slot that holds the key, or the empty one where it would stand. */
static size_t place_of(const struct map *map, struct str key) {
    size_t at = hash_of(key) & (map->room - 1);

    while (map->slots[at].key.data && !str_equal(map->slots[at].key, key))
        at = (at + 1) & (map->room - 1);
    return at;
}

void map_release(struct map *map) {
    mem_free(map->slots);
    memset(map, 0, sizeof *map);
}

void *map_find(const struct map *map, struct str key) {
    return map->room ? map->slots[place_of(map, key)].value : NULL;
}

static void grow(struct map *map) {
    struct map larger = {NULL, map->room ? 2 * map->room : FIRST_ROOM, 0};

    larger.slots = mem_new(larger.room * sizeof *larger.slots);
    for (size_t i = 0; i < map->room; i++)
        if (map->slots[i].key.data)
            map_put(&larger, map->slots[i].key, map->slots[i].value);
    mem_free(map->slots);
    *map = larger;
}

void map_put(struct map *map, struct str key, void *value) {
    size_t at;

    if (4 * (map->count + 1) > 3 * map->room)
        grow(map);
    at = place_of(map, key);
    assert(!map->slots[at].key.data && key.data && value);
    map->slots[at] = (struct map_slot){key, value};
    map->count++;
}

/* Does the slot at `from` belong at or before the hole, going round? */
static bool may_move(const struct map *map, size_t from, size_t hole) {
    size_t home = hash_of(map->slots[from].key) & (map->room - 1);

    return ((from - home) & (map->room - 1)) >=
           ((from - hole) & (map->room - 1));
}

void *map_take(struct map *map, struct str key) {
    size_t hole, at;
    void  *value;

    if (!map->room)
        return NULL;
    hole = place_of(map, key);
    value = map->slots[hole].value;
    if (!value)
        return NULL;
    at = hole;
    for (;;) {
        at = (at + 1) & (map->room - 1);
        if (!map->slots[at].key.data)
            break;
        if (!may_move(map, at, hole))
            continue;
        map->slots[hole] = map->slots[at];
        hole = at;
    }
    map->slots[hole] = (struct map_slot){{NULL, 0}, NULL};
    map->count--;
    return value;
}

void *map_next(const struct map *map, size_t *at) {
    while (*at < map->room) {
        struct map_slot *slot = &map->slots[(*at)++];

        if (slot->key.data)
            return slot->value;
    }
    return NULL;
}
