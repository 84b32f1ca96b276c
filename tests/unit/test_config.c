/* test_config.c - what an installation says, and what it may not say.
 *
 * Each test has a directory of its own to stand in and an environment from
 * which every variable that the engine knows was taken away.
 */
#include <criterion/criterion.h>
#include <criterion/redirect.h>

#include <string.h>

#include "app/config.h"
#include "cli/cli.h"
#include "scripted.h"
#include "secret/secret.h"
#include "sys/file.h"

static const struct key {
    const char *path, *kind, *env;
} keys[] = {
#define KEY(path, kind, env, about) {path, kind, env},
#include "app/config.def"
#undef KEY
};
#define KEYS (sizeof keys / sizeof *keys)

static const char *const secret_names[] = {
    "AWS_ACCESS_KEY_ID",      "AWS_SECRET_ACCESS_KEY",
    "AWS_SESSION_TOKEN",      "AWS_CONTAINER_AUTHORIZATION_TOKEN",
    "GITHUB_TOKEN",           "PROMETHEUS_TOKEN",
    "GITHUB_APP_PRIVATE_KEY", "OPENAI_API_KEY",
    "ANTHROPIC_API_KEY"};

static struct bundle *bundle;
static char           directory[64];
static char           file[96];

static void open_place(void) {
    bundle = scripted_open(NULL);
    bundle_seal(bundle);
    for (size_t i = 0; i < KEYS; i++)
        if (keys[i].env)
            (void)unsetenv(keys[i].env);
    for (size_t i = 0; i < sizeof secret_names / sizeof *secret_names; i++)
        (void)unsetenv(secret_names[i]);
    (void)unsetenv("GITHUB_APP_PRIVATE_KEY_FILE");
    (void)unsetenv("AWS_DEFAULT_REGION");
    (void)snprintf(directory, sizeof directory, "/tmp/nightshift-conf-XXXXXX");
    cr_assert(mkdtemp(directory));
    (void)snprintf(file, sizeof file, "%s/nightshift.lua", directory);
    (void)setenv("HOME", directory, 1); /* nobody's ~/.aws */
    (void)unsetenv("AWS_PROFILE");
    (void)unsetenv("AWS_CONFIG_FILE");
    (void)unsetenv("AWS_SHARED_CREDENTIALS_FILE");
}

static void close_place(void) {
    (void)unlink(file);
    (void)rmdir(directory);
    bundle_release(bundle);
}

TestSuite(config, .init = open_place, .fini = close_place);

static struct config *load(const char *text, struct err *err) {
    cr_assert(file_write(file, str_of(text), err), "%s", err->text);
    err->text[0] = '\0';
    return config_load(file, bundle, err);
}

static struct config *accepted(const char *text) {
    struct err     err = {.text = ""};
    struct config *config = load(text, &err);

    cr_assert(config, "%s\n is refused: %s", text, err.text);
    return config;
}

static void refused(const char *text, const char *part) {
    struct err     err = {.text = ""};
    struct config *config = load(text, &err);

    cr_assert_null(config, "%s\n is taken", text);
    cr_expect(err.code == ERR_CONFIG && support_has(err.text, part),
              "%s\n gives %s: %s\n and not: %s", text, err_name(err.code),
              err.text, part);
    cr_expect(support_has(err.text, file), "the file is not in: %s", err.text);
}

/* --- CF1 ------------------------------------------------------------------ */

Test(config, CF1_an_unknown_key_is_named_with_the_nearest) {
    refused("return { aws = { regoin = 'eu-1' } }",
            "unknown key aws.regoin (did you mean 'region'?)");
    refused("return { awz = { region = 'eu-1' } }",
            "unknown key awz (did you mean 'aws'?)");
    refused("return { services = { ['prod/api'] = { helth = 'up' } } }",
            "unknown key services.prod/api.helth (did you mean 'health'?)");
    refused("return { channels = { oncall = { uri = 'https://h' } } }",
            "unknown key channels.oncall.uri (did you mean 'url'?)");
    refused("return { settel = '5s' }", "(did you mean 'settle'?)");
    refused("return { quite_another_thing = 1 }",
            "unknown key quite_another_thing");
    refused("return { aws = { endpoints = { s3 = { deep = 'https://h' } } } }",
            "aws.endpoints.s3 must be a url");
}

