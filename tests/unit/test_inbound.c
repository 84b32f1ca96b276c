/* test_inbound.c - who sent it, judged over requests that are lists of pairs.
 *
 * Published examples come first where there are any. Every scheme is then taken
 * apart field by field: what is not exactly what its sender made is refused.
 */
#include <criterion/criterion.h>

#include <pthread.h>
#include <signal.h>
#include <stdarg.h>
#include <sys/ptrace.h>
#include <sys/wait.h>
#include <unistd.h>

#include "auth/inbound.h"
#include "auth/inbound_private.h"
#include "base/encode.h"
#include "secret/secret.h"
#include "sns_messages.h"
#include "support.h"
#include "sys/crypto.h"

#define NOW 1772330584000 /* 2026-03-01T02:03:04Z */
#define SECRET "correct-horse-battery-staple"
#define OLDER "the-secret-of-last-quarter"

/* --- a request ------------------------------------------------------------- */

struct pairs {
    struct {
        const char *name;
        struct str  value;
    } items[8];
    size_t count;
};

static struct str header_of(void *arg, const char *name) {
    const struct pairs *pairs = arg;

    for (size_t i = 0; i < pairs->count; i++)
        if (strcasecmp(pairs->items[i].name, name) == 0)
            return pairs->items[i].value;
    return STR("");
}

struct asked {
    struct inbound        *inbound;
    struct pairs           pairs;
    struct inbound_request request;
    struct inbound_result  result;
};

static void put_secret(struct secrets *secrets) {
    secret_put(secrets, "NEW", STR(SECRET));
    secret_put(secrets, "OLD", STR(OLDER));
    secret_put(secrets, "SHORT", STR("hunter2"));
    secret_put(secrets, "SPACED", STR("two words of a token"));
    secret_put(secrets, "GITHUB", STR("It's a Secret to Everybody"));
    secret_put(secrets, "WHSEC", STR("whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"));
    secret_put(secrets, "BARE", STR("MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"));
    secret_put(secrets, "NO64", STR("whsec_not~base64~at~all~"));
    secret_put(secrets, "ALADDIN", STR("open sesame"));
    secret_put(secrets, "POUND", STR("123\xC2\xA3"));
}

static struct inbound *open_with(const char *settings, struct err *err) {
    struct secrets *secrets = secret_open();
    struct json    *map = support_json(settings);
    struct inbound *inbound;

    put_secret(secrets);
    inbound = inbound_open(STR("pager"), map, secrets, err);
    json_release(map);
    secret_close(secrets);
    return inbound;
}

static void begin(struct asked *asked, const char *settings) {
    struct err err = {.text = ""};

    memset(asked, 0, sizeof *asked);
    asked->inbound = open_with(settings, &err);
    cr_assert(asked->inbound, "%s", err.text);
    asked->request.header = header_of;
    asked->request.arg = &asked->pairs;
    asked->request.now_ms = NOW;
}

static void end(struct asked *asked) {
    inbound_close(asked->inbound);
}

static void set(struct asked *asked, const char *name, struct str value) {
    size_t i = 0;

    while (i < asked->pairs.count &&
           strcmp(asked->pairs.items[i].name, name) != 0)
        i++;
    asked->pairs.items[i].name = name;
    asked->pairs.items[i].value = value;
    if (i == asked->pairs.count)
        asked->pairs.count++;
}

static enum inbound_verdict check(struct asked *asked) {
    return inbound_check(asked->inbound, &asked->request, &asked->result);
}

static void is_trusted(struct asked *asked) {
    enum inbound_verdict verdict = check(asked);

    cr_expect_eq(verdict, INBOUND_TRUSTED, "refused: %s",
                 inbound_why_name(asked->result.why));
    cr_expect_eq(asked->result.why, INBOUND_WHY_FINE);
}

static void is_refused(struct asked *asked, const char *why) {
    cr_expect_eq(check(asked), INBOUND_REFUSED);
    cr_expect_str_eq(inbound_why_name(asked->result.why), why);
    cr_expect_eq(asked->result.secret, -1);
    cr_expect_str_eq(asked->result.delivery, "");
    cr_expect_str_eq(asked->result.who, "");
    cr_expect_str_eq(asked->result.url, "");
}

static void refuses(const char *settings, const char *part) {
    struct err      err = {.text = ""};
    struct inbound *inbound = open_with(settings, &err);

    cr_expect_null(inbound, "%s is taken", settings);
    cr_expect(err.code == ERR_CONFIG && support_has(err.text, part),
              "%s\n gives: %s\n and not: %s", settings, err.text, part);
    cr_expect(support_has(err.text, "sources.pager."), "%s", err.text);
    inbound_close(inbound);
}

/* --- IN6 --------------------------------------------------------------------- */

Test(inbound, IN6_a_method_that_is_unknown_or_missing_is_named) {
    refuses("{}", "sources.pager.auth is missing");
    refuses("{'auth': 'gihtub'}", "(did you mean 'github'?)");
    refuses("{'auth': 'jwt'}", "none, bearer, basic, mtls, github, standard");
    refuses("{'auth': ''}", "auth is missing");
}

