/* audit.c - a record's text is written once, without its hash, and the hash
 * is put into the text at the place where the order of keys wants it; so what
 * is hashed and what is stored cannot come apart. Verifying goes the other
 * way: it reads a record, writes it again without its hash and compares, byte
 * for byte, so that no second spelling of a record passes either.
 */
#include "store/audit.h"

#include <assert.h>
#include <string.h>

#include "base/json.h"
#include "store/store_private.h"
#include "sys/crypto.h"

static const char origin[STORE_HASH_SIZE] = "00000000000000000000000000000000"
                                            "00000000000000000000000000000000";

/* --- appending ---------------------------------------------------------- */

/* The members that are ours, in the order of keys; `hash` is only a place. */
struct ours {
    const struct audit_head *head;
    size_t                   next; /* in the table below */
    size_t                   hash_at;
};

static void put_place(struct ours *ours, struct buf *text) {
    ours->hash_at = text->len;
}

static void put_prev(struct ours *ours, struct buf *text) {
    buf_add_str(text, STR("\"prev\":\""));
    buf_add(text, ours->head->hash, STORE_HASH_SIZE - 1);
    buf_add_str(text, STR("\","));
}

static void put_seq(struct ours *ours, struct buf *text) {
    buf_addf(text, "\"seq\":%lld,", (long long)ours->head->length + 1);
}

static const struct {
    const char *key;
    void (*put)(struct ours *ours, struct buf *text);
} members[] = {{"hash", put_place}, {"prev", put_prev}, {"seq", put_seq}};

#define MEMBERS (sizeof members / sizeof *members)

/* Writes those of ours that belong before `key`; all when it is NULL. */
static void put_ours(struct ours *ours, const char *key, struct buf *text) {
    while (ours->next < MEMBERS &&
           (!key || strcmp(members[ours->next].key, key) < 0))
        members[ours->next++].put(ours, text);
}

/* Facts with seq and prev, without hash. The comma behind each member makes
 * the brackets' job simple: the last one becomes the closing one. */
static size_t write_record(const struct audit_head *head,
                           const struct json *facts, struct buf *text) {
    struct ours      ours = {head, 0, 0};
    struct json_walk walk = json_walk_over(facts);

    buf_clear(text);
    buf_add_char(text, '{');
    while (json_walk_next(&walk)) {
        put_ours(&ours, walk.key.data, text);
        json_write_text(walk.key, text);
        buf_add_char(text, ':');
        json_write(walk.value, text);
        buf_add_char(text, ',');
    }
    put_ours(&ours, NULL, text);
    text->data[text->len - 1] = '}';
    return ours.hash_at;
}

static void insert(struct buf *text, size_t at, const char *what, size_t len) {
    buf_reserve(text, len);
    memmove(text->data + at + len, text->data + at, text->len - at + 1);
    memcpy(text->data + at, what, len);
    text->len += len;
}

static void hash_of(struct str record, char hash[STORE_HASH_SIZE]) {
    struct buf hex = BUF_EMPTY;

    crypto_sha256_hex(record, &hex);
    assert(hex.len == STORE_HASH_SIZE - 1);
    memcpy(hash, hex.data, STORE_HASH_SIZE);
    buf_release(&hex);
}

struct store_write audit_append(struct audit_head *head,
                                const struct json *facts, struct buf *text) {
    struct store_write write = {.kind = STORE_APPEND,
                                .key = STR(AUDIT_STREAM),
                                .expected = head->length};
    char               member[STORE_HASH_SIZE + sizeof "\"hash\":\"\","];
    size_t             at;

    assert(json_is(facts, JSON_MAP) && !json_find(facts, "seq") &&
           !json_find(facts, "prev") && !json_find(facts, "hash"));
    at = write_record(head, facts, text);
    hash_of(buf_str(text), head->hash);
    (void)snprintf(member, sizeof member, "\"hash\":\"%s\",", head->hash);
    insert(text, at, member, strlen(member));
    head->length++;
    write.value = buf_str(text);
    return write;
}

/* --- reading ------------------------------------------------------------ */

