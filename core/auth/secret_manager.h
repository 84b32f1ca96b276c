/* secret_manager.h - fetches one secret from AWS Secrets Manager.
 *
 * For the engine's own use, while it starts: scripts are refused the operation
 * in every mode. A reference is "aws:ID" or "aws:ID#KEY", where ID is a name
 * or an ARN and KEY a field of a secret that is a JSON object, which is how
 * the console stores them.
 *
 *   SM1  An answer that does not hold the secret, or the key in it, is an
 *        error and never an empty secret; no error has any part of it. (N11)
 *   SM2  What held a secret on the way is zeroed before it is let go.
 *
 * Source: the AWS Secrets Manager API reference, GetSecretValue (JSON 1.1).
 *
 * Lifetime: call. Thread: loop.
 */
#ifndef AUTH_SECRET_MANAGER_H
#define AUTH_SECRET_MANAGER_H

#include "auth/signer.h"
#include "base/clock.h"

struct http_client;

struct secret_manager {
    struct http_client *client;
    struct signer      *signer; /* AWS's */
    struct clock       *clock;
    struct str          url, region;
    int64_t             deadline_ms;
}; /* all borrowed */

/* The value ends with the call; err is NULL when there is one. */
typedef void secret_manager_fn(void *arg, struct str value,
                               const struct err *err);

/* done comes once, later, on the loop. `reference` is copied. */
void secret_manager_fetch(const struct secret_manager *manager,
                          struct str reference, secret_manager_fn *done,
                          void *arg);

#endif
