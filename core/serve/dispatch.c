/* dispatch.c - one reading at a time, a few store jobs on their way.
 *
 * A reading is a delivery whose source runs or whose occurrences are being
 * handed to the store thread, BATCH at a time. As soon as the last of them is
 * posted the next delivery is read: the store thread keeps the order.
 */
#include "serve/dispatch.h"

#include <string.h>

#include "base/fault.h"
#include "base/mem.h"
#include "graph/match.h"
#include "secret/redact.h"
#include "serve/delivery_trace.h"
#include "sys/crypto.h"
#include "sys/loop.h"
#include "sys/watchdog.h"
#include "vm/attempt.h"

#define BATCH 32        /* occurrences of one job */
#define TREES_MAX 512   /* bodies that may wait to be read */
#define FLIGHT_MAX 64   /* jobs on their way */
#define SOURCE_MS 15000 /* three times the CPU limit of a source */

struct reading {
    struct intake_taken *taken;
    struct routes       *routes;
    struct json         *arguments, *occurrences;
    char                *script; /* of its source */
    bool                 ends_by_key;
    struct attempt      *attempt;
    size_t               at; /* occurrences that were posted */
};

struct dispatch {
    struct dispatch_options options;
    struct intake_taken    *first, *last;
    size_t                  count, flight;
    struct reading          reading;
    bool                    busy, posted, turning, stopped;
    void (*idle)(void *arg);
    void *idle_arg;
};

static void read_next(struct dispatch *dispatch);
static void tell_idle(struct dispatch *dispatch);

struct str dispatch_script(const struct json *sources, struct str source) {
    struct str script =
        json_find_text(json_find_str(sources, source), "script");

    return script.len ? script : source;
}

/* --- the reading --------------------------------------------------------- */

static void reading_release(struct reading *reading) {
    attempt_close(reading->attempt);
    json_release(reading->arguments);
    json_release(reading->occurrences);
    routes_release(reading->routes);
    mem_free(reading->script);
    intake_taken_release(reading->taken);
    memset(reading, 0, sizeof *reading);
}

static void poke(void *arg) {
    struct dispatch *dispatch = arg;

    dispatch->posted = false;
    read_next(dispatch);
    tell_idle(dispatch);
}

static void poke_later(struct dispatch *dispatch) {
    if (dispatch->posted || dispatch->stopped)
        return;
    dispatch->posted = true;
    loop_defer(dispatch->options.loop, poke, dispatch);
}

static void reading_over(struct dispatch *dispatch) {
    reading_release(&dispatch->reading);
    dispatch->busy = false;
    poke_later(dispatch);
}

/* --- jobs ---------------------------------------------------------------- */

struct job {
    struct dispatch *dispatch;
    struct routes   *routes; /* whose names the sightings borrow */
    char             id[ID_SIZE];
    char            *source;
    int64_t          at;
    bool             last;        /* the delivery is parsed with it */
    struct err       why;         /* of one that is unparsed */
    struct json     *rows;        /* list of { occurrence, incident } */
    size_t           count, held; /* held: those that are counted */
    struct sighting  items[];
};

static struct job *job_new(struct dispatch *dispatch, size_t count) {
    struct job *job = mem_new(sizeof *job + count * sizeof *job->items);
    struct intake_taken *taken = dispatch->reading.taken;

    job->dispatch = dispatch;
    job->routes = routes_retain(dispatch->reading.routes);
    memcpy(job->id, taken->id, sizeof job->id);
    job->source = mem_text(taken->source, strlen(taken->source));
    job->at = taken->at;
    job->rows = json_new_list();
    dispatch->flight++;
    return job;
}

static void job_release(struct job *job) {
    for (size_t i = 0; i < job->count; i++)
        json_release(job->items[i].others);
    json_release(job->rows);
    routes_release(job->routes);
    mem_free(job->source);
    mem_free(job);
}

static bool count_all(struct store *store, void *arg, struct err *err) {
    struct job *job = arg;

    for (; job->held < job->count; job->held++)
        if (!incident_see(store, &job->items[job->held], err))
            return err_wrap(err, "delivery %s", job->id);
    if (!job->last)
        return true;
    fault_pass(FAULT_DISPATCH_PARSED);
    return delivery_parsed(store, str_of(job->id), err);
}

