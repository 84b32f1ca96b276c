/* signer_aws.c - SigV4 with a kept key. */
#include "auth/signer_aws.h"

#include "auth/secret.h"
#include "auth/sigv4.h"
#include "base/mem.h"
#include "sys/loop.h"

struct signer_aws {
    struct signer         signer; /* first: the ops find us by it */
    struct loop          *loop;
    const struct secrets *secrets;
    struct sigv4_key      key;
};

struct ready {
    signer_done_fn *done;
    void           *arg;
};

static void report(void *arg) {
    struct ready ready = *(struct ready *)arg;

    mem_free(arg);
    ready.done(ready.arg, NULL);
}

static void prepare(struct signer *signer, const struct signer_scope *scope,
                    signer_done_fn *done, void *arg) {
    struct ready *ready = mem_new(sizeof *ready);

    (void)scope;
    *ready = (struct ready){done, arg};
    loop_defer(((struct signer_aws *)signer)->loop, report, ready);
}

static bool sign(struct signer *signer, const struct signer_scope *scope,
                 int64_t now_ms, struct http_request *request,
                 struct err *err) {
    struct signer_aws       *aws = (struct signer_aws *)signer;
    struct sigv4_credentials credentials = {
        secret_find(aws->secrets, "AWS_ACCESS_KEY_ID"),
        secret_find(aws->secrets, "AWS_SECRET_ACCESS_KEY"),
        secret_find(aws->secrets, "AWS_SESSION_TOKEN"),
    };
    struct sigv4_request sigv4 = {
        .method = str_of(request->method),
        .url = str_of(request->url),
        .headers = &request->headers,
        .body = buf_str(&request->body),
        .service = scope->service,
        .region = scope->region,
        .now_ms = now_ms,
        .normalise_path = !sigv4_is_s3(scope->service),
    };
    struct sigv4_signature signature = {0};
    bool                   ok;

    if (credentials.access_key.len == 0 || credentials.secret_key.len == 0)
        return err_set(err, ERR_DENIED,
                       "no AWS credentials: set "
                       "AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY");
    ok = sigv4_sign(&aws->key, &credentials, &sigv4, &signature, err);
    if (ok)
        sigv4_put_headers(&signature, &credentials, &request->headers);
    sigv4_signature_release(&signature);
    return ok;
}

static void close_aws(struct signer *signer) {
    struct signer_aws *aws = (struct signer_aws *)signer;

    sigv4_key_release(&aws->key);
    mem_free(aws);
}

static const struct signer_ops ops = {prepare, sign, NULL, close_aws};

struct signer *signer_aws_open(struct loop          *loop,
                               const struct secrets *secrets) {
    struct signer_aws *aws = mem_new(sizeof *aws);

    aws->signer.ops = &ops;
    aws->loop = loop;
    aws->secrets = secrets;
    return &aws->signer;
}
