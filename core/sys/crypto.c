/* crypto.c - SHA-256 through OpenSSL's low-level block functions.
 *
 * We keep bare state words and put them back, so a hash or a MAC touches
 * neither heap nor provider tables and cannot fail (CR3). Measured on a core
 * with SHA extensions, for 137 bytes: a MAC 167 ns against 210 ns with copies
 * of two kept EVP_MD_CTX and 1,070 ns with HMAC(); a hash 110 ns against 370 ns
 * with SHA256(), which looks its algorithm up each time. OpenSSL 3.0 calls
 * these functions deprecated; should they go, only what names SHA256_CTX
 * changes.
 */
#define OPENSSL_SUPPRESS_DEPRECATED
#include "sys/crypto.h"

#include <assert.h>
#include <openssl/bio.h>
#include <openssl/crypto.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/rand.h>
#include <openssl/sha.h>
#include <openssl/x509v3.h>
#include <stdlib.h>
#include <time.h>

#include "base/mem.h"

#define BLOCK_SIZE SHA256_CBLOCK

static char hex_digit(int nibble) {
    return (char)(nibble + (nibble > 9 ? 'a' - 10 : '0'));
}

/* Arithmetic and a fixed count, so that the compiler uses vectors. */
static void add_hex(const unsigned char digest[DIGEST_SIZE], struct buf *out) {
    char text[CRYPTO_HEX_SIZE];

    for (size_t i = 0; i < DIGEST_SIZE; i++) {
        text[2 * i] = hex_digit(digest[i] >> 4);
        text[2 * i + 1] = hex_digit(digest[i] & 15);
    }
    buf_add(out, text, sizeof text);
}

/* --- hashes ----------------------------------------------------------- */

/* Update and Final only compute: they return 1 always. */
static void finish_parts(SHA256_CTX *ctx, const struct str *parts, size_t count,
                         unsigned char out[DIGEST_SIZE]) {
    int ok = 1;

    for (size_t i = 0; ok && i < count; i++)
        ok = !parts[i].len || SHA256_Update(ctx, parts[i].data, parts[i].len);
    ok = ok && SHA256_Final(out, ctx);
    assert(ok);
    (void)ok;
}

static void finish(SHA256_CTX *ctx, struct str input,
                   unsigned char out[DIGEST_SIZE]) {
    finish_parts(ctx, &input, 1, out);
}

void crypto_sha256(struct str input, unsigned char out[DIGEST_SIZE]) {
    SHA256_CTX ctx;
    int        ok = SHA256_Init(&ctx);

    assert(ok);
    (void)ok;
    finish(&ctx, input, out);
}

void crypto_sha256_hex(struct str input, struct buf *out) {
    unsigned char digest[DIGEST_SIZE];

    crypto_sha256(input, digest);
    add_hex(digest, out);
}

/* --- MACs ------------------------------------------------------------- */

static void absorb(uint32_t state[8], const unsigned char block[BLOCK_SIZE],
                   const unsigned char pad) {
    unsigned char masked[BLOCK_SIZE];
    SHA256_CTX    ctx;

    for (size_t i = 0; i < BLOCK_SIZE; i++)
        masked[i] = block[i] ^ pad;
    (void)SHA256_Init(&ctx);
    SHA256_Transform(&ctx, masked);
    memcpy(state, ctx.h, 8 * sizeof *state);
    mem_wipe(masked, sizeof masked);
    mem_wipe(&ctx, sizeof ctx);
}

void crypto_hmac_key_init(struct crypto_hmac_key *key, struct str secret) {
    unsigned char block[BLOCK_SIZE] = {0};

    if (secret.len > BLOCK_SIZE)
        crypto_sha256(secret, block);
    else if (secret.len)
        memcpy(block, secret.data, secret.len);
    absorb(key->inner, block, 0x36);
    absorb(key->outer, block, 0x5c);
    mem_wipe(block, sizeof block);
}

void crypto_hmac_key_wipe(struct crypto_hmac_key *key) {
    mem_wipe(key, sizeof *key);
}

/* A context that has taken in exactly the one block behind `state`. */
static void resume(SHA256_CTX *ctx, const uint32_t state[8]) {
    memcpy(ctx->h, state, sizeof ctx->h);
    ctx->Nl = BLOCK_SIZE * 8;
    ctx->Nh = 0;
    ctx->num = 0;
    ctx->md_len = DIGEST_SIZE;
}

void crypto_hmac_parts(const struct crypto_hmac_key *key,
                       const struct str *parts, size_t count,
                       unsigned char out[DIGEST_SIZE]) {
    unsigned char inner[DIGEST_SIZE];
    SHA256_CTX    ctx;

    resume(&ctx, key->inner);
    finish_parts(&ctx, parts, count, inner);
    resume(&ctx, key->outer);
    finish(&ctx, (struct str){(const char *)inner, DIGEST_SIZE}, out);
}

void crypto_hmac(const struct crypto_hmac_key *key, struct str input,
                 unsigned char out[DIGEST_SIZE]) {
    crypto_hmac_parts(key, &input, 1, out);
}

void crypto_hmac_hex(const struct crypto_hmac_key *key, struct str input,
                     struct buf *out) {
    unsigned char mac[DIGEST_SIZE];

    crypto_hmac(key, input, mac);
    add_hex(mac, out);
}

/* --- signatures ------------------------------------------------------- */

#define RSA_LEAST_BITS 2048

struct crypto_rsa {
    EVP_PKEY *key;
};

