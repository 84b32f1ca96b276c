/* inbound_cache.c - the certificates with which SNS signs.
 *
 * SNS changes its certificate every few months and each region has its own, so
 * a handful is plenty; the one that was put in first gives way. What vouches
 * for a certificate is TLS to a host of SNS, from which the caller fetched it;
 * here its address, its validity and its names are judged. (IN7)
 *
 * One lock: judging takes it for reading, so that a certificate is not closed
 * under a thread that verifies with it.
 */
#include <ctype.h>
#include <pthread.h>
#include <string.h>

#include "auth/inbound_private.h"
#include "base/mem.h"

#define HELD 8
#define ADDRESS_MOST 512
#define CONFIRMATION_MOST 1024
#define PEM_MOST ((size_t)64 << 10)

struct inbound_cache {
    pthread_rwlock_t lock;
    struct held {
        char                      *url;
        struct crypto_certificate *certificate;
    } held[HELD];
    size_t next; /* to be replaced */
};

struct inbound_cache *inbound_cache_open(void) {
    struct inbound_cache *cache = mem_new(sizeof *cache);

    (void)pthread_rwlock_init(&cache->lock, NULL);
    return cache;
}

static void drop(struct held *held) {
    mem_free(held->url);
    crypto_certificate_close(held->certificate);
    memset(held, 0, sizeof *held);
}

void inbound_cache_close(struct inbound_cache *cache) {
    if (!cache)
        return;
    for (size_t i = 0; i < HELD; i++)
        drop(&cache->held[i]);
    (void)pthread_rwlock_destroy(&cache->lock);
    mem_free(cache);
}

/* --- addresses ---------------------------------------------------------- */

struct address {
    struct str region, suffix; /* "eu-west-1", "amazonaws.com" */
};

/* "eu-west-1", "us-gov-east-1": words of letters and a number. What AWS lets
 * others name below its domain does not look so: sns.s3-eu-west-1 is the bucket
 * of whoever had the name first. */
static bool is_region(struct str text) {
    struct str rest = text, word;
    int        words = 0;

    while (rest.len && text.data[text.len - 1] != '-') {
        word = str_cut(rest, '-', &rest);
        if (rest.len == 0)
            return words >= 2 && str_made_of(word, isdigit, "");
        if (!str_made_of(word, islower, "") ||
            (words == 0 && (word.len < 2 || word.len > 4)))
            return false;
        words++;
    }
    return false;
}

/* https://sns.REGION.amazonaws.com[.cn]/PATH and nothing beside it: no user, no
 * port. The path's form is the caller's to judge. */
static bool read_host(struct str url, struct address *address,
                      struct str *path) {
    struct str host;

    if (!str_starts(url, "https://sns."))
        return false;
    host = str_cut((struct str){url.data + 12, url.len - 12}, '/', path);
    address->region = str_cut(host, '.', &address->suffix);
    return is_region(address->region) &&
           (str_is(address->suffix, "amazonaws.com") ||
            str_is(address->suffix, "amazonaws.com.cn"));
}

/* No query, nothing that has to be decoded. */
static bool read_address(struct str url, struct address *address) {
    struct str path;

    return url.len <= ADDRESS_MOST && read_host(url, address, &path) &&
           str_made_of(path, isalnum, "-_./") && str_ends(path, ".pem");
}

bool inbound_cache_is_confirmation(struct str url) {
    struct address address;
    struct str     query;

    return url.len <= CONFIRMATION_MOST && read_host(url, &address, &query) &&
           str_starts(query, "?Action=ConfirmSubscription&") &&
           str_made_of(query, isalnum, "?&=%:-._~");
}

bool inbound_cache_is_address(struct str url) {
    struct address address;

    return read_address(url, &address);
}

/* --- certificates ------------------------------------------------------- */

/* SNS has called itself in different ways, by the age of the region; the two
 * regions of the government share the certificate of one. */
static bool is_of_sns(const struct crypto_certificate *certificate,
                      const struct address            *address) {
    static const char *const starts[] = {"sns.", "sns-signing.", "sns-"};
    struct buf               name = BUF_EMPTY;
    bool                     is;

    buf_addf(&name, "sns.%.*s", STR_ARG(address->suffix));
    is = crypto_certificate_is_for(certificate, buf_text(&name));
    for (size_t i = 0; !is && i < sizeof starts / sizeof *starts; i++) {
        buf_clear(&name);
        buf_addf(&name, "%s%.*s.%.*s", starts[i], STR_ARG(address->region),
                 STR_ARG(address->suffix));
        is = crypto_certificate_is_for(certificate, buf_text(&name));
    }
    buf_release(&name);
    return is || (str_is(address->region, "us-gov-east-1") &&
                  crypto_certificate_is_for(certificate,
                                            "sns-us-gov-west-1.amazonaws.com"));
}

/* NULL with err filled. (IN7) */
static struct crypto_certificate *read_certificate(struct str  url,
                                                   struct str  pem,
                                                   int64_t     now_ms,
                                                   struct err *err) {
    struct crypto_certificate *certificate;
    struct address             address;
    const char                *problem = NULL;

    if (!read_address(url, &address)) {
        (void)err_set(err, ERR_INVALID, "not an address of SNS");
        return NULL;
    }
    certificate = pem.len <= PEM_MOST ? crypto_certificate_read(pem) : NULL;
    if (!certificate)
        problem = "holds no certificate with an RSA key";
    else if (!crypto_certificate_is_valid(certificate, now_ms))
        problem = "is not valid now";
    else if (!is_of_sns(certificate, &address))
        problem = "does not name SNS";
    if (!problem)
        return certificate;
    crypto_certificate_close(certificate);
    (void)err_set(err, ERR_INVALID, "the certificate at %.*s %s", STR_ARG(url),
                  problem);
    return NULL;
}

static struct held *find(struct inbound_cache *cache, struct str url) {
    for (size_t i = 0; i < HELD; i++)
        if (cache->held[i].url && str_is(url, cache->held[i].url))
            return &cache->held[i];
    return NULL;
}

bool inbound_cache_put(struct inbound_cache *cache, struct str url,
                       struct str pem, int64_t now_ms, struct err *err) {
    struct crypto_certificate *certificate =
        read_certificate(url, pem, now_ms, err);
    struct held *held;

    if (!certificate)
        return false;
    (void)pthread_rwlock_wrlock(&cache->lock);
    held = find(cache, url);
    if (!held)
        held = &cache->held[cache->next++ % HELD];
    drop(held);
    held->url = mem_text(url.data, url.len);
    held->certificate = certificate;
    (void)pthread_rwlock_unlock(&cache->lock);
    return true;
}

enum inbound_verdict inbound_cache_judge(struct inbound_cache *cache,
                                         struct str url, int64_t now_ms,
                                         const struct inbound_signed *what) {
    enum inbound_verdict verdict = INBOUND_NEEDS_CERTIFICATE;
    const struct held   *held;

    (void)pthread_rwlock_rdlock(&cache->lock);
    held = find(cache, url);
    if (held && crypto_certificate_is_valid(held->certificate, now_ms))
        verdict = crypto_certificate_verify(held->certificate, what->hash,
                                            what->text, what->signature)
                      ? INBOUND_TRUSTED
                      : INBOUND_REFUSED;
    (void)pthread_rwlock_unlock(&cache->lock);
    return verdict;
}
