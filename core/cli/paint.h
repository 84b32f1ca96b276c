/* paint.h - colour for people, none for programs.
 *
 * Colour is used on a terminal only, and never when NO_COLOR is set to
 * anything or TERM is "dumb". A pipe always gets plain text.
 *
 * Lifetime: process. Thread: main.
 */
#ifndef CLI_PAINT_H
#define CLI_PAINT_H

#include <stdio.h>

enum paint {
    PAINT_OFF,
    PAINT_BOLD,
    PAINT_DIM,
    PAINT_RED,
    PAINT_GREEN,
    PAINT_YELLOW,
    PAINT_BLUE
};

/* What to print to switch to it; "" where there is no colour. */
const char *paint_code(FILE *to, enum paint paint);

#endif
