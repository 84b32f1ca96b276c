/* crypto.h - hashes, MACs, signatures, certificates, randomness from OpenSSL.
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
 *   CR5  A certificate is for a name that stands in its list of DNS names, or,
 *        where it has no such list, in its common name; never by a wildcard.
 *
 * A kept key is as secret as the key itself: crypto_hmac_key_wipe() it.
 *
 * Sources: FIPS 180-4 (SHA-256), RFC 2104 (HMAC), RFC 8017 (PKCS#1 v1.5),
 * RFC 5280 and RFC 6125 (certificates and the names in them).
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
/* The same over several pieces as if they stood in one row. */
void crypto_hmac_parts(const struct crypto_hmac_key *key,
                       const struct str *parts, size_t count,
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

/* --- certificates of others ------------------------------------------- */

enum crypto_hash { CRYPTO_SHA1, CRYPTO_SHA256 };

struct crypto_certificate;

/* The first one of a PEM text; NULL: none, or its key is no RSA key of 2048
 * bits or more. Nothing is said of who issued it. */
struct crypto_certificate *crypto_certificate_read(struct str pem);
void crypto_certificate_close(struct crypto_certificate *certificate);
bool crypto_certificate_is_valid(const struct crypto_certificate *certificate,
                                 int64_t                          now_ms);
bool crypto_certificate_is_for(const struct crypto_certificate *certificate,
                               const char *name); /* (CR5) */
/* RSASSA-PKCS1-v1_5 over the text with the certificate's key. */
bool crypto_certificate_verify(const struct crypto_certificate *certificate,
                               enum crypto_hash hash, struct str text,
                               struct str signature);

bool crypto_equal(struct str a, struct str b); /* constant time */
void crypto_random(void *out, size_t len);     /* aborts without entropy */

#endif
