/* test_redact.c - what is a secret goes, and everything else stays. */
#include <criterion/criterion.h>

#include <string.h>

#include "base/encode.h"
#include "secret/redact.h"
#include "secret/secret.h"
#include "support.h"

#define HELD "s3cr3t/Value+with=signs & more"

static struct redact *redact;

static void open_redact(void) {
    struct secrets *secrets = secret_open();

    redact = redact_open();
    secret_put(secrets, "A", STR(HELD));
    secret_put(secrets, "SHORT", STR("prod"));
    redact_learn(redact, secrets);
    secret_close(secrets);
}

static const char *clean(struct str text) {
    static struct buf out;

    buf_clear(&out);
    redact_text(redact, text, &out);
    return buf_text(&out);
}

static void becomes(const char *text, const char *wanted) {
    cr_expect_str_eq(clean(str_of(text)), wanted);
}

TestSuite(redact, .init = open_redact);

Test(redact, RD1_a_held_secret_is_found_raw) {
    becomes(HELD, "[redacted]");
    becomes("x " HELD " y " HELD, "x [redacted] y [redacted]");
    becomes("s3cr3t/Value+with=sign", "s3cr3t/Value+with=sign");
}

Test(redact, RD1_a_held_secret_is_found_in_base64) {
    struct buf text = BUF_EMPTY;

    encode_base64(STR(HELD), &text);
    cr_expect_null(strstr(clean(buf_str(&text)), "czNjcjN0"));
    /* Whatever follows it in the same encoding. */
    for (int more = 1; more < 4; more++) {
        struct buf bytes = BUF_EMPTY;

        buf_addf(&bytes, "%s%.*s", HELD, more, ":::");
        buf_clear(&text);
        encode_base64(buf_str(&bytes), &text);
        cr_expect_eq(strncmp(clean(buf_str(&text)), "[redacted]", 10), 0);
        buf_release(&bytes);
    }
    buf_release(&text);
}

/* "user:SECRET" and its like: the secret does not begin a group of three. */
Test(redact, RD1_a_held_secret_is_found_in_base64_behind_anything) {
    for (int before = 0; before < 6; before++)
        for (int url = 0; url < 2; url++) {
            struct buf bytes = BUF_EMPTY, text = BUF_EMPTY;
            struct str middle;

            buf_addf(&bytes, "%.*s" HELD "%s", before, "user::", "::::");
            encode_base64(buf_str(&bytes), &text);
            for (size_t i = 0; url && i < text.len; i++)
                text.data[i] = text.data[i] == '+'   ? '-'
                               : text.data[i] == '/' ? '_'
                                                     : text.data[i];
            middle = (struct str){text.data + 12, 16};
            cr_expect(strstr(clean(buf_str(&text)), "[redacted]"), "%s",
                      text.data);
            cr_expect_null(memmem(clean(buf_str(&text)),
                                  strlen(clean(buf_str(&text))), middle.data,
                                  middle.len));
            buf_release(&bytes);
            buf_release(&text);
        }
}

Test(redact, RD1_a_held_secret_is_found_in_jsons_escapes) {
    struct secrets *more = secret_open();
    struct redact  *other = redact_open();
    struct buf      out = BUF_EMPTY;

    secret_put(more, "QUOTED", STR("a\"quoted\\secret\nof lines"));
    redact_learn(other, more);
    redact_text(other, STR("{\"echo\":\"a\\\"quoted\\\\secret\\nof lines\"}"),
                &out);
    cr_expect_str_eq(buf_text(&out), "{\"echo\":\"[redacted]\"}");
    buf_release(&out);
    redact_close(other);
    secret_close(more);
}

Test(redact, RD1_the_longer_of_two_secrets_goes_whole) {
    struct redact *other = redact_open();
    struct buf     out = BUF_EMPTY;

    redact_learn_value(other, STR("first-secret"));
    redact_learn_value(other, STR("first-secret-and-more"));
    redact_learn_value(other, STR("first-secret"));
    redact_text(other, STR("<first-secret-and-more><first-secret>"), &out);
    cr_expect_str_eq(buf_text(&out), "<[redacted]><[redacted]>");
    buf_release(&out);
    redact_close(other);
}

Test(redact, RD1_a_held_secret_is_found_percent_encoded) {
    becomes("https://x/?t=s3cr3t%2FValue%2Bwith%3Dsigns%20%26%20more&b=1",
            "https://x/?t=[redacted]&b=1");
    becomes("https://x/?t=s3cr3t%2fValue%2bwith%3dsigns%20%26%20more&b=1",
            "https://x/?t=[redacted]&b=1");
}

Test(redact, RD1_a_secret_url_is_found_by_its_path) {
    struct redact *other = redact_open();
    struct buf     out = BUF_EMPTY;

    redact_learn_value(other, STR("https://hooks.test/services/T0/B0/abcdef"));
    redact_learn_value(other, STR("https://else.test/a"));
    redact_text(other,
                STR("POST hooks.test/services/T0/B0/abcdef: refused; see "
                    "https://hooks.test/help"),
                &out);
    cr_expect_str_eq(
        buf_text(&out),
        "POST hooks.test[redacted]: refused; see https://hooks.test/help");
    buf_release(&out);
    redact_close(other);
}

