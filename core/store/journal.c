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
#include "store/blob.h"
#include "sys/crypto.h"

#define BLOB_FROM (64u << 10)

/* Of our own records when they are read back: an answer within its own caps
 * stands a few levels down in one. */
static const struct json_caps caps = {64u << 20, 128};
#define MORE_MAX 2
#define GUARD_MAX 40
#define RECORDS_MAX 32 /* of one job */

/* What jobs and the journal share; it outlives the journal until the last job
 * is reported. `users` is the loop's, `lost` the store thread's. */
struct stream {
    char                *name;
    size_t               users;
    struct journal_guard guard; /* set before the first job */
    struct err          *lost;  /* why a record was not written */
};

struct journal {
    struct queue  *queue;
    struct stream *stream;
    struct job    *pending; /* records that nobody waits for, or NULL */
    bool           later;   /* pending ones are written soon in any case */
    bool           closed;
    struct json   *records; /* list */
    struct json   *slots;   /* place -> { asked, answer } as positions */

    journal_watch_fn *watch;
    void             *watch_arg;
};

static void post(struct journal *journal);

static struct stream *stream_use(struct stream *stream) {
    stream->users++;
    return stream;
}

static void stream_leave(struct stream *stream) {
    if (--stream->users > 0)
        return;
    mem_free(stream->name);
    mem_free(stream->lost);
    mem_free(stream);
}

struct journal *journal_open(struct queue *queue, const char *run) {
    struct journal *journal = mem_new(sizeof *journal);
    struct buf      stream = BUF_EMPTY;

    buf_addf(&stream, JOURNAL_STREAM "%s", run);
    journal->queue = queue;
    journal->stream = stream_use(mem_new(sizeof *journal->stream));
    journal->stream->name = buf_take(&stream);
    journal->records = json_new_list();
    journal->slots = json_new_map();
    return journal;
}

static void journal_free(struct journal *journal) {
    json_release(journal->records);
    json_release(journal->slots);
    stream_leave(journal->stream);
    mem_free(journal);
}

void journal_close(struct journal *journal) {
    if (!journal)
        return;
    if (journal->pending)
        post(journal);
    journal->closed = true;
    if (!journal->later)
        journal_free(journal); /* else that does */
}

void journal_guard(struct journal *journal, struct journal_guard guard) {
    journal->stream->guard = guard;
}

void journal_watch(struct journal *journal, journal_watch_fn *fn, void *arg) {
    journal->watch = fn;
    journal->watch_arg = arg;
}

void journal_place(struct buf *out, struct str node, int visit,
                   const char *phase, int ordinal, int path) {
    buf_addf(out, "%.*s/%04d/%s/", STR_ARG(node), visit, phase);
    if (path)
        buf_addf(out, "%04d.%02d/0001", ordinal, path);
    else
        buf_addf(out, "-/%04d", ordinal);
}

struct str journal_place_group(struct str place) {
    const char *dot = memchr(place.data, '.', place.len);

    return dot ? (struct str){place.data, (size_t)(dot - place.data) + 1}
               : place;
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

const struct json *journal_records(const struct journal *journal) {
    return journal->records;
}

/* --- writing ---------------------------------------------------------- */

struct job {
    struct stream     *stream;
    int64_t            length; /* of the stream before these records */
    struct buf         records;
    size_t             ends[RECORDS_MAX], count; /* where each one ends */
    struct buf         blob, keys[MORE_MAX], values[MORE_MAX];
    struct json       *audit;
    struct json       *facts; /* of the last record, for the guard; or NULL */
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
    buf_release(&job->records);
    buf_release(&job->blob);
    json_release(job->audit);
    json_release(job->facts);
    stream_leave(job->stream);
    mem_free(job);
}

/* (J5) */
static bool ask_guard(struct store *store, const struct job *job,
                      struct store_write *writes, size_t *count,
                      struct err *err) {
    const struct journal_guard *guard = &job->stream->guard;
    size_t                      used = GUARD_MAX;

    if (!job->facts)
        return true;
    if (!guard->writes(guard->arg, store, job->facts, writes + *count, &used,
                       err))
        return false;
    assert(used <= GUARD_MAX);
    *count += used;
    return true;
}

static size_t put_records(const struct job *job, struct store_write *writes) {
    size_t from = 0;

    for (size_t i = 0; i < job->count; i++) {
        writes[i] = (struct store_write){
            STORE_APPEND,
            str_of(job->stream->name),
            job->length + (int64_t)i,
            {buf_text(&job->records) + from, job->ends[i] - from}};
        from = job->ends[i];
    }
    return job->count;
}

/* The record that was refused is the last one; those before it stand. (J6) */
static bool refuse(struct store *store, const struct job *job,
                   const struct store_write *writes) {
    struct err ignored;

    (void)store_batch(store, writes, job->count - 1, &ignored);
    return false;
}

/* A run has one row for a blob, however many of its records name it. */
static bool refer(struct store *store, const struct job *job, struct buf *row,
                  struct store_write *writes, size_t *count, struct err *err) {
    const char *run = job->stream->name + strlen(JOURNAL_STREAM);
    char        hash[STORE_HASH_SIZE];
    bool        found;

