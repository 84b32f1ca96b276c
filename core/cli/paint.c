/* paint.c - asked for each stream, since one may be a pipe and one not. */
#include "cli/paint.h"

#include <stdbool.h>

static bool has_colour(FILE *to) {
    const char *none = getenv("NO_COLOR"), *term = getenv("TERM");

    return !(none && *none) && term && strcmp(term, "dumb") != 0 &&
           isatty(fileno(to));
}

const char *paint_code(FILE *to, enum paint paint) {
    static const char *const codes[] = {
        [PAINT_OFF] = "\033[0m",    [PAINT_BOLD] = "\033[1m",
        [PAINT_DIM] = "\033[2m",    [PAINT_RED] = "\033[31m",
        [PAINT_GREEN] = "\033[32m", [PAINT_YELLOW] = "\033[33m",
        [PAINT_BLUE] = "\033[34m",
    };

    return has_colour(to) ? codes[paint] : "";
}
