/* config_key.h - the list of keys that a configuration may set.
 *
 * From core/app/config.def: the path, what kind of value it takes, and the
 * environment variable that stands in for it. A key of kind "reference" takes
 * secret("NAME") and nothing else; one of kind "secret" takes a URL as well.
 *
 * Lifetime: process. Thread: any.
 */
#ifndef APP_CONFIG_KEY_H
#define APP_CONFIG_KEY_H

#include "base/json.h"

struct config_key {
    const char *path, *kind, *env, *about; /* env: NULL for none */
};

/* Ends with a key whose path is NULL. */
const struct config_key *config_key_all(void);
/* The key at these steps, or NULL; *prefix: others begin so. */
const struct config_key *config_key_find(const struct json *steps,
                                         bool              *prefix);
bool config_key_takes(const struct config_key *key, const struct json *value);
/* Does it take a reference to a secret? */
bool config_key_is_secret(const struct config_key *key);

#endif
