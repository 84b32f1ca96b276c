/* incident_see.c - one occurrence of one delivery, and what becomes of it.
 *
 * Each is a batch of its own, since what the second one of a key must do
 * depends on what the first one did. That an occurrence was counted is written
 * in its record, as the delivery that showed it last. (INC1)
 */
#include <string.h>

#include "base/fault.h"
#include "base/timestamp.h"
#include "graph/incident_private.h"
#include "sys/crypto.h"

#define RESOLVED_MAX 20 /* ends that an open record remembers */
#define HASH_LEN 32     /* hex digits of it: 128 bits keep two keys apart */

struct seeing {
    struct store          *store;
    struct sighting       *sighting;
    struct incident_record occurrence, open;
    struct incident_ends   ends; /* read when the source's ends are by key */
    struct ledger          ledger;
    struct batch           batch;
    struct buf             hold; /* PLAYBOOK/HASH */
    char                   hash[HASH_LEN + 1];
};

/* --- its names ----------------------------------------------------------- */

static bool is_unstarted(const struct sighting *sighting) {
    return sighting->by_key && sighting->started_at.len == 0;
}

static void name_record(struct seeing *s, struct str hash) {
    memcpy(s->hash, hash.data, HASH_LEN);
    buf_addf(&s->occurrence.key, "main/occurrence/%.*s/%s",
             STR_ARG(s->sighting->source), s->hash);
}

/* One that does not say when it began is its end. */
static void name_occurrence(struct seeing *s) {
    const struct sighting *sighting = s->sighting;
    struct buf             text = BUF_EMPTY, hex = BUF_EMPTY;

    buf_addf(&text, "%.*s\n%.*s", STR_ARG(sighting->key),
             STR_ARG(sighting->started_at));
    if (is_unstarted(sighting))
        buf_addf(&text, "\n%.*s", STR_ARG(sighting->ended_at));
    crypto_sha256_hex(buf_str(&text), &hex);
    name_record(s, buf_str(&hex));
    buf_release(&text);
    buf_release(&hex);
}

static void attached_key(struct buf *out, struct str hold, struct str run,
                         const char *hash) {
    buf_clear(out);
    buf_addf(out, "main/attached/%.*s/%.*s/%s", STR_ARG(hold), STR_ARG(run),
             hash);
}

/* --- its records --------------------------------------------------------- */

static void add_occurrence(struct seeing *s, enum ledger_state state,
                           struct str run) {
    const struct sighting *sighting = s->sighting;
    struct json           *value = json_new_map();

    json_put_text(value, "state", str_of(ledger_state_name(state)));
    /* What fires and has recovered was over before it was read. (INC7) */
    json_put_text(value, "status",
                  sighting->firing && state != LEDGER_RECOVERED
                      ? STR("firing")
                      : STR("resolved"));
    json_put_text(value, "key", sighting->key);
    json_put_text(value, "started_at", sighting->started_at);
    if (is_unstarted(sighting))
        json_put_text(value, "ended_at", sighting->ended_at);
    json_put_text(value, "delivery", sighting->delivery);
    json_put_int(value, "at", sighting->at);
    if (run.len) {
        json_put_text(value, "run", run);
        json_put_text(value, "hold", buf_str(&s->hold));
    }
    batch_insert_json(&s->batch, buf_str(&s->occurrence.key), value);
    json_release(value);
    ledger_move(&s->ledger, LEDGER_NONE, state);
    ledger_write(&s->ledger, &s->batch);
}

static void keep_holder(struct sighting *sighting, struct str run) {
    (void)snprintf(sighting->holder, sizeof sighting->holder, "%.*s",
                   STR_ARG(run));
}

/* --- firing -------------------------------------------------------------- */

struct json *incident_evidence(const struct json *facts, bool firing) {
    static const char *const fields[] = {"labels", "annotations", "fingerprint",
                                         "started_at", NULL};
    struct json             *evidence = json_new_map();

