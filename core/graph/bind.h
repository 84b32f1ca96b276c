/* bind.h - a node's input from what the walk has produced.
 *
 * `with` is a tree of plain values in which a text beginning with '$' names
 * something: "$analyst.service.repo" the latest output, "$verification.all"
 * every earlier one. What is missing binds to nothing; whether that is allowed
 * is the contract's business.
 *
 * Lifetime: call. Thread: loop.
 */
#ifndef GRAPH_BIND_H
#define GRAPH_BIND_H

#include "base/json.h"

/* `with` may be NULL. Gives a map without null members. */
struct json *bind_input(const struct json *with, const struct json *scope);

#endif
