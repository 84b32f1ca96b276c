/* sns_certificate.c - fetched once, kept for a day; what failed, for a while.
 *
 * Two tables, so that a stranger who knows a topic and invents addresses fills
 * the one of failures only. (SN2) Each region has one certificate, and a new
 * one every few months.
 */
#include <string.h>

#include "base/clock.h"
#include "base/mem.h"
#include "observe/log.h"
#include "serve/sns_private.h"

#define SECOND ((int64_t)1000000000)
#define KEPT_FOR (24 * 3600 * SECOND)
#define FAILED_FOR (15 * SECOND)
#define REFUSED_FOR (300 * SECOND)
#define PEM_MOST ((size_t)64 << 10)
#define FETCHES_MOST 4    /* at once */
#define MINUTE_MOST 30    /* in a minute */
#define WAITING_MOST 1000 /* deliveries */

/* --- what is kept --------------------------------------------------------- */

static int64_t now_of(const struct sns *sns) {
    return sns->options.clock->mono_ns(sns->options.clock);
}

static struct sns_kept *find(struct sns_kept *table, size_t count,
                             struct str url, int64_t now) {
    for (size_t i = 0; i < count; i++)
        if (table[i].url && str_is(url, table[i].url) &&
            table[i].until_ns > now)
            return &table[i];
    return NULL;
}

static void drop(struct sns_kept *kept) {
    mem_free(kept->url);
    buf_release(&kept->pem);
    memset(kept, 0, sizeof *kept);
}

/* The place of this address, or of the one that has been there longest. */
static struct sns_kept *place_for(struct sns_kept *table, size_t count,
                                  size_t *next, struct str url) {
    struct sns_kept *place = find(table, count, url, INT64_MIN);

    if (!place)
        place = &table[(*next)++ % count];
    drop(place);
    place->url = mem_text(url.data, url.len);
    return place;
}

enum sns_found sns_certificate_find(struct sns *sns, struct str url,
                                    struct buf *pem, struct err *err) {
    int64_t          now = now_of(sns);
    struct sns_kept *good, *bad;
    enum sns_found   found = SNS_UNKNOWN;

    (void)pthread_mutex_lock(&sns->mutex);
    good = find(sns->kept, SNS_KEPT, url, now);
    bad = find(sns->failures, SNS_FAILURES, url, now);
    if (bad) {
        *err = bad->why;
        found = SNS_FAILED;
    } else if (good) {
        buf_add_str(pem, buf_str(&good->pem));
        found = SNS_FOUND;
    }
    (void)pthread_mutex_unlock(&sns->mutex);
    return found;
}

static void keep_failure(struct sns *sns, struct str url, const struct err *why,
                         int64_t for_ns) {
    struct sns_kept *place;

    (void)pthread_mutex_lock(&sns->mutex);
    place = place_for(sns->failures, SNS_FAILURES, &sns->next_failure, url);
    place->why = *why;
    place->until_ns = now_of(sns) + for_ns;
    (void)pthread_mutex_unlock(&sns->mutex);
}

static void keep(struct sns *sns, struct str url, struct str pem) {
    struct sns_kept *place;

    (void)pthread_mutex_lock(&sns->mutex);
    place = place_for(sns->kept, SNS_KEPT, &sns->next_kept, url);
    buf_add_str(&place->pem, pem);
    place->until_ns = now_of(sns) + KEPT_FOR;
    (void)pthread_mutex_unlock(&sns->mutex);
}

void sns_certificate_refuse(struct sns *sns, struct str url,
                            const struct err *why) {
    log_line(sns->options.log, LOG_ERROR, NULL,
             "a certificate of SNS cannot be used", "error", why->text, NULL);
    keep_failure(sns, url, why, REFUSED_FOR);
}

/* --- fetching ---------------------------------------------------------------- */

static void unlink_fetch(struct sns_fetch *fetch) {
    struct sns_fetch **at = &fetch->sns->fetches;

    while (*at != fetch)
        at = &(*at)->next;
    *at = fetch->next;
}

static void tell_waiting(struct sns_fetch *fetch, const struct err *failure) {
    struct sns_waiting *waiting = fetch->waiting;
    size_t              count = fetch->count;

    fetch->waiting = NULL;
    fetch->count = 0;
    fetch->sns->waiting -= count;
    for (size_t i = 0; i < count; i++)
        waiting[i].done(waiting[i].arg, failure);
    mem_free(waiting);
}