/* One end may be the end of what several runs are about. */
static void tell_others(struct dispatch *dispatch, const struct sighting *seen,
                        const struct json *incident) {
    const struct dispatch_events *events = dispatch->options.events;
    void                         *arg = dispatch->options.arg;

    for (size_t i = 0; i < json_count(seen->others); i++) {
        const struct json *other = json_at(seen->others, i);
        const char        *run = json_find_text(other, "run").data;

        if (json_truth(json_find(other, "cancel")))
            events->cancel(arg, run);
        else
            events->attached(arg, run, incident_evidence(incident, false));
    }
}

static void tell_one(struct dispatch *dispatch, struct job *job,
                     const struct sighting *seen, struct json *row) {
    const struct dispatch_events *events = dispatch->options.events;
    void                         *arg = dispatch->options.arg;
    struct json                  *incident = json_find(row, "incident");

    events->seen(arg, str_of(job->source), seen->fate);
    if (seen->fate == SIGHTING_BEGUN) {
        json_put_text(incident, "id", str_of(seen->id));
        events->begun(arg, seen->holder, seen->playbook, seen->due, incident);
    }
    if (seen->evidence) {
        events->attached(arg, seen->holder,
                         incident_evidence(incident, seen->firing));
    }
    if (seen->cancel)
        events->cancel(arg, seen->holder);
    tell_others(dispatch, seen, incident);
}

/* Nothing of it is with the loop or the store thread any more. */
static void tell_idle(struct dispatch *dispatch) {
    if (!dispatch->idle || dispatch->flight || dispatch->posted ||
        dispatch->turning)
        return;
    loop_defer(dispatch->options.loop, dispatch->idle, dispatch->idle_arg);
    dispatch->idle = NULL;
}

static void landed(struct dispatch *dispatch) {
    dispatch->flight--;
    poke_later(dispatch);
    tell_idle(dispatch);
}

static void job_failed(struct dispatch *dispatch, const struct err *err) {
    dispatch->stopped = true;
    dispatch->options.events->failed(dispatch->options.arg, err);
}

static bool put_aside(struct store *store, void *arg, struct err *err) {
    struct job *job = arg;

    return delivery_unparsed(store, str_of(job->id), &job->why, err);
}

static void aside(void *arg, const struct err *err) {
    struct job      *job = arg;
    struct dispatch *dispatch = job->dispatch;

    if (err)
        job_failed(dispatch, err);
    else
        dispatch->options.events->read(dispatch->options.arg,
                                       str_of(job->source), job->at, false);
    job_release(job);
    landed(dispatch);
}

/* Takes the job. */
static void set_aside(struct dispatch *dispatch, struct job *job,
                      const struct err *why) {
    job->why = *why;
    log_line(dispatch->options.log, LOG_ERROR, NULL, "delivery not understood",
             "delivery", job->id, "source", job->source, "code",
             err_name(why->code), "error", why->text, "next",
             "mend the source, then: nightshift deliveries retry", NULL);
    queue_post(dispatch->options.queue, put_aside, aside, job);
}

/* Each is a batch of its own: what held stays, whatever came behind it. */
static void tell_held(struct dispatch *dispatch, struct job *job) {
    for (size_t i = 0; i < job->held; i++)
        tell_one(dispatch, job, &job->items[i], json_at(job->rows, i));
}

static void drop_rest(struct dispatch *dispatch, const char *id) {
    struct intake_taken *taken = dispatch->reading.taken;

    if (dispatch->busy && taken && strcmp(taken->id, id) == 0)
        reading_over(dispatch);
}

static void counted(void *arg, const struct err *err) {
    struct job      *job = arg;
    struct dispatch *dispatch = job->dispatch;

    if (err && err->code == ERR_IO)
        job_failed(dispatch, err);
    else
        tell_held(dispatch, job);
    /* The store is sound and does not take this one: a label as long as a
     * book, say. It must not stop the others, now or after a start. (DI2) */
    if (err && err->code != ERR_IO) {
        drop_rest(dispatch, job->id);
        set_aside(dispatch, job, err);
        return;
    }
    if (!err && job->last)
        dispatch->options.events->read(dispatch->options.arg,
                                       str_of(job->source), job->at, true);
    job_release(job);
    landed(dispatch);
}

