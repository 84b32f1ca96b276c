/* gate.c - the order of the checks, and reads.
 *
 * The order is: slot (G1), capability and secrets (G3), then the kind. Writes
 * go on in call_write.c, waits in call_wait.c.
 */
#include "gate/gate.h"

#include <string.h>

#include "base/encode.h"
#include "base/mem.h"
#include "base/timestamp.h"
#include "gate/call_llm.h"
#include "gate/gate_private.h"
#include "secret/redact.h"
#include "store/journal.h"
#include "sys/crypto.h"
#include "sys/loop.h"

struct gate *gate_open(const struct gate_options *options) {
    struct gate *gate = mem_new(sizeof *gate);

    gate->options = *options;
    gate->shared = options->shared ? options->shared : gate_shared_open();
    gate->owned = !options->shared;
    return gate;
}

void gate_close(struct gate *gate) {
    if (!gate)
        return;
    if (gate->owned)
        gate_shared_close(gate->shared);
    mem_free(gate);
}

int64_t call_now(const struct call *call) {
    return mode_now(call->gate->options.mode);
}

const struct trace_parent *call_trace(const struct call *call) {
    return call->gate->options.trace ? &call->trace : NULL;
}

/* --- ending a call ---------------------------------------------------- */

static void deliver(void *arg) {
    struct call       *call = arg;
    struct gate_answer answer = {call->fate, call->assumed, call->value,
                                 &call->err, call->due_ms};

    call->done(call->arg, &answer);
    json_release(call->before);
    json_release(call->value);
    effect_release(&call->effect);
    effect_release(&call->reader);
    buf_release(&call->place);
    mem_free(call);
}

/* The clock and the catalogue are nobody's business. */
static bool leaves(const struct effect *effect) {
    return effect->kind < EFFECT_CATALOGUE || effect->kind == EFFECT_SLEEP ||
           effect->kind == EFFECT_WAIT;
}

/* (G7) */
static void tell(const struct call *call) {
    const struct gate_options *options = &call->gate->options;
    struct gate_seen           seen = {
                  .place = buf_str(&call->place),
                  .effect = &call->effect,
                  .began_ms = call->began_ms,
                  .ended_ms = call->ended_ms,
                  .failed = call->fate != GATE_ANSWERED,
                  .assumed = call->assumed,
                  .err = &call->err,
                  .how = call->how,
                  .status = call->status,
                  .tries = call->tries,
    };

    if (options->seen && call->ended_ms && call->fate != GATE_STOPPED &&
        leaves(&call->effect))
        options->seen(options->arg, &seen);
}

void call_finish(struct call *call, enum gate_fate fate) {
    call->fate = fate;
    tell(call);
    loop_defer(call->gate->options.mode->loop, deliver, call);
}

/* --- time that passes --------------------------------------------------- */

/* What was cancelled while its effect was on its way waits for nothing more. */
static bool pass_by(struct call *call, mode_done_fn *next) {
    struct answer answer = {.fate = ANSWER_GIVEN};

    call->idle = true;
    if (call->cancelled)
        mode_answer_later(call->gate->options.mode, answer, next, call);
    return call->cancelled;
}

void call_until(struct call *call, int64_t due_ms, mode_done_fn *next) {
    struct mode *mode = call->gate->options.mode;

    if (!pass_by(call, next))
        mode->ops->until(mode, due_ms, next, call);
}

void call_back_off(struct call *call, int64_t due_ms, mode_done_fn *next) {
    if (!pass_by(call, next))
        mode_back_off(call->gate->options.mode, due_ms, next, call);
}

bool call_stopped(struct call *call) {
    call->idle = false;
    if (!call->cancelled)
        return false;
    err_set(&call->err, ERR_CANCELLED, "the run was cancelled while it waited");
    call_finish(call, GATE_STOPPED);
    return true;
}

/* (G6) */
void gate_cancel(struct call *call) {
    if (call->cancelled)
        return;
    call->cancelled = true;
    if (call->idle)
        mode_wake(call->gate->options.mode, call);
}

