/* test_aws_service.c - rows are checked whole, and lead nowhere else. */
#include <criterion/criterion.h>

#include "protocol/aws_service.h"
#include "support.h"

static struct err err;
static struct buf said;

static void say(void *arg, enum aws_service_fault fault, const struct str *keys,
                size_t depth, const char *text) {
    (void)arg;
    (void)fault;
    for (size_t i = 0; i < depth; i++)
        buf_addf(&said, "%.*s/", STR_ARG(keys[i]));
    buf_addf(&said, " %s\n", text);
}

static void refused(const char *rows, const char *part) {
    struct json *table = support_json(rows);

    buf_clear(&said);
    cr_expect_not(aws_service_check(table, say, NULL), "%s", rows);
    cr_expect(support_has(buf_text(&said), part), "%s gives %s", rows,
              buf_text(&said));
    json_release(table);
}

#define REST(operation)                              \
    "{'x': {'protocol': 'rest-json', 'operations': " \
    "{'GetIt': {" operation "}}}}"

Test(aws_service, AS1_the_shipped_table_is_sound) {
    struct json *config = json_new_map();

    support_services(config);
    cr_expect(aws_service_check(json_find(config, "aws_services"), say, NULL),
              "%s", buf_text(&said));
    cr_expect_geq(json_count(json_find(config, "aws_services")), 20);
    json_release(config);
}

Test(aws_service, AS1_a_broken_row_is_said_with_its_place) {
    refused("{'x': {'protocoll': 'query'}}",
            "x/protocoll/ unknown key 'protocoll' (did you mean 'protocol'?)");
    refused("{'x': {'protocol': 'soap'}}", "x/protocol/ protocol must be");
    refused("{'x': {'protocol': 'json-1.1'}}", "target is missing");
    refused("{'x': {'protocol': 'query'}}", "version is missing");
    refused("{'x': {'protocol': 'rest-xml'}}", "operations is missing");
    refused("{'x': {'protocol': 'query', 'version': '1', 'operations': {}}}",
            "operations are for REST");
    refused("{'X': {'protocol': 'query', 'version': '1'}}", "small letters");
    refused(REST("'method': 'GET'"), "x/operations/GetIt/ uri is missing");
    refused(REST("'method': 'get', 'uri': '/'"), "method must be");
    refused(REST("'method': 'GET', 'uri': '/', 'answer': {'bdy': 'B'}"),
            "x/operations/GetIt/answer/bdy/ unknown key 'bdy'");
    refused("[1]", "a row for each service");
}

Test(aws_service, AS2_no_row_leads_out_of_the_domain) {
    static const char *const prefixes[] = {
        "evil.com/", "a@b", "a:1", "a#", "a?", "..", ".a", "-a", "", "A"};
    struct buf row = BUF_EMPTY;

    for (size_t i = 0; i < sizeof prefixes / sizeof *prefixes; i++) {
        buf_clear(&row);
        buf_addf(&row,
                 "{'x': {'protocol': 'query', 'version': '1', 'endpoint': "
                 "'%s'}}",
                 prefixes[i]);
        refused(buf_text(&row), "x/endpoint/ endpoint must be");
    }
    buf_release(&row);
}

Test(aws_service, AS2_no_region_leads_out_of_the_domain) {
    static const char *const regions[] = {
        "evil.com/", "eu-1.evil.com", "EU-1", "eu-1/", "eu_1",
        "-eu",       "eu-1-",         "eu 1", "eu-1@x"};

    cr_expect(aws_service_region_valid(STR("us-gov-west-1")));
    cr_expect_not(aws_service_region_valid(STR("")));
    for (size_t i = 0; i < sizeof regions / sizeof *regions; i++)
        cr_expect_not(aws_service_region_valid(str_of(regions[i])), "%s",
                      regions[i]);
}

