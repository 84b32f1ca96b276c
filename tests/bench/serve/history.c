/* history.c - a store with a past: runs that have ended, or that are parked.
 *
 *   history ended DIR COUNT    the records that a finished run leaves, without
 *                              most of its journal: run, incident, occurrence,
 *                              and a journal of ENTRIES records
 *   history parked DIR COUNT   the records of runs that wait for a far day
 *
 * Written in the order of the keys and without syncs, straight into the table:
 * a service has done this over months, here it takes a minute.
 */
#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "store/store.h"

#define ENTRIES 4

static sqlite3      *db;
static sqlite3_stmt *insert;

static void die(const char *what) {
    (void)fprintf(stderr, "history: %s: %s\n", what, sqlite3_errmsg(db));
    exit(1);
}

static void put(const char *key, const char *value) {
    (void)sqlite3_bind_text(insert, 1, key, -1, SQLITE_STATIC);
    if (value)
        (void)sqlite3_bind_blob(insert, 3, value, (int)strlen(value),
                                SQLITE_STATIC);
    else
        (void)sqlite3_bind_null(insert, 3); /* a stream */
    (void)sqlite3_bind_int(insert, 2, value ? 1 : ENTRIES);
    if (sqlite3_step(insert) != SQLITE_DONE)
        die("step");
    (void)sqlite3_reset(insert);
}

/* Ids of 26 letters, in the order of their numbers. */
static void name(char out[64], const char *prefix, unsigned number) {
    (void)snprintf(out, 64, "%s01ARZ3NDEKTSV4RRFF%08u", prefix, number);
}

static void open_file(const char *dir) {
    struct err    err;
    struct store *store = store_sqlite_open(dir, &err);
    char          path[512];

    if (!store) {
        (void)fprintf(stderr, "history: %s\n", err.text);
        exit(1);
    }
    store_close(store);
    (void)snprintf(path, sizeof path, "%s/nightshift.db", dir);
    if (sqlite3_open(path, &db) != SQLITE_OK ||
        sqlite3_exec(db,
                     "PRAGMA synchronous=OFF; PRAGMA journal_mode=DELETE;"
                     "PRAGMA cache_size=-200000; BEGIN",
                     NULL, NULL, NULL) != SQLITE_OK ||
        sqlite3_prepare_v2(db, "INSERT INTO records VALUES (?1, ?2, ?3)", -1,
                           &insert, NULL) != SQLITE_OK)
        die(path);
}

static void close_file(void) {
    (void)sqlite3_finalize(insert);
    if (sqlite3_exec(db, "COMMIT; PRAGMA journal_mode=WAL", NULL, NULL, NULL) !=
            SQLITE_OK ||
        sqlite3_close(db) != SQLITE_OK)
        die("close");
}

/* --- ended ----------------------------------------------------------------- */

static void put_incident(unsigned i) {
    char id[64], key[128];

    name(id, "inc_", i);
    (void)snprintf(key, sizeof key, "main/incident/%s", id);
    put(key, "{\"at\":1764033661436,\"key\":[\"prod\",\"checkout\"],"
             "\"playbook\":\"heal\",\"runs\":"
             "[\"run_01ARZ3NDEKTSV4RRFF00000000\"]}");
}

static void put_journal(unsigned i) {
    static char text[500];
    char        id[64], key[128];

    if (!text[0])
        (void)snprintf(text, sizeof text,
                       "{\"args\":{\"method\":\"GET\",\"note\":\"%0400d\"},"
                       "\"at\":1764033661436,\"kind\":\"read\",\"ok\":true}",
                       0);
    name(id, "run_", i);
    (void)snprintf(key, sizeof key, "main/journal/%s", id);
    put(key, NULL);
    for (int n = 1; n <= ENTRIES; n++) {
        (void)snprintf(key, sizeof key, "main/journal/%s/%010d", id, n);
        put(key, text);
    }
}

static void put_occurrence(unsigned i) {
    char key[128];

    (void)snprintf(key, sizeof key, "main/occurrence/alertmanager/%024x%08x", 0,
                   i);
    put(key, "{\"at\":1764033661436,\"delivery\":"
             "\"dlv_01ARZ3NDEKTSV4RRFF00000000\",\"key\":\"0123456789abcdef\","
             "\"run\":\"run_01ARZ3NDEKTSV4RRFF00000000\",\"started_at\":"
             "\"2026-11-23T01:21:01.436462Z\",\"state\":\"done\",\"status\":"
             "\"resolved\"}");
}

static void put_run(unsigned i) {
    char id[64], key[128], value[640];

    name(id, "run_", i);
    (void)snprintf(key, sizeof key, "main/run/%s", id);
    (void)snprintf(value, sizeof value,
                   "{\"at\":1764033661436,\"bundle\":\"%064d\",\"ended\":"
                   "1764033661999,\"fence\":1,\"holder\":1,\"incident\":{\"id\""
                   ":\"inc_01ARZ3NDEKTSV4RRFF00000000\",\"labels\":{\"cluster\""
                   ":\"prod\",\"service\":\"checkout\"}},\"key\":[\"prod\","
                   "\"checkout\"],\"outcome\":\"done\",\"playbook\":\"heal\","
                   "\"run\":\"%s\",\"state\":\"ended\",\"verdict\":null}",
                   0, id);
    put(key, value);
}

/* --- parked ---------------------------------------------------------------- */

static void put_open(unsigned i) {
    char id[64], key[128], value[640];

    name(id, "run_", i);
    (void)snprintf(key, sizeof key, "main/open/%s", id);
    (void)snprintf(value, sizeof value,
                   "{\"carried\":0,\"due\":4102444800000,\"fresh\":0,\"from\":"
                   "\"\",\"hold\":\"heal/%064u\",\"incident\":"
                   "\"inc_01ARZ3NDEKTSV4RRFF00000000\",\"lead\":1,\"lead_key\":"
                   "\"main/occurrence/alertmanager/%032x\",\"playbook\":"
                   "\"heal\",\"state\":\"parked\"}",
                   i, i);
    put(key, value);
}

int main(int argc, char **argv) {
    static void (*const ended[])(unsigned) = {put_incident, put_journal,
                                              put_occurrence, put_run, NULL};
    static void (*const parked[])(unsigned) = {put_open, NULL};
    void (*const *puts)(unsigned);
    unsigned count;

    if (argc != 4)
        return 64;
    puts = strcmp(argv[1], "parked") == 0 ? parked : ended;
    count = (unsigned)strtoul(argv[3], NULL, 10);
    open_file(argv[2]);
    for (; *puts; puts++)
        for (unsigned i = 0; i < count; i++)
            (*puts)(i);
    close_file();
    return 0;
}
