/* test_file.c - whole files or none, lists in order, one holder of a lock. */
#include <criterion/criterion.h>

#include <signal.h>
#include <sys/stat.h>
#include <sys/wait.h>

#include "sys/file.h"

static char       directory[] = "/tmp/nightshift-test-XXXXXX";
static char       path[128];
static struct err err;
static struct buf content;

static const char *at(const char *name) {
    (void)snprintf(path, sizeof path, "%s/%s", directory, name);
    return path;
}

static void begin(void) {
    cr_assert_not_null(mkdtemp(directory));
}

static void remove_all(void) {
    struct file_list list;

    cr_assert(file_list_read(directory, NULL, &list, &err), "%s", err.text);
    for (size_t i = 0; i < list.count; i++)
        (void)unlink(at(list.paths[i]));
    file_list_release(&list);
    (void)unlink(at("a/link"));
    (void)unlink(at(".hidden"));
    (void)rmdir(at("a/b/c"));
    (void)rmdir(at("a/b"));
    (void)rmdir(at("a"));
    cr_assert_eq(rmdir(directory), 0, "something was left behind");
    buf_release(&content);
}

TestSuite(file, .init = begin, .fini = remove_all, .timeout = 5);

Test(file, FI1_writes_and_reads_back_any_bytes) {
    struct str bytes = {"a\0b\n", 4};

    cr_assert(file_write(at("x"), bytes, &err), "%s", err.text);
    cr_assert(file_read(at("x"), 4, &content, &err), "%s", err.text);
    cr_assert(str_equal(buf_str(&content), bytes));
}

Test(file, FI1_replaces_what_was_there_and_leaves_nothing_beside_it) {
    struct file_list list;

    cr_assert(file_write(at("x"), STR("first, and longer"), &err));
    cr_assert(file_write(at("x"), STR("second"), &err));
    cr_assert(file_read(at("x"), 100, &content, &err));
    cr_assert_str_eq(content.data, "second");
    cr_assert(file_list_read(directory, NULL, &list, &err));
    cr_assert_eq(list.count, 1);
    file_list_release(&list);
}

Test(file, FI1_keeps_the_old_content_when_the_new_cannot_be_written) {
    struct stat is;

    cr_assert_eq(mkdir(at("a"), 0700), 0);
    cr_assert_eq(mkdir(at("a/b"), 0700), 0);
    cr_assert_not(file_write(at("a"), STR("x"), &err), "over a directory");
    cr_assert_eq(err.code, ERR_IO);
    cr_assert(stat(at("a"), &is) == 0 && S_ISDIR(is.st_mode));
    cr_assert_not(file_write(at("none/x"), STR("x"), &err));
    cr_assert_eq(err.code, ERR_NOT_FOUND);
}

Test(file, writes_files_that_only_their_owner_reads) {
    struct stat is;

    cr_assert(file_write(at("x"), STR("secret"), &err));
    cr_assert_eq(stat(at("x"), &is), 0);
    cr_assert_eq(is.st_mode & 0777, 0600);
}

Test(file, reads_up_to_the_cap_and_not_a_byte_more) {
    buf_add_text(&content, "before ");
    cr_assert(file_write(at("x"), STR("12345"), &err));
    cr_assert_not(file_read(at("x"), 4, &content, &err));
    cr_assert_eq(err.code, ERR_LIMIT);
    cr_assert_str_eq(content.data, "before ", "part of the file was kept");
    cr_assert(file_read(at("x"), 5, &content, &err));
    cr_assert_str_eq(content.data, "before 12345");
}

Test(file, reads_a_file_that_claims_no_size) {
    cr_assert(file_read("/proc/self/status", 100000, &content, &err));
    cr_assert_gt(content.len, 100);
    buf_clear(&content);
    cr_assert_not(file_read("/dev/zero", 200000, &content, &err));
    cr_assert_eq(err.code, ERR_LIMIT);
}

Test(file, reads_standard_input_as_a_dash) {
    int out[2];

    cr_assert_eq(pipe(out), 0);
    cr_assert_eq(write(out[1], "piped", 5), 5);
    (void)close(out[1]);
    cr_assert_eq(dup2(out[0], STDIN_FILENO), STDIN_FILENO);
    cr_assert(file_read("-", 100, &content, &err));
    cr_assert_str_eq(content.data, "piped");
}

