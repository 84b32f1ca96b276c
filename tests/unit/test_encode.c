/* test_encode.c - the vectors of the standards, and what is no such text. */
#include <criterion/criterion.h>

#include "base/encode.h"

static struct buf out;
static struct err err;

static const char *base64(struct str bytes) {
    buf_clear(&out);
    encode_base64(bytes, &out);
    return buf_text(&out);
}

static const char *percent(struct str bytes, const char *keep) {
    buf_clear(&out);
    encode_percent(bytes, keep, &out);
    return buf_text(&out);
}

Test(encode, hex_is_lower_case_and_keeps_leading_zeroes) {
    encode_hex((const unsigned char *)"\x00\x0F\xA0\xFF", 4, &out);
    cr_expect_str_eq(buf_text(&out), "000fa0ff");
}

Test(encode, base64_gives_the_vectors_of_rfc_4648) {
    cr_expect_str_eq(base64(STR("")), "");
    cr_expect_str_eq(base64(STR("f")), "Zg==");
    cr_expect_str_eq(base64(STR("fo")), "Zm8=");
    cr_expect_str_eq(base64(STR("foo")), "Zm9v");
    cr_expect_str_eq(base64(STR("foobar")), "Zm9vYmFy");
    cr_expect_str_eq(base64(STR("\xFB\xFF\xFE")), "+//+");
}

Test(encode, base64_reads_back_every_byte) {
    struct buf bytes = BUF_EMPTY, text = BUF_EMPTY, back = BUF_EMPTY;

    for (int i = 0; i < 256; i++) {
        buf_add_char(&bytes, (char)i);
        buf_clear(&text);
        buf_clear(&back);
        encode_base64(buf_str(&bytes), &text);
        cr_assert(encode_base64_read(buf_str(&text), &back, &err));
        cr_assert(str_equal(buf_str(&back), buf_str(&bytes)), "%d bytes", i);
    }
    buf_release(&bytes);
    buf_release(&text);
    buf_release(&back);
}

Test(encode, base64_names_the_byte_that_is_none_of_it) {
    cr_expect_not(encode_base64_read(STR("Zm9*"), &out, &err));
    cr_expect_str_eq(err.text, "not base64 at byte 3");
}

Test(encode, percent_keeps_the_unreserved_and_what_is_asked) {
    cr_expect_str_eq(percent(STR("aZ09-._~"), ""), "aZ09-._~");
    cr_expect_str_eq(percent(STR("a b/c\xC3\xA9?"), ""), "a%20b%2Fc%C3%A9%3F");
    cr_expect_str_eq(percent(STR("a/b c"), "/"), "a/b%20c");
    cr_expect_str_eq(percent(STR("a\0b"), "/"), "a%00b");
}

Test(encode, percent_reads_back_and_refuses_half_a_pair) {
    buf_clear(&out);
    cr_expect(encode_percent_read(STR("a%20b%2f%C3%A9"), &out, &err));
    cr_expect_str_eq(buf_text(&out), "a b/\xC3\xA9");
    cr_expect_not(encode_percent_read(STR("a%2"), &out, &err));
    cr_expect_not(encode_percent_read(STR("a%"), &out, &err));
    cr_expect_not(encode_percent_read(STR("a%zz"), &out, &err));
    cr_expect_str_eq(err.text, "percent sign at byte 1 without two hex digits");
}

static void valid(const char *text, size_t len) {
    size_t bad = 99;

    cr_expect(encode_utf8_valid((struct str){text, len}, &bad),
              "bad at byte %zu", bad);
}

static void invalid(const char *text, size_t len, size_t at) {
    size_t bad = 99;

    cr_expect_not(encode_utf8_valid((struct str){text, len}, &bad));
    cr_expect_eq(bad, at, "bad at byte %zu, not %zu", bad, at);
}

Test(encode, utf8_takes_the_ends_of_every_length) {
    valid("", 0);
    valid("a\0b", 3);
    valid("\x7F\xC2\x80\xDF\xBF", 5);
    valid("\xE0\xA0\x80\xEF\xBF\xBF", 6);
    valid("\xED\x9F\xBF\xEE\x80\x80", 6);
    valid("\xF0\x90\x80\x80\xF4\x8F\xBF\xBF", 8);
}

Test(encode, utf8_refuses_overlong_surrogates_and_past_the_end) {
    invalid("a\x80", 2, 1);
    invalid("\xC0\xAF", 2, 0);
    invalid("\xC1\xBF", 2, 0);
    invalid("\xE0\x9F\xBF", 3, 0);
    invalid("\xED\xA0\x80", 3, 0);
    invalid("\xF0\x8F\xBF\xBF", 4, 0);
    invalid("\xF4\x90\x80\x80", 4, 0);
    invalid("\xF5\x80\x80\x80", 4, 0);
    invalid("ab\xE2\x82", 4, 2);
    invalid("\xC3(", 2, 0);
}

Test(encode, utf8_mends_each_bad_byte_and_leaves_the_rest) {
    size_t bad;

    encode_utf8_mend(STR("a\xFF"
                         "b\xE2\x82"
                         "c\xC3\xA9"),
                     &out);
    cr_expect_str_eq(buf_text(&out), "a\xEF\xBF\xBD"
                                     "b\xEF\xBF\xBD"
                                     "\xEF\xBF\xBD"
                                     "c\xC3\xA9");
    cr_expect(encode_utf8_valid(buf_str(&out), &bad));
}
