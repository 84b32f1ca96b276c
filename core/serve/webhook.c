/* webhook.c - doors behind a lock that is only written at a reload.
 *
 * A request holds the lock for reading while it is judged, which is work and
 * never waiting; the intake is called after it was given back.
 */
#include "serve/webhook.h"

#include <pthread.h>
#include <stdatomic.h>
#include <string.h>

#include "auth/inbound.h"
#include "base/clock.h"
#include "base/map.h"
#include "base/mem.h"
#include "base/timestamp.h"
#include "net/http_server.h"
#include "observe/log.h"
#include "observe/metrics.h"
#include "serve/delivery_trace.h"
#include "serve/sns.h"

#define BODY_MAX (8u << 20)         /* unless the source says otherwise */
#define BODY_MAX_GITHUB (25u << 20) /* the largest that GitHub sends */
#define DEPTH_MAX 64

/* What of a sender's headers its source may see. */
static const char *const shown[] = {"x-github-event",
                                    "x-github-delivery",
                                    "x-amz-sns-message-type",
                                    "x-amz-sns-topic-arn",
                                    "ce-type",
                                    "ce-source",
                                    "content-type",
                                    "user-agent",
                                    "traceparent",
                                    "x-amzn-trace-id",
                                    NULL};

struct door {
    char           *name;
    struct inbound *inbound; /* NULL: a token of the role `ingest` */
    size_t          cap;
    double          rate, burst; /* a second; rate 0: no limit */
    double          tokens;
    int64_t         filled_ns;
    pthread_mutex_t bucket; /* guards tokens and filled_ns */
};

struct webhook {
    struct webhook_options options;
    pthread_rwlock_t       lock; /* guards what follows */
    struct map             doors;
    struct tokens         *tokens;
};

/* --- doors --------------------------------------------------------------- */

static void door_close(struct door *door) {
    inbound_close(door->inbound);
    (void)pthread_mutex_destroy(&door->bucket);
    mem_free(door->name);
    mem_free(door);
}

static void doors_release(struct map *doors) {
    size_t       at = 0;
    struct door *door;

    while ((door = map_next(doors, &at)) != NULL)
        door_close(door);
    map_release(doors);
}

/* "50/1s" */
static bool read_rate(struct door *door, const struct json *settings,
                      struct err *err) {
    struct str text = json_find_text(settings, "rate"), per;
    struct str count = str_cut(text, '/', &per);
    int64_t    number = 0, ms = 0;

    if (text.len == 0)
        return true;
    if (!str_to_int(count, &number) || number < 1 ||
        !timestamp_read_duration(per, &ms, err) || ms < 1)
        return err_set(err, ERR_CONFIG,
                       "sources.%s.rate is \"%.*s\"; it must be like \"50/1s\"",
                       door->name, STR_ARG(text));
    door->rate = (double)number * 1000 / (double)ms;
    door->burst = (double)json_find_int(settings, "burst", number);
    door->tokens = door->burst;
    if (door->burst < 1)
        return err_set(err, ERR_CONFIG, "sources.%s.burst must be at least 1",
                       door->name);
    return true;
}

static struct door *door_new(struct map *doors, struct str name) {
    struct door *door = mem_new(sizeof *door);

    door->name = mem_text(name.data, name.len);
    door->cap = BODY_MAX;
    (void)pthread_mutex_init(&door->bucket, NULL);
    map_put(doors, str_of(door->name), door);
    return door;
}

static bool add_configured(struct map *doors, const struct webhook *webhook,
                           struct str name, const struct json *settings,
                           const struct secrets *secrets, struct err *err) {
    struct door *door = door_new(doors, name);

    if (json_find(settings, "auth")) {
        door->inbound = inbound_open(name, settings, secrets, err);
        if (!door->inbound)
            return false;
        if (inbound_method(door->inbound) == INBOUND_GITHUB)
            door->cap = BODY_MAX_GITHUB;
        if (*inbound_warning(door->inbound))
            log_line(webhook->options.log, LOG_WARN, NULL, "source", "source",
                     door->name, "warning", inbound_warning(door->inbound),
                     NULL);
    }
    door->cap = (size_t)json_find_int(settings, "max_body", (int64_t)door->cap);
    return read_rate(door, settings, err);
}