    for (const char *const *field = fields; *field; field++)
        if (json_find(facts, *field))
            json_put(evidence, *field, json_clone(json_find(facts, *field)));
    json_put_text(evidence, "status", firing ? STR("firing") : STR("resolved"));
    return evidence;
}

static void count_up(struct json *map, const char *key, int by) {
    json_put_int(map, key, json_find_int(map, key, 0) + by);
}

/* (INC2) */
static bool attach(struct seeing *s, struct str run, struct err *err) {
    struct json *row = json_new_map();
    struct buf   key = BUF_EMPTY;

    incident_open_key(&s->open.key, run);
    if (!incident_record_read(s->store, &s->open, err) || !s->open.value) {
        json_release(row);
        return s->open.value ||
               err_set(err, ERR_CONFLICT,
                       "run %.*s holds a key and is not among the open ones",
                       STR_ARG(run));
    }
    count_up(s->open.value, "fresh", 1);
    incident_record_write(&s->batch, &s->open);
    json_put_text(row, "occurrence", buf_str(&s->occurrence.key));
    json_put(row, "incident", json_clone(s->sighting->incident));
    json_put(row, "evidence", incident_evidence(s->sighting->incident, true));
    attached_key(&key, buf_str(&s->hold), run, s->hash);
    batch_insert_json(&s->batch, buf_str(&key), row);
    add_occurrence(s, LEDGER_ATTACHED, run);
    s->sighting->fate = SIGHTING_ATTACHED;
    s->sighting->evidence = true;
    keep_holder(s->sighting, run);
    buf_release(&key);
    json_release(row);
    return true;
}

static bool cooldown_over(struct seeing *s, int64_t *due, struct err *err) {
    struct buf key = BUF_EMPTY, value = BUF_EMPTY;
    bool       found = false, ok;

    buf_addf(&key, "main/cooldown/%s", buf_text(&s->hold));
    *due = 0;
    ok = store_get(s->store, buf_str(&key), &value, NULL, &found, err);
    if (ok && found)
        (void)str_to_int(buf_str(&value), due);
    buf_release(&key);
    buf_release(&value);
    return ok;
}

static void add_incident(struct seeing *s) {
    const struct sighting *sighting = s->sighting;
    struct json           *value = json_new_map(), *runs = json_new_list();
    struct buf             key = BUF_EMPTY;

    json_append_text(runs, str_of(sighting->run));
    json_put_text(value, "playbook", sighting->playbook);
    json_put(value, "key", json_clone(sighting->run_key));
    json_put(value, "runs", runs);
    json_put_int(value, "at", sighting->at);
    buf_addf(&key, "main/incident/%s", sighting->id);
    batch_insert_json(&s->batch, buf_str(&key), value);
    buf_release(&key);
    json_release(value);
}

static bool begin(struct seeing *s, struct str hold_key, struct err *err) {
    struct sighting    *sighting = s->sighting;
    struct incident_new begun = {.run = str_of(sighting->run),
                                 .incident = str_of(sighting->id),
                                 .playbook = sighting->playbook,
                                 .hold = buf_str(&s->hold),
                                 .key = sighting->run_key,
                                 .facts = sighting->incident,
                                 .lead_key = buf_str(&s->occurrence.key),
                                 .at = sighting->at};

    if (!cooldown_over(s, &sighting->due, err))
        return false;
    begun.due = sighting->due;
    batch_insert(&s->batch, hold_key, begun.run);
    incident_begin(&s->batch, &begun);
    s->ledger.runs++;
    add_incident(s);
    add_occurrence(s, LEDGER_WAITING, begun.run);
    sighting->fate = SIGHTING_BEGUN;
    keep_holder(sighting, begun.run);
    return true;
}

