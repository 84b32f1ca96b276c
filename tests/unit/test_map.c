/* test_map.c - what was put is found until it is taken out. */
#include <criterion/criterion.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/map.h"

#define KEYS 3000

static char names[KEYS][12];
static bool there[KEYS];

static struct str name(int at) {
    (void)snprintf(names[at], sizeof names[at], "key-%d", at);
    return str_of(names[at]);
}

static void look_at_all(const struct map *map) {
    size_t count = 0, at = 0, walked = 0;

    for (int i = 0; i < KEYS; i++) {
        count += there[i];
        cr_assert_eq(map_find(map, name(i)), there[i] ? &there[i] : NULL,
                     "key %d", i);
    }
    while (map_next(map, &at))
        walked++;
    cr_assert_eq(walked, count);
    cr_assert_eq(map->count, count);
}

Test(map, MP1_finds_what_was_put_through_any_coming_and_going) {
    struct map map = {NULL, 0, 0};

    srand(7);
    cr_expect_null(map_find(&map, STR("nothing")));
    cr_expect_null(map_take(&map, STR("nothing")));
    for (int round = 0; round < 20000; round++) {
        int i = rand() % KEYS;

        if (there[i])
            cr_assert_eq(map_take(&map, name(i)), &there[i]);
        else
            map_put(&map, name(i), &there[i]);
        there[i] = !there[i];
        if (round % 2500 == 0)
            look_at_all(&map);
    }
    look_at_all(&map);
    map_release(&map);
}
