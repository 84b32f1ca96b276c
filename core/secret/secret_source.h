/* secret_source.h - where the value of a secret's name is found.
 *
 * A configuration names secrets and never holds them. A name is looked for in
 * three places, from the one that only this service can read to the one that
 * its whole process tree can: systemd's credentials directory, the directory
 * that the configuration gives, the environment. The first that has it wins.
 *
 *   SS1  A file that group or others may read, or anybody may write or run, is
 *        refused, and the sentence says how to mend it.
 *   SS2  A name cannot lead out of its directory.
 *   SS3  Neither value nor length of a secret is in an error. (N11)
 *
 * Sources: systemd.exec(5) for $CREDENTIALS_DIRECTORY; NAME_FILE is what
 * container images have agreed on.
 *
 * Lifetime: call. Thread: main.
 */
#ifndef SECRET_SECRET_SOURCE_H
#define SECRET_SECRET_SOURCE_H

#include "base/buf.h"
#include "base/err.h"

struct secret_places {
    const char *credentials; /* $CREDENTIALS_DIRECTORY, or NULL */
    const char *directory;   /* of the configuration, or NULL */
    const char *(*env)(const char *name);
};

/* Appends the value, without the line end that editors leave behind it.
 * ERR_NOT_FOUND names the places that were looked at; ERR_DENIED and ERR_IO
 * name a file that cannot be used. On failure *out is as it was. */
bool secret_source_read(const struct secret_places *places, struct str name,
                        struct buf *out, struct err *err);
/* Letters, digits, '_', '-' and '.', none of it hidden or climbing. */
bool secret_source_is_name(struct str name);

#endif
