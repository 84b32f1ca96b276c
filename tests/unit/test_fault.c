/* test_fault.c - a named place kills at the nth passage and no other. */
#include <criterion/criterion.h>

#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/fault.h"

static struct err err;

/* Arms, passes the point so often, and tells how the process ended. */
static int ended_by(const char *armed, enum fault_point point, int passages) {
    int   status;
    pid_t child = fork();

    cr_assert_geq(child, 0);
    if (child == 0) {
        if (!fault_arm(armed, &err))
            _exit(2);
        for (int i = 0; i < passages; i++)
            fault_pass(point);
        _exit(0);
    }
    cr_assert_eq(waitpid(child, &status, 0), child);
    return WIFSIGNALED(status) ? -WTERMSIG(status) : WEXITSTATUS(status);
}

Test(fault, an_unarmed_point_does_nothing_and_counts_nothing) {
    fault_pass(FAULT_GATE_AFTER_INTENT);
    cr_expect_eq(fault_passages(FAULT_GATE_AFTER_INTENT), 0);
}

Test(fault, kills_at_the_nth_passage) {
    cr_expect_eq(ended_by("gate.after_intent:3", FAULT_GATE_AFTER_INTENT, 2),
                 0);
    cr_expect_eq(ended_by("gate.after_intent:3", FAULT_GATE_AFTER_INTENT, 3),
                 -SIGKILL);
    cr_expect_eq(ended_by("gate.after_intent", FAULT_GATE_AFTER_INTENT, 1),
                 -SIGKILL);
}

Test(fault, leaves_every_other_point_alone) {
    cr_expect_eq(ended_by("gate.after_intent:1", FAULT_GATE_BEFORE_INTENT, 9),
                 0);
}

Test(fault, counts_without_killing) {
    cr_assert(fault_arm("count", &err));
    for (int i = 0; i < 4; i++)
        fault_pass(FAULT_RUN_CHECKPOINT);
    cr_expect_eq(fault_passages(FAULT_RUN_CHECKPOINT), 4);
    cr_expect_eq(fault_passages(FAULT_RUN_STARTED), 0);
}

Test(fault, refuses_a_name_or_number_that_is_none) {
    cr_expect_not(fault_arm("gate.nowhere:1", &err));
    cr_expect_eq(err.code, ERR_USAGE);
    cr_expect_not(fault_arm("gate.after_intent:x", &err));
    cr_expect_not(fault_arm("", &err));
}

Test(fault, every_point_has_a_name_and_says_where_it_stands) {
    for (int point = 0; point < FAULT_COUNT; point++) {
        cr_expect(fault_name((enum fault_point)point)[0]);
        cr_expect(fault_where((enum fault_point)point)[0]);
    }
}
