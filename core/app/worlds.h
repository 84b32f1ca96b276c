/* worlds.h - reads the rows of a world from a folder.
 *
 * Lifetime: call. Thread: main.
 */
#ifndef APP_WORLDS_H
#define APP_WORLDS_H

#include "base/json.h"

/* All rows of the *.json files in DIR in the order of file names, includes
 * followed. NULL with err filled; the sentence names the file. */
struct json *worlds_read(const char *dir, struct err *err);

#endif
