/* choice.c - every member is looked at; what is not known is refused. */
#include "llm/choice.h"

#include <string.h>

#include "llm/evidence.h"

#define LIST_MAX 20
#define TEXT_MAX 2000

static bool bad(struct err *err, const char *words) {
    return err_set(err, ERR_INVALID, "%s", words);
}

static bool is_number(const struct json *value) {
    return json_is(value, JSON_INT) || json_is(value, JSON_REAL_KIND);
}

/* --- fields ------------------------------------------------------------ */

static bool type_fits(struct str type, const struct json *value) {
    if (str_is(type, "integer"))
        return json_is(value, JSON_INT);
    if (str_is(type, "number"))
        return is_number(value);
    if (str_is(type, "boolean"))
        return json_is(value, JSON_BOOL);
    return json_is(value, JSON_TEXT) && json_text(value).len <= TEXT_MAX;
}

static bool in_range(const struct json *field, const struct json *value) {
    const struct json *min = json_find(field, "min");
    const struct json *max = json_find(field, "max");

    if (!is_number(value))
        return true;
    return (!min || json_number(value) >= json_number(min)) &&
           (!max || json_number(value) <= json_number(max));
}

static bool check_field(struct str name, const struct json *field,
                        const struct json *value, struct err *err) {
    const struct json *words = json_find(field, "enum");
    const char        *why = NULL;

    if (!value)
        why = json_truth(json_find(field, "optional")) ? NULL : "is missing";
    else if (!type_fits(json_find_text(field, "type"), value))
        why = "is not of its type";
    else if (!in_range(field, value))
        why = "is out of its range";
    else if (words && !json_lists(words, json_text(value)))
        why = "is not one of its values";
    return !why || err_set(err, ERR_INVALID, "\"%.*s\" %s", STR_ARG(name), why);
}

/* (CH2) */
static bool check_fields(const struct json *fields, const struct json *values,
                         struct err *err) {
    struct json_walk walk = json_walk_over(values);
    bool             ok = true;

    while (ok && json_walk_next(&walk))
        ok = json_find_str(fields, walk.key) ||
             bad(err, "there is a field that was not declared");
    json_walk_stop(&walk);
    walk = json_walk_over(fields);
    while (ok && json_walk_next(&walk))
        ok = check_field(walk.key, walk.value, json_find_str(values, walk.key),
                         err);
    json_walk_stop(&walk);
    return ok;
}

/* --- the parts of an answer --------------------------------------------- */

/* (CH3) */
static bool check_quotes(const struct json *clean, const struct json *quotes,
                         struct err *err) {
    if (!json_is(quotes, JSON_LIST) || json_count(quotes) > LIST_MAX)
        return bad(err, "quotes is no list of at most 20");
    for (size_t i = 0; i < json_count(quotes); i++) {
        const struct json *quote = json_at(quotes, i);

        if (json_count(quote) != 2 ||
            !evidence_holds(clean, json_find_text(quote, "evidence"),
                            json_find_text(quote, "text")))
            return err_set(err, ERR_INVALID,
                           "quote %zu is not word for word in the evidence "
                           "that it names",
                           i + 1);
    }
    return true;
}

static bool check_reasons(const struct json *reasons, struct err *err) {
    if (!json_is(reasons, JSON_LIST) || json_count(reasons) > LIST_MAX)
        return bad(err, "reasons is no list of at most 20");
    for (size_t i = 0; i < json_count(reasons); i++)
        if (!json_is(json_at(reasons, i), JSON_TEXT) ||
            json_text(json_at(reasons, i)).len > TEXT_MAX)
            return bad(err, "a reason is no text or too long");
    return true;
}

static bool only_members(const struct json *answer, const char *const *known,
                         struct err *err) {
    struct json_walk walk = json_walk_over(answer);
    bool             ok = json_is(answer, JSON_MAP);

    if (!ok)
        bad(err, "the answer is no JSON object");
    while (ok && json_walk_next(&walk)) {
        ok = false;
        for (size_t i = 0; !ok && known[i]; i++)
            ok = str_is(walk.key, known[i]);
        if (!ok)
            bad(err, "the answer has a member that was not asked for");
    }
    json_walk_stop(&walk);
    return ok;
}

static bool check_confidence(const struct json *value, struct err *err) {
    return (is_number(value) && json_number(value) >= 0 &&
            json_number(value) <= 1) ||
           bad(err, "confidence is no number from 0 to 1");
}

/* (CH1) */
static bool check_action(const struct json *clean, const struct json *answer,
                         struct err *err) {
    struct str         name = json_find_text(answer, "action");
    const struct json *arguments = json_find(answer, "arguments");
    const struct json *action =
        json_find_str(json_find(clean, "actions"), name);

    if (!json_is(arguments, JSON_MAP))
        return bad(err, "arguments is no object");
    if (str_is(name, QUESTION_UNSURE))
        return true;
    return action ? check_fields(json_find(action, "arguments"), arguments, err)
                  : bad(err, "action is none of the declared ones");
}

static bool check_choice(const struct json *clean, const struct json *answer,
                         struct err *err) {
    static const char *const known[] = {"action",  "arguments", "confidence",
                                        "reasons", "quotes",    NULL};

    return only_members(answer, known, err) &&
           check_action(clean, answer, err) &&
           check_confidence(json_find(answer, "confidence"), err) &&
           check_reasons(json_find(answer, "reasons"), err) &&
           check_quotes(clean, json_find(answer, "quotes"), err);
}

bool choice_check(enum question_kind kind, const struct json *clean,
                  const struct json *answer, struct err *err) {
    static const char *const known[] = {"value", "quotes", NULL};
    const struct json       *value = json_find(answer, "value");

    if (kind == QUESTION_CHOOSE)
        return check_choice(clean, answer, err);
    if (!only_members(answer, known, err))
        return false;
    if (!json_is(value, JSON_MAP))
        return bad(err, "value is no object");
    return check_fields(json_find(clean, "schema"), value, err) &&
           check_quotes(clean, json_find(answer, "quotes"), err);
}

struct json *choice_unsure(struct str why) {
    struct json *value = json_new_map();

    json_put_text(value, "action", STR(QUESTION_UNSURE));
    json_put_text(value, "why", why);
    json_put(value, "arguments", json_new_map());
    json_put_int(value, "confidence", 0);
    json_put(value, "reasons", json_new_list());
    json_put(value, "quotes", json_new_list());
    return value;
}

struct json *choice_take(enum question_kind kind, const struct json *answer) {
    struct json *value = json_clone(answer);

    if (kind == QUESTION_CHOOSE &&
        str_is(json_find_text(value, "action"), QUESTION_UNSURE)) {
        json_put(value, "arguments", json_new_map());
        json_put_text(value, "why", STR("the model is not sure"));
    }
    return value;
}