static bool make_doors(const struct webhook *webhook, struct map *doors,
                       const struct webhook_world *world, struct err *err) {
    struct json_walk walk = json_walk_over(world->sources);
    bool             ok = true;

    while (ok && json_walk_next(&walk))
        ok = add_configured(doors, webhook, walk.key, walk.value,
                            world->secrets, err);
    json_walk_stop(&walk);
    for (size_t i = 0; ok && i < json_count(world->scripts); i++) {
        struct str name = json_text(json_at(world->scripts, i));

        if (!map_find(doors, name))
            (void)door_new(doors, name);
    }
    return ok;
}

bool webhook_use(struct webhook *webhook, const struct webhook_world *world,
                 struct err *err) {
    struct map     doors = {NULL, 0, 0}, old;
    struct tokens *tokens;

    if (!make_doors(webhook, &doors, world, err)) {
        doors_release(&doors);
        return false;
    }
    tokens = token_open(world->tokens, world->secrets, world->own_token);
    (void)pthread_rwlock_wrlock(&webhook->lock);
    old = webhook->doors;
    webhook->doors = doors;
    token_close(webhook->tokens);
    webhook->tokens = tokens;
    (void)pthread_rwlock_unlock(&webhook->lock);
    doors_release(&old);
    return true;
}

struct webhook *webhook_open(const struct webhook_options *options) {
    struct webhook *webhook = mem_new(sizeof *webhook);

    webhook->options = *options;
    (void)pthread_rwlock_init(&webhook->lock, NULL);
    return webhook;
}

void webhook_close(struct webhook *webhook) {
    if (!webhook)
        return;
    doors_release(&webhook->doors);
    token_close(webhook->tokens);
    (void)pthread_rwlock_destroy(&webhook->lock);
    mem_free(webhook);
}

size_t webhook_cap(struct webhook *webhook, struct str source) {
    struct door *door;
    size_t       cap;

    (void)pthread_rwlock_rdlock(&webhook->lock);
    door = map_find(&webhook->doors, source);
    cap = door ? door->cap : 0;
    (void)pthread_rwlock_unlock(&webhook->lock);
    return cap;
}

/* --- one request --------------------------------------------------------- */

struct judging {
    struct webhook       *webhook;
    struct http_exchange *exchange;
    struct str            source;
    bool                  again; /* its certificate was fetched meanwhile */
    bool                  confirms;
    enum sns_found        certificate;
    struct inbound_result result;
};

/* Senders such as SNS show user and password only when asked for them. */
static bool asks_password(const struct judging *j) {
    struct webhook    *webhook = j->webhook;
    const struct door *door;
    bool               asks;

    (void)pthread_rwlock_rdlock(&webhook->lock);
    door = map_find(&webhook->doors, j->source);
    asks =
        door && door->inbound && inbound_method(door->inbound) == INBOUND_BASIC;
    (void)pthread_rwlock_unlock(&webhook->lock);
    return asks;
}

static void refuse(struct judging *j, int status, const char *code,
                   const char *detail, const char *why) {
    metrics_add(j->webhook->options.metrics, METRIC_DELIVERIES, 1,
                j->source.data, "refused", NULL);
    if (why)
        metrics_add(j->webhook->options.metrics, METRIC_AUTH_REFUSED, 1,
                    j->source.data, why, NULL);
    if (status == 401)
        http_exchange_add(j->exchange, "WWW-Authenticate",
                          asks_password(j)
                              ? STR("Basic realm=\"nightshift\"")
                              : STR("Bearer realm=\"nightshift\""));
    http_exchange_problem(j->exchange, status, code, detail);
}

static struct str header_of(void *arg, const char *name) {
    return http_exchange_header(arg, name);
}

static struct buf name_lines(const struct http_tls_client *client) {
    struct buf lines = BUF_EMPTY;

    for (size_t i = 0; i < client->count; i++)
        buf_addf(&lines, "%.*s\n", STR_ARG(client->names[i]));
    return lines;
}

