/* call_wait.c - sleeps and waits: one slot, however often it polls.
 *
 * A wait's state is its last `wait` record: when it began, how often it
 * polled, since when the answers were good, when the next poll is due. A
 * restart goes on from there, so a due timer fires once. The script judges
 * each answer; the judgement is recorded with it. What is due far away parks:
 * the record is all that is left of it, and the same question asked again goes
 * on from there. In a mode that does not wait the condition is assumed to come
 * true after one look.
 */
#include <string.h>

#include "base/mem.h"
#include "gate/gate_private.h"
#include "store/journal.h"

static int64_t argument(const struct call *call, const char *name) {
    return json_find_int(call->effect.args, name, 0);
}

static void put_int_or_null(struct json *map, const char *key, int64_t value) {
    json_put(map, key, value < 0 ? json_new_null() : json_new_int(value));
}

struct waiting {
    int64_t began, due, count, since; /* since: -1 while not good */
};

static struct waiting state_of(const struct call *call,
                               const struct json *last) {
    int64_t now = call_now(call);

    return (struct waiting){
        .began = json_find_int(last, "began", now),
        .due = json_find_int(last, "due", now),
        .count = json_find_int(last, "count", 0),
        .since = json_find_int(last, "since", -1),
    };
}

static void record_state(struct call *call, const struct waiting *w) {
    struct json *record = call_question_record(call, "wait");

    json_put_int(record, "began", w->began);
    json_put_int(record, "due", w->due);
    json_put_int(record, "count", w->count);
    put_int_or_null(record, "since", w->since);
    call_journal(call, record, NULL, NULL);
}

static bool waits(const struct call *call) {
    return call->gate->options.mode->ops->kind != MODE_DRY_RUN;
}

/* `next` when due, or the call parks. */
static void rest(struct call *call, int64_t due_ms, mode_done_fn *next) {
    int64_t ms = due_ms - call_now(call), limit = call->ask.park_after_ms;

    if (!waits(call) || limit <= 0 || ms < limit) {
        call_until(call, due_ms, next);
        return;
    }
    call->due_ms = due_ms;
    call_finish(call, GATE_PARKED);
}

/* Takes `answer`. */
static void finish_wait(struct call *call, bool ok, struct json *answer) {
    struct json *value = json_new_map();

    json_put_bool(value, "final", true);
    json_put_bool(value, "ok", ok);
    json_put(value, "answer", answer ? answer : json_new_null());
    json_release(call->value);
    call->value = value;
    call_journal(call, call_result_record(call, "result", true), NULL, NULL);
    call_finish(call, GATE_ANSWERED);
}

/* --- sleeping --------------------------------------------------------- */

static void slept(void *arg, struct answer *answer) {
    struct call *call = arg;

    if (call_stopped(call))
        return;
    call->assumed = answer->assumed;
    call->value = json_new_null();
    call_journal(call, call_result_record(call, "result", true), NULL, NULL);
    call_finish(call, GATE_ANSWERED);
}

static void sleep_until(struct call *call, const struct json *last) {
    struct waiting w = state_of(call, last);

    if (!last) {
        w.due = w.began + argument(call, "ms");
        record_state(call, &w);
    }
    rest(call, w.due, slept);
}

/* --- polling ---------------------------------------------------------- */

static void poll_again(void *arg, struct answer *answer);

static void fail(struct call *call, enum gate_fate fate) {
    if (fate == GATE_FAILED)
        call_journal(call, call_result_record(call, "result", false), NULL,
                     NULL);
    call_finish(call, fate);
}

static void polled(void *arg, struct answer *answer) {
    struct call *call = arg;
    struct mode *mode = call->gate->options.mode;
    int64_t      due;

    if (call_retry_due(call, &call->reader, answer, &due)) {
        call_back_off(call, due, poll_again);
        return;
    }
    call->tries = 0;
    call->assumed = answer->assumed;
    if (answer->fate != ANSWER_GIVEN)
        call_error(call, &answer->err);
    if (answer->fate == ANSWER_SILENT && mode->ops->kind == MODE_DRY_RUN) {
        call->assumed = true;
        finish_wait(call, true, NULL);
        return;
    }
    if (answer->fate != ANSWER_GIVEN) {
        fail(call, answer->fate == ANSWER_SILENT ? GATE_SILENT : GATE_FAILED);
        return;
    }
    call->value = json_new_map();
    json_put_bool(call->value, "final", false);
    json_put(call->value, "answer", call_redacted(call, answer->value));
    call_finish(call, GATE_ANSWERED);
}

static void poll(struct call *call) {
    struct mode    *mode = call->gate->options.mode;
    struct mode_ask ask = {
        .effect = &call->reader, .token = "", .trace = call_trace(call)};

    mode->ops->act(mode, &ask, polled, call);
}

static void poll_again(void *arg, struct answer *answer) {
    (void)answer;
    if (!call_stopped(arg))
        poll(arg);
}

static bool make_polled(struct call *call) {
    return effect_make_ask(&call->reader, json_find(call->effect.args, "ask"),
                           call->effect.where, "ctx.wait_for",
                           call->gate->options.config, &call->err) &&
           call_allowed(call, &call->reader);
}

void call_wait(struct call *call, const struct json *last) {
    struct waiting w = state_of(call, last);

    if (call->effect.kind == EFFECT_SLEEP) {
        sleep_until(call, last);
        return;
    }
    if (!last)
        record_state(call, &w);
    if (!make_polled(call)) {
        fail(call, GATE_FAILED);
        return;
    }
    rest(call, w.due, poll_again);
}

void call_judge(struct call *call, const struct json *last) {
    struct waiting w = state_of(call, last);
    struct json   *answer = json_retain(json_find(call->value, "answer"));
    int64_t        now = call_now(call);

    w.count++;
    w.since = !call->good ? -1 : w.since < 0 ? now : w.since;
    if (!waits(call) && !call->good)
        call->assumed = true;
    if (!waits(call) ||
        (w.since >= 0 && now - w.since >= argument(call, "stable"))) {
        finish_wait(call, true, answer);
        return;
    }
    if (now - w.began >= argument(call, "within")) {
        finish_wait(call, false, answer);
        return;
    }
    json_release(answer);
    w.due = now + argument(call, "every");
    record_state(call, &w);
    if (!make_polled(call)) {
        fail(call, GATE_FAILED);
        return;
    }
    json_release(call->value);
    call->value = NULL;
    rest(call, w.due, poll_again);
}
