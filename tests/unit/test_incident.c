/* test_incident.c - what becomes of an occurrence, and what the ledger says. */
#include <criterion/criterion.h>

#include <stdio.h>
#include <string.h>

#include "base/json.h"
#include "graph/incident.h"
#include "graph/lease.h"
#include "store/store_private.h"

static struct store *store;
static struct err    err;
static int           deliveries, ids;

static void set_up(void) {
    store = store_memory_open();
    deliveries = ids = 0;
}

static void tear_down(void) {
    store_close(store);
}

TestSuite(incident, .init = set_up, .fini = tear_down);

/* --- what is seen -------------------------------------------------------- */

static struct json *facts_of(const char *key, const char *started) {
    struct json *facts = json_new_map(), *labels = json_new_map();

    json_put_text(labels, "service", STR("checkout"));
    json_put(facts, "labels", labels);
    json_put_text(facts, "fingerprint", str_of(key));
    json_put_text(facts, "started_at", str_of(started));
    return facts;
}

static struct sighting see_in(const char *delivery, const char *key,
                              const char *started, bool firing,
                              const char *playbook) {
    struct json    *facts = facts_of(key, started), *run_key = json_new_list();
    struct sighting s = {.source = STR("alertmanager"),
                         .key = str_of(key),
                         .started_at = str_of(started),
                         .firing = firing,
                         .delivery = str_of(delivery),
                         .at = 1000,
                         .playbook = str_of(playbook),
                         .run_key = run_key,
                         .incident = facts};

    json_append_text(run_key, STR("checkout"));
    (void)snprintf(s.run, sizeof s.run, "run_%d", ++ids);
    (void)snprintf(s.id, sizeof s.id, "inc_%d", ids);
    cr_assert(incident_see(store, &s, &err), "%s", err.text);
    json_release(facts);
    json_release(run_key);
    return s;
}

static struct sighting see(const char *key, const char *started, bool firing) {
    char delivery[16];

    (void)snprintf(delivery, sizeof delivery, "dlv_%d", ++deliveries);
    return see_in(delivery, key, started, firing, "heal");
}

/* --- what its run does --------------------------------------------------- */

static struct incident_run run_of(const char *run) {
    struct incident_run incident = {.cooldown_ms = 0};

    (void)snprintf(incident.run, sizeof incident.run, "%s", run);
    (void)snprintf(incident.next, sizeof incident.next, "run_next_%d", ++ids);
    return incident;
}

static bool note(struct incident_run *incident, const char *kind,
                 const char *key, const char *value) {
    struct json *record = json_new_map();
    bool         ok;

    json_put_text(record, "kind", str_of(kind));
    json_put_int(record, "at", 5000);
    json_put_text(record, key, str_of(value));
    ok = incident_writes(incident, store, record, &err) &&
         batch_apply(&incident->batch, store, &err);
    json_release(record);
    return ok;
}

static struct incident_run begin(const char *run) {
    struct incident_run incident = run_of(run);

    cr_assert(note(&incident, "started", "bundle", "b"), "%s", err.text);
    return incident;
}

static void end(struct incident_run *incident, const char *outcome) {
    cr_assert(note(incident, "finished", "outcome", outcome), "%s", err.text);
    incident_run_release(incident);
}

/* --- what the ledger says ------------------------------------------------ */

static void expect_ledger(const char *words, int line) {
    struct ledger ledger;
    struct buf    text = BUF_EMPTY;

    cr_assert(ledger_read(store, &ledger, &err));
    for (int i = 0; i < LEDGER_COUNT; i++) {
        if (ledger.counts[i])
            buf_addf(&text, "%s%s=%lld", text.len ? " " : "",
                     ledger_state_name((enum ledger_state)i),
                     (long long)ledger.counts[i]);
    }
    cr_expect_str_eq(buf_text(&text), words, "line %d: %s", line,
                     buf_text(&text));
    buf_release(&text);
}
#define LEDGER(words) expect_ledger(words, __LINE__)

/* --- tests --------------------------------------------------------------- */

Test(incident, LG1_N2_a_run_moves_its_occurrence_through_the_ledger) {
    struct sighting     s = see("a", "t1", true);
    struct incident_run run;

    cr_expect_eq(s.fate, SIGHTING_BEGUN);
    LEDGER("waiting=1");
    run = begin(s.run);
    LEDGER("running=1");
    cr_assert(incident_park(store, s.run, 9000, &err));
    LEDGER("parked=1");
    end(&run, "done");
    LEDGER("done=1");
}

