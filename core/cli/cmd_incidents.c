/* cmd_incidents.c - nightshift incidents: what came to be one, newest first. */
#include <string.h>

#include "base/timestamp.h"
#include "cli/desk.h"

static void print_incident(const struct json *incident) {
    const struct json *key = json_find(incident, "key");
    struct buf         at = BUF_EMPTY;

    timestamp_write(json_find_int(incident, "at", 0) / 1000 * 1000, &at);
    printf("%.*s  %s  %.*s  ", STR_ARG(json_find_text(incident, "incident")),
           buf_text(&at), STR_ARG(json_find_text(incident, "playbook")));
    for (size_t i = 0; i < json_count(key); i++)
        printf("%s%.*s", i ? "/" : "", STR_ARG(json_text(json_at(key, i))));
    printf("\n");
    buf_release(&at);
}

static void print_all(const struct cli *cli, const struct json *answer) {
    const struct json *list = json_find(answer, "incidents");
    struct buf         text = BUF_EMPTY;

    if (cli->value.json) {
        json_write(answer, &text);
        printf("%s\n", buf_text(&text));
    }
    for (size_t i = 0; !cli->value.json && i < json_count(list); i++)
        print_incident(json_at(list, i));
    buf_release(&text);
}

int cmd_incidents(const struct cli *cli) {
    struct desk  desk = {0};
    struct json *answer = NULL;
    struct err   err;

    if (strcmp(cli->args[0], "list") != 0)
        err_set(&err, ERR_USAGE, "incidents takes list, not '%s'",
                cli->args[0]);
    else if (desk_open(&desk, cli, &err))
        answer = desk_incidents(&desk, cli->value.all, &err);
    if (answer)
        print_all(cli, answer);
    desk_close(&desk);
    json_release(answer);
    return answer ? EXIT_DONE : cli_fail(cli, &err);
}
