/* run_private.h - what the files of one run share, for graph/ alone.
 *
 * run.c is the life of a run, lines.c the lines that it walks, visit.c the
 * entrance of a node and visit_end.c its end, step.c one function of one node,
 * undo.c takes writes back. A line walks one visit after the other: the trunk, or a branch
 * of a fork. A step is a node's `run` or `undo` at one visit.
 *
 * Lifetime: run. Thread: loop.
 */
#ifndef GRAPH_RUN_PRIVATE_H
#define GRAPH_RUN_PRIVATE_H

#include "graph/run.h"
#include "graph/together.h"
#include "vm/attempt.h"

#define WATCHDOG_MS 10000 /* five times the CPU limit of an attempt */

enum step_fate {
    STEP_ENDED,   /* results */
    STEP_FAILED,  /* err */
    STEP_UNKNOWN, /* err: a write that nobody knows the end of */
    STEP_ASSUMED, /* the dry run's scenario ends here */
    STEP_PARKED,  /* due_ms: the step is left, and started again then */
    STEP_STOPPED  /* err: the run stops */
};

struct line;

struct step {
    const char          *phase; /* "run" or "undo" */
    struct str           node;  /* its name in the graph */
    int                  visit;
    const struct script *script;
    const struct json   *meta, *allowed;
    struct json         *arguments, *retry, *results;
    struct attempt      *attempt;
    struct effect        wait; /* the wait that the script is judging */
    struct json         *polled;
    struct call         *call;     /* what the gate is asked, or NULL */
    struct together     *together; /* or what it is asked at once */
    int                  ordinal;
    int64_t              spent_ms, asked_ms, timeout_ms, due_ms;
    bool                 waiting;
    bool                 assumed; /* a wait was taken for granted */
    struct buf           place;
    void (*done)(struct line *line, enum step_fate fate);
};

enum line_state {
    LINE_STILL, /* nothing of it is on its way */
    LINE_WALKS,
    LINE_RESTS /* its visit is left until step.due_ms */
};

struct line {
    struct run     *run;
    size_t          track; /* of the walk */
    enum line_state state;
    bool            timed; /* it rests while another line walks */
    struct step     step;
    struct err      err;
};

struct run {
    struct run_options options;
    const struct json *playbook;
    struct walk        walk;
    struct line        trunk;
    struct line       *branches; /* of the last fork, or NULL */
    size_t             branch_count;
    struct err         err; /* why it stops */
    run_done_fn       *done;
    void              *arg;
    size_t             undoing; /* index into walk.wrote, counted down */
    bool               driven, cancelled, stopping;
    size_t forked; /* the fork whose branches were begun, until the trunk has
                    * gone on; 0: none */
};

/* run.c */
int64_t      run_now(const struct run *run);
struct json *run_record(const struct run *run, const char *kind);
/* Takes the record; adds it to the journal and folds it. `done` gets `arg`. */
void         run_note(struct run *run, struct json *record, queue_done_fn *done,
                      void *arg);
void         run_catch_up(struct run *run);
const struct json *run_node(const struct run *run, struct str name);
/* The node script's table, or NULL with err filled. */
const struct json *run_meta(struct run *run, struct str use,
                            const struct script **script, struct err *err);
int                run_attempts_limit(const struct run *run);
/* Has a dry run pretended a write? */
bool               run_simulated(const struct run *run);
/* Where the trunk's last end leads. */
void               run_follow(struct run *run, const struct json *target);
/* What a drive comes to, once no line of it walks. */
void               run_report_parked(struct run *run, int64_t due_ms);
void               run_report_stopped(struct run *run);

/* lines.c */
struct track *line_track(const struct line *line);
/* Goes on where its track stands. */
void          line_go_on(struct line *line);
/* Its visit has ended, durably. */
void          line_follow(struct line *line);
/* Writes down that its step is left until due, and leaves it. */
void          line_park(struct line *line);
/* The run stops, for line->err. */
void          line_stop(struct line *line);
/* True when there was an error, and the run stops for it. */
bool          line_failed(struct line *line, const struct err *err);
/* Does the run stop, or has another branch left the fork? Then what it comes
 * to is not wanted any more. (RN8) */
bool          line_left_behind(const struct line *line);
/* The same, or the run was cancelled (RN7); fills line->err. */
bool          line_over(struct line *line);
/* Nothing of it is on its way any more. */
void          line_still(struct line *line);
void          lines_fork(struct run *run);
void          lines_cancel(struct run *run);
void          lines_close(struct run *run);

/* visit.c */
void visit_enter(struct line *line, struct str node);
void visit_go_on(struct line *line);
/* Does a node with this table change the world, messages to people aside? */
bool visit_writes(const struct json *meta);

/* visit_end.c */
void visit_end(struct line *line, enum step_fate fate);
void visit_end_failed(struct line *line); /* for line->err */
/* The dry run cannot know how this node would go on: its first outcome, which
 * is the one it is there for, is assumed. */
void visit_end_assumed(struct line *line, struct str outcome);

/* step.c. Takes `arguments`; step.node must live as long as the step. */
void step_start(struct line *line, const char *phase, struct str node,
                int visit, const struct script *script, const struct json *meta,
                struct json *arguments,
                void (*done)(struct line *line, enum step_fate fate));
/* Ends early what only lets time pass. */
void step_cancel(struct step *step);
void step_release(struct step *step);

/* undo.c */
void undo_start(struct run *run);

#endif
