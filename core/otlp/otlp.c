/* otlp.c - a timer that looks, a batch that is on its way, a stop.
 *
 * At any time one of three holds: the timer runs (nothing to send, or a batch
 * waits to be sent again), a request is on its way (OT2), or it has stopped.
 */
#include "otlp/otlp.h"

#include <assert.h>
#include <string.h>

#include "base/clock.h"
#include "base/mem.h"
#include "base/timestamp.h"
#include "net/http_client.h"
#include "observe/log.h"
#include "observe/metrics.h"
#include "secret/redact.h"
#include "secret/secret.h"
#include "sys/crypto.h"

#define BATCH_SPANS 512
#define LOOK_MS 200 /* how soon a full batch is noticed */
#define TRIES_MAX 5
#define BACKOFF_MS 1000
#define BACKOFF_MAX_MS 30000
#define ASKED_MAX_MS (10 * 60 * 1000) /* Retry-After beyond is not waited for */
#define ANSWER_MAX (64u << 10)

struct otlp {
    struct otlp_options options;
    struct http_client *client;
    struct loop_timer  *timer, *deadline;
    struct http_call   *call;
    struct buf          body; /* of the batch that is not done with */
    size_t              count;
    int                 tries;
    int64_t             sent_ns; /* when the queue was last found empty */
    uint64_t            dropped; /* by the queue, as counted so far */
    bool                failing, stopping, over;
    loop_fn            *done;
    void               *arg;
};

static void next(struct otlp *otlp);

static int64_t now_ns(const struct otlp *otlp) {
    return otlp->options.clock->mono_ns(otlp->options.clock);
}

/* --- what is told of it -------------------------------------------------- */

static void count_dropped(struct otlp *otlp, uint64_t count, const char *why) {
    if (count)
        metrics_add(otlp->options.metrics, METRIC_SPANS_DROPPED, count, why,
                    NULL);
}

/* The queue counts its own. */
static void count_queue(struct otlp *otlp) {
    uint64_t dropped = trace_dropped(otlp->options.trace);

    count_dropped(otlp, dropped - otlp->dropped, "full");
    otlp->dropped = dropped;
}

/* Once when it begins to fail, and once when it goes again. (OT4) */
static void tell_failing(struct otlp *otlp, const char *why) {
    metrics_add(otlp->options.metrics, METRIC_SPAN_EXPORTS_FAILED, 1, NULL);
    if (!otlp->failing)
        log_line(otlp->options.log, LOG_WARN, NULL, "traces cannot be sent",
                 "to", buf_text(&otlp->options.settings->url), "why", why,
                 NULL);
    otlp->failing = true;
}

static void tell_going(struct otlp *otlp) {
    if (otlp->failing)
        log_line(otlp->options.log, LOG_INFO, NULL, "traces are sent again",
                 NULL);
    otlp->failing = false;
}

/* --- waiting ------------------------------------------------------------- */

static void look(void *arg) {
    struct otlp *otlp = arg;

    otlp->timer = NULL;
    next(otlp);
}

static void look_in(struct otlp *otlp, int64_t ms) {
    otlp->timer = loop_timer_start(otlp->options.loop, ms, look, otlp);
}

static void drop_batch(struct otlp *otlp, const char *why) {
    count_dropped(otlp, otlp->count, why);
    buf_clear(&otlp->body);
    otlp->count = 0;
    otlp->tries = 0;
}

/* --- the stop ------------------------------------------------------------ */

static void finish(struct otlp *otlp) {
    otlp->over = true;
    drop_batch(otlp, "ended");
    count_queue(otlp);
    count_dropped(otlp, trace_waiting(otlp->options.trace), "ended");
    loop_timer_cancel(otlp->timer);
    loop_timer_cancel(otlp->deadline);
    otlp->timer = otlp->deadline = NULL;
    loop_defer(otlp->options.loop, otlp->done, otlp->arg);
}

/* (OT3) */
static void out_of_time(void *arg) {
    struct otlp *otlp = arg;

    otlp->deadline = NULL;
    otlp->over = true;
    if (otlp->call)
        http_client_cancel(otlp->call);
    else
        finish(otlp);
}

void otlp_stop(struct otlp *otlp, int64_t within_ms, loop_fn *done, void *arg) {
    otlp->stopping = true;
    otlp->done = done;
    otlp->arg = arg;
    otlp->deadline =
        loop_timer_start(otlp->options.loop, within_ms, out_of_time, otlp);
    if (otlp->timer) {
        loop_timer_cancel(otlp->timer);
        otlp->timer = NULL;
        next(otlp);
    }
}

/* --- an answer ----------------------------------------------------------- */

