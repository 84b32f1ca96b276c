/* store.c - what is the same in every kind of store.
 *
 * Everything is checked here, before a kind of store sees it, so the shape of
 * the keys alone keeps ST2: a key that ends like an entry's is refused in all
 * writes but appends, and those never name it themselves.
 */
#include "store/store.h"

#include <assert.h>
#include <string.h>

#include "base/encode.h"
#include "store/audit.h"
#include "store/store_private.h"
#include "sys/crypto.h"

#define ENTRY_LAST 9999999999 /* the most that ten digits can count */

static bool digits(struct str text) {
    for (size_t i = 0; i < text.len; i++)
        if (text.data[i] < '0' || text.data[i] > '9')
            return false;
    return true;
}

/* Does the key end in a slash and ten digits? */
static bool entry_like(struct str key) {
    struct str tail;

    if (key.len <= STORE_ENTRY_TAIL)
        return false;
    tail =
        (struct str){key.data + key.len - STORE_ENTRY_TAIL, STORE_ENTRY_TAIL};
    if (tail.data[0] != '/')
        return false;
    return digits((struct str){tail.data + 1, tail.len - 1});
}

void store_entry_key(struct buf *out, struct str stream, int64_t n) {
    char   tail[STORE_ENTRY_TAIL];
    size_t at = sizeof tail;

    assert(n >= 0 && n <= ENTRY_LAST);
    for (; at > 1; n /= 10)
        tail[--at] = (char)('0' + n % 10);
    tail[0] = '/';
    buf_add_str(out, stream);
    buf_add(out, tail, sizeof tail);
}

static bool key_check(struct str key, struct err *err) {
    bool   ascii = true;
    size_t bad;

    if (key.len == 0)
        return err_set(err, ERR_INVALID, "store: a key is empty");
    if (key.len > STORE_KEY_MAX)
        return err_set(err, ERR_LIMIT,
                       "store: a key of %zu bytes, the cap is %d: %.60s…",
                       key.len, STORE_KEY_MAX, key.data);
    for (size_t i = 0; i < key.len; i++) {
        unsigned char c = (unsigned char)key.data[i];

        if (c < 0x20 || c == 0x7f)
            return err_set(err, ERR_INVALID,
                           "store: a control character at byte %zu of a key",
                           i);
        ascii = ascii && c < 0x80;
    }
    if (!ascii && !encode_utf8_valid(key, &bad))
        return err_set(err, ERR_INVALID,
                       "store: a key is not UTF-8 at byte %zu", bad);
    return true;
}

static bool append_check(const struct store_write *write, struct err *err) {
    if (write->key.len > STORE_KEY_MAX - STORE_ENTRY_TAIL)
        return err_set(err, ERR_LIMIT,
                       "store: a stream's key of %zu bytes, the cap is %d",
                       write->key.len, STORE_KEY_MAX - STORE_ENTRY_TAIL);
    if (write->expected < 0 || write->expected >= ENTRY_LAST)
        return err_set(err, ERR_LIMIT,
                       "store: %.*s cannot have the length %lld",
                       STR_ARG(write->key), (long long)write->expected);
    return true;
}

static bool cut_check(const struct store_write *write, struct err *err) {
    /* (ST5) */
    if (str_is(write->key, AUDIT_STREAM))
        return err_set(err, ERR_INVALID,
                       "store: " AUDIT_STREAM " is never cut");
    return append_check(write, err);
}

static bool write_check(const struct store_write *write, struct err *err) {
    if (!key_check(write->key, err))
        return false;
    if (entry_like(write->key))
        return err_set(err, ERR_INVALID,
                       "store: %.*s is named like an entry of a stream, which "
                       "only an append to the stream writes",
                       STR_ARG(write->key));
    if (write->value.len > STORE_VALUE_MAX)
        return err_set(err, ERR_LIMIT,
                       "store: %.*s: a value of %zu bytes, the cap is %u; a "
                       "larger one is a blob",
                       STR_ARG(write->key), write->value.len, STORE_VALUE_MAX);
    if (write->kind == STORE_CUT)
        return cut_check(write, err);
    return write->kind != STORE_APPEND || append_check(write, err);
}