Test(file, says_which_file_is_not_there) {
    cr_assert_not(file_read(at("none"), 100, &content, &err));
    cr_assert_eq(err.code, ERR_NOT_FOUND);
    cr_assert(strstr(err.text, path));
    cr_assert_not(file_read(directory, 100, &content, &err));
    cr_assert_eq(err.code, ERR_IO);
    cr_assert_not(file_exists(at("none")));
    cr_assert(file_exists(directory));
}

Test(file, makes_a_directory_and_what_is_above_it_private) {
    struct stat is;

    cr_assert(file_make_directory(at("a/b/c"), &err), "%s", err.text);
    cr_assert(file_make_directory(at("a/b/c"), &err), "the second time");
    cr_assert(file_make_directory(at("a//b/c/"), &err), "%s", err.text);
    cr_assert_eq(stat(at("a"), &is), 0);
    cr_assert_eq(is.st_mode & 0777, 0700);
    cr_assert(file_write(at("x"), STR(""), &err));
    cr_assert_not(file_make_directory(at("x"), &err));
    cr_assert_not(file_make_directory(at("x/y"), &err));
    cr_assert_not(file_make_directory("", &err));
}

Test(file, settles_a_file_without_changing_a_byte) {
    struct buf long_one = BUF_EMPTY;

    for (int i = 0; i < 40000; i++)
        buf_addf(&long_one, "%d,", i);
    cr_assert(file_write(at("x"), buf_str(&long_one), &err));
    cr_assert(file_settle(at("x"), &err), "%s", err.text);
    cr_assert(file_read(at("x"), 1 << 20, &content, &err));
    cr_assert(str_equal(buf_str(&content), buf_str(&long_one)));
    cr_assert(file_sync(at("x"), &err) && file_sync(directory, &err));
    cr_assert_not(file_settle(at("none"), &err));
    cr_assert_eq(err.code, ERR_NOT_FOUND);
    cr_assert_not(file_sync(at("none"), &err));
    buf_release(&long_one);
}

Test(file, lists_what_is_below_in_order_and_by_suffix) {
    struct file_list list;

    cr_assert(file_make_directory(at("a/b"), &err));
    cr_assert(file_write(at("z.lua"), STR(""), &err));
    cr_assert(file_write(at("a/b/m.lua"), STR(""), &err));
    cr_assert(file_write(at("a.lua"), STR(""), &err));
    cr_assert(file_write(at("a/n.txt"), STR(""), &err));
    cr_assert(file_write(at(".hidden"), STR(""), &err));
    cr_assert_eq(symlink("..", at("a/link")), 0); /* for ever round */
    cr_assert(file_list_read(directory, ".lua", &list, &err), "%s", err.text);
    cr_assert_eq(list.count, 3);
    cr_assert_str_eq(list.paths[0], "a.lua");
    cr_assert_str_eq(list.paths[1], "a/b/m.lua");
    cr_assert_str_eq(list.paths[2], "z.lua");
    file_list_release(&list);
    cr_assert_not(file_list_read(at("none"), NULL, &list, &err));
    cr_assert_eq(err.code, ERR_NOT_FOUND);
    cr_assert_eq(list.count, 0);
}

/* As Kubernetes mounts it: nodes -> ..data/nodes, ..data -> ..one. */
Test(file, FI4_follows_links_to_folders_that_stay_inside) {
    struct file_list list;

    cr_assert(file_make_directory(at("..one/nodes"), &err));
    cr_assert(file_write(at("..one/nodes/n.lua"), STR(""), &err));
    cr_assert(file_write(at("..one/top.lua"), STR(""), &err));
    cr_assert_eq(symlink("..one", at("..data")), 0);
    cr_assert_eq(symlink("..data/nodes", at("nodes")), 0);
    cr_assert_eq(symlink("..data/top.lua", at("top.lua")), 0);
    cr_assert_eq(symlink("..", at("..one/nodes/round")), 0);
    cr_assert(file_list_read(directory, ".lua", &list, &err), "%s", err.text);
    (void)unlink(at("..one/nodes/round"));
    (void)unlink(at("..one/nodes/n.lua"));
    (void)unlink(at("..one/top.lua"));
    (void)unlink(at("nodes"));
    (void)unlink(at("top.lua"));
    (void)unlink(at("..data"));
    (void)rmdir(at("..one/nodes"));
    (void)rmdir(at("..one"));
    /* By "round" the folder above comes in once more, and ends at itself. */
    cr_assert_eq(list.count, 3);
    cr_assert_str_eq(list.paths[0], "nodes/n.lua");
    cr_assert_str_eq(list.paths[1], "nodes/round/top.lua");
    cr_assert_str_eq(list.paths[2], "top.lua");
    file_list_release(&list);
}

