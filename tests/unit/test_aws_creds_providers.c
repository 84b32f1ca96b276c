/* test_aws_creds_providers.c - container, instance metadata, web identity. */
#include "creds_bench.h"

#include "sys/loop.h"

TestSuite(aws_creds_providers, .init = creds_bench_open,
          .fini = creds_bench_close, .timeout = 20);

static void rule(const char *begins, const char *needs, int status,
                 const char *body) {
    loopback_rule(&bench.server,
                  (struct loopback_rule){begins, needs, status, body, 0});
}

static void is_key(const char *wanted) {
    const char *key = creds_bench_key("");

    cr_assert_not_null(key, "%s", bench.err.text);
    cr_assert_str_eq(key, wanted);
}

static void is_refused(const char *words) {
    cr_assert_null(creds_bench_key(""));
    cr_assert(support_has(bench.err.text, words), "%s", bench.err.text);
}

static void asked_is(const char *wanted) {
    cr_expect_str_eq(buf_text(&bench.server.asked), wanted);
}

/* --- container --------------------------------------------------------- */

Test(aws_creds_providers, a_container_sends_its_token_anew_from_its_file) {
    bench.options.inputs.container_url = creds_bench_text("%s/c", bench.url);
    bench.options.inputs.container_token_file =
        creds_bench_file("token", "pod-token-1\n");
    rule("GET /c", "Authorization: pod-token-1\r\n", 200,
         creds_bench_json("FIRST", 3600));
    rule("GET /c", "Authorization: pod-token-2\r\n", 200,
         creds_bench_json("SECOND", 3600));
    is_key("FIRST");
    (void)creds_bench_file("token", "pod-token-2");
    cr_assert(aws_creds_forget(bench.creds, STR("")));
    is_key("SECOND");
}

Test(aws_creds_providers, a_container_may_have_its_token_in_the_environment) {
    bench.options.inputs.container_url = creds_bench_text("%s/c", bench.url);
    secret_put(bench.secrets, "AWS_CONTAINER_AUTHORIZATION_TOKEN",
               STR("task-token"));
    rule("GET /c", "Authorization: task-token\r\n", 200,
         creds_bench_json("FIRST", 3600));
    is_key("FIRST");
}

Test(aws_creds_providers, AC8_a_token_is_not_sent_to_a_place_of_somebody) {
    static const char *const urls[] = {"http://example.test/c",
                                       "http://10.0.0.1/c",
                                       "http://169.254.169.254/c",
                                       "http://169.254.170.3/c",
                                       "http://[fd00:ec2::254]/c",
                                       "http://127.0.0.1.example.test/c",
                                       "http://localhost@evil.test/c",
                                       "http://127.evil.test/c",
                                       "ftp://127.0.0.1/c",
                                       "/c"};

    secret_put(bench.secrets, "AWS_CONTAINER_AUTHORIZATION_TOKEN",
               STR("task-token"));
    for (size_t i = 0; i < sizeof urls / sizeof *urls; i++) {
        bench.options.inputs.container_url = urls[i];
        aws_creds_close(bench.creds);
        bench.creds = NULL;
        cr_assert_null(creds_bench_key(""), "%s", urls[i]);
        cr_expect(support_has(bench.err.text, "FULL_URI is neither https") ||
                      support_has(bench.err.text, "cannot be used"),
                  "%s: %s", urls[i], bench.err.text);
        cr_expect_not(support_has(bench.err.text, "task-token"));
    }
    asked_is("");
}

Test(aws_creds_providers, AC3_N11_a_container_shows_no_path_and_no_token) {
    bench.options.inputs.container_url =
        creds_bench_text("%s/secret-path", bench.url);
    secret_put(bench.secrets, "AWS_CONTAINER_AUTHORIZATION_TOKEN",
               STR("line\nend-token"));
    is_refused("the authorization token has a line end");
    cr_expect_not(support_has(bench.err.text, "end-token"));
    secret_put(bench.secrets, "AWS_CONTAINER_AUTHORIZATION_TOKEN",
               STR("task-token"));
    cr_assert(aws_creds_forget(bench.creds, STR("")));
    rule("GET /secret-path", NULL, 200, "task-token is not JSON");
    is_refused("its answer is not JSON");
    cr_expect_not(support_has(bench.err.text, "secret-path"));
    cr_expect_not(support_has(bench.err.text, "task-token"));
}

