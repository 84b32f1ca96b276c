/* test_retention.c - what goes, what stays, and that nobody sees it half. */
#include <criterion/criterion.h>

#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/id.h"
#include "base/mem.h"
#include "graph/incident.h"
#include "graph/retention.h"
#include "store/blob.h"
#include "store/delivery.h"
#include "store/journal.h"
#include "sys/loop.h"

#define HOUR ((int64_t)3600000)
#define DAY (24 * HOUR)
#define LARGE 70000

static char          directory[] = "/tmp/nightshift-retention-XXXXXX";
static struct store *store;
static struct err    err;
static unsigned char number;

static void remove_directory(void) {
    static const char *const names[] = {"nightshift.db", "nightshift.db-wal",
                                        "lock"};
    char                     path[sizeof directory + 32];

    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        (void)snprintf(path, sizeof path, "%s/%s", directory, names[i]);
        (void)unlink(path);
    }
    (void)rmdir(directory);
}

static void open_sqlite(void) {
    cr_assert_not_null(mkdtemp(directory));
    store = store_sqlite_open(directory, &err);
    cr_assert_not_null(store, "%s", err.text);
}

static void close_sqlite(void) {
    store_close(store);
    remove_directory();
}

/* The same in both kinds of store. */
#define BOTH(name)                   \
    static void name(void);          \
    Test(retention_memory, name) {   \
        store = store_memory_open(); \
        name();                      \
        store_close(store);          \
    }                                \
    Test(retention_sqlite, name) {   \
        open_sqlite();               \
        name();                      \
        close_sqlite();              \
    }                                \
    static void name(void)

/* --- a history ----------------------------------------------------------- */

static void name_it(char id[ID_SIZE], const char *prefix, int64_t at) {
    unsigned char random[ID_RANDOM] = {++number};

    id_make(id, prefix, at, random);
}

static void deliver(int64_t at, bool parsed, char id[ID_SIZE]) {
    struct delivery delivery = {
        .source = STR("alertmanager"), .at = at, .body = STR("{}")};
    struct err why;

    name_it(delivery.id, "dlv_", at);
    delivery.identity = str_of(delivery.id);
    cr_assert(delivery_put(store, &delivery, &err), "%s", err.text);
    (void)snprintf(id, ID_SIZE, "%s", delivery.id);
    err_set(&why, ERR_SCRIPT, "nonsense");
    cr_assert(parsed ? delivery_parsed(store, str_of(id), &err)
                     : delivery_unparsed(store, str_of(id), &why, &err));
}

static struct sighting see(const char *delivery, const char *key, int64_t at,
                           bool firing) {
    struct json    *facts = json_new_map(), *run_key = json_new_list();
    struct sighting s = {.source = STR("alertmanager"),
                         .key = str_of(key),
                         .started_at = STR("t"),
                         .firing = firing,
                         .delivery = str_of(delivery),
                         .at = at,
                         .playbook = STR("heal"),
                         .run_key = run_key,
                         .incident = facts};

    json_append_text(run_key, str_of(key));
    name_it(s.run, "run_", at);
    name_it(s.id, "inc_", at);
    cr_assert(incident_see(store, &s, &err), "%s", err.text);
    json_release(facts);
    json_release(run_key);
    return s;
}

static bool apply(struct store_write write) {
    return store_batch(store, &write, 1, &err);
}

static void append(const char *run, int64_t length, struct str text) {
    struct buf stream = BUF_EMPTY;

    buf_addf(&stream, JOURNAL_STREAM "%s", run);
    cr_assert(apply((struct store_write){STORE_APPEND, buf_str(&stream), length,
                                         text}),
              "%s", err.text);
    buf_release(&stream);
}

/* As the journal does it. */
static void append_blob(const char *run, int64_t length, char fill) {
    char      *bytes = mem_new(LARGE);
    char       hash[STORE_HASH_SIZE], entry[100];
    struct buf row = BUF_EMPTY;

    memset(bytes, fill, LARGE);
    cr_assert(store_blob_put(store, (struct str){bytes, LARGE}, hash, &err));
    blob_row(&row, str_of(hash), str_of(run));
    (void)apply((struct store_write){STORE_INSERT, buf_str(&row), 0, STR("")});
    (void)snprintf(entry, sizeof entry, "{\"blob\":\"%s\"}", hash);
    append(run, length, str_of(entry));
    buf_release(&row);
    mem_free(bytes);
}

