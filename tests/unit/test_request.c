/* test_request.c - an effect as the bytes that carry it out. */
#include <criterion/criterion.h>

#include <string.h>

#include "auth/bearer.h"
#include "aws/aws_creds.h"
#include "aws/signer_aws.h"
#include "effect/request.h"
#include "secret/secret.h"
#include "support.h"

#define CONFIG                                                               \
    "{'aws': {'region': 'eu-1'}, 'github': {'url': 'https://gh.test/api'}, " \
    "'prometheus': {'url': 'http://prom.test:9090/'}, "                      \
    "'http': {'allow': ['ok.test'], 'reads': ['GET ok.test/x']}, "           \
    "'channels': {'oncall': {'url': {'secret': 'HOOK'}}, "                   \
    "'plain': {'url': 'https://hook.test/in'}, 'none': {}}}"

static struct signers      signers;
static struct secrets     *secrets;
static struct http_request request;
static struct err          err;

static struct signer *open_bearer(const char *name) {
    struct bearer_options options = {NULL,      secrets, name, "Authorization",
                                     "Bearer ", NULL};

    return bearer_open(&options);
}

static void open_secrets(void) {
    secrets = secret_open();
    secret_put(secrets, "AWS_ACCESS_KEY_ID", STR("AKIDEXAMPLE"));
    secret_put(secrets, "AWS_SECRET_ACCESS_KEY", STR("aws-secret-value"));
    secret_put(secrets, "GITHUB_TOKEN", STR("gh-token-value"));
    secret_put(secrets, "PROMETHEUS_TOKEN", STR("prom-token-value"));
    secret_put(secrets, "HOOK", STR("https://hook.test/SECRETPATH"));
    signers.by[SIGNER_AWS] = signer_aws_open(
        aws_creds_open(&(struct aws_creds_options){.secrets = secrets}));
    signers.by[SIGNER_GITHUB] = open_bearer("GITHUB_TOKEN");
    signers.by[SIGNER_PROMETHEUS] = open_bearer("PROMETHEUS_TOKEN");
}

/* Built, and signed by whom it names. */
static bool make(const struct effect *effect, const struct json *config) {
    struct request_context context = {config, secrets};
    struct request         built;
    struct signer         *signer;
    bool ok = request_build(effect, "0123token", &context, &built, &err);

    signer = ok ? signers.by[built.signer] : NULL;
    if (signer)
        ok =
            signer_sign(signer, &built.scope, SUPPORT_START, &built.http, &err);
    request = built.http;
    return ok;
}

static bool build_with(const char *question, const char *config_text) {
    struct json  *config = support_json(config_text);
    struct json  *asked = support_json(question);
    struct effect effect;
    bool          ok;

    http_request_release(&request);
    if (!json_find(config, "aws_services"))
        support_services(config);
    cr_assert(effect_make(&effect, asked, config, &err), "%s", err.text);
    ok = make(&effect, config);
    effect_release(&effect);
    json_release(asked);
    json_release(config);
    return ok;
}

static bool build(const char *question) {
    return build_with(question, CONFIG);
}

static void header_is(const char *name, const char *value) {
    cr_expect(str_is(http_headers_find(&request.headers, name), value),
              "%s: %.*s", name,
              STR_ARG(http_headers_find(&request.headers, name)));
}

/* Is this text anywhere in what would be sent? */
static bool sends(const char *text) {
    if (support_has(request.url, text) ||
        support_has(buf_text(&request.body), text))
        return true;
    for (size_t i = 0; i < request.headers.count; i++)
        if (support_has(request.headers.items[i].value, text))
            return true;
    return false;
}

TestSuite(request, .init = open_secrets);

Test(request, aws_posts_json_to_the_signed_endpoint) {
    cr_assert(build("['', 'aws', 'ecs:UpdateService', {'desiredCount': 4, "
                    "'cluster': 'c'}]"),
              "%s", err.text);
    cr_expect_str_eq(request.method, "POST");
    cr_expect_str_eq(request.url, "https://ecs.eu-1.amazonaws.com/");
    header_is("Content-Type", "application/x-amz-json-1.1");
    header_is("X-Amz-Target",
              "AmazonEC2ContainerServiceV20141113.UpdateService");
    cr_expect(str_starts(http_headers_find(&request.headers, "Authorization"),
                         "AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE/20260101/"
                         "eu-1/ecs/aws4_request"));
    cr_expect_str_eq(buf_text(&request.body),
                     "{\"cluster\":\"c\",\"desiredCount\":4}");
    cr_expect(request.has_body);
    cr_expect_eq(request.deadline_ms, 20000);
}

