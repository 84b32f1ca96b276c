/* test_store.c - one suite for both kinds of store, and the two against each
 * other. */
#include <criterion/criterion.h>

#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/mem.h"
#include "store/store.h"
#include "store/store_private.h"

/* --- both kinds --------------------------------------------------------- */

static char directory[] = "/tmp/nightshift-store-XXXXXX";

static void remove_directory(void) {
    static const char *const names[] = {"nightshift.db", "nightshift.db-wal",
                                        "nightshift.db-journal", "lock"};
    char                     path[sizeof directory + 32];

    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        (void)snprintf(path, sizeof path, "%s/%s", directory, names[i]);
        (void)unlink(path);
    }
    (void)rmdir(directory);
}

static struct store *open_sqlite(void) {
    struct err    err;
    struct store *store;

    cr_assert_not_null(mkdtemp(directory));
    store = store_sqlite_open(directory, &err);
    cr_assert_not_null(store, "%s", err.text);
    return store;
}

static void with_memory(void (*body)(struct store *store)) {
    struct store *store = store_memory_open();

    body(store);
    store_close(store);
}

static void with_sqlite(void (*body)(struct store *store)) {
    struct store *store = open_sqlite();

    body(store);
    store_close(store);
    remove_directory();
}

#define BOTH(name)                         \
    static void name(struct store *store); \
    Test(store_memory, name) {             \
        with_memory(name);                 \
    }                                      \
    Test(store_sqlite, name) {             \
        with_sqlite(name);                 \
    }                                      \
    static void name(struct store *store)

/* --- shorthand ---------------------------------------------------------- */

static struct store_write insert(const char *key, const char *value) {
    return (struct store_write){STORE_INSERT, str_of(key), 0, str_of(value)};
}

static struct store_write swap(const char *key, int64_t expected,
                               const char *value) {
    return (struct store_write){STORE_SWAP, str_of(key), expected,
                                str_of(value)};
}

static struct store_write drop(const char *key, int64_t expected) {
    return (struct store_write){STORE_REMOVE, str_of(key), expected, STR("")};
}

static struct store_write append(const char *stream, int64_t expected,
                                 const char *value) {
    return (struct store_write){STORE_APPEND, str_of(stream), expected,
                                str_of(value)};
}

static void must_hold(struct store *store, struct store_write write) {
    struct err err;

    cr_assert(store_batch(store, &write, 1, &err), "%s", err.text);
}

static void must_fail(struct store *store, struct store_write write,
                      enum err_code code) {
    struct err err;

    cr_assert(!store_batch(store, &write, 1, &err), "%.*s was taken",
              STR_ARG(write.key));
    cr_expect_eq(err.code, code, "%s: %s", err_name(err.code), err.text);
}

static bool add_line(void *arg, struct str key, int64_t version,
                     struct str value) {
    buf_addf(arg, "%.*s %lld %.*s\n", STR_ARG(key), (long long)version,
             STR_ARG(value));
    return true;
}

static void dump(struct store *store, struct buf *out) {
    struct err err;

    buf_clear(out);
    cr_assert(
        store_scan(store, STR(""), STR(""), SIZE_MAX, add_line, out, &err),
        "%s", err.text);
}

static void dump_back(struct store *store, struct buf *out) {
    struct err err;

    buf_clear(out);
    cr_assert(
        store_scan_back(store, STR(""), STR(""), SIZE_MAX, add_line, out, &err),
        "%s", err.text);
}

static void must_show(struct store *store, const char *prefix,
                      const char *after, size_t limit, const char *lines) {
    struct buf seen = BUF_EMPTY;
    struct err err;

    cr_assert(store_scan(store, str_of(prefix), str_of(after), limit, add_line,
                         &seen, &err),
              "%s", err.text);
    cr_expect_str_eq(buf_text(&seen), lines);
    buf_release(&seen);
}

/* --- records ------------------------------------------------------------ */

BOTH(begins_with_the_number_of_its_schema) {
    must_show(store, "", "", 10, "meta/schema 1 1\n");
}