Test(incident, LG1_what_no_playbook_takes_is_unmatched) {
    struct sighting s = see_in("d", "a", "t1", true, "");

    cr_expect_eq(s.fate, SIGHTING_UNMATCHED);
    cr_expect_str_eq(s.holder, "");
    LEDGER("unmatched=1");
}

Test(incident, INC1_a_delivery_that_is_read_twice_counts_once) {
    cr_expect_eq(see_in("d1", "a", "t1", true, "heal").fate, SIGHTING_BEGUN);
    cr_expect_eq(see_in("d1", "a", "t1", true, "heal").fate, SIGHTING_AGAIN);
    cr_expect_eq(see_in("d2", "a", "t1", true, "heal").fate,
                 SIGHTING_DUPLICATE);
    cr_expect_eq(see_in("d2", "a", "t1", true, "heal").fate, SIGHTING_AGAIN);
    LEDGER("duplicate=1 waiting=1");
}

Test(incident, INC2_what_fires_on_a_held_key_is_attached) {
    struct sighting first = see("a", "t1", true), second = see("b", "t1", true);

    cr_expect_eq(second.fate, SIGHTING_ATTACHED);
    cr_expect_str_eq(second.holder, first.run);
    cr_expect(second.evidence);
    LEDGER("attached=1 waiting=1");
}

Test(incident, INC2_a_freed_key_is_held_by_the_next_one) {
    struct sighting     first = see("a", "t1", true);
    struct incident_run run = begin(first.run);

    end(&run, "done");
    cr_expect_eq(see("a", "t2", true).fate, SIGHTING_BEGUN);
    LEDGER("waiting=1 done=1");
}

Test(incident, INC3_N10_resolved_cancels_a_run_that_has_not_acted) {
    struct sighting     first = see("a", "t1", true), last;
    struct incident_run run = begin(first.run);

    last = see("a", "t1", false);
    cr_expect(last.cancel);
    cr_expect_str_eq(last.holder, first.run);
    cr_expect_not(note(&run, "intent", "class", "set"));
    cr_expect_eq(err.code, ERR_CANCELLED);
    end(&run, "recovered");
    LEDGER("duplicate=1 recovered=1");
}

Test(incident, INC3_N10_resolved_is_evidence_once_a_write_is_intended) {
    struct sighting     first = see("a", "t1", true), last;
    struct incident_run run = begin(first.run);

    cr_assert(note(&run, "intent", "class", "set"), "%s", err.text);
    last = see("a", "t1", false);
    cr_expect_not(last.cancel);
    cr_expect(last.evidence);
    cr_expect(note(&run, "intent", "class", "set"), "a second write goes on");
    end(&run, "done");
    LEDGER("duplicate=1 done=1");
}

Test(incident, INC3_N10_a_message_to_people_is_no_act) {
    struct sighting     first = see("a", "t1", true);
    struct incident_run run = begin(first.run);

    cr_assert(note(&run, "intent", "class", "notify"), "%s", err.text);
    cr_expect(see("a", "t1", false).cancel);
    end(&run, "recovered");
}

Test(incident, INC3_a_run_goes_on_while_something_attached_fires) {
    struct sighting first = see("a", "t1", true);

    (void)see("b", "t1", true);
    cr_expect_not(see("a", "t1", false).cancel);
    cr_expect(see("b", "t1", false).cancel);
    cr_expect_str_eq(first.holder, first.run);
    LEDGER("duplicate=2 waiting=1 recovered=1");
}

Test(incident, INC3_N10_what_is_first_seen_resolved_starts_nothing) {
    cr_expect_eq(see("a", "t1", false).fate, SIGHTING_UNMATCHED);
    LEDGER("recovered=1");
    cr_expect_eq(see("a", "t1", true).fate, SIGHTING_DUPLICATE, "INC4");
    LEDGER("duplicate=1 recovered=1");
}

Test(incident, INC4_a_late_firing_does_not_undo_resolved) {
    struct sighting     first = see("a", "t1", true);
    struct incident_run run = begin(first.run);

    cr_expect(see("a", "t1", false).cancel);
    end(&run, "recovered");
    cr_expect_eq(see("a", "t1", true).fate, SIGHTING_DUPLICATE);
    LEDGER("duplicate=2 recovered=1");
}

