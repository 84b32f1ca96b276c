/* test_audit.c - nobody changes the past without being found out. */
#include <criterion/criterion.h>

#include <string.h>

#include "base/json.h"
#include "base/mem.h"
#include "store/audit.h"
#include "store/store.h"
#include "sys/crypto.h"

#define ZEROES \
    "0000000000000000000000000000000000000000000000000000000000000000"

static struct json *facts_of(int n) {
    struct json *facts = json_new_map();

    json_put_int(facts, "at", 1772330584000 + n);
    json_put_text(facts, "kind", n % 2 ? STR("result") : STR("intent"));
    json_put_text(facts, "run", STR("run_01J"));
    json_put_text(facts, "effect", STR("aws:ecs:UpdateService"));
    json_put_text(facts, "target", STR("aws:1/eu/ecs/prod/caf\xc3\xa9"));
    if (n % 3 == 0)
        json_put(facts, "zone", json_new_real(0.5));
    return facts;
}

static void append_one(struct store *store, struct audit_head *head, int n) {
    struct json       *facts = facts_of(n);
    struct buf         text = BUF_EMPTY;
    struct store_write write = audit_append(head, facts, &text);
    struct err         err;

    cr_assert(store_batch(store, &write, 1, &err), "%s", err.text);
    json_release(facts);
    buf_release(&text);
}

static struct store *chain_of(int count) {
    struct store     *store = store_memory_open();
    struct audit_head head;
    struct err        err;

    cr_assert(audit_head_read(store, &head, &err), "%s", err.text);
    for (int n = 1; n <= count; n++)
        append_one(store, &head, n);
    return store;
}

#define RECORDS 7

struct texts {
    struct buf at[RECORDS + 1];
    size_t     count;
};

static bool keep_text(void *arg, struct str key, int64_t version,
                      struct str value) {
    struct texts *texts = arg;

    (void)key;
    (void)version;
    buf_add_str(&texts->at[texts->count++], value);
    return true;
}

static struct texts texts_of(struct store *store) {
    struct texts texts = {0};
    struct err   err;

    cr_assert(store_stream_read(store, STR(AUDIT_STREAM), 1, keep_text, &texts,
                                &err));
    return texts;
}

static void texts_release(struct texts *texts) {
    for (size_t i = 0; i < sizeof texts->at / sizeof *texts->at; i++)
        buf_release(&texts->at[i]);
}

/* A store whose chain has these bytes, however wrong. */
static struct store *store_of(const struct texts *texts) {
    struct store *store = store_memory_open();
    struct err    err;

    for (size_t i = 0; i < texts->count; i++) {
        struct store_write write = {STORE_APPEND, STR(AUDIT_STREAM), (int64_t)i,
                                    buf_str(&texts->at[i])};

        cr_assert(store_batch(store, &write, 1, &err), "%s", err.text);
    }
    return store;
}

/* Verification must fail at record n, and say so. */
static void must_blame(const struct texts *texts, int n) {
    struct store *store = store_of(texts);
    struct buf    start = BUF_EMPTY;
    struct err    err = {0};
    int64_t       count;

    buf_addf(&start, "audit record %d: ", n);
    cr_assert(!audit_verify(store, &count, &err), "record %d passed: %s", n,
              buf_text(&texts->at[n - 1]));
    cr_assert(str_starts(str_of(err.text), buf_text(&start)), "%s, not %s",
              err.text, buf_text(&start));
    cr_assert_eq(count, n - 1);
    buf_release(&start);
    store_close(store);
}

static struct texts good_texts(void) {
    struct store *store = chain_of(RECORDS);
    struct texts  texts = texts_of(store);

    cr_assert_eq(texts.count, RECORDS);
    store_close(store);
    return texts;
}

/* --- the chain ----------------------------------------------------------- */

/* Parses the record, checks it against the rules in audit.h, and leaves its
 * hash in prev. */
static void check_record(struct str text, int64_t number, struct buf *prev) {
    struct err   err;
    struct json *record = json_parse(text, &json_caps_answer, &err);
    struct buf   plain = BUF_EMPTY, hash = BUF_EMPTY;

    cr_assert_not_null(record, "%s", err.text);
    cr_expect_eq(json_find_int(record, "seq", 0), number);
    cr_expect(str_equal(json_find_text(record, "prev"), buf_str(prev)));
    buf_clear(prev);
    buf_add_str(prev, json_find_text(record, "hash"));
    json_write(record, &plain);
    cr_expect(str_equal(buf_str(&plain), text), "not canonical: %.*s",
              STR_ARG(text));
    json_drop(record, "hash");
    buf_clear(&plain);
    json_write(record, &plain);
    crypto_sha256_hex(buf_str(&plain), &hash);
    cr_expect_str_eq(buf_text(&hash), buf_text(prev));
    json_release(record);
    buf_release(&plain);
    buf_release(&hash);
}

