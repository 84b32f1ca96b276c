/* signer_aws.c - SigV4 with a kept key. */
#include "aws/signer_aws.h"

#include "aws/aws_creds.h"
#include "aws/sigv4.h"
#include "base/mem.h"

struct signer_aws {
    struct signer     signer; /* first: the ops find us by it */
    struct aws_creds *creds;
    struct sigv4_key  key;
};

static void prepare(struct signer *signer, const struct signer_scope *scope,
                    signer_done_fn *done, void *arg) {
    aws_creds_prepare(((struct signer_aws *)signer)->creds, scope->account,
                      done, arg);
}

static bool sign(struct signer *signer, const struct signer_scope *scope,
                 int64_t now_ms, struct http_request *request,
                 struct err *err) {
    struct signer_aws       *aws = (struct signer_aws *)signer;
    struct sigv4_credentials credentials;
    struct sigv4_request     sigv4 = {
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

    if (!aws_creds_find(aws->creds, scope->account, &credentials, err))
        return false;
    ok = sigv4_sign(&aws->key, &credentials, &sigv4, &signature, err);
    if (ok)
        sigv4_put_headers(&signature, &credentials, &request->headers);
    sigv4_signature_release(&signature);
    return ok;
}

static bool forget(struct signer *signer, const struct signer_scope *scope) {
    return aws_creds_forget(((struct signer_aws *)signer)->creds,
                            scope->account);
}

static void close_aws(struct signer *signer) {
    struct signer_aws *aws = (struct signer_aws *)signer;

    sigv4_key_release(&aws->key);
    aws_creds_close(aws->creds);
    mem_free(aws);
}

static const struct signer_ops ops = {prepare, sign, forget, close_aws};

struct signer *signer_aws_open(struct aws_creds *creds) {
    struct signer_aws *aws = mem_new(sizeof *aws);

    aws->signer.ops = &ops;
    aws->creds = creds;
    return &aws->signer;
}
