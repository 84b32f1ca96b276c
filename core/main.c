/* main.c - the beginning: faults armed, broken pipes ignored, then the table.
 *
 * Nothing else belongs here; what a command needs it opens itself.
 */
#include <signal.h>

#include "base/fault.h"
#include "cli/cli.h"

int main(int argc, char **argv) {
    const char *fault = getenv("NIGHTSHIFT_FAULT");
    struct cli  none = {.count = 0};
    struct err  err;

    /* A reader that goes away is an error of write(), not a death. */
    (void)signal(SIGPIPE, SIG_IGN);
    if (fault && *fault && !fault_arm(fault, &err))
        return cli_fail(&none, &err);
    return cli_main(argc, argv);
}
