/* readiness.h - may senders come, and if not, why not.
 *
 * Each part of the service says for itself whether it is in order; /readyz is
 * 200 while all are and 503 with every reason otherwise. Some reasons are only
 * told: a reload that was refused leaves a service that works as before.
 *
 *   RY1  /readyz is 503 exactly while there is a reason that stops senders,
 *        and shows every reason there is.
 *
 * Lifetime: process. Thread: any.
 */
#ifndef SERVE_READINESS_H
#define SERVE_READINESS_H

#include <stdbool.h>

#include "base/json.h"

enum readiness_part {
    READINESS_START,  /* the unfinished runs are not known yet */
    READINESS_STORE,  /* nothing can be kept */
    READINESS_DRAIN,  /* the service is about to end */
    READINESS_RELOAD, /* told only */
    READINESS_PARTS
};

struct readiness;

struct readiness *readiness_open(void);
void              readiness_close(struct readiness *readiness);
/* why NULL: it is in order. Copied. */
void readiness_set(struct readiness *readiness, enum readiness_part part,
                   const char *why);
/* { status: "ready" | "not ready", reasons: { part: why } }. Gives. */
struct json *readiness_json(struct readiness *readiness, bool *ready);

#endif
