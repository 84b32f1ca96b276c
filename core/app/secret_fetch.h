/* secret_fetch.h - the secrets that a configuration keeps at AWS, brought in.
 *
 * Such a secret is known by name only until AWS was asked for it, with the
 * engine's own credentials. An engine that starts waits for the answer; one
 * that reloads goes on with its runs meanwhile.
 *
 *   SF1  done comes once, later, on the loop; the value is in the
 *        configuration by then, or the error says why not. (N11)
 *
 * Lifetime: call. Thread: loop.
 */
#ifndef APP_SECRET_FETCH_H
#define APP_SECRET_FETCH_H

#include "app/config.h"
#include "auth/signer.h"
#include "base/clock.h"

struct http_client;
struct loop;

struct secret_fetch {
    struct loop        *loop;
    struct http_client *client; /* NULL: nothing can be fetched */
    struct signer      *signer; /* AWS's */
    struct clock       *clock;
}; /* all borrowed until done */

typedef void secret_fetch_fn(void *arg, const struct err *err);

/* Is it one of those? An entry of config_missing(). */
bool secret_fetch_takes(const struct json *reference);
/* `config` and `reference` are borrowed until done. */
void secret_fetch_start(const struct secret_fetch *fetch, struct config *config,
                        const struct json *reference, secret_fetch_fn *done,
                        void *arg);

#endif
