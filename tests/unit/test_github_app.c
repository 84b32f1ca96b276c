/* test_github_app.c - an App's proof, its tokens and who waits for them.
 *
 * The peer is a few lines on the same loop: it answers each request with the
 * next of a list and keeps what was asked. What a real library thinks of the
 * JWT is asked in tests/integration/github_live.py.
 */
#include <criterion/criterion.h>

#include <arpa/inet.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "auth/github_app.h"
#include "base/clock_virtual.h"
#include "base/encode.h"
#include "net/http_client.h"
#include "secret/redact.h"
#include "support.h"
#include "sys/loop.h"

#include "rsa_keys.h"

#define TOKEN "ghs_0123456789abcdefghijklmnopqrstuvwxyz"

static struct loop         *loop;
static struct http_client  *client;
static struct redact       *redact;
static struct clock_virtual clock_;
static struct json         *config;
static struct signer       *app;
static struct signer_scope  scope;
static struct err           err;

/* --- the peer --------------------------------------------------------------- */

static int                listener, conversation = -1, port;
static struct loop_watch *listening, *talking;
static struct buf         said[8]; /* each request, whole */
static int                requests;
static const char        *answers[8]; /* "201 {…}" */
static const char        *date = "Thu, 01 Jan 2026 00:00:00 GMT";

static void hang_up(void) {
    loop_watch_stop(talking);
    (void)close(conversation);
    conversation = -1;
}

static void reply(const char *text) {
    struct buf out = BUF_EMPTY;
    struct str body, status = str_cut(str_of(text), ' ', &body);

    buf_addf(&out,
             "HTTP/1.1 %.*s X\r\nConnection: close\r\nContent-Length: %zu\r\n"
             "Date: %s\r\n\r\n%.*s",
             STR_ARG(status), body.len, date, STR_ARG(body));
    cr_assert_eq(write(conversation, out.data, out.len), (ssize_t)out.len);
    buf_release(&out);
}

static bool whole(const struct buf *text) {
    const char *end = strstr(buf_text(text), "\r\n\r\n");
    const char *length = strcasestr(buf_text(text), "content-length: ");

    return end &&
           (!length || strlen(end + 4) >= strtoul(length + 16, NULL, 10));
}

static void hear(void *arg, int fd, int events) {
    char    bytes[8192];
    ssize_t got = read(fd, bytes, sizeof bytes);

    (void)arg;
    (void)events;
    if (got <= 0) {
        hang_up();
        return;
    }
    buf_add(&said[requests], bytes, (size_t)got);
    if (!whole(&said[requests]))
        return;
    cr_assert(answers[requests], "nobody expected:\n%s",
              buf_text(&said[requests]));
    reply(answers[requests++]);
    hang_up();
}

static void greet(void *arg, int fd, int events) {
    (void)arg;
    (void)events;
    conversation = accept4(fd, NULL, NULL, SOCK_NONBLOCK);
    if (conversation < 0)
        return;
    talking = loop_watch_start(loop, conversation, hear, NULL);
    loop_watch_events(talking, LOOP_READ);
}

static void open_peer(void) {
    struct sockaddr_in address = {.sin_family = AF_INET,
                                  .sin_addr = {htonl(INADDR_LOOPBACK)}};
    socklen_t          size = sizeof address;

    listener = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0);
    cr_assert_eq(bind(listener, (struct sockaddr *)&address, size), 0);
    cr_assert_eq(listen(listener, 8), 0);
    cr_assert_eq(getsockname(listener, (struct sockaddr *)&address, &size), 0);
    port = ntohs(address.sin_port);
    listening = loop_watch_start(loop, listener, greet, NULL);
}

/* --- the App ---------------------------------------------------------------- */

static void open_with(const char *more, const char *key) {
    struct github_app_options options;
    struct buf                text = BUF_EMPTY;

    loop = loop_open();
    client = http_client_open(loop,
                              &(struct http_client_options){.user_agent = "t"});
    redact = redact_open();
    clock_virtual_init(&clock_, SUPPORT_START);
    open_peer();
    buf_addf(&text,
             "{'github': {'url': 'http://127.0.0.1:%d/', 'app': {'id': "
             "'4711'%s}}}",
             port, more);
    config = support_json(buf_text(&text));
    buf_release(&text);
    options = (struct github_app_options){loop, &clock_.clock, client, redact,
                                          config};
    scope = (struct signer_scope){.owner = STR("o"), .repo = STR("r")};
    app = github_app_open(&options, str_of(key), &err);
}

static void open_app(void) {
    open_with("", RSA_KEY_PKCS1);
    cr_assert(app, "%s", err.text);
}

static void close_app(void) {
    signer_close(app);
    json_release(config);
    redact_close(redact);
    http_client_close(client);
    loop_watch_stop(listening);
    (void)close(listener);
    loop_run(loop);
    loop_close(loop);
    for (size_t i = 0; i < sizeof said / sizeof *said; i++)
        buf_release(&said[i]);
}

