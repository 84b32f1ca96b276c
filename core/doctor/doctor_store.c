/* doctor_store.c - counts held against the records that they count.
 *
 * That the states add up to what was seen is true of every ledger that can be
 * read, since the sum is not stored. So they are compared with the occurrences
 * themselves: of the states that a run has while it is open each one is there,
 * of the others no more than are counted (repeats have no record of their own,
 * and what is old may be gone).
 */
#include <string.h>

#include "base/clock.h"
#include "doctor/doctor.h"
#include "graph/incident.h"
#include "graph/shelf.h"
#include "serve/inquiry.h"
#include "store/audit.h"
#include "store/delivery.h"
#include "store/ledger.h"
#include "store/store.h"
#include "vm/bundle.h"

#define OCCURRENCES "main/occurrence/"
#define AHEAD_MS (5 * 60 * 1000)

/* --- sums ------------------------------------------------------------------------ */

void doctor_ledger(struct doctor *doctor, const struct json *ledger,
                   int64_t waiting) {
    const struct json *kept = json_find(ledger, "deliveries");
    struct json_walk   walk = json_walk_over(json_find(ledger, "states"));
    int64_t            accepted = json_find_int(kept, "accepted", 0);
    int64_t            parsed = json_find_int(kept, "parsed", 0);
    int64_t            unparsed = json_find_int(kept, "unparsed", 0);
    int64_t            dropped = json_find_int(kept, "dropped", 0);
    int64_t            seen = json_find_int(ledger, "seen", 0), sum = 0;

    while (json_walk_next(&walk))
        sum += json_int(walk.value);
    doctor_say(doctor, DOCTOR_OCCURRENCES,
               sum == seen ? DOCTOR_OK : DOCTOR_WRONG, LEDGER_KEY,
               "%lld seen, %lld in all states", (long long)seen,
               (long long)sum);
    doctor_say(doctor, DOCTOR_DELIVERIES,
               accepted == parsed + unparsed + dropped + waiting ? DOCTOR_OK
                                                                 : DOCTOR_WRONG,
               LEDGER_KEY,
               "%lld accepted, %lld read, %lld not, %lld given up, %lld "
               "waiting",
               (long long)accepted, (long long)parsed, (long long)unparsed,
               (long long)dropped, (long long)waiting);
    if (unparsed > 0)
        doctor_say(doctor, DOCTOR_UNPARSED, DOCTOR_WARNING, LEDGER_KEY,
                   "%lld could not be read", (long long)unparsed);
}

struct counting {
    int64_t states[LEDGER_COUNT];
    int64_t unreadable;
};

static bool count_occurrence(void *arg, struct str key, int64_t version,
                             struct str value) {
    struct counting  *counting = arg;
    struct err        err;
    struct json      *record = json_parse(value, &json_caps_answer, &err);
    enum ledger_state state =
        ledger_state_find(json_find_text(record, "state"));

    (void)key;
    (void)version;
    if (state == LEDGER_NONE)
        counting->unreadable++;
    else
        counting->states[state]++;
    json_release(record);
    return true;
}

static bool is_open(enum ledger_state state) {
    return state == LEDGER_WAITING || state == LEDGER_RUNNING ||
           state == LEDGER_PARKED;
}

static void compare(struct doctor *doctor, const struct ledger *ledger,
                    const struct counting *counted) {
    for (int i = 0; i < LEDGER_COUNT; i++) {
        int64_t is = counted->states[i], said = ledger->counts[i];

        if (is_open((enum ledger_state)i) ? is != said : is > said)
            doctor_say(doctor, DOCTOR_OCCURRENCES, DOCTOR_WRONG, OCCURRENCES,
                       "%lld are %s and %lld are counted so", (long long)is,
                       ledger_state_name((enum ledger_state)i),
                       (long long)said);
    }
    if (counted->unreadable)
        doctor_say(doctor, DOCTOR_OCCURRENCES, DOCTOR_WRONG, OCCURRENCES,
                   "%lld records cannot be read",
                   (long long)counted->unreadable);
}

static bool count_one(void *arg, struct str key, int64_t version,
                      struct str value) {
    (void)key;
    (void)version;
    (void)value;
    ++*(int64_t *)arg;
    return true;
}