/* --- records ---------------------------------------------------------- */

struct json *call_redacted(const struct call *call, struct json *value) {
    struct json *clean = redact_json(call->gate->options.redact, value);

    json_release(value);
    return clean;
}

void call_error(struct call *call, const struct err *err) {
    struct buf clean = BUF_EMPTY;

    redact_text(call->gate->options.redact, str_of(err->text), &clean);
    err_set(&call->err, err->code, "%s", buf_text(&clean));
    call->err.status = err->status;
    buf_release(&clean);
}

struct json *call_record(const struct call *call, const char *kind) {
    struct json *record = json_new_map();

    json_put_text(record, "kind", str_of(kind));
    json_put_int(record, "at", call_now(call));
    json_put_text(record, "slot", buf_str(&call->place));
    if (call->assumed)
        json_put_bool(record, "assumed", true);
    return record;
}

/* What was asked, as every first record of a slot tells it. */
static void put_question(const struct call *call, struct json *record) {
    const struct effect *effect = &call->effect;

    json_put_text(record, "effect", str_of(effect->name));
    json_put_text(record, "class", str_of(effect_class_name(effect->class)));
    json_put_text(record, "target", str_of(effect->target));
    json_put_text(record, "digest", str_of(effect->digest));
    json_put_text(record, "where", str_of(effect->where));
    json_put(record, "args",
             redact_json(call->gate->options.redact, effect->args));
}

/* `ok` with the answer, or the error. */
static void put_result(const struct call *call, struct json *record, bool ok) {
    json_put_bool(record, "ok", ok);
    if (ok)
        json_put(record, "answer", json_retain(call->value));
    else
        json_put(record, "error", json_new_error(&call->err));
}

struct json *call_question_record(const struct call *call, const char *kind) {
    struct json *record = call_record(call, kind);

    put_question(call, record);
    return record;
}

struct json *call_result_record(struct call *call, const char *kind, bool ok) {
    struct json *record = strcmp(kind, "read") == 0
                              ? call_question_record(call, kind)
                              : call_record(call, kind);

    put_result(call, record, ok);
    call->ended_ms = json_find_int(record, "at", 0);
    return record;
}

struct json *call_audit(const struct call *call, const char *kind) {
    const struct effect *effect = &call->effect;
    struct json         *facts = json_new_map();

    json_put_text(facts, "kind", str_of(kind));
    json_put_int(facts, "at", call_now(call));
    json_put_text(facts, "run", str_of(call->ask.run));
    json_put_text(facts, "mode", str_of(mode_name(call->gate->options.mode)));
    json_put_text(facts, "slot", buf_str(&call->place));
    json_put_text(facts, "effect", str_of(effect->name));
    json_put_text(facts, "class", str_of(effect_class_name(effect->class)));
    json_put_text(facts, "target", str_of(effect->target));
    json_put_text(facts, "digest", str_of(effect->digest));
    return facts;
}

struct durable {
    struct call *call;
    void (*next)(struct call *call);
};

static void journaled(void *arg, const struct err *err) {
    struct durable durable = *(struct durable *)arg;

    mem_free(arg);
    if (!err) {
        durable.next(durable.call);
        return;
    }
    durable.call->err = *err;
    err_wrap(&durable.call->err, "journal");
    call_finish(durable.call, GATE_STOPPED);
}

void call_journal(struct call *call, struct json *record, struct json *audit,
                  void (*next)(struct call *call)) {
    struct durable *durable;

    if (!next) {
        journal_add(call->ask.journal, record, audit, NULL, 0, NULL, NULL);
        return;
    }
    durable = mem_new(sizeof *durable);
    durable->call = call;
    durable->next = next;
    journal_add(call->ask.journal, record, audit, NULL, 0, journaled, durable);
}

/* --- the checks ------------------------------------------------------- */

/* Clock, ids, sleeps and the catalogue touch nothing and need no right. The
 * question inside a wait is checked as an effect of its own. (G3) */
