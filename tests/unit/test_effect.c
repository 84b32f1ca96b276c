/* test_effect.c - what a request is, is read from the request. */
#include <criterion/criterion.h>

#include <string.h>

#include "effect/effect.h"
#include "support.h"

static struct err err;

static enum effect_class class_of(const char *question) {
    struct effect effect = support_effect(question, NULL);
    enum effect_class class = effect.class;

    effect_release(&effect);
    return class;
}

static void refused(const char *question, enum err_code code,
                    const char *part) {
    struct json  *asked = support_json(question);
    struct json  *config = support_json("{'http': {'allow': ['ok.test']}}");
    struct effect effect;

    cr_expect_not(effect_make(&effect, asked, config, &err), "%s", question);
    cr_expect_eq(err.code, code, "%s: %s", question, err.text);
    cr_expect(support_has(err.text, part), "%s", err.text);
    json_release(asked);
    json_release(config);
}

Test(effect, E1_N4_a_name_that_no_rule_knows_is_a_write_of_class_once) {
    cr_expect_eq(class_of("['', 'aws', 'ecs:DeleteService', {}]"), EFFECT_ONCE);
    cr_expect_eq(class_of("['', 'aws', 'brandnew:DoSomething', {}]"),
                 EFFECT_ONCE);
    cr_expect_eq(class_of("['', 'github', 'DELETE /repos/{owner}', {}]"),
                 EFFECT_ONCE);
    cr_expect_eq(effect_class_of(STR("http:GET ok.test/x")), EFFECT_ONCE);
    cr_expect_eq(effect_class_of(STR("nonsense")), EFFECT_ONCE);
}

Test(effect, E1_N4_an_unknown_write_has_the_widest_target_of_its_service) {
    struct effect effect = support_effect(
        "['', 'aws', 'ecs:DeleteService', {'cluster': 'c', 'service': 's'}]",
        "{'aws': {'region': 'eu-1', 'account': '1'}}");

    cr_expect_str_eq(effect.target, "aws:1/eu-1/ecs/*");
    cr_expect_null(effect.rule);
    effect_release(&effect);
    effect = support_effect("['', 'github', 'DELETE /orgs/x', {}]", NULL);
    cr_expect_str_eq(effect.target, "github:*");
    effect_release(&effect);
}

Test(effect, E1_a_verb_reads_only_where_a_capital_follows_it) {
    cr_expect_eq(class_of("['', 'aws', 'ecs:DescribeServices', {}]"),
                 EFFECT_READ);
    cr_expect_eq(class_of("['', 'aws', 'ec2:Getaway', {}]"), EFFECT_ONCE);
    cr_expect_eq(class_of("['', 'aws', 'ec2:Listen', {}]"), EFFECT_ONCE);
    cr_expect_eq(class_of("['', 'aws', 'cognito-identity:GetId', {}]"),
                 EFFECT_ONCE);
    cr_expect_eq(class_of("['', 'prometheus', 'query', {}]"), EFFECT_READ);
    cr_expect_eq(class_of("['', 'github', 'GET /repos/{o}/{r}', {}]"),
                 EFFECT_READ);
}

Test(effect, N4_the_arguments_decide_between_two_rules) {
    cr_expect_eq(class_of("['', 'aws', 'ecs:UpdateService', "
                          "{'desiredCount': 4}]"),
                 EFFECT_SET);
    cr_expect_eq(class_of("['', 'aws', 'ecs:UpdateService', "
                          "{'forceNewDeployment': true}]"),
                 EFFECT_VERIFY);
    cr_expect_eq(class_of("['', 'aws', 'ecs:UpdateService', "
                          "{'forceNewDeployment': false}]"),
                 EFFECT_SET);
    /* Services take "true" for true, so the careful class it is. */
    cr_expect_eq(class_of("['', 'aws', 'ecs:UpdateService', "
                          "{'forceNewDeployment': 'true'}]"),
                 EFFECT_VERIFY);
}

Test(effect, N4_plain_http_reads_only_where_the_configuration_says_so) {
    static const char config[] =
        "{'http': {'allow': ['ok.test'], 'reads': ['GET ok.test/health']}}";
    struct effect effect = support_effect(
        "['', 'http', {'url': 'https://ok.test/health?deep=1'}]", config);

    cr_expect_str_eq(effect.name, "http:GET ok.test/health");
    cr_expect_eq(effect.class, EFFECT_READ);
    cr_expect_str_eq(effect.target, "http:ok.test");
    effect_release(&effect);
    effect = support_effect("['', 'http', {'url': 'https://ok.test/other'}]",
                            config);
    cr_expect_eq(effect.class, EFFECT_ONCE);
    effect_release(&effect);
    effect = support_effect("['', 'http', {'method': 'POST', 'url': "
                            "'https://ok.test/health'}]",
                            config);
    cr_expect_eq(effect.class, EFFECT_ONCE);
    effect_release(&effect);
}

