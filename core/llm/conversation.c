/* conversation.c - each step starts something and names the next. */
#include "llm/conversation.h"

#include <string.h>

#include "base/mem.h"
#include "llm/evidence.h"
#include "llm/provider.h"
#include "net/http_client.h"
#include "net/http_trace.h"
#include "sys/loop.h"

#define ATTEMPTS_MAX 2

struct conversation {
    struct conversation_options options;
    enum question_kind          kind;
    const struct json          *args;
    const struct provider      *provider;
    struct json                *clean;
    struct provider_request     request;
    struct spend_limits         limits;
    struct spend_hold           hold; /* of the attempt that is on its way */
    int64_t                     worst, input, output, spent;
    int                         attempts;
    char                        nonce[EVIDENCE_NONCE_SIZE];
    conversation_done_fn       *done;
    void                       *arg;
    struct err                  err; /* of the attempt before */
};

static enum question_kind kind_of(const char *name) {
    return strcmp(name, "llm:choose") == 0 ? QUESTION_CHOOSE : QUESTION_ASK;
}

static int64_t now(const struct conversation *c) {
    return c->options.clock->wall_ms(c->options.clock);
}

/* --- ending ------------------------------------------------------------ */

static void end(struct conversation *c, struct conversation_answer *answer) {
    conversation_done_fn *done = c->done;
    void                 *arg = c->arg;

    answer->micro_usd = c->spent;
    spend_free(c->options.spend, &c->hold);
    http_request_release(&c->request.http);
    json_release(c->clean);
    mem_free(c);
    done(arg, answer);
}

static void fail(struct conversation *c, const struct err *err,
                 int64_t retry_after_ms) {
    struct conversation_answer answer = {.err = *err,
                                         .retry_after_ms = retry_after_ms};

    end(c, &answer);
}

/* What was asked of whom, and what it cost. */
static void put_facts(const struct conversation *c, struct json *value) {
    struct json *usage = json_new_map();

    json_put_int(usage, "input_tokens", c->input);
    json_put_int(usage, "output_tokens", c->output);
    json_put_int(usage, "micro_usd", c->spent);
    json_put(value, "usage", usage);
    json_put_int(value, "attempts", c->attempts);
    json_put_text(value, "provider",
                  str_of(c->provider ? c->provider->name : "none"));
    json_put_text(value, "model",
                  json_find_text(json_find(c->options.config, "llm"), "model"));
}

static void take(struct conversation *c, struct json *value) {
    struct conversation_answer answer = {.value = value};

    put_facts(c, value);
    end(c, &answer);
}

/* No answer that holds will come. */
static void give_up(struct conversation *c, const struct err *err) {
    if (c->kind == QUESTION_CHOOSE)
        take(c, choice_unsure(str_of(err->text)));
    else
        fail(c, err, 0);
}

/* --- one attempt -------------------------------------------------------- */

static void attempt(struct conversation *c, const char *complaint);

static void book(struct conversation *c, int64_t input, int64_t output) {
    int64_t cost =
        input < 0 ? c->worst : spend_cost(c->options.config, input, output);

    c->input += input < 0 ? 0 : input;
    c->output += output < 0 ? 0 : output;
    c->spent += cost;
    c->limits.run_spent += cost;
    spend_free(c->options.spend, &c->hold);
    spend_add(c->options.spend, now(c), cost);
}

static void not_taken(struct conversation *c, bool again) {
    if (again && c->attempts < ATTEMPTS_MAX)
        attempt(c, c->err.text);
    else
        give_up(c, &c->err);
}

static void heard(struct conversation *c, struct provider_reply *reply) {
    book(c, reply->input, reply->output);
    if (reply->fate == REPLY_ERROR) {
        err_wrap(&reply->err, "%s", c->provider->name);
        fail(c, &reply->err, reply->retry_after_ms);
        return;
    }
    c->err = reply->err;
    if (reply->fate == REPLY_ANSWER &&
        choice_check(c->kind, c->clean, reply->value, &c->err)) {
        struct json *value = choice_take(c->kind, reply->value);

        json_release(reply->value);
        take(c, value);
        return;
    }
    json_release(reply->value);
    not_taken(c, reply->fate != REPLY_REFUSED);
}

static void answered(void *arg, const struct http_answer *http,
                     const struct err *err) {
    struct conversation  *c = arg;
    struct provider_reply reply;
    struct err            failure;

    if (http->fate == HTTP_ANSWERED) {
        provider_read(c->provider, http, now(c), &reply);
        heard(c, &reply);
        return;
    }
    if (http->fate == HTTP_SENT_UNKNOWN)
        book(c, -1, -1);
    failure = *err;
    err_wrap(&failure, "%s", c->provider->name);
    fail(c, &failure, 0);
}