static void expect_blob(const char *run) {
    struct journal *journal = journal_open(NULL, run);

    (void)journal_load(journal, store, &err);
    cr_expect_neq(err.code, ERR_NOT_FOUND, "%s", err.text);
    journal_close(journal);
}

static void note(struct incident_run *incident, const char *kind, int64_t at) {
    struct json *record = json_new_map();

    json_put_text(record, "kind", str_of(kind));
    json_put_int(record, "at", at);
    json_put_text(record, "outcome", STR("done"));
    cr_assert(incident_writes(incident, store, record, &err) &&
                  batch_apply(&incident->batch, store, &err),
              "%s", err.text);
    json_release(record);
}

static void walk(const char *run, int64_t at, int records) {
    struct incident_run incident = {.cooldown_ms = 0};

    (void)snprintf(incident.run, sizeof incident.run, "%s", run);
    name_it(incident.next, "run_", at);
    note(&incident, "started", at);
    for (int i = 0; i < records; i++)
        append(run, i, STR("{\"kind\":\"read\"}"));
    note(&incident, "finished", at);
    incident_run_release(&incident);
}

/* An alert and the run that it began, over at once. */
static void happen(int64_t at, const char *key, int records,
                   char run[ID_SIZE]) {
    char            id[ID_SIZE];
    struct sighting seen;

    deliver(at, true, id);
    seen = see(id, key, at, true);
    cr_assert_eq(seen.fate, SIGHTING_BEGUN);
    (void)snprintf(run, ID_SIZE, "%s", seen.run);
    walk(run, at, records);
}

/* --- what is there ------------------------------------------------------- */

static bool is_there(const char *prefix, const char *id) {
    struct buf key = BUF_EMPTY;
    bool       found;

    buf_addf(&key, "%s%s", prefix, id);
    cr_assert(store_get(store, buf_str(&key), NULL, NULL, &found, &err));
    buf_release(&key);
    return found;
}

static bool count_key(void *arg, struct str key, int64_t version,
                      struct str value) {
    (void)key;
    (void)version;
    (void)value;
    (*(int *)arg)++;
    return true;
}

static int keys(const char *prefix) {
    int count = 0;

    cr_assert(store_scan(store, str_of(prefix), STR(""), SIZE_MAX, count_key,
                         &count, &err));
    return count;
}

static struct ledger ledger_now(void) {
    struct ledger ledger;

    cr_assert(ledger_read(store, &ledger, &err), "%s", err.text);
    return ledger;
}

/* --- sweeps -------------------------------------------------------------- */

static const struct retention_limits limits = {.runs = {30 * DAY, 1000},
                                               .deliveries = {14 * DAY, 1000},
                                               .unparsed = {30 * DAY, 1000},
                                               .occurrences = {90 * DAY, 0}};

static struct retention_report sweep_with(struct retention_limits with,
                                          int64_t                 now) {
    struct retention       *retention = retention_open();
    struct retention_report report;
    bool                    more = true;

    retention_begin(retention, &with, now);
    for (int steps = 0; more; steps++) {
        cr_assert_lt(steps, 10000, "it does not end");
        cr_assert(retention_step(retention, store, &more, &err), "%s",
                  err.text);
    }
    report = *retention_report(retention);
    retention_close(retention);
    return report;
}

static struct retention_report sweep(int64_t now) {
    return sweep_with(limits, now);
}

/* --- runs ---------------------------------------------------------------- */