Test(inbound, IN6_settings_that_would_prove_nothing_are_refused) {
    refuses("{'auth': 'github'}", "sources.pager.secret is missing");
    refuses("{'auth': 'bearer', 'old_secret': {'secret': 'OLD'}}",
            "sources.pager.secret is missing");
    refuses("{'auth': 'slack', 'secret': {'secret': 'NOWHERE'}}",
            "names the secret NOWHERE, which is empty or was not found");
    refuses("{'auth': 'slack', 'secret': {'secret': 'NEW'}, "
            "'old_secret': {'secret': 'NOWHERE'}}",
            "sources.pager.old_secret names");
    refuses("{'auth': 'slack', 'secret': 'plain text'}", "secret(\"NAME\")");
    refuses("{'auth': 'basic', 'secret': {'secret': 'NEW'}}",
            "sources.pager.user is missing");
    refuses("{'auth': 'basic', 'user': 'a:b', 'secret': {'secret': 'NEW'}}",
            "no colon");
    refuses("{'auth': 'sns'}", "every AWS account");
    refuses("{'auth': 'sns', 'allow': []}", "sources.pager.allow is missing");
    refuses("{'auth': 'mtls'}", "sources.pager.allow is missing");
    refuses("{'auth': 'mtls', 'allow': ['a', '']}", "a list of texts");
    refuses("{'auth': 'standard', 'secret': {'secret': 'WHSEC'}, "
            "'window_ms': 0}",
            "sources.pager.window must be between");
    refuses("{'auth': 'standard', 'secret': {'secret': 'WHSEC'}, "
            "'window_ms': 86400001}",
            "sources.pager.window must be between");
}

Test(inbound, IN6_settings_of_no_use_are_refused) {
    refuses("{'auth': 'none', 'secret': {'secret': 'NEW'}}",
            "sources.pager.secret is of no use with auth = \"none\"");
    refuses("{'auth': 'github', 'secret': {'secret': 'NEW'}, 'window': '5m'}",
            "sources.pager.window is of no use");
    refuses("{'auth': 'github', 'secret': {'secret': 'NEW'}, 'allow': ['a']}",
            "sources.pager.allow is of no use");
    refuses("{'auth': 'bearer', 'secret': {'secret': 'NEW'}, 'user': 'a'}",
            "sources.pager.user is of no use");
    refuses("{'auth': 'mtls', 'allow': ['a'], "
            "'old_secret': {'secret': 'NEW'}}",
            "sources.pager.old_secret is of no use");
}

Test(inbound, IN6_a_secret_of_another_form_is_refused_without_it) {
    refuses("{'auth': 'bearer', 'secret': {'secret': 'SPACED'}}", "no spaces");
    refuses("{'auth': 'standard', 'secret': {'secret': 'NO64'}}",
            "\"whsec_\" and base64");
}

Test(inbound, IN5_N11_no_secret_is_in_an_error_or_a_warning) {
    struct err      err = {.text = ""};
    struct inbound *inbound =
        open_with("{'auth': 'bearer', 'secret': {'secret': 'SPACED'}}", &err);

    cr_expect_null(inbound);
    cr_expect_not(support_has(err.text, "two words"));
    inbound = open_with("{'auth': 'github', 'secret': {'secret': 'SHORT'}, "
                        "'old_secret': {'secret': 'SHORT'}}",
                        &err);
    cr_assert(inbound);
    cr_expect(support_has(inbound_warning(inbound),
                          "sources.pager.secret is shorter than 16 bytes"));
    cr_expect(support_has(inbound_warning(inbound),
                          "sources.pager.old_secret is shorter"));
    cr_expect_not(support_has(inbound_warning(inbound), "hunter2"));
    inbound_close(inbound);
    inbound =
        open_with("{'auth': 'github', 'secret': {'secret': 'NEW'}}", &err);
    cr_expect_str_eq(inbound_warning(inbound), "");
    inbound_close(inbound);
}

/* --- bearer and basic -------------------------------------------------------- */

Test(inbound, takes_a_bearer_token_whatever_the_case_of_the_scheme) {
    struct asked asked;

    begin(&asked, "{'auth': 'bearer', 'secret': {'secret': 'NEW'}}");
    set(&asked, "Authorization", STR("Bearer " SECRET));
    is_trusted(&asked);
    cr_expect_eq(asked.result.secret, 0);
    set(&asked, "Authorization", STR("bEARER   " SECRET));
    is_trusted(&asked);
    end(&asked);
}

Test(inbound, a_bearer_token_is_whole_or_it_is_none) {
    static const char *const wrong[] = {
        "Bearer xorrect-horse-battery-staple",
        "Bearer correct-horse-battery-staplx",
        "Bearer correct-horse-battery-stapl",
        "Bearer correct-horse-battery-staplee",
        "Bearer correct-horse-battery-staple, x",
        "Bearer CORRECT-HORSE-BATTERY-STAPLE",
    };
    struct asked asked;

    begin(&asked, "{'auth': 'bearer', 'secret': {'secret': 'NEW'}}");
    is_refused(&asked, "missing");
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
        set(&asked, "Authorization", str_of(wrong[i]));
        is_refused(&asked, "signature");
    }
    set(&asked, "Authorization", STR("Bearer"));
    is_refused(&asked, "malformed");
    set(&asked, "Authorization", STR("Bearer "));
    is_refused(&asked, "malformed");
    set(&asked, "Authorization", STR("Basic " SECRET));
    is_refused(&asked, "malformed");
    set(&asked, "Authorization", STR(SECRET));
    is_refused(&asked, "malformed");
    end(&asked);
}

/* Section 2 and 2.1 of RFC 7617. */
Test(inbound, basic_takes_the_examples_of_RFC_7617) {
    struct asked asked;

    begin(&asked, "{'auth': 'basic', 'user': 'Aladdin', "
                  "'secret': {'secret': 'ALADDIN'}}");
    set(&asked, "Authorization", STR("Basic QWxhZGRpbjpvcGVuIHNlc2FtZQ=="));
    is_trusted(&asked);
    cr_expect_str_eq(asked.result.who, "Aladdin");
    set(&asked, "Authorization", STR("Basic QWxhZGRpbjpvcGVuIHNlc2FtZR=="));
    is_refused(&asked, "signature");
    set(&asked, "Authorization", STR("Basic QWxhZGRpbjpvcGVuIHNlc2FtZQ"));
    is_refused(&asked, "signature");
    set(&asked, "Authorization", STR("Basic Aladdin:open sesame"));
    is_refused(&asked, "signature");
    end(&asked);
    begin(&asked, "{'auth': 'basic', 'user': 'test', "
                  "'secret': {'secret': 'POUND'}}");
    set(&asked, "Authorization", STR("Basic dGVzdDoxMjPCow=="));
    is_trusted(&asked);
    end(&asked);
}

