/* identity.c - AWS first, since it may have to fetch what the others sign with.
 */
#include "app/identity.h"

#include "app/secret_fetch.h"
#include "auth/bearer.h"
#include "auth/github_app.h"
#include "auth/tool.h"
#include "aws/aws_creds.h"
#include "aws/signer_aws.h"
#include "secret/redact.h"
#include "secret/secret.h"
#include "sys/loop.h"

static struct signer *open_key(struct engine *engine, const char *name,
                               const char *header, const char *prefix) {
    struct bearer_options options = {
        .loop = engine->loop,
        .secrets = config_secrets(engine->config),
        .name = name,
        .header = header,
        .prefix = prefix,
    };

    return bearer_open(&options);
}

static struct signer *open_bearer(struct engine *engine, const char *name) {
    return open_key(engine, name, "Authorization", "Bearer ");
}

static const char *from_environment(const char *variable) {
    return getenv(variable);
}

static struct aws_creds *open_aws_creds(struct engine *engine) {
    struct aws_creds_options options = {
        .loop = engine->loop,
        .clock = engine->clock,
        .client = engine->client,
        .redact = engine->redact,
        .secrets = config_secrets(engine->config),
        .config = config_json(engine->config),
    };

    aws_creds_inputs_read(&options.inputs, from_environment);
    return aws_creds_open(&options);
}

/* An App, when one is configured; else a token, when there is one. */
static bool open_github(struct engine *engine, struct err *err) {
    const struct json    *config = config_json(engine->config);
    const struct secrets *secrets = config_secrets(engine->config);
    struct str            key = secret_find(secrets, "GITHUB_APP_PRIVATE_KEY");
    struct signer       **signer = &engine->signers.by[SIGNER_GITHUB];
    struct github_app_options options = {
        engine->loop, engine->clock, engine->client, engine->redact, config};

    if (key.len == 0 && !json_dig(config, "github", "app", "id", NULL)) {
        *signer = open_bearer(engine, "GITHUB_TOKEN");
        return true;
    }
    if (secret_find(secrets, "GITHUB_TOKEN").len > 0)
        log_line(engine->log, LOG_WARN, NULL,
                 "GITHUB_TOKEN is not used: a GitHub App is configured", NULL);
    *signer = github_app_open(&options, key, err);
    return *signer != NULL;
}

/* Azure takes the key in a header of its own. */
static void open_model_signers(struct engine *engine) {
    struct signer    **by = engine->signers.by;
    const struct json *config = config_json(engine->config);
    bool azure = json_dig(config, "llm", "openai", "api_version", NULL) != NULL;

    by[SIGNER_OPENAI] =
        open_key(engine, "OPENAI_API_KEY", azure ? "api-key" : "Authorization",
                 azure ? "" : "Bearer ");
    by[SIGNER_ANTHROPIC] =
        open_key(engine, "ANTHROPIC_API_KEY", "x-api-key", "");
}

/* All but AWS's, which may have to fetch what these sign with. */
static bool open_signers(struct engine *engine, struct err *err) {
    struct signer **by = engine->signers.by;

    by[SIGNER_PROMETHEUS] = open_bearer(engine, "PROMETHEUS_TOKEN");
    by[SIGNER_TOOL] = tool_open(engine->loop, config_secrets(engine->config),
                                json_find(config_json(engine->config), "http"));
    open_model_signers(engine);
    return open_github(engine, err);
}

/* --- secrets ----------------------------------------------------------- */

struct fetching {
    struct loop *loop;
    struct err  *err;
    bool         ok;
};

static void fetched(void *arg, const struct err *err) {
    struct fetching *fetching = arg;

    fetching->ok = !err;
    if (err)
        *fetching->err = *err;
    loop_stop(fetching->loop);
}

/* Waits: nothing else runs while an engine starts. */
static bool fetch(struct engine *engine, const struct json *reference,
                  struct err *err) {
    struct fetching     fetching = {engine->loop, err, false};
    struct secret_fetch options = {engine->loop, engine->client,
                                   engine->signers.by[SIGNER_AWS],
                                   engine->clock};

    secret_fetch_start(&options, engine->config, reference, fetched, &fetching);
    loop_run(engine->loop);
    return fetching.ok;
}

static bool find_secret(struct engine *engine, const struct json *reference,
                        struct err *err) {
    if (secret_fetch_takes(reference))
        return fetch(engine, reference, err);
    return err_set(err, ERR_CONFIG, "%.*s",
                   STR_ARG(json_find_text(reference, "why")));
}

/* A live engine does not begin the night without a secret that its
 * configuration wants; a dry one says so and goes on. */
static bool find_secrets(struct engine *engine, struct err *err) {
    const struct json *missing = config_missing(engine->config);

    for (size_t i = 0; i < json_count(missing); i++) {
        const struct json *reference = json_at(missing, i);

        if (find_secret(engine, reference, err))
            continue;
        err->code = ERR_CONFIG;
        err_wrap(err, "%.*s", STR_ARG(json_find_text(reference, "path")));
        if (engine->options.kind == MODE_LIVE)
            return false;
        log_line(engine->log, LOG_WARN, NULL, "a secret is not there", "why",
                 err->text, NULL);
    }
    redact_learn(engine->redact, config_secrets(engine->config));
    return true;
}

bool identity_open(struct engine *engine, struct err *err) {
    engine->signers.by[SIGNER_AWS] = signer_aws_open(open_aws_creds(engine));
    return find_secrets(engine, err) && open_signers(engine, err);
}
