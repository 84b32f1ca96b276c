/* cmd_doctor.c - nightshift doctor: what is not as it should be, and what next.
 *
 * A state directory that nobody has is looked at as a whole. While a serve has
 * it, only that one may read the records: it is asked for its own sums, and
 * what takes the database itself is left out, and said to be.
 */
#include <string.h>

#include "app/config.h"
#include "app/scripts.h"
#include "app/state.h"
#include "cli/desk.h"
#include "cli/paint.h"
#include "doctor/doctor.h"
#include "store/store.h"
#include "sys/clock_real.h"

#define LOOKS 3 /* at a ledger that is being counted on */

/* --- by a serve ------------------------------------------------------------ */

static int64_t waiting_of(struct desk *desk, struct err *err) {
    struct json *fresh = desk_deliveries(desk, "new", true, err);
    int64_t      count = fresh ? json_find_int(fresh, "count", 0) : -1;

    if (json_truth(json_find(fresh, "more"))) {
        err_set(err, ERR_LIMIT, "more deliveries wait than are listed");
        count = -1;
    }
    json_release(fresh);
    return count;
}

/* Two equal looks with the other count between them are one moment. */
static void ask_ledger(struct doctor *doctor, struct desk *desk) {
    struct json *before = NULL, *after = NULL;
    struct err   err;
    int64_t      waiting = -1;
    bool         still = false;

    for (int i = 0; i < LOOKS && !still; i++) {
        json_release(before);
        json_release(after);
        before = desk_ledger(desk, &err);
        waiting = before ? waiting_of(desk, &err) : -1;
        after = waiting >= 0 ? desk_ledger(desk, &err) : NULL;
        if (!after)
            break;
        still = json_same(before, after);
    }
    if (still)
        doctor_ledger(doctor, after, waiting);
    else
        doctor_say(doctor, DOCTOR_DELIVERIES,
                   after || err.code == ERR_LIMIT ? DOCTOR_SKIPPED
                                                  : DOCTOR_WRONG,
                   buf_text(&desk->url), "%s",
                   after ? "too much comes in to count" : err.text);
    json_release(before);
    json_release(after);
}

static void ask_readiness(struct doctor *doctor, struct desk *desk) {
    struct err       err;
    struct json     *answer = desk_readiness(desk, &err);
    struct json_walk walk = json_walk_over(json_find(answer, "reasons"));
    bool             ready = str_is(json_find_text(answer, "status"), "ready");

    if (!answer)
        doctor_say(doctor, DOCTOR_READINESS, DOCTOR_SKIPPED,
                   buf_text(&desk->url), "%s", err.text);
    else if (json_count(json_find(answer, "reasons")) == 0)
        doctor_say(doctor, DOCTOR_READINESS, DOCTOR_OK, buf_text(&desk->url),
                   "ready, and nothing to tell");
    while (answer && json_walk_next(&walk))
        doctor_say(doctor, DOCTOR_READINESS,
                   ready ? DOCTOR_WARNING : DOCTOR_WRONG, buf_text(&desk->url),
                   "%.*s: %.*s", STR_ARG(walk.key),
                   STR_ARG(json_text(walk.value)));
    json_release(answer);
}

static void ask_serve(struct doctor *doctor, struct desk *desk) {
    static const enum doctor_check left[] = {DOCTOR_JOURNALS, DOCTOR_AUDIT};

    doctor_say(doctor, DOCTOR_LOCK, DOCTOR_OK, buf_text(&desk->dir),
               "a serve has it and answers at %s", buf_text(&desk->url));
    ask_readiness(doctor, desk);
    ask_ledger(doctor, desk);
    for (size_t i = 0; i < sizeof left / sizeof *left; i++)
        doctor_say(doctor, left[i], DOCTOR_SKIPPED, buf_text(&desk->dir),
                   "a serve has it: look when it is stopped, or at a backup");
}

