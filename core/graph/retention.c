/* retention.c - one page of keys a step, in the order of the stages.
 *
 * A page is read first and worked on afterwards, since a scan must not call
 * the store. A run leaves a rest to be cut, so the rests come first and again
 * after each page of runs: what a crash left is done before anything new.
 */
#include "graph/retention.h"

#include <string.h>

#include "base/mem.h"
#include "graph/incident.h"
#include "store/delivery.h"

#define RUNS_PAGE 8  /* each leaves a journal to be cut */
#define RESTS_PAGE 8 /* of STORE_CUT_MAX records, at most */
#define DELIVERIES_PAGE 16
#define RECORDS_PAGE 200 /* that are looked at; most stay */
#define REMOVALS 20      /* of one batch */
#define HOUR_MS 3600000
#define DAY_MS (24 * HOUR_MS)

enum stage {
    STAGE_RESTS,
    STAGE_RUNS,
    STAGE_DELIVERIES,
    STAGE_UNPARSED,
    STAGE_OCCURRENCES,
    STAGE_ENDS,
    STAGE_COOLDOWNS,
    STAGE_OVER
};

struct retention {
    struct retention_limits limits;
    struct retention_report report;
    int64_t                 now, looked; /* at all occurrences, the last time */
    enum stage              stage;
    bool                    all; /* this sweep looks at all of them */
    struct buf              cursors[STAGE_OVER]; /* the last key seen */
};

static const char *const names[] = {
#define X(id, name) name,
    RETENTION_KINDS(X)
#undef X
};

static const struct json_caps caps = {STORE_VALUE_MAX, 70};

const char *retention_kind_name(enum retention_kind kind) {
    return names[kind];
}

int64_t retention_again_ms(const struct retention_limits *limits) {
    int64_t quarter = limits->occurrences.age_ms / 4;

    return quarter < DAY_MS ? quarter : DAY_MS;
}

/* --- a page -------------------------------------------------------------- */

/* Keys in the order of time; only those up to `until` are taken. */
struct page {
    struct json *keys, *values; /* values: NULL when they are not needed */
    size_t       prefix_len;
    int64_t      until;  /* of an id's time */
    int64_t      newer;  /* the time of the first that was not taken, or 0 */
    struct buf  *cursor; /* borrowed */
};

static struct str id_of(const struct page *page, struct str key) {
    return (struct str){key.data + page->prefix_len,
                        key.len - page->prefix_len};
}

static bool take_key(void *arg, struct str key, int64_t version,
                     struct str value) {
    struct page *page = arg;
    int64_t      at = id_time(id_of(page, key));

    (void)version;
    if (at > page->until) {
        page->newer = at;
        return false;
    }
    buf_clear(page->cursor);
    buf_add_str(page->cursor, key);
    json_append_text(page->keys, key);
    if (page->values)
        json_append_text(page->values, value);
    return true;
}

/* Goes on behind the cursor. */
static bool read_page(struct store *store, struct page *page,
                      const char *prefix, size_t limit, struct err *err) {
    page->keys = json_new_list();
    page->prefix_len = strlen(prefix);
    return store_scan(store, str_of(prefix), buf_str(page->cursor), limit,
                      take_key, page, err);
}

static struct str key_at(const struct page *page, size_t i) {
    return json_text(json_at(page->keys, i));
}

/* The next page, or the next sweep, begins behind this one. */
static void rewind_to(const struct page *page, size_t i, struct str before) {
    buf_clear(page->cursor);
    buf_add_str(page->cursor, i ? key_at(page, i - 1) : before);
}

static void page_release(struct page *page) {
    json_release(page->keys);
    json_release(page->values);
}

/* --- what is found ------------------------------------------------------- */

static void stage_over(struct retention *r) {
    r->stage++;
}

/* A refusal is this record's own, unless the store has failed. (AO4) */
static bool held(struct retention *r, bool ok, const struct err *err) {
    if (ok)
        return true;
    if (err->code == ERR_IO)
        return false;
    if (r->report.failed++ == 0)
        r->report.first = *err;
    return true;
}

static void note_oldest(struct retention *r, enum retention_kind kind,
                        int64_t at) {
    int64_t *oldest = &r->report.oldest_ms[kind];

    if (at > 0 && (*oldest == 0 || at < *oldest))
        *oldest = at;
}

