/* check_text.c - what the text shows and the table does not.
 *
 * Names are judged without scopes: a name that is declared anywhere in the
 * script counts as declared everywhere. So a finding here is never wrong,
 * while some mistakes are only found when the script runs.
 */
#include "check/check_private.h"
#include "effect/effect.h"

static const struct token *token_at(const struct check *check, size_t at) {
    size_t count = check->tokens.count;

    return &check->tokens.items[at < count ? at : count];
}

static bool is_at(const struct check *check, size_t at, const char *text) {
    return token_is(token_at(check, at), text);
}

static void offer_each(struct nearest *nearest, const char *const *names) {
    for (size_t i = 0; names[i]; i++)
        nearest_offer(nearest, str_of(names[i]));
}

/* --- names ------------------------------------------------------------- */

static void declare(struct json *names, const struct token *token) {
    if (token_is_name(token))
        json_put_str(names, token->text, json_new_bool(true));
}

/* At a name: takes "a, b, c" with their attributes. */
static size_t declare_list(const struct check *check, struct json *names,
                           size_t at) {
    for (;;) {
        declare(names, token_at(check, at++));
        if (is_at(check, at, "<"))
            at += 3;
        if (!is_at(check, at, ","))
            return at;
        at++;
    }
}

/* Behind `function`: its name when it is a local one, and its parameters. */
static void declare_function(const struct check *check, struct json *names,
                             size_t at, bool local) {
    if (local)
        declare(names, token_at(check, at));
    while (at < check->tokens.count && !is_at(check, at, "("))
        at++;
    declare_list(check, names, at + 1);
}

static struct json *declared_names(const struct check *check) {
    struct json *names = json_new_map();

    for (size_t at = 0; at < check->tokens.count; at++) {
        bool local = at > 0 && is_at(check, at - 1, "local");

        if (is_at(check, at, "function"))
            declare_function(check, names, at + 1, local);
        else if (is_at(check, at, "for") || local)
            declare_list(check, names, local ? at : at + 1);
    }
    json_put_bool(names, "self", true);
    return names;
}

/* Is the token at `at` a variable, and not a field, a method, a label or the
 * key of a constructor? */
static bool is_variable(const struct check *check, size_t at, bool in_table) {
    const struct token *before = at > 0 ? token_at(check, at - 1) : NULL;

    if (!token_is_name(token_at(check, at)))
        return false;
    if (before && (token_is(before, ".") || token_is(before, ":") ||
                   token_is(before, "::") || token_is(before, "goto")))
        return false;
    /* local x <const> */
    if (before && token_is(before, "<") && is_at(check, at + 1, ">") &&
        (is_at(check, at, "const") || is_at(check, at, "close")))
        return false;
    return !(in_table && is_at(check, at + 1, "=") &&
             (token_is(before, "{") || token_is(before, ",") ||
              token_is(before, ";")));
}

static void say_global(struct check *check, size_t at) {
    static const char *const given[] = {
        "assert",   "error",    "getmetatable", "ipairs",   "next",
        "pairs",    "pcall",    "select",       "rawequal", "rawget",
        "rawlen",   "rawset",   "string",       "table",    "setmetatable",
        "tonumber", "tostring", "type",         "utf8",     "math",
        "xpcall",   "require",  "json",         "_ENV",     NULL};
    const struct token *token = token_at(check, at);
    struct nearest      nearest = nearest_to(token->text);
    bool                assigned = is_at(check, at + 1, "=") ||
                    (at > 0 && is_at(check, at - 1, "function"));

    if (assigned)
        check_say(check, FINDING_GLOBAL_ASSIGNED, token->line,
                  "'%.*s' is assigned and is no local", STR_ARG(token->text));
    if (assigned || str_in(token->text, given))
        return;
    offer_each(&nearest, given);
    check_say(check, FINDING_GLOBAL_UNKNOWN, token->line,
              "there is no '%.*s' here%s", STR_ARG(token->text),
              nearest_words(&nearest, &check->words));
}

/* Keys of a constructor stand directly inside '{': `open` has one bit for
 * each open bracket or block, set for a brace; 64 levels are enough. */
