/* test_store_fault.c - killed at each named point of the store, and opened
 * again.
 */
#include <criterion/criterion.h>

#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/fault.h"
#include "base/json.h"
#include "base/mem.h"
#include "store/audit.h"
#include "store/journal.h"
#include "store/store_private.h"
#include "sys/loop.h"

static char dir[] = "/tmp/nightshift-fault-XXXXXX";

static void make_dir(void) {
    cr_assert_not_null(mkdtemp(dir));
}

static void remove_dir(void) {
    static const char *const names[] = {"nightshift.db",
                                        "nightshift.db-wal",
                                        "nightshift.db.schema-1",
                                        "nightshift.db.schema-1.partial",
                                        "lock",
                                        "."};
    char                     path[128];

    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        (void)snprintf(path, sizeof path, "%s/%s", dir, names[i]);
        (void)(i + 1 < sizeof names / sizeof *names ? unlink(path)
                                                    : rmdir(dir));
    }
}

TestSuite(store_fault, .init = make_dir, .fini = remove_dir);

typedef void act_fn(void);

static struct store *must_open(const char *const *steps, size_t count) {
    struct err    err;
    struct store *store = store_sqlite_open_with(dir, steps, count, &err);

    if (!store)
        (void)fprintf(stderr, "%s\n", err.text);
    cr_assert_not_null(store);
    return store;
}

/* Does it in a child that is killed at the point's first passage. */
static void killed_at(const char *point, act_fn *act) {
    struct err err;
    int        status;
    pid_t      child = fork();

    cr_assert_geq(child, 0);
    if (child == 0) {
        if (!fault_arm(point, &err))
            _exit(2);
        act();
        _exit(3);
    }
    cr_assert_eq(waitpid(child, &status, 0), child);
    cr_assert(WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL,
              "%s was not reached", point);
}

static bool put_two(struct store *store) {
    const struct store_write writes[] = {
        {.kind = STORE_INSERT, .key = STR("main/a")},
        {.kind = STORE_APPEND, .key = STR("main/s"), .value = STR("one")}};
    struct err err;

    return store_batch(store, writes, 2, &err);
}

static bool present(struct store *store, struct str key) {
    struct err err;
    bool       found;

    cr_assert(store_get(store, key, NULL, NULL, &found, &err), "%s", err.text);
    return found;
}

static int64_t length_of(struct store *store, struct str stream) {
    struct err err;
    int64_t    length;

    cr_assert(store_stream_length(store, stream, &length, &err));
    return length;
}

/* --- commits ------------------------------------------------------------- */

static void one_batch(void) {
    (void)put_two(must_open(NULL, 0));
}

static void batch_is_there(bool there) {
    struct store *store = must_open(NULL, 0);

    cr_expect_eq(present(store, STR("main/a")), there);
    cr_expect_eq(length_of(store, STR("main/s")), there);
    store_close(store);
}

Test(store_fault, ST1_nothing_of_a_batch_is_there_before_its_commit) {
    killed_at("store.before_commit:1", one_batch);
    batch_is_there(false);
}

Test(store_fault, ST1_all_of_a_batch_is_there_after_its_commit) {
    killed_at("store.after_commit:1", one_batch);
    batch_is_there(true);
}

static const char blob_hash[] =
    "2d711642b726b04401627ca9fbac32f5c8530fb1903cc4db02258717921a4881";

static void one_blob(void) {
    struct err err;
    char       hash[STORE_HASH_SIZE];

    (void)store_blob_put(must_open(NULL, 0), STR("x"), hash, &err);
}

Test(store_fault, ST1_a_blob_that_was_not_committed_is_not_there) {
    struct buf    bytes = BUF_EMPTY;
    struct err    err;
    struct store *store;

    killed_at("store.blob_written:1", one_blob);
    store = must_open(NULL, 0);
    cr_expect(!store_blob_get(store, blob_hash, &bytes, &err));
    cr_expect_eq(err.code, ERR_NOT_FOUND, "%s", err.text);
    store_close(store);
}