/* False: it is not here, or cannot be used. */
static bool learn(struct judging *j, const struct door *door, int64_t now_ms) {
    struct sns *sns = j->webhook->options.sns;
    struct str  url = str_of(j->result.url);
    struct buf  pem = BUF_EMPTY;
    struct err  err;
    bool        learnt = false;

    j->certificate =
        sns ? sns_certificate_find(sns, url, &pem, &err) : SNS_FAILED;
    if (j->certificate == SNS_FOUND) {
        learnt = inbound_learn(door->inbound, url, buf_str(&pem), now_ms, &err);
        if (!learnt) {
            sns_certificate_refuse(sns, url, &err);
            j->certificate = SNS_FAILED;
        }
    }
    buf_release(&pem);
    return learnt;
}

static enum inbound_verdict judge_sender(struct judging    *j,
                                         const struct door *door) {
    struct clock          *clock = j->webhook->options.clock;
    struct http_tls_client client = http_exchange_client(j->exchange);
    struct buf             names = name_lines(&client);
    struct inbound_request request = {
        .header = header_of,
        .arg = j->exchange,
        .body = http_exchange_body(j->exchange),
        .client_subject = client.subject,
        .client_names = buf_str(&names),
        .now_ms = clock->wall_ms(clock),
    };
    enum inbound_verdict verdict;
    enum token_role      role;

    if (door->inbound) {
        verdict = inbound_check(door->inbound, &request, &j->result);
        if (verdict == INBOUND_NEEDS_CERTIFICATE &&
            learn(j, door, request.now_ms))
            verdict = inbound_check(door->inbound, &request, &j->result);
        j->confirms = inbound_confirms(door->inbound);
        buf_release(&names);
        return verdict;
    }
    buf_release(&names);
    role = token_role_of(j->webhook->tokens,
                         http_exchange_header(j->exchange, "Authorization"));
    j->result.why =
        role == TOKEN_NONE ? INBOUND_WHY_MISSING : INBOUND_WHY_SIGNATURE;
    return token_reaches(role, TOKEN_INGEST) ? INBOUND_TRUSTED
                                             : INBOUND_REFUSED;
}

/* A token bucket; a sender who is not trusted takes nothing out of it. */
static bool within_rate(struct door *door, struct clock *clock) {
    int64_t now = clock->mono_ns(clock);
    bool    ok;

    if (door->rate == 0)
        return true;
    (void)pthread_mutex_lock(&door->bucket);
    if (door->filled_ns)
        door->tokens += (double)(now - door->filled_ns) / 1e9 * door->rate;
    if (door->tokens > door->burst)
        door->tokens = door->burst;
    door->filled_ns = now;
    ok = door->tokens >= 1;
    if (ok)
        door->tokens -= 1;
    (void)pthread_mutex_unlock(&door->bucket);
    return ok;
}

enum step { STEP_GO, STEP_UNKNOWN, STEP_REFUSED, STEP_RATE, STEP_CERTIFICATE };

static enum step judge(struct judging *j) {
    struct webhook      *webhook = j->webhook;
    struct door         *door;
    enum step            step = STEP_UNKNOWN;
    enum inbound_verdict verdict;

    (void)pthread_rwlock_rdlock(&webhook->lock);
    door = map_find(&webhook->doors, j->source);
    if (door) {
        verdict = judge_sender(j, door);
        step = verdict == INBOUND_NEEDS_CERTIFICATE        ? STEP_CERTIFICATE
               : verdict != INBOUND_TRUSTED                ? STEP_REFUSED
               : within_rate(door, webhook->options.clock) ? STEP_GO
                                                           : STEP_RATE;
    }
    (void)pthread_rwlock_unlock(&webhook->lock);
    return step;
}

/* --- the answer ---------------------------------------------------------- */

struct answering {
    struct webhook       *webhook;
    struct http_exchange *exchange;
    char                 *source;
    int64_t               began_ns, began_ms;
    bool                  joined; /* `parent` is a sender's */
    struct trace_parent   parent;
};

static void count(const struct answering *a, const char *result) {
    struct clock *clock = a->webhook->options.clock;

    metrics_add(a->webhook->options.metrics, METRIC_DELIVERIES, 1, a->source,
                result, NULL);
    metrics_observe(a->webhook->options.metrics, METRIC_ACCEPT_SECONDS,
                    (double)(clock->mono_ns(clock) - a->began_ns) / 1e9, NULL);
}