static void check_names(struct check *check) {
    struct json *names = declared_names(check);
    uint64_t     open = 0;

    for (size_t at = 0; at < check->tokens.count; at++) {
        const struct token *token = token_at(check, at);
        int                 depth = token->depth;

        if (is_variable(check, at, open & 1) &&
            !json_find_str(names, token->text)) {
            say_global(check, at);
            /* Once for each name. */
            json_put_str(names, token->text, json_new_bool(true));
        }
        if (depth > 0)
            open = open << 1 | token_is(token, "{");
        else if (depth < 0)
            open >>= 1;
    }
    json_release(names);
}

/* --- ctx and require ---------------------------------------------------- */

/* ctx.NAME or ctx.try.NAME at `at`: the index of NAME, else 0. */
static size_t ctx_member(const struct check *check, size_t at) {
    if (!is_at(check, at, "ctx") || !is_at(check, at + 1, ".") ||
        (at > 0 && is_at(check, at - 1, ".")))
        return 0;
    if (is_at(check, at + 2, "try") && is_at(check, at + 3, "."))
        return at + 4;
    return at + 2;
}

static void check_ctx(struct check *check, size_t at) {
    static const char *const offered[] = {
        "aws", "github", "prometheus", "http",  "notify", "service",
        "now", "random", "uuid",       "sleep", "log",    "wait_for",
        "try", "llm",    "all",        NULL};
    size_t              member = ctx_member(check, at);
    const struct token *token = token_at(check, member);
    struct nearest      nearest = nearest_to(token->text);

    if (!member || str_in(token->text, offered))
        return;
    offer_each(&nearest, offered);
    check_say(check, FINDING_CTX_UNKNOWN, token->line, "ctx has no '%.*s'%s",
              STR_ARG(token->text), nearest_words(&nearest, &check->words));
}

static void check_require(struct check *check, size_t at) {
    size_t              name = is_at(check, at + 1, "(") ? at + 2 : at + 1;
    const struct token *token = token_at(check, name);
    struct nearest      nearest = nearest_to(token->text);
    struct str          id = token->text;
    struct buf          full = BUF_EMPTY;

    if (!is_at(check, at, "require") || token->kind != TOKEN_STRING ||
        str_is(id, "cjson"))
        return;
    if (str_starts(id, "lib.")) {
        id.data += 4;
        id.len -= 4;
        nearest.wrong = id;
        if (bundle_find(check->bundle, SCRIPT_LIB, id))
            return;
    }
    for (size_t i = 0; i < bundle_count(check->bundle); i++)
        if (bundle_at(check->bundle, i)->kind == SCRIPT_LIB)
            nearest_offer(&nearest, str_of(bundle_at(check->bundle, i)->id));
    if (nearest.best.len > 0) {
        buf_addf(&full, "lib.%.*s", STR_ARG(nearest.best));
        nearest.best = buf_str(&full);
    }
    check_say(check, FINDING_LIBRARY_UNKNOWN, token->line,
              "there is no library '%.*s'%s", STR_ARG(token->text),
              nearest_words(&nearest, &check->words));
    buf_release(&full);
}

static void check_no_function(struct check *check) {
    for (size_t at = 0; at < check->tokens.count; at++)
        if (is_at(check, at, "function")) {
            check_say(check, FINDING_PLAYBOOK_FUNCTION,
                      token_at(check, at)->line,
                      "a playbook is data; there is a function in it");
            return;
        }
}

void check_text(struct check *check) {
    check_names(check);
    if (check->script->kind == SCRIPT_PLAYBOOK)
        check_no_function(check);
    for (size_t at = 0; at < check->tokens.count; at++) {
        check_ctx(check, at);
        check_require(check, at);
    }
}

/* --- effects ------------------------------------------------------------ */

/* What a GraphQL document is stands in the document, which no check of the
 * text reads: here some declared name must be of that kind. */
static bool graphql_declared(const struct json *declared, struct str name) {
    if (!str_is(name, "github:POST /graphql"))
        return false;
    for (size_t i = 0; i < json_count(declared); i++)
        if (str_starts(json_text(json_at(declared, i)), "github:graphql:"))
            return true;
    return false;
}

static void check_effect(struct check *check, const struct token *token,
                         struct str kind) {
    const struct json *declared = json_find(check->meta, "effects");
    struct buf         name = BUF_EMPTY;
    struct nearest     nearest;

    if (kind.len > 0)
        buf_addf(&name, "%.*s:", STR_ARG(kind));
    buf_add_str(&name, token->text);
    nearest = nearest_to(buf_str(&name));
    if (!json_lists(declared, buf_str(&name)) &&
        !graphql_declared(declared, buf_str(&name))) {
        nearest_offer_all(&nearest, declared);
        check_say(check, FINDING_EFFECT_UNDECLARED, token->line,
                  "asks for '%s', which `effects` does not list%s",
                  buf_text(&name), nearest_words(&nearest, &check->words));
    }
    buf_release(&name);
}