Test(incident, INC5_what_was_attached_is_judged_again) {
    struct sighting     first = see("a", "t1", true);
    struct incident_run run = begin(first.run), next;

    run.cooldown_ms = 700;
    (void)see("b", "t1", true);
    (void)see("c", "t1", true);
    end(&run, "done");
    cr_assert(run.followed);
    cr_expect_eq(run.next_due, 5700);
    LEDGER("attached=1 waiting=1 done=1");

    next = begin(run.next);
    cr_expect_eq(see("d", "t1", true).fate, SIGHTING_ATTACHED);
    cr_expect(note(&next, "intent", "class", "set"));
    (void)see("d", "t1", false);
    end(&next, "escalated");
    cr_expect_not(next.followed, "what was carried was judged with it");
    LEDGER("duplicate=1 attached=1 done=1 recovered=1 escalated=1");
}

static void sweep_all(void) {
    bool more = true;

    while (more)
        cr_assert(incident_sweep(store, &more, &err), "%s", err.text);
}

Test(incident, INC5_what_was_carried_into_a_run_shares_its_end) {
    struct sighting     first = see("a", "t1", true);
    struct incident_run run = begin(first.run), next;
    char                key[16];

    for (int i = 0; i < 40; i++) {
        (void)snprintf(key, sizeof key, "b%d", i);
        cr_assert_eq(see(key, "t1", true).fate, SIGHTING_ATTACHED);
    }
    end(&run, "done");
    sweep_all();
    LEDGER("attached=39 waiting=1 done=1");
    next = begin(run.next);
    end(&next, "escalated");
    sweep_all();
    LEDGER("done=1 escalated=40");
    cr_expect_eq(see("z", "t1", true).fate, SIGHTING_BEGUN, "the key is free");
}

Test(incident, INC5_what_recovered_meanwhile_is_not_judged_again) {
    struct sighting     first = see("a", "t1", true);
    struct incident_run run = begin(first.run);

    (void)see("b", "t1", true);
    (void)see("b", "t1", false);
    end(&run, "done");
    cr_expect_not(run.followed);
    LEDGER("duplicate=1 done=1 recovered=1");
}

Test(incident, INC3_N10_what_waits_to_be_swept_cancels_no_run_that_fires) {
    struct sighting     first = see("a", "t1", true);
    struct incident_run run = begin(first.run), next, third;

    (void)see("b", "t1", true);
    (void)see("c", "t1", true);
    end(&run, "done");
    next = begin(run.next); /* one of them leads, the other is carried */
    (void)see("d", "t1", true);
    end(&next, "done"); /* d leads the third, the other waits to be swept */
    third = begin(next.next);
    cr_expect_not(see("b", "t1", false).cancel);
    cr_expect_not(see("c", "t1", false).cancel);
    cr_expect(note(&third, "intent", "class", "set"), "%s", err.text);
    end(&third, "done");
    sweep_all();
    LEDGER("duplicate=2 done=3 recovered=1");
}

static struct json *told(const char *run) {
    struct json *open, *entry, *list = json_new_list();

    cr_assert(incident_take(store, run, &open, &entry, &err), "%s", err.text);
    cr_assert(incident_attached(store, open, list, &err));
    json_release(open);
    json_release(entry);
    return list;
}

Test(incident, INC3_N10_evidence_that_came_while_it_was_parked_is_kept) {
    struct sighting     first = see("a", "t1", true);
    struct incident_run run = begin(first.run);
    struct json        *list;

    cr_assert(note(&run, "intent", "class", "set"));
    cr_assert(incident_park(store, first.run, 9000, &err));
    cr_expect(see("a", "t1", false).evidence);
    list = told(first.run);
    cr_assert_eq(json_count(list), 1);
    cr_expect(str_is(json_find_text(json_at(list, 0), "status"), "resolved"));
    cr_expect(str_is(json_find_text(json_at(list, 0), "fingerprint"), "a"));
    json_release(list);
    incident_run_release(&run);
}

Test(incident, N2_a_run_that_is_taken_up_again_is_running) {
    struct sighting     first = see("a", "t1", true);
    struct incident_run run = begin(first.run);

    cr_assert(incident_park(store, first.run, 9000, &err));
    LEDGER("parked=1");
    json_release(told(first.run));
    LEDGER("running=1");
    incident_run_release(&run);
}

