/* check_source.c - what a source declares. Its output is checked when it runs:
 * it depends on what is delivered.
 */
#include "check/check_private.h"

void check_source(struct check *check) {
    static const struct shape rows[] = {
        {"about", SHAPE_TEXT, "one sentence for the people on call"},
        {"occurrences", SHAPE_FUNCTION, "function(request)"},
        {"ends_by_key", SHAPE_TRUE, NULL},
    };
    struct spot source = check_root(check, "source");

    check_shape(check, &source, rows, sizeof rows / sizeof *rows);
}
