/* encode.h - bytes as text: hex, base64, percent-encoding, UTF-8.
 *
 * Sources: RFC 4648 for hex and base64, RFC 3986 section 2 for
 * percent-encoding, RFC 3629 for UTF-8.
 *
 * Lifetime: call. Thread: any.
 */
#ifndef BASE_ENCODE_H
#define BASE_ENCODE_H

#include "base/buf.h"
#include "base/err.h"

void encode_hex(const unsigned char *bytes, size_t len, struct buf *out);
void encode_base64(struct str bytes, struct buf *out);
bool encode_base64_read(struct str text, struct buf *out, struct err *err);

/* Everything but the unreserved characters of RFC 3986 becomes %XX; bytes of
 * `keep` ("/" for a whole path) stay as they are. */
void encode_percent(struct str bytes, const char *keep, struct buf *out);
/* Refuses a % that two hex digits do not follow. */
bool encode_percent_read(struct str text, struct buf *out, struct err *err);

/* False with the offset of the first bad byte: overlong forms, surrogates and
 * code points past U+10FFFF included. */
bool encode_utf8_valid(struct str text, size_t *bad);
/* Copies, with U+FFFD in place of every byte that is not part of UTF-8. */
void encode_utf8_mend(struct str text, struct buf *out);

#endif
