/* tool.h - a signer for hosts of ctx.http: each its own header and secret.
 *
 * An operator's own tools want a token, too, and a script may not hold it. The
 * configuration says for a host which header carries which secret; the request
 * of a script gets it as the last step before it is sent.
 *
 *   TL1  A secret goes to the host it is configured for and to no other, and
 *        never over plain http, unless http.private says that the network is
 *        our own.
 *   TL2  A header that a script set in its place is replaced.
 *
 * Lifetime: process. Thread: loop.
 */
#ifndef AUTH_TOOL_H
#define AUTH_TOOL_H

#include "auth/signer.h"
#include "base/json.h"

struct loop;
struct secrets;

/* `http` is that part of the configuration; all borrowed. */
struct signer *tool_open(struct loop *loop, const struct secrets *secrets,
                         const struct json *http);

#endif