Test(audit, AU1_N13_each_record_names_the_hash_of_the_one_before) {
    struct texts texts = good_texts();
    struct buf   prev = BUF_EMPTY;

    buf_add_text(&prev, ZEROES);
    for (size_t i = 0; i < texts.count; i++)
        check_record(buf_str(&texts.at[i]), (int64_t)i + 1, &prev);
    buf_release(&prev);
    texts_release(&texts);
}

Test(audit, writes_a_record_of_no_facts_and_of_facts_on_all_sides) {
    struct audit_head head = {0, ZEROES};
    struct json      *none = json_new_map(), *sides = json_new_map();
    struct buf        text = BUF_EMPTY;

    (void)audit_append(&head, none, &text);
    cr_expect(str_starts(buf_str(&text), "{\"hash\":\""));
    cr_expect(
        str_ends(buf_str(&text), "\",\"prev\":\"" ZEROES "\",\"seq\":1}"));
    json_put_int(sides, "a", 1);
    json_put_int(sides, "i", 2);
    json_put_int(sides, "q", 3);
    json_put_int(sides, "z", 4);
    (void)audit_append(&head, sides, &text);
    cr_expect(str_starts(buf_str(&text), "{\"a\":1,\"hash\":\""));
    cr_expect(str_ends(buf_str(&text), "\",\"q\":3,\"seq\":2,\"z\":4}"));
    cr_expect_not_null(strstr(buf_text(&text), "\",\"i\":2,\"prev\":\""));
    json_release(none);
    json_release(sides);
    buf_release(&text);
}

Test(audit, AU1_goes_on_where_the_chain_ended) {
    struct store     *store = chain_of(3);
    struct audit_head head;
    struct err        err;
    int64_t           count;

    cr_assert(audit_head_read(store, &head, &err), "%s", err.text);
    cr_expect_eq(head.length, 3);
    append_one(store, &head, 4);
    cr_expect(audit_verify(store, &count, &err), "%s", err.text);
    cr_expect_eq(count, 4);
    store_close(store);
}

Test(audit, AU1_takes_several_records_in_one_batch) {
    struct store      *store = chain_of(2);
    struct audit_head  head;
    struct json       *facts = facts_of(3);
    struct buf         text[2] = {BUF_EMPTY, BUF_EMPTY};
    struct store_write batch[2];
    struct err         err;
    int64_t            count;

    cr_assert(audit_head_read(store, &head, &err));
    for (int i = 0; i < 2; i++)
        batch[i] = audit_append(&head, facts, &text[i]);
    cr_assert(store_batch(store, batch, 2, &err), "%s", err.text);
    cr_expect(audit_verify(store, &count, &err), "%s", err.text);
    cr_expect_eq(count, 4);
    for (int i = 0; i < 2; i++)
        buf_release(&text[i]);
    json_release(facts);
    store_close(store);
}

Test(audit, AU1_goes_on_after_a_batch_that_failed) {
    struct store      *store = chain_of(2);
    struct audit_head  head, before;
    struct json       *facts = facts_of(3);
    struct buf         text = BUF_EMPTY;
    struct store_write batch[2] = {
        {.kind = STORE_SWAP, .key = STR("main/absent"), .expected = 1}};
    struct err err;
    int64_t    count;

    cr_assert(audit_head_read(store, &head, &err));
    before = head;
    batch[1] = audit_append(&head, facts, &text);
    cr_expect(!store_batch(store, batch, 2, &err));
    append_one(store, &before, 3);
    cr_expect(audit_verify(store, &count, &err), "%s", err.text);
    cr_expect_eq(count, 3);
    json_release(facts);
    buf_release(&text);
    store_close(store);
}

Test(audit, AU1_what_is_kept_of_the_last_record_saves_reading_it) {
    struct store     *store = chain_of(2);
    struct audit_head head, again;
    struct err        err;

    cr_assert(audit_head_read(store, &head, &err));
    memset(head.hash, 'f', sizeof head.hash - 1);
    audit_head_keep(store, &head);
    cr_assert(audit_head_read(store, &again, &err));
    cr_expect_str_eq(again.hash, head.hash, "it was read again");
    store_close(store);
}

Test(audit, AU1_what_is_kept_is_not_used_for_a_stream_of_another_length) {
    struct store     *store = chain_of(2);
    struct audit_head head;
    struct err        err;
    int64_t           count;

    cr_assert(audit_head_read(store, &head, &err));
    audit_head_keep(store, &head);
    append_one(store, &head, 3);
    cr_assert(audit_head_read(store, &head, &err));
    cr_expect_eq(head.length, 3);
    append_one(store, &head, 4);
    cr_expect(audit_verify(store, &count, &err), "%s", err.text);
    cr_expect_eq(count, 4);
    store_close(store);
}

Test(audit, holds_when_nothing_was_ever_done) {
    struct store *store = store_memory_open();
    struct err    err;
    int64_t       count = 9;

    cr_expect(audit_verify(store, &count, &err), "%s", err.text);
    cr_expect_eq(count, 0);
    store_close(store);
}

