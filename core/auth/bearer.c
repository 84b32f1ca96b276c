/* bearer.c - look up, put into a header, wipe the copy. */
#include "auth/bearer.h"

#include "base/mem.h"
#include "secret/secret.h"

struct bearer {
    struct signer         signer; /* first: the ops find us by it */
    struct bearer_options options;
};

static void prepare(struct signer *signer, const struct signer_scope *scope,
                    signer_done_fn *done, void *arg) {
    (void)scope;
    signer_ready(((struct bearer *)signer)->options.loop, done, arg);
}

static bool sign(struct signer *signer, const struct signer_scope *scope,
                 int64_t now_ms, struct http_request *request,
                 struct err *err) {
    const struct bearer_options *o = &((struct bearer *)signer)->options;
    struct str                   token = secret_find(o->secrets, o->name);
    struct buf                   value = BUF_EMPTY;
    bool                         ok;

    (void)scope;
    (void)now_ms;
    if (token.len == 0)
        return !o->needed || err_set(err, ERR_DENIED, "%s", o->needed);
    buf_reserve(&value, strlen(o->prefix) + token.len + 1);
    buf_add_text(&value, o->prefix);
    buf_add_str(&value, token);
    http_headers_drop(&request->headers, o->header);
    ok =
        http_headers_add(&request->headers, str_of(o->header), buf_str(&value));
    mem_wipe(value.data, value.cap);
    buf_release(&value);
    return ok ||
           err_set(err, ERR_DENIED,
                   "the secret %s has a line end or a NUL in it", o->name);
}

static void close_bearer(struct signer *signer) {
    mem_free(signer);
}

static const struct signer_ops ops = {prepare, sign, NULL, close_bearer};

struct signer *bearer_open(const struct bearer_options *options) {
    struct bearer *bearer = mem_new(sizeof *bearer);

    bearer->signer.ops = &ops;
    bearer->options = *options;
    return &bearer->signer;
}
