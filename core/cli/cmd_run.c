/* cmd_run.c - nightshift run: a notification in, a walk and its plan out.
 *
 * Dry unless --live. Each incident of the notification is a run of its own,
 * one after the other; the report of the first is the object, those of the
 * others stand in its `also`.
 */
#include <string.h>

#include "app/engine.h"
#include "app/worlds.h"
#include "base/id.h"
#include "check/check.h"
#include "cli/cli.h"
#include "cli/plan.h"
#include "graph/lease.h"
#include "graph/match.h"
#include "graph/report.h"
#include "secret/redact.h"
#include "sys/crypto.h"
#include "sys/file.h"
#include "sys/loop.h"
#include "sys/watchdog.h"

#define SOURCE_MS 15000 /* three times the CPU limit of a source */

struct session {
    const struct cli  *cli;
    struct engine      engine;
    struct str         playbook;
    enum mode_scenario scenario;
    struct json       *world;
    struct json       *reports; /* list */
    struct err         err;
};

/* --- what was asked ------------------------------------------------------ */

static bool check_usage(const struct cli *cli, struct err *err) {
    if (cli->value.assume && (cli->value.live || cli->value.fixtures))
        return err_set(err, ERR_USAGE,
                       "--assume is for a dry run: a fixture world and the "
                       "real one answer for themselves");
    if (cli->value.live && cli->value.fixtures)
        return err_set(err, ERR_USAGE,
                       "--live and --fixtures exclude each "
                       "other: a fixture world has no live effects");
    if (cli->value.resume && !cli->value.live)
        return err_set(err, ERR_USAGE,
                       "--resume goes on with a live run: say "
                       "--live as well");
    if (!cli->value.resume && !(cli->count == 1 && cli->value.event))
        return err_set(err, ERR_USAGE,
                       "run takes a playbook and --event FILE, "
                       "or --resume RUN --live");
    return true;
}

static enum mode_kind kind_of(const struct cli *cli) {
    if (cli->value.live)
        return MODE_LIVE;
    return cli->value.fixtures ? MODE_FIXTURE : MODE_DRY_RUN;
}

static bool open_session(struct session *s, struct err *err) {
    const struct cli     *cli = s->cli;
    struct engine_options options = {
        .kind = kind_of(cli),
        .scripts = cli->value.scripts,
        .config = cli->value.config,
        .state = cli->value.state,
        .resume = cli->value.resume,
        .log = LOG_WARN,
        .log_json = cli->value.log_json,
    };

    s->reports = json_new_list();
    if (cli->value.assume)
        (void)mode_scenario_read(str_of(cli->value.assume), &s->scenario);
    if (cli->value.log)
        (void)log_level_read(str_of(cli->value.log), &options.log);
    if (cli->value.fixtures) {
        s->world = worlds_read(cli->value.fixtures, err);
        if (!s->world)
            return false;
        options.world = s->world;
    }
    return engine_open(&s->engine, &options, err);
}

static void close_session(struct session *s) {
    if (s->engine.loop)
        engine_close(&s->engine);
    json_release(s->world);
    json_release(s->reports);
}

/* --- one run ------------------------------------------------------------- */

struct one_run {
    struct session *session;
    char            id[ID_SIZE];
    struct lease    lease;
    struct journal *journal;
    struct mode    *mode;
    struct gate    *gate;
    struct run     *run;
    struct json    *incident, *facts;
};

static void close_one(struct one_run *one) {
    run_close(one->run);
    gate_close(one->gate);
    mode_close(one->mode);
    journal_close(one->journal);
    lease_release(&one->lease);
    json_release(one->incident);
    json_release(one->facts);
}

static void run_left(void *arg, const struct run_end *end);

static void woken(void *arg, struct answer *answer) {
    struct one_run *one = arg;

    (void)answer;
    run_start(one->run, run_left, one);
}

/* What is parked is waited for here: this process has nothing else to do. */
static void run_left(void *arg, const struct run_end *end) {
    struct one_run *one = arg;

    if (end->fate == RUN_PARKED) {
        one->mode->ops->until(one->mode, end->due_ms, woken, one);
        return;
    }
    if (end->fate == RUN_STOPPED)
        one->session->err = *end->err;
    loop_stop(one->session->engine.loop);
}

static bool is_live(const struct session *s) {
    return s->engine.options.kind == MODE_LIVE;
}

