/* doctor_host.c - the configuration, its secrets, the clock and the limits, and
 * who can be reached.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/timex.h>

#include "app/candidate.h"
#include "app/config.h"
#include "app/secret_fetch.h"
#include "app/service_settings.h"
#include "base/clock.h"
#include "doctor/doctor.h"
#include "net/http_client.h"
#include "secret/secret.h"
#include "sys/loop.h"

#define YEAR_2025_MS ((int64_t)1735689600 * 1000)
#define REACH_MS 10000
#define REACH_CAP ((size_t)1 << 20)
#define PROBLEMS_MAX 20

/* --- configuration ------------------------------------------------------------------ */

/* One that judge_secrets() tells of: its sentence begins with the key. */
static bool is_of_secret(const struct json *problem,
                         const struct json *missing) {
    struct str text = json_find_text(problem, "text"), rest;
    struct str key = str_cut(text, ':', &rest);

    for (size_t i = 0; i < json_count(missing); i++)
        if (str_equal(key, json_find_text(json_at(missing, i), "path")))
            return true;
    return false;
}

static void add_problem(struct doctor *doctor, const struct json *problem) {
    struct buf where = BUF_EMPTY;

    buf_addf(&where, "%.*s:%lld", STR_ARG(json_find_text(problem, "file")),
             (long long)json_find_int(problem, "line", 1));
    doctor_say(doctor, DOCTOR_CONFIGURATION, DOCTOR_WRONG, buf_text(&where),
               "%.*s: %.*s", STR_ARG(json_find_text(problem, "code")),
               STR_ARG(json_find_text(problem, "text")));
    buf_release(&where);
}

static void judge_problems(struct doctor *doctor, const struct json *problems,
                           const struct json *missing, const char *where) {
    size_t told = 0;

    for (size_t i = 0; i < json_count(problems); i++) {
        const struct json *problem = json_at(problems, i);

        if (!is_of_secret(problem, missing) && ++told <= PROBLEMS_MAX)
            add_problem(doctor, problem);
    }
    if (told == 0)
        doctor_say(doctor, DOCTOR_CONFIGURATION, DOCTOR_OK, where,
                   "scripts and configuration prove sound");
}

/* Names and not values. (DO3) */
static void judge_secrets(struct doctor *doctor, const struct config *config,
                          const char *where) {
    const struct json *missing = config_missing(config);

    for (size_t i = 0; i < json_count(missing); i++) {
        const struct json *one = json_at(missing, i);
        bool               later = secret_fetch_takes(one);

        doctor_say(doctor, DOCTOR_CREDENTIALS,
                   later ? DOCTOR_SKIPPED : DOCTOR_WRONG, where, "%.*s: %.*s",
                   STR_ARG(json_find_text(one, "path")),
                   STR_ARG(later ? STR("is fetched from AWS at the start")
                                 : json_find_text(one, "why")));
    }
    if (json_count(missing) == 0)
        doctor_say(doctor, DOCTOR_CREDENTIALS, DOCTOR_OK, where,
                   "%zu secrets are named, and each is there",
                   secret_count(config_secrets(config)));
}

/* Which way AWS's own would be found; whether they are good only AWS knows. */
static void judge_aws(struct doctor *doctor) {
    static const char *const ways[] = {"AWS_ACCESS_KEY_ID",
                                       "AWS_WEB_IDENTITY_TOKEN_FILE",
                                       "AWS_PROFILE",
                                       "AWS_CONTAINER_CREDENTIALS_FULL_URI",
                                       "AWS_CONTAINER_CREDENTIALS_RELATIVE_URI",
                                       NULL};

    for (const char *const *way = ways; *way; way++)
        if (getenv(*way) && *getenv(*way)) {
            doctor_say(doctor, DOCTOR_CREDENTIALS, DOCTOR_OK, "environment",
                       "AWS: by %s", *way);
            return;
        }
    doctor_say(doctor, DOCTOR_CREDENTIALS, DOCTOR_SKIPPED, "environment",
               "AWS: nothing in the environment; profile and instance metadata "
               "are asked at the first call");
}

struct config *doctor_configuration(struct doctor *doctor, const char *scripts,
                                    const char *path, struct clock *clock) {
    struct candidate candidate;
    struct config   *config = NULL;
    const char      *where;

    candidate_make(scripts, path, clock, &candidate);
    if (candidate.config)
        config = config_retain(candidate.config);
    where = config && config_file(config) ? config_file(config) : "environment";
    judge_problems(doctor, candidate.problems,
                   config ? config_missing(config) : NULL, where);
    if (config) {
        judge_secrets(doctor, config, where);
        judge_aws(doctor);
    }
    candidate_release(&candidate);
    return config;
}

/* --- the host ----------------------------------------------------------------------- */