static bool take_firing(struct seeing *s, struct err *err) {
    struct buf key = BUF_EMPTY, holder = BUF_EMPTY;
    bool       held = false, ok;

    if (s->sighting->playbook.len == 0) {
        add_occurrence(s, LEDGER_UNMATCHED, STR(""));
        s->sighting->fate = SIGHTING_UNMATCHED;
        return true;
    }
    incident_hold_key(s->sighting->playbook, s->sighting->run_key, &key);
    buf_add_str(&s->hold, incident_hold_of(&key));
    ok = store_get(s->store, buf_str(&key), &holder, NULL, &held, err) &&
         (held ? attach(s, buf_str(&holder), err)
               : begin(s, buf_str(&key), err));
    buf_release(&key);
    buf_release(&holder);
    return ok;
}

/* --- resolved ------------------------------------------------------------ */

/* The run that holds the occurrence's key now: the one that it was attached
 * to may have ended and handed it on. */
static bool read_holder(struct seeing *s, struct str hold, struct err *err) {
    struct buf key = BUF_EMPTY, holder = BUF_EMPTY;
    bool       held = false, ok;

    buf_addf(&key, "main/key/%.*s", STR_ARG(hold));
    ok = store_get(s->store, buf_str(&key), &holder, NULL, &held, err);
    if (ok && held) {
        incident_open_key(&s->open.key, buf_str(&holder));
        ok = incident_record_read(s->store, &s->open, err);
        keep_holder(s->sighting, buf_str(&holder));
    }
    buf_release(&key);
    buf_release(&holder);
    return ok;
}

/* What the row counts as in the run that holds the key: what came during it,
 * what was carried into it, or nothing when it waits to be swept. */
static const char *counted_as(const struct seeing *s, struct str run) {
    if (str_is(run, s->sighting->holder))
        return "fresh";
    return str_equal(run, json_find_text(s->open.value, "from")) ? "carried"
                                                                 : NULL;
}

/* Its row goes, and the run has one less that fires. */
static bool detach(struct seeing *s, bool *counted, struct err *err) {
    struct json *occurrence = s->occurrence.value;
    struct str   run = json_find_text(occurrence, "run");
    struct buf   key = BUF_EMPTY;
    bool         found = false, ok;
    int64_t      version = 0;

    attached_key(&key, json_find_text(occurrence, "hold"), run, s->hash);
    ok = store_get(s->store, buf_str(&key), NULL, &version, &found, err);
    *counted = false;
    if (ok && found) {
        const char *as = counted_as(s, run);

        batch_remove(&s->batch, buf_str(&key), version);
        incident_record_move(&s->occurrence, &s->ledger, LEDGER_RECOVERED);
        *counted = s->open.value && as;
        if (*counted)
            count_up(s->open.value, as, -1);
    }
    buf_release(&key);
    return ok;
}

static bool leads(const struct seeing *s) {
    return s->open.value && str_equal(json_find_text(s->open.value, "lead_key"),
                                      buf_str(&s->occurrence.key));
}

/* Of a run that is in nobody's memory the open record is what remembers. */
static void keep_evidence(struct seeing *s) {
    struct json *list = json_find(s->open.value, "resolved"), *evidence;

    if (!list) {
        json_put(s->open.value, "resolved", json_new_list());
        list = json_find(s->open.value, "resolved");
    }
    if (json_count(list) == RESOLVED_MAX)
        return;
    evidence = incident_evidence(s->sighting->incident, false);
    json_put_text(evidence, "fingerprint", s->sighting->key);
    json_put_text(evidence, "started_at", s->sighting->started_at);
    json_append(list, evidence);
}

/* (INC3) */
static void judge_run(struct seeing *s) {
    struct json *open = s->open.value;

    if (incident_firing(open) == 0 && !json_truth(json_find(open, "acted")) &&
        json_find_text(open, "cancel").len == 0) {
        json_put_text(open, "cancel", STR("resolved"));
        s->sighting->cancel = true;
    }
    s->sighting->evidence = !s->sighting->cancel;
    if (s->sighting->evidence)
        keep_evidence(s);
    incident_record_write(&s->batch, &s->open);
}

