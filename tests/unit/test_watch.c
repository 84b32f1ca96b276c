/* test_watch.c - changes of real files, made as editors, git and Kubernetes
 * make them, are told once each; and what the kernel may refuse.
 *
 * Each test has a folder in /tmp and a loop that runs until the change is told.
 * inotify's two calls are taken over here, to refuse as an exhausted kernel
 * does and to stay silent as a network file system does.
 */
#include <criterion/criterion.h>

#include <errno.h>
#include <ftw.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/err.h"
#include "sys/clock_real.h"
#include "sys/file.h"
#include "sys/loop.h"
#include "sys/watch.h"

#define GUARD_MS 20000

static char          directory[] = "/tmp/nightshift-watch-XXXXXX";
static struct loop  *loop;
static struct watch *watch;
static int           told, polling_told;
static char          polling_why[200];
static _Atomic int   refuse_init, refuse_add, silent, asked;

int inotify_init1(int flags);
int inotify_add_watch(int fd, const char *path, uint32_t mask);

int inotify_init1(int flags) {
    if (!refuse_init)
        return (int)syscall(SYS_inotify_init1, flags);
    errno = refuse_init;
    return -1;
}

int inotify_add_watch(int fd, const char *path, uint32_t mask) {
    asked++;
    if (refuse_add) {
        errno = refuse_add;
        return -1;
    }
    return (int)syscall(SYS_inotify_add_watch, fd, silent ? "/proc/self" : path,
                        mask);
}

/* --- files -------------------------------------------------------------------- */

static void put(const char *name, const char *text) {
    FILE *file = fopen(name, "w");

    cr_assert_not_null(file, "%s", name);
    cr_assert(fputs(text, file) >= 0);
    cr_assert_eq(fclose(file), 0);
}

static void make(const char *name) {
    struct err err;

    cr_assert(file_make_directory(name, &err), "%s", err.text);
}

static int remove_one(const char *path, const struct stat *is, int kind,
                      struct FTW *at) {
    (void)is;
    (void)kind;
    (void)at;
    return remove(path);
}

static void remove_tree(const char *path) {
    cr_assert_eq(nftw(path, remove_one, 16, FTW_DEPTH | FTW_PHYS), 0);
}

static void link_to(const char *target, const char *name) {
    cr_assert_eq(symlink(target, "link.new"), 0);
    cr_assert_eq(rename("link.new", name), 0);
}

/* --- the watch ------------------------------------------------------------------ */

static void changed(void *arg) {
    (void)arg;
    told++;
    loop_stop(loop);
}

static void polling(void *arg, const char *why) {
    (void)arg;
    polling_told++;
    (void)snprintf(polling_why, sizeof polling_why, "%s", why ? why : "");
    loop_stop(loop);
}

static const char *const        both[] = {"scripts", "nightshift.lua"};
static const struct watch_paths paths = {both, 2, ".lua"};

static struct watch_options options(void) {
    return (struct watch_options){.loop = loop,
                                  .clock = clock_real(),
                                  .of = paths,
                                  .quiet_ms = 20,
                                  .most_ms = 200,
                                  .look_ms = GUARD_MS * 2,
                                  .poll_ms = 5,
                                  .changed = changed,
                                  .polling = polling};
}

static void nothing(void *arg) {
    *(bool *)arg = true;
    loop_stop(loop);
}

/* Until something is told, or for so long. */
static bool run_for(int64_t ms) {
    bool               over = false;
    struct loop_timer *guard = loop_timer_start(loop, ms, nothing, &over);

    loop_run(loop);
    if (!over)
        loop_timer_cancel(guard);
    return !over;
}

static void expect_change(void) {
    int before = told;

    cr_assert(run_for(GUARD_MS), "nothing was told");
    cr_assert_eq(told, before + 1);
}

/* The first look tells; after it the places are known. */
static void begin_watch(void) {
    struct watch_options o = options();

    watch = watch_open(&o);
    expect_change();
}

static void begin(void) {
    cr_assert_not_null(mkdtemp(directory));
    cr_assert_eq(chdir(directory), 0);
    make("scripts/nodes");
    put("scripts/nodes/a.lua", "one");
    put("nightshift.lua", "return {}");
    loop = loop_open();
}

static void end(void) {
    refuse_init = refuse_add = silent = 0;
    watch_close(watch);
    loop_run(loop);
    loop_close(loop);
    cr_assert_eq(chdir("/"), 0);
    remove_tree(directory);
}

TestSuite(watch, .init = begin, .fini = end, .timeout = 60);

/* --- what editors do ------------------------------------------------------------ */

