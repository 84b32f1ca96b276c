/* signer_aws.h - signs AWS requests with whatever aws_creds.h holds for the
 * account that a request is for.
 *
 * Lifetime: process. Thread: loop.
 */
#ifndef AWS_SIGNER_AWS_H
#define AWS_SIGNER_AWS_H

#include "auth/signer.h"

struct aws_creds;

struct signer *signer_aws_open(struct aws_creds *creds); /* takes */

#endif
