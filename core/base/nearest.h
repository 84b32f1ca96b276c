/* nearest.h - "did you mean": the known name that a wrong one is closest to.
 *
 * Offer every name that would have been right, then ask for the suggestion.
 * A name that is nothing like the wrong one is not suggested: a bad guess
 * costs its reader more than none.
 *
 *   NR1  The suggestion does not depend on the order of the offers.
 *
 * Lifetime: call. Thread: any.
 */
#ifndef BASE_NEAREST_H
#define BASE_NEAREST_H

#include "base/json.h"

struct nearest {
    struct str wrong, best; /* borrow; best.len is 0 when none is near */
    size_t     distance;
};

struct nearest nearest_to(struct str wrong);
void           nearest_offer(struct nearest *nearest, struct str name);
/* Keys of a map, or texts of a list. */
void nearest_offer_all(struct nearest *nearest, const struct json *names);
/* " (did you mean 'x'?)", or an empty text. Valid until text is changed. */
const char *nearest_words(const struct nearest *nearest, struct buf *text);

#endif
