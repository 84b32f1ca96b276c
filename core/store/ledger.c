/* ledger.c - one small record, read, moved and written back in one job.
 *
 * It is text of twenty numbers in a fixed order and not JSON: it is read and
 * written in every batch that moves an occurrence. The last four came later;
 * where they are missing they are 0.
 */
#include "store/ledger.h"

#include <string.h>

static const char *const names[] = {
#define X(id, name, about) name,
    LEDGER_STATES(X)
#undef X
};

const char *ledger_state_name(enum ledger_state state) {
    return state < LEDGER_COUNT ? names[state] : "none";
}

enum ledger_state ledger_state_find(struct str name) {
    for (int i = 0; i < LEDGER_COUNT; i++)
        if (str_is(name, names[i]))
            return (enum ledger_state)i;
    return LEDGER_NONE;
}

/* The deliveries' counts stand before those of the states. */
#define DELIVERIES 4

static int64_t *delivery_count(struct ledger *ledger, int at) {
    int64_t *counts[DELIVERIES] = {&ledger->accepted, &ledger->parsed,
                                   &ledger->unparsed, &ledger->repeated};

    return counts[at];
}

/* And those of retention behind them. */
#define LATER 4

static int64_t *later_count(struct ledger *ledger, int at) {
    int64_t *counts[LATER] = {&ledger->dropped, &ledger->deliveries_cut,
                              &ledger->runs, &ledger->runs_cut};

    return counts[at];
}

static bool take_number(struct str *rest, int64_t *out) {
    return str_to_int(str_cut(*rest, ' ', rest), out) && *out >= 0;
}

static bool read_counts(struct str text, struct ledger *ledger) {
    bool ok = true;

    for (int i = 0; ok && i < DELIVERIES; i++)
        ok = take_number(&text, delivery_count(ledger, i));
    for (int i = 0; ok && i < LEDGER_COUNT; i++) {
        ok = take_number(&text, &ledger->counts[i]);
        ledger->seen += ledger->counts[i];
    }
    for (int i = 0; ok && text.len && i < LATER; i++)
        ok = take_number(&text, later_count(ledger, i));
    return ok && text.len == 0;
}

bool ledger_read(struct store *store, struct ledger *ledger, struct err *err) {
    struct buf text = BUF_EMPTY;
    bool       found = false, ok;

    memset(ledger, 0, sizeof *ledger);
    ok =
        store_get(store, STR(LEDGER_KEY), &text, &ledger->version, &found, err);
    if (ok && found && !read_counts(buf_str(&text), ledger))
        ok = err_set(err, ERR_CONFLICT, LEDGER_KEY " is not a ledger");
    buf_release(&text);
    return ok;
}

/* (LG1) */
void ledger_move(struct ledger *ledger, enum ledger_state from,
                 enum ledger_state to) {
    if (from == LEDGER_NONE)
        ledger->seen++;
    else
        ledger->counts[from]--;
    ledger->counts[to]++;
}

void ledger_write(const struct ledger *ledger, struct batch *batch) {
    struct buf text = BUF_EMPTY;

    buf_addf(&text, "%lld %lld %lld %lld", (long long)ledger->accepted,
             (long long)ledger->parsed, (long long)ledger->unparsed,
             (long long)ledger->repeated);
    for (int i = 0; i < LEDGER_COUNT; i++)
        buf_addf(&text, " %lld", (long long)ledger->counts[i]);
    buf_addf(&text, " %lld %lld %lld %lld", (long long)ledger->dropped,
             (long long)ledger->deliveries_cut, (long long)ledger->runs,
             (long long)ledger->runs_cut);
    if (ledger->version)
        batch_swap(batch, STR(LEDGER_KEY), ledger->version, buf_str(&text));
    else
        batch_insert(batch, STR(LEDGER_KEY), buf_str(&text));
    buf_release(&text);
}

int64_t ledger_deliveries_kept(const struct ledger *ledger) {
    return ledger->accepted - ledger->deliveries_cut;
}

int64_t ledger_runs_kept(const struct ledger *ledger) {
    return ledger->runs - ledger->runs_cut;
}

struct json *ledger_json(const struct ledger *ledger) {
    struct json *all = json_new_map(), *states = json_new_map();
    struct json *deliveries = json_new_map(), *runs = json_new_map();

    for (int i = 0; i < LEDGER_COUNT; i++)
        json_put_int(states, names[i], ledger->counts[i]);
    json_put_int(deliveries, "accepted", ledger->accepted);
    json_put_int(deliveries, "parsed", ledger->parsed);
    json_put_int(deliveries, "unparsed", ledger->unparsed);
    json_put_int(deliveries, "repeated", ledger->repeated);
    json_put_int(deliveries, "waiting",
                 ledger->accepted - ledger->parsed - ledger->unparsed -
                     ledger->dropped);
    json_put_int(deliveries, "dropped", ledger->dropped);
    json_put_int(deliveries, "kept", ledger_deliveries_kept(ledger));
    json_put_int(runs, "begun", ledger->runs);
    json_put_int(runs, "kept", ledger_runs_kept(ledger));
    json_put_int(all, "seen", ledger->seen);
    json_put(all, "states", states);
    json_put(all, "deliveries", deliveries);
    json_put(all, "runs", runs);
    return all;
}
