/* id.h - names for runs, incidents and deliveries: a prefix and a ULID.
 *
 * A ULID sorts by the time it was made, so a scan over ids is a scan over
 * time. Source: https://github.com/ulid/spec.
 *
 * Lifetime: none. Thread: any.
 */
#ifndef BASE_ID_H
#define BASE_ID_H

#include "base/str.h"

#define ID_SIZE 32   /* with the NUL */
#define ID_RANDOM 10 /* bytes of randomness that one takes */

/* id_make(out, "run_", now, random): out gets "run_01J…", 30 characters. */
void id_make(char out[ID_SIZE], const char *prefix, int64_t now_ms,
             const unsigned char random[ID_RANDOM]);

/* When it was made, ms UTC; 0 when it is not one of ours. */
int64_t id_time(struct str id);

#endif
