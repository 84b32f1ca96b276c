/* mode_live.c - builds, signs and sends; the only file of gate/ that knows a
 * client. (MO1)
 *
 * One sending is: build the request, make sure of credentials, sign, send,
 * read the answer. When the service says that the signature itself was not
 * good - credentials that have run out, a clock that is off - it did not act
 * on the request, so the same sending is made once more, mended.
 */
#include "auth/signer.h"
#include "base/mem.h"
#include "base/timestamp.h"
#include "effect/request.h"
#include "gate/gate_shared.h"
#include "gate/mode.h"
#include "llm/conversation.h"
#include "net/http_client.h"
#include "net/http_trace.h"
#include "sys/loop.h"

struct mode_live {
    struct mode              mode; /* first: the ops find us by it */
    struct mode_live_options options;
    int64_t                  skew_ms; /* AWS's clock minus ours, when known */
    struct etag             *etag;    /* of GitHub's answers */
    struct gate_shared      *own;     /* when none is shared */
    struct waiting          *waiting; /* a list */
};

struct sending {
    struct mode_live *live;
    struct mode_ask   ask; /* the caller's, until done */
    struct request    request;
    mode_done_fn     *done;
    void             *arg;
    bool              mended; /* once is enough */
    struct etag_key   key;
    struct buf        url; /* what was asked, for the next page */
};

static void begin(struct sending *sending);

static void end(struct sending *sending, struct answer *answer) {
    struct sending ended = *sending;

    http_request_release(&sending->request.http);
    buf_release(&sending->url);
    mem_free(sending);
    ended.done(ended.arg, answer);
}

static void refuse(struct sending *sending, const struct err *err) {
    struct answer answer = {.fate = ANSWER_REFUSED, .err = *err};

    end(sending, &answer);
}

static struct signer *signer_of(const struct sending *sending) {
    return sending->live->options.signers->by[sending->request.signer];
}

/* --- a signature that was not good ------------------------------------- */

/* The service's clock, from its own Date header. */
static bool learn_skew(struct mode_live *live, const struct http_answer *http) {
    struct err err;
    int64_t    theirs;

    if (!timestamp_read_http(http_headers_find(&http->headers, "date"), &theirs,
                             &err))
        return false;
    live->skew_ms = theirs - mode_now(&live->mode);
    return true;
}

static bool mend(struct sending *sending, const struct http_answer *http) {
    struct signer *signer = signer_of(sending);

    if (sending->mended || !signer || http->fate != HTTP_ANSWERED)
        return false;
    sending->mended = true;
    /* Still good, but no longer kept: asked again without its tag. */
    if (http->status == 304)
        return true;
    switch (answer_about_us(sending->ask.effect, http)) {
    case ANSWER_CLOCK_OFF: return learn_skew(sending->live, http);
    case ANSWER_STALE_CREDENTIALS:
        return signer_forget(signer, &sending->request.scope);
    default: return false;
    }
}

/* --- one sending -------------------------------------------------------- */

static void sent(void *arg, const struct http_answer *http,
                 const struct err *err) {
    struct sending    *sending = arg;
    struct http_answer whole = {0};
    struct answer      answer;

    if (etag_take(sending->live->etag, &sending->key, http, &whole)) {
        http = &whole;
    } else if (mend(sending, http)) {
        begin(sending);
        return;
    }
    answer = answer_read(sending->ask.effect, http, err,
                         mode_now(&sending->live->mode));
    answer_page(sending->ask.effect, http, buf_str(&sending->url), &answer);
    answer.status = http->fate == HTTP_ANSWERED ? http->status : 0;
    http_answer_release(&whole);
    end(sending, &answer);
}

static void send(struct sending *sending) {
    struct http_call *call;
    struct err        err;

    if (sending->request.signer == SIGNER_GITHUB) {
        sending->key = etag_ask(sending->live->etag, &sending->request.http);
        buf_clear(&sending->url);
        buf_add_text(&sending->url, sending->request.http.url);
    }
    http_trace_add(sending->ask.trace, sending->request.signer == SIGNER_AWS,
                   &sending->request.http.headers);
    if (!http_client_start(sending->live->options.client,
                           &sending->request.http, sent, sending, &call, &err))
        refuse(sending, &err);
}

static int64_t now_there(const struct sending *sending) {
    int64_t skew =
        sending->request.signer == SIGNER_AWS ? sending->live->skew_ms : 0;

    return mode_now(&sending->live->mode) + skew;
}

