/* aws_creds_profile.c - what the shared files say: keys, or roles on top of
 * keys.
 *
 * A profile with a role names where the credentials come from that assume it:
 * another profile, which may have a role itself, or one of the providers. The
 * way down is gone first, without asking anybody, and then the roles are
 * assumed on the way up.
 */
#include <string.h>

#include "aws/aws_creds_private.h"
#include "aws/aws_profile.h"
#include "base/mem.h"

#define ROLES_MAX 8
#define NO_PERSON                                                         \
    "and a log-in by a person is not something we can do: use a role, a " \
    "container's or an instance's credentials"

struct climb {
    const struct aws_creds_options *o;
    aws_creds_result_fn            *done;
    void                           *arg;
    struct aws_profiles             files;
    struct str                      names[ROLES_MAX]; /* from the top down */
    size_t                          count;
    struct str                      source;
    struct aws_creds_value          with;
};

static bool has(const struct aws_profiles *files, struct str name,
                const char *key) {
    return aws_profile_has(files, name, key);
}

/* A web identity's role is assumed with its token, not with keys. */
static bool has_role(const struct aws_profiles *files, struct str name) {
    return has(files, name, "role_arn") &&
           !has(files, name, "web_identity_token_file");
}

static bool has_keys(const struct aws_profiles *files, struct str name) {
    return has(files, name, "aws_access_key_id") ||
           has(files, name, "aws_secret_access_key");
}

/* --- keys -------------------------------------------------------------- */

static void give_keys(const struct json *section, struct str name,
                      aws_creds_result_fn *done, void *arg) {
    struct aws_creds_parts parts = {
        .access_key = json_find_text(section, "aws_access_key_id"),
        .secret_key = json_find_text(section, "aws_secret_access_key"),
        .session_token = json_find_text(section, "aws_session_token"),
    };
    struct aws_creds_value value;
    struct err             err;

    if (aws_creds_value_make(&parts, &value, &err)) {
        aws_creds_result_found(done, arg, &value);
    } else {
        (void)err_wrap(&err, "profile %.*s", STR_ARG(name));
        aws_creds_result_failed(done, arg, &err);
    }
}

static void refuse(struct str name, const char *what, const char *why,
                   aws_creds_result_fn *done, void *arg) {
    struct err err;

    (void)err_set(&err, ERR_CONFIG, "profile %.*s has %s, %s", STR_ARG(name),
                  what, why);
    aws_creds_result_failed(done, arg, &err);
}

static void exchange_token(const struct aws_creds_options *o,
                           const struct aws_profiles *files, struct str name,
                           aws_creds_result_fn *done, void *arg) {
    struct aws_creds_role role = {
        .arn = aws_profile_find(files, name, "role_arn"),
        .session_name = aws_profile_find(files, name, "role_session_name"),
        .duration = aws_profile_find(files, name, "duration_seconds"),
        .region = aws_profile_find(files, name, "region"),
    };

    aws_creds_web_identity_start(
        o, aws_profile_find(files, name, "web_identity_token_file").data, &role,
        done, arg);
}

/* Everything of a profile but a role on top of others, in the order in which
 * AWS's own tools look. (AC7) */
static void take_profile(const struct aws_creds_options *o,
                         const struct aws_profiles *files, struct str name,
                         aws_creds_result_fn *done, void *arg) {
    const struct json *keys = json_find_str(files->credentials, name);
    const struct json *config = json_find_str(files->config, name);

    if (has(files, name, "web_identity_token_file"))
        exchange_token(o, files, name, done, arg);
    else if (has(files, name, "sso_account_id") ||
             has(files, name, "sso_session"))
        refuse(name, "sso settings", NO_PERSON, done, arg);
    else if (json_find(keys, "aws_access_key_id"))
        give_keys(keys, name, done, arg);
    else if (has(files, name, "login_session"))
        refuse(name, "login_session", NO_PERSON, done, arg);
    else if (has(files, name, "credential_process"))
        refuse(name, "credential_process",
               "and we start no programs: give its credentials in the "
               "environment or at AWS_CONTAINER_CREDENTIALS_FULL_URI",
               done, arg);
    else if (json_find(config, "aws_access_key_id"))
        give_keys(config, name, done, arg);
    else
        aws_creds_result_none(done, arg, "profile %.*s has no keys",
                              STR_ARG(name));
}

