/* references.h - the secrets that a configuration names, brought in.
 *
 * A key that names an environment variable has its secret under that name,
 * whether the file names another place for it or says nothing.
 *
 *   RF1  What a key of kind "reference" holds is a name, never a value. (N11)
 *   RF2  A secret that is not found is reported with the key that wants it;
 *        one that nothing wants may be absent.
 *
 * Lifetime: call. Thread: main.
 */
#ifndef APP_REFERENCES_H
#define APP_REFERENCES_H

#include "base/json.h"

struct secrets;

/* Puts every secret that can be read here and now into the table, and appends
 * { path, name, as, why } to `missing` for each that a key wants and that was
 * not found. Names that begin with "aws:" are always among them: fetching
 * those takes a network. */
void references_read(const struct json *values, struct secrets *secrets,
                     struct json *missing);
/* Is this variable the home of a secret? */
bool references_is_secret(const char *variable);

#endif
