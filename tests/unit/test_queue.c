/* test_queue.c - one writer, in order, and nobody is told too early. */
#include <criterion/criterion.h>

#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/json.h"
#include "base/mem.h"
#include "store/audit.h"
#include "store/queue.h"
#include "store/store.h"
#include "store/store_private.h"
#include "sys/loop.h"

struct bench {
    struct loop  *loop;
    struct store *store;
    struct queue *queue;
    struct buf    told; /* what done was told, in order */
    pthread_t     loop_thread;
};

static void bench_init(struct bench *bench, struct store *store,
                       bool threaded) {
    *bench = (struct bench){.loop = loop_open(), .store = store};
    bench->queue = queue_open(bench->loop, store, threaded);
    bench->loop_thread = pthread_self();
}

static void bench_release(struct bench *bench) {
    queue_close(bench->queue);
    store_close(bench->store);
    loop_close(bench->loop);
    buf_release(&bench->told);
}

/* One job: inserts its name; does so twice when it is to fail. */
struct task {
    struct bench *bench;
    const char   *name;
    bool          fails;
    struct task  *next; /* posted by done */
};

static bool insert_name(struct store *store, void *arg, struct err *err) {
    struct task             *task = arg;
    const struct store_write writes[] = {
        {.kind = STORE_INSERT, .key = str_of(task->name)},
        {.kind = STORE_INSERT, .key = str_of(task->name)}};

    return store_batch(store, writes, task->fails ? 2 : 1, err);
}

static void tell(void *arg, const struct err *err) {
    struct task  *task = arg;
    struct bench *bench = task->bench;

    cr_expect(pthread_equal(pthread_self(), bench->loop_thread));
    buf_addf(&bench->told, "%s%s%s;", task->name, err ? ": " : "",
             err ? err->text : "");
    if (task->next)
        queue_post(bench->queue, insert_name, tell, task->next);
}

static void post(struct task *task) {
    queue_post(task->bench->queue, insert_name, tell, task);
}

static bool present(struct store *store, const char *key) {
    struct err err;
    bool       found;

    cr_assert(store_get(store, str_of(key), NULL, NULL, &found, &err));
    return found;
}

/* --- order --------------------------------------------------------------- */

#define MANY 5000

static void Q1_body(bool threaded) {
    static struct task tasks[MANY];
    static char        names[MANY][16];
    struct bench       bench;
    struct buf         expected = BUF_EMPTY;

    bench_init(&bench, store_memory_open(), threaded);
    for (int i = 0; i < MANY; i++) {
        (void)snprintf(names[i], sizeof names[i], "j%d", i);
        tasks[i] = (struct task){.bench = &bench, .name = names[i]};
        post(&tasks[i]);
        buf_addf(&expected, "%s;", names[i]);
    }
    cr_expect_eq(bench.told.len, 0);
    loop_run(bench.loop);
    cr_expect_str_eq(buf_text(&bench.told), buf_text(&expected));
    cr_expect(present(bench.store, "j0") && present(bench.store, "j4999"));
    buf_release(&expected);
    bench_release(&bench);
}

Test(queue, Q1_reports_each_job_once_in_the_order_of_posting) {
    Q1_body(true);
}

Test(queue, Q1_reports_in_order_without_a_thread_too) {
    Q1_body(false);
}

static void chain_body(bool threaded) {
    struct bench bench;
    struct task  c = {&bench, "c", false, NULL}, b = {&bench, "b", false, &c},
                a = {&bench, "a", false, &b};

    bench_init(&bench, store_memory_open(), threaded);
    post(&a);
    loop_run(bench.loop);
    cr_expect_str_eq(buf_text(&bench.told), "a;b;c;");
    bench_release(&bench);
}

Test(queue, Q1_takes_jobs_that_a_report_posts) {
    chain_body(true);
}

Test(queue, Q1_takes_jobs_that_a_report_posts_without_a_thread) {
    chain_body(false);
}

Test(queue, keeps_the_loop_until_jobs_without_a_report_are_written) {
    static char  names[MANY][16];
    struct task  tasks[MANY];
    struct bench bench;

    bench_init(&bench, store_memory_open(), true);
    for (int i = 0; i < MANY; i++) {
        (void)snprintf(names[i], sizeof names[i], "j%d", i);
        tasks[i] = (struct task){.bench = &bench, .name = names[i]};
        queue_post(bench.queue, insert_name, NULL, &tasks[i]);
    }
    loop_run(bench.loop);
    cr_expect(present(bench.store, "j0") && present(bench.store, "j4999"));
    bench_release(&bench);
}

static void close_body(bool threaded) {
    struct bench bench;
    struct task  c = {&bench, "c", false, NULL}, b = {&bench, "b", false, &c},
                a = {&bench, "a", false, &b};

    bench_init(&bench, store_memory_open(), threaded);
    post(&a);
    queue_close(bench.queue);
    bench.queue = NULL;
    cr_expect_str_eq(buf_text(&bench.told), "a;b;c;");
    cr_expect(present(bench.store, "c"));
    bench_release(&bench);
}

