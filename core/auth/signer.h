/* signer.h - who we are to one outside service, as a seam.
 *
 * A request is built without any secret in it; a signer adds what proves who
 * we are, as the last step before it is sent. What it needs for that may have
 * to be fetched first (a role's credentials, an installation's token), so that
 * is a step of its own which may take a while, and signing itself never waits.
 *
 *   SN1  A signer adds headers to the one request that it is given and keeps
 *        none of it; nothing secret is in an error. (N11)
 *
 * Implementations: bearer.c (a fixed token), tool.c (one for each host),
 * signer_aws.c (SigV4, with the credentials of aws_creds.c), github_app.c (a
 * token of an installation).
 *
 * Lifetime: process. Thread: loop.
 */
#ifndef AUTH_SIGNER_H
#define AUTH_SIGNER_H

#include "base/err.h"
#include "net/http.h"

/* Which signer a request asks for. */
enum signer_kind {
    SIGNER_NONE,
    SIGNER_AWS,
    SIGNER_GITHUB,
    SIGNER_PROMETHEUS,
    SIGNER_OPENAI,
    SIGNER_ANTHROPIC,
    SIGNER_TOOL, /* a host of ctx.http */
    SIGNER_COUNT
};

/* For whom and for what; what does not concern a signer is empty. Borrowed
 * until the done of a prepare has returned. */
struct signer_scope {
    struct str service, region; /* AWS: signing name and region */
    struct str account;         /* AWS: whose; empty: our own */
    struct str owner, repo;     /* GitHub */
    struct str host;            /* a tool's */
};

struct loop;
struct signer;

/* err is NULL when sign() may be called now. */
typedef void signer_done_fn(void *arg, const struct err *err);

struct signer_ops {
    /* done comes exactly once, never from inside. */
    void (*prepare)(struct signer *signer, const struct signer_scope *scope,
                    signer_done_fn *done, void *arg);
    bool (*sign)(struct signer *signer, const struct signer_scope *scope,
                 int64_t now_ms, struct http_request *request, struct err *err);
    /* The service refused what was signed with: do not use it again. Gives
     * whether a prepare might bring something else. NULL: it never does. */
    bool (*forget)(struct signer *signer, const struct signer_scope *scope);
    void (*close)(struct signer *signer);
};

struct signer {
    const struct signer_ops *ops;
};

/* By kind; NULL where a request goes out as it is. */
struct signers {
    struct signer *by[SIGNER_COUNT];
};

void signer_prepare(struct signer *signer, const struct signer_scope *scope,
                    signer_done_fn *done, void *arg);
bool signer_sign(struct signer *signer, const struct signer_scope *scope,
                 int64_t now_ms, struct http_request *request, struct err *err);
bool signer_forget(struct signer *signer, const struct signer_scope *scope);
/* For those that have nothing to fetch: done on the loop's next turn. */
void signer_ready(struct loop *loop, signer_done_fn *done, void *arg);
void signer_close(struct signer *signer); /* NULL is fine */
void signer_close_all(struct signers *signers);

#endif
