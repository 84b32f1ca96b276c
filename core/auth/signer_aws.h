/* signer_aws.h - signs AWS requests with the credentials of the environment.
 *
 * Lifetime: process. Thread: loop.
 */
#ifndef AUTH_SIGNER_AWS_H
#define AUTH_SIGNER_AWS_H

#include "auth/signer.h"

struct loop;
struct secrets;

struct signer *signer_aws_open(struct loop          *loop,
                               const struct secrets *secrets); /* borrows */

#endif