static const struct {
    const char *kind, *value;
} samples[] = {{"text", "'words'"},     {"url", "'https://host'"},
               {"number", "5"},         {"number", "0.5"},
               {"bool", "true"},        {"list", "{ 'a', 'b' }"},
               {"duration", "'1h30m'"}, {"reference", "secret('HOOK')"},
               {"map", "{ a = 'b' }"}};
#define SAMPLES (sizeof samples / sizeof *samples)

static bool is_one(const char *kind, const char *sample) {
    bool text = strcmp(sample, "url") == 0 || strcmp(sample, "duration") == 0;

    return strcmp(kind, sample) == 0 || (strcmp(kind, "text") == 0 && text) ||
           (strcmp(kind, "secret") == 0 &&
            (strcmp(sample, "url") == 0 || strcmp(sample, "reference") == 0));
}

/* return { ["services"] = { ["any/thing"] = { ["repo"] = VALUE } } } */
static void write_key(struct buf *out, struct buf *name, const char *path,
                      const char *value) {
    struct str rest = str_of(path);
    int        depth = 0;

    buf_clear(out);
    buf_clear(name);
    buf_add_text(out, "return { ");
    for (; rest.data; depth++) {
        struct str step = str_cut(rest, '.', &rest);

        if (str_is(step, "*"))
            step = STR("any/thing");
        buf_addf(out, "[\"%.*s\"] = %s", STR_ARG(step), rest.data ? "{ " : "");
        buf_addf(name, "%s%.*s", depth ? "." : "", STR_ARG(step));
    }
    buf_add_text(out, value);
    while (depth--)
        buf_add_text(out, " }");
}

Test(config, CF1_every_key_takes_values_of_its_kind_and_no_others) {
    struct buf text = BUF_EMPTY, name = BUF_EMPTY, wanted = BUF_EMPTY;

    for (size_t i = 0; i < KEYS; i++)
        for (size_t k = 0; k < SAMPLES; k++) {
            write_key(&text, &name, keys[i].path, samples[k].value);
            buf_clear(&wanted);
            buf_addf(&wanted, "%s must be a %s", buf_text(&name), keys[i].kind);
            if (is_one(keys[i].kind, samples[k].kind))
                config_release(accepted(buf_text(&text)));
            else
                refused(buf_text(&text), buf_text(&wanted));
        }
    buf_release(&text);
    buf_release(&name);
    buf_release(&wanted);
}

Test(config, CF1_a_value_where_a_table_belongs_is_no_unknown_key) {
    refused("return { aws = 'eu-west-1' }", "aws must be a table");
    refused("return { services = { ['prod/api'] = true } }",
            "services.prod/api must be a table");
    refused("return { channels = { 'https://h' } }",
            "channels must be a table");
}

Test(config, CF1_what_is_no_table_of_keys_is_refused) {
    refused("return { 'eu-west-1' }", "must return a table of keys");
    refused("return json.array {}", "must return a table of keys");
    refused("return 5", "must return a table");
    refused("", "must return a table");
    refused("return { aws = { region = function() end } }", "a function");
}

Test(config, CF1_a_list_may_be_empty) {
    struct config *config = accepted("return { http = { allow = {} } }");

    cr_expect_eq(
        json_count(json_dig(config_json(config), "http", "allow", NULL)), 0);
    config_release(config);
}

Test(config, CF1_durations_are_read_to_the_end) {
    static const char *const wrong[] = {"",    "5",   "s",
                                        "5 s", "5s ", "1.5s",
                                        "-5s", "5y",  "99999999999999999999s",
                                        "5s6"};
    struct buf               text = BUF_EMPTY;

    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
        buf_clear(&text);
        buf_addf(&text, "return { settle = '%s' }", wrong[i]);
        refused(buf_text(&text), "settle must be a duration");
    }
    buf_release(&text);
}

