/* cmd_runs.c - nightshift runs: what was walked live, and where it stands.
 *
 * Of a directory that nobody holds, a run that has not ended is one that nobody
 * walks. It keeps its key until somebody goes on with it, and the list says
 * how. Of one that a serve holds, the serve says where each run stands.
 */
#include <string.h>

#include "base/timestamp.h"
#include "cli/desk.h"
#include "cli/paint.h"
#include "cli/plan.h"

struct looking {
    const struct cli *cli;
    struct desk       desk;
    struct json      *runs; /* entries, oldest first */
    bool              more; /* than are listed */
    struct err        err;
};

/* --- the list ------------------------------------------------------------ */

static void print_key(const struct json *key) {
    for (size_t i = 0; i < json_count(key); i++)
        printf("%s%.*s", i ? "/" : "", STR_ARG(json_text(json_at(key, i))));
}

static void print_entry(const struct json *entry) {
    struct buf began = BUF_EMPTY;
    struct str outcome = json_find_text(entry, "outcome");
    struct str verdict = json_find_text(entry, "verdict");
    struct str state = json_find_text(entry, "state");
    bool       open = outcome.len == 0;

    timestamp_write(json_find_int(entry, "at", 0) / 1000 * 1000, &began);
    printf("%.*s  %s  %s%-10.*s%s %-8.*s %.*s  ",
           STR_ARG(json_find_text(entry, "run")), buf_text(&began),
           open ? paint_code(stdout, PAINT_YELLOW) : "",
           open ? (int)state.len : (int)outcome.len,
           open ? state.data : outcome.data,
           open ? paint_code(stdout, PAINT_OFF) : "", (int)verdict.len,
           verdict.len ? verdict.data : "",
           STR_ARG(json_find_text(entry, "playbook")));
    print_key(json_find(entry, "key"));
    printf("\n");
    buf_release(&began);
}

/* What the service began it goes on with by itself. */
static void hint(const struct looking *look, const struct json *entry) {
    if (!look->desk.store || json_find_text(entry, "outcome").len)
        return;
    if (json_find(entry, "incident"))
        fprintf(stderr, "unfinished: nightshift serve --state %s\n",
                buf_text(&look->desk.dir));
    else
        fprintf(stderr,
                "unfinished: nightshift run --live --state %s --resume %.*s\n",
                buf_text(&look->desk.dir),
                STR_ARG(json_find_text(entry, "run")));
}

static void print_list_json(const struct looking *look) {
    struct json *out = json_new_map(), *runs = json_new_list();
    struct buf   text = BUF_EMPTY;

    for (size_t i = 0; i < json_count(look->runs); i++)
        json_append(runs, json_retain(json_at(look->runs, i)));
    json_put_text(out, "schema", STR("nightshift.runs/1"));
    json_put_int(out, "count", (int64_t)json_count(runs));
    json_put_bool(out, "more", look->more);
    json_put(out, "runs", runs);
    json_write(out, &text);
    printf("%s\n", buf_text(&text));
    buf_release(&text);
    json_release(out);
}

static void print_list(const struct looking *look) {
    size_t count = json_count(look->runs);

    if (look->cli->value.json) {
        print_list_json(look);
        return;
    }
    for (size_t i = 0; i < count; i++)
        print_entry(json_at(look->runs, i));
    if (look->more)
        fprintf(stderr, "the newest %zu%s\n", count,
                look->cli->value.all ? ""
                : look->desk.store   ? "; --all shows the others"
                                     : "; --all shows 200");
    for (size_t i = 0; i < count; i++)
        hint(look, json_at(look->runs, i));
}

static bool list(struct looking *look) {
    struct json *answer =
        desk_runs(&look->desk, "all", look->cli->value.all, &look->err);
    struct json *newest = json_find(answer, "runs");

    for (size_t i = json_count(newest); i > 0; i--) {
        struct json *entry = json_at(newest, i - 1);

        if (look->desk.store && json_find_text(entry, "outcome").len == 0)
            json_put_text(entry, "state", STR("unfinished"));
        json_append(look->runs, json_retain(entry));
    }
    look->more = json_truth(json_find(answer, "more"));
    if (answer)
        print_list(look);
    json_release(answer);
    return answer != NULL;
}

/* --- one run ------------------------------------------------------------- */

/* A run that waits has no report yet. */
static bool show(struct looking *look) {
    struct json *answer = desk_run(&look->desk, look->cli->args[1], &look->err);
    struct json *report = json_find(answer, "report");
    struct buf   text = BUF_EMPTY;

    if (report && !look->cli->value.json) {
        plan_print(report);
        hint(look, json_find(answer, "run"));
    } else if (answer) {
        json_write(report ? report : answer, &text);
        printf("%s\n", buf_text(&text));
    }
    buf_release(&text);
    json_release(answer);
    return answer != NULL;
}

static bool cancel(struct looking *look) {
    const char *run = look->cli->args[1];
    bool        ok = desk_cancel(&look->desk, run, &look->err);

    if (ok && look->cli->value.json)
        printf("{\"run\":\"%s\",\"state\":\"cancelling\"}\n", run);
    else if (ok)
        printf("%s ends as cancelled%s\n", run,
               look->desk.store ? " when serve is started again" : "");
    return ok;
}

/* --- the command --------------------------------------------------------- */

static bool check_usage(const struct cli *cli, struct err *err) {
    if (strcmp(cli->args[0], "list") == 0)
        return cli->count == 1 ||
               err_set(err, ERR_USAGE, "runs list takes no more: '%s'",
                       cli->args[1]);
    if (strcmp(cli->args[0], "show") == 0 ||
        strcmp(cli->args[0], "cancel") == 0)
        return cli->count == 2 ||
               err_set(err, ERR_USAGE, "runs %s takes the id of a run",
                       cli->args[0]);
    return err_set(err, ERR_USAGE, "runs takes list, show or cancel, not '%s'",
                   cli->args[0]);
}

static bool look_up(struct looking *look) {
    switch (look->cli->args[0][0]) {
    case 'l': return list(look);
    case 'c': return cancel(look);
    default: return show(look);
    }
}

int cmd_runs(const struct cli *cli) {
    struct looking look = {.cli = cli, .runs = json_new_list()};
    bool           ok = check_usage(cli, &look.err) &&
              desk_open(&look.desk, cli, &look.err) && look_up(&look);

    desk_close(&look.desk);
    json_release(look.runs);
    return ok ? EXIT_DONE : cli_fail(cli, &look.err);
}
