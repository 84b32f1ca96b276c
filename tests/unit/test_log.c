/* test_log.c - lines that machines can read and nobody can forge. */
#include <criterion/criterion.h>

#include <pthread.h>

#include "base/clock_virtual.h"
#include "observe/log.h"

static struct clock_virtual world;
static int                  out[2];
static struct log          *lines;
static char                 said[65536];

static void begin(void) {
    clock_virtual_init(&world, INT64_C(1772330584567));
    cr_assert_eq(pipe(out), 0);
}

static void open_log(bool json, enum log_level level, log_redact_fn *redact) {
    lines = log_open(&(struct log_options){.level = level,
                                           .json = json,
                                           .fd = out[1],
                                           .clock = &world.clock,
                                           .redact = redact});
}

/* What was written, once the log is closed. */
static const char *read_back(void) {
    ssize_t got;

    log_close(lines);
    (void)close(out[1]);
    for (size_t len = 0;; len += (size_t)got) {
        got = read(out[0], said + len, sizeof said - len - 1);
        if (got <= 0)
            return said;
    }
}

TestSuite(log, .init = begin, .timeout = 5);

Test(log, writes_logfmt_with_time_level_run_and_pairs) {
    open_log(false, LOG_INFO, NULL);
    log_line(lines, LOG_WARN, "run_7", "effect failed", "effect",
             "aws:ecs:UpdateService", "tries", "3", NULL);
    cr_assert_str_eq(read_back(),
                     "time=2026-03-01T02:03:04.567Z level=warn run=run_7 "
                     "message=\"effect failed\" effect=aws:ecs:UpdateService "
                     "tries=3\n");
}

Test(log, one_like_it_says_the_same_and_something_more) {
    struct log *other;

    open_log(false, LOG_INFO, NULL);
    other = log_with(lines, "trace_id", STR("abc"));
    log_line(other, LOG_DEBUG, "run_7", "not wanted", NULL);
    log_line(other, LOG_INFO, "run_7", "begun", "node", "look", NULL);
    log_close(other);
    cr_assert_str_eq(read_back(),
                     "time=2026-03-01T02:03:04.567Z level=info run=run_7 "
                     "trace_id=abc message=begun node=look\n");
}

Test(log, writes_json_with_the_same_members) {
    open_log(true, LOG_INFO, NULL);
    log_line(lines, LOG_ERROR, NULL, "it \"broke\"", "path", "a\\b", NULL);
    cr_assert_str_eq(read_back(),
                     "{\"time\":\"2026-03-01T02:03:04.567Z\",\"level\":"
                     "\"error\",\"message\":\"it \\\"broke\\\"\",\"path\":"
                     "\"a\\\\b\"}\n");
}

Test(log, quotes_what_a_reader_would_cut_and_nothing_else) {
    open_log(false, LOG_INFO, NULL);
    log_line(lines, LOG_INFO, NULL, "m", "a", "", "b", "x y", "c", "x=y", "d",
             "\"", "e", "x/y:z,w", NULL);
    cr_assert(strstr(read_back(), " a=\"\" b=\"x y\" c=\"x=y\" d=\"\\\"\" "
                                  "e=x/y:z,w"));
}

Test(log, escapes_whatever_could_forge_a_line_or_drive_a_terminal) {
    open_log(false, LOG_INFO, NULL);
    log_line(lines, LOG_INFO, "run\nlevel=error", "m", "a",
             "1\r\n2\t\033[31m\177", "b", "\302\233x", "c", "bad \377 utf",
             NULL);
    cr_assert_str_eq(read_back(),
                     "time=2026-03-01T02:03:04.567Z level=info "
                     "run=\"run\\nlevel=error\" message=m "
                     "a=\"1\\u000d\\n2\\u0009\\u001b[31m\\u007f\" "
                     "b=\"\\u009bx\" c=\"bad \357\277\275 utf\"\n");
}

static void hide(void *arg, struct str text, struct buf *redacted) {
    (void)arg;
    for (size_t i = 0; i < text.len; i++) {
        struct str rest = {text.data + i, text.len - i};
        bool       secret = str_starts(rest, "s3\"cret");

        buf_add(redacted, secret ? "***" : text.data + i, secret ? 3 : 1);
        i += secret ? 6 : 0;
    }
}

Test(log, N11_redacts_run_message_and_values_before_they_are_escaped) {
    open_log(true, LOG_INFO, hide);
    log_line(lines, LOG_INFO, "r s3\"cret", "m s3\"cret", "key", "s3\"cret",
             NULL);
    cr_assert_null(strstr(read_back(), "cret"));
    cr_assert(strstr(said, "\"run\":\"r ***\",\"message\":\"m ***\","
                           "\"key\":\"***\"}"));
}

Test(log, leaves_out_what_is_below_its_level) {
    open_log(false, LOG_WARN, NULL);
    cr_assert_not(log_wants(lines, LOG_INFO));
    cr_assert(log_wants(lines, LOG_WARN));
    log_line(lines, LOG_INFO, NULL, "quiet", NULL);
    cr_assert_str_eq(read_back(), "");
}

Test(log, cuts_a_value_that_is_too_long) {
    static char value[20000];

    memset(value, 'x', sizeof value - 1);
    open_log(false, LOG_INFO, NULL);
    log_line(lines, LOG_INFO, NULL, "m", "a", value, NULL);
    cr_assert_lt(strlen(read_back()), 5000);
    cr_assert(strstr(said, "xxx...\n"));
}

enum { LINES = 100, THREADS = 4 };

static void *write_lines(void *arg) {
    for (int i = 0; i < LINES; i++)
        log_line(lines, LOG_INFO, arg, "from a thread", NULL);
    return NULL;
}

Test(log, keeps_the_lines_of_several_threads_apart) {
    static const char line[] = "time=2026-03-01T02:03:04.567Z level=info run=a "
                               "message=\"from a thread\"\n";
    char              names[THREADS][2] = {"a", "b", "c", "d"};
    pthread_t         threads[THREADS];

    open_log(false, LOG_INFO, NULL);
    for (int i = 0; i < THREADS; i++)
        cr_assert_eq(pthread_create(&threads[i], NULL, write_lines, names[i]),
                     0);
    for (int i = 0; i < THREADS; i++)
        (void)pthread_join(threads[i], NULL);
    (void)read_back();
    cr_assert_eq(strlen(said), (sizeof line - 1) * LINES * THREADS);
    for (size_t i = 0; i < LINES * THREADS; i++)
        cr_assert(memcmp(said + i * (sizeof line - 1), line, 30) == 0);
}

Test(log, reads_the_names_of_levels) {
    enum log_level level;

    cr_assert(log_level_read(STR("debug"), &level) && level == LOG_DEBUG);
    cr_assert(log_level_read(STR("error"), &level) && level == LOG_ERROR);
    cr_assert_not(log_level_read(STR("loud"), &level));
    cr_assert_not(log_level_read(STR(""), &level));
}
