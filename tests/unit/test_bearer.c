/* test_bearer.c - a token goes into one header of one request. */
#include <criterion/criterion.h>

#include "auth/bearer.h"
#include "secret/secret.h"
#include "support.h"
#include "sys/loop.h"

static struct secrets     *secrets;
static struct signer      *signer;
static struct http_request request;
static struct signer_scope nobody;
static struct err          err;

static void open_with(const char *token, const char *needed) {
    struct bearer_options options = {NULL,      NULL,  "TOKEN", "Authorization",
                                     "Bearer ", needed};

    secrets = secret_open();
    secret_put(secrets, "TOKEN", str_of(token));
    options.secrets = secrets;
    signer = bearer_open(&options);
    http_request_init(&request, "GET", STR("https://a.test/"));
}

static void close_all(void) {
    http_request_release(&request);
    signer_close(signer);
    secret_close(secrets);
}

TestSuite(bearer, .fini = close_all);

Test(bearer, replaces_what_a_script_put_there) {
    open_with("secret-token", NULL);
    cr_assert(http_headers_add(&request.headers, STR("authorization"),
                               STR("Bearer mine")));
    cr_assert(signer_sign(signer, &nobody, 0, &request, &err));
    cr_expect_eq(request.headers.count, 1);
    cr_expect(str_is(http_headers_find(&request.headers, "Authorization"),
                     "Bearer secret-token"));
}

Test(bearer, goes_without_or_says_what_is_needed) {
    open_with("", NULL);
    cr_expect(signer_sign(signer, &nobody, 0, &request, &err));
    cr_expect_eq(request.headers.count, 0);
    close_all();
    open_with("", "set TOKEN");
    cr_expect_not(signer_sign(signer, &nobody, 0, &request, &err));
    cr_expect_eq(err.code, ERR_DENIED);
    cr_expect(support_has(err.text, "set TOKEN"));
}

Test(bearer, SN1_N11_a_token_that_cannot_be_sent_is_not_in_the_error) {
    open_with("secret\ntoken", NULL);
    cr_expect_not(signer_sign(signer, &nobody, 0, &request, &err));
    cr_expect_not(support_has(err.text, "secret\n"));
    cr_expect_not(support_has(err.text, "token\n"));
    cr_expect_eq(request.headers.count, 0);
}

static void count(void *arg, const struct err *failure) {
    cr_assert_null(failure);
    ++*(int *)arg;
}

Test(bearer, is_ready_once_and_later) {
    struct bearer_options options = {loop_open(),     NULL,      "TOKEN",
                                     "Authorization", "Bearer ", NULL};
    int                   times = 0;

    signer = bearer_open(&options);
    signer_prepare(signer, &nobody, count, &times);
    cr_expect_eq(times, 0);
    loop_run(options.loop);
    cr_expect_eq(times, 1);
    loop_close(options.loop);
}
