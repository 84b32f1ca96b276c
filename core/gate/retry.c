/* retry.c - small integers; the only loop ends at the cap. */
#include "gate/retry.h"

#define COST 5
#define COST_TIMEOUT 10
#define BACKOFF_MAX_MS 20000

/* Anywhere from nothing to the span, both included. (RT4) */
static int64_t jittered(const struct retry_event *event) {
    int64_t span = event->backoff_ms;

    for (int i = 0; i < event->tries && span < BACKOFF_MAX_MS; i++)
        span *= 2;
    if (span > BACKOFF_MAX_MS)
        span = BACKOFF_MAX_MS;
    return span > 0 ? (int64_t)(event->random % (uint64_t)(span + 1)) : 0;
}

enum retry_verdict retry_take(struct retry_bucket      *bucket,
                              const struct retry_event *event, int *cost,
                              int64_t *delay_ms) {
    int price = event->timeout ? COST_TIMEOUT : COST;

    if (event->asked_ms > RETRY_WAIT_MAX_MS)
        return RETRY_TOO_LONG; /* (RT2) */
    if (event->tries >= event->times || bucket->taken + price > RETRY_TOKENS)
        return RETRY_SPENT; /* (RT3) */
    bucket->taken += price;
    *cost += price;
    *delay_ms = jittered(event);
    if (*delay_ms < event->asked_ms)
        *delay_ms = event->asked_ms; /* (RT1) */
    return RETRY_LATER;
}

void retry_give(struct retry_bucket *bucket, int *cost) {
    bucket->taken -= *cost ? *cost : 1;
    if (bucket->taken < 0)
        bucket->taken = 0;
    *cost = 0;
}
