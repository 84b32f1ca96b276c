/* test_timestamp.c - moments and durations, both ways. */
#include <criterion/criterion.h>

#include "base/timestamp.h"

static struct err err;

static const char *written(int64_t ms) {
    static struct buf out;

    buf_clear(&out);
    timestamp_write(ms, &out);
    return buf_text(&out);
}

static void reads(const char *text, int64_t wanted) {
    int64_t ms = 42;

    cr_expect(timestamp_read(str_of(text), &ms, &err), "%s", text);
    cr_expect_eq(ms, wanted, "%s is %lld", text, (long long)ms);
}

static void refuses(const char *text) {
    int64_t ms;

    cr_expect_not(timestamp_read(str_of(text), &ms, &err), "%s", text);
    cr_expect_eq(err.code, ERR_INVALID);
}

Test(timestamp, writes_the_fraction_only_when_there_is_one) {
    struct buf basic = BUF_EMPTY;

    cr_expect_str_eq(written(0), "1970-01-01T00:00:00Z");
    cr_expect_str_eq(written(1772330584567), "2026-03-01T02:03:04.567Z");
    cr_expect_str_eq(written(-1), "1969-12-31T23:59:59.999Z");
    cr_expect_str_eq(written(951782400000), "2000-02-29T00:00:00Z");
    timestamp_write_basic(1772330584567, &basic);
    cr_expect_str_eq(buf_text(&basic), "20260301T020304Z");
    buf_release(&basic);
}

Test(timestamp, reads_every_form_of_rfc_3339) {
    reads("1970-01-01T00:00:00Z", 0);
    reads("2026-03-01T02:03:04.567Z", 1772330584567);
    reads("2026-03-01t02:03:04.567z", 1772330584567);
    reads("2026-03-01 02:03:04.567Z", 1772330584567);
    reads("2026-03-01T02:03:04.5Z", 1772330584500);
    reads("2026-03-01T02:03:04.567891234Z", 1772330584567);
    reads("2026-03-01T03:33:04.567+01:30", 1772330584567);
    reads("2026-02-28T23:03:04.567-03:00", 1772330584567);
    reads("2024-02-29T00:00:00Z", 1709164800000);
    reads("0001-01-01T00:00:00Z", -62135596800000);
    reads("1998-12-31T23:59:60Z", 915148800000);
}

Test(timestamp, refuses_what_is_no_moment) {
    refuses("");
    refuses("2026-03-01");
    refuses("2026-03-01T02:03Z");
    refuses("2026-03-01T02:03:04");
    refuses("2026-03-01T02:03:04.Z");
    refuses("2026-02-29T00:00:00Z");
    refuses("1900-02-29T00:00:00Z");
    refuses("2026-13-01T00:00:00Z");
    refuses("2026-00-01T00:00:00Z");
    refuses("2026-01-00T00:00:00Z");
    refuses("2026-01-01T24:00:00Z");
    refuses("2026-01-01T00:60:00Z");
    refuses("2026-01-01T00:00:61Z");
    refuses("2026-01-01T00:00:00+24:00");
    refuses("2026-01-01T00:00:00Z ");
    refuses(" 2026-01-01T00:00:00Z");
    refuses("26-01-01T00:00:00Z");
}

Test(timestamp, what_it_writes_it_reads_back) {
    for (int64_t ms = -62135596800000; ms < 253402300799000;
         ms += 8640000000007) {
        reads(written(ms), ms);
        reads(written(ms + 86399999), ms + 86399999);
    }
}

static void lasts(const char *text, int64_t wanted) {
    int64_t ms = 42;

    cr_expect(timestamp_read_duration(str_of(text), &ms, &err), "%s", text);
    cr_expect_eq(ms, wanted, "%s is %lld", text, (long long)ms);
}

static void no_duration(const char *text) {
    int64_t ms;

    cr_expect_not(timestamp_read_duration(str_of(text), &ms, &err), "%s", text);
    cr_expect_eq(err.code, ERR_INVALID);
}

Test(timestamp, reads_durations_as_operators_write_them) {
    lasts("0s", 0);
    lasts("250ms", 250);
    lasts("30s", 30000);
    lasts("5m", 300000);
    lasts("1h30m", 5400000);
    lasts("30d", 2592000000);
    lasts("1d2h3m4s5ms", 93784005);
}

Test(timestamp, refuses_durations_without_unit_sign_or_end) {
    no_duration("");
    no_duration("5");
    no_duration("m");
    no_duration("-5s");
    no_duration("5 s");
    no_duration("1.5h");
    no_duration("5M");
    no_duration("5mm");
    no_duration("9223372036854775807s");
    no_duration("106751991167d106751991167d");
}

Test(timestamp, what_it_says_of_a_duration_it_reads_back) {
    static const int64_t some[] = {0, 1, 999, 1000, 61000, 5400000, 93784005};
    struct buf           out = BUF_EMPTY;

    for (size_t i = 0; i < sizeof some / sizeof *some; i++) {
        buf_clear(&out);
        timestamp_write_duration(some[i], &out);
        lasts(buf_text(&out), some[i]);
    }
    buf_release(&out);
}

Test(timestamp, reads_the_date_of_an_http_answer) {
    static const char *const bad[] = {"",
                                      "Sun, 06 Nov 1994 08:49:37",
                                      "Sun, 06 Now 1994 08:49:37 GMT",
                                      "Sun, 31 Nov 1994 08:49:37 GMT",
                                      "Sun, 06 Nov 1994 24:49:37 GMT",
                                      "Sunday, 06-Nov-94 08:49:37 GMT",
                                      "Sun Nov  6 08:49:37 1994"};
    int64_t                  ms;

    cr_assert(
        timestamp_read_http(STR("Sun, 06 Nov 1994 08:49:37 GMT"), &ms, &err));
    cr_assert_eq(ms, 784111777000);
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
        cr_expect_not(timestamp_read_http(str_of(bad[i]), &ms, &err), "%s",
                      bad[i]);
}