Test(incident, a_cooldown_delays_the_next_run_of_its_key) {
    struct sighting     first = see("a", "t1", true), second;
    struct incident_run run = begin(first.run);

    run.cooldown_ms = 700;
    end(&run, "done");
    second = see("a", "t2", true);
    cr_expect_eq(second.fate, SIGHTING_BEGUN);
    cr_expect_eq(second.due, 5700);
}

Test(incident, a_cancelled_run_does_not_begin) {
    struct sighting     first = see("a", "t1", true);
    struct incident_run run = run_of(first.run);
    bool                found;

    cr_assert(incident_cancel(store, first.run, "operator", &found, &err));
    cr_expect(found);
    cr_expect_not(note(&run, "started", "bundle", "b"));
    cr_expect_eq(err.code, ERR_CANCELLED);
    end(&run, "cancelled");
    LEDGER("cancelled=1");
}

/* --- runs of the command line -------------------------------------------- */

static struct lease alone(const char *run) {
    struct json *key = json_new_list();
    struct lease lease;

    json_append_text(key, STR("checkout"));
    lease_begin(&lease, run, STR("heal"), key, "b", 5);
    json_release(key);
    cr_assert(store_batch(store, lease.first, 3, &err), "%s", err.text);
    return lease;
}

Test(incident, INC2_LE1_what_fires_is_attached_to_a_run_of_the_command_line) {
    struct lease    lease = alone("run_live");
    struct sighting s = see("a", "t1", true);

    cr_expect_eq(s.fate, SIGHTING_ATTACHED);
    cr_expect_str_eq(s.holder, "run_live");
    LEDGER("attached=1");
    lease_release(&lease);
}

Test(incident, INC5_a_service_ends_what_the_command_line_left) {
    struct lease        lease = alone("run_live");
    struct incident_run run = run_of("run_live");
    struct json        *open, *entry;

    cr_assert(incident_take(store, "run_live", &open, &entry, &err));
    run.fence = json_find_int(entry, "fence", 0);
    json_release(open);
    json_release(entry);
    (void)see("a", "t1", true);
    cr_expect(note(&run, "intent", "class", "set"));
    end(&run, "done");
    cr_expect(run.followed);
    LEDGER("waiting=1");
    lease_release(&lease);
}

Test(incident, LE2_who_takes_a_run_over_alone_may_end_it) {
    struct sighting     s = see("a", "t1", true);
    struct incident_run first = begin(s.run), second = run_of(s.run);
    struct json        *open, *entry;

    cr_assert(incident_take(store, s.run, &open, &entry, &err));
    second.fence = json_find_int(entry, "fence", 0);
    cr_expect_eq(second.fence, first.fence + 1);
    cr_expect_not(note(&first, "finished", "outcome", "done"));
    cr_expect_eq(err.code, ERR_HELD);
    end(&second, "escalated");
    LEDGER("escalated=1");
    incident_run_release(&first);
    json_release(open);
    json_release(entry);
}

Test(incident, LE1_the_command_line_leaves_a_run_of_the_service_alone) {
    struct sighting     s = see("a", "t1", true);
    struct incident_run run = begin(s.run);
    struct json        *entry = NULL;
    struct lease        lease;

    cr_expect_not(lease_take(&lease, store, s.run, &entry, &err));
    cr_expect_eq(err.code, ERR_HELD);
    cr_expect(strstr(err.text, "nightshift serve"), "%s", err.text);
    json_release(entry);
    lease_release(&lease);
    end(&run, "done");
}

/* --- ends that name only the key ----------------------------------------- */

/* `fires` is RFC 3339 or NULL, then it is the end at `ends`. */
static struct sighting key_in(const char *delivery, const char *key,
                              const char *fires, const char *ends,
                              const char *service) {
    struct json    *facts = facts_of(key, fires ? fires : "");
    struct json    *run_key = json_new_list();
    struct sighting s = {.source = STR("github"),
                         .key = str_of(key),
                         .started_at = str_of(fires ? fires : ""),
                         .ended_at = str_of(ends ? ends : ""),
                         .firing = fires && !ends,
                         .by_key = true,
                         .delivery = str_of(delivery),
                         .at = 1000,
                         .playbook = STR("heal"),
                         .run_key = run_key,
                         .incident = facts};

    json_append_text(run_key, str_of(service));
    (void)snprintf(s.run, sizeof s.run, "run_%d", ++ids);
    (void)snprintf(s.id, sizeof s.id, "inc_%d", ids);
    cr_assert(incident_see(store, &s, &err), "%s", err.text);
    json_release(facts);
    json_release(run_key);
    return s;
}

