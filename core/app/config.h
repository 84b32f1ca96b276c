/* config.h - what an installation sets: file, environment, defaults.
 *
 * The file is Lua, evaluated behind the wall; every key of it is listed in
 * config.def, and one that is not is an error with the nearest name. The
 * environment fills what the file leaves out. Secrets are read from the
 * environment by name and kept apart from everything that can be printed.
 *
 *   CF1  An unknown key or a value of the wrong kind is an error that names
 *        the key; nothing starts on a configuration that was half understood.
 *   CF2  No secret is in config_json() or in an error about it. (N11)
 *   CF3  No URL, no reference and nothing that only the service needs is among
 *        the facts. (N7, N11)
 *
 *   CF4  A configuration lasts until the last of those who hold it lets go, and
 *        one that shares the secrets of another has them under both. (N8)
 *
 * Lifetime: until released. Thread: one at a time.
 */
#ifndef APP_CONFIG_H
#define APP_CONFIG_H

#include "base/json.h"
#include "vm/bundle.h"

struct config;
struct secrets;

/* `path` NULL: ./nightshift.lua when there is one. */
struct config *config_load(const char *path, struct bundle *bundle,
                           struct err *err);
/* One more holder; gives the same configuration back. */
struct config *config_retain(struct config *config);
void           config_release(struct config *config); /* NULL is fine */

/* Durations are in milliseconds under their key with "_ms" appended. */
const struct json *config_json(const struct config *config);
/* What else the engine's parts look for there; takes the value. Not printed. */
void config_put(struct config *config, const char *key, struct json *value);
/* One more endpoint, unless the file names one for the service. */
void config_put_endpoint(struct config *config, struct str service,
                         struct str url, const char *variable);
const struct json    *config_origins(const struct config *config);
const struct secrets *config_secrets(const struct config *config);

/* What a run's questions may depend on: services, regions, names of channels
 * and hosts; not how a request travels, and nothing that may be a secret. Gives.
 * It is journaled when a run begins, and the run goes on with it. (CF3) */
struct json *config_facts(const struct config *config);

/* The file that was read, or NULL, and the line of it where this key stands, or
 * what of the key's path does. */
const char *config_file(const struct config *config);
int         config_line(const struct config *config, struct str key);

/* --- one in the place of another: what a reload does ---------------------- */

/* The value of a path without `*` as it is in `present`, or none. */
void config_keep(struct config *next, const struct config *present,
                 const char *path);
/* The table of `present` takes the values of `next`, and both have it: whoever
 * holds it, a signer say, signs with the new values from then on. */
void config_share_secrets(struct config *next, struct config *present);

/* Secrets that the file names and that were not found: { path, name, as, why };
 * one whose name begins with "aws:" waits to be fetched. */
const struct json *config_missing(const struct config *config);
/* Gives one of them its value; copies. */
void config_resolve(struct config *config, const struct json *reference,
                    struct str value);

#endif
