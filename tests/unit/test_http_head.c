/* test_http_head.c - heads as libmicrohttpd leaves them, part by part. */
#include <criterion/criterion.h>

#include "net/http_head.h"

static struct http_head head;
static int64_t          length;

/* "Name: value" and so on, each its own piece of memory. */
static int judge(const char *const *fields) {
    http_head_begin(&head, STR("HTTP/1.1"), false);
    for (; *fields; fields++) {
        struct str value, name = str_cut(str_of(*fields), ':', &value);

        http_head_add(&head, name, str_trim(value));
    }
    return http_head_check(&head, &length).status;
}

#define JUDGE(...) judge((const char *const[]){__VA_ARGS__, NULL})

/* As the library parses: in one text, with a NUL in place of each end. */
static int judge_in_place(const char *text, size_t len) {
    char  copy[256];
    char *at = copy + sizeof "POST / " - 1;
    char *end = copy + len;

    memcpy(copy, text, len);
    http_head_begin(&head, str_of(at), true);
    for (at += strlen(at); at < end && *at == '\0'; at++)
        continue;
    while (at < end) {
        struct str name = str_of(at), value = str_of(at + name.len + 2);

        http_head_add(&head, name, value);
        for (at += name.len + 2 + value.len; at < end && *at == '\0'; at++)
            continue;
    }
    http_head_end(&head, end);
    return http_head_check(&head, &length).status;
}

#define IN_PLACE(text) judge_in_place(text, sizeof text - 1)

Test(http_head, takes_what_senders_send) {
    cr_expect_eq(JUDGE("Host: x", "Content-Length: 5", "User-Agent: a/1 (b)"),
                 0);
    cr_expect_eq(length, 5);
    cr_expect_eq(JUDGE("Host: x", "Transfer-Encoding: Chunked"), 0);
    cr_expect_eq(JUDGE("host: x", "expect: 100-Continue", "X-A: 1", "X-A: 2"),
                 0);
}

Test(http_head, HH1_a_name_that_is_no_token_is_unfit) {
    cr_expect_eq(JUDGE("Host: x", "Transfer-Encoding : chunked"), 400);
    cr_expect_eq(JUDGE("Host: x", "Content Length: 5"), 400);
    cr_expect_eq(JUDGE("Host: x", "\tContent-Length: 5"), 400);
    cr_expect_eq(JUDGE("Host: x", ": 5"), 400);
    cr_expect_eq(JUDGE("Host: x", "X(y): 5"), 400);
    cr_expect_eq(JUDGE("Host: x", "X\xc3\xa4: 5"), 400);
}

Test(http_head, HH1_a_control_character_in_a_value_is_unfit) {
    cr_expect_eq(JUDGE("Host: x", "X: a\rContent-Length: 5"), 400);
    cr_expect_eq(JUDGE("Host: x", "X: a\x01z"), 400);
    cr_expect_eq(JUDGE("Host: x", "X: a\x7fz"), 400);
    cr_expect_eq(JUDGE("Host: x", "X: a\tz"), 0);
    cr_expect_eq(JUDGE("Host: x", "X: \xc3\xa4"), 0);
}

Test(http_head, HH1_only_cr_lf_ends_a_line) {
    cr_expect_eq(
        IN_PLACE("POST / HTTP/1.1\0\0Host\0 x\0\0Content-Length\0 5\0\0\0\0"),
        0);
    cr_expect_eq(length, 5);
    cr_expect_eq(IN_PLACE("POST / HTTP/1.1\0Host\0 x\0\0\0\0"), 400);
    cr_expect_eq(IN_PLACE("POST / HTTP/1.1\0\0Host\0 x\0X\0 y\0\0\0\0"), 400);
    cr_expect_eq(IN_PLACE("POST / HTTP/1.1\0\0Host\0 x\0\0\0\0\0X\0 y\0\0\0\0"),
                 400);
    cr_expect_eq(IN_PLACE("POST / HTTP/1.1\0\0Host\0 x\0\0\0"), 400);
}