BOTH(finds_what_was_inserted_with_version_1) {
    struct buf value = BUF_EMPTY;
    struct err err;
    int64_t    version;
    bool       found;

    buf_add_text(&value, "old");
    must_hold(store, insert("main/a", "one"));
    cr_assert(store_get(store, STR("main/a"), &value, &version, &found, &err));
    cr_expect(found);
    cr_expect_eq(version, 1);
    cr_expect_str_eq(buf_text(&value), "one");
    cr_assert(store_get(store, STR("main/b"), &value, &version, &found, &err));
    cr_expect(!found);
    cr_expect_eq(version, 0);
    cr_expect_str_eq(buf_text(&value), "");
    cr_expect(store_get(store, STR("main/a"), NULL, NULL, &found, &err));
    buf_release(&value);
}

BOTH(keeps_bytes_and_empty_values_as_they_are) {
    static const char  bytes[] = "\0\xff\n'\0";
    struct buf         value = BUF_EMPTY;
    struct err         err;
    struct store_write write = insert("main/bytes", "");
    bool               found;

    write.value = (struct str){bytes, sizeof bytes};
    must_hold(store, write);
    must_hold(store, (struct store_write){.kind = STORE_INSERT,
                                          .key = STR("main/empty")});
    cr_assert(store_get(store, write.key, &value, NULL, &found, &err));
    cr_expect(str_equal(buf_str(&value), write.value));
    must_hold(store, swap("main/empty", 1, ""));
    must_show(store, "main/e", "", 9, "main/empty 2 \n");
    buf_release(&value);
}

BOTH(refuses_a_second_insert_of_a_key) {
    must_hold(store, insert("main/a", "one"));
    must_fail(store, insert("main/a", "two"), ERR_CONFLICT);
    must_show(store, "main/", "", 9, "main/a 1 one\n");
}

BOTH(swaps_only_the_version_that_is_expected) {
    must_hold(store, insert("main/a", "one"));
    must_hold(store, swap("main/a", 1, "two"));
    must_fail(store, swap("main/a", 1, "three"), ERR_CONFLICT);
    must_fail(store, swap("main/a", 3, "three"), ERR_CONFLICT);
    must_fail(store, swap("main/b", 0, "three"), ERR_CONFLICT);
    must_show(store, "main/", "", 9, "main/a 2 two\n");
}

BOTH(removes_only_the_version_that_is_expected) {
    must_hold(store, insert("main/a", "one"));
    must_fail(store, drop("main/a", 2), ERR_CONFLICT);
    must_fail(store, drop("main/b", 0), ERR_CONFLICT);
    must_hold(store, drop("main/a", 1));
    must_show(store, "main/", "", 9, "");
    must_hold(store, insert("main/a", "again"));
    must_show(store, "main/", "", 9, "main/a 1 again\n");
}

BOTH(says_both_sides_of_a_conflict) {
    struct store_write write = swap("main/a", 7, "x");
    struct err         err;

    must_hold(store, insert("main/a", "one"));
    cr_assert(!store_batch(store, &write, 1, &err));
    cr_expect_str_eq(err.text, "store: main/a has version 1, 7 was expected");
}

/* --- batches ------------------------------------------------------------ */

BOTH(ST1_a_batch_that_fails_leaves_no_trace) {
    const struct store_write batch[] = {
        insert("main/new", "n"),    swap("main/a", 1, "changed"),
        swap("main/a", 2, "again"), drop("main/b", 1),
        insert("main/b", "back"),   append("main/s", 1, "two"),
        append("main/s", 2, "3rd"), append("main/t", 0, "first"),
        drop("main/new", 1),        drop("main/a", 9),
    };
    struct buf before = BUF_EMPTY, after = BUF_EMPTY;
    struct err err;

    must_hold(store, insert("main/a", "one"));
    must_hold(store, insert("main/b", "one"));
    must_hold(store, append("main/s", 0, "one"));
    dump(store, &before);
    cr_assert(!store_batch(store, batch, 10, &err));
    cr_expect_eq(err.code, ERR_CONFLICT);
    dump(store, &after);
    cr_expect_str_eq(buf_text(&after), buf_text(&before));
    cr_assert(store_batch(store, batch, 9, &err), "%s", err.text);
    must_show(store, "main/", "", 99,
              "main/a 3 again\nmain/b 1 back\nmain/s 3 \n"
              "main/s/0000000001 1 one\nmain/s/0000000002 1 two\n"
              "main/s/0000000003 1 3rd\nmain/t 1 \n"
              "main/t/0000000001 1 first\n");
    buf_release(&before);
    buf_release(&after);
}