/* (DI2) */
static void give_up(struct dispatch *dispatch, const struct err *why) {
    set_aside(dispatch, job_new(dispatch, 0), why);
    reading_over(dispatch);
}

/* --- occurrences --------------------------------------------------------- */

static void make_ids(struct sighting *sighting) {
    unsigned char random[2 * ID_RANDOM];

    crypto_random(random, sizeof random);
    id_make(sighting->run, "run_", sighting->at, random);
    id_make(sighting->id, "inc_", sighting->at, random + ID_RANDOM);
}

/* An alert's labels may carry what nobody should keep. (N11) */
static struct json *incident_of(struct dispatch    *dispatch,
                                const struct route *route,
                                const struct json  *occurrence,
                                struct str          source) {
    const struct intake_taken *taken = dispatch->reading.taken;
    struct json *raw = match_incident(route->playbook, occurrence), *clean;

    clean = redact_json(dispatch->options.redact, raw);
    json_release(raw);
    json_put_text(clean, "source", source);
    delivery_trace_put(dispatch->options.trace, taken->id, taken->headers,
                       clean);
    return clean;
}

static void fill(struct dispatch *dispatch, struct job *job,
                 struct json *occurrence) {
    struct reading  *reading = &dispatch->reading;
    struct sighting *sighting = &job->items[job->count++];
    struct json     *row = json_new_map(), *incident = NULL;
    struct str       source = str_of(job->source);
    struct route     route = routes_find(
            reading->routes, source,
            dispatch_script(dispatch->options.sources, source), occurrence);

    if (route.id.len)
        incident = incident_of(dispatch, &route, occurrence, source);
    json_put(row, "occurrence", json_retain(occurrence));
    if (incident)
        json_put(row, "incident", incident);
    json_append(job->rows, row);
    sighting->source = source;
    sighting->key = json_find_text(occurrence, "key");
    sighting->started_at = json_find_text(occurrence, "started_at");
    sighting->ended_at = json_find_text(occurrence, "ended_at");
    sighting->by_key = reading->ends_by_key;
    sighting->firing = str_is(json_find_text(occurrence, "status"), "firing");
    sighting->delivery = str_of(job->id);
    sighting->at = dispatch->options.clock->wall_ms(dispatch->options.clock);
    sighting->playbook = route.id;
    sighting->run_key = json_find(incident, "key");
    sighting->incident = incident;
    make_ids(sighting);
}

static void post_batch(struct dispatch *dispatch) {
    struct reading *reading = &dispatch->reading;
    size_t          left = json_count(reading->occurrences) - reading->at;
    size_t          count = left < BATCH ? left : BATCH;
    struct job     *job = job_new(dispatch, count);

    while (job->count < count) {
        fill(dispatch, job, json_at(reading->occurrences, reading->at));
        json_replace(reading->occurrences, reading->at++, json_new_null());
    }
    job->last = reading->at == json_count(reading->occurrences);
    queue_post(dispatch->options.queue, count_all, counted, job);
    if (job->last)
        reading_over(dispatch);
    else
        poke_later(dispatch);
}

/* What the sender left out fires too, and nobody was told of it. */
static void tell_notes(struct dispatch *dispatch, const struct json *notes) {
    const struct intake_taken *taken = dispatch->reading.taken;
    struct log                *log = dispatch->options.log;
    int64_t                    left_out = json_find_int(notes, "truncated", 0);
    struct str                 ignored = json_find_text(notes, "ignored");
    char                       count[24];

    (void)snprintf(count, sizeof count, "%lld", (long long)left_out);
    if (left_out > 0)
        log_line(log, LOG_WARN, NULL, "the sender left alerts out", "delivery",
                 taken->id, "source", taken->source, "count", count, "next",
                 "let it send all of them, or smaller groups", NULL);
    if (ignored.len)
        log_line(log, LOG_DEBUG, NULL, "delivery gives nothing", "delivery",
                 taken->id, "source", taken->source, "why", ignored.data, NULL);
}

