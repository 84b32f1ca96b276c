/* cli.h - what every command shares: its options, its output, its exit code.
 *
 * One table in cli.c lists commands and options; from it come parsing, help
 * and the error for an option that does not exist. Data goes to standard
 * output, everything meant for a person watching to standard error.
 *
 * Lifetime: process. Thread: main.
 */
#ifndef CLI_CLI_H
#define CLI_CLI_H

#include <stdbool.h>

#include "base/err.h"

enum cli_exit {
    EXIT_DONE = 0,
    EXIT_FAILED = 1,
    EXIT_BAD_INPUT = 2,
    EXIT_ESCALATED = 3,
    EXIT_WOULD_CHANGE = 4,
    EXIT_HELD = 5,
    EXIT_USAGE = 64,
    EXIT_BAD_CONFIG = 78
};

#define CLI_ARGS_MAX 8

struct cli {
    const char *args[CLI_ARGS_MAX]; /* what is no option, in order */
    int         count;
    struct cli_values {
        const char *config, *state, *event, *fixtures, *assume, *resume;
        const char *tape, *format, *scripts, *log, *region, *account;
        const char *listen;
        bool        live, all, json, log_json, detailed_exitcode, print_config;
        bool        print_request, full, reach;
    } value;
};

int cli_main(int argc, char **argv);

/* Prints "error CODE: sentence" and what to do next, on standard error, or as
 * one JSON object on standard output with --json; gives the exit code. */
int cli_fail(const struct cli *cli, const struct err *err);

/* The exit code of an error that was told in another way. */
int cli_exit_of(const struct err *err);

int cmd_audit(const struct cli *cli);
int cmd_call(const struct cli *cli);
int cmd_check(const struct cli *cli);
int cmd_deliveries(const struct cli *cli);
int cmd_doctor(const struct cli *cli);
int cmd_explain(const struct cli *cli);
int cmd_graph(const struct cli *cli);
int cmd_incidents(const struct cli *cli);
int cmd_run(const struct cli *cli);
int cmd_runs(const struct cli *cli);
int cmd_serve(const struct cli *cli);
int cmd_sign(const struct cli *cli);
int cmd_version(const struct cli *cli);

#endif