/* --- tampering ------------------------------------------------------------ */

Test(audit, AU2_names_the_record_in_which_any_byte_was_changed) {
    struct texts texts = good_texts();
    uint32_t     draw = 88172645;

    for (int n = 1; n <= RECORDS; n++) {
        struct buf *text = &texts.at[n - 1];

        for (size_t i = 0; i < text->len; i++) {
            char was = text->data[i];

            draw = draw * 1664525 + 1013904223;
            text->data[i] = (char)(was ^ (char)(1 + (draw >> 24) % 255));
            must_blame(&texts, n);
            text->data[i] = was;
        }
    }
    texts_release(&texts);
}

Test(audit, AU2_names_the_place_of_a_record_that_was_removed) {
    for (int n = 1; n < RECORDS; n++) {
        struct texts texts = good_texts();

        buf_release(&texts.at[n - 1]);
        memmove(&texts.at[n - 1], &texts.at[n],
                (size_t)(RECORDS - n) * sizeof texts.at[0]);
        texts.at[RECORDS - 1] = (struct buf)BUF_EMPTY;
        texts.count--;
        must_blame(&texts, n);
        texts_release(&texts);
    }
}

Test(audit, AU2_names_the_first_of_two_records_that_were_swapped) {
    for (int n = 1; n < RECORDS; n++)
        for (int m = n + 1; m <= RECORDS; m++) {
            struct texts texts = good_texts();
            struct buf   held = texts.at[n - 1];

            texts.at[n - 1] = texts.at[m - 1];
            texts.at[m - 1] = held;
            must_blame(&texts, n);
            texts_release(&texts);
        }
}

static void insert_at(struct texts *texts, int n, struct buf record) {
    memmove(&texts->at[n], &texts->at[n - 1],
            (texts->count - (size_t)(n - 1)) * sizeof texts->at[0]);
    texts->at[n - 1] = record;
    texts->count++;
}

/* The forger does his best: right number, right prev, right hash. The record
 * that follows gives him away, and at the end of the chain nothing can. */
Test(audit, AU2_names_the_record_behind_one_that_was_inserted) {
    for (int n = 1; n <= RECORDS; n++) {
        struct store     *prefix = chain_of(n - 1);
        struct texts      texts = good_texts();
        struct json      *facts = facts_of(99);
        struct buf        record = BUF_EMPTY;
        struct audit_head head;
        struct err        err;

        cr_assert(audit_head_read(prefix, &head, &err));
        (void)audit_append(&head, facts, &record);
        insert_at(&texts, n, record);
        must_blame(&texts, n + 1);
        json_release(facts);
        texts_release(&texts);
        store_close(prefix);
    }
}

/* In place of record n, one that is right in itself. */
static void forge(struct texts *texts, int n, int64_t number) {
    struct store     *prefix = chain_of(n - 1);
    struct json      *facts = facts_of(99);
    struct audit_head head;
    struct err        err;

    cr_assert(audit_head_read(prefix, &head, &err));
    head.length = number - 1;
    (void)audit_append(&head, facts, &texts->at[n - 1]);
    json_release(facts);
    store_close(prefix);
}

Test(audit, AU2_names_the_record_behind_one_that_was_forged) {
    for (int n = 1; n < RECORDS; n++) {
        struct texts texts = good_texts();

        forge(&texts, n, n);
        must_blame(&texts, n + 1);
        texts_release(&texts);
    }
}

Test(audit, AU2_names_a_record_that_carries_another_number) {
    for (int n = 1; n <= RECORDS; n++) {
        struct texts texts = good_texts();

        forge(&texts, n, n + 1);
        must_blame(&texts, n);
        texts_release(&texts);
    }
}

Test(audit, AU2_names_a_record_that_stands_there_twice) {
    for (int n = 1; n <= RECORDS; n++) {
        struct texts texts = good_texts();
        struct buf   record = BUF_EMPTY;

        buf_add_str(&record, buf_str(&texts.at[n - 1]));
        insert_at(&texts, n, record);
        must_blame(&texts, n + 1);
        texts_release(&texts);
    }
}

Test(audit, AU2_refuses_a_second_spelling_of_the_same_record) {
    struct texts texts = good_texts();
    struct buf   spaced = BUF_EMPTY;

    buf_addf(&spaced, "{ %s", buf_text(&texts.at[2]) + 1);
    buf_release(&texts.at[2]);
    texts.at[2] = spaced;
    must_blame(&texts, 3);
    texts_release(&texts);
}

Test(audit, says_which_record_has_no_hash_to_go_on_from) {
    struct texts      texts = {0};
    struct store     *store;
    struct audit_head head;
    struct err        err;

    buf_add_text(&texts.at[0], "{\"seq\":1}");
    texts.count = 1;
    store = store_of(&texts);
    cr_expect(!audit_head_read(store, &head, &err));
    cr_expect_str_eq(err.text, "audit record 1: it carries no hash");
    texts_release(&texts);
    store_close(store);
}
