/* test_aws_creds_profile.c - keys and roles of the shared files. */
#include "creds_bench.h"

#include <stdlib.h>

#include "sys/file.h"
#include "sys/loop.h"

#define ARN "arn:aws:iam::111111111111:role/"

TestSuite(aws_creds_profile, .init = creds_bench_open,
          .fini = creds_bench_close, .timeout = 20);

static void files(const char *config, const char *credentials) {
    bench.options.inputs.config_file = creds_bench_file("config", config);
    bench.options.inputs.credentials_file =
        creds_bench_file("credentials", credentials);
}

static void assumes(const char *with, const char *key) {
    loopback_rule(&bench.server,
                  (struct loopback_rule){
                      "POST /sts", creds_bench_text("Credential=%s/", with),
                      200, creds_bench_xml("AssumeRole", key, 3600), 0});
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

static bool sent(const char *part) {
    return support_has(buf_text(&bench.server.last), part);
}

Test(aws_creds_profile, keys_come_from_the_credentials_file_first) {
    files("[default]\naws_access_key_id=CONFIG\naws_secret_access_key=c\n",
          "[default]\naws_access_key_id=SHARED\naws_secret_access_key=s\n");
    is_key("SHARED");
}

Test(aws_creds_profile, keys_may_stand_in_the_config_file) {
    bench.options.inputs.profile = "ops";
    files("[profile ops]\naws_access_key_id=CONFIG\naws_secret_access_key=c\n",
          "[default]\naws_access_key_id=SHARED\naws_secret_access_key=s\n");
    is_key("CONFIG");
}

Test(aws_creds_profile, half_a_key_is_an_error) {
    files("", "[default]\naws_access_key_id=SHARED\n");
    is_refused("profile: profile default: there is no secret access key");
}

Test(aws_creds_profile, a_key_of_several_lines_is_an_error) {
    files("", "[default]\naws_access_key_id=SHARED\n  more\n"
              "aws_secret_access_key=s\n");
    is_refused("a blank or a control character in a key");
}

Test(aws_creds_profile, a_profile_that_is_asked_for_must_be_there) {
    bench.options.inputs.profile = "ops";
    files("[ops]\naws_access_key_id=A\naws_secret_access_key=B\n", "");
    is_refused("AWS_PROFILE is ops, and neither");
}

Test(aws_creds_profile, files_stand_below_home) {
    files("", "");
    bench.options.inputs.config_file = NULL;
    bench.options.inputs.home = bench.directory;
    bench.options.inputs.credentials_file = "~/credentials";
    (void)creds_bench_file(
        "credentials",
        "[default]\naws_access_key_id=HOME\naws_secret_access_key=s\n");
    is_key("HOME");
}

Test(aws_creds_profile, a_role_is_assumed_with_its_sources_keys) {
    files("[default]\nrole_arn=" ARN "a\nsource_profile=base\nexternal_id=x/1\n"
          "role_session_name=me\nduration_seconds=900\n",
          "[base]\naws_access_key_id=BASE\naws_secret_access_key=s\n");
    assumes("BASE", "ROLE");
    is_key("ROLE");
    cr_expect(sent("RoleArn=arn%3Aaws%3Aiam%3A%3A111111111111%3Arole%2Fa&"
                   "RoleSessionName=me&ExternalId=x%2F1&DurationSeconds=900"),
              "%s", buf_text(&bench.server.last));
}

Test(aws_creds_profile, roles_stand_on_each_other) {
    files("[default]\nrole_arn=" ARN "top\nsource_profile=mid\n"
          "[profile mid]\nrole_arn=" ARN "mid\nsource_profile=base\n",
          "[base]\naws_access_key_id=BASE\naws_secret_access_key=s\n");
    assumes("BASE", "MID");
    assumes("MID", "TOP");
    is_key("TOP");
    cr_expect(sent("role%2Ftop"));
    cr_expect(sent("X-Amz-Security-Token: token-of-MID"));
}

Test(aws_creds_profile, a_profile_may_be_the_source_of_its_own_keys) {
    files("[default]\nrole_arn=" ARN "a\nsource_profile=default\n",
          "[default]\naws_access_key_id=OWN\naws_secret_access_key=s\n");
    assumes("OWN", "ROLE");
    is_key("ROLE");
}

Test(aws_creds_profile, a_ring_of_sources_is_refused) {
    files("[default]\nrole_arn=" ARN "a\nsource_profile=b\n"
          "[profile b]\nrole_arn=" ARN "b\nsource_profile=c\n"
          "[profile c]\nrole_arn=" ARN "c\nsource_profile=b\n",
          "");
    is_refused("profile b is a source of itself, by way of profile c");
    files("[default]\nrole_arn=" ARN "a\nsource_profile=default\n", "");
    cr_assert(aws_creds_forget(bench.creds, STR("")));
    is_refused("profile default is a source of itself");
}

Test(aws_creds_profile, a_role_names_one_source_that_exists) {
    static const struct {
        const char *lines, *words;
    } cases[] = {
        {"", "neither source_profile nor credential_source"},
        {"source_profile=x\ncredential_source=Environment\n",
         "both source_profile and credential_source"},
        {"source_profile=x\n", "source_profile x of profile default does not"},
        {"credential_source=Nobody\n", "credential_source is Environment"},
        {"source_profile=default\nmfa_serial=arn:x\n", "nobody to ask"},
    };

    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        char text[300];

        (void)snprintf(text, sizeof text, "[default]\nrole_arn=" ARN "a\n%s",
                       cases[i].lines);
        files(text, "");
        aws_creds_close(bench.creds);
        bench.creds = NULL;
        is_refused(cases[i].words);
    }
}

