/* test_reload.c - new scripts and settings beside those in force: taken whole,
 * or refused with file and line and nothing changed.
 *
 * Each test has a folder of small scripts and a configuration in /tmp. An edit
 * that must happen while the folder is read is made by the kernel: a lease on a
 * file holds up whoever opens it until the test's signal handler has let go.
 */
#include "support.h"

#include <fcntl.h>
#include <ftw.h>
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "app/candidate.h"
#include "app/config_change.h"
#include "app/reload.h"
#include "auth/bearer.h"
#include "loopback.h"
#include "net/http_client.h"
#include "secret/redact.h"
#include "secret/secret.h"
#include "sys/clock_real.h"
#include "sys/file.h"
#include "sys/loop.h"
#include "sys/worker.h"

#define NODE "scripts/nodes/escalation.lua"
#define PLAYBOOK "scripts/playbooks/tell.lua"
#define CONFIG "nightshift.lua"

static const char *const files[][2] = {
    {"scripts/sources/hook.lua", "return {\n"
                                 "  about = \"Takes anything.\",\n"
                                 "  occurrences = function() return {} end,\n"
                                 "}\n"},
    {NODE, "return {\n"
           "  about    = \"Write the hand-over.\",\n"
           "  outcomes = { \"told\" },\n"
           "  effects  = { \"notify:oncall\" },\n"
           "  run = function(ctx)\n"
           "    ctx.notify(\"oncall\", { title = \"help\" })\n"
           "    return \"told\"\n"
           "  end,\n"
           "}\n"},
    {PLAYBOOK, "return {\n"
               "  about   = \"Tell people.\",\n"
               "  trigger = { source = \"hook\", labels = {} },\n"
               "  start   = \"escalation\",\n"
               "  nodes   = { escalation = { use = \"escalation\" } },\n"
               "}\n"},
    {CONFIG, "return {\n"
             "  settle = \"5s\",\n"
             "  listen = \"127.0.0.1:8080\",\n"
             "  prometheus = { token = secret(\"PROM\") },\n"
             "}\n"},
};

static char                     root[40];
static struct bundle           *bundle;
static struct config           *config;
static struct loop             *loop;
static struct redact           *redact;
static struct reload           *reload;
static struct reload_candidate *candidate;
static struct json             *problems;
static int                      offers;
static struct loopback          aws;
static struct signer           *nobody;
static struct secrets          *none;
static struct http_client      *client; /* NULL: nothing goes out */
static char                     hash[2 * DIGEST_SIZE + 1];

/* --- the place --------------------------------------------------------------- */

static const char *at(const char *path) {
    static char full[4][120];
    static int  next;
    char       *out = full[next++ % 4];

    (void)snprintf(out, sizeof full[0], "%s/%s", root, path);
    return out;
}

static void put(const char *path, const char *text) {
    struct err err;

    cr_assert(file_write(at(path), str_of(text), &err), "%s", err.text);
}

/* The original text of a file with one part of it exchanged. */
static void edit(const char *path, const char *part, const char *by) {
    for (size_t i = 0; i < sizeof files / sizeof *files; i++) {
        const char *found =
            strcmp(files[i][0], path) == 0 ? strstr(files[i][1], part) : NULL;
        struct buf text = BUF_EMPTY;

        if (!found)
            continue;
        buf_add(&text, files[i][1], (size_t)(found - files[i][1]));
        buf_addf(&text, "%s%s", by, found + strlen(part));
        put(path, buf_text(&text));
        buf_release(&text);
        return;
    }
    cr_assert_fail("%s has no '%s'", path, part);
}

static void done(void *arg, struct reload_candidate *made,
                 const struct json *wrong) {
    (void)arg;
    reload_release(candidate);
    json_release(problems);
    candidate = made;
    problems = wrong ? json_clone(wrong) : NULL;
    cr_expect(!made != !wrong, "not exactly one is given");
    offers++;
    loop_stop(loop); /* a double that listens would keep it */
}

static void open_reload(void) {
    struct reload_options options = {
        .scripts = at("scripts"),
        .config = at(CONFIG),
        .bundle = &bundle,
        .config_in_force = &config,
        .redact = redact,
        .fetch = {loop, client, nobody, clock_real()},
        .done = done,
    };

    reload = reload_open(&options);
}

static void ask(void) {
    reload_ask(reload);
    loop_run(loop);
}

