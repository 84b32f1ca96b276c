/* call_llm.h - what a run has spent on models, from its own journal.
 *
 * Every record of an answer of a model has its cost; their sum survives a
 * crash as the records do. The sum of the day is written in the batch of the
 * answer's record, by live runs alone. (N9)
 *
 *   CL1  A run's spending is the sum over its journal.
 *
 * Lifetime: call. Thread: loop.
 */
#ifndef GATE_CALL_LLM_H
#define GATE_CALL_LLM_H

#include "gate/gate_private.h"
#include "llm/spend.h"

struct spend_limits call_llm_limits(const struct call *call);
/* Takes the record. */
void                call_llm_journal(struct call *call, struct json *record);

#endif
