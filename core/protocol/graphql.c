/* graphql.c - a lexer with one token ahead, and one function a rule.
 *
 * Errors are sticky: after the first one every token is the end, so each rule
 * may go on without asking and still ends. (GQ1)
 */
#include "protocol/graphql.h"

#include <ctype.h>
#include <string.h>

#include "base/encode.h"

enum kind { END, NAME, NUMBER, STRING, SPREAD, SIGN };

struct parser {
    const char *at, *end, *start;
    enum kind   kind;
    struct str  token; /* a SIGN is one character */
    int         depth, operations, mutations, others;
    size_t      fields; /* at the root of the mutation read last */
    bool        plain;  /* no fragment among them */
    struct str  field;
    bool        by_input, failed;
    struct err *err;
};

static void fail(struct parser *p, const char *why) {
    int line = 1;

    if (p->failed)
        return;
    for (const char *c = p->start; c < p->at; c++)
        line += *c == '\n';
    err_set(p->err, ERR_INVALID, "GraphQL, line %d: %s", line, why);
    p->failed = true;
    p->kind = END;
    p->token = STR("");
}

/* --- tokens ------------------------------------------------------------- */

static size_t left(const struct parser *p) {
    return (size_t)(p->end - p->at);
}

static bool here(const struct parser *p, const char *what) {
    size_t len = strlen(what);

    return left(p) >= len && memcmp(p->at, what, len) == 0;
}

static void skip_ignored(struct parser *p) {
    while (left(p)) {
        if (here(p, "\xEF\xBB\xBF"))
            p->at += 3;
        else if (*p->at == ' ' || *p->at == '\t' || *p->at == '\n' ||
                 *p->at == '\r' || *p->at == ',')
            p->at++;
        else if (*p->at == '#')
            while (left(p) && *p->at != '\n')
                p->at++;
        else
            return;
    }
}

static bool name_begins(char c) {
    return isalpha((unsigned char)c) || c == '_';
}

static bool name_goes_on(char c) {
    return isalnum((unsigned char)c) || c == '_';
}

static size_t digits(struct parser *p) {
    const char *from = p->at;

    while (left(p) && isdigit((unsigned char)*p->at))
        p->at++;
    return (size_t)(p->at - from);
}

static void lex_number(struct parser *p) {
    bool   zero;
    size_t whole;

    if (*p->at == '-')
        p->at++;
    zero = here(p, "0");
    whole = digits(p);
    if (whole == 0 || (zero && whole > 1))
        fail(p, "this is no number");
    if (here(p, ".")) {
        p->at++;
        if (digits(p) == 0)
            fail(p, "a fraction has digits");
    }
    if (here(p, "e") || here(p, "E")) {
        p->at++;
        if (here(p, "+") || here(p, "-"))
            p->at++;
        if (digits(p) == 0)
            fail(p, "an exponent has digits");
    }
    if (left(p) && (name_begins(*p->at) || *p->at == '.'))
        fail(p, "a number ends before a name");
}

static void lex_block(struct parser *p) {
    for (p->at += 3; left(p); p->at++) {
        if (here(p, "\\\"\"\""))
            p->at += 3;
        else if (here(p, "\"\"\"")) {
            p->at += 3;
            return;
        }
    }
    fail(p, "a block string does not end");
}

static size_t hex_run(const struct parser *p, size_t most) {
    size_t count = 0;

    while (count < most && count < left(p) &&
           isxdigit((unsigned char)p->at[count]))
        count++;
    return count;
}

/* Behind a backslash. */
static void lex_escape(struct parser *p) {
    size_t hex;

    if (left(p) && *p->at && strchr("\"\\/bfnrt", *p->at)) {
        p->at++;
        return;
    }
    if (!here(p, "u")) {
        fail(p, "no such escape in a string");
        return;
    }
    p->at++;
    if (here(p, "{")) {
        p->at++;
        hex = hex_run(p, 6);
        p->at += hex;
        if (hex == 0 || !here(p, "}"))
            fail(p, "no such escape in a string");
        else
            p->at++;
    } else if (hex_run(p, 4) == 4) {
        p->at += 4;
    } else {
        fail(p, "no such escape in a string");
    }
}