Test(aws_creds_providers, AC3_N11_a_container_that_is_gone_shows_no_path) {
    bench.options.inputs.container_url = "http://127.0.0.1:9/secret-path";
    is_refused("its endpoint did not answer (io)");
    cr_expect_not(support_has(bench.err.text, "secret-path"));
}

Test(aws_creds_providers, credentials_without_an_end_are_not_taken) {
    bench.options.inputs.container_url = creds_bench_text("%s/c", bench.url);
    rule("GET /c", NULL, 200,
         "{\"AccessKeyId\":\"A\",\"SecretAccessKey\":\"B\",\"Token\":\"C\"}");
    is_refused("its answer has no Expiration");
}

Test(aws_creds_providers, what_may_pass_soon_has_a_code_that_is_tried_again) {
    static const struct {
        int           status;
        enum err_code code;
    } cases[] = {{429, ERR_THROTTLED},
                 {500, ERR_IO},
                 {503, ERR_IO},
                 {400, ERR_DENIED},
                 {401, ERR_DENIED}};

    bench.options.inputs.container_url = creds_bench_text("%s/c", bench.url);
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        loopback_clear(&bench.server);
        rule("GET /c", NULL, cases[i].status, "");
        aws_creds_close(bench.creds);
        bench.creds = NULL;
        is_refused("its endpoint answered with status");
        cr_expect_eq(bench.err.code, cases[i].code, "%d", cases[i].status);
    }
}

/* --- instance metadata ------------------------------------------------- */

#define ROLES "/latest/meta-data/iam/security-credentials/"

static void instance(void) {
    bench.options.inputs.metadata_disabled = "false";
    bench.options.inputs.metadata_endpoint = creds_bench_text("%s/", bench.url);
}

Test(aws_creds_providers, AC6_an_instance_is_asked_with_a_session_token) {
    instance();
    rule("PUT /latest/api/token",
         "X-aws-ec2-metadata-token-ttl-seconds: 21600\r\n", 200, "imds-token");
    rule("GET " ROLES " ", "X-aws-ec2-metadata-token: imds-token\r\n", 200,
         "my role\n");
    rule("GET " ROLES "my%20role ", "X-aws-ec2-metadata-token: imds-token\r\n",
         200, creds_bench_json("FIRST", 3600));
    is_key("FIRST");
    asked_is("PUT /latest/api/token\nGET " ROLES "\nGET " ROLES "my%20role\n");
}

Test(aws_creds_providers, AC6_who_gives_no_session_token_is_asked_no_more) {
    static const int statuses[] = {403, 404, 405, 500, 200};

    instance();
    for (size_t i = 0; i < sizeof statuses / sizeof *statuses; i++) {
        loopback_clear(&bench.server);
        rule("PUT /latest/api/token", NULL, statuses[i], "");
        rule("GET " ROLES " ", NULL, 200, "role");
        rule("GET " ROLES "role ", NULL, 200, creds_bench_json("V1", 3600));
        aws_creds_close(bench.creds);
        bench.creds = NULL;
        is_refused("instance metadata: ");
        asked_is("PUT /latest/api/token\n");
    }
}

Test(aws_creds_providers, AC6_a_token_that_would_split_a_header_is_not_sent) {
    static const char *const tokens[] = {"token\nX: 1", "token\rX: 1"};

    instance();
    for (size_t i = 0; i < 2; i++) {
        loopback_clear(&bench.server);
        rule("PUT /latest/api/token", NULL, 200, tokens[i]);
        aws_creds_close(bench.creds);
        bench.creds = NULL;
        is_refused("the session token cannot be used");
        asked_is("PUT /latest/api/token\n");
    }
}

Test(aws_creds_providers, an_instance_without_a_role_has_no_credentials) {
    instance();
    rule("PUT /latest/api/token", NULL, 200, "imds-token");
    is_refused("instance metadata: the instance has no role (status 404)");
}

Test(aws_creds_providers, a_metadata_endpoint_elsewhere_is_not_reached) {
    instance();
    bench.options.inputs.metadata_endpoint = "http://192.0.2.1";
    is_refused("192.0.2.1 may not be reached");
}

