/* answer.h - what an HTTP answer means for the effect that it answers.
 *
 * A read that failed may be asked again; for a write the question is whether
 * it may have been applied. A status below 500 that is no success says that
 * the service refused. A status of 500 and above says nothing, and neither
 * does a cut connection: the write is unknown.
 *
 *   AN1  A write is called refused only when the service said so or no byte of
 *        it was sent.
 *   AN2  An answer that is not what its protocol promises is never an empty
 *        success.
 *
 * Sources: AWS JSON error shape (__type), GitHub rate limit headers,
 * RFC 9110 section 10.2.3 (Retry-After in seconds).
 *
 * Lifetime: call. Thread: loop.
 */
#ifndef GATE_ANSWER_H
#define GATE_ANSWER_H

#include "gate/mode.h"
#include "net/http.h"

/* `sent_err` is the client's error, for a fate other than HTTP_ANSWERED. */
struct mode_answer answer_read(const struct effect      *effect,
                               const struct http_answer *http,
                               const struct err         *sent_err);

#endif
