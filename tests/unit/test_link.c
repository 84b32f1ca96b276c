/* test_link.c - the next page, and what may not be taken for it. */
#include <criterion/criterion.h>

#include "protocol/link.h"
#include "support.h"

#define PAGE "https://api.test/repos/o/r/issues?page=1"

static struct err err;

static struct str next_of(const char *header) {
    struct str next;

    cr_assert(link_next(str_of(header), &next, &err), "%s", header);
    return next;
}

Test(link, finds_the_next_among_others) {
    cr_expect(str_is(next_of("<https://a/?p=1>; rel=\"prev\", "
                             "<https://a/?p=3>; rel=\"next\", "
                             "<https://a/?p=9>; rel=\"last\""),
                     "https://a/?p=3"));
    cr_expect(str_is(next_of("<https://a/?q=a,b;c>;title=\"x, <y>\";REL=NEXT"),
                     "https://a/?q=a,b;c"));
    cr_expect(str_is(next_of("<x>; rel=\"last next\""), "x"));
    cr_expect_eq(next_of("<x>; rel=\"nextish\"").len, 0);
    cr_expect_eq(next_of("").len, 0);
}

Test(link, a_header_that_cannot_be_read_is_an_error) {
    static const char *const bad[] = {"x", "<x", "<x>; rel=\"next",
                                      "<x>; rel=next <y>",
                                      "<x>; rel=next, <y>; rel=next"};
    struct str               next;

    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
        cr_expect_not(link_next(str_of(bad[i]), &next, &err), "%s", bad[i]);
}

static void gives(const char *next, const char *url, const char *args) {
    struct json *made = link_arguments(str_of(next), str_of(url), &err);

    cr_assert(made, "%s: %s", next, err.text);
    support_is(made, args);
    json_release(made);
}

static void elsewhere(const char *next, const char *url) {
    cr_expect_null(link_arguments(str_of(next), str_of(url), &err), "%s", next);
    cr_expect_eq(err.code, ERR_REMOTE);
}

Test(link, gives_the_query_as_arguments) {
    gives("https://api.test/repos/o/r/issues?page=2&q=a%20b", PAGE,
          "{'page': '2', 'q': 'a b'}");
    gives("https://API.test/repositories/42/issues?page=2", PAGE,
          "{'page': '2'}");
    gives("https://h/api/v3/repositories/42/issues?page=2",
          "https://h/api/v3/repos/o/r/issues", "{'page': '2'}");
    gives("https://a/organizations/7/repos?page=2", "https://a/orgs/x/repos",
          "{'page': '2'}");
}

Test(link, LK1_a_link_that_leads_elsewhere_is_an_error) {
    elsewhere("https://evil.test/repos/o/r/issues?page=2", PAGE);
    elsewhere("http://api.test/repos/o/r/issues?page=2", PAGE);
    elsewhere("https://api.test:8443/repos/o/r/issues?page=2", PAGE);
    elsewhere("https://api.test/repos/o/other/issues?page=2", PAGE);
    elsewhere("https://api.test/repositories/42/pulls?page=2", PAGE);
    elsewhere("https://api.test/repositories/x/issues?page=2", PAGE);
    elsewhere("https://api.test/organizations/42/issues?page=2", PAGE);
    elsewhere("/repos/o/r/issues?page=2", PAGE);
    elsewhere("https://api.test/repos/o/r/issues?page=%zz", PAGE);
    elsewhere("https://api.test/repos/o/r/issues?page=2&page=3", PAGE);
    elsewhere("https://api.test/repos/o/r/issues?page=%00", PAGE);
    elsewhere("https://api.test/repos/o/r/issues?page=%ff", PAGE);
}
