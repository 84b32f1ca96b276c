/* config_key.c - the list, and paths held against its patterns. */
#include "app/config_key.h"

#include <string.h>

#include "base/timestamp.h"

static const struct config_key keys[] = {
#define KEY(path, kind, env, about) {path, kind, env, about},
#include "app/config.def"
#undef KEY
    {NULL, NULL, NULL, NULL}};

const struct config_key *config_key_all(void) {
    return keys;
}

/* Does "services.*.repo" fit "services.prod/checkout.repo", or begin so? Path
 * steps are matched one by one; `*` takes any. */
static bool fits(const char *pattern, const struct json *steps, bool *prefix) {
    struct str rest = str_of(pattern);
    size_t     i = 0, count = json_count(steps);

    *prefix = false;
    for (; rest.data; i++) {
        struct str step = str_cut(rest, '.', &rest);

        if (i == count) {
            *prefix = true;
            return false;
        }
        if (!str_is(step, "*") &&
            !str_equal(step, json_text(json_at(steps, i))))
            return false;
    }
    return i == count;
}

const struct config_key *config_key_find(const struct json *steps,
                                         bool              *prefix) {
    bool begins = false;

    *prefix = false;
    for (size_t i = 0; keys[i].path; i++) {
        if (fits(keys[i].path, steps, &begins))
            return &keys[i];
        *prefix = *prefix || begins;
    }
    return NULL;
}

static bool is_url(struct str text) {
    return str_starts(text, "http://") || str_starts(text, "https://");
}

bool config_key_takes(const struct config_key *key, const struct json *value) {
    const char *kind = key->kind;
    int64_t     ms;
    struct err  err;

    if (strcmp(kind, "bool") == 0)
        return json_is(value, JSON_BOOL);
    /* In Lua an empty list and an empty map are written alike. */
    if (strcmp(kind, "list") == 0)
        return json_is(value, JSON_LIST) ||
               (json_is(value, JSON_MAP) && json_count(value) == 0);
    if (strcmp(kind, "number") == 0)
        return json_is(value, JSON_INT) || json_is(value, JSON_REAL_KIND);
    if (strcmp(kind, "duration") == 0)
        return timestamp_read_duration(json_text(value), &ms, &err);
    if (strcmp(kind, "url") == 0)
        return is_url(json_text(value));
    if (strcmp(kind, "reference") == 0)
        return json_find_text(value, "secret").len > 0;
    if (strcmp(kind, "secret") == 0)
        return is_url(json_text(value)) ||
               json_find_text(value, "secret").len > 0;
    return json_is(value, JSON_TEXT);
}

bool config_key_is_secret(const struct config_key *key) {
    return strcmp(key->kind, "reference") == 0 ||
           strcmp(key->kind, "secret") == 0;
}
