/* test_store_sqlite.c - the file on disk: who may have it, what it survives. */
#include <criterion/criterion.h>

#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/mem.h"
#include "store/store.h"
#include "store/store_private.h"
#include "sys/file.h"

static char dir[] = "/tmp/nightshift-sqlite-XXXXXX";
static char path[128]; /* what path_of() answered last */

static const char *path_of(const char *name) {
    (void)snprintf(path, sizeof path, "%s/%s", dir, name);
    return path;
}

static void make_dir(void) {
    cr_assert_not_null(mkdtemp(dir));
}

static void remove_dir(void) {
    static const char *const names[] = {
        "nightshift.db", "nightshift.db-wal", "nightshift.db.schema-1",
        "lock",          "aside/lock",        "aside/nightshift.db",
        "aside"};

    for (size_t i = 0; i < sizeof names / sizeof *names; i++)
        (void)remove(path_of(names[i]));
    cr_expect_eq(rmdir(dir), 0, "something else is in %s", dir);
}

TestSuite(store_sqlite_file, .init = make_dir, .fini = remove_dir);

static struct store *must_open(void) {
    struct err    err;
    struct store *store = store_sqlite_open(dir, &err);

    cr_assert_not_null(store, "%s", err.text);
    return store;
}

static void must_refuse(enum err_code code, const char *part) {
    struct err err;

    cr_assert_null(store_sqlite_open(dir, &err));
    cr_expect_eq(err.code, code, "%s: %s", err_name(err.code), err.text);
    cr_expect_not_null(strstr(err.text, part), "%s", err.text);
}

static bool put(struct store *store, const char *key, const char *value,
                struct err *err) {
    struct store_write write = {STORE_INSERT, str_of(key), 0, str_of(value)};

    return store_batch(store, &write, 1, err);
}

static void must_put(struct store *store, const char *key) {
    struct err err;

    cr_assert(put(store, key, "value", &err), "%s", err.text);
}

static bool present(struct store *store, const char *key) {
    struct err err;
    bool       found;

    cr_assert(store_get(store, str_of(key), NULL, NULL, &found, &err), "%s",
              err.text);
    return found;
}

static unsigned mode_of(const char *name) {
    struct stat is;

    cr_assert_eq(stat(path_of(name), &is), 0);
    return is.st_mode & 0777;
}

static void read_whole(const char *name, struct buf *out) {
    struct err err;

    buf_clear(out);
    cr_assert(file_read(path_of(name), 64 << 20, out, &err), "%s", err.text);
}

/* --- the file ------------------------------------------------------------ */

Test(store_sqlite_file, finds_everything_again_when_it_is_opened_again) {
    struct store      *store = must_open();
    struct store_write write = {STORE_APPEND, STR("main/s"), 0, STR("one")};
    struct buf         bytes = BUF_EMPTY;
    char               hash[STORE_HASH_SIZE];
    int64_t            length;
    struct err         err;

    must_put(store, "main/a");
    cr_assert(store_batch(store, &write, 1, &err));
    cr_assert(store_blob_put(store, STR("blob"), hash, &err));
    store_close(store);
    store = must_open();
    cr_expect(present(store, "main/a"));
    cr_expect(store_stream_length(store, STR("main/s"), &length, &err));
    cr_expect_eq(length, 1);
    cr_expect(store_blob_get(store, hash, &bytes, &err), "%s", err.text);
    cr_expect_str_eq(buf_text(&bytes), "blob");
    buf_release(&bytes);
    store_close(store);
}

Test(store_sqlite_file, forgets_a_group_that_was_not_committed) {
    struct store *store = must_open();
    struct err    err;

    cr_assert(store_group_begin(store, &err));
    must_put(store, "main/a");
    store_close(store);
    store = must_open();
    cr_expect(!present(store, "main/a"));
    store_close(store);
}

