/* fault.c - SIGKILL to ourselves: nothing is flushed, nothing is unwound. */
#include "base/fault.h"

#include <signal.h>
#include <stdatomic.h>
#include <string.h>

#include "base/buf.h"

static const struct {
    const char *name, *where;
} points[] = {
#define X(id, name, where) {name, where},
    FAULT_POINTS(X)
#undef X
};

static atomic_bool armed;
static atomic_long passages[FAULT_COUNT];
static int         target = FAULT_COUNT; /* FAULT_COUNT: only count */
static int64_t     target_passage;

bool fault_arm(const char *text, struct err *err) {
    struct str nth, name = str_cut(str_of(text), ':', &nth);
    int        point = 0;

    atomic_store(&armed, true);
    if (str_is(name, "count"))
        return true;
    while (point < FAULT_COUNT && !str_is(name, points[point].name))
        point++;
    target_passage = 1;
    if (point == FAULT_COUNT || (nth.data && !str_to_int(nth, &target_passage)))
        return err_set(err, ERR_USAGE,
                       "NIGHTSHIFT_FAULT=%s names no fault "
                       "point; base/fault.h lists them",
                       text);
    target = point;
    return true;
}

void fault_pass(enum fault_point point) {
    long passage;

    if (!atomic_load_explicit(&armed, memory_order_relaxed))
        return;
    passage = atomic_fetch_add(&passages[point], 1) + 1;
    if ((int)point == target && passage == target_passage)
        (void)kill(getpid(), SIGKILL);
}

const char *fault_name(enum fault_point point) {
    return points[point].name;
}

const char *fault_where(enum fault_point point) {
    return points[point].where;
}

long fault_passages(enum fault_point point) {
    return atomic_load(&passages[point]);
}