static void judge_clock(struct doctor *doctor, struct clock *clock) {
    struct timex is = {0};
    int          state = adjtimex(&is);

    if (clock->wall_ms(clock) < YEAR_2025_MS)
        doctor_say(doctor, DOCTOR_CLOCK, DOCTOR_WRONG, "this machine",
                   "says that it is before 2025");
    else if (state < 0)
        doctor_say(doctor, DOCTOR_CLOCK, DOCTOR_SKIPPED, "this machine", "%s",
                   strerror(errno));
    else if (state == TIME_ERROR)
        doctor_say(doctor, DOCTOR_CLOCK, DOCTOR_WARNING, "this machine",
                   "the kernel does not know it to be synchronised");
    else
        doctor_say(doctor, DOCTOR_CLOCK, DOCTOR_OK, "this machine",
                   "is synchronised");
}

/* As the service would raise it. */
static void judge_files(struct doctor *doctor, const struct config *config) {
    struct service_settings settings;
    struct rlimit           limit;
    struct err              err;
    rlim_t                  want;

    if (!config ||
        !service_settings_read(config_json(config), &settings, &err) ||
        getrlimit(RLIMIT_NOFILE, &limit) != 0) {
        doctor_say(doctor, DOCTOR_FILES, DOCTOR_SKIPPED, "this shell",
                   "the configuration cannot be used");
        return;
    }
    want = (rlim_t)settings.connections * 5 / 4 + (rlim_t)settings.runs + 1024;
    doctor_say(doctor, DOCTOR_FILES,
               limit.rlim_max < want ? DOCTOR_WARNING : DOCTOR_OK, "this shell",
               "%llu descriptors, and the limits may need %llu",
               (unsigned long long)limit.rlim_max, (unsigned long long)want);
}

void doctor_host(struct doctor *doctor, const struct config *config,
                 struct clock *clock) {
    judge_clock(doctor, clock);
    judge_files(doctor, config);
}

/* --- reach -------------------------------------------------------------------------- */

struct reaching {
    struct doctor *doctor;
    const char    *path, *host;
};

/* Any answer will do: what is asked for nobody has a right to, without a
 * secret. */
static void reached(void *arg, const struct http_answer *answer,
                    const struct err *err) {
    struct reaching *reaching = arg;

    if (answer->fate == HTTP_ANSWERED)
        doctor_say(reaching->doctor, DOCTOR_REACH, DOCTOR_OK, reaching->path,
                   "%s answers (%d)", reaching->host, answer->status);
    else
        doctor_say(reaching->doctor, DOCTOR_REACH, DOCTOR_WRONG, reaching->path,
                   "%s: %s", reaching->host, err->text);
}

/* Without what may be secret in it: the host, and how it is spoken to. */
static void host_of(struct str url, struct buf *out) {
    size_t at = 0, slashes = 0;

    while (at < url.len && slashes < 3 && url.data[at] != '?')
        slashes += url.data[at++] == '/';
    buf_add(out, url.data, slashes == 3 ? at - 1 : at);
}

static void ask(struct doctor *doctor, struct loop *loop,
                struct http_client *client, const char *path, struct str url) {
    struct http_request request;
    struct http_call   *call;
    struct buf          host = BUF_EMPTY;
    struct reaching     reaching = {doctor, path, NULL};
    struct err          err;

    host_of(url, &host);
    reaching.host = buf_text(&host);
    http_request_init(&request, "GET", url);
    request.reach = HTTP_PRIVATE;
    request.deadline_ms = REACH_MS;
    request.answer_cap = REACH_CAP;
    if (http_client_start(client, &request, reached, &reaching, &call, &err))
        loop_run(loop);
    else
        doctor_say(doctor, DOCTOR_REACH, DOCTOR_WRONG, path, "%s: %s",
                   reaching.host, err.text);
    http_request_release(&request);
    buf_release(&host);
}

static const char *text_of(const struct json *map, const char *key) {
    return json_find(map, key) ? json_find_text(map, key).data : NULL;
}

void doctor_reach(struct doctor *doctor, const struct config *config) {
    static const char *const endpoints[][3] = {
        {"prometheus", "url", NULL}, {"github", "url", NULL},
        {"aws", "endpoint", NULL},   {"llm", "openai", "url"},
        {"llm", "anthropic", "url"}, {"llm", "bedrock", "url"}};
    const struct json         *json = config_json(config);
    const struct json         *http = json_find(json, "http");
    struct http_client_options options = {.proxy = text_of(http, "proxy"),
                                          .ca_file = text_of(http, "ca_file"),
                                          .user_agent = "nightshift"};
    struct loop               *loop = loop_open();
    struct http_client        *client = http_client_open(loop, &options);

    for (size_t i = 0; i < sizeof endpoints / sizeof *endpoints; i++) {
        const char *const *keys = endpoints[i];
        struct str         url =
            json_text(json_dig(json, keys[0], keys[1], keys[2], NULL));
        struct buf path = BUF_EMPTY;

        buf_addf(&path, "%s.%s%s%s", keys[0], keys[1], keys[2] ? "." : "",
                 keys[2] ? keys[2] : "");
        if (url.len)
            ask(doctor, loop, client, buf_text(&path), url);
        buf_release(&path);
    }
    http_client_close(client);
    loop_close(loop);
}