BOTH(a_run_goes_when_it_ended_long_ago_and_its_counts_stay) {
    char                    old[ID_SIZE], young[ID_SIZE];
    struct retention_report report;
    struct ledger           ledger;

    happen(1 * DAY, "a", 3 * STORE_CUT_MAX, old);
    happen(20 * DAY, "b", 3, young);
    report = sweep(32 * DAY);
    cr_expect_eq(report.cut[RETENTION_RUNS], 1);
    cr_expect_not(is_there(INCIDENT_RUN, old));
    cr_expect_not(is_there(JOURNAL_STREAM, old));
    cr_expect(is_there(INCIDENT_RUN, young));
    cr_expect(is_there(JOURNAL_STREAM, young));
    cr_expect_eq(keys("main/incident/"), 1);
    cr_expect_eq(keys("main/journal/"), 4);
    cr_expect_eq(keys(INCIDENT_CUT), 0);
    cr_expect_eq(report.oldest_ms[RETENTION_RUNS], 20 * DAY);
    ledger = ledger_now();
    cr_expect(ledger.seen == 2 && ledger.counts[LEDGER_DONE] == 2 &&
              ledger_runs_kept(&ledger) == 1);
    cr_expect_eq(sweep(32 * DAY).cut[RETENTION_RUNS], 0);
}

BOTH(runs_of_a_store_that_did_not_count_them_leave_no_debt) {
    char          run[ID_SIZE];
    struct ledger ledger;
    struct batch  batch = {.count = 0};

    happen(1 * DAY, "a", 1, run);
    ledger = ledger_now();
    ledger.runs = 0;
    ledger_write(&ledger, &batch);
    cr_assert(batch_apply(&batch, store, &err), "%s", err.text);
    (void)sweep(32 * DAY);
    ledger = ledger_now();
    cr_expect_eq(ledger_runs_kept(&ledger), 0);
    batch_release(&batch);
}

BOTH(of_too_many_runs_the_oldest_go_and_the_newest_stay) {
    struct retention_limits few = limits;
    char                    runs[5][ID_SIZE];
    struct retention_report report;

    for (int i = 0; i < 5; i++) {
        char key[2] = {(char)('a' + i)};

        happen((1 + i) * DAY, key, 1, runs[i]);
    }
    few.runs.count = 2;
    report = sweep_with(few, 6 * DAY);
    cr_expect_eq(report.cut[RETENTION_RUNS], 3);
    cr_expect_eq(report.runs_kept, 2);
    cr_expect_not(is_there(INCIDENT_RUN, runs[2]));
    cr_expect(is_there(INCIDENT_RUN, runs[3]));
    cr_expect(is_there(INCIDENT_RUN, runs[4]));
}

BOTH(AO1_what_is_unfinished_stays_however_old_it_is) {
    struct retention_limits few = limits;
    char                    first[ID_SIZE], second[ID_SIZE], fresh[ID_SIZE];
    struct sighting         lead, attached;
    struct delivery         unread = {.source = STR("s"), .body = STR("{}")};

    deliver(1 * DAY, true, first);
    deliver(2 * DAY, true, second);
    lead = see(first, "a", 1 * DAY, true);
    append(lead.run, 0, STR("{}"));
    attached = see(second, "a", 2 * DAY, true);
    cr_assert_eq(attached.fate, SIGHTING_DUPLICATE);
    name_it(unread.id, "dlv_", 1 * DAY);
    unread.identity = STR("unread");
    cr_assert(delivery_put(store, &unread, &err));
    happen(400 * DAY, "b", 1, fresh);
    few.runs.count = 1;
    (void)sweep_with(few, 400 * DAY);
    cr_expect(is_there(INCIDENT_RUN, lead.run));
    cr_expect(is_there(INCIDENT_OPEN, lead.run));
    cr_expect(is_there(JOURNAL_STREAM, lead.run));
    cr_expect(is_there(DELIVERY_RECORD, unread.id));
    cr_expect(is_there(DELIVERY_NEW, unread.id));
    cr_expect_not(is_there(DELIVERY_RECORD, first), "it was read");
    cr_expect_eq(keys("main/occurrence/"), 2);
    cr_expect_eq(see("dlv_again", "a", 400 * DAY, true).fate,
                 SIGHTING_DUPLICATE);
}

