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

static void resume(struct run *run, bool ok, const struct json *answer);

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

static void end(struct run *run, enum step_fate fate) {
    attempt_close(run->step.attempt);
    run->step.attempt = NULL;
    run->step.done(run, fate);
}

/* --- answers ---------------------------------------------------------- */

static struct json *error_value(const struct err *err, const char *where) {
    struct json *error = json_new_map();

    json_put_text(error, "code", str_of(err_name(err->code)));
    json_put_text(error, "text", str_of(err->text));
    if (err->status)
        json_put_int(error, "status", err->status);
    json_put_text(error, "where", str_of(where));
    return error;
}

static void resume_error(struct run *run, const struct err *err) {
    struct str where =
        json_text(json_at(attempt_question(run->step.attempt), 0));
    struct json *error = error_value(err, where.data ? where.data : "");

    resume(run, false, error);
    json_release(error);
}

/* Time spent waiting on purpose does not count against the node. */
static bool out_of_time(struct run *run) {
    struct step *step = &run->step;

    if (!step->waiting)
        step->spent_ms += run_now(run) - step->asked_ms;
    return step->timeout_ms && step->spent_ms > step->timeout_ms;
}

static void keep_polled(struct step *step, const struct json *value) {
    json_release(step->polled);
    step->polled = json_retain((struct json *)value);
}

static void answered(void *arg, const struct gate_answer *answer) {
    struct run *run = arg;
    bool        late = out_of_time(run);

    run->step.call = NULL;
    if (run->step.waiting && answer->assumed)
        run->step.assumed = true;
    switch (answer->fate) {
    case GATE_STOPPED:
        run->err = *answer->err;
        end(run, STEP_STOPPED);
        return;
    case GATE_SILENT:
        run->err = *answer->err;
        end(run, run->options.mode->ops->kind == MODE_DRY_RUN ? STEP_ASSUMED
                                                              : STEP_STOPPED);
        return;
    case GATE_UNKNOWN:
        run->err = *answer->err;
        end(run, STEP_UNKNOWN);
        return;
    case GATE_PARKED:
        run->step.due_ms = answer->due_ms;
        end(run, STEP_PARKED);
        return;
    default: break;
    }
    if (late) {
        err_set(&run->err, ERR_TIMEOUT,
                "node %.*s spent more than its "
                "timeout of %lld ms",
                STR_ARG(run->step.node), (long long)run->step.timeout_ms);
        end(run, STEP_FAILED);
    } else if (answer->fate == GATE_FAILED) {
        resume_error(run, answer->err);
    } else {
        keep_polled(&run->step, answer->value);
        resume(run, true, answer->value);
    }
}

/* --- questions -------------------------------------------------------- */

static struct gate_ask gate_ask_of(struct run *run) {
    struct step *step = &run->step;
    int64_t      park_after = run->options.park_after_ms;

