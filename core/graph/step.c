/* step.c - one function of one node, from its first attempt to its end.
 *
 * Questions get ordinals in the order of asking, so that an attempt that runs
 * again over the same slots meets its own answers. A long wait leaves the step:
 * when it is due the function starts again, finds its slots answered up to the
 * wait, and the wait goes on from its record.
 */
#include <string.h>

#include "base/mem.h"
#include "base/timestamp.h"
#include "graph/run_private.h"
#include "graph/turnstile.h"
#include "sys/loop.h"
#include "sys/marker.h"
#include "sys/watchdog.h"

static void resume(struct line *line, bool ok, const struct json *answer);

void step_release(struct step *step) {
    attempt_close(step->attempt);
    effect_release(&step->wait);
    json_release(step->polled);
    json_release(step->arguments);
    json_release(step->retry);
    json_release(step->results);
    buf_release(&step->place);
    memset(step, 0, sizeof *step);
}

static void end(struct line *line, enum step_fate fate) {
    attempt_close(line->step.attempt);
    line->step.attempt = NULL;
    line->step.done(line, fate);
}

/* --- answers ---------------------------------------------------------- */

static void resume_error(struct line *line, const struct err *err) {
    struct str where =
        json_text(json_at(attempt_question(line->step.attempt), 0));
    struct json *error = json_new_error(err);

    json_put_text(error, "where", where);
    resume(line, false, error);
    json_release(error);
}

/* Time spent waiting on purpose does not count against the node. */
static bool out_of_time(struct line *line) {
    struct step *step = &line->step;

    if (!step->waiting)
        step->spent_ms += run_now(line->run) - step->asked_ms;
    return step->timeout_ms && step->spent_ms > step->timeout_ms;
}

static void keep_polled(struct step *step, const struct json *value) {
    json_release(step->polled);
    step->polled = json_retain((struct json *)value);
}

static void answered(void *arg, const struct gate_answer *answer) {
    struct line *line = arg;
    bool         late = out_of_time(line);

    line->step.call = NULL;
    line->step.together = NULL;
    if (line->step.waiting && answer->assumed)
        line->step.assumed = true;
    switch (answer->fate) {
    case GATE_STOPPED:
        line->err = *answer->err;
        end(line, STEP_STOPPED);
        return;
    case GATE_SILENT:
        line->err = *answer->err;
        end(line, line->run->options.mode->ops->kind == MODE_DRY_RUN
                      ? STEP_ASSUMED
                      : STEP_STOPPED);
        return;
    case GATE_UNKNOWN:
        line->err = *answer->err;
        end(line, STEP_UNKNOWN);
        return;
    case GATE_PARKED:
        line->step.due_ms = answer->due_ms;
        end(line, STEP_PARKED);
        return;
    default: break;
    }
    if (late) {
        err_set(&line->err, ERR_TIMEOUT,
                "node %.*s spent more than its "
                "timeout of %lld ms",
                STR_ARG(line->step.node), (long long)line->step.timeout_ms);
        end(line, STEP_FAILED);
    } else if (answer->fate == GATE_FAILED) {
        resume_error(line, answer->err);
    } else {
        keep_polled(&line->step, answer->value);
        resume(line, true, answer->value);
    }
}

/* --- questions -------------------------------------------------------- */

static struct gate_ask gate_ask_of(struct line *line) {
    struct step *step = &line->step;
    int64_t      park_after = line->run->options.park_after_ms;

    return (struct gate_ask){line->run->options.journal,
                             line->run->options.id,
                             buf_str(&step->place),
                             step->allowed,
                             step->retry,
                             json_find(line->run->playbook, "limits"),
                             park_after > 0 ? park_after : 1};
}

static void copy_effect(struct effect *to, const struct effect *from) {
    effect_release(to);
    *to = *from;
    to->name = mem_text(from->name, strlen(from->name));
    to->target = mem_text(from->target, strlen(from->target));
    to->where = mem_text(from->where, strlen(from->where));
    to->args = json_retain(from->args);
    to->options = json_retain(from->options);
}

static void ask_gate(struct line *line, struct effect *effect) {
    struct step    *step = &line->step;
    struct gate_ask ask;

    buf_clear(&step->place);
    journal_place(&step->place, step->node, step->visit, step->phase,
                  ++step->ordinal, 0);
    step->waiting = effect->kind == EFFECT_SLEEP || effect->kind == EFFECT_WAIT;
    if (effect->kind == EFFECT_WAIT)
        copy_effect(&step->wait, effect);
    step->asked_ms = run_now(line->run);
    ask = gate_ask_of(line);
    step->call =
        gate_submit(line->run->options.gate, &ask, effect, answered, line);
}

static void ask_together(struct line *line, const struct json *question) {
    struct step          *step = &line->step;
    struct gate_ask       ask = gate_ask_of(line);
    struct together_place place = {step->node, step->visit, step->phase,
                                   ++step->ordinal};
    const struct run     *run = line->run;
    struct together_asks  asks = {json_at(question, 2),
                                  json_text(json_at(question, 0)).data,
                                  run->options.config};
    struct err            err;

    step->waiting = false;
    step->asked_ms = run_now(run);
    step->together = together_submit(run->options.gate, &ask, &place, &asks,
                                     answered, line, &err);
    if (!step->together)
        resume_error(line, &err);
}

