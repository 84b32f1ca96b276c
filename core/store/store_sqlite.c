/* store_sqlite.c - records in one table, in the order of their keys.
 *
 * Exactly one connection writes and checkpoints: the lock file keeps other
 * nightshifts out and locking_mode=EXCLUSIVE everybody else, because two
 * connections can hit a race in SQLite before 3.51.3 that corrupts the WAL.
 * Every write says what it expects in its own WHERE, so an expectation that
 * does not hold is a statement that changed no row. After any other failure
 * the store is spent: each later call repeats the first failure, nothing is
 * checkpointed, and only opening again leads on. (ST3)
 */
#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <sqlite3.h>

#include "base/fault.h"
#include "base/mem.h"
#include "store/store.h"
#include "store/store_private.h"
#include "sys/crypto.h"
#include "sys/file.h"

#define TEXT_OF(macro) TEXT_OF_(macro)
#define TEXT_OF_(token) #token
#define APPLICATION_ID 0x4e736866 /* "Nshf", at byte 68 of the file */
#define CHECKPOINT_PAGES 1000     /* of the WAL; 4 MB */

/* A value that is NULL marks a stream; its length is its version. The schema
 * number must stay readable in this place for ever. */
static const char create[] = "PRAGMA application_id = " TEXT_OF(
    APPLICATION_ID) ";"
                    "CREATE TABLE records (key TEXT PRIMARY KEY, version "
                    "INTEGER NOT NULL,"
                    " value BLOB) WITHOUT ROWID;"
                    "CREATE TABLE blobs (hash TEXT PRIMARY KEY, bytes BLOB NOT "
                    "NULL)"
                    " WITHOUT ROWID;"
                    "INSERT INTO records VALUES ('" STORE_SCHEMA_KEY
                    "', 1, x'31');";

/* ?1 is a key, ?2 a value, ?3 the version that is expected, ?4 how many are
 * appended. */
#define STATEMENTS(X)                                                       \
    X(BEGIN, "BEGIN IMMEDIATE")                                             \
    X(COMMIT, "COMMIT")                                                     \
    X(ROLLBACK, "ROLLBACK")                                                 \
    X(PART_BEGIN, "SAVEPOINT part")                                         \
    X(PART_KEEP, "RELEASE part")                                            \
    X(PART_BACK, "ROLLBACK TO part")                                        \
    X(FIND, "SELECT version, value IS NULL FROM records WHERE key = ?1")    \
    X(GET, "SELECT version, value IS NULL, value FROM records"              \
           " WHERE key = ?1")                                               \
    X(SCAN, "SELECT key, version, value FROM records WHERE key >= ?1"       \
            " ORDER BY key")                                                \
    X(SCAN_BACK, "SELECT key, version, value FROM records WHERE key < ?1"   \
                 " ORDER BY key DESC")                                      \
    X(INSERT, "INSERT INTO records VALUES (?1, 1, ?2)"                      \
              " ON CONFLICT DO NOTHING")                                    \
    X(SWAP, "UPDATE records SET version = version + 1, value = ?2"          \
            " WHERE key = ?1 AND version = ?3 AND value IS NOT NULL")       \
    X(REMOVE, "DELETE FROM records"                                         \
              " WHERE key = ?1 AND version = ?3 AND value IS NOT NULL")     \
    X(STREAM_NEW, "INSERT INTO records VALUES (?1, ?4, NULL)"               \
                  " ON CONFLICT DO NOTHING")                                \
    X(STREAM_GROW, "UPDATE records SET version = version + ?4"              \
                   " WHERE key = ?1 AND version = ?3 AND value IS NULL")    \
    X(STREAM_CUT, "UPDATE records SET version = ?2"                         \
                  " WHERE key = ?1 AND version = ?3 AND value IS NULL")     \
    X(STREAM_END, "DELETE FROM records"                                     \
                  " WHERE key = ?1 AND version = ?3 AND value IS NULL")     \
    X(ENTRY_CUT, "DELETE FROM records WHERE key = ?1 AND version = 1"       \
                 " AND value IS NOT NULL")                                  \
    X(BLOB_DROP, "DELETE FROM blobs WHERE hash = ?1")                       \
    X(PAGES, "SELECT page_count * page_size, freelist_count * page_size"    \
             " FROM pragma_page_count, pragma_freelist_count,"              \
             " pragma_page_size")                                           \
    X(BLOB_PUT, "INSERT INTO blobs VALUES (?1, ?2) ON CONFLICT DO NOTHING") \
    X(BLOB_GET, "SELECT bytes FROM blobs WHERE hash = ?1")

enum statement {
#define X(id, sql) DO_##id,
    STATEMENTS(X)
#undef X
        DO_COUNT
};

