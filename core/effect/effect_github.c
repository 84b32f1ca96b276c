/* effect_github.c - a route is its own name; a document is read for one.
 */
#include <ctype.h>
#include <string.h>
#include <strings.h>

#include "effect/effect_private.h"
#include "protocol/graphql.h"
#include "protocol/route.h"

#define GRAPHQL_ROUTE "POST /graphql"
#define GRAPHQL_NAME "graphql:"

/* Whatever a server might take for /graphql: other capitals, more slashes, the
 * path below the base of an Enterprise server. (EG1) */
static bool leads_to_graphql(struct str path) {
    static const char word[] = "graphql";
    size_t            len = sizeof word - 1;

    while (path.len && path.data[path.len - 1] == '/')
        path.len--;
    return path.len > len && path.data[path.len - len - 1] == '/' &&
           strncasecmp(path.data + path.len - len, word, len) == 0;
}

/* "GET /repos/{owner}/{repo}/commits": no dots that climb, no query. */
static bool route_valid(struct str route) {
    struct str path, method = str_cut(route, ' ', &path);

    if (!effect_method_valid(method) || path.len == 0 || path.data[0] != '/' ||
        path.len > 300 || leads_to_graphql(path))
        return false;
    for (size_t i = 0; i + 1 < path.len; i++)
        if (path.data[i] == '.' && path.data[i + 1] == '.')
            return false;
    return str_made_of(path, isalnum, "/{}_-.+");
}

bool effect_github_name_valid(struct str name) {
    size_t len = sizeof GRAPHQL_NAME - 1;

    if (!str_starts(name, GRAPHQL_NAME))
        return route_valid(name);
    name = (struct str){name.data + len, name.len - len};
    return name.len <= 100 && str_made_of(name, isalnum, "_") &&
           !isdigit((unsigned char)name.data[0]);
}

/* --- secrets ------------------------------------------------------------ */

static bool ends_in(struct str path, const char *end) {
    size_t len = strlen(end);

    return path.len >= len &&
           strncasecmp(path.data + path.len - len, end, len) == 0;
}

/* Of an installation, of an App made from a manifest, of an OAuth app, of a
 * runner; in any capitals and with slashes behind. Source: GitHub's REST
 * description. */
bool effect_github_gives_token(struct str name) {
    static const char *const ends[] = {
        "/access_tokens",     "/conversions",  "/token",
        "/token/scoped",      "/remove-token", "/registration-token",
        "/generate-jitconfig"};

    while (name.len && name.data[name.len - 1] == '/')
        name.len--;
    for (size_t i = 0; i < sizeof ends / sizeof *ends; i++)
        if (ends_in(name, ends[i]))
            return true;
    return false;
}

bool effect_github_is_secret(const struct effect *effect) {
    struct json *left = json_clone(effect->args);
    struct str   route, method = str_cut(str_of(effect->name), ' ', &route);
    struct buf   path = BUF_EMPTY;
    struct err   err;
    bool         secret;

    (void)method;
    secret = route_fill(route, left, &path, &err) &&
             effect_github_gives_token(buf_str(&path));
    json_release(left);
    buf_release(&path);
    return secret;
}

/* --- options ------------------------------------------------------------ */

/* `pages`: the answer is a page. `owner` and `repo`: whose token signs what
 * names no repository itself; they say nothing of what is touched. */
static bool take_option(struct effect *effect, struct str name,
                        const struct json *value, struct err *err) {
    bool graphql = str_starts(str_of(effect->name), "github:" GRAPHQL_NAME);
    bool fits = graphql ? (str_is(name, "owner") || str_is(name, "repo")) &&
                              json_is(value, JSON_TEXT)
                        : str_is(name, "pages") && json_is(value, JSON_BOOL) &&
                              str_starts(str_of(effect->name), "github:GET ");

    if (!fits)
        return err_set(err, ERR_INVALID,
                       "ctx.github: no option \"%.*s\" here: a GET takes "
                       "pages = true, GraphQL takes owner and repo",
                       STR_ARG(name));
    json_put_str(effect->options, name, json_clone(value));
    return true;
}

/* --- GraphQL ------------------------------------------------------------ */

/* Only these: an extension could name a stored document that runs instead of
 * the one that was read. (EG1) */
static bool members_known(const struct json *args, struct err *err) {
    struct json_walk walk = json_walk_over(args);
    bool             ok = true;

    while (ok && json_walk_next(&walk)) {
        ok = str_is(walk.key, "query") || str_is(walk.key, "variables") ||
             str_is(walk.key, "operationName");
        if (!ok)
            err_set(err, ERR_INVALID,
                    "ctx.github: POST /graphql takes query, variables and "
                    "operationName, not \"%.*s\"",
                    STR_ARG(walk.key));
    }
    json_walk_stop(&walk);
    return ok;
}

/* (EG2) */
static struct str verdict(const struct graphql *read) {
    if (read->reads)
        return STR("query");
    if (read->field.len == 0 || read->field.len > 100 ||
        str_is(read->field, "query"))
        return STR("mutation");
    return read->field;
}

static bool name_graphql(const struct json *args, struct buf *name,
                         struct err *err) {
    struct graphql read;
    struct str     found;

    if (!members_known(args, err) ||
        !graphql_read(json_find_text(args, "query"), &read, err))
        return false;
    found = verdict(&read);
    buf_addf(name, "github:" GRAPHQL_NAME "%.*s", STR_ARG(found));
    return true;
}

bool effect_github_fits_rule(const struct effect *effect) {
    const struct json *input =
        json_dig(effect->args, "variables", "input", NULL);
    struct graphql read;
    struct err     err;

    if (!str_starts(str_of(effect->name), "github:" GRAPHQL_NAME))
        return true;
    return json_is(input, JSON_MAP) &&
           graphql_read(json_find_text(effect->args, "query"), &read, &err) &&
           read.by_input;
}

/* --- making ------------------------------------------------------------- */

bool effect_github_make(struct effect *effect, const struct json *question,
                        const struct json *config, struct err *err) {
    struct str         route = json_text(json_at(question, 2));
    const struct json *args = json_at(question, 3);
    bool               graphql = str_is(route, GRAPHQL_ROUTE);
    struct buf         name = BUF_EMPTY;
    bool               ok = true;

    (void)config;
    if (!graphql && !route_valid(route))
        return err_set(err, ERR_INVALID,
                       "ctx.github: \"%.*s\" is no route, "
                       "as in GET /repos/{owner}/{repo}/commits",
                       STR_ARG(route));
    if (args && !json_is(args, JSON_MAP) && !json_is(args, JSON_NULL_KIND))
        return err_set(err, ERR_INVALID,
                       "github:%.*s: arguments must be a table of names",
                       STR_ARG(route));
    effect->args = json_is(args, JSON_MAP) ? json_clone(args) : json_new_map();
    if (graphql)
        ok = name_graphql(effect->args, &name, err);
    else
        buf_addf(&name, "github:%.*s", STR_ARG(route));
    effect->name = buf_take(&name);
    return ok &&
           effect_take_options(effect, json_at(question, 4), take_option, err);
}