/* One that comes again has its span already. */
static void add_span(const struct answering *a, const char *id) {
    struct clock            *clock = a->webhook->options.clock;
    struct delivery_accepted span = {.parent = a->parent,
                                     .delivery = id,
                                     .source = a->source,
                                     .began_ms = a->began_ms,
                                     .ended_ms = clock->wall_ms(clock)};

    if (a->joined)
        delivery_trace_add(a->webhook->options.trace, &span);
}

static void accepted(struct answering *a, const char *id, bool repeated) {
    struct buf body = BUF_EMPTY;

    metrics_observe(a->webhook->options.metrics, METRIC_DELIVERY_BYTES,
                    (double)http_exchange_body(a->exchange).len, NULL);
    buf_addf(&body, "{\"delivery\":\"%s\"%s}", id,
             repeated ? ",\"repeated\":true" : "");
    count(a, repeated ? "duplicate" : "accepted");
    if (!repeated)
        add_span(a, id);
    http_exchange_answer(a->exchange, 202, "application/json", buf_str(&body));
    buf_release(&body);
}

/* (WH2) On the store thread. */
static void done(void *arg, enum intake_fate fate, const char *id,
                 const struct err *err) {
    struct answering *a = arg;

    if (fate == INTAKE_FAILED)
        log_line(a->webhook->options.log, LOG_ERROR, NULL,
                 "delivery not stored", "source", a->source, "code",
                 err_name(err->code), "error", err->text, NULL);
    if (fate == INTAKE_STORED || fate == INTAKE_REPEATED) {
        accepted(a, id, fate == INTAKE_REPEATED);
    } else {
        count(a, "refused");
        http_exchange_problem(
            a->exchange, 503, fate == INTAKE_BUSY ? "busy" : "store_failed",
            fate == INTAKE_BUSY ? "too much waits to be stored; send it again"
                                : "it cannot be stored now; send it again");
    }
    mem_free(a->source);
    mem_free(a);
}

static struct json *headers_of(struct http_exchange *exchange) {
    struct json *headers = json_new_map();

    for (const char *const *name = shown; *name; name++) {
        struct str value = http_exchange_header(exchange, *name);

        if (value.len && value.len <= 1024)
            json_put_text(headers, *name, value);
    }
    return headers;
}

static void hand_over(struct judging *j, struct json *body) {
    struct clock       *clock = j->webhook->options.clock;
    struct answering   *a = mem_new(sizeof *a);
    struct intake_offer offer = {
        .source = j->source,
        .identity = str_of(j->result.delivery),
        .headers = headers_of(j->exchange),
        .body = body,
        .raw = http_exchange_body(j->exchange),
    };

    a->webhook = j->webhook;
    a->exchange = j->exchange;
    a->source = mem_text(j->source.data, j->source.len);
    a->began_ns = clock->mono_ns(clock);
    a->began_ms = clock->wall_ms(clock);
    a->joined = a->webhook->options.trace &&
                delivery_trace_find(offer.headers, &a->parent);
    intake_accept(j->webhook->options.intake, &offer, done, a);
}

static void read_body(struct judging *j) {
    struct str       raw = http_exchange_body(j->exchange);
    struct json_caps caps = {raw.len, DEPTH_MAX};
    struct err       err;
    struct json     *body = json_parse(raw, &caps, &err);

    if (body)
        hand_over(j, body);
    else
        refuse(j, 400, err_name(err.code), err.text, NULL);
}

/* --- what SNS wants besides ------------------------------------------------- */

/* Its connection sleeps meanwhile. */
struct sleeping {
    struct webhook       *webhook;
    struct http_exchange *exchange;
    char                 *source;
};

static struct sleeping *sleep_of(const struct judging *j) {
    struct sleeping *sleeping = mem_new(sizeof *sleeping);

    sleeping->webhook = j->webhook;
    sleeping->exchange = j->exchange;
    sleeping->source = mem_text(j->source.data, j->source.len);
    return sleeping;
}