BOTH(takes_a_hundred_writes_and_not_one_more) {
    struct store_write batch[STORE_BATCH_MAX + 1];
    struct err         err;

    for (int i = 0; i <= STORE_BATCH_MAX; i++)
        batch[i] = append("main/s", i, "x");
    cr_assert(!store_batch(store, batch, STORE_BATCH_MAX + 1, &err));
    cr_expect_eq(err.code, ERR_LIMIT);
    must_show(store, "main/", "", 9, "");
    cr_expect(store_batch(store, batch, STORE_BATCH_MAX, &err), "%s", err.text);
    cr_expect(store_batch(store, NULL, 0, &err));
}

BOTH(refuses_keys_and_values_that_it_cannot_take) {
    static char        long_key[STORE_KEY_MAX + 2];
    char              *big = mem_new(STORE_VALUE_MAX + 2);
    struct store_write nul = insert("main/x", "");

    memset(long_key, 'k', STORE_KEY_MAX + 1);
    memset(big, 'v', STORE_VALUE_MAX + 1);
    must_fail(store, insert("", "v"), ERR_INVALID);
    must_fail(store, insert("main/\n", "v"), ERR_INVALID);
    must_fail(store, insert("main/\xff", "v"), ERR_INVALID);
    must_fail(store, insert(long_key, "v"), ERR_LIMIT);
    must_fail(store, append(long_key + STORE_ENTRY_TAIL, 0, "v"), ERR_LIMIT);
    must_fail(store, insert("main/big", big), ERR_LIMIT);
    nul.key.len++;
    must_fail(store, nul, ERR_INVALID);
    must_show(store, "main/", "", 9, "");
    must_hold(store, insert(long_key + 1, "v"));
    must_hold(store, append(long_key + 1 + STORE_ENTRY_TAIL, 0, "v"));
    big[STORE_VALUE_MAX] = '\0';
    must_hold(store, insert("main/\xc3\xa9", big));
    mem_free(big);
}

/* --- streams ------------------------------------------------------------ */

BOTH(ST2_numbers_entries_without_a_gap) {
    struct buf seen = BUF_EMPTY;
    struct err err;
    int64_t    length;

    must_fail(store, append("main/s", 1, "too early"), ERR_CONFLICT);
    must_hold(store, append("main/s", 0, "one"));
    must_fail(store, append("main/s", 0, "again"), ERR_CONFLICT);
    must_hold(store, append("main/s", 1, "two"));
    must_fail(store, append("main/s", 3, "too far"), ERR_CONFLICT);
    must_hold(store, append("main/s", 2, "three"));
    cr_assert(store_stream_length(store, STR("main/s"), &length, &err));
    cr_expect_eq(length, 3);
    cr_assert(store_stream_length(store, STR("main/none"), &length, &err));
    cr_expect_eq(length, 0);
    cr_assert(
        store_stream_read(store, STR("main/s"), 2, add_line, &seen, &err));
    cr_expect_str_eq(buf_text(&seen), "main/s/0000000002 1 two\n"
                                      "main/s/0000000003 1 three\n");
    cr_expect(store_stream_read(store, STR("main/s"), 4, add_line, NULL, &err));
    cr_expect(
        store_stream_read(store, STR("main/none"), 1, add_line, NULL, &err));
    buf_release(&seen);
}

BOTH(ST2_lets_no_other_write_touch_a_stream_or_its_entries) {
    must_hold(store, append("main/s", 0, "one"));
    must_fail(store, swap("main/s/0000000001", 1, "lie"), ERR_INVALID);
    must_fail(store, drop("main/s/0000000001", 1), ERR_INVALID);
    must_fail(store, insert("main/s/0000000002", "first"), ERR_INVALID);
    must_fail(store, append("main/s/0000000001", 0, "x"), ERR_INVALID);
    must_fail(store, swap("main/s", 1, "lie"), ERR_INVALID);
    must_fail(store, drop("main/s", 1), ERR_INVALID);
    must_fail(store, insert("main/s", "lie"), ERR_CONFLICT);
    must_hold(store, insert("main/r", "record"));
    must_fail(store, append("main/r", 1, "x"), ERR_INVALID);
    must_fail(store, append("main/r", 0, "x"), ERR_INVALID);
    must_show(store, "main/s", "", 9, "main/s 1 \nmain/s/0000000001 1 one\n");
}