/* --- MACs -------------------------------------------------------------------- */

/* "Validating webhook deliveries" in GitHub's documentation. */
Test(inbound, IN2_github_takes_the_example_of_its_documentation) {
    struct asked asked;

    begin(&asked, "{'auth': 'github', 'secret': {'secret': 'GITHUB'}}");
    asked.request.body = STR("Hello, World!");
    is_refused(&asked, "missing");
    set(&asked, "X-Hub-Signature-256",
        STR("sha256=757107ea0eb2509fc211221cce984b8a"
            "37570b6d7586c22c46f4379c8b043e17"));
    set(&asked, "X-GitHub-Delivery",
        STR("72d3162e-cc78-11e3-81ab-4c9367dc0958"));
    is_trusted(&asked);
    cr_expect_str_eq(asked.result.delivery,
                     "72d3162e-cc78-11e3-81ab-4c9367dc0958");
    cr_expect_not(asked.result.signed_id);
    asked.request.body = STR("Hello, World! ");
    is_refused(&asked, "signature");
    set(&asked, "X-Hub-Signature-256",
        STR("sha1=757107ea0eb2509fc211221cce984b8a"
            "37570b6d7586c22c46f4379c8b043e17"));
    is_refused(&asked, "malformed");
    end(&asked);
}

static void mac_hex(const char *secret, struct str text, struct buf *out) {
    struct crypto_hmac_key key;

    crypto_hmac_key_init(&key, str_of(secret));
    crypto_hmac_hex(&key, text, out);
    crypto_hmac_key_wipe(&key);
}

Test(inbound, IN2_a_mac_is_over_the_bytes_as_they_came) {
    struct asked     asked;
    const struct str bodies[] = {STR(""), STR("\0\xFF\xFE not text"),
                                 STR("{\"a\": 1}\r\n"), STR("{\"a\":1}")};
    struct buf       value = BUF_EMPTY;

    begin(&asked, "{'auth': 'github', 'secret': {'secret': 'NEW'}}");
    for (size_t i = 0; i < sizeof bodies / sizeof *bodies; i++) {
        buf_clear(&value);
        buf_add_text(&value, "sha256=");
        mac_hex(SECRET, bodies[i], &value);
        set(&asked, "X-Hub-Signature-256", buf_str(&value));
        for (size_t k = 0; k < sizeof bodies / sizeof *bodies; k++) {
            asked.request.body = bodies[k];
            if (i == k)
                is_trusted(&asked);
            else
                is_refused(&asked, "signature");
        }
    }
    buf_release(&value);
    end(&asked);
}

Test(inbound, every_bit_of_a_mac_counts) {
    struct asked asked;
    struct buf   value = BUF_EMPTY;

    begin(&asked, "{'auth': 'github', 'secret': {'secret': 'NEW'}}");
    asked.request.body = STR("{}");
    buf_add_text(&value, "sha256=");
    mac_hex(SECRET, STR("{}"), &value);
    set(&asked, "X-Hub-Signature-256", buf_str(&value));
    for (size_t bit = 0; bit < value.len * 8; bit++) {
        value.data[bit / 8] ^= (char)(1 << bit % 8);
        cr_expect_eq(check(&asked), INBOUND_REFUSED, "bit %zu", bit);
        value.data[bit / 8] ^= (char)(1 << bit % 8);
    }
    is_trusted(&asked);
    buf_release(&value);
    end(&asked);
}

Test(inbound, IN4_pagerduty_gives_several_and_one_is_enough) {
    struct asked asked;
    struct buf   value = BUF_EMPTY;

    begin(&asked, "{'auth': 'pagerduty', 'secret': {'secret': 'NEW'}}");
    asked.request.body = STR("{\"event\":{}}");
    buf_add_text(&value, "v1=00,v2=ff, v1=");
    mac_hex(SECRET, asked.request.body, &value);
    set(&asked, "X-PagerDuty-Signature", buf_str(&value));
    is_trusted(&asked);
    cr_expect_str_eq(asked.result.delivery, "");
    buf_add_text(&value, "0");
    set(&asked, "X-PagerDuty-Signature", buf_str(&value));
    is_refused(&asked, "signature");
    set(&asked, "X-PagerDuty-Signature", STR("v2=00,,"));
    is_refused(&asked, "malformed");
    end(&asked);
    buf_release(&value);
}

Test(inbound, a_header_with_too_many_macs_is_refused) {
    struct asked asked;
    struct buf   value = BUF_EMPTY;

    begin(&asked, "{'auth': 'pagerduty', 'secret': {'secret': 'NEW'}}");
    buf_add_text(&value, "v1=");
    mac_hex(SECRET, STR(""), &value);
    for (int i = 0; i < 15; i++)
        buf_add_text(&value, ",v1=00");
    set(&asked, "X-PagerDuty-Signature", buf_str(&value));
    is_trusted(&asked);
    buf_add_text(&value, ",v1=00");
    set(&asked, "X-PagerDuty-Signature", buf_str(&value));
    is_refused(&asked, "malformed");
    buf_release(&value);
    end(&asked);
}

Test(inbound, IN4_two_secrets_are_taken_and_the_result_says_which) {
    static const char *const of[] = {SECRET, OLDER};
    struct asked             asked;
    struct buf               value = BUF_EMPTY;

    begin(&asked, "{'auth': 'github', 'secret': {'secret': 'NEW'}, "
                  "'old_secret': {'secret': 'OLD'}}");
    for (int i = 0; i < 2; i++) {
        buf_clear(&value);
        buf_add_text(&value, "sha256=");
        mac_hex(of[i], STR("body"), &value);
        asked.request.body = STR("body");
        set(&asked, "X-Hub-Signature-256", buf_str(&value));
        is_trusted(&asked);
        cr_expect_eq(asked.result.secret, i);
    }
    end(&asked);
    begin(&asked, "{'auth': 'bearer', 'secret': {'secret': 'NEW'}, "
                  "'old_secret': {'secret': 'OLD'}}");
    set(&asked, "Authorization", STR("Bearer " OLDER));
    is_trusted(&asked);
    cr_expect_eq(asked.result.secret, 1);
    end(&asked);
    begin(&asked, "{'auth': 'github', 'secret': {'secret': 'NEW'}}");
    asked.request.body = STR("body");
    set(&asked, "X-Hub-Signature-256", buf_str(&value));
    is_refused(&asked, "signature");
    end(&asked);
    buf_release(&value);
}

