/* test_delivery.c - a delivery is there whole, once, and comes back as sent. */
#include <criterion/criterion.h>

#include <string.h>

#include "base/mem.h"
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