Test(queue, finishes_what_is_posted_before_it_closes) {
    close_body(true);
}

Test(queue, finishes_what_is_posted_before_it_closes_without_a_thread) {
    close_body(false);
}

static void never(void *arg) {
    (void)arg;
    cr_assert(false, "an hour has passed");
}

Test(queue, closes_without_waiting_for_what_else_the_loop_has) {
    struct bench       bench;
    struct task        a = {&bench, "a", false, NULL};
    struct loop_timer *timer;

    bench_init(&bench, store_memory_open(), true);
    timer = loop_timer_start(bench.loop, 3600000, never, NULL);
    post(&a);
    queue_close(bench.queue);
    bench.queue = NULL;
    cr_expect_str_eq(buf_text(&bench.told), "a;");
    loop_timer_cancel(timer);
    bench_release(&bench);
}

Test(queue, runs_a_job_at_once_without_a_thread) {
    struct bench bench;
    struct task  a = {&bench, "a", false, NULL};

    bench_init(&bench, store_memory_open(), false);
    post(&a);
    cr_expect(present(bench.store, "a"));
    cr_expect_eq(bench.told.len, 0);
    loop_run(bench.loop);
    cr_expect_str_eq(buf_text(&bench.told), "a;");
    bench_release(&bench);
}

/* --- failures --------------------------------------------------------------
 */

static void lone_failure_body(bool threaded) {
    struct bench bench;
    struct task  a = {&bench, "a", false, NULL}, b = {&bench, "b", true, NULL},
                c = {&bench, "c", false, NULL};

    bench_init(&bench, store_memory_open(), threaded);
    post(&a);
    post(&b);
    post(&c);
    loop_run(bench.loop);
    cr_expect_str_eq(buf_text(&bench.told),
                     "a;b: store: b is there already;c;");
    cr_expect(present(bench.store, "a") && !present(bench.store, "b") &&
              present(bench.store, "c"));
    bench_release(&bench);
}

Test(queue, Q2_a_job_that_fails_leaves_the_others_alone) {
    lone_failure_body(true);
}

Test(queue, Q2_a_job_that_fails_leaves_the_others_alone_without_a_thread) {
    lone_failure_body(false);
}

static void kept_failure_body(bool threaded) {
    struct bench bench;
    struct task  a = {&bench, "a", true, NULL}, b = {&bench, "b", false, NULL};

    bench_init(&bench, store_memory_open(), threaded);
    queue_post(bench.queue, insert_name, NULL, &a);
    post(&b);
    loop_run(bench.loop);
    cr_expect_str_eq(buf_text(&bench.told),
                     "b: an earlier write failed: store: a is there already;");
    cr_expect(!present(bench.store, "b"));
    bench_release(&bench);
}

Test(queue, Q2_a_failure_that_nobody_was_told_fails_every_later_job) {
    kept_failure_body(true);
}

Test(queue, Q2_a_failure_that_nobody_was_told_fails_later_jobs_at_once) {
    kept_failure_body(false);
}

/* A store whose every commit fails. */
static bool hold(struct store *store, const struct store_write *writes,
                 size_t count, struct err *err) {
    (void)store;
    (void)writes;
    (void)count;
    (void)err;
    return true;
}

static bool begin(struct store *store, struct err *err) {
    (void)store;
    (void)err;
    return true;
}

static bool full_disk(struct store *store, struct err *err) {
    (void)store;
    return err_set(err, ERR_IO, "disk full");
}

static void close_nothing(struct store *store) {
    (void)store;
}

static const struct store_ops full = {.apply = hold,
                                      .group_begin = begin,
                                      .group_commit = full_disk,
                                      .close = close_nothing};

static void commit_failure_body(bool threaded) {
    struct store store = {.ops = &full};
    struct bench bench;
    struct task  a = {&bench, "a", false, NULL}, b = {&bench, "b", true, NULL};

    bench_init(&bench, &store, threaded);
    post(&a);
    post(&b);
    loop_run(bench.loop);
    cr_expect_str_eq(buf_text(&bench.told), "a: disk full;b: disk full;");
    bench_release(&bench);
}

Test(queue, Q2_a_commit_that_fails_fails_every_job_of_its_group) {
    commit_failure_body(true);
}

Test(queue, Q2_a_commit_that_fails_fails_its_job_without_a_thread) {
    commit_failure_body(false);
}

/* --- kill -9 ----------------------------------------------------------------
 */

/* The child journals and audits in one batch, as a run does, and says a number
 * to the pipe from done, that is, when the number is durable. */
struct child {
    struct queue     *queue;
    struct audit_head head; /* store thread */
    int               pipe;
    int64_t           posted, told;
};

static struct str number_key(char key[32], int64_t n) {
    int len = snprintf(key, 32, "main/n/%lld", (long long)n);

    return (struct str){key, (size_t)len};
}

