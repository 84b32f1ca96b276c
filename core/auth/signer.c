/* signer.c - the calls of the seam. */
#include "auth/signer.h"

#include "base/mem.h"
#include "sys/loop.h"

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

struct ready {
    signer_done_fn *done;
    void           *arg;
};

static void report(void *arg) {
    struct ready ready = *(struct ready *)arg;

    mem_free(arg);
    ready.done(ready.arg, NULL);
}

void signer_ready(struct loop *loop, signer_done_fn *done, void *arg) {
    struct ready *ready = mem_new(sizeof *ready);

    *ready = (struct ready){done, arg};
    loop_defer(loop, report, ready);
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