static const char *const statements[] = {
#define X(id, sql) sql,
    STATEMENTS(X)
#undef X
};

struct sqlite {
    struct store      store;
    sqlite3          *db;
    sqlite3_stmt     *ready[DO_COUNT];
    struct buf        path;
    struct file_lock *lock;
    int               wal_pages;
    bool              half; /* a stream has grown, its entries are not there */
    bool              spent;
    struct err        failure; /* the first one, when spent */
};

/* --- failures ---------------------------------------------------------- */

/* What SQLite says, without consequences: while opening. */
static bool refuse(struct sqlite *sqlite, const char *doing, struct err *err) {
    int rc = sqlite3_extended_errcode(sqlite->db);

    if ((rc & 0xff) == SQLITE_BUSY)
        return err_set(err, ERR_HELD,
                       "%s: another program, not a nightshift, has it open",
                       buf_text(&sqlite->path));
    if ((rc & 0xff) == SQLITE_NOTADB)
        return err_set(err, ERR_INVALID, "%s is not a store of nightshift",
                       buf_text(&sqlite->path));
    return err_set(err, ERR_IO, "%s: %s: %s (SQLite %d)",
                   buf_text(&sqlite->path), doing, sqlite3_errmsg(sqlite->db),
                   rc);
}

static bool spend(struct sqlite *sqlite, const char *doing, struct err *err) {
    if (!sqlite->spent) {
        sqlite->spent = true;
        err_set(&sqlite->failure, ERR_IO,
                "%s: %s: %s (SQLite %d); nothing more is accepted until "
                "nightshift is restarted",
                buf_text(&sqlite->path), doing, sqlite3_errmsg(sqlite->db),
                sqlite3_extended_errcode(sqlite->db));
    }
    *err = sqlite->failure;
    return false;
}

static bool usable(const struct sqlite *sqlite, struct err *err) {
    if (sqlite->spent)
        *err = sqlite->failure;
    return !sqlite->spent;
}

/* --- statements -------------------------------------------------------- */

static void bind(struct sqlite *sqlite, enum statement which, struct str key) {
    int rc =
        sqlite3_bind_text(sqlite->ready[which], 1, key.data ? key.data : "",
                          (int)key.len, SQLITE_STATIC);

    assert(rc == SQLITE_OK);
    (void)rc;
}

static void bind_value(struct sqlite *sqlite, enum statement which,
                       struct str value) {
    int rc =
        sqlite3_bind_blob(sqlite->ready[which], 2, value.len ? value.data : "",
                          (int)value.len, SQLITE_STATIC);

    assert(rc == SQLITE_OK);
    (void)rc;
}

/* Bindings are borrowed, so they go with the call. */
static void done(struct sqlite *sqlite, enum statement which) {
    (void)sqlite3_reset(sqlite->ready[which]);
    (void)sqlite3_clear_bindings(sqlite->ready[which]);
}

static bool run(struct sqlite *sqlite, enum statement which, struct err *err) {
    bool ok = sqlite3_step(sqlite->ready[which]) == SQLITE_DONE ||
              spend(sqlite, statements[which], err);

    done(sqlite, which);
    return ok;
}

static struct str column(sqlite3_stmt *row, int index) {
    const void *data = sqlite3_column_blob(row, index);

    return (struct str){data ? data : "",
                        (size_t)sqlite3_column_bytes(row, index)};
}

/* One row, or none: leaves the statement on it, for the caller to be done. */
static bool step(struct sqlite *sqlite, enum statement which, bool *row,
                 struct err *err) {
    int rc = sqlite3_step(sqlite->ready[which]);

    *row = rc == SQLITE_ROW;
    return *row || rc == SQLITE_DONE || spend(sqlite, statements[which], err);
}

/* --- a batch ----------------------------------------------------------- */

static bool look(struct sqlite *sqlite, enum statement which, struct str key,
                 struct buf *value, struct store_found *found,
                 struct err *err) {
    sqlite3_stmt *row = sqlite->ready[which];
    bool          ok;

    bind(sqlite, which, key);
    ok = step(sqlite, which, &found->present, err);
    if (found->present) {
        found->version = sqlite3_column_int64(row, 0);
        found->stream = sqlite3_column_int(row, 1) != 0;
        if (value)
            buf_add_str(value, column(row, 2));
    }
    done(sqlite, which);
    return ok;
}

static enum statement statement_for(const struct store_write *write) {
    switch (write->kind) {
    case STORE_INSERT: return DO_INSERT;
    case STORE_SWAP: return DO_SWAP;
    case STORE_REMOVE: return DO_REMOVE;
    case STORE_DROP: return DO_BLOB_DROP;
    case STORE_CUT: return store_cut_to(write) ? DO_STREAM_CUT : DO_STREAM_END;
    default: return write->expected == 0 ? DO_STREAM_NEW : DO_STREAM_GROW;
    }
}

