/* test_serve_token.c - who reaches what, with which header. */
#include "secret/secret.h"
#include "serve/token.h"
#include "support.h"

static struct secrets *secrets;
static struct json    *configured;
static struct tokens  *tokens;

static void open_tokens(void) {
    secrets = secret_open();
    secret_put(secrets, "SEND", STR("sender-secret"));
    secret_put(secrets, "LOOK", STR("viewer-secret"));
    secret_put(secrets, "LEAD", STR("operator-secret"));
    configured = support_json(
        "{'a': {'secret': {'secret': 'SEND'}, 'role': 'ingest'}, "
        "'b': {'secret': {'secret': 'LOOK'}, 'role': 'viewer'}, "
        "'c': {'secret': {'secret': 'LEAD'}, 'role': 'operator'}, "
        "'d': {'secret': {'secret': 'NOWHERE'}, 'role': 'operator'}}");
    tokens = token_open(configured, secrets, STR("own-secret"));
}

static void close_tokens(void) {
    token_close(tokens);
    json_release(configured);
    secret_close(secrets);
}

TestSuite(serve_token, .init = open_tokens, .fini = close_tokens);

static enum token_role role_of(const char *header) {
    return token_role_of(tokens, str_of(header));
}

Test(serve_token, TK1_a_known_token_has_its_role) {
    cr_expect_eq(role_of("Bearer sender-secret"), TOKEN_INGEST);
    cr_expect_eq(role_of("bearer viewer-secret"), TOKEN_VIEWER);
    cr_expect_eq(role_of("Bearer  operator-secret "), TOKEN_OPERATOR);
    cr_expect_eq(role_of("Bearer own-secret"), TOKEN_OPERATOR);
}

Test(serve_token, TK1_what_is_not_quite_a_known_token_is_none) {
    static const char *const wrong[] = {
        "",
        "Bearer",
        "Bearer ",
        "Bearer  ",
        "Bearer sender-secre",
        "Bearer sender-secrets",
        "Bearer Sender-secret",
        "Bearer SEND",
        "Basic sender-secret",
        "sender-secret",
        "Bearer sender-secret, Bearer own-secret",
    };

    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++)
        cr_expect_eq(role_of(wrong[i]), TOKEN_NONE, "\"%s\"", wrong[i]);
}

Test(serve_token, TK1_no_tokens_let_nobody_in) {
    struct tokens *none = token_open(NULL, secrets, (struct str){NULL, 0});

    cr_expect_eq(token_role_of(none, STR("Bearer ")), TOKEN_NONE);
    cr_expect_eq(token_role_of(none, STR("Bearer  ")), TOKEN_NONE);
    cr_expect_eq(token_role_of(none, STR("Bearer own-secret")), TOKEN_NONE);
    token_close(none);
}

Test(serve_token, TK1_a_role_reaches_what_it_is_for_and_no_more) {
    static const bool reaches[4][4] = {
        [TOKEN_INGEST] = {[TOKEN_INGEST] = true},
        [TOKEN_VIEWER] = {[TOKEN_VIEWER] = true},
        [TOKEN_OPERATOR] = {[TOKEN_INGEST] = true,
                            [TOKEN_VIEWER] = true,
                            [TOKEN_OPERATOR] = true},
    };

    for (int has = TOKEN_NONE; has <= TOKEN_OPERATOR; has++)
        for (int needs = TOKEN_INGEST; needs <= TOKEN_OPERATOR; needs++)
            cr_expect_eq(
                token_reaches((enum token_role)has, (enum token_role)needs),
                reaches[has][needs], "%d for %d", has, needs);
}
