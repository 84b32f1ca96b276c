/* fork.h - an edge that leads to several nodes at once.
 *
 *     next = { found = { all = { "logs", "commits" }, join = "decision" } }
 *
 * Each node in `all` begins a branch: a single path of nodes that only read.
 * When all of them have come to `join`, the run goes on there. A node of a
 * branch that ends with any other edge - an error, an outcome that leads
 * elsewhere - ends the fork: its siblings are cancelled, that edge is taken.
 *
 *   FK1  Of the edges of a node one at most is its way on inside a branch, and
 *        it depends on the playbook and the join alone: on the edge to the
 *        join, or else on the only one that leads neither to an end nor to the
 *        route of errors.
 *
 * Lifetime: call. Thread: any.
 */
#ifndef GRAPH_FORK_H
#define GRAPH_FORK_H

#include "base/json.h"

#define FORK_BRANCHES_MAX 8

/* An edge's target is the name of a node, or a fork. */
static inline bool fork_is(const struct json *target) {
    return json_is(target, JSON_MAP);
}

static inline size_t fork_count(const struct json *fork) {
    return json_count(json_find(fork, "all"));
}

static inline struct str fork_head(const struct json *fork, size_t branch) {
    return json_text(json_at(json_find(fork, "all"), branch));
}

static inline struct str fork_join(const struct json *fork) {
    return json_find_text(fork, "join");
}

/* "scale", or "logs + commits, then decision"; appends. */
void fork_write(const struct json *target, struct buf *out);

/* Where errors lead. */
struct str fork_failed_route(const struct json *playbook);

/* The node that follows `node` inside a branch, the join included; empty when
 * there is none, or when more than one could be meant. (FK1) */
struct str fork_way_on(const struct json *playbook, struct str node,
                       struct str join);

#endif