static bool open_run(struct session *s, struct one_run *one, struct err *err) {
    const struct json  *config = one->facts;
    struct gate_options gate = {
        .mode = one->mode,
        .redact = s->engine.redact,
        .config = config,
        .settle_ms = json_find_int(config, "settle_ms", 5000),
        .shared = s->engine.shared,
    };
    struct run_options options = {
        .id = one->id,
        .loop = s->engine.loop,
        .mode = one->mode,
        .journal = one->journal,
        .bundle = s->engine.bundle,
        .playbook = s->playbook,
        .incident = one->incident,
        .config = config,
        .scenario = s->scenario,
        .park_after_ms = json_find_int(config, "park_after_ms", 10000),
        .log = s->engine.log,
        .watchdog = s->engine.watchdog,
    };

    if (is_live(s))
        journal_guard(one->journal,
                      (struct journal_guard){lease_writes, NULL, &one->lease});
    one->gate = gate_open(&gate);
    options.gate = one->gate;
    one->run = run_open(&options, err);
    return one->run != NULL;
}

/* The report, with the digest that names the plan: of what would be written,
 * to whom, in which order. */
static struct json *make_report(struct session *s, struct one_run *one) {
    const struct script *script =
        bundle_find(s->engine.bundle, SCRIPT_PLAYBOOK, s->playbook);
    const struct json    *playbook = NULL, *writes;
    struct report_context context = {run_walk(one->run),
                                     journal_records(one->journal), NULL, NULL};
    struct buf            text = BUF_EMPTY, digest = BUF_EMPTY;
    struct json          *report;
    struct err            err;

    if (s->engine.options.kind == MODE_DRY_RUN)
        context.scenario = mode_scenario_name(s->scenario);
    if (bundle_meta(s->engine.bundle, script, &playbook, &err))
        context.playbook = playbook;
    report = report_make(&context);
    writes = json_find(report, "writes");
    for (size_t i = 0; i < json_count(writes); i++)
        buf_addf(&text, "%.*s\n",
                 STR_ARG(json_find_text(json_at(writes, i), "digest")));
    buf_add_text(&digest, "sha256:");
    crypto_sha256_hex(buf_str(&text), &digest);
    if (json_count(writes))
        json_put_text(report, "plan", buf_str(&digest));
    buf_release(&text);
    buf_release(&digest);
    return report;
}

static bool walk_one(struct session *s, struct one_run *one, struct err *err) {
    if (!open_run(s, one, err))
        return false;
    one->session = s;
    s->err.text[0] = '\0';
    run_start(one->run, run_left, one);
    loop_run(s->engine.loop);
    json_append(s->reports, make_report(s, one));
    if (s->err.text[0]) {
        *err = s->err;
        return false;
    }
    return true;
}

static bool acts(struct str effect) {
    enum effect_class class = effect_class_of(effect);

    return class != EFFECT_READ && class != EFFECT_NOTIFY;
}

/* The writes that the playbook's nodes declare; the gate allows no others. */
static void print_writes(const struct session *s) {
    const struct script *script =
        bundle_find(s->engine.bundle, SCRIPT_PLAYBOOK, s->playbook);
    const struct json *playbook, *node;
    struct json_walk   walk;
    struct err         err;

    if (!script || !bundle_meta(s->engine.bundle, script, &playbook, &err))
        return;
    walk = json_walk_over(json_find(playbook, "nodes"));
    while (json_walk_next(&walk)) {
        const struct json *effects;

        script = bundle_find(s->engine.bundle, SCRIPT_NODE,
                             json_find_text(walk.value, "use"));
        if (!script || !bundle_meta(s->engine.bundle, script, &node, &err))
            continue;
        effects = json_find(node, "effects");
        for (size_t i = 0; i < json_count(effects); i++)
            if (acts(json_text(json_at(effects, i))))
                fprintf(stderr, "live: %.*s may send %.*s\n", STR_ARG(walk.key),
                        STR_ARG(json_text(json_at(effects, i))));
    }
}

/* What a live run is about to touch, before it does. */
static void announce(const struct session *s, const struct one_run *one) {
    const struct json *labels = json_find(one->incident, "labels");

    if (!is_live(s))
        return;
    fprintf(stderr, "live: %.*s walks %.*s/%.*s as %s; state in %s\n",
            STR_ARG(s->playbook), STR_ARG(json_find_text(labels, "cluster")),
            STR_ARG(json_find_text(labels, "service")), one->id,
            s->engine.state);
    print_writes(s);
}

