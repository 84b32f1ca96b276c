/* test_journal.c - in order, once, and never more than was committed. */
#include <criterion/criterion.h>

#include <stdio.h>
#include <string.h>

#include "store/audit.h"
#include "store/journal.h"
#include "support.h"
#include "sys/loop.h"

#define PLACE STR("restart/0001/run/-/0001")

static struct bench bench;
static struct buf   told;
static struct err   err;

static void open_bench(void) {
    bench_open(&bench, "");
}

static void close_bench(void) {
    bench_close(&bench);
    buf_release(&told);
}

TestSuite(journal, .init = open_bench, .fini = close_bench);

static void tell(void *arg, const struct err *failed) {
    buf_addf(&told, "%s%s ", (const char *)arg, failed ? "!" : "");
}

static void add(const char *record, const char *name) {
    journal_add(bench.journal, support_json(record), NULL, NULL, 0,
                name ? tell : NULL, (void *)(uintptr_t)name);
}

static int64_t stored(const char *stream) {
    int64_t length;

    cr_assert(store_stream_length(bench.store, str_of(stream), &length, &err));
    return length;
}

static enum slot_state state_of(const char *digest) {
    struct slot slot;

    cr_assert(
        journal_slot(bench.journal, PLACE, str_of(digest), "now", &slot, &err),
        "%s", err.text);
    return slot.state;
}

Test(journal, a_place_has_five_parts_and_sorts_in_the_order_of_asking) {
    struct buf ninth = BUF_EMPTY, tenth = BUF_EMPTY;

    journal_place(&ninth, STR("restart"), 1, "run", 9, 0);
    journal_place(&tenth, STR("restart"), 1, "run", 10, 0);
    cr_expect_str_eq(buf_text(&ninth), "restart/0001/run/-/0009");
    cr_expect_lt(str_compare(buf_str(&ninth), buf_str(&tenth)), 0);
    buf_release(&ninth);
    buf_release(&tenth);
}

Test(journal, J1_tells_durable_only_what_the_store_holds) {
    add("{'kind': 'a'}", NULL);
    add("{'kind': 'b'}", "b");
    cr_expect_str_eq(buf_text(&told), "");
    loop_run(bench.loop);
    cr_expect_str_eq(buf_text(&told), "b ");
    cr_expect_eq(stored("main/journal/" SUPPORT_RUN), 2);
}

static bool fail_job(struct store *store, void *arg, struct err *failed) {
    (void)store;
    (void)arg;
    return err_set(failed, ERR_IO, "disk full");
}

Test(journal, J1_after_a_lost_record_nothing_is_called_durable) {
    add("{'kind': 'a'}", "a");
    queue_post(bench.queue, fail_job, NULL, NULL);
    add("{'kind': 'b'}", "b");
    add("{'kind': 'c'}", "c");
    loop_run(bench.loop);
    cr_expect_str_eq(buf_text(&told), "a b! c! ");
    cr_expect_eq(stored("main/journal/" SUPPORT_RUN), 1);
}

Test(journal, J1_a_second_writer_of_the_same_run_is_told_no) {
    struct journal *other = journal_open(bench.queue, SUPPORT_RUN);

    add("{'kind': 'a'}", "a");
    journal_add(other, support_json("{'kind': 'x'}"), NULL, NULL, 0, tell,
                (void *)(uintptr_t) "x");
    add("{'kind': 'b'}", "b");
    loop_run(bench.loop);
    cr_expect_str_eq(buf_text(&told), "a x! b ");
    cr_expect_eq(stored("main/journal/" SUPPORT_RUN), 2);
    journal_close(other);
}

Test(journal, J2_N7_a_slot_refuses_another_question_and_shows_both) {
    struct slot slot;

    add("{'kind': 'read', 'slot': 'restart/0001/run/-/0001', 'effect': "
        "'aws:ecs:ListTasks', 'digest': 'd1', 'args': {'a': 1}, 'answer': 1}",
        NULL);
    cr_expect_not(journal_slot(bench.journal, PLACE, STR("d2"),
                               "aws:ecs:StopTask {\"b\":2}", &slot, &err));
    cr_expect_eq(err.code, ERR_DIVERGED);
    cr_expect_str_eq(err.text,
                     "slot restart/0001/run/-/0001 holds aws:ecs:ListTasks "
                     "{\"a\":1}, now asked aws:ecs:StopTask {\"b\":2}");
    cr_expect_eq(state_of("d1"), SLOT_DONE);
}

