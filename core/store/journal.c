/* journal.c - append only: there is no update and no delete, so J2 and J3 are
 * kept by the shape of the code. The index maps a place to the positions of
 * its records; a slot's state is derived from them, never stored.
 */
#include "store/journal.h"

#include <assert.h>
#include <string.h>

#include "base/fault.h"
#include "base/mem.h"
#include "store/audit.h"
#include "sys/crypto.h"

#define BLOB_FROM (64u << 10)

/* Of our own records when they are read back: an answer within its own caps
 * stands a few levels down in one. */
static const struct json_caps caps = {64u << 20, 128};
#define MORE_MAX 2

struct journal {
    struct queue *queue;
    char         *stream;
    struct json  *records; /* list */
    struct json  *slots;   /* place -> { asked, answer } as positions */
};

struct journal *journal_open(struct queue *queue, const char *run) {
    struct journal *journal = mem_new(sizeof *journal);
    struct buf      stream = BUF_EMPTY;

    buf_addf(&stream, "main/journal/%s", run);
    journal->queue = queue;
    journal->stream = buf_take(&stream);
    journal->records = json_new_list();
    journal->slots = json_new_map();
    return journal;
}

void journal_close(struct journal *journal) {
    if (!journal)
        return;
    json_release(journal->records);
    json_release(journal->slots);
    mem_free(journal->stream);
    mem_free(journal);
}

void journal_place(struct buf *out, struct str node, int visit,
                   const char *phase, int ordinal) {
    buf_addf(out, "%.*s/%04d/%s/-/%04d", STR_ARG(node), visit, phase, ordinal);
}

/* --- the index -------------------------------------------------------- */

static const struct json *record_at(const struct journal *journal,
                                    const struct json *entry, const char *key) {
    int64_t at = json_find_int(entry, key, -1);

    return at < 0 ? NULL : json_at(journal->records, (size_t)at);
}

static void index_record(struct journal *journal, const struct json *record,
                         int64_t at) {
    struct str   kind = json_find_text(record, "kind");
    struct str   place = json_find_text(record, "slot");
    struct json *entry = json_find_str(journal->slots, place);

    if (place.len == 0)
        return;
    if (!entry || str_is(kind, "reopen")) {
        json_put_str(journal->slots, place, json_new_map());
        entry = json_find_str(journal->slots, place);
    }
    if (str_is(kind, "read") || str_is(kind, "intent") || str_is(kind, "wait"))
        json_put_int(entry, "asked", at);
    if (str_is(kind, "result") || str_is(kind, "read"))
        json_put_int(entry, "answer", at);
}

bool journal_slot(const struct journal *journal, struct str place,
                  struct str digest, const char *question, struct slot *slot,
                  struct err *err) {
    const struct json *entry = json_find_str(journal->slots, place);

    *slot = (struct slot){.state = SLOT_NEW};
    slot->asked = record_at(journal, entry, "asked");
    slot->answer = record_at(journal, entry, "answer");
    if (!slot->asked)
        return true;
    slot->digest = json_find_text(slot->asked, "digest");
    /* The node took another path than last time. Going on would pair this
     * question with some other question's answer, so the run stops. (J2) */
    if (!str_equal(slot->digest, digest)) {
        struct buf held = BUF_EMPTY;

        json_write(json_find(slot->asked, "args"), &held);
        err_set(err, ERR_DIVERGED,
                "slot %.*s holds %.*s %.150s, now asked %.200s", STR_ARG(place),
                STR_ARG(json_find_text(slot->asked, "effect")), buf_text(&held),
                question);
        buf_release(&held);
        return false;
    }
    if (slot->answer)
        slot->state = SLOT_DONE;
    else
        slot->state = str_is(json_find_text(slot->asked, "kind"), "wait")
                          ? SLOT_WAITING
                          : SLOT_UNKNOWN;
    return true;
}

bool journal_answered(const struct journal *journal, struct str place) {
    return json_find(json_find_str(journal->slots, place), "answer") != NULL;
}

const struct json *journal_records(const struct journal *journal) {
    return journal->records;
}

/* --- writing ---------------------------------------------------------- */

struct job {
    struct str         stream;
    int64_t            length; /* of the stream before this record */
    struct buf         record, blob, keys[MORE_MAX], values[MORE_MAX];
    struct json       *audit;
    struct store_write more[MORE_MAX];
    size_t             more_count;
    queue_done_fn     *done;
    void              *arg;
};

static void job_release(struct job *job) {
    for (size_t i = 0; i < MORE_MAX; i++) {
        buf_release(&job->keys[i]);
        buf_release(&job->values[i]);
    }
    buf_release(&job->record);
    buf_release(&job->blob);
    json_release(job->audit);
    mem_free((char *)job->stream.data);
    mem_free(job);
}

