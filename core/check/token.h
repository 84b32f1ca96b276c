/* token.h - the words of a Lua text, with their lines.
 *
 * `check` reads scripts twice: Lua evaluates them and says what they mean, and
 * this says where it stands. It knows comments, every form of string and the
 * words that open and close blocks; it does not parse. A text that Lua would
 * refuse gives some tokens and never an error.
 *
 *   TK1  Any bytes are taken; the list ends with one TOKEN_END.
 *   TK2  A token lies inside the text that it was read from.
 *
 * Lifetime: call. Thread: any.
 */
#ifndef CHECK_TOKEN_H
#define CHECK_TOKEN_H

#include "base/buf.h"

enum token_kind {
    TOKEN_END,
    TOKEN_NAME,   /* keywords too */
    TOKEN_STRING, /* text is what stands between the quotes, as written */
    TOKEN_NUMBER,
    TOKEN_SYMBOL
};

struct token {
    enum token_kind kind;
    int             line;
    struct str      text;    /* borrows from the source */
    signed char     depth;   /* +1 opens, -1 closes a bracket or block */
    bool            keyword; /* a name that Lua keeps for itself */
};

struct tokens {
    struct token *items; /* items[count] is TOKEN_END */
    size_t        count;
};

void tokens_read(struct tokens *tokens, struct str text); /* borrows text */
void tokens_release(struct tokens *tokens);

bool   token_is(const struct token *token, const char *text);
/* A name that is no keyword. */
bool   token_is_name(const struct token *token);
/* The index behind the expression or bracket that begins at `at`: of the
 * first ',' or ';' or closing word that is not inside anything. */
size_t tokens_skip(const struct tokens *tokens, size_t at);

#endif