static void judge(struct line *line, const struct json *question) {
    struct step    *step = &line->step;
    struct gate_ask ask = gate_ask_of(line);
    bool            good = json_truth(json_at(question, 2));
    struct json    *polled = json_retain(step->polled);
    struct effect   effect = {0};

    copy_effect(&effect, &step->wait);
    step->asked_ms = run_now(line->run);
    step->call = gate_judge(line->run->options.gate, &ask, &effect, good,
                            polled, answered, line);
    json_release(polled);
}

static void log_from_script(struct line *line, const struct json *question) {
    enum log_level level = LOG_INFO;
    struct buf     fields = BUF_EMPTY, message = BUF_EMPTY;

    (void)log_level_read(json_text(json_at(question, 2)), &level);
    buf_add_str(&message, json_text(json_at(question, 3)));
    json_write(json_at(question, 4), &fields);
    log_line(line->run->options.log, level, line->run->options.id,
             buf_text(&message), "node", line->step.node.data, "fields",
             buf_text(&fields), NULL);
    buf_release(&fields);
    buf_release(&message);
}

static void take_question(struct line *line) {
    const struct json *question = attempt_question(line->step.attempt);
    struct str         kind = json_text(json_at(question, 1));
    struct effect      effect;
    struct err         err;

    if (line_over(line)) {
        end(line, STEP_STOPPED);
    } else if (str_is(kind, "log")) {
        log_from_script(line, question);
        resume(line, true, NULL);
    } else if (str_is(kind, "judged") && line->step.wait.name) {
        judge(line, question);
    } else if (str_is(kind, "all")) {
        ask_together(line, question);
    } else if (effect_make(&effect, question, line->run->options.config,
                           &err)) {
        ask_gate(line, &effect);
    } else {
        /* Its place stays empty, so that the next question keeps its own. */
        line->step.ordinal++;
        resume_error(line, &err);
    }
}

/* --- attempts --------------------------------------------------------- */

static void slice(void *arg) {
    struct line *line = arg;

    if (line_over(line))
        end(line, STEP_STOPPED);
    else
        resume(line, true, NULL);
}

/* What the limits cannot stop - one C call that does not come back - ends the
 * process; the journal makes that safe. (N14) */
static enum attempt_state resume_watched(struct line *line, bool ok,
                                         const struct json *answer) {
    struct step       *step = &line->step;
    enum attempt_state state;

    marker_set(line->run->options.marker, line->run->options.id);
    if (line->run->options.watchdog)
        watchdog_arm(line->run->options.watchdog, WATCHDOG_MS,
                     step->script->path);
    state = attempt_resume(step->attempt, ok, answer, &line->err);
    if (line->run->options.watchdog)
        watchdog_disarm(line->run->options.watchdog);
    marker_clear(line->run->options.marker);
    return state;
}

static void resume(struct line *line, bool ok, const struct json *answer) {
    struct step *step = &line->step;

    switch (resume_watched(line, ok, answer)) {
    case ATTEMPT_SLICED:
        loop_defer(line->run->options.loop, slice, line);
        break;
    case ATTEMPT_ASKS: take_question(line); break;
    case ATTEMPT_ENDED:
        step->results =
            json_retain((struct json *)attempt_results(step->attempt));
        end(line, STEP_ENDED);
        break;
    case ATTEMPT_FAILED: end(line, STEP_FAILED); break;
    }
}

static void begin(void *arg) {
    struct line *line = arg;
    struct step *step = &line->step;
    struct json *record;

    if (line_over(line)) {
        end(line, STEP_STOPPED);
        return;
    }
    record = run_record(line->run, "attempt");
    json_put_text(record, "node", step->node);
    json_put_int(record, "visit", step->visit);
    json_put_text(record, "phase", str_of(step->phase));
    json_put_int(record, "attempt", line_track(line)->attempt + 1);
    run_note(line->run, record, NULL, NULL);
    step->ordinal = 0;
    step->attempt =
        attempt_open(line->run->options.bundle, step->script, step->phase, true,
                     step->arguments, &vm_limits_node, &line->err);
    if (step->attempt)
        resume(line, true, NULL);
    else
        end(line, STEP_FAILED);
}

/* { times, backoff = "1s", on } with the backoff in milliseconds. */
static struct json *retry_of(const struct json *meta) {
    const struct json *rule = json_find(meta, "retry");
    struct json       *retry;
    struct err         err;
    int64_t            ms = 500;

    if (!rule)
        return NULL;
    retry = json_clone(rule);
    if (json_find(rule, "backoff"))
        (void)timestamp_read_duration(json_find_text(rule, "backoff"), &ms,
                                      &err);
    json_put_int(retry, "backoff", ms);
    return retry;
}

void step_cancel(struct step *step) {
    if (step->call)
        gate_cancel(step->call);
    if (step->together)
        together_cancel(step->together);
}

void step_start(struct line *line, const char *phase, struct str node,
                int visit, const struct script *script, const struct json *meta,
                struct json *arguments,
                void (*done)(struct line *line, enum step_fate fate)) {
    struct step *step = &line->step;
    struct err   err;

    step_release(step);
    step->phase = phase;
    step->node = node;
    step->visit = visit;
    step->script = script;
    step->meta = meta;
    step->allowed = json_find(meta, "effects");
    step->arguments = arguments;
    step->retry = retry_of(meta);
    step->done = done;
    if (json_find(meta, "timeout"))
        (void)timestamp_read_duration(json_find_text(meta, "timeout"),
                                      &step->timeout_ms, &err);
    step->spent_ms = walk_spent(line_track(line), phase, node, visit);
    turnstile_pass(line->run->options.turnstile, line->run->options.loop, begin,
                   line);
}
