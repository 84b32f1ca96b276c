/* conversation.h - one question to a model, from its check to its answer.
 *
 * However many requests it takes, it is one effect: build, sign, send, read,
 * check; an answer that does not hold is asked for once more with the
 * complaint; a second one that does not hold is no answer. For `choose` no
 * answer is "unsure" with the reason, for `ask` it is an error.
 *
 *   MC1  At most two requests are sent for a question.
 *   MC2  Without a provider nothing is sent, and `choose` is unsure.
 *
 * Lifetime: call. Thread: loop.
 */
#ifndef LLM_CONVERSATION_H
#define LLM_CONVERSATION_H

#include "base/clock.h"
#include "llm/choice.h"
#include "llm/spend.h"

struct http_client;
struct loop;
struct redact;
struct signers;
struct trace_parent;

struct conversation_options {
    struct loop          *loop;
    struct clock         *clock;
    struct http_client   *client;
    const struct json    *config;
    const struct redact  *redact;
    const struct signers *signers;
    struct spend         *spend;

    const struct trace_parent *trace; /* to be sent along, or NULL */
};                                    /* all borrowed */

struct conversation_answer {
    struct json *value; /* given, or NULL with err */
    int64_t      micro_usd, retry_after_ms;
    struct err   err;
};

/* Takes answer->value. */
typedef void conversation_done_fn(void                       *arg,
                                  struct conversation_answer *answer);

/* done comes exactly once, later. `name` is "llm:choose" or "llm:ask"; args
 * are borrowed until done. */
void conversation_start(const struct conversation_options *options,
                        const char *name, const struct json *args,
                        const char *token, struct spend_limits limits,
                        conversation_done_fn *done, void *arg);

/* The same judgement over an answer from a made-up world; takes `given`, gives
 * the result or NULL with err. Pure. */
struct json *conversation_judge(const char *name, const struct json *args,
                                struct json *given, struct err *err);

#endif