static bool open_files(const struct aws_creds_options *o,
                       struct aws_profiles *files, struct err *err) {
    struct str name = aws_profile_name(&o->inputs);

    if (!aws_profile_read(&o->inputs, files, err))
        return false;
    if (!o->inputs.profile || aws_profile_known(files, name))
        return true;
    aws_profile_release(files);
    return err_set(err, ERR_CONFIG,
                   "AWS_PROFILE is %.*s, and neither the config file nor the "
                   "credentials file has such a profile",
                   STR_ARG(name));
}

void aws_creds_profile_fetch_keys(const struct aws_creds_options *o,
                                  aws_creds_result_fn *done, void *arg) {
    struct str          name = aws_profile_name(&o->inputs);
    struct aws_profiles files;
    struct err          err;

    if (!open_files(o, &files, &err)) {
        aws_creds_result_failed(done, arg, &err);
        return;
    }
    if (aws_profile_known(&files, name))
        take_profile(o, &files, name, done, arg);
    else
        aws_creds_result_none(done, arg, "there is no profile %.*s",
                              STR_ARG(name));
    aws_profile_release(&files);
}

/* --- roles ------------------------------------------------------------- */

static void end(struct climb *climb, struct aws_creds_result *result) {
    struct climb ended = *climb;

    aws_profile_release(&climb->files);
    aws_creds_value_release(&climb->with);
    mem_free(climb);
    ended.done(ended.arg, result);
}

static void fail(struct climb *climb, const struct err *err) {
    struct aws_creds_result result = {.fate = AWS_CREDS_FAILED, .err = *err};

    end(climb, &result);
}

static void assume_next(struct climb *climb);

static void assumed(void *arg, struct aws_creds_result *result) {
    struct climb *climb = arg;

    aws_creds_value_release(&climb->with);
    if (result->fate != AWS_CREDS_FOUND || climb->count == 0) {
        end(climb, result);
        return;
    }
    climb->with = result->value;
    assume_next(climb);
}

static void assume_next(struct climb *climb) {
    const struct aws_profiles *files = &climb->files;
    struct str                 name = climb->names[--climb->count];
    struct aws_creds_role      role = {
             .arn = aws_profile_find(files, name, "role_arn"),
             .external_id = aws_profile_find(files, name, "external_id"),
             .session_name = aws_profile_find(files, name, "role_session_name"),
             .duration = aws_profile_find(files, name, "duration_seconds"),
             .region = aws_profile_find(files, climb->names[0], "region"),
    };

    aws_creds_sts_assume(climb->o, &role, &climb->with, assumed, climb);
}

static void source_told(void *arg, struct aws_creds_result *result) {
    struct climb *climb = arg;

    if (result->fate != AWS_CREDS_FOUND) {
        result->fate = AWS_CREDS_FAILED;
        (void)err_wrap(&result->err, "source %.*s of profile %.*s",
                       STR_ARG(climb->source),
                       STR_ARG(climb->names[climb->count - 1]));
        end(climb, result);
        return;
    }
    climb->with = result->value;
    assume_next(climb);
}

static aws_creds_fetch_fn *named_source(struct str name) {
    if (str_is(name, "Environment"))
        return aws_creds_env_fetch;
    if (str_is(name, "EcsContainer"))
        return aws_creds_container_fetch;
    return str_is(name, "Ec2InstanceMetadata") ? aws_creds_imds_fetch : NULL;
}