/* --- web identity ------------------------------------------------------ */

#define ROLE "arn:aws:iam::111111111111:role/pod"

static void web_identity(const char *token) {
    bench.options.inputs.web_identity_token_file =
        creds_bench_file("token", token);
    bench.options.inputs.role_arn = ROLE;
}

Test(aws_creds_providers, a_web_identity_is_exchanged_without_a_signature) {
    web_identity("web.identity/token+1\n");
    bench.options.inputs.role_session_name = "pod-7";
    rule("POST /sts", "&WebIdentityToken=web.identity%2Ftoken%2B1", 200,
         creds_bench_xml("AssumeRoleWithWebIdentity", "FIRST", 3600));
    rule("POST /sts", "&WebIdentityToken=second", 200,
         creds_bench_xml("AssumeRoleWithWebIdentity", "SECOND", 3600));
    is_key("FIRST");
    cr_expect(support_has(buf_text(&bench.server.last),
                          "Action=AssumeRoleWithWebIdentity&"));
    cr_expect(
        support_has(buf_text(&bench.server.last), "&RoleSessionName=pod-7&"));
    cr_expect_not(support_has(buf_text(&bench.server.last), "Authorization"));
    (void)creds_bench_file("token", "second");
    cr_assert(aws_creds_forget(bench.creds, STR("")));
    is_key("SECOND");
}

Test(aws_creds_providers, AC3_N11_a_refused_web_identity_shows_no_token) {
    web_identity("web-identity-token");
    rule("POST /sts", NULL, 400,
         "<ErrorResponse><Error><Code>InvalidIdentityToken</Code><Message>"
         "cannot read web-identity-token</Message></Error></ErrorResponse>");
    is_refused("web identity: AssumeRoleWithWebIdentity " ROLE ": status 400");
    cr_expect_not(support_has(bench.err.text, "web-identity-token"));
}

Test(aws_creds_providers, sts_that_throttles_is_told_as_such) {
    web_identity("token");
    rule("POST /sts", NULL, 400,
         "<ErrorResponse><Error><Code>Throttling</Code></Error>"
         "</ErrorResponse>");
    is_refused("status 400 Throttling");
    cr_expect_eq(bench.err.code, ERR_THROTTLED);
}

Test(aws_creds_providers, AC3_a_web_identity_without_role_or_token_says_so) {
    web_identity("token");
    bench.options.inputs.role_arn = NULL;
    is_refused("there is a token file and no role");
    aws_creds_close(bench.creds);
    bench.creds = NULL;
    web_identity("\n");
    is_refused("/token is empty");
    aws_creds_close(bench.creds);
    bench.creds = NULL;
    bench.options.inputs.web_identity_token_file = "/nowhere/token";
    is_refused("/nowhere/token");
}

Test(aws_creds_providers, sts_needs_a_region_that_is_one) {
    web_identity("token");
    json_release(bench.config);
    bench.config = support_json("{}");
    is_refused("no AWS region to ask STS in");
    aws_creds_close(bench.creds);
    bench.creds = NULL;
    json_release(bench.config);
    bench.config = support_json("{'aws': {'region': 'evil.test/'}}");
    is_refused("no AWS region to ask STS in");
}

Test(aws_creds_providers, an_answer_of_sts_that_is_none_is_not_taken) {
    static const char *const bodies[] = {
        "", "<a", "<AssumeRoleResponse/>",
        "<AssumeRoleWithWebIdentityResponse><AssumeRoleWithWebIdentityResult>"
        "<Credentials><AccessKeyId>A</AccessKeyId><SecretAccessKey>B"
        "</SecretAccessKey></Credentials></AssumeRoleWithWebIdentityResult>"
        "</AssumeRoleWithWebIdentityResponse>"};

    web_identity("token");
    for (size_t i = 0; i < sizeof bodies / sizeof *bodies; i++) {
        loopback_clear(&bench.server);
        rule("POST /sts", NULL, 200, bodies[i]);
        aws_creds_close(bench.creds);
        bench.creds = NULL;
        is_refused("its answer has no credentials with an expiry");
    }
}
