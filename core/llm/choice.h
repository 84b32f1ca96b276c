/* choice.h - what of a model's answer is taken.
 *
 * A model may have been talked into anything by its evidence. So its answer is
 * a suggestion from outside: one of the declared actions, with arguments of the
 * declared form, with quotes that are in the evidence - or it is nothing. The
 * complaint about an answer never repeats the answer's own words, since it is
 * sent back to the model and shown to people.
 *
 *   CH1  An action that is taken is one of the declared ones or "unsure". (N12)
 *   CH2  Its arguments are of the declared type, range and enum, none is
 *        missing and none is unknown; "3" is no integer. (N12)
 *   CH3  Every quote is, word for word, in the evidence that it names.
 *
 * Lifetime: call. Thread: any.
 */
#ifndef LLM_CHOICE_H
#define LLM_CHOICE_H

#include "llm/question.h"

/* `clean` is the question as it was sent. Pure. */
bool         choice_check(enum question_kind kind, const struct json *clean,
                          const struct json *answer, struct err *err);
/* { action = "unsure", why, … }. Gives. */
struct json *choice_unsure(struct str why);
/* The parts of a checked answer that a script gets. Gives. */
struct json *choice_take(enum question_kind kind, const struct json *answer);

#endif