static void sleep_over(struct sleeping *sleeping) {
    mem_free(sleeping->source);
    mem_free(sleeping);
}

static void take(struct judging *j);

static void no_certificate(struct judging *j) {
    refuse(j, 503, "certificate",
           "the certificate of its signature cannot be had now; send it again",
           "unavailable");
}

static void certified(void *arg, const struct err *failure) {
    struct sleeping *sleeping = arg;
    struct judging   j = {.webhook = sleeping->webhook,
                          .exchange = sleeping->exchange,
                          .source = str_of(sleeping->source),
                          .again = true};

    if (failure)
        no_certificate(&j);
    else
        take(&j);
    sleep_over(sleeping);
}

static void await_certificate(struct judging *j) {
    struct sleeping *sleeping = sleep_of(j);

    if (j->certificate == SNS_UNKNOWN && !j->again &&
        sns_certificate_want(j->webhook->options.sns, str_of(j->result.url),
                             certified, sleeping))
        return;
    no_certificate(j);
    sleep_over(sleeping);
}

static void confirmed(void *arg, const struct err *failure) {
    struct sleeping *sleeping = arg;

    if (failure)
        http_exchange_problem(sleeping->exchange, 503, "unconfirmed",
                              "the subscription could not be confirmed now");
    else
        http_exchange_answer(sleeping->exchange, 200, "application/json",
                             STR("{\"subscription\":\"confirmed\"}"));
    sleep_over(sleeping);
}

static void confirm(struct judging *j) {
    struct sleeping *sleeping = sleep_of(j);

    if (j->webhook->options.sns &&
        sns_confirm(j->webhook->options.sns, j->source, str_of(j->result.who),
                    str_of(j->result.confirm), confirmed, sleeping))
        return;
    http_exchange_problem(j->exchange, 503, "unconfirmed",
                          "the subscription could not be confirmed now");
    sleep_over(sleeping);
}

/* Taken notice of, and nothing else. */
static void take_notice(struct judging *j) {
    bool ends = j->result.about == INBOUND_ABOUT_UNSUBSCRIBING;

    log_line(j->webhook->options.log, LOG_WARN, NULL,
             ends ? "a subscription to a topic has ended: nothing comes from "
                    "it any more"
                  : "a subscription to a topic waits to be confirmed",
             "source", j->source.data, "topic", j->result.who,
             ends ? NULL : "next",
             j->confirms ? "its address is not one of SNS: confirm it by hand"
                         : "set `confirm = true` for this source and let SNS "
                           "request the confirmation again",
             NULL);
    http_exchange_answer(j->exchange, 200, "application/json",
                         ends ? STR("{\"subscription\":\"ended\"}")
                              : STR("{\"subscription\":\"not confirmed\"}"));
}

static void take_trusted(struct judging *j) {
    if (j->result.about == INBOUND_ABOUT_EVENT)
        read_body(j);
    else if (j->confirms && j->result.confirm[0])
        confirm(j);
    else
        take_notice(j);
}

/* --- the whole --------------------------------------------------------------- */

static void take(struct judging *j) {
    switch (judge(j)) {
    case STEP_GO: take_trusted(j); break;
    case STEP_CERTIFICATE: await_certificate(j); break;
    case STEP_RATE:
        refuse(j, 503, "rate", "this source sends faster than it may", NULL);
        break;
    case STEP_REFUSED:
        refuse(j, 401, "unauthorized", "the sender could not be verified",
               inbound_why_name(j->result.why));
        break;
    case STEP_UNKNOWN:
        http_exchange_problem(j->exchange, 404, "no_such_source",
                              "no source of this name is configured");
        break;
    }
}

void webhook_take(struct webhook *webhook, struct http_exchange *exchange,
                  struct str source) {
    struct judging j = {
        .webhook = webhook, .exchange = exchange, .source = source};

    take(&j);
}

enum token_role webhook_role(struct webhook       *webhook,
                             struct http_exchange *exchange) {
    enum token_role role;

    (void)pthread_rwlock_rdlock(&webhook->lock);
    role = token_role_of(webhook->tokens,
                         http_exchange_header(exchange, "Authorization"));
    (void)pthread_rwlock_unlock(&webhook->lock);
    return role;
}