Test(watch, WT1_tells_of_a_file_written_in_place) {
    begin_watch();
    put("scripts/nodes/a.lua", "two");
    expect_change();
    put("nightshift.lua", "return { watch = true }");
    expect_change();
}

Test(watch, WT1_tells_of_a_file_renamed_over) {
    begin_watch();
    for (int i = 0; i < 3; i++) {
        put("scripts/nodes/.new", i % 2 ? "two" : "three");
        cr_assert_eq(rename("scripts/nodes/.new", "scripts/nodes/a.lua"), 0);
        expect_change();
        put("new", i % 2 ? "two" : "three");
        cr_assert_eq(rename("new", "nightshift.lua"), 0);
        expect_change();
    }
}

Test(watch, WT1_tells_once_of_an_editor_that_saves_in_steps) {
    begin_watch();
    put("scripts/nodes/4913", "");
    cr_assert_eq(unlink("scripts/nodes/4913"), 0);
    cr_assert_eq(rename("scripts/nodes/a.lua", "scripts/nodes/a.lua~"), 0);
    put("scripts/nodes/a.lua", "two");
    cr_assert_eq(unlink("scripts/nodes/a.lua~"), 0);
    expect_change();
    cr_assert_not(run_for(200), "told twice");
}

Test(watch, WT1_tells_once_of_two_hundred_files) {
    char name[64];

    begin_watch();
    for (int i = 0; i < 200; i++) {
        (void)snprintf(name, sizeof name, "scripts/nodes/n%d.lua", i);
        put(name, "x");
    }
    expect_change();
    cr_assert_not(run_for(200), "told twice");
}

static int                written;
static struct loop_timer *writing;

static void write_on(void *arg) {
    char text[32];

    (void)arg;
    (void)snprintf(text, sizeof text, "%d", ++written);
    put("scripts/nodes/a.lua", text);
    writing = loop_timer_start(loop, 1, write_on, NULL);
}

Test(watch, WT1_tells_after_the_bound_of_files_that_are_never_quiet) {
    struct watch_options o = options();

    o.quiet_ms = GUARD_MS * 2;
    watch = watch_open(&o);
    expect_change();
    write_on(NULL);
    expect_change();
    expect_change();
    cr_assert_gt(written, 2);
    loop_timer_cancel(writing);
}

Test(watch, WT2_what_has_the_same_bytes_is_no_change) {
    begin_watch();
    put("scripts/nodes/a.lua", "one");
    put("scripts/nodes/notes.txt", "not a script");
    put("new", "return {}");
    cr_assert_eq(rename("new", "nightshift.lua"), 0);
    cr_assert_not(run_for(300));
    cr_assert_eq(told, 1);
}

Test(watch, WT2_what_was_loaded_before_is_known) {
    unsigned char        known[DIGEST_SIZE];
    struct watch_options o = options();

    watch_digest(&paths, known);
    o.known = known;
    watch = watch_open(&o);
    cr_assert_not(run_for(100));
    watch_close(watch);
    put("scripts/nodes/a.lua", "changed between the loading and the watch");
    watch = watch_open(&o);
    expect_change();
}

/* Loaded by hand before it was noticed, and then taken back. */
Test(watch, WT2_what_was_loaded_by_others_is_what_counts) {
    unsigned char loaded[DIGEST_SIZE];

    begin_watch();
    put("scripts/nodes/a.lua", "two");
    watch_digest(&paths, loaded);
    watch_know(watch, loaded);
    cr_assert_not(run_for(100));
    put("scripts/nodes/a.lua", "one");
    expect_change();
    put("scripts/nodes/a.lua", "two");
    watch_know(watch, loaded);
    put("scripts/nodes/a.lua", "one");
    expect_change();
}

/* The folder of the configuration may hold a log. */
Test(watch, a_neighbour_of_a_file_wakes_nobody) {
    int before;

    begin_watch();
    cr_assert_not(run_for(100)); /* for a look that the opening called for */
    before = asked;
    for (int i = 0; i < 50; i++)
        put("log", i % 2 ? "a line" : "another");
    cr_assert_not(run_for(100));
    cr_assert_eq(asked, before, "it was looked");
}

/* --- folders and links ---------------------------------------------------------- */

Test(watch, WT4_sees_into_folders_that_are_new) {
    begin_watch();
    make("scripts/policies/deeper");
    put("scripts/policies/deeper/p.lua", "one");
    expect_change();
    put("scripts/policies/deeper/p.lua", "two");
    expect_change();
    cr_assert_eq(unlink("scripts/policies/deeper/p.lua"), 0);
    expect_change();
}

