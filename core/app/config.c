/* config.c - one walk over the given table against the list of keys. */
#include "app/config.h"

#include <string.h>
#include <strings.h>

#include "app/config_key.h"
#include "app/config_scope.h"
#include "app/references.h"
#include "aws/aws_profile.h"
#include "base/mem.h"
#include "base/nearest.h"
#include "base/timestamp.h"
#include "check/lines.h"
#include "secret/secret.h"
#include "sys/file.h"
#include "vm/settings.h"

#define FILE_MAX (256u << 10)

struct config {
    struct json    *values, *origins, *missing;
    struct secrets *secrets;
    char           *file; /* NULL: there is none */
    struct buf      text; /* of it, for lines */
    size_t          holders;
};

/* env() of the file. Secrets are not for it: what it gives ends up among the
 * values that are printed. (CF2) */
static const char *from_environment(const char *name) {
    return references_is_secret(name) ? NULL : getenv(name);
}

/* --- checking ---------------------------------------------------------- */

struct checking {
    struct str  text; /* of the file */
    int         line; /* of what was refused */
    struct err *err;
};

#define STEPS_MAX 16

static int line_of(struct str text, const struct json *steps) {
    struct str path[STEPS_MAX];
    size_t     count = 0;

    for (; count < json_count(steps) && count < STEPS_MAX; count++)
        path[count] = json_text(json_at(steps, count));
    return lines_find_path(text, path, count);
}

static void join(const struct json *steps, struct buf *out) {
    for (size_t i = 0; i < json_count(steps); i++) {
        if (i)
            buf_add_char(out, '.');
        buf_add_str(out, json_text(json_at(steps, i)));
    }
}

/* The last step of each key whose other steps fit: what may stand here. */
static void offer_siblings(struct nearest *nearest, const struct json *steps) {
    const struct config_key *key = config_key_all();
    size_t                   last = json_count(steps) - 1;

    for (; key->path; key++) {
        struct str rest = str_of(key->path), step = STR("");
        size_t     at = 0;
        bool       same = true;

        while (rest.data && at <= last && same) {
            step = str_cut(rest, '.', &rest);
            same = at == last || str_is(step, "*") ||
                   str_equal(step, json_text(json_at(steps, at)));
            at++;
        }
        if (same && at == last + 1)
            nearest_offer(nearest, step);
    }
}

static bool unknown_key(struct checking *checking, const struct json *steps) {
    struct buf     path = BUF_EMPTY, words = BUF_EMPTY;
    struct nearest nearest =
        nearest_to(json_text(json_at(steps, json_count(steps) - 1)));

    join(steps, &path);
    offer_siblings(&nearest, steps);
    checking->line = line_of(checking->text, steps);
    err_set(checking->err, ERR_CONFIG, "unknown key %s%s", buf_text(&path),
            nearest_words(&nearest, &words));
    buf_release(&path);
    buf_release(&words);
    return false;
}

static bool wrong_kind(struct checking *checking, const struct json *steps,
                       const char *kind, const char *about) {
    struct buf path = BUF_EMPTY;

    join(steps, &path);
    checking->line = line_of(checking->text, steps);
    err_set(checking->err, ERR_CONFIG, "%s must be a %s: %s", buf_text(&path),
            kind, about);
    buf_release(&path);
    return false;
}

static bool check_map(struct checking *checking, const struct json *map,
                      const struct json *steps);

static bool check_value(struct checking *checking, const struct json *value,
                        const struct json *steps) {
    bool                     prefix;
    const struct config_key *key = config_key_find(steps, &prefix);

    if (key)
        return config_key_takes(key, value) ||
               wrong_kind(checking, steps, key->kind, key->about);
    if (!prefix)
        return unknown_key(checking, steps);
    return json_is(value, JSON_MAP)
               ? check_map(checking, value, steps)
               : wrong_kind(checking, steps, "table", "it has keys of its own");
}

static struct json *longer(const struct json *steps, struct str step) {
    struct json *more = json_clone(steps);

    json_append_text(more, step);
    return more;
}

/* (CF1) */
static bool check_map(struct checking *checking, const struct json *map,
                      const struct json *steps) {
    struct json_walk walk = json_walk_over(map);
    bool             ok = true;

    while (ok && json_walk_next(&walk)) {
        struct json *inner = longer(steps, walk.key);

        ok = check_value(checking, walk.value, inner);
        json_release(inner);
    }
    json_walk_stop(&walk);
    return ok;
}

/* --- filling ------------------------------------------------------------ */

/* Sets a value at a path without `*`, unless it is there already. */
static bool put_path(struct json *values, const char *path,
                     struct json *value) {
    struct str   rest, step = str_cut(str_of(path), '.', &rest);
    struct json *map = values;

    while (rest.data) {
        struct json *inner = json_find_str(map, step);

        if (!inner) {
            json_put_str(map, step, json_new_map());
            inner = json_find_str(map, step);
        }
        map = inner;
        step = str_cut(rest, '.', &rest);
    }
    if (json_find_str(map, step)) {
        json_release(value);
        return false;
    }
    json_put_str(map, step, value);
    return true;
}

