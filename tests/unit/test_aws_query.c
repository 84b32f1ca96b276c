/* test_aws_query.c - arguments as a form. */
#include <criterion/criterion.h>

#include "protocol/aws_query.h"
#include "support.h"

#define QUERY                                                               \
    "{'protocol': 'query', 'version': '1', 'times': ['At'], 'items': "      \
    "{'Odd': 'Thing'}, 'maps': {'Map': ['key', 'value']}, 'names': {'As': " \
    "'Bs'}}"
#define EC2 "{'protocol': 'ec2', 'version': '1', 'names': {'Ids': 'Id'}}"

static struct err err;

static void form_is(const char *row_text, const char *args_text,
                    const char *form) {
    struct json *row = support_json(row_text), *args = support_json(args_text);
    struct buf   out = BUF_EMPTY;

    cr_assert(aws_query_write(row, STR("DoIt"), args, &out, &err), "%s",
              err.text);
    cr_expect(str_starts(buf_str(&out), "Action=DoIt&Version=1"));
    cr_expect_str_eq(buf_text(&out) + strlen("Action=DoIt&Version=1"), form);
    buf_release(&out);
    json_release(row);
    json_release(args);
}

Test(aws_query, lists_maps_and_structures_have_dotted_names) {
    form_is(QUERY, "{'a': {'b': [1, true]}}",
            "&a.b.member.1=1&a.b.member.2=true");
    form_is(QUERY, "{'Odd': [{'x': 'y'}]}", "&Odd.Thing.1.x=y");
    form_is(QUERY, "{'Map': {'k': 'v'}}",
            "&Map.entry.1.key=k&Map.entry.1.value=v");
    form_is(QUERY, "{'As': 1, 'n': null}", "&Bs=1");
    form_is(EC2, "{'Ids': ['a', 'b'], 'filter': {'values': ['x']}}",
            "&Id.1=a&Id.2=b&Filter.Values.1=x");
}

Test(aws_query, AQ2_an_empty_list_is_not_an_empty_object) {
    form_is(QUERY, "{'l': []}", "&l=");
    form_is(QUERY, "{'o': {}}", "");
    form_is(QUERY, "{'Map': {}}", "");
    form_is(EC2, "{'l': []}", "");
    form_is(EC2, "{'o': {}}", "");
}

Test(aws_query, moments_are_iso_8601_where_the_row_says_so) {
    form_is(QUERY, "{'At': 1767225600, 'n': 1767225600}",
            "&At=2026-01-01T00%3A00%3A00Z&n=1767225600");
    form_is(QUERY, "{'At': '2026-01-01T00:00:00Z'}",
            "&At=2026-01-01T00%3A00%3A00Z");
}

Test(aws_query, AQ1_no_argument_chooses_the_operation) {
    static const char *const args[] = {
        "{'Action': 'GetSessionToken'}", "{'action': 'x'}", "{'Version': '2'}",
        "{'': {'Action': 'x'}}", "{'X-Amz-Security-Token': 't'}"};

    for (size_t i = 0; i < sizeof args / sizeof *args; i++) {
        struct json *row = support_json(QUERY), *given = support_json(args[i]);
        struct buf   out = BUF_EMPTY;

        cr_expect_not(aws_query_write(row, STR("DoIt"), given, &out, &err),
                      "%s", args[i]);
        buf_release(&out);
        json_release(row);
        json_release(given);
    }
}

Test(aws_query, AQ1_no_argument_adds_a_parameter) {
    form_is(QUERY, "{'a&Action=x': 'b&c=d\\r\\n'}",
            "&a%26Action%3Dx=b%26c%3Dd%0D%0A");
}
