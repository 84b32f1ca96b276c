/* runner.c - entries in lanes: one for each playbook, taken in turns.
 *
 * An entry waits in its lane, or for a timer that puts it there. Timers run on
 * the loop's monotonic clock, so a step of the wall clock fires none; what is
 * due is written in the store as UTC and asked again by the gate. (RU3)
 */
#include "graph/runner.h"

#include <string.h>

#include "base/fault.h"
#include "base/mem.h"
#include "graph/runner_private.h"
#include "sys/loop.h"

static void poke(struct runner *runner);

/* --- lanes --------------------------------------------------------------- */

static struct lane *lane_of(struct runner *runner, struct str playbook) {
    struct lane **end = &runner->lanes;

    for (; *end; end = &(*end)->next)
        if (str_is(playbook, (*end)->playbook))
            return *end;
    *end = mem_new(sizeof **end);
    (*end)->playbook = mem_text(playbook.data, playbook.len);
    return *end;
}

static void lane_push(struct entry *entry) {
    struct lane *lane = entry->lane;

    entry->next = NULL;
    entry->queued = true;
    if (lane->last)
        lane->last->next = entry;
    else
        lane->first = entry;
    lane->last = entry;
    poke(entry->runner);
}

static void lane_remove(struct entry *entry) {
    struct lane   *lane = entry->lane;
    struct entry **at = &lane->first, *before = NULL;

    if (!entry->queued)
        return;
    for (; *at != entry; at = &(*at)->next)
        before = *at;
    *at = entry->next;
    if (lane->last == entry)
        lane->last = before;
    entry->queued = false;
}

const struct json *runner_limits(struct bundle *bundle, const char *playbook) {
    const struct script *script =
        bundle_find(bundle, SCRIPT_PLAYBOOK, str_of(playbook));
    const struct json *table = NULL;
    struct err         err;

    return script && bundle_meta(bundle, script, &table, &err)
               ? json_find(table, "limits")
               : NULL;
}

/* How many of a playbook may be walked at once; 0: as many as of all. */
static size_t lane_limit(const struct runner *runner, const struct lane *lane) {
    return (size_t)json_find_int(
        runner_limits(runner->world.bundle, lane->playbook), "runs", 0);
}

static bool lane_has_room(const struct runner *runner,
                          const struct lane   *lane) {
    size_t limit = lane_limit(runner, lane);

    return lane->first && (limit == 0 || lane->walked < limit);
}

/* The next lane whose turn it is goes to the end of the list. */
static struct lane *next_lane(struct runner *runner) {
    struct lane **at = &runner->lanes, *lane, **end;

    while (*at && !lane_has_room(runner, *at))
        at = &(*at)->next;
    lane = *at;
    if (!lane || !lane->next)
        return lane;
    *at = lane->next;
    for (end = at; *end; end = &(*end)->next)
        ;
    lane->next = NULL;
    *end = lane;
    return lane;
}

/* --- beginning ----------------------------------------------------------- */

static void walk(struct entry *entry) {
    lane_remove(entry);
    if (entry->state == ENTRY_PARKED) {
        entry->runner->parked--;
        fault_pass(FAULT_RUNNER_WOKEN);
    }
    entry->state = ENTRY_WALKED;
    entry->lane->walked++;
    entry->runner->walked++;
    runner_walk(entry);
}

static void begin_some(void *arg) {
    struct runner *runner = arg;
    struct lane   *lane;

    runner->poked = false;
    while (!runner->stopping && runner->world.bundle &&
           runner->walked < runner->world.runs &&
           (lane = next_lane(runner)) != NULL)
        walk(lane->first);
}

static void poke(struct runner *runner) {
    if (runner->poked || runner->stopping)
        return;
    runner->poked = true;
    loop_defer(runner->options.loop, begin_some, runner);
}

static void time_is_up(void *arg) {
    struct entry *entry = arg;

    entry->timer = NULL;
    lane_push(entry);
}

/* In its lane now, or when its time has come. */
static void line_up(struct entry *entry) {
    struct runner *runner = entry->runner;
    int64_t        now = runner->options.clock->wall_ms(runner->options.clock);

    if (entry->due_ms <= now)
        lane_push(entry);
    else if (!runner->stopping)
        entry->timer = loop_timer_start(runner->options.loop,
                                        entry->due_ms - now, time_is_up, entry);
}

/* --- entries ------------------------------------------------------------- */

static struct entry *entry_add(struct runner *runner, struct str run,
                               struct str playbook, int64_t due_ms) {
    struct entry *entry = mem_new(sizeof *entry);

    (void)snprintf(entry->id, sizeof entry->id, "%.*s", STR_ARG(run));
    entry->runner = runner;
    entry->lane = lane_of(runner, playbook);
    entry->due_ms = due_ms;
    map_put(&runner->entries, str_of(entry->id), entry);
    return entry;
}

static void entry_free(struct entry *entry) {
    loop_timer_cancel(entry->timer);
    json_release(entry->incident);
    mem_free(entry);
}

void runner_add(struct runner *runner, struct str run, struct str playbook,
                int64_t due_ms, const struct json *incident) {
    struct entry *entry = entry_add(runner, run, playbook, due_ms);

    entry->fresh = true;
    /* What cannot begin soon is read back when it does. */
    if (incident && runner->walked < runner->world.runs && due_ms == 0)
        entry->incident = json_clone(incident);
    line_up(entry);
}

