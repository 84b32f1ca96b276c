/* secret.h - the values that must never be seen, by name.
 *
 * Configuration and environment put them in; signers take them out by name;
 * the redactor knows them all. They are wiped when the table is closed and
 * exist nowhere else for longer than one request.
 *
 *   SE1  A secret's bytes are zeroed on release.
 *
 * Lifetime: process. Thread: loop.
 */
#ifndef SECRET_SECRET_H
#define SECRET_SECRET_H

#include "base/buf.h"

struct secrets;

struct secrets *secret_open(void);
void            secret_close(struct secrets *secrets); /* NULL is fine */
/* Copies; replaces an earlier value of the name. Empty values are not kept. */
void secret_put(struct secrets *secrets, const char *name, struct str value);
struct str secret_find(const struct secrets *secrets, const char *name);
size_t     secret_count(const struct secrets *secrets);
struct str secret_at(const struct secrets *secrets, size_t index);

#endif
