/* check.h - proves scripts before the night does.
 *
 * A graph that nobody walks for months must still be right when it is needed,
 * so everything that can be known without the world is proven here: that each
 * script loads, that what it declares is well-formed and what it asks for is
 * declared, that every outcome has an edge, every reference a value on every
 * way that leads to it, every write a verification behind it and every loop a
 * bound. Values come from the scripts' tables as Lua made them; lines come
 * from their text (check/lines.h).
 *
 *   CK1  A finding has a code, a file and the line to look at.
 *   CK2  Nothing of a script is run but what builds its table.
 *   CK3  A node or playbook that could not be read brings no findings about
 *        those that name it: one mistake, one finding.
 *
 * Lifetime: call. Thread: loop.
 */
#ifndef CHECK_CHECK_H
#define CHECK_CHECK_H

#include "base/json.h"
#include "vm/bundle.h"

/* Gives a list of { code, file, line, text, next }, in order; files are
 * relative to the scripts' folder. */
struct json *check_bundle(struct bundle *bundle);

/* The same for one playbook and what it uses: before a run. The first finding
 * becomes the error: ERR_CONFIG; ERR_NOT_FOUND when there is no such one. */
bool check_playbook(struct bundle *bundle, struct str id, struct err *err);

#endif