Test(watch, WT4_a_folder_that_is_removed_and_made_again) {
    begin_watch();
    remove_tree("scripts");
    expect_change();
    make("scripts/nodes");
    put("scripts/nodes/a.lua", "one");
    expect_change();
    put("scripts/nodes/a.lua", "two");
    expect_change();
}

Test(watch, WT4_a_folder_that_another_takes_the_place_of) {
    begin_watch();
    make("fresh/nodes");
    put("fresh/nodes/a.lua", "two");
    cr_assert_eq(rename("scripts", "stale"), 0);
    cr_assert_eq(rename("fresh", "scripts"), 0);
    expect_change();
    put("scripts/nodes/a.lua", "three");
    expect_change();
}

Test(watch, WT4_what_does_not_exist_yet) {
    remove_tree("scripts");
    cr_assert_eq(unlink("nightshift.lua"), 0);
    begin_watch();
    put("nightshift.lua", "return {}");
    expect_change();
    make("scripts");
    put("scripts/a.lua", "one");
    expect_change();
}

/* As kubelet swaps the generations of a ConfigMap. */
Test(watch, WT4_a_swap_of_the_link_to_a_generation) {
    remove_tree("scripts");
    make("scripts/..1/nodes");
    make("scripts/..2/nodes");
    put("scripts/..1/nodes/a.lua", "one");
    put("scripts/..2/nodes/a.lua", "two");
    link_to("..1", "scripts/..data");
    link_to("..data/nodes", "scripts/nodes");
    begin_watch();
    link_to("..2", "scripts/..data");
    expect_change();
    remove_tree("scripts/..1");
    make("scripts/..3/nodes");
    put("scripts/..3/nodes/a.lua", "three");
    link_to("..3", "scripts/..data");
    expect_change();
}

/* As a release is put in force: current -> releases/2. */
Test(watch, WT4_a_swap_of_a_link_on_the_way) {
    static const char *const through[] = {"current/scripts"};
    struct watch_options     o = options();

    make("releases/1/scripts");
    make("releases/2/scripts");
    put("releases/1/scripts/a.lua", "one");
    put("releases/2/scripts/a.lua", "two");
    link_to("releases/1", "current");
    o.of = (struct watch_paths){through, 1, ".lua"};
    watch = watch_open(&o);
    expect_change();
    link_to("releases/2", "current");
    expect_change();
    put("releases/2/scripts/a.lua", "three");
    expect_change();
}

Test(watch, WT4_a_file_that_a_link_leads_to) {
    make("elsewhere");
    put("elsewhere/b.lua", "one");
    link_to("../../elsewhere/b.lua", "scripts/nodes/b.lua");
    begin_watch();
    put("elsewhere/b.lua", "two");
    expect_change();
}

/* --- what the kernel may refuse --------------------------------------------------- */

static void sees_without_notices(const char *word) {
    struct watch_options o = options();

    watch = watch_open(&o);
    while (polling_told < 1 || told < 1)
        cr_assert(run_for(GUARD_MS));
    cr_assert(strstr(polling_why, word), "%s", polling_why);
    put("scripts/nodes/a.lua", "two");
    expect_change();
    cr_assert_eq(polling_told, 1);
    refuse_init = refuse_add = 0;
    cr_assert(run_for(GUARD_MS));
    cr_assert_eq(polling_told, 2);
    cr_assert_str_eq(polling_why, "");
    put("scripts/nodes/a.lua", "three");
    expect_change();
}

Test(watch, WT3_looks_every_so_often_when_there_is_no_instance_left) {
    refuse_init = EMFILE;
    sees_without_notices("max_user_instances");
}

Test(watch, WT3_looks_every_so_often_when_there_are_no_watches_left) {
    refuse_add = ENOSPC;
    sees_without_notices("max_user_watches");
}

Test(watch, WT3_finds_what_no_notice_came_of) {
    struct watch_options o = options();

    silent = 1;
    o.look_ms = 5;
    watch = watch_open(&o);
    expect_change();
    put("scripts/nodes/a.lua", "two");
    expect_change();
    cr_assert_eq(polling_told, 0);
}

Test(watch, WT5_tells_nothing_when_it_was_closed_during_a_look) {
    struct watch_options o = options();
    bool                 over = false;

    watch = watch_open(&o);
    (void)loop_timer_start(loop, 0, nothing, &over);
    loop_run(loop);
    watch_close(watch);
    watch = NULL;
    loop_run(loop);
    cr_assert_leq(told, 1); /* 1: the look was over before it was closed */
}