Test(config, CF1_an_error_in_the_file_names_the_file_and_its_line) {
    refused("return {\n  aws = }\n", "nightshift.lua:2:");
    refused("\nerror('no')", "nightshift.lua:2: no");
    refused("while true do end", "limit");
    refused("return { x = io.open('/etc/passwd') }", "a nil value");
}

Test(config, CF1_a_file_that_was_named_must_be_there) {
    struct err err = {.text = ""};

    cr_expect_null(config_load(file, bundle, &err));
    cr_expect_eq(err.code, ERR_CONFIG);
    cr_expect(support_has(err.text, file), "%s", err.text);
}

/* --- where values come from ----------------------------------------------- */

static void is_text(const struct config *config, const char *a, const char *b,
                    const char *expected) {
    struct str text = json_text(json_dig(config_json(config), a, b, NULL));

    cr_expect(str_is(text, expected), "%s.%s is '%.*s', not '%s'", a, b,
              STR_ARG(text), expected);
}

/* The value at a whole path of config.def. */
static void is_text_at(const struct config *config, const char *path,
                       const char *expected) {
    const struct json *value = config_json(config);
    struct str         step, rest = str_of(path);

    while (rest.data) {
        step = str_cut(rest, '.', &rest);
        value = json_find_str(value, step);
    }
    cr_expect(str_is(json_text(value), expected), "%s is '%.*s', not '%s'",
              path, STR_ARG(json_text(value)), expected);
}

static void comes_from(const struct config *config, const char *key,
                       const char *origin) {
    struct str text = json_find_text(config_origins(config), key);

    cr_expect(str_is(text, origin), "%s comes from '%.*s', not '%s'", key,
              STR_ARG(text), origin);
}

static const char *sample_of(const char *kind) {
    if (strcmp(kind, "bool") == 0)
        return "true";
    return strcmp(kind, "url") == 0 ? "https://from.environment" : "words";
}

Test(config, the_environment_fills_every_key_that_names_a_variable) {
    struct config *config;
    struct buf     origin = BUF_EMPTY;

    for (size_t i = 0; i < KEYS; i++)
        if (keys[i].env)
            (void)setenv(keys[i].env, sample_of(keys[i].kind), 1);
    config = accepted("return {}");
    for (size_t i = 0; i < KEYS; i++) {
        if (!keys[i].env || strcmp(keys[i].kind, "reference") == 0)
            continue;
        if (strcmp(keys[i].kind, "bool") != 0)
            is_text_at(config, keys[i].path, sample_of(keys[i].kind));
        buf_clear(&origin);
        buf_addf(&origin, "environment %s", keys[i].env);
        comes_from(config, keys[i].path, buf_text(&origin));
    }
    config_release(config);
    buf_release(&origin);
}

Test(config, the_file_goes_before_the_environment) {
    struct config *config;

    (void)setenv("AWS_REGION", "from-environment", 1);
    (void)setenv("AWS_ACCOUNT_ID", "111122223333", 1);
    config = accepted("return { aws = { region = 'from-file' } }");
    is_text(config, "aws", "region", "from-file");
    comes_from(config, "aws.region", file);
    is_text(config, "aws", "account", "111122223333");
    comes_from(config, "aws.account", "environment AWS_ACCOUNT_ID");
    config_release(config);
}

Test(config, the_older_name_of_the_region_is_the_last_to_be_asked) {
    struct config *config;

    (void)setenv("AWS_DEFAULT_REGION", "older", 1);
    config = accepted("return {}");
    is_text(config, "aws", "region", "older");
    comes_from(config, "aws.region", "environment AWS_DEFAULT_REGION");
    config_release(config);
    (void)setenv("AWS_REGION", "newer", 1);
    config = accepted("return {}");
    is_text(config, "aws", "region", "newer");
    comes_from(config, "aws.region", "environment AWS_REGION");
    config_release(config);
}