    if (job->blob.len == 0)
        return true;
    if (!store_blob_put(store, buf_str(&job->blob), hash, err))
        return false;
    blob_row(row, str_of(hash), str_of(run));
    if (!store_get(store, buf_str(row), NULL, NULL, &found, err))
        return false;
    if (!found)
        writes[(*count)++] =
            (struct store_write){STORE_INSERT, buf_str(row), 0, STR("")};
    return true;
}

/* The records, the audit of the last and what goes with it. (J4) */
static bool write_batch(struct store *store, struct job *job, struct err *err) {
    struct store_write writes[RECORDS_MAX + 2 + MORE_MAX + GUARD_MAX];
    size_t             count = put_records(job, writes);
    struct audit_head  head;
    struct buf         audit = BUF_EMPTY, row = BUF_EMPTY;
    bool               ok;

    for (size_t i = 0; i < job->more_count; i++)
        writes[count++] = job->more[i];
    ok = (ask_guard(store, job, writes, &count, err) ||
          refuse(store, job, writes)) &&
         refer(store, job, &row, writes, &count, err);
    if (ok && job->audit) {
        ok = audit_head_read(store, &head, err);
        if (ok)
            writes[count++] = audit_append(&head, job->audit, &audit);
    }
    fault_pass(FAULT_JOURNAL_BUILT);
    ok = ok && store_batch(store, writes, count, err);
    if (ok && job->audit)
        audit_head_keep(store, &head);
    buf_release(&audit);
    buf_release(&row);
    return ok || err_wrap(err, "%s", job->stream->name);
}

/* Nothing is added behind a record that was lost. */
static bool is_lost(const struct stream *stream, struct err *err) {
    if (stream->lost)
        *err = *stream->lost;
    return stream->lost != NULL;
}

/* On the store thread. */
static bool write_job(struct store *store, void *arg, struct err *err) {
    struct job *job = arg;

    if (is_lost(job->stream, err))
        return false;
    if (write_batch(store, job, err))
        return true;
    job->stream->lost = mem_new(sizeof *err);
    *job->stream->lost = *err;
    return false;
}

static void job_done(void *arg, const struct err *err) {
    struct job    *job = arg;
    queue_done_fn *done = job->done;
    void          *owner = job->arg;

    job_release(job);
    if (done)
        done(owner, err);
}

static void post(struct journal *journal) {
    struct job *job = journal->pending;

    journal->pending = NULL;
    queue_post(journal->queue, write_job, job_done, job);
}

static void later(void *arg) {
    struct journal *journal = arg;

    journal->later = false;
    if (journal->pending)
        post(journal);
    if (journal->closed)
        journal_free(journal);
}

/* The text of a record for the store: a large one becomes a blob, and the
 * entry names it. */
static void write_record(const struct json *record, struct job *job) {
    struct buf hex = BUF_EMPTY;
    size_t     from = job->records.len;

    json_write(record, &job->records);
    if (job->records.len - from > BLOB_FROM) {
        buf_add(&job->blob, job->records.data + from, job->records.len - from);
        job->records.len = from;
        crypto_sha256_hex(buf_str(&job->blob), &hex);
        buf_addf(&job->records, "{\"blob\":\"%s\"}", buf_text(&hex));
        buf_release(&hex);
    }
    job->ends[job->count++] = job->records.len;
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

#define FACT_MAX 1024

static bool is_fact(const struct json *value) {
    return !json_is(value, JSON_MAP) && !json_is(value, JSON_LIST) &&
           json_text(value).len <= FACT_MAX;
}

/* What stands at the top of a record as plain values, in a map that nobody
 * else holds: the loop may go on changing the record. */
static struct json *facts_of(const struct json *record) {
    struct json     *facts = json_new_map();
    struct json_walk walk = json_walk_over(record);

    while (json_walk_next(&walk))
        if (is_fact(walk.value))
            json_put_str(facts, walk.key, json_clone(walk.value));
    return facts;
}

static bool is_guarded(const struct journal *journal,
                       const struct json    *record) {
    const struct journal_guard *guard = &journal->stream->guard;

    return guard->writes &&
           (!guard->kinds ||
            str_in(json_find_text(record, "kind"), guard->kinds));
}

/* The job that takes the next record: the one that is being gathered. */
static struct job *job_for(struct journal *journal) {
    struct job *job = journal->pending;

    if (job)
        return job;
    journal->pending = job = mem_new(sizeof *job);
    job->stream = stream_use(journal->stream);
    job->length = (int64_t)json_count(journal->records);
    return job;
}

/* Nobody waits for the record just put in, so more may come behind it. (J6) */
static bool may_gather(struct journal *journal, const struct job *job) {
    if (job->done || job->audit || job->facts || job->more_count ||
        job->blob.len || job->count == RECORDS_MAX)
        return false;
    journal->later =
        journal->later || queue_later(journal->queue, later, journal);
    return journal->later;
}

void journal_add(struct journal *journal, struct json *record,
                 struct json *audit, const struct store_write *more,
                 size_t more_count, queue_done_fn *done, void *arg) {
    struct job *job = job_for(journal);
    int64_t     at = (int64_t)json_count(journal->records);

    job->audit = audit;
    job->done = done;
    job->arg = arg;
    if (is_guarded(journal, record))
        job->facts = facts_of(record);
    write_record(record, job);
    copy_writes(job, more, more_count);
    json_append(journal->records, record);
    index_record(journal, record, at);
    if (!may_gather(journal, job))
        post(journal);
    if (journal->watch)
        journal->watch(journal->watch_arg, record);
}

static bool settle_job(struct store *store, void *arg, struct err *err) {
    struct job *job = arg;

    (void)store;
    return !is_lost(job->stream, err);
}

void journal_settle(struct journal *journal, queue_done_fn *done, void *arg) {
    struct job *job = mem_new(sizeof *job);

    if (journal->pending)
        post(journal);
    job->stream = stream_use(journal->stream);
    job->done = done;
    job->arg = arg;
    queue_post(journal->queue, settle_job, job_done, job);
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

    ok = store_stream_read(store, str_of(journal->stream->name), 1, load_entry,
                           &l, err) &&
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
    return ok || err_wrap(err, "%s", journal->stream->name);
}
