/* test_tool.c - a tool's secret goes to its host alone. */
#include <criterion/criterion.h>

#include "auth/tool.h"
#include "secret/secret.h"
#include "support.h"

#define AUTH                                                              \
    "'auth': {'api.test': {'secret': {'secret': 'KEY'}}, "                \
    "'plain.test': {'secret': {'secret': 'KEY'}, 'header': 'X-Api-Key', " \
    "'prefix': ''}, 'lost.test': {'secret': {'secret': 'LOST'}}}"

static struct http_request request;
static struct err          err;

static bool signs(const char *url, const char *host, const char *http) {
    struct secrets     *secrets = secret_open();
    struct json        *config = support_json(http);
    struct signer      *signer = tool_open(NULL, secrets, config);
    struct signer_scope scope = {.host = str_of(host)};
    bool                ok;

    secret_put(secrets, "KEY", STR("tool-secret"));
    http_request_release(&request);
    http_request_init(&request, "GET", str_of(url));
    (void)http_headers_add(&request.headers, STR("x-api-key"), STR("script"));
    ok = signer_sign(signer, &scope, 0, &request, &err);
    signer_close(signer);
    secret_close(secrets);
    json_release(config);
    return ok;
}

static void header_is(const char *name, const char *value) {
    struct str found = http_headers_find(&request.headers, name);

    cr_expect(str_is(found, value), "%s: %.*s", name, STR_ARG(found));
}

Test(tool, TL1_a_secret_goes_to_its_own_host_and_no_other) {
    cr_assert(signs("https://api.test/x", "api.test", "{" AUTH "}"));
    header_is("Authorization", "Bearer tool-secret");
    cr_assert(signs("https://other.test/x", "other.test", "{" AUTH "}"));
    header_is("Authorization", "");
    cr_assert(signs("https://api.test:8443/x", "api.test:8443", "{" AUTH "}"));
    header_is("Authorization", "");
}

Test(tool, TL1_a_secret_does_not_leave_over_plain_http) {
    cr_expect_not(signs("http://api.test/x", "api.test", "{" AUTH "}"));
    cr_expect_eq(err.code, ERR_DENIED);
    header_is("Authorization", "");
    cr_assert(
        signs("http://api.test/x", "api.test", "{'private': true, " AUTH "}"));
    header_is("Authorization", "Bearer tool-secret");
}

Test(tool, TL2_what_a_script_put_into_the_header_is_replaced) {
    cr_assert(signs("https://plain.test/x", "plain.test", "{" AUTH "}"));
    header_is("X-Api-Key", "tool-secret");
    cr_expect_eq(request.headers.count, 1);
}

Test(tool, says_which_secret_is_not_there) {
    cr_expect_not(signs("https://lost.test/x", "lost.test", "{" AUTH "}"));
    cr_expect(support_has(err.text, "LOST"), "%s", err.text);
}
