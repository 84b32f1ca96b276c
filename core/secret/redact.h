/* redact.h - takes secrets out of text before anybody keeps or sees it.
 *
 * Two kinds: the values that we hold, in every form in which others echo them,
 * and shapes that are secrets wherever they stand (AWS key ids, GitHub tokens,
 * bearer headers, `password=`, private key blocks). Each becomes "[redacted]",
 * before an answer is recorded and before the script sees it, so that live and
 * replay see the same bytes. (N11)
 *
 *   RD1  A held secret is found raw, in JSON's escapes, in base64 wherever it
 *        stands in what was encoded and in both alphabets, percent-encoded.
 *   RD2  What is redacted stays valid UTF-8 and the JSON keeps its shape.
 *   RD3  A value that was fetched is held from when it is learned until it is
 *        worth nothing, however many came after it.
 *
 * Lifetime: process. Thread: loop.
 */
#ifndef SECRET_REDACT_H
#define SECRET_REDACT_H

#include "base/json.h"

struct secrets;
struct redact;

struct redact *redact_open(void);
void           redact_close(struct redact *redact); /* NULL is fine */
/* One secret that came later, a fetched token say; copied. */
void           redact_learn_value(struct redact *redact, struct str value);
/* Takes in every secret of the table; shorter than 8 bytes are left out, since
 * they would blot out ordinary words. */
void redact_learn(struct redact *redact, const struct secrets *secrets);

/* One that was fetched, and is worth nothing after until_ms (0: for good).
 * Those that are worth nothing at now_ms are wiped and forgotten. */
void redact_learn_until(struct redact *redact, struct str value,
                        int64_t until_ms, int64_t now_ms);

void redact_text(const struct redact *redact, struct str text, struct buf *out);
/* Gives a value to release: a new one, or the same one retained. */
struct json *redact_json(const struct redact *redact, const struct json *value);

#endif