BOTH(AO1_what_was_attached_stays_until_its_run_has_ended) {
    char                    first[ID_SIZE], second[ID_SIZE];
    struct sighting         lead, other;
    struct incident_run     incident = {.cooldown_ms = 0};
    struct retention_limits few = limits;

    deliver(1 * DAY, true, first);
    deliver(2 * DAY, true, second);
    lead = see(first, "a", 1 * DAY, true);
    /* Another alert on the same key. */
    other = (struct sighting){.source = STR("alertmanager"),
                              .key = STR("other"),
                              .started_at = STR("t"),
                              .firing = true,
                              .delivery = str_of(second),
                              .at = 2 * DAY,
                              .playbook = STR("heal")};
    other.run_key = json_new_list();
    json_append_text((struct json *)other.run_key, STR("a"));
    other.incident = json_new_map();
    cr_assert(incident_see(store, &other, &err), "%s", err.text);
    cr_assert_eq(other.fate, SIGHTING_ATTACHED);
    few.runs.count = 1;
    (void)sweep_with(few, 400 * DAY);
    cr_expect_eq(keys("main/attached/"), 1);
    cr_expect_eq(keys("main/occurrence/"), 2);
    /* The end hands the key on; the first run may go, the second not. */
    (void)snprintf(incident.run, sizeof incident.run, "%s", lead.run);
    name_it(incident.next, "run_", 3 * DAY);
    note(&incident, "started", 3 * DAY);
    note(&incident, "finished", 3 * DAY);
    cr_assert(incident.followed);
    (void)sweep_with(few, 400 * DAY);
    cr_expect_not(is_there(INCIDENT_RUN, lead.run));
    cr_expect(is_there(INCIDENT_RUN, incident.next));
    cr_expect_eq(keys("main/incident/"), 1);
    incident_run_release(&incident);
    walk(incident.next, 4 * DAY, 2);
    (void)sweep(400 * DAY);
    cr_expect_eq(keys("main/run/") + keys("main/incident/") +
                     keys("main/journal/") + keys("main/key/"),
                 0);
    json_release((struct json *)other.run_key);
    json_release((struct json *)other.incident);
}

static void expect_no_half(const char *run, int64_t records) {
    struct buf stream = BUF_EMPTY;
    int64_t    length;

    buf_addf(&stream, JOURNAL_STREAM "%s", run);
    cr_assert(store_stream_length(store, buf_str(&stream), &length, &err));
    cr_expect(!is_there(INCIDENT_RUN, run) || length == records,
              "a run that is listed has %lld records", (long long)length);
    cr_expect(length == 0 || is_there(INCIDENT_RUN, run) ||
                  is_there(INCIDENT_CUT, run),
              "%lld records are left and nobody knows", (long long)length);
    buf_release(&stream);
}

/* Each step is the last one of a process. */
BOTH(INC6_RT3_a_sweep_that_is_cut_off_anywhere_leaves_no_half_and_no_rest) {
    char run[ID_SIZE], other[ID_SIZE];
    bool more;
    int  steps = 0;

    happen(1 * DAY, "a", 0, run);
    happen(2 * DAY, "b", 0, other);
    for (int i = 0; i < 100; i++)
        append(run, i, STR("{}"));
    append_blob(run, 100, 'a');
    append_blob(run, 101, 'b');
    append_blob(run, 102, 'a');
    append_blob(other, 0, 'b');
    do {
        struct retention *retention = retention_open();

        retention_begin(retention, &limits, 31 * DAY + HOUR);
        more = true;
        for (int i = 0; i <= steps % 5 && more; i++) {
            cr_assert(retention_step(retention, store, &more, &err), "%s",
                      err.text);
            expect_no_half(run, 103);
            expect_no_half(other, 1);
        }
        retention_close(retention);
    } while (steps++ < 30);
    cr_expect_eq(keys("main/journal/"), 2);
    cr_expect_eq(keys(INCIDENT_CUT), 0);
    cr_expect_eq(keys("main/blob/"), 1, "b is the other's");
    expect_blob(other);
    (void)sweep(32 * DAY + HOUR);
    cr_expect_eq(keys("main/journal/") + keys("main/blob/"), 0);
}