/* The first `resolved` of a known occurrence. */
static bool close_occurrence(struct seeing *s, struct err *err) {
    struct json      *occurrence = s->occurrence.value;
    enum ledger_state state =
        ledger_state_find(json_find_text(occurrence, "state"));
    struct str hold = json_find_text(occurrence, "hold");
    bool       counted = false;

    json_put_text(occurrence, "status", STR("resolved"));
    if (hold.len == 0)
        return true;
    if (!read_holder(s, hold, err))
        return false;
    if (state == LEDGER_ATTACHED) {
        if (!detach(s, &counted, err))
            return false;
    } else if (leads(s)) {
        json_put_int(s->open.value, "lead", 0);
        counted = true;
    }
    if (counted) /* else its run has ended */
        judge_run(s);
    return true;
}

/* --- ends that name only the key ----------------------------------------- */

static bool read_ends(struct seeing *s, struct err *err) {
    return incident_ends_read(&s->ends, s->store, s->sighting->source,
                              s->sighting->key, err);
}

static int64_t moment_of(struct str text) {
    struct err err;
    int64_t    ms = 0;

    (void)timestamp_read(text, &ms, &err);
    return ms;
}

/* Its end named it, so no other end has to look for it. */
static bool forget(struct seeing *s, struct err *err) {
    if (!s->sighting->by_key)
        return true;
    if (!read_ends(s, err))
        return false;
    incident_ends_drop(&s->ends, str_of(s->hash));
    incident_ends_write(&s->ends, s->sighting->at, &s->batch);
    return true;
}

/* What one of several that ended means for its run. */
static void tell_end(struct sighting *sighting, const struct sighting *one) {
    struct json *other;

    if (!one->cancel && !one->evidence)
        return;
    if (!*sighting->holder || strcmp(sighting->holder, one->holder) == 0) {
        keep_holder(sighting, str_of(one->holder));
        sighting->cancel = sighting->cancel || one->cancel;
        sighting->evidence = !sighting->cancel;
        return;
    }
    other = json_new_map();
    json_put_text(other, "run", str_of(one->holder));
    json_put_bool(other, "cancel", one->cancel);
    if (!sighting->others)
        sighting->others = json_new_list();
    json_append(sighting->others, other);
}

static bool apply(struct seeing *s, struct err *err) {
    return s->batch.count == 0 || batch_apply(&s->batch, s->store, err);
}

static void seeing_release(struct seeing *s) {
    incident_record_release(&s->occurrence);
    incident_record_release(&s->open);
    incident_ends_release(&s->ends);
    batch_release(&s->batch);
    buf_release(&s->hold);
}

static bool close_firing(struct seeing *s, struct sighting *one,
                         struct err *err) {
    struct json *occurrence = s->occurrence.value;

    if (!str_is(json_find_text(occurrence, "status"), "firing"))
        return true;
    one->started_at = json_find_text(occurrence, "started_at");
    if (!close_occurrence(s, err))
        return false;
    incident_record_write(&s->batch, &s->occurrence);
    ledger_write(&s->ledger, &s->batch);
    return true;
}

/* A batch of its own, and not counted: the end that closes it is. */
static bool end_one(struct seeing *all, struct str hash, struct err *err) {
    struct sighting one = *all->sighting;
    struct seeing   s = {.store = all->store, .sighting = &one};
    bool            ok;

    one.holder[0] = '\0';
    one.cancel = one.evidence = false;
    name_record(&s, hash);
    ok = incident_record_read(s.store, &s.occurrence, err) &&
         ledger_read(s.store, &s.ledger, err) && close_firing(&s, &one, err);
    incident_ends_drop(&all->ends, str_of(s.hash));
    incident_ends_until(&all->ends, moment_of(one.ended_at));
    incident_ends_write(&all->ends, all->sighting->at, &s.batch);
    ok = ok && apply(&s, err);
    if (ok)
        tell_end(all->sighting, &one);
    seeing_release(&s);
    return ok;
}