Test(store_sqlite_file, makes_a_directory_and_files_that_only_we_can_read) {
    struct store *store;
    struct err    err;
    char          deep[64];

    (void)umask(0);
    (void)snprintf(deep, sizeof deep, "%s/aside", dir);
    store = store_sqlite_open(deep, &err);
    cr_assert_not_null(store, "%s", err.text);
    must_put(store, "main/a");
    cr_expect_eq(mode_of("aside"), 0700);
    cr_expect_eq(mode_of("aside/nightshift.db"), 0600);
    cr_expect_eq(mode_of("aside/nightshift.db-wal"), 0600);
    store_close(store);
}

Test(store_sqlite_file, takes_back_the_rights_that_others_have_on_its_file) {
    store_close(must_open());
    cr_assert_eq(chmod(path_of("nightshift.db"), 0644), 0);
    store_close(must_open());
    cr_expect_eq(mode_of("nightshift.db"), 0600);
}

Test(store_sqlite_file, tells_which_process_has_it) {
    struct store *store = must_open();
    char          holder[32];

    (void)snprintf(holder, sizeof holder, "process %ld", (long)getpid());
    must_refuse(ERR_HELD, holder);
    store_close(store);
    store_close(must_open());
}

Test(store_sqlite_file, closes_nothing_without_a_fuss) {
    store_close(NULL);
}

/* --- files that are not ours -----------------------------------------------
 */

static void must_keep_its_hands_off(const char *content, size_t len) {
    struct buf after = BUF_EMPTY;
    struct err err;

    cr_assert(
        file_write(path_of("nightshift.db"), (struct str){content, len}, &err));
    must_refuse(ERR_INVALID, "not a store of nightshift");
    read_whole("nightshift.db", &after);
    cr_expect(str_equal(buf_str(&after), (struct str){content, len}));
    buf_release(&after);
}

Test(store_sqlite_file, refuses_a_file_that_is_no_database) {
    char text[8192];

    memset(text, 'x', sizeof text);
    must_keep_its_hands_off(text, sizeof text);
}

/* SQLite keeps the application's id in bytes 68 to 71 of the file. */
Test(store_sqlite_file, refuses_the_database_of_another_program) {
    struct buf file = BUF_EMPTY;

    store_close(must_open());
    read_whole("nightshift.db", &file);
    cr_assert(memcmp(file.data + 68, "Nshf", 4) == 0);
    memset(file.data + 68, 0, 4);
    must_keep_its_hands_off(file.data, file.len);
    buf_release(&file);
}

/* --- ST3 --------------------------------------------------------------------
 */

/* No file may grow past this from here on, as on a full disk. */
static void limit_files(rlim_t bytes) {
    struct rlimit limit;

    (void)signal(SIGXFSZ, SIG_IGN);
    cr_assert_eq(getrlimit(RLIMIT_FSIZE, &limit), 0);
    limit.rlim_cur = bytes == RLIM_INFINITY ? limit.rlim_max : bytes;
    cr_assert_eq(setrlimit(RLIMIT_FSIZE, &limit), 0);
}

static off_t size_of(const char *name) {
    struct stat is;

    cr_assert_eq(stat(path_of(name), &is), 0);
    return is.st_size;
}

static bool ignore(void *arg, struct str key, int64_t version,
                   struct str value) {
    (void)arg;
    (void)key;
    (void)version;
    (void)value;
    return true;
}

#define MUST_SAY(call)                                                    \
    do {                                                                  \
        struct err said = {0};                                            \
        cr_expect(!(call));                                               \
        cr_expect_eq(said.code, ERR_IO);                                  \
        cr_expect_not_null(strstr(said.text, "until nightshift is rest"), \
                           "%s", said.text);                              \
    } while (0)

static void must_be_spent(struct store *store) {
    struct buf         bytes = BUF_EMPTY;
    struct store_write write = {STORE_APPEND, STR("main/s"), 0, STR("x")};
    char               hash[STORE_HASH_SIZE];
    int64_t            length;
    bool               found;

    MUST_SAY(put(store, "main/more", "", &said));
    MUST_SAY(store_batch(store, &write, 1, &said));
    MUST_SAY(store_get(store, STR("main/a"), &bytes, NULL, &found, &said));
    MUST_SAY(store_scan(store, STR(""), STR(""), 9, ignore, NULL, &said));
    MUST_SAY(store_stream_length(store, STR("main/s"), &length, &said));
    MUST_SAY(store_blob_put(store, STR("x"), hash, &said));
    MUST_SAY(store_blob_get(store, hash, &bytes, &said));
    MUST_SAY(store_group_begin(store, &said));
    buf_release(&bytes);
}

