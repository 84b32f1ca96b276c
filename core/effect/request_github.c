/* request_github.c - GitHub: a route with its arguments, the rest to the query
 * or the body. A document of GraphQL goes as it is to its own URL.
 */
#include <string.h>

#include "base/mem.h"
#include "effect/request_private.h"
#include "protocol/route.h"

#define GITHUB "https://api.github.com"

static bool asks_by_query(struct str method) {
    return str_is(method, "GET") || str_is(method, "HEAD");
}

/* `left` is what the route did not use. */
static void fill(struct request *out, struct str method, const struct buf *url,
                 const struct json *left) {
    char *verb = mem_text(method.data, method.len);

    http_request_init(&out->http, verb, buf_str(url));
    mem_free(verb);
    request_header(out, "Accept", STR("application/vnd.github+json"));
    request_header(out, "X-GitHub-Api-Version", STR("2022-11-28"));
    if (!asks_by_query(method))
        request_json_body(out, left);
}

/* An Enterprise server has REST at /api/v3 and GraphQL at /api/graphql. */
static void graphql_url(const struct json *config, struct buf *url) {
    request_base(config, "github", GITHUB, url);
    if (str_ends(buf_str(url), "/api/v3"))
        url->data[url->len -= strlen("/v3")] = '\0';
    buf_add_text(url, "/graphql");
}

/* The scope of its token is an option, since a document names no repository
 * that could be trusted to be all that it touches. */
static void build_graphql(const struct effect *effect,
                          const struct json *config, struct request *out) {
    struct buf url = BUF_EMPTY;

    graphql_url(config, &url);
    fill(out, STR("POST"), &url, effect->args);
    out->scope.owner = json_find_text(effect->options, "owner");
    out->scope.repo = json_find_text(effect->options, "repo");
    buf_release(&url);
}

static bool build_rest(const struct effect *effect, const struct json *config,
                       struct request *out, struct err *err) {
    struct str   route, method = str_cut(str_of(effect->name + 7), ' ', &route);
    struct json *left = json_clone(effect->args);
    struct buf   url = BUF_EMPTY;
    bool         ok;

    request_base(config, "github", GITHUB, &url);
    ok = route_fill(route, left, &url, err);
    if (ok && asks_by_query(method))
        route_add_query(left, &url);
    if (ok)
        fill(out, method, &url, left);
    out->scope.owner = json_find_text(effect->args, "owner");
    out->scope.repo = json_find_text(effect->args, "repo");
    json_release(left);
    buf_release(&url);
    return ok;
}

bool request_github_build(const struct effect *effect, const char *token,
                          const struct request_context *context,
                          struct request *out, struct err *err) {
    (void)token;
    out->signer = SIGNER_GITHUB;
    if (str_starts(str_of(effect->name), "github:graphql:"))
        build_graphql(effect, context->config, out);
    else if (!build_rest(effect, context->config, out, err))
        return false;
    request_limit(out, context->config);
    return true;
}
