/* test_delivery.c - a delivery is there whole, once, and comes back as sent. */
#include <criterion/criterion.h>

#include <string.h>

#include "base/id.h"
#include "base/mem.h"
#include "store/blob.h"
#include "store/delivery.h"
#include "store/ledger.h"

static struct store *store;
static struct err    err;

static void set_up(void) {
    store = store_memory_open();
}

static void tear_down(void) {
    store_close(store);
}

TestSuite(delivery, .init = set_up, .fini = tear_down);

static struct delivery put(const char *id, const char *identity,
                           struct str body) {
    struct delivery delivery = {.source = STR("alertmanager"),
                                .identity = str_of(identity),
                                .at = 7,
                                .body = body};

    (void)strncpy(delivery.id, id, sizeof delivery.id - 1);
    cr_assert(delivery_put(store, &delivery, &err), "%s", err.text);
    return delivery;
}

static void expect_counts(int accepted, int parsed, int unparsed,
                          int repeated) {
    struct ledger ledger;

    cr_assert(ledger_read(store, &ledger, &err));
    cr_expect_eq(ledger.accepted, accepted);
    cr_expect_eq(ledger.parsed, parsed);
    cr_expect_eq(ledger.unparsed, unparsed);
    cr_expect_eq(ledger.repeated, repeated);
}

static bool is_there(const char *key) {
    bool found;

    cr_assert(store_get(store, str_of(key), NULL, NULL, &found, &err));
    return found;
}

Test(delivery, DL1_N1_is_kept_with_its_place_among_the_new) {
    (void)put("dlv_1", "one", STR("{}"));
    cr_expect(is_there(DELIVERY_RECORD "dlv_1"));
    cr_expect(is_there(DELIVERY_NEW "dlv_1"));
    expect_counts(1, 0, 0, 0);
}

Test(delivery, DL2_the_same_request_is_kept_once) {
    struct delivery first = put("dlv_1", "one", STR("{}"));
    struct delivery again = put("dlv_2", "one", STR("{}"));

    cr_expect_not(first.repeated);
    cr_expect(again.repeated);
    cr_expect_str_eq(again.id, "dlv_1");
    cr_expect_not(is_there(DELIVERY_RECORD "dlv_2"));
    expect_counts(1, 0, 0, 1);
}

static void expect_same_bytes(size_t size) {
    char                *bytes = mem_new(size);
    struct delivery_kept kept;

    memset(bytes, '\n', size);
    bytes[0] = '"';
    bytes[size - 1] = '"';
    (void)put("dlv_1", "one", (struct str){bytes, size});
    cr_assert(delivery_get(store, STR("dlv_1"), &kept, &err), "%s", err.text);
    cr_expect_eq(kept.body.len, size);
    cr_expect_eq(memcmp(kept.body.data, bytes, size), 0);
    cr_expect(str_is(json_find_text(kept.envelope, "source"), "alertmanager"));
    cr_expect_eq(json_find_int(kept.envelope, "at", 0), 7);
    delivery_release(&kept);
    mem_free(bytes);
}

Test(delivery, DL3_comes_back_as_it_was_sent) {
    expect_same_bytes(200);
}

Test(delivery, DL3_comes_back_as_it_was_sent_when_it_is_large) {
    expect_same_bytes(300000);
}

Test(delivery, LG2_N2_is_waiting_then_parsed_or_unparsed_and_never_both) {
    struct err why;
    bool       found;

    (void)put("dlv_1", "one", STR("{}"));
    (void)put("dlv_2", "two", STR("{}"));
    cr_assert(delivery_parsed(store, STR("dlv_1"), &err));
    cr_assert(delivery_parsed(store, STR("dlv_1"), &err), "twice is fine");
    expect_counts(2, 1, 0, 0);
    err_set(&why, ERR_SCRIPT, "line 3: nonsense");
    cr_assert(delivery_unparsed(store, STR("dlv_2"), &why, &err));
    expect_counts(2, 1, 1, 0);
    cr_assert(delivery_retry(store, STR("dlv_2"), &found, &err));
    cr_expect(found);
    cr_expect(is_there(DELIVERY_NEW "dlv_2"));
    expect_counts(2, 1, 0, 0);
    cr_assert(delivery_retry(store, STR("dlv_2"), &found, &err));
    cr_expect_not(found);
}

/* --- again, much later --------------------------------------------------- */

#define HOUR 3600000

static struct delivery put_at(int64_t at, char id[ID_SIZE]) {
    struct delivery delivery = {.source = STR("alertmanager"),
                                .identity = STR("same"),
                                .at = at,
                                .again_ms = 24 * HOUR,
                                .body = STR("{}")};

    id_make(delivery.id, "dlv_", at, (const unsigned char *)"0123456789");
    cr_assert(delivery_put(store, &delivery, &err), "%s", err.text);
    (void)strncpy(id, delivery.id, ID_SIZE);
    return delivery;
}

Test(delivery, DL2_what_is_repeated_for_a_day_is_a_delivery_again) {
    char first[ID_SIZE], id[ID_SIZE], second[ID_SIZE];

    cr_expect_not(put_at(1 * HOUR, first).repeated);
    cr_expect(put_at(24 * HOUR, id).repeated);
    cr_expect_str_eq(id, first);
    cr_expect_not(put_at(25 * HOUR, second).repeated);
    cr_expect_str_neq(second, first);
    cr_expect(put_at(48 * HOUR, id).repeated);
    cr_expect_str_eq(id, second);
    expect_counts(2, 0, 0, 2);
}

