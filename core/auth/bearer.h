/* bearer.h - a signer with one fixed token, in the header that is wanted.
 *
 * The token is looked up when a request is signed, so that one that was read
 * anew is used from the next request on.
 *
 * Source: RFC 6750 for "Authorization: Bearer".
 *
 * Lifetime: process. Thread: loop.
 */
#ifndef AUTH_BEARER_H
#define AUTH_BEARER_H

#include "auth/signer.h"

struct loop;
struct secrets;

struct bearer_options {
    struct loop          *loop;
    const struct secrets *secrets;
    const char           *name;   /* of the secret */
    const char           *header; /* "Authorization" */
    const char           *prefix; /* "Bearer ", or "" */
    const char           *needed; /* what to do without one; NULL: go without */
};                                /* all borrowed */

struct signer *bearer_open(const struct bearer_options *options);

#endif