static void open_place(void) {
    static const char *const folders[] = {
        "scripts", "scripts/nodes", "scripts/playbooks", "scripts/sources"};
    struct candidate made;
    struct buf       words = BUF_EMPTY;

    (void)snprintf(root, sizeof root, "/tmp/nightshift-reload-XXXXXX");
    cr_assert(mkdtemp(root));
    for (size_t i = 0; i < sizeof folders / sizeof *folders; i++)
        cr_assert_eq(mkdir(at(folders[i]), 0700), 0);
    for (size_t i = 0; i < sizeof files / sizeof *files; i++)
        put(files[i][0], files[i][1]);
    (void)unsetenv("AWS_PROFILE");
    (void)setenv("HOME", root, 1);
    (void)setenv("PROM", "the-first-value", 1);
    loop = loop_open();
    redact = redact_open();
    candidate_make(at("scripts"), at(CONFIG), clock_real(), &made);
    reload_words(made.problems, &words);
    cr_assert_str_eq(buf_text(&words), "");
    buf_release(&words);
    bundle = bundle_retain(made.bundle);
    config = config_retain(made.config);
    candidate_release(&made);
    (void)snprintf(hash, sizeof hash, "%s", bundle_hash(bundle));
    open_reload();
}

static int drop(const char *path, const struct stat *is, int kind,
                struct FTW *walk) {
    (void)is;
    (void)kind;
    (void)walk;
    return remove(path);
}

static void close_place(void) {
    reload_close(reload);
    loop_run(loop);
    reload_release(candidate);
    json_release(problems);
    bundle_release(bundle);
    config_release(config);
    redact_close(redact);
    loop_close(loop);
    (void)nftw(root, drop, 16, FTW_DEPTH | FTW_PHYS);
}

TestSuite(reload, .init = open_place, .fini = close_place);
TestSuite(candidate, .init = open_place, .fini = close_place);
TestSuite(config_change, .init = open_place, .fini = close_place);

/* --- what is refused ---------------------------------------------------------- */

/* The problem is the only one and reads "ROOT/PLACE: TEXT". */
static void refused(const char *place, const char *text) {
    struct buf words = BUF_EMPTY, wanted = BUF_EMPTY;

    ask();
    cr_assert(problems, "it is taken");
    reload_words(problems, &words);
    buf_addf(&wanted, "%s: %s", at(place), text);
    cr_expect(support_has(buf_text(&words), buf_text(&wanted)),
              "'%s'\n is not in '%s'", buf_text(&wanted), buf_text(&words));
    cr_expect_str_eq(bundle_hash(bundle), hash);
    cr_expect(str_is(json_find_text(config_json(config), "settle"), "5s"));
    buf_release(&words);
    buf_release(&wanted);
}

Test(reload, RE1_CA2_a_syntax_error_changes_nothing_and_says_where) {
    edit(NODE, "run = function(ctx)", "run = funtcion(ctx)");
    refused(NODE ":6", "script_syntax: ");
}

Test(reload, RE1_CA2_a_script_that_check_refuses_changes_nothing) {
    edit(NODE, "\"told\" }", "\"told\", \"lost\" }");
    edit(PLAYBOOK, "use = \"escalation\"",
         "use = \"escalation\", next = { told = \"done\" }");
    refused(PLAYBOOK ":5", "outcome_without_edge: ");
}

Test(reload, RE1_CA2_a_script_that_is_gone_is_missed_where_it_is_used) {
    cr_assert_eq(unlink(at(NODE)), 0);
    refused(PLAYBOOK ":5", "node_unknown: nodes/ has no 'escalation'");
}

Test(reload, RE1_CA2_half_a_file_is_no_script_wherever_it_is_cut) {
    const char *whole = files[1][1];
    char        half[512];

    for (size_t len = 0; len < strlen(whole) - 2; len += 23) {
        (void)snprintf(half, sizeof half, "%.*s", (int)len, whole);
        put(NODE, half);
        ask();
        cr_expect(problems, "taken with only %zu bytes", len);
        cr_expect_str_eq(bundle_hash(bundle), hash);
    }
}

Test(reload, RE1_CA2_an_unknown_key_is_told_with_its_line) {
    edit(CONFIG, "  settle", "  settel");
    refused(CONFIG ":2", "config: unknown key settel (did you mean 'settle'?)");
}

