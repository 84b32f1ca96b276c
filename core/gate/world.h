/* world.h - a make-believe world: rows that answer effects.
 *
 * A world is a folder of *.json files, each a sequence of rows, read in the
 * order of file names. A row has a pattern, may wait for a time or for a write
 * and may be used up; the last row that fits answers, so general rows come
 * first and later phases after them. Texts may hold templates such as
 * ${service}, ${args.desiredCount} and ${start-5m|s}. The format is described
 * in docs/worlds.md; tapes use the same rows.
 *
 *   W1  The same world, incident and questions give the same answers.
 *   W2  A row that waits for a write answers only after that write.
 *   W3  What no row answers is an error that prints the missing row.
 *
 * Lifetime: process. Thread: loop.
 */
#ifndef GATE_WORLD_H
#define GATE_WORLD_H

#include "base/json.h"
#include "effect/effect.h"

struct world;

/* `rows` is a list, taken. Unknown keys of a row are errors. */
struct world *world_open(struct json *rows, struct err *err);
void          world_close(struct world *world);

/* The incident fills the templates; its start is the world's time zero. */
void    world_begin(struct world *world, const struct json *incident,
                    int64_t start_ms);
int64_t world_start(const struct world *world);

/* The answer to an effect at a virtual time: gives it, or false with err
 * filled from the row's error, or with ERR_NO_ANSWER. */
bool world_answer(struct world *world, const struct effect *effect,
                  int64_t now_ms, struct json **answer, struct err *err);

#endif
