/* gate_private.h - one submitted effect on its way, for gate/ alone.
 *
 * A call is made by gate_submit() and lives until its `done` was called. Each
 * step is a short function that starts something and names the next step.
 *
 * Lifetime: call. Thread: loop.
 */
#ifndef GATE_GATE_PRIVATE_H
#define GATE_GATE_PRIVATE_H

#include "gate/gate.h"
#include "gate/gate_shared.h"
#include "gate/retry.h"
#include "observe/trace_parent.h"

struct gate {
    struct gate_options options;
    struct gate_shared *shared;
    bool                owned; /* `shared` is this gate's alone */
};

struct call {
    struct gate    *gate;
    struct gate_ask ask;
    struct buf      place;
    struct effect   effect;
    struct effect   reader; /* the readback, or the question of a poll */
    gate_done_fn   *done;
    void           *arg;
    struct json    *before, *value;
    char            token[65];
    int             tries, rounds;
    int             cost;      /* of the tries, out of the bucket */
    int64_t         micro_usd; /* spent on a model in this slot */
    bool            assumed, resent;
    bool            good; /* of a judged wait */
    bool            idle; /* it lets time pass, nothing else */
    bool            cancelled;
    int64_t         due_ms; /* of what is parked */
    const char     *how;    /* answered, found applied, sent again … */
    enum gate_fate  fate;
    struct err      err;

    /* For who tells of it. ended_ms: its result was recorded. */
    int64_t began_ms, ended_ms;
    int     status; /* of its last answer over HTTP, or 0 */

    struct trace_parent trace; /* its span is this effect's own */
};

int64_t      call_now(const struct call *call);
/* Reports and ends the call, on the next turn. */
void         call_finish(struct call *call, enum gate_fate fate);
/* A record of this slot with at, kind and slot filled. */
struct json *call_record(const struct call *call, const char *kind);
/* The same with the question in it: name, class, target, digest, args. */
struct json *call_question_record(const struct call *call, const char *kind);
/* With `ok` and call->value or call->err; a "read" has its question too. */
struct json *call_result_record(struct call *call, const char *kind, bool ok);
/* The facts of an audit record about this effect. */
struct json *call_audit(const struct call *call, const char *kind);
void call_journal(struct call *call, struct json *record, struct json *audit,
                  void (*next)(struct call *call));
bool call_allowed(struct call *call, const struct effect *effect);
/* Should the effect be tried again inside its slot? Then until when. To be
 * asked of every answer once: a good one fills the bucket again. One that asks
 * for too long a wait says so in its error from then on. */
bool call_retry_due(struct call *call, const struct effect *effect,
                    struct answer *answer, int64_t *due_ms);
/* `next` when due; asks call_stopped() first. */
void call_until(struct call *call, int64_t due_ms, mode_done_fn *next);
void call_back_off(struct call *call, int64_t due_ms, mode_done_fn *next);
/* Was it cancelled while time passed? Then it is finished. */
bool call_stopped(struct call *call);
/* Keeps an error of the mode, redacted: a service may echo what it was sent. */
void call_error(struct call *call, const struct err *err);
struct json *call_redacted(const struct call *call, struct json *value);

/* What a request of it carries; NULL: nothing. */
const struct trace_parent *call_trace(const struct call *call);

/* call_write.c: a write, from its before-read to its result. */
void call_write(struct call *call);
/* A slot with an intent and no result: by class. */
void call_recover(struct call *call);

/* call_wait.c: sleeps and waits. */
void call_wait(struct call *call, const struct json *last);
void call_judge(struct call *call, const struct json *last);

#endif