const char *runner_ending(const struct json *open) {
    struct str why = json_find_text(open, "cancel");

    if (why.len == 0 ||
        (json_truth(json_find(open, "acted")) && str_is(why, "resolved")))
        return NULL;
    return str_is(why, "resolved") ? "recovered" : "cancelled";
}

void runner_recover(struct runner *runner, struct str run,
                    const struct json *open) {
    struct str    state = json_find_text(open, "state");
    struct entry *entry =
        entry_add(runner, run, json_find_text(open, "playbook"),
                  json_find_int(open, "due", 0));

    entry->outcome = runner_ending(open);
    if (str_is(state, "parked")) {
        entry->state = ENTRY_PARKED;
        runner->parked++;
    }
    if (str_is(state, "running") || entry->outcome)
        entry->due_ms = 0;
    line_up(entry);
}

void runner_put_aside(struct runner *runner, struct str run,
                      struct str playbook, const char *outcome,
                      const char *why) {
    struct entry *entry = entry_add(runner, run, playbook, 0);

    log_line(runner->options.log, LOG_ERROR, entry->id, "run put aside",
             "outcome", outcome, "why", why, NULL);
    entry->outcome = outcome;
    line_up(entry);
}

void runner_attach(struct runner *runner, struct str run,
                   struct json *evidence) {
    struct entry *entry = map_find(&runner->entries, run);

    if (entry && entry->live) {
        runner_live_attach(entry->live, evidence);
        return;
    }
    /* The store has it, and it is told when it is read back: so it is read
     * back. (RU2) */
    if (entry) {
        json_release(entry->incident);
        entry->incident = NULL;
    }
    json_release(evidence);
}

/* (RU5) */
bool runner_cancel(struct runner *runner, struct str run, const char *why) {
    struct entry *entry = map_find(&runner->entries, run);

    if (!entry)
        return false;
    entry->outcome = strcmp(why, "resolved") == 0 ? "recovered" : "cancelled";
    if (entry->live) {
        runner_live_cancel(entry->live);
    } else if (entry->state != ENTRY_WALKED && !entry->queued) {
        loop_timer_cancel(entry->timer);
        entry->timer = NULL;
        lane_push(entry);
    }
    return true;
}

/* --- ends ---------------------------------------------------------------- */

static void tell_idle(struct runner *runner) {
    if (!runner->stopping || runner->walked > 0 || !runner->idle)
        return;
    loop_defer(runner->options.loop, runner->idle, runner->idle_arg);
    runner->idle = NULL;
}

void runner_done(struct entry *entry, int64_t due_ms) {
    struct runner *runner = entry->runner;

    entry->live = NULL;
    entry->fresh = false;
    entry->lane->walked--;
    runner->walked--;
    if (due_ms < 0) {
        (void)map_take(&runner->entries, str_of(entry->id));
        entry_free(entry);
    } else {
        entry->state = ENTRY_PARKED;
        entry->due_ms = entry->outcome ? 0 : due_ms;
        runner->parked++;
        line_up(entry);
    }
    poke(runner);
    tell_idle(runner);
}

void runner_failed(struct runner *runner, const struct err *err) {
    runner->stopping = true;
    runner->options.events->failed(runner->options.arg, err);
}

/* --- the life of it ------------------------------------------------------ */

struct runner *runner_open(const struct runner_options *options) {
    struct runner *runner = mem_new(sizeof *runner);

    runner->options = *options;
    runner->turnstile = turnstile_open(options->loop);
    return runner;
}

void runner_close(struct runner *runner) {
    size_t        at = 0;
    struct entry *entry;

    if (!runner)
        return;
    while ((entry = map_next(&runner->entries, &at)) != NULL)
        entry_free(entry);
    map_release(&runner->entries);
    while (runner->lanes) {
        struct lane *lane = runner->lanes;

        runner->lanes = lane->next;
        mem_free(lane->playbook);
        mem_free(lane);
    }
    for (size_t i = 0; i < runner->bundle_count; i++)
        bundle_release(runner->bundles[i]);
    mem_free(runner->bundles);
    bundle_release(runner->world.bundle);
    turnstile_close(runner->turnstile);
    mem_free(runner);
}

void runner_use(struct runner *runner, const struct runner_world *world) {
    struct bundle *old = runner->world.bundle;

    runner->world = *world;
    runner->world.bundle = bundle_retain(world->bundle);
    bundle_release(old);
    bundle_use_room(world->bundle, turnstile_room(runner->turnstile));
    turnstile_limit(runner->turnstile, world->vm_bytes);
    poke(runner);
}

void runner_stop(struct runner *runner, void (*idle)(void *arg), void *arg) {
    size_t        at = 0;
    struct entry *entry;

    runner->stopping = true;
    runner->idle = idle;
    runner->idle_arg = arg;
    while ((entry = map_next(&runner->entries, &at)) != NULL) {
        loop_timer_cancel(entry->timer);
        entry->timer = NULL;
        if (entry->live)
            runner_live_cancel(entry->live);
    }
    turnstile_let_go(runner->turnstile);
    tell_idle(runner);
}

struct runner_counts runner_counts(const struct runner *runner) {
    const struct room *room = turnstile_room(runner->turnstile);

    return (struct runner_counts){
        .waiting = runner->entries.count - runner->walked - runner->parked,
        .running = runner->walked,
        .parked = runner->parked,
        .vms = room->vms,
        .vm_bytes = room->used,
        .vm_waiting = turnstile_waiting(runner->turnstile)};
}
