/* signer.c - the calls of the seam. */
#include "auth/signer.h"

#include <stddef.h>

void signer_prepare(struct signer *signer, const struct signer_scope *scope,
                    signer_done_fn *done, void *arg) {
    signer->ops->prepare(signer, scope, done, arg);
}

bool signer_sign(struct signer *signer, const struct signer_scope *scope,
                 int64_t now_ms, struct http_request *request,
                 struct err *err) {
    return signer->ops->sign(signer, scope, now_ms, request, err);
}

bool signer_forget(struct signer *signer, const struct signer_scope *scope) {
    return signer->ops->forget && signer->ops->forget(signer, scope);
}

void signer_close(struct signer *signer) {
    if (signer)
        signer->ops->close(signer);
}

void signer_close_all(struct signers *signers) {
    for (size_t i = 0; i < SIGNER_COUNT; i++) {
        signer_close(signers->by[i]);
        signers->by[i] = NULL;
    }
}