static bool new_run(struct session *s, const struct json *incident,
                    struct err *err) {
    struct one_run one = {.id = ""};
    struct json   *clean;
    unsigned char  random[ID_RANDOM];
    char           incident_id[ID_SIZE];
    int64_t        now = s->engine.clock->wall_ms(s->engine.clock);
    bool           ok;

    crypto_random(random, sizeof random);
    id_make(one.id, "run_", now, random);
    crypto_random(random, sizeof random);
    id_make(incident_id, "inc_", now, random);
    /* An alert's labels may carry what nobody should keep. (N11) */
    clean = redact_json(s->engine.redact, incident);
    one.incident = json_clone(clean);
    json_release(clean);
    json_put_text(one.incident, "id", str_of(incident_id));
    one.facts = config_facts(s->engine.config);
    lease_begin(&one.lease, one.id, s->playbook, json_find(incident, "key"),
                bundle_hash(s->engine.bundle), now);
    one.mode = engine_mode(&s->engine, one.incident, err);
    one.journal = journal_open(s->engine.queue, one.id);
    ok = one.mode && lease_check(&one.lease, s->engine.store, err);
    if (ok) {
        announce(s, &one);
        ok = walk_one(s, &one, err);
    }
    close_one(&one);
    return ok;
}

/* From the bundle that the run began with, not from its journal. (N8) */
static void add_services(const struct session *s, struct json *facts) {
    struct json *rows =
        json_find(config_json(s->engine.config), "aws_services");

    if (rows)
        json_put(facts, "aws_services", json_retain(rows));
}

static bool resume_run(struct session *s, struct err *err) {
    struct one_run one = {.id = ""};
    struct json   *entry = NULL;
    bool           ok;

    (void)snprintf(one.id, sizeof one.id, "%s", s->cli->value.resume);
    one.journal = journal_open(s->engine.queue, one.id);
    ok = journal_load(one.journal, s->engine.store, err) &&
         lease_take(&one.lease, s->engine.store, one.id, &entry, err);
    if (ok) {
        const struct json *first = json_at(journal_records(one.journal), 0);

        s->playbook = json_find_text(entry, "playbook");
        one.incident = json_find(first, "incident")
                           ? json_clone(json_find(first, "incident"))
                           : json_new_map();
        one.facts = json_find(first, "config")
                        ? json_clone(json_find(first, "config"))
                        : config_facts(s->engine.config);
        add_services(s, one.facts);
        one.mode = engine_mode(&s->engine, one.incident, err);
        announce(s, &one);
        ok = one.mode && walk_one(s, &one, err);
    }
    close_one(&one);
    json_release(entry);
    return ok;
}

/* --- a notification ------------------------------------------------------ */

static void add_no_action(struct session *s, const struct match *match) {
    struct json *report = json_new_map();
    struct buf   reason = BUF_EMPTY;

    if (match->seen == 0)
        buf_add_text(&reason, "the notification names no alert");
    else if (match->firing == 0)
        buf_addf(&reason, "every alert of it is resolved (%d)",
                 match->resolved);
    else
        buf_addf(&reason, "none of %d firing alerts fits the trigger of %.*s",
                 match->firing, STR_ARG(s->playbook));
    json_put_text(report, "schema", STR("nightshift.run/1"));
    json_put(report, "run", json_new_null());
    json_put_text(report, "playbook", s->playbook);
    json_put_text(report, "bundle", str_of(bundle_hash(s->engine.bundle)));
    json_put_text(report, "mode",
                  is_live(s)               ? STR("live")
                  : s->cli->value.fixtures ? STR("fixture")
                                           : STR("dry-run"));
    json_put(report, "path", json_new_list());
    json_put_text(report, "outcome", STR("no_action"));
    json_put_text(report, "reason", buf_str(&reason));
    json_put(report, "writes", json_new_list());
    json_put(report, "reads", json_new_list());
    json_put(report, "verdict", json_new_null());
    json_append(s->reports, report);
    buf_release(&reason);
}

static bool read_event(const struct cli *cli, struct buf *event,
                       struct err *err) {
    if (file_read(cli->value.event, MATCH_EVENT_MAX, event, err))
        return true;
    if (err->code == ERR_LIMIT)
        err->code = ERR_JSON_SIZE;
    return err_wrap(err, "event");
}

