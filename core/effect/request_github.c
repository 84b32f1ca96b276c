/* request_github.c - GitHub: a route with its arguments, the rest to the query
 * or the body.
 */
#include <string.h>

#include "base/mem.h"
#include "effect/request_private.h"
#include "protocol/route.h"

static bool asks_by_query(struct str method) {
    return str_is(method, "GET") || str_is(method, "HEAD");
}

/* Takes `left`, what the route did not use. */
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

bool request_github_build(const struct effect *effect, const char *token,
                          const struct request_context *context,
                          struct request *out, struct err *err) {
    struct str   route, method = str_cut(str_of(effect->name + 7), ' ', &route);
    struct json *left = json_clone(effect->args);
    struct buf   url = BUF_EMPTY;
    bool         ok;

    (void)token;
    request_base(context->config, "github", "https://api.github.com", &url);
    ok = route_fill(route, left, &url, err);
    if (ok && asks_by_query(method))
        route_add_query(left, &url);
    if (ok)
        fill(out, method, &url, left);
    out->signer = SIGNER_GITHUB;
    out->scope.owner = json_find_text(effect->args, "owner");
    out->scope.repo = json_find_text(effect->args, "repo");
    request_limit(out, context->config);
    json_release(left);
    buf_release(&url);
    return ok;
}