Test(request, aws_takes_the_slots_token_only_where_it_has_none) {
    cr_assert(build("['', 'aws', 'ecs:RunTask', {'taskDefinition': 't'}]"));
    cr_expect(
        support_has(buf_text(&request.body), "\"clientToken\":\"0123token\""));
    cr_assert(build("['', 'aws', 'ecs:RunTask', {'clientToken': 'mine'}]"));
    cr_expect(support_has(buf_text(&request.body), "\"clientToken\":\"mine\""));
}

Test(request, aws_says_what_is_missing) {
    static struct secrets *none;

    cr_expect_not(build_with("['', 'aws', 'ecs:ListTasks', {}]", "{}"));
    cr_expect_eq(err.code, ERR_CONFIG);
    cr_expect_not(build("['', 'aws', 'glue:ListJobs', {}]"));
    cr_expect(support_has(err.text, "\"glue\" is not in lib/aws/services.lua"),
              "%s", err.text);
    none = secret_open();
    signer_close(signers.by[SIGNER_AWS]);
    signers.by[SIGNER_AWS] = signer_aws_open(
        aws_creds_open(&(struct aws_creds_options){.secrets = none}));
    cr_expect_not(build("['', 'aws', 'ecs:ListTasks', {}]"));
    cr_expect_eq(err.code, ERR_DENIED);
}

Test(request, RQ2_aws_signs_for_the_configured_endpoint_and_no_other) {
    cr_assert(build_with("['', 'aws', 'ecs:ListTasks', {'endpoint': "
                         "'https://evil.test'}]",
                         "{'aws': {'region': 'eu-1', 'endpoint': "
                         "'http://127.0.0.1:4566'}}"));
    cr_expect_str_eq(request.url, "http://127.0.0.1:4566/");
    cr_assert(build_with("['', 'aws', 'ecs:ListTasks', {}]",
                         "{'aws': {'region': 'eu-1', 'endpoint': 'http://a', "
                         "'endpoints': {'ecs': 'http://b'}}}"));
    cr_expect_str_eq(request.url, "http://b/");
}

Test(request, RQ2_no_secret_leaves_but_for_its_own_service) {
    static const struct {
        const char *question, *own;
    } cases[] = {
        {"['', 'aws', 'ecs:ListTasks', {}]", NULL},
        {"['', 'github', 'GET /user', {}]", "gh-token-value"},
        {"['', 'prometheus', 'query', {'query': 'up'}]", "prom-token-value"},
        {"['', 'http', {'url': 'https://ok.test/x'}]", NULL},
        {"['', 'notify', 'plain', {'title': 't'}]", NULL},
    };
    static const char *const all[] = {"aws-secret-value", "gh-token-value",
                                      "prom-token-value", "SECRETPATH"};

    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        cr_assert(build(cases[i].question), "%s", err.text);
        for (size_t j = 0; j < sizeof all / sizeof *all; j++)
            cr_expect_eq(sends(all[j]),
                         cases[i].own && strcmp(all[j], cases[i].own) == 0,
                         "%s in %s", all[j], cases[i].question);
    }
}

Test(request, github_fills_the_route_and_asks_with_the_rest) {
    cr_assert(build("['', 'github', 'GET /repos/{owner}/{repo}/commits', "
                    "{'owner': 'o', 'repo': 'r', 'sha': 'main', 'per_page': "
                    "5}]"));
    cr_expect_str_eq(request.url,
                     "https://gh.test/api/repos/o/r/commits?per_page=5&"
                     "sha=main");
    cr_expect_not(request.has_body);
    header_is("Authorization", "Bearer gh-token-value");
    cr_assert(build("['', 'github', 'POST /repos/{owner}/{repo}/pulls', "
                    "{'owner': 'o', 'repo': 'r', 'title': 't'}]"));
    cr_expect_str_eq(request.url, "https://gh.test/api/repos/o/r/pulls");
    cr_expect_str_eq(buf_text(&request.body), "{\"title\":\"t\"}");
}

static void leaves(const char *question) {
    cr_expect_not(build(question), "%s became %s", question, request.url);
    cr_expect_eq(err.code, ERR_INVALID);
    cr_expect(support_has(err.text, "leaves its segment"), "%s", err.text);
}

Test(request, RQ1_a_path_argument_cannot_leave_its_segment) {
    leaves("['', 'github', 'GET /repos/{owner}/x', {'owner': '..'}]");
    leaves("['', 'github', 'GET /repos/{owner}/x', {'owner': '.'}]");
    leaves("['', 'github', 'GET /repos/{owner}/x', {'owner': ''}]");
    leaves("['', 'github', 'GET /c/{path}', {'path': 'a/../../b'}]");
    leaves("['', 'github', 'GET /c/{path}', {'path': '/etc'}]");
    leaves("['', 'github', 'GET /c/{ref}', {'ref': 'heads//x'}]");
    leaves("['', 'github', 'GET /c/{ref}', {'ref': 'heads/'}]");
    cr_assert(build("['', 'github', 'GET /repos/{owner}/x', {'owner': "
                    "'a/b?c#d%2e'}]"));
    cr_expect_str_eq(request.url,
                     "https://gh.test/api/repos/a%2Fb%3Fc%23d%252e/x");
    cr_assert(build("['', 'github', 'GET /c/{path}', {'path': "
                    "'src/a b?.c'}]"));
    cr_expect_str_eq(request.url, "https://gh.test/api/c/src/a%20b%3F.c");
}