BOTH(reads_a_stream_past_keys_that_stand_between_its_entries) {
    struct buf seen = BUF_EMPTY;
    struct err err;

    for (int n = 0; n < 10; n++)
        must_hold(store, append("main/s", n, "e"));
    must_hold(store, append("main/s/0000000008/x", 0, "other"));
    must_hold(store, insert("main/s/0000000008x", "other"));
    must_hold(store, insert("main/s/000000000a", "other"));
    cr_assert(store_stream_read(store, STR("main/s"), 8, add_line, &seen, &err),
              "%s", err.text);
    cr_expect_str_eq(buf_text(&seen), "main/s/0000000008 1 e\n"
                                      "main/s/0000000009 1 e\n"
                                      "main/s/0000000010 1 e\n");
    buf_release(&seen);
}

static bool first_only(void *arg, struct str key, int64_t version,
                       struct str value) {
    (void)add_line(arg, key, version, value);
    return false;
}

BOTH(ends_a_reading_early_without_an_error) {
    struct buf seen = BUF_EMPTY;
    struct err err;

    must_hold(store, append("main/s", 0, "one"));
    must_hold(store, append("main/s", 1, "two"));
    cr_expect(
        store_stream_read(store, STR("main/s"), 1, first_only, &seen, &err));
    cr_expect(
        store_scan(store, STR("main/"), STR(""), 9, first_only, &seen, &err));
    cr_expect_str_eq(buf_text(&seen), "main/s/0000000001 1 one\nmain/s 2 \n");
    buf_release(&seen);
}

/* --- scans -------------------------------------------------------------- */

BOTH(scans_in_the_order_of_the_keys_bytes) {
    must_hold(store, insert("main/\xc3\xa9", "e-acute"));
    must_hold(store, insert("main/b", "b"));
    must_hold(store, insert("main/ab", "ab"));
    must_hold(store, insert("main/B", "B"));
    must_hold(store, insert("main/a", "a"));
    must_hold(store, insert("main", "before"));
    must_hold(store, insert("main0", "after"));
    must_show(store, "main/", "", 9,
              "main/B 1 B\nmain/a 1 a\nmain/ab 1 ab\nmain/b 1 b\n"
              "main/\xc3\xa9 1 e-acute\n");
}

BOTH(scans_from_after_a_key_up_to_a_limit) {
    must_hold(store, insert("m/a", "1"));
    must_hold(store, insert("m/b", "2"));
    must_hold(store, insert("m/c", "3"));
    must_hold(store, insert("n/a", "4"));
    must_show(store, "m/", "m/a", 9, "m/b 1 2\nm/c 1 3\n");
    must_show(store, "m/", "m/aa", 1, "m/b 1 2\n");
    must_show(store, "m/", "m/c", 9, "");
    must_show(store, "m/", "a", 2, "m/a 1 1\nm/b 1 2\n");
    must_show(store, "m/", "m/", 1, "m/a 1 1\n");
    must_show(store, "m/", "z", 9, "");
    must_show(store, "m/", "", 0, "");
    must_show(store, "m/b", "m/b", 9, "");
}

static void must_show_back(struct store *store, const char *prefix,
                           const char *before, size_t limit,
                           const char *lines) {
    struct buf seen = BUF_EMPTY;
    struct err err;

    cr_assert(store_scan_back(store, str_of(prefix), str_of(before), limit,
                              add_line, &seen, &err),
              "%s", err.text);
    cr_expect_str_eq(buf_text(&seen), lines);
    buf_release(&seen);
}

