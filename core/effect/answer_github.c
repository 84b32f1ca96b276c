/* answer_github.c - errors with a status of 200, and pages.
 */
#include <string.h>

#include "base/mem.h"
#include "effect/answer_private.h"
#include "protocol/link.h"

/* What GitHub calls an error, what it is to us, and whether it says that
 * nothing was done. */
static const struct {
    const char   *type;
    enum err_code code;
} kinds[] = {
    {"NOT_FOUND", ERR_NOT_FOUND},        {"FORBIDDEN", ERR_DENIED},
    {"INSUFFICIENT_SCOPES", ERR_DENIED}, {"UNAUTHORIZED", ERR_DENIED},
    {"RATE_LIMITED", ERR_THROTTLED},     {"RATE_LIMIT", ERR_THROTTLED},
    {"UNPROCESSABLE", ERR_INVALID},      {"BAD_USER_INPUT", ERR_INVALID},
};

static enum err_code code_of(const struct json *error) {
    struct str type = json_find_text(error, "type");

    if (type.len == 0)
        type = json_find_text(json_find(error, "extensions"), "code");
    for (size_t i = 0; i < sizeof kinds / sizeof *kinds; i++)
        if (str_is(type, kinds[i].type))
            return kinds[i].code;
    return ERR_REMOTE;
}

/* With `data` the document ran, and an error from below the root field came
 * after the field had been carried out. Without, it never ran when the error
 * points into the document. (AG2) */
static bool says_nothing_done(const struct json *error, bool ran) {
    if (!ran)
        return code_of(error) != ERR_REMOTE ||
               json_find(error, "locations") != NULL;
    return code_of(error) != ERR_REMOTE &&
           json_count(json_find(error, "path")) <= 1;
}

static bool has_values(const struct json *data) {
    struct json_walk walk = json_walk_over(data);
    bool             any = false;

    while (!any && json_walk_next(&walk))
        any = !json_is(walk.value, JSON_NULL_KIND);
    json_walk_stop(&walk);
    return any;
}

static bool refused(const struct json *body, const struct json *errors) {
    bool ran = json_find(body, "data") != NULL;

    if (json_count(errors) == 0 || has_values(json_find(body, "data")))
        return false;
    for (size_t i = 0; i < json_count(errors); i++)
        if (!says_nothing_done(json_at(errors, i), ran))
            return false;
    return true;
}

static void add_words(const struct json *errors, struct buf *out) {
    for (size_t i = 0; i < json_count(errors) && i < 5; i++) {
        struct str words = json_find_text(json_at(errors, i), "message");

        buf_addf(out, "%s%.*s", i ? "; " : "",
                 (int)(words.len > 300 ? 300 : words.len),
                 words.data ? words.data : "");
    }
}

static void failed(const struct effect *effect, const struct json *body,
                   const struct json *errors, struct answer *answer) {
    struct buf words = BUF_EMPTY;

    add_words(errors, &words);
    err_set(&answer->err, code_of(json_at(errors, 0)), "%s: %s", effect->name,
            words.len ? buf_text(&words) : "errors without a message");
    answer->fate = effect_writes(effect) && !refused(body, errors)
                       ? ANSWER_UNKNOWN
                       : ANSWER_REFUSED;
    if (answer->fate == ANSWER_UNKNOWN)
        answer->err.code = ERR_REMOTE;
    buf_release(&words);
}

bool answer_github_is_graphql(const struct effect *effect) {
    return str_starts(str_of(effect->name), "github:graphql:");
}

void answer_github_graphql(const struct effect *effect, const struct json *body,
                           struct answer *answer) {
    const struct json *errors = json_find(body, "errors");
    const struct json *data = json_find(body, "data");

    if (errors && !json_is(errors, JSON_NULL_KIND)) { /* (AG1) */
        failed(effect, body, errors, answer);
    } else if (json_is(data, JSON_MAP)) {
        answer->value = json_clone(data);
    } else {
        err_set(&answer->err, ERR_REMOTE,
                "%s: the answer has neither data nor errors", effect->name);
        answer->fate = effect_writes(effect) ? ANSWER_UNKNOWN : ANSWER_REFUSED;
    }
}

/* --- pages -------------------------------------------------------------- */

/* A list, or the one list of an answer that counts beside it. */
static struct json *items_of(const struct json *value) {
    struct json_walk walk;
    struct json     *found = NULL;
    bool             twice = false;

    if (json_is(value, JSON_LIST))
        return json_clone(value);
    walk = json_walk_over(value);
    while (json_walk_next(&walk)) {
        if (!json_is(walk.value, JSON_LIST))
            continue;
        twice = twice || found;
        found = walk.value;
    }
    return found && !twice ? json_clone(found) : NULL;
}

/* Path arguments stay; what the next link says of the query wins. */
static struct json *next_arguments(const struct effect *effect,
                                   struct str header, struct str url,
                                   struct err *err) {
    struct str   next;
    struct json *query, *args;

    if (!link_next(header, &next, err))
        return NULL;
    if (next.len == 0)
        return json_new_null();
    query = link_arguments(next, url, err);
    if (!query)
        return NULL;
    args = json_clone(effect->args);
    json_merge(args, query);
    json_release(query);
    return args;
}

void answer_page(const struct effect *effect, const struct http_answer *http,
                 struct str url, struct answer *answer) {
    struct json *next, *items, *page;
    struct err   err;

    if (answer->fate != ANSWER_GIVEN ||
        !json_truth(json_find(effect->options, "pages")))
        return;
    items = items_of(answer->value);
    next = items ? next_arguments(effect,
                                  http_headers_find(&http->headers, "link"),
                                  url, &err)
                 : NULL;
    if (!items)
        err_set(&err, ERR_REMOTE, "the answer is no page: it has no one list");
    json_release(answer->value);
    answer->value = NULL;
    if (!next) {
        err_wrap(&err, "%s", effect->name);
        answer->err = err;
        answer->fate = ANSWER_REFUSED;
        json_release(items);
        return;
    }
    page = json_new_map();
    json_put(page, "items", items);
    json_put(page, "next", next);
    answer->value = page;
}