static bool mismatch(const struct store_write *write, struct store_found found,
                     struct err *err) {
    if (!found.present)
        return err_set(err, ERR_CONFLICT,
                       "store: %.*s is absent, version %lld was expected",
                       STR_ARG(write->key), (long long)write->expected);
    return err_set(err, ERR_CONFLICT,
                   "store: %.*s has %s %lld, %lld was expected",
                   STR_ARG(write->key), found.stream ? "length" : "version",
                   (long long)found.version, (long long)write->expected);
}

bool store_expect(const struct store_write *write, struct store_found found,
                  struct err *err) {
    bool append = write->kind == STORE_APPEND;
    bool stream = append || write->kind == STORE_CUT;

    if (found.present && write->kind == STORE_INSERT)
        return err_set(err, ERR_CONFLICT, "store: %.*s is there already",
                       STR_ARG(write->key));
    if (found.present && found.stream != stream)
        return err_set(err, ERR_INVALID, "store: %.*s is %s",
                       STR_ARG(write->key),
                       append   ? "a record, nothing can be appended to it"
                       : stream ? "a record, nothing can be cut off it"
                                : "a stream, it only takes appends");
    if (write->kind == STORE_INSERT)
        return true;
    if (append && !found.present)
        return write->expected == 0 || mismatch(write, found, err);
    return (found.present && found.version == write->expected) ||
           mismatch(write, found, err);
}

int64_t store_cut_to(const struct store_write *write) {
    return write->expected > STORE_CUT_MAX ? write->expected - STORE_CUT_MAX
                                           : 0;
}

bool store_batch(struct store *store, const struct store_write *writes,
                 size_t count, struct err *err) {
    assert(!store->scanning);
    if (count > STORE_BATCH_MAX)
        return err_set(err, ERR_LIMIT, "store: a batch of %zu, the cap is %d",
                       count, STORE_BATCH_MAX);
    for (size_t i = 0; i < count; i++)
        if (!write_check(&writes[i], err))
            return false;
    return count == 0 || store->ops->apply(store, writes, count, err);
}

bool store_get(struct store *store, struct str key, struct buf *value,
               int64_t *version, bool *found, struct err *err) {
    struct store_found there = {0};
    bool               ok;

    assert(!store->scanning);
    if (value)
        buf_clear(value);
    ok = key_check(key, err) && store->ops->get(store, key, value, &there, err);
    *found = there.present;
    if (version)
        *version = there.version;
    return ok;
}

struct counted {
    store_scan_fn *each;
    void          *arg;
    size_t         left;
};

static bool count_down(void *arg, struct str key, int64_t version,
                       struct str value) {
    struct counted *counted = arg;

    counted->left--;
    return counted->each(counted->arg, key, version, value) &&
           counted->left > 0;
}

static bool walk(struct store *store, struct str prefix, struct str after,
                 store_scan_fn *each, void *arg, struct err *err) {
    bool ok;

    assert(!store->scanning);
    store->scanning = true;
    ok = store->ops->scan(store, prefix, after, each, arg, err);
    store->scanning = false;
    return ok;
}

bool store_scan(struct store *store, struct str prefix, struct str after,
                size_t limit, store_scan_fn *each, void *arg, struct err *err) {
    struct counted counted = {each, arg, limit};

    return limit == 0 || walk(store, prefix, after, count_down, &counted, err);
}

bool store_scan_back(struct store *store, struct str prefix, struct str before,
                     size_t limit, store_scan_fn *each, void *arg,
                     struct err *err) {
    struct counted counted = {each, arg, limit};
    bool           ok;

    assert(!store->scanning);
    store->scanning = true;
    ok = limit == 0 || store->ops->scan_back(store, prefix, before, count_down,
                                             &counted, err);
    store->scanning = false;
    return ok;
}

bool store_size(struct store *store, struct store_size *size, struct err *err) {
    assert(!store->scanning);
    *size = (struct store_size){0, 0};
    return store->ops->size(store, size, err);
}

/* Other keys may stand between two entries ("s/0000000001/x"), so those that
 * are no entries of this stream are passed over. Only a reader that has
 * enough may leave entries out. */
struct reading {
    store_scan_fn *each;
    void          *arg;
    size_t         key_len;
    int64_t        next, length;
    bool           enough;
};

static bool read_entry(void *arg, struct str key, int64_t version,
                       struct str value) {
    struct reading *reading = arg;
    int64_t         n = 0;

    if (key.len != reading->key_len || !entry_like(key))
        return true;
    (void)str_to_int((struct str){key.data + key.len - 10, 10}, &n);
    if (n != reading->next)
        return false;
    reading->next++;
    reading->enough = !reading->each(reading->arg, key, version, value);
    return !reading->enough && n < reading->length;
}

