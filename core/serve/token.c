/* token.c - digests in a list. */
#include "serve/token.h"

#include <string.h>
#include <strings.h>

#include "base/digest.h"
#include "base/mem.h"
#include "secret/secret.h"
#include "sys/crypto.h"

struct token {
    unsigned char   digest[DIGEST_SIZE];
    enum token_role role;
};

struct tokens {
    struct token *items;
    size_t        count;
};

const char *const token_roles[] = {"ingest", "viewer", "operator", NULL};

bool token_role_read(struct str word, enum token_role *role) {
    for (int i = 0; token_roles[i]; i++)
        if (str_is(word, token_roles[i])) {
            *role = (enum token_role)(TOKEN_INGEST + i);
            return true;
        }
    return false;
}

static void add(struct tokens *tokens, struct str secret,
                enum token_role role) {
    struct token *token = &tokens->items[tokens->count];

    if (secret.len == 0)
        return;
    crypto_sha256(secret, token->digest);
    token->role = role;
    tokens->count++;
}

struct tokens *token_open(const struct json    *configured,
                          const struct secrets *secrets, struct str own) {
    struct tokens   *tokens = mem_new(sizeof *tokens);
    struct json_walk walk = json_walk_over(configured);

    tokens->items =
        mem_new((json_count(configured) + 1) * sizeof *tokens->items);
    while (json_walk_next(&walk)) {
        enum token_role role = TOKEN_NONE;
        struct str      name =
            json_find_text(json_find(walk.value, "secret"), "secret");

        (void)token_role_read(json_find_text(walk.value, "role"), &role);
        if (name.len)
            add(tokens, secret_find(secrets, name.data), role);
    }
    add(tokens, own, TOKEN_OPERATOR);
    return tokens;
}

void token_close(struct tokens *tokens) {
    if (!tokens)
        return;
    mem_free(tokens->items);
    mem_free(tokens);
}

enum token_role token_role_of(const struct tokens *tokens,
                              struct str           authorization) {
    static const char scheme[] = "Bearer ";
    size_t            skip = sizeof scheme - 1;
    unsigned char     digest[DIGEST_SIZE];
    enum token_role   role = TOKEN_NONE;

    if (authorization.len <= skip ||
        strncasecmp(authorization.data, scheme, skip) != 0)
        return TOKEN_NONE;
    crypto_sha256(str_trim((struct str){authorization.data + skip,
                                        authorization.len - skip}),
                  digest);
    for (size_t i = 0; i < tokens->count; i++) {
        const struct token *token = &tokens->items[i];

        if (crypto_equal((struct str){(const char *)digest, sizeof digest},
                         (struct str){(const char *)token->digest,
                                      sizeof token->digest}))
            role = token->role;
    }
    return role;
}

bool token_reaches(enum token_role has, enum token_role needs) {
    if (needs == TOKEN_INGEST)
        return has == TOKEN_INGEST || has == TOKEN_OPERATOR;
    return has >= needs;
}