/* --- runs ---------------------------------------------------------------- */

static bool rests(struct retention *r, struct store *store, struct err *err) {
    struct page page = {.until = INT64_MAX, .cursor = &r->cursors[STAGE_RESTS]};
    int64_t     blobs = r->report.cut[RETENTION_BLOBS];
    struct buf  before = BUF_EMPTY;
    bool        ok, more;

    buf_add_str(&before, buf_str(page.cursor));
    ok = read_page(store, &page, INCIDENT_CUT, RESTS_PAGE, err);
    for (size_t i = 0; ok && i < json_count(page.keys); i++) {
        more = false;
        ok =
            held(r,
                 incident_cut_rest(store, id_of(&page, key_at(&page, i)), &more,
                                   &r->report.cut[RETENTION_BLOBS], err),
                 err);
        /* A long one is the first of the next page; and a blob may be large.
         */
        if (ok && (more || r->report.cut[RETENTION_BLOBS] > blobs)) {
            rewind_to(&page, more ? i : i + 1, buf_str(&before));
            break;
        }
    }
    if (ok && json_count(page.keys) == 0)
        stage_over(r);
    page_release(&page);
    buf_release(&before);
    return ok;
}

/* Ended long enough ago? `run --live` does not say when one ended. */
static bool run_is_old(const struct retention *r, struct str text) {
    struct err   ignored;
    struct json *entry = json_parse(text, &caps, &ignored);
    int64_t      at = json_find_int(entry, "at", INT64_MAX);
    bool         old;

    old = json_find_int(entry, "ended", at) <= r->now - r->limits.runs.age_ms;
    json_release(entry);
    return old;
}

static bool cut_run(struct retention *r, struct store *store,
                    const struct page *page, size_t i, struct err *err) {
    struct str run = id_of(page, key_at(page, i));
    bool over = r->report.runs_kept > r->limits.runs.count, cut = false, ok;

    ok = !(over || run_is_old(r, json_text(json_at(page->values, i)))) ||
         held(r, incident_cut(store, run, &cut, err), err);
    if (!cut)
        note_oldest(r, RETENTION_RUNS, id_time(run));
    r->report.cut[RETENTION_RUNS] += cut;
    r->report.runs_kept -= cut;
    return ok;
}

static bool runs(struct retention *r, struct store *store, struct err *err) {
    bool        over = r->report.runs_kept > r->limits.runs.count;
    struct page page = {.values = json_new_list(),
                        .until =
                            over ? INT64_MAX : r->now - r->limits.runs.age_ms,
                        .cursor = &r->cursors[STAGE_RUNS]};
    int64_t     before = r->report.cut[RETENTION_RUNS];
    bool        ok = read_page(store, &page, INCIDENT_RUN, RUNS_PAGE, err);

    for (size_t i = 0; ok && i < json_count(page.keys); i++)
        ok = cut_run(r, store, &page, i, err);
    note_oldest(r, RETENTION_RUNS, page.newer);
    if (r->report.cut[RETENTION_RUNS] > before) {
        buf_clear(&r->cursors[STAGE_RESTS]);
        r->stage = STAGE_RESTS;
    } else if (json_count(page.keys) < RUNS_PAGE) {
        stage_over(r);
    }
    page_release(&page);
    return ok;
}

/* --- deliveries ---------------------------------------------------------- */

/* One that is to stay for now: all behind it are younger, and the next sweep
 * begins with it. */
static void stop_before(struct retention *r, struct page *page, size_t i,
                        struct str before) {
    page->newer = id_time(id_of(page, key_at(page, i)));
    rewind_to(page, i, before);
    stage_over(r);
}

struct delivering {
    enum retention_kind           kind;
    const char                   *prefix;
    const struct retention_limit *limit;
    int64_t                       kept; /* of the kind; goes down */
};

static bool is_due(const struct retention *r, const struct delivering *d,
                   int64_t at) {
    return d->kept > d->limit->count || at <= r->now - d->limit->age_ms;
}