Test(reload, RE1_CA2_a_value_of_the_wrong_kind_is_told_with_its_line) {
    edit(CONFIG, "prometheus = {", "prometheus = { url = 'prom',");
    refused(CONFIG ":4", "config: prometheus.url must be a url");
}

Test(reload, RE1_CA2_a_setting_out_of_range_is_told_with_its_line) {
    edit(CONFIG, "  listen", "\n  limits = {\n    runs = 0 },\n  listen");
    refused(CONFIG ":5", "config: limits.runs must be a whole number");
}

Test(reload, RE1_CA2_a_configuration_that_is_no_lua_is_told_with_its_line) {
    edit(CONFIG, "\"5s\",", "\"5s\"");
    refused(CONFIG ":3", "config: ");
}

Test(reload, RE1_CA2_a_secret_that_is_not_there_is_told_with_its_line) {
    edit(CONFIG, "secret(\"PROM\")", "secret(\"PROM_NEXT\")");
    refused(CONFIG ":4", "config: prometheus.token: ");
}

Test(reload, RE1_SF1_a_secret_that_cannot_be_fetched_refuses_the_whole) {
    edit(CONFIG, "secret(\"PROM\")", "secret(\"aws:prom\")");
    edit(NODE, "help", "now");
    refused(CONFIG ":4", "config: prometheus.token: it is at AWS");
}

Test(reload, RE1_a_folder_that_is_gone_changes_nothing) {
    cr_assert_eq(rename(at("scripts"), at("moved")), 0);
    refused("scripts:1", "not_found: scripts in ");
    cr_assert_eq(rename(at("moved"), at("scripts")), 0);
    ask();
    cr_assert(candidate);
    cr_expect_not(candidate->changed);
}

Test(reload, RE1_CA2_all_that_is_wrong_is_told_at_once) {
    edit(NODE, "run = function(ctx)", "run = funtcion(ctx)");
    edit(CONFIG, "  settle", "  settel");
    ask();
    cr_assert(problems);
    cr_expect_eq(json_count(problems), 2);
}

/* --- what is taken ------------------------------------------------------------ */

static void taken(bool changed) {
    struct buf words = BUF_EMPTY;

    ask();
    reload_words(problems, &words);
    cr_assert(candidate, "refused: %s", buf_text(&words));
    cr_expect_eq(candidate->changed, changed);
    buf_release(&words);
}

static void swap(void) {
    reload_swap(candidate, &bundle, &config);
    candidate = NULL;
}

Test(reload, an_edit_has_another_hash_and_editing_back_the_old_one) {
    edit(NODE, "help", "now");
    taken(true);
    cr_expect_str_neq(bundle_hash(candidate->bundle), hash);
    cr_expect_str_eq(bundle_hash(bundle), hash); /* RE1 */
    swap();
    cr_expect_str_neq(bundle_hash(bundle), hash);
    put(NODE, files[1][1]);
    taken(true);
    swap();
    cr_expect_str_eq(bundle_hash(bundle), hash);
}

Test(reload, what_is_the_same_is_no_change_and_the_same_bundle) {
    put(NODE, files[1][1]);
    taken(false);
    cr_expect_eq(candidate->bundle, bundle);
    cr_expect_eq(json_count(candidate->changes), 0);
    cr_expect_eq(json_count(candidate->needs_restart), 0);
}

Test(reload, a_setting_alone_is_a_change_on_the_same_bundle) {
    edit(CONFIG, "\"5s\"", "\"6s\"");
    taken(true);
    cr_expect_eq(candidate->bundle, bundle);
    support_is(candidate->changes, "['settle']");
    swap();
    cr_expect(str_is(json_find_text(config_json(config), "settle"), "6s"));
    taken(false);
}

Test(reload, N8_who_holds_the_old_ones_keeps_them_over_a_swap) {
    struct bundle *old = bundle_retain(bundle);
    struct config *before = config_retain(config);

    edit(NODE, "help", "now");
    edit(CONFIG, "\"5s\"", "\"6s\"");
    taken(true);
    swap();
    cr_expect_str_eq(bundle_hash(old), hash);
    cr_expect(str_is(json_find_text(config_json(before), "settle"), "5s"));
    bundle_release(old);
    config_release(before);
}