static void look_at_ledger(struct doctor *doctor, struct store *store) {
    struct counting counted = {{0}, 0};
    struct ledger   ledger;
    struct json    *shown;
    struct err      err;
    int64_t         waiting = 0;

    if (!ledger_read(store, &ledger, &err) ||
        !store_scan(store, STR(DELIVERY_NEW), STR(""), SIZE_MAX, count_one,
                    &waiting, &err) ||
        !store_scan(store, STR(OCCURRENCES), STR(""), SIZE_MAX,
                    count_occurrence, &counted, &err)) {
        doctor_say(doctor, DOCTOR_OCCURRENCES, DOCTOR_WRONG, LEDGER_KEY, "%s",
                   err.text);
        return;
    }
    shown = ledger_json(&ledger);
    doctor_ledger(doctor, shown, waiting);
    compare(doctor, &ledger, &counted);
    if (ledger.counts[LEDGER_FAILED] + ledger.counts[LEDGER_QUARANTINED] > 0)
        doctor_say(doctor, DOCTOR_STUCK, DOCTOR_WARNING, LEDGER_KEY,
                   "%lld failed, %lld quarantined",
                   (long long)ledger.counts[LEDGER_FAILED],
                   (long long)ledger.counts[LEDGER_QUARANTINED]);
    json_release(shown);
}

/* --- runs ------------------------------------------------------------------------- */

static bool collect(void *arg, struct str key, int64_t version,
                    struct str value) {
    size_t prefix = strlen(INCIDENT_OPEN);

    (void)version;
    (void)value;
    json_append_text(arg, (struct str){key.data + prefix, key.len - prefix});
    return true;
}

/* Its records, its journal, and the scripts that it goes on with. */
static bool can_go_on(struct store *store, struct str run, struct clock *clock,
                      struct err *err) {
    struct json   *entry = inquiry_run(store, run, err);
    struct str     hash = json_find_text(json_find(entry, "run"), "bundle");
    struct bundle *bundle = NULL;
    bool           ok = entry != NULL;

    if (ok && hash.len)
        ok = shelf_take(store, hash, clock, &bundle, err);
    bundle_release(bundle);
    json_release(entry);
    return ok;
}

static void look_at_runs(struct doctor *doctor, struct store *store,
                         struct clock *clock) {
    struct json *runs = json_new_list();
    struct err   err;
    size_t       bad = 0, count;
    bool ok = store_scan(store, STR(INCIDENT_OPEN), STR(""), SIZE_MAX, collect,
                         runs, &err);

    count = json_count(runs);
    if (!ok)
        doctor_say(doctor, DOCTOR_JOURNALS, DOCTOR_WRONG, INCIDENT_OPEN, "%s",
                   err.text);
    for (size_t i = 0; i < count; i++) {
        struct str run = json_text(json_at(runs, i));

        if (can_go_on(store, run, clock, &err))
            continue;
        bad++;
        doctor_say(doctor, DOCTOR_JOURNALS, DOCTOR_WRONG, run.data, "%s",
                   err.text);
    }
    if (ok && !bad)
        doctor_say(doctor, DOCTOR_JOURNALS, DOCTOR_OK, INCIDENT_OPEN,
                   "%zu runs are open, and each can go on", count);
    json_release(runs);
}

/* --- the chain -------------------------------------------------------------------- */

static bool newest_at(void *arg, struct str key, int64_t version,
                      struct str value) {
    struct err   err;
    struct json *record = json_parse(value, &json_caps_answer, &err);

    (void)key;
    (void)version;
    *(int64_t *)arg = json_find_int(record, "at", 0);
    json_release(record);
    return true;
}

static void look_at_chain(struct doctor *doctor, struct store *store,
                          struct clock *clock) {
    int64_t    count = 0, length = 0, at = 0, now = clock->wall_ms(clock);
    struct err err;

    if (audit_verify(store, &count, &err))
        doctor_say(doctor, DOCTOR_AUDIT, DOCTOR_OK, AUDIT_STREAM,
                   "%lld records, no gap", (long long)count);
    else
        doctor_say(doctor, DOCTOR_AUDIT, DOCTOR_WRONG, AUDIT_STREAM, "%s",
                   err.text);
    if (store_stream_length(store, STR(AUDIT_STREAM), &length, &err) &&
        length > 0 &&
        store_stream_read(store, STR(AUDIT_STREAM), length, newest_at, &at,
                          &err) &&
        at > now + AHEAD_MS)
        doctor_say(doctor, DOCTOR_CLOCK, DOCTOR_WRONG, AUDIT_STREAM,
                   "the last record is %lld s ahead of the clock",
                   (long long)((at - now) / 1000));
}

void doctor_store(struct doctor *doctor, struct store *store,
                  struct clock *clock) {
    look_at_ledger(doctor, store);
    look_at_runs(doctor, store, clock);
    look_at_chain(doctor, store, clock);
}