static bool visited(const struct climb *climb, struct str name) {
    for (size_t i = 0; i < climb->count; i++)
        if (str_equal(climb->names[i], name))
            return true;
    return false;
}

/* A profile may name itself as the source of its own keys. */
static bool check_source(const struct climb *climb, struct str from,
                         struct str name, struct err *err) {
    if (!aws_profile_known(&climb->files, name))
        return err_set(err, ERR_CONFIG,
                       "source_profile %.*s of profile %.*s does not exist",
                       STR_ARG(name), STR_ARG(from));
    if (visited(climb, name) &&
        !(str_equal(from, name) && has_keys(&climb->files, name)))
        return err_set(err, ERR_CONFIG,
                       "profile %.*s is a source of itself, by way of "
                       "profile %.*s",
                       STR_ARG(name), STR_ARG(from));
    if (climb->count == ROLES_MAX)
        return err_set(err, ERR_CONFIG, "more than %d roles in a row",
                       ROLES_MAX);
    return true;
}

static bool check_role(const struct climb *climb, struct str name,
                       struct err *err) {
    const struct aws_profiles *files = &climb->files;
    bool                       profile = has(files, name, "source_profile");

    if (profile == has(files, name, "credential_source"))
        return err_set(err, ERR_CONFIG,
                       "profile %.*s has a role_arn and %s source_profile %s "
                       "credential_source",
                       STR_ARG(name), profile ? "both" : "neither",
                       profile ? "and" : "nor");
    if (has(files, name, "mfa_serial"))
        return err_set(err, ERR_CONFIG,
                       "profile %.*s has mfa_serial, and there is nobody to "
                       "ask for a code",
                       STR_ARG(name));
    return true;
}

/* One step down. *bottom: climb->source is where the credentials come from. */
static bool descend(struct climb *climb, bool *bottom, struct err *err) {
    struct str name = climb->source;

    if (!check_role(climb, name, err))
        return false;
    climb->names[climb->count++] = name;
    climb->source = aws_profile_find(&climb->files, name, "credential_source");
    *bottom = climb->source.len > 0;
    if (*bottom)
        return named_source(climb->source) ||
               err_set(err, ERR_CONFIG,
                       "profile %.*s: credential_source is Environment, "
                       "Ec2InstanceMetadata or EcsContainer",
                       STR_ARG(name));
    climb->source = aws_profile_find(&climb->files, name, "source_profile");
    if (!check_source(climb, name, climb->source, err))
        return false;
    *bottom = has_keys(&climb->files, climb->source) ||
              !has_role(&climb->files, climb->source);
    return true;
}

static void start_source(struct climb *climb) {
    struct str last = climb->names[climb->count - 1];

    if (has(&climb->files, last, "credential_source"))
        named_source(climb->source)(climb->o, source_told, climb);
    else
        take_profile(climb->o, &climb->files, climb->source, source_told,
                     climb);
}

static void start_climb(struct climb *climb) {
    bool       bottom = false;
    struct err err;

    while (!bottom)
        if (!descend(climb, &bottom, &err)) {
            fail(climb, &err);
            return;
        }
    start_source(climb);
}

void aws_creds_profile_fetch_role(const struct aws_creds_options *o,
                                  aws_creds_result_fn *done, void *arg) {
    struct climb *climb = mem_new(sizeof *climb);
    struct err    err;

    *climb = (struct climb){.o = o, .done = done, .arg = arg};
    climb->source = aws_profile_name(&o->inputs);
    if (!open_files(o, &climb->files, &err)) {
        fail(climb, &err);
    } else if (has_role(&climb->files, climb->source)) {
        start_climb(climb);
    } else {
        struct str name = climb->source;

        aws_profile_release(&climb->files);
        mem_free(climb);
        aws_creds_result_none(done, arg, "profile %.*s has no role_arn",
                              STR_ARG(name));
    }
}
