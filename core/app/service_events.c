/* service_events.c - what happens, as counts and as lines of the log.
 *
 * A run's effects are counted from its journal when it has ended: the journal
 * is what happened, and nothing else in the process has to know of metrics.
 */
#include "app/service_private.h"
#include "graph/run_trace.h"

/* --- deliveries and occurrences ------------------------------------------ */

static void begun(void *arg, const char *run, struct str playbook,
                  int64_t due_ms, const struct json *incident) {
    struct service     *service = arg;
    struct trace_parent parent;
    struct buf          trace = BUF_EMPTY;

    if (service->trace) {
        run_trace_parent(service->trace, run, incident, &parent);
        trace_id_write(&parent, &trace);
    }
    log_line(service->engine.log, LOG_INFO, run, "incident", "incident",
             json_find_text(incident, "id").data, "playbook", playbook.data,
             trace.len ? "trace_id" : NULL, buf_text(&trace), NULL);
    buf_release(&trace);
    runner_add(service->runner, str_of(run), playbook, due_ms, incident);
}

static void attached(void *arg, const char *run, struct json *evidence) {
    runner_attach(((struct service *)arg)->runner, str_of(run), evidence);
}

static void cancel(void *arg, const char *run) {
    (void)runner_cancel(((struct service *)arg)->runner, str_of(run),
                        "resolved");
}

static void seen(void *arg, struct str source, enum sighting_fate fate) {
    (void)arg;
    (void)source;
    (void)fate;
}

static void delivery_read(void *arg, struct str source, int64_t at,
                          bool parsed) {
    struct service *service = arg;

    (void)at;
    if (!parsed)
        metrics_add(service->metrics, METRIC_DELIVERIES, 1, source.data,
                    "unparsed", NULL);
}

static void store_failed(void *arg, const struct err *err) {
    service_store_failed(arg, err);
}

const struct dispatch_events service_dispatch_events = {
    begun, attached, cancel, seen, delivery_read, store_failed};

/* --- runs ---------------------------------------------------------------- */

static void run_began(void *arg, const char *run, struct str playbook,
                      struct log *log) {
    (void)arg;
    log_line(log, LOG_INFO, run, "run began", "playbook", playbook.data, NULL);
}

static const char *outcome_of(const struct json *record) {
    if (json_truth(json_find(record, "lost")))
        return "unknown";
    return json_truth(json_find(record, "ok")) ? "answered" : "failed";
}

/* An intent names its effect; its result stands in a record of its own. */
static const struct json *asked_by(const struct json *records, size_t at) {
    struct str slot = json_find_text(json_at(records, at), "slot");

    while (at-- > 0) {
        const struct json *record = json_at(records, at);

        if (json_find(record, "effect") &&
            str_equal(json_find_text(record, "slot"), slot))
            return record;
    }
    return NULL;
}

static void count_effect(struct service *service, const struct json *records,
                         size_t at) {
    const struct json *record = json_at(records, at);
    struct str         kind = json_find_text(record, "kind");
    const struct json *asked =
        str_is(kind, "read") ? record : asked_by(records, at);

    if (!asked || (!str_is(kind, "read") && !str_is(kind, "result")))
        return;
    if (str_is(json_find_text(asked, "kind"), "intent"))
        metrics_observe(service->metrics, METRIC_EFFECT_SECONDS,
                        (double)(json_find_int(record, "at", 0) -
                                 json_find_int(asked, "at", 0)) /
                            1000,
                        json_find_text(asked, "class").data, NULL);
    if (json_truth(json_find(record, "lost")))
        metrics_add(service->metrics, METRIC_GATE_UNKNOWN, 1, NULL);
    metrics_add(service->metrics, METRIC_EFFECTS, 1,
                json_find_text(asked, "effect").data,
                json_find_text(asked, "class").data, outcome_of(record), NULL);
}

static void observe_phase(struct service *service, const char *phase,
                          int64_t from, int64_t at) {
    if (from > 0 && at >= from)
        metrics_observe(service->metrics, METRIC_RUN_PHASE_SECONDS,
                        (double)(at - from) / 1000, phase, NULL);
}

/* From the moment the alert began to fire. */
static void count_phases(struct service *service, const struct json *records) {
    const struct json *first = json_at(records, 0);
    int64_t from = json_find_int(json_find(first, "incident"), "started_ms", 0);
    bool    acted = false;

    observe_phase(service, "accepted", from, json_find_int(first, "at", 0));
    for (size_t i = 0; i < json_count(records); i++) {
        const struct json *record = json_at(records, i);
        struct str         kind = json_find_text(record, "kind");
        struct str         use = json_find_text(record, "use");
        int64_t            at = json_find_int(record, "at", 0);

        if (str_is(kind, "intent") && !acted &&
            !str_is(json_find_text(record, "class"), "notify")) {
            acted = true;
            observe_phase(service, "acted", from, at);
        }
        if (str_is(kind, "ended") && str_is(use, "analyst"))
            observe_phase(service, "analysed", from, at);
        if (str_is(kind, "ended") && str_is(use, "decision"))
            observe_phase(service, "decided", from, at);
        if (str_is(kind, "ended") && str_starts(use, "verification"))
            observe_phase(service, "verified", from, at);
        if (str_is(kind, "finished") &&
            str_is(json_find_text(record, "verdict"), "pass"))
            observe_phase(service, "recovered", from, at);
    }
}

static void run_ended(void *arg, const struct runner_end *end) {
    struct service *service = arg;

    log_line(end->log, LOG_INFO, end->run, "run ended", "playbook",
             end->playbook.data, "outcome", end->outcome.data, "verdict",
             end->verdict.len ? end->verdict.data : "none", NULL);
    metrics_add(service->metrics, METRIC_RUNS_ENDED, 1, end->playbook.data,
                end->outcome.data, NULL);
    for (size_t i = 0; i < json_count(end->records); i++)
        count_effect(service, end->records, i);
    count_phases(service, end->records);
}

const struct runner_events service_runner_events = {run_began, run_ended,
                                                    store_failed};

void service_commit_seen(void *arg, size_t jobs, int64_t duration_ns) {
    struct service *service = arg;

    metrics_observe(service->metrics, METRIC_STORE_COMMIT_SECONDS,
                    (double)duration_ns / 1e9, NULL);
    metrics_observe(service->metrics, METRIC_STORE_GROUP_JOBS, (double)jobs,
                    NULL);
}