static bool cut_delivery(struct retention *r, struct store *store,
                         struct delivering *d, struct str id, struct err *err) {
    bool cut = false, aside = d->kind == RETENTION_UNPARSED;
    bool ok = held(r,
                   delivery_cut(store, id, aside, &cut,
                                &r->report.cut[RETENTION_BLOBS], err),
                   err);

    if (!cut && aside)
        note_oldest(r, d->kind, id_time(id));
    r->report.cut[d->kind] += cut;
    d->kept -= cut;
    return ok;
}

/* Goes through the page; a blob may be large, so the step ends behind one. */
static bool cut_page(struct retention *r, struct store *store,
                     struct delivering *d, struct page *page, struct str before,
                     struct err *err) {
    int64_t blobs = r->report.cut[RETENTION_BLOBS];
    size_t  count = json_count(page->keys), i = 0;
    bool    ok = true;

    for (; ok && i < count && r->report.cut[RETENTION_BLOBS] == blobs; i++) {
        struct str id = id_of(page, key_at(page, i));

        if (!is_due(r, d, id_time(id))) {
            stop_before(r, page, i, before);
            return true;
        }
        ok = cut_delivery(r, store, d, id, err);
    }
    if (i < count)
        rewind_to(page, i, before);
    else if (count < DELIVERIES_PAGE)
        stage_over(r);
    return ok;
}

static bool cut_deliveries(struct retention *r, struct store *store,
                           struct delivering *d, struct err *err) {
    struct page page = {.until = is_due(r, d, INT64_MAX)
                                     ? INT64_MAX
                                     : r->now - d->limit->age_ms,
                        .cursor = &r->cursors[r->stage]};
    struct buf  before = BUF_EMPTY;
    bool        ok;

    buf_add_str(&before, buf_str(page.cursor));
    ok = read_page(store, &page, d->prefix, DELIVERIES_PAGE, err) &&
         cut_page(r, store, d, &page, buf_str(&before), err);
    note_oldest(r, d->kind, page.newer);
    page_release(&page);
    buf_release(&before);
    return ok;
}

static bool deliveries(struct retention *r, struct store *store,
                       struct err *err) {
    struct delivering d = {RETENTION_DELIVERIES, DELIVERY_RECORD,
                           &r->limits.deliveries, 0};
    struct ledger     ledger;
    bool              ok = ledger_read(store, &ledger, err);

    d.kept = ledger_deliveries_kept(&ledger) - ledger.unparsed;
    return ok && cut_deliveries(r, store, &d, err);
}

static bool unparsed(struct retention *r, struct store *store,
                     struct err *err) {
    struct delivering d = {RETENTION_UNPARSED, DELIVERY_UNPARSED,
                           &r->limits.unparsed, 0};
    struct ledger     ledger;
    bool              ok = ledger_read(store, &ledger, err);

    d.kept = ledger.unparsed;
    return ok && cut_deliveries(r, store, &d, err);
}

/* --- records in no order of time ----------------------------------------- */

struct looking {
    struct retention *retention;
    bool (*may_go)(const struct retention *r, struct str value);
    struct batch batch;
    size_t       seen;
};

static bool look(void *arg, struct str key, int64_t version, struct str value) {
    struct looking   *looking = arg;
    struct retention *r = looking->retention;

    looking->seen++;
    buf_clear(&r->cursors[r->stage]);
    buf_add_str(&r->cursors[r->stage], key);
    if (looking->may_go(r, value))
        batch_remove(&looking->batch, key, version);
    return looking->batch.count < REMOVALS;
}

static bool remove_some(struct retention *r, struct store *store,
                        const char *prefix, enum retention_kind kind,
                        bool (*may_go)(const struct retention *r,
                                       struct str              value),
                        struct err *err) {
    struct looking looking = {.retention = r, .may_go = may_go};
    size_t         removed;
    bool ok = store_scan(store, str_of(prefix), buf_str(&r->cursors[r->stage]),
                         RECORDS_PAGE, look, &looking, err);

    removed = looking.batch.count;
    if (ok && removed)
        ok = batch_apply(&looking.batch, store, err);
    if (ok)
        r->report.cut[kind] += (int64_t)removed;
    if (ok && removed < REMOVALS && looking.seen < RECORDS_PAGE)
        stage_over(r);
    batch_release(&looking.batch);
    return ok;
}

