/* fork.c - the shape of a fork, as `check` proves it and a run walks it. */
#include "graph/fork.h"

void fork_write(const struct json *target, struct buf *out) {
    if (!fork_is(target)) {
        buf_add_str(out, json_text(target));
        return;
    }
    for (size_t i = 0; i < fork_count(target); i++)
        buf_addf(out, "%s%.*s", i ? " + " : "", STR_ARG(fork_head(target, i)));
    buf_addf(out, ", then %.*s", STR_ARG(fork_join(target)));
}

struct str fork_failed_route(const struct json *playbook) {
    struct str route = json_find_text(playbook, "failed");

    return route.len ? route : STR("escalation");
}

/* An edge that no branch follows. */
static bool leaves(const struct json *playbook, struct str target) {
    return target.len == 0 || str_is(target, "done") ||
           str_is(target, "undo") ||
           str_equal(target, fork_failed_route(playbook));
}

struct str fork_way_on(const struct json *playbook, struct str node,
                       struct str join) {
    const struct json *entry =
        json_find_str(json_find(playbook, "nodes"), node);
    struct json_walk walk = json_walk_over(json_find(entry, "next"));
    struct str       way = {NULL, 0};
    bool             several = false;

    while (json_walk_next(&walk)) {
        struct str target = json_text(walk.value);

        if (str_equal(target, join)) {
            json_walk_stop(&walk);
            return target;
        }
        if (leaves(playbook, target))
            continue;
        several = several || (way.len && !str_equal(way, target));
        way = target;
    }
    return several ? (struct str){NULL, 0} : way;
}
