/* call_write.c - a write: before-image, intent, the act, its result.
 *
 * Two ways lead to `unknown`: the mode says that bytes left and no answer
 * came, or a restart finds an intent without a result. Both go through
 * call_recover(), where the class decides. (G2, G4)
 */
#include <string.h>

#include "base/fault.h"
#include "gate/gate_private.h"
#include "store/journal.h"

#define ROUNDS_MAX 3 /* recoveries of one write in one process */

static void act(struct call *call);

/* --- results ---------------------------------------------------------- */

static void result_durable(struct call *call) {
    fault_pass(FAULT_GATE_AFTER_RESULT);
    call_finish(call, call->fate);
}

static void conclude(struct call *call, enum gate_fate fate) {
    bool         ok = fate == GATE_ANSWERED;
    struct json *record = call_result_record(call, "result", ok);
    struct json *audit = call_audit(call, "result");

    fault_pass(FAULT_GATE_BEFORE_RESULT);
    call->fate = fate;
    json_put_text(record, "how", str_of(call->how));
    /* Nobody knows whether it was applied; a re-run must not ask again. */
    if (fate == GATE_UNKNOWN)
        json_put_bool(record, "lost", true);
    json_put_text(audit, "how", str_of(call->how));
    json_put_bool(audit, "ok", ok);
    call_journal(call, record, audit, result_durable);
}

static void give_up(struct call *call) {
    char why[sizeof call->err.text];

    (void)snprintf(why, sizeof why, "%.300s", call->err.text);
    err_set(&call->err, ERR_UNKNOWN,
            "%s on %s may or may not have been "
            "applied (class %s: %s)%s%s",
            call->effect.name, call->effect.target,
            effect_class_name(call->effect.class),
            effect_class_after(call->effect.class), why[0] ? "; " : "", why);
    call->how = "unknown";
    conclude(call,
             call->effect.class == EFFECT_NOTIFY ? GATE_FAILED : GATE_UNKNOWN);
}

/* --- the act ---------------------------------------------------------- */

static void act_again(void *arg, struct answer *answer) {
    (void)answer;
    act(arg);
}

static void acted(void *arg, struct answer *answer) {
    struct call *call = arg;
    int64_t      due;

    if (call_retry_due(call, &call->effect, answer, &due)) {
        mode_back_off(call->gate->options.mode, due, act_again, call);
        return;
    }
    call->assumed = answer->assumed;
    if (answer->fate != ANSWER_GIVEN)
        call_error(call, &answer->err);
    switch (answer->fate) {
    case ANSWER_GIVEN:
        call->err.text[0] = '\0';
        call->value = call_redacted(call, answer->value);
        conclude(call, GATE_ANSWERED);
        break;
    case ANSWER_REFUSED: conclude(call, GATE_FAILED); break;
    case ANSWER_SILENT: call_finish(call, GATE_SILENT); break;
    case ANSWER_UNKNOWN: call_recover(call); break;
    }
}

static void act(struct call *call) {
    struct mode    *mode = call->gate->options.mode;
    struct mode_ask ask = {.effect = &call->effect,
                           .before = call->before,
                           .token = call->token,
                           .trace = call_trace(call)};

    mode->ops->act(mode, &ask, acted, call);
}

static void intent_durable(struct call *call) {
    fault_pass(FAULT_GATE_AFTER_INTENT);
    act(call);
}

static void intend(struct call *call) {
    struct json *record = call_question_record(call, "intent");

    if (call->before)
        json_put(record, "before", json_retain(call->before));
    fault_pass(FAULT_GATE_BEFORE_INTENT);
    call_journal(call, record, call_audit(call, "intent"), intent_durable);
}

/* --- the before-image -------------------------------------------------- */

static bool make_reader(struct call *call, struct err *err) {
    struct json *question;
    bool         ok;

    effect_release(&call->reader);
    question = call->effect.rule->readback(&call->effect);
    ok = effect_make(&call->reader, question, call->gate->options.config, err);
    json_release(question);
    return ok;
}

static void read_back(struct call *call, mode_done_fn *done) {
    struct mode    *mode = call->gate->options.mode;
    struct mode_ask ask = {
        .effect = &call->reader, .token = "", .trace = call_trace(call)};

    mode->ops->act(mode, &ask, done, call);
}

static void before_again(void *arg, struct answer *answer);

