/* gate.h - the one door out.
 *
 * Every contact with the world is submitted here. The gate looks whether its
 * slot is answered already, checks the node's right to it, writes the intent
 * down, lets the mode act, takes secrets out of the answer, writes the answer
 * down, and gives it back. Crash recovery, dry runs, fixtures, replay and audit
 * are this one path seen from different sides.
 *
 *   G1  A slot that is answered gives its recorded answer; nothing is asked.
 *   G2  No write acts before its intent is durable. (N6)
 *   G3  An effect that the node did not declare, and every `secret`, is
 *       refused in every mode, and the refusal is recorded.
 *   G4  An effect retry stays inside its slot; a write whose result is unknown
 *       is never retried: its class decides.
 *   G5  What a script sees is what was recorded: redacted first. (N11)
 *   G6  Cancelling ends no effect in its middle: what has been sent is heard
 *       out and recorded.
 *   G7  Each effect is told of once, by who carried it out: never one that was
 *       answered from the journal, nor one that is not over.
 *
 * Lifetime: process. Thread: loop.
 */
#ifndef GATE_GATE_H
#define GATE_GATE_H

#include "effect/effect.h"
#include "gate/mode.h"

struct call;
struct gate;
struct gate_shared;
struct journal;
struct redact;
struct trace_parent;

/* An effect as it was carried out, from the asking to its recorded answer. */
struct gate_seen {
    struct str           place;
    const struct effect *effect;
    int64_t              began_ms, ended_ms;
    bool                 failed, assumed;
    const struct err    *err; /* when it failed */
    const char          *how; /* answered, found applied, sent again … */
    int                  status, tries; /* of HTTP, or 0; made once more */
};
typedef void gate_seen_fn(void *arg, const struct gate_seen *seen); /* (G7) */

struct gate_options {
    struct mode         *mode;
    const struct redact *redact;
    const struct json   *config;
    int64_t              settle_ms; /* before a `verify` write is read back */
    struct gate_shared  *shared;    /* NULL: its own */

    /* The trace that requests carry on, or NULL; whom to tell, or NULL. */
    const struct trace_parent *trace;
    gate_seen_fn              *seen;
    void                      *arg;
}; /* all borrowed */

struct gate *gate_open(const struct gate_options *options);
void         gate_close(struct gate *gate); /* NULL is fine */

struct gate_ask {
    struct journal    *journal; /* borrowed until done */
    const char        *run;     /* borrowed until done */
    struct str         place;   /* see journal_place(); copied */
    const struct json *allowed; /* the node's `effects`, until done */
    /* { times, backoff (ms), on }; NULL: reads are retried three times. */
    const struct json *retry;
    const struct json *limits; /* the playbook's, until done; or NULL */
    /* What is due as far away as this is not waited for: GATE_PARKED. */
    int64_t            park_after_ms; /* 0: everything is waited for */
};

enum gate_fate {
    GATE_ANSWERED, /* value */
    GATE_FAILED,   /* err, for the script */
    GATE_UNKNOWN,  /* err: a write that nobody knows the end of */
    GATE_SILENT,   /* err: the world or the scenario has no answer */
    GATE_PARKED,   /* due_ms: ask the same question again then */
    GATE_STOPPED   /* err: diverged, or the journal failed; the run stops */
};

struct gate_answer {
    enum gate_fate     fate;
    bool               assumed;
    const struct json *value; /* borrowed until the callback returns */
    const struct err  *err;
    int64_t            due_ms;
};

/* Exactly once, later, on the loop. */
typedef void gate_done_fn(void *arg, const struct gate_answer *answer);

/* Takes what `effect` holds. For a wait the answer is { final, ok, answer };
 * when it is not final the script judges it and gate_judge() goes on. The
 * call is named until `done`, for gate_cancel(). */
struct call *gate_submit(struct gate *gate, const struct gate_ask *ask,
                         struct effect *effect, gate_done_fn *done, void *arg);

/* The script's verdict over the answer of a poll. `effect` is the wait. */
struct call *gate_judge(struct gate *gate, const struct gate_ask *ask,
                        struct effect *effect, bool good,
                        const struct json *answer, gate_done_fn *done,
                        void *arg);

/* A call that only lets time pass ends as GATE_STOPPED with ERR_CANCELLED;
 * any other goes on to its end, and what is asked after it is refused. (G6) */
void gate_cancel(struct call *call);

#endif
