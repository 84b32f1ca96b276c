/* str.h - borrowed bytes: a pointer and a length.
 *
 * A `struct str` owns nothing and need not end in NUL; what it points into must
 * outlive it. It is passed by value everywhere.
 *
 * Lifetime: call. Thread: any.
 */
#ifndef BASE_STR_H
#define BASE_STR_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct str {
    const char *data;
    size_t      len;
};

#define STR(literal) ((struct str){"" literal, sizeof literal - 1})
#define STR_ARG(s) (int)(s).len, (s).data /* for "%.*s" */

struct str str_of(const char *text); /* NULL gives the empty str */
bool       str_equal(struct str a, struct str b);
bool       str_is(struct str a, const char *text);
bool       str_starts(struct str s, const char *prefix);
bool       str_ends(struct str s, const char *suffix);
/* Is it one of these? NULL ends the list; an empty text is in none. */
bool       str_in(struct str s, const char *const *list);
/* At least one byte, and each is of this kind (isalnum …) or in `also`. */
bool       str_made_of(struct str s, int (*is)(int), const char *also);
int        str_compare(struct str a, struct str b); /* by bytes */
struct str str_trim(struct str s);
/* Everything before the first `at`; *rest gets what follows, or an empty str
 * with NULL data when `at` does not occur. */
struct str str_cut(struct str s, char at, struct str *rest);
/* Decimal only, the whole text, no overflow; false otherwise. */
bool       str_to_int(struct str s, int64_t *out);
/* Edits to turn one into the other, for "did you mean"; capped at 64 bytes. */
size_t     str_distance(struct str a, struct str b);

#endif