static bool expects_version(enum statement which) {
    return which == DO_SWAP || which == DO_REMOVE || which == DO_STREAM_GROW ||
           which == DO_STREAM_CUT || which == DO_STREAM_END;
}

/* Why did the write change nothing? */
static bool unmet(struct sqlite *sqlite, const struct store_write *write,
                  struct err *err) {
    struct store_found found = {0};

    if (!look(sqlite, DO_FIND, write->key, NULL, &found, err))
        return false;
    if (store_expect(write, found, err))
        return spend(sqlite, "a write that should hold did not", err);
    return false;
}

/* Behind its stream's new length, so what stands there is damage. */
static bool put_entry(struct sqlite *sqlite, const struct store_write *write,
                      struct err *err) {
    struct buf key = BUF_EMPTY;
    bool       ok;

    store_entry_key(&key, write->key, write->expected + 1);
    bind(sqlite, DO_INSERT, buf_str(&key));
    bind_value(sqlite, DO_INSERT, write->value);
    ok = run(sqlite, DO_INSERT, err);
    if (ok && sqlite3_changes(sqlite->db) == 0)
        ok = err_set(err, ERR_CONFLICT,
                     "store: %s is there, but its stream is shorter",
                     buf_text(&key));
    buf_release(&key);
    return ok;
}

static bool cut_entries(struct sqlite *sqlite, const struct store_write *write,
                        struct err *err) {
    struct buf key = BUF_EMPTY;
    bool       ok = true;

    for (int64_t n = write->expected; ok && n > store_cut_to(write); n--) {
        buf_clear(&key);
        store_entry_key(&key, write->key, n);
        bind(sqlite, DO_ENTRY_CUT, buf_str(&key));
        ok = run(sqlite, DO_ENTRY_CUT, err);
    }
    buf_release(&key);
    return ok;
}

/* How many of the writes append to one stream, one behind the other. */
static size_t appended(const struct store_write *writes, size_t count) {
    size_t same = 1;

    while (writes[0].kind == STORE_APPEND && same < count &&
           writes[same].kind == STORE_APPEND &&
           writes[same].expected == writes[0].expected + (int64_t)same &&
           str_equal(writes[same].key, writes[0].key))
        same++;
    return same;
}

/* `count` of them, all appends to one stream when it is more than one. */
static bool put(struct sqlite *sqlite, const struct store_write *writes,
                size_t count, struct err *err) {
    const struct store_write *write = writes;
    enum statement            which = statement_for(write);
    bool                      ok = true;

    bind(sqlite, which, write->key);
    if (which == DO_INSERT || which == DO_SWAP)
        bind_value(sqlite, which, write->value);
    if (which == DO_STREAM_CUT)
        (void)sqlite3_bind_int64(sqlite->ready[which], 2, store_cut_to(write));
    if (expects_version(which))
        (void)sqlite3_bind_int64(sqlite->ready[which], 3, write->expected);
    if (write->kind == STORE_APPEND)
        (void)sqlite3_bind_int64(sqlite->ready[which], 4, (int64_t)count);
    if (!run(sqlite, which, err))
        return false;
    if (sqlite3_changes(sqlite->db) == 0 && which != DO_BLOB_DROP)
        return unmet(sqlite, write, err);
    if (write->kind == STORE_CUT)
        return cut_entries(sqlite, write, err);
    sqlite->half = write->kind == STORE_APPEND;
    for (size_t i = 0; ok && sqlite->half && i < count; i++)
        ok = put_entry(sqlite, &writes[i], err);
    sqlite->half = sqlite->half && !ok;
    return ok;
}

/* The refusal that is being reported must not be lost to a second failure,
 * so that one goes into the spent store alone. */
static void take_back(struct sqlite *sqlite, bool grouped) {
    struct err ignored;

    if (!usable(sqlite, &ignored))
        return;
    (void)(grouped ? run(sqlite, DO_PART_BACK, &ignored) &&
                         run(sqlite, DO_PART_KEEP, &ignored)
                   : run(sqlite, DO_ROLLBACK, &ignored));
}

/* Ours and not SQLite's own, which keeps a failure to itself. What was
 * committed is safe in the WAL, so the failure is the next caller's. */
static void checkpoint(struct sqlite *sqlite) {
    struct err later;

    fault_pass(FAULT_STORE_BEFORE_CHECKPOINT);
    if (sqlite3_wal_checkpoint_v2(sqlite->db, NULL, SQLITE_CHECKPOINT_PASSIVE,
                                  NULL, NULL) != SQLITE_OK)
        spend(sqlite, "checkpoint", &later);
    fault_pass(FAULT_STORE_AFTER_CHECKPOINT);
}

