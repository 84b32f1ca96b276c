/* scripts.h - from a folder of Lua files to a sealed bundle.
 *
 * A run takes the folder whole or not at all: one file that cannot be a
 * script refuses all of them, because a playbook that is half there is worse
 * than none. `check` wants to see every such file at once and collects them.
 * Files that do not end in ".lua", or begin with a dot, are not looked at.
 *
 *   SC1  A bundle that was given is sealed and complete.
 *
 * Lifetime: process. Thread: main.
 */
#ifndef APP_SCRIPTS_H
#define APP_SCRIPTS_H

#include "vm/bundle.h"

/* Where the scripts are: what was given, else ./scripts, else "scripts" beside
 * the binary, above it, or in ../share/nightshift. */
bool scripts_find(const char *given, struct buf *dir, struct err *err);

/* The error names the first file that cannot be taken. */
bool scripts_load(const char *dir, struct clock *clock, struct bundle **bundle,
                  struct err *err);
/* Files that cannot be taken are added to `findings` instead, and left out. */
bool scripts_collect(const char *dir, struct clock *clock,
                     struct bundle **bundle, struct json *findings,
                     struct err *err);

#endif