/* --- by ourselves ------------------------------------------------------------ */

static void look_inside(struct doctor *doctor, const struct cli *cli) {
    struct desk desk;
    struct err  err;

    if (desk_open(&desk, cli, &err) && desk.store)
        doctor_store(doctor, desk.store, clock_real());
    else if (desk.url.len)
        ask_serve(doctor, &desk);
    else if (err.code == ERR_HELD) /* a run by hand, say */
        doctor_say(doctor, DOCTOR_LOCK, DOCTOR_WARNING, buf_text(&desk.dir),
                   "%s, which is no serve: nothing in it was looked at",
                   err.text);
    else
        doctor_say(doctor, DOCTOR_INTEGRITY, DOCTOR_WRONG, buf_text(&desk.dir),
                   "%s", err.text);
    desk_close(&desk);
}

static void look_at_state(struct doctor *doctor, const struct cli *cli) {
    struct buf dir = BUF_EMPTY;
    struct err err;
    bool       held = false;

    if (!state_find(cli->value.state, &dir, &err))
        doctor_say(doctor, DOCTOR_DIRECTORY, DOCTOR_WRONG, "environment", "%s",
                   err.text);
    else if (doctor_directory(doctor, buf_text(&dir)) &&
             (doctor_database(doctor, buf_text(&dir), cli->value.full, &held) ||
              held))
        look_inside(doctor, cli);
    buf_release(&dir);
}

static void look_around(struct doctor *doctor, const struct cli *cli) {
    struct buf     dir = BUF_EMPTY;
    struct config *config = NULL;
    struct err     err;

    if (scripts_find(cli->value.scripts, &dir, &err))
        config = doctor_configuration(doctor, buf_text(&dir), cli->value.config,
                                      clock_real());
    else
        doctor_say(doctor, DOCTOR_CONFIGURATION, DOCTOR_WRONG, ".", "%s",
                   err.text);
    doctor_host(doctor, config, clock_real());
    if (cli->value.reach && config)
        doctor_reach(doctor, config);
    config_release(config);
    buf_release(&dir);
}

/* --- the answer -------------------------------------------------------------- */

static void print_json(const struct doctor *doctor) {
    struct json *out = json_new_map();
    struct buf   text = BUF_EMPTY;

    json_put_text(out, "schema", STR("nightshift.doctor/1"));
    json_put_bool(out, "ok", !doctor->wrong);
    json_put(out, "checks", json_retain(doctor->rows));
    json_write(out, &text);
    printf("%s\n", buf_text(&text));
    buf_release(&text);
    json_release(out);
}

static void print_row(const struct json *row) {
    struct str state = json_find_text(row, "state");
    struct str why = json_find_text(row, "why");
    enum paint paint = str_is(state, "wrong")     ? PAINT_RED
                       : str_is(state, "warning") ? PAINT_YELLOW
                                                  : PAINT_OFF;

    printf("%s%-8.*s%s %-20.*s %.*s: %.*s\n", paint_code(stdout, paint),
           STR_ARG(state), paint_code(stdout, PAINT_OFF),
           STR_ARG(json_find_text(row, "check")),
           STR_ARG(json_find_text(row, "where")),
           STR_ARG(json_find_text(row, "what")));
    if (why.len)
        printf("         %.*s\n         Next: %.*s\n", STR_ARG(why),
               STR_ARG(json_find_text(row, "next")));
}

int cmd_doctor(const struct cli *cli) {
    struct doctor doctor;
    int           code;

    doctor_open(&doctor);
    look_around(&doctor, cli);
    look_at_state(&doctor, cli);
    if (cli->value.json)
        print_json(&doctor);
    for (size_t i = 0; !cli->value.json && i < json_count(doctor.rows); i++)
        print_row(json_at(doctor.rows, i));
    code = doctor.wrong ? EXIT_FAILED : EXIT_DONE;
    doctor_close(&doctor);
    return code;
}
