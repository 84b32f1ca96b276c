/* http_crowd.c - a list for each state, oldest first.
 *
 * A place is put at the end of its list with the present moment, so the lists
 * are in order by themselves. One that was cut is on no list any more and
 * counts no longer, though its owner has yet to see it go.
 */
#include "net/http_crowd.h"

void http_crowd_init(struct http_crowd *crowd, size_t most, int64_t request_ms,
                     int64_t idle_ms, http_crowd_cut_fn *cut, void *arg) {
    *crowd = (struct http_crowd){.most = most, .cut = cut, .arg = arg};
    crowd->limit_ms[HTTP_CROWD_OWING] = request_ms;
    crowd->limit_ms[HTTP_CROWD_IDLE] = idle_ms;
    (void)pthread_mutex_init(&crowd->lock, NULL);
}

void http_crowd_release(struct http_crowd *crowd) {
    (void)pthread_mutex_destroy(&crowd->lock);
}

static void append(struct http_crowd *crowd, struct http_crowd_place *place,
                   enum http_crowd_state state, int64_t now_ms) {
    place->state = state;
    place->since_ms = now_ms;
    place->next = NULL;
    place->last = crowd->final[state];
    if (place->last)
        place->last->next = place;
    else
        crowd->first[state] = place;
    crowd->final[state] = place;
}

static void unlink_place(struct http_crowd       *crowd,
                         struct http_crowd_place *place) {
    if (place->next)
        place->next->last = place->last;
    else
        crowd->final[place->state] = place->last;
    if (place->last)
        place->last->next = place->next;
    else
        crowd->first[place->state] = place->next;
}

static void cut(struct http_crowd *crowd, struct http_crowd_place *place,
                enum http_crowd_reason why) {
    unlink_place(crowd, place);
    crowd->count--;
    place->cut = true;
    crowd->cut(crowd->arg, place, place->state, why);
}

/* The newcomer itself, when all others are being worked on. (HC2) */
static void make_room(struct http_crowd *crowd) {
    struct http_crowd_place *longest = crowd->first[HTTP_CROWD_OWING];

    if (longest == crowd->final[HTTP_CROWD_OWING] &&
        crowd->first[HTTP_CROWD_IDLE])
        longest = crowd->first[HTTP_CROWD_IDLE];
    cut(crowd, longest, HTTP_CROWD_FULL);
}

void http_crowd_enter(struct http_crowd *crowd, struct http_crowd_place *place,
                      int64_t now_ms) {
    (void)pthread_mutex_lock(&crowd->lock);
    place->cut = false;
    append(crowd, place, HTTP_CROWD_OWING, now_ms);
    if (++crowd->count > crowd->most)
        make_room(crowd);
    (void)pthread_mutex_unlock(&crowd->lock);
}

bool http_crowd_move(struct http_crowd *crowd, struct http_crowd_place *place,
                     enum http_crowd_state state, int64_t now_ms) {
    bool stays;

    (void)pthread_mutex_lock(&crowd->lock);
    stays = !place->cut;
    if (stays) {
        unlink_place(crowd, place);
        append(crowd, place, state, now_ms);
    }
    (void)pthread_mutex_unlock(&crowd->lock);
    return stays;
}

void http_crowd_leave(struct http_crowd       *crowd,
                      struct http_crowd_place *place) {
    (void)pthread_mutex_lock(&crowd->lock);
    if (!place->cut) {
        unlink_place(crowd, place);
        crowd->count--;
        place->cut = true;
    }
    (void)pthread_mutex_unlock(&crowd->lock);
}

static void reap_state(struct http_crowd *crowd, enum http_crowd_state state,
                       enum http_crowd_reason why, int64_t now_ms) {
    int64_t limit = crowd->limit_ms[state];

    while (limit && crowd->first[state] &&
           now_ms - crowd->first[state]->since_ms >= limit)
        cut(crowd, crowd->first[state], why);
}

void http_crowd_reap(struct http_crowd *crowd, int64_t now_ms) {
    (void)pthread_mutex_lock(&crowd->lock);
    reap_state(crowd, HTTP_CROWD_OWING, HTTP_CROWD_SLOW, now_ms);
    reap_state(crowd, HTTP_CROWD_IDLE, HTTP_CROWD_QUIET, now_ms);
    (void)pthread_mutex_unlock(&crowd->lock);
}
