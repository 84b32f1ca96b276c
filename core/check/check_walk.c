/* check_walk.c - what holds on every way through a playbook.
 *
 * Everything is one question: is there a way from here to there that does not
 * do this? It is answered by a search in breadth, so the way that is shown to
 * the operator is a shortest one. A node that fails leaves over its error
 * edge, without an output and without having proven anything.
 */
#include "check/check_private.h"

struct search {
    const struct graph *graph;
    const bool         *stops; /* NULL, or: left by an error edge only */
    size_t              queue[GRAPH_VERTICES_MAX];
    size_t              from[GRAPH_VERTICES_MAX]; /* whence it was reached */
    bool                seen[GRAPH_VERTICES_MAX];
    size_t              head, tail;
};

static void visit(struct search *search, size_t at, size_t from) {
    if (search->seen[at])
        return;
    search->seen[at] = true;
    search->from[at] = from;
    search->queue[search->tail++] = at;
}

/* Nobody comes to the join without all branches having been walked. */
static void visit_join(struct search *search, const struct fork_edge *fork) {
    for (size_t i = 0; search->stops && i < fork->count; i++)
        if (search->stops[fork->members[i]])
            return;
    visit(search, fork->join, fork->from);
}

static void visit_joins(struct search *search, size_t from) {
    const struct graph *graph = search->graph;

    for (size_t i = 0; i < graph->fork_count; i++)
        if (graph->forks[i].from == from)
            visit_join(search, &graph->forks[i]);
}

static void visit_next(struct search *search, size_t from) {
    const struct graph *graph = search->graph;

    for (size_t to = 0; to < graph->count + 2; to++) {
        enum edge edge = graph->edge[from][to];
        bool      stopped = search->stops && search->stops[from];

        /* A node with an edge for an outcome may as well fail. */
        if (edge == EDGE_ERROR || (edge > EDGE_ERROR && !stopped) ||
            (edge != EDGE_NONE && to == graph->failed && from < graph->count))
            visit(search, to, from);
    }
    if (!search->stops || !search->stops[from])
        visit_joins(search, from);
}

/* Everything that can be reached. The root counts as reached only when a way
 * leads back to it, unless `rooted`. */
static void explore(struct search *search, const struct graph *graph,
                    const bool *stops, size_t root, bool rooted) {
    *search = (struct search){.graph = graph, .stops = stops};
    if (rooted)
        visit(search, root, GRAPH_NOWHERE);
    else
        visit_next(search, root);
    while (search->head < search->tail)
        visit_next(search, search->queue[search->head++]);
}

/* From a root that is its own beginning, or that was left without being
 * reached: its steps have `root` as whence. */
static void write_way(const struct search *search, size_t root, size_t at,
                      struct buf *way) {
    size_t steps[GRAPH_VERTICES_MAX], count = 0;

    while (at != GRAPH_NOWHERE && count < GRAPH_VERTICES_MAX - 1) {
        steps[count++] = at;
        at = search->from[at];
        if (at == root) {
            steps[count++] = root;
            break;
        }
    }
    buf_clear(way);
    while (count-- > 0)
        buf_addf(way, "%.*s%s", STR_ARG(search->graph->at[steps[count]].name),
                 count ? " -> " : "");
}

bool check_walk_reaches(const struct graph *graph, size_t at) {
    struct search search;

    explore(&search, graph, NULL, graph->start, true);
    return search.seen[at];
}

bool check_walk_skips(const struct graph *graph, size_t needed, size_t at,
                      struct buf *way) {
    bool          stops[GRAPH_VERTICES_MAX] = {false};
    struct search search;

    stops[needed] = true;
    explore(&search, graph, stops, graph->start, true);
    if (!search.seen[at])
        return false;
    write_way(&search, graph->start, at, way);
    return true;
}

static struct spot spot_of(const struct check  *check,
                           const struct vertex *vertex) {
    struct spot playbook = check_root(check, "playbook");
    struct spot nodes = check_member(&playbook, STR("nodes"));

    return check_member(&nodes, vertex->name);
}

static void check_reached(struct check *check, const struct graph *graph) {
    struct search search;

    if (graph->holed)
        return;
    explore(&search, graph, NULL, graph->start, true);
    for (size_t i = 0; i < graph->count; i++) {
        struct spot spot = spot_of(check, &graph->at[i]);

        if (!search.seen[i])
            check_say_at(check, FINDING_NODE_UNREACHABLE, &spot,
                         "no way from '%.*s' leads to '%.*s'",
                         STR_ARG(graph->at[graph->start].name),
                         STR_ARG(graph->at[i].name));
    }
}

/* --- writes --------------------------------------------------------------- */

/* Does the run end here as if all were well? An end does, but for the one
 * that errors lead to: that one ends it as escalated. */
