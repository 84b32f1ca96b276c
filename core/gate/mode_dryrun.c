/* mode_dryrun.c - reads are real until the first simulated write.
 *
 * From then on a read that could see the change is not asked: it gets what it
 * last answered with the prediction laid over it, or nothing. Writes get
 * their own prediction. The reader is asked for reads alone, and the assertion
 * below is the second lock on that door: the first is that this file is never
 * handed a client. (MO1, N5)
 */
#include <assert.h>
#include <string.h>

#include "base/mem.h"
#include "gate/mode.h"

struct mode_dryrun {
    struct mode  mode; /* first: the ops find us by it */
    struct mode *reader;
    struct json *touched; /* targets of simulated writes */
    struct json *known;   /* effect digest -> last real answer */
    struct json *changed; /* target -> what the write would have answered */
};

struct reading {
    struct mode_dryrun *dryrun;
    char                digest[65];
    mode_done_fn       *done;
    void               *arg;
};

/* "github:*" holds whatever begins with "github:". */
static bool holds(struct str wide, struct str narrow) {
    if (str_ends(wide, "*"))
        wide.len--;
    return narrow.len >= wide.len &&
           memcmp(narrow.data, wide.data, wide.len) == 0;
}

/* Could a read of `target` see a write to `touched`? One holds the other, or
 * it is a measurement, which sees everything. */
static bool sees(struct str target, struct str touched) {
    return str_starts(target, "prometheus:") || holds(touched, target) ||
           holds(target, touched);
}

static bool could_see(const struct mode_dryrun *dryrun,
                      const struct effect      *effect) {
    for (size_t i = 0; i < json_count(dryrun->touched); i++)
        if (sees(str_of(effect->target),
                 json_text(json_at(dryrun->touched, i))))
            return true;
    return false;
}

/* Lays the predicted service over a DescribeServices answer. */
static struct json *overlay(const struct mode_dryrun *dryrun,
                            const struct effect *effect, struct json *answer) {
    struct json_walk walk = json_walk_over(dryrun->changed);

    while (json_walk_next(&walk)) {
        const struct json *service = json_find(walk.value, "service");

        if (service && strcmp(effect->name, "aws:ecs:DescribeServices") == 0 &&
            json_count(json_find(answer, "services")) == 1)
            json_replace(json_find(answer, "services"), 0, json_clone(service));
    }
    return answer;
}

static const struct json *pull_of(const struct json *changed) {
    return json_find(changed, "state") ? changed
                                       : json_dig(changed, "revertPullRequest",
                                                  "revertPullRequest", NULL);
}

static struct json *imagined_pull(const struct mode_dryrun *dryrun,
                                  const struct effect      *effect) {
    struct json_walk walk = json_walk_over(dryrun->changed);
    struct json     *pull = NULL;

    while (!pull && json_walk_next(&walk))
        if (sees(str_of(effect->target), walk.key) && pull_of(walk.value))
            pull = json_clone(pull_of(walk.value));
    json_walk_stop(&walk);
    return pull;
}

/* A pull request that was only imagined is read back as imagined. */
static struct json *imagined(const struct mode_dryrun *dryrun,
                             const struct effect      *effect) {
    return strcmp(effect->name, "github:GET /repos/{owner}/{repo}/pulls/"
                                "{pull_number}") == 0
               ? imagined_pull(dryrun, effect)
               : NULL;
}

static void answer_assumed(struct mode_dryrun  *dryrun,
                           const struct effect *effect, mode_done_fn *done,
                           void *arg) {
    const struct json *known = json_find(dryrun->known, effect->digest);
    struct answer      answer = {.fate = ANSWER_GIVEN, .assumed = true};

    answer.value = imagined(dryrun, effect);
    if (!answer.value && known)
        answer.value = overlay(dryrun, effect, json_clone(known));
    if (!answer.value) {
        answer.fate = ANSWER_SILENT;
        err_set(&answer.err, ERR_NO_ANSWER,
                "%s is not asked: it could see a "
                "write that this dry run only pretended",
                effect->name);
    }
    mode_answer_later(&dryrun->mode, answer, done, arg);
}