/* --- Standard Webhooks ------------------------------------------------------- */

#define STANDARD_AT 1614265330000

/* The example that the specification's own libraries are tested with. */
static void begin_standard(struct asked *asked, const char *name) {
    struct buf settings = BUF_EMPTY;

    buf_addf(&settings, "{'auth': 'standard', 'secret': {'secret': '%s'}}",
             name);
    begin(asked, buf_text(&settings));
    buf_release(&settings);
    asked->request.now_ms = STANDARD_AT;
    asked->request.body = STR("{\"test\": 2432232314}");
    set(asked, "webhook-id", STR("msg_p5jXN8AQM9LWM0D4loKWxJek"));
    set(asked, "webhook-timestamp", STR("1614265330"));
    set(asked, "webhook-signature",
        STR("v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE="));
}

Test(inbound, standard_takes_the_example_of_the_specification) {
    struct asked asked;

    begin_standard(&asked, "WHSEC");
    is_trusted(&asked);
    cr_expect_str_eq(asked.result.delivery, "msg_p5jXN8AQM9LWM0D4loKWxJek");
    cr_expect(asked.result.signed_id);
    end(&asked);
    begin_standard(&asked, "BARE");
    is_trusted(&asked);
    end(&asked);
}

Test(inbound, IN4_standard_passes_over_macs_of_others_and_other_versions) {
    struct asked asked;

    begin_standard(&asked, "WHSEC");
    set(&asked, "webhook-signature",
        STR("v1a,AAAA v1,AAAA v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE= "
            "v2,BBBB"));
    is_trusted(&asked);
    set(&asked, "webhook-signature",
        STR("v2,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE="));
    is_refused(&asked, "malformed");
    set(&asked, "webhook-signature",
        STR("v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OF="));
    is_refused(&asked, "signature");
    end(&asked);
}

Test(inbound, IN3_a_signed_time_is_taken_up_to_the_window_on_both_sides) {
    static const struct {
        int64_t     late_ms;
        const char *why;
    } cases[] = {{0, NULL},
                 {300000, NULL},
                 {-300000, NULL},
                 {300001, "timestamp"},
                 {-300001, "timestamp"},
                 {86400000, "timestamp"}};
    struct asked asked;

    begin_standard(&asked, "WHSEC");
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        asked.request.now_ms = STANDARD_AT + cases[i].late_ms;
        if (cases[i].why)
            is_refused(&asked, cases[i].why);
        else
            is_trusted(&asked);
    }
    end(&asked);
}

Test(inbound, IN3_the_window_is_the_configured_one) {
    struct asked asked;

    begin(&asked, "{'auth': 'slack', 'secret': {'secret': 'NEW'}, "
                  "'window_ms': 1000}");
    set(&asked, "X-Slack-Request-Timestamp", STR("1772330584"));
    set(&asked, "X-Slack-Signature", STR("v0=00"));
    is_refused(&asked, "signature");
    asked.request.now_ms = NOW + 1001;
    is_refused(&asked, "timestamp");
    asked.request.now_ms = NOW - 1001;
    is_refused(&asked, "timestamp");
    end(&asked);
}

Test(inbound, IN3_a_time_in_another_form_is_refused) {
    static const char *const wrong[] = {
        "-1614265330",  "+1614265330", "1614265330 ",   " 1614265330",
        "1614265330.0", "0x60380b32",  "9999999999999", "now"};
    struct asked asked;

    begin_standard(&asked, "WHSEC");
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
        set(&asked, "webhook-timestamp", str_of(wrong[i]));
        is_refused(&asked, "malformed");
    }
    set(&asked, "webhook-timestamp", STR(""));
    is_refused(&asked, "missing");
    end(&asked);
}

/* The same signed bytes, cut in other places. */
Test(inbound, standard_reads_what_is_signed_in_one_way_only) {
    struct asked asked;

    begin_standard(&asked, "WHSEC");
    set(&asked, "webhook-id", STR("msg_p5jXN8AQM9LWM0D4loKWxJek.1614265330"));
    set(&asked, "webhook-timestamp", STR("1614265330"));
    is_refused(&asked, "malformed");
    end(&asked);
}

Test(inbound, an_id_longer_than_its_place_is_refused) {
    struct asked asked;
    char         id[202];

    memset(id, 'a', sizeof id);
    begin_standard(&asked, "WHSEC");
    set(&asked, "webhook-id", (struct str){id, 201});
    is_refused(&asked, "malformed");
    set(&asked, "webhook-id", (struct str){id, 200});
    is_refused(&asked, "signature");
    set(&asked, "webhook-id", STR("with\0nul"));
    is_refused(&asked, "malformed");
    end(&asked);
}

/* --- Slack ------------------------------------------------------------------- */

Test(inbound, slack_signs_version_time_and_body) {
    struct asked asked;
    struct buf   value = BUF_EMPTY;

    begin(&asked, "{'auth': 'slack', 'secret': {'secret': 'NEW'}}");
    asked.request.body = STR("token=x&command=%2Fweather");
    buf_add_text(&value, "v0=");
    mac_hex(SECRET, STR("v0:1772330584:token=x&command=%2Fweather"), &value);
    set(&asked, "X-Slack-Request-Timestamp", STR("1772330584"));
    set(&asked, "X-Slack-Signature", buf_str(&value));
    is_trusted(&asked);
    set(&asked, "X-Slack-Request-Timestamp", STR("1772330585"));
    is_refused(&asked, "signature");
    set(&asked, "X-Slack-Request-Timestamp", STR(""));
    is_refused(&asked, "missing");
    buf_release(&value);
    end(&asked);
}