/* --- cutting ------------------------------------------------------------- */

static bool cut(const char *id, bool unparsed) {
    int64_t blobs = 0;
    bool    done;

    cr_assert(delivery_cut(store, str_of(id), unparsed, &done, &blobs, &err),
              "%s", err.text);
    return done;
}

static bool count_key(void *arg, struct str key, int64_t version,
                      struct str value) {
    (void)key;
    (void)version;
    (void)value;
    (*(int *)arg)++;
    return true;
}

static int keys(const char *prefix) {
    int count = 0;

    cr_assert(store_scan(store, str_of(prefix), STR(""), SIZE_MAX, count_key,
                         &count, &err));
    return count;
}

Test(delivery, DL4_what_was_not_read_is_never_cut) {
    (void)put("dlv_1", "one", STR("{}"));
    cr_expect_not(cut("dlv_1", false));
    cr_expect_not(cut("dlv_1", true));
    cr_expect(is_there(DELIVERY_RECORD "dlv_1"));
    cr_expect_not(cut("dlv_2", false), "there is none");
}

Test(delivery, DL4_a_cut_takes_all_of_it_and_leaves_the_counts) {
    struct ledger ledger;

    (void)put("dlv_1", "one", STR("{}"));
    cr_assert(delivery_parsed(store, STR("dlv_1"), &err));
    cr_expect_not(cut("dlv_1", true), "it was read");
    cr_expect(cut("dlv_1", false));
    cr_expect_eq(keys("main/"), 1, "only the ledger is left");
    expect_counts(1, 1, 0, 0);
    cr_assert(ledger_read(store, &ledger, &err));
    cr_expect_eq(ledger_deliveries_kept(&ledger), 0);
    cr_expect_not(cut("dlv_1", false));
}

Test(delivery, DL4_LG2_one_that_was_given_up_is_counted_as_dropped) {
    struct ledger ledger;
    struct err    why;

    (void)put("dlv_1", "one", STR("{}"));
    err_set(&why, ERR_SCRIPT, "nonsense");
    cr_assert(delivery_unparsed(store, STR("dlv_1"), &why, &err));
    cr_expect_not(cut("dlv_1", false), "it waits for a retry");
    cr_expect(cut("dlv_1", true));
    cr_assert(ledger_read(store, &ledger, &err));
    cr_expect(ledger.accepted == 1 && ledger.unparsed == 0 &&
              ledger.dropped == 1);
    cr_expect_eq(keys("main/"), 1);
}

Test(delivery, DL2_a_cut_leaves_the_memory_of_a_later_one) {
    char first[ID_SIZE], second[ID_SIZE], id[ID_SIZE];

    (void)put_at(1 * HOUR, first);
    cr_assert(delivery_parsed(store, str_of(first), &err));
    (void)put_at(26 * HOUR, second);
    cr_expect(cut(first, false));
    cr_expect(put_at(27 * HOUR, id).repeated);
    cr_expect_str_eq(id, second);
}

Test(delivery, BL1_BL2_a_body_is_kept_once_and_goes_with_its_last_delivery) {
    size_t size = 100000;
    char  *bytes = mem_new(size);

    memset(bytes, ' ', size);
    (void)put("dlv_1", "one", (struct str){bytes, size});
    (void)put("dlv_2", "two", (struct str){bytes, size});
    cr_assert(delivery_parsed(store, STR("dlv_1"), &err));
    cr_assert(delivery_parsed(store, STR("dlv_2"), &err));
    cr_expect_eq(keys("main/blob/"), 2);
    cr_expect(cut("dlv_1", false));
    {
        struct delivery_kept kept;

        cr_assert(delivery_get(store, STR("dlv_2"), &kept, &err), "%s",
                  err.text);
        cr_expect_eq(kept.body.len, size);
        delivery_release(&kept);
    }
    cr_expect(cut("dlv_2", false));
    cr_expect_eq(keys("main/"), 1);
    (void)put("dlv_3", "three", (struct str){bytes, size});
    {
        struct delivery_kept kept;

        cr_assert(delivery_get(store, STR("dlv_3"), &kept, &err),
                  "it is there again: %s", err.text);
        delivery_release(&kept);
    }
    mem_free(bytes);
}

Test(delivery, LG2_a_ledger_of_sixteen_numbers_is_read_and_goes_on) {
    struct store_write write = {STORE_INSERT, STR(LEDGER_KEY), 0,
                                STR("3 2 1 7 0 0 0 0 0 0 4 0 0 0 0 0")};
    struct ledger      ledger;

    cr_assert(store_batch(store, &write, 1, &err));
    (void)put("dlv_1", "one", STR("{}"));
    cr_assert(delivery_parsed(store, STR("dlv_1"), &err));
    cr_expect(cut("dlv_1", false));
    cr_assert(ledger_read(store, &ledger, &err), "%s", err.text);
    cr_expect(ledger.accepted == 4 && ledger.parsed == 3 && ledger.seen == 4);
    cr_expect(ledger.deliveries_cut == 1 && ledger.runs == 0);
    write = (struct store_write){STORE_SWAP, STR(LEDGER_KEY), ledger.version,
                                 STR("3 2 1 7 0 0 0 0 0 0 4 0 0 0 0 0 1 x")};
    cr_assert(store_batch(store, &write, 1, &err));
    cr_expect_not(ledger_read(store, &ledger, &err));
}
