/* secret.h - the values that must never be seen, by name.
 *
 * Configuration and environment put them in; signers take them out by name;
 * the redactor knows them all. They are wiped when the table is closed and
 * exist nowhere else for longer than one request. A rotation replaces the values
 * in the table, so whoever holds it signs with the new ones from then on.
 *
 *   SE1  A secret's bytes are zeroed on release.
 *   SE2  After secret_merge() a table has every value of the other one, and of
 *        its own those whose names the other does not have.
 *
 * Lifetime: process. Thread: loop.
 */
#ifndef SECRET_SECRET_H
#define SECRET_SECRET_H

#include "base/buf.h"

struct secrets;

struct secrets *secret_open(void);
/* One more holder, who calls secret_close(); gives the same table back. */
struct secrets *secret_retain(struct secrets *secrets);
void            secret_close(struct secrets *secrets); /* NULL is fine */
/* Copies; replaces an earlier value of the name. Empty values are not kept. */
void secret_put(struct secrets *secrets, const char *name, struct str value);
struct str secret_find(const struct secrets *secrets, const char *name);
size_t     secret_count(const struct secrets *secrets);
struct str secret_at(const struct secrets *secrets, size_t index);
/* Would merging `other` change anything? */
bool secret_has_all(const struct secrets *secrets, const struct secrets *other);
/* Moves everything of the other table into this one. A name that only this one
 * has stays: somebody who holds the table may still go by it. */
void secret_merge(struct secrets *secrets, struct secrets *other);

#endif