/* --- certificates of clients, and nobody -------------------------------------- */

Test(inbound, mtls_takes_a_subject_or_a_dns_name_letter_for_letter) {
    struct asked asked;

    begin(&asked, "{'auth': 'mtls', 'allow': ['CN=alerts,O=Ours', "
                  "'am.example.com']}");
    is_refused(&asked, "missing");
    asked.request.client_subject = STR("CN=alerts,O=Ours");
    is_trusted(&asked);
    cr_expect_str_eq(asked.result.who, "CN=alerts,O=Ours");
    asked.request.client_subject = STR("CN=alerts,O=Ours,C=XX");
    is_refused(&asked, "name");
    asked.request.client_names = STR("other.example.com\nam.example.com\n");
    is_trusted(&asked);
    cr_expect_str_eq(asked.result.who, "am.example.com");
    asked.request.client_names = STR("xam.example.com\nam.example.com.evil\n");
    is_refused(&asked, "name");
    asked.request.client_names = STR("\n\n");
    is_refused(&asked, "name");
    end(&asked);
}

Test(inbound, none_takes_anyone_and_says_so) {
    struct asked asked;
    struct err   err = {.text = ""};

    begin(&asked, "{'auth': 'none'}");
    cr_expect_eq(inbound_method(asked.inbound), INBOUND_NONE);
    is_trusted(&asked);
    cr_expect_not(inbound_learn(asked.inbound, STR(""), STR(""), NOW, &err));
    end(&asked);
}

/* --- SNS --------------------------------------------------------------------- */

#define TOPIC "arn:aws:sns:eu-west-1:111122223333:alarms"
#define ADDRESS \
    "https://sns.eu-west-1.amazonaws.com/SimpleNotificationService-0123.pem"
#define MESSAGE_ID "165545c9-2a5c-472c-8df2-7ff2be2b3b1b"

static struct json *notification(const char *version, const char *signature) {
    struct json *message = json_new_map();

    json_put_text(message, "Type", STR("Notification"));
    json_put_text(message, "MessageId", STR(MESSAGE_ID));
    json_put_text(message, "TopicArn", STR(TOPIC));
    json_put_text(message, "Message",
                  STR("line one\nline two: \"gr\xC3\xB6\xC3\x9F"
                      "e\""));
    json_put_text(message, "Timestamp", STR("2026-03-01T02:03:04.123Z"));
    json_put_text(message, "SignatureVersion", str_of(version));
    json_put_text(message, "Signature", str_of(signature));
    json_put_text(message, "SigningCertURL", STR(ADDRESS));
    return message;
}

static struct json *subscription(void) {
    struct json *message = notification("2", SNS_SIGNATURE_SUBSCRIPTION);

    json_put_text(message, "Type", STR("SubscriptionConfirmation"));
    json_put_text(message, "Token", STR("2336412f37"));
    json_put_text(message, "SubscribeURL",
                  STR("https://sns.eu-west-1.amazonaws.com/"
                      "?Action=ConfirmSubscription"));
    return message;
}

static bool learn(struct asked *asked, const char *url, const char *pem,
                  struct err *err) {
    return inbound_learn(asked->inbound, str_of(url), str_of(pem), NOW, err);
}

static void begin_sns(struct asked *asked) {
    struct err err;

    begin(asked, "{'auth': 'sns', 'allow': ['arn:aws:sns:eu-west-1:"
                 "111122223333:other', '" TOPIC "']}");
    cr_assert(learn(asked, ADDRESS, SNS_CERTIFICATE, &err), "%s", err.text);
}

/* Judges a message, and releases it. */
static enum inbound_verdict judge(struct asked *asked, struct json *message) {
    struct buf           body = BUF_EMPTY;
    enum inbound_verdict verdict;

    json_write(message, &body);
    asked->request.body = buf_str(&body);
    verdict = check(asked);
    buf_release(&body);
    json_release(message);
    return verdict;
}

static void sns_is(struct asked *asked, struct json *message, const char *why) {
    enum inbound_verdict verdict = judge(asked, message);

    cr_expect_str_eq(inbound_why_name(asked->result.why), why ? why : "");
    cr_expect_eq(verdict, why ? INBOUND_REFUSED : INBOUND_TRUSTED);
}

Test(inbound, sns_takes_both_versions_and_all_kinds_of_message) {
    struct asked asked;
    struct json *message;

    begin_sns(&asked);
    sns_is(&asked, notification("1", SNS_SIGNATURE_SHA1), NULL);
    cr_expect_str_eq(asked.result.delivery, MESSAGE_ID);
    cr_expect_str_eq(asked.result.who, TOPIC);
    cr_expect(asked.result.signed_id);
    sns_is(&asked, notification("2", SNS_SIGNATURE_SHA256), NULL);
    message = notification("2", SNS_SIGNATURE_SUBJECT);
    json_put_text(message, "Subject", STR("ALARM: \"checkout\""));
    sns_is(&asked, message, NULL);
    message = notification("2", SNS_SIGNATURE_SHA256);
    json_put(message, "Subject", json_new_null());
    sns_is(&asked, message, NULL);
    cr_expect_eq(asked.result.about, INBOUND_ABOUT_EVENT);
    sns_is(&asked, subscription(), NULL);
    cr_expect_eq(asked.result.about, INBOUND_ABOUT_SUBSCRIBING);
    cr_expect_str_eq(asked.result.confirm, ""); /* it names no topic */
    cr_expect_not(inbound_confirms(asked.inbound));
    end(&asked);
}

