/* check_graph.c - a playbook: its keys, its nodes, and its edges as numbers.
 *
 * The graph is made from what is sound; an edge or node that was reported is
 * left out of it, so that what walks it does not report the same again. (CK3)
 */
#include "check/check_private.h"

#include "base/mem.h"

#define COUNT(rows) (sizeof(rows) / sizeof *(rows))

size_t check_graph_find(const struct graph *graph, struct str name) {
    for (size_t i = 0; i < graph->count; i++)
        if (str_equal(graph->at[i].name, name))
            return i;
    return GRAPH_NOWHERE;
}

/* --- what a playbook says of itself -------------------------------------- */

static void check_limits(struct check *check, const struct spot *playbook) {
    static const struct shape rows[] = {
        {"attempts", SHAPE_COUNT, NULL}, {"deadline", SHAPE_DURATION, NULL},
        {"llm_usd", SHAPE_MONEY, NULL},  {"cooldown", SHAPE_DURATION, NULL},
        {"runs", SHAPE_COUNT, NULL},
    };
    static const char *const later[] = {"actions"};
    struct spot              limits = check_member(playbook, STR("limits"));
    struct json             *rest;

    if (!json_is(limits.value, JSON_MAP))
        return;
    rest = json_new_map();
    json_merge(rest, limits.value);
    for (size_t i = 0; i < COUNT(later); i++) {
        struct spot limit = check_member(&limits, str_of(later[i]));

        if (limit.value)
            check_say_at(check, FINDING_NOT_SUPPORTED, &limit,
                         "limits.%s is not enforced by this version", later[i]);
        json_drop(rest, later[i]);
    }
    limits.what = "limits table";
    limits.value = rest;
    check_shape(check, &limits, rows, COUNT(rows));
    json_release(rest);
}

static void check_mode(struct check *check, const struct spot *playbook) {
    struct spot    mode = check_member(playbook, STR("mode"));
    struct str     word = json_text(mode.value);
    struct nearest nearest = nearest_to(word);

    if (!mode.value || str_is(word, "auto"))
        return;
    if (str_is(word, "off") || str_is(word, "suggest") ||
        str_is(word, "approve")) {
        check_say_at(check, FINDING_NOT_SUPPORTED, &mode,
                     "mode \"%.*s\" is not enforced by this version",
                     STR_ARG(word));
        return;
    }
    nearest_offer(&nearest, STR("auto"));
    check_say_at(check, FINDING_KEY_TYPE, &mode, "mode '%.*s' is not known%s",
                 STR_ARG(word), nearest_words(&nearest, &check->words));
}

/* Is there a script with the id that the member names? Says so if not. */
static bool check_named(struct check *check, const struct spot *member,
                        enum script_kind kind, enum finding finding) {
    struct str     id = json_text(member->value);
    struct nearest nearest = nearest_to(id);

    if (bundle_find(check->bundle, kind, id))
        return true;
    for (size_t i = 0; i < bundle_count(check->bundle); i++)
        if (bundle_at(check->bundle, i)->kind == kind)
            nearest_offer(&nearest, str_of(bundle_at(check->bundle, i)->id));
    check_say_at(check, finding, member, "%s/ has no '%.*s'%s",
                 bundle_folder(kind), STR_ARG(id),
                 nearest_words(&nearest, &check->words));
    return false;
}

static void check_trigger(struct check *check, const struct spot *playbook) {
    static const struct shape rows[] = {
        {"source", SHAPE_TEXT, "whose deliveries it takes"},
        {"labels", SHAPE_MAP, NULL},
    };
    struct spot      trigger = check_member(playbook, STR("trigger"));
    struct spot      labels, source;
    struct json_walk walk;

    trigger.what = "trigger";
    if (!check_shape(check, &trigger, rows, COUNT(rows)))
        return;
    source = check_member(&trigger, STR("source"));
    check_named(check, &source, SCRIPT_SOURCE, FINDING_SOURCE_UNKNOWN);
    labels = check_member(&trigger, STR("labels"));
    walk = json_walk_over(labels.value);
    while (json_walk_next(&walk)) {
        struct spot label = check_member(&labels, walk.key);

        if (!json_is(walk.value, JSON_TEXT))
            check_say_at(check, FINDING_KEY_TYPE, &label,
                         "label '%.*s' is compared with a string",
                         STR_ARG(walk.key));
    }
}