static bool commit(struct sqlite *sqlite, struct err *err) {
    fault_pass(FAULT_STORE_BEFORE_COMMIT);
    if (!run(sqlite, DO_COMMIT, err))
        return false;
    fault_pass(FAULT_STORE_AFTER_COMMIT);
    if (sqlite->wal_pages >= CHECKPOINT_PAGES)
        checkpoint(sqlite);
    return true;
}

static bool put_all(struct sqlite *sqlite, const struct store_write *writes,
                    size_t count, struct err *err) {
    size_t same;

    for (size_t i = 0; i < count; i += same) {
        same = appended(writes + i, count - i);
        if (!put(sqlite, writes + i, same, err))
            return false;
    }
    return true;
}

/* Within a group, and nothing but records for one stream: the one statement
 * that makes it longer decides for all, so there is nothing to take back, and
 * a savepoint would copy every page that is touched. */
static bool append(struct sqlite *sqlite, const struct store_write *writes,
                   size_t count, struct err *err) {
    bool ok = put(sqlite, writes, count, err);

    if (!ok && sqlite->half)
        spend(sqlite, "an entry stands behind the end of its stream", err);
    return ok;
}

static bool apply(struct store *store, const struct store_write *writes,
                  size_t count, struct err *err) {
    struct sqlite *sqlite = (struct sqlite *)store;
    bool           grouped = store->grouped, ok;

    if (!usable(sqlite, err))
        return false;
    if (grouped && writes[0].kind == STORE_APPEND &&
        appended(writes, count) == count)
        return append(sqlite, writes, count, err);
    if (!run(sqlite, grouped ? DO_PART_BEGIN : DO_BEGIN, err))
        return false;
    ok = put_all(sqlite, writes, count, err);
    if (!ok)
        take_back(sqlite, grouped);
    else
        ok = grouped ? run(sqlite, DO_PART_KEEP, err) : commit(sqlite, err);
    return ok;
}

/* --- reading, blobs, groups -------------------------------------------- */

static bool get(struct store *store, struct str key, struct buf *value,
                struct store_found *found, struct err *err) {
    struct sqlite *sqlite = (struct sqlite *)store;

    return usable(sqlite, err) &&
           look(sqlite, value ? DO_GET : DO_FIND, key, value, found, err);
}

/* Is the row within the prefix, and past the key that it must be past? */
static bool show(sqlite3_stmt *row, struct str prefix, struct str after,
                 store_scan_fn *each, void *arg) {
    struct str key = column(row, 0);
    struct str start = {key.data, prefix.len};

    if (key.len < prefix.len || !str_equal(start, prefix))
        return false;
    return str_equal(key, after) ||
           each(arg, key, sqlite3_column_int64(row, 1), column(row, 2));
}

static bool scan(struct store *store, struct str prefix, struct str after,
                 store_scan_fn *each, void *arg, struct err *err) {
    struct sqlite *sqlite = (struct sqlite *)store;
    bool           row = true, ok;

    if (!usable(sqlite, err))
        return false;
    bind(sqlite, DO_SCAN, str_compare(after, prefix) > 0 ? after : prefix);
    do
        ok = step(sqlite, DO_SCAN, &row, err);
    while (row && show(sqlite->ready[DO_SCAN], prefix, after, each, arg));
    done(sqlite, DO_SCAN);
    return ok;
}

/* No byte of UTF-8 is 0xff, so that is behind all that begin with prefix. */
static bool scan_back(struct store *store, struct str prefix, struct str before,
                      store_scan_fn *each, void *arg, struct err *err) {
    struct sqlite *sqlite = (struct sqlite *)store;
    struct buf     end = BUF_EMPTY;
    bool           row = true, ok;

    if (!usable(sqlite, err))
        return false;
    buf_add_str(&end, prefix);
    buf_add_char(&end, '\xff');
    if (before.len && str_compare(before, buf_str(&end)) < 0) {
        buf_clear(&end);
        buf_add_str(&end, before);
    }
    bind(sqlite, DO_SCAN_BACK, buf_str(&end));
    do
        ok = step(sqlite, DO_SCAN_BACK, &row, err);
    while (row && show(sqlite->ready[DO_SCAN_BACK], prefix, before, each, arg));
    done(sqlite, DO_SCAN_BACK);
    buf_release(&end);
    return ok;
}

static bool size_of(struct store *store, struct store_size *size,
                    struct err *err) {
    struct sqlite *sqlite = (struct sqlite *)store;
    sqlite3_stmt  *row = sqlite->ready[DO_PAGES];
    bool           there = false, ok;

    if (!usable(sqlite, err))
        return false;
    ok = step(sqlite, DO_PAGES, &there, err);
    if (there) {
        size->bytes = sqlite3_column_int64(row, 0);
        size->free_bytes = sqlite3_column_int64(row, 1);
    }
    done(sqlite, DO_PAGES);
    return ok;
}