TestSuite(github_app, .init = open_app, .fini = close_app);

static int        told, failed;
static struct err why;

static void tell(void *arg, const struct err *failure) {
    (void)arg;
    told++;
    if (failure) {
        failed++;
        why = *failure;
    }
    loop_watch_events(listening, 0);
}

/* Until everybody who prepared was told. */
static void run(void) {
    loop_watch_events(listening, LOOP_READ);
    loop_run(loop);
}

static void prepare_once(void) {
    signer_prepare(app, &scope, tell, NULL);
    run();
}

static bool signs(const struct signer_scope *whose, const char *value) {
    struct http_request request = {0};
    bool                ok;

    http_request_init(&request, "GET", STR("https://api.test/"));
    ok = signer_sign(app, whose, 0, &request, &err) &&
         str_is(http_headers_find(&request.headers, "authorization"), value);
    http_request_release(&request);
    return ok;
}

#define FOUND "200 {\"id\":42}"
#define MADE(token) \
    "201 {\"token\":\"" token "\",\"expires_at\":\"2026-01-01T01:00:00Z\"}"

/* The claims of the JWT of a request. */
static struct json *claims(const struct buf *request) {
    const char  *from = strstr(buf_text(request), "Bearer ");
    struct str   rest, claims;
    struct buf   base64 = BUF_EMPTY, text = BUF_EMPTY;
    struct json *made;

    cr_assert(from);
    (void)str_cut(str_of(from), '.', &rest);
    claims = str_cut(rest, '.', &rest);
    buf_add_str(&base64, claims);
    for (size_t i = 0; i < base64.len; i++)
        base64.data[i] = base64.data[i] == '-'   ? '+'
                         : base64.data[i] == '_' ? '/'
                                                 : base64.data[i];
    while (base64.len % 4)
        buf_add_char(&base64, '=');
    cr_assert(encode_base64_read(buf_str(&base64), &text, &err));
    made = json_parse(buf_str(&text), &json_caps_answer, &err);
    buf_release(&base64);
    buf_release(&text);
    return made;
}

Test(github_app, finds_its_installation_and_asks_for_one_repository) {
    answers[0] = FOUND;
    answers[1] = MADE(TOKEN);
    prepare_once();
    cr_assert_eq(failed, 0, "%s", why.text);
    cr_expect(support_has(buf_text(&said[0]), "GET /repos/o/r/installation "));
    cr_expect(support_has(buf_text(&said[1]),
                          "POST /app/installations/42/access_tokens "));
    cr_expect(support_has(buf_text(&said[1]), "{\"repositories\":[\"r\"]}"));
    cr_expect(signs(&scope, "Bearer " TOKEN));
}

Test(github_app, GA1_the_proof_is_dated_back_and_short) {
    struct json *found;

    answers[0] = FOUND;
    answers[1] = MADE(TOKEN);
    prepare_once();
    found = claims(&said[0]);
    cr_expect_eq(json_find_int(found, "iat", 0), SUPPORT_START / 1000 - 60);
    cr_expect_eq(json_find_int(found, "exp", 0), SUPPORT_START / 1000 + 540);
    cr_expect(str_is(json_find_text(found, "iss"), "4711"));
    json_release(found);
}

Test(github_app, GA2_who_prepares_meanwhile_waits_for_the_same_fetch) {
    answers[0] = FOUND;
    answers[1] = MADE(TOKEN);
    for (int i = 0; i < 5; i++)
        signer_prepare(app, &scope, tell, NULL);
    cr_expect_eq(told, 0);
    run();
    cr_expect_eq(told, 5);
    cr_expect_eq(requests, 2);
    prepare_once();
    cr_expect_eq(told, 6);
    cr_expect_eq(requests, 2);
}

Test(github_app, a_token_is_fetched_anew_before_it_ends) {
    answers[0] = FOUND;
    answers[1] = MADE("first-token-0123");
    answers[2] = "201 {\"token\":\"second-token-012\",\"expires_at\":"
                 "\"2026-01-01T02:00:00Z\"}";
    prepare_once();
    clock_virtual_set(&clock_, SUPPORT_START + 54 * 60000);
    prepare_once();
    cr_expect(signs(&scope, "Bearer first-token-0123"));
    clock_virtual_set(&clock_, SUPPORT_START + 56 * 60000);
    prepare_once();
    cr_expect(signs(&scope, "Bearer second-token-012"));
    cr_expect_eq(requests, 3);
}

Test(github_app, a_token_that_was_refused_is_not_used_again) {
    answers[0] = FOUND;
    answers[1] = MADE("first-token-0123");
    answers[2] = MADE("second-token-012");
    prepare_once();
    cr_expect(signer_forget(app, &scope));
    cr_expect_not(signs(&scope, "Bearer first-token-0123"));
    prepare_once();
    cr_expect(signs(&scope, "Bearer second-token-012"));
}

