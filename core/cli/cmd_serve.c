/* cmd_serve.c - nightshift serve: the service, until it is told to end. */
#include "app/service.h"
#include "cli/cli.h"

int cmd_serve(const struct cli *cli) {
    struct service_options options = {
        .engine = {.scripts = cli->value.scripts,
                   .config = cli->value.config,
                   .state = cli->value.state,
                   .log = LOG_INFO,
                   .log_json = cli->value.log_json},
        .listen = cli->value.listen,
        .log_given = cli->value.log != NULL,
    };
    struct err err;
    int        code = EXIT_DONE;

    if (cli->value.log)
        (void)log_level_read(str_of(cli->value.log), &options.engine.log);
    return service_run(&options, &code, &err) ? code : cli_fail(cli, &err);
}
