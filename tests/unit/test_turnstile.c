/* test_turnstile.c - starts that wait for room, in the order they came. */
#include <criterion/criterion.h>

#include "graph/turnstile.h"
#include "scripted.h"

static struct loop      *loop;
static struct turnstile *turnstile;
static struct room      *room;
static struct buf        passed;

static void open_turnstile(void) {
    loop = loop_open();
    turnstile = turnstile_open(loop);
    room = turnstile_room(turnstile);
    turnstile_limit(turnstile, 100);
}

static void close_turnstile(void) {
    loop_run(loop);
    turnstile_close(turnstile);
    loop_close(loop);
    buf_release(&passed);
}

TestSuite(turnstile, .init = open_turnstile, .fini = close_turnstile);

/* An attempt that starts and uses 60. */
static void start(void *arg) {
    buf_add_text(&passed, arg);
    room->vms++;
    room->used += 60;
}

static void end(void) {
    room->vms--;
    room->used -= 60;
    room->left(room->arg);
}

static void pass(const char *name) {
    turnstile_pass(turnstile, loop, start, (void *)(uintptr_t)name);
}

Test(turnstile, TU1_N14_no_more_start_than_there_is_room_for) {
    pass("a");
    pass("b");
    pass("c");
    cr_expect_str_eq(buf_text(&passed), "");
    loop_run(loop);
    cr_expect_str_eq(buf_text(&passed), "ab");
    cr_expect_eq(turnstile_waiting(turnstile), 1);
    end();
    loop_run(loop);
    cr_expect_str_eq(buf_text(&passed), "abc");
}

Test(turnstile, TU2_who_came_first_starts_first) {
    char names[60][2];

    for (int i = 0; i < 60; i++) {
        names[i][0] = (char)('A' + i);
        names[i][1] = '\0';
        pass(names[i]);
    }
    loop_run(loop);
    for (int i = 2; i < 60; i++) {
        end();
        pass("+");
        loop_run(loop);
        cr_expect_eq(passed.len, (size_t)i + 1);
        cr_expect_eq(passed.data[i], 'A' + i);
    }
    turnstile_let_go(turnstile);
}

Test(turnstile, TU2_one_always_starts_when_no_vm_is_left) {
    turnstile_limit(turnstile, 1);
    pass("a");
    pass("b");
    loop_run(loop);
    cr_expect_str_eq(buf_text(&passed), "a");
    end();
    loop_run(loop);
    cr_expect_str_eq(buf_text(&passed), "ab");
}

Test(turnstile, TU2_a_higher_limit_and_the_end_let_the_waiting_through) {
    pass("a");
    pass("b");
    pass("c");
    pass("d");
    loop_run(loop);
    turnstile_limit(turnstile, 150);
    loop_run(loop);
    cr_expect_str_eq(buf_text(&passed), "abc");
    turnstile_let_go(turnstile);
    loop_run(loop);
    cr_expect_str_eq(buf_text(&passed), "abcd");
}

/* --- what is counted ------------------------------------------------------- */

Test(room, RO1_the_vms_of_attempts_are_counted_while_they_have_one) {
    struct bundle  *bundle = scripted_body(NULL, "ctx",
                                           "local much = {} "
                                            "for i = 1, 10000 do much[i] = i end "
                                            "ctx.random() return #much");
    struct json    *none = json_new_list(), *answer = json_new_int(1);
    struct room     all = {.limit = 1};
    struct err      err = {.text = ""};
    struct attempt *both[2];

    bundle_use_room(bundle, &all);
    for (int round = 0; round < 3; round++) {
        for (int i = 0; i < 2; i++) {
            both[i] = attempt_open(bundle, scripted_node(bundle, "subject"),
                                   "run", true, none, &scripted_limits, &err);
            cr_expect_eq(all.vms, (size_t)i);
            cr_assert_eq(attempt_resume(both[i], true, NULL, &err),
                         ATTEMPT_ASKS);
            cr_expect_eq(all.vms, (size_t)i + 1);
            cr_expect_gt(all.used, 160000 * ((size_t)i + 1));
        }
        cr_expect(room_is_full(&all));
        attempt_close(both[0]);
        cr_expect_eq(all.vms, 1);
        cr_expect_gt(all.used, 160000);
        cr_assert_eq(attempt_resume(both[1], true, answer, &err),
                     ATTEMPT_ENDED);
        attempt_close(both[1]);
        cr_expect_eq(all.vms, 0);
        cr_expect_eq(all.used, 0);
        cr_expect_not(room_is_full(&all));
    }
    json_release(none);
    json_release(answer);
    bundle_release(bundle);
}