Test(reload, RE1_a_candidate_that_is_not_wanted_leaves_no_trace) {
    edit(NODE, "help", "now");
    (void)setenv("PROM", "the-second-value", 1);
    taken(true);
    reload_release(candidate);
    candidate = NULL;
    cr_expect_str_eq(bundle_hash(bundle), hash);
    cr_expect(str_is(secret_find(config_secrets(config), "PROMETHEUS_TOKEN"),
                     "the-first-value"));
}

/* --- RE2 ---------------------------------------------------------------------- */

Test(reload, RE2_asked_meanwhile_it_is_made_once_more_and_offered_once) {
    edit(NODE, "help", "now");
    reload_ask(reload);
    reload_ask(reload);
    reload_ask(reload);
    loop_run(loop);
    cr_expect_eq(offers, 1);
    cr_assert(candidate);
}

static void close_from_the_loop(void *arg) {
    (void)arg;
    reload_close(reload);
}

Test(reload, RE2_closed_while_one_is_made_it_offers_nothing) {
    reload_ask(reload);
    loop_defer(loop, close_from_the_loop, NULL);
    loop_run(loop);
    cr_expect_eq(offers, 0);
    open_reload();
}

/* --- RE3 ---------------------------------------------------------------------- */

static void redacts(const char *secret, bool yes) {
    struct buf out = BUF_EMPTY;

    redact_text(redact, str_of(secret), &out);
    cr_expect_eq(support_has(buf_text(&out), secret), !yes, "%s: %s", secret,
                 buf_text(&out));
    buf_release(&out);
}

Test(reload, RE3_N11_a_rotated_secret_is_known_before_it_is_offered) {
    const struct secrets *held = config_secrets(config);

    redact_learn(redact, held);
    (void)setenv("PROM", "the-second-value", 1);
    redacts("the-second-value", false);
    taken(true);
    redacts("the-second-value", true);
    redacts("the-first-value", true);
    cr_expect(str_is(secret_find(held, "PROMETHEUS_TOKEN"), "the-first-value"));
    swap();
    cr_expect(
        str_is(secret_find(held, "PROMETHEUS_TOKEN"), "the-second-value"));
    cr_expect_eq(config_secrets(config), held);
    taken(false);
}

Test(reload, RE3_CF4_secrets_are_shared_by_all_that_came_after_each_other) {
    struct config *first = config_retain(config);

    for (int i = 0; i < 3; i++) {
        char value[32];

        (void)snprintf(value, sizeof value, "value-number-%d", i);
        (void)setenv("PROM", value, 1);
        taken(true);
        swap();
        cr_expect(str_is(secret_find(config_secrets(first), "PROMETHEUS_TOKEN"),
                         value));
    }
    config_release(first);
}

Test(reload, RE3_a_secret_that_no_key_names_any_more_stays_with_who_holds_it) {
    struct config *first = config_retain(config);

    edit(CONFIG, "prometheus = {",
         "channels = { oncall = { url = secret('HOOK') } }, prometheus = {");
    (void)setenv("HOOK", "https://hook.test/secret", 1);
    taken(true);
    swap();
    put(CONFIG, files[3][1]);
    taken(true);
    swap();
    cr_expect(str_is(secret_find(config_secrets(first), "HOOK"),
                     "https://hook.test/secret"));
    config_release(first);
}

/* --- SF1 ---------------------------------------------------------------------- */

static void open_aws(void) {
    struct http_client_options quiet = {.user_agent = "test/1"};
    struct bearer_options      options = {loop, NULL, "X", "X", "", NULL};
    struct candidate           made;
    struct buf                 text = BUF_EMPTY;
    struct err                 err;

    loopback_open(&aws, loop);
    none = secret_open();
    options.secrets = none;
    nobody = bearer_open(&options);
    client = http_client_open(loop, &quiet);
    cr_assert_eq(mkdir(at("scripts/lib"), 0700), 0);
    cr_assert_eq(mkdir(at("scripts/lib/aws"), 0700), 0);
    cr_assert(file_read("scripts/lib/aws/services.lua", 1 << 20, &text, &err));
    put("scripts/lib/aws/services.lua", buf_text(&text));
    buf_clear(&text);
    buf_addf(&text,
             "return { settle = \"5s\", aws = { region = \"eu-1\", endpoint = "
             "\"http://127.0.0.1:%d\" }, prometheus = { token = "
             "secret(\"aws:prom\") } }",
             aws.port);
    put(CONFIG, buf_text(&text));
    buf_release(&text);
    candidate_make(at("scripts"), at(CONFIG), clock_real(), &made);
    cr_assert_eq(json_count(made.problems), 0);
    bundle_release(bundle);
    config_release(config);
    bundle = bundle_retain(made.bundle);
    config = config_retain(made.config);
    candidate_release(&made);
    (void)snprintf(hash, sizeof hash, "%s", bundle_hash(bundle));
    reload_close(reload);
    open_reload();
}

