/* support.h - a run's surroundings for tests: the real parts, small and fast.
 *
 * A bench has the loop, a store in memory with its queue, a bundle, a journal
 * and the gate, all of them the product's own. The one stand-in is the spy: a
 * mode that writes down what reaches the world, can make a call fail in the
 * ways that networks do, and hands everything else to the fixture world behind
 * it. A crash is a cut: what was in memory is dropped, the first records of
 * the journal are read back from another store, the world stays as it is.
 *
 * JSON in tests may be written with ' for ": support_json("{'a': 1}").
 *
 * Lifetime: a test. Thread: loop.
 */
#ifndef TESTS_SUPPORT_H
#define TESTS_SUPPORT_H

#include <criterion/criterion.h>

#include "base/clock_virtual.h"
#include "gate/gate.h"
#include "graph/run.h"
#include "store/journal.h"
#include "vm/bundle.h"

#define SUPPORT_START 1767225600000 /* 2026-01-01T00:00:00Z */
#define SUPPORT_RUN "run_1"

struct json  *support_json(const char *text);
/* Fails the test when value is not this JSON; `value` is not released. */
void          support_is(const struct json *value, const char *text);
bool          support_has(const char *text, const char *part);
/* The bundle's own rows of AWS services, put into a configuration. */
void          support_services(struct json *config);
/* The effect that a question makes, with an empty or the given configuration.
 */
struct effect support_effect(const char *question, const char *config);

/* --- the spy ---------------------------------------------------------- */

/* The next `times` calls of this effect end so, instead of being answered. */
struct spy_fault {
    const char      *effect;
    int              times;
    enum answer_fate fate;
    enum err_code    code;
    bool             applies; /* the world saw it all the same */
};

struct spy {
    struct mode      mode; /* first: the ops find us by it */
    struct mode_ops  ops;
    struct mode     *inner; /* NULL: refuses everything */
    struct json     *acts;  /* list of { effect, args, token, at } */
    struct spy_fault faults[4];
    /* Of every fault. */
    int64_t          retry_after_ms;
    int              status;
    /* Called before the world sees an act; NULL: nothing. */
    void (*look)(void *arg, const struct mode_ask *ask);
    /* Called when something waits, which then waits until it is woken; NULL:
     * time passes at once. */
    void (*waits)(void *arg);
    void         *arg;
    mode_done_fn *held;
    void         *held_arg;
    bool          released;
};

/* Takes inner. */
struct spy *spy_open(struct loop *loop, struct mode *inner,
                     enum mode_kind kind);
/* Ends the wait that is held, if one is. */
void        spy_release(struct spy *spy);
int         spy_count(const struct spy *spy, const char *effect);
/* How often anything that writes was asked. */
int         spy_writes(const struct spy *spy);

/* --- the bench -------------------------------------------------------- */

struct bench {
    struct loop         *loop;
    struct store        *store;
    struct queue        *queue;
    struct clock_virtual clock; /* of the VMs */
    struct bundle       *bundle;
    struct redact       *redact;
    struct log          *log;
    struct json         *config, *incident;
    struct spy          *spy;
    struct mode         *mode; /* the spy, or one that took it */
    struct journal      *journal;
    struct gate         *gate;
    struct json         *retry;
    struct run          *run;
    const char          *playbook;
    enum mode_scenario   scenario;
    int64_t              park_after_ms;
    int64_t              ask_park_ms; /* of bench_ask(); 0: never */
    struct gate_shared  *shared;
    struct journal_guard guard;

    const struct trace_parent *trace; /* of the gate */
    gate_seen_fn              *seen;
    void                      *seen_arg;

    bool       ended, failed;
    bool       forgets; /* what is parked is opened anew */
    int        parked;  /* how often it was */
    int64_t    due_ms;
    struct err err;
};

/* `world` is rows, one behind the other. */
void bench_open(struct bench *bench, const char *world);
void bench_close(struct bench *bench);
void bench_script(struct bench *bench, const char *path, const char *text);

/* Opens the gate when there is none. */
void bench_gate(struct bench *bench);

struct reply {
    bool           came, assumed;
    enum gate_fate fate;
    struct json   *value; /* for the test to release, or NULL */
    int64_t        due_ms;
    struct err     err;
};
/* Submits a question in the slot restart/0001/run/-/ORDINAL, with a right to
 * the effect that it is, and runs the loop. */
struct reply bench_ask(struct bench *bench, int ordinal, const char *question);
/* The same with the rights given, as a list of effects. */
struct reply bench_ask_allowed(struct bench *bench, int ordinal,
                               const char *question, const char *allowed);

/* Everything in memory is lost; the first `records` records are read back. */
void bench_cut(struct bench *bench, size_t records);
/* Opens a run over the journal and walks to its end. */
void bench_walk(struct bench *bench);
/* The same, until it is parked or ends. */
void bench_drive(struct bench *bench);
/* Starts the run that is open once more. */
void bench_again(struct bench *bench);

size_t             bench_count(const struct bench *bench, const char *kind);
/* The nth record (from 0) of a kind; the test fails when there is none. */
const struct json *bench_record(const struct bench *bench, const char *kind,
                                size_t nth);
size_t bench_position(const struct bench *bench, const char *kind, size_t nth);
/* "look:found mend:mended", and how the run ended behind it: "… = done". */
void   bench_path(const struct bench *bench, struct buf *out);
void   bench_path_is(const struct bench *bench, const char *path);
/* The report of the last walk; gives. */
struct json *bench_report(struct bench *bench);

#endif