BOTH(AO4_a_record_that_is_not_understood_stays_and_stops_no_other) {
    char                    broken[ID_SIZE], sound[ID_SIZE], id[ID_SIZE];
    struct buf              key = BUF_EMPTY;
    struct retention_limits few = limits;
    struct retention_report report;

    name_it(broken, "run_", 1 * DAY);
    buf_addf(&key, INCIDENT_RUN "%s", broken);
    cr_assert(apply(
        (struct store_write){STORE_INSERT, buf_str(&key), 0, STR("{half")}));
    happen(2 * DAY, "a", 1, sound);
    deliver(3 * DAY, true, id);
    few.runs.count = 1;
    happen(4 * DAY, "b", 1, id);
    happen(5 * DAY, "c", 1, id);
    report = sweep_with(few, 100 * DAY);
    cr_expect(report.failed >= 1, "%lld", (long long)report.failed);
    cr_expect_eq(report.first.code, ERR_JSON_SYNTAX, "%s", report.first.text);
    cr_expect(is_there(INCIDENT_RUN, broken));
    cr_expect_eq(keys(INCIDENT_RUN), 1);
    buf_release(&key);
}

/* --- deliveries ---------------------------------------------------------- */

BOTH(deliveries_go_by_age_and_those_that_were_not_read_by_their_own) {
    char                    read[ID_SIZE], unread[ID_SIZE], young[ID_SIZE];
    struct retention_report report;

    deliver(1 * DAY, true, read);
    deliver(2 * DAY, false, unread);
    deliver(10 * DAY, true, young);
    report = sweep(20 * DAY);
    cr_expect_not(is_there(DELIVERY_RECORD, read));
    cr_expect(is_there(DELIVERY_RECORD, unread));
    cr_expect(is_there(DELIVERY_RECORD, young));
    cr_expect_eq(report.cut[RETENTION_DELIVERIES], 1);
    cr_expect_eq(report.oldest_ms[RETENTION_DELIVERIES], 10 * DAY);
    cr_expect_eq(report.oldest_ms[RETENTION_UNPARSED], 2 * DAY);
    report = sweep(33 * DAY);
    cr_expect_eq(report.cut[RETENTION_UNPARSED], 1);
    cr_expect_eq(keys("main/"), 1, "only the ledger is left");
    cr_expect_eq(ledger_now().dropped, 1);
}

BOTH(AO3_a_step_cuts_a_few_and_count_leaves_the_newest) {
    struct retention_limits few = limits;
    struct retention       *retention = retention_open();
    char                    id[ID_SIZE];
    bool                    more = true;
    int64_t                 before = 0;

    for (int i = 0; i < 100; i++)
        deliver(DAY + i * HOUR, true, id);
    few.deliveries.count = 5;
    retention_begin(retention, &few, 6 * DAY);
    while (more) {
        cr_assert(retention_step(retention, store, &more, &err));
        cr_expect_leq(retention_report(retention)->cut[RETENTION_DELIVERIES],
                      before + 16);
        before = retention_report(retention)->cut[RETENTION_DELIVERIES];
    }
    cr_expect_eq(before, 95);
    cr_expect_eq(keys(DELIVERY_RECORD), 5);
    cr_expect(is_there(DELIVERY_RECORD, id));
    /* The next one goes on with the oldest of them. */
    deliver(6 * DAY, true, id);
    retention_begin(retention, &few, 6 * DAY + 1);
    for (more = true; more;)
        cr_assert(retention_step(retention, store, &more, &err));
    cr_expect_eq(retention_report(retention)->cut[RETENTION_DELIVERIES], 1);
    cr_expect(is_there(DELIVERY_RECORD, id));
    cr_expect_eq(keys(DELIVERY_RECORD), 5);
    retention_close(retention);
}

/* --- occurrences --------------------------------------------------------- */

BOTH(an_occurrence_is_forgotten_when_it_was_not_seen_for_long) {
    char first[ID_SIZE], run[ID_SIZE], later[ID_SIZE];

    happen(1 * DAY, "a", 1, run);
    happen(2 * DAY, "b", 1, first);
    deliver(80 * DAY, true, later);
    cr_assert_eq(see(later, "b", 80 * DAY, false).fate, SIGHTING_DUPLICATE);
    cr_expect_eq(sweep(93 * DAY).cut[RETENTION_OCCURRENCES], 1);
    cr_expect_eq(keys("main/occurrence/"), 1);
    cr_expect_eq(sweep(171 * DAY).cut[RETENTION_OCCURRENCES], 1);
    cr_expect_eq(ledger_now().seen, 3);
}

