/* lines.h - the line where a key of a script's table is written.
 *
 * The table that a script returns is read as values, which know no lines; a
 * finding without a line is half a finding. This walks the text of the table
 * constructor behind the script's last `return` along a path of keys. The
 * items of a list are the keys "1", "2" and so on.
 *
 *   LN1  The line is that of the deepest key of the path that is written out;
 *        of the `return` when there is none, and 1 when there is no return.
 *   LN2  Keys inside functions, strings and comments are never taken.
 *
 * Lifetime: call. Thread: any.
 */
#ifndef CHECK_LINES_H
#define CHECK_LINES_H

#include "base/buf.h"

/* lines_find(text, "nodes", "verification", "next", "pass", NULL) */
int lines_find(struct str text, ...) __attribute__((sentinel));
int lines_find_path(struct str text, const struct str *path, size_t count);

#endif
