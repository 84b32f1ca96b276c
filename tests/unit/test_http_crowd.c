/* test_http_crowd.c - who gives way, with a clock that the test holds. */
#include <criterion/criterion.h>

#include "net/http_crowd.h"

#define REQUEST_MS 100
#define IDLE_MS 1000

static struct http_crowd       crowd;
static struct http_crowd_place at[8];
static char                    log_of_cuts[64];

/* "0slow " for place 0 and so on. */
static void note(void *arg, struct http_crowd_place *place,
                 enum http_crowd_state state, enum http_crowd_reason why) {
    static const char *const whys[] = {"slow", "full", "quiet"};
    size_t                   len = strlen(log_of_cuts);

    (void)arg;
    (void)state;
    (void)snprintf(log_of_cuts + len, sizeof log_of_cuts - len, "%d%s ",
                   (int)(place - at), whys[why]);
}

static void open_crowd(void) {
    http_crowd_init(&crowd, 3, REQUEST_MS, IDLE_MS, note, NULL);
}

static void close_crowd(void) {
    http_crowd_release(&crowd);
}

TestSuite(http_crowd, .init = open_crowd, .fini = close_crowd);

Test(http_crowd, HC1_one_that_owes_for_too_long_is_cut_once) {
    http_crowd_enter(&crowd, &at[0], 0);
    http_crowd_enter(&crowd, &at[1], 50);
    http_crowd_reap(&crowd, 99);
    cr_expect_str_eq(log_of_cuts, "");
    http_crowd_reap(&crowd, 100);
    http_crowd_reap(&crowd, 149);
    cr_expect_str_eq(log_of_cuts, "0slow ");
    cr_expect_not(http_crowd_move(&crowd, &at[0], HTTP_CROWD_BUSY, 120));
    cr_expect(http_crowd_move(&crowd, &at[1], HTTP_CROWD_BUSY, 120));
    http_crowd_reap(&crowd, 5000);
    cr_expect_str_eq(log_of_cuts, "0slow ");
}

Test(http_crowd, HC1_between_requests_there_is_more_time) {
    http_crowd_enter(&crowd, &at[0], 0);
    (void)http_crowd_move(&crowd, &at[0], HTTP_CROWD_IDLE, 10);
    http_crowd_reap(&crowd, 1009);
    cr_expect_str_eq(log_of_cuts, "");
    http_crowd_reap(&crowd, 1010);
    cr_expect_str_eq(log_of_cuts, "0quiet ");
}

Test(http_crowd, HC2_the_longest_owing_gives_way_and_not_the_newcomer) {
    for (int i = 0; i < 6; i++)
        http_crowd_enter(&crowd, &at[i], i);
    cr_expect_str_eq(log_of_cuts, "0full 1full 2full ");
    cr_expect_eq(crowd.count, 3);
}

Test(http_crowd, HC2_one_that_keeps_sending_stays) {
    http_crowd_enter(&crowd, &at[0], 0);
    (void)http_crowd_move(&crowd, &at[0], HTTP_CROWD_IDLE, 0);
    for (int i = 1; i < 8; i++)
        http_crowd_enter(&crowd, &at[i], i);
    cr_expect_str_eq(log_of_cuts, "1full 2full 3full 4full 5full ");
    cr_expect_not(at[0].cut);
}

Test(http_crowd, HC2_then_the_longest_idle_gives_way) {
    for (int i = 0; i < 3; i++) {
        http_crowd_enter(&crowd, &at[i], i);
        (void)http_crowd_move(&crowd, &at[i], HTTP_CROWD_IDLE, 10 - i);
    }
    http_crowd_enter(&crowd, &at[3], 11);
    cr_expect_str_eq(log_of_cuts, "0full ");
}

Test(http_crowd, HC2_nobody_whose_request_is_worked_on_gives_way) {
    for (int i = 0; i < 3; i++) {
        http_crowd_enter(&crowd, &at[i], i);
        (void)http_crowd_move(&crowd, &at[i], HTTP_CROWD_BUSY, i);
    }
    http_crowd_enter(&crowd, &at[3], 9);
    cr_expect_str_eq(log_of_cuts, "3full ");
    http_crowd_leave(&crowd, &at[3]);
    cr_expect_eq(crowd.count, 3);
    http_crowd_leave(&crowd, &at[1]);
    http_crowd_enter(&crowd, &at[4], 10);
    cr_expect_str_eq(log_of_cuts, "3full ");
}