/* On the store thread: the record, its audit and what goes with them. (J4) */
static bool write_job(struct store *store, void *arg, struct err *err) {
    struct job        *job = arg;
    struct store_write writes[2 + MORE_MAX];
    size_t             count = 0;
    struct audit_head  head;
    struct buf         audit = BUF_EMPTY;
    char               hash[STORE_HASH_SIZE];
    bool               ok = true;

    if (job->blob.len)
        ok = store_blob_put(store, buf_str(&job->blob), hash, err);
    writes[count++] = (struct store_write){STORE_APPEND, job->stream,
                                           job->length, buf_str(&job->record)};
    if (ok && job->audit) {
        ok = audit_head_read(store, &head, err);
        if (ok)
            writes[count++] = audit_append(&head, job->audit, &audit);
    }
    for (size_t i = 0; i < job->more_count; i++)
        writes[count++] = job->more[i];
    fault_pass(FAULT_JOURNAL_BUILT);
    ok = ok && store_batch(store, writes, count, err);
    if (ok && job->audit)
        audit_head_keep(store, &head);
    buf_release(&audit);
    return ok || err_wrap(err, "%.*s", STR_ARG(job->stream));
}

static void job_done(void *arg, const struct err *err) {
    struct job    *job = arg;
    queue_done_fn *done = job->done;
    void          *owner = job->arg;

    job_release(job);
    if (done)
        done(owner, err);
}

/* The text of a record for the store: a large one becomes a blob, and the
 * entry names it. */
static void write_record(const struct json *record, struct job *job) {
    struct buf hex = BUF_EMPTY;

    json_write(record, &job->record);
    if (job->record.len <= BLOB_FROM)
        return;
    crypto_sha256_hex(buf_str(&job->record), &hex);
    job->blob = job->record;
    job->record = (struct buf)BUF_EMPTY;
    buf_addf(&job->record, "{\"blob\":\"%s\"}", buf_text(&hex));
    buf_release(&hex);
}

static void copy_writes(struct job *job, const struct store_write *more,
                        size_t count) {
    assert(count <= MORE_MAX);
    job->more_count = count;
    for (size_t i = 0; i < count; i++) {
        job->more[i] = more[i];
        buf_add_str(&job->keys[i], more[i].key);
        buf_add_str(&job->values[i], more[i].value);
        job->more[i].key = buf_str(&job->keys[i]);
        job->more[i].value = buf_str(&job->values[i]);
    }
}

void journal_add(struct journal *journal, struct json *record,
                 struct json *audit, const struct store_write *more,
                 size_t more_count, queue_done_fn *done, void *arg) {
    struct job *job = mem_new(sizeof *job);
    int64_t     at = (int64_t)json_count(journal->records);

    job->stream.len = strlen(journal->stream);
    job->stream.data = mem_text(journal->stream, job->stream.len);
    job->length = at;
    job->audit = audit;
    job->done = done;
    job->arg = arg;
    write_record(record, job);
    copy_writes(job, more, more_count);
    json_append(journal->records, record);
    index_record(journal, record, at);
    /* A failed append leaves the stream shorter than every later job expects,
     * so nothing can be added after a record that was lost. */
    queue_post(journal->queue, write_job, job_done, job);
}

/* --- reading ---------------------------------------------------------- */

/* Takes `entry`; gives the record that it is, or that it names. */
static struct json *fetch_record(struct store *store, struct json *entry,
                                 struct err *err) {
    const struct json *hash = json_find(entry, "blob");
    struct buf         bytes = BUF_EMPTY;
    struct json       *record = NULL;

    if (!hash)
        return entry;
    if (store_blob_get(store, json_text(hash).data, &bytes, err))
        record = json_parse(buf_str(&bytes), &caps, err);
    buf_release(&bytes);
    json_release(entry);
    return record;
}

struct loading {
    struct json *entries;
    struct err  *err;
    bool         ok;
};

static bool load_entry(void *arg, struct str key, int64_t version,
                       struct str value) {
    struct loading *l = arg;
    struct json    *entry = json_parse(value, &caps, l->err);

    (void)version;
    l->ok = entry != NULL;
    if (!l->ok)
        return err_wrap(l->err, "%.*s", STR_ARG(key));
    json_append(l->entries, entry);
    return true;
}

/* Blobs are fetched when the scan is over: a scan must not call the store. */
bool journal_load(struct journal *journal, struct store *store,
                  struct err *err) {
    struct loading l = {json_new_list(), err, true};
    bool           ok;

    ok = store_stream_read(store, str_of(journal->stream), 1, load_entry, &l,
                           err) &&
         l.ok;
    for (size_t i = 0; ok && i < json_count(l.entries); i++) {
        struct json *record =
            fetch_record(store, json_retain(json_at(l.entries, i)), err);

        ok = record != NULL;
        if (!ok)
            break;
        json_append(journal->records, record);
        index_record(journal, record, (int64_t)i);
    }
    json_release(l.entries);
    return ok || err_wrap(err, "%s", journal->stream);
}