static void must_be_as_before(void) {
    struct store *store = must_open();

    cr_expect(present(store, "main/a"));
    cr_expect(!present(store, "main/b"));
    cr_expect(!present(store, "main/more"));
    must_put(store, "main/c");
    store_close(store);
}

Test(store_sqlite_file, ST3_accepts_nothing_after_a_write_that_failed) {
    struct store *store = must_open();
    struct err    err;

    must_put(store, "main/a");
    limit_files((rlim_t)size_of("nightshift.db-wal") + 100);
    MUST_SAY(put(store, "main/b", "", &said));
    cr_expect(!put(store, "main/b", "", &err));
    limit_files(RLIM_INFINITY);
    must_be_spent(store);
    store_close(store);
    must_be_as_before();
}

Test(store_sqlite_file, ST3_accepts_nothing_after_a_commit_that_failed) {
    struct store *store = must_open();

    must_put(store, "main/a");
    limit_files((rlim_t)size_of("nightshift.db-wal") + 100);
    {
        struct err err;

        cr_assert(store_group_begin(store, &err), "%s", err.text);
    }
    must_put(store, "main/b");
    MUST_SAY(store_group_commit(store, &said));
    limit_files(RLIM_INFINITY);
    must_be_spent(store);
    store_close(store);
    must_be_as_before();
}

/* The commit that brings the WAL to its checkpoint holds; the checkpoint does
 * not, because the database cannot grow. */
Test(store_sqlite_file, ST3_accepts_nothing_after_a_checkpoint_that_failed) {
    struct store *store = must_open();
    char         *big = mem_new(STORE_VALUE_MAX + 1);
    struct err    err;
    char          key[32];
    int           held = 0;

    must_put(store, "main/a");
    memset(big, 'v', STORE_VALUE_MAX);
    limit_files(5 << 20);
    do
        (void)snprintf(key, sizeof key, "main/big/%d", held);
    while (held < 20 && put(store, key, big, &err) && ++held);
    limit_files(RLIM_INFINITY);
    mem_free(big);
    cr_expect_geq(held, 4);
    cr_expect_not_null(strstr(err.text, ": checkpoint: "), "%s", err.text);
    must_be_spent(store);
    store_close(store);
    store = must_open();
    for (int i = 0; i < held; i++) {
        (void)snprintf(key, sizeof key, "main/big/%d", i);
        cr_expect(present(store, key), "%s was lost", key);
    }
    store_close(store);
}

/* --- ST4 ---------------------------------------------------------------------
 */

static struct store *open_with(const char *const *steps, size_t count,
                               struct err *err) {
    return store_sqlite_open_with(dir, steps, count, err);
}

static const char *const steps[] = {
    "CREATE TABLE later (x); INSERT INTO later VALUES (1)",
    "INSERT INTO records SELECT 'main/later', x, x'41' FROM later"};
static const char *const bad_steps[] = {
    "CREATE TABLE later (x)", "INSERT INTO records SELECT * FROM nowhere"};

static void must_have_schema(struct store *store, const char *number) {
    struct buf value = BUF_EMPTY;
    struct err err;
    bool       found;

    cr_assert(
        store_get(store, STR(STORE_SCHEMA_KEY), &value, NULL, &found, &err));
    cr_expect_str_eq(buf_text(&value), number);
    buf_release(&value);
}

static struct store_size taken_by(struct store *store) {
    struct store_size size;
    struct err        err;

    cr_assert(store_size(store, &size, &err), "%s", err.text);
    return size;
}

static void write_many(struct store *store, int from,
                       enum store_write_kind kind) {
    static const char  value[4000];
    struct store_write write = {kind, {NULL, 0}, 1, {value, sizeof value}};
    char               key[32];
    struct err         err;

    for (int i = from; i < from + 100; i++) {
        (void)snprintf(key, sizeof key, "main/k%05d", i);
        write.key = str_of(key);
        cr_assert(store_batch(store, &write, 1, &err), "%s", err.text);
    }
}

