/* test_readiness.c - ready exactly while nothing stops senders. */
#include "serve/readiness.h"
#include "support.h"

static void state_is(struct readiness *readiness, bool wanted,
                     const char *text) {
    bool         ready = !wanted;
    struct json *state = readiness_json(readiness, &ready);

    cr_expect_eq(ready, wanted);
    support_is(state, text);
    json_release(state);
}

Test(readiness, RY1_each_part_that_stops_senders_does_and_lets_go) {
    struct readiness *readiness = readiness_open();

    state_is(readiness, true, "{'reasons': {}, 'status': 'ready'}");
    readiness_set(readiness, READINESS_START, "reading");
    state_is(readiness, false,
             "{'reasons': {'start': 'reading'}, 'status': 'not ready'}");
    readiness_set(readiness, READINESS_START, NULL);
    readiness_set(readiness, READINESS_STORE, "disk full");
    state_is(readiness, false,
             "{'reasons': {'store': 'disk full'}, 'status': 'not ready'}");
    readiness_set(readiness, READINESS_STORE, NULL);
    readiness_set(readiness, READINESS_DRAIN, "ending");
    state_is(readiness, false,
             "{'reasons': {'drain': 'ending'}, 'status': 'not ready'}");
    readiness_set(readiness, READINESS_DRAIN, NULL);
    state_is(readiness, true, "{'reasons': {}, 'status': 'ready'}");
    readiness_close(readiness);
}

Test(readiness, RY1_a_refused_reload_is_told_and_stops_nobody) {
    struct readiness *readiness = readiness_open();

    readiness_set(readiness, READINESS_RELOAD, "line 3");
    state_is(readiness, true,
             "{'reasons': {'reload': 'line 3'}, 'status': 'ready'}");
    readiness_close(readiness);
}

Test(readiness, RY1_every_reason_is_shown_and_the_newest_of_each_part) {
    struct readiness *readiness = readiness_open();
    char              why[] = "starting";

    readiness_set(readiness, READINESS_START, why);
    why[0] = '?';
    readiness_set(readiness, READINESS_STORE, "old");
    readiness_set(readiness, READINESS_STORE, "new");
    readiness_set(readiness, READINESS_DRAIN, "ending");
    readiness_set(readiness, READINESS_RELOAD, "refused");
    state_is(readiness, false,
             "{'reasons': {'drain': 'ending', 'reload': 'refused', "
             "'start': 'starting', 'store': 'new'}, 'status': 'not ready'}");
    readiness_close(readiness);
}
