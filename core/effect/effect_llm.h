/* effect_llm.h - a question to a model, as an effect.
 *
 * It reads: nothing in the world changes by it. Its target is the model that
 * the configuration names, which is no part of its digest: a run that goes on
 * with another model keeps the answers that it has.
 *
 * Lifetime: call. Thread: loop.
 */
#ifndef EFFECT_EFFECT_LLM_H
#define EFFECT_EFFECT_LLM_H

#include "effect/effect.h"

bool effect_llm_valid(struct str name); /* "choose" or "ask" */
/* Fills name, args - without hidden characters - and target. */
bool effect_llm_make(struct effect *effect, const struct json *question,
                     const struct json *config, struct err *err);

#endif
