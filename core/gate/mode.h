/* mode.h - who answers an effect.
 *
 * Four lives of the same gate: `live` sends, `dry-run` reads for real until
 * the first write that it only pretends, `fixture` asks a world of rows,
 * `replay` a recording. A mode acts on one effect at a time, tells the time,
 * and lets it pass; everything else - slots, intents, classes, redaction - is
 * the gate's and the same in all of them.
 *
 *   MO1  Only mode_live can send a write; no other mode holds a way to. (N5)
 *
 * Lifetime: process. Thread: loop.
 */
#ifndef GATE_MODE_H
#define GATE_MODE_H

#include "base/clock.h"
#include "base/err.h"
#include "base/json.h"
#include "effect/answer.h"
#include "effect/effect.h"
#include "llm/spend.h"

struct gate_shared;
struct loop;
struct mode;
struct trace_parent;

enum mode_kind { MODE_LIVE, MODE_DRY_RUN, MODE_FIXTURE };

/* Called once, later, on the loop. Takes answer->value. */
typedef void mode_done_fn(void *arg, struct answer *answer);

/* What an effect needs beyond itself to be sent or predicted. */
struct mode_ask {
    const struct effect *effect;
    const struct json   *before; /* answer of the before-read, or NULL */
    const char          *token;  /* derived from the slot */
    struct spend_limits  spend;  /* of a question to a model */

    const struct trace_parent *trace; /* to be sent along, or NULL */
};

struct mode_ops {
    enum mode_kind kind;
    void (*act)(struct mode *mode, const struct mode_ask *ask,
                mode_done_fn *done, void *arg);
    /* done when the wall clock has reached due; it may be in the past. A mode
     * that does not wait answers at once, with `assumed`. */
    void (*until)(struct mode *mode, int64_t due_ms, mode_done_fn *done,
                  void *arg);
    void (*close)(struct mode *mode);
    /* Before a refused call is made again. NULL: as `until`. A dry run waits
     * here in earnest: its reads obey the limits of live ones. */
    void (*back_off)(struct mode *mode, int64_t due_ms, mode_done_fn *done,
                     void *arg);
    /* Ends what `arg` waits for in until() or back_off() early: its done comes
     * on the next turn. NULL: nobody waits for longer than that. */
    void (*wake)(struct mode *mode, void *arg);
};

struct mode {
    const struct mode_ops *ops;
    struct loop           *loop;
    struct clock          *clock; /* what ctx.now() shows */
    struct spend          *spend; /* of the day, on models; or NULL */
};

const char *mode_name(const struct mode *mode);
void        mode_back_off(struct mode *mode, int64_t due_ms, mode_done_fn *done,
                          void *arg);
void        mode_wake(struct mode *mode, void *arg);
int64_t     mode_now(const struct mode *mode); /* ms UTC */
void        mode_close(struct mode *mode);     /* NULL is fine */

/* Answers on the loop's next turn; takes answer.value. */
void mode_answer_later(struct mode *mode, struct answer answer,
                       mode_done_fn *done, void *arg);

/* --- the modes -------------------------------------------------------- */

struct http_client;
struct redact;
struct secrets;
struct signers;
struct world;

struct mode_live_options {
    struct loop          *loop;
    struct clock         *clock;
    struct http_client   *client;
    const struct json    *config;
    const struct secrets *secrets;
    const struct signers *signers;
    const struct redact  *redact;
    struct spend         *spend;
    struct gate_shared   *shared; /* NULL: its own */
};                                /* all borrowed */

struct mode *mode_live_open(const struct mode_live_options *options);

enum mode_scenario {
    ASSUME_WORKS,
    ASSUME_NO_EFFECT,
    ASSUME_WORSE,
    ASSUME_NO_DATA
};
bool        mode_scenario_read(struct str text, enum mode_scenario *out);
const char *mode_scenario_name(enum mode_scenario scenario);

/* Takes `reader`, a live mode that is asked for reads alone. */
struct mode *mode_dryrun_open(struct loop *loop, struct clock *clock,
                              struct mode *reader);
/* Has a write been simulated? From then on reads that could see it are not
 * asked. */
bool         mode_dryrun_simulated(const struct mode *mode);

/* Takes the world. */
struct mode *mode_fixture_open(struct loop *loop, struct world *world);

#endif