Test(config, the_region_of_the_profile_is_asked_for_behind_the_environment) {
    struct config *config;
    char           shared[96];
    struct err     err;

    (void)snprintf(shared, sizeof shared, "%s/shared", directory);
    cr_assert(file_write(shared,
                         STR("[default]\nregion = of-default\n"
                             "[profile night]\nregion = of-night\n"),
                         &err));
    (void)setenv("AWS_CONFIG_FILE", shared, 1);
    config = accepted("return {}");
    is_text(config, "aws", "region", "of-default");
    comes_from(config, "aws.region", "profile default");
    config_release(config);
    (void)setenv("AWS_PROFILE", "night", 1);
    config = accepted("return {}");
    is_text(config, "aws", "region", "of-night");
    config_release(config);
    (void)setenv("AWS_DEFAULT_REGION", "of-environment", 1);
    config = accepted("return {}");
    is_text(config, "aws", "region", "of-environment");
    config_release(config);
    (void)unlink(shared);
}

Test(config, a_variable_that_is_empty_says_nothing) {
    struct config *config;

    (void)setenv("AWS_REGION", "", 1);
    (void)setenv("AWS_DEFAULT_REGION", "", 1);
    config = accepted("return {}");
    cr_expect_null(json_dig(config_json(config), "aws", "region", NULL));
    cr_expect_eq(json_count(config_origins(config)), 0);
    config_release(config);
}

Test(config, CF1_a_variable_of_the_wrong_kind_is_an_error_that_names_it) {
    struct err err = {.text = ""};

    (void)setenv("PROMETHEUS_URL", "prometheus.internal:9090", 1);
    cr_assert_null(load("return {}", &err));
    cr_expect_eq(err.code, ERR_CONFIG);
    cr_expect(support_has(err.text, "prometheus.url must be a url") &&
                  support_has(err.text, "PROMETHEUS_URL"),
              "%s", err.text);
    config_release(accepted("return { prometheus = { url = 'https://p' } }"));
}

Test(config, without_a_file_the_working_directory_may_have_one) {
    struct err     err = {.text = ""};
    struct config *config;

    cr_assert_eq(chdir(directory), 0);
    config = config_load(NULL, bundle, &err);
    cr_assert(config, "%s", err.text);
    cr_expect_eq(json_count(config_origins(config)), 0);
    config_release(config);
    cr_assert(
        file_write(file, STR("return { aws = { region = 'here' } }"), &err));
    config = config_load(NULL, bundle, &err);
    cr_assert(config, "%s", err.text);
    is_text(config, "aws", "region", "here");
    comes_from(config, "aws.region", "nightshift.lua");
    config_release(config);
    cr_assert(file_write(file, STR("return { awz = 1 }"), &err));
    cr_expect_null(config_load(NULL, bundle, &err));
}

static void milliseconds(const char *text, int64_t effect_timeout,
                         int64_t settle, int64_t park_after) {
    struct config     *config = accepted(text);
    const struct json *values = config_json(config);

    cr_expect_eq(json_find_int(values, "effect_timeout_ms", -1),
                 effect_timeout);
    cr_expect_eq(json_find_int(values, "settle_ms", -1), settle);
    cr_expect_eq(json_find_int(values, "park_after_ms", -1), park_after);
    config_release(config);
}

Test(config, durations_are_milliseconds_under_their_key_with_ms) {
    milliseconds("return {}", 20000, 5000, 10000);
    milliseconds("return { effect_timeout = '1m30s', settle = '250ms', "
                 "park_after = '0s' }",
                 90000, 250, 0);
}

/* --- CF2 ------------------------------------------------------------------ */

#define SENTINEL "s3ntinel-0f-a-secret"

static void set_secrets(void) {
    for (size_t i = 0; i < sizeof secret_names / sizeof *secret_names; i++)
        (void)setenv(secret_names[i], SENTINEL, 1);
    (void)setenv("ONCALL_HOOK", "https://hooks/" SENTINEL, 1);
}