/* Seconds or a date; 0: not said. */
static int64_t asked_ms(const struct otlp        *otlp,
                        const struct http_answer *answer) {
    struct str text = http_headers_find(&answer->headers, "retry-after");
    int64_t    value = 0, then;
    struct err err;

    if (str_to_int(text, &value))
        value = value > ASKED_MAX_MS ? ASKED_MAX_MS : value * 1000;
    else if (timestamp_read_http(text, &then, &err))
        value = then - otlp->options.clock->wall_ms(otlp->options.clock);
    if (value > ASKED_MAX_MS)
        value = ASKED_MAX_MS;
    return value > 0 ? value : 0;
}

/* A second, doubled with each try, and spread. */
static int64_t backoff_ms(const struct otlp *otlp) {
    int64_t  most = BACKOFF_MS << (otlp->tries - 1);
    uint64_t random;

    crypto_random((unsigned char *)&random, sizeof random);
    if (most > BACKOFF_MAX_MS)
        most = BACKOFF_MAX_MS;
    return most / 2 + (int64_t)(random % (uint64_t)(most / 2 + 1));
}

static bool is_retryable(const struct http_answer *answer) {
    return answer->fate != HTTP_ANSWERED || answer->status == 429 ||
           answer->status == 502 || answer->status == 503 ||
           answer->status == 504;
}

/* How many of the batch the collector says it did not take. */
static size_t rejected(const struct otlp *otlp, struct str body) {
    struct err         err;
    struct json       *parsed = json_parse(body, &json_caps_answer, &err);
    const struct json *value =
        json_dig(parsed, "partialSuccess", "rejectedSpans", NULL);
    int64_t number = json_int(value);

    if (json_is(value, JSON_TEXT) && !str_to_int(json_text(value), &number))
        number = 0;
    json_release(parsed);
    return number < 0                      ? 0
           : number > (int64_t)otlp->count ? otlp->count
                                           : (size_t)number;
}

static void taken(struct otlp *otlp, const struct http_answer *answer) {
    size_t refused = rejected(otlp, buf_str(&answer->body));

    tell_going(otlp);
    count_dropped(otlp, refused, "refused");
    otlp->count -= refused;
    metrics_add(otlp->options.metrics, METRIC_SPANS_SENT, otlp->count, NULL);
    otlp->count = 0;
    drop_batch(otlp, "refused");
}

/* (OT1) False: the batch is given up. */
static bool again(struct otlp *otlp, const struct http_answer *answer) {
    int64_t wait = 0, asked;

    if (++otlp->tries >= TRIES_MAX)
        return false;
    wait = backoff_ms(otlp);
    asked = answer->fate == HTTP_ANSWERED ? asked_ms(otlp, answer) : 0;
    look_in(otlp, asked > wait ? asked : wait);
    return true;
}

static void say_why(const struct http_answer *answer, const struct err *err,
                    struct buf *out) {
    if (answer->fate == HTTP_ANSWERED)
        buf_addf(out, "status %d", answer->status);
    else
        buf_add_text(out, err->text);
}

static void answered(void *arg, const struct http_answer *answer,
                     const struct err *err) {
    struct otlp *otlp = arg;
    bool good = answer->fate == HTTP_ANSWERED && answer->status >= 200 &&
                answer->status < 300;
    struct buf why = BUF_EMPTY;

    otlp->call = NULL;
    say_why(answer, err, &why);
    if (good)
        taken(otlp, answer);
    else if (!otlp->over)
        tell_failing(otlp, buf_text(&why));
    buf_release(&why);
    /* At the end nobody is waited for. */
    if (otlp->over || (!good && otlp->stopping)) {
        finish(otlp);
    } else if (good) {
        next(otlp);
    } else if (!is_retryable(answer)) {
        drop_batch(otlp, "refused");
        look_in(otlp, LOOK_MS);
    } else if (!again(otlp, answer)) {
        drop_batch(otlp, "unreachable");
        look_in(otlp, LOOK_MS);
    }
}

/* --- a request ----------------------------------------------------------- */

static bool add_header(struct otlp *otlp, struct http_headers *headers,
                       struct str name, struct str value) {
    struct str rest;

    if (otlp->options.redact) {
        redact_learn_value(otlp->options.redact, value);
        (void)str_cut(value, ' ', &rest); /* "Bearer …" */
        if (rest.len)
            redact_learn_value(otlp->options.redact, rest);
    }
    return http_headers_add(headers, name, value);
}

