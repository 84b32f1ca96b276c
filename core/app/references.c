/* references.c - one walk over the values, then the names that are always
 * looked for.
 */
#include "app/references.h"

#include <string.h>

#include "app/config_key.h"
#include "base/mem.h"
#include "secret/secret.h"
#include "secret/secret_source.h"

/* Secrets that no key of the file stands for: AWS's own variables. */
static const char *const variables[] = {
    "AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN",
    "AWS_CONTAINER_AUTHORIZATION_TOKEN"};
#define VARIABLES (sizeof variables / sizeof *variables)

struct reader {
    struct secret_places places;
    struct secrets      *secrets;
    struct json         *missing;
};

static const char *from_environment(const char *name) {
    return getenv(name);
}

bool references_is_secret(const char *variable) {
    for (size_t i = 0; i < VARIABLES; i++)
        if (strcmp(variable, variables[i]) == 0)
            return true;
    for (const struct config_key *key = config_key_all(); key->path; key++)
        if (key->env && config_key_is_secret(key) &&
            strcmp(variable, key->env) == 0)
            return true;
    return false;
}

static void add_missing(struct reader *reader, const struct json *steps,
                        struct str name, const char *as, const char *why) {
    struct json *entry = json_new_map();
    struct buf   path = BUF_EMPTY;

    for (size_t i = 0; i < json_count(steps); i++)
        buf_addf(&path, "%s%.*s", i ? "." : "",
                 STR_ARG(json_text(json_at(steps, i))));
    json_put_text(entry, "path", buf_str(&path));
    json_put_text(entry, "name", name);
    json_put_text(entry, "as", str_of(as));
    json_put_text(entry, "why", str_of(why));
    json_append(reader->missing, entry);
    buf_release(&path);
}

/* `steps` NULL: nothing wants it, so it may be absent. (RF2) */
static void read_one(struct reader *reader, const struct json *steps,
                     struct str name, const char *as) {
    struct buf value = BUF_EMPTY;
    struct err err;

    if (str_starts(name, "aws:"))
        add_missing(reader, steps, name, as, "not fetched");
    else if (secret_source_read(&reader->places, name, &value, &err))
        secret_put(reader->secrets, as, buf_str(&value));
    else if (steps || err.code != ERR_NOT_FOUND)
        add_missing(reader, steps, name, as, err.text);
    mem_wipe(value.data, value.cap);
    buf_release(&value);
}

static void walk(struct reader *reader, const struct json *map,
                 struct json *steps);

static void visit(struct reader *reader, const struct json *value,
                  struct json *steps) {
    bool                     prefix;
    const struct config_key *key = config_key_find(steps, &prefix);
    struct str               name = json_find_text(value, "secret");

    if (!key && json_is(value, JSON_MAP))
        walk(reader, value, steps);
    else if (key && config_key_is_secret(key) && name.len)
        read_one(reader, steps, name, key->env ? key->env : name.data);
}

static void walk(struct reader *reader, const struct json *map,
                 struct json *steps) {
    struct json_walk over = json_walk_over(map);

    while (json_walk_next(&over)) {
        struct json *inner = json_clone(steps);

        json_append_text(inner, over.key);
        visit(reader, over.value, inner);
        json_release(inner);
    }
}

static bool is_wanted(const struct reader *reader, const char *as) {
    for (size_t i = 0; i < json_count(reader->missing); i++)
        if (str_is(json_find_text(json_at(reader->missing, i), "as"), as))
            return true;
    return secret_find(reader->secrets, as).len > 0;
}

void references_read(const struct json *values, struct secrets *secrets,
                     struct json *missing) {
    const char *directory = getenv("CREDENTIALS_DIRECTORY");
    struct str  given =
        json_text(json_dig(values, "secrets", "directory", NULL));
    struct reader reader = {{directory && *directory ? directory : NULL,
                             given.len ? given.data : NULL, from_environment},
                            secrets,
                            missing};
    struct json  *steps = json_new_list();

    walk(&reader, values, steps);
    json_release(steps);
    for (const struct config_key *key = config_key_all(); key->path; key++)
        if (key->env && config_key_is_secret(key) &&
            !is_wanted(&reader, key->env))
            read_one(&reader, NULL, str_of(key->env), key->env);
    for (size_t i = 0; i < VARIABLES; i++)
        read_one(&reader, NULL, str_of(variables[i]), variables[i]);
}