static bool blob_put(struct store *store, const char *hash, struct str bytes,
                     struct err *err) {
    struct sqlite *sqlite = (struct sqlite *)store;

    if (!usable(sqlite, err) ||
        (!store->grouped && !run(sqlite, DO_BEGIN, err)))
        return false;
    bind(sqlite, DO_BLOB_PUT, str_of(hash));
    bind_value(sqlite, DO_BLOB_PUT, bytes);
    if (!run(sqlite, DO_BLOB_PUT, err))
        return false;
    fault_pass(FAULT_STORE_BLOB_WRITTEN);
    return store->grouped || commit(sqlite, err);
}

static bool blob_get(struct store *store, const char *hash, struct buf *bytes,
                     bool *found, struct err *err) {
    struct sqlite *sqlite = (struct sqlite *)store;
    bool           ok;

    if (!usable(sqlite, err))
        return false;
    bind(sqlite, DO_BLOB_GET, str_of(hash));
    ok = step(sqlite, DO_BLOB_GET, found, err);
    if (*found)
        buf_add_str(bytes, column(sqlite->ready[DO_BLOB_GET], 0));
    done(sqlite, DO_BLOB_GET);
    return ok;
}

static bool group_begin(struct store *store, struct err *err) {
    struct sqlite *sqlite = (struct sqlite *)store;

    return usable(sqlite, err) && run(sqlite, DO_BEGIN, err);
}

static bool group_commit(struct store *store, struct err *err) {
    struct sqlite *sqlite = (struct sqlite *)store;

    return usable(sqlite, err) && commit(sqlite, err);
}

/* Closing would checkpoint, which a spent store must not (ST3), and neither
 * one that was refused while it was opened. */
static void close_sqlite(struct store *store) {
    struct sqlite *sqlite = (struct sqlite *)store;
    bool           sound = sqlite->ready[DO_COUNT - 1] && !sqlite->spent;
    int            rc;

    for (int i = 0; i < DO_COUNT; i++)
        (void)sqlite3_finalize(sqlite->ready[i]);
    if (sqlite->db && !sound)
        (void)sqlite3_db_config(sqlite->db, SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, 1,
                                NULL);
    rc = sqlite3_close(sqlite->db);
    assert(rc == SQLITE_OK);
    (void)rc;
    file_lock_close(sqlite->lock);
    buf_release(&sqlite->path);
    mem_free(sqlite);
}

static const struct store_ops ops = {.apply = apply,
                                     .get = get,
                                     .scan = scan,
                                     .scan_back = scan_back,
                                     .blob_put = blob_put,
                                     .blob_get = blob_get,
                                     .size = size_of,
                                     .group_begin = group_begin,
                                     .group_commit = group_commit,
                                     .close = close_sqlite};

/* --- opening ----------------------------------------------------------- */

static bool exec(struct sqlite *sqlite, const char *sql, struct err *err) {
    return sqlite3_exec(sqlite->db, sql, NULL, NULL, NULL) == SQLITE_OK ||
           refuse(sqlite, "open", err);
}

/* The one number that a query answers with; text is read as one. */
static bool number(struct sqlite *sqlite, const char *sql, int64_t *out,
                   struct err *err) {
    sqlite3_stmt *row;
    bool          ok;

    if (sqlite3_prepare_v2(sqlite->db, sql, -1, &row, NULL) != SQLITE_OK)
        return refuse(sqlite, "open", err);
    ok = sqlite3_step(row) == SQLITE_ROW;
    *out = ok ? sqlite3_column_int64(row, 0) : 0;
    ok = ok || sqlite3_errcode(sqlite->db) == SQLITE_DONE ||
         refuse(sqlite, "open", err);
    (void)sqlite3_finalize(row);
    return ok;
}

/* --- opening: migrations (ST4) ----------------------------------------- */

static bool file_error(const char *path, const char *doing, struct err *err) {
    return err_set(err, ERR_IO, "%s: %s: %s", path, doing, strerror(errno));
}

/* Leaves an empty file that only we may read; SQLite fills it. */
static bool make_file(const char *path, int flags, struct err *err) {
    int fd =
        open(path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW | flags, 0600);
    bool ok = fd >= 0 && fchmod(fd, 0600) == 0;

    ok = ok || file_error(path, "open", err);
    if (fd >= 0)
        (void)close(fd);
    return ok;
}