    return (struct gate_ask){run->options.journal,
                             run->options.id,
                             buf_str(&step->place),
                             step->allowed,
                             step->retry,
                             json_find(run->playbook, "limits"),
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

static void ask_gate(struct run *run, struct effect *effect) {
    struct step    *step = &run->step;
    struct gate_ask ask;

    buf_clear(&step->place);
    journal_place(&step->place, step->node, step->visit, step->phase,
                  ++step->ordinal);
    step->waiting = effect->kind == EFFECT_SLEEP || effect->kind == EFFECT_WAIT;
    if (effect->kind == EFFECT_WAIT)
        copy_effect(&step->wait, effect);
    step->asked_ms = run_now(run);
    ask = gate_ask_of(run);
    step->call = gate_submit(run->options.gate, &ask, effect, answered, run);
}

static void judge(struct run *run, const struct json *question) {
    struct step    *step = &run->step;
    struct gate_ask ask = gate_ask_of(run);
    bool            good = json_truth(json_at(question, 2));
    struct json    *polled = json_retain(step->polled);
    struct effect   effect = {0};

    copy_effect(&effect, &step->wait);
    step->asked_ms = run_now(run);
    step->call = gate_judge(run->options.gate, &ask, &effect, good, polled,
                            answered, run);
    json_release(polled);
}

static void log_from_script(struct run *run, const struct json *question) {
    enum log_level level = LOG_INFO;
    struct buf     fields = BUF_EMPTY, message = BUF_EMPTY;

    (void)log_level_read(json_text(json_at(question, 2)), &level);
    buf_add_str(&message, json_text(json_at(question, 3)));
    json_write(json_at(question, 4), &fields);
    log_line(run->options.log, level, run->options.id, buf_text(&message),
             "node", run->step.node.data, "fields", buf_text(&fields), NULL);
    buf_release(&fields);
    buf_release(&message);
}

static void take_question(struct run *run) {
    const struct json *question = attempt_question(run->step.attempt);
    struct str         kind = json_text(json_at(question, 1));
    struct effect      effect;
    struct err         err;

    if (run_cancelled(run)) {
        end(run, STEP_STOPPED);
    } else if (str_is(kind, "log")) {
        log_from_script(run, question);
        resume(run, true, NULL);
    } else if (str_is(kind, "judged") && run->step.wait.name) {
        judge(run, question);
    } else if (effect_make(&effect, question, run->options.config, &err)) {
        ask_gate(run, &effect);
    } else {
        /* Its place stays empty, so that the next question keeps its own. */
        run->step.ordinal++;
        resume_error(run, &err);
    }
}

/* --- attempts --------------------------------------------------------- */

static void slice(void *arg) {
    resume(arg, true, NULL);
}

/* What the limits cannot stop - one C call that does not come back - ends the
 * process; the journal makes that safe. (N14) */
static enum attempt_state resume_watched(struct run *run, bool ok,
                                         const struct json *answer) {
    struct step       *step = &run->step;
    enum attempt_state state;

    marker_set(run->options.marker, run->options.id);
    if (run->options.watchdog)
        watchdog_arm(run->options.watchdog, WATCHDOG_MS, step->script->path);
    state = attempt_resume(step->attempt, ok, answer, &run->err);
    if (run->options.watchdog)
        watchdog_disarm(run->options.watchdog);
    marker_clear(run->options.marker);
    return state;
}

static void resume(struct run *run, bool ok, const struct json *answer) {
    struct step *step = &run->step;

    switch (resume_watched(run, ok, answer)) {
    case ATTEMPT_SLICED: loop_defer(run->options.loop, slice, run); break;
    case ATTEMPT_ASKS: take_question(run); break;
    case ATTEMPT_ENDED:
        step->results =
            json_retain((struct json *)attempt_results(step->attempt));
        end(run, STEP_ENDED);
        break;
    case ATTEMPT_FAILED: end(run, STEP_FAILED); break;
    }
}

static void begin(void *arg) {
    struct run  *run = arg;
    struct step *step = &run->step;
    struct json *record;

    if (run_cancelled(run)) {
        end(run, STEP_STOPPED);
        return;
    }
    record = run_record(run, "attempt");
    json_put_text(record, "node", step->node);
    json_put_int(record, "visit", step->visit);
    json_put_text(record, "phase", str_of(step->phase));
    json_put_int(record, "attempt", run->walk.attempt + 1);
    run_note(run, record, NULL);
    step->ordinal = 0;
    step->attempt =
        attempt_open(run->options.bundle, step->script, step->phase, true,
                     step->arguments, &vm_limits_node, &run->err);
    if (step->attempt)
        resume(run, true, NULL);
    else
        end(run, STEP_FAILED);
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

void step_start(struct run *run, const char *phase, struct str node, int visit,
                const struct script *script, const struct json *meta,
                struct json *arguments,
                void (*done)(struct run *run, enum step_fate fate)) {
    struct step *step = &run->step;
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
    step->spent_ms = walk_spent(&run->walk, phase, node, visit);
    turnstile_pass(run->options.turnstile, run->options.loop, begin, run);
}