Test(store_sqlite_file, what_was_cut_is_free_and_is_used_again) {
    struct store     *store = must_open();
    struct store_size full, cut, again;

    write_many(store, 0, STORE_INSERT);
    full = taken_by(store);
    cr_expect_gt(full.bytes, 400000);
    write_many(store, 0, STORE_REMOVE);
    cut = taken_by(store);
    cr_expect_eq(cut.bytes, full.bytes);
    cr_expect_gt(cut.free_bytes, 300000);
    write_many(store, 100, STORE_INSERT);
    again = taken_by(store);
    cr_expect_leq(again.bytes, full.bytes + 2 * 4096);
    store_close(store);
}

Test(store_sqlite_file, ST4_refuses_a_store_of_a_newer_schema) {
    struct buf before = BUF_EMPTY, after = BUF_EMPTY;
    struct err err;

    store_close(open_with(steps, 2, &err));
    read_whole("nightshift.db", &before);
    must_refuse(ERR_INVALID, "has schema 3 and this nightshift knows 1");
    read_whole("nightshift.db", &after);
    cr_expect(str_equal(buf_str(&before), buf_str(&after)));
    buf_release(&before);
    buf_release(&after);
}

Test(store_sqlite_file, ST4_copies_an_older_store_before_it_is_migrated) {
    struct store *store = must_open();
    struct err    err;

    must_put(store, "main/a");
    store_close(store);
    store = open_with(steps, 2, &err);
    cr_assert_not_null(store, "%s", err.text);
    must_have_schema(store, "3");
    cr_expect(present(store, "main/a") && present(store, "main/later"));
    must_put(store, "main/b");
    store_close(store);
    cr_expect_eq(mode_of("nightshift.db.schema-1"), 0600);
    {
        char copy[128], original[128];

        (void)snprintf(copy, sizeof copy, "%s", path_of("nightshift.db"));
        (void)snprintf(original, sizeof original, "%s",
                       path_of("nightshift.db.schema-1"));
        cr_assert_eq(rename(original, copy), 0);
    }
    store = must_open();
    must_have_schema(store, "1");
    cr_expect(present(store, "main/a") && !present(store, "main/b"));
    store_close(store);
}

Test(store_sqlite_file, ST4_leaves_the_store_alone_when_a_migration_fails) {
    struct store *store = must_open();
    struct err    err;

    must_put(store, "main/a");
    store_close(store);
    cr_assert_null(open_with(bad_steps, 2, &err));
    cr_expect_not_null(strstr(err.text, "migration from schema 1 to 3"), "%s",
                       err.text);
    store = must_open();
    must_have_schema(store, "1");
    cr_expect(present(store, "main/a"));
    store_close(store);
    store = open_with(steps, 2, &err);
    cr_assert_not_null(store, "%s", err.text);
    must_have_schema(store, "3");
    store_close(store);
}

Test(store_sqlite_file, ST4_brings_a_new_store_to_the_schema_it_knows) {
    struct err    err;
    struct store *store = open_with(steps, 2, &err);

    cr_assert_not_null(store, "%s", err.text);
    must_have_schema(store, "3");
    store_close(store);
}

/* A store whose process died: what was committed stands in the WAL alone. */
static void leave_wal(const char *const *list, size_t count) {
    pid_t child = fork();
    int   status;

    cr_assert_geq(child, 0);
    if (child == 0) {
        struct err    err;
        struct store *store = open_with(list, count, &err);

        _exit(store && put(store, "main/a", "", &err) ? 0 : 1);
    }
    cr_assert_eq(waitpid(child, &status, 0), child);
    cr_assert_eq(status, 0);
    cr_assert_gt(size_of("nightshift.db-wal"), 0);
}

Test(store_sqlite_file, ST4_leaves_the_wal_of_a_newer_store_alone) {
    struct buf before = BUF_EMPTY, after = BUF_EMPTY;

    leave_wal(steps, 2);
    read_whole("nightshift.db-wal", &before);
    must_refuse(ERR_INVALID, "has schema 3 and this nightshift knows 1");
    read_whole("nightshift.db-wal", &after);
    cr_expect(str_equal(buf_str(&before), buf_str(&after)));
    buf_release(&before);
    buf_release(&after);
}