/* A literal name is the whole argument: `"ecs:" .. verb` is none. */
static bool is_literal(const struct check *check, size_t at) {
    return token_at(check, at)->kind == TOKEN_STRING &&
           (is_at(check, at + 1, ",") || is_at(check, at + 1, ")") ||
            is_at(check, at + 1, "}"));
}

/* The questions of `ctx.all { … }`: what stands first in a table inside. */
static void check_asks(struct check *check, size_t at) {
    int depth = 0;

    do {
        depth += is_at(check, at, "{") || is_at(check, at, "(");
        depth -= is_at(check, at, "}") || is_at(check, at, ")");
        if (is_at(check, at, "{") && is_literal(check, at + 1) &&
            effect_name_valid(token_at(check, at + 1)->text))
            check_effect(check, token_at(check, at + 1), (struct str){"", 0});
    } while (depth > 0 && ++at < check->tokens.count);
}

void check_text_effects(struct check *check) {
    static const char *const doors[] = {"aws", "github", "prometheus", "notify",
                                        NULL};

    for (size_t at = 0; at < check->tokens.count; at++) {
        size_t     member = ctx_member(check, at);
        struct str kind = token_at(check, member)->text;

        if (member && str_is(kind, "llm") && is_at(check, member + 1, "."))
            check_effect(check, token_at(check, member + 2), kind);
        else if (member && str_is(kind, "all"))
            check_asks(check, member + 1);
        else if (member && str_in(kind, doors) &&
                 is_at(check, member + 1, "(") && is_literal(check, member + 2))
            check_effect(check, token_at(check, member + 2), kind);
        else if (is_at(check, at, "ask") && is_at(check, at + 1, "=") &&
                 is_at(check, at + 2, "{") && is_literal(check, at + 3))
            check_effect(check, token_at(check, at + 3), (struct str){"", 0});
    }
}

/* --- outcomes ----------------------------------------------------------- */

/* `key = function`, `local function key` or `function x.key`: the index of
 * the word `function`. */
static bool find_function(const struct check *check, const char *key,
                          size_t *found) {
    for (size_t at = 0; at < check->tokens.count; at++) {
        bool assigned = is_at(check, at, key) && is_at(check, at + 1, "=") &&
                        is_at(check, at + 2, "function");
        bool named = is_at(check, at, "function") &&
                     (is_at(check, at + 1, key) ||
                      (is_at(check, at + 2, ".") && is_at(check, at + 3, key)));

        if (assigned || named) {
            *found = assigned ? at + 2 : at;
            return true;
        }
    }
    return false;
}

/* Is `return "word"` at `at`, the text alone or with values behind it? */
static bool returns_word(const struct check *check, size_t at) {
    static const char *const behind[] = {",",     "end",  ";", "elseif",
                                         "until", "else", NULL};

    return is_at(check, at, "return") &&
           token_at(check, at + 1)->kind == TOKEN_STRING &&
           str_in(token_at(check, at + 2)->text, behind) &&
           token_at(check, at + 2)->kind != TOKEN_STRING;
}

static void check_return(struct check *check, const struct token *token,
                         const struct json *declared, enum finding finding) {
    struct nearest nearest = nearest_to(token->text);

    if (json_lists(declared, token->text))
        return;
    nearest_offer_all(&nearest, declared);
    check_say(check, finding, token->line,
              "returns '%.*s', which is not "
              "declared%s",
              STR_ARG(token->text), nearest_words(&nearest, &check->words));
}

/* Functions inside the function return to it and not to the engine. */
void check_text_outcomes(struct check *check, const char *function,
                         const struct json *declared, enum finding finding) {
    size_t at;
    int    depth = 0, inner = 0;

    if (!find_function(check, function, &at))
        return;
    for (; at < check->tokens.count; at++) {
        depth += token_at(check, at)->depth;
        if (depth == 0)
            return;
        if (!inner && depth > 1 && is_at(check, at, "function"))
            inner = depth;
        else if (inner && depth < inner)
            inner = 0;
        if (!inner && returns_word(check, at))
            check_return(check, token_at(check, at + 1), declared, finding);
    }
}