static void note_origins(struct json *origins, const struct json *map,
                         const struct json *steps, const char *file) {
    struct json_walk walk = json_walk_over(map);

    while (json_walk_next(&walk)) {
        struct json *inner = longer(steps, walk.key);
        struct buf   path = BUF_EMPTY;
        bool         prefix;

        join(inner, &path);
        if (config_key_find(inner, &prefix))
            json_put_text(origins, buf_text(&path), str_of(file));
        else
            note_origins(origins, walk.value, inner, file);
        buf_release(&path);
        json_release(inner);
    }
}

static struct json *from_text(const char *kind, const char *text) {
    bool yes = strcasecmp(text, "true") == 0;

    if (strcmp(kind, "bool") == 0 && (yes || strcasecmp(text, "false") == 0))
        return json_new_bool(yes);
    return json_new_text(str_of(text));
}

/* An empty variable says nothing, and one that the file overrides is not
 * looked at. (CF1) */
static bool fill_key(struct config *config, const struct config_key *key,
                     const char *variable, struct err *err) {
    const char  *text = getenv(variable);
    struct json *value = text && *text ? from_text(key->kind, text) : NULL;
    bool         fits_kind = !value || config_key_takes(key, value);
    struct buf   origin = BUF_EMPTY;

    if (!value || !put_path(config->values, key->path, value))
        return true;
    buf_addf(&origin, "environment %s", variable);
    json_put_text(config->origins, key->path, buf_str(&origin));
    if (!fits_kind)
        err_set(err, ERR_CONFIG, "%s: %s must be a %s: %s", buf_text(&origin),
                key->path, key->kind, key->about);
    buf_release(&origin);
    return fits_kind;
}

static bool fill_from_environment(struct config *config, struct err *err) {
    bool ok = true;

    for (const struct config_key *key = config_key_all(); ok && key->path;
         key++) {
        if (key->env && !config_key_is_secret(key))
            ok = fill_key(config, key, key->env, err);
        /* The older name of the same variable. */
        if (ok && key->env && strcmp(key->env, "AWS_REGION") == 0)
            ok = fill_key(config, key, "AWS_DEFAULT_REGION", err);
    }
    return ok;
}

static const char *any_variable(const char *name) {
    return getenv(name);
}

/* The region of the shared profile comes last, as with AWS's own tools. What is
 * wrong with those files is for whoever needs credentials from them to say. */
static void fill_region(struct config *config) {
    struct aws_creds_inputs inputs;
    struct aws_profiles     profiles = {NULL, NULL};
    struct buf              origin = BUF_EMPTY;
    struct err              err;
    struct str              name, region = STR("");

    aws_creds_inputs_read(&inputs, any_variable);
    name = aws_profile_name(&inputs);
    if (aws_profile_read(&inputs, &profiles, &err))
        region = aws_profile_find(&profiles, name, "region");
    buf_addf(&origin, "profile %.*s", STR_ARG(name));
    if (region.len &&
        put_path(config->values, "aws.region", json_new_text(region)))
        json_put_text(config->origins, "aws.region", buf_str(&origin));
    buf_release(&origin);
    aws_profile_release(&profiles);
}

static void put_milliseconds(struct json *values, const char *key,
                             int64_t otherwise) {
    struct buf name = BUF_EMPTY;
    int64_t    ms = otherwise;
    struct err err;

    if (json_find(values, key))
        (void)timestamp_read_duration(json_find_text(values, key), &ms, &err);
    buf_addf(&name, "%s_ms", key);
    json_put_int(values, buf_text(&name), ms);
    buf_release(&name);
}

/* Only where one is given: each way to know a sender has a window of its own.
 */
static void put_windows(struct json *sources) {
    struct json_walk walk = json_walk_over(sources);

    while (json_walk_next(&walk))
        if (json_find(walk.value, "window"))
            put_milliseconds(walk.value, "window", 0);
}

static bool read_file(struct config *config, const char *path,
                      struct bundle *bundle, struct err *err) {
    struct checking checking = {.err = err};
    struct json    *steps = json_new_list();
    bool            ok;

    config->file = mem_text(path, strlen(path));
    ok = file_read(path, FILE_MAX, &config->text, err);
    if (ok) {
        checking.text = buf_str(&config->text);
        json_release(config->values);
        config->values =
            settings_read(bundle, path, checking.text, from_environment, err);
        ok = config->values != NULL;
    }
    if (ok && !json_is(config->values, JSON_MAP))
        ok = err_set(err, ERR_CONFIG, "must return a table of keys");
    ok = ok && check_map(&checking, config->values, steps);
    if (ok)
        note_origins(config->origins, config->values, steps, path);
    json_release(steps);
    if (!ok)
        err->code = ERR_CONFIG;
    if (checking.line)
        return err_wrap(err, "%s:%d", path, checking.line);
    return ok || err_wrap(err, "%s", path);
}

