/* test_aws_answer.c - every protocol's answers and errors. */
#include <criterion/criterion.h>

#include "protocol/aws_answer.h"
#include "support.h"

static struct err err;

static struct json *read_with(const char *row_text, const char *route_text,
                              int status, const char *body, bool empty_fits,
                              const char *header) {
    struct json       *row = support_json(row_text), *value;
    struct json       *route = route_text ? support_json(route_text) : NULL;
    struct http_answer http = {.fate = HTTP_ANSWERED, .status = status};
    struct str         text;

    buf_add_text(&http.body, body);
    if (header) {
        struct str name = str_cut(str_of(header), '=', &text);

        cr_assert(http_headers_add(&http.headers, name, text));
    }
    value = aws_answer_value(row, STR("GetIt"), route, &http, empty_fits, &err);
    http_answer_release(&http);
    json_release(row);
    json_release(route);
    return value;
}

static void gives(const char *row, const char *body, const char *json) {
    struct json *value = read_with(row, NULL, 200, body, false, NULL);

    cr_assert(value, "%s: %s", body, err.text);
    support_is(value, json);
    json_release(value);
}

static void fails(const char *row, const char *body) {
    struct json *value = read_with(row, NULL, 200, body, false, NULL);

    cr_expect_null(value, "%s", body);
    json_release(value);
}

#define QUERY "{'protocol': 'query', 'lists': {'Roles': 'member'}}"
#define EC2 "{'protocol': 'ec2', 'lists': {'set': 'item'}}"
#define S3 "{'protocol': 'rest-xml', 'lists': {'C': '', 'Bs': 'B'}}"
#define JSON "{'protocol': 'json-1.1'}"
#define REST "{'protocol': 'rest-json'}"
#define RESULT(xml) \
    "<GetItResponse><GetItResult>" xml "</GetItResult></GetItResponse>"

Test(aws_answer, AA2_a_named_list_is_one_with_no_one_and_many_items) {
    gives(QUERY, RESULT("<Roles/>"), "{'Roles': []}");
    gives(QUERY, RESULT("<Roles><member>a</member></Roles>"),
          "{'Roles': ['a']}");
    gives(QUERY, RESULT("<Roles><member><n>1</n></member><member/></Roles>"),
          "{'Roles': [{'n': '1'}, '']}");
    gives(S3, "<R><C>1</C><Bs/></R>", "{'C': ['1'], 'Bs': []}");
    gives(S3, "<R><C>1</C><C>2</C><C>3</C><Bs><B>x</B></Bs></R>",
          "{'C': ['1', '2', '3'], 'Bs': ['x']}");
}

Test(aws_answer, wrappers_repetitions_and_entries_need_no_hint) {
    gives(QUERY, RESULT("<L><member>a</member></L>"), "{'L': ['a']}");
    gives(EC2,
          "<GetItResponse><requestId>r</requestId><s><item>a</item></s>"
          "<set/></GetItResponse>",
          "{'s': ['a'], 'set': []}");
    gives(QUERY, RESULT("<a>1</a><a>2</a><a>3</a><b/>"),
          "{'a': ['1', '2', '3'], 'b': ''}");
    gives(QUERY, RESULT("<M><entry><key>k</key><value>v</value></entry></M>"),
          "{'M': {'k': 'v'}}");
    gives(QUERY, "<GetItResponse/>", "{}");
}

Test(aws_answer, AA1_AN2_what_is_cut_or_something_else_is_no_success) {
    fails(QUERY, "");
    fails(QUERY, "<GetItResponse><GetItResult><Roles>");
    fails(QUERY, "<html/>");
    fails(QUERY,
          "<ErrorResponse><Error><Code>X</Code></Error></ErrorResponse>");
    fails(QUERY, "<OtherResponse/>");
    fails(EC2, "<Response><Errors/></Response>");
    fails(S3, "");
    fails(S3, "<R><C>1</C>");
    fails(S3, "<Error><Code>InternalError</Code></Error>");
    fails(JSON, "");
    fails(JSON, "{\"a\":");
    fails(JSON, "[]");
    fails(JSON, "<html/>");
    fails(REST, "");
    fails(REST, "null");
    fails(QUERY, "<!DOCTYPE x><GetItResponse/>");
}

Test(aws_answer, an_empty_body_is_an_object_only_where_it_fits) {
    static const char *const rows[] = {S3, REST, JSON};

    for (size_t i = 0; i < 3; i++) {
        struct json *value = read_with(rows[i], NULL, 200, "", true, NULL);

        cr_assert(value);
        support_is(value, "{}");
        json_release(value);
    }
}

Test(aws_answer, a_raw_body_and_headers_get_the_rows_names) {
    static const char route[] =
        "{'method': 'GET', 'answer': {'body': 'Body', 'headers': "
        "{'ETag': 'ETag', 'Meta': 'x-amz-meta-*'}}}";
    struct json *value =
        read_with(S3, route, 200, "<not xml", false, "etag=\"1\"");

    cr_assert(value);
    support_is(value, "{'Body': '<not xml', 'ETag': '\\\"1\\\"', 'Meta': {}}");
    json_release(value);
    value = read_with(S3, route, 200, "\xff", false, "x-amz-meta-a=b");
    support_is(value, "{'Body': {'base64': '/w=='}, 'Meta': {'a': 'b'}}");
    json_release(value);
}

static void error_is(const char *body, const char *header, const char *code,
                     const char *message, const char *id) {
    struct http_answer      http = {.fate = HTTP_ANSWERED, .status = 400};
    struct aws_answer_error error;
    struct str              text;

    buf_add_text(&http.body, body);
    if (header) {
        struct str name = str_cut(str_of(header), '=', &text);

        cr_assert(http_headers_add(&http.headers, name, text));
    }
    aws_answer_error_read(&http, &error);
    cr_expect_str_eq(buf_text(&error.code), code);
    cr_expect_str_eq(buf_text(&error.message), message);
    cr_expect_str_eq(buf_text(&error.request_id), id);
    aws_answer_error_release(&error);
    http_answer_release(&http);
}

Test(aws_answer, errors_of_all_protocols_have_code_message_and_request) {
    error_is("{\"__type\":\"a.b#C\",\"message\":\"m\"}", "x-amzn-RequestId=r",
             "C", "m", "r");
    error_is("{\"Message\":\"m\"}", "x-amzn-errortype=C:http://x/", "C", "m",
             "");
    error_is("{\"code\":\"C\",\"message\":\"m\"}", NULL, "C", "m", "");
    error_is("<ErrorResponse><Error><Code>C</Code><Message>m</Message></Error>"
             "<RequestId>r</RequestId></ErrorResponse>",
             NULL, "C", "m", "r");
    error_is("<Response><Errors><Error><Code>C</Code><Message>m</Message>"
             "</Error></Errors><RequestID>r</RequestID></Response>",
             NULL, "C", "m", "r");
    error_is("<?xml version=\"1.0\"?><Error><Code>C</Code><Message>m"
             "</Message><RequestId>r</RequestId></Error>",
             NULL, "C", "m", "r");
    error_is("", "x-amz-request-id=r", "", "", "r");
    error_is("nothing to read", NULL, "", "", "");
}