static void tells_none(const struct json *value) {
    struct buf text = BUF_EMPTY;

    json_write(value, &text);
    cr_expect_not(support_has(buf_text(&text), SENTINEL), "%s",
                  buf_text(&text));
    buf_release(&text);
}

Test(config, CF2_N11_secrets_are_known_by_name_and_shown_nowhere) {
    struct config *config;

    set_secrets();
    config = accepted(
        "return { channels = { oncall = { url = secret('ONCALL_HOOK') } } }");
    tells_none(config_json(config));
    tells_none(config_origins(config));
    support_is(json_find(config_json(config), "channels"),
               "{'oncall': {'url': {'secret': 'ONCALL_HOOK'}}}");
    for (size_t i = 0; i < sizeof secret_names / sizeof *secret_names; i++)
        cr_expect(str_is(secret_find(config_secrets(config), secret_names[i]),
                         SENTINEL),
                  "%s is not kept", secret_names[i]);
    cr_expect(str_is(secret_find(config_secrets(config), "ONCALL_HOOK"),
                     "https://hooks/" SENTINEL));
    cr_expect_eq(secret_count(config_secrets(config)),
                 sizeof secret_names / sizeof *secret_names + 1);
    config_release(config);
}

Test(config, CF2_N11_a_file_cannot_read_the_credentials_with_env) {
    struct config *config;
    struct err     err = {.text = ""};

    set_secrets();
    (void)setenv("TEAM", "payments", 1);
    config =
        accepted("return { aws = { account = env('GITHUB_TOKEN'), region = "
                 "env('AWS_SECRET_ACCESS_KEY') or env('TEAM') } }");
    tells_none(config_json(config));
    is_text(config, "aws", "region", "payments");
    config_release(config);
    cr_assert_null(load("error(tostring(env('AWS_SESSION_TOKEN')))", &err));
    cr_expect_not(support_has(err.text, SENTINEL), "%s", err.text);
}

Test(config, CF2_N11_an_error_about_a_value_does_not_repeat_it) {
    struct err err = {.text = ""};

    cr_assert_null(load(
        "return { channels = { oncall = { url = '" SENTINEL "' } } }", &err));
    cr_expect_not(support_has(err.text, SENTINEL), "%s", err.text);
    (void)setenv("PROMETHEUS_URL", SENTINEL, 1);
    cr_assert_null(load("return {}", &err));
    cr_expect_not(support_has(err.text, SENTINEL), "%s", err.text);
}

Test(config, CF2_a_secret_that_is_not_set_is_not_kept) {
    struct config *config = accepted(
        "return { channels = { oncall = { url = secret('ONCALL_HOOK') } } }");

    cr_expect_eq(secret_count(config_secrets(config)), 0);
    config_release(config);
}

/* All that the process has printed. */
static void printed(struct buf *out) {
    char   part[4096];
    size_t len;

    (void)fflush(stdout);
    while ((len = fread(part, 1, sizeof part, cr_get_redirected_stdout())) > 0)
        buf_add(out, part, len);
}

Test(config, check_refuses_a_setting_that_the_service_cannot_use) {
    struct err err = {.text = ""};
    char *argv[] = {"nightshift", "check", "tests/fixtures/sound", "--config",
                    file};

    cr_redirect_stderr();
    cr_assert(file_write(file, STR("return { limits = { runs = 0 } }"), &err));
    cr_expect_eq(cli_main(5, argv), EXIT_BAD_CONFIG);
    cr_assert(file_write(file, STR("return { limits = { runs = 1 } }"), &err));
    cr_redirect_stdout();
    cr_expect_eq(cli_main(5, argv), EXIT_DONE);
}