static void digests(const char *one, const char *other, bool same) {
    struct effect a = support_effect(one, NULL),
                  b = support_effect(other, NULL);

    cr_expect_eq(strcmp(a.digest, b.digest) == 0, same, "%s and %s", one,
                 other);
    effect_release(&a);
    effect_release(&b);
}

Test(effect, E2_the_digest_is_of_name_and_canonical_arguments) {
    digests("['', 'aws', 'ecs:StopTask', {'task': 't', 'cluster': 'c'}]",
            "['', 'aws', 'ecs:StopTask', {'cluster': 'c', 'task': 't'}]", true);
    digests("['', 'aws', 'ecs:StopTask', {'task': 't'}]",
            "['', 'aws', 'ecs:StopTask', {'task': 'u'}]", false);
    digests("['', 'aws', 'ecs:StopTask', {'n': 1}]",
            "['', 'aws', 'ecs:StopTask', {'n': 1.0}]", false);
    digests("['', 'aws', 'ecs:StopTask', {'n': []}]",
            "['', 'aws', 'ecs:StopTask', {'n': {}}]", false);
    digests("['', 'aws', 'ecs:StopTask', {}]", "['', 'aws', 'ecs:RunTask', {}]",
            false);
    digests("['', 'aws', 'ecs:StopTask', {}]",
            "['', 'aws', 'ecs:StopTask', {}, {'region': 'us-1'}]", false);
}

Test(effect, E2_the_digest_does_not_know_who_asked_or_when) {
    digests("['scripts/nodes/a.lua:3', 'aws', 'ecs:StopTask', {'task': 't'}]",
            "['scripts/nodes/b.lua:99', 'aws', 'ecs:StopTask', {'task': 't'}]",
            true);
}

Test(effect, E3_what_returns_credentials_or_secrets_is_of_class_secret) {
    static const char *const questions[] = {
        "['', 'aws', 'secretsmanager:GetSecretValue', {}]",
        "['', 'aws', 'sts:AssumeRole', {}]",
        "['', 'aws', 'ec2:GetPasswordData', {}]",
        "['', 'aws', 'ecr:GetAuthorizationToken', {}]",
        "['', 'aws', 'kms:Decrypt', {}]",
        "['', 'aws', 'ssm:GetParameter', {'WithDecryption': true}]",
        "['', 'aws', 'ssm:GetParameters', {'WithDecryption': true}]",
        "['', 'aws', 'ssm:GetParametersByPath', {'WithDecryption': true}]",
        "['', 'aws', 'ssm:GetParameterHistory', {'WithDecryption': true}]",
        /* Services take these for true as well. */
        "['', 'aws', 'ssm:GetParameter', {'WithDecryption': 'true'}]",
        "['', 'aws', 'ssm:GetParameter', {'WithDecryption': 1}]",
        "['', 'github', "
        "'POST /app/installations/{installation_id}/access_tokens', {}]",
        /* The same route, filled in or named otherwise. */
        "['', 'github', 'POST /app/installations/7/access_tokens', {}]",
        "['', 'github', 'POST /app/installations/{id}/access_tokens', {}]",
        "['', 'github', 'POST /app/installations/{id}/Access_Tokens//', {}]",
        "['', 'github', 'POST /app/installations/7/{a}', "
        "{'a': 'access_tokens'}]",
        "['', 'github', 'POST /app/{path}', "
        "{'path': 'installations/7/access_tokens'}]",
        "['', 'github', 'POST /app-manifests/{code}/conversions', "
        "{'code': 'x'}]",
        "['', 'github', "
        "'POST /repos/{owner}/{repo}/actions/runners/registration-token', "
        "{'owner': 'o', 'repo': 'r'}]",
    };

    for (size_t i = 0; i < sizeof questions / sizeof *questions; i++)
        cr_expect_eq(class_of(questions[i]), EFFECT_SECRET, "%s", questions[i]);
    cr_expect_eq(class_of("['', 'aws', 'ssm:GetParameter', {}]"), EFFECT_READ);
    cr_expect_eq(class_of("['', 'aws', 'ssm:GetParameter', "
                          "{'WithDecryption': false}]"),
                 EFFECT_READ);
    cr_expect_eq(effect_class_of(STR("aws:sts:AssumeRole")), EFFECT_SECRET);
}

