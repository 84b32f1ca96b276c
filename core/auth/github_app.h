/* github_app.h - a signer that is a GitHub App.
 *
 * An App proves itself by a short JWT that is signed with its private key, asks
 * with it for an installation's token, and works with that token for an hour.
 * The token is asked for the one repository of the request, with the
 * permissions that the configuration names, and kept for that repository; it
 * is fetched anew five minutes before it runs out, or once it was refused.
 * Signing the JWT costs about a millisecond of the loop, once an hour for each
 * repository: less than a pool of threads would.
 *
 *   GA1  The JWT is dated 60 s back and ends within 10 minutes, as GitHub
 *        asks; a clock that is a minute off does no harm.
 *   GA2  Of one repository there is one fetch at a time; whoever prepares
 *        meanwhile waits for that one.
 *   GA3  A token signs requests for the repository that it was made for, and
 *        no other.
 *   GA4  The redactor knows a token before anybody can use it; key, JWT and
 *        token are in no error, and are wiped. (N11)
 *   GA5  A proof that is refused because our clock is off is made once more, by
 *        the clock of the answer.
 *
 * Sources: docs.github.com, "Generating a JSON Web Token for a GitHub App" and
 * "Generating an installation access token"; RFC 7519.
 *
 * Lifetime: process. Thread: loop.
 */
#ifndef AUTH_GITHUB_APP_H
#define AUTH_GITHUB_APP_H

#include "auth/signer.h"
#include "base/json.h"

struct clock;
struct http_client;
struct loop;
struct redact;

struct github_app_options {
    struct loop        *loop;
    struct clock       *clock;
    struct http_client *client;
    struct redact      *redact;
    const struct json  *config; /* its `github` */
};                              /* all borrowed */

/* `key` is the PEM of the private key and is not kept. NULL with err when it
 * is none, or when there is no id. */
struct signer *github_app_open(const struct github_app_options *options,
                               struct str key, struct err *err);

#endif