/* One that fails keeps none of the others from being looked at; the first
 * failure is the one that is told. */
static bool walk_incidents(struct session *s, const struct json *incidents,
                           struct err *err) {
    struct err one;
    bool       ok = true;

    for (size_t i = 0; i < json_count(incidents); i++) {
        if (new_run(s, json_at(incidents, i), ok ? err : &one))
            continue;
        ok = false;
    }
    return ok;
}

static bool walk_event(struct session *s, struct err *err) {
    const struct json   *playbook;
    const struct script *script;
    struct buf           event = BUF_EMPTY;
    struct match         match = {0};
    bool                 ok;

    s->playbook = str_of(s->cli->args[0]);
    ok = check_playbook(s->engine.bundle, s->playbook, err) &&
         read_event(s->cli, &event, err);
    script = bundle_find(s->engine.bundle, SCRIPT_PLAYBOOK, s->playbook);
    ok = ok && bundle_meta(s->engine.bundle, script, &playbook, err);
    watchdog_arm(s->engine.watchdog, SOURCE_MS, "the source of the event");
    ok = ok &&
         match_delivery(s->engine.bundle, playbook, buf_str(&event),
                        s->engine.clock->wall_ms(s->engine.clock), &match, err);
    watchdog_disarm(s->engine.watchdog);
    ok = ok && walk_incidents(s, match.incidents, err);
    if (ok && json_count(match.incidents) == 0)
        add_no_action(s, &match);
    match_release(&match);
    buf_release(&event);
    return ok;
}

/* --- the end ------------------------------------------------------------- */

static void print_reports(const struct session *s) {
    struct json *first = json_at(s->reports, 0), *also = json_new_list();
    struct buf   text = BUF_EMPTY;

    for (size_t i = 1; i < json_count(s->reports); i++)
        json_append(also, json_clone(json_at(s->reports, i)));
    if (s->cli->value.json && first) {
        if (json_count(also))
            json_put(first, "also", json_retain(also));
        json_write(first, &text);
        printf("%s\n", buf_text(&text));
    } else {
        for (size_t i = 0; i < json_count(s->reports); i++)
            plan_print(json_at(s->reports, i));
    }
    buf_release(&text);
    json_release(also);
}

static int exit_of(const struct cli *cli, const struct json *report) {
    struct str outcome = json_find_text(report, "outcome");

    if (str_is(outcome, "escalated"))
        return EXIT_ESCALATED;
    if (str_is(outcome, "failed") || str_is(outcome, "stopped"))
        return EXIT_FAILED;
    if (cli->value.detailed_exitcode && !cli->value.live &&
        json_count(json_find(report, "writes")))
        return EXIT_WOULD_CHANGE;
    return EXIT_DONE;
}

/* The worst of all runs: a failure over an escalation over a change. */
static int worst_exit(const struct session *s) {
    static const int order[] = {EXIT_FAILED, EXIT_ESCALATED, EXIT_WOULD_CHANGE};

    for (size_t i = 0; i < sizeof order / sizeof *order; i++)
        for (size_t j = 0; j < json_count(s->reports); j++)
            if (exit_of(s->cli, json_at(s->reports, j)) == order[i])
                return order[i];
    return EXIT_DONE;
}

static void put_error(struct json *report, const struct err *err) {
    struct json *error = json_new_map();

    json_put_text(error, "code", str_of(err_name(err->code)));
    json_put_text(error, "text", str_of(err->text));
    json_put_text(error, "next", str_of(err_next(err->code)));
    json_put(report, "error", error);
}

int cmd_run(const struct cli *cli) {
    struct session s = {.cli = cli};
    struct err     err;
    bool           ok;
    int            code;

    if (!check_usage(cli, &err))
        return cli_fail(cli, &err);
    ok = open_session(&s, &err) &&
         (cli->value.resume ? resume_run(&s, &err) : walk_event(&s, &err));
    /* A run that stopped still shows how far it came. */
    if (!ok && json_count(s.reports) && cli->value.json)
        put_error(json_at(s.reports, 0), &err);
    print_reports(&s);
    if (ok)
        code = worst_exit(&s);
    else if (json_count(s.reports) && cli->value.json)
        code = cli_exit_of(&err);
    else
        code = cli_fail(cli, &err);
    close_session(&s);
    return code;
}
