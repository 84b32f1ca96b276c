/* answer_private.h - what GitHub's answers say beyond their status, for
 * effect/ alone.
 *
 *   AG1  An answer of GraphQL with `errors` is an error, whatever its status
 *        and whatever `data` it carries.
 *   AG2  A mutation is called refused only when each of its errors says that
 *        nothing was done: of a known kind, and not from inside the field. A
 *        part of an answer, or a timeout in words, is unknown.
 *
 * Source: GraphQL specification, October 2021, section 7.1.
 *
 * Lifetime: call. Thread: loop.
 */
#ifndef EFFECT_ANSWER_PRIVATE_H
#define EFFECT_ANSWER_PRIVATE_H

#include "effect/answer.h"

bool answer_github_is_graphql(const struct effect *effect);
/* Gives `data` or fills err and fate; body may be NULL. */
void answer_github_graphql(const struct effect *effect, const struct json *body,
                           struct answer *answer);

#endif
