/* test_err.c - sentences that read outermost first, and one list of codes. */
#include <criterion/criterion.h>

#include <string.h>

#include "base/err.h"

static struct err err;

Test(err, set_and_wrap_are_the_refusal_that_they_read_as) {
    cr_expect_not(err_set(&err, ERR_IO, "disk %d is full", 3));
    cr_expect_not(err_wrap(&err, "journal %s", "run_1"));
    cr_expect_not(err_wrap(&err, "run"));
    cr_expect_eq(err.code, ERR_IO);
    cr_expect_eq(err.status, 0);
    cr_expect_str_eq(err.text, "run: journal run_1: disk 3 is full");
}

Test(err, a_long_sentence_is_cut_and_never_overruns) {
    char much[2 * sizeof err.text];

    memset(much, 'x', sizeof much);
    much[sizeof much - 1] = '\0';
    err_set(&err, ERR_IO, "%s", much);
    cr_expect_eq(strlen(err.text), sizeof err.text - 1);
    err_wrap(&err, "outer");
    cr_expect_eq(strlen(err.text), sizeof err.text - 1);
    cr_expect_eq(strncmp(err.text, "outer: xxx", 10), 0);
    err_wrap(&err, "%s", much);
    cr_expect_eq(strlen(err.text), sizeof err.text - 1);
}

Test(err, a_new_sentence_forgets_the_status_of_the_old) {
    err.status = 500;
    err_set(&err, ERR_IO, "no");
    cr_expect_eq(err.status, 0);
}

Test(err, every_code_has_a_name_of_its_own_a_meaning_and_a_next_step) {
    for (int code = 0; code < ERR_COUNT; code++) {
        const char *name = err_name((enum err_code)code);

        cr_expect_eq(err_find(name), (enum err_code)code, "%s", name);
        cr_expect_gt(strlen(err_meaning((enum err_code)code)), 10, "%s", name);
        cr_expect_gt(strlen(err_next((enum err_code)code)), 10, "%s", name);
    }
    cr_expect_eq(err_find("nonsense"), ERR_COUNT);
    cr_expect_eq(err_find(""), ERR_COUNT);
}
