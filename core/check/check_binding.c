/* check_binding.c - what each node is given, against what it declares.
 *
 * A reference has a type and may be absent: a field of a node by that node's
 * contract and by the ways that lead here, a label unless the trigger asks for
 * it, a row of the service catalogue always. Only an input whose type ends in
 * "?" takes what may be absent.
 */
#include "check/check_private.h"
#include "graph/contract.h"

#define COUNT(rows) (sizeof(rows) / sizeof *(rows))

/* What a reference gives. */
struct given {
    struct str type;
    char       absent[160]; /* why it may be; "" when it is always there */
};

struct given_field {
    const char *name, *type;
};
static const struct given_field incident_fields[] = {
    {"id", "string"},         {"source", "string"},      {"status", "string"},
    {"started_at", "string"}, {"started_ms", "integer"}, {"labels", "map"},
    {"annotations", "map"},   {"links", "map"},          {"key", "list"},
    {"attached", "list?"},    {"fingerprint", "string"},
};
static const struct given_field run_fields[] = {
    {"id", "string"}, {"acted_at", "string?"}, {"attempts", "integer"},
    {"path", "list"}, {"failure", "map?"},
};

struct binding {
    const struct graph *graph;
    size_t              at; /* the node that is given it */
    struct spot         spot;
    struct str          text;
    struct reference    reference;
};

/* --- what the engine gives ------------------------------------------------ */

static bool has_label(const struct check *check, struct str label) {
    const struct json *trigger = json_find(check->meta, "trigger");

    return json_find_str(json_find(trigger, "labels"), label) != NULL;
}

static void say_label(const struct check *check, struct str label,
                      struct given *given) {
    if (!has_label(check, label))
        (void)snprintf(given->absent, sizeof given->absent,
                       "the alert may have no label '%.*s'", STR_ARG(label));
}

static bool find_field(struct check *check, const struct binding *binding,
                       const struct given_field *fields, size_t count,
                       struct str name, struct given *given) {
    struct nearest nearest = nearest_to(name);

    for (size_t i = 0; i < count; i++) {
        if (str_is(name, fields[i].name)) {
            given->type = str_of(fields[i].type);
            return true;
        }
        nearest_offer(&nearest, str_of(fields[i].name));
    }
    check_say_at(check, FINDING_REFERENCE_FIELD, &binding->spot,
                 "'%.*s': %.*s has no '%.*s'%s", STR_ARG(binding->text),
                 STR_ARG(binding->reference.root), STR_ARG(name),
                 nearest_words(&nearest, &check->words));
    return false;
}

/* Behind a field of type map, nothing is known: it may not be there. */
static bool go_deeper(struct check *check, const struct binding *binding,
                      struct str field, struct str deeper,
                      struct given *given) {
    if (deeper.len == 0)
        return true;
    if (!str_starts(given->type, "map") && !str_starts(given->type, "any") &&
        !str_starts(given->type, "list")) {
        check_say_at(check, FINDING_REFERENCE_FIELD, &binding->spot,
                     "'%.*s': '%.*s' is a %.*s and has nothing inside",
                     STR_ARG(binding->text), STR_ARG(field),
                     STR_ARG(given->type));
        return false;
    }
    given->type = STR("any");
    (void)snprintf(given->absent, sizeof given->absent,
                   "nothing says that '%.*s' holds '%.*s'", STR_ARG(field),
                   STR_ARG(deeper));
    return true;
}

static bool give_incident(struct check *check, const struct binding *binding,
                          struct given *given) {
    struct str deeper;
    struct str field = str_cut(binding->reference.path, '.', &deeper);

    if (!find_field(check, binding, incident_fields, COUNT(incident_fields),
                    field, given))
        return false;
    if (!str_is(field, "labels") || deeper.len == 0)
        return go_deeper(check, binding, field, deeper, given);
    given->type = STR("string");
    say_label(check, deeper, given);
    return true;
}

/* Name and cluster are the alert's labels; the rest is the catalogue's. */
static bool give_service(struct check *check, const struct binding *binding,
                         struct given *given) {
    struct str path = binding->reference.path;

    given->type = STR("any");
    if (str_is(path, "name") || str_is(path, "cluster")) {
        given->type = STR("string");
        say_label(check, str_is(path, "name") ? STR("service") : path, given);
    } else {
        (void)snprintf(given->absent, sizeof given->absent,
                       "the service catalogue may have no '%.*s'",
                       STR_ARG(path));
    }
    return true;
}

