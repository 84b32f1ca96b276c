/* digest.h - SHA-256 as an argument.
 *
 * Modules that may not know OpenSSL but name things by content (the bundle)
 * are given this function by their opener; sys/crypto.c has the only one.
 *
 * Lifetime: none. Thread: any.
 */
#ifndef BASE_DIGEST_H
#define BASE_DIGEST_H

#include "base/buf.h"

#define DIGEST_SIZE 32

typedef void digest_fn(struct str input, unsigned char out[DIGEST_SIZE]);

#endif