Test(inbound, sns_refuses_a_message_of_which_any_signed_field_was_altered) {
    static const char *const fields[] = {"Message", "MessageId", "SubscribeURL",
                                         "Token"};
    struct asked             asked;
    struct json             *message;

    begin_sns(&asked);
    for (size_t i = 0; i < sizeof fields / sizeof *fields; i++) {
        message = subscription();
        json_put_text(message, fields[i], STR("https://elsewhere/"));
        sns_is(&asked, message, "signature");
    }
    message = subscription();
    json_put_text(message, "Type", STR("UnsubscribeConfirmation"));
    sns_is(&asked, message, "signature");
    message = subscription();
    json_put_text(message, "Timestamp", STR("2026-03-01T02:03:04.124Z"));
    sns_is(&asked, message, "signature");
    message = notification("2", SNS_SIGNATURE_SHA256);
    json_put_text(message, "Subject", STR("added"));
    sns_is(&asked, message, "signature");
    sns_is(&asked, notification("1", SNS_SIGNATURE_SHA256), "signature");
    sns_is(&asked, notification("2", SNS_SIGNATURE_SHA1), "signature");
    end(&asked);
}

Test(inbound, sns_refuses_what_is_not_in_its_form) {
    static const char *const needed[] = {"Type",      "MessageId",
                                         "Message",   "SignatureVersion",
                                         "Signature", "Timestamp"};
    struct asked             asked;
    struct json             *message;

    begin_sns(&asked);
    for (size_t i = 0; i < sizeof needed / sizeof *needed; i++) {
        message = notification("2", SNS_SIGNATURE_SHA256);
        json_drop(message, needed[i]);
        sns_is(&asked, message, "malformed");
    }
    sns_is(&asked, notification("3", SNS_SIGNATURE_SHA256), "malformed");
    sns_is(&asked, notification("2", "not base64"), "malformed");
    sns_is(&asked, notification("2", "QQ"), "malformed");
    sns_is(&asked, json_new_list(), "malformed");
    asked.request.body = STR("{\"Type\": \"Notification\", \"Type\": 1}");
    is_refused(&asked, "malformed");
    asked.request.body = STR("");
    is_refused(&asked, "malformed");
    end(&asked);
}

Test(inbound, sns_refuses_topics_that_are_not_allowed_before_all_else) {
    struct asked asked;
    struct json *message = notification("2", SNS_SIGNATURE_SHA256);

    begin_sns(&asked);
    json_put_text(message, "TopicArn", STR(TOPIC "x"));
    json_put_text(message, "SigningCertURL", STR("https://elsewhere/a.pem"));
    sns_is(&asked, message, "topic");
    message = notification("2", SNS_SIGNATURE_SHA256);
    json_drop(message, "TopicArn");
    sns_is(&asked, message, "topic");
    message = notification("2", SNS_SIGNATURE_SHA256);
    json_put_text(message, "TopicArn",
                  STR("arn:aws:sns:eu-west-1:111122223333:other"));
    sns_is(&asked, message, "signature");
    end(&asked);
}

Test(inbound, IN3_sns_has_a_window_of_an_hour) {
    struct asked asked;

    begin_sns(&asked);
    asked.request.now_ms = NOW + 123 + 3600000;
    sns_is(&asked, notification("2", SNS_SIGNATURE_SHA256), NULL);
    asked.request.now_ms++;
    sns_is(&asked, notification("2", SNS_SIGNATURE_SHA256), "timestamp");
    asked.request.now_ms = NOW + 123 - 3600001;
    sns_is(&asked, notification("2", SNS_SIGNATURE_SHA256), "timestamp");
    end(&asked);
}

/* The signed text of a notification whose Message ends like the fields behind
 * it, read as if that were the fields. */
Test(inbound, IN8_no_field_but_the_message_may_hold_a_line_end) {
    struct asked asked;
    struct json *message = notification("2", SNS_SIGNATURE_SHA256);

    begin_sns(&asked);
    json_put_text(message, "Message", STR("line one"));
    json_put_text(message, "MessageId", STR("x\nMessageId\n" MESSAGE_ID));
    sns_is(&asked, message, "malformed");
    message = subscription();
    json_put_text(message, "Token", STR("2336\n412f37"));
    sns_is(&asked, message, "malformed");
    message = subscription();
    json_put_text(message, "Token", STR(""));
    sns_is(&asked, message, "malformed");
    end(&asked);
}

Test(inbound, IN7_a_confirmation_is_one_request_to_sns) {
    static const char *const wrong[] = {
        "http://sns.eu-west-1.amazonaws.com/?Action=ConfirmSubscription&T=1",
        "https://sns.eu-west-1.amazonaws.com/?Action=DeleteTopic&T=1",
        "https://sns.eu-west-1.amazonaws.com/a?Action=ConfirmSubscription&T=1",
        "https://sns.s3-eu-west-1.amazonaws.com/"
        "?Action=ConfirmSubscription&T=1",
        "https://evil.example/?Action=ConfirmSubscription&T=1",
        "https://sns.eu-west-1.amazonaws.com/"
        "?Action=ConfirmSubscription&T=1#x",
        "https://sns.eu-west-1.amazonaws.com/?Action=ConfirmSubscription",
    };

    cr_expect(inbound_cache_is_confirmation(
        STR("https://sns.eu-west-1.amazonaws.com/?Action=ConfirmSubscription"
            "&TopicArn=arn:aws:sns:eu-west-1:111122223333:alarms&Token=2f")));
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++)
        cr_expect_not(inbound_cache_is_confirmation(str_of(wrong[i])), "%s",
                      wrong[i]);
}

/* --- IN7 --------------------------------------------------------------------- */

