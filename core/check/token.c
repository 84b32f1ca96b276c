/* token.c - one pass over the bytes; every step moves forward. (TK1)
 *
 * An unfinished string or comment ends with the text. Bytes that mean nothing
 * to Lua become symbols of one byte.
 */
#include "check/token.h"

#include <ctype.h>

#include "base/mem.h"

struct reader {
    struct str text;
    size_t     at;
    int        line;
};

static char peek(const struct reader *r, size_t ahead) {
    return r->at + ahead < r->text.len ? r->text.data[r->at + ahead] : '\0';
}

static void step(struct reader *r) {
    if (r->at >= r->text.len)
        return;
    if (r->text.data[r->at] == '\n')
        r->line++;
    r->at++;
}

static struct str between(const struct reader *r, size_t from, size_t to) {
    return (struct str){r->text.data + from, to - from};
}

/* At '[': the number of '=' of a long bracket, or -1 when it is none. */
static int long_level(const struct reader *r) {
    size_t ahead = 1;

    while (peek(r, ahead) == '=')
        ahead++;
    return peek(r, ahead) == '[' ? (int)ahead - 1 : -1;
}

static bool closes(const struct reader *r, int level) {
    for (int i = 1; i <= level; i++)
        if (peek(r, (size_t)i) != '=')
            return false;
    return peek(r, 0) == ']' && peek(r, (size_t)level + 1) == ']';
}

/* At the '[' of a long bracket; gives what stands inside. */
static struct str read_long(struct reader *r, int level) {
    size_t from, to;

    for (int i = 0; i < level + 2; i++)
        step(r);
    from = r->at;
    while (r->at < r->text.len && !closes(r, level))
        step(r);
    to = r->at;
    for (int i = 0; i < level + 2; i++)
        step(r);
    return between(r, from, to);
}

static struct str read_quoted(struct reader *r) {
    char   quote = peek(r, 0);
    size_t from, to;

    step(r);
    from = r->at;
    while (r->at < r->text.len && peek(r, 0) != quote && peek(r, 0) != '\n') {
        if (peek(r, 0) == '\\')
            step(r);
        step(r);
    }
    to = r->at;
    if (peek(r, 0) == quote)
        step(r);
    return between(r, from, to);
}

static bool skip_comment(struct reader *r) {
    int level;

    if (peek(r, 0) != '-' || peek(r, 1) != '-')
        return false;
    step(r);
    step(r);
    level = peek(r, 0) == '[' ? long_level(r) : -1;
    if (level >= 0) {
        (void)read_long(r, level);
        return true;
    }
    while (r->at < r->text.len && peek(r, 0) != '\n')
        step(r);
    return true;
}

static void skip_blank(struct reader *r) {
    while (r->at < r->text.len)
        if (isspace((unsigned char)peek(r, 0)))
            step(r);
        else if (!skip_comment(r))
            return;
}

static bool in_name(char c) {
    return isalnum((unsigned char)c) || c == '_';
}

static struct str read_word(struct reader *r) {
    size_t from = r->at;

    while (in_name(peek(r, 0)))
        step(r);
    return between(r, from, r->at);
}

/* "0x1p-3", "1e+5": a sign belongs to the number behind its exponent. A dot
 * that another one follows is the operator "..". */
static struct str read_number(struct reader *r) {
    size_t from = r->at;

    for (;;) {
        char c = peek(r, 0);
        char last = r->at > from ? r->text.data[r->at - 1] : '\0';
        bool sign = (c == '+' || c == '-') && last != '\0' &&
                    strchr("eEpP", last) != NULL;

        if (!in_name(c) && !sign && !(c == '.' && peek(r, 1) != '.'))
            return between(r, from, r->at);
        step(r);
    }
}

static struct str read_symbol(struct reader *r) {
    static const char *const longer[] = {
        "...", "..", "==", "~=", "<=", ">=", "::", "//", "<<", ">>"};
    size_t len = 1, from = r->at;

    for (size_t i = 0; i < sizeof longer / sizeof *longer; i++) {
        size_t size = strlen(longer[i]);

        if (r->text.len - r->at >= size &&
            memcmp(r->text.data + r->at, longer[i], size) == 0) {
            len = size;
            break;
        }
    }
    for (size_t i = 0; i < len; i++)
        step(r);
    return between(r, from, r->at);
}

/* `for` and `while` open with their `do`, `if` closes its branches itself. */
static void classify(struct token *token) {
    static const char *const openers[] = {"function", "if", "do", "repeat",
                                          NULL};
    static const char *const closers[] = {"end", "until", NULL};
    static const char *const others[] = {
        "and",    "break", "else",  "elseif", "false", "for",
        "goto",   "in",    "local", "nil",    "not",   "or",
        "return", "then",  "true",  "while",  NULL};
    static const char opening[] = "{([", closing[] = "})]";

    if (token->kind == TOKEN_SYMBOL && token->text.len == 1) {
        token->depth =
            (signed char)((strchr(opening, token->text.data[0]) != NULL) -
                          (strchr(closing, token->text.data[0]) != NULL));
    } else if (token->kind == TOKEN_NAME && token->text.len <= 8) {
        token->depth = (signed char)(str_in(token->text, openers) -
                                     str_in(token->text, closers));
        token->keyword = token->depth || str_in(token->text, others);
    }
}

static struct token read_token(struct reader *r) {
    struct token token = {.kind = TOKEN_END, .text = {"", 0}};
    char         c;

    skip_blank(r);
    token.line = r->line;
    if (r->at >= r->text.len)
        return token;
    c = peek(r, 0);
    if (c == '"' || c == '\'') {
        token.kind = TOKEN_STRING;
        token.text = read_quoted(r);
    } else if (c == '[' && long_level(r) >= 0) {
        token.kind = TOKEN_STRING;
        token.text = read_long(r, long_level(r));
    } else if (isdigit((unsigned char)c)) {
        token.kind = TOKEN_NUMBER;
        token.text = read_number(r);
    } else if (in_name(c)) {
        token.kind = TOKEN_NAME;
        token.text = read_word(r);
    } else {
        token.kind = TOKEN_SYMBOL;
        token.text = read_symbol(r);
    }
    classify(&token);
    return token;
}

void tokens_read(struct tokens *tokens, struct str text) {
    struct reader r = {text, 0, 1};
    size_t        cap = 0;

    tokens->items = NULL;
    tokens->count = 0;
    for (;;) {
        if (tokens->count == cap) {
            cap = cap ? 2 * cap : 256;
            tokens->items =
                mem_resize(tokens->items, cap * sizeof *tokens->items);
        }
        tokens->items[tokens->count] = read_token(&r);
        if (tokens->items[tokens->count].kind == TOKEN_END)
            return;
        tokens->count++;
    }
}

void tokens_release(struct tokens *tokens) {
    mem_free(tokens->items);
    tokens->items = NULL;
    tokens->count = 0;
}

bool token_is(const struct token *token, const char *text) {
    return (token->kind == TOKEN_NAME || token->kind == TOKEN_SYMBOL) &&
           str_is(token->text, text);
}

bool token_is_name(const struct token *token) {
    return token->kind == TOKEN_NAME && !token->keyword;
}

size_t tokens_skip(const struct tokens *tokens, size_t at) {
    int depth = 0;

    for (; at < tokens->count; at++) {
        const struct token *token = &tokens->items[at];
        int                 change = token->depth;

        if (depth == 0 &&
            (change < 0 || token_is(token, ",") || token_is(token, ";")))
            return at;
        depth += change;
    }
    return at;
}