static void fetched(void *arg, const struct http_answer *answer,
                    const struct err *err) {
    struct sns_fetch *fetch = arg;
    struct sns       *sns = fetch->sns;
    struct err        why;
    bool              good = sns_is_good(answer, err, &why);

    if (good)
        keep(sns, str_of(fetch->url), buf_str(&answer->body));
    else if (!sns->ending) {
        keep_failure(sns, str_of(fetch->url), &why, FAILED_FOR);
        log_line(sns->options.log, LOG_WARN, NULL,
                 "a certificate of SNS was not fetched", "url", fetch->url,
                 "error", why.text, NULL);
    }
    unlink_fetch(fetch);
    tell_waiting(fetch, good ? NULL : &why);
    mem_free(fetch->url);
    mem_free(fetch);
}

/* (SN3) */
static bool may_fetch(struct sns *sns, struct err *err) {
    int64_t now = now_of(sns);
    int     running = 0;

    for (struct sns_fetch *at = sns->fetches; at; at = at->next)
        running++;
    if (!sns->since_ns || now - sns->since_ns > 60 * SECOND) {
        sns->since_ns = now;
        sns->fetched = 0;
    }
    if (running >= FETCHES_MOST || sns->fetched >= MINUTE_MOST)
        return err_set(err, ERR_LIMIT,
                       "too many certificates of SNS are asked for");
    sns->fetched++;
    return true;
}

static struct sns_fetch *fetch_of(struct sns *sns, const char *url) {
    struct sns_fetch *fetch = sns->fetches;

    while (fetch && strcmp(fetch->url, url) != 0)
        fetch = fetch->next;
    return fetch;
}

static struct sns_fetch *start(struct sns *sns, const char *url,
                               struct err *err) {
    struct sns_fetch *fetch;

    if (!may_fetch(sns, err))
        return NULL;
    fetch = mem_new(sizeof *fetch);
    fetch->sns = sns;
    fetch->url = mem_text(url, strlen(url));
    fetch->next = sns->fetches;
    sns->fetches = fetch;
    if (sns_get(sns, url, PEM_MOST, fetched, fetch, &fetch->call, err))
        return fetch;
    unlink_fetch(fetch);
    mem_free(fetch->url);
    mem_free(fetch);
    return NULL;
}

/* --- wanted -------------------------------------------------------------------- */

struct want {
    struct sns        *sns;
    char              *url;
    struct sns_waiting who;
};

/* Joins the fetch that runs, or begins one. (SN1) */
static bool join(struct sns *sns, const struct want *want, struct err *err) {
    struct sns_fetch *fetch = fetch_of(sns, want->url);

    if (sns->waiting >= WAITING_MOST)
        return err_set(err, ERR_LIMIT,
                       "too many deliveries wait for a certificate");
    fetch = fetch ? fetch : start(sns, want->url, err);
    if (!fetch)
        return false;
    fetch->waiting =
        mem_resize(fetch->waiting, (fetch->count + 1) * sizeof *fetch->waiting);
    fetch->waiting[fetch->count++] = want->who;
    sns->waiting++;
    return true;
}

static void wanted(void *arg) {
    struct want   *want = arg;
    struct sns    *sns = want->sns;
    struct buf     pem = BUF_EMPTY;
    struct err     err;
    enum sns_found found =
        sns_certificate_find(sns, str_of(want->url), &pem, &err);

    if (found == SNS_UNKNOWN && sns->ending) {
        err_set(&err, ERR_CANCELLED, "the service ends");
        found = SNS_FAILED;
    }
    if (found == SNS_FOUND)
        want->who.done(want->who.arg, NULL);
    else if (found == SNS_FAILED || !join(sns, want, &err))
        want->who.done(want->who.arg, &err);
    buf_release(&pem);
    mem_free(want->url);
    mem_free(want);
}

bool sns_certificate_want(struct sns *sns, struct str url, sns_done_fn *done,
                          void *arg) {
    struct want *want = mem_new(sizeof *want);

    want->sns = sns;
    want->url = mem_text(url.data, url.len);
    want->who = (struct sns_waiting){done, arg};
    if (sns_post(sns, wanted, want))
        return true;
    mem_free(want->url);
    mem_free(want);
    return false;
}

/* --- the end --------------------------------------------------------------------- */

void sns_certificate_end(struct sns *sns) {
    struct err ends;

    err_set(&ends, ERR_CANCELLED, "the service ends");
    for (struct sns_fetch *at = sns->fetches; at; at = at->next) {
        tell_waiting(at, &ends);
        http_client_cancel(at->call);
    }
}

void sns_certificate_close(struct sns *sns) {
    for (size_t i = 0; i < SNS_KEPT; i++)
        drop(&sns->kept[i]);
    for (size_t i = 0; i < SNS_FAILURES; i++)
        drop(&sns->failures[i]);
}
