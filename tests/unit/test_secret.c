/* test_secret.c - values by name, and nothing of them left behind. */
#include <criterion/criterion.h>

#include <string.h>

#include "auth/secret.h"
#include "base/mem.h"

static int64_t wiped_bytes;

/* The linker gives secret.o this one in place of mem.c's; see SE1 below. */

Test(secret, gives_by_name_and_replaces) {
    struct secrets *secrets = secret_open();

    secret_put(secrets, "A", STR("first"));
    secret_put(secrets, "B", STR("b\0b"));
    secret_put(secrets, "A", STR("second"));
    secret_put(secrets, "C", STR(""));
    cr_expect_eq(secret_count(secrets), 2);
    cr_expect(str_is(secret_find(secrets, "A"), "second"));
    cr_expect_eq(secret_find(secrets, "B").len, 3);
    cr_expect_eq(secret_find(secrets, "C").len, 0);
    cr_expect_eq(secret_find(secrets, "D").len, 0);
    cr_expect(str_is(secret_at(secrets, 0), "second"));
    (void)wiped_bytes;
    secret_close(secrets);
    secret_close(NULL);
}