static bool forgettable(const struct retention *r, struct str value) {
    struct err   ignored;
    struct json *occurrence = json_parse(value, &caps, &ignored);
    bool         may =
        incident_forgettable(occurrence, r->now - r->limits.occurrences.age_ms);

    json_release(occurrence);
    return may;
}

/* What a key's ends were, of a source whose ends name only the key: it goes as
 * an occurrence does, unless one that it lists may still end. */
static bool ends_forgettable(const struct retention *r, struct str value) {
    struct err   ignored;
    struct json *ends = json_parse(value, &caps, &ignored);
    bool         may = ends && json_count(json_find(ends, "open")) == 0 &&
               json_find_int(ends, "at", INT64_MAX) <=
                   r->now - r->limits.occurrences.age_ms;

    json_release(ends);
    return may;
}

static bool is_over(const struct retention *r, struct str value) {
    int64_t until = INT64_MAX;

    return str_to_int(value, &until) && until <= r->now;
}

/* --- a sweep ------------------------------------------------------------- */

static bool do_stage(struct retention *r, struct store *store,
                     struct err *err) {
    switch (r->stage) {
    case STAGE_RESTS: return rests(r, store, err);
    case STAGE_RUNS: return runs(r, store, err);
    case STAGE_DELIVERIES: return deliveries(r, store, err);
    case STAGE_UNPARSED: return unparsed(r, store, err);
    case STAGE_OCCURRENCES:
        return remove_some(r, store, "main/occurrence/", RETENTION_OCCURRENCES,
                           forgettable, err);
    case STAGE_ENDS:
        return remove_some(r, store, "main/ends/", RETENTION_OCCURRENCES,
                           ends_forgettable, err);
    case STAGE_COOLDOWNS:
        return remove_some(r, store, "main/cooldown/", RETENTION_COOLDOWNS,
                           is_over, err);
    case STAGE_OVER: break;
    }
    return true;
}

static bool finish(struct retention *r, struct store *store, struct err *err) {
    struct ledger ledger;

    if (!ledger_read(store, &ledger, err))
        return false;
    r->report.deliveries_kept = ledger_deliveries_kept(&ledger);
    r->report.runs_kept = ledger_runs_kept(&ledger);
    return store_size(store, &r->report.size, err);
}

bool retention_step(struct retention *retention, struct store *store,
                    bool *more, struct err *err) {
    struct retention *r = retention;
    struct ledger     ledger;

    if (r->stage <= STAGE_RUNS) {
        if (!ledger_read(store, &ledger, err))
            return false;
        r->report.runs_kept = ledger_runs_kept(&ledger);
    }
    if (!do_stage(r, store, err))
        return false;
    if (r->stage == STAGE_OCCURRENCES && !r->all)
        r->stage = STAGE_OVER;
    *more = r->stage != STAGE_OVER;
    return *more || finish(r, store, err);
}

/* How often all records are looked at that are in no order of time. */
static int64_t all_every(const struct retention_limits *limits) {
    int64_t quarter = limits->occurrences.age_ms / 4;

    return quarter < HOUR_MS ? quarter : HOUR_MS;
}

/* What could not be read stands among the deliveries that were: most sweeps go
 * on behind them. */
void retention_begin(struct retention              *retention,
                     const struct retention_limits *limits, int64_t now_ms) {
    struct retention *r = retention;

    r->limits = *limits;
    r->now = now_ms;
    r->stage = STAGE_RESTS;
    r->all = r->looked == 0 || now_ms - r->looked >= all_every(limits) ||
             now_ms < r->looked;
    if (r->all)
        r->looked = now_ms;
    memset(&r->report, 0, sizeof r->report);
    for (int i = 0; i < STAGE_OVER; i++)
        if (r->all || i != STAGE_DELIVERIES)
            buf_clear(&r->cursors[i]);
}

const struct retention_report *
retention_report(const struct retention *retention) {
    return &retention->report;
}

struct retention *retention_open(void) {
    return mem_new(sizeof(struct retention));
}

void retention_close(struct retention *retention) {
    if (!retention)
        return;
    for (int i = 0; i < STAGE_OVER; i++)
        buf_release(&retention->cursors[i]);
    mem_free(retention);
}