/* Without this OpenSSL would ask at the terminal. (CR4) */
static int no_passphrase(char *out, int size, int writes, void *arg) {
    (void)out;
    (void)size;
    (void)writes;
    (void)arg;
    return -1;
}

static bool is_rsa(EVP_PKEY *key) {
    return key && EVP_PKEY_get_base_id(key) == EVP_PKEY_RSA &&
           EVP_PKEY_get_bits(key) >= RSA_LEAST_BITS;
}

struct crypto_rsa *crypto_rsa_read(struct str pem) {
    BIO      *bio = pem.len && pem.len < INT32_MAX
                        ? BIO_new_mem_buf(pem.data, (int)pem.len)
                        : NULL;
    EVP_PKEY *key =
        bio ? PEM_read_bio_PrivateKey(bio, NULL, no_passphrase, NULL) : NULL;
    struct crypto_rsa *rsa;

    BIO_free(bio);
    ERR_clear_error();
    if (!is_rsa(key)) {
        EVP_PKEY_free(key);
        return NULL;
    }
    rsa = mem_new(sizeof *rsa);
    rsa->key = key;
    return rsa;
}

void crypto_rsa_close(struct crypto_rsa *key) {
    if (key)
        EVP_PKEY_free(key->key);
    mem_free(key);
}

bool crypto_rsa_sign(const struct crypto_rsa *key, struct str input,
                     struct buf *out) {
    EVP_MD_CTX *ctx = EVP_MD_CTX_new();
    size_t      len = (size_t)EVP_PKEY_get_size(key->key);
    bool        ok;

    buf_reserve(out, len);
    ok = ctx &&
         EVP_DigestSignInit(ctx, NULL, EVP_sha256(), NULL, key->key) == 1 &&
         EVP_DigestSign(ctx, (unsigned char *)out->data + out->len, &len,
                        (const unsigned char *)input.data, input.len) == 1;
    EVP_MD_CTX_free(ctx);
    ERR_clear_error();
    if (ok) {
        out->len += len;
        out->data[out->len] = '\0';
    }
    return ok;
}

/* --- certificates of others ------------------------------------------- */

struct crypto_certificate {
    X509     *x509;
    EVP_PKEY *key; /* borrowed from it */
};

struct crypto_certificate *crypto_certificate_read(struct str pem) {
    BIO  *bio = pem.len && pem.len < INT32_MAX
                    ? BIO_new_mem_buf(pem.data, (int)pem.len)
                    : NULL;
    X509 *x509 = bio ? PEM_read_bio_X509(bio, NULL, no_passphrase, NULL) : NULL;
    EVP_PKEY                  *key = x509 ? X509_get0_pubkey(x509) : NULL;
    struct crypto_certificate *certificate;

    BIO_free(bio);
    ERR_clear_error();
    if (!is_rsa(key)) {
        X509_free(x509);
        return NULL;
    }
    certificate = mem_new(sizeof *certificate);
    certificate->x509 = x509;
    certificate->key = key;
    return certificate;
}

void crypto_certificate_close(struct crypto_certificate *certificate) {
    if (certificate)
        X509_free(certificate->x509);
    mem_free(certificate);
}

/* A moment that cannot be read bounds nothing, so it fits nowhere. */
static bool read_moment(const ASN1_TIME *at, int64_t *ms) {
    struct tm parts = {0};

    if (!at || ASN1_TIME_to_tm(at, &parts) != 1)
        return false;
    *ms = (int64_t)timegm(&parts) * 1000;
    return true;
}

bool crypto_certificate_is_valid(const struct crypto_certificate *certificate,
                                 int64_t                          now_ms) {
    int64_t from, until;

    return read_moment(X509_get0_notBefore(certificate->x509), &from) &&
           read_moment(X509_get0_notAfter(certificate->x509), &until) &&
           from <= now_ms && now_ms <= until;
}

bool crypto_certificate_is_for(const struct crypto_certificate *certificate,
                               const char                      *name) {
    bool is = X509_check_host(certificate->x509, name, 0,
                              X509_CHECK_FLAG_NO_WILDCARDS, NULL) == 1;

    ERR_clear_error();
    return is;
}

bool crypto_certificate_verify(const struct crypto_certificate *certificate,
                               enum crypto_hash hash, struct str text,
                               struct str signature) {
    const EVP_MD *md = hash == CRYPTO_SHA1 ? EVP_sha1() : EVP_sha256();
    EVP_MD_CTX   *ctx = EVP_MD_CTX_new();
    bool          ok =
        ctx &&
        EVP_DigestVerifyInit(ctx, NULL, md, NULL, certificate->key) == 1 &&
        EVP_DigestVerify(ctx, (const unsigned char *)signature.data,
                         signature.len, (const unsigned char *)text.data,
                         text.len) == 1;

    EVP_MD_CTX_free(ctx);
    ERR_clear_error();
    return ok;
}

/* --- the rest --------------------------------------------------------- */

bool crypto_equal(struct str a, struct str b) {
    return a.len == b.len &&
           (a.len == 0 || CRYPTO_memcmp(a.data, b.data, a.len) == 0);
}

void crypto_random(void *out, size_t len) {
    assert(len <= INT32_MAX);
    /* Without entropy every id and nonce would be guessable; there is
     * nothing sensible to do but stop. */
    if (len && RAND_bytes(out, (int)len) != 1) {
        (void)fputs("nightshift: no entropy\n", stderr);
        abort();
    }
}
