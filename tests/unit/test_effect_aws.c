/* test_effect_aws.c - no row decides what a call is. */
#include <criterion/criterion.h>

#include "effect/effect_aws.h"
#include "effect/request.h"
#include "support.h"

static struct err err;

/* A table of one row, `foo`, as an operator might write it. */
static enum effect_class class_with(const char *row, const char *operation,
                                    const char *args) {
    struct buf    question = BUF_EMPTY, config = BUF_EMPTY;
    struct effect effect;
    enum effect_class class;

    buf_addf(&question, "['', 'aws', 'foo:%s', %s]", operation, args);
    buf_addf(&config, "{'aws_services': {'foo': %s}}", row);
    effect = support_effect(buf_text(&question), buf_text(&config));
    class = effect.class;
    effect_release(&effect);
    buf_release(&question);
    buf_release(&config);
    return class;
}

#define REST(signing, method, uri)                    \
    "{'protocol': 'rest-json', 'endpoint': '" signing \
    "', 'operations': {'GetIt': {'method': '" method "', 'uri': '" uri "'}}}"

static enum effect_class get_it(const char *row, const char *args) {
    return class_with(row, "GetIt", args);
}

Test(effect_aws, EA1_N4_no_row_makes_a_write_a_read) {
    cr_expect_eq(get_it(REST("x", "GET", "/a"), "{}"), EFFECT_READ);
    cr_expect_eq(get_it(REST("x", "HEAD", "/a"), "{}"), EFFECT_READ);
    cr_expect_eq(get_it(REST("x", "POST", "/a"), "{}"), EFFECT_ONCE);
    cr_expect_eq(get_it(REST("x", "DELETE", "/a"), "{}"), EFFECT_ONCE);
    cr_expect_eq(get_it(REST("x", "PUT", "/a"), "{}"), EFFECT_ONCE);
    cr_expect_eq(get_it(REST("xray", "POST", "/Traces"), "{}"), EFFECT_ONCE);
    cr_expect_eq(class_with("{'protocol': 'rest-json', 'endpoint': 'x', "
                            "'operations': {'Delete': {'method': 'GET', "
                            "'uri': '/a'}}}",
                            "Delete", "{}"),
                 EFFECT_ONCE);
}

Test(effect_aws, EA1_a_post_reads_only_at_the_listed_path) {
#define XRAY(uri)                                                  \
    "{'protocol': 'rest-json', 'endpoint': 'xray', 'operations': " \
    "{'BatchGetTraces': {'method': 'POST', 'uri': '" uri "'}}}"
    cr_expect_eq(class_with(XRAY("/Traces"), "BatchGetTraces", "{}"),
                 EFFECT_READ);
    cr_expect_eq(class_with(XRAY("/TraceSegments"), "BatchGetTraces", "{}"),
                 EFFECT_ONCE);
    cr_expect_eq(
        class_with(XRAY("/{P}"), "BatchGetTraces", "{'P': 'TraceSegments'}"),
        EFFECT_ONCE);
}

Test(effect_aws, EA2_E3_an_alias_does_not_open_a_secret) {
    static const struct {
        const char *row, *operation, *args;
    } cases[] = {
        {"{'protocol': 'json-1.1', 'endpoint': 'secretsmanager', 'target': "
         "'secretsmanager'}",
         "GetSecretValue", "{}"},
        {"{'protocol': 'query', 'version': '1', 'endpoint': 'sts'}",
         "GetSessionToken", "{}"},
        {"{'protocol': 'query', 'version': '1', 'endpoint': 'sts'}",
         "AssumeRoleWithAnything", "{}"},
        {"{'protocol': 'json-1.1', 'endpoint': 'kms', 'target': "
         "'TrentService'}",
         "Decrypt", "{}"},
        {"{'protocol': 'json-1.1', 'endpoint': 'ssm', 'target': "
         "'AmazonSSM'}",
         "GetParametersByPath", "{'WithDecryption': 'true'}"},
        {"{'protocol': 'json-1.1', 'endpoint': 'ssm', 'target': "
         "'AmazonSSM'}",
         "GetParameter", "{'withdecryption': 1}"},
        {"{'protocol': 'query', 'version': '1', 'endpoint': 'ssm', 'names': "
         "{'Plain': 'WithDecryption'}}",
         "GetParameter", "{'Plain': true}"},
        {"{'protocol': 'json-1.1', 'endpoint': 'brand', 'target': 'New'}",
         "GetClusterCredentialsForAll", "{}"},
    };

    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
        cr_expect_eq(
            class_with(cases[i].row, cases[i].operation, cases[i].args),
            EFFECT_SECRET, "%s", cases[i].operation);
}

