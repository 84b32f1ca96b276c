/* mode_live.c - builds, signs and sends; the only file of gate/ that knows a
 * client. (MO1)
 */
#include "auth/secret.h"
#include "base/mem.h"
#include "gate/answer.h"
#include "gate/mode.h"
#include "gate/request.h"
#include "net/http_client.h"
#include "sys/loop.h"

struct mode_live {
    struct mode              mode; /* first: the ops find us by it */
    struct mode_live_options options;
    struct sigv4_key         key;
};

struct sending {
    const struct effect *effect; /* the caller's, until done */
    mode_done_fn        *done;
    void                *arg;
};

static void sent(void *arg, const struct http_answer *http,
                 const struct err *err) {
    struct sending     sending = *(struct sending *)arg;
    struct mode_answer answer = answer_read(sending.effect, http, err);

    mem_free(arg);
    sending.done(sending.arg, &answer);
}

static void refuse(struct mode *mode, const struct err *err, mode_done_fn *done,
                   void *arg) {
    struct mode_answer answer = {.fate = MODE_REFUSED, .err = *err};

    mode_answer_later(mode, answer, done, arg);
}

static void act(struct mode *mode, const struct mode_ask *ask,
                mode_done_fn *done, void *arg) {
    struct mode_live      *live = (struct mode_live *)mode;
    struct request_context context = {live->options.config,
                                      live->options.secrets, &live->key,
                                      mode_now(mode)};
    struct http_request    request;
    struct http_call      *call;
    struct sending        *sending;
    struct err             err;

    if (!request_build(ask->effect, ask->token, &context, &request, &err)) {
        http_request_release(&request);
        refuse(mode, &err, done, arg);
        return;
    }
    sending = mem_new(sizeof *sending);
    *sending = (struct sending){ask->effect, done, arg};
    if (!http_client_start(live->options.client, &request, sent, sending, &call,
                           &err)) {
        http_request_release(&request);
        mem_free(sending);
        refuse(mode, &err, done, arg);
    }
}

struct waiting {
    mode_done_fn *done;
    void         *arg;
};

static void due(void *arg) {
    struct waiting     waiting = *(struct waiting *)arg;
    struct mode_answer answer = {.fate = MODE_ANSWERED};

    mem_free(arg);
    waiting.done(waiting.arg, &answer);
}

static void until(struct mode *mode, int64_t due_ms, mode_done_fn *done,
                  void *arg) {
    struct waiting *waiting = mem_new(sizeof *waiting);
    int64_t         delay = due_ms - mode_now(mode);

    *waiting = (struct waiting){done, arg};
    (void)loop_timer_start(mode->loop, delay > 0 ? delay : 0, due, waiting);
}

static void close_live(struct mode *mode) {
    struct mode_live *live = (struct mode_live *)mode;

    sigv4_key_release(&live->key);
    mem_free(live);
}

static const struct mode_ops ops = {MODE_LIVE, act, until, close_live, NULL};

struct mode *mode_live_open(const struct mode_live_options *options) {
    struct mode_live *live = mem_new(sizeof *live);

    live->mode = (struct mode){&ops, options->loop, options->clock};
    live->options = *options;
    return &live->mode;
}
