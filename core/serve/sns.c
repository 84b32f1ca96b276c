/* sns.c - the way in, and the end.
 *
 * `ending` is looked at in the same lock as the post is made, so that nothing
 * is posted to a loop that has turned for the last time. (SN5)
 */
#include "serve/sns.h"

#include <string.h>

#include "base/mem.h"
#include "serve/sns_private.h"

#define DEADLINE_MS 5000

struct sns *sns_open(const struct sns_options *options) {
    struct sns *sns = mem_new(sizeof *sns);

    sns->options = *options;
    (void)pthread_mutex_init(&sns->mutex, NULL);
    return sns;
}

bool sns_post(struct sns *sns, loop_fn *fn, void *arg) {
    bool ending;

    (void)pthread_mutex_lock(&sns->mutex);
    ending = sns->ending;
    if (!ending) {
        loop_expect(sns->options.loop);
        loop_post(sns->options.loop, fn, arg);
    }
    (void)pthread_mutex_unlock(&sns->mutex);
    return !ending;
}

bool sns_get(struct sns *sns, const char *url, size_t cap, http_done_fn *done,
             void *arg, struct http_call **call, struct err *err) {
    struct http_request request;
    bool                ok;

    http_request_init(&request, "GET", str_of(url));
    request.reach = HTTP_PUBLIC;
    request.deadline_ms = DEADLINE_MS;
    request.answer_cap = cap;
    ok = http_client_start(sns->options.client, &request, done, arg, call, err);
    http_request_release(&request);
    return ok;
}

bool sns_is_good(const struct http_answer *answer, const struct err *err,
                 struct err *why) {
    if (answer->fate != HTTP_ANSWERED) {
        *why = *err;
        return false;
    }
    return answer->status == 200 ||
           err_set(why, ERR_REMOTE, "SNS answered %d", answer->status);
}

void sns_end(struct sns *sns) {
    if (!sns)
        return;
    (void)pthread_mutex_lock(&sns->mutex);
    sns->ending = true;
    (void)pthread_mutex_unlock(&sns->mutex);
    sns_certificate_end(sns);
    sns_confirm_end(sns);
}

bool sns_is_busy(const struct sns *sns) {
    return sns && (sns->fetches || sns->confirmations);
}

void sns_close(struct sns *sns) {
    if (!sns)
        return;
    sns_certificate_close(sns);
    (void)pthread_mutex_destroy(&sns->mutex);
    mem_free(sns);
}