Test(effect_aws, EA2_a_route_does_not_open_a_secret) {
    static const struct {
        const char *row, *args;
    } cases[] = {
        {REST("lambda", "GET", "/2015-03-31/functions/{N}"), "{'N': 'f'}"},
        {REST("lambda", "GET", "/2015-03-31//functions/f/"), "{}"},
        {REST("lambda", "GET", "/2015-03-31/FUNCTIONS/f"), "{}"},
        {REST("lambda", "GET", "/{P+}"), "{'P': '2015-03-31/functions/f'}"},
        {REST("portal.sso', 'signing': 'awsssoportal", "GET",
              "/federation/{X}"),
         "{'X': 'credentials'}"},
        {REST("codeartifact", "POST", "/v1/authorization-token"), "{}"},
        {REST("s3", "GET", "/b?session"), "{}"},
        {REST("s3-control', 'signing': 's3", "GET",
              "/v20180820/accessgrantsinstance/dataaccess"),
         "{}"},
    };

    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
        cr_expect_eq(get_it(cases[i].row, cases[i].args), EFFECT_SECRET, "%s",
                     cases[i].row);
    cr_expect_eq(
        get_it(REST("lambda", "GET", "/2015-03-31/functions/{N}/configuration"),
               "{'N': 'f'}"),
        EFFECT_READ);
}

Test(effect_aws, EA2_another_protocol_does_not_open_a_secret) {
    static const char *const rows[] = {
        REST("sts", "GET", "/"),
        REST("sts-fips", "GET", "/"),
        REST("x', 'signing': 'kms", "GET",
             "/service/TrentService/operation/Decrypt"),
        REST("secretsmanager", "POST", "/"),
        REST("api.ecr", "GET", "/"),
    };

    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
        cr_expect_eq(get_it(rows[i], "{}"), EFFECT_SECRET, "%s", rows[i]);
}

Test(effect_aws, what_is_no_secret_stays_a_read) {
    static const char *const names[] = {
        "aws:sts:GetCallerIdentity",
        "aws:iam:GetAccountPasswordPolicy",
        "aws:secretsmanager:ListSecrets",
        "aws:ssm:GetParameter",
        "aws:lambda:ListFunctions",
        "aws:dynamodb:Query",
        "aws:workmail:GetPersonalAccessTokenMetadata"};

    for (size_t i = 0; i < sizeof names / sizeof *names; i++)
        cr_expect_eq(effect_aws_class_of(str_of(names[i])), EFFECT_READ, "%s",
                     names[i]);
    cr_expect_eq(effect_aws_class_of(STR("aws:sns:Publish")), EFFECT_ONCE);
    cr_expect_eq(effect_aws_class_of(STR("aws:timestream:Query")), EFFECT_ONCE);
    cr_expect_eq(effect_aws_class_of(STR("aws:sagemaker:GetScaling"
                                         "ConfigurationRecommendation")),
                 EFFECT_ONCE);
}

Test(effect_aws, a_rule_holds_for_the_service_of_its_name_alone) {
    struct effect effect = support_effect(
        "['', 'aws', 'ecs:RunTask', {}]",
        "{'aws_services': {'ecs': {'protocol': 'json-1.1', 'endpoint': 'ec2', "
        "'target': 'T'}}, 'aws': {'region': 'eu-1', 'account': '1'}}");

    cr_expect_null(effect.rule);
    cr_expect_eq(effect.class, EFFECT_ONCE);
    cr_expect_str_eq(effect.target, "aws:1/eu-1/ec2/*");
    effect_release(&effect);
}

Test(effect_aws, EA3_options_have_a_name_and_a_shape) {
    static const char *const options[] = {"{'region': 'evil.com/'}",
                                          "{'region': 'eu-1.evil.com'}",
                                          "{'region': ''}",
                                          "{'region': 7}",
                                          "{'account': 'a/b'}",
                                          "{'account': ''}",
                                          "{'account': '*'}",
                                          "{'regoin': 'eu-1'}",
                                          "{'endpoint': 'https://evil.test'}"};
    struct buf               question = BUF_EMPTY;

    for (size_t i = 0; i < sizeof options / sizeof *options; i++) {
        struct json  *asked, *config = json_new_map();
        struct effect effect;

        buf_clear(&question);
        buf_addf(&question, "['', 'aws', 'ecs:ListTasks', {}, %s]", options[i]);
        asked = support_json(buf_text(&question));
        cr_expect_not(effect_make(&effect, asked, config, &err), "%s",
                      options[i]);
        cr_expect_eq(err.code, ERR_INVALID);
        json_release(asked);
        json_release(config);
    }
    buf_release(&question);
}
