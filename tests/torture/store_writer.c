/* store_writer.c - writes to a store and says what it was told, for tests that
 * take the disk away from under it.
 *
 * Usage: store_writer DIR GROUPS small|big|migrate
 *
 * It first proves what is there: numbers 1 to N without a gap, each a record,
 * an entry of a stream and an audit record that went in one batch, and the
 * blobs that the numbers name; then it prints "there N". After each group of
 * three numbers that was committed: "durable N". "big" adds a blob to each
 * group, so that it comes to checkpoints; "migrate" knows a newer schema.
 *
 * After a failure it prints "failed", what was said, and tries every other
 * call: one that is accepted is "ACCEPTED". Ends with 0, with 3 when the store
 * could not be opened, with 4 after a failed write, with 5 when what is there
 * is wrong.
 */
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "base/json.h"
#include "base/mem.h"
#include "store/audit.h"
#include "store/store_private.h"

#define GROUP 3
#define BLOB (1100u << 10)
#define NUMBERS STR("main/numbers")

static const char *const steps[] = {"CREATE TABLE later (x)"};

static void say(const char *fmt, ...) {
    va_list rest;

    va_start(rest, fmt);
    (void)vprintf(fmt, rest);
    va_end(rest);
    (void)putchar('\n');
    (void)fflush(stdout);
}

static void wrong(const char *what, int64_t n, const struct err *err) {
    say("wrong: %s %lld: %s", what, (long long)n, err->text);
    exit(5);
}

static struct str number_key(char key[40], int64_t n) {
    int len = snprintf(key, 40, "main/number/%lld", (long long)n);

    return (struct str){key, (size_t)len};
}

/* --- what is there ------------------------------------------------------- */

static void prove_number(struct store *store, int64_t n, bool expected) {
    struct err err = {.text = "is not as it must be"};
    struct buf hash = BUF_EMPTY, blob = BUF_EMPTY;
    char       key[40];
    bool       found;

    if (!store_get(store, number_key(key, n), &hash, NULL, &found, &err) ||
        found != expected)
        wrong("number", n, &err);
    if (hash.len && !store_blob_get(store, buf_text(&hash), &blob, &err))
        wrong("blob", n, &err);
    buf_release(&hash);
    buf_release(&blob);
}

static int64_t prove(struct store *store) {
    struct err err = {.text = "the audit has another number"};
    int64_t    length, audited;

    if (!store_stream_length(store, NUMBERS, &length, &err) ||
        !audit_verify(store, &audited, &err) || audited != length)
        wrong("length", length, &err);
    for (int64_t n = 1; n <= length + 1; n++)
        prove_number(store, n, n <= length);
    return length;
}

/* --- writing ------------------------------------------------------------- */

static bool write_number(struct store *store, int64_t n, struct str value,
                         struct err *err) {
    struct json       *facts = json_new_map();
    struct buf         text = BUF_EMPTY;
    struct store_write batch[3] = {{.kind = STORE_INSERT, .value = value},
                                   {.kind = STORE_APPEND,
                                    .key = NUMBERS,
                                    .expected = n - 1,
                                    .value = STR("entry")}};
    struct audit_head  head;
    char               key[40];
    bool               ok = audit_head_read(store, &head, err);

    batch[0].key = number_key(key, n);
    json_put_int(facts, "number", n);
    if (ok)
        batch[2] = audit_append(&head, facts, &text);
    ok = ok && store_batch(store, batch, 3, err);
    if (ok)
        audit_head_keep(store, &head);
    json_release(facts);
    buf_release(&text);
    return ok;
}

static bool write_blob(struct store *store, int64_t n,
                       char hash[STORE_HASH_SIZE], struct err *err) {
    char *bytes = mem_new(BLOB);
    bool  ok;

    memset(bytes, (int)('a' + n % 26), BLOB);
    (void)snprintf(bytes, 24, "%lld", (long long)n);
    ok = store_blob_put(store, (struct str){bytes, BLOB}, hash, err);
    mem_free(bytes);
    return ok;
}

static bool write_group(struct store *store, int64_t from, bool big,
                        struct err *err) {
    char hash[STORE_HASH_SIZE] = "";

    if (!store_group_begin(store, err))
        return false;
    if (big && !write_blob(store, from, hash, err))
        return false;
    for (int64_t n = from; n < from + GROUP; n++)
        if (!write_number(store, n, str_of(hash), err))
            return false;
    return store_group_commit(store, err);
}

/* --- after a failure ----------------------------------------------------- */

static void must_refuse(const char *call, bool accepted,
                        const struct err *first, const struct err *err) {
    if (accepted)
        say("ACCEPTED %s", call);
    else if (strcmp(first->text, err->text) != 0)
        say("ACCEPTED another story of %s: %s", call, err->text);
}

#define MUST_REFUSE(call) must_refuse(#call, call, first, &err)

static bool ignore(void *arg, struct str key, int64_t version,
                   struct str value) {
    (void)arg;
    (void)key;
    (void)version;
    (void)value;
    return false;
}

static void try_the_rest(struct store *store, const struct err *first) {
    const struct store_write write = {.kind = STORE_INSERT,
                                      .key = STR("main/late")};
    char                     hash[STORE_HASH_SIZE];
    struct buf               value = BUF_EMPTY;
    struct err               err;
    int64_t                  length;
    bool                     found;

    if (store->grouped)
        MUST_REFUSE(store_group_commit(store, &err));
    MUST_REFUSE(store_group_begin(store, &err));
    store->grouped = false;
    MUST_REFUSE(store_batch(store, &write, 1, &err));
    MUST_REFUSE(store_blob_put(store, STR("late"), hash, &err));
    MUST_REFUSE(store_blob_get(store, hash, &value, &err));
    MUST_REFUSE(
        store_get(store, STR(STORE_SCHEMA_KEY), NULL, NULL, &found, &err));
    MUST_REFUSE(store_scan(store, STR(""), STR(""), 9, ignore, NULL, &err));
    MUST_REFUSE(store_stream_length(store, NUMBERS, &length, &err));
    buf_release(&value);
}

int main(int argc, char **argv) {
    const char   *how = argc == 4 ? argv[3] : "small";
    bool          big = strcmp(how, "big") == 0;
    int64_t       groups = argc > 2 ? strtol(argv[2], NULL, 10) : 0, n;
    size_t        known = strcmp(how, "migrate") == 0;
    struct err    err;
    struct store *store = store_sqlite_open_with(argv[1], steps, known, &err);

    if (!store) {
        say("refused %s", err.text);
        return 3;
    }
    n = prove(store);
    say("there %lld", (long long)n);
    for (; groups > 0; groups--, n += GROUP) {
        if (!write_group(store, n + 1, big, &err)) {
            say("failed %s", err.text);
            try_the_rest(store, &err);
            store_close(store);
            return 4;
        }
        say("durable %lld", (long long)n + GROUP);
    }
    store_close(store);
    return 0;
}