Test(store_sqlite_file, refuses_to_begin_anew_beside_the_wal_of_a_lost_file) {
    leave_wal(NULL, 0);
    cr_assert_eq(unlink(path_of("nightshift.db")), 0);
    must_refuse(ERR_CONFLICT, "nightshift.db-wal is there");
    cr_expect(!file_exists(path_of("nightshift.db")));
}

Test(store_sqlite_file, makes_a_store_in_the_place_of_an_empty_file) {
    struct err err;

    cr_assert(file_write(path_of("nightshift.db"), STR(""), &err));
    store_close(must_open());
}

/* --- kill -9
 * ------------------------------------------------------------------ */

#define GROUP 20

/* Groups of batches; a batch is two records and an entry, whole or not at
 * all. Each number goes to the pipe once its group is durable. */
static bool put_number(struct store *store, int64_t n, struct err *err) {
    char               key[2][40];
    struct store_write writes[3];

    for (int i = 0; i < 2; i++) {
        (void)snprintf(key[i], sizeof key[i], "main/%s/%lld",
                       i ? "right" : "left", (long long)n);
        writes[i] =
            (struct store_write){STORE_INSERT, str_of(key[i]), 0, STR("v")};
    }
    writes[2] =
        (struct store_write){STORE_APPEND, STR("main/s"), n - 1, STR("e")};
    return store_batch(store, writes, 3, err);
}

static _Noreturn void child_main(int out) {
    struct err    err;
    struct store *store = store_sqlite_open(dir, &err);
    int64_t       n;

    if (!store || !store_stream_length(store, STR("main/s"), &n, &err))
        _exit(2);
    for (;;) {
        bool ok = store_group_begin(store, &err);

        for (int i = 0; ok && i < GROUP; i++)
            ok = put_number(store, ++n, &err);
        if (!ok || !store_group_commit(store, &err) ||
            write(out, &n, sizeof n) != sizeof n)
            _exit(3);
    }
}

static int64_t run_and_kill(int words) {
    int     ends[2], status;
    int64_t said = 0, last = 0;
    pid_t   child;

    cr_assert_eq(pipe(ends), 0);
    child = fork();
    cr_assert_geq(child, 0);
    if (child == 0)
        child_main(ends[1]);
    (void)close(ends[1]);
    while (words-- > 0 && read(ends[0], &said, sizeof said) == sizeof said)
        last = said;
    (void)kill(child, SIGKILL);
    while (read(ends[0], &said, sizeof said) == sizeof said)
        last = said;
    (void)close(ends[0]);
    cr_assert_eq(waitpid(child, &status, 0), child);
    cr_assert(WIFSIGNALED(status), "the child ended by itself: %d",
              WIFEXITED(status) ? WEXITSTATUS(status) : -1);
    return last;
}

static void check_after_kill(int64_t said) {
    struct store *store = must_open();
    struct err    err;
    int64_t       length;
    char          key[40];

    cr_assert(store_stream_length(store, STR("main/s"), &length, &err));
    cr_assert_geq(length, said);
    cr_assert_eq(length % GROUP, 0, "half a group: %lld", (long long)length);
    cr_assert(store_stream_read(store, STR("main/s"), 1, ignore, NULL, &err),
              "%s", err.text);
    for (int64_t n = 1; n <= length + 1; n++)
        for (int i = 0; i < 2; i++) {
            (void)snprintf(key, sizeof key, "main/%s/%lld",
                           i ? "right" : "left", (long long)n);
            cr_assert_eq(present(store, key), n <= length, "%s", key);
        }
    store_close(store);
}

Test(store_sqlite_file, ST1_ST2_keeps_whole_batches_over_kill_9) {
    uint32_t draw = 4711;

    for (int round = 0; round < 25; round++) {
        draw = draw * 1664525 + 1013904223;
        check_after_kill(run_and_kill((int)(draw >> 24) % 60));
    }
}