static bool vacuum_into(struct sqlite *sqlite, struct str path,
                        struct err *err) {
    sqlite3_stmt *vacuum;
    bool          ok;

    if (sqlite3_prepare_v2(sqlite->db, "VACUUM INTO ?1", -1, &vacuum, NULL) !=
        SQLITE_OK)
        return refuse(sqlite, "copy", err);
    (void)sqlite3_bind_text(vacuum, 1, path.data, (int)path.len, SQLITE_STATIC);
    ok = sqlite3_step(vacuum) == SQLITE_DONE || refuse(sqlite, "copy", err);
    (void)sqlite3_finalize(vacuum);
    return ok;
}

/* DIR/nightshift.db.schema-N, whole or not there. */
static bool copy_aside(struct sqlite *sqlite, const char *dir, int64_t schema,
                       struct err *err) {
    struct buf aside = BUF_EMPTY, partial = BUF_EMPTY;
    bool       ok;

    buf_addf(&aside, "%s.schema-%lld", buf_text(&sqlite->path),
             (long long)schema);
    buf_addf(&partial, "%s.partial", buf_text(&aside));
    fault_pass(FAULT_STORE_BEFORE_COPY);
    ok = make_file(buf_text(&partial), O_TRUNC, err) &&
         vacuum_into(sqlite, buf_str(&partial), err) &&
         file_sync(buf_text(&partial), err);
    if (ok && rename(buf_text(&partial), buf_text(&aside)) != 0)
        ok = file_error(buf_text(&aside), "rename", err);
    ok = ok && file_sync(dir, err);
    if (ok)
        fault_pass(FAULT_STORE_AFTER_COPY);
    buf_release(&aside);
    buf_release(&partial);
    return ok;
}

static bool migrate(struct sqlite *sqlite, const char *const *steps,
                    int64_t from, int64_t to, struct err *err) {
    struct buf sql = BUF_EMPTY;
    bool       ok;

    buf_add_text(&sql, "BEGIN IMMEDIATE;");
    for (int64_t schema = from; schema < to; schema++)
        buf_addf(&sql, "%s;", steps[schema - 1]);
    buf_addf(&sql,
             "UPDATE records SET version = version + 1,"
             " value = CAST('%lld' AS BLOB)"
             " WHERE key = '" STORE_SCHEMA_KEY "'",
             (long long)to);
    ok = exec(sqlite, buf_text(&sql), err);
    if (ok)
        fault_pass(FAULT_STORE_BEFORE_MIGRATION);
    ok = ok && exec(sqlite, "COMMIT", err);
    buf_release(&sql);
    return ok || err_wrap(err, "migration from schema %lld to %lld",
                          (long long)from, (long long)to);
}

static bool schema_check(struct sqlite *sqlite, int64_t schema, int64_t known,
                         struct err *err) {
    if (schema > known)
        return err_set(err, ERR_INVALID,
                       "%s has schema %lld and this nightshift knows %lld: a "
                       "newer one wrote it and must be used to read it",
                       buf_text(&sqlite->path), (long long)schema,
                       (long long)known);
    if (schema < 1)
        return err_set(err, ERR_INVALID, "%s has no valid " STORE_SCHEMA_KEY,
                       buf_text(&sqlite->path));
    return true;
}

/* --- opening: the file ------------------------------------------------- */

static int on_commit(void *arg, sqlite3 *db, const char *name, int pages) {
    (void)db;
    (void)name;
    ((struct sqlite *)arg)->wal_pages = pages;
    return SQLITE_OK;
}

/* Before anything is changed: is this file ours, and how old? */
static bool recognise(struct sqlite *sqlite, int64_t *schema, int64_t known,
                      struct err *err) {
    int64_t application;

    if (!exec(sqlite,
              "PRAGMA locking_mode=EXCLUSIVE; PRAGMA temp_store=MEMORY;"
              "PRAGMA trusted_schema=OFF",
              err) ||
        !number(sqlite, "PRAGMA application_id", &application, err))
        return false;
    if (application != APPLICATION_ID)
        return err_set(err, ERR_INVALID, "%s is not a store of nightshift",
                       buf_text(&sqlite->path));
    return number(sqlite,
                  "SELECT CAST(value AS INTEGER) FROM records"
                  " WHERE key = '" STORE_SCHEMA_KEY "'",
                  schema, err) &&
           schema_check(sqlite, *schema, known, err);
}

/* A checkpoint is ours to make, see commit(). */
static bool set_up(struct sqlite *sqlite, struct err *err) {
    if (!exec(sqlite,
              "PRAGMA journal_mode=WAL; PRAGMA synchronous=FULL;"
              "PRAGMA secure_delete=ON;"
              "PRAGMA wal_autocheckpoint=0; PRAGMA cache_size=-8192;"
              "PRAGMA journal_size_limit=67108864",
              err))
        return false;
    (void)sqlite3_wal_hook(sqlite->db, on_commit, sqlite);
    return true;
}

