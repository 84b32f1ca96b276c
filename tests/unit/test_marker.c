/* test_marker.c - what was being executed is known after a kill -9. */
#include <criterion/criterion.h>

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

#include "sys/marker.h"

static char path[64];

static void set_up(void) {
    (void)snprintf(path, sizeof path, "/tmp/nightshift-marker-%d",
                   (int)getpid());
}

static void tear_down(void) {
    (void)unlink(path);
}

TestSuite(marker, .init = set_up, .fini = tear_down);

/* In a process that is killed at once. */
static void die_after(const char *set, bool clears) {
    pid_t child = fork();
    int   status;

    if (child == 0) {
        struct buf     left = BUF_EMPTY;
        struct err     err;
        struct marker *marker = marker_open(path, &left, &err);

        marker_set(marker, set);
        if (clears)
            marker_clear(marker);
        (void)kill(getpid(), SIGKILL);
    }
    cr_assert_eq(waitpid(child, &status, 0), child);
}

static void expect_left(const char *words) {
    struct buf     left = BUF_EMPTY;
    struct err     err;
    struct marker *marker = marker_open(path, &left, &err);

    cr_assert_not_null(marker);
    cr_expect_str_eq(buf_text(&left), words);
    buf_release(&left);
    marker_close(marker);
}

Test(marker, MK1_holds_what_was_set_when_the_process_died) {
    expect_left("");
    die_after("run_01M8BA91BX572K0GNKAMJZAN63", false);
    expect_left("run_01M8BA91BX572K0GNKAMJZAN63");
    expect_left("");
}

Test(marker, MK1_holds_nothing_that_was_cleared) {
    die_after("run_01M8BA91BX572K0GNKAMJZAN63", true);
    expect_left("");
}

Test(marker, MK1_a_shorter_one_replaces_a_longer) {
    die_after("a-long-name", false);
    die_after("short", false);
    expect_left("short");
}