static void prepared(void *arg, const struct err *failure) {
    struct sending *sending = arg;
    struct err      err;

    if (failure)
        refuse(sending, failure);
    else if (signer_sign(signer_of(sending), &sending->request.scope,
                         now_there(sending), &sending->request.http, &err))
        send(sending);
    else
        refuse(sending, &err);
}

static void begin(struct sending *sending) {
    const struct mode_live_options *o = &sending->live->options;
    struct request_context          context = {o->config, o->secrets};
    struct err                      err;

    http_request_release(&sending->request.http);
    if (!request_build(sending->ask.effect, sending->ask.token, &context,
                       &sending->request, &err))
        refuse(sending, &err);
    else if (signer_of(sending))
        signer_prepare(signer_of(sending), &sending->request.scope, prepared,
                       sending);
    else
        send(sending);
}

static void begin_later(void *arg) {
    begin(arg);
}

/* --- a question to a model ---------------------------------------------- */

static void told(void *arg, struct conversation_answer *heard) {
    struct sending *sending = arg;
    struct answer   answer = {
          .fate = heard->value ? ANSWER_GIVEN : ANSWER_REFUSED,
          .value = heard->value,
          .err = heard->err,
          .retry_after_ms = heard->retry_after_ms,
          .micro_usd = heard->micro_usd,
    };

    end(sending, &answer);
}

static void converse(struct sending *sending) {
    const struct mode_live_options *o = &sending->live->options;
    const struct mode_ask          *ask = &sending->ask;
    struct conversation_options     options = {o->loop,   o->clock,  o->client,
                                               o->config, o->redact, o->signers,
                                               o->spend,  ask->trace};

    conversation_start(&options, ask->effect->name, ask->effect->args,
                       ask->token, ask->spend, told, sending);
}

static void act(struct mode *mode, const struct mode_ask *ask,
                mode_done_fn *done, void *arg) {
    struct sending *sending = mem_new(sizeof *sending);

    sending->live = (struct mode_live *)mode;
    sending->ask = *ask;
    sending->done = done;
    sending->arg = arg;
    if (ask->effect->kind == EFFECT_LLM)
        converse(sending);
    else
        loop_defer(mode->loop, begin_later, sending);
}

/* --- waiting ------------------------------------------------------------ */

struct waiting {
    mode_done_fn      *done;
    void              *arg;
    struct loop_timer *timer;
    struct waiting    *next, **link; /* link: what points here */
};

static void link_waiting(struct waiting *waiting, struct waiting **first) {
    waiting->next = *first;
    waiting->link = first;
    if (*first)
        (*first)->link = &waiting->next;
    *first = waiting;
}

static void unlink_waiting(struct waiting *waiting) {
    *waiting->link = waiting->next;
    if (waiting->next)
        waiting->next->link = waiting->link;
}

static void over(void *arg) {
    struct waiting waiting = *(struct waiting *)arg;
    struct answer  answer = {.fate = ANSWER_GIVEN};

    mem_free(arg);
    waiting.done(waiting.arg, &answer);
}

static void due(void *arg) {
    unlink_waiting(arg);
    over(arg);
}

static void wake(struct mode *mode, void *arg) {
    struct waiting *waiting = ((struct mode_live *)mode)->waiting;

    while (waiting && waiting->arg != arg)
        waiting = waiting->next;
    if (!waiting)
        return;
    unlink_waiting(waiting);
    loop_timer_cancel(waiting->timer);
    loop_defer(mode->loop, over, waiting);
}

static void until(struct mode *mode, int64_t due_ms, mode_done_fn *done,
                  void *arg) {
    struct mode_live *live = (struct mode_live *)mode;
    struct waiting   *waiting = mem_new(sizeof *waiting);
    int64_t           delay = due_ms - mode_now(mode);

    *waiting = (struct waiting){
        .done = done,
        .arg = arg,
        .timer =
            loop_timer_start(mode->loop, delay > 0 ? delay : 0, due, waiting),
    };
    link_waiting(waiting, &live->waiting);
}

static void close_live(struct mode *mode) {
    gate_shared_close(((struct mode_live *)mode)->own);
    mem_free(mode);
}

static const struct mode_ops ops = {MODE_LIVE,  act,  until,
                                    close_live, NULL, wake};

struct mode *mode_live_open(const struct mode_live_options *options) {
    struct mode_live *live = mem_new(sizeof *live);

    live->mode =
        (struct mode){&ops, options->loop, options->clock, options->spend};
    live->options = *options;
    if (!options->shared)
        live->own = gate_shared_open();
    live->etag = gate_shared_etag(live->own ? live->own : options->shared);
    return &live->mode;
}
