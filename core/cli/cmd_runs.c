/* cmd_runs.c - nightshift runs: what was walked live, and where it stands.
 *
 * Read from the state directory itself, which one process holds at a time: so a
 * run that has not ended here is one that nobody walks. It keeps its key until
 * somebody goes on with it, and the list says how.
 */
#include <string.h>

#include "app/state.h"
#include "base/json.h"
#include "base/timestamp.h"
#include "cli/cli.h"
#include "cli/paint.h"
#include "cli/plan.h"
#include "graph/report.h"
#include "store/journal.h"
#include "store/store.h"

#define RUNS "main/run/"
#define NEWEST 50

struct looking {
    const struct cli *cli;
    struct store     *store;
    struct buf        dir;
    struct json      *runs; /* entries, oldest first */
    size_t            seen;
    struct err        err;
};

/* --- the list ------------------------------------------------------------ */

/* The id is a ULID, so the order of the keys is that of the beginnings. */
static bool take_entry(void *arg, struct str key, int64_t version,
                       struct str value) {
    struct looking *look = arg;
    struct json    *entry = json_parse(value, &json_caps_answer, &look->err);

    (void)version;
    if (!entry) {
        err_wrap(&look->err, "%.*s", STR_ARG(key));
        return false;
    }
    look->seen++;
    json_append(look->runs, entry);
    return true;
}

static bool keep_last(void *arg, struct str key, int64_t version,
                      struct str value) {
    struct json **last = arg;
    struct err    err;

    (void)key;
    (void)version;
    *last = json_parse(value, &json_caps_answer, &err);
    return true;
}

/* A run that has ended says how in its last record. */
static bool add_end(struct looking *look, struct json *entry) {
    struct buf   stream = BUF_EMPTY;
    struct json *last = NULL;
    int64_t      length = 0;
    bool         ok;

    buf_addf(&stream, "main/journal/%.*s",
             STR_ARG(json_find_text(entry, "run")));
    ok =
        store_stream_length(look->store, buf_str(&stream), &length,
                            &look->err) &&
        (length == 0 || store_stream_read(look->store, buf_str(&stream), length,
                                          keep_last, &last, &look->err));
    if (str_is(json_find_text(last, "kind"), "finished")) {
        json_put(entry, "outcome", json_clone(json_find(last, "outcome")));
        json_put(entry, "verdict", json_clone(json_find(last, "verdict")));
    } else {
        json_put_text(entry, "state", STR("unfinished"));
    }
    json_drop(entry, "holder");
    json_drop(entry, "fence");
    json_release(last);
    buf_release(&stream);
    return ok;
}

static size_t first_shown(const struct looking *look) {
    size_t count = json_count(look->runs);

    return look->cli->value.all || count <= NEWEST ? 0 : count - NEWEST;
}

static void print_key(const struct json *key) {
    for (size_t i = 0; i < json_count(key); i++)
        printf("%s%.*s", i ? "/" : "", STR_ARG(json_text(json_at(key, i))));
}

static void print_entry(const struct json *entry) {
    struct buf began = BUF_EMPTY;
    struct str outcome = json_find_text(entry, "outcome");
    struct str verdict = json_find_text(entry, "verdict");
    bool       open = outcome.len == 0;

    timestamp_write(json_find_int(entry, "at", 0) / 1000 * 1000, &began);
    printf("%.*s  %s  %s%-10.*s%s %-8.*s %.*s  ",
           STR_ARG(json_find_text(entry, "run")), buf_text(&began),
           open ? paint_code(stdout, PAINT_YELLOW) : "",
           open ? 10 : (int)outcome.len, open ? "unfinished" : outcome.data,
           open ? paint_code(stdout, PAINT_OFF) : "", (int)verdict.len,
           verdict.len ? verdict.data : "",
           STR_ARG(json_find_text(entry, "playbook")));
    print_key(json_find(entry, "key"));
    printf("\n");
    buf_release(&began);
}

static void hint(const struct looking *look, const struct json *entry) {
    if (json_find_text(entry, "outcome").len == 0)
        fprintf(stderr,
                "unfinished: nightshift run --live --state %s --resume %.*s\n",
                buf_text(&look->dir), STR_ARG(json_find_text(entry, "run")));
}