struct config *config_load(const char *path, struct bundle *bundle,
                           struct err *err) {
    struct config *config = mem_new(sizeof *config);

    config->holders = 1;
    config->values = json_new_map();
    config->origins = json_new_map();
    config->missing = json_new_list();
    config->secrets = secret_open();
    if (!path && file_exists("nightshift.lua"))
        path = "nightshift.lua";
    if ((path && !read_file(config, path, bundle, err)) ||
        !fill_from_environment(config, err)) {
        config_release(config);
        return NULL;
    }
    fill_region(config);
    put_milliseconds(config->values, "effect_timeout", 20000);
    put_milliseconds(config->values, "settle", 5000);
    put_milliseconds(config->values, "park_after", 10000);
    if (json_is(json_find(config->values, "llm"), JSON_MAP))
        put_milliseconds(json_find(config->values, "llm"), "timeout", 60000);
    put_windows(json_find(config->values, "sources"));
    references_read(config->values, config->secrets, config->missing);
    return config;
}

struct config *config_retain(struct config *config) {
    config->holders++;
    return config;
}

/* (CF4) */
void config_release(struct config *config) {
    if (!config || --config->holders > 0)
        return;
    json_release(config->values);
    json_release(config->origins);
    json_release(config->missing);
    secret_close(config->secrets);
    buf_release(&config->text);
    mem_free(config->file);
    mem_free(config);
}

const struct json *config_json(const struct config *config) {
    return config->values;
}

void config_put(struct config *config, const char *key, struct json *value) {
    json_put(config->values, key, value);
}

void config_put_endpoint(struct config *config, struct str service,
                         struct str url, const char *variable) {
    struct buf path = BUF_EMPTY, origin = BUF_EMPTY;

    buf_addf(&path, "aws.endpoints.%.*s", STR_ARG(service));
    buf_addf(&origin, "environment %s", variable);
    if (put_path(config->values, buf_text(&path), json_new_text(url)))
        json_put_text(config->origins, buf_text(&path), buf_str(&origin));
    buf_release(&path);
    buf_release(&origin);
}

const struct json *config_origins(const struct config *config) {
    return config->origins;
}

const struct secrets *config_secrets(const struct config *config) {
    return config->secrets;
}

const struct json *config_missing(const struct config *config) {
    return config->missing;
}

void config_resolve(struct config *config, const struct json *reference,
                    struct str value) {
    secret_put(config->secrets, json_find_text(reference, "as").data, value);
}

/* --- one in the place of another ------------------------------------------ */

const char *config_file(const struct config *config) {
    return config->file;
}

int config_line(const struct config *config, struct str key) {
    struct str path[STEPS_MAX];
    size_t     count = 0;

    while (key.data && count < STEPS_MAX)
        path[count++] = str_cut(key, '.', &key);
    return lines_find_path(buf_str(&config->text), path, count);
}

void config_keep(struct config *next, const struct config *present,
                 const char *path) {
    struct str         rest, step = str_cut(str_of(path), '.', &rest);
    struct json       *map = next->values;
    const struct json *from = present->values;

    for (; rest.data; step = str_cut(rest, '.', &rest)) {
        from = json_find_str(from, step);
        if (!json_find_str(map, step)) {
            if (!from)
                return;
            json_put_str(map, step, json_new_map());
        }
        map = json_find_str(map, step);
    }
    from = json_find_str(from, step);
    if (from)
        json_put_str(map, step, json_clone(from));
    else
        json_drop_str(map, step);
}

void config_share_secrets(struct config *next, struct config *present) {
    if (next->secrets == present->secrets)
        return;
    secret_merge(present->secrets, next->secrets);
    secret_close(next->secrets);
    next->secrets = secret_retain(present->secrets);
}

/* --- facts ----------------------------------------------------------------- */

static struct json *facts_of(const struct json *map, const struct json *steps) {
    struct json     *facts = json_new_map();
    struct json_walk walk = json_walk_over(map);

    while (json_walk_next(&walk)) {
        struct json             *inner = longer(steps, walk.key);
        bool                     prefix;
        const struct config_key *key = config_key_find(inner, &prefix);

        if (config_scope_is_service(inner) ||
            (key && config_scope_is_transport(key)))
            ;
        else if (!key && json_is(walk.value, JSON_MAP))
            json_put_str(facts, walk.key, facts_of(walk.value, inner));
        else
            json_put_str(facts, walk.key, json_clone(walk.value));
        json_release(inner);
    }
    return facts;
}

struct json *config_facts(const struct config *config) {
    struct json *steps = json_new_list();
    struct json *facts = facts_of(config->values, steps);

    json_release(steps);
    return facts;
}
