/* test_aws_creds.c - what is held, for how long, and for whom. */
#include "creds_bench.h"

#include "aws/signer_aws.h"
#include "net/http_client.h"
#include "sys/loop.h"

#define ROLE "arn:aws:iam::222222222222:role/ops"

TestSuite(aws_creds, .init = creds_bench_open, .fini = creds_bench_close,
          .timeout = 20);

static void is_key(const char *account, const char *wanted) {
    const char *key = creds_bench_key(account);

    cr_assert_not_null(key, "%s", bench.err.text);
    cr_assert_str_eq(key, wanted);
}

static void is_refused(const char *account, const char *words) {
    cr_assert_null(creds_bench_key(account));
    cr_assert(support_has(bench.err.text, words), "%s", bench.err.text);
}

static void advance(int seconds) {
    clock_virtual_advance(&bench.clock, seconds * INT64_C(1000));
}

static int asked(void) {
    int lines = 0;

    for (size_t i = 0; i < bench.server.asked.len; i++)
        lines += bench.server.asked.data[i] == '\n';
    return lines;
}

static void environment(void) {
    secret_put(bench.secrets, "AWS_ACCESS_KEY_ID", STR("AKIDENV"));
    secret_put(bench.secrets, "AWS_SECRET_ACCESS_KEY", STR("secret-of-env"));
}

static void other_account(const char *role) {
    json_release(bench.config);
    bench.config = support_json(creds_bench_text(
        "{'aws': {'region': 'eu-central-1', 'account': '111111111111', "
        "'endpoints': {'sts': '%s/sts'}, 'accounts': {'222222222222': "
        "{'role': '%s', 'external_id': 'x+1'}}}}",
        bench.url, role));
}

Test(aws_creds, AC1_what_lasts_is_kept_and_refreshed_before_its_end) {
    creds_bench_container("FIRST", 3600, 1);
    creds_bench_container("SECOND", 7200, 1);
    is_key("", "FIRST");
    advance(3600 - 301);
    is_key("", "FIRST");
    cr_expect_eq(asked(), 1);
    advance(2);
    is_key("", "SECOND");
    cr_expect_eq(asked(), 2);
}

Test(aws_creds, AC1_what_ends_within_a_minute_is_not_signed_with) {
    creds_bench_container("FIRST", 59, 1);
    is_refused("", "end within a minute");
    advance(6);
    creds_bench_container("SECOND", 70, 0);
    is_key("", "SECOND");
    is_key("", "SECOND");
    cr_expect_eq(asked(), 2, "an agent is not asked again at once");
}

Test(aws_creds, AC1_a_refresh_that_fails_leaves_the_old_ones_until_they_end) {
    creds_bench_container("FIRST", 3600, 1);
    is_key("", "FIRST");
    advance(3500);
    is_key("", "FIRST");
    cr_expect_eq(asked(), 2, "it was tried");
    is_key("", "FIRST");
    cr_expect_eq(asked(), 2, "and not at once again");
    advance(31);
    is_key("", "FIRST");
    cr_expect_eq(asked(), 3);
    advance(69);
    is_refused("", "container: its endpoint answered with status 404");
    advance(6);
    creds_bench_container("SECOND", 3600, 0);
    is_key("", "SECOND");
}

Test(aws_creds, AC1_what_has_ended_does_not_sign) {
    struct sigv4_credentials found;

    creds_bench_container("FIRST", 3600, 0);
    is_key("", "FIRST");
    advance(3600);
    cr_expect_not(aws_creds_find(bench.creds, STR(""), &found, &bench.err));
    cr_expect(support_has(bench.err.text, "run out"), "%s", bench.err.text);
}

static void one_turn(void *arg) {
    (void)arg;
    loop_stop(bench.loop);
}

Test(aws_creds, AC2_who_prepares_meanwhile_waits_for_the_same_fetch) {
    creds_bench_container("FIRST", 3600, 0);
    for (int i = 0; i < 3; i++)
        creds_bench_start("");
    while (asked() == 0) {
        loop_defer(bench.loop, one_turn, NULL);
        loop_run(bench.loop);
    }
    creds_bench_start("");
    creds_bench_wait(4);
    cr_expect_eq(bench.refused, 0);
    cr_expect_eq(asked(), 1);
}

Test(aws_creds, AC3_no_credentials_says_what_each_provider_had) {
    static const char *const words[] = {
        "environment: AWS_ACCESS_KEY_ID is not set",
        "web identity: AWS_WEB_IDENTITY_TOKEN_FILE is not set",
        "profile: there is no profile default",
        "container: neither AWS_CONTAINER_CREDENTIALS_RELATIVE_URI",
        "instance metadata: AWS_EC2_METADATA_DISABLED is set"};

    for (size_t i = 0; i < sizeof words / sizeof *words; i++)
        is_refused("", words[i]);
    cr_expect_eq(bench.err.code, ERR_DENIED);
}

