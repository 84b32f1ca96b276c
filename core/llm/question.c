/* question.c - the shape of a question, and the schema of its answer. */
#include "llm/question.h"

#include <ctype.h>
#include <string.h>

static bool name_valid(struct str name) {
    for (size_t i = 0; i < name.len; i++)
        if (!isalnum((unsigned char)name.data[i]) &&
            !strchr("_-./: ", name.data[i]))
            return false;
    return name.len > 0 && name.len <= 100;
}

/* --- checking ---------------------------------------------------------- */

static bool only_keys(const struct json *map, const char *const *known,
                      const char *what, struct err *err) {
    struct json_walk walk = json_walk_over(map);

    while (json_walk_next(&walk))
        if (!str_in(walk.key, known)) {
            err_set(err, ERR_INVALID, "%s has no \"%.*s\"", what,
                    STR_ARG(walk.key));
            json_walk_stop(&walk);
            return false;
        }
    return true;
}

static bool check_field(struct str name, const struct json *field,
                        struct err *err) {
    static const char *const keys[] = {"type", "min",      "max",
                                       "enum", "optional", NULL};
    static const char *const types[] = {"integer", "number", "string",
                                        "boolean", NULL};

    if (!name_valid(name) || !str_in(json_find_text(field, "type"), types))
        return err_set(err, ERR_INVALID,
                       "field \"%.*s\": type is integer, number, string or "
                       "boolean",
                       STR_ARG(name));
    return only_keys(field, keys, "a field", err);
}

static bool check_fields(const struct json *fields, struct err *err) {
    struct json_walk walk = json_walk_over(fields);
    bool             ok = true;

    while (ok && json_walk_next(&walk))
        ok = check_field(walk.key, walk.value, err);
    json_walk_stop(&walk);
    return ok;
}

static bool check_action(struct str name, const struct json *action,
                         struct err *err) {
    static const char *const keys[] = {"about", "arguments", NULL};

    if (!name_valid(name) || str_is(name, QUESTION_UNSURE) ||
        json_find_text(action, "about").len == 0)
        return err_set(err, ERR_INVALID,
                       "action \"%.*s\" needs a plain name other than unsure, "
                       "and `about`",
                       STR_ARG(name));
    return only_keys(action, keys, "an action", err) &&
           check_fields(json_find(action, "arguments"), err);
}

static bool check_actions(const struct json *actions, struct err *err) {
    struct json_walk walk = json_walk_over(actions);
    bool             ok = json_is(actions, JSON_MAP) && json_count(actions) > 0;

    if (!ok)
        err_set(err, ERR_INVALID, "actions: a table of name = { about, … }");
    while (ok && json_walk_next(&walk))
        ok = check_action(walk.key, walk.value, err);
    json_walk_stop(&walk);
    return ok;
}

static bool check_evidence(const struct json *items, struct err *err) {
    for (size_t i = 0; i < json_count(items); i++) {
        const struct json *item = json_at(items, i);

        if (!name_valid(json_find_text(item, "name")) ||
            !json_is(json_find(item, "text"), JSON_TEXT))
            return err_set(err, ERR_INVALID,
                           "evidence %zu: { name, text } with a plain name",
                           i + 1);
    }
    return json_count(items) <= 64 ||
           err_set(err, ERR_INVALID, "evidence: at most 64 items");
}

bool question_check(enum question_kind kind, const struct json *args,
                    struct err *err) {
    static const char *const choose[] = {"question", "evidence", "actions",
                                         NULL};
    static const char *const ask[] = {"question", "evidence", "schema", NULL};
    const struct json       *schema = json_find(args, "schema");

    if (!only_keys(args, kind == QUESTION_CHOOSE ? choose : ask, "the question",
                   err))
        return false;
    if (json_find_text(args, "question").len == 0)
        return err_set(err, ERR_INVALID, "question: a text");
    if (!check_evidence(json_find(args, "evidence"), err))
        return false;
    if (kind == QUESTION_CHOOSE)
        return check_actions(json_find(args, "actions"), err);
    if (!json_is(schema, JSON_MAP) || json_count(schema) == 0)
        return err_set(err, ERR_INVALID, "schema: a table of fields");
    return check_fields(schema, err);
}

/* --- the schema -------------------------------------------------------- */

static struct json *typed(const char *type) {
    struct json *schema = json_new_map();

    json_put_text(schema, "type", str_of(type));
    return schema;
}

static struct json *list_of(struct json *items) {
    struct json *schema = typed("array");

    json_put(schema, "items", items);
    return schema;
}

/* An object of exactly these properties; takes them. */
static struct json *object_of(struct json *properties, struct json *required) {
    struct json *schema = typed("object");

    json_put(schema, "properties", properties);
    json_put(schema, "required", required);
    json_put_bool(schema, "additionalProperties", false);
    return schema;
}

static struct json *field_schema(const struct json *field) {
    struct json *schema = json_new_map();

    json_put_text(schema, "type", json_find_text(field, "type"));
    if (json_find(field, "min"))
        json_put(schema, "minimum", json_clone(json_find(field, "min")));
    if (json_find(field, "max"))
        json_put(schema, "maximum", json_clone(json_find(field, "max")));
    if (json_find(field, "enum"))
        json_put(schema, "enum", json_clone(json_find(field, "enum")));
    return schema;
}

static struct json *fields_schema(const struct json *fields) {
    struct json_walk walk = json_walk_over(fields);
    struct json     *properties = json_new_map(), *required = json_new_list();

    while (json_walk_next(&walk)) {
        json_put_str(properties, walk.key, field_schema(walk.value));
        if (!json_truth(json_find(walk.value, "optional")))
            json_append_text(required, walk.key);
    }
    return object_of(properties, required);
}

static struct json *quotes_schema(void) {
    struct json *properties = json_new_map(), *required = json_new_list();

    json_put(properties, "evidence", typed("string"));
    json_put(properties, "text", typed("string"));
    json_append_text(required, STR("evidence"));
    json_append_text(required, STR("text"));
    return list_of(object_of(properties, required));
}

static struct json *action_schema(const struct json *actions) {
    struct json_walk walk = json_walk_over(actions);
    struct json     *names = json_new_list(), *schema = typed("string");

    while (json_walk_next(&walk))
        json_append_text(names, walk.key);
    json_append_text(names, STR(QUESTION_UNSURE));
    json_put(schema, "enum", names);
    return schema;
}

struct json *question_schema(enum question_kind kind, const struct json *args) {
    struct json     *properties = json_new_map(), *required = json_new_list();
    struct json_walk walk;

    json_put(properties, "quotes", quotes_schema());
    if (kind == QUESTION_ASK) {
        json_put(properties, "value", fields_schema(json_find(args, "schema")));
    } else {
        json_put(properties, "action",
                 action_schema(json_find(args, "actions")));
        json_put(properties, "arguments", typed("object"));
        json_put(properties, "confidence", typed("number"));
        json_put(properties, "reasons", list_of(typed("string")));
    }
    walk = json_walk_over(properties);
    while (json_walk_next(&walk))
        json_append_text(required, walk.key);
    return object_of(properties, required);
}
