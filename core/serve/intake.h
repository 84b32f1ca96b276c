/* intake.h - where all entrances meet: a delivery is kept, then answered.
 *
 * Whoever receives a delivery - the webhook today - hands it over here, from
 * any thread. It is turned away while too much waits for the disk already, or
 * once the store has failed; else it joins the store thread's next group, and
 * only when that group is durable is the sender told. Then the dispatcher gets
 * it, on the loop.
 *
 *   IT1  Nobody is told "accepted" before the delivery is durable. (N1)
 *   IT2  What cannot be kept is refused as "come again", never as "bad". (N1)
 *   IT3  What waits is bounded in number and in bytes.
 *
 * Lifetime: process. Thread: any, but open and close: loop.
 */
#ifndef SERVE_INTAKE_H
#define SERVE_INTAKE_H

#include "base/json.h"
#include "store/delivery.h"
#include "store/queue.h"

struct intake;

/* What the dispatcher gets; it owns all of it. */
struct intake_taken {
    char         id[ID_SIZE];
    char        *source;
    int64_t      at;
    struct json *headers, *body; /* body NULL: to be read from the store */
    struct intake_taken *next;
};
void intake_taken_release(struct intake_taken *taken);

typedef void intake_next_fn(void *arg, struct intake_taken *taken);

struct intake_options {
    struct loop    *loop;
    struct queue   *queue;
    struct clock   *clock;
    size_t          deliveries, bytes; /* that may wait for the disk */
    intake_next_fn *next;              /* on the loop */
    /* On the store thread, once: the store has failed. */
    void (*failed)(void *arg, const struct err *err);
    void *arg;
}; /* all borrowed */

struct intake *intake_open(const struct intake_options *options);
/* Nothing may be on its way any more. NULL is fine. */
void           intake_close(struct intake *intake);

struct intake_offer {
    struct str   source;
    struct str   identity; /* the sender's id of it; empty: its bytes */
    struct json *headers;  /* taken */
    struct json *body;     /* taken: what raw was read as */
    struct str   raw;      /* until done */
};

enum intake_fate { INTAKE_STORED, INTAKE_REPEATED, INTAKE_BUSY, INTAKE_FAILED };

/* Once, from any thread; id is that of the delivery it was stored as. */
typedef void intake_done_fn(void *arg, enum intake_fate fate, const char *id,
                            const struct err *err);

void intake_accept(struct intake *intake, struct intake_offer *offer,
                   intake_done_fn *done, void *arg);

/* From any thread. */
void   intake_limit(struct intake *intake, size_t deliveries);
/* A repeat is a delivery again when it comes so much later; 0: never. */
void   intake_remember(struct intake *intake, int64_t again_ms);
size_t intake_waiting(const struct intake *intake);
bool   intake_failed(const struct intake *intake);
void   intake_fail(struct intake *intake); /* the store has failed */

#endif
