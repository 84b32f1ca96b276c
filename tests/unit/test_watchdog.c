/* test_watchdog.c - it ends what hangs, and nothing else. */
#include <criterion/criterion.h>

#include <poll.h>
#include <sys/wait.h>

#include "sys/watchdog.h"

TestSuite(watchdog, .timeout = 10);

/* Runs `hang` in a child whose standard error is read until it is over. */
static int status_of(void (*section)(struct watchdog *), char *said,
                     size_t size) {
    int   out[2], status;
    pid_t pid;
    FILE *file;

    cr_assert_eq(pipe(out), 0);
    pid = fork();
    if (pid == 0) {
        (void)alarm(5); /* should the watchdog not bite */
        (void)dup2(out[1], STDERR_FILENO);
        section(watchdog_open());
        _exit(0);
    }
    (void)close(out[1]);
    file = fdopen(out[0], "r");
    said[fread(said, 1, size - 1, file)] = '\0';
    (void)fclose(file);
    cr_assert_eq(waitpid(pid, &status, 0), pid);
    cr_assert(WIFEXITED(status), "it died of a signal");
    return WEXITSTATUS(status);
}

static void hang(struct watchdog *watchdog) {
    watchdog_arm(watchdog, 60000, "an earlier one");
    watchdog_disarm(watchdog);
    watchdog_arm(watchdog, 10, "node analyst");
    for (;;)
        (void)poll(NULL, 0, 1000);
}

Test(watchdog, WD1_ends_a_section_that_overruns_and_names_it) {
    char said[256];

    cr_assert_eq(status_of(hang, said, sizeof said), 70);
    cr_assert(strstr(said, "node analyst overran"), "%s", said);
    cr_assert_eq(strchr(said, '\n'), said + strlen(said) - 1);
}

static void end_in_time(struct watchdog *watchdog) {
    watchdog_arm(watchdog, 50, "ended in time");
    watchdog_disarm(watchdog);
    (void)poll(NULL, 0, 250);
    watchdog_arm(watchdog, 10, "replaced");
    watchdog_arm(watchdog, 60000, "long");
    (void)poll(NULL, 0, 250);
    watchdog_close(watchdog);
}

Test(watchdog, WD2_leaves_what_ends_in_time_and_what_is_between) {
    char said[256];

    cr_assert_eq(status_of(end_in_time, said, sizeof said), 0);
    cr_assert_str_eq(said, "");
}

Test(watchdog, closes_without_waiting_for_its_next_look) {
    for (int i = 0; i < 20; i++)
        watchdog_close(watchdog_open());
    watchdog_close(NULL);
}
