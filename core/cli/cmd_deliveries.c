/* cmd_deliveries.c - nightshift deliveries: what could not be read, and again.
 */
#include <string.h>

#include "base/timestamp.h"
#include "cli/desk.h"

static void print_delivery(const struct json *delivery) {
    struct buf at = BUF_EMPTY;

    timestamp_write(json_find_int(delivery, "at", 0) / 1000 * 1000, &at);
    printf("%.*s  %s  %.*s  %lld bytes  %.*s\n",
           STR_ARG(json_find_text(delivery, "delivery")), buf_text(&at),
           STR_ARG(json_find_text(delivery, "source")),
           (long long)json_find_int(delivery, "size", 0),
           STR_ARG(json_find_text(delivery, "reason")));
    buf_release(&at);
}

static bool list(const struct cli *cli, struct desk *desk, struct err *err) {
    struct json *answer =
        desk_deliveries(desk, "unparsed", cli->value.all, err);
    const struct json *rows = json_find(answer, "deliveries");
    struct buf         text = BUF_EMPTY;

    if (answer && cli->value.json) {
        json_write(answer, &text);
        printf("%s\n", buf_text(&text));
    }
    for (size_t i = 0; !cli->value.json && i < json_count(rows); i++)
        print_delivery(json_at(rows, i));
    buf_release(&text);
    json_release(answer);
    return answer != NULL;
}

static bool retry(const struct cli *cli, struct desk *desk, struct err *err) {
    const char *delivery = cli->args[1];

    if (!desk_retry(desk, delivery, err))
        return false;
    if (cli->value.json)
        printf("{\"delivery\":\"%s\",\"state\":\"new\"}\n", delivery);
    else
        printf("%s is read again%s\n", delivery,
               desk->store ? " when serve is started again" : "");
    return true;
}

/* In the order in which they came: an end behind what it ends. */
static bool retry_all(const struct cli *cli, struct desk *desk,
                      struct err *err) {
    struct json       *answer = desk_deliveries(desk, "unparsed", true, err);
    const struct json *rows = json_find(answer, "deliveries");
    size_t             count = json_count(rows);
    bool               ok = answer != NULL;

    for (size_t i = count; ok && i-- > 0;) {
        struct str id = json_find_text(json_at(rows, i), "delivery");

        ok = desk_retry(desk, id.data, err) || err->code == ERR_NOT_FOUND ||
             err->code == ERR_CONFLICT; /* somebody else was faster */
    }
    if (ok && cli->value.json)
        printf("{\"count\":%zu,\"state\":\"new\"}\n", count);
    else if (ok)
        printf("%zu %s read again%s\n", count, count == 1 ? "is" : "are",
               desk->store ? " when serve is started again" : "");
    json_release(answer);
    return ok;
}

static bool check_usage(const struct cli *cli, struct err *err) {
    bool lists = strcmp(cli->args[0], "list") == 0;

    if (!lists && strcmp(cli->args[0], "retry") != 0)
        return err_set(err, ERR_USAGE,
                       "deliveries takes list or retry, not "
                       "'%s'",
                       cli->args[0]);
    if (lists)
        return cli->count == 1 ||
               err_set(err, ERR_USAGE, "deliveries list takes no more");
    return (cli->count == 2) != cli->value.all ||
           err_set(err, ERR_USAGE, "deliveries retry takes an id, or --all");
}

static bool act(const struct cli *cli, struct desk *desk, struct err *err) {
    if (strcmp(cli->args[0], "list") == 0)
        return list(cli, desk, err);
    return cli->value.all ? retry_all(cli, desk, err) : retry(cli, desk, err);
}

int cmd_deliveries(const struct cli *cli) {
    struct desk desk = {0};
    struct err  err;
    bool        ok = check_usage(cli, &err) && desk_open(&desk, cli, &err) &&
              act(cli, &desk, &err);

    desk_close(&desk);
    return ok ? EXIT_DONE : cli_fail(cli, &err);
}