BOTH(scans_backwards_from_before_a_key_up_to_a_limit) {
    must_hold(store, insert("m/a", "1"));
    must_hold(store, insert("m/b", "2"));
    must_hold(store, insert("m/\xf4\x8f\xbf\xbf", "last"));
    must_hold(store, insert("m0", "4"));
    must_hold(store, insert("m", "5"));
    must_show_back(store, "m/", "", 9,
                   "m/\xf4\x8f\xbf\xbf 1 last\nm/b 1 2\nm/a 1 1\n");
    must_show_back(store, "m/", "m/b", 9, "m/a 1 1\n");
    must_show_back(store, "m/", "m/aa", 9, "m/a 1 1\n");
    must_show_back(store, "m/", "z", 1, "m/\xf4\x8f\xbf\xbf 1 last\n");
    must_show_back(store, "m/", "m/a", 9, "");
    must_show_back(store, "m/", "a", 9, "");
    must_show_back(store, "m/", "", 0, "");
    must_show_back(store, "z", "", 9, "");
}

/* --- cutting ------------------------------------------------------------- */

static struct store_write cut(const char *stream, int64_t expected) {
    return (struct store_write){STORE_CUT, str_of(stream), expected, STR("")};
}

static void fill_stream(struct store *store, const char *stream, int count) {
    for (int i = 0; i < count; i++)
        must_hold(store, append(stream, i, "x"));
}

static int64_t length_of(struct store *store, const char *stream) {
    struct err err;
    int64_t    length;

    cr_assert(store_stream_length(store, str_of(stream), &length, &err));
    return length;
}

BOTH(ST2_a_stream_is_cut_from_its_end_and_goes_with_its_first_entry) {
    struct buf seen = BUF_EMPTY;
    struct err err;

    fill_stream(store, "m/s", STORE_CUT_MAX + 2);
    must_hold(store, insert("m/s/0000000001/x", "not an entry"));
    must_fail(store, cut("m/s", STORE_CUT_MAX), ERR_CONFLICT);
    must_hold(store, cut("m/s", STORE_CUT_MAX + 2));
    cr_expect_eq(length_of(store, "m/s"), 2);
    cr_expect(store_stream_read(store, STR("m/s"), 1, add_line, &seen, &err));
    cr_expect_str_eq(buf_text(&seen),
                     "m/s/0000000001 1 x\nm/s/0000000002 1 x\n");
    must_hold(store, append("m/s", 2, "it still takes appends"));
    must_hold(store, cut("m/s", 3));
    must_show(store, "m/", "", 9, "m/s/0000000001/x 1 not an entry\n");
    must_fail(store, cut("m/s", 0), ERR_CONFLICT);
    must_fail(store, cut("m/s", 3), ERR_CONFLICT);
    must_hold(store, insert("m/s", "the name is free"));
    must_fail(store, cut("m/s", 1), ERR_INVALID);
    buf_release(&seen);
}

BOTH(ST1_a_cut_is_taken_back_with_its_batch) {
    char               hash[STORE_HASH_SIZE];
    struct buf         before = BUF_EMPTY, after = BUF_EMPTY;
    struct err         err;
    struct store_write batch[4] = {cut("m/s", 3), cut("m/t", 40),
                                   insert("m/s", "a record"),
                                   insert("m/a", "there")};

    fill_stream(store, "m/s", 3);
    fill_stream(store, "m/t", 40);
    must_hold(store, insert("m/a", "1"));
    cr_assert(store_blob_put(store, STR("kept"), hash, &err));
    dump(store, &before);
    cr_expect_not(store_batch(store, batch, 4, &err));
    batch[2] = (struct store_write){STORE_DROP, str_of(hash), 0, STR("")};
    cr_expect_not(store_batch(store, batch, 4, &err));
    dump(store, &after);
    cr_expect_str_eq(buf_text(&before), buf_text(&after));
    cr_expect(store_blob_get(store, hash, &after, &err), "%s", err.text);
    cr_expect_str_eq(buf_text(&after), "kept");
    cr_expect(store_batch(store, batch, 3, &err), "%s", err.text);
    cr_expect_not(store_blob_get(store, hash, &after, &err));
    must_hold(store, batch[2]);
    buf_release(&before);
    buf_release(&after);
}

BOTH(ST5_the_audit_chain_is_never_cut) {
    must_hold(store, append("main/audit", 0, "a"));
    must_fail(store, cut("main/audit", 1), ERR_INVALID);
    cr_expect_eq(length_of(store, "main/audit"), 1);
}

/* --- blobs and groups ---------------------------------------------------- */

