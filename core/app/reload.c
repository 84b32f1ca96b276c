/* reload.c - making, fetching, comparing, in this order; each step but the
 * first on the loop.
 */
#include "app/reload.h"

#include <string.h>

#include "app/candidate.h"
#include "app/config_change.h"
#include "base/mem.h"
#include "secret/redact.h"
#include "secret/secret.h"
#include "sys/worker.h"

struct reload {
    struct reload_options options;
    char                 *scripts, *config;
    struct candidate      made; /* the worker's until it is done */
    struct json          *needs_restart;
    unsigned char         digest[DIGEST_SIZE]; /* of what was made last */
    size_t                fetched;
    bool                  busy, again, closed;
};

static char *copy_of(const char *text) {
    return text ? mem_text(text, strlen(text)) : NULL;
}

struct reload *reload_open(const struct reload_options *options) {
    struct reload *reload = mem_new(sizeof *reload);

    reload->options = *options;
    reload->scripts = copy_of(options->scripts);
    reload->config = copy_of(options->config);
    return reload;
}

static void drop_made(struct reload *reload) {
    candidate_release(&reload->made);
    json_release(reload->needs_restart);
    reload->needs_restart = NULL;
}

static void free_reload(struct reload *reload) {
    drop_made(reload);
    mem_free(reload->scripts);
    mem_free(reload->config);
    mem_free(reload);
}

void reload_close(struct reload *reload) {
    if (!reload)
        return;
    reload->closed = true;
    if (!reload->busy)
        free_reload(reload);
}

/* --- comparing -------------------------------------------------------------- */

/* The same scripts are the same bundle, with what it has compiled. */
static void keep_same_bundle(struct reload_candidate *candidate,
                             struct bundle           *present) {
    if (strcmp(bundle_hash(candidate->bundle), bundle_hash(present)) != 0) {
        candidate->changed = true;
        return;
    }
    bundle_release(candidate->bundle);
    candidate->bundle = bundle_retain(present);
}

static struct reload_candidate *compare(struct reload *reload) {
    struct reload_candidate *candidate = mem_new(sizeof *candidate);
    const struct config     *present = *reload->options.config_in_force;
    struct config           *next = reload->made.config;

    candidate->bundle = reload->made.bundle;
    candidate->config = next;
    reload->made.bundle = NULL;
    reload->made.config = NULL;
    keep_same_bundle(candidate, *reload->options.bundle);
    candidate->needs_restart = reload->needs_restart;
    reload->needs_restart = NULL;
    candidate->changes = config_change_list(present, next);
    candidate->changed =
        candidate->changed || json_count(candidate->changes) > 0 ||
        !secret_has_all(config_secrets(present), config_secrets(next));
    return candidate;
}

/* --- the steps -------------------------------------------------------------- */

static void make(void *arg) {
    struct reload *reload = arg;

    candidate_make(reload->scripts, reload->config, reload->options.fetch.clock,
                   &reload->made);
}

static void fetch_next(struct reload *reload);

/* What waits for a restart is put back first, so that secrets are fetched by
 * what is in force. (RE4) */
static void made(void *arg) {
    struct reload *reload = arg;

    memcpy(reload->digest, reload->made.digest, DIGEST_SIZE);
    if (json_count(reload->made.problems) == 0)
        reload->needs_restart = config_change_hold(
            reload->made.config, *reload->options.config_in_force);
    fetch_next(reload);
}

static void begin(struct reload *reload) {
    reload->busy = true;
    reload->again = false;
    reload->fetched = 0;
    worker_start(reload->options.fetch.loop, make, made, reload);
}

/* Not offered any more when somebody has asked meanwhile: the files are not
 * what they were. (RE2) */
static bool goes_on(struct reload *reload) {
    if (!reload->closed && !reload->again)
        return true;
    drop_made(reload);
    reload->busy = false;
    if (reload->closed)
        free_reload(reload);
    else
        begin(reload);
    return false;
}

/* The receiver may ask again, or close, so this is the last that is done. */
static void refuse(struct reload *reload) {
    struct json *problems = reload->made.problems;

    reload->made.problems = NULL;
    drop_made(reload);
    reload->busy = false;
    reload->options.done(reload->options.arg, NULL, problems);
    json_release(problems);
}

static void offer(struct reload *reload) {
    struct reload_candidate *candidate = compare(reload);
    struct err               err;
    struct str               rest;

    if (!service_settings_read(config_json(candidate->config),
                               &candidate->settings, &err)) {
        reload->made.config = config_retain(candidate->config);
        candidate_add_problem(&reload->made,
                              str_cut(str_of(err.text), ' ', &rest), &err);
        reload_release(candidate);
        refuse(reload);
        return;
    }
    redact_learn(reload->options.redact, config_secrets(candidate->config));
    drop_made(reload);
    reload->busy = false;
    reload->options.done(reload->options.arg, candidate, NULL);
}

static const struct json *next_reference(struct reload *reload) {
    const struct json *missing = config_missing(reload->made.config);

    while (reload->fetched < json_count(missing)) {
        const struct json *reference = json_at(missing, reload->fetched);

        if (secret_fetch_takes(reference))
            return reference;
        reload->fetched++;
    }
    return NULL;
}

static void fetched(void *arg, const struct err *failure) {
    struct reload     *reload = arg;
    const struct json *reference = next_reference(reload);
    struct str         path = json_find_text(reference, "path");
    struct err         err;

    if (failure) {
        err = *failure;
        err.code = ERR_CONFIG;
        err_wrap(&err, "%.*s", STR_ARG(path));
        candidate_add_problem(&reload->made, path, &err);
    }
    reload->fetched++;
    fetch_next(reload);
}

/* One after the other: a reload is in no hurry. */
static void fetch_next(struct reload *reload) {
    const struct json *reference;

    if (!goes_on(reload))
        return;
    if (json_count(reload->made.problems) > 0) {
        refuse(reload);
        return;
    }
    reference = next_reference(reload);
    if (reference)
        secret_fetch_start(&reload->options.fetch, reload->made.config,
                           reference, fetched, reload);
    else
        offer(reload);
}

const unsigned char *reload_digest(const struct reload *reload) {
    return reload->digest;
}

void reload_ask(struct reload *reload) {
    if (reload->busy)
        reload->again = true;
    else
        begin(reload);
}

/* --- the swap --------------------------------------------------------------- */

void reload_swap(struct reload_candidate *candidate, struct bundle **bundle,
                 struct config **config) {
    config_share_secrets(candidate->config, *config); /* RE3 */
    bundle_release(*bundle);
    config_release(*config);
    *bundle = candidate->bundle;
    *config = candidate->config;
    candidate->bundle = NULL;
    candidate->config = NULL;
    reload_release(candidate);
}

void reload_release(struct reload_candidate *candidate) {
    if (!candidate)
        return;
    bundle_release(candidate->bundle);
    config_release(candidate->config);
    json_release(candidate->changes);
    json_release(candidate->needs_restart);
    mem_free(candidate);
}

void reload_words(const struct json *problems, struct buf *out) {
    for (size_t i = 0; i < json_count(problems); i++) {
        const struct json *problem = json_at(problems, i);

        buf_addf(out, "%s%.*s:%d: %.*s: %.*s", i ? "\n" : "",
                 STR_ARG(json_find_text(problem, "file")),
                 (int)json_find_int(problem, "line", 1),
                 STR_ARG(json_find_text(problem, "code")),
                 STR_ARG(json_find_text(problem, "text")));
    }
}
