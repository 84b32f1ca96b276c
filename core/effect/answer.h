/* answer.h - what an HTTP answer means for the effect that it answers.
 *
 * A read that failed may be asked again; for a write the question is whether
 * it may have been applied. A status below 500 that is no success says that
 * the service refused. A status of 500 and above says nothing, and neither
 * does a cut connection: the write is unknown.
 *
 *   AN1  A write is called refused only when the service said so or no byte of
 *        it was sent.
 *   AN2  An answer that is not what its protocol promises is never an empty
 *        success.
 *
 * Sources: GitHub rate limit headers,
 * RFC 9110 section 10.2.3 (Retry-After in seconds).
 *
 * Lifetime: call. Thread: loop.
 */
#ifndef EFFECT_ANSWER_H
#define EFFECT_ANSWER_H

#include "effect/effect.h"
#include "net/http.h"

enum answer_fate {
    ANSWER_GIVEN,
    ANSWER_REFUSED, /* an error, and nothing was applied */
    ANSWER_UNKNOWN, /* an error, and a write may have been applied */
    ANSWER_SILENT   /* nobody can answer: the world or the scenario ends here */
};

struct answer {
    enum answer_fate fate;
    bool             assumed;
    struct json     *value;          /* given with ANSWER_GIVEN */
    struct err       err;            /* with every other fate */
    int64_t          retry_after_ms; /* 0: not said */
    int64_t          micro_usd;      /* what a model cost */
    int              status;         /* of HTTP; 0: there was none */
};

/* `sent_err` is the client's error, for a fate other than HTTP_ANSWERED. */
struct answer answer_read(const struct effect      *effect,
                          const struct http_answer *http,
                          const struct err *sent_err, int64_t now_ms);

/* With the option `pages` an answer given becomes { items, next }, where next
 * is the arguments of the next page or null; url is what was asked. */
void answer_page(const struct effect *effect, const struct http_answer *http,
                 struct str url, struct answer *answer);

/* A refusal that speaks of the signature and not of the request. */
enum answer_us { ANSWER_FINE, ANSWER_CLOCK_OFF, ANSWER_STALE_CREDENTIALS };
enum answer_us answer_about_us(const struct effect      *effect,
                               const struct http_answer *http);

#endif