Test(journal, J3_N6_an_intent_without_a_result_is_unknown) {
    cr_expect_eq(state_of("d1"), SLOT_NEW);
    add("{'kind': 'intent', 'slot': 'restart/0001/run/-/0001', 'digest': "
        "'d1'}",
        NULL);
    cr_expect_eq(state_of("d1"), SLOT_UNKNOWN);
    add("{'kind': 'again', 'slot': 'restart/0001/run/-/0001'}", NULL);
    cr_expect_eq(state_of("d1"), SLOT_UNKNOWN);
    add("{'kind': 'result', 'slot': 'restart/0001/run/-/0001', 'ok': true}",
        NULL);
    cr_expect_eq(state_of("d1"), SLOT_DONE);
}

Test(journal, a_wait_is_waiting_until_its_result) {
    add("{'kind': 'wait', 'slot': 'restart/0001/run/-/0001', 'digest': 'd1'}",
        NULL);
    cr_expect_eq(state_of("d1"), SLOT_WAITING);
    add("{'kind': 'wait', 'slot': 'restart/0001/run/-/0001', 'digest': 'd1', "
        "'count': 1}",
        NULL);
    cr_expect_eq(state_of("d1"), SLOT_WAITING);
    add("{'kind': 'result', 'slot': 'restart/0001/run/-/0001'}", NULL);
    cr_expect_eq(state_of("d1"), SLOT_DONE);
}

Test(journal, a_slot_that_is_reopened_is_new) {
    add("{'kind': 'read', 'slot': 'restart/0001/run/-/0001', 'digest': 'd1', "
        "'error': {}}",
        NULL);
    add("{'kind': 'reopen', 'slot': 'restart/0001/run/-/0001'}", NULL);
    cr_expect_eq(state_of("d2"), SLOT_NEW);
}

Test(journal, J4_N13_a_record_and_its_audit_are_written_together) {
    int64_t count;

    journal_add(bench.journal, support_json("{'kind': 'intent'}"),
                support_json("{'kind': 'intent', 'effect': 'x'}"), NULL, 0,
                tell, (void *)(uintptr_t) "a");
    add("{'kind': 'read'}", NULL);
    journal_add(bench.journal, support_json("{'kind': 'result'}"),
                support_json("{'kind': 'result', 'effect': 'x'}"), NULL, 0,
                tell, (void *)(uintptr_t) "b");
    loop_run(bench.loop);
    cr_expect_str_eq(buf_text(&told), "a b ");
    cr_expect_eq(stored("main/journal/" SUPPORT_RUN), 3);
    cr_expect(audit_verify(bench.store, &count, &err), "%s", err.text);
    cr_expect_eq(count, 2);
}

Test(journal, J4_when_one_of_them_cannot_be_written_none_is) {
    struct store_write taken = {STORE_INSERT, STR("main/run/x"), 0, STR("1")};

    cr_assert(store_batch(bench.store, &taken, 1, &err));
    journal_add(bench.journal, support_json("{'kind': 'finished'}"),
                support_json("{'kind': 'finished'}"), &taken, 1, tell,
                (void *)(uintptr_t) "a");
    loop_run(bench.loop);
    cr_expect_str_eq(buf_text(&told), "a! ");
    cr_expect_eq(stored("main/journal/" SUPPORT_RUN), 0);
    cr_expect_eq(stored("main/audit"), 0);
}

Test(journal, J4_what_goes_along_is_in_the_same_batch) {
    struct store_write more[2] = {
        {STORE_INSERT, STR("main/run/x"), 0, STR("1")},
        {STORE_INSERT, STR("main/key/y"), 0, STR("2")}};
    bool found;

    journal_add(bench.journal, support_json("{'kind': 'started'}"), NULL, more,
                2, tell, (void *)(uintptr_t) "a");
    loop_run(bench.loop);
    cr_assert(
        store_get(bench.store, STR("main/key/y"), NULL, NULL, &found, &err));
    cr_expect(found);
}