static bool end_all(struct seeing *s, bool *any, struct err *err) {
    struct str hash;

    for (;;) {
        if (!read_ends(s, err))
            return false;
        hash = incident_ends_find(&s->ends, moment_of(s->sighting->ended_at));
        if (hash.len == 0)
            return true;
        *any = true;
        if (!end_one(s, hash, err))
            return false;
        incident_ends_release(&s->ends);
    }
}

/* (INC7) */
static bool take_end(struct seeing *s, struct err *err) {
    bool any = false;

    if (!end_all(s, &any, err) || !ledger_read(s->store, &s->ledger, err))
        return false;
    incident_ends_until(&s->ends, moment_of(s->sighting->ended_at));
    incident_ends_write(&s->ends, s->sighting->at, &s->batch);
    add_occurrence(s, any ? LEDGER_DUPLICATE : LEDGER_RECOVERED, STR(""));
    s->sighting->fate = any ? SIGHTING_DUPLICATE : SIGHTING_UNMATCHED;
    return true;
}

/* (INC7) */
static bool take_firing_of_key(struct seeing *s, struct err *err) {
    int64_t start_ms = moment_of(s->sighting->started_at);

    if (!read_ends(s, err))
        return false;
    if (incident_ends_covers(&s->ends, start_ms)) {
        add_occurrence(s, LEDGER_RECOVERED, STR(""));
        s->sighting->fate = SIGHTING_UNMATCHED;
        return true;
    }
    incident_ends_add(&s->ends, str_of(s->hash), start_ms);
    incident_ends_write(&s->ends, s->sighting->at, &s->batch);
    return take_firing(s, err);
}

/* --- one that was seen before -------------------------------------------- */

static bool take_known(struct seeing *s, struct err *err) {
    struct sighting *sighting = s->sighting;
    struct json     *occurrence = s->occurrence.value;
    bool             ends =
        !sighting->firing &&
        str_is(json_find_text(occurrence, "status"), "firing"); /* INC4 */

    sighting->fate = SIGHTING_DUPLICATE;
    if (str_equal(json_find_text(occurrence, "delivery"), sighting->delivery)) {
        sighting->fate = SIGHTING_AGAIN;
        return true;
    }
    json_put_text(occurrence, "delivery", sighting->delivery);
    keep_holder(sighting, json_find_text(occurrence, "run"));
    if (ends && !(close_occurrence(s, err) && forget(s, err)))
        return false;
    ledger_move(&s->ledger, LEDGER_NONE, LEDGER_DUPLICATE);
    incident_record_write(&s->batch, &s->occurrence);
    ledger_write(&s->ledger, &s->batch);
    return true;
}

/* --- one of them --------------------------------------------------------- */

static bool take(struct seeing *s, struct err *err) {
    if (!incident_record_read(s->store, &s->occurrence, err) ||
        !ledger_read(s->store, &s->ledger, err))
        return false;
    if (s->occurrence.value)
        return take_known(s, err);
    if (s->sighting->firing)
        return s->sighting->by_key ? take_firing_of_key(s, err)
                                   : take_firing(s, err);
    if (is_unstarted(s->sighting))
        return take_end(s, err);
    /* Its beginning was never seen. */
    add_occurrence(s, LEDGER_RECOVERED, STR(""));
    s->sighting->fate = SIGHTING_UNMATCHED;
    return true;
}

bool incident_see(struct store *store, struct sighting *sighting,
                  struct err *err) {
    struct seeing s = {.store = store, .sighting = sighting};
    bool          ok;

    sighting->holder[0] = '\0';
    sighting->cancel = sighting->evidence = false;
    sighting->others = NULL;
    sighting->due = 0;
    name_occurrence(&s);
    fault_pass(FAULT_INCIDENT_SEEN);
    ok = take(&s, err) && apply(&s, err);
    seeing_release(&s);
    return ok;
}