static bool add_list(struct otlp *otlp, struct http_headers *headers,
                     struct err *err) {
    struct str list = secret_find(otlp->options.secrets, OTLP_HEADER_LIST), key;
    struct buf value = BUF_EMPTY;
    bool       bad = false;

    while (otlp_settings_pair(&list, &key, &value, &bad) && !bad)
        bad = !add_header(otlp, headers, key, buf_str(&value));
    if (value.data)
        mem_wipe(value.data, value.cap);
    buf_release(&value);
    return !bad || err_set(err, ERR_CONFIG,
                           OTLP_HEADER_LIST
                           " must be name=value,name=value, with %%XX for "
                           "what is special");
}

/* (OT4) */
static bool add_headers(struct otlp *otlp, struct http_headers *headers,
                        struct err *err) {
    struct json_walk walk = json_walk_over(otlp->options.settings->headers);
    bool             ok = add_list(otlp, headers, err);

    (void)http_headers_add(headers, STR("Content-Type"),
                           STR("application/json"));
    while (ok && json_walk_next(&walk)) {
        struct str name = json_find_text(walk.value, "secret");
        struct str value = secret_find(otlp->options.secrets, name.data);

        http_headers_drop(headers, walk.key.data);
        ok = (value.len && add_header(otlp, headers, walk.key, value)) ||
             err_set(err, ERR_CONFIG,
                     "otlp.headers.%.*s: secret(\"%.*s\") is not there, or has "
                     "a line's end in it",
                     STR_ARG(walk.key), STR_ARG(name));
    }
    json_walk_stop(&walk);
    return ok;
}

static bool build(struct otlp *otlp, struct http_request *request,
                  struct err *err) {
    http_request_init(request, "POST", buf_str(&otlp->options.settings->url));
    request->reach = HTTP_PRIVATE;
    request->deadline_ms = otlp->options.settings->timeout_ms;
    request->answer_cap = ANSWER_MAX;
    request->has_body = true;
    buf_add_str(&request->body, buf_str(&otlp->body));
    return add_headers(otlp, &request->headers, err);
}

static void post(struct otlp *otlp) {
    struct http_request request;
    struct err          err;

    if (build(otlp, &request, &err) &&
        http_client_start(otlp->client, &request, answered, otlp, &otlp->call,
                          &err))
        return;
    http_request_release(&request);
    tell_failing(otlp, err.text);
    drop_batch(otlp, "refused");
    if (otlp->stopping)
        finish(otlp);
    else
        look_in(otlp, BACKOFF_MAX_MS);
}

static bool is_due(struct otlp *otlp, size_t waiting) {
    int64_t flush_ns = otlp->options.settings->flush_ms * 1000000;

    if (waiting == 0)
        otlp->sent_ns = now_ns(otlp);
    return waiting >= BATCH_SPANS ||
           (waiting > 0 &&
            (otlp->stopping || now_ns(otlp) - otlp->sent_ns >= flush_ns));
}

/* The batch at hand, else the next one when it is due. */
static void next(struct otlp *otlp) {
    count_queue(otlp);
    if (otlp->count == 0 && is_due(otlp, trace_waiting(otlp->options.trace))) {
        otlp->count =
            trace_batch(otlp->options.trace, BATCH_SPANS, &otlp->body);
        otlp->sent_ns = now_ns(otlp);
    }
    if (otlp->count)
        post(otlp);
    else if (otlp->stopping)
        finish(otlp);
    else
        look_in(otlp, otlp->options.settings->flush_ms < LOOK_MS
                          ? otlp->options.settings->flush_ms
                          : LOOK_MS);
}

/* --- the life of it ------------------------------------------------------ */

static bool check_headers(struct otlp *otlp, struct err *err) {
    struct http_request request;
    bool                ok = build(otlp, &request, err);

    http_request_release(&request);
    return ok;
}

struct otlp *otlp_open(const struct otlp_options *options, struct err *err) {
    struct http_client_options client = {
        .proxy = options->proxy,
        .no_proxy = "localhost,127.0.0.1,::1",
        .ca_file = options->settings->ca_file,
        .user_agent = options->user_agent,
    };
    struct otlp *otlp = mem_new(sizeof *otlp);

    otlp->options = *options;
    if (!check_headers(otlp, err)) {
        mem_free(otlp);
        return NULL;
    }
    otlp->client = http_client_open(options->loop, &client);
    otlp->sent_ns = now_ns(otlp);
    look_in(otlp, LOOK_MS);
    return otlp;
}

void otlp_close(struct otlp *otlp) {
    if (!otlp)
        return;
    assert(!otlp->call);
    loop_timer_cancel(otlp->timer);
    loop_timer_cancel(otlp->deadline);
    http_client_close(otlp->client);
    buf_release(&otlp->body);
    mem_free(otlp);
}
