/* lines.c - what a run walks at the same time.
 *
 * The trunk walks alone until an edge is a fork; then it stands still and each
 * branch walks. Whenever a line comes to rest the others are looked at, and
 * when none walks any more it shows what the drive has come to: the run stops,
 * or the fork is over and the trunk goes on, or everybody waits for something
 * far away and the run is parked. A line that waits so while others walk has
 * given up its VM all the same, and is woken by a timer.
 */
#include <string.h>

#include "base/mem.h"
#include "graph/run_private.h"

struct track *line_track(const struct line *line) {
    return &line->run->walk.tracks[line->track];
}

/* The trunk, and then the branches. */
static struct line *line_at(struct run *run, size_t at) {
    if (at == WALK_TRUNK)
        return &run->trunk;
    return at <= run->branch_count ? &run->branches[at - 1] : NULL;
}

static bool walks(struct run *run) {
    struct line *line;

    for (size_t i = 0; (line = line_at(run, i)); i++)
        if (line->state == LINE_WALKS)
            return true;
    return false;
}

static bool is_branch(const struct line *line) {
    return line->track != WALK_TRUNK;
}

/* What it leads to may be the next one already. */
static bool fork_is_over(const struct run *run) {
    return run->forked && (!run->walk.fork || run->forked != run->walk.forks);
}

bool line_left_behind(const struct line *line) {
    return line->run->stopping || (is_branch(line) && fork_is_over(line->run));
}

bool line_over(struct line *line) {
    bool over = line->run->cancelled || line_left_behind(line);

    if (over)
        err_set(&line->err, ERR_CANCELLED, "the run was cancelled");
    return over;
}

/* --- coming to rest -------------------------------------------------------- */

/* Timers that nobody needs any more end early; each tells it by itself. */
static bool wake_timed(struct run *run) {
    struct line *line;
    bool         any = false;

    for (size_t i = 0; (line = line_at(run, i)); i++) {
        any = any || line->timed;
        if (line->timed)
            mode_wake(run->options.mode, line);
    }
    return any;
}

/* When the first of those that rest is due; 0 when none does. */
static int64_t first_due(struct run *run) {
    struct line *line;
    int64_t      due = 0;

    for (size_t i = 0; (line = line_at(run, i)); i++)
        if (line->state == LINE_RESTS && (due == 0 || line->step.due_ms < due))
            due = line->step.due_ms;
    return due;
}

static void back_to_trunk(struct run *run) {
    for (size_t i = 0; i < run->branch_count; i++)
        run->branches[i].state = LINE_STILL;
    run->forked = 0;
    run->trunk.state = LINE_WALKS;
    run_follow(run, line_track(&run->trunk)->next);
}

/* The last thing that a line does: the run may be gone afterwards. */
static void look_around(struct run *run) {
    if (walks(run) || wake_timed(run))
        return;
    if (run->stopping) {
        run_report_stopped(run);
    } else if (fork_is_over(run)) {
        back_to_trunk(run);
    } else {
        run_report_parked(run, first_due(run));
    }
}

void line_still(struct line *line) {
    line->state = LINE_STILL;
    look_around(line->run);
}

void lines_cancel(struct run *run) {
    struct line *line;

    for (size_t i = 0; (line = line_at(run, i)); i++) {
        step_cancel(&line->step);
        if (line->timed)
            mode_wake(run->options.mode, line);
    }
}

static void stop(struct run *run, const struct err *err) {
    if (run->stopping)
        return;
    run->stopping = true;
    run->err = *err;
    lines_cancel(run);
}

/* What was left behind stops nobody else. */
void line_stop(struct line *line) {
    if (!line_left_behind(line))
        stop(line->run, &line->err);
    line_still(line);
}

bool line_failed(struct line *line, const struct err *err) {
    if (!err)
        return false;
    stop(line->run, err);
    line_still(line);
    return true;
}

/* --- resting --------------------------------------------------------------- */

/* Due, or woken because there is nothing to wait for any more. */
static void rested(void *arg, struct answer *answer) {
    struct line *line = arg;
    struct run  *run = line->run;

    (void)answer;
    line->timed = false;
    if (line_left_behind(line) || (!walks(run) && !run->cancelled)) {
        look_around(run);
        return;
    }
    line->state = LINE_WALKS;
    line_go_on(line);
}

static void rest(struct line *line, int64_t due_ms) {
    struct mode *mode = line->run->options.mode;

    line->state = LINE_RESTS;
    line->step.due_ms = due_ms;
    line->timed = walks(line->run);
    if (line->timed)
        mode->ops->until(mode, due_ms, rested, line);
    else
        look_around(line->run);
}

static void parked_durable(void *arg, const struct err *err) {
    struct line *line = arg;

    if (line_failed(line, err))
        return;
    if (line_over(line))
        line_stop(line);
    else
        rest(line, line->step.due_ms);
}

/* (RN6) */
void line_park(struct line *line) {
    struct run  *run = line->run;
    struct json *record = run_record(run, "parked");

    json_put_text(record, "node", line->step.node);
    json_put_int(record, "visit", line->step.visit);
    json_put_text(record, "phase", str_of(line->step.phase));
    json_put_int(record, "due", line->step.due_ms);
    json_put_int(record, "spent", line->step.spent_ms);
    run_note(run, record, parked_durable, line);
}

/* --- forks ------------------------------------------------------------------ */

static bool has_come(const struct line *line) {
    return str_equal(json_text(line_track(line)->next),
                     fork_join(line->run->walk.fork));
}

/* Of the trunk the run itself sees to that; a branch may have been left until
 * later than the run was. */
static int64_t resting_until(const struct line *line) {
    int64_t due = json_find_int(line_track(line)->parked, "due", 0);

    return is_branch(line) && !line->run->cancelled && due > run_now(line->run)
               ? due
               : 0;
}

void line_go_on(struct line *line) {
    const struct track *track = line_track(line);
    int64_t             due = resting_until(line);

    if (line_left_behind(line))
        line_still(line);
    else if (due)
        rest(line, due);
    else if (track->current)
        visit_go_on(line);
    else if (!is_branch(line))
        run_follow(line->run, track->next);
    else if (has_come(line))
        line_still(line);
    else
        visit_enter(line, json_text(track->next));
}

/* The end of one branch may be the end of all: then they are told at once. */
void line_follow(struct line *line) {
    if (fork_is_over(line->run))
        lines_cancel(line->run);
    if (is_branch(line) && line_over(line))
        line_stop(line);
    else
        line_go_on(line);
}

/* All of them walk before the first does anything: nobody who comes to rest at
 * once is the last. */
void lines_fork(struct run *run) {
    size_t count = fork_count(run->walk.fork);

    lines_close(run);
    run->branches = mem_new(count * sizeof *run->branches);
    run->branch_count = count;
    for (size_t i = 0; i < count; i++) {
        run->branches[i].run = run;
        run->branches[i].track = 1 + i;
        run->branches[i].state = LINE_WALKS;
    }
    run->forked = run->walk.forks;
    run->trunk.state = LINE_STILL;
    for (size_t i = 0; i < count; i++)
        line_go_on(&run->branches[i]);
}

void lines_close(struct run *run) {
    for (size_t i = 0; i < run->branch_count; i++)
        step_release(&run->branches[i].step);
    mem_free(run->branches);
    run->branches = NULL;
    run->branch_count = 0;
}