bool call_allowed(struct call *call, const struct effect *effect) {
    if (effect->class == EFFECT_SECRET)
        return err_set(&call->err, ERR_DENIED,
                       "%s returns secrets, which no "
                       "script may hold",
                       effect->name);
    if (effect->kind >= EFFECT_CATALOGUE ||
        json_lists(call->ask.allowed, str_of(effect->name)))
        return true;
    return err_set(&call->err, ERR_DENIED, "%s is not in this node's effects",
                   effect->name);
}

/* Without a rule of the node's own, reads are retried three times and writes
 * only when they were surely not applied: told to slow down. */
static bool retries_by_default(const struct effect *effect,
                               const struct err    *err) {
    if (err->code == ERR_THROTTLED)
        return true;
    return !effect_writes(effect) &&
           (err->code == ERR_TIMEOUT || err->code == ERR_IO ||
            (err->code == ERR_REMOTE && err->status >= 500));
}

#define DEFAULT_TRIES 3
#define DEFAULT_BACKOFF_MS 500

static struct retry_event retry_event(const struct call   *call,
                                      const struct answer *answer) {
    const struct json *retry = call->ask.retry;
    struct retry_event event = {
        .tries = call->tries,
        .times = (int)json_find_int(retry, "times", DEFAULT_TRIES),
        .timeout = answer->err.code == ERR_TIMEOUT,
        .backoff_ms = json_find_int(retry, "backoff", DEFAULT_BACKOFF_MS),
        .asked_ms = answer->retry_after_ms,
    };

    crypto_random((unsigned char *)&event.random, sizeof event.random);
    return event;
}

/* Whoever reads the error has to come back by himself, and learns when. */
static void say_when(const struct call *call, struct answer *answer) {
    struct buf when = BUF_EMPTY;
    int        status = answer->err.status;
    char       text[sizeof answer->err.text];

    timestamp_write(call_now(call) + answer->retry_after_ms, &when);
    (void)snprintf(text, sizeof text, "%s", answer->err.text);
    err_set(&answer->err, ERR_THROTTLED, "not before %s: %s", buf_text(&when),
            text);
    answer->err.status = status;
    buf_release(&when);
}

bool call_retry_due(struct call *call, const struct effect *effect,
                    struct answer *answer, int64_t *due_ms) {
    struct retry_bucket *bucket =
        gate_shared_bucket(call->gate->shared, effect->kind);
    const struct json *retry = call->ask.retry;
    struct retry_event event;
    bool               wanted;
    int64_t            delay;

    if (effect == &call->effect)
        call->status = answer->status;
    if (answer->fate == ANSWER_GIVEN)
        retry_give(bucket, &call->cost);
    wanted = retry ? json_lists(json_find(retry, "on"),
                                str_of(err_name(answer->err.code)))
                   : retries_by_default(effect, &answer->err);
    if (answer->fate != ANSWER_REFUSED ||
        (!wanted && answer->err.code != ERR_THROTTLED))
        return false;
    event = retry_event(call, answer);
    if (!wanted)
        event.times = 0;
    switch (retry_take(bucket, &event, &call->cost, &delay)) {
    case RETRY_LATER:
        call->tries++;
        *due_ms = call_now(call) + delay;
        return true;
    case RETRY_TOO_LONG: say_when(call, answer); return false;
    default: return false;
    }
}

/* --- reads ------------------------------------------------------------ */

static void act_read(struct call *call);

static void read_again(void *arg, struct answer *answer) {
    (void)answer;
    if (!call_stopped(arg))
        act_read(arg);
}

/* Intent and answer in one record, and no wait for the disk: what follows in
 * the journal is written after it. */
static void conclude_read(struct call *call, bool ok) {
    struct json *record = call_result_record(call, "read", ok);

    if (call->effect.kind == EFFECT_LLM)
        call_llm_journal(call, record);
    else
        call_journal(call, record, NULL, NULL);
    call_finish(call, ok ? GATE_ANSWERED : GATE_FAILED);
}

