/* test_engine.c - what is not live leaves no trace. */
#include <criterion/criterion.h>

#include <sys/stat.h>

#include "app/engine.h"

static char       dir[] = "/tmp/nightshift-engine-XXXXXX";
static struct buf state;
static struct err err;

static void make_directory(void) {
    cr_assert(mkdtemp(dir));
    buf_addf(&state, "%s/state", dir);
    (void)unsetenv("NIGHTSHIFT_FAULT");
}

static void remove_directory(void) {
    (void)rmdir(dir);
    buf_release(&state);
}

TestSuite(engine, .init = make_directory, .fini = remove_directory);

static bool state_exists(void) {
    struct stat there;

    return stat(buf_text(&state), &there) == 0;
}

static void open_and_close(enum mode_kind kind) {
    struct json          *world = json_new_list();
    struct engine_options options = {.kind = kind,
                                     .scripts = "scripts",
                                     .state = buf_text(&state),
                                     .world = world,
                                     .log = LOG_ERROR};
    struct engine         engine;

    cr_assert(engine_open(&engine, &options, &err), "%s", err.text);
    engine_close(&engine);
    json_release(world);
}

Test(engine, EN1_N9_a_dry_run_makes_no_state_directory) {
    open_and_close(MODE_DRY_RUN);
    cr_expect_not(state_exists());
}

Test(engine, EN1_N9_a_fixture_run_makes_no_state_directory) {
    open_and_close(MODE_FIXTURE);
    cr_expect_not(state_exists());
}

Test(engine, EN1_a_live_engine_holds_its_state_directory_alone) {
    struct engine_options options = {.kind = MODE_LIVE,
                                     .scripts = "scripts",
                                     .state = buf_text(&state),
                                     .log = LOG_ERROR};
    struct engine         one, other;
    struct buf            command = BUF_EMPTY;

    cr_assert(engine_open(&one, &options, &err), "%s", err.text);
    cr_expect(state_exists());
    cr_expect_not(engine_open(&other, &options, &err));
    cr_expect_eq(err.code, ERR_HELD);
    engine_close(&one);
    for (const char *const *name =
             (const char *const[]){"nightshift.db", "nightshift.db-wal",
                                   "nightshift.db-shm", "lock", NULL};
         *name; name++) {
        buf_clear(&command);
        buf_addf(&command, "%s/%s", buf_text(&state), *name);
        (void)unlink(buf_text(&command));
    }
    (void)rmdir(buf_text(&state));
    buf_release(&command);
}

Test(engine, a_run_that_is_not_there_is_named) {
    struct engine_options options = {.kind = MODE_LIVE,
                                     .state = buf_text(&state),
                                     .resume = "run_nobody",
                                     .log = LOG_ERROR};
    struct engine         engine;

    cr_expect_not(engine_open(&engine, &options, &err));
    cr_expect_eq(err.code, ERR_NOT_FOUND);
    cr_expect(strstr(err.text, "run_nobody"), "%s", err.text);
}
