/* crypto.h - hashes, MACs, signatures and randomness from OpenSSL.
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
 *   CR4  A private key is read from PKCS#1 and PKCS#8; one that is locked by a
 *        passphrase, short or not RSA is refused, and nobody is asked for one.
 *
 * A kept key is as secret as the key itself: crypto_hmac_key_wipe() it.
 *
 * Sources: FIPS 180-4 (SHA-256), RFC 2104 (HMAC), RFC 8017 (PKCS#1 v1.5).
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

struct crypto_rsa;

struct crypto_hmac_key {
    uint32_t inner[8], outer[8]; /* SHA-256 states after the key's block */
};
void crypto_hmac_key_init(struct crypto_hmac_key *key, struct str secret);
void crypto_hmac_key_wipe(struct crypto_hmac_key *key);
void crypto_hmac(const struct crypto_hmac_key *key, struct str input,
                 unsigned char out[DIGEST_SIZE]);
void crypto_hmac_hex(const struct crypto_hmac_key *key, struct str input,
                     struct buf *out); /* appends 64 */

/* NULL: none that is taken. (CR4) */
struct crypto_rsa *crypto_rsa_read(struct str pem);
void               crypto_rsa_close(struct crypto_rsa *key); /* NULL is fine */
/* RSASSA-PKCS1-v1_5 with SHA-256, which JWT calls RS256; appends. Takes about
 * a millisecond with 2048 bits. */
bool crypto_rsa_sign(const struct crypto_rsa *key, struct str input,
                     struct buf *out);

bool crypto_equal(struct str a, struct str b); /* constant time */
void crypto_random(void *out, size_t len);     /* aborts without entropy */

#endif
