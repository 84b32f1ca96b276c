/* test_inquiry.c - what the records say, asked of a store in memory. */
#include <criterion/criterion.h>

#include "serve/inquiry.h"
#include "store/batch.h"
#include "store/delivery.h"
#include "support.h"

static struct err err;

static void insert(struct store *store, const char *key, const char *value) {
    struct store_write write = {STORE_INSERT, str_of(key), 0, str_of(value)};

    cr_assert(store_batch(store, &write, 1, &err), "%s", err.text);
}

static void insert_run(struct store *store, int number, const char *state) {
    char key[64], value[128];

    (void)snprintf(key, sizeof key, "main/run/run_%03d", number);
    (void)snprintf(value, sizeof value,
                   "{\"run\":\"run_%03d\",\"state\":\"%s\",\"holder\":\"x\"%s}",
                   number, state,
                   state[0] == 'e' ? ",\"outcome\":\"done\"" : "");
    insert(store, key, value);
}

static const char *text_at(const struct json *answer, const char *list,
                           size_t index, const char *name) {
    return json_find_text(json_at(json_find(answer, list), index), name).data;
}

Test(inquiry, IQ1_the_newest_are_listed_first_and_no_more_than_asked_for) {
    struct store  *store = store_memory_open();
    struct inquiry inquiry = {STR("all"), 3};
    struct json   *answer;

    for (int i = 1; i <= 8; i++)
        insert_run(store, i, "ended");
    answer = inquiry_runs(store, &inquiry, &err);
    cr_assert(answer, "%s", err.text);
    cr_assert_eq(json_count(json_find(answer, "runs")), 3);
    cr_assert_eq(json_find_int(answer, "count", 0), 3);
    cr_assert(json_truth(json_find(answer, "more")));
    cr_assert_str_eq(text_at(answer, "runs", 0, "run"), "run_008");
    cr_assert_str_eq(text_at(answer, "runs", 2, "run"), "run_006");
    cr_assert_str_eq(text_at(answer, "runs", 0, "outcome"), "done");
    cr_assert_null(json_find(json_at(json_find(answer, "runs"), 0), "holder"));
    json_release(answer);
    store_close(store);
}

Test(inquiry, fewer_than_the_limit_are_all_there) {
    struct store  *store = store_memory_open();
    struct inquiry inquiry = {STR("all"), 3};
    struct json   *answer;

    answer = inquiry_runs(store, &inquiry, &err);
    cr_assert_eq(json_count(json_find(answer, "runs")), 0);
    json_release(answer);
    insert_run(store, 1, "ended");
    insert_run(store, 2, "ended");
    answer = inquiry_runs(store, &inquiry, &err);
    cr_assert_eq(json_count(json_find(answer, "runs")), 2);
    cr_assert_not(json_truth(json_find(answer, "more")));
    cr_assert_str_eq(text_at(answer, "runs", 1, "run"), "run_001");
    json_release(answer);
    store_close(store);
}

Test(inquiry, open_runs_are_those_with_an_open_record_and_in_its_state) {
    struct store  *store = store_memory_open();
    struct inquiry inquiry = {STR("open"), 3};
    struct json   *answer;

    insert_run(store, 1, "ended");
    insert_run(store, 2, "running");
    insert(store, "main/open/run_002", "{\"state\":\"parked\"}");
    answer = inquiry_runs(store, &inquiry, &err);
    cr_assert(answer, "%s", err.text);
    cr_assert_eq(json_count(json_find(answer, "runs")), 1);
    cr_assert_str_eq(text_at(answer, "runs", 0, "run"), "run_002");
    cr_assert_str_eq(text_at(answer, "runs", 0, "state"), "parked");
    json_release(answer);
    store_close(store);
}

Test(inquiry, a_run_is_shown_with_its_open_record_and_an_unknown_one_is_not) {
    struct store *store = store_memory_open();
    struct json  *answer;

    insert_run(store, 2, "running");
    insert(store, "main/open/run_002", "{\"state\":\"parked\"}");
    answer = inquiry_run(store, STR("run_002"), &err);
    cr_assert(answer, "%s", err.text);
    cr_assert(
        str_is(json_text(json_dig(answer, "open", "state", NULL)), "parked"));
    json_release(answer);
    cr_assert_null(inquiry_run(store, STR("run_003"), &err));
    cr_assert_eq(err.code, ERR_NOT_FOUND);
    store_close(store);
}

Test(inquiry, an_unparsed_delivery_says_why_and_a_new_one_does_not) {
    struct store   *store = store_memory_open();
    struct inquiry  unparsed = {STR("unparsed"), 5}, fresh = {STR("new"), 5};
    struct delivery first = {.id = "dlv_1",
                             .source = STR("s"),
                             .identity = STR("a"),
                             .at = 7,
                             .body = STR("{}")};
    struct delivery second = {.id = "dlv_2",
                              .source = STR("s"),
                              .identity = STR("b"),
                              .body = STR("{}")};
    struct err      why;
    struct json    *answer;

    err_set(&why, ERR_SCRIPT, "line 3");
    cr_assert(delivery_put(store, &first, &err) &&
              delivery_put(store, &second, &err) &&
              delivery_unparsed(store, STR("dlv_1"), &why, &err));
    answer = inquiry_deliveries(store, &unparsed, &err);
    cr_assert_eq(json_count(json_find(answer, "deliveries")), 1);
    cr_assert_str_eq(text_at(answer, "deliveries", 0, "delivery"), "dlv_1");
    cr_assert_str_eq(text_at(answer, "deliveries", 0, "reason"),
                     "script: line 3");
    cr_assert_str_eq(text_at(answer, "deliveries", 0, "source"), "s");
    json_release(answer);
    answer = inquiry_deliveries(store, &fresh, &err);
    cr_assert_eq(json_count(json_find(answer, "deliveries")), 1);
    cr_assert_str_eq(text_at(answer, "deliveries", 0, "delivery"), "dlv_2");
    json_release(answer);
    answer = inquiry_ledger(store, &err);
    cr_assert_eq(json_int(json_dig(answer, "deliveries", "unparsed", NULL)), 1);
    json_release(answer);
    store_close(store);
}
