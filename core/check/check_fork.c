/* check_fork.c - branches that are walked at the same time.
 *
 * What makes them safe is proven here: a branch is one path of nodes that only
 * read, from its head to the join, and no node of it can be entered in another
 * way. So no branch sees what another one does, and which of them is faster
 * shows nowhere. A run follows the same rule (graph/fork.h).
 */
#include "check/check_private.h"

#include "effect/effect.h"
#include "graph/fork.h"

static struct spot entry_of(const struct check *check, struct str name) {
    struct spot playbook = check_root(check, "playbook");
    struct spot nodes = check_member(&playbook, STR("nodes"));

    return check_member(&nodes, name);
}

/* --- a branch ------------------------------------------------------------ */

static bool check_reads(struct check *check, const struct vertex *vertex) {
    const struct json *effects = json_find(vertex->meta, "effects");
    struct spot        entry = entry_of(check, vertex->name);

    for (size_t i = 0; i < json_count(effects); i++) {
        struct str name = json_text(json_at(effects, i));

        if (effect_class_of(name) == EFFECT_READ)
            continue;
        check_say_at(check, FINDING_FORK_WRITES, &entry,
                     "'%.*s' is in a branch and may ask for %.*s",
                     STR_ARG(vertex->name), STR_ARG(name));
        return false;
    }
    return true;
}

static bool is_taken(const struct fork_edge *fork, size_t at) {
    for (size_t i = 0; i < fork->count; i++)
        if (fork->members[i] == at)
            return true;
    return false;
}

static bool say_path(struct check *check, struct str name, const char *what) {
    struct spot entry = entry_of(check, name);

    check_say_at(check, FINDING_FORK_PATH, &entry, "'%.*s' %s", STR_ARG(name),
                 what);
    return false;
}

/* Adds the nodes from the head to the join; the last one only arrives there. */
static bool follow(struct check *check, struct graph *graph,
                   struct fork_edge *fork, struct str name) {
    struct str join = graph->at[fork->join].name;

    while (!str_equal(name, join)) {
        size_t     at = check_graph_find(graph, name);
        struct str way = fork_way_on(check->meta, name, join);

        if (at == GRAPH_NOWHERE)
            return false; /* reported as an edge */
        if (is_taken(fork, at))
            return say_path(check, name, "is reached by two branches");
        fork->members[fork->count++] = at;
        if (!check_reads(check, &graph->at[at]))
            return false;
        if (way.len == 0)
            return say_path(check, name,
                            "is in a branch and has no single way on to the "
                            "join");
        if (str_equal(way, join))
            graph->edge[at][fork->join] = EDGE_ARRIVES;
        name = way;
    }
    return true;
}

/* --- a fork --------------------------------------------------------------- */

static bool say_form(struct check *check, const struct spot *spot,
                     const char *what) {
    check_say_at(check, FINDING_FORK_FORM, spot, "%s", what);
    return false;
}

static bool check_form(struct check *check, struct spot *spot, size_t join) {
    static const struct shape rows[] = {
        {"all", SHAPE_TEXTS, "the nodes that begin the branches"},
        {"join", SHAPE_TEXT, "the node where the branches meet"},
    };
    struct str name = fork_join(spot->value);

    spot->what = "fork";
    if (!check_shape(check, spot, rows, sizeof rows / sizeof *rows))
        return false;
    if (fork_count(spot->value) < 2 ||
        fork_count(spot->value) > FORK_BRANCHES_MAX)
        return say_form(check, spot, "a fork has two to eight branches");
    if (join == GRAPH_NOWHERE)
        check_say_at(check, FINDING_EDGE_NOWHERE, spot,
                     "there is no node '%.*s' to join at", STR_ARG(name));
    if (str_equal(name, fork_failed_route(check->meta)))
        return say_form(check, spot, "branches cannot join where errors lead");
    return join != GRAPH_NOWHERE;
}

