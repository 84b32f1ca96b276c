/* test_buf.c - growing bytes. */
#include <criterion/criterion.h>

#include <string.h>

#include "base/buf.h"
#include "base/mem.h"

Test(buf, an_empty_one_is_a_text_and_can_be_released_twice) {
    struct buf buf = BUF_EMPTY;

    cr_expect_str_eq(buf_text(&buf), "");
    cr_expect_eq(buf_str(&buf).len, 0);
    buf_release(&buf);
    buf_release(&buf);
    cr_expect_null(buf.data);
}

Test(buf, keeps_a_nul_behind_the_last_byte_while_it_grows) {
    struct buf buf = BUF_EMPTY;

    for (int i = 0; i < 5000; i++) {
        buf_add_char(&buf, (char)('a' + i % 26));
        cr_assert_eq(buf.data[buf.len], '\0');
        cr_assert_eq(buf.len, (size_t)i + 1);
    }
    cr_expect_eq(buf.data[4999], 'a' + 4999 % 26);
    buf_clear(&buf);
    cr_expect_str_eq(buf_text(&buf), "");
    cr_expect_gt(buf.cap, 4999);
    buf_release(&buf);
}

Test(buf, adds_bytes_with_nul_and_nothing_at_all) {
    struct buf buf = BUF_EMPTY;

    buf_add(&buf, "a\0b", 3);
    buf_add(&buf, NULL, 0);
    buf_add_str(&buf, (struct str){NULL, 0});
    cr_expect_eq(buf.len, 3);
    cr_expect_eq(memcmp(buf.data, "a\0b", 4), 0);
    buf_release(&buf);
}

Test(buf, formats_behind_what_is_there_however_long) {
    struct buf buf = BUF_EMPTY, wanted = BUF_EMPTY;

    buf_add_text(&buf, "n=");
    buf_addf(&buf, "%d", 7);
    cr_expect_str_eq(buf_text(&buf), "n=7");
    buf_clear(&buf);
    buf_addf(&buf, "%*s", 3000, "x");
    cr_expect_eq(buf.len, 3000);
    cr_expect_eq(buf.data[2999], 'x');
    buf_release(&buf);
    buf_release(&wanted);
}

Test(buf, take_gives_the_bytes_and_leaves_an_empty_one) {
    struct buf buf = BUF_EMPTY;
    char      *text;

    buf_add_text(&buf, "mine");
    text = buf_take(&buf);
    cr_expect_str_eq(text, "mine");
    cr_expect_eq(buf.len, 0);
    mem_free(text);
    text = buf_take(&buf);
    cr_expect_str_eq(text, "");
    mem_free(text);
}

Test(buf, reserved_room_ends_in_nul_before_anything_is_added) {
    struct buf buf = BUF_EMPTY;

    buf_reserve(&buf, 0);
    cr_expect_eq(buf.data[0], '\0');
    buf_release(&buf);
}