Test(inbound, IN7_sns_asks_for_a_certificate_once_and_only_from_sns) {
    static const char *const wrong[] = {
        "http://sns.eu-west-1.amazonaws.com/a.pem",
        "https://sns.eu-west-1.amazonaws.com.evil.example/a.pem",
        "https://sns.eu-west-1.amazonaws.com@evil.example/a.pem",
        "https://sns.eu-west-1.amazonaws.com:8443/a.pem",
        "https://sns.eu-west-1.amazonaws.com/a.pem?x=.pem",
        "https://sns.eu-west-1.amazonaws.com/a.pem#.pem",
        "https://sns.eu-west-1.amazonaws.com/a.txt",
        "https://sns.eu-west-1.amazonaws.com/%2e%2e/a.pem",
        "https://sns.eu-west-1.amazonaws.com",
        "https://sns.eu.west.amazonaws.com/a.pem",
        "https://sns.amazonaws.com/a.pem",
        "https://sns..amazonaws.com/a.pem",
        "https://sqs.eu-west-1.amazonaws.com/a.pem",
        "https://SNS.eu-west-1.amazonaws.com/a.pem",
        "https://evil.example/sns.eu-west-1.amazonaws.com/a.pem",
        "https://sns.evil.example/a.amazonaws.com/a.pem",
        "https://127.0.0.1/a.pem",
        "https://sns.s3-eu-west-1.amazonaws.com/a.pem", /* buckets */
        "https://sns.s3.amazonaws.com/a.pem",
        "https://sns.s3-website-us-east-1.amazonaws.com/a.pem",
        "https://sns.compute-1.amazonaws.com/a.pem",
        "https://sns.eu-west.amazonaws.com/a.pem",
        "https://sns.EU-west-1.amazonaws.com/a.pem",
        "https://sns.eu-west-1-.amazonaws.com/a.pem",
        "",
    };
    struct asked asked;
    struct json *message;

    begin_sns(&asked);
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
        message = notification("2", SNS_SIGNATURE_SHA256);
        json_put_text(message, "SigningCertURL", str_of(wrong[i]));
        sns_is(&asked, message, "address");
        cr_expect_str_eq(asked.result.url, "");
    }
    message = notification("2", SNS_SIGNATURE_SHA256);
    json_put_text(message, "SigningCertURL",
                  STR("https://sns.cn-north-1.amazonaws.com.cn/a/b.pem"));
    cr_expect_eq(judge(&asked, message), INBOUND_NEEDS_CERTIFICATE);
    cr_expect_str_eq(asked.result.url,
                     "https://sns.cn-north-1.amazonaws.com.cn/a/b.pem");
    cr_expect_str_eq(asked.result.who, "");
    end(&asked);
}

static void learns(struct asked *asked, const char *url, const char *pem,
                   const char *problem) {
    struct err err = {.text = ""};
    bool       ok = learn(asked, url, pem, &err);

    cr_expect_eq(ok, problem == NULL, "%s: %s", url, err.text);
    cr_expect(!problem || support_has(err.text, problem), "%s", err.text);
}

Test(inbound, IN7_a_certificate_names_sns_of_its_region) {
    static const char south[] = "https://sns.af-south-1.amazonaws.com/a.pem";
    struct asked      asked;

    begin_sns(&asked);
    learns(&asked, ADDRESS, SNS_CERTIFICATE_OTHER, "does not name SNS");
    learns(&asked, ADDRESS, SNS_CERTIFICATE_WILD, "does not name SNS");
    learns(&asked, ADDRESS, SNS_CERTIFICATE_AFRICA, "does not name SNS");
    learns(&asked, south, SNS_CERTIFICATE_AFRICA, NULL);
    learns(&asked, "https://sns.cn-north-1.amazonaws.com.cn/a.pem",
           SNS_CERTIFICATE, "does not name SNS");
    learns(&asked, ADDRESS, SNS_CERTIFICATE_SHORT_KEY, "no certificate");
    learns(&asked, ADDRESS, "-----BEGIN CERTIFICATE-----", "no certificate");
    learns(&asked, ADDRESS, "", "no certificate");
    learns(&asked, "https://evil.example/a.pem", SNS_CERTIFICATE,
           "not an address of SNS");
    end(&asked);
}

Test(inbound, IN7_a_certificate_is_used_only_while_it_is_valid) {
    struct asked  asked;
    struct err    err = {.text = ""};
    const int64_t year = 1798761600000; /* 2027-01-01 */

    begin(&asked, "{'auth': 'sns', 'allow': ['" TOPIC "'], "
                  "'window_ms': 86400000}");
    cr_expect_not(inbound_learn(asked.inbound, STR(ADDRESS),
                                STR(SNS_CERTIFICATE), year + 1000, &err));
    cr_expect(support_has(err.text, "is not valid now"));
    cr_expect_not(inbound_learn(asked.inbound, STR(ADDRESS),
                                STR(SNS_CERTIFICATE), 1767225599000, &err));
    cr_expect(learn(&asked, ADDRESS, SNS_CERTIFICATE, &err));
    sns_is(&asked, notification("2", SNS_SIGNATURE_SHA256), NULL);
    for (int64_t at = year; at <= year + 1000; at += 1000) {
        struct json *message = notification("2", SNS_SIGNATURE_SHA256);

        json_put_text(message, "Timestamp", STR("2026-12-31T23:59:59Z"));
        asked.request.now_ms = at;
        cr_expect_eq(judge(&asked, message),
                     at == year ? INBOUND_REFUSED : INBOUND_NEEDS_CERTIFICATE);
    }
    end(&asked);
}

Test(inbound, IN7_certificates_are_few_and_the_first_gives_way) {
    struct asked asked;
    struct buf   url = BUF_EMPTY;

    begin_sns(&asked);
    for (int i = 0; i < 7; i++) {
        buf_clear(&url);
        buf_addf(&url, "https://sns.eu-west-1.amazonaws.com/%d.pem", i);
        learns(&asked, buf_text(&url), SNS_CERTIFICATE, NULL);
    }
    learns(&asked, buf_text(&url), SNS_CERTIFICATE, NULL); /* no second one */
    sns_is(&asked, notification("2", SNS_SIGNATURE_SHA256), NULL);
    learns(&asked, "https://sns.eu-west-1.amazonaws.com/x.pem", SNS_CERTIFICATE,
           NULL);
    cr_expect_eq(judge(&asked, notification("2", SNS_SIGNATURE_SHA256)),
                 INBOUND_NEEDS_CERTIFICATE);
    cr_expect_str_eq(asked.result.url, ADDRESS);
    buf_release(&url);
    end(&asked);
}

