/* floor.c - libmicrohttpd and SQLite alone: what nobody can be faster than.
 *
 *   floor commit DIR GROUPS ROWS   the rows of ROWS deliveries in each of GROUPS
 *                                  commits (WAL, FULL); prints deliveries/s
 *   floor door DIR PORT            a body is one row, a thread commits what has
 *                                  gathered, and then each is answered 202
 *
 * A delivery is four rows, as the service's: its request's hash, its place
 * among the new, itself, and the ledger.
 */
#include <microhttpd.h>
#include <pthread.h>
#include <sqlite3.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#define BODY 1300
#define WAITING_MAX 1024

static sqlite3      *db;
static sqlite3_stmt *insert, *update;

static void die(const char *what) {
    (void)fprintf(stderr, "floor: %s: %s\n", what, sqlite3_errmsg(db));
    exit(1);
}

static void exec(const char *sql) {
    if (sqlite3_exec(db, sql, NULL, NULL, NULL) != SQLITE_OK)
        die(sql);
}

static void open_db(const char *dir) {
    char path[512];

    (void)snprintf(path, sizeof path, "%s/floor.db", dir);
    if (sqlite3_open(path, &db) != SQLITE_OK)
        die(path);
    exec("PRAGMA locking_mode=EXCLUSIVE; PRAGMA journal_mode=WAL;"
         "PRAGMA synchronous=FULL;"
         "CREATE TABLE records (key TEXT PRIMARY KEY, version INTEGER NOT NULL,"
         " value BLOB) WITHOUT ROWID;"
         "INSERT INTO records VALUES ('main/ledger', 1, 'x')");
    if (sqlite3_prepare_v2(db, "INSERT INTO records VALUES (?1, 1, ?2)", -1,
                           &insert, NULL) != SQLITE_OK ||
        sqlite3_prepare_v2(db,
                           "UPDATE records SET version = version + 1, value ="
                           " ?2 WHERE key = ?1",
                           -1, &update, NULL) != SQLITE_OK)
        die("prepare");
}

static void put(sqlite3_stmt *statement, const char *key, const char *value,
                size_t len) {
    (void)sqlite3_bind_text(statement, 1, key, -1, SQLITE_STATIC);
    (void)sqlite3_bind_blob(statement, 2, value, (int)len, SQLITE_STATIC);
    if (sqlite3_step(statement) != SQLITE_DONE)
        die("step");
    (void)sqlite3_reset(statement);
}

static void put_delivery(unsigned id) {
    static char body[BODY];
    char        key[128];

    (void)snprintf(key, sizeof key, "main/dedup/alertmanager/%08x%056x",
                   id * 2654435761u, 7);
    put(insert, key, "dlv_01ARZ3NDEKTSV4RRFFQ69G5FAV", 30);
    (void)snprintf(key, sizeof key, "main/new/dlv_01ARZ3NDEK%016u", id);
    put(insert, key, "", 0);
    (void)snprintf(key, sizeof key, "main/delivery/dlv_01ARZ3NDEK%016u", id);
    put(insert, key, body, sizeof body);
    put(update, "main/ledger", "1 1 1 1 1 1 1 1 1 1 1 1 1 1 1 1", 31);
}

static double now(void) {
    struct timespec at;

    (void)clock_gettime(CLOCK_MONOTONIC, &at);
    return (double)at.tv_sec + (double)at.tv_nsec / 1e9;
}

static void commit_groups(unsigned groups, unsigned rows) {
    double   from = now();
    unsigned id = 0;

    for (unsigned g = 0; g < groups; g++) {
        exec("BEGIN IMMEDIATE");
        for (unsigned i = 0; i < rows; i++)
            put_delivery(id++);
        exec("COMMIT");
    }
    printf("%.0f\n", groups * rows / (now() - from));
}

/* --- the door -------------------------------------------------------------- */

struct arrival {
    struct MHD_Connection *connection;
    char                   body[8192];
    size_t                 len;
    bool                   handed, stored;
};

static pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t  work = PTHREAD_COND_INITIALIZER;
static struct arrival *waiting[WAITING_MAX];
static size_t          count;

static void *store(void *arg) {
    unsigned        id = 0;
    struct arrival *group[WAITING_MAX];
    size_t          size;

    (void)arg;
    for (;;) {
        (void)pthread_mutex_lock(&mutex);
        while (count == 0)
            (void)pthread_cond_wait(&work, &mutex);
        memcpy(group, waiting, count * sizeof *group);
        size = count;
        count = 0;
        (void)pthread_mutex_unlock(&mutex);
        exec("BEGIN IMMEDIATE");
        for (size_t i = 0; i < size; i++)
            put_delivery(id++);
        exec("COMMIT");
        for (size_t i = 0; i < size; i++) {
            group[i]->stored = true;
            MHD_resume_connection(group[i]->connection);
        }
    }
    return NULL;
}

static void hand_over(struct arrival *arrival) {
    arrival->handed = true;
    MHD_suspend_connection(arrival->connection);
    (void)pthread_mutex_lock(&mutex);
    waiting[count++] = arrival;
    (void)pthread_cond_signal(&work);
    (void)pthread_mutex_unlock(&mutex);
}

static enum MHD_Result on_request(void *arg, struct MHD_Connection *connection,
                                  const char *url, const char *method,
                                  const char *version, const char *data,
                                  size_t *size, void **held) {
    struct arrival      *arrival = *held;
    struct MHD_Response *response;
    enum MHD_Result      result;

    (void)arg;
    (void)url;
    (void)method;
    (void)version;
    if (!arrival) {
        *held = arrival = calloc(1, sizeof *arrival);
        arrival->connection = connection;
        return MHD_YES;
    }
    if (*size) {
        if (arrival->len + *size <= sizeof arrival->body)
            memcpy(arrival->body + arrival->len, data, *size);
        arrival->len += *size;
        *size = 0;
        return MHD_YES;
    }
    if (!arrival->handed) {
        hand_over(arrival);
        return MHD_YES;
    }
    response = MHD_create_response_from_buffer(2, "{}", MHD_RESPMEM_PERSISTENT);
    result = MHD_queue_response(connection, 202, response);
    MHD_destroy_response(response);
    free(arrival);
    *held = NULL;
    return result;
}

static int serve(unsigned port) {
    pthread_t          thread;
    struct MHD_Daemon *daemon;

    if (pthread_create(&thread, NULL, store, NULL) != 0)
        return 1;
    daemon = MHD_start_daemon(
        MHD_USE_EPOLL_INTERNAL_THREAD | MHD_ALLOW_SUSPEND_RESUME,
        (uint16_t)port, NULL, NULL, on_request, NULL, MHD_OPTION_END);
    if (!daemon)
        return 1;
    printf("%u\n",
           MHD_get_daemon_info(daemon, MHD_DAEMON_INFO_BIND_PORT)->port);
    (void)fflush(stdout);
    for (;;)
        (void)pause();
}

static unsigned number(const char *text) {
    return (unsigned)strtoul(text, NULL, 10);
}

int main(int argc, char **argv) {
    if (argc < 4)
        return 64;
    open_db(argv[2]);
    if (strcmp(argv[1], "door") == 0)
        return serve(number(argv[3]));
    if (argc != 5)
        return 64;
    commit_groups(number(argv[3]), number(argv[4]));
    return 0;
}