Test(aws_creds, AC3_a_provider_that_is_set_up_and_fails_is_no_reason_to_go_on) {
    secret_put(bench.secrets, "AWS_ACCESS_KEY_ID", STR("AKIDENV"));
    creds_bench_container("FIRST", 3600, 0);
    is_refused("", "environment: AWS_ACCESS_KEY_ID is set, but: there is no "
                   "secret access key");
    cr_expect_eq(asked(), 0);
}

Test(aws_creds, AC3_N11_a_key_that_cannot_be_used_is_not_in_the_error) {
    secret_put(bench.secrets, "AWS_ACCESS_KEY_ID", STR("AKID"));
    secret_put(bench.secrets, "AWS_SECRET_ACCESS_KEY", STR("two words"));
    is_refused("", "control character");
    cr_expect_not(support_has(bench.err.text, "two words"));
}

static bool is_shown(const char *text) {
    struct buf out = BUF_EMPTY;
    bool       shown;

    redact_text(bench.redact, str_of(text), &out);
    shown = support_has(buf_text(&out), text);
    buf_release(&out);
    return shown;
}

Test(aws_creds, AC4_N11_what_was_fetched_is_known_to_the_redactor_at_once) {
    creds_bench_container("KEYFIRST", 3600, 0);
    cr_expect(is_shown("secret-of-KEYFIRST"));
    is_key("", "KEYFIRST");
    cr_expect_not(is_shown("secret-of-KEYFIRST"));
    cr_expect_not(is_shown("token-of-KEYFIRST"));
    cr_expect_not(is_shown("KEYFIRST"));
}

Test(aws_creds, AC4_N11_a_roles_credentials_are_known_too) {
    environment();
    other_account(ROLE);
    loopback_rule(&bench.server,
                  (struct loopback_rule){
                      "POST /sts", NULL, 200,
                      creds_bench_xml("AssumeRole", "KEYTHERE", 3600), 0});
    is_key("222222222222", "KEYTHERE");
    cr_expect_not(is_shown("token-of-KEYTHERE"));
}

Test(aws_creds, AC5_an_account_with_a_row_is_acted_in_with_its_role) {
    environment();
    other_account(ROLE);
    loopback_rule(&bench.server,
                  (struct loopback_rule){
                      "POST /sts", "Credential=AKIDENV/", 200,
                      creds_bench_xml("AssumeRole", "THERE", 3600), 0});
    is_key("222222222222", "THERE");
    cr_expect(support_has(buf_text(&bench.server.last),
                          "Action=AssumeRole&Version=2011-06-15&RoleArn="
                          "arn%3Aaws%3Aiam%3A%3A222222222222%3Arole%2Fops&"
                          "RoleSessionName=nightshift&ExternalId=x%2B1"),
              "%s", buf_text(&bench.server.last));
    is_key("", "AKIDENV");
    is_key("111111111111", "AKIDENV");
    is_key("222222222222", "THERE");
    cr_expect_eq(asked(), 1);
}

Test(aws_creds, AC5_an_account_that_is_not_ours_and_has_no_row_is_refused) {
    struct sigv4_credentials found;

    environment();
    other_account(ROLE);
    is_refused("333333333333", "account 333333333333 is not ours "
                               "(111111111111), and aws.accounts.333333333333");
    cr_expect_not(
        aws_creds_find(bench.creds, STR("333333333333"), &found, &bench.err));
    cr_expect_eq(asked(), 0);
}

Test(aws_creds, AC5_a_row_with_a_role_of_another_account_is_refused) {
    environment();
    other_account("arn:aws:iam::444444444444:role/ops");
    is_refused("222222222222", "is a role of another account");
    cr_expect_eq(asked(), 0);
}

Test(aws_creds, AC3_a_role_that_is_refused_says_why_and_nothing_secret) {
    environment();
    other_account(ROLE);
    loopback_rule(
        &bench.server,
        (struct loopback_rule){
            "POST /sts", NULL, 403,
            "<ErrorResponse><Error><Code>AccessDenied</Code>"
            "<Message>may not assume</Message></Error></ErrorResponse>",
            1});
    is_refused("222222222222", "account 222222222222: AssumeRole " ROLE
                               ": status 403 AccessDenied: may not assume");
    advance(6);
    loopback_rule(
        &bench.server,
        (struct loopback_rule){
            "POST /sts", NULL, 403,
            "<ErrorResponse><Error><Code>Odd</Code><Message>signed with "
            "secret-of-env</Message></Error></ErrorResponse>",
            0});
    is_refused("222222222222", "its words are left out");
    cr_expect_not(support_has(bench.err.text, "secret-of-env"));
}