Test(config, CF2_N11_print_config_shows_values_and_origins_and_no_secret) {
    char      *argv[] = {"nightshift",     "check",    "tests/fixtures/sound",
                         "--print-config", "--config", file};
    struct buf text = BUF_EMPTY;
    struct err err = {.text = ""};

    set_secrets();
    (void)setenv("AWS_REGION", "eu-west-1", 1);
    cr_assert(
        file_write(file,
                   STR("return { settle = '7s', channels = { oncall = { url = "
                       "secret('ONCALL_HOOK') } } }"),
                   &err));
    cr_redirect_stdout();
    (void)cli_main(6, argv);
    printed(&text);
    cr_expect(support_has(buf_text(&text), "aws.region = \"eu-west-1\"  -- "
                                           "environment AWS_REGION\n"),
              "%s", buf_text(&text));
    cr_expect(support_has(buf_text(&text), "settle = \"7s\"  -- /tmp/"), "%s",
              buf_text(&text));
    cr_expect(
        support_has(buf_text(&text), "channels.oncall.url = {\"secret\":"),
        "%s", buf_text(&text));
    cr_expect_not(support_has(buf_text(&text), SENTINEL));
    buf_release(&text);
}

/* --- references ----------------------------------------------------------- */

static struct str kept(const struct config *config, const char *name) {
    return secret_find(config_secrets(config), name);
}

Test(config, RF1_N11_a_token_cannot_be_written_into_the_file) {
    struct err err = {.text = ""};

    cr_assert_null(
        load("return { github = { token = '" SENTINEL "' } }", &err));
    cr_expect(support_has(err.text, "github.token must be a reference"), "%s",
              err.text);
    cr_expect_not(support_has(err.text, SENTINEL), "%s", err.text);
}

Test(config, RF1_a_key_may_name_another_place_for_its_secret) {
    struct config *config;

    (void)setenv("GITHUB_TOKEN", "the-usual-place", 1);
    (void)setenv("BOT_TOKEN", "another-place", 1);
    config = accepted("return { github = { token = secret('BOT_TOKEN') } }");
    cr_expect(str_is(kept(config, "GITHUB_TOKEN"), "another-place"));
    cr_expect_eq(secret_count(config_secrets(config)), 1);
    config_release(config);
    config = accepted("return {}");
    cr_expect(str_is(kept(config, "GITHUB_TOKEN"), "the-usual-place"));
    config_release(config);
}

Test(config, RF2_what_a_key_wants_and_nobody_has_is_reported) {
    struct config     *config = accepted("return { channels = { oncall = { url "
                                             "= secret('ONCALL_HOOK') } } }");
    const struct json *missing = config_missing(config);

    cr_assert_eq(json_count(missing), 1);
    cr_expect(str_is(json_find_text(json_at(missing, 0), "path"),
                     "channels.oncall.url"));
    cr_expect(support_has(json_find_text(json_at(missing, 0), "why").data,
                          "nor in the environment"));
    config_release(config);
    config = accepted("return {}");
    cr_expect_eq(json_count(config_missing(config)), 0);
    config_release(config);
}

Test(config, RF2_a_secret_of_aws_waits_to_be_fetched) {
    struct config *config =
        accepted("return { github = { token = secret('aws:bot#token') } }");
    const struct json *one = json_at(config_missing(config), 0);

    cr_assert(one);
    cr_expect(str_is(json_find_text(one, "name"), "aws:bot#token"));
    config_resolve(config, one, STR("fetched"));
    cr_expect(str_is(kept(config, "GITHUB_TOKEN"), "fetched"));
    config_release(config);
}

Test(config, RF2_a_file_in_the_secrets_directory_is_found_by_its_name) {
    struct err     err = {.text = ""};
    struct buf     text = BUF_EMPTY;
    char           path[96];
    struct config *config;

    (void)snprintf(path, sizeof path, "%s/GITHUB_TOKEN", directory);
    cr_assert(file_write(path, STR("in-a-file\n"), &err), "%s", err.text);
    buf_addf(&text, "return { secrets = { directory = '%s' } }", directory);
    config = accepted(buf_text(&text));
    cr_expect(str_is(kept(config, "GITHUB_TOKEN"), "in-a-file"));
    config_release(config);
    (void)unlink(path);
    buf_release(&text);
}

/* --- CF3 ------------------------------------------------------------------ */