static bool link_heads(struct check *check, struct graph *graph,
                       const struct spot *spot, size_t from) {
    for (size_t i = 0; i < fork_count(spot->value); i++) {
        struct str head = fork_head(spot->value, i);
        size_t     to = check_graph_find(graph, head);

        if (to == GRAPH_NOWHERE) {
            check_say_at(check, FINDING_EDGE_NOWHERE, spot,
                         "there is no node '%.*s' to begin a branch",
                         STR_ARG(head));
            return false;
        }
        if (str_equal(head, fork_join(spot->value)))
            return say_form(check, spot, "a branch begins at the join");
        if (graph->edge[from][to] == EDGE_NONE)
            graph->edge[from][to] = EDGE_FORK;
    }
    return true;
}

bool check_fork(struct check *check, struct graph *graph, size_t from,
                struct spot spot) {
    size_t            join = check_graph_find(graph, fork_join(spot.value));
    struct fork_edge *fork = &graph->forks[graph->fork_count];

    if (!check_form(check, &spot, join) ||
        !link_heads(check, graph, &spot, from))
        return false;
    if (graph->fork_count == GRAPH_FORKS_MAX)
        return say_form(check, &spot, "a playbook has at most 32 forks");
    *fork = (struct fork_edge){.from = from, .join = join, .at = spot.value};
    graph->fork_count++;
    return true;
}

/* --- when all edges are known --------------------------------------------- */

/* Is it the next node of the same branch? */
static bool is_way_on(const struct check *check, const struct graph *graph,
                      const struct fork_edge *fork, size_t from, size_t to) {
    return is_taken(fork, from) &&
           str_equal(fork_way_on(check->meta, graph->at[from].name,
                                 graph->at[fork->join].name),
                     graph->at[to].name);
}

static void say_member(struct check *check, struct graph *graph, size_t at,
                       const char *how, struct str who) {
    struct spot entry = entry_of(check, graph->at[at].name);

    check_say_at(check, FINDING_FORK_PATH, &entry,
                 "'%.*s' is in a branch, and %s%.*s",
                 STR_ARG(graph->at[at].name), how, STR_ARG(who));
    graph->holed = true;
}

/* A node that came alone would go on to the join without its siblings. */
static void check_entrances(struct check *check, struct graph *graph,
                            const struct fork_edge *fork) {
    for (size_t i = 0; i < fork->count; i++) {
        size_t to = fork->members[i];

        if (to == graph->start)
            say_member(check, graph, to, "a run begins there", STR(""));
        if (to == graph->failed)
            say_member(check, graph, to, "errors lead there", STR(""));
        for (size_t from = 0; from < GRAPH_VERTICES_MAX; from++)
            if (graph->edge[from][to] == EDGE_OUTCOME &&
                !is_way_on(check, graph, fork, from, to))
                say_member(check, graph, to, "it also follows ",
                           graph->at[from].name);
    }
}

/* With two joins its way on would depend on where it came from. */
static void check_one_join(struct check *check, struct graph *graph,
                           const struct fork_edge *fork,
                           const struct fork_edge *other) {
    for (size_t i = 0; fork->join != other->join && i < fork->count; i++)
        if (is_taken(other, fork->members[i]))
            say_member(check, graph, fork->members[i],
                       "it is in another one that joins at ",
                       graph->at[other->join].name);
}

void check_forks(struct check *check, struct graph *graph) {
    for (size_t i = 0; i < graph->fork_count; i++) {
        struct fork_edge *fork = &graph->forks[i];

        for (size_t b = 0; b < fork_count(fork->at); b++)
            if (!follow(check, graph, fork, fork_head(fork->at, b))) {
                graph->holed = true;
                break;
            }
    }
    for (size_t i = 0; i < graph->fork_count; i++) {
        check_entrances(check, graph, &graph->forks[i]);
        for (size_t other = 0; other < i; other++)
            check_one_join(check, graph, &graph->forks[i],
                           &graph->forks[other]);
    }
}
