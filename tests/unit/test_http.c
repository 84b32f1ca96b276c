/* test_http.c - headers cannot split a request, and addresses are what they
 * are, in whatever form they come.
 */
#include <criterion/criterion.h>

#include <arpa/inet.h>
#include <netinet/in.h>

#include "net/address.h"
#include "net/http.h"
#include "net/http_trace.h"

static struct http_headers headers;

static void release(void) {
    http_headers_release(&headers);
}

TestSuite(http, .fini = release);

static bool add(struct str name, struct str value) {
    return http_headers_add(&headers, name, value);
}

Test(http, finds_a_header_whatever_its_case_and_the_first_of_several) {
    cr_assert(add(STR("Content-Type"), STR("text/plain")));
    cr_assert(add(STR("X-Two"), STR("first")));
    cr_assert(add(STR("x-two"), STR("second")));
    cr_assert(
        str_is(http_headers_find(&headers, "content-type"), "text/plain"));
    cr_assert(str_is(http_headers_find(&headers, "X-TWO"), "first"));
    cr_assert_eq(http_headers_find(&headers, "X-Three").len, 0);
    cr_assert_str_eq(http_headers_find(&headers, "X-Three").data, "");
}

Test(http, copies_what_it_is_given) {
    char value[] = "before";

    cr_assert(add(STR("X"), str_of(value)));
    value[0] = '!';
    cr_assert(str_is(http_headers_find(&headers, "x"), "before"));
}

Test(http, cuts_the_blanks_around_a_value) {
    cr_assert(add(STR("X"), STR(" \t a b ")));
    cr_assert(str_is(http_headers_find(&headers, "x"), "a b"));
}

Test(http, refuses_names_and_values_that_split_a_request) {
    cr_assert_not(add(STR("X\r\nEvil"), STR("1")));
    cr_assert_not(add(STR("X: y"), STR("1")));
    cr_assert_not(add(STR("X y"), STR("1")));
    cr_assert_not(add(STR(""), STR("1")));
    cr_assert_not(add(STR("X\0Y"), STR("1")));
    cr_assert_not(add(STR("X"), STR("1\r\nEvil: 1")));
    cr_assert_not(add(STR("X"), STR("1\n")));
    cr_assert_not(add(STR("X"), STR("1\r")));
    cr_assert_not(add(STR("X"), STR("1\0002")));
    cr_assert_eq(headers.count, 0);
}

Test(http, drops_every_header_of_a_name_and_keeps_the_others_in_order) {
    static const char *const names[] = {"A", "b", "B", "c", "b", "D"};

    for (size_t i = 0; i < 6; i++)
        cr_assert(add(str_of(names[i]), STR("v")));
    http_headers_drop(&headers, "B");
    cr_assert_eq(headers.count, 3);
    cr_assert_str_eq(headers.items[0].name, "A");
    cr_assert_str_eq(headers.items[1].name, "c");
    cr_assert_str_eq(headers.items[2].name, "D");
    for (size_t i = 0; i < 40; i++)
        cr_assert(add(STR("E"), STR("v")));
    cr_assert_eq(headers.count, 43);
    cr_assert_str_eq(headers.items[2].name, "D");
}

Test(http, a_released_request_and_answer_are_empty) {
    struct http_request request;
    struct http_answer  answer = {.fate = HTTP_ANSWERED, .status = 200};

    http_request_init(&request, "GET", STR("http://example.com/"));
    cr_assert_gt(request.deadline_ms, 0);
    cr_assert_eq(request.reach, HTTP_PUBLIC, "the narrow one is the default");
    cr_assert(http_headers_add(&request.headers, STR("Authorization"),
                               STR("Bearer x")));
    buf_add_text(&request.body, "x");
    http_request_release(&request);
    cr_assert_null(request.url);
    cr_assert_null(request.body.data);
    cr_assert_eq(request.headers.count, 0);
    http_request_release(&request);
    buf_add_text(&answer.body, "x");
    http_answer_release(&answer);
    cr_assert_eq(answer.status, 0);
    cr_assert_null(answer.body.data);
}