BOTH(keeps_blobs_by_their_hash) {
    static const char empty[] = "e3b0c44298fc1c149afbf4c8996fb924"
                                "27ae41e4649b934ca495991b7852b855";
    char              hash[STORE_HASH_SIZE], again[STORE_HASH_SIZE];
    struct buf        bytes = BUF_EMPTY;
    struct err        err;

    cr_assert(store_blob_put(store, STR("some\0bytes"), hash, &err));
    cr_assert(store_blob_put(store, STR("some\0bytes"), again, &err));
    cr_expect_str_eq(hash, again);
    cr_assert(store_blob_get(store, hash, &bytes, &err), "%s", err.text);
    cr_expect(str_equal(buf_str(&bytes), STR("some\0bytes")));
    cr_expect(!store_blob_get(store, empty, &bytes, &err));
    cr_expect_eq(err.code, ERR_NOT_FOUND);
    cr_assert(store_blob_put(store, (struct str){NULL, 0}, hash, &err));
    cr_expect_str_eq(hash, empty);
    cr_expect(store_blob_get(store, empty, &bytes, &err));
    cr_expect(!store_blob_get(store, "../../etc", &bytes, &err));
    cr_expect_eq(err.code, ERR_INVALID);
    must_show(store, "", "meta/schema", 9, "");
    buf_release(&bytes);
}

BOTH(ST1_a_batch_that_fails_takes_only_itself_out_of_its_group) {
    const struct store_write pair[] = {insert("main/c", "3"),
                                       insert("main/a", "twice")};
    char                     hash[STORE_HASH_SIZE];
    struct err               err;

    cr_assert(store_group_begin(store, &err), "%s", err.text);
    must_hold(store, insert("main/a", "1"));
    cr_expect(!store_batch(store, pair, 2, &err));
    must_hold(store, swap("main/a", 1, "2"));
    cr_expect(store_blob_put(store, STR("blob"), hash, &err));
    must_show(store, "main/", "", 9, "main/a 2 2\n");
    cr_assert(store_group_commit(store, &err), "%s", err.text);
    must_show(store, "main/", "", 9, "main/a 2 2\n");
    must_hold(store, insert("main/d", "4"));
}

/* --- one kind against the other ------------------------------------------ */

static uint32_t seed = 2463534242;

static uint32_t draw(uint32_t below) {
    seed ^= seed << 13;
    seed ^= seed >> 17;
    seed ^= seed << 5;
    return seed % below;
}

/* Few keys and small versions, so that about half of the batches hold. */
static void draw_batch(struct store_write *batch, size_t count) {
    static const char *const keys[] = {"m/a", "m/b", "m/b/x", "m/c", "n"};
    static const char *const streams[] = {"m/s", "m/s/t", "m", "m/b"};
    static const char *const values[] = {"", "1", "22", "333"};

    for (size_t i = 0; i < count; i++) {
        bool stream;

        batch[i].kind = (enum store_write_kind)draw(6);
        stream = batch[i].kind == STORE_APPEND || batch[i].kind == STORE_CUT;
        batch[i].key = str_of(stream ? streams[draw(4)] : keys[draw(5)]);
        batch[i].expected = draw(3) + (batch[i].kind != STORE_APPEND);
        batch[i].value = str_of(values[draw(4)]);
    }
}

/* The generator alone rarely guesses a stream's length. */
static void mend_expectation(struct store *store, struct store_write *write) {
    struct err err;
    int64_t    version;
    bool       found;

    if (draw(4) == 0)
        return;
    cr_assert(store_get(store, write->key, NULL, &version, &found, &err));
    write->expected = version;
}

static void compare_round(struct store *memory, struct store *sqlite,
                          size_t *held) {
    struct store_write batch[4] = {0};
    size_t             count = 1 + draw(4);
    struct err         err[2] = {0};
    bool               ok;

    draw_batch(batch, count);
    for (size_t i = 0; i < count; i++)
        mend_expectation(memory, &batch[i]);
    ok = store_batch(memory, batch, count, &err[0]);
    *held += ok;
    cr_assert_eq(ok, store_batch(sqlite, batch, count, &err[1]));
    cr_assert_str_eq(err[0].text, err[1].text);
    cr_assert_eq(err[0].code, err[1].code);
}