Test(redact, a_short_value_would_blot_out_words_and_is_left) {
    becomes("prod is up", "prod is up");
}

Test(redact, N11_shapes_that_are_secrets_wherever_they_stand_go) {
    becomes("key AKIAIOSFODNN7EXAMPLE.", "key [redacted].");
    becomes("ghp_0123456789abcdefghijABCDEFGHIJ012345", "[redacted]");
    becomes("github_pat_0123456789abcdefghij_x", "[redacted]");
    becomes("Authorization: Bearer abcdefgh12345678",
            "Authorization: Bearer [redacted]");
    becomes("postgres://u?password=hunter2&x=1",
            "postgres://u?password=[redacted]&x=1");
    becomes("xoxb-1234567890-abc", "[redacted]");
    becomes("eyJhbGciOiJIUzI1NiJ9.e30.abcdefghijkl", "[redacted]");
    becomes("a\n-----BEGIN RSA PRIVATE KEY-----\nMIIE\n"
            "-----END RSA PRIVATE KEY-----\nb",
            "a\n[redacted]\nb");
    becomes("-----BEGIN RSA PRIVATE KEY-----\ncut", "[redacted]");
}

Test(redact, what_only_looks_like_one_stays) {
    becomes("AKIA", "AKIA");
    becomes("AKIASHORT", "AKIASHORT");
    becomes("the Bearer of news", "the Bearer of news");
    becomes("- a list -- with dashes ---", "- a list -- with dashes ---");
    becomes("ghp_short sk-x", "ghp_short sk-x");
    becomes("", "");
}

Test(redact, RD2_json_keeps_its_shape_and_kinds) {
    struct json *value =
        support_json("{'a': ['" HELD "', 1, 2.5, null, true, [], {}], "
                     "'log': 'token=abc tail', '" HELD "': 'x'}");
    struct json *made = redact_json(redact, value);

    support_is(made, "{'a': ['[redacted]', 1, 2.5, null, true, [], {}], "
                     "'log': 'token=[redacted] tail', '[redacted]': 'x'}");
    json_release(value);
    json_release(made);
}

Test(redact, RD2_what_was_utf8_stays_utf8) {
    static const char *const parts[] = {"password=",
                                        "\xC3\xA9",
                                        "\xE2\x82\xAC",
                                        "Bearer ",
                                        "abcdefgh",
                                        HELD,
                                        "AKIAIOSFODNN7EXAMPLE",
                                        "\xF0\x9F\x98\x80",
                                        "-----BEGIN ",
                                        "-----END ",
                                        "-----",
                                        " ",
                                        "=",
                                        "token="};
    uint64_t                 seed = 1;

    for (int i = 0; i < 5000; i++) {
        struct buf text = BUF_EMPTY;
        size_t     bad;

        for (int j = 0; j < 6; j++) {
            seed = seed * 6364136223846793005u + 1442695040888963407u;
            buf_add_text(&text,
                         parts[(seed >> 33) % (sizeof parts / sizeof *parts)]);
        }
        cr_assert(encode_utf8_valid(str_of(clean(buf_str(&text))), &bad), "%s",
                  buf_text(&text));
        cr_assert_null(strstr(clean(buf_str(&text)), HELD));
        buf_release(&text);
    }
}

Test(redact, twice_is_as_good_as_once) {
    struct buf once = BUF_EMPTY;

    redact_text(redact, STR("Bearer abcdefgh12345678 password=x " HELD), &once);
    cr_expect_str_eq(clean(buf_str(&once)), buf_text(&once));
    buf_release(&once);
}

Test(redact, RD3_what_was_fetched_is_held_until_it_is_worth_nothing) {
    redact_learn_until(redact, STR("fetched-one"), 1000, 0);
    for (int i = 0; i < 100; i++) {
        char value[32];

        (void)snprintf(value, sizeof value, "fetched-later-%d", i);
        redact_learn_until(redact, str_of(value), 500, 0);
    }
    becomes("a fetched-one b", "a [redacted] b");
    redact_learn_until(redact, STR("fetched-two"), 0, 1001);
    becomes("fetched-one, fetched-later-7", "fetched-one, fetched-later-7");
    becomes("fetched-two " HELD, "[redacted] [redacted]");
}

Test(redact, RD3_learning_again_prolongs_and_never_shortens) {
    redact_learn_until(redact, STR("fetched-one"), 1000, 0);
    redact_learn_until(redact, STR("fetched-one"), 2000, 0);
    redact_learn_until(redact, STR("fetched-one"), 500, 0);
    redact_learn_until(redact, STR(HELD), 500, 1500);
    becomes("fetched-one", "[redacted]");
    redact_learn_until(redact, STR("fetched-two"), 0, 9000);
    becomes(HELD, "[redacted]");
}