/* --- checkpoints --------------------------------------------------------- */

#define BIG (5u << 20)

static void commit_many_pages(void) {
    struct store *store = must_open(NULL, 0);
    char         *big = mem_new(BIG), hash[STORE_HASH_SIZE];
    struct err    err;

    (void)put_two(store);
    (void)store_blob_put(store, (struct str){big, BIG}, hash, &err);
}

static void all_pages_are_there(const char *point) {
    static const char hash[] =
        "c036cbb7553a909f8b8877d4461924307f27ecb66cff928eeeafd569c3887e29";
    struct buf    bytes = BUF_EMPTY;
    struct err    err;
    struct store *store;

    killed_at(point, commit_many_pages);
    store = must_open(NULL, 0);
    cr_expect(present(store, STR("main/a")));
    cr_expect(store_blob_get(store, hash, &bytes, &err), "%s", err.text);
    cr_expect_eq(bytes.len, BIG);
    buf_release(&bytes);
    store_close(store);
}

Test(store_fault, ST1_all_is_there_before_a_checkpoint) {
    all_pages_are_there("store.before_checkpoint:1");
}

Test(store_fault, ST1_all_is_there_after_a_checkpoint) {
    all_pages_are_there("store.after_checkpoint:1");
}

/* --- migrations ---------------------------------------------------------- */

static const char *const steps[] = {
    "INSERT INTO records VALUES ('main/later', 1, x'41')"};

static void migrate(void) {
    (void)must_open(steps, 1);
}

static void is_as_before_and_can_be_migrated(const char *point) {
    struct store *store = must_open(NULL, 0);

    cr_assert(put_two(store));
    store_close(store);
    killed_at(point, migrate);
    store = must_open(NULL, 0);
    cr_expect(present(store, STR("main/a")));
    cr_expect(!present(store, STR("main/later")));
    store_close(store);
    store = must_open(steps, 1);
    cr_expect(present(store, STR("main/a")));
    cr_expect(present(store, STR("main/later")));
    store_close(store);
}

Test(store_fault, ST4_a_kill_before_the_copy_leaves_the_older_store) {
    is_as_before_and_can_be_migrated("store.before_copy:1");
}

Test(store_fault, ST4_a_kill_after_the_copy_leaves_the_older_store) {
    is_as_before_and_can_be_migrated("store.after_copy:1");
}

Test(store_fault, ST4_a_kill_before_a_migration_s_commit_leaves_the_older) {
    is_as_before_and_can_be_migrated("store.before_migration:1");
}

/* --- the queue and the journal ------------------------------------------- */

static void add_record(void) {
    struct loop    *loop = loop_open();
    struct store   *store = must_open(NULL, 0);
    struct queue   *queue = queue_open(loop, store, true);
    struct journal *journal = journal_open(queue, "run_1");
    struct json    *record = json_new_map(), *audit = json_new_map();

    json_put_text(record, "kind", STR("started"));
    json_put_text(audit, "kind", STR("started"));
    journal_add(journal, record, audit, NULL, 0, NULL, NULL);
    loop_run(loop);
}

static void record_is_there(const char *point, bool there) {
    struct err    err;
    struct store *store;
    int64_t       count;

    killed_at(point, add_record);
    store = must_open(NULL, 0);
    cr_expect_eq(length_of(store, STR("main/journal/run_1")), there);
    cr_expect(audit_verify(store, &count, &err), "%s", err.text);
    cr_expect_eq(count, there);
    store_close(store);
}

Test(store_fault, J4_a_record_that_was_only_built_is_nowhere) {
    record_is_there("journal.built:1", false);
}

Test(store_fault, Q1_J4_a_group_is_durable_before_any_job_is_reported) {
    record_is_there("queue.committed:1", true);
}