static bool read_entries(struct store *store, struct str stream,
                         struct reading *reading, struct err *err) {
    struct buf after = BUF_EMPTY;
    struct str prefix;
    bool       ok;

    store_entry_key(&after, stream, reading->next - 1);
    prefix = (struct str){after.data, stream.len + 1};
    ok = walk(store, prefix, buf_str(&after), read_entry, reading, err);
    buf_release(&after);
    if (ok && !reading->enough && reading->next <= reading->length)
        return err_set(err, ERR_CONFLICT,
                       "store: entry %lld of the %lld of %.*s is missing",
                       (long long)reading->next, (long long)reading->length,
                       STR_ARG(stream));
    return ok;
}

bool store_stream_read(struct store *store, struct str stream, int64_t from,
                       store_scan_fn *each, void *arg, struct err *err) {
    struct reading reading = {.each = each,
                              .arg = arg,
                              .key_len = stream.len + STORE_ENTRY_TAIL,
                              .next = from};

    if (from < 1)
        return err_set(err, ERR_INVALID,
                       "store: %.*s is read from entry %lld, the first is 1",
                       STR_ARG(stream), (long long)from);
    if (!store_stream_length(store, stream, &reading.length, err))
        return false;
    return from > reading.length || read_entries(store, stream, &reading, err);
}

bool store_stream_length(struct store *store, struct str stream,
                         int64_t *length, struct err *err) {
    struct store_found found = {0};

    assert(!store->scanning);
    *length = 0;
    if (!key_check(stream, err) ||
        !store->ops->get(store, stream, NULL, &found, err))
        return false;
    if (found.present && !found.stream)
        return err_set(err, ERR_INVALID,
                       "store: %.*s is a record, not a stream",
                       STR_ARG(stream));
    *length = found.version;
    return true;
}

bool store_blob_put(struct store *store, struct str bytes,
                    char hash[STORE_HASH_SIZE], struct err *err) {
    struct buf hex = BUF_EMPTY;

    assert(!store->scanning);
    if (bytes.len > STORE_BLOB_MAX)
        return err_set(err, ERR_LIMIT,
                       "store: a blob of %zu bytes, the cap is %u", bytes.len,
                       STORE_BLOB_MAX);
    crypto_sha256_hex(bytes, &hex);
    assert(hex.len == STORE_HASH_SIZE - 1);
    memcpy(hash, hex.data, STORE_HASH_SIZE);
    buf_release(&hex);
    return store->ops->blob_put(store, hash, bytes, err);
}

static bool hash_check(const char *hash, struct err *err) {
    if (strlen(hash) == STORE_HASH_SIZE - 1 &&
        strspn(hash, "0123456789abcdef") == STORE_HASH_SIZE - 1)
        return true;
    return err_set(err, ERR_INVALID, "store: %.80s is not the hash of a blob",
                   hash);
}

bool store_blob_get(struct store *store, const char *hash, struct buf *bytes,
                    struct err *err) {
    struct buf actual = BUF_EMPTY;
    bool       found = false, same;

    assert(!store->scanning);
    buf_clear(bytes);
    if (!hash_check(hash, err) ||
        !store->ops->blob_get(store, hash, bytes, &found, err))
        return false;
    if (!found)
        return err_set(err, ERR_NOT_FOUND, "store: no blob %s", hash);
    crypto_sha256_hex(buf_str(bytes), &actual);
    same = str_is(buf_str(&actual), hash);
    buf_release(&actual);
    return same || err_set(err, ERR_CONFLICT,
                           "store: blob %s does not have the bytes that its "
                           "name is the hash of",
                           hash);
}

bool store_group_begin(struct store *store, struct err *err) {
    assert(!store->grouped && !store->scanning);
    store->grouped = store->ops->group_begin(store, err);
    return store->grouped;
}

/* The group is over whatever happens: after a failure there is no second
 * try. (ST3) */
bool store_group_commit(struct store *store, struct err *err) {
    assert(store->grouped && !store->scanning);
    store->grouped = false;
    return store->ops->group_commit(store, err);
}

void store_close(struct store *store) {
    if (store)
        store->ops->close(store);
}
