/* check_node.c - what a node declares, against itself and against its text.
 *
 * Whether an effect writes is asked of the gate, which knows; a name that no
 * rule knows counts as a write, here as there.
 */
#include "check/check_private.h"
#include "effect/effect.h"
#include "graph/contract.h"

#define COUNT(rows) (sizeof(rows) / sizeof *(rows))

static void check_fields(struct check *check, const struct spot *node,
                         const char *key) {
    struct spot      fields = check_member(node, str_of(key));
    struct json_walk walk = json_walk_over(fields.value);

    while (json_walk_next(&walk)) {
        struct spot field = check_member(&fields, walk.key);
        struct str  type = json_text(walk.value);

        if (str_is(walk.key, "all") || str_is(walk.key, "outcome"))
            check_say_at(check, FINDING_NAME_FORM, &field,
                         "\"$node.%.*s\" has a meaning of its own; a field "
                         "cannot have that name",
                         STR_ARG(walk.key));
        else if (!contract_type_known(type))
            check_say_at(check, FINDING_TYPE_UNKNOWN, &field,
                         "%s field '%.*s' has the type '%.*s'", key,
                         STR_ARG(walk.key), STR_ARG(type));
    }
}

/* The line of one item of `effects`. */
static int effect_line(const struct check *check, const struct spot *effects,
                       size_t index) {
    char        number[24];
    struct spot item;

    (void)snprintf(number, sizeof number, "%zu", index + 1);
    item = check_member(effects, str_of(number));
    return check_line(check, &item);
}

static bool effect_writes_world(struct str name) {
    enum effect_class class = effect_class_of(name);

    return effect_name_valid(name) && class != EFFECT_READ &&
           class != EFFECT_NOTIFY && class != EFFECT_SECRET;
}

/* Gives the first effect that changes the world, or an empty str. */
static struct str check_effects(struct check *check, const struct spot *node) {
    struct spot effects = check_member(node, STR("effects"));
    struct str  write = {"", 0};

    for (size_t i = 0; i < json_count(effects.value); i++) {
        struct str name = json_text(json_at(effects.value, i));

        if (!effect_name_valid(name))
            check_say(check, FINDING_EFFECT_FORM,
                      effect_line(check, &effects, i), "'%.*s'", STR_ARG(name));
        else if (effect_class_of(name) == EFFECT_SECRET)
            check_say(check, FINDING_EFFECT_SECRET,
                      effect_line(check, &effects, i), "'%.*s'", STR_ARG(name));
        else if (write.len == 0 && effect_writes_world(name))
            write = name;
    }
    return write;
}

static void check_risk(struct check *check, const struct spot *node,
                       struct str write) {
    struct spot    risk = check_member(node, STR("risk"));
    struct str     word = json_text(risk.value);
    struct nearest nearest = nearest_to(word);

    if (!risk.value) {
        if (write.len > 0)
            check_say_at(check, FINDING_KEY_MISSING, node,
                         "the node writes (%.*s) and has no 'risk': policies "
                         "judge by it",
                         STR_ARG(write));
        return;
    }
    if (str_is(word, "low") || str_is(word, "medium") || str_is(word, "high"))
        return;
    nearest_offer(&nearest, STR("low"));
    nearest_offer(&nearest, STR("medium"));
    nearest_offer(&nearest, STR("high"));
    check_say_at(check, FINDING_RISK_UNKNOWN, &risk, "risk '%.*s'%s",
                 STR_ARG(word), nearest_words(&nearest, &check->words));
}

static void check_undo(struct check *check, const struct spot *node,
                       struct str write) {
    struct spot undo = check_member(node, STR("undo"));
    struct spot irreversible = check_member(node, STR("irreversible"));
    struct spot effects = check_member(node, STR("effects"));

    if (undo.value && irreversible.value)
        check_say_at(check, FINDING_UNDO_CONTRADICTS, &irreversible,
                     "irreversible, and an undo");
    if (write.len > 0 && !undo.value && !irreversible.value)
        check_say_at(check, FINDING_WRITE_NO_UNDO, &effects,
                     "'%.*s' writes, and there is neither undo nor "
                     "irreversible",
                     STR_ARG(write));
}

static void check_on_unknown(struct check *check, const struct spot *node) {
    struct spot        spot = check_member(node, STR("on_unknown"));
    const struct json *outcomes = json_find(node->value, "outcomes");
    struct str         word = json_text(spot.value);
    struct nearest     nearest = nearest_to(word);

    if (!spot.value || json_lists(outcomes, word))
        return;
    nearest_offer_all(&nearest, outcomes);
    check_say_at(check, FINDING_OUTCOME_UNDECLARED, &spot,
                 "on_unknown is '%.*s', which `outcomes` does not list%s",
                 STR_ARG(word), nearest_words(&nearest, &check->words));
}

static void check_functions(struct check *check, const struct json *outcomes) {
    struct json *ends = json_new_list();

    json_append_text(ends, STR("undone"));
    json_append_text(ends, STR("failed"));
    check_text_outcomes(check, "run", outcomes, FINDING_OUTCOME_UNDECLARED);
    check_text_outcomes(check, "undo", ends, FINDING_OUTCOME_UNDECLARED);
    json_release(ends);
}

void check_node(struct check *check) {
    static const struct shape rows[] = {
        {"about", SHAPE_TEXT, "one sentence for the people on call"},
        {"outcomes", SHAPE_TEXTS, "the words it may end with"},
        {"run", SHAPE_FUNCTION, "what it does"},
        {"input", SHAPE_MAP, NULL},
        {"output", SHAPE_MAP, NULL},
        {"effects", SHAPE_TEXTS, NULL},
        {"risk", SHAPE_TEXT, NULL},
        {"timeout", SHAPE_DURATION, NULL},
        {"retry", SHAPE_MAP, NULL},
        {"undo", SHAPE_FUNCTION, NULL},
        {"irreversible", SHAPE_TRUE, NULL},
        {"on_unknown", SHAPE_TEXT, NULL},
    };
    struct spot node = check_root(check, "node"), retry;
    struct str  write;

    if (!check_shape(check, &node, rows, COUNT(rows)))
        return;
    check_fields(check, &node, "input");
    check_fields(check, &node, "output");
    check_shape_words(check, &node, "outcomes");
    write = check_effects(check, &node);
    check_risk(check, &node, write);
    check_undo(check, &node, write);
    check_on_unknown(check, &node);
    retry = check_member(&node, STR("retry"));
    retry.what = "retry";
    check_shape_repeat(check, &retry, true);
    check_text_effects(check);
    check_functions(check, json_find(check->meta, "outcomes"));
}

bool check_node_writes(const struct json *meta) {
    const struct json *effects = json_find(meta, "effects");

    for (size_t i = 0; i < json_count(effects); i++)
        if (effect_writes_world(json_text(json_at(effects, i))))
            return true;
    return false;
}
