/* test_route.c - arguments in a path stay in their place. */
#include <criterion/criterion.h>

#include "protocol/route.h"
#include "support.h"

static struct err err;

/* The URL that a route and arguments make, with what is left as the query. */
static bool fills(const char *route, const char *args, const char *expected) {
    struct json *left = support_json(args);
    struct buf   url = BUF_EMPTY;
    bool         ok = route_fill(str_of(route), left, &url, &err);

    if (ok)
        route_add_query(left, &url);
    cr_expect(!ok || strcmp(buf_text(&url), expected) == 0, "%s",
              buf_text(&url));
    json_release(left);
    buf_release(&url);
    return ok;
}

Test(route, puts_named_arguments_into_the_path_and_the_rest_into_the_query) {
    cr_expect(fills("/repos/{owner}/{repo}/commits",
                    "{'owner': 'a b', 'repo': 'c', 'per_page': 5, "
                    "'since': '2026-01-01T00:00:00Z'}",
                    "/repos/a%20b/c/commits?per_page=5&since=2026-01-01T00%3A"
                    "00%3A00Z"));
    cr_expect(fills("/plain", "{}", "/plain"));
    cr_expect(fills("/{id}", "{'id': 12345}", "/12345"));
}

Test(route, a_list_gives_its_name_once_for_each_item) {
    cr_expect(fills("/x", "{'label': ['a', 'b&c']}", "/x?label=a&label=b%26c"));
    cr_expect(fills("/x", "{'label': []}", "/x"));
}

Test(route, RO1_an_argument_stays_in_its_segment) {
    cr_expect(fills("/{a}/x", "{'a': 'b/../../c?d#e'}",
                    "/b%2F..%2F..%2Fc%3Fd%23e/x"));
    cr_expect(fills("/git/ref/{ref}", "{'ref': 'heads/a b'}",
                    "/git/ref/heads/a%20b"));
    cr_expect_not(fills("/{a}/x", "{'a': '..'}", ""));
    cr_expect_not(fills("/{a}/x", "{'a': '.'}", ""));
    cr_expect_not(fills("/{a}/x", "{'a': ''}", ""));
    cr_expect_not(fills("/{ref}", "{'ref': 'heads/../x'}", ""));
    cr_expect_not(fills("/{ref}", "{'ref': 'heads//x'}", ""));
    cr_expect_eq(err.code, ERR_INVALID);
    cr_expect_not(fills("/{a}", "{'b': 'x'}", ""));
    cr_expect(support_has(err.text, "needs the argument a"), "%s", err.text);
}