static void read_done(void *arg, struct answer *answer) {
    struct call *call = arg;
    int64_t      due;

    call->micro_usd += answer->micro_usd;
    if (call_retry_due(call, &call->effect, answer, &due)) {
        call_back_off(call, due, read_again);
        return;
    }
    call->assumed = answer->assumed;
    if (answer->fate != ANSWER_GIVEN)
        call_error(call, &answer->err);
    if (answer->fate == ANSWER_SILENT) {
        call_finish(call, GATE_SILENT);
        return;
    }
    if (answer->fate == ANSWER_GIVEN)
        call->value = call_redacted(call, answer->value);
    conclude_read(call, answer->fate == ANSWER_GIVEN);
}

static void act_read(struct call *call) {
    struct mode    *mode = call->gate->options.mode;
    struct mode_ask ask = {.effect = &call->effect,
                           .token = call->token,
                           .trace = call_trace(call)};

    if (call->effect.kind == EFFECT_LLM)
        ask.spend = call_llm_limits(call);

    mode->ops->act(mode, &ask, read_done, call);
}

/* --- what never leaves the process ------------------------------------ */

/* What a slot's token and ids are derived from. A plan is the same plan however
 * often it is made, so what is not live does not depend on its run. */
static const char *seed(const struct call *call) {
    return call->gate->options.mode->ops->kind == MODE_LIVE ? call->ask.run
                                                            : "plan";
}

/* Sixteen bytes that depend on the slot alone: the same on every re-run. */
static void slot_bytes(const struct call *call, unsigned char out[16]) {
    unsigned char digest[DIGEST_SIZE];
    struct buf    text = BUF_EMPTY;

    buf_addf(&text, "%s/%s", seed(call), buf_text(&call->place));
    crypto_sha256(buf_str(&text), digest);
    memcpy(out, digest, 16);
    buf_release(&text);
}

/* Version 8 of RFC 9562: bits of our own making. */
static struct json *slot_uuid(const struct call *call) {
    unsigned char bytes[16];
    struct buf    hex = BUF_EMPTY, text = BUF_EMPTY;
    struct json  *value;

    slot_bytes(call, bytes);
    bytes[6] = (unsigned char)((bytes[6] & 0x0F) | 0x80);
    bytes[8] = (unsigned char)((bytes[8] & 0x3F) | 0x80);
    encode_hex(bytes, sizeof bytes, &hex);
    buf_addf(&text, "%.8s-%.4s-%.4s-%.4s-%.12s", hex.data, hex.data + 8,
             hex.data + 12, hex.data + 16, hex.data + 20);
    value = json_new_text(buf_str(&text));
    buf_release(&hex);
    buf_release(&text);
    return value;
}

static struct json *slot_random(const struct call *call) {
    unsigned char bytes[16];
    uint64_t      bits;

    slot_bytes(call, bytes);
    memcpy(&bits, bytes, sizeof bits);
    return json_new_real((double)(bits >> 11) * 0x1p-53);
}

static struct json *catalogue_row(const struct call *call) {
    const struct json *row =
        json_find_str(json_find(call->gate->options.config, "services"),
                      json_find_text(call->effect.args, "key"));

    return row ? json_clone(row) : json_new_null();
}

static void answer_here(struct call *call, struct json *value) {
    call->value = value;
    conclude_read(call, true);
}

/* --- submitting ------------------------------------------------------- */

static void start(struct call *call) {
    switch (call->effect.kind) {
    case EFFECT_CATALOGUE: answer_here(call, catalogue_row(call)); break;
    case EFFECT_NOW: answer_here(call, json_new_int(call_now(call))); break;
    case EFFECT_RANDOM: answer_here(call, slot_random(call)); break;
    case EFFECT_UUID: answer_here(call, slot_uuid(call)); break;
    case EFFECT_SLEEP:
    case EFFECT_WAIT: call_wait(call, NULL); break;
    default:
        if (effect_writes(&call->effect))
            call_write(call);
        else
            act_read(call);
    }
}

