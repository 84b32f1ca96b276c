/* fuzz_aws.c - any bytes as an answer of AWS, and as the arguments of a call.
 *
 * An answer is read or refused; what is read can be written as JSON. Arguments
 * become a request that has exactly one Action, a path that does not climb,
 * and nothing that ends a line.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "protocol/aws_answer.h"
#include "protocol/aws_query.h"
#include "protocol/aws_rest.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const struct json_caps caps = {1u << 20, 64};

static struct json *rows[4], *route;

static struct json *parse(const char *text) {
    struct err err;

    return json_parse(str_of(text), &caps, &err);
}

static void make_rows(void) {
    rows[0] = parse("{\"protocol\":\"query\",\"version\":\"1\",\"lists\":"
                    "{\"Roles\":\"member\"},\"maps\":{\"Map\":[\"key\","
                    "\"value\"]},\"times\":[\"At\"]}");
    rows[1] = parse("{\"protocol\":\"ec2\",\"version\":\"1\"}");
    rows[2] = parse("{\"protocol\":\"rest-xml\",\"signing\":\"s3\",\"lists\":"
                    "{\"Contents\":\"\",\"Bs\":\"B\"}}");
    rows[3] = parse("{\"protocol\":\"rest-json\"}");
    route = parse("{\"method\":\"PUT\",\"uri\":\"/{Bucket}/{Key+}\","
                  "\"payload\":\"Body\",\"query\":{\"q\":\"q\"},\"headers\":"
                  "{\"H\":\"X-H\",\"Meta\":\"x-amz-meta-*\"}}");
}

static void must(bool good, const char *what, struct str text) {
    if (good)
        return;
    (void)fprintf(stderr, "%s: %.*s\n", what, STR_ARG(text));
    abort();
}

static void read_answer(const struct json *row, struct str bytes) {
    struct http_answer      http = {.fate = HTTP_ANSWERED, .status = 200};
    struct aws_answer_error error;
    struct buf              text = BUF_EMPTY;
    struct json            *value;
    struct err              err;

    buf_add_str(&http.body, bytes);
    value = aws_answer_value(row, STR("ListRoles"), NULL, &http, false, &err);
    if (value)
        json_write(value, &text);
    json_release(value);
    aws_answer_error_read(&http, &error);
    aws_answer_error_release(&error);
    http_answer_release(&http);
    buf_release(&text);
}

static bool is_plain(struct str text) {
    for (size_t i = 0; i < text.len; i++)
        if (text.data[i] <= ' ' || text.data[i] > '~')
            return false;
    return true;
}

static void write_query(const struct json *row, const struct json *args) {
    struct buf out = BUF_EMPTY;
    struct err err;

    if (aws_query_write(row, STR("ListRoles"), args, &out, &err))
        must(is_plain(buf_str(&out)) && !strstr(buf_text(&out), "&Action=") &&
                 !strstr(buf_text(&out) + 25, "&Version="),
             "form", buf_str(&out));
    buf_release(&out);
}

static bool climbs(struct str path) {
    struct str query, segment, rest = str_cut(path, '?', &query);

    do {
        segment = str_cut(rest, '/', &rest);
        if (str_is(segment, "..") || str_is(segment, "."))
            return true;
    } while (rest.data);
    return false;
}

static void write_rest(const struct json *row, const struct json *args) {
    struct aws_rest rest = {0};
    struct err      err;

    if (aws_rest_write(row, route, args, false, &rest, &err)) {
        must(is_plain(buf_str(&rest.target)) && !climbs(buf_str(&rest.target)),
             "path", buf_str(&rest.target));
        for (size_t i = 0; i < rest.headers.count; i++)
            must(!strpbrk(rest.headers.items[i].value, "\r\n"), "header",
                 str_of(rest.headers.items[i].name));
    }
    aws_rest_release(&rest);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    struct str   bytes = {(const char *)data, size};
    struct json *args;
    struct err   err;

    if (!route)
        make_rows();
    for (size_t i = 0; i < 4; i++)
        read_answer(rows[i], bytes);
    args = json_parse(bytes, &caps, &err);
    if (json_is(args, JSON_MAP)) {
        write_query(rows[0], args);
        write_query(rows[1], args);
        write_rest(rows[2], args);
        write_rest(rows[3], args);
    }
    json_release(args);
    return 0;
}