static void lex_string(struct parser *p) {
    if (here(p, "\"\"\"")) {
        lex_block(p);
        return;
    }
    p->at++;
    while (!p->failed && left(p) && *p->at != '\n' && *p->at != '\r') {
        if (*p->at == '"') {
            p->at++;
            return;
        }
        if (*p->at++ == '\\')
            lex_escape(p);
    }
    fail(p, "a string does not end");
}

static enum kind lex(struct parser *p) {
    if (name_begins(*p->at)) {
        while (left(p) && name_goes_on(*p->at))
            p->at++;
        return NAME;
    }
    if (isdigit((unsigned char)*p->at) || *p->at == '-') {
        lex_number(p);
        return NUMBER;
    }
    if (*p->at == '"') {
        lex_string(p);
        return STRING;
    }
    if (here(p, "...")) {
        p->at += 3;
        return SPREAD;
    }
    if (!*p->at || !strchr("!$&()[]{}:=@|", *p->at))
        fail(p, "a character that has no meaning here");
    else
        p->at++;
    return SIGN;
}

static void next(struct parser *p) {
    const char *from;

    if (p->failed)
        return;
    skip_ignored(p);
    p->token = STR("");
    p->kind = END;
    if (!left(p))
        return;
    from = p->at;
    p->kind = lex(p);
    p->token = (struct str){from, (size_t)(p->at - from)};
    if (p->failed) {
        p->kind = END;
        p->token = STR("");
    }
}

static bool is(const struct parser *p, const char *sign) {
    return p->kind == SIGN && str_is(p->token, sign);
}

static bool is_word(const struct parser *p, const char *word) {
    return p->kind == NAME && str_is(p->token, word);
}

static bool take(struct parser *p, const char *sign) {
    if (!is(p, sign))
        return false;
    next(p);
    return true;
}

static void want(struct parser *p, const char *sign, const char *why) {
    if (!take(p, sign))
        fail(p, why);
}

static struct str want_name(struct parser *p) {
    struct str name = p->token;

    if (p->kind != NAME)
        fail(p, "a name is missing");
    else
        next(p);
    return name;
}

/* --- values ------------------------------------------------------------- */

static bool deeper(struct parser *p) {
    if (p->depth >= GRAPHQL_DEPTH_MAX)
        fail(p, "nested too deeply"); /* (GQ3) */
    p->depth++;
    return !p->failed;
}

static void value(struct parser *p, bool constant);

static void list_value(struct parser *p, bool constant) {
    while (!p->failed && !is(p, "]") && p->kind != END)
        value(p, constant);
    want(p, "]", "a list does not end");
}

static void object_value(struct parser *p, bool constant) {
    while (!p->failed && !is(p, "}") && p->kind != END) {
        (void)want_name(p);
        want(p, ":", "a colon is missing in an object");
        value(p, constant);
    }
    want(p, "}", "an object does not end");
}

static void value(struct parser *p, bool constant) {
    if (!deeper(p))
        return;
    if (take(p, "["))
        list_value(p, constant);
    else if (take(p, "{"))
        object_value(p, constant);
    else if (!constant && take(p, "$"))
        (void)want_name(p);
    else if (p->kind == NAME || p->kind == NUMBER || p->kind == STRING)
        next(p);
    else
        fail(p, "a value is missing");
    p->depth--;
}

/* Gives whether it is `(input: $input)` and nothing else. */
static bool arguments(struct parser *p, bool constant) {
    size_t count = 0;
    bool   input = false;

    if (!take(p, "("))
        return false;
    do {
        bool named = str_is(want_name(p), "input");

        want(p, ":", "an argument has no colon");
        input = false;
        if (named && !constant && is(p, "$")) {
            next(p);
            input = str_is(want_name(p), "input");
        } else {
            value(p, constant);
        }
        count++;
    } while (!p->failed && p->kind == NAME);
    want(p, ")", "the arguments do not end");
    return input && count == 1;
}

static void directives(struct parser *p, bool constant) {
    while (take(p, "@")) {
        (void)want_name(p);
        (void)arguments(p, constant);
    }
}

static void type(struct parser *p) {
    if (!deeper(p))
        return;
    if (take(p, "[")) {
        type(p);
        want(p, "]", "a list type does not end");
    } else {
        (void)want_name(p);
    }
    (void)take(p, "!");
    p->depth--;
}