static bool journal_next(struct store *store, void *arg, struct err *err) {
    struct child      *child = arg;
    struct json       *facts = json_new_map();
    struct buf         text = BUF_EMPTY;
    struct store_write batch[3] = {{.kind = STORE_INSERT},
                                   {.kind = STORE_APPEND,
                                    .key = STR("main/journal"),
                                    .value = STR("entry")}};
    char               key[32];
    bool               ok;

    batch[0].key = number_key(key, child->head.length + 1);
    batch[1].expected = child->head.length;
    json_put_text(facts, "kind", STR("intent"));
    batch[2] = audit_append(&child->head, facts, &text);
    ok = store_batch(store, batch, 3, err);
    json_release(facts);
    buf_release(&text);
    return ok;
}

static void say_number(void *arg, const struct err *err) {
    struct child *child = arg;

    if (err)
        _exit(3);
    child->told++;
    if (write(child->pipe, &child->told, sizeof child->told) < 0)
        _exit(4);
    while (child->posted < child->told + 20) {
        queue_post(child->queue, journal_next, say_number, child);
        child->posted++;
    }
}

static _Noreturn void child_main(const char *dir, int out) {
    struct child  child = {.pipe = out};
    struct loop  *loop = loop_open();
    struct err    err;
    struct store *store = store_sqlite_open(dir, &err);

    if (!store || !audit_head_read(store, &child.head, &err))
        _exit(2);
    child.posted = child.told = child.head.length;
    child.queue = queue_open(loop, store, true);
    queue_post(child.queue, journal_next, say_number, &child);
    child.posted++;
    loop_run(loop);
    _exit(5);
}

/* Kills the child right behind its nth word; gives the last one that it said
 * before it died. */
static int64_t run_and_kill(const char *dir, int words) {
    int     ends[2], status;
    int64_t said = 0, last = 0;
    pid_t   child;

    cr_assert_eq(pipe(ends), 0);
    child = fork();
    cr_assert_geq(child, 0);
    if (child == 0)
        child_main(dir, ends[1]);
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

static void check_after_kill(const char *dir, int64_t said) {
    struct err    err;
    struct store *store = store_sqlite_open(dir, &err);
    int64_t       count, journal;
    char          key[32];
    bool          found;

    cr_assert_not_null(store, "%s", err.text);
    cr_assert(audit_verify(store, &count, &err), "%s", err.text);
    cr_assert_geq(count, said, "%lld were said, %lld are there",
                  (long long)said, (long long)count);
    cr_assert(store_stream_length(store, STR("main/journal"), &journal, &err));
    cr_assert_eq(journal, count);
    for (int64_t n = 1; n <= count + 1; n++) {
        cr_assert(
            store_get(store, number_key(key, n), NULL, NULL, &found, &err));
        cr_assert_eq(found, n <= count, "number %lld of %lld", (long long)n,
                     (long long)count);
    }
    store_close(store);
}

static void remove_directory(const char *dir) {
    static const char *const names[] = {"nightshift.db", "nightshift.db-wal",
                                        "lock"};
    char                     path[128];

    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        (void)snprintf(path, sizeof path, "%s/%s", dir, names[i]);
        (void)unlink(path);
    }
    (void)rmdir(dir);
}

Test(queue, Q1_ST1_ST2_N13_what_was_reported_is_there_after_kill_9) {
    char     dir[] = "/tmp/nightshift-queue-XXXXXX";
    uint32_t draw = 12345;

    cr_assert_not_null(mkdtemp(dir));
    for (int round = 0; round < 25; round++) {
        draw = draw * 1664525 + 1013904223;
        check_after_kill(dir, run_and_kill(dir, (int)(draw >> 24) % 150));
    }
    remove_directory(dir);
}

/* --- jobs from other threads -------------------------------------------- */

struct crowd {
    struct bench *bench;
    atomic_int    told;
    pthread_t     told_on;
};

static void tell_crowd(void *arg, const struct err *err) {
    struct crowd *crowd = arg;

    cr_expect_null(err);
    crowd->told_on = pthread_self();
    atomic_fetch_add(&crowd->told, 1);
}

static bool touch_nothing(struct store *store, void *arg, struct err *err) {
    return store_batch(store, NULL, 0, err) && arg;
}

static void *submit_many(void *arg) {
    struct crowd *crowd = arg;

    for (int i = 0; i < 200; i++)
        queue_submit(crowd->bench->queue, touch_nothing, tell_crowd, crowd);
    return NULL;
}

Test(queue, Q1_reports_a_submitted_job_once_and_not_on_the_loop) {
    struct bench bench;
    struct crowd crowd = {.bench = &bench};
    pthread_t    threads[4];

    bench_init(&bench, store_memory_open(), true);
    for (int i = 0; i < 4; i++)
        cr_assert_eq(pthread_create(&threads[i], NULL, submit_many, &crowd), 0);
    for (int i = 0; i < 4; i++)
        cr_assert_eq(pthread_join(threads[i], NULL), 0);
    bench_release(&bench);
    cr_expect_eq(atomic_load(&crowd.told), 800);
    cr_expect_not(pthread_equal(crowd.told_on, pthread_self()));
}