static void before_done(void *arg, struct answer *answer) {
    struct call *call = arg;
    int64_t      due;

    if (call_retry_due(call, &call->reader, answer, &due)) {
        mode_back_off(call->gate->options.mode, due, before_again, call);
        return;
    }
    call->tries = 0;
    if (answer->fate == ANSWER_GIVEN) {
        call->before = call_redacted(call, answer->value);
    } else if (answer->fate != ANSWER_SILENT ||
               call->gate->options.mode->ops->kind != MODE_DRY_RUN) {
        /* Without it a crash could not be recovered from, so nothing is sent:
         * the effect fails as a read that failed. */
        call_error(call, &answer->err);
        err_wrap(&call->err, "reading the state before %s", call->effect.name);
        if (answer->fate == ANSWER_SILENT) {
            call_finish(call, GATE_SILENT);
            return;
        }
        call_journal(call, call_result_record(call, "read", false), NULL, NULL);
        call_finish(call, GATE_FAILED);
        return;
    }
    intend(call);
}

static void before_again(void *arg, struct answer *answer) {
    (void)answer;
    read_back(arg, before_done);
}

void call_write(struct call *call) {
    const struct effect_rule *rule = call->effect.rule;

    if (!rule || !rule->readback || !rule->before)
        intend(call);
    else if (make_reader(call, &call->err))
        read_back(call, before_done);
    else
        call_finish(call, GATE_STOPPED);
}

/* --- recovery --------------------------------------------------------- */

static void again_durable(struct call *call) {
    act(call);
}

static void send_again(struct call *call) {
    call->how = "sent again";
    call_journal(call, call_record(call, "again"), call_audit(call, "again"),
                 again_durable);
}

static void proven_again(void *arg, struct answer *answer);

static void proven(void *arg, struct answer *answer) {
    struct call      *call = arg;
    enum effect_proof proof = PROOF_UNSURE;
    struct json      *found = NULL;
    int64_t           due;

    /* A slow answer to the question is no answer to the doubt. */
    if (call_retry_due(call, &call->reader, answer, &due)) {
        mode_back_off(call->gate->options.mode, due, proven_again, call);
        return;
    }
    call->tries = 0;
    if (answer->fate == ANSWER_GIVEN) {
        struct json *now = call_redacted(call, answer->value);

        proof =
            call->effect.rule->prove(&call->effect, call->before, now, &found);
        json_release(now);
    } else {
        call_error(call, &answer->err);
    }
    if (proof == PROOF_APPLIED) {
        call->value = found;
        call->how = "found applied";
        conclude(call, GATE_ANSWERED);
    } else if (proof == PROOF_ABSENT) {
        send_again(call);
    } else {
        give_up(call);
    }
}

static void proven_again(void *arg, struct answer *answer) {
    (void)answer;
    read_back(arg, proven);
}

static void settled(void *arg, struct answer *answer) {
    struct call *call = arg;

    (void)answer;
    if (make_reader(call, &call->err))
        read_back(call, proven);
    else
        give_up(call);
}

/* What was sent may still be on its way: a `verify` write waits first. */
static void settle(struct call *call) {
    struct mode *mode = call->gate->options.mode;
    bool         wait = call->effect.class == EFFECT_VERIFY;

    mode->ops->until(
        mode, call_now(call) + (wait ? call->gate->options.settle_ms : 0),
        settled, call);
}

static bool sent_again_before(const struct call *call) {
    const struct json *records = journal_records(call->ask.journal);

    for (size_t i = json_count(records); i-- > 0;) {
        const struct json *record = json_at(records, i);

        if (str_is(json_find_text(record, "kind"), "again") &&
            str_equal(json_find_text(record, "slot"), buf_str(&call->place)))
            return true;
    }
    return false;
}

void call_recover(struct call *call) {
    const struct effect_rule *rule = call->effect.rule;

    if (++call->rounds > ROUNDS_MAX) {
        give_up(call);
        return;
    }
    switch (call->effect.class) {
    case EFFECT_SET:
        if (rule && rule->readback)
            settle(call);
        else
            send_again(call);
        break;
    case EFFECT_VERIFY: settle(call); break;
    case EFFECT_TOKEN: send_again(call); break;
    case EFFECT_NOTIFY:
        if (sent_again_before(call))
            give_up(call);
        else
            send_again(call);
        break;
    default: give_up(call); break;
    }
}