/* A key is filled before there is a run, so from the alert alone. */
static bool is_key(const struct reference *reference) {
    if (str_is(reference->root, "service"))
        return str_is(reference->path, "name") ||
               str_is(reference->path, "cluster");
    return str_is(reference->root, "incident") && reference->path.len > 0;
}

static void check_key(struct check *check, const struct spot *playbook) {
    struct spot      key = check_member(playbook, STR("key"));
    struct reference reference;

    for (size_t i = 0; i < json_count(key.value); i++) {
        struct str text = json_text(json_at(key.value, i));

        if (!reference_parse(text, &reference) || !is_key(&reference))
            check_say_at(check, FINDING_REFERENCE_FORM, &key,
                         "'%.*s': a key is made of \"$incident.…\", "
                         "\"$service.name\" and \"$service.cluster\"",
                         STR_ARG(text));
    }
}

/* --- its nodes ------------------------------------------------------------ */

static bool is_reserved(struct str name) {
    static const char *const words[] = {"done",    "undo", "incident",
                                        "service", "run",  "all"};

    for (size_t i = 0; i < COUNT(words); i++)
        if (str_is(name, words[i]))
            return true;
    return false;
}

static bool check_entry(struct check *check, const struct spot *entry) {
    static const struct shape rows[] = {
        {"use", SHAPE_TEXT, "the name of a script in nodes/"},
        {"with", SHAPE_MAP, NULL},
        {"policy", SHAPE_TEXT, NULL},
        {"next", SHAPE_MAP, NULL},
        {"rerun", SHAPE_MAP, NULL},
    };
    struct spot use = check_member(entry, STR("use"));
    struct spot policy = check_member(entry, STR("policy"));
    struct spot rerun = check_member(entry, STR("rerun"));

    if (!check_shape(check, entry, rows, COUNT(rows)))
        return false;
    rerun.what = "rerun";
    check_shape_repeat(check, &rerun, false);
    if (policy.value)
        check_named(check, &policy, SCRIPT_POLICY, FINDING_POLICY_UNKNOWN);
    return check_named(check, &use, SCRIPT_NODE, FINDING_NODE_UNKNOWN);
}

static void add_vertex(struct check *check, struct graph *graph,
                       const struct spot *entry, struct str name) {
    struct vertex *vertex = &graph->at[graph->count++];
    bool           sound;

    vertex->name = name;
    vertex->entry = entry->value;
    vertex->use = json_find_text(entry->value, "use");
    vertex->ends = !json_find(entry->value, "next");
    vertex->proves = str_starts(vertex->use, "verification");
    if (is_reserved(name))
        check_say_at(check, FINDING_NAME_FORM, entry,
                     "'%.*s' is reserved; a node needs another name",
                     STR_ARG(name));
    else
        check_shape_word(check, entry, name);
    sound = check_entry(check, entry);
    graph->holed = graph->holed || !sound;
    if (sound)
        vertex->meta = check_other(check, SCRIPT_NODE, vertex->use);
    vertex->writes = check_node_writes(vertex->meta);
}

static void check_nodes(struct check *check, struct graph *graph,
                        const struct spot *nodes) {
    struct json_walk walk = json_walk_over(nodes->value);

    while (json_walk_next(&walk)) {
        struct spot entry = check_member(nodes, walk.key);

        if (graph->count == GRAPH_NODES_MAX) {
            check_say_at(check, FINDING_NOT_SUPPORTED, &entry,
                         "a playbook has at most %d nodes", GRAPH_NODES_MAX);
            json_walk_stop(&walk);
            break;
        }
        entry.what = "node entry";
        if (json_is(walk.value, JSON_MAP))
            add_vertex(check, graph, &entry, walk.key);
        else
            check_say_at(check, FINDING_KEY_TYPE, &entry,
                         "node '%.*s' is no table", STR_ARG(walk.key));
    }
    graph->undo = graph->count;
    graph->done = graph->count + 1;
    graph->begin = graph->count + 2;
    graph->at[graph->undo].name = STR("undo");
    graph->at[graph->done].name = STR("done");
    graph->at[graph->begin].name = STR("start");
}

/* --- its edges ------------------------------------------------------------ */

/* The vertex that a target names; says so when there is none. */
static size_t check_target(struct check *check, const struct graph *graph,
                           const struct spot *spot, struct str name,
                           bool ends) {
    size_t         to = check_graph_find(graph, name);
    struct nearest nearest = nearest_to(name);

    if (ends && str_is(name, "done"))
        return graph->done;
    if (ends && str_is(name, "undo"))
        return graph->undo;
    if (to != GRAPH_NOWHERE)
        return to;
    for (size_t i = 0; i < graph->count + (ends ? 2 : 0); i++)
        nearest_offer(&nearest, graph->at[i].name);
    check_say_at(check, FINDING_EDGE_NOWHERE, spot, "there is no node '%.*s'%s",
                 STR_ARG(name), nearest_words(&nearest, &check->words));
    return GRAPH_NOWHERE;
}

