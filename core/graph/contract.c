/* contract.c - one row for each type; the "?" is cut off before looking.
 *
 * Fields are looked at in the order of their names, so that the same mistake
 * always gives the same sentence.
 */
#include "graph/contract.h"

#include "base/nearest.h"

static const struct type {
    const char *name;
    bool        kinds[JSON_MAP + 1];
} types[] = {
    {"string", {[JSON_TEXT] = true}},
    {"integer", {[JSON_INT] = true}},
    {"number", {[JSON_INT] = true, [JSON_REAL_KIND] = true}},
    {"boolean", {[JSON_BOOL] = true}},
    {"list", {[JSON_LIST] = true}},
    {"map", {[JSON_MAP] = true}},
    {"any",
     {[JSON_TEXT] = true,
      [JSON_INT] = true,
      [JSON_REAL_KIND] = true,
      [JSON_BOOL] = true,
      [JSON_LIST] = true,
      [JSON_MAP] = true}},
};

bool contract_type_optional(struct str type) {
    return str_ends(type, "?");
}

static struct str base_of(struct str type) {
    if (contract_type_optional(type))
        type.len--;
    return type;
}

static const struct type *type_find(struct str type) {
    struct str name = base_of(type);

    for (size_t i = 0; i < sizeof types / sizeof *types; i++)
        if (str_is(name, types[i].name))
            return &types[i];
    return NULL;
}

bool contract_type_known(struct str type) {
    return type_find(type) != NULL;
}

static bool is_absent(const struct json *value) {
    return !value || json_is(value, JSON_NULL_KIND);
}

bool contract_type_fits(struct str type, const struct json *value) {
    const struct type *known = type_find(type);
    enum json_kind     kind;

    if (!known)
        return false;
    if (is_absent(value))
        return contract_type_optional(type);
    kind = json_kind_of(value);
    if ((kind == JSON_MAP || kind == JSON_LIST) && json_count(value) == 0)
        return known->kinds[JSON_MAP] || known->kinds[JSON_LIST];
    return known->kinds[kind];
}

bool contract_type_flows(struct str from, struct str to) {
    struct str source = base_of(from), target = base_of(to);

    return str_is(source, "any") || str_is(target, "any") ||
           str_equal(source, target) ||
           (str_is(source, "integer") && str_is(target, "number"));
}

const char *contract_kind_name(const struct json *value) {
    if (is_absent(value))
        return "nothing";
    switch (json_kind_of(value)) {
    case JSON_BOOL: return "a boolean";
    case JSON_INT: return "an integer";
    case JSON_REAL_KIND: return "a number with a fraction";
    case JSON_TEXT: return "a string";
    case JSON_LIST: return "a list";
    case JSON_MAP: return "a map";
    case JSON_NULL_KIND: break;
    }
    return "nothing";
}

static bool check_declared(const struct json *declared,
                           const struct json *value, const char *what,
                           struct err *err) {
    struct json_walk walk = json_walk_over(declared);
    bool             ok = true;

    while (ok && json_walk_next(&walk)) {
        const struct json *field = json_find_str(value, walk.key);
        struct str         type = json_text(walk.value);

        if (!contract_type_fits(type, field))
            ok = err_set(err, ERR_CONTRACT,
                         "%s: field '%.*s' is declared as %.*s, got %s", what,
                         STR_ARG(walk.key), STR_ARG(type),
                         contract_kind_name(field));
    }
    if (!ok)
        json_walk_stop(&walk);
    return ok;
}

static bool check_extra(const struct json *declared, const struct json *value,
                        const char *what, struct err *err) {
    struct json_walk walk = json_walk_over(value);
    struct buf       words = BUF_EMPTY;
    bool             ok = true;

    while (ok && json_walk_next(&walk)) {
        struct nearest nearest = nearest_to(walk.key);

        if (json_find_str(declared, walk.key) || is_absent(walk.value))
            continue;
        nearest_offer_all(&nearest, declared);
        ok = err_set(err, ERR_CONTRACT, "%s: field '%.*s' is not declared%s",
                     what, STR_ARG(walk.key), nearest_words(&nearest, &words));
    }
    if (!ok)
        json_walk_stop(&walk);
    buf_release(&words);
    return ok;
}

bool contract_check(const struct json *declared, const struct json *value,
                    const char *what, struct err *err) {
    bool empty = is_absent(value) ||
                 (json_is(value, JSON_LIST) && json_count(value) == 0);

    if (!empty && !json_is(value, JSON_MAP))
        return err_set(err, ERR_CONTRACT,
                       "%s: expected a map of fields, got %s", what,
                       contract_kind_name(value));
    if (empty)
        value = NULL;
    return check_declared(declared, value, what, err) &&
           check_extra(declared, value, what, err);
}