/* Alertmanager repeats what fires in the same bytes, every four hours. */
BOTH(AO2_N2_an_alert_that_fires_for_months_has_one_run) {
    struct retention_limits tight = {.runs = {DAY, 1},
                                     .deliveries = {60 * DAY, 1000},
                                     .unparsed = {60 * DAY, 1},
                                     .occurrences = {2 * DAY, 0}};
    char                    run[ID_SIZE];
    int                     begun = 0, read = 0;

    for (int64_t at = DAY; at < 120 * DAY; at += 4 * HOUR) {
        struct delivery delivery = {.source = STR("alertmanager"),
                                    .identity = STR("the same bytes"),
                                    .at = at,
                                    .again_ms = retention_again_ms(&tight),
                                    .body = STR("{}")};
        struct sighting seen;

        name_it(delivery.id, "dlv_", at);
        cr_assert(delivery_put(store, &delivery, &err), "%s", err.text);
        if (!delivery.repeated) {
            read++;
            seen = see(delivery.id, "a", at, true);
            cr_assert(delivery_parsed(store, str_of(delivery.id), &err));
            if (seen.fate == SIGHTING_BEGUN && begun++ == 0)
                walk(seen.run, at, 3);
        }
        (void)sweep_with(tight, at + HOUR + 1);
    }
    cr_expect_eq(begun, 1, "%d runs", begun);
    cr_expect_gt(read, 200);
    cr_expect_eq(keys("main/run/"), 0, "its run is gone");
    cr_expect_eq(keys("main/occurrence/"), 1);
    /* And when it has not been sent for long, it is a new one. */
    (void)sweep_with(tight, 130 * DAY);
    cr_expect_eq(keys("main/occurrence/"), 0);
    happen(140 * DAY, "a", 1, run);
}

/* The time between two readings of the same bytes must stay well below the
 * time after which an occurrence is forgotten, whatever that is. */
BOTH(AO2_repeats_are_read_again_before_the_occurrence_is_forgotten) {
    struct retention_limits some = limits;

    cr_expect_eq(retention_again_ms(&some), DAY);
    some.occurrences.age_ms = 1000;
    cr_expect_eq(retention_again_ms(&some), 250);
}

BOTH(what_a_key_ended_goes_as_an_occurrence_does_unless_one_is_open) {
    static const char *const rows[][2] = {
        {"main/ends/s/old", "{\"at\":86400000,\"open\":[],\"until\":5}"},
        {"main/ends/s/open",
         "{\"at\":86400000,\"open\":[{\"hash\":\"h\",\"start\":1}]}"},
        {"main/ends/s/young", "{\"at\":172800000,\"open\":[],\"until\":5}"},
        {"main/ends/s/broken", "{"}};

    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
        cr_assert(apply((struct store_write){STORE_INSERT, str_of(rows[i][0]),
                                             0, str_of(rows[i][1])}));
    cr_expect_eq(sweep(91 * DAY).cut[RETENTION_OCCURRENCES], 1);
    cr_expect_not(is_there(rows[0][0], ""));
    cr_expect_eq(keys("main/ends/"), 3);
}

BOTH(a_cooldown_goes_when_it_is_over) {
    cr_assert(apply((struct store_write){STORE_INSERT, STR("main/cooldown/p/1"),
                                         0, STR("86400000")}));
    cr_assert(apply((struct store_write){STORE_INSERT, STR("main/cooldown/p/2"),
                                         0, STR("86400002")}));
    cr_expect_eq(sweep(DAY + 1).cut[RETENTION_COOLDOWNS], 1);
    cr_expect_eq(keys("main/cooldown/p/2"), 1);
}

/* --- blobs --------------------------------------------------------------- */

static struct json *large_record(void) {
    struct json *record = json_new_map();
    char        *text = mem_new(LARGE);