static void check_success(struct check *check, const struct vertex *from,
                          const struct spot *edge, struct str outcome) {
    if (from->proves && !str_is(outcome, "pass"))
        check_say_at(check, FINDING_EDGE_TO_SUCCESS, edge,
                     "verdict '%.*s' leads to \"done\"", STR_ARG(outcome));
}

/* An end that is not the route of errors ends the run as done. */
static void check_end(struct check *check, const struct graph *graph, size_t at,
                      const struct spot *entry) {
    const struct vertex *vertex = &graph->at[at];
    const struct json   *outcomes = json_find(vertex->meta, "outcomes");

    if (!vertex->ends || !vertex->proves || at == graph->failed)
        return;
    for (size_t i = 0; i < json_count(outcomes); i++)
        if (!str_is(json_text(json_at(outcomes, i)), "pass")) {
            check_success(check, vertex, entry,
                          json_text(json_at(outcomes, i)));
            return;
        }
}

/* Who was handed an incident has not seen it solved. */
static void check_handed_over(struct check *check, const struct graph *graph,
                              const struct spot *nodes) {
    struct spot      entry, next;
    struct json_walk walk;

    if (graph->failed == GRAPH_NOWHERE)
        return;
    entry = check_member(nodes, graph->at[graph->failed].name);
    next = check_member(&entry, STR("next"));
    walk = json_walk_over(next.value);
    while (json_walk_next(&walk)) {
        struct spot edge = check_member(&next, walk.key);

        if (str_is(json_text(walk.value), "done"))
            check_say_at(check, FINDING_EDGE_TO_SUCCESS, &edge,
                         "errors lead to '%.*s', and it to \"done\"",
                         STR_ARG(graph->at[graph->failed].name));
    }
}

static void check_edge(struct check *check, struct graph *graph, size_t from,
                       const struct spot *edge, struct str outcome) {
    size_t to;

    if (json_is(edge->value, JSON_MAP)) {
        graph->holed = !check_fork(check, graph, from, *edge) || graph->holed;
        return;
    }
    if (!json_is(edge->value, JSON_TEXT)) {
        graph->holed = true;
        check_say_at(check, FINDING_KEY_TYPE, edge,
                     "the edge '%.*s' is not the name of a node",
                     STR_ARG(outcome));
        return;
    }
    to = check_target(check, graph, edge, json_text(edge->value), true);
    if (to == GRAPH_NOWHERE) {
        graph->holed = true;
        return;
    }
    graph->edge[from][to] = EDGE_OUTCOME;
    if (to == graph->done)
        check_success(check, &graph->at[from], edge, outcome);
}

static void check_declared(struct check *check, const struct vertex *vertex,
                           const struct json *adds, const struct spot *edge,
                           struct str outcome) {
    const struct json *outcomes = json_find(vertex->meta, "outcomes");
    struct nearest     nearest = nearest_to(outcome);

    if (!vertex->meta || json_lists(outcomes, outcome) ||
        json_lists(adds, outcome))
        return;
    nearest_offer_all(&nearest, outcomes);
    nearest_offer_all(&nearest, adds);
    check_say_at(check, FINDING_EDGE_UNDECLARED, edge,
                 "node '%.*s' has no outcome '%.*s'%s", STR_ARG(vertex->use),
                 STR_ARG(outcome), nearest_words(&nearest, &check->words));
}

static void check_covered(struct check *check, const struct spot *next,
                          const struct json *outcomes, enum finding finding,
                          const char *what, struct str whose) {
    for (size_t i = 0; i < json_count(outcomes); i++) {
        struct str outcome = json_text(json_at(outcomes, i));

        if (!json_find_str(next->value, outcome))
            check_say_at(check, finding, next,
                         "%s '%.*s' may end with '%.*s', which has no edge",
                         what, STR_ARG(whose), STR_ARG(outcome));
    }
}

