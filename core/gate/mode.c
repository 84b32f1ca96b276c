/* mode.c - what the modes share: names, and answers that come later. */
#include "gate/mode.h"

#include "base/mem.h"
#include "sys/loop.h"

static const char *const names[] = {"live", "dry-run", "fixture"};
static const char *const scenarios[] = {"works", "no_effect", "worse",
                                        "no_data"};

const char *mode_name(const struct mode *mode) {
    return names[mode->ops->kind];
}

void mode_back_off(struct mode *mode, int64_t due_ms, mode_done_fn *done,
                   void *arg) {
    if (mode->ops->back_off)
        mode->ops->back_off(mode, due_ms, done, arg);
    else
        mode->ops->until(mode, due_ms, done, arg);
}

void mode_wake(struct mode *mode, void *arg) {
    if (mode->ops->wake)
        mode->ops->wake(mode, arg);
}

int64_t mode_now(const struct mode *mode) {
    return mode->clock->wall_ms(mode->clock);
}

void mode_close(struct mode *mode) {
    if (mode)
        mode->ops->close(mode);
}

bool mode_scenario_read(struct str text, enum mode_scenario *out) {
    for (size_t i = 0; i < sizeof scenarios / sizeof *scenarios; i++)
        if (str_is(text, scenarios[i])) {
            *out = (enum mode_scenario)i;
            return true;
        }
    return false;
}

const char *mode_scenario_name(enum mode_scenario scenario) {
    return scenarios[scenario];
}

struct later {
    struct answer answer;
    mode_done_fn *done;
    void         *arg;
};

static void deliver(void *arg) {
    struct later later = *(struct later *)arg;

    mem_free(arg);
    later.done(later.arg, &later.answer);
}

void mode_answer_later(struct mode *mode, struct answer answer,
                       mode_done_fn *done, void *arg) {
    struct later *later = mem_new(sizeof *later);

    later->answer = answer;
    later->done = done;
    later->arg = arg;
    loop_defer(mode->loop, deliver, later);
}
