/* crypto.h - hashes, MACs and randomness from OpenSSL.
 *
 * The only module that knows OpenSSL; none of its types leave crypto.c. An HMAC
 * hashes two blocks that depend on the key alone before it sees any input.
 * crypto_hmac_key keeps the two SHA-256 states behind those blocks, so that a
 * MAC with a kept key costs two short hashes and no key set-up.
 *
 *   CR1  A kept key gives the same MAC as RFC 2104 does, for every key length,
 *        and using it does not change it.
 *   CR2  crypto_equal takes as long for a wrong first byte as for a wrong last.
 *   CR3  Input of any length is hashed, none and many blocks alike; neither
 *        hash nor MAC can fail.
 *
 * A kept key is as secret as the key itself: crypto_hmac_key_wipe() it.
 *
 * Sources: FIPS 180-4 (SHA-256), RFC 2104 (HMAC).
 *
 * Lifetime: call. Thread: any.
 */
#ifndef SYS_CRYPTO_H
#define SYS_CRYPTO_H

#include <stdbool.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/digest.h"

#define CRYPTO_HEX_SIZE (2 * DIGEST_SIZE)

void crypto_sha256(struct str input, unsigned char out[DIGEST_SIZE]);
void crypto_sha256_hex(struct str input, struct buf *out); /* appends 64 */

struct crypto_hmac_key {
    uint32_t inner[8], outer[8]; /* SHA-256 states after the key's block */
};
void crypto_hmac_key_init(struct crypto_hmac_key *key, struct str secret);
void crypto_hmac_key_wipe(struct crypto_hmac_key *key);
void crypto_hmac(const struct crypto_hmac_key *key, struct str input,
                 unsigned char out[DIGEST_SIZE]);
void crypto_hmac_hex(const struct crypto_hmac_key *key, struct str input,
                     struct buf *out); /* appends 64 */

bool crypto_equal(struct str a, struct str b); /* constant time */
void crypto_random(void *out, size_t len);     /* aborts without entropy */

#endif
