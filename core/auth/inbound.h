/* inbound.h - who sent a delivery, decided before it is stored.
 *
 * One of these for each source of the configuration. It holds what the source's
 * sender must prove and looks at one request at a time: pure work over bytes
 * that are already there, no file, no network, no clock. Why a delivery was
 * refused is one word from a list: enough for a counter and a runbook, and
 * nothing that tells a stranger how near he was.
 *
 *   IN1  How long a refusal takes does not depend on how much of a secret was
 *        right; what is compared are digests and MACs, in constant time.
 *   IN2  A MAC is over the bytes as they came; a body is never copied and,
 *        but for SNS, never parsed.
 *   IN3  A signed time outside the window is refused, past and future alike,
 *        before anything is computed from it.
 *   IN4  While secrets rotate two are taken, and the result says which it was.
 *   IN5  No secret, and no part of one, is in a result, a warning or an error.
 *        (N11)
 *   IN6  Settings that would prove nothing are refused: no secret, no list of
 *        topics, a window for a scheme that signs no time.
 *   IN7  A certificate of SNS is used only while it is valid, and only if it
 *        names the SNS of the region that its address names.
 *        A host such as sns.s3-eu-west-1.amazonaws.com, which is anybody's
 *        bucket, is no region's.
 *   IN8  What of an SNS message is signed can be read in one way only: no
 *        field but the text of the message may hold a line end.
 *
 * Sources: RFC 6750 and RFC 7617; "Validating webhook deliveries" of GitHub;
 * the Standard Webhooks specification 1.0; "Webhook signatures" (v3) of
 * PagerDuty; "Verifying the signatures of Amazon SNS messages"; "Verifying
 * requests from Slack".
 *
 * Lifetime: process. Thread: any; open and close: one at a time.
 */
#ifndef AUTH_INBOUND_H
#define AUTH_INBOUND_H

#include <stdint.h>

#include "base/json.h"

struct inbound;
struct secrets;

/* X(ENUM, "name in `auth`", "what proves the sender") */
#define INBOUND_METHODS(X)                                             \
    X(NONE, "none", "nothing: for a listener on loopback alone")       \
    X(BEARER, "bearer", "Authorization: Bearer and the secret")        \
    X(BASIC, "basic", "Authorization: Basic, user and secret")         \
    X(MTLS, "mtls", "a client certificate with an allowed name")       \
    X(GITHUB, "github", "X-Hub-Signature-256 over the body")           \
    X(STANDARD, "standard", "the headers of Standard Webhooks")        \
    X(PAGERDUTY, "pagerduty", "X-PagerDuty-Signature over the body")   \
    X(SNS, "sns", "an SNS message of an allowed topic, signed by AWS") \
    X(SLACK, "slack", "X-Slack-Signature over time and body")

enum inbound_method {
#define X(method, name, about) INBOUND_##method,
    INBOUND_METHODS(X)
#undef X
        INBOUND_METHOD_COUNT
};

/* Why a delivery is refused. X(ENUM, "name of the counter", "what it means") */
#define INBOUND_WHYS(X)                                                       \
    X(FINE, "", "It is not.")                                                 \
    X(MISSING, "missing", "The proof that the source asks for is not there.") \
    X(MALFORMED, "malformed", "The proof is not in the form that it has.")    \
    X(SIGNATURE, "signature",                                                 \
      "The proof is not made with our secret, or not "                        \
      "over this body.")                                                      \
    X(TIMESTAMP, "timestamp", "Signed too long ago, or in the future.")       \
    X(NAME, "name", "A certificate whose names are not in `allow`.")          \
    X(TOPIC, "topic", "An SNS topic that is not in `allow`.")                 \
    X(ADDRESS, "address", "An address of a certificate that is not SNS's.")

enum inbound_why {
#define X(why, name, about) INBOUND_WHY_##why,
    INBOUND_WHYS(X)
#undef X
        INBOUND_WHY_COUNT
};

/* Borrowed; header() gives the first value of a name in any case, or an empty
 * str. The names of a client's certificate stand on one line each. */
struct inbound_request {
    struct str (*header)(void *arg, const char *name);
    void      *arg;
    struct str body;
    struct str client_subject, client_names; /* verified, or empty */
    int64_t    now_ms;
};

enum inbound_verdict {
    INBOUND_TRUSTED,
    INBOUND_REFUSED,
    INBOUND_NEEDS_CERTIFICATE, /* fetch `url`, inbound_learn(), check again */
};

/* What an SNS message that is trusted is about. */
enum inbound_about {
    INBOUND_ABOUT_EVENT,
    INBOUND_ABOUT_SUBSCRIBING, /* who GETs `confirm` confirms it */
    INBOUND_ABOUT_UNSUBSCRIBING,
};

struct inbound_result {
    enum inbound_why   why;
    int                secret;    /* 0: `secret`, 1: `old_secret`, -1: none */
    bool               signed_id; /* `delivery` is under the signature */
    char               delivery[201]; /* the sender's id of it, or "" */
    char               who[321];      /* user, name of a certificate, topic */
    char               url[513];      /* of the certificate that is needed */
    enum inbound_about about;
    char confirm[1025]; /* https, at the SNS of a region; else "" */
};

/* `settings` is one source's part of the configuration, `source` its name for
 * errors; both, and the secrets, are borrowed for this call only. */
struct inbound *inbound_open(struct str source, const struct json *settings,
                             const struct secrets *secrets, struct err *err);
void            inbound_close(struct inbound *inbound); /* NULL is fine */

enum inbound_method inbound_method(const struct inbound *inbound);
/* May a subscription to one of the topics be confirmed? */
bool                inbound_confirms(const struct inbound *inbound);
/* What an operator should hear once, or "". */
const char         *inbound_warning(const struct inbound *inbound);

enum inbound_verdict inbound_check(const struct inbound         *inbound,
                                   const struct inbound_request *request,
                                   struct inbound_result        *result);

/* The certificate that was fetched from an url of a result, over https with
 * the server's name verified. Refused: an error; ask again with the next
 * delivery, not at once. (IN7) */
bool inbound_learn(struct inbound *inbound, struct str url, struct str pem,
                   int64_t now_ms, struct err *err);

const char *inbound_method_name(enum inbound_method method);
const char *inbound_why_name(enum inbound_why why);

#endif
