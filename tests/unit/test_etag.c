/* test_etag.c - kept answers, whose they are and how many. */
#include <criterion/criterion.h>

#include "gate/etag.h"
#include "support.h"

static struct etag       *etag;
static struct http_answer whole;

static void open_etag(void) {
    etag = etag_open();
}

static void close_etag(void) {
    etag_close(etag);
}

TestSuite(etag, .init = open_etag, .fini = close_etag);

/* Asks; gives whether a tag was sent, and the key. */
static bool ask(const char *method, const char *url, const char *who,
                struct etag_key *key) {
    struct http_request request = {0};
    bool                tagged;

    http_request_init(&request, method, str_of(url));
    (void)http_headers_add(&request.headers, STR("Authorization"), str_of(who));
    *key = etag_ask(etag, &request);
    tagged = http_headers_find(&request.headers, "if-none-match").len > 0;
    http_request_release(&request);
    return tagged;
}

static bool answer(const struct etag_key *key, int status, const char *tag,
                   struct str body, const char *link) {
    struct http_answer http = {.fate = HTTP_ANSWERED, .status = status};
    bool               taken;

    if (tag)
        (void)http_headers_add(&http.headers, STR("ETag"), str_of(tag));
    if (link)
        (void)http_headers_add(&http.headers, STR("Link"), str_of(link));
    buf_add_str(&http.body, body);
    taken = etag_take(etag, key, &http, &whole);
    http_answer_release(&http);
    return taken;
}

Test(etag, a_304_gives_the_kept_body_and_its_next_page) {
    struct etag_key key;

    cr_expect_not(ask("GET", "https://a/x", "me", &key));
    cr_expect_not(answer(&key, 200, "\"1\"", STR("[1]"), "<y>; rel=next"));
    cr_expect(ask("GET", "https://a/x", "me", &key));
    cr_assert(answer(&key, 304, "\"1\"", STR(""), NULL));
    cr_expect_eq(whole.status, 200);
    cr_expect_str_eq(buf_text(&whole.body), "[1]");
    cr_expect(
        str_is(http_headers_find(&whole.headers, "link"), "<y>; rel=next"));
    http_answer_release(&whole);
}

Test(etag, ET1_nobody_gets_what_another_was_shown) {
    struct etag_key key;

    (void)ask("GET", "https://a/x", "me", &key);
    (void)answer(&key, 200, "\"1\"", STR("[1]"), NULL);
    cr_expect_not(ask("GET", "https://a/x", "you", &key));
    cr_expect_not(answer(&key, 304, "\"1\"", STR(""), NULL));
    cr_expect_not(ask("GET", "https://a/x?page=2", "me", &key));
}

Test(etag, a_newer_answer_takes_the_place_of_the_kept_one) {
    struct etag_key key;

    (void)ask("GET", "https://a/x", "me", &key);
    (void)answer(&key, 200, "\"1\"", STR("[1]"), NULL);
    (void)answer(&key, 200, "\"2\"", STR("[2]"), NULL);
    cr_assert(answer(&key, 304, "\"2\"", STR(""), NULL));
    cr_expect_str_eq(buf_text(&whole.body), "[2]");
    http_answer_release(&whole);
}

Test(etag, keeps_nothing_but_reads_with_a_tag) {
    struct etag_key key;

    cr_expect_not(ask("POST", "https://a/x", "me", &key));
    cr_expect_str_empty(key.text);
    cr_expect_not(answer(&key, 200, "\"1\"", STR("[1]"), NULL));
    (void)ask("GET", "https://a/x", "me", &key);
    cr_expect_not(answer(&key, 200, NULL, STR("[1]"), NULL));
    cr_expect_not(answer(&key, 500, "\"1\"", STR("[1]"), NULL));
    cr_expect_not(ask("GET", "https://a/x", "me", &key));
}

static void keep_at(int number, struct str body) {
    struct etag_key key;
    char            url[64];

    (void)snprintf(url, sizeof url, "https://a/%d", number);
    (void)ask("GET", url, "me", &key);
    (void)answer(&key, 200, "\"1\"", body, NULL);
}

static bool keeps(int number) {
    struct etag_key key;
    char            url[64];

    (void)snprintf(url, sizeof url, "https://a/%d", number);
    return ask("GET", url, "me", &key);
}

Test(etag, ET2_count_and_bytes_are_capped_and_the_oldest_goes) {
    struct buf large = BUF_EMPTY;

    for (int i = 0; i <= ETAG_COUNT; i++)
        keep_at(i, STR("[]"));
    cr_expect_not(keeps(0));
    cr_expect(keeps(1));
    cr_expect(keeps(ETAG_COUNT));
    while (large.len < ETAG_BYTES / 8 - 100)
        buf_add_text(&large, "0123456789abcdef0123456789abcdef");
    for (int i = 0; i < 10; i++)
        keep_at(1000 + i, buf_str(&large));
    cr_expect_not(keeps(1000));
    cr_expect(keeps(1009));
    while (large.len <= ETAG_BYTES / 8)
        buf_add_text(&large, "0123456789abcdef0123456789abcdef");
    keep_at(2000, buf_str(&large));
    cr_expect_not(keeps(2000));
    buf_release(&large);
}