#define ROUNDS 200

static void *check_often(void *arg) {
    struct asked         *shared = arg;
    struct inbound_result result;
    size_t                trusted = 0;

    for (int i = 0; i < ROUNDS; i++)
        trusted += inbound_check(shared->inbound, &shared->request, &result) ==
                   INBOUND_TRUSTED;
    return (void *)trusted;
}

/* The certificate is replaced, and closed, while others verify with it. */
Test(inbound, checks_on_many_threads_while_certificates_are_learned) {
    struct asked asked;
    struct json *message = notification("2", SNS_SIGNATURE_SHA256);
    struct buf   body = BUF_EMPTY;
    pthread_t    threads[4];
    struct err   err;
    void        *trusted;

    begin_sns(&asked);
    json_write(message, &body);
    json_release(message);
    asked.request.body = buf_str(&body);
    for (int i = 0; i < 4; i++)
        (void)pthread_create(&threads[i], NULL, check_often, &asked);
    for (int i = 0; i < ROUNDS; i++)
        cr_expect(learn(&asked, ADDRESS, SNS_CERTIFICATE, &err));
    for (int i = 0; i < 4; i++) {
        (void)pthread_join(threads[i], &trusted);
        cr_expect_eq((size_t)trusted, ROUNDS);
    }
    buf_release(&body);
    end(&asked);
}

/* --- IN1 --------------------------------------------------------------------- */

/* Instructions that a check takes: the same code is stepped through by another
 * process. Wall time says nothing here, the count is exact. -1: not allowed to
 * trace. */
static long steps_of(struct asked *asked) {
    pid_t child = fork();
    long  steps = 0;
    int   status;

    cr_assert(child >= 0);
    if (child == 0) {
        if (ptrace(PTRACE_TRACEME, 0, NULL, NULL) != 0)
            _exit(1);
        (void)raise(SIGSTOP);
        (void)check(asked);
        (void)raise(SIGSTOP);
        _exit(0);
    }
    (void)waitpid(child, &status, 0);
    if (!WIFSTOPPED(status))
        return -1;
    do {
        (void)ptrace(PTRACE_SINGLESTEP, child, NULL, NULL);
        (void)waitpid(child, &status, 0);
        steps++;
    } while (WIFSTOPPED(status) && WSTOPSIG(status) == SIGTRAP);
    (void)ptrace(PTRACE_KILL, child, NULL, NULL);
    (void)kill(child, SIGKILL);
    (void)waitpid(child, &status, 0);
    return steps;
}

/* The value with the byte at `at` altered, and 0 for the header's name. */
static long steps_with(struct asked *asked, const char *name, struct buf *value,
                       size_t at) {
    long steps;

    value->data[at] ^= 1;
    set(asked, name, buf_str(value));
    cr_expect_eq(check(asked), INBOUND_REFUSED);
    steps = steps_of(asked);
    value->data[at] ^= 1;
    return steps;
}

static void takes_the_same_way(struct asked *asked, const char *name,
                               struct buf *value, size_t prefix) {
    long first = steps_with(asked, name, value, prefix);
    long last = steps_with(asked, name, value, value->len - 2);
    long middle = steps_with(asked, name, value, (prefix + value->len) / 2);

    if (first < 0)
        cr_skip_test("this machine lets no process trace its child");
    cr_expect_gt(first, 100);
    cr_expect_eq(first, last, "%s: %ld and %ld steps", name, first, last);
    cr_expect_eq(first, middle, "%s: %ld and %ld", name, first, middle);
    set(asked, name, buf_str(value));
    cr_expect_eq(check(asked), INBOUND_TRUSTED);
}

Test(inbound, IN1_a_mac_that_is_nearly_right_takes_no_other_way) {
    struct asked asked;
    struct buf   value = BUF_EMPTY;

    begin(&asked, "{'auth': 'github', 'secret': {'secret': 'NEW'}, "
                  "'old_secret': {'secret': 'OLD'}}");
    asked.request.body = STR("{}");
    buf_add_text(&value, "sha256=");
    mac_hex(SECRET, STR("{}"), &value);
    takes_the_same_way(&asked, "X-Hub-Signature-256", &value, 7);
    buf_release(&value);
    end(&asked);
}

Test(inbound, IN1_a_token_that_is_nearly_right_takes_no_other_way) {
    struct asked asked;
    struct buf   value = BUF_EMPTY;

    begin(&asked, "{'auth': 'bearer', 'secret': {'secret': 'NEW'}, "
                  "'old_secret': {'secret': 'OLD'}}");
    buf_add_text(&value, "Bearer " SECRET);
    takes_the_same_way(&asked, "Authorization", &value, 7);
    buf_release(&value);
    end(&asked);
}

Test(inbound, IN5_N11_a_result_holds_nothing_of_a_secret) {
    struct asked asked;
    struct buf   value = BUF_EMPTY;

    begin(&asked, "{'auth': 'basic', 'user': 'me', "
                  "'secret': {'secret': 'NEW'}}");
    buf_add_text(&value, "Basic ");
    encode_base64(STR("me:" SECRET), &value);
    set(&asked, "Authorization", buf_str(&value));
    is_trusted(&asked);
    cr_expect_null(memmem(&asked.result, sizeof asked.result, SECRET, 8));
    cr_expect_null(
        memmem(&asked.result, sizeof asked.result, value.data + 10, 8));
    cr_expect_str_eq(asked.result.who, "me");
    buf_release(&value);
    end(&asked);
}