    memset(text, 'x', LARGE);
    json_put_text(record, "kind", STR("read"));
    json_put_text(record, "answer", (struct str){text, LARGE});
    mem_free(text);
    return record;
}

static bool cut_job(struct store *in, void *arg, struct err *failed) {
    int64_t left = 1, blobs = 0;

    while (left > 0)
        if (!journal_cut(in, str_of(arg), &left, &blobs, failed))
            return false;
    return true;
}

static void must_be_done(void *arg, const struct err *failed) {
    (void)arg;
    cr_expect_null(failed, "%s", failed ? failed->text : "");
}

/* The loop makes a record that names a blob while the store thread drops the
 * same one with the run before: all orders of the two jobs occur. */
Test(retention_sqlite, BL1_a_blob_that_is_dropped_while_another_run_takes_it) {
    struct loop  *loop = loop_open();
    struct queue *queue;
    char          runs[61][ID_SIZE];

    open_sqlite();
    queue = queue_open(loop, store, true);
    for (int i = 0; i < 61; i++) {
        struct journal *journal;

        (void)snprintf(runs[i], ID_SIZE, "run_%d", i);
        journal = journal_open(queue, runs[i]);
        if (i > 0 && i % 2)
            queue_post(queue, cut_job, must_be_done, runs[i - 1]);
        journal_add(journal, large_record(), NULL, NULL, 0, must_be_done, NULL);
        if (i > 0 && i % 2 == 0)
            queue_post(queue, cut_job, must_be_done, runs[i - 1]);
        if (i % 3 == 0)
            loop_run(loop);
        journal_close(journal);
    }
    queue_close(queue);
    cr_expect_eq(keys("main/blob/"), 1);
    {
        struct journal *last = journal_open(NULL, "run_60");

        cr_expect(journal_load(last, store, &err), "%s", err.text);
        cr_expect_eq(json_count(journal_records(last)), 1);
        journal_close(last);
    }
    close_sqlite();
    loop_close(loop);
}

BOTH(BL2_a_run_that_names_a_blob_twice_has_one_row_and_takes_it_along) {
    struct loop    *loop = loop_open();
    struct queue   *queue = queue_open(loop, store, false);
    struct journal *journal = journal_open(queue, "run_1");

    for (int i = 0; i < 40; i++)
        journal_add(journal, large_record(), NULL, NULL, 0, must_be_done, NULL);
    loop_run(loop);
    cr_expect_eq(keys("main/blob/"), 1);
    cr_expect(cut_job(store, "run_1", &err), "%s", err.text);
    cr_expect_eq(keys("main/"), 0);
    journal_close(journal);
    queue_close(queue);
    loop_close(loop);
}

static void deliver_large(int64_t at, char fill) {
    char            bytes[LARGE];
    struct delivery delivery = {
        .source = STR("alertmanager"), .at = at, .body = {bytes, LARGE}};

    memset(bytes, fill, LARGE);
    name_it(delivery.id, "dlv_", at);
    delivery.identity = str_of(delivery.id);
    cr_assert(delivery_put(store, &delivery, &err), "%s", err.text);
    cr_assert(delivery_parsed(store, str_of(delivery.id), &err));
}

BOTH(AO3_a_step_drops_two_blobs_at_most) {
    struct retention *retention = retention_open();
    char              run[ID_SIZE];
    bool              more = true;
    int64_t           before = 0, now;

    for (int i = 0; i < 5; i++)
        deliver_large((1 + i) * HOUR, (char)('A' + i));
    happen(1 * DAY, "a", 0, run);
    for (int i = 0; i < 9; i++)
        append_blob(run, i, (char)('a' + i));
    retention_begin(retention, &limits, 100 * DAY);
    while (more) {
        cr_assert(retention_step(retention, store, &more, &err), "%s",
                  err.text);
        now = retention_report(retention)->cut[RETENTION_BLOBS];
        cr_expect_leq(now, before + 2);
        before = now;
    }
    cr_expect_eq(before, 14);
    cr_expect_eq(keys("main/"), 1, "only the ledger is left");
    retention_close(retention);
}
