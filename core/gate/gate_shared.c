/* gate_shared.c - a bucket for each kind of service, and one cache. */
#include "gate/gate_shared.h"

#include "base/mem.h"

struct gate_shared {
    struct retry_bucket buckets[EFFECT_CATALOGUE]; /* by kind of service */
    struct etag        *etag;
};

struct gate_shared *gate_shared_open(void) {
    struct gate_shared *shared = mem_new(sizeof *shared);

    shared->etag = etag_open();
    return shared;
}

void gate_shared_close(struct gate_shared *shared) {
    if (!shared)
        return;
    etag_close(shared->etag);
    mem_free(shared);
}

struct retry_bucket *gate_shared_bucket(struct gate_shared *shared,
                                        enum effect_kind    kind) {
    return &shared->buckets[kind];
}

struct etag *gate_shared_etag(struct gate_shared *shared) {
    return shared->etag;
}