static void take_results(struct dispatch *dispatch) {
    struct reading *reading = &dispatch->reading;
    struct err      err;

    reading->occurrences = match_occurrences(attempt_results(reading->attempt),
                                             reading->ends_by_key, &err);
    if (reading->occurrences)
        tell_notes(dispatch, match_notes(attempt_results(reading->attempt)));
    attempt_close(reading->attempt);
    reading->attempt = NULL;
    json_release(reading->arguments);
    reading->arguments = NULL;
    fault_pass(FAULT_DISPATCH_READ);
    if (reading->occurrences)
        post_batch(dispatch);
    else
        give_up(dispatch, &err);
}

/* --- the source ---------------------------------------------------------- */

static void turn(void *arg) {
    struct dispatch   *dispatch = arg;
    struct reading    *reading = &dispatch->reading;
    enum attempt_state state;
    struct err         err;

    dispatch->turning = false;
    if (dispatch->stopped) {
        tell_idle(dispatch);
        return;
    }
    watchdog_arm(dispatch->options.watchdog, SOURCE_MS, reading->taken->source);
    state = attempt_resume(reading->attempt, true, NULL, &err);
    watchdog_disarm(dispatch->options.watchdog);
    switch (state) {
    case ATTEMPT_SLICED:
        dispatch->turning = true;
        loop_defer(dispatch->options.loop, turn, dispatch);
        break;
    case ATTEMPT_ENDED: take_results(dispatch); break;
    case ATTEMPT_ASKS:
        err_set(&err, ERR_CONTRACT, "a source may not ask");
        give_up(dispatch, &err);
        break;
    case ATTEMPT_FAILED: give_up(dispatch, &err); break;
    }
}

static bool start_source(struct dispatch *dispatch, struct err *err) {
    struct reading      *reading = &dispatch->reading;
    struct intake_taken *taken = reading->taken;
    struct str           script =
        dispatch_script(dispatch->options.sources, str_of(taken->source));
    struct bundle       *bundle = routes_bundle(reading->routes);
    const struct script *source = bundle_find(bundle, SCRIPT_SOURCE, script);
    struct vm_limits     limits = vm_limits_source;

    limits.slice = vm_limits_node.slice;
    reading->script = mem_text(script.data, script.len);
    if (!source)
        return err_set(err, ERR_NOT_FOUND, "no source script \"%.*s\"",
                       STR_ARG(script));
    reading->ends_by_key = match_ends_by_key(bundle, source);
    reading->arguments = match_request(
        taken->headers ? json_retain(taken->headers) : json_new_map(),
        taken->body, taken->at);
    taken->body = NULL;
    reading->attempt = attempt_open(bundle, source, "occurrences", false,
                                    reading->arguments, &limits, err);
    return reading->attempt != NULL;
}

static void read_it(struct dispatch *dispatch) {
    struct err err;

    if (start_source(dispatch, &err))
        turn(dispatch);
    else
        give_up(dispatch, &err);
}

/* --- one that is only in the store --------------------------------------- */

struct fetch {
    struct dispatch     *dispatch;
    struct delivery_kept kept;
    struct json         *body;
    struct err           bad; /* why the body cannot be read */
};

static bool fetch_it(struct store *store, void *arg, struct err *err) {
    static const struct json_caps caps = {STORE_BLOB_MAX, 64};
    struct fetch                 *fetch = arg;
    struct str id = str_of(fetch->dispatch->reading.taken->id);

    if (!delivery_get(store, id, &fetch->kept, err))
        return false;
    fetch->body = json_parse(buf_str(&fetch->kept.body), &caps, &fetch->bad);
    return true;
}

