/* inbound_token.c - bearer and basic: the same words every time.
 *
 * What must stand behind the scheme's name is known when the source is opened:
 * the token itself, or user and secret in base64. We keep its SHA-256 and
 * compare it with the SHA-256 of what came, so neither content nor length of
 * what is right shows in the time that it takes. (IN1) Nothing is decoded, so
 * there is no second spelling of a right answer.
 */
#include <string.h>
#include <strings.h>

#include "auth/inbound_private.h"
#include "base/encode.h"
#include "base/mem.h"

/* token68 of RFC 9110: what can stand in the header at all. */
static bool is_sendable(struct str secret) {
    for (size_t i = 0; i < secret.len; i++)
        if (secret.data[i] <= ' ' || secret.data[i] > '~')
            return false;
    return true;
}

static void keep_basic(const struct inbound *inbound, struct str secret,
                       struct inbound_secret *keep) {
    struct buf pair = BUF_EMPTY, words = BUF_EMPTY;
    size_t     len = strlen(inbound->user) + 1 + secret.len;

    buf_reserve(&pair, len + 1);
    buf_reserve(&words, 4 * (len / 3 + 1) + 1);
    buf_addf(&pair, "%s:", inbound->user);
    buf_add_str(&pair, secret);
    encode_base64(buf_str(&pair), &words);
    crypto_sha256(buf_str(&words), keep->digest);
    mem_wipe(pair.data, pair.cap);
    mem_wipe(words.data, words.cap);
    buf_release(&pair);
    buf_release(&words);
}

bool inbound_token_keep(const struct inbound *inbound, struct str secret,
                        struct inbound_secret *keep, const char **form) {
    if (inbound->method == INBOUND_BASIC) {
        keep_basic(inbound, secret, keep);
        return true;
    }
    *form = "a bearer token has no spaces and only ASCII characters";
    crypto_sha256(secret, keep->digest);
    return is_sendable(secret);
}

/* What follows the scheme's name, which may be in any case. */
static bool words_behind(struct str header, const char *scheme,
                         struct str *words) {
    size_t len = strlen(scheme);

    if (header.len <= len || strncasecmp(header.data, scheme, len) != 0 ||
        header.data[len] != ' ')
        return false;
    *words = str_trim((struct str){header.data + len, header.len - len});
    return words->len > 0;
}

/* Every secret is looked at, whichever it is. (IN1, IN4) */
static enum inbound_verdict judge(const struct inbound  *inbound,
                                  struct str             words,
                                  struct inbound_result *result) {
    unsigned char digest[DIGEST_SIZE];
    struct str    came = {(const char *)digest, sizeof digest};

    crypto_sha256(words, digest);
    for (size_t i = inbound->count; i-- > 0;)
        if (crypto_equal(came,
                         (struct str){(const char *)inbound->secrets[i].digest,
                                      DIGEST_SIZE}))
            result->secret = (int)i;
    return result->secret < 0 ? inbound_refuse(result, INBOUND_WHY_SIGNATURE)
                              : INBOUND_TRUSTED;
}

static enum inbound_verdict check(const struct inbound         *inbound,
                                  const struct inbound_request *request,
                                  const char                   *scheme,
                                  struct inbound_result        *result) {
    struct str header = request->header(request->arg, "Authorization");
    struct str words;

    if (header.len == 0)
        return inbound_refuse(result, INBOUND_WHY_MISSING);
    if (!words_behind(header, scheme, &words))
        return inbound_refuse(result, INBOUND_WHY_MALFORMED);
    return judge(inbound, words, result);
}

enum inbound_verdict inbound_token_bearer(const struct inbound         *inbound,
                                          const struct inbound_request *request,
                                          struct inbound_result *result) {
    return check(inbound, request, "Bearer", result);
}

enum inbound_verdict inbound_token_basic(const struct inbound         *inbound,
                                         const struct inbound_request *request,
                                         struct inbound_result        *result) {
    enum inbound_verdict verdict = check(inbound, request, "Basic", result);

    (void)inbound_result_put(result->who, sizeof result->who,
                             str_of(inbound->user));
    return verdict;
}
