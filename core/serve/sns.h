/* sns.h - what deliveries of Amazon SNS make us ask of it.
 *
 * A signature is checked with a certificate that lies at an address in the
 * message (auth/inbound has judged it: a host of SNS and no other), and a
 * subscription begins with a message that wants to be confirmed by a request.
 * Both go through the service's own client on the loop: TLS with chain and name
 * verified, no redirect, no private address, a deadline and a cap. Neither is
 * an effect of a run; a confirmation changes something at AWS, so it is in the
 * audit chain before it is sent and after it was answered.
 *
 *   SN1  While a certificate is fetched, all who need it wait for the one
 *        answer.
 *   SN2  What was fetched is kept, up to a bound and a time; what could not be
 *        is not asked for again at once, and never displaces what was.
 *   SN3  How many are fetched at once, how often, and how many wait is bounded,
 *        whatever strangers send.
 *   SN4  No confirmation leaves before the record that it will is durable.
 *   SN5  Whoever waits is told once, also when the service ends.
 *
 * Sources: "Verifying the signatures of Amazon SNS messages", "Amazon SNS
 * message and JSON formats".
 *
 * Lifetime: process. Thread: loop, where nothing else is said.
 */
#ifndef SERVE_SNS_H
#define SERVE_SNS_H

#include "base/buf.h"
#include "base/err.h"

struct clock;
struct http_client;
struct log;
struct loop;
struct metrics;
struct queue;
struct sns;

struct sns_options {
    struct loop        *loop;
    struct http_client *client;
    struct queue       *queue;
    struct clock       *clock;
    struct log         *log;
}; /* all borrowed */

struct sns *sns_open(const struct sns_options *options);
/* From now on nobody is taken any more, and who waits is told. */
void        sns_end(struct sns *sns);
/* After sns_end(): something is still to come on the loop. */
bool        sns_is_busy(const struct sns *sns);
void        sns_close(struct sns *sns); /* not while busy; NULL is fine */

/* On the loop. failure NULL: it went well. */
typedef void sns_done_fn(void *arg, const struct err *failure);

enum sns_found { SNS_FOUND, SNS_FAILED, SNS_UNKNOWN };

/* Any thread. SNS_FOUND fills pem, SNS_FAILED err: it was tried a short while
 * ago. */
enum sns_found sns_certificate_find(struct sns *sns, struct str url,
                                    struct buf *pem, struct err *err);
/* Any thread. False: the service ends, done never comes. Afterwards
 * sns_certificate_find() has it. */
bool sns_certificate_want(struct sns *sns, struct str url, sns_done_fn *done,
                          void *arg);
/* Any thread. It was fetched and is none: not to be asked for soon. */
void sns_certificate_refuse(struct sns *sns, struct str url,
                            const struct err *why);

/* Any thread. `url` has passed inbound's check. False as above. */
bool sns_confirm(struct sns *sns, struct str source, struct str topic,
                 struct str url, sns_done_fn *done, void *arg);

#endif
