/* contract.h - what a node says it takes and gives, enforced.
 *
 * `input` and `output` of a node are maps from field to type: "string",
 * "integer", "number", "boolean", "list", "map" or "any", with "?" behind it
 * when the field may be absent. Null counts as absent. A table without
 * entries passes as a list and as a map: Lua cannot tell the two apart.
 *
 *   CT1  Every declared field that is not optional is there, with its type.
 *   CT2  A field that is not declared is refused, with the nearest name.
 *
 * Lifetime: call. Thread: any.
 */
#ifndef GRAPH_CONTRACT_H
#define GRAPH_CONTRACT_H

#include "base/err.h"
#include "base/json.h"

bool        contract_type_known(struct str type);
bool        contract_type_optional(struct str type); /* ends in "?" */
/* Does this value have this type? Null only fits an optional one. */
bool        contract_type_fits(struct str type, const struct json *value);
/* May a value of type `from` stand where `to` is declared? What cannot be
 * told before the run ("any") may. The "?" of both is looked over. */
bool        contract_type_flows(struct str from, struct str to);
const char *contract_kind_name(const struct json *value);

/* `declared` may be NULL for no fields, `value` NULL for no value. `what`
 * names the thing: "input of node restart". ERR_CONTRACT. */
bool contract_check(const struct json *declared, const struct json *value,
                    const char *what, struct err *err);

#endif
