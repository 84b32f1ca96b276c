/* test_sanitizer.c - a leak on request, to prove that one would be found. */
#include <criterion/criterion.h>

#include "base/mem.h"

Test(sanitizer, leaks_only_when_it_is_asked_to) {
    if (getenv("NIGHTSHIFT_PLANT_LEAK")) {
        char *volatile lost = mem_text("lost", 4);

        lost = NULL;
        (void)lost;
    }
    cr_assert(true);
}