static void close_aws(void) {
    http_client_close(client);
    signer_close(nobody);
    secret_close(none);
    client = NULL;
    loopback_close(&aws);
}

static void answers(int status, const char *body) {
    loopback_clear(&aws);
    loopback_rule(&aws, (struct loopback_rule){"POST /", "GetSecretValue",
                                               status, body, 0});
}

static void fetches(const char *value) {
    taken(true);
    redacts(value, true);
    swap();
    cr_expect(
        str_is(secret_find(config_secrets(config), "PROMETHEUS_TOKEN"), value));
}

Test(reload, SF1_RE3_a_secret_at_aws_is_fetched_anew_while_the_loop_goes_on) {
    open_aws();
    answers(200, "{\"SecretString\":\"fetched-value-1\"}");
    fetches("fetched-value-1");
    answers(200, "{\"SecretString\":\"fetched-value-2\"}");
    fetches("fetched-value-2");
    taken(false);
    close_aws();
}

Test(reload, SF1_RE1_a_refusal_of_aws_keeps_the_value_that_is_in_force) {
    open_aws();
    answers(200, "{\"SecretString\":\"fetched-value-1\"}");
    fetches("fetched-value-1");
    answers(400, "{\"__type\":\"ResourceNotFoundException\"}");
    refused(CONFIG ":1", "config: prometheus.token: ");
    cr_expect(str_is(secret_find(config_secrets(config), "PROMETHEUS_TOKEN"),
                     "fetched-value-1"));
    close_aws();
}

static void close_when_asked(void *arg) {
    if (aws.asked.len == 0) {
        loop_defer(loop, close_when_asked, arg);
        return;
    }
    reload_close(reload);
    reload = NULL;
    loop_stop(loop);
}

Test(reload, SF1_RE2_closed_while_a_secret_is_fetched_it_offers_nothing) {
    open_aws();
    answers(200, "{\"SecretString\":\"fetched-value-1\"}");
    reload_ask(reload);
    loop_defer(loop, close_when_asked, NULL);
    loop_run(loop);
    cr_expect_eq(offers, 0);
    close_aws();
}

/* --- RE4 ---------------------------------------------------------------------- */

Test(reload, RE4_CC2_an_address_waits_for_a_restart_and_is_told_each_time) {
    edit(CONFIG, "8080\",",
         "9090\", drain = \"9s\", log = { level = 'warn' },");
    for (int i = 0; i < 2; i++) {
        taken(i == 0);
        support_is(candidate->needs_restart, "['listen', 'log.level']");
        cr_expect_eq(candidate->settings.listen.port, 8080);
        cr_expect_eq(candidate->settings.drain_ms, 9000);
        cr_expect_eq(candidate->settings.log_level, LOG_INFO);
        swap();
    }
    put(CONFIG, files[3][1]);
    taken(true);
    cr_expect_eq(json_count(candidate->needs_restart), 0);
    support_is(candidate->changes, "['drain']");
}

Test(config_change, CC1_each_key_that_differs_is_told_by_its_path) {
    struct candidate next;
    struct json     *list;

    edit(CONFIG, "  settle = \"5s\",",
         "services = { [\"prod/api\"] = { max = 3, min = 1 } },"
         "http = { allow = { \"a.test\" } },");
    candidate_make(at("scripts"), at(CONFIG), clock_real(), &next);
    list = config_change_list(config, next.config);
    support_is(list, "['http.allow', 'services.prod/api.max', "
                     "'services.prod/api.min', 'settle']");
    json_release(list);
    list = config_change_list(next.config, next.config);
    support_is(list, "[]");
    json_release(list);
    candidate_release(&next);
}