/* --- the guard ---------------------------------------------------------- */

struct watch {
    struct buf  seen;
    const char *refuses; /* a kind */
    size_t      adds;
};

static bool watch_writes(void *arg, struct store *store,
                         const struct json *record, struct store_write *writes,
                         size_t *count, struct err *failed) {
    struct watch *watch = arg;
    size_t        room = *count;

    (void)store;
    json_write(record, &watch->seen);
    *count = 0;
    if (watch->refuses &&
        str_is(json_find_text(record, "kind"), watch->refuses))
        return err_set(failed, ERR_CANCELLED, "the alert is resolved");
    cr_assert_geq(room, 40);
    for (size_t i = 0; i < watch->adds; i++) {
        static char keys[40][32];

        (void)snprintf(keys[i], sizeof keys[i], "main/x/%02zu", i);
        writes[(*count)++] =
            (struct store_write){STORE_INSERT, str_of(keys[i]), 0, STR("1")};
    }
    return true;
}

static bool is_there(const char *key) {
    bool found;

    cr_assert(store_get(bench.store, str_of(key), NULL, NULL, &found, &err));
    return found;
}

Test(journal, J5_what_a_guard_adds_is_written_with_the_record) {
    struct watch watch = {.adds = 40};

    journal_guard(bench.journal,
                  (struct journal_guard){watch_writes, NULL, &watch});
    add("{'kind': 'started', 'at': 1, 'incident': {'secret': 1}, 'ok': true}",
        "a");
    loop_run(bench.loop);
    cr_expect_str_eq(buf_text(&told), "a ");
    cr_expect(is_there("main/x/00") && is_there("main/x/39"));
    cr_expect_str_eq(buf_text(&watch.seen),
                     "{\"at\":1,\"kind\":\"started\",\"ok\":true}");
    buf_release(&watch.seen);
}

Test(journal, J5_when_the_record_cannot_be_written_neither_is_what_it_adds) {
    struct watch       watch = {.adds = 2};
    struct store_write taken = {STORE_INSERT, STR("main/x/01"), 0, STR("1")};

    cr_assert(store_batch(bench.store, &taken, 1, &err));
    journal_guard(bench.journal,
                  (struct journal_guard){watch_writes, NULL, &watch});
    add("{'kind': 'started'}", "a");
    loop_run(bench.loop);
    cr_expect_str_eq(buf_text(&told), "a! ");
    cr_expect_not(is_there("main/x/00"));
    cr_expect_eq(stored("main/journal/" SUPPORT_RUN), 0);
    buf_release(&watch.seen);
}

static void keep_err(void *arg, const struct err *failed) {
    *(struct err *)arg = *failed;
}

/* Nor is the guard asked about what comes behind it. */
Test(journal, J5_behind_a_refused_record_nothing_is_written) {
    struct watch watch = {.refuses = "intent", .adds = 1};
    struct err   why = {.text = ""}, settled = {.text = ""};

    journal_guard(bench.journal,
                  (struct journal_guard){watch_writes, NULL, &watch});
    journal_add(bench.journal, support_json("{'kind': 'intent'}"),
                support_json("{'kind': 'intent'}"), NULL, 0, keep_err, &why);
    add("{'kind': 'attached'}", NULL);
    add("{'kind': 'ended'}", "b");
    journal_settle(bench.journal, keep_err, &settled);
    loop_run(bench.loop);
    cr_expect_eq(why.code, ERR_CANCELLED);
    cr_expect(support_has(why.text, "the alert is resolved"), "%s", why.text);
    cr_expect_eq(settled.code, ERR_CANCELLED);
    cr_expect_str_eq(buf_text(&told), "b! ");
    cr_expect_str_eq(buf_text(&watch.seen), "{\"kind\":\"intent\"}");
    cr_expect_eq(stored("main/journal/" SUPPORT_RUN), 0);
    cr_expect_eq(stored("main/audit"), 0);
    cr_expect_not(is_there("main/x/00"));
    /* Other journals of the same queue go on. */
    journal_close(bench.journal);
    bench.journal = journal_open(bench.queue, "run_2");
    add("{'kind': 'started'}", "c");
    loop_run(bench.loop);
    cr_expect_str_eq(buf_text(&told), "b! c ");
    buf_release(&watch.seen);
}

