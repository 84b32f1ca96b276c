/* test_retry.c - the bucket and the delay, without a gate. */
#include <criterion/criterion.h>

#include "gate/retry.h"

static struct retry_bucket bucket;
static int                 cost;
static int64_t             delay;

static void start(void) {
    bucket = (struct retry_bucket){0};
    cost = 0;
    delay = -1;
}

TestSuite(retry, .init = start);

static struct retry_event event(int tries, uint64_t random) {
    return (struct retry_event){
        .tries = tries, .times = 1000, .backoff_ms = 500, .random = random};
}

static enum retry_verdict take(struct retry_event made) {
    return retry_take(&bucket, &made, &cost, &delay);
}

Test(retry, RT1_is_never_earlier_than_the_service_asked_for) {
    struct retry_event made = event(0, 3);

    made.asked_ms = 7000;
    cr_expect_eq(take(made), RETRY_LATER);
    cr_expect_eq(delay, 7000);
    made.asked_ms = RETRY_WAIT_MAX_MS;
    cr_expect_eq(take(made), RETRY_LATER);
    cr_expect_eq(delay, RETRY_WAIT_MAX_MS);
}

Test(retry, RT1_waits_longer_than_asked_when_the_backoff_is_longer) {
    struct retry_event made = event(4, 7999);

    made.asked_ms = 1000;
    cr_expect_eq(take(made), RETRY_LATER);
    cr_expect_eq(delay, 7999);
}

Test(retry, RT2_does_not_wait_for_more_than_two_minutes) {
    struct retry_event made = event(0, 3);

    made.asked_ms = RETRY_WAIT_MAX_MS + 1;
    cr_expect_eq(take(made), RETRY_TOO_LONG);
    cr_expect_eq(bucket.taken, 0);
    made.times = 0;
    cr_expect_eq(take(made), RETRY_TOO_LONG, "says so whatever was tried");
}

Test(retry, RT3_a_hundred_retries_empty_the_bucket) {
    for (int i = 0; i < 100; i++)
        cr_assert_eq(take(event(0, 0)), RETRY_LATER, "retry %d", i);
    cr_expect_eq(take(event(0, 0)), RETRY_SPENT);
    cr_expect_eq(cost, 500);
}

Test(retry, RT3_a_retry_after_a_timeout_takes_twice_as_much) {
    struct retry_event made = event(0, 0);

    made.timeout = true;
    for (int i = 0; i < 50; i++)
        cr_assert_eq(take(made), RETRY_LATER, "retry %d", i);
    cr_expect_eq(take(made), RETRY_SPENT);
}

Test(retry, RT3_a_success_puts_back_what_its_own_retries_took) {
    struct retry_event made = event(0, 0);
    int                other = 0;

    (void)retry_take(&bucket, &made, &other, &delay);
    (void)take(made);
    (void)take(made);
    retry_give(&bucket, &cost);
    cr_expect_eq(bucket.taken, 5, "the other's is still out");
    cr_expect_eq(cost, 0);
}

Test(retry, RT3_a_success_without_retries_puts_back_one_token) {
    (void)take(event(0, 0));
    cost = 0;
    retry_give(&bucket, &cost);
    cr_expect_eq(bucket.taken, 4);
}

Test(retry, RT3_never_holds_more_than_it_began_with) {
    retry_give(&bucket, &cost);
    cr_expect_eq(bucket.taken, 0);
}

Test(retry, RT3_stops_after_the_times_allowed) {
    struct retry_event made = event(2, 0);

    made.times = 2;
    cr_expect_eq(take(made), RETRY_SPENT);
    cr_expect_eq(bucket.taken, 0);
}

Test(retry, RT4_the_span_doubles_and_ends_at_twenty_seconds) {
    static const int64_t spans[] = {500, 1000, 2000, 4000, 8000, 16000, 20000};

    for (int tries = 0; tries < 7; tries++) {
        cr_assert_eq(take(event(tries, (uint64_t)spans[tries])), RETRY_LATER);
        cr_expect_eq(delay, spans[tries], "the whole span, try %d", tries);
        cr_assert_eq(take(event(tries, (uint64_t)spans[tries] + 1)),
                     RETRY_LATER);
        cr_expect_eq(delay, 0, "and nothing, try %d", tries);
    }
    cr_assert_eq(take(event(900, UINT64_MAX)), RETRY_LATER);
    cr_expect_leq(delay, 20000);
}

Test(retry, RT4_a_backoff_past_the_cap_or_of_nothing_is_sound) {
    struct retry_event made = event(0, UINT64_MAX);

    made.backoff_ms = INT64_MAX;
    cr_assert_eq(take(made), RETRY_LATER);
    cr_expect_leq(delay, 20000);
    made.backoff_ms = 0;
    cr_assert_eq(take(made), RETRY_LATER);
    cr_expect_eq(delay, 0);
    made.backoff_ms = -5;
    cr_assert_eq(take(made), RETRY_LATER);
    cr_expect_eq(delay, 0);
}
