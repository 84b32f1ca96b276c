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
 *
 * Lifetime: process. Thread: loop.
 */
#ifndef GATE_GATE_H
#define GATE_GATE_H

#include "effect/effect.h"
#include "gate/mode.h"

struct gate;
struct journal;
struct redact;

struct gate_options {
    struct mode         *mode;
    const struct redact *redact;
    const struct json   *config;
    int64_t              settle_ms; /* before a `verify` write is read back */
};                                  /* all borrowed */

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
};

enum gate_fate {
    GATE_ANSWERED, /* value */
    GATE_FAILED,   /* err, for the script */
    GATE_UNKNOWN,  /* err: a write that nobody knows the end of */
    GATE_SILENT,   /* err: the world or the scenario has no answer */
    GATE_STOPPED   /* err: diverged, or the journal failed; the run stops */
};

struct gate_answer {
    enum gate_fate     fate;
    bool               assumed;
    const struct json *value; /* borrowed until the callback returns */
    const struct err  *err;
};

/* Exactly once, later, on the loop. */
typedef void gate_done_fn(void *arg, const struct gate_answer *answer);

/* Takes what `effect` holds. For a wait the answer is { final, ok, answer };
 * when it is not final the script judges it and gate_judge() goes on. */
void gate_submit(struct gate *gate, const struct gate_ask *ask,
                 struct effect *effect, gate_done_fn *done, void *arg);

/* The script's verdict over the answer of a poll. `effect` is the wait. */
void gate_judge(struct gate *gate, const struct gate_ask *ask,
                struct effect *effect, bool good, const struct json *answer,
                gate_done_fn *done, void *arg);

#endif
