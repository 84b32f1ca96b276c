/* retry.h - whether a refused effect is tried once more, and when.
 *
 * The standard mode of the AWS SDKs. A service that fails gets its retries from
 * a bucket: each takes 5 tokens of 500, after a timeout 10, and a success puts
 * back what its own retries took, or one token when it needed none. So a single
 * hiccup is retried freely, while a service that is down for everybody soon
 * gets one request an effect and no more. The delay is drawn from the whole
 * span ("full jitter"), since callers that failed together must not come back
 * together.
 *
 * Pure: the bucket is the state, a refusal or a success the event. Whether this
 * effect may be repeated at all is the gate's question, asked first. (G4)
 *
 *   RT1  A retry is never earlier than the service asked for.
 *   RT2  A service that asks for more than two minutes is not waited for.
 *   RT3  An empty bucket retries nothing; it never holds more than it began
 *        with.
 *   RT4  The delay is at most the backoff doubled with each retry, and never
 *        more than 20 s of our own.
 *
 * Source: "Retry behavior" in the AWS SDKs and Tools Reference Guide.
 *
 * Lifetime: call. Thread: any.
 */
#ifndef GATE_RETRY_H
#define GATE_RETRY_H

#include <stdbool.h>
#include <stdint.h>

#define RETRY_TOKENS 500
#define RETRY_WAIT_MAX_MS 120000

/* Zeroed it is full. */
struct retry_bucket {
    int taken;
};

struct retry_event {
    int      tries, times; /* made so far, allowed */
    bool     timeout;
    int64_t  backoff_ms; /* before the first retry, at most */
    int64_t  asked_ms;   /* by the service; 0: not said */
    uint64_t random;
};

enum retry_verdict {
    RETRY_LATER,    /* delay_ms is filled, and *cost grew */
    RETRY_SPENT,    /* enough tries, or the bucket is empty */
    RETRY_TOO_LONG, /* the service wants nobody for so long (RT2) */
};

/* `cost` is what the retries of this effect took so far. */
enum retry_verdict retry_take(struct retry_bucket      *bucket,
                              const struct retry_event *event, int *cost,
                              int64_t *delay_ms);

/* The effect was answered in the end; *cost becomes 0. */
void retry_give(struct retry_bucket *bucket, int *cost);

#endif
