/* effect_private.h - what the makers of effects share, for effect/ alone.
 *
 * GitHub has two ways of asking: a route of REST, named as it is written, and
 * one URL for all of GraphQL, where the document itself says what is asked:
 *
 *   github:graphql:query     every operation of the document is a query
 *   github:graphql:FIELD     one mutation with one root field
 *   github:graphql:mutation  anything else: a write of class `once`
 *
 *   EG1  No other route or spelling leads to GraphQL, and no part of such a
 *        request but the document says what is done.
 *   EG2  A field cannot be called by the name of another verdict: a mutation
 *        whose field is `query` or `mutation` is github:graphql:mutation.
 *
 * Lifetime: run. Thread: loop.
 */
#ifndef EFFECT_EFFECT_PRIVATE_H
#define EFFECT_EFFECT_PRIVATE_H

#include "effect/effect.h"

bool effect_method_valid(struct str method); /* GET, HEAD, POST … */

/* What follows "github:". */
bool effect_github_name_valid(struct str name);
/* Does the path of this name, or of this request once its template is filled,
 * answer with a token or a key? (E3) */
bool effect_github_gives_token(struct str name);
bool effect_github_is_secret(const struct effect *effect);
bool effect_github_make(struct effect *effect, const struct json *question,
                        const struct json *config, struct err *err);
/* May the rule of this name be used for this request? A rule of GraphQL reads
 * `variables.input`, so the document must send that and nothing else. */
bool effect_github_fits_rule(const struct effect *effect);

#endif
