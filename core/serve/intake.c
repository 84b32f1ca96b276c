/* intake.c - one job for one delivery; its end is told on the store thread.
 *
 * The body travels twice: as bytes into the store, and as the tree that it was
 * read as to the dispatcher, so that it is parsed once.
 */
#include "serve/intake.h"

#include <stdatomic.h>
#include <string.h>

#include "base/clock.h"
#include "base/fault.h"
#include "base/mem.h"
#include "sys/crypto.h"
#include "sys/loop.h"

struct intake {
    struct intake_options options;
    atomic_size_t         waiting, bytes, most;
    atomic_bool           failed;
    atomic_int_least64_t  again_ms;
};

struct arrival {
    struct intake       *intake;
    struct delivery      delivery;
    struct buf           identity;
    struct intake_taken *taken;
    intake_done_fn      *done;
    void                *arg;
};

struct intake *intake_open(const struct intake_options *options) {
    struct intake *intake = mem_new(sizeof *intake);

    intake->options = *options;
    intake_limit(intake, options->deliveries);
    return intake;
}

void intake_close(struct intake *intake) {
    mem_free(intake);
}

void intake_limit(struct intake *intake, size_t deliveries) {
    atomic_store(&intake->most, deliveries);
}

void intake_remember(struct intake *intake, int64_t again_ms) {
    atomic_store(&intake->again_ms, again_ms);
}

size_t intake_waiting(const struct intake *intake) {
    return atomic_load(&intake->waiting);
}

bool intake_failed(const struct intake *intake) {
    return atomic_load(&intake->failed);
}

void intake_fail(struct intake *intake) {
    atomic_store(&intake->failed, true);
}

void intake_taken_release(struct intake_taken *taken) {
    if (!taken)
        return;
    json_release(taken->headers);
    json_release(taken->body);
    mem_free(taken->source);
    mem_free(taken);
}

/* --- one that is stored -------------------------------------------------- */

struct handing {
    struct intake       *intake;
    struct intake_taken *taken;
};

static void hand_on(void *arg) {
    struct handing *handing = arg;
    struct intake  *intake = handing->intake;

    fault_pass(FAULT_INTAKE_ANSWERED);
    intake->options.next(intake->options.arg, handing->taken);
    mem_free(handing);
}

static void pass_on(struct arrival *arrival) {
    struct intake  *intake = arrival->intake;
    struct handing *handing = mem_new(sizeof *handing);

    handing->intake = intake;
    handing->taken = arrival->taken;
    arrival->taken = NULL;
    loop_expect(intake->options.loop);
    loop_post(intake->options.loop, hand_on, handing);
}

static bool store_it(struct store *store, void *arg, struct err *err) {
    struct arrival *arrival = arg;

    return delivery_put(store, &arrival->delivery, err);
}

static void release(struct arrival *arrival) {
    atomic_fetch_sub(&arrival->intake->waiting, 1);
    atomic_fetch_sub(&arrival->intake->bytes, arrival->delivery.body.len);
    intake_taken_release(arrival->taken);
    buf_release(&arrival->identity);
    mem_free(arrival);
}

static void tell_failed(struct intake *intake, const struct err *err) {
    if (!atomic_exchange(&intake->failed, true) && intake->options.failed)
        intake->options.failed(intake->options.arg, err);
}

/* (IT1) The sender first: what it waits for has happened. */
static void stored(void *arg, const struct err *err) {
    struct arrival  *arrival = arg;
    struct delivery *delivery = &arrival->delivery;
    enum intake_fate fate =
        delivery->repeated ? INTAKE_REPEATED : INTAKE_STORED;

    if (err) {
        if (err->code == ERR_IO)
            tell_failed(arrival->intake, err);
        arrival->done(arrival->arg, INTAKE_FAILED, "", err);
    } else {
        fault_pass(FAULT_INTAKE_STORED);
        arrival->done(arrival->arg, fate, delivery->id, NULL);
        if (fate == INTAKE_STORED)
            pass_on(arrival);
    }
    release(arrival);
}

/* --- one that is offered ------------------------------------------------- */

static void name_it(struct intake *intake, struct delivery *delivery) {
    unsigned char random[ID_RANDOM];

    delivery->at = intake->options.clock->wall_ms(intake->options.clock);
    crypto_random(random, sizeof random);
    id_make(delivery->id, "dlv_", delivery->at, random);
}

static struct arrival *arrive(struct intake       *intake,
                              struct intake_offer *offer) {
    struct arrival      *arrival = mem_new(sizeof *arrival);
    struct intake_taken *taken = mem_new(sizeof *taken);
    struct delivery     *delivery = &arrival->delivery;

    arrival->intake = intake;
    arrival->taken = taken;
    name_it(intake, delivery);
    if (offer->identity.len)
        buf_add_str(&arrival->identity, offer->identity);
    else
        crypto_sha256_hex(offer->raw, &arrival->identity);
    taken->source = mem_text(offer->source.data, offer->source.len);
    taken->headers = offer->headers;
    taken->body = offer->body;
    taken->at = delivery->at;
    memcpy(taken->id, delivery->id, sizeof taken->id);
    delivery->source = str_of(taken->source);
    delivery->identity = buf_str(&arrival->identity);
    delivery->again_ms = atomic_load(&intake->again_ms);
    delivery->headers = taken->headers;
    delivery->body = offer->raw;
    offer->headers = offer->body = NULL;
    return arrival;
}

/* Counts it in, unless there is too much. (IT3) */
static bool admit(struct intake *intake, size_t bytes) {
    size_t waiting = atomic_fetch_add(&intake->waiting, 1);
    size_t held = atomic_fetch_add(&intake->bytes, bytes);

    if (waiting < atomic_load(&intake->most) &&
        (held == 0 || held + bytes <= intake->options.bytes))
        return true;
    atomic_fetch_sub(&intake->waiting, 1);
    atomic_fetch_sub(&intake->bytes, bytes);
    return false;
}

static void turn_away(struct intake_offer *offer) {
    json_release(offer->headers);
    json_release(offer->body);
    offer->headers = offer->body = NULL;
}

void intake_accept(struct intake *intake, struct intake_offer *offer,
                   intake_done_fn *done, void *arg) {
    struct arrival *arrival;
    struct err      err;

    /* (IT2) */
    if (intake_failed(intake)) {
        err_set(&err, ERR_IO, "the store has failed");
        turn_away(offer);
        done(arg, INTAKE_FAILED, "", &err);
        return;
    }
    if (!admit(intake, offer->raw.len)) {
        err_set(&err, ERR_LIMIT, "too much waits to be stored");
        turn_away(offer);
        done(arg, INTAKE_BUSY, "", &err);
        return;
    }
    fault_pass(FAULT_INTAKE_BEFORE_STORE);
    arrival = arrive(intake, offer);
    arrival->done = done;
    arrival->arg = arg;
    queue_submit(intake->options.queue, store_it, stored, arrival);
}
