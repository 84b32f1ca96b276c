/* test_findings.c - every code has one page, and a list has one order. */
#include <criterion/criterion.h>

#include "check/findings.h"

Test(findings, a_code_leads_to_its_page) {
    for (int i = 0; i < FINDING_COUNT; i++) {
        enum finding finding = (enum finding)i;

        cr_expect_eq(findings_find(findings_code(finding)), finding);
        cr_expect_gt(strlen(findings_meaning(finding)), 10);
        cr_expect_gt(strlen(findings_next(finding)), 10);
    }
    cr_expect_eq(findings_find("no_such_code"), FINDING_COUNT);
}

Test(findings, no_code_is_an_error_code_as_well) {
    for (int i = 0; i < FINDING_COUNT; i++)
        cr_expect_eq(err_find(findings_code((enum finding)i)), ERR_COUNT, "%s",
                     findings_code((enum finding)i));
}

static void expect_at(const struct json *list, size_t at, const char *file,
                      int line) {
    const struct json *finding = json_at(list, at);

    cr_expect(str_is(json_find_text(finding, "file"), file), "at %zu", at);
    cr_expect_eq(json_find_int(finding, "line", 0), line, "at %zu", at);
}

Test(findings, FN1_reads_in_the_order_of_file_and_line_without_repeats) {
    struct json *list = json_new_list();

    findings_add(list, FINDING_KEY_UNKNOWN, "nodes/b.lua", 9, "x");
    findings_add(list, FINDING_KEY_UNKNOWN, "nodes/b.lua", 10, "x");
    findings_add(list, FINDING_KEY_UNKNOWN, "nodes/a.lua", 30, "x");
    findings_add(list, FINDING_KEY_UNKNOWN, "nodes/b.lua", 9, "x");
    findings_add(list, FINDING_KEY_MISSING, "nodes/b.lua", 9, "x");
    list = findings_sort(list);
    cr_assert_eq(json_count(list), 4);
    expect_at(list, 0, "nodes/a.lua", 30);
    expect_at(list, 1, "nodes/b.lua", 9);
    cr_expect(str_is(json_find_text(json_at(list, 1), "code"), "key_missing"));
    expect_at(list, 2, "nodes/b.lua", 9);
    expect_at(list, 3, "nodes/b.lua", 10);
    json_release(list);
}