/* Writes the record again, as canonical as at first, and compares. */
static bool hash_check(struct json *record, struct str text, struct err *err) {
    struct buf again = BUF_EMPTY, hash = BUF_EMPTY;
    char       actual[STORE_HASH_SIZE];
    bool       same, hashed;

    json_write(record, &again);
    same = str_equal(buf_str(&again), text);
    buf_add_str(&hash, json_find_text(record, "hash"));
    json_drop(record, "hash");
    buf_clear(&again);
    json_write(record, &again);
    hash_of(buf_str(&again), actual);
    hashed = str_is(buf_str(&hash), actual);
    buf_release(&again);
    buf_release(&hash);
    if (!same)
        return err_set(err, ERR_CONFLICT, "its text is not canonical JSON");
    return hashed || err_set(err, ERR_CONFLICT,
                             "its content does not have the hash it carries");
}

/* The record after head; moves head on. */
static bool link_check(struct audit_head *head, struct json *record,
                       struct err *err) {
    struct str prev = json_find_text(record, "prev");
    struct str hash = json_find_text(record, "hash");
    int64_t    seq = json_find_int(record, "seq", 0);

    if (seq != head->length + 1)
        return err_set(err, ERR_CONFLICT, "it says that it is number %lld",
                       (long long)seq);
    if (!str_is(prev, head->hash))
        return err_set(err, ERR_CONFLICT,
                       "it names %.*s as the hash of the record before, "
                       "which is %s",
                       STR_ARG(prev), head->hash);
    if (hash.len != STORE_HASH_SIZE - 1)
        return err_set(err, ERR_CONFLICT, "it carries no hash");
    memcpy(head->hash, hash.data, hash.len);
    head->length++;
    return true;
}

struct verifying {
    struct audit_head head;
    struct err        err;
    bool              ok;
};

static bool verify_record(void *arg, struct str key, int64_t version,
                          struct str value) {
    struct verifying *verifying = arg;
    struct err       *err = &verifying->err;
    int64_t           number = verifying->head.length + 1;
    struct json      *record = json_parse(value, &json_caps_answer, err);

    (void)key;
    (void)version;
    verifying->ok = record && link_check(&verifying->head, record, err) &&
                    hash_check(record, value, err);
    json_release(record);
    if (!verifying->ok) {
        verifying->head.length = number - 1;
        err_wrap(err, "audit record %lld", (long long)number);
    }
    return verifying->ok;
}

bool audit_verify(struct store *store, int64_t *count, struct err *err) {
    struct verifying verifying = {.ok = true};
    bool             read;

    memcpy(verifying.head.hash, origin, sizeof origin);
    read = store_stream_read(store, STR(AUDIT_STREAM), 1, verify_record,
                             &verifying, err);
    *count = verifying.head.length;
    if (!read)
        return err_wrap(err, "audit record %lld", (long long)*count + 1);
    if (!verifying.ok)
        *err = verifying.err;
    return verifying.ok;
}

static bool last_hash(struct audit_head *head, struct str text,
                      struct err *err) {
    struct json *record = json_parse(text, &json_caps_answer, err);
    struct str   hash = json_find_text(record, "hash");
    bool         ok = record != NULL;

    if (ok && hash.len != STORE_HASH_SIZE - 1)
        ok = err_set(err, ERR_CONFLICT, "it carries no hash");
    if (ok)
        memcpy(head->hash, hash.data, hash.len);
    json_release(record);
    return ok || err_wrap(err, "audit record %lld", (long long)head->length);
}

bool audit_head_read(struct store *store, struct audit_head *head,
                     struct err *err) {
    struct buf key = BUF_EMPTY, text = BUF_EMPTY;
    bool       found = true, ok;

    memcpy(head->hash, origin, sizeof origin);
    if (!store_stream_length(store, STR(AUDIT_STREAM), &head->length, err))
        return false;
    if (head->length == 0)
        return true;
    if (head->length == store->audit.number) {
        memcpy(head->hash, store->audit.hash, sizeof head->hash);
        return true;
    }
    store_entry_key(&key, STR(AUDIT_STREAM), head->length);
    ok = store_get(store, buf_str(&key), &text, NULL, &found, err);
    if (ok && !found)
        ok = err_set(err, ERR_CONFLICT, "audit record %lld is missing",
                     (long long)head->length);
    ok = ok && last_hash(head, buf_str(&text), err);
    buf_release(&key);
    buf_release(&text);
    return ok;
}

void audit_head_keep(struct store *store, const struct audit_head *head) {
    store->audit.number = head->length;
    memcpy(store->audit.hash, head->hash, sizeof head->hash);
}
