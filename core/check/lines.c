/* lines.c - finds the constructor, then one key at each level.
 *
 * `return name` is followed to `name = {`, and when the path's first key is
 * not in there, to a later `name.key = value` or `function name.key`.
 */
#include "check/lines.h"

#include <stdarg.h>

#include "check/token.h"

#define PATH_MAX_KEYS 16

struct place {
    const struct tokens *tokens;
    size_t               at;
    int                  line;
};

static const struct token *token_at(const struct tokens *tokens, size_t at) {
    return &tokens->items[at < tokens->count ? at : tokens->count];
}

/* The last `return` that is inside nothing. */
static bool find_return(const struct tokens *tokens, size_t *found) {
    int  depth = 0;
    bool any = false;

    for (size_t at = 0; at < tokens->count; at++) {
        const struct token *token = &tokens->items[at];

        depth += token->depth;
        if (depth == 0 && token_is(token, "return")) {
            *found = at;
            any = true;
        }
    }
    return any;
}

/* `name = {` outside of everything: the index of the brace. */
static bool find_constructor(const struct tokens *tokens, struct str name,
                             size_t *found) {
    int depth = 0;

    for (size_t at = 0; at < tokens->count; at++) {
        const struct token *token = &tokens->items[at];

        if (depth == 0 && token_is_name(token) &&
            str_equal(token->text, name) &&
            token_is(token_at(tokens, at + 1), "=") &&
            token_is(token_at(tokens, at + 2), "{")) {
            *found = at + 2;
            return true;
        }
        depth += token->depth;
    }
    return false;
}

/* `name.key` outside of everything, assigned or a function's name. */
static bool find_member(const struct tokens *tokens, struct str name,
                        struct str key, size_t *found) {
    int depth = 0;

    for (size_t at = 0; at < tokens->count; at++) {
        const struct token *token = &tokens->items[at];
        bool                function = at > 0 && depth == 1 &&
                        token_is(&tokens->items[at - 1], "function");

        if ((depth == 0 || function) && token_is_name(token) &&
            str_equal(token->text, name) &&
            token_is(token_at(tokens, at + 1), ".") &&
            str_equal(token_at(tokens, at + 2)->text, key) &&
            (function || token_is(token_at(tokens, at + 3), "="))) {
            *found = at + 2;
            return true;
        }
        depth += token->depth;
    }
    return false;
}

/* At a field of a constructor: its key, or an empty str for an item, and
 * where its value begins. */
static struct str field_key(const struct tokens *tokens, size_t at,
                            size_t *value) {
    const struct token *token = token_at(tokens, at);

    if (token_is_name(token) && token_is(token_at(tokens, at + 1), "=")) {
        *value = at + 2;
        return token->text;
    }
    if (token_is(token, "[")) {
        const struct token *key = token_at(tokens, at + 1);

        *value = tokens_skip(tokens, at + 1) + 2;
        return key->text;
    }
    *value = at;
    return (struct str){"", 0};
}

/* At '{': moves to the value of `key` and takes the line of its key. */
static bool enter(struct place *place, struct str key) {
    const struct tokens *tokens = place->tokens;
    size_t               at = place->at, value;
    int64_t              wanted = 0, item = 0;

    if (!token_is(token_at(tokens, at), "{"))
        return false;
    (void)str_to_int(key, &wanted);
    for (at++; at < tokens->count && !token_is(&tokens->items[at], "}");) {
        struct str name = field_key(tokens, at, &value);
        bool       hit =
            value == at ? ++item == wanted && wanted > 0 : str_equal(name, key);

        if (hit) {
            place->line = tokens->items[at].line;
            place->at = value;
            return true;
        }
        at = tokens_skip(tokens, value);
        if (token_is(token_at(tokens, at), ",") ||
            token_is(token_at(tokens, at), ";"))
            at++;
        else if (!token_is(token_at(tokens, at), "}"))
            return false;
    }
    return false;
}

static int walk(const struct tokens *tokens, const struct str *path,
                size_t count) {
    struct place        place = {tokens, 0, 1};
    const struct token *name;
    size_t              next = 0, member;

    if (!find_return(tokens, &place.at))
        return 1;
    place.line = tokens->items[place.at].line;
    place.at++;
    name = token_at(tokens, place.at);
    if (token_is_name(name))
        (void)find_constructor(tokens, name->text, &place.at);
    while (next < count && enter(&place, path[next]))
        next++;
    if (next == 0 && count > 0 && token_is_name(name) &&
        find_member(tokens, name->text, path[0], &member)) {
        place.line = tokens->items[member].line;
        place.at = member + 2;
        for (next = 1; next < count && enter(&place, path[next]);)
            next++;
    }
    return place.line;
}

int lines_find_path(struct str text, const struct str *path, size_t count) {
    struct tokens tokens;
    int           line;

    tokens_read(&tokens, text);
    line = walk(&tokens, path, count);
    tokens_release(&tokens);
    return line;
}

int lines_find(struct str text, ...) {
    struct str  path[PATH_MAX_KEYS];
    size_t      count = 0;
    va_list     keys;
    const char *key;

    va_start(keys, text);
    while (count < PATH_MAX_KEYS && (key = va_arg(keys, const char *)))
        path[count++] = str_of(key);
    va_end(keys);
    return lines_find_path(text, path, count);
}