Test(journal, a_journal_is_settled_when_all_that_was_added_is_durable) {
    add("{'kind': 'a'}", "a");
    add("{'kind': 'b'}", NULL);
    journal_settle(bench.journal, tell, (void *)(uintptr_t) "settled");
    cr_expect_str_eq(buf_text(&told), "");
    loop_run(bench.loop);
    cr_expect_str_eq(buf_text(&told), "a settled ");
    cr_expect_eq(stored("main/journal/" SUPPORT_RUN), 2);
}

Test(journal, a_journal_may_be_closed_before_its_last_record_is_written) {
    struct watch watch = {.adds = 1};

    journal_guard(bench.journal,
                  (struct journal_guard){watch_writes, NULL, &watch});
    add("{'kind': 'a'}", "a");
    journal_close(bench.journal);
    bench.journal = NULL;
    loop_run(bench.loop);
    cr_expect_str_eq(buf_text(&told), "a ");
    buf_release(&watch.seen);
}

Test(journal, reads_back_what_was_added_and_goes_on_behind_it) {
    struct buf first = BUF_EMPTY, second = BUF_EMPTY;

    add("{'kind': 'started', 'at': 1}", NULL);
    add("{'kind': 'intent', 'slot': 'restart/0001/run/-/0001', 'digest': "
        "'d1'}",
        NULL);
    loop_run(bench.loop);
    json_write(journal_records(bench.journal), &first);
    journal_close(bench.journal);
    bench.journal = journal_open(bench.queue, SUPPORT_RUN);
    cr_assert(journal_load(bench.journal, bench.store, &err));
    json_write(journal_records(bench.journal), &second);
    cr_expect_str_eq(buf_text(&first), buf_text(&second));
    cr_expect_eq(state_of("d1"), SLOT_UNKNOWN);
    add("{'kind': 'ended'}", "e");
    loop_run(bench.loop);
    cr_expect_str_eq(buf_text(&told), "e ");
    cr_expect_eq(stored("main/journal/" SUPPORT_RUN), 3);
    buf_release(&first);
    buf_release(&second);
}

Test(journal, a_large_answer_is_a_blob_in_the_store_and_whole_in_memory) {
    struct json *record = support_json("{'kind': 'read', 'digest': 'd1', "
                                       "'slot': 'restart/0001/run/-/0001'}");
    struct buf   large = BUF_EMPTY, entry = BUF_EMPTY;

    buf_addf(&large, "%*s", 2 << 20, "end");
    json_put_text(record, "answer", buf_str(&large));
    journal_add(bench.journal, record, NULL, NULL, 0, tell,
                (void *)(uintptr_t) "a");
    loop_run(bench.loop);
    cr_expect_str_eq(buf_text(&told), "a ");
    cr_assert(store_get(bench.store,
                        STR("main/journal/" SUPPORT_RUN "/0000000001"), &entry,
                        NULL, &(bool){false}, &err));
    cr_expect_lt(entry.len, 1000);
    cr_expect(support_has(buf_text(&entry), "{\"blob\":"));
    journal_close(bench.journal);
    bench.journal = journal_open(bench.queue, SUPPORT_RUN);
    cr_assert(journal_load(bench.journal, bench.store, &err), "%s", err.text);
    cr_expect_eq(
        json_find_text(json_at(journal_records(bench.journal), 0), "answer")
            .len,
        large.len);
    buf_release(&large);
    buf_release(&entry);
}

Test(journal, a_record_that_is_no_json_is_named) {
    struct store_write bad = {STORE_APPEND, STR("main/journal/" SUPPORT_RUN), 0,
                              STR("{\"kind\":")};

    cr_assert(store_batch(bench.store, &bad, 1, &err));
    cr_expect_not(journal_load(bench.journal, bench.store, &err));
    cr_expect(support_has(err.text, "main/journal/" SUPPORT_RUN "/0000000001"),
              "%s", err.text);
}