Test(store, ST1_memory_and_sqlite_agree_over_random_batches) {
    struct store *memory = store_memory_open(), *sqlite = open_sqlite();
    struct buf    left = BUF_EMPTY, right = BUF_EMPTY;
    struct err    err;
    size_t        held = 0;

    for (int group = 0; group < 60; group++) {
        cr_assert(store_group_begin(sqlite, &err), "%s", err.text);
        for (int i = 0; i < 50; i++)
            compare_round(memory, sqlite, &held);
        cr_assert(store_group_commit(sqlite, &err), "%s", err.text);
        dump(memory, &left);
        dump(sqlite, &right);
        cr_assert_str_eq(buf_text(&left), buf_text(&right));
        dump_back(memory, &left);
        dump_back(sqlite, &right);
        cr_assert_str_eq(buf_text(&left), buf_text(&right));
    }
    cr_expect(held > 300 && held < 2700, "%zu of 3000 held", held);
    buf_release(&left);
    buf_release(&right);
    store_close(memory);
    store_close(sqlite);
    remove_directory();
}

Test(store_memory, stays_in_order_while_it_grows_and_shrinks) {
    struct store *store = store_memory_open();
    struct err    err;
    struct buf    seen = BUF_EMPTY, sorted = BUF_EMPTY;
    bool          there[3000] = {0};
    char          key[16];

    for (int i = 0; i < 20000; i++) {
        uint32_t n = draw(3000);

        (void)snprintf(key, sizeof key, "k%04u", n);
        must_hold(store, there[n] ? drop(key, 1) : insert(key, ""));
        there[n] = !there[n];
    }
    for (unsigned n = 0; n < 3000; n++)
        if (there[n])
            buf_addf(&sorted, "k%04u 1 \n", n);
    cr_assert(
        store_scan(store, STR("k"), STR(""), SIZE_MAX, add_line, &seen, &err));
    cr_expect_str_eq(buf_text(&seen), buf_text(&sorted));
    buf_release(&seen);
    buf_release(&sorted);
    store_close(store);
}

/* --- a store that lies --------------------------------------------------- */

static bool lying_get(struct store *store, struct str key, struct buf *value,
                      struct store_found *found, struct err *err) {
    (void)store;
    (void)key;
    (void)value;
    (void)err;
    *found = (struct store_found){true, true, 3};
    return true;
}

static const char *const *lies;

static bool lying_scan(struct store *store, struct str prefix, struct str after,
                       store_scan_fn *each, void *arg, struct err *err) {
    (void)store;
    (void)prefix;
    (void)after;
    (void)err;
    for (const char *const *at = lies; *at; at++)
        if (!each(arg, str_of(*at), 1, STR("v")))
            break;
    return true;
}

static bool lying_blob_get(struct store *store, const char *hash,
                           struct buf *bytes, bool *found, struct err *err) {
    (void)store;
    (void)hash;
    (void)err;
    *found = true;
    buf_add_text(bytes, "other bytes");
    return true;
}

static const struct store_ops lying = {
    .get = lying_get, .scan = lying_scan, .blob_get = lying_blob_get};

static void must_miss(const char *const *keys, const char *text) {
    struct store store = {.ops = &lying};
    struct buf   seen = BUF_EMPTY;
    struct err   err = {0};

    lies = keys;
    cr_expect(!store_stream_read(&store, STR("s"), 1, add_line, &seen, &err));
    cr_expect_str_eq(err.text, text);
    buf_release(&seen);
}

Test(store, ST2_names_the_entry_that_is_missing) {
    must_miss((const char *const[]){"s/0000000001", "s/0000000003", NULL},
              "store: entry 2 of the 3 of s is missing");
    must_miss((const char *const[]){"s/0000000001", "s/0000000002", NULL},
              "store: entry 3 of the 3 of s is missing");
    must_miss((const char *const[]){NULL},
              "store: entry 1 of the 3 of s is missing");
}

Test(store, refuses_a_blob_whose_bytes_are_not_its_hash_s) {
    static const char empty[] = "e3b0c44298fc1c149afbf4c8996fb924"
                                "27ae41e4649b934ca495991b7852b855";
    struct store      store = {.ops = &lying};
    struct buf        bytes = BUF_EMPTY;
    struct err        err;

    cr_expect(!store_blob_get(&store, empty, &bytes, &err));
    cr_expect_eq(err.code, ERR_CONFLICT);
    buf_release(&bytes);
}