static void simulate(struct mode_dryrun *dryrun, const struct mode_ask *ask,
                     mode_done_fn *done, void *arg) {
    const struct effect *effect = ask->effect;
    struct answer        answer = {.fate = ANSWER_GIVEN, .assumed = true};

    answer.value = effect->rule && effect->rule->predict
                       ? effect->rule->predict(effect, ask->before)
                       : json_new_map();
    if (effect->class != EFFECT_NOTIFY) {
        json_append_text(dryrun->touched, str_of(effect->target));
        json_put(dryrun->changed, effect->target, json_clone(answer.value));
    }
    mode_answer_later(&dryrun->mode, answer, done, arg);
}

static void read_done(void *arg, struct answer *answer) {
    struct reading *reading = arg;
    mode_done_fn   *done = reading->done;
    void           *owner = reading->arg;

    if (answer->fate == ANSWER_GIVEN)
        json_put(reading->dryrun->known, reading->digest,
                 json_clone(answer->value));
    mem_free(reading);
    done(owner, answer);
}

static void act(struct mode *mode, const struct mode_ask *ask,
                mode_done_fn *done, void *arg) {
    struct mode_dryrun *dryrun = (struct mode_dryrun *)mode;
    struct reading     *reading;

    if (effect_writes(ask->effect)) {
        simulate(dryrun, ask, done, arg);
        return;
    }
    if (could_see(dryrun, ask->effect)) {
        answer_assumed(dryrun, ask->effect, done, arg);
        return;
    }
    assert(ask->effect->class == EFFECT_READ);
    reading = mem_new(sizeof *reading);
    reading->dryrun = dryrun;
    reading->done = done;
    reading->arg = arg;
    memcpy(reading->digest, ask->effect->digest, sizeof reading->digest);
    dryrun->reader->ops->act(dryrun->reader, ask, read_done, reading);
}

/* Nobody waits in a dry run. */
static void until(struct mode *mode, int64_t due_ms, mode_done_fn *done,
                  void *arg) {
    (void)due_ms;
    mode_answer_later(mode,
                      (struct answer){.fate = ANSWER_GIVEN, .assumed = true},
                      done, arg);
}

static void back_off(struct mode *mode, int64_t due_ms, mode_done_fn *done,
                     void *arg) {
    struct mode_dryrun *dryrun = (struct mode_dryrun *)mode;

    dryrun->reader->ops->until(dryrun->reader, due_ms, done, arg);
}

static void wake(struct mode *mode, void *arg) {
    mode_wake(((struct mode_dryrun *)mode)->reader, arg);
}

static void close_dryrun(struct mode *mode) {
    struct mode_dryrun *dryrun = (struct mode_dryrun *)mode;

    mode_close(dryrun->reader);
    json_release(dryrun->touched);
    json_release(dryrun->known);
    json_release(dryrun->changed);
    mem_free(dryrun);
}

static const struct mode_ops ops = {MODE_DRY_RUN, act,      until,
                                    close_dryrun, back_off, wake};

struct mode *mode_dryrun_open(struct loop *loop, struct clock *clock,
                              struct mode *reader) {
    struct mode_dryrun *dryrun = mem_new(sizeof *dryrun);

    dryrun->mode = (struct mode){&ops, loop, clock, reader->spend};
    dryrun->reader = reader;
    dryrun->touched = json_new_list();
    dryrun->known = json_new_map();
    dryrun->changed = json_new_map();
    return &dryrun->mode;
}

bool mode_dryrun_simulated(const struct mode *mode) {
    return mode->ops == &ops &&
           json_count(((const struct mode_dryrun *)mode)->touched) > 0;
}
