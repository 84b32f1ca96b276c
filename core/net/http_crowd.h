/* http_crowd.h - who is connected, who owes a request, and who gives way.
 *
 * A connection costs nothing as long as nobody else needs its place. When the
 * crowd is full and somebody comes, the one that has owed a request for the
 * longest time gives way; only if nobody owes one, the one that has been idle
 * longest after a request. A request that is being worked on never gives way.
 * So a flood of silent connections pushes out itself: whoever sends a request
 * soon after connecting, and whoever keeps sending, is never the longest.
 *
 *   HC1  One that owes a request for longer than its limit is cut, however
 *        busily it sends byte after byte.
 *   HC2  At the cap the longest owing gives way, then the longest idle; one
 *        whose request is being worked on never does.
 *
 * Each place is on one of two lists, ordered by since when it waits, so that
 * whoever is next stands in front: nothing here walks over the whole crowd.
 *
 * Lifetime: process. Thread: any.
 */
#ifndef NET_HTTP_CROWD_H
#define NET_HTTP_CROWD_H

#include <pthread.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum http_crowd_state {
    HTTP_CROWD_OWING, /* connected, or in the middle of a request */
    HTTP_CROWD_IDLE,  /* between two requests */
    HTTP_CROWD_BUSY,  /* its request is whole and not yet answered */
    HTTP_CROWD_STATES
};

/* Embedded in whatever a connection is to its owner. */
struct http_crowd_place {
    struct http_crowd_place *next, *last;
    enum http_crowd_state    state;
    int64_t                  since_ms;
    bool                     cut;
};

enum http_crowd_reason { HTTP_CROWD_SLOW, HTTP_CROWD_FULL, HTTP_CROWD_QUIET };

/* Under the crowd's lock: must not call back. Once for a place. */
typedef void http_crowd_cut_fn(void *arg, struct http_crowd_place *place,
                               enum http_crowd_state  state,
                               enum http_crowd_reason why);

struct http_crowd {
    pthread_mutex_t          lock;
    struct http_crowd_place *first[HTTP_CROWD_STATES];
    struct http_crowd_place *final[HTTP_CROWD_STATES];
    size_t                   count, most;
    int64_t                  limit_ms[HTTP_CROWD_STATES]; /* 0: none */
    http_crowd_cut_fn       *cut;
    void                    *arg;
};

void http_crowd_init(struct http_crowd *crowd, size_t most, int64_t request_ms,
                     int64_t idle_ms, http_crowd_cut_fn *cut, void *arg);
void http_crowd_release(struct http_crowd *crowd);

void http_crowd_enter(struct http_crowd *crowd, struct http_crowd_place *place,
                      int64_t now_ms);
/* False: it was cut meanwhile, and stays so. */
bool http_crowd_move(struct http_crowd *crowd, struct http_crowd_place *place,
                     enum http_crowd_state state, int64_t now_ms);
void http_crowd_leave(struct http_crowd *crowd, struct http_crowd_place *place);
/* Cuts whoever is over its limit. */
void http_crowd_reap(struct http_crowd *crowd, int64_t now_ms);

#endif