static bool prepare(struct sqlite *sqlite, struct err *err) {
    for (int i = 0; i < DO_COUNT; i++)
        if (sqlite3_prepare_v3(sqlite->db, statements[i], -1,
                               SQLITE_PREPARE_PERSISTENT, &sqlite->ready[i],
                               NULL) != SQLITE_OK)
            return refuse(sqlite, statements[i], err);
    return true;
}

/* --- opening: a new file ------------------------------------------------ */

static bool image_of(sqlite3 *memory, struct buf *image) {
    sqlite3_int64  size;
    unsigned char *bytes;

    if (sqlite3_exec(memory, create, NULL, NULL, NULL) != SQLITE_OK)
        return false;
    bytes = sqlite3_serialize(memory, "main", &size, 0);
    if (!bytes)
        return false;
    bytes[18] = bytes[19] = 2; /* "written and read as a WAL database" */
    buf_add(image, bytes, (size_t)size);
    sqlite3_free(bytes);
    return true;
}

/* A new store is made in memory and written in one go: two fsyncs in place of
 * the seven that SQLite takes to make a database, switch it to WAL and create
 * the tables, and no half-made store to recognise later. */
static bool make_new(const struct sqlite *sqlite, struct err *err) {
    struct buf image = BUF_EMPTY;
    sqlite3   *memory = NULL;
    bool       ok = sqlite3_open(":memory:", &memory) == SQLITE_OK &&
              image_of(memory, &image);

    if (!ok)
        err_set(err, ERR_IO, "%s: create: %s", buf_text(&sqlite->path),
                sqlite3_errmsg(memory));
    (void)sqlite3_close(memory);
    ok = ok && file_write(buf_text(&sqlite->path), buf_str(&image), err);
    buf_release(&image);
    return ok;
}

/* An empty file holds nothing, whoever left it. */
static bool absent(const char *path) {
    struct stat is;

    return stat(path, &is) != 0 || is.st_size == 0;
}

/* A new database would take an old one's WAL for its own. */
static bool orphan_check(const char *path, struct err *err) {
    struct buf wal = BUF_EMPTY;
    bool       orphan;

    buf_addf(&wal, "%s-wal", path);
    orphan = !absent(buf_text(&wal));
    buf_release(&wal);
    return !orphan ||
           err_set(err, ERR_CONFLICT,
                   "%s is gone or empty, but %s-wal is there: put the file "
                   "back, or move the other away to begin anew",
                   path, path);
}

/* The mode is mended before SQLite has the file open: closing a second
 * descriptor of a file drops the locks that the process has on it. */
static bool open_file(struct sqlite *sqlite, struct err *err) {
    const char *path = buf_text(&sqlite->path);
    int         flags =
        SQLITE_OPEN_READWRITE | SQLITE_OPEN_NOMUTEX | SQLITE_OPEN_EXRESCODE;

    if (absent(path) && (!orphan_check(path, err) || !make_new(sqlite, err)))
        return false;
    if (!make_file(path, 0, err))
        return false;
    return sqlite3_open_v2(path, &sqlite->db, flags, NULL) == SQLITE_OK ||
           refuse(sqlite, "open", err);
}

/* A parent that may not be read was not made by us. */
static bool sync_names(const char *dir, struct err *err) {
    struct buf parent = BUF_EMPTY;
    bool       ok;

    buf_addf(&parent, "%s/..", dir);
    ok = file_sync(dir, err) && (access(buf_text(&parent), R_OK) != 0 ||
                                 file_sync(buf_text(&parent), err));
    buf_release(&parent);
    return ok;
}

/* What we find we shall answer for, so it must be on the disk, and what we
 * commit must not stand behind something that is not. The process before us
 * may have been killed before its sync, or have ended because of one that
 * failed; and SQLite keeps it to itself when it cannot make the name of a new
 * WAL durable. (ST3) */
static bool settle(const struct sqlite *sqlite, const char *dir,
                   struct err *err) {
    struct buf wal = BUF_EMPTY;
    bool       ok;

    buf_addf(&wal, "%s-wal", buf_text(&sqlite->path));
    ok = absent(buf_text(&wal)) || file_settle(buf_text(&wal), err);
    buf_release(&wal);
    return ok && sync_names(dir, err);
}

static bool open_db(struct sqlite *sqlite, const char *dir,
                    const char *const *steps, size_t count, struct err *err) {
    int64_t schema, known = (int64_t)count + 1;

    if (!open_file(sqlite, err) || !recognise(sqlite, &schema, known, err) ||
        !settle(sqlite, dir, err) || !set_up(sqlite, err))
        return false;
    if (schema < known && (!copy_aside(sqlite, dir, schema, err) ||
                           !migrate(sqlite, steps, schema, known, err)))
        return false;
    return prepare(sqlite, err);
}

