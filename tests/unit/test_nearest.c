/* test_nearest.c - a suggestion is near, or there is none. */
#include <criterion/criterion.h>

#include "base/nearest.h"

static struct buf words;

static const char *nearest(const char *wrong, const char *a, const char *b) {
    struct nearest found = nearest_to(str_of(wrong));

    nearest_offer(&found, str_of(a));
    nearest_offer(&found, str_of(b));
    return nearest_words(&found, &words);
}

Test(nearest, suggests_the_name_with_the_fewest_edits) {
    cr_expect_str_eq(nearest("verifcation", "escalation", "verification"),
                     " (did you mean 'verification'?)");
    buf_release(&words);
}

Test(nearest, suggests_nothing_when_all_are_far) {
    cr_expect_str_eq(nearest("os", "table", "math"), "");
    cr_expect_str_eq(nearest("", "a", "b"), "");
    cr_expect_str_eq(nearest("limit", "", "completely_other"), "");
    buf_release(&words);
}

Test(nearest, NR1_does_not_depend_on_the_order_of_the_offers) {
    cr_expect_str_eq(nearest("fix1", "fix3", "fix2"),
                     " (did you mean 'fix2'?)");
    cr_expect_str_eq(nearest("fix1", "fix2", "fix3"),
                     " (did you mean 'fix2'?)");
    buf_release(&words);
}