Test(request, RQ1_an_argument_the_route_names_must_be_there) {
    cr_expect_not(build("['', 'github', 'GET /repos/{owner}/x', {}]"));
    cr_expect(support_has(err.text, "needs the argument owner"), "%s",
              err.text);
}

Test(request, RQ1_no_argument_adds_a_header_or_a_line) {
    struct buf all = BUF_EMPTY;

    cr_assert(build("['', 'github', 'GET /x', {'a': 'b\\r\\nX-Evil: 1', "
                    "'c&d': 'e=f'}]"));
    cr_expect_str_eq(request.url, "https://gh.test/api/x?a=b%0D%0AX-Evil%3A%20"
                                  "1&c%26d=e%3Df");
    cr_expect_not(build("['', 'http', {'url': 'https://ok.test/x', 'headers': "
                        "{'X-A': 'b\\r\\nX-Evil: 1'}}]"));
    cr_expect_eq(err.code, ERR_INVALID);
    cr_expect_not(build("['', 'http', {'url': 'https://ok.test/x', 'headers': "
                        "{'X-A\\r\\nX-Evil': '1'}}]"));
    buf_release(&all);
}

Test(request, prometheus_asks_by_query_string) {
    cr_assert(build("['', 'prometheus', 'query', {'query': 'up{a=\\\"b\\\"}', "
                    "'time': 17.5}]"));
    cr_expect_str_eq(request.url, "http://prom.test:9090/api/v1/query?"
                                  "query=up%7Ba%3D%22b%22%7D&time=17.5");
    header_is("Authorization", "Bearer prom-token-value");
    cr_expect_not(build_with("['', 'prometheus', 'query', {}]", "{}"));
    cr_expect_eq(err.code, ERR_CONFIG);
}

Test(request, plain_http_reaches_public_addresses_unless_told_otherwise) {
    cr_assert(build("['', 'http', {'url': 'https://ok.test/x'}]"));
    cr_expect_eq(request.reach, HTTP_PUBLIC);
    cr_expect_str_eq(request.method, "GET");
    cr_assert(build_with("['', 'http', {'method': 'POST', 'url': "
                         "'http://ok.test/x', 'json': {'a': []}}]",
                         "{'http': {'allow': ['ok.test'], 'private': true}}"));
    cr_expect_eq(request.reach, HTTP_PRIVATE);
    cr_expect_str_eq(buf_text(&request.body), "{\"a\":[]}");
}

Test(request, people_are_told_with_a_key_that_stays_the_same) {
    cr_assert(build("['', 'notify', 'oncall', {'title': 't'}]"));
    cr_expect_str_eq(request.url, "https://hook.test/SECRETPATH");
    header_is("Idempotency-Key", "0123token");
    cr_expect_str_eq(buf_text(&request.body), "{\"title\":\"t\"}");
    cr_expect_not(build("['', 'notify', 'none', {}]"));
    cr_expect_eq(err.code, ERR_CONFIG);
}

Test(request, what_never_leaves_the_process_is_no_request) {
    cr_expect_not(build("['', 'now']"));
    cr_expect_not(build("['', 'uuid']"));
}

static void goes_to(const char *base, const char *url) {
    struct effect effect = support_effect(
        "['', 'github', 'POST /graphql', {'query': '{ a }'}, {'owner': 'o', "
        "'repo': 'r'}]",
        NULL);
    struct json           *config = json_new_map(), *github = json_new_map();
    struct request_context context = {config, NULL};
    struct request         built;

    json_put_text(github, "url", str_of(base));
    json_put(config, "github", github);
    cr_assert(request_build(&effect, "", &context, &built, &err));
    cr_expect_str_eq(built.http.url, url);
    cr_expect_str_eq(built.http.method, "POST");
    cr_expect_str_eq(buf_text(&built.http.body), "{\"query\":\"{ a }\"}");
    cr_expect(str_is(built.scope.owner, "o") && str_is(built.scope.repo, "r"));
    http_request_release(&built.http);
    effect_release(&effect);
    json_release(config);
}

Test(request, graphql_has_its_own_place_on_an_enterprise_server) {
    goes_to("https://api.github.com", "https://api.github.com/graphql");
    goes_to("https://gh.test/api/v3", "https://gh.test/api/graphql");
    goes_to("https://gh.test/api/v3/", "https://gh.test/api/graphql");
}
