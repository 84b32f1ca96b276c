/* test_aws_rest.c - each argument in its place, and in no other. */
#include <criterion/criterion.h>

#include "protocol/aws_rest.h"
#include "support.h"

#define JSON_ROW "{'protocol': 'rest-json', 'signing': 'x'}"
#define S3_ROW "{'protocol': 'rest-xml', 'signing': 's3'}"
#define PUT                                                            \
    "{'method': 'PUT', 'uri': '/{Bucket}/{Key+}', 'payload': 'Body', " \
    "'headers': {'Type': 'Content-Type', 'Meta': 'x-amz-meta-*'}, "    \
    "'query': {'Part': 'partNumber'}}"

static struct err      err;
static struct aws_rest rest;

static bool write_with(const char *row_text, const char *operation_text,
                       const char *args_text, bool host) {
    struct json *row = support_json(row_text),
                *operation = support_json(operation_text),
                *args = support_json(args_text);
    bool ok;

    aws_rest_release(&rest);
    rest = (struct aws_rest){0};
    ok = aws_rest_write(row, operation, args, host, &rest, &err);
    json_release(row);
    json_release(operation);
    json_release(args);
    return ok;
}

static void target_is(const char *operation, const char *args,
                      const char *target) {
    cr_assert(write_with(S3_ROW, operation, args, false), "%s", err.text);
    cr_expect_str_eq(buf_text(&rest.target), target);
}

static void header_is(const char *name, const char *value) {
    cr_expect(str_is(http_headers_find(&rest.headers, name), value), "%s",
              name);
}

Test(aws_rest, a_key_keeps_its_slashes_and_nothing_else) {
    target_is(PUT, "{'Bucket': 'b', 'Key': 'a b/ü+%2F//x', 'Part': 2}",
              "/b/a%20b/%C3%BC%2B%252F//x?partNumber=2");
    target_is(PUT, "{'Bucket': 'b/c', 'Key': '/k'}", "/b%2Fc//k");
    target_is("{'method': 'GET', 'uri': '/{B}?list=2', 'query': {'p': 'q'}}",
              "{'B': 'b', 'p': ['a&b', 'c']}", "/b?list=2&q=a%26b&q=c");
}

Test(aws_rest, the_bucket_is_a_host_where_it_is_one_label) {
    struct json *row = support_json(S3_ROW), *operation = support_json(PUT);
    static const struct {
        const char *args;
        bool        host;
    } cases[] = {{"{'Bucket': 'bucket-1'}", true},
                 {"{'Bucket': 'my.bucket'}", false},
                 {"{'Bucket': 'Bucket'}", false},
                 {"{'Bucket': 'b_c'}", false},
                 {"{'Bucket': 'ab'}", false},
                 {"{'Bucket': 'evil.com/'}", false},
                 {"{}", false}};

    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct json *args = support_json(cases[i].args);

        cr_expect_eq(aws_rest_bucket_is_host(row, operation, args),
                     cases[i].host, "%s", cases[i].args);
        json_release(args);
    }
    cr_assert(write_with(S3_ROW, PUT, "{'Bucket': 'bbb', 'Key': 'k'}", true));
    cr_expect_str_eq(buf_text(&rest.target), "/k");
    json_release(row);
    json_release(operation);
}

Test(aws_rest, AR1_no_argument_leaves_its_place) {
    static const char *const args[] = {
        "{'Bucket': 'b', 'Key': '..'}",
        "{'Bucket': 'b', 'Key': 'a/../b'}",
        "{'Bucket': 'b', 'Key': './a'}",
        "{'Bucket': 'b', 'Key': ''}",
        "{'Bucket': '..', 'Key': 'k'}",
        "{'Bucket': '', 'Key': 'k'}",
        "{'Bucket': 'b'}",
        "{'Bucket': ['b'], 'Key': 'k'}",
        "{'Bucket': null, 'Key': 'k'}",
        "{'Bucket': 'b', 'Key': 'a/..'}",
    };

    for (size_t i = 0; i < sizeof args / sizeof *args; i++)
        cr_expect_not(write_with(S3_ROW, PUT, args[i], false), "%s", args[i]);
}

Test(aws_rest, AR2_no_argument_sets_another_header) {
    static const char *const args[] = {
        "{'Bucket': 'b', 'Key': 'k', 'Type': 'a\\r\\nX-Evil: 1'}",
        "{'Bucket': 'b', 'Key': 'k', 'Meta': {'a\\r\\nb': '1'}}",
        "{'Bucket': 'b', 'Key': 'k', 'Meta': {'a: b': '1'}}",
        "{'Bucket': 'b', 'Key': 'k', 'Meta': {'': '1'}}",
        "{'Bucket': 'b', 'Key': 'k', 'Type': {'a': 1}}"};

    for (size_t i = 0; i < sizeof args / sizeof *args; i++)
        cr_expect_not(write_with(S3_ROW, PUT, args[i], false), "%s", args[i]);
    cr_expect_not(write_with(S3_ROW,
                             "{'method': 'GET', 'uri': '/', 'headers': "
                             "{'M': 'x-amz-*'}}",
                             "{'M': {'target': 'x'}}", false));
    cr_assert(write_with(S3_ROW, PUT,
                         "{'Bucket': 'b', 'Key': 'k', 'Type': 'text/plain', "
                         "'Meta': {'a': '1'}}",
                         false));
    header_is("content-type", "text/plain");
    header_is("x-amz-meta-a", "1");
}

Test(aws_rest, AR3_an_argument_without_a_place_is_refused) {
    cr_expect_not(write_with(S3_ROW, PUT,
                             "{'Bucket': 'b', 'Key': 'k', 'Prt': 1}", false));
    cr_expect(support_has(err.text, "did you mean 'Part'?"), "%s", err.text);
    cr_expect_not(write_with(JSON_ROW, "{'method': 'GET', 'uri': '/'}",
                             "{'more': 1}", false));
}

Test(aws_rest, what_is_left_is_the_json_body) {
    cr_assert(write_with(JSON_ROW,
                         "{'method': 'POST', 'uri': '/{Id}', 'query': "
                         "{'q': 'q'}}",
                         "{'Id': 'i', 'q': 1, 'a': [], 'b': {}}", false));
    cr_expect_str_eq(buf_text(&rest.body), "{\"a\":[],\"b\":{}}");
    header_is("content-type", "application/json");
    cr_assert(
        write_with(JSON_ROW, "{'method': 'DELETE', 'uri': '/'}", "{}", false));
    cr_expect_not(rest.has_body);
}

Test(aws_rest, a_payload_is_text_bytes_or_json) {
    cr_assert(write_with(S3_ROW, PUT,
                         "{'Bucket': 'b', 'Key': 'k', 'Body': "
                         "{'base64': 'AAH/'}}",
                         false));
    cr_expect_eq(rest.body.len, 3);
    cr_expect_eq((unsigned char)rest.body.data[2], 0xff);
    cr_expect_not(write_with(S3_ROW, PUT,
                             "{'Bucket': 'b', 'Key': 'k', 'Body': "
                             "{'base64': '?'}}",
                             false));
    cr_assert(write_with(JSON_ROW,
                         "{'method': 'POST', 'uri': '/', 'payload': 'P'}",
                         "{'P': {'a': []}}", false));
    cr_expect_str_eq(buf_text(&rest.body), "{\"a\":[]}");
}