Test(config_change, CC2_a_key_that_was_not_there_is_not_there_afterwards) {
    struct candidate next;
    struct json     *held, *left;

    edit(CONFIG, "prometheus = {",
         "http = { auth = { [\"a.test\"] = { header = \"X\" } }, "
         "proxy = \"http://p\" }, limits = { connections = 5, runs = 7 }, "
         "tls = { certificate = \"c\", key = \"k\" }, prometheus = {");
    candidate_make(at("scripts"), at(CONFIG), clock_real(), &next);
    cr_assert_eq(json_count(next.problems), 0);
    held = config_change_hold(next.config, config);
    support_is(held, "['http.auth.a.test.header', 'http.proxy', "
                     "'limits.connections', 'tls.certificate', 'tls.key']");
    left = config_change_list(config, next.config);
    support_is(left, "['limits.runs']");
    json_release(held);
    json_release(left);
    candidate_release(&next);
}

/* --- CA1 ---------------------------------------------------------------------- */

static volatile sig_atomic_t breaks;
static int                   leased;
static char                  leased_path[120];
static char                  other_path[120], other_text[120];

/* Somebody has opened the leased file, and waits: now the edit happens. Only
 * what a signal handler may call. */
static void break_lease(int number) {
    (void)number;
    breaks++;
    if (!other_path[0]) {
        (void)unlink(leased_path);
    } else {
        int fd = open(other_path, O_WRONLY | O_TRUNC);

        (void)!write(fd, other_text, strlen(other_text));
        (void)close(fd);
    }
    (void)fcntl(leased, F_SETLEASE, F_UNLCK);
}

static void lease(const char *path) {
    struct sigaction action = {.sa_handler = break_lease,
                               .sa_flags = SA_RESTART};

    (void)snprintf(leased_path, sizeof leased_path, "%s", at(path));
    leased = open(leased_path, O_RDWR);
    cr_assert(leased >= 0);
    cr_assert_eq(sigaction(SIGIO, &action, NULL), 0);
    if (fcntl(leased, F_SETLEASE, F_WRLCK) != 0)
        cr_skip_test("the file system of /tmp has no leases");
}

Test(reload,
     CA1_RE1_a_file_that_vanishes_while_it_is_read_is_one_that_is_gone) {
    lease(NODE);
    refused(PLAYBOOK ":5", "node_unknown: nodes/ has no 'escalation'");
    cr_expect_eq(breaks, 1);
    (void)close(leased);
}

Test(candidate, CA1_a_folder_that_changes_while_it_is_read_is_read_again) {
    struct candidate made;
    struct buf       text = BUF_EMPTY;
    struct err       err;

    /* It was read already, when the leased one is opened. */
    (void)snprintf(other_path, sizeof other_path, "%s", at(NODE));
    (void)snprintf(other_text, sizeof other_text, "%s", files[0][1]);
    lease("scripts/sources/hook.lua");
    candidate_make(at("scripts"), at(CONFIG), clock_real(), &made);
    cr_expect_eq(breaks, 1);
    cr_expect(json_count(made.problems) > 0, "the old node is taken");
    cr_assert(file_read(at(NODE), 1000, &text, &err));
    cr_expect_str_eq(buf_text(&text), other_text);
    buf_release(&text);
    candidate_release(&made);
    (void)close(leased);
}

Test(candidate, CA1_a_folder_without_scripts_does_not_come_into_force) {
    struct candidate made;

    for (size_t i = 0; i < 3; i++)
        cr_assert_eq(unlink(at(files[i][0])), 0);
    candidate_make(at("scripts"), at(CONFIG), clock_real(), &made);
    cr_assert_eq(json_count(made.problems), 1);
    cr_expect_str_eq(json_find_text(json_at(made.problems, 0), "code").data,
                     "not_found");
    candidate_release(&made);
}

/* --- worker --------------------------------------------------------------------- */

static pthread_t worked_on;
static int       worked, finished;

static void work(void *arg) {
    *(int *)arg += 1;
    worked_on = pthread_self();
    worked++;
}

static void finish(void *arg) {
    cr_expect_eq(*(int *)arg, 1);
    cr_expect(worked == 1 && finished == 0);
    finished++;
}

Test(worker, WK1_work_is_done_aside_and_its_end_comes_once_on_the_loop) {
    struct loop *own = loop_open();
    int          number = 0;

    worker_start(own, work, finish, &number);
    cr_expect_eq(finished, 0);
    loop_run(own);
    cr_expect_eq(finished, 1);
    cr_expect_not(pthread_equal(worked_on, pthread_self()));
    loop_close(own);
}