static bool lock_directory(struct sqlite *sqlite, const char *dir,
                           struct err *err) {
    struct buf path = BUF_EMPTY;

    buf_addf(&path, "%s/lock", dir);
    sqlite->lock = file_lock_open(buf_text(&path), err);
    buf_release(&path);
    return sqlite->lock != NULL;
}

struct store *store_sqlite_open_with(const char *dir, const char *const *steps,
                                     size_t count, struct err *err) {
    struct sqlite *sqlite = mem_new(sizeof *sqlite);

    /* Its statistics of memory cost two locks for each small block; when
     * SQLite is in use already it says no and goes on as it is. */
    (void)sqlite3_config(SQLITE_CONFIG_MEMSTATUS, 0);

    sqlite->store.ops = &ops;
    buf_addf(&sqlite->path, "%s/nightshift.db", dir);
    if (file_make_directory(dir, err) && lock_directory(sqlite, dir, err) &&
        open_db(sqlite, dir, steps, count, err))
        return &sqlite->store;
    store_close(&sqlite->store);
    return NULL;
}

/* The steps from each schema to the next; there has been only one schema. */
struct store *store_sqlite_open(const char *dir, struct err *err) {
    _Static_assert(STORE_SCHEMA == 1, "a new schema needs its migration here");
    return store_sqlite_open_with(dir, NULL, 0, err);
}

/* --- looking ------------------------------------------------------------- */

#define DAMAGE_LINES 20

static void add_damage(struct buf *damage, int *lines, const char *line) {
    if (++*lines <= DAMAGE_LINES)
        buf_addf(damage, "%s%s", damage->len ? "\n" : "", line);
}

/* A page that cannot be read ends a query; that is what was looked for. */
static void look_by(struct sqlite *sqlite, const char *sql, struct buf *damage,
                    void (*each)(sqlite3_stmt *row, struct buf *damage,
                                 int *lines)) {
    sqlite3_stmt *row = NULL;
    int           lines = 0;
    int           rc = sqlite3_prepare_v2(sqlite->db, sql, -1, &row, NULL);

    while (rc == SQLITE_OK || rc == SQLITE_ROW) {
        rc = sqlite3_step(row);
        if (rc == SQLITE_ROW)
            each(row, damage, &lines);
    }
    if (rc != SQLITE_DONE)
        add_damage(damage, &lines, sqlite3_errmsg(sqlite->db));
    (void)sqlite3_finalize(row);
}

static void see_verdict(sqlite3_stmt *row, struct buf *damage, int *lines) {
    const char *text = (const char *)sqlite3_column_text(row, 0);

    if (text && strcmp(text, "ok") != 0)
        add_damage(damage, lines, text);
}

static void see_blob(sqlite3_stmt *row, struct buf *damage, int *lines) {
    struct buf hash = BUF_EMPTY, line = BUF_EMPTY;

    crypto_sha256_hex(column(row, 1), &hash);
    if (!str_equal(buf_str(&hash), column(row, 0))) {
        buf_addf(&line, "blob %.*s has other bytes than its name says",
                 STR_ARG(column(row, 0)));
        add_damage(damage, lines, buf_text(&line));
    }
    buf_release(&hash);
    buf_release(&line);
}

static bool look_at(struct sqlite *sqlite, const char *dir, bool full,
                    int64_t *schema, struct buf *damage, struct err *err) {
    const char *path = buf_text(&sqlite->path);

    if (absent(path))
        return err_set(err, ERR_NOT_FOUND, "%s is not there, or empty", path);
    if (!lock_directory(sqlite, dir, err))
        return false;
    if (sqlite3_open_v2(path, &sqlite->db,
                        SQLITE_OPEN_READWRITE | SQLITE_OPEN_NOMUTEX |
                            SQLITE_OPEN_EXRESCODE,
                        NULL) != SQLITE_OK)
        return refuse(sqlite, "open", err);
    if (!recognise(sqlite, schema, INT64_MAX, err) ||
        !exec(sqlite, "PRAGMA query_only=ON", err))
        return false;
    look_by(sqlite, full ? "PRAGMA integrity_check" : "PRAGMA quick_check",
            damage, see_verdict);
    if (full)
        look_by(sqlite, "SELECT hash, bytes FROM blobs", damage, see_blob);
    return true;
}

/* Never prepared, so that closing does not checkpoint either. */
bool store_sqlite_check(const char *dir, bool full, int64_t *schema,
                        struct buf *damage, struct err *err) {
    struct sqlite *sqlite = mem_new(sizeof *sqlite);
    bool           ok;

    sqlite->store.ops = &ops;
    buf_addf(&sqlite->path, "%s/nightshift.db", dir);
    ok = look_at(sqlite, dir, full, schema, damage, err);
    store_close(&sqlite->store);
    return ok;
}
