/* readiness.c - one sentence for each part, under a mutex. */
#include "serve/readiness.h"

#include <pthread.h>
#include <string.h>

#include "base/mem.h"

static const char *const names[] = {"start", "store", "drain", "reload"};

struct readiness {
    pthread_mutex_t mutex;
    char           *why[READINESS_PARTS];
};

struct readiness *readiness_open(void) {
    struct readiness *readiness = mem_new(sizeof *readiness);

    (void)pthread_mutex_init(&readiness->mutex, NULL);
    return readiness;
}

void readiness_close(struct readiness *readiness) {
    if (!readiness)
        return;
    for (int i = 0; i < READINESS_PARTS; i++)
        mem_free(readiness->why[i]);
    (void)pthread_mutex_destroy(&readiness->mutex);
    mem_free(readiness);
}

void readiness_set(struct readiness *readiness, enum readiness_part part,
                   const char *why) {
    char *copy = why ? mem_text(why, strlen(why)) : NULL;

    (void)pthread_mutex_lock(&readiness->mutex);
    mem_free(readiness->why[part]);
    readiness->why[part] = copy;
    (void)pthread_mutex_unlock(&readiness->mutex);
}

/* (RY1) */
struct json *readiness_json(struct readiness *readiness, bool *ready) {
    struct json *all = json_new_map(), *reasons = json_new_map();

    *ready = true;
    (void)pthread_mutex_lock(&readiness->mutex);
    for (int i = 0; i < READINESS_PARTS; i++) {
        if (!readiness->why[i])
            continue;
        json_put_text(reasons, names[i], str_of(readiness->why[i]));
        if (i != READINESS_RELOAD)
            *ready = false;
    }
    (void)pthread_mutex_unlock(&readiness->mutex);
    json_put_text(all, "status", *ready ? STR("ready") : STR("not ready"));
    json_put(all, "reasons", reasons);
    return all;
}
