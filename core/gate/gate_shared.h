/* gate_shared.h - what all runs of one process know of the services together.
 *
 * Each run has a gate and a mode of its own, but a service that is down is
 * down for all of them, and an answer that GitHub says is still good is good
 * for all of them. A process that walks many runs opens one of these and
 * gives it to every gate and live mode; without one each has its own.
 *
 *   GS1  Retries of all who share it come out of the same buckets.
 *
 * Lifetime: process. Thread: loop.
 */
#ifndef GATE_GATE_SHARED_H
#define GATE_GATE_SHARED_H

#include "effect/effect.h"
#include "gate/etag.h"
#include "gate/retry.h"

struct gate_shared;

struct gate_shared *gate_shared_open(void);
void                gate_shared_close(struct gate_shared *shared); /* NULL */

struct retry_bucket *gate_shared_bucket(struct gate_shared *shared,
                                        enum effect_kind    kind);
struct etag         *gate_shared_etag(struct gate_shared *shared);

#endif