static bool give_run(struct check *check, const struct binding *binding,
                     struct given *given) {
    struct str deeper;
    struct str field = str_cut(binding->reference.path, '.', &deeper);

    return find_field(check, binding, run_fields, COUNT(run_fields), field,
                      given) &&
           go_deeper(check, binding, field, deeper, given);
}

/* --- what nodes give ------------------------------------------------------ */

static bool find_output(struct check *check, const struct binding *binding,
                        const struct vertex *from, struct given *given) {
    const struct json *output = json_find(from->meta, "output");
    struct str         deeper;
    struct str         field = str_cut(binding->reference.path, '.', &deeper);
    const struct json *type = json_find_str(output, field);
    struct nearest     nearest = nearest_to(field);

    if (str_is(field, "outcome")) {
        given->type = STR("string");
        return go_deeper(check, binding, field, deeper, given);
    }
    if (type) {
        given->type = json_text(type);
        return go_deeper(check, binding, field, deeper, given);
    }
    nearest_offer_all(&nearest, output);
    check_say_at(check, FINDING_REFERENCE_FIELD, &binding->spot,
                 "'%.*s': node '%.*s' does not give '%.*s'%s",
                 STR_ARG(binding->text), STR_ARG(from->use), STR_ARG(field),
                 nearest_words(&nearest, &check->words));
    return false;
}

static bool give_node(struct check *check, const struct binding *binding,
                      struct given *given) {
    const struct graph *graph = binding->graph;
    size_t              from = check_graph_find(graph, binding->reference.root);
    struct nearest      nearest = nearest_to(binding->reference.root);

    if (from != GRAPH_NOWHERE) {
        given->type = binding->reference.all ? STR("list") : STR("map");
        return binding->reference.all || binding->reference.path.len == 0 ||
               !graph->at[from].meta ||
               find_output(check, binding, &graph->at[from], given);
    }
    for (size_t i = 0; i < graph->count; i++)
        nearest_offer(&nearest, graph->at[i].name);
    nearest_offer(&nearest, STR("incident"));
    nearest_offer(&nearest, STR("service"));
    nearest_offer(&nearest, STR("run"));
    check_say_at(check, FINDING_REFERENCE_NODE, &binding->spot,
                 "'%.*s': there is no node '%.*s'%s", STR_ARG(binding->text),
                 STR_ARG(binding->reference.root),
                 nearest_words(&nearest, &check->words));
    return false;
}

static bool give(struct check *check, const struct binding *binding,
                 struct given *given) {
    struct str root = binding->reference.root;
    bool       whole = binding->reference.path.len == 0;

    *given = (struct given){.type = STR("map")};
    if (str_is(root, "incident"))
        return whole || give_incident(check, binding, given);
    if (str_is(root, "service"))
        return whole || give_service(check, binding, given);
    if (str_is(root, "run"))
        return whole || give_run(check, binding, given);
    return give_node(check, binding, given);
}

/* --- judging -------------------------------------------------------------- */

/* Is the value there on every way? `.all` is: it may be an empty list. */
static bool check_produced(struct check *check, const struct binding *binding) {
    const struct graph *graph = binding->graph;
    size_t              from = check_graph_find(graph, binding->reference.root);
    struct buf          way = BUF_EMPTY;
    bool                skips;

    if (from == GRAPH_NOWHERE || binding->reference.all)
        return true;
    skips = check_walk_skips(graph, from, binding->at, &way);
    if (skips)
        check_say_at(check, FINDING_REFERENCE_UNPRODUCED, &binding->spot,
                     "'%.*s' has no value when the way is %s",
                     STR_ARG(binding->text), buf_text(&way));
    buf_release(&way);
    return !skips;
}