static void variables(struct parser *p) {
    if (!take(p, "("))
        return;
    do {
        want(p, "$", "a variable begins with $");
        (void)want_name(p);
        want(p, ":", "a variable has a type");
        type(p);
        if (take(p, "="))
            value(p, true);
        directives(p, true);
    } while (!p->failed && !is(p, ")") && p->kind != END);
    want(p, ")", "the variables do not end");
}

/* --- selections --------------------------------------------------------- */

static void selections(struct parser *p, bool root);

static void fragment_use(struct parser *p, bool root) {
    if (root)
        p->plain = false;
    if (is_word(p, "on")) {
        next(p);
        (void)want_name(p);
    } else if (p->kind == NAME) {
        next(p);
        directives(p, false);
        return;
    }
    directives(p, false);
    selections(p, false);
}

/* `alias: name(arguments) @directives { … }`: the name is what counts. */
static void field(struct parser *p, bool root) {
    struct str name = want_name(p);
    bool       input;

    if (take(p, ":"))
        name = want_name(p);
    input = arguments(p, false);
    if (root) {
        p->fields++;
        p->field = name;
        p->by_input = input;
    }
    directives(p, false);
    if (is(p, "{"))
        selections(p, false);
}

static void selections(struct parser *p, bool root) {
    if (!deeper(p))
        return;
    want(p, "{", "a selection is missing");
    do {
        if (p->kind == SPREAD) {
            next(p);
            fragment_use(p, root);
        } else {
            field(p, root);
        }
    } while (!p->failed && !is(p, "}") && p->kind != END);
    want(p, "}", "a selection does not end");
    p->depth--;
}

/* --- the document ------------------------------------------------------- */

static void operation(struct parser *p) {
    bool mutates = is_word(p, "mutation");

    p->operations++;
    p->mutations += mutates;
    p->others += !mutates && !is(p, "{") && !is_word(p, "query");
    if (!is(p, "{")) {
        next(p);
        if (p->kind == NAME)
            next(p);
        variables(p);
        directives(p, false);
    }
    p->fields = 0;
    p->plain = true;
    selections(p, true);
}

static void fragment(struct parser *p) {
    next(p);
    if (is_word(p, "on"))
        fail(p, "no fragment may be named on");
    (void)want_name(p);
    if (!is_word(p, "on"))
        fail(p, "a fragment is on a type");
    next(p);
    (void)want_name(p);
    directives(p, false);
    selections(p, false);
}

static void definition(struct parser *p) {
    if (is_word(p, "fragment"))
        fragment(p);
    else if (is(p, "{") || is_word(p, "query") || is_word(p, "mutation") ||
             is_word(p, "subscription"))
        operation(p);
    else
        fail(p, "neither an operation nor a fragment");
}

/* Servers differ over what a lone carriage return ends, and a NUL over where
 * the text does. Neither has a use. */
static bool characters_fine(struct str text) {
    size_t bad;

    for (size_t i = 0; i < text.len; i++) {
        unsigned char c = (unsigned char)text.data[i];

        if (c == '\r' && (i + 1 == text.len || text.data[i + 1] != '\n'))
            return false;
        if (c == 127 || (c < 32 && c != '\t' && c != '\n' && c != '\r'))
            return false;
    }
    return encode_utf8_valid(text, &bad);
}

static void document(struct parser *p) {
    next(p);
    do
        definition(p);
    while (!p->failed && p->kind != END);
    if (p->operations == 0)
        fail(p, "there is no operation");
}

bool graphql_read(struct str text, struct graphql *out, struct err *err) {
    struct parser p = {.at = text.data,
                       .start = text.data,
                       .end = text.data + text.len,
                       .err = err};

    memset(out, 0, sizeof *out);
    if (text.len == 0 || text.len > GRAPHQL_BYTES_MAX)
        return err_set(err, ERR_INVALID,
                       "GraphQL: a document has 1 to %d bytes",
                       GRAPHQL_BYTES_MAX);
    if (!characters_fine(text))
        return err_set(err, ERR_INVALID,
                       "GraphQL: a control character, a lone carriage return "
                       "or bytes that are not UTF-8");
    document(&p);
    if (p.failed)
        return false;
    out->operations = p.operations;
    out->reads = p.mutations == 0 && p.others == 0;
    if (p.operations == 1 && p.mutations == 1 && p.plain && p.fields == 1) {
        out->field = p.field; /* (GQ2) */
        out->by_input = p.by_input;
    }
    return true;
}
