/* spend.h - what models cost, in micro-USD, and what may still be spent.
 *
 * A price is in USD for a million tokens, which is the same figure as micro-USD
 * for one token. Before a call its worst case is compared with what is left:
 * every byte of the prompt as a token, and max_tokens of answer. What the
 * provider then counts is what is booked; where it counts nothing, or nobody
 * knows whether it answered, the worst case is.
 *
 *   SP1  With a budget set, a model without a price is an error, never a
 *        guess.
 *   SP2  A call whose worst case is above what is left is not made. What is on
 *        its way is not left: its worst case is held until its cost is known.
 *
 * Lifetime: process. Thread: loop.
 */
#ifndef LLM_SPEND_H
#define LLM_SPEND_H

#include "base/json.h"

/* What a call that is on its way may cost; lives in the call. */
struct spend_hold {
    struct spend_hold *next;
    const void        *run;
    int64_t            micro_usd;
};

/* The day's sum; kept by whoever owns a store, under spend_key(). */
struct spend {
    int64_t            day, micro_usd, version;
    struct spend_hold *holds;
};

struct spend_limits {
    int64_t     run_spent, run_limit; /* micro-USD; a limit below 0 is none */
    const void *run; /* whose limit it is; only compared with others */
};

void spend_key(int64_t day, struct buf *out); /* main/spend/llm/2026-11-26 */
/* Turns to the day of now; never back. */
void spend_turn(struct spend *spend, int64_t now_ms);
void spend_add(struct spend *spend, int64_t now_ms, int64_t micro_usd);

void spend_hold(struct spend *spend, struct spend_hold *hold, const void *run,
                int64_t micro_usd);
/* Nothing when it is not held. */
void spend_free(struct spend *spend, struct spend_hold *hold);

/* 0 without a price. */
int64_t spend_cost(const struct json *config, int64_t input, int64_t output);
/* The worst case in *worst. ERR_LIMIT: over budget; ERR_CONFIG: no price. */
bool    spend_check(const struct json *config, const struct spend *spend,
                    const struct spend_limits *limits, int64_t input,
                    int64_t output, int64_t *worst, struct err *err);
/* USD as micro-USD; below 0 when value is no number. */
int64_t spend_micro(const struct json *usd);

#endif