Test(aws_creds_profile, a_role_may_stand_on_the_environment) {
    /* The environment itself comes first in the chain, so only a source that
     * lacks shows that it was asked. */
    files("[default]\nrole_arn=" ARN "a\ncredential_source=Environment\n", "");
    is_refused("source Environment of profile default: AWS_ACCESS_KEY_ID is "
               "not set");
}

Test(aws_creds_profile, a_role_may_stand_on_a_containers_credentials) {
    files("[default]\nrole_arn=" ARN "a\ncredential_source=EcsContainer\n", "");
    creds_bench_container("TASK", 3600, 0);
    assumes("TASK", "ROLE");
    is_key("ROLE");
}

Test(aws_creds_profile, a_role_may_stand_on_a_web_identity) {
    files(creds_bench_text("[default]\nrole_arn=" ARN "a\nsource_profile=web\n"
                           "[profile web]\nrole_arn=" ARN
                           "web\nweb_identity_token_file=%s\n",
                           creds_bench_file("token", "t0ken")),
          "");
    loopback_rule(&bench.server,
                  (struct loopback_rule){
                      "POST /sts", "WebIdentityToken=t0ken", 200,
                      creds_bench_xml("AssumeRoleWithWebIdentity", "WEB", 3600),
                      0});
    assumes("WEB", "ROLE");
    is_key("ROLE");
}

Test(aws_creds_profile, a_profiles_region_is_where_sts_is_asked) {
    files("[default]\nregion=us-west-2\nrole_arn=" ARN "a\nsource_profile=b\n",
          "[b]\naws_access_key_id=BASE\naws_secret_access_key=s\n");
    json_release(bench.config);
    bench.config = support_json(
        creds_bench_text("{'aws': {'endpoint': '%s/sts'}}", bench.url));
    assumes("BASE", "ROLE");
    is_key("ROLE");
    cr_expect(sent("/us-west-2/sts/aws4_request"));
}

Test(aws_creds_profile, AC7_no_program_is_started_and_no_log_in_awaited) {
    const char *proof = creds_bench_text("%s/ran", bench.directory);

    files(creds_bench_text("[default]\ncredential_process=/usr/bin/touch %s\n",
                           proof),
          "");
    is_refused("profile default has credential_process, and we start no "
               "programs");
    cr_expect_not(file_exists(proof));
    files("[default]\nsso_session=x\nsso_account_id=1\nsso_role_name=y\n", "");
    cr_assert(aws_creds_forget(bench.creds, STR("")));
    is_refused("profile default has sso settings");
    files("[default]\nlogin_session=arn:aws:iam::1:user/me\n", "");
    cr_assert(aws_creds_forget(bench.creds, STR("")));
    is_refused("profile default has login_session, and a log-in by a person "
               "is not something we can do: use a role");
}

Test(aws_creds_profile, AC7_a_program_of_a_source_is_not_started_either) {
    files("[default]\nrole_arn=" ARN "a\nsource_profile=b\n"
          "[profile b]\ncredential_process=/bin/true\n",
          "");
    is_refused("source b of profile default: profile b has credential_process");
}

Test(aws_creds_profile, AC3_a_broken_file_is_named_with_its_line) {
    files("[default\n", "");
    is_refused("/config: line 1: a section ends in ]");
}
