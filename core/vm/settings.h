/* settings.h - reads a configuration that is written in Lua.
 *
 * The text is evaluated behind the same wall as every script, with two more
 * functions: env("NAME") gives an environment variable or nil, secret("NAME")
 * gives a reference { secret = "NAME" } and never the value, so that a
 * configuration can be printed.
 *
 * Lifetime: call. Thread: loop.
 */
#ifndef VM_SETTINGS_H
#define VM_SETTINGS_H

#include "base/json.h"
#include "vm/bundle.h"

/* NULL when the variable is not set. */
typedef const char *settings_env_fn(const char *name);

/* Gives the returned table, or NULL with err filled. */
struct json *settings_read(struct bundle *bundle, const char *path,
                           struct str text, settings_env_fn *env,
                           struct err *err);

#endif