static void print_list_json(const struct looking *look) {
    struct json *out = json_new_map(), *runs = json_new_list();
    struct buf   text = BUF_EMPTY;

    for (size_t i = first_shown(look); i < json_count(look->runs); i++)
        json_append(runs, json_retain(json_at(look->runs, i)));
    json_put_text(out, "schema", STR("nightshift.runs/1"));
    json_put_int(out, "count", (int64_t)look->seen);
    json_put(out, "runs", runs);
    json_write(out, &text);
    printf("%s\n", buf_text(&text));
    buf_release(&text);
    json_release(out);
}

static void print_list(const struct looking *look) {
    size_t from = first_shown(look);

    if (look->cli->value.json) {
        print_list_json(look);
        return;
    }
    for (size_t i = from; i < json_count(look->runs); i++)
        print_entry(json_at(look->runs, i));
    if (from)
        fprintf(stderr, "the newest %d of %zu; --all shows the others\n",
                NEWEST, look->seen);
    for (size_t i = from; i < json_count(look->runs); i++)
        hint(look, json_at(look->runs, i));
}

static bool list(struct looking *look) {
    bool ok;

    look->err.text[0] = '\0';
    ok = store_scan(look->store, STR(RUNS), STR(""), SIZE_MAX, take_entry, look,
                    &look->err) &&
         !look->err.text[0];
    for (size_t i = first_shown(look); ok && i < json_count(look->runs); i++)
        ok = add_end(look, json_at(look->runs, i));
    if (ok)
        print_list(look);
    return ok;
}

/* --- one run ------------------------------------------------------------- */

static void print_run(const struct looking *look,
                      const struct journal *journal) {
    struct walk           walk;
    struct report_context context = {&walk, journal_records(journal), NULL,
                                     NULL};
    struct json          *report;
    struct buf            text = BUF_EMPTY;

    walk_init(&walk);
    walk_follow(&walk, context.records);
    report = report_make(&context);
    if (look->cli->value.json) {
        json_write(report, &text);
        printf("%s\n", buf_text(&text));
    } else {
        plan_print(report);
        if (!walk.finished)
            fprintf(stderr,
                    "unfinished: nightshift run --live --state %s --resume "
                    "%s\n",
                    buf_text(&look->dir), look->cli->args[1]);
    }
    buf_release(&text);
    json_release(report);
    walk_release(&walk);
}

static bool show(struct looking *look) {
    const char     *run = look->cli->args[1];
    struct journal *journal = journal_open(NULL, run);
    bool            ok = journal_load(journal, look->store, &look->err);

    if (ok && json_count(journal_records(journal)) == 0)
        ok = err_set(&look->err, ERR_NOT_FOUND,
                     "no run %s in %s; nightshift runs list shows them", run,
                     buf_text(&look->dir));
    if (ok)
        print_run(look, journal);
    journal_close(journal);
    return ok;
}

/* --- the command --------------------------------------------------------- */

static bool check_usage(const struct cli *cli, struct err *err) {
    if (strcmp(cli->args[0], "list") == 0)
        return cli->count == 1 ||
               err_set(err, ERR_USAGE, "runs list takes no more: '%s'",
                       cli->args[1]);
    if (strcmp(cli->args[0], "show") == 0)
        return cli->count == 2 ||
               err_set(err, ERR_USAGE, "runs show takes the id of a run");
    return err_set(err, ERR_USAGE, "runs takes list or show, not '%s'",
                   cli->args[0]);
}

int cmd_runs(const struct cli *cli) {
    struct looking look = {.cli = cli};
    bool           ok = check_usage(cli, &look.err);

    look.runs = json_new_list();
    if (ok)
        look.store = state_open(cli->value.state, &look.dir, &look.err);
    ok = ok && look.store &&
         (strcmp(cli->args[0], "list") == 0 ? list(&look) : show(&look));
    store_close(look.store);
    json_release(look.runs);
    buf_release(&look.dir);
    return ok ? EXIT_DONE : cli_fail(cli, &look.err);
}