static struct sighting key(const char *name, const char *fires,
                           const char *ends) {
    char delivery[16];

    (void)snprintf(delivery, sizeof delivery, "dlv_%d", ++deliveries);
    return key_in(delivery, name, fires, ends, "checkout");
}

#define AT(minute) "2026-03-01T02:" minute ":00Z"

Test(incident, INC7_an_end_of_a_key_ends_what_began_before_it) {
    struct sighting     first = key("ci", AT("01"), NULL), last;
    struct incident_run run = begin(first.run);

    last = key("ci", NULL, AT("05"));
    cr_expect_eq(last.fate, SIGHTING_DUPLICATE);
    cr_expect(last.cancel);
    cr_expect_not(last.evidence);
    cr_expect_str_eq(last.holder, first.run);
    cr_expect_null(last.others);
    end(&run, "recovered");
    LEDGER("duplicate=1 recovered=1");
}

Test(incident, INC7_it_ends_nothing_that_began_after_it_and_no_other_key) {
    struct sighting first = key("ci", AT("06"), NULL), last;

    cr_expect_eq(first.fate, SIGHTING_BEGUN);
    last = key("ci", NULL, AT("05"));
    cr_expect_eq(last.fate, SIGHTING_UNMATCHED);
    cr_expect_not(last.cancel);
    cr_expect_not(key("other", NULL, AT("09")).cancel);
    LEDGER("waiting=1 recovered=2");
    cr_expect(key("ci", NULL, "2026-03-01T03:06:00+01:00").cancel,
              "the same moment, in another zone");
}

Test(incident, INC7_an_end_that_is_read_first_ends_what_comes_late) {
    cr_expect_eq(key("ci", NULL, AT("05")).fate, SIGHTING_UNMATCHED);
    cr_expect_eq(key("ci", AT("01"), NULL).fate, SIGHTING_UNMATCHED);
    LEDGER("recovered=2");
    cr_expect_eq(key("ci", AT("01"), NULL).fate, SIGHTING_DUPLICATE);
    cr_expect_eq(key("ci", NULL, AT("03")).fate, SIGHTING_UNMATCHED);
    cr_expect_eq(key("ci", AT("04"), NULL).fate, SIGHTING_UNMATCHED,
                 "an older end takes nothing back");
    cr_expect_eq(key("ci", AT("06"), NULL).fate, SIGHTING_BEGUN,
                 "what fires after it is new");
}

Test(incident, INC7_one_end_may_end_several_and_say_so_to_each_run) {
    struct sighting one = key_in("d1", "ci", AT("01"), NULL, "checkout");
    struct sighting two = key_in("d2", "ci", AT("02"), NULL, "cart");
    struct sighting three = key_in("d3", "ci", AT("03"), NULL, "cart"), last;

    cr_expect_eq(three.fate, SIGHTING_ATTACHED);
    last = key("ci", NULL, AT("05"));
    cr_expect(last.cancel);
    cr_expect_str_eq(last.holder, one.run);
    cr_assert_eq(json_count(last.others), 2);
    cr_expect(str_is(json_find_text(json_at(last.others, 0), "run"), two.run));
    cr_expect_not(json_truth(json_find(json_at(last.others, 0), "cancel")),
                  "the third one still fires then");
    cr_expect(str_is(json_find_text(json_at(last.others, 1), "run"), two.run));
    cr_expect(json_truth(json_find(json_at(last.others, 1), "cancel")));
    json_release(last.others);
    LEDGER("duplicate=1 waiting=2 recovered=1");
}

Test(incident, INC7_INC3_after_a_write_it_is_evidence) {
    struct sighting     first = key("ci", AT("01"), NULL), last;
    struct incident_run run = begin(first.run);
    struct json        *list;

    cr_assert(note(&run, "intent", "class", "set"), "%s", err.text);
    last = key("ci", NULL, AT("05"));
    cr_expect_not(last.cancel);
    cr_expect(last.evidence);
    list = told(first.run);
    cr_assert_eq(json_count(list), 1);
    cr_expect(str_is(json_find_text(json_at(list, 0), "started_at"), AT("01")),
              "it says which one ended");
    json_release(list);
    incident_run_release(&run);
}

