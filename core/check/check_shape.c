/* check_shape.c - which keys a table has, and what they hold.
 *
 * One table of rows for each kind of map; everything that is said about a
 * member is said at its own line, about a missing one at the map's.
 */
#include "base/timestamp.h"
#include "check/check_private.h"
#include "graph/contract.h"

static bool is_empty_table(const struct json *value) {
    return (json_is(value, JSON_MAP) || json_is(value, JSON_LIST)) &&
           json_count(value) == 0;
}

static bool is_texts(const struct json *value) {
    if (is_empty_table(value))
        return true;
    if (!json_is(value, JSON_LIST))
        return false;
    for (size_t i = 0; i < json_count(value); i++)
        if (!json_is(json_at(value, i), JSON_TEXT))
            return false;
    return true;
}

/* Functions come out of the table as the text "function". */
static bool fits(enum shape_kind kind, const struct json *value) {
    switch (kind) {
    case SHAPE_TEXT:
    case SHAPE_DURATION: return json_is(value, JSON_TEXT);
    case SHAPE_TEXTS: return is_texts(value);
    case SHAPE_MAP: return json_is(value, JSON_MAP) || is_empty_table(value);
    case SHAPE_FUNCTION: return str_is(json_text(value), "function");
    case SHAPE_MONEY:
        return (json_is(value, JSON_INT) || json_is(value, JSON_REAL_KIND)) &&
               json_number(value) >= 0;
    case SHAPE_COUNT: return json_is(value, JSON_INT) && json_int(value) >= 1;
    case SHAPE_TRUE: return json_truth(value);
    case SHAPE_TARGET:
        return json_is(value, JSON_TEXT) || json_is(value, JSON_MAP);
    }
    return false;
}

static const char *expected(enum shape_kind kind) {
    switch (kind) {
    case SHAPE_TEXT: return "a string";
    case SHAPE_TEXTS: return "a list of strings";
    case SHAPE_MAP: return "a table of names";
    case SHAPE_FUNCTION: return "a function";
    case SHAPE_DURATION: return "a duration such as \"30s\"";
    case SHAPE_COUNT: return "an integer of at least 1";
    case SHAPE_MONEY: return "a number of at least 0";
    case SHAPE_TRUE: return "true, or nothing";
    case SHAPE_TARGET: return "the name of a node, or { all = …, join = … }";
    }
    return "";
}

static bool check_row(struct check *check, const struct spot *spot,
                      const struct shape *row) {
    struct spot member = check_member(spot, str_of(row->key));
    struct err  err;
    int64_t     ms;

    if (!member.value) {
        if (row->needed)
            check_say_at(check, FINDING_KEY_MISSING, spot,
                         "the %s has no '%s': %s", spot->what, row->key,
                         row->needed);
        return !row->needed;
    }
    if (!fits(row->kind, member.value)) {
        check_say_at(check, FINDING_KEY_TYPE, &member,
                     "'%s' of the %s is %s; expected %s", row->key, spot->what,
                     contract_kind_name(member.value), expected(row->kind));
        return false;
    }
    if (row->kind != SHAPE_DURATION ||
        timestamp_read_duration(json_text(member.value), &ms, &err))
        return true;
    check_say_at(check, FINDING_DURATION_FORM, &member, "'%s' of the %s: %s",
                 row->key, spot->what, err.text);
    return false;
}

static bool is_row(const struct shape *rows, size_t count, struct str key) {
    for (size_t i = 0; i < count; i++)
        if (str_is(key, rows[i].key))
            return true;
    return false;
}

static bool check_unknown(struct check *check, const struct spot *spot,
                          const struct shape *rows, size_t count) {
    struct json_walk walk = json_walk_over(spot->value);
    bool             ok = true;

    while (json_walk_next(&walk)) {
        struct nearest nearest = nearest_to(walk.key);
        struct spot    member = check_member(spot, walk.key);

        if (is_row(rows, count, walk.key))
            continue;
        for (size_t i = 0; i < count; i++)
            nearest_offer(&nearest, str_of(rows[i].key));
        check_say_at(check, FINDING_KEY_UNKNOWN, &member,
                     "a %s has no '%.*s'%s", spot->what, STR_ARG(walk.key),
                     nearest_words(&nearest, &check->words));
        ok = false;
    }
    return ok;
}

bool check_shape(struct check *check, const struct spot *spot,
                 const struct shape *rows, size_t count) {
    bool ok;

    if (json_is(spot->value, JSON_LIST) && json_count(spot->value) > 0) {
        check_say_at(check, FINDING_KEY_TYPE, spot,
                     "the %s is a list; expected a table of names", spot->what);
        return false;
    }
    ok = check_unknown(check, spot, rows, count);
    for (size_t i = 0; i < count; i++)
        ok = check_row(check, spot, &rows[i]) && ok;
    return ok;
}

bool check_shape_word(struct check *check, const struct spot *spot,
                      struct str word) {
    bool good = word.len > 0 && word.len <= 64;

    for (size_t i = 0; i < word.len; i++)
        good = good && ((word.data[i] >= 'a' && word.data[i] <= 'z') ||
                        (word.data[i] >= '0' && word.data[i] <= '9') ||
                        word.data[i] == '_');
    if (!good)
        check_say_at(check, FINDING_NAME_FORM, spot,
                     "'%.*s' is no name: lower-case letters, digits and _",
                     STR_ARG(word));
    return good;
}

void check_shape_words(struct check *check, const struct spot *owner,
                       const char *key) {
    struct spot  outcomes = check_member(owner, str_of(key));
    struct json *seen = json_new_map();

    for (size_t i = 0; i < json_count(outcomes.value); i++) {
        struct str word = json_text(json_at(outcomes.value, i));

        if (json_find_str(seen, word))
            check_say_at(check, FINDING_OUTCOME_TWICE, &outcomes,
                         "'%.*s' is listed twice", STR_ARG(word));
        else if (check_shape_word(check, &outcomes, word))
            json_put_str(seen, word, json_new_bool(true));
    }
    json_release(seen);
}

static void check_codes(struct check *check, const struct spot *spot) {
    struct spot on = check_member(spot, STR("on"));

    for (size_t i = 0; is_texts(on.value) && i < json_count(on.value); i++) {
        struct str     code = json_text(json_at(on.value, i));
        struct nearest nearest = nearest_to(code);
        bool           known = false;

        for (int known_code = 0; known_code < ERR_COUNT; known_code++) {
            struct str name = str_of(err_name((enum err_code)known_code));

            known = known || str_equal(code, name);
            nearest_offer(&nearest, name);
        }
        if (!known)
            check_say_at(check, FINDING_ERROR_CODE_UNKNOWN, &on,
                         "'%.*s' is no error code%s", STR_ARG(code),
                         nearest_words(&nearest, &check->words));
    }
}

void check_shape_repeat(struct check *check, const struct spot *spot,
                        bool backoff) {
    static const struct shape rows[] = {
        {"times", SHAPE_COUNT, "how often to try again"},
        {"on", SHAPE_TEXTS, "which error codes may be tried again"},
        {"backoff", SHAPE_DURATION, NULL},
    };

    if (!spot->value)
        return;
    check_shape(check, spot, rows, backoff ? 3 : 2);
    check_codes(check, spot);
}
