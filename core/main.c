/* main.c - the beginning: faults armed, broken pipes ignored, then the table.
 *
 * Nothing else belongs here; what a command needs it opens itself.
 */
#include <signal.h>

#include "base/buf.h"
#include "base/fault.h"
#include "cli/cli.h"

/* For the tests that kill at each passage of what a scenario reaches. */
static void print_passages(void) {
    for (int point = 0; point < FAULT_COUNT; point++)
        fprintf(stderr, "fault %s %ld\n", fault_name(point),
                fault_passages(point));
}

int main(int argc, char **argv) {
    const char *fault = getenv("NIGHTSHIFT_FAULT");
    struct cli  none = {.count = 0};
    struct err  err;
    int         code;

    /* A reader that goes away is an error of write(), not a death. */
    (void)signal(SIGPIPE, SIG_IGN);
    if (fault && *fault && !fault_arm(fault, &err))
        return cli_fail(&none, &err);
    code = cli_main(argc, argv);
    if (fault && str_is(str_of(fault), "count"))
        print_passages();
    return code;
}