static const struct {
    const char       *text;
    enum address_kind kind;
} known[] = {
    {"8.8.8.8", ADDRESS_PUBLIC},
    {"1.0.0.1", ADDRESS_PUBLIC},
    {"9.255.255.255", ADDRESS_PUBLIC},
    {"11.0.0.0", ADDRESS_PUBLIC},
    {"100.63.255.255", ADDRESS_PUBLIC},
    {"100.128.0.0", ADDRESS_PUBLIC},
    {"126.255.255.255", ADDRESS_PUBLIC},
    {"128.0.0.1", ADDRESS_PUBLIC},
    {"169.253.255.255", ADDRESS_PUBLIC},
    {"169.255.0.0", ADDRESS_PUBLIC},
    {"172.15.255.255", ADDRESS_PUBLIC},
    {"172.32.0.0", ADDRESS_PUBLIC},
    {"192.0.1.0", ADDRESS_PUBLIC},
    {"192.167.255.255", ADDRESS_PUBLIC},
    {"192.169.0.0", ADDRESS_PUBLIC},
    {"223.255.255.255", ADDRESS_PUBLIC},
    {"10.0.0.0", ADDRESS_PRIVATE},
    {"10.255.255.255", ADDRESS_PRIVATE},
    {"100.64.0.0", ADDRESS_PRIVATE},
    {"100.127.255.255", ADDRESS_PRIVATE},
    {"127.0.0.1", ADDRESS_PRIVATE},
    {"127.255.255.255", ADDRESS_PRIVATE},
    {"172.16.0.0", ADDRESS_PRIVATE},
    {"172.31.255.255", ADDRESS_PRIVATE},
    {"192.168.0.0", ADDRESS_PRIVATE},
    {"192.168.255.255", ADDRESS_PRIVATE},
    {"198.19.255.255", ADDRESS_PRIVATE},
    {"203.0.113.9", ADDRESS_PRIVATE},
    {"0.0.0.0", ADDRESS_FORBIDDEN},
    {"0.255.255.255", ADDRESS_FORBIDDEN},
    {"100.100.100.200", ADDRESS_FORBIDDEN},
    {"168.63.129.16", ADDRESS_FORBIDDEN},
    {"169.254.0.0", ADDRESS_FORBIDDEN},
    {"169.254.169.254", ADDRESS_FORBIDDEN},
    {"169.254.170.2", ADDRESS_FORBIDDEN},
    {"169.254.255.255", ADDRESS_FORBIDDEN},
    {"192.0.0.192", ADDRESS_FORBIDDEN},
    {"224.0.0.1", ADDRESS_FORBIDDEN},
    {"239.255.255.255", ADDRESS_FORBIDDEN},
    {"240.0.0.1", ADDRESS_FORBIDDEN},
    {"255.255.255.255", ADDRESS_FORBIDDEN},
    {"2606:4700::1111", ADDRESS_PUBLIC},
    {"2a00:1450::1", ADDRESS_PUBLIC},
    {"::ffff:8.8.8.8", ADDRESS_PUBLIC},
    {"64:ff9b::8.8.8.8", ADDRESS_PUBLIC},
    {"2002:808:808::1", ADDRESS_PUBLIC},
    {"::1", ADDRESS_PRIVATE},
    {"::ffff:127.0.0.1", ADDRESS_PRIVATE},
    {"::ffff:10.1.2.3", ADDRESS_PRIVATE},
    {"64:ff9b::10.0.0.1", ADDRESS_PRIVATE},
    {"2002:a00:1::1", ADDRESS_PRIVATE},
    {"fc00::1", ADDRESS_PRIVATE},
    {"fdff::1", ADDRESS_PRIVATE},
    {"2001:db8::1", ADDRESS_PRIVATE},
    {"::", ADDRESS_FORBIDDEN},
    {"::2", ADDRESS_FORBIDDEN},
    {"::a9fe:a9fe", ADDRESS_FORBIDDEN},
    {"::ffff:169.254.169.254", ADDRESS_FORBIDDEN},
    {"::ffff:0.0.0.0", ADDRESS_FORBIDDEN},
    {"64:ff9b::169.254.169.254", ADDRESS_FORBIDDEN},
    {"64:ff9b:1::1", ADDRESS_FORBIDDEN},
    {"2002:a9fe:a9fe::1", ADDRESS_FORBIDDEN},
    {"2001::1", ADDRESS_FORBIDDEN},
    {"fd00:ec2::254", ADDRESS_FORBIDDEN},
    {"fd20:ce::254", ADDRESS_FORBIDDEN},
    {"fe80::1", ADDRESS_FORBIDDEN},
    {"febf::1", ADDRESS_FORBIDDEN},
    {"fec0::1", ADDRESS_FORBIDDEN},
    {"ff02::1", ADDRESS_FORBIDDEN},
    {"100::1", ADDRESS_FORBIDDEN},
    {"4000::1", ADDRESS_FORBIDDEN},
    {"not an address", ADDRESS_FORBIDDEN},
    {"127.1", ADDRESS_FORBIDDEN},
    {"", ADDRESS_FORBIDDEN},
};

Test(address, HC3_tells_public_private_and_forbidden_addresses_apart) {
    for (size_t i = 0; i < sizeof known / sizeof *known; i++)
        cr_assert_eq(address_judge_text(known[i].text), known[i].kind, "%s",
                     known[i].text);
}

Test(address, HC3_judges_a_socket_address_like_its_text) {
    struct sockaddr_in  v4 = {.sin_family = AF_INET};
    struct sockaddr_in6 v6 = {.sin6_family = AF_INET6};
    struct sockaddr     other = {.sa_family = AF_UNIX};

    for (size_t i = 0; i < sizeof known / sizeof *known; i++) {
        if (inet_pton(AF_INET, known[i].text, &v4.sin_addr) == 1)
            cr_assert_eq(address_judge((struct sockaddr *)&v4), known[i].kind);
        else if (inet_pton(AF_INET6, known[i].text, &v6.sin6_addr) == 1)
            cr_assert_eq(address_judge((struct sockaddr *)&v6), known[i].kind);
    }
    cr_assert_eq(address_judge(&other), ADDRESS_FORBIDDEN);
}

/* --- a trace's header ------------------------------------------------------ */

static const struct trace_parent traced = {
    {1, 2, 3, 4, 5}, {0, 0, 0, 0, 0, 0, 0, 9}, TRACE_SAMPLED};

Test(http_trace, names_the_trace_as_each_side_reads_it) {
    http_trace_add(&traced, false, &headers);
    http_trace_add(&traced, true, &headers);
    cr_expect_str_eq(http_headers_find(&headers, "traceparent").data,
                     "00-01020304050000000000000000000000-0000000000000009-01");
    cr_expect_str_eq(http_headers_find(&headers, "x-amzn-trace-id").data,
                     "Root=1-01020304-050000000000000000000000;"
                     "Parent=0000000000000009;Sampled=1");
    http_headers_release(&headers);
}

Test(http_trace, HTR1_leaves_a_header_alone_that_is_there) {
    cr_assert(http_headers_add(&headers, STR("Traceparent"), STR("mine")));
    http_trace_add(&traced, false, &headers);
    cr_expect_eq(headers.count, 1);
    http_trace_add(NULL, true, &headers);
    cr_expect_eq(headers.count, 1);
    http_headers_release(&headers);
}
