/* visible.h - text without the characters that nobody sees.
 *
 * Zero-width characters, variation selectors, tag characters and marks that
 * turn the direction of writing carry words past a reader's eye, and split a
 * secret so that no redactor finds it. Whatever goes to a model loses them.
 *
 *   VS1  What is left holds none of U+200B-F, U+202A-E, U+2060-4, U+2066-9,
 *        U+FE00-0F, U+FEFF, U+E0000-7F and U+E0100-EF.
 *
 * Lifetime: call. Thread: any.
 */
#ifndef BASE_VISIBLE_H
#define BASE_VISIBLE_H

#include "base/json.h"

void         visible_add(struct str text, struct buf *out);
struct json *visible_json(const struct json *value); /* gives a new value */

#endif
