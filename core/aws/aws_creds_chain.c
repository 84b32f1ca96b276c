/* aws_creds_chain.c - asks one provider after the other and keeps what each one
 * said, so that "no credentials" says why there are none. (AC3)
 */
#include "aws/aws_creds_private.h"
#include "base/mem.h"

static const struct provider {
    const char         *name;
    aws_creds_fetch_fn *fetch;
} providers[] = {
    {"environment", aws_creds_env_fetch},
    {"role of the profile", aws_creds_profile_fetch_role},
    {"web identity", aws_creds_web_identity_fetch},
    {"profile", aws_creds_profile_fetch_keys},
    {"container", aws_creds_container_fetch},
    {"instance metadata", aws_creds_imds_fetch},
};
#define PROVIDERS (sizeof providers / sizeof *providers)

struct chain {
    const struct aws_creds_options *o;
    aws_creds_result_fn            *done;
    void                           *arg;
    size_t                          at;
    struct buf                      why;
};

static void end(struct chain *chain, struct aws_creds_result *result) {
    struct chain ended = *chain;

    buf_release(&chain->why);
    mem_free(chain);
    ended.done(ended.arg, result);
}

static void told(void *arg, struct aws_creds_result *result);

static void nothing_anywhere(struct chain *chain) {
    struct aws_creds_result result = {.fate = AWS_CREDS_FAILED};

    (void)err_set(&result.err, ERR_DENIED, "no AWS credentials: %s",
                  buf_text(&chain->why));
    end(chain, &result);
}

static void next(struct chain *chain) {
    if (chain->at < PROVIDERS)
        providers[chain->at].fetch(chain->o, told, chain);
    else
        nothing_anywhere(chain);
}

static void told(void *arg, struct aws_creds_result *result) {
    struct chain *chain = arg;
    const char   *name = providers[chain->at].name;

    if (result->fate == AWS_CREDS_NONE) {
        buf_addf(&chain->why, "%s%s: %s", chain->at ? "; " : "", name,
                 result->err.text);
        chain->at++;
        next(chain);
        return;
    }
    if (result->fate == AWS_CREDS_FAILED)
        (void)err_wrap(&result->err, "AWS credentials: %s", name);
    end(chain, result);
}

void aws_creds_chain_fetch(const struct aws_creds_options *o,
                           aws_creds_result_fn *done, void *arg) {
    struct chain *chain = mem_new(sizeof *chain);

    *chain = (struct chain){.o = o, .done = done, .arg = arg};
    next(chain);
}