Test(github_app, GA3_a_token_is_for_its_repository_alone) {
    struct signer_scope other = {.owner = STR("o"), .repo = STR("other")};

    answers[0] = FOUND;
    answers[1] = MADE(TOKEN);
    prepare_once();
    cr_expect_not(signs(&other, "Bearer " TOKEN));
    other.repo = STR("R");
    cr_expect(signs(&other, "Bearer " TOKEN));
}

static bool hides(const char *text) {
    struct buf out = BUF_EMPTY;
    bool       hidden;

    redact_text(redact, str_of(text), &out);
    hidden = !support_has(buf_text(&out), text);
    buf_release(&out);
    return hidden;
}

Test(github_app, GA4_RD3_the_redactor_knows_a_token_while_it_is_good) {
    answers[0] = FOUND;
    answers[1] = MADE("unshaped-token-01");
    cr_expect_not(hides("unshaped-token-01"));
    prepare_once();
    cr_expect(hides("unshaped-token-01"));
    redact_learn_until(redact, STR("another-value"), 0,
                       SUPPORT_START + 2 * 3600000);
    cr_expect_not(hides("unshaped-token-01"));
    cr_expect(hides("another-value"));
}

static void says(const char *answer, enum err_code code, const char *words) {
    answers[requests] = answer;
    failed = 0;
    prepare_once();
    cr_expect_eq(failed, 1);
    cr_expect_eq(why.code, code, "%s", why.text);
    cr_expect(support_has(why.text, words), "%s", why.text);
    cr_expect_not(support_has(why.text, "eyJ"));
}

Test(github_app, says_what_a_refusal_means) {
    says("401 {\"message\":\"Bad credentials\"}", ERR_DENIED, "the time?");
    says("404 {\"message\":\"Not Found\"}", ERR_NOT_FOUND, "installed there?");
    says("429 {}", ERR_THROTTLED, "429");
    says("502 oops", ERR_REMOTE, "502");
    says("200 {\"id\":\"x\"}", ERR_REMOTE, "no id");
    says("200 []", ERR_REMOTE, "no JSON object");
}

Test(github_app, GA5_a_clock_that_is_off_is_mended_once) {
    struct json *second;

    date = "Thu, 01 Jan 2026 00:20:00 GMT";
    answers[0] = "401 {\"message\":\"'Expiration time' claim\"}";
    answers[1] = FOUND;
    answers[2] = MADE(TOKEN);
    prepare_once();
    cr_assert_eq(failed, 0, "%s", why.text);
    second = claims(&said[1]);
    cr_expect_eq(json_find_int(second, "iat", 0),
                 SUPPORT_START / 1000 + 1200 - 60);
    json_release(second);
    cr_expect(signer_forget(app, &scope));
    answers[3] = "401 {}";
    prepare_once();
    cr_expect_eq(failed, 1);
    cr_expect_eq(requests, 4);
}

Test(github_app, a_token_that_cannot_be_used_is_an_error) {
    answers[1] = "201 {\"token\":\"0123456789\",\"expires_at\":"
                 "\"2025-12-31T23:00:00Z\"}";
    says(FOUND, ERR_REMOTE, "clock right?");
    answers[3] = "201 {\"expires_at\":\"2026-01-01T01:00:00Z\"}";
    requests = 2;
    failed = 0;
    answers[2] = answers[3];
    prepare_once();
    cr_expect(support_has(why.text, "no token"), "%s", why.text);
}

Test(github_app, needs_to_know_whose_token_signs) {
    scope = (struct signer_scope){0};
    prepare_once();
    cr_expect_eq(failed, 1);
    cr_expect_eq(why.code, ERR_CONFIG);
    cr_expect_eq(requests, 0);
}

/* --- what is configured ----------------------------------------------------- */

TestSuite(github_app_settings, .fini = close_app);

static void open_configured(void) {
    open_with(", 'installation': '7', 'permissions': {'contents': 'write'}",
              RSA_KEY_PKCS8);
    cr_assert(app, "%s", err.text);
}

Test(github_app_settings, asks_for_the_configured_permissions) {
    open_configured();
    answers[0] = MADE(TOKEN);
    prepare_once();
    cr_expect(support_has(buf_text(&said[0]),
                          "{\"permissions\":{\"contents\":\"write\"},"
                          "\"repositories\":[\"r\"]}"));
}

Test(github_app_settings, a_request_of_no_repository_is_for_the_installation) {
    open_configured();
    scope = (struct signer_scope){0};
    answers[0] = MADE(TOKEN);
    prepare_once();
    cr_expect(support_has(buf_text(&said[0]), "/app/installations/7/"));
    cr_expect_not(support_has(buf_text(&said[0]), "repositories"));
}

Test(github_app_settings, N11_a_bad_key_is_named_and_not_shown) {
    open_with("", "-----BEGIN PRIVATE KEY-----\nc2VjcmV0\n");
    cr_expect_null(app);
    cr_expect_eq(err.code, ERR_CONFIG);
    cr_expect_not(support_has(err.text, "c2VjcmV0"));
}