Test(config, CF3_N7_N11_facts_are_what_questions_depend_on_and_nothing_else) {
    struct config *config = accepted(
        "return { aws = { region = 'eu-1', endpoint = 'http://a' }, "
        "github = { url = 'http://g', token = secret('T') }, "
        "channels = { oncall = { url = 'https://hook/" SENTINEL "' } }, "
        "http = { allow = { 'a.test' }, reads = { 'GET a.test/x' }, "
        "private = true, auth = { ['a.test'] = { secret = secret('K'), "
        "header = 'X-Key' } } }, settle = '1s', effect_timeout = '2s', "
        "services = { ['prod/a'] = { max = 3 } } }");
    struct json *facts = config_facts(config);

    tells_none(facts);
    json_drop(facts, "effect_timeout_ms");
    support_is(facts,
               "{'aws': {'region': 'eu-1'}, 'github': {}, "
               "'channels': {'oncall': {}}, 'http': {'allow': ['a.test'], "
               "'reads': ['GET a.test/x'], 'auth': {'a.test': {}}}, "
               "'settle': '1s', 'settle_ms': 1000, 'park_after_ms': 10000, "
               "'services': {'prod/a': {'max': 3}}}");
    json_release(facts);
    config_release(config);
}

/* Every key of the service at once, and nothing else. */
Test(config, CF3_N7_what_only_the_service_needs_is_no_fact) {
    struct config *config = accepted(
        "return { listen = '0.0.0.0:1', admin = { listen = '0.0.0.0:2' }, "
        "tls = { certificate = 'c', key = 'k', client_ca = 'a' }, "
        "tokens = { ci = { secret = secret('T'), role = 'viewer' } }, "
        "limits = { runs = 1, deliveries = 1, "
        "connections = 1, request_seconds = 1, idle_seconds = 1 }, "
        "drain = '1s', log = { format = 'json', level = 'warn' } }");
    struct json *facts = config_facts(config), *none;

    config_release(config);
    config = accepted("return {}");
    none = config_facts(config);
    cr_expect(json_same(facts, none));
    json_release(facts);
    json_release(none);
    config_release(config);
}

#define SOURCES                                                              \
    "return { sources = { hub = { auth = 'github', secret = secret('HUB'), " \
    "old_secret = secret('HUB_OLD'), rate = '50/1s', burst = 9, "            \
    "max_body = 1000, script = 'github' }, pager = { auth = 'standard', "    \
    "secret = secret('HUB'), window = '1m' }, cloud = { auth = 'sns', "      \
    "allow = { 'arn' } }, tool = { auth = 'basic', user = 'me', "            \
    "secret = secret('HUB') } } }"

Test(config, CF3_N7_N11_nothing_of_a_source_is_a_fact) {
    struct config *config = accepted(SOURCES);
    struct json   *facts = config_facts(config);

    cr_expect_null(json_find(facts, "sources"));
    json_release(facts);
    config_release(config);
}

Test(config, a_source_has_a_window_only_where_it_says_one) {
    struct config     *config;
    const struct json *sources;

    (void)setenv("HUB", SENTINEL, 1);
    config = accepted(SOURCES);
    sources = json_find(config_json(config), "sources");
    cr_expect_eq(json_int(json_dig(sources, "pager", "window_ms", NULL)),
                 60000);
    cr_expect_null(json_dig(sources, "hub", "window_ms", NULL));
    cr_expect(str_is(secret_find(config_secrets(config), "HUB"), SENTINEL));
    cr_expect_eq(json_count(config_missing(config)), 1);
    config_release(config);
    (void)unsetenv("HUB");
}

Test(config, RF2_a_variable_that_points_to_no_file_is_reported) {
    struct config     *config;
    const struct json *missing;

    (void)setenv("GITHUB_APP_PRIVATE_KEY_FILE", "/nonexistent/key.pem", 1);
    config = accepted("return {}");
    missing = config_missing(config);
    cr_assert_eq(json_count(missing), 1);
    cr_expect(support_has(json_find_text(json_at(missing, 0), "why").data,
                          "/nonexistent/key.pem"));
    config_release(config);
}