Test(effect, E3_another_spelling_of_a_service_is_no_service) {
    refused("['', 'aws', 'SecretsManager:GetSecretValue', {}]", ERR_INVALID,
            "is no service:Operation");
    refused("['', 'aws', 'secretsmanager:getSecretValue', {}]", ERR_INVALID,
            "is no service:Operation");
}

Test(effect, names_have_one_form_for_each_kind) {
    static const char *const good[] = {
        "aws:ecs:UpdateService", "github:GET /repos/{owner}/{repo}/commits",
        "prometheus:query",      "prometheus:query_range",
        "http:GET ok.test/x",    "notify:on-call_1"};
    static const char *const bad[] = {"",
                                      "aws",
                                      "aws:",
                                      "aws:ecs",
                                      "aws:ecs:",
                                      "aws:ecs:update service",
                                      "aws:ecs:updateService",
                                      "github:/repos",
                                      "github:GET repos",
                                      "github:GET /a/../b",
                                      "github:GET /a?b=c",
                                      "github:FETCH /a",
                                      "prometheus:delete",
                                      "http:GET /x",
                                      "http:ok.test",
                                      "notify:",
                                      "notify:a b",
                                      "lambda:x"};

    for (size_t i = 0; i < sizeof good / sizeof *good; i++)
        cr_expect(effect_name_valid(str_of(good[i])), "%s", good[i]);
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
        cr_expect_not(effect_name_valid(str_of(bad[i])), "%s", bad[i]);
    cr_expect_not(effect_name_valid(STR("aws:ecs:Stop\0Task")));
    cr_expect_not(effect_name_valid(STR("notify:on\0call")));
}

Test(effect, a_question_that_is_none_is_an_error_that_says_why) {
    refused("['', 'telepathy', 'x']", ERR_INVALID, "telepathy");
    refused("['', 'aws', 'ecs', {}]", ERR_INVALID, "ecs:UpdateService");
    refused("['', 'aws', 'ecs:StopTask', 'text']", ERR_INVALID,
            "table of names");
    refused("['', 'github', 'GET repos']", ERR_INVALID, "is no route");
    refused("['', 'prometheus', 'delete']", ERR_INVALID, "neither query");
    refused("['', 'sleep', 'long']", ERR_INVALID, "seconds");
    refused("['', 'sleep', -1]", ERR_INVALID, "seconds");
    refused("['', 'sleep', 1e9]", ERR_INVALID, "seconds");
    refused("['', 'notify', 'nobody', {}]", ERR_NOT_FOUND, "nobody");
    refused("['', 'wait', {'ask': ['nonsense']}]", ERR_INVALID, "ask must be");
    refused("['', 'wait', {'ask': ['aws:ecs:ListTasks'], 'every': 'soon'}]",
            ERR_INVALID, "ctx.wait_for: every");
    refused("[]", ERR_INVALID, "a script asked for");
}

Test(effect, http_goes_to_allowed_hosts_and_to_no_lookalike) {
    refused("['', 'http', {'url': 'https://evil.test/'}]", ERR_DENIED,
            "http.allow");
    refused("['', 'http', {'url': 'https://ok.test@evil.test/'}]", ERR_INVALID,
            "absolute");
    refused("['', 'http', {'url': 'https://ok.test.evil.test/'}]", ERR_DENIED,
            "http.allow");
    refused("['', 'http', {'url': 'https://ok.test:8443/'}]", ERR_DENIED,
            "http.allow");
    refused("['', 'http', {'url': 'https://ok.test#@evil.test/'}]", ERR_INVALID,
            "absolute");
    refused("['', 'http', {'url': 'file:///etc/passwd'}]", ERR_INVALID,
            "absolute");
    refused("['', 'http', {'url': 'https://ok.test/', 'method': 'GE T'}]",
            ERR_INVALID, "absolute");
}

Test(effect, every_class_says_what_happens_after_a_crash) {
    for (int class = 0; class < EFFECT_CLASS_COUNT; class ++) {
        cr_expect(effect_class_name((enum effect_class) class)[0]);
        cr_expect(effect_class_after((enum effect_class) class)[0]);
    }
}