/* (G1) */
static void answer_recorded(struct call *call, const struct json *record) {
    const struct json *error = json_find(record, "error");
    struct str         text = json_find_text(error, "text");
    enum err_code      code = err_find(json_find_text(error, "code").data);

    call->assumed = json_truth(json_find(record, "assumed"));
    if (!error) {
        call->value = json_retain(json_find(record, "answer"));
        call_finish(call, GATE_ANSWERED);
        return;
    }
    err_set(&call->err, code == ERR_COUNT ? ERR_REMOTE : code, "%.*s",
            STR_ARG(text));
    call->err.status = (int)json_find_int(error, "status", 0);
    call_finish(call, json_truth(json_find(record, "lost")) ? GATE_UNKNOWN
                                                            : GATE_FAILED);
}

static void derive_token(struct call *call) {
    struct buf text = BUF_EMPTY, hex = BUF_EMPTY;

    buf_addf(&text, "%s/%s", seed(call), buf_text(&call->place));
    crypto_sha256_hex(buf_str(&text), &hex);
    memcpy(call->token, buf_text(&hex), sizeof call->token);
    buf_release(&text);
    buf_release(&hex);
}

static struct call *call_open(struct gate *gate, const struct gate_ask *ask,
                              struct effect *effect, gate_done_fn *done,
                              void *arg) {
    struct call *call = mem_new(sizeof *call);

    call->gate = gate;
    call->ask = *ask;
    buf_add_str(&call->place, ask->place);
    call->effect = *effect;
    memset(effect, 0, sizeof *effect);
    call->done = done;
    call->arg = arg;
    call->how = "answered";
    call->began_ms = gate->options.seen ? call_now(call) : 0;
    if (gate->options.trace) {
        call->trace = *gate->options.trace;
        trace_span_of(str_of(ask->run), ask->place, call->trace.span);
    }
    return call;
}

/* One that goes on began when it was asked first. */
static void take_beginning(struct call *call, const struct json *asked) {
    int64_t at = json_find_int(asked, "at", call->began_ms);

    call->began_ms = json_find_int(asked, "began", at);
}

static bool find_slot(struct call *call, struct slot *slot) {
    struct buf asked = BUF_EMPTY;
    bool       ok;

    buf_addf(&asked, "%s ", call->effect.name);
    json_write(call->effect.args, &asked);
    ok = journal_slot(call->ask.journal, buf_str(&call->place),
                      str_of(call->effect.digest), buf_text(&asked), slot,
                      &call->err);
    if (!ok && call->effect.where[0])
        err_wrap(&call->err, "%s", call->effect.where);
    buf_release(&asked);
    if (ok && slot->state != SLOT_NEW)
        take_beginning(call, slot->asked);
    return ok;
}

static void go_on(struct call *call) {
    struct slot slot;

    if (!find_slot(call, &slot)) {
        call_finish(call, GATE_STOPPED);
        return;
    }
    if (slot.state == SLOT_DONE) {
        answer_recorded(call, slot.answer);
        return;
    }
    derive_token(call);
    if (slot.state == SLOT_WAITING)
        call_wait(call, slot.asked);
    else if (slot.state == SLOT_UNKNOWN) {
        call->before = json_retain(json_find(slot.asked, "before"));
        call_recover(call);
    } else if (!call_allowed(call, &call->effect))
        conclude_read(call, false);
    else
        start(call);
}

struct call *gate_submit(struct gate *gate, const struct gate_ask *ask,
                         struct effect *effect, gate_done_fn *done, void *arg) {
    struct call *call = call_open(gate, ask, effect, done, arg);

    go_on(call);
    return call;
}

struct call *gate_judge(struct gate *gate, const struct gate_ask *ask,
                        struct effect *effect, bool good,
                        const struct json *answer, gate_done_fn *done,
                        void *arg) {
    struct call *call = call_open(gate, ask, effect, done, arg);
    struct slot  slot;

    call->good = good;
    call->value = json_retain((struct json *)answer);
    if (find_slot(call, &slot))
        call_judge(call, slot.asked);
    else
        call_finish(call, GATE_STOPPED);
    return call;
}
