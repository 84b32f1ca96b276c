/* inbound_private.h - one way to prove who sent, as a row.
 *
 * inbound.c has a row for each method. A row says which settings its method
 * takes, so that one walk finds what is missing and what would be ignored.
 * (IN6)
 *
 * Lifetime: process. Thread: any.
 */
#ifndef AUTH_INBOUND_PRIVATE_H
#define AUTH_INBOUND_PRIVATE_H

#include "auth/inbound.h"
#include "base/digest.h"
#include "sys/crypto.h"

#define INBOUND_SECRETS 2 /* the new one and the old one */

/* What is kept of a secret. Bearer and basic keep the digest of the words that
 * must come; with it nobody can send them. */
struct inbound_secret {
    struct crypto_hmac_key mac;
    unsigned char          digest[DIGEST_SIZE];
};

struct inbound_cache;

struct inbound {
    enum inbound_method   method;
    struct inbound_secret secrets[INBOUND_SECRETS];
    size_t                count; /* of secrets */
    struct json          *allow; /* list of texts, or NULL */
    char                 *user;  /* or NULL */
    int64_t               window_ms;
    bool                  confirm; /* subscriptions of SNS */
    struct inbound_cache *cache;   /* certificates; NULL unless sns */
    struct buf            warning;
};

typedef enum inbound_verdict
inbound_check_fn(const struct inbound         *inbound,
                 const struct inbound_request *request,
                 struct inbound_result        *result);

/* What of the settings a method takes, and must have but for the window; a
 * window of 0: it signs no time. */
struct inbound_row {
    inbound_check_fn *check;
    bool              secret, user, allow;
    int64_t           window_ms;
};
const struct inbound_row *inbound_row_of(enum inbound_method method);

inbound_check_fn inbound_token_bearer;
inbound_check_fn inbound_token_basic;
inbound_check_fn inbound_certificate_check; /* of a TLS client */
inbound_check_fn inbound_mac_github;
inbound_check_fn inbound_mac_pagerduty;
inbound_check_fn inbound_mac_standard;
inbound_check_fn inbound_mac_slack;
inbound_check_fn inbound_sns_check;

/* --- settings ---------------------------------------------------------- */

struct inbound_settings {
    struct str            source;
    const struct json    *settings;
    const struct secrets *secrets;
};

bool               inbound_setting_read(struct inbound                *inbound,
                                        const struct inbound_settings *from, struct err *err);
/* The entry of `allow` that this is, or NULL. */
const struct json *inbound_setting_find(const struct inbound *inbound,
                                        struct str            name);

/* --- secrets ----------------------------------------------------------- */

/* False: it has not the form that the method asks for; `form` says which. */
bool inbound_token_keep(const struct inbound *inbound, struct str secret,
                        struct inbound_secret *keep, const char **form);
bool inbound_mac_keep(const struct inbound *inbound, struct str secret,
                      struct inbound_secret *keep, const char **form);

/* --- results ----------------------------------------------------------- */

/* Always INBOUND_REFUSED. */
enum inbound_verdict inbound_refuse(struct inbound_result *result,
                                    enum inbound_why       why);
/* Copies into a field of a result; false: it does not fit, or has a NUL. */
bool inbound_result_put(char *field, size_t size, struct str text);
/* Is a moment within the window, either way? (IN3) */
bool inbound_is_timely(const struct inbound *inbound, int64_t at_ms,
                       int64_t now_ms);

/* --- certificates of SNS ----------------------------------------------- */

struct inbound_cache *inbound_cache_open(void);
void                  inbound_cache_close(struct inbound_cache *cache);
/* https, a host of SNS, a plain path that ends in .pem. */
bool                  inbound_cache_is_address(struct str url);
/* The same host, and the one request that confirms a subscription. */
bool                  inbound_cache_is_confirmation(struct str url);
bool inbound_cache_put(struct inbound_cache *cache, struct str url,
                       struct str pem, int64_t now_ms, struct err *err);

struct inbound_signed {
    enum crypto_hash hash;
    struct str       text, signature;
};
/* INBOUND_NEEDS_CERTIFICATE: none that is valid is held for this address. */
enum inbound_verdict inbound_cache_judge(struct inbound_cache *cache,
                                         struct str url, int64_t now_ms,
                                         const struct inbound_signed *what);

#endif