Test(incident, INC7_INC1_an_end_that_is_read_twice_counts_once) {
    struct sighting first = key("ci", AT("01"), NULL);

    cr_expect(key_in("d", "ci", NULL, AT("05"), "checkout").cancel);
    cr_expect_eq(key_in("d", "ci", NULL, AT("05"), "checkout").fate,
                 SIGHTING_AGAIN);
    cr_expect_eq(key_in("e", "ci", NULL, AT("05"), "checkout").fate,
                 SIGHTING_DUPLICATE);
    cr_expect_eq(first.fate, SIGHTING_BEGUN);
    LEDGER("duplicate=2 waiting=1");
}

Test(incident, INC7_an_end_that_names_its_firing_ends_that_one_alone) {
    struct sighting first = key("ci", AT("01"), NULL);
    struct sighting second = key("ci", AT("02"), NULL);

    cr_expect_eq(second.fate, SIGHTING_ATTACHED);
    cr_expect_not(key("ci", AT("01"), AT("05")).cancel);
    cr_expect_eq(first.fate, SIGHTING_BEGUN);
    cr_expect(key("ci", NULL, AT("05")).cancel, "the second is the last");
    LEDGER("duplicate=2 waiting=1 recovered=1");
}

static bool measure(void *arg, struct str name, int64_t version,
                    struct str value) {
    (void)name;
    (void)version;
    *(size_t *)arg += value.len;
    return true;
}

Test(incident, INC7_a_key_that_never_recovers_stays_small) {
    char   started[32];
    size_t bytes = 0;

    for (int i = 0; i < 60; i++) {
        (void)snprintf(started, sizeof started, "2026-03-01T02:%02d:00Z", i);
        cr_assert_eq(key_in("d", "ci", started, NULL, started).fate,
                     SIGHTING_BEGUN);
    }
    cr_assert(store_scan(store, STR("main/ends/"), STR(""), 10, measure, &bytes,
                         &err));
    cr_expect(bytes > 0 && bytes < 3000, "%zu", bytes);
}

/* The store is cut off after so many batches. */
static const struct store_ops *whole;
static int                     batches_left;

static bool apply_some(struct store *to, const struct store_write *writes,
                       size_t count, struct err *why) {
    if (batches_left-- <= 0)
        return err_set(why, ERR_IO, "cut");
    return whole->apply(to, writes, count, why);
}

static void cut_after(int batches) {
    static struct store_ops cut;

    whole = store->ops;
    cut = *whole;
    cut.apply = apply_some;
    batches_left = batches;
    store->ops = &cut;
}

static bool is_cancelled(const char *run) {
    struct json *open, *entry;
    bool         cancelled;

    cr_assert(incident_take(store, run, &open, &entry, &err), "%s", err.text);
    cancelled = str_is(json_find_text(open, "cancel"), "resolved");
    json_release(open);
    json_release(entry);
    return cancelled;
}

Test(incident,
     INC7_INC1_an_end_that_was_cut_anywhere_is_whole_when_read_again) {
    char         a[ID_SIZE], b[ID_SIZE];
    struct json *facts = facts_of("ci", ""), *run_key = json_new_list();

    tear_down();
    for (int batches = 0; batches < 3; batches++) {
        struct sighting s = {.source = STR("github"),
                             .key = STR("ci"),
                             .started_at = STR(""),
                             .ended_at = STR(AT("05")),
                             .by_key = true,
                             .delivery = STR("end"),
                             .run_key = run_key,
                             .incident = facts};

        set_up();
        memcpy(a, key_in("d1", "ci", AT("01"), NULL, "checkout").run, ID_SIZE);
        memcpy(b, key_in("d2", "ci", AT("02"), NULL, "cart").run, ID_SIZE);
        cut_after(batches);
        cr_expect_not(incident_see(store, &s, &err), "%d", batches);
        json_release(s.others);
        store->ops = whole;
        cr_expect(incident_see(store, &s, &err), "%d: %s", batches, err.text);
        json_release(s.others);
        cr_expect(is_cancelled(a) && is_cancelled(b), "%d", batches);
        cr_expect_eq(key("ci", AT("03"), NULL).fate, SIGHTING_UNMATCHED);
        if (batches < 2)
            LEDGER("duplicate=1 waiting=2 recovered=1");
        store_close(store);
    }
    set_up();
    json_release(facts);
    json_release(run_key);
}
