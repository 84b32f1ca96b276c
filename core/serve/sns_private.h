/* sns_private.h - the parts of serve/sns*.c.
 *
 * sns.c is opened and ended and has the way in from other threads;
 * sns_certificate.c fetches and keeps, sns_confirm.c confirms.
 *
 * Lifetime: process. Thread: loop.
 */
#ifndef SERVE_SNS_PRIVATE_H
#define SERVE_SNS_PRIVATE_H

#include <pthread.h>

#include "net/http_client.h"
#include "serve/sns.h"
#include "sys/loop.h"

#define SNS_KEPT 16
#define SNS_FAILURES 64

/* A certificate, or why there is none, until a moment. */
struct sns_kept {
    char      *url;
    struct buf pem;
    struct err why;
    int64_t    until_ns;
};

struct sns_waiting {
    sns_done_fn *done;
    void        *arg;
};

struct sns_fetch {
    struct sns         *sns;
    struct sns_fetch   *next;
    char               *url;
    struct http_call   *call;
    struct sns_waiting *waiting;
    size_t              count;
};

struct sns_confirmation {
    struct sns              *sns;
    struct sns_confirmation *next;
    char                    *source, *topic, *url;
    struct http_call        *call; /* NULL: a record is being written */
    struct sns_waiting       waiting;
    bool                     sent, failed;
    struct err               why;
};

struct sns {
    struct sns_options       options;
    pthread_mutex_t          mutex; /* guards the next four */
    bool                     ending;
    struct sns_kept          kept[SNS_KEPT], failures[SNS_FAILURES];
    size_t                   next_kept, next_failure;
    struct sns_fetch        *fetches;
    struct sns_confirmation *confirmations;
    size_t                   waiting;  /* for all certificates */
    int64_t                  since_ns; /* the minute in which … */
    int                      fetched;  /* … so many were fetched */
};

/* Runs fn on the loop; false: the service ends. Any thread. */
bool sns_post(struct sns *sns, loop_fn *fn, void *arg);
/* A GET as this module makes them; false with err filled when it cannot. */
bool sns_get(struct sns *sns, const char *url, size_t cap, http_done_fn *done,
             void *arg, struct http_call **call, struct err *err);
/* In words, when the answer is no 200. */
bool sns_is_good(const struct http_answer *answer, const struct err *err,
                 struct err *why);

void sns_certificate_end(struct sns *sns);
void sns_certificate_close(struct sns *sns);
void sns_confirm_end(struct sns *sns);

#endif
