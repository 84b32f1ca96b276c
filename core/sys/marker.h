/* marker.h - what was being executed when the process died.
 *
 * A page of a file, mapped: writing to it is a copy in memory, and what was
 * written is there for the next process however this one ended, since the
 * kernel keeps the page. Only a crash of the whole machine loses it, and then
 * nothing that was executing is to blame.
 *
 *   MK1  After the process ended in whatever way, the file holds what was set
 *        and not cleared.
 *
 * Lifetime: process. Thread: one at a time.
 */
#ifndef SYS_MARKER_H
#define SYS_MARKER_H

#include "base/buf.h"
#include "base/err.h"

struct marker;

/* Appends what the last process left to `left`, and clears it. */
struct marker *marker_open(const char *path, struct buf *left, struct err *err);
void           marker_close(struct marker *marker); /* NULL is fine */

/* At most 63 bytes. With NULL both do nothing. */
void marker_set(struct marker *marker, const char *what);
void marker_clear(struct marker *marker);

#endif
