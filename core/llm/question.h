/* question.h - what a script may ask a model.
 *
 * choose: { question, evidence = { { name, text } … }, actions = { NAME =
 * { about, arguments = { FIELD = field } } } }. ask: the same with `schema`, a
 * map of fields, in place of actions. A field is { type = "integer" | "number",
 * min, max }, { type = "string", enum } or { type = "boolean" }; each may be
 * `optional`. A mistake in the question is an error of the script, found
 * before anything is sent.
 *
 * Lifetime: call. Thread: any.
 */
#ifndef LLM_QUESTION_H
#define LLM_QUESTION_H

#include "base/json.h"

enum question_kind { QUESTION_CHOOSE, QUESTION_ASK };

#define QUESTION_UNSURE "unsure"

bool         question_check(enum question_kind kind, const struct json *args,
                            struct err *err);
/* JSON Schema of the answer, for providers that take one. Gives. */
struct json *question_schema(enum question_kind kind, const struct json *args);

#endif