static bool ends_well(const struct graph *graph, size_t at) {
    if (at >= graph->count)
        return at == graph->done;
    return graph->at[at].ends && at != graph->failed && !graph->at[at].proves;
}

static void check_verified(struct check *check, const struct graph *graph,
                           size_t writer, const bool *proves) {
    struct spot   spot = spot_of(check, &graph->at[writer]);
    struct search search;
    struct buf    way = BUF_EMPTY;
    size_t        at = 0;

    explore(&search, graph, proves, writer, false);
    while (at < graph->count + 2 && !(search.seen[at] && ends_well(graph, at)))
        at++;
    if (ends_well(graph, writer))
        check_say_at(check, FINDING_WRITE_UNVERIFIED, &spot,
                     "'%.*s' writes, and the run ends there as done",
                     STR_ARG(graph->at[writer].name));
    else if (at < graph->count + 2) {
        write_way(&search, writer, at, &way);
        check_say_at(check, FINDING_WRITE_UNVERIFIED, &spot,
                     "'%.*s' writes, and %s ends as done with no "
                     "verification on the way",
                     STR_ARG(graph->at[writer].name), buf_text(&way));
    }
    buf_release(&way);
}

/* An undo takes the write back, so nothing behind it is owed a proof. */
static void check_writes(struct check *check, const struct graph *graph) {
    bool proves[GRAPH_VERTICES_MAX] = {false};

    for (size_t i = 0; i < graph->count; i++)
        proves[i] = graph->at[i].proves;
    proves[graph->undo] = true;
    for (size_t i = 0; i < graph->count; i++)
        if (graph->at[i].writes && check_walk_reaches(graph, i))
            check_verified(check, graph, i, proves);
}

/* --- loops and ends ------------------------------------------------------- */

/* No limit holds the route of errors, since a run must be able to hand over;
 * so what it leads to must not be able to fail back to it. */
static bool check_failed_route(struct check *check, const struct graph *graph) {
    struct search search;
    struct spot   spot;
    struct buf    way = BUF_EMPTY;

    if (graph->failed == GRAPH_NOWHERE)
        return true;
    explore(&search, graph, NULL, graph->failed, false);
    if (!search.seen[graph->failed])
        return true;
    spot = spot_of(check, &graph->at[graph->failed]);
    write_way(&search, graph->failed, graph->failed, &way);
    check_say_at(check, FINDING_LOOP_UNBOUNDED, &spot,
                 "%s: where errors lead must be an end, or errors go round",
                 buf_text(&way));
    buf_release(&way);
    return false;
}

static void check_loops(struct check *check, const struct graph *graph) {
    struct search search;
    struct buf    way = BUF_EMPTY;

    if (json_find(json_find(check->meta, "limits"), "attempts"))
        return;
    for (size_t i = 0; i < graph->count && way.len == 0; i++) {
        struct spot spot = spot_of(check, &graph->at[i]);

        explore(&search, graph, NULL, i, false);
        if (!search.seen[i] || !check_walk_reaches(graph, i))
            continue;
        write_way(&search, i, i, &way);
        check_say_at(check, FINDING_LOOP_UNBOUNDED, &spot,
                     "%s goes round without limits.attempts", buf_text(&way));
    }
    buf_release(&way);
}

/* Ways over error edges do not count: that is how a limit ends a run. */
static bool has_end(const struct graph *graph, size_t from) {
    bool   seen[GRAPH_VERTICES_MAX] = {false};
    size_t stack[GRAPH_VERTICES_MAX], top = 0;

    seen[from] = true;
    stack[top++] = from;
    while (top > 0) {
        size_t at = stack[--top];

        if (at >= graph->count || graph->at[at].ends)
            return true;
        for (size_t to = 0; to < graph->count + 2; to++)
            if (graph->edge[at][to] != EDGE_NONE &&
                graph->edge[at][to] != EDGE_ERROR && !seen[to]) {
                seen[to] = true;
                stack[top++] = to;
            }
    }
    return false;
}

static void check_ends(struct check *check, const struct graph *graph) {
    for (size_t i = 0; i < graph->count && !graph->holed; i++) {
        struct spot spot = spot_of(check, &graph->at[i]);

        if (has_end(graph, i) || !check_walk_reaches(graph, i))
            continue;
        check_say_at(check, FINDING_WALK_ENDLESS, &spot,
                     "no edge leads from '%.*s' to an end",
                     STR_ARG(graph->at[i].name));
        return;
    }
}

void check_walk(struct check *check, const struct graph *graph) {
    check_reached(check, graph);
    check_writes(check, graph);
    if (check_failed_route(check, graph))
        check_loops(check, graph);
    check_ends(check, graph);
}
