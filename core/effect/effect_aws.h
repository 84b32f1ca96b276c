/* effect_aws.h - what an AWS call is: its name, its class and whom it touches.
 *
 * Any service, by the rows of the bundle's table; so a row is a script's word
 * and decides nothing here by itself. A read has a reading name and, where the
 * protocol is REST, a reading method as well; what gives secrets is known by
 * its operation whatever the service is called, and by its route whatever the
 * operation is called. The exceptions are aws_operations.def.
 *
 *   EA1  No row makes a write a read: for REST protocols a read needs the name
 *        and GET or HEAD, or a place in the list of POST reads. (N4)
 *   EA2  No row and no other name opens what is `secret`: not an alias, not a
 *        route, not another protocol to the same service. (E3)
 *   EA3  A region or account of another shape, and an option of another name,
 *        is refused before anything is made of it: a misspelt region would be
 *        a call to the default one.
 *
 * Lifetime: run. Thread: loop.
 */
#ifndef EFFECT_EFFECT_AWS_H
#define EFFECT_EFFECT_AWS_H

#include "effect/effect.h"

/* "ecs:UpdateService" */
bool              effect_aws_name_valid(struct str action);
/* By name alone: "aws:ecs:UpdateService". */
enum effect_class effect_aws_class_of(struct str name);
/* By name, row and arguments; the effect is made but for class and target. */
enum effect_class effect_aws_classify(const struct effect *effect);
/* A rule of effects.def holds for the service of its name only. */
bool              effect_aws_is_itself(const struct effect *effect);
void effect_aws_target(const struct effect *effect, struct buf *out);
bool effect_aws_make(struct effect *effect, const struct json *question,
                     const struct json *config, struct err *err);

/* The operation's part of the name, and its row for REST or NULL. */
struct str         effect_aws_operation(const struct effect *effect);
const struct json *effect_aws_route(const struct effect *effect);

#endif
