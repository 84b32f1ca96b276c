/* visit.c - entering a node: may it, with what, and is it asked at all? */
#include "base/timestamp.h"
#include "graph/bind.h"
#include "graph/contract.h"
#include "graph/run_private.h"

#define DEFAULT_DEADLINE 3600000

bool visit_writes(const struct json *meta) {
    const struct json *effects = json_find(meta, "effects");

    for (size_t i = 0; i < json_count(effects); i++) {
        enum effect_class class =
            effect_class_of(json_text(json_at(effects, i)));

        if (class != EFFECT_READ && class != EFFECT_NOTIFY)
            return true;
    }
    return false;
}

/* A visit that goes on after a crash, or starts again, has been let in. */
static bool wrote_already(const struct line *line) {
    const struct json *wrote = line->run->walk.wrote;
    const struct json *current = line_track(line)->current;
    const struct json *last = json_at(wrote, json_count(wrote) - 1);

    return json_count(wrote) > 0 &&
           str_equal(json_find_text(last, "node"),
                     json_find_text(current, "node")) &&
           json_find_int(last, "visit", 0) ==
               json_find_int(current, "visit", 0);
}

static bool within_deadline(struct line *line) {
    struct run *run = line->run;
    struct str  text =
        json_find_text(json_find(run->playbook, "limits"), "deadline");
    int64_t ms = DEFAULT_DEADLINE;

    if (text.len && !timestamp_read_duration(text, &ms, &line->err))
        return false;
    if (run_now(run) - json_find_int(run->walk.started, "at", 0) <= ms)
        return true;
    return err_set(&line->err, ERR_LIMIT, "the run's deadline has passed");
}

/* (RN3) The failed route is free of both, once: a run must be able to hand
 * over, and must end. */
static bool may_enter(struct line *line, struct str name,
                      const struct json *meta) {
    struct run *run = line->run;
    int         limit = run_attempts_limit(run);

    if (str_equal(name, fork_failed_route(run->playbook)))
        return walk_visits(&run->walk, name) == 1 ||
               err_set(&line->err, ERR_LIMIT,
                       "the failed route led back to "
                       "itself");
    /* A visit that has written goes on, however late: whether its write was
     * applied must be found out before anybody is told anything. (N6) */
    if (!wrote_already(line) && !within_deadline(line))
        return false;
    if (walk_visits(&run->walk, name) > limit + 1)
        return err_set(&line->err, ERR_LIMIT,
                       "node %.*s was entered %d times, "
                       "limits.attempts is %d",
                       STR_ARG(name), walk_visits(&run->walk, name) - 1, limit);
    if (visit_writes(meta) && !wrote_already(line) &&
        walk_attempts(&run->walk) >= limit)
        return err_set(&line->err, ERR_LIMIT,
                       "limits.attempts = %d: nothing "
                       "more is tried",
                       limit);
    return true;
}

/* What the alert says of its service, and what the catalogue adds. */
static struct json *service_of(const struct run *run) {
    const struct json *labels =
        json_dig(run->walk.started, "incident", "labels", NULL);
    struct str         name = json_find_text(labels, "service");
    struct str         cluster = json_find_text(labels, "cluster");
    struct json       *service = json_new_map();
    struct buf         key = BUF_EMPTY;
    const struct json *row;

    buf_addf(&key, "%.*s/%.*s", STR_ARG(cluster), STR_ARG(name));
    row = json_find_str(json_find(run->options.config, "services"),
                        buf_str(&key));
    if (row)
        json_merge(service, row);
    if (name.len)
        json_put_text(service, "name", name);
    if (cluster.len)
        json_put_text(service, "cluster", cluster);
    buf_release(&key);
    return service;
}

static struct json *input_for(const struct line *line, struct str node) {
    const struct run  *run = line->run;
    const struct json *entry = run_node(run, node);
    struct json       *service = service_of(run);
    struct json       *scope = walk_scope(&run->walk, line->track, service);
    struct json       *input = bind_input(json_find(entry, "with"), scope);

    json_release(service);
    json_release(scope);
    return input;
}

/* After a simulated write nothing that was assumed can fill a contract. */
static bool input_fits(struct line *line, const struct json *meta,
                       const struct json *input, struct str name) {
    struct buf what = BUF_EMPTY;
    bool       ok;

    buf_addf(&what, "input of node %.*s", STR_ARG(name));
    ok = run_simulated(line->run) ||
         contract_check(json_find(meta, "input"), input, buf_text(&what),
                        &line->err);
    buf_release(&what);
    return ok;
}

static struct str assumed_verdict(const struct run *run) {
    static const char *const verdicts[] = {"pass", "fail", "worse", "unknown"};

    return str_of(verdicts[run->options.scenario]);
}

/* The visit is noted; runs the node's function, or assumes its end. */
void visit_go_on(struct line *line) {
    struct run          *run = line->run;
    const struct json   *current = line_track(line)->current;
    struct str           name = json_find_text(current, "node");
    struct str           use = json_find_text(run_node(run, name), "use");
    const struct json   *input = json_find(current, "input");
    const struct script *script;
    const struct json   *meta = run_meta(run, use, &script, &line->err);
    struct json         *arguments;

    if (!meta || !may_enter(line, name, meta) ||
        !input_fits(line, meta, input, name)) {
        visit_end_failed(line);
        return;
    }
    if (run_simulated(run) && str_starts(use, "verification")) {
        visit_end_assumed(line, assumed_verdict(run));
        return;
    }
    arguments = json_new_list();
    json_append(arguments, json_clone(input));
    step_start(line, "run", name, (int)json_find_int(current, "visit", 1),
               script, meta, arguments, visit_end);
}

void visit_enter(struct line *line, struct str name) {
    struct run  *run = line->run;
    struct json *record = run_record(run, "visit");

    json_put_text(record, "node", name);
    json_put_int(record, "visit", walk_visits(&run->walk, name) + 1);
    if (line->track != WALK_TRUNK)
        json_put_int(record, "branch", (int64_t)line->track);
    json_put(record, "input", input_for(line, name));
    run_note(run, record, NULL, NULL);
    visit_go_on(line);
}
