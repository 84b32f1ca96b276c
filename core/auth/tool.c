/* tool.c - the row of the host, its secret, its header. */
#include "auth/tool.h"

#include "base/mem.h"
#include "secret/secret.h"

struct tool {
    struct signer         signer; /* first: the ops find us by it */
    struct loop          *loop;
    const struct secrets *secrets;
    const struct json    *http;
};

static void prepare(struct signer *signer, const struct signer_scope *scope,
                    signer_done_fn *done, void *arg) {
    (void)scope;
    signer_ready(((struct tool *)signer)->loop, done, arg);
}

static bool put_header(struct http_request *request, struct str header,
                       struct str prefix, struct str secret) {
    struct buf name = BUF_EMPTY, value = BUF_EMPTY;
    bool       ok;

    buf_add_str(&name, header);
    buf_reserve(&value, prefix.len + secret.len + 1);
    buf_add_str(&value, prefix);
    buf_add_str(&value, secret);
    http_headers_drop(&request->headers, buf_text(&name)); /* TL2 */
    ok = http_headers_add(&request->headers, header, buf_str(&value));
    mem_wipe(value.data, value.cap);
    buf_release(&value);
    buf_release(&name);
    return ok;
}

static struct str text_or(const struct json *row, const char *name,
                          struct str otherwise) {
    return json_find(row, name) ? json_find_text(row, name) : otherwise;
}

static bool sign(struct signer *signer, const struct signer_scope *scope,
                 int64_t now_ms, struct http_request *request,
                 struct err *err) {
    const struct tool *tool = (const struct tool *)signer;
    const struct json *row =
        json_find_str(json_find(tool->http, "auth"), scope->host);
    struct str name = json_find_text(json_find(row, "secret"), "secret");
    struct str secret;

    (void)now_ms;
    if (name.len == 0)
        return true;
    secret = secret_find(tool->secrets, name.data);
    if (secret.len == 0)
        return err_set(err, ERR_DENIED, "the secret %.*s of %.*s is not there",
                       STR_ARG(name), STR_ARG(scope->host));
    if (!str_starts(str_of(request->url), "https://") &&
        !json_truth(json_find(tool->http, "private")))
        return err_set(err, ERR_DENIED,
                       "the secret of %.*s does not leave over plain http: use "
                       "https, or set http.private when the network is yours",
                       STR_ARG(scope->host)); /* TL1 */
    return put_header(request, text_or(row, "header", STR("Authorization")),
                      text_or(row, "prefix", STR("Bearer ")), secret) ||
           err_set(err, ERR_DENIED, "the secret %.*s cannot be a header",
                   STR_ARG(name));
}

static void close_tool(struct signer *signer) {
    mem_free(signer);
}

static const struct signer_ops ops = {prepare, sign, NULL, close_tool};

struct signer *tool_open(struct loop *loop, const struct secrets *secrets,
                         const struct json *http) {
    struct tool *tool = mem_new(sizeof *tool);

    tool->signer.ops = &ops;
    tool->loop = loop;
    tool->secrets = secrets;
    tool->http = http;
    return &tool->signer;
}
