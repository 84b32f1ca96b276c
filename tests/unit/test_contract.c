/* test_contract.c - declared is enforced, on the way in and on the way out. */
#include <criterion/criterion.h>

#include "graph/contract.h"

static struct err err;

static struct json *parse(const char *text) {
    struct json *value = json_parse(str_of(text), &json_caps_answer, &err);

    cr_assert(value, "%s: %s", text, err.text);
    return value;
}

static bool check(const char *declared, const char *value) {
    struct json *contract = declared ? parse(declared) : NULL;
    struct json *given = value ? parse(value) : NULL;
    bool         ok = contract_check(contract, given, "input of node x", &err);

    json_release(contract);
    json_release(given);
    return ok;
}

static void refused(const char *declared, const char *value,
                    const char *sentence) {
    cr_assert_not(check(declared, value), "%s took %s", declared, value);
    cr_expect_eq(err.code, ERR_CONTRACT);
    cr_expect_str_eq(err.text, sentence);
}

Test(contract, knows_its_types_and_no_others) {
    static const char *const good[] = {"string",  "integer", "number",
                                       "boolean", "list",    "map",
                                       "any",     "string?", "any?"};
    static const char *const bad[] = {
        "", "?", "text", "string??", "String", "list of string", "integer ?"};

    for (size_t i = 0; i < sizeof good / sizeof *good; i++)
        cr_expect(contract_type_known(str_of(good[i])), "%s", good[i]);
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
        cr_expect_not(contract_type_known(str_of(bad[i])), "%s", bad[i]);
}

Test(contract, CT1_takes_each_type) {
    cr_expect(check("{\"s\":\"string\",\"i\":\"integer\",\"n\":\"number\","
                    "\"b\":\"boolean\",\"l\":\"list\",\"m\":\"map\","
                    "\"a\":\"any\"}",
                    "{\"s\":\"\",\"i\":1,\"n\":1.5,\"b\":false,\"l\":[1],"
                    "\"m\":{\"x\":1},\"a\":[]}"),
              "%s", err.text);
    cr_expect(check("{\"n\":\"number\"}", "{\"n\":3}"));
    cr_expect(check("{\"l\":\"list\",\"m\":\"map\"}", "{\"l\":{},\"m\":[]}"));
}

Test(contract, CT1_names_field_expectation_and_what_came) {
    refused("{\"by\":\"integer\"}", "{\"by\":\"two\"}",
            "input of node x: field 'by' is declared as integer, got a "
            "string");
    refused("{\"by\":\"integer\"}", "{\"by\":2.5}",
            "input of node x: field 'by' is declared as integer, got a number "
            "with a fraction");
    refused("{\"l\":\"list\"}", "{\"l\":{\"a\":1}}",
            "input of node x: field 'l' is declared as list, got a map");
    refused("{\"m\":\"map\"}", "{\"m\":[1]}",
            "input of node x: field 'm' is declared as map, got a list");
}

Test(contract, CT1_null_counts_as_absent) {
    refused("{\"by\":\"integer\"}", "{}",
            "input of node x: field 'by' is declared as integer, got nothing");
    refused("{\"by\":\"any\"}", "{\"by\":null}",
            "input of node x: field 'by' is declared as any, got nothing");
    refused("{\"by\":\"integer\"}", NULL,
            "input of node x: field 'by' is declared as integer, got nothing");
    cr_expect(check("{\"by\":\"integer?\"}", "{\"by\":null}"));
    cr_expect(check("{\"by\":\"integer?\"}", "{}"));
    cr_expect(check("{\"by\":\"integer?\"}", NULL));
    cr_expect(check("{\"by\":\"integer?\"}", "[]"));
    refused("{\"by\":\"integer?\"}", "{\"by\":\"x\"}",
            "input of node x: field 'by' is declared as integer?, got a "
            "string");
}

Test(contract, CT2_refuses_what_is_not_declared_with_the_nearest_name) {
    refused("{\"service\":\"string\"}", "{\"service\":\"a\",\"servce\":\"b\"}",
            "input of node x: field 'servce' is not declared (did you mean "
            "'service'?)");
    refused("{}", "{\"other\":1}",
            "input of node x: field 'other' is not declared");
    refused(NULL, "{\"other\":1}",
            "input of node x: field 'other' is not declared");
    cr_expect(check("{}", "{\"other\":null}"));
    cr_expect(check(NULL, NULL));
}

Test(contract, CT2_refuses_what_is_no_map) {
    refused("{}", "\"text\"",
            "input of node x: expected a map of fields, got a string");
    refused("{}", "[1]",
            "input of node x: expected a map of fields, got a list");
}

Test(contract, says_what_may_flow_into_what) {
    cr_expect(contract_type_flows(STR("integer"), STR("number?")));
    cr_expect(contract_type_flows(STR("any?"), STR("string")));
    cr_expect(contract_type_flows(STR("string?"), STR("any")));
    cr_expect_not(contract_type_flows(STR("number"), STR("integer")));
    cr_expect_not(contract_type_flows(STR("map"), STR("list")));
}