static void check_given(struct check *check, const struct binding *binding,
                        const struct given *given, struct str type) {
    if (!contract_type_flows(given->type, type)) {
        check_say_at(check, FINDING_BINDING_TYPE, &binding->spot,
                     "'%.*s' is a %.*s, the input is declared as %.*s",
                     STR_ARG(binding->text), STR_ARG(given->type),
                     STR_ARG(type));
        return;
    }
    if (contract_type_optional(type) || !check_produced(check, binding))
        return;
    if (given->absent[0] || contract_type_optional(given->type))
        check_say_at(check, FINDING_BINDING_ABSENT, &binding->spot,
                     "'%.*s' may be absent, the input is declared as %.*s%s%s",
                     STR_ARG(binding->text), STR_ARG(type),
                     given->absent[0] ? ": " : "", given->absent);
}

static void check_reference(struct check *check, struct binding *binding,
                            struct str type) {
    struct given given;

    if (!reference_parse(binding->text, &binding->reference))
        check_say_at(check, FINDING_REFERENCE_FORM, &binding->spot, "'%.*s'",
                     STR_ARG(binding->text));
    else if (give(check, binding, &given))
        check_given(check, binding, &given, type);
}

/* References inside a literal: nothing is declared for them there, so they
 * only have to name something. */
static void check_inside(struct check *check, const struct binding *outer) {
    const struct json *value = outer->spot.value;
    struct json_walk   walk = json_walk_over(value);
    struct binding     inner = *outer;
    char               number[24];

    inner.text = json_text(value);
    if (str_starts(inner.text, "$"))
        check_reference(check, &inner, STR("any?"));
    while (json_walk_next(&walk)) {
        inner.spot = check_member(&outer->spot, walk.key);
        check_inside(check, &inner);
    }
    for (size_t i = 0; json_is(value, JSON_LIST) && i < json_count(value);
         i++) {
        (void)snprintf(number, sizeof number, "%zu", i + 1);
        inner.spot = check_member(&outer->spot, str_of(number));
        check_inside(check, &inner);
    }
}

static void check_bound(struct check *check, const struct graph *graph,
                        size_t at, const struct spot *spot, struct str type) {
    struct binding binding = {.graph = graph, .at = at, .spot = *spot};

    binding.text = json_text(spot->value);
    if (str_starts(binding.text, "$")) {
        check_reference(check, &binding, type);
        return;
    }
    check_inside(check, &binding);
    if (!contract_type_fits(type, spot->value))
        check_say_at(check, FINDING_BINDING_TYPE, spot,
                     "%s is bound, the input is declared as %.*s",
                     contract_kind_name(spot->value), STR_ARG(type));
}

static void check_given_inputs(struct check *check, const struct graph *graph,
                               size_t at, const struct spot *with) {
    const struct vertex *vertex = &graph->at[at];
    const struct json   *input = json_find(vertex->meta, "input");
    struct json_walk     walk = json_walk_over(with->value);

    while (json_walk_next(&walk)) {
        struct spot        bound = check_member(with, walk.key);
        const struct json *type = json_find_str(input, walk.key);
        struct nearest     nearest = nearest_to(walk.key);

        if (type) {
            check_bound(check, graph, at, &bound, json_text(type));
            continue;
        }
        nearest_offer_all(&nearest, input);
        check_say_at(check, FINDING_INPUT_UNDECLARED, &bound,
                     "node '%.*s' has no input '%.*s'%s", STR_ARG(vertex->use),
                     STR_ARG(walk.key), nearest_words(&nearest, &check->words));
    }
}

static void check_needed_inputs(struct check        *check,
                                const struct vertex *vertex,
                                const struct spot   *entry) {
    struct spot      with = check_member(entry, STR("with"));
    struct json_walk walk = json_walk_over(json_find(vertex->meta, "input"));

    while (json_walk_next(&walk))
        if (!contract_type_optional(json_text(walk.value)) &&
            !json_find_str(with.value, walk.key))
            check_say_at(check, FINDING_INPUT_UNBOUND, &with,
                         "node '%.*s' needs '%.*s'", STR_ARG(vertex->use),
                         STR_ARG(walk.key));
}

void check_bindings(struct check *check, const struct graph *graph) {
    struct spot playbook = check_root(check, "playbook");
    struct spot nodes = check_member(&playbook, STR("nodes"));

    for (size_t i = 0; i < graph->count; i++) {
        struct spot entry = check_member(&nodes, graph->at[i].name);
        struct spot with = check_member(&entry, STR("with"));

        if (!graph->at[i].meta)
            continue;
        check_given_inputs(check, graph, i, &with);
        check_needed_inputs(check, &graph->at[i], &entry);
    }
}
