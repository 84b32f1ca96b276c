/* test_id.c - ids sort by time and carry their randomness. */
#include <criterion/criterion.h>

#include <string.h>

#include "base/id.h"

static const unsigned char zeroes[ID_RANDOM];

Test(id, is_a_prefix_and_a_ulid) {
    static const unsigned char ones[ID_RANDOM] = {255, 255, 255, 255, 255,
                                                  255, 255, 255, 255, 255};
    char                       id[ID_SIZE];

    id_make(id, "run_", 0, zeroes);
    cr_expect_str_eq(id, "run_00000000000000000000000000");
    /* The example of the ULID specification's time part. */
    id_make(id, "inc_", 1469918176385, zeroes);
    cr_expect_eq(strncmp(id, "inc_01ARYZ6S41", 14), 0, "%s", id);
    id_make(id, "", 281474976710655, ones);
    cr_expect_str_eq(id, "7ZZZZZZZZZZZZZZZZZZZZZZZZZ");
}

Test(id, sorts_by_the_time_it_was_made) {
    char earlier[ID_SIZE], later[ID_SIZE];

    for (int64_t ms = 1; ms < (int64_t)1 << 47; ms = ms * 3 + 1) {
        id_make(earlier, "run_", ms - 1, (const unsigned char *)"~~~~~~~~~~");
        id_make(later, "run_", ms, zeroes);
        cr_assert_lt(strcmp(earlier, later), 0, "%s %s", earlier, later);
    }
}

Test(id, tells_when_it_was_made) {
    char id[ID_SIZE];

    id_make(id, "dlv_", 1469918176385, (const unsigned char *)"~~~~~~~~~~");
    cr_expect_eq(id_time(str_of(id)), 1469918176385);
    cr_expect_eq(id_time(STR("dlv_1")), 0);
    cr_expect_eq(id_time(STR("01ARYZ6S4uXXXXXXXXXXXXXXXX")), 0);
}

Test(id, every_bit_of_the_randomness_shows) {
    char plain[ID_SIZE], other[ID_SIZE];

    id_make(plain, "run_", 1000, zeroes);
    for (int bit = 0; bit < ID_RANDOM * 8; bit++) {
        unsigned char random[ID_RANDOM] = {0};

        random[bit / 8] = (unsigned char)(1 << bit % 8);
        id_make(other, "run_", 1000, random);
        cr_expect_str_neq(plain, other, "bit %d", bit);
        cr_expect_eq(strncmp(plain, other, 14), 0);
    }
}