static void told_of(void *arg, const struct json *record) {
    (void)arg;
    buf_addf(&told, "%s ", json_find_text(record, "kind").data);
}

Test(journal, tells_of_what_is_added_and_not_of_what_is_read_back) {
    journal_watch(bench.journal, told_of, NULL);
    add("{'kind': 'started', 'at': 1}", NULL);
    add("{'kind': 'visit', 'at': 2}", NULL);
    cr_expect_str_eq(buf_text(&told), "started visit ");
    bench_cut(&bench, 2);
    cr_expect_str_eq(buf_text(&told), "started visit ");
}

/* --- records that nobody waits for (J6) ---------------------------------- */

/* A store with a thread, as the service has; `jobs` counts what it was given.
 */
struct threaded {
    struct loop    *loop;
    struct store   *store;
    struct queue   *queue;
    struct journal *journal;
    size_t          jobs;
};

static void count_jobs(void *arg, size_t jobs, int64_t duration_ns) {
    (void)duration_ns;
    *(size_t *)arg += jobs;
}

static void threaded_init(struct threaded *t) {
    *t = (struct threaded){.loop = loop_open(), .store = store_memory_open()};
    t->queue = queue_open(t->loop, t->store, true);
    queue_watch(t->queue, count_jobs, &t->jobs);
    t->journal = journal_open(t->queue, SUPPORT_RUN);
}

static void threaded_add(struct threaded *t, const char *record,
                         const char *name) {
    journal_add(t->journal, support_json(record), NULL, NULL, 0,
                name ? tell : NULL, (void *)(uintptr_t)name);
}

/* How many records the run has once everything is written. */
static int64_t threaded_release(struct threaded *t) {
    int64_t length;

    journal_close(t->journal);
    queue_close(t->queue);
    cr_assert(store_stream_length(t->store, STR("main/journal/" SUPPORT_RUN),
                                  &length, &err));
    store_close(t->store);
    loop_run(t->loop);
    loop_close(t->loop);
    return length;
}

Test(journal, J6_J1_what_nobody_waits_for_is_written_with_what_is_waited_for) {
    struct threaded t;

    threaded_init(&t);
    threaded_add(&t, "{'kind': 'visit'}", NULL);
    threaded_add(&t, "{'kind': 'read'}", NULL);
    threaded_add(&t, "{'kind': 'ended'}", "ended");
    loop_run(t.loop);
    cr_expect_str_eq(buf_text(&told), "ended ");
    cr_expect_eq(t.jobs, 1);
    cr_expect_eq(threaded_release(&t), 3);
}

Test(journal, J6_what_nobody_waits_for_is_written_a_moment_later) {
    struct threaded t;

    threaded_init(&t);
    threaded_add(&t, "{'kind': 'visit'}", NULL);
    loop_run(t.loop);
    cr_expect_eq(t.jobs, 1);
    cr_expect_eq(threaded_release(&t), 1);
}

Test(journal, J6_closing_either_writes_what_nobody_waited_for) {
    struct threaded t;

    threaded_init(&t);
    for (int i = 0; i < 100; i++)
        threaded_add(&t, "{'kind': 'visit'}", NULL);
    cr_expect_eq(threaded_release(&t), 100);
}

Test(journal, J6_J5_what_stands_before_a_refused_record_is_written) {
    struct watch    watch = {.refuses = "intent", .adds = 0};
    struct threaded t;

    threaded_init(&t);
    journal_guard(t.journal,
                  (struct journal_guard){watch_writes,
                                         (const char *const[]){"intent", NULL},
                                         &watch});
    threaded_add(&t, "{'kind': 'visit'}", NULL);
    threaded_add(&t, "{'kind': 'read'}", NULL);
    threaded_add(&t, "{'kind': 'intent'}", "intent");
    threaded_add(&t, "{'kind': 'ended'}", "ended");
    loop_run(t.loop);
    cr_expect_str_eq(buf_text(&told), "intent! ended! ");
    cr_expect_str_eq(buf_text(&watch.seen), "{\"kind\":\"intent\"}");
    cr_expect_eq(threaded_release(&t), 2);
    buf_release(&watch.seen);
}