static void fetched(void *arg, const struct err *err) {
    struct fetch        *fetch = arg;
    struct dispatch     *dispatch = fetch->dispatch;
    struct intake_taken *taken = dispatch->reading.taken;
    const struct json   *line = fetch->kept.envelope;
    struct str           source = json_find_text(line, "source");

    dispatch->flight--;
    if (err && err->code != ERR_IO) {
        give_up(dispatch, err);
    } else if (err || dispatch->stopped) {
        if (err)
            job_failed(dispatch, err);
        json_release(fetch->body);
        reading_over(dispatch);
        tell_idle(dispatch);
    } else {
        mem_free(taken->source);
        taken->source = mem_text(source.data, source.len);
        taken->at = json_find_int(line, "at", taken->at);
        json_release(taken->headers); /* one that waited has them still */
        taken->headers = json_find(line, "headers")
                             ? json_retain(json_find(line, "headers"))
                             : NULL;
        taken->body = fetch->body;
        if (taken->body)
            read_it(dispatch);
        else
            give_up(dispatch, &fetch->bad);
    }
    delivery_release(&fetch->kept);
    mem_free(fetch);
}

static void fetch_first(struct dispatch *dispatch) {
    struct fetch *fetch = mem_new(sizeof *fetch);

    fetch->dispatch = dispatch;
    dispatch->flight++;
    queue_post(dispatch->options.queue, fetch_it, fetched, fetch);
}

/* --- the next one -------------------------------------------------------- */

static struct intake_taken *pop(struct dispatch *dispatch) {
    struct intake_taken *taken = dispatch->first;

    dispatch->first = taken->next;
    if (!dispatch->first)
        dispatch->last = NULL;
    dispatch->count--;
    return taken;
}

/* (DI3) */
static void read_next(struct dispatch *dispatch) {
    struct reading *reading = &dispatch->reading;

    if (dispatch->stopped || dispatch->flight >= FLIGHT_MAX)
        return;
    if (dispatch->busy) {
        /* A large one: its next batch, once the one before is counted. */
        if (reading->occurrences && dispatch->flight == 0)
            post_batch(dispatch);
        return;
    }
    if (!dispatch->first)
        return;
    dispatch->busy = true;
    reading->taken = pop(dispatch);
    reading->routes = routes_retain(dispatch->options.routes);
    if (reading->taken->body)
        read_it(dispatch);
    else
        fetch_first(dispatch);
}

/* --- the life of it ------------------------------------------------------ */

struct dispatch *dispatch_open(const struct dispatch_options *options) {
    struct dispatch *dispatch = mem_new(sizeof *dispatch);

    dispatch->options = *options;
    return dispatch;
}

void dispatch_close(struct dispatch *dispatch) {
    if (!dispatch)
        return;
    reading_release(&dispatch->reading);
    while (dispatch->first)
        intake_taken_release(pop(dispatch));
    mem_free(dispatch);
}

/* What waits behind many others is read back from the store. (DI3) */
void dispatch_add(struct dispatch *dispatch, struct intake_taken *taken) {
    taken->next = NULL;
    if (dispatch->count >= TREES_MAX) {
        json_release(taken->body);
        json_release(taken->headers);
        taken->body = taken->headers = NULL;
    }
    if (dispatch->last)
        dispatch->last->next = taken;
    else
        dispatch->first = taken;
    dispatch->last = taken;
    dispatch->count++;
    poke_later(dispatch);
}

void dispatch_add_stored(struct dispatch *dispatch, struct str id) {
    struct intake_taken *taken = mem_new(sizeof *taken);

    (void)snprintf(taken->id, sizeof taken->id, "%.*s", STR_ARG(id));
    taken->source = mem_text("", 0);
    taken->at = dispatch->options.clock->wall_ms(dispatch->options.clock);
    dispatch_add(dispatch, taken);
}

void dispatch_use(struct dispatch *dispatch, struct routes *routes,
                  const struct json *sources) {
    dispatch->options.routes = routes;
    dispatch->options.sources = sources;
}

void dispatch_stop(struct dispatch *dispatch, void (*idle)(void *arg),
                   void            *arg) {
    dispatch->stopped = true;
    dispatch->idle = idle;
    dispatch->idle_arg = arg;
    tell_idle(dispatch);
}

int64_t dispatch_oldest(const struct dispatch *dispatch) {
    if (dispatch->busy && dispatch->reading.taken)
        return dispatch->reading.taken->at;
    return dispatch->first ? dispatch->first->at : 0;
}

size_t dispatch_count(const struct dispatch *dispatch) {
    return dispatch->count + dispatch->busy;
}
