/* test_str.c - borrowed bytes. */
#include <criterion/criterion.h>

#include <ctype.h>

#include <string.h>

#include "base/str.h"

Test(str, compares_by_length_and_bytes) {
    cr_expect(str_equal(STR("a\0b"), STR("a\0b")));
    cr_expect_not(str_equal(STR("a\0b"), STR("a\0c")));
    cr_expect(str_equal((struct str){NULL, 0}, STR("")));
    cr_expect(str_is(STR("abc"), "abc"));
    cr_expect_not(str_is(STR("abc\0"), "abc"));
    cr_expect(str_starts(STR("abc"), "ab"));
    cr_expect_not(str_starts(STR("a"), "ab"));
    cr_expect(str_ends(STR("abc"), "bc"));
    cr_expect_not(str_ends(STR("c"), "bc"));
    cr_expect_lt(str_compare(STR("a"), STR("ab")), 0);
    cr_expect_gt(str_compare(STR("b"), STR("ab")), 0);
    cr_expect_gt(str_compare(STR("\xFF"), STR("a")), 0);
    cr_expect_eq(str_compare(STR("ab"), STR("ab")), 0);
    cr_expect_eq(str_of(NULL).len, 0);
}

Test(str, cut_tells_an_empty_rest_from_none) {
    struct str rest, head = str_cut(STR("a/b/c"), '/', &rest);

    cr_expect(str_is(head, "a"));
    cr_expect(str_is(rest, "b/c"));
    head = str_cut(STR("a/"), '/', &rest);
    cr_expect(str_is(head, "a"));
    cr_expect(rest.data != NULL && rest.len == 0);
    head = str_cut(STR("a"), '/', &rest);
    cr_expect(str_is(head, "a"));
    cr_expect_null(rest.data);
    head = str_cut((struct str){NULL, 0}, '/', &rest);
    cr_expect_eq(head.len, 0);
    cr_expect_null(rest.data);
}

Test(str, trims_white_space_at_both_ends) {
    cr_expect(str_is(str_trim(STR(" \t\na b\r\n ")), "a b"));
    cr_expect_eq(str_trim(STR("  \n ")).len, 0);
}

static void reads(const char *text, int64_t wanted) {
    int64_t got = 42;

    cr_expect(str_to_int(str_of(text), &got), "%s", text);
    cr_expect_eq(got, wanted, "%s is %lld", text, (long long)got);
}

static void refuses(const char *text) {
    int64_t got = 42;

    cr_expect_not(str_to_int(str_of(text), &got), "%s", text);
    cr_expect_eq(got, 42, "%s changed the number", text);
}

Test(str, reads_whole_decimals_up_to_the_last_64_bit_number) {
    reads("0", 0);
    reads("-0", 0);
    reads("007", 7);
    reads("9223372036854775807", INT64_MAX);
    reads("-9223372036854775808", INT64_MIN);
    refuses("9223372036854775808");
    refuses("-9223372036854775809");
    refuses("99999999999999999999999");
    refuses("");
    refuses("-");
    refuses("+1");
    refuses("1 ");
    refuses("0x1");
}

Test(str, distance_counts_edits_and_caps_long_texts) {
    char long_text[300];

    memset(long_text, 'x', sizeof long_text);
    cr_expect_eq(str_distance(STR("restart"), STR("restart")), 0);
    cr_expect_eq(str_distance(STR("restart"), STR("restrat")), 2);
    cr_expect_eq(str_distance(STR("kitten"), STR("sitting")), 3);
    cr_expect_eq(str_distance(STR(""), STR("abc")), 3);
    cr_expect_eq(str_distance(STR("abc"), STR("")), 3);
    cr_expect_eq(str_distance((struct str){long_text, 300}, STR("")), 64);
}

Test(str, is_in_a_list_or_not) {
    static const char *const list[] = {"Get", "List", "", NULL};

    cr_expect(str_in(STR("List"), list));
    cr_expect_not(str_in(STR("Li"), list));
    cr_expect_not(str_in(STR("Lists"), list));
    cr_expect_not(str_in(STR(""), list));
}

Test(str, is_made_of_what_is_allowed) {
    cr_expect(str_made_of(STR("a-1"), isalnum, "-"));
    cr_expect_not(str_made_of(STR("a_1"), isalnum, "-"));
    cr_expect_not(str_made_of(STR(""), isalnum, "-"));
    cr_expect_not(str_made_of(STR("a\0b"), isalnum, "-"));
    cr_expect_not(str_made_of(STR("\xC3\xA9"), isalnum, ""));
}