static void check_next(struct check *check, struct graph *graph, size_t from,
                       const struct spot *entry) {
    struct vertex     *vertex = &graph->at[from];
    struct spot        next = check_member(entry, STR("next"));
    struct str         policy = json_find_text(entry->value, "policy");
    const struct json *adds =
        json_find(check_other(check, SCRIPT_POLICY, policy), "adds");
    struct json_walk walk = json_walk_over(next.value);

    if (vertex->ends)
        return;
    while (json_walk_next(&walk)) {
        struct spot edge = check_member(&next, walk.key);

        check_edge(check, graph, from, &edge, walk.key);
        check_declared(check, vertex, adds, &edge, walk.key);
    }
    check_covered(check, &next, json_find(vertex->meta, "outcomes"),
                  FINDING_OUTCOME_WITHOUT_EDGE, "node", vertex->use);
    check_covered(check, &next, adds, FINDING_POLICY_WITHOUT_EDGE, "policy",
                  policy);
}

/* A target on the playbook's own table; `otherwise` when it is not given. */
static size_t check_route(struct check *check, const struct graph *graph,
                          const struct spot *playbook, const char *key,
                          struct str otherwise) {
    struct spot route = check_member(playbook, str_of(key));

    if (!route.value)
        return check_graph_find(graph, otherwise);
    return check_target(check, graph, &route, json_text(route.value), false);
}

static void link_errors(struct check *check, struct graph *graph,
                        const struct spot *playbook) {
    struct spot nodes = check_member(playbook, STR("nodes"));
    size_t      undone =
        check_route(check, graph, playbook, "undone", STR("escalation"));

    graph->failed =
        check_route(check, graph, playbook, "failed", STR("escalation"));
    if (graph->failed == GRAPH_NOWHERE) {
        graph->holed = true;
        if (!json_find(playbook->value, "failed"))
            check_say_at(check, FINDING_EDGE_NOWHERE, &nodes,
                         "`failed` is not given and there is no node "
                         "'escalation': errors lead nowhere");
        return;
    }
    for (size_t i = 0; i <= graph->undo; i++)
        if (i != graph->failed && graph->edge[i][graph->failed] == EDGE_NONE)
            graph->edge[i][graph->failed] = EDGE_ERROR;
    if (undone != GRAPH_NOWHERE)
        graph->edge[graph->undo][undone] = EDGE_OUTCOME;
}

/* A run may begin with several nodes at once. */
static void check_start(struct check *check, struct graph *graph,
                        const struct spot *playbook) {
    struct spot start = check_member(playbook, STR("start"));

    graph->start = graph->begin;
    if (!json_is(start.value, JSON_MAP))
        graph->start =
            check_target(check, graph, &start, json_text(start.value), false);
    else if (!check_fork(check, graph, graph->begin, start))
        graph->start = GRAPH_NOWHERE;
}

static void check_edges(struct check *check, struct graph *graph,
                        const struct spot *playbook) {
    struct spot nodes = check_member(playbook, STR("nodes"));

    check_start(check, graph, playbook);
    for (size_t i = 0; i < graph->count; i++) {
        struct spot entry = check_member(&nodes, graph->at[i].name);

        check_next(check, graph, i, &entry);
    }
    link_errors(check, graph, playbook);
    check_forks(check, graph);
    for (size_t i = 0; i < graph->count; i++) {
        struct spot entry = check_member(&nodes, graph->at[i].name);

        check_end(check, graph, i, &entry);
    }
    check_handed_over(check, graph, &nodes);
}

void check_graph(struct check *check) {
    static const struct shape rows[] = {
        {"about", SHAPE_TEXT, "one sentence for the people on call"},
        {"trigger", SHAPE_MAP, "which incidents it takes"},
        {"start", SHAPE_TARGET, "the node it begins with"},
        {"nodes", SHAPE_MAP, "its graph"},
        {"key", SHAPE_TEXTS, NULL},
        {"mode", SHAPE_TEXT, NULL},
        {"limits", SHAPE_MAP, NULL},
        {"failed", SHAPE_TEXT, NULL},
        {"undone", SHAPE_TEXT, NULL},
    };
    struct spot   playbook = check_root(check, "playbook"), nodes;
    struct graph *graph;

    if (!check_shape(check, &playbook, rows, COUNT(rows)))
        return;
    graph = mem_new(sizeof *graph);
    check_trigger(check, &playbook);
    check_mode(check, &playbook);
    check_limits(check, &playbook);
    check_key(check, &playbook);
    nodes = check_member(&playbook, STR("nodes"));
    check_nodes(check, graph, &nodes);
    check_edges(check, graph, &playbook);
    if (graph->start != GRAPH_NOWHERE) {
        check_bindings(check, graph);
        check_walk(check, graph);
    }
    mem_free(graph);
}
