/* timestamp.h - moments as text, and durations as operators write them.
 *
 * Inside, a moment is int64 milliseconds UTC; in text it is RFC 3339. All of
 * it is arithmetic: no time zone database, no clock.
 *
 * Lifetime: call. Thread: any.
 */
#ifndef BASE_TIMESTAMP_H
#define BASE_TIMESTAMP_H

#include "base/buf.h"
#include "base/err.h"

/* 2026-03-01T02:03:04.567Z; without the fraction when it is zero. */
void timestamp_write(int64_t ms, struct buf *out);
/* 20260301T020304Z, as AWS signs it. */
void timestamp_write_basic(int64_t ms, struct buf *out);
/* Any RFC 3339 moment: fraction, lower-case letters, numeric offset. */
bool timestamp_read(struct str text, int64_t *ms, struct err *err);

/* "Sun, 06 Nov 1994 08:49:37 GMT", as HTTP writes it (RFC 9110, 5.6.7; its two
 * older forms are not read). */
bool timestamp_read_http(struct str text, int64_t *ms, struct err *err);

/* "250ms", "30s", "5m", "2h", "30d", or several in a row: "1h30m". */
bool timestamp_read_duration(struct str text, int64_t *ms, struct err *err);
void timestamp_write_duration(int64_t ms, struct buf *out);

#endif