Test(http_head, HH2_two_lengths_are_unfit) {
    cr_expect_eq(JUDGE("Host: x", "Content-Length: 5", "Content-Length: 5"),
                 400);
    cr_expect_eq(JUDGE("Host: x", "Content-Length: 5", "content-length: 6"),
                 400);
    cr_expect_eq(
        JUDGE("Host: x", "Content-Length: 5", "Transfer-Encoding: chunked"),
        400);
    cr_expect_eq(JUDGE("Host: x", "Transfer-Encoding: gzip, chunked"), 400);
    cr_expect_eq(JUDGE("Host: x", "Transfer-Encoding: identity"), 400);
    cr_expect_eq(JUDGE("Host: x", "Transfer-Encoding: "), 400);
    cr_expect_eq(JUDGE("Host: x", "Content-Length: +5"), 400);
    cr_expect_eq(JUDGE("Host: x", "Content-Length: "), 400);
    cr_expect_eq(JUDGE("Host: x", "Content-Length: 5, 5"), 400);
    cr_expect_eq(JUDGE("Host: x", "Content-Length: 99999999999999999999"), 400);
}

Test(http_head, HH2_nobody_speaks_with_two_voices) {
    cr_expect_eq(JUDGE("Host: x", "Host: y"), 400);
    cr_expect_eq(JUDGE("Content-Length: 5"), 400);
    cr_expect_eq(JUDGE("Host: x", "Authorization: a", "authorization: b"), 400);
    cr_expect_eq(JUDGE("Host: x", "webhook-id: a", "Webhook-Id: b"), 400);
    cr_expect_eq(
        JUDGE("Host: x", "X-Slack-Signature: a", "X-Slack-Signature: b"), 400);
    cr_expect_eq(JUDGE("Host: x", "X-Slack-Request-Timestamp: 1",
                       "X-Slack-Request-Timestamp: 2"),
                 400);
}

Test(http_head, an_old_request_has_no_chunks_and_needs_no_host) {
    http_head_begin(&head, STR("HTTP/1.0"), false);
    cr_expect_eq(http_head_check(&head, &length).status, 0);
    http_head_add(&head, STR("Transfer-Encoding"), STR("chunked"));
    cr_expect_eq(http_head_check(&head, &length).status, 400);
}

Test(http_head, too_much_is_431_and_another_expectation_417) {
    const char *many[HTTP_HEAD_FIELDS_MAX + 2] = {"Host: x"};
    static char long_one[HTTP_HEAD_BYTES_MAX + 1];

    for (int i = 1; i <= HTTP_HEAD_FIELDS_MAX; i++)
        many[i] = "X: y";
    cr_expect_eq(judge(many), 431);
    many[HTTP_HEAD_FIELDS_MAX] = NULL;
    cr_expect_eq(judge(many), 0);
    memset(long_one, 'x', sizeof long_one - 1);
    long_one[1] = ':';
    cr_expect_eq(JUDGE("Host: x", long_one), 431);
    cr_expect_eq(JUDGE("Host: x", "Expect: tea"), 417);
}

Test(http_head, a_target_is_a_path_without_surprises) {
    static char long_one[HTTP_HEAD_LINE_MAX + 2];
    const struct {
        const char *target;
        int         status;
    } cases[] = {{"/", 0},
                 {"/hooks/a?q=1&r=%20", 0},
                 {"/%C3%A4/%7e", 0},
                 {"", 400},
                 {"*", 400},
                 {"hooks", 400},
                 {"http://x/hooks", 400},
                 {"/a b", 400},
                 {"/a\tb", 400},
                 {"/a\x01", 400},
                 {"/a%00b", 400},
                 {"/a%0d%0a", 400},
                 {"/a%1f", 400},
                 {"/a%7F", 400},
                 {"/a%", 400},
                 {"/a%2", 400},
                 {"/a%zz", 400}};

    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
        cr_expect_eq(http_head_check_target(str_of(cases[i].target)).status,
                     cases[i].status, "%s", cases[i].target);
    memset(long_one, '/', sizeof long_one - 1);
    cr_expect_eq(http_head_check_target(str_of(long_one)).status, 414);
}
