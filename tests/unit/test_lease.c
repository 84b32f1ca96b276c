/* test_lease.c - one run at a time, and only its last taker ends it. */
#include <criterion/criterion.h>

#include "graph/lease.h"
#include "support.h"

static struct store *store;
static struct json  *key;
static struct err    err;

static void open_store(void) {
    store = store_memory_open();
    key = support_json("['prod', 'api']");
}

static void close_store(void) {
    store_close(store);
    json_release(key);
}

TestSuite(lease, .init = open_store, .fini = close_store);

static struct lease begun(const char *run) {
    struct lease lease;

    lease_begin(&lease, run, STR("heal"), key, "hash", 5);
    return lease;
}

static bool starts(const struct lease *lease) {
    return store_batch(store, lease->first, 3, &err);
}

static bool ends(const struct lease *lease) {
    return store_batch(store, lease->last, 3, &err);
}

Test(lease, LE1_two_runs_of_one_playbook_and_key_never_overlap) {
    struct lease one = begun("run_1"), two = begun("run_2");

    cr_assert(lease_check(&one, store, &err));
    cr_assert(starts(&one));
    cr_expect_not(lease_check(&two, store, &err));
    cr_expect_eq(err.code, ERR_HELD);
    cr_expect(support_has(err.text, "--resume run_1"), "%s", err.text);
    /* Even when both looked before either began. */
    cr_expect_not(starts(&two));
    cr_expect_eq(err.code, ERR_CONFLICT);
    cr_assert(ends(&one));
    cr_expect(lease_check(&two, store, &err));
    cr_expect(starts(&two));
    lease_release(&one);
    lease_release(&two);
}

/* What the records of a run move, as the journal's guard says it. */
static size_t moved(struct lease *lease, const char *kind,
                    struct store_write writes[40]) {
    struct json *record = json_new_map();
    size_t       count = 40;

    json_put_text(record, "kind", str_of(kind));
    cr_assert(lease_writes(lease, store, record, writes, &count, &err));
    json_release(record);
    return count;
}

Test(lease, LE1_the_first_record_takes_the_hold_and_the_last_gives_it_back) {
    struct lease       one = begun("run_1");
    struct store_write writes[40];

    cr_expect_eq(moved(&one, "started", writes), 3);
    cr_assert(store_batch(store, writes, 3, &err));
    cr_expect_not(lease_check(&one, store, &err));
    cr_expect_eq(moved(&one, "parked", writes), 0);
    cr_expect_eq(moved(&one, "intent", writes), 0);
    cr_expect_eq(moved(&one, "finished", writes), 3);
    cr_assert(store_batch(store, writes, 3, &err));
    cr_expect(lease_check(&one, store, &err));
    lease_release(&one);
}

Test(lease, LE1_another_key_or_playbook_is_another_hold) {
    struct lease one = begun("run_1"), other;
    struct json *web = support_json("['prod', 'web']");

    cr_assert(starts(&one));
    lease_begin(&other, "run_2", STR("heal"), web, "hash", 5);
    cr_expect(lease_check(&other, store, &err));
    cr_expect(starts(&other));
    lease_release(&other);
    lease_begin(&other, "run_3", STR("drain"), key, "hash", 5);
    cr_expect(starts(&other), "%s", err.text);
    lease_release(&other);
    lease_release(&one);
    json_release(web);
}

Test(lease, LE2_who_takes_a_run_over_raises_its_fence_and_alone_may_end_it) {
    struct lease first = begun("run_1"), second, third;
    struct json *entry;

    cr_assert(starts(&first));
    cr_assert(lease_take(&second, store, "run_1", &entry, &err));
    cr_expect_eq(json_find_int(entry, "fence", 0), 2);
    cr_expect(str_is(json_find_text(entry, "playbook"), "heal"));
    cr_expect(str_is(json_find_text(entry, "bundle"), "hash"));
    json_release(entry);
    cr_assert(lease_take(&third, store, "run_1", &entry, &err));
    cr_expect_eq(json_find_int(entry, "fence", 0), 3);
    json_release(entry);
    cr_expect_not(ends(&first));
    cr_expect_not(ends(&second));
    cr_expect_eq(err.code, ERR_CONFLICT);
    cr_expect(ends(&third), "%s", err.text);
    lease_release(&first);
    lease_release(&second);
    lease_release(&third);
}

Test(lease, a_run_taken_over_still_holds_its_key) {
    struct lease first = begun("run_1"), second, other = begun("run_2");
    struct json *entry;

    cr_assert(starts(&first));
    cr_assert(lease_take(&second, store, "run_1", &entry, &err));
    json_release(entry);
    cr_expect_not(lease_check(&other, store, &err));
    cr_assert(ends(&second));
    cr_expect(lease_check(&other, store, &err));
    lease_release(&first);
    lease_release(&second);
    lease_release(&other);
}

Test(lease, a_run_that_is_not_there_is_named) {
    struct lease lease;
    struct json *entry;

    cr_expect_not(lease_take(&lease, store, "run_9", &entry, &err));
    cr_expect_eq(err.code, ERR_NOT_FOUND);
    cr_expect(support_has(err.text, "run_9"), "%s", err.text);
    lease_release(&lease);
}