Test(aws_creds, ours_are_fetched_anew_when_sts_says_that_they_have_run_out) {
    creds_bench_container("FIRST", 3600, 1);
    creds_bench_container("SECOND", 3600, 0);
    other_account(ROLE);
    loopback_rule(&bench.server,
                  (struct loopback_rule){
                      "POST /sts", "Credential=FIRST/", 403,
                      "<ErrorResponse><Error><Code>ExpiredToken</Code></Error>"
                      "</ErrorResponse>",
                      0});
    loopback_rule(&bench.server,
                  (struct loopback_rule){
                      "POST /sts", "Credential=SECOND/", 200,
                      creds_bench_xml("AssumeRole", "THERE", 3600), 0});
    is_key("222222222222", "THERE");
    cr_expect_str_eq(buf_text(&bench.server.asked),
                     "GET /c\nPOST /sts/\nGET /c\nPOST /sts/\n");
}

Test(aws_creds, a_clock_that_is_off_is_mended_once_and_ends_are_told_in_ours) {
    static const char off[] =
        "<ErrorResponse><Error><Code>SignatureDoesNotMatch</Code><Message>"
        "Signature expired: 20260101T000000Z is now earlier than "
        "20260101T014500Z</Message></Error></ErrorResponse>";

    environment();
    other_account(ROLE);
    bench.server.date = "Thu, 01 Jan 2026 02:00:00 GMT";
    loopback_rule(&bench.server,
                  (struct loopback_rule){
                      "POST /sts", "X-Amz-Date: 20260101T0200", 200,
                      creds_bench_xml("AssumeRole", "THERE", 7200 + 3600), 1});
    loopback_rule(&bench.server,
                  (struct loopback_rule){"POST /sts", NULL, 403, off, 0});
    is_key("222222222222", "THERE");
    cr_expect_eq(asked(), 2);
    advance(3600 - 301);
    is_key("222222222222", "THERE");
    cr_expect_eq(asked(), 2);
    advance(301);
    is_refused("222222222222", "SignatureDoesNotMatch");
    cr_expect_eq(asked(), 4, "mended once, then told");
}

Test(aws_creds, what_was_forgotten_is_fetched_anew) {
    creds_bench_container("FIRST", 3600, 1);
    creds_bench_container("SECOND", 3600, 0);
    is_key("", "FIRST");
    cr_expect(aws_creds_forget(bench.creds, STR("")));
    is_key("", "SECOND");
}

Test(aws_creds, the_environments_are_not_fetched_anew) {
    environment();
    is_key("", "AKIDENV");
    cr_expect_not(aws_creds_forget(bench.creds, STR("")));
    is_key("", "AKIDENV");
}

Test(aws_creds, a_failure_is_told_again_for_a_while_without_asking) {
    bench.options.inputs.container_url = creds_bench_text("%s/c", bench.url);
    is_refused("", "status 404");
    is_refused("", "status 404");
    cr_expect_eq(bench.err.code, ERR_DENIED);
    cr_expect_eq(asked(), 1);
    advance(6);
    is_refused("", "status 404");
    cr_expect_eq(asked(), 2);
}

static const char *lookup(const char *variable) {
    if (strcmp(variable, "AWS_PROFILE") == 0)
        return "ops";
    return strcmp(variable, "AWS_ROLE_ARN") == 0 ? "" : NULL;
}

Test(aws_creds, an_empty_variable_is_one_that_is_not_set) {
    struct aws_creds_inputs inputs;

    aws_creds_inputs_read(&inputs, lookup);
    cr_expect_str_eq(inputs.profile, "ops");
    cr_expect_null(inputs.role_arn);
    cr_expect_null(inputs.home);
}

Test(aws_creds, SN1_the_signer_signs_with_what_was_prepared) {
    struct signer_scope scope = {.service = STR("ecs"),
                                 .region = STR("eu-central-1")};
    struct http_request request;
    struct signer      *signer;

    creds_bench_container("FIRST", 3600, 0);
    is_key("", "FIRST");
    signer = signer_aws_open(bench.creds);
    bench.creds = NULL; /* the signer's now */
    http_request_init(&request, "POST", STR("https://ecs.test/"));
    cr_assert(
        signer_sign(signer, &scope, bench.clock.wall_ms, &request, &bench.err),
        "%s", bench.err.text);
    cr_expect(
        support_has(http_headers_find(&request.headers, "Authorization").data,
                    "Credential=FIRST/20260101/eu-central-1/ecs/aws4_request"));
    cr_expect_str_eq(
        http_headers_find(&request.headers, "X-Amz-Security-Token").data,
        "token-of-FIRST");
    cr_expect(signer_forget(signer, &scope));
    http_request_release(&request);
    signer_close(signer);
}