Test(file, FI4_refuses_a_link_that_leads_out_and_names_it) {
    struct file_list list;

    cr_assert(file_make_directory(at("a/b"), &err));
    cr_assert_eq(symlink("/usr", at("a/link")), 0);
    cr_assert_not(file_list_read(directory, NULL, &list, &err));
    cr_assert_eq(err.code, ERR_DENIED);
    cr_assert(strstr(err.text, "a/link is a link to /usr"), "%s", err.text);
    (void)unlink(at("a/link"));
    /* A name that only begins like it is outside, too. */
    cr_assert_eq(symlink("../ab", at("a/link")), 0);
    cr_assert(file_make_directory(at("ab"), &err));
    cr_assert_not(file_list_read(at("a"), NULL, &list, &err));
    cr_assert_eq(err.code, ERR_DENIED);
    (void)unlink(at("a/link"));
    (void)rmdir(at("ab"));
}

/* Folders with two links each to the next: 2^30 ways, and no loop. */
Test(file, FI4_ends_where_links_fan_out) {
    struct file_list list;
    char             name[16], target[32];
    bool             listed;

    for (int i = 0; i < 30; i++) {
        (void)snprintf(name, sizeof name, "d%02d", i);
        (void)snprintf(target, sizeof target, "../d%02d", i + 1);
        cr_assert(file_make_directory(at(name), &err));
        for (int k = 0; k < 2; k++) {
            char link[32];

            (void)snprintf(link, sizeof link, "d%02d/%d", i, k);
            cr_assert_eq(symlink(target, at(link)), 0);
        }
    }
    listed = file_list_read(directory, NULL, &list, &err);
    for (int i = 0; i < 30; i++) {
        (void)snprintf(name, sizeof name, "d%02d/0", i);
        (void)unlink(at(name));
        name[4] = '1';
        (void)unlink(at(name));
        name[3] = '\0';
        (void)rmdir(at(name));
    }
    cr_assert_not(listed);
    cr_assert_eq(err.code, ERR_LIMIT);
}

Test(file, FI2_refuses_a_held_lock_and_names_its_holder) {
    struct file_lock *lock = file_lock_open(at("lock"), &err), *second;
    char              pid[32];

    cr_assert_not_null(lock, "%s", err.text);
    cr_assert_null(file_lock_open(at("lock"), &err));
    cr_assert_eq(err.code, ERR_HELD);
    (void)snprintf(pid, sizeof pid, "process %d", (int)getpid());
    cr_assert(strstr(err.text, pid), "%s", err.text);
    file_lock_close(lock);
    second = file_lock_open(at("lock"), &err);
    cr_assert_not_null(second, "%s", err.text);
    file_lock_close(second);
}

Test(file, FI2_frees_the_lock_of_a_holder_that_was_killed) {
    int               ready[2];
    struct file_lock *lock;
    char              byte;
    pid_t             pid;

    cr_assert_eq(pipe(ready), 0);
    pid = fork();
    if (pid == 0) {
        (void)alarm(5); /* should the test fail before it kills us */
        (void)file_lock_open(at("lock"), &err);
        (void)write(ready[1], "x", 1);
        (void)pause();
        _exit(0);
    }
    cr_assert_eq(read(ready[0], &byte, 1), 1);
    cr_assert_null(file_lock_open(at("lock"), &err));
    cr_assert(strstr(err.text, "held by process"));
    (void)kill(pid, SIGKILL);
    cr_assert_eq(waitpid(pid, NULL, 0), pid);
    lock = file_lock_open(at("lock"), &err);
    cr_assert_not_null(lock, "%s", err.text);
    file_lock_close(lock);
}