Test(aws_service, AS3_no_row_names_what_decides_or_signs) {
    refused(REST("'method': 'GET', 'uri': '/?Action=GetSessionToken'"),
            "uri must be");
    refused(REST("'method': 'GET', 'uri': '/a/../b'"), "uri must be");
    refused(REST("'method': 'GET', 'uri': '/', 'query': {'a': 'Action'}"),
            "query must be");
    refused(REST("'method': 'GET', 'uri': '/', 'query': "
                 "{'a': 'X-Amz-Signature'}"),
            "query must be");
    refused(REST("'method': 'GET', 'uri': '/', 'headers': "
                 "{'a': 'X-Amz-Target'}"),
            "headers must be");
    refused(REST("'method': 'GET', 'uri': '/', 'headers': "
                 "{'a': 'Authorization'}"),
            "headers must be");
    refused(REST("'method': 'GET', 'uri': '/', 'headers': {'a': '*'}"),
            "headers must be");
}

static void endpoint_is(const char *service, const char *region,
                        const char *aws, const char *url, const char *signing) {
    struct json *config = json_new_map(), *settings = support_json(aws), *row;
    struct buf   out = BUF_EMPTY;
    struct str   signed_for = STR("");

    support_services(config);
    row = aws_service_take(json_find(config, "aws_services"), str_of(service));
    cr_assert(aws_service_endpoint(row, str_of(region), settings, &out,
                                   &signed_for, &err),
              "%s", err.text);
    cr_expect_str_eq(buf_text(&out), url);
    cr_expect(str_is(signed_for, signing), "%.*s", STR_ARG(signed_for));
    buf_release(&out);
    json_release(row);
    json_release(settings);
    json_release(config);
}

/* Hosts as AWS's own endpoint rules give them. */
Test(aws_service, endpoints_follow_partition_fips_and_dual_stack) {
    endpoint_is("ecs", "eu-west-1", "{}", "https://ecs.eu-west-1.amazonaws.com",
                "eu-west-1");
    endpoint_is("ecs", "cn-north-1", "{}",
                "https://ecs.cn-north-1.amazonaws.com.cn", "cn-north-1");
    endpoint_is("ecs", "us-east-1", "{'fips': true}",
                "https://ecs-fips.us-east-1.amazonaws.com", "us-east-1");
    endpoint_is("ecs", "us-east-1", "{'dualstack': true}",
                "https://ecs.us-east-1.api.aws", "us-east-1");
    endpoint_is("ecs", "us-gov-west-1", "{'dualstack': true, 'fips': true}",
                "https://ecs-fips.us-gov-west-1.api.aws", "us-gov-west-1");
    endpoint_is("s3", "eu-west-1", "{'dualstack': true, 'fips': true}",
                "https://s3-fips.dualstack.eu-west-1.amazonaws.com",
                "eu-west-1");
    endpoint_is("iam", "eu-west-1", "{}", "https://iam.amazonaws.com",
                "us-east-1");
    endpoint_is("iam", "eu-west-1", "{'fips': true}",
                "https://iam-fips.amazonaws.com", "us-east-1");
    endpoint_is("iam", "us-gov-east-1", "{}",
                "https://iam.us-gov.amazonaws.com", "us-gov-west-1");
    endpoint_is("iam", "cn-north-1", "{}",
                "https://iam.cn-north-1.amazonaws.com.cn", "cn-north-1");
    endpoint_is("iam", "eu-west-1", "{'dualstack': true}",
                "https://iam.global.api.aws", "us-east-1");
    endpoint_is("sts", "us-gov-west-1", "{'fips': true}",
                "https://sts.us-gov-west-1.amazonaws.com", "us-gov-west-1");
    endpoint_is("bedrock-runtime", "us-east-1", "{}",
                "https://bedrock-runtime.us-east-1.amazonaws.com", "us-east-1");
}

Test(aws_service, endpoints_of_the_configuration_come_first) {
    endpoint_is("ecs", "eu-west-1", "{'endpoint': 'http://h:1//'}",
                "http://h:1", "eu-west-1");
    endpoint_is("ecs", "eu-west-1",
                "{'endpoint': 'http://h:1', 'endpoints': {'ecs': "
                "'https://own/base/'}}",
                "https://own/base", "eu-west-1");
}