static struct signer *signer_of(const struct conversation *c) {
    return c->options.signers->by[c->request.signer];
}

static void send(struct conversation *c) {
    struct http_call *call;
    struct err        err;

    c->attempts++;
    http_trace_add(c->options.trace, c->request.signer == SIGNER_AWS,
                   &c->request.http.headers);
    if (!http_client_start(c->options.client, &c->request.http, answered, c,
                           &call, &err))
        fail(c, &err, 0);
}

static void prepared(void *arg, const struct err *failure) {
    struct conversation *c = arg;
    struct err           err;

    if (failure)
        fail(c, failure, 0);
    else if (signer_sign(signer_of(c), &c->request.scope, now(c),
                         &c->request.http, &err))
        send(c);
    else
        fail(c, &err, 0);
}

static bool within_budget(struct conversation *c, const struct prompt *prompt,
                          struct err *err) {
    struct spend *spend = c->options.spend;

    spend_turn(spend, now(c));
    if (!spend_check(c->options.config, spend, &c->limits,
                     (int64_t)prompt_size(prompt),
                     provider_max_tokens(c->options.config), &c->worst, err))
        return false;
    spend_hold(spend, &c->hold, c->limits.run, c->worst);
    return true;
}

static bool build(struct conversation *c, const char *complaint,
                  struct err *err) {
    const struct json *llm = json_find(c->options.config, "llm");
    struct prompt      prompt;
    bool               ok;

    http_request_release(&c->request.http);
    memset(&c->request, 0, sizeof c->request);
    prompt_make(&prompt, c->kind, c->clean, c->nonce, complaint);
    ok = within_budget(c, &prompt, err) &&
         c->provider->build(c->options.config, &prompt, &c->request, err);
    prompt_release(&prompt);
    if (ok)
        c->request.http.deadline_ms =
            json_find_int(llm, "timeout_ms", c->request.http.deadline_ms);
    return ok;
}

static void attempt(struct conversation *c, const char *complaint) {
    struct err err;

    if (!build(c, complaint, &err)) {
        if (err.code == ERR_LIMIT)
            give_up(c, &err);
        else
            fail(c, &err, 0);
    } else if (signer_of(c)) {
        signer_prepare(signer_of(c), &c->request.scope, prepared, c);
    } else {
        send(c);
    }
}

/* --- beginning ---------------------------------------------------------- */

static void begin(void *arg) {
    struct conversation *c = arg;
    struct err           err;

    if (!question_check(c->kind, c->args, &err) ||
        !provider_find(c->options.config, &c->provider, &err)) {
        fail(c, &err, 0);
        return;
    }
    if (!c->provider) { /* (MC2) */
        err_set(&err, ERR_CONFIG, "no model is configured: set llm.provider");
        give_up(c, &err);
        return;
    }
    attempt(c, NULL);
}

void conversation_start(const struct conversation_options *options,
                        const char *name, const struct json *args,
                        const char *token, struct spend_limits limits,
                        conversation_done_fn *done, void *arg) {
    struct conversation *c = mem_new(sizeof *c);

    c->options = *options;
    c->kind = kind_of(name);
    c->args = args;
    c->clean = evidence_clean(args, options->redact);
    c->limits = limits;
    c->done = done;
    c->arg = arg;
    evidence_nonce(c->clean, token, c->nonce);
    loop_defer(options->loop, begin, c);
}

struct json *conversation_judge(const char *name, const struct json *args,
                                struct json *given, struct err *err) {
    enum question_kind kind = kind_of(name);
    struct json       *clean, *value = NULL, *usage = json_new_map();
    bool               ok = question_check(kind, args, err);

    clean = evidence_clean(args, NULL);
    if (ok && choice_check(kind, clean, given, err))
        value = choice_take(kind, given);
    else if (ok && kind == QUESTION_CHOOSE)
        value = choice_unsure(str_of(err->text));
    json_put_int(usage, "input_tokens", 0);
    json_put_int(usage, "output_tokens", 0);
    json_put_int(usage, "micro_usd", 0);
    if (value) {
        json_put(value, "usage", json_retain(usage));
        json_put_int(value, "attempts", 1);
        json_put_text(value, "provider", STR("fixture"));
        json_put_text(value, "model", STR("fixture"));
    }
    json_release(usage);
    json_release(clean);
    json_release(given);
    return value;
}
