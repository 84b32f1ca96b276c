/* sns_confirm.c - recorded, sent, recorded, told; in this order. (SN4)
 *
 * A process that dies in between has said in the audit chain that it would, and
 * SNS asks again; to confirm twice is to confirm once.
 */
#include <string.h>

#include "base/clock.h"
#include "base/json.h"
#include "base/mem.h"
#include "observe/log.h"
#include "serve/sns_private.h"
#include "store/audit.h"
#include "store/queue.h"

#define ANSWER_MOST ((size_t)64 << 10)
#define CONFIRMATIONS_MOST 8

/* --- records ------------------------------------------------------------------- */

static struct json *facts_of(const struct sns_confirmation *one, int64_t at) {
    struct json *facts = json_new_map();

    json_put_int(facts, "at", at);
    json_put_text(facts, "by", STR("configuration"));
    json_put_text(facts, "kind", STR("sns_subscription"));
    json_put_text(facts, "source", str_of(one->source));
    json_put_text(facts, "target", str_of(one->topic));
    json_put_text(facts, "step",
                  !one->sent    ? STR("confirming")
                  : one->failed ? STR("failed")
                                : STR("confirmed"));
    if (one->failed)
        json_put_text(facts, "error", str_of(one->why.text));
    return facts;
}

/* On the store thread; nothing of `one` changes meanwhile. */
static bool record(struct store *store, void *arg, struct err *err) {
    struct sns_confirmation *one = arg;
    struct clock            *clock = one->sns->options.clock;
    struct json             *facts = facts_of(one, clock->wall_ms(clock));
    struct buf               text = BUF_EMPTY;
    struct audit_head        head;
    struct store_write       write;
    bool                     ok = audit_head_read(store, &head, err);

    if (ok) {
        write = audit_append(&head, facts, &text);
        ok = store_batch(store, &write, 1, err);
    }
    if (ok)
        audit_head_keep(store, &head);
    buf_release(&text);
    json_release(facts);
    return ok;
}

/* --- the steps ------------------------------------------------------------------ */

static void tell(struct sns_confirmation *one, const struct err *failure) {
    sns_done_fn *done = one->waiting.done;

    one->waiting.done = NULL;
    if (done)
        done(one->waiting.arg, failure);
}

static void release(struct sns_confirmation *one) {
    mem_free(one->source);
    mem_free(one->topic);
    mem_free(one->url);
    mem_free(one);
}

static void finish(struct sns_confirmation *one, const struct err *failure) {
    struct sns_confirmation **at = &one->sns->confirmations;

    while (*at != one)
        at = &(*at)->next;
    *at = one->next;
    log_line(one->sns->options.log, failure ? LOG_ERROR : LOG_INFO, NULL,
             failure ? "a subscription to a topic was not confirmed"
                     : "a subscription to a topic is confirmed",
             "source", one->source, "topic", one->topic,
             failure ? "error" : NULL, failure ? failure->text : NULL, NULL);
    tell(one, failure);
    release(one);
}

static void recorded_end(void *arg, const struct err *failure) {
    struct sns_confirmation *one = arg;
    struct err               why = one->why;

    if (failure)
        why = *failure;
    finish(one, failure || one->failed ? &why : NULL);
}

static void sent(void *arg, const struct http_answer *answer,
                 const struct err *err) {
    struct sns_confirmation *one = arg;

    one->call = NULL;
    one->sent = true;
    one->failed = !sns_is_good(answer, err, &one->why);
    queue_post(one->sns->options.queue, record, recorded_end, one);
}

static void recorded(void *arg, const struct err *failure) {
    struct sns_confirmation *one = arg;
    struct err               err;

    if (failure)
        finish(one, failure);
    else if (one->sns->ending) {
        err_set(&err, ERR_CANCELLED, "the service ends");
        finish(one, &err);
    } else if (!sns_get(one->sns, one->url, ANSWER_MOST, sent, one, &one->call,
                        &err))
        finish(one, &err);
}

static void asked(void *arg) {
    struct sns_confirmation *one = arg;
    struct sns              *sns = one->sns;
    struct err               err;
    int                      count = 0;

    for (struct sns_confirmation *at = sns->confirmations; at; at = at->next)
        count++;
    if (sns->ending || count >= CONFIRMATIONS_MOST) {
        err_set(&err, ERR_LIMIT, "too many subscriptions are being confirmed");
        tell(one, &err);
        release(one);
        return;
    }
    one->next = sns->confirmations;
    sns->confirmations = one;
    queue_post(sns->options.queue, record, recorded, one);
}

bool sns_confirm(struct sns *sns, struct str source, struct str topic,
                 struct str url, sns_done_fn *done, void *arg) {
    struct sns_confirmation *one = mem_new(sizeof *one);

    one->sns = sns;
    one->source = mem_text(source.data, source.len);
    one->topic = mem_text(topic.data, topic.len);
    one->url = mem_text(url.data, url.len);
    one->waiting = (struct sns_waiting){done, arg};
    if (sns_post(sns, asked, one))
        return true;
    release(one);
    return false;
}

void sns_confirm_end(struct sns *sns) {
    struct err ends;

    err_set(&ends, ERR_CANCELLED, "the service ends");
    for (struct sns_confirmation *at = sns->confirmations; at; at = at->next) {
        tell(at, &ends);
        if (at->call)
            http_client_cancel(at->call);
    }
}
