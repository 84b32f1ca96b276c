/* webhook.h - POST /hooks/SOURCE: who sends, how much, how often.
 *
 * Everything is decided before a byte is kept: the source exists, its sender
 * is who it should be, it stays within its rate, and the body is JSON that is
 * worth reading - valid UTF-8, bounded in depth, no key twice. What remains is
 * handed to the intake, and the connection sleeps until the commit.
 *
 * A source is what the configuration lists under `sources`, or any source
 * script when the sender shows a token with the role `ingest`.
 *
 * Of a source with auth = "sns" a request may need a certificate first, or be
 * about the subscription and no delivery at all (serve/sns.h): its connection
 * sleeps until that is done.
 *
 *   WH1  Nothing from an unproven sender is stored, and its refusal is a fixed
 *        text. (N1)
 *   WH2  Over its rate, overloaded or unable to store: 503 and Retry-After,
 *        never 4xx. (N1)
 *   WH3  A refused sender costs no other one their turn.
 *
 * Lifetime: process. Thread: any; open, use and close: loop.
 */
#ifndef SERVE_WEBHOOK_H
#define SERVE_WEBHOOK_H

#include "serve/intake.h"
#include "serve/token.h"

struct clock;
struct http_exchange;
struct log;
struct metrics;
struct sns;
struct trace;
struct webhook;

struct webhook_options {
    struct intake  *intake;
    struct clock   *clock;
    struct log     *log;
    struct metrics *metrics;
    struct sns     *sns;   /* NULL: no certificate can be had */
    struct trace   *trace; /* NULL: no spans */
};                         /* all borrowed */

struct webhook *webhook_open(const struct webhook_options *options);
void            webhook_close(struct webhook *webhook); /* NULL is fine */

/* The sources and tokens from now on; `known` tells which source scripts there
 * are. All borrowed for the call. On failure nothing has changed. */
struct webhook_world {
    const struct json    *sources; /* of the configuration, or NULL */
    const struct json    *tokens;
    const struct secrets *secrets;
    const struct json    *scripts; /* list of the ids of source scripts */
    struct str            own_token;
};
bool webhook_use(struct webhook *webhook, const struct webhook_world *world,
                 struct err *err);

/* Bytes that a body for this source may have; 0: there is no such source. */
size_t webhook_cap(struct webhook *webhook, struct str source);
void   webhook_take(struct webhook *webhook, struct http_exchange *exchange,
                    struct str source);
/* The role of who sent it. */
enum token_role webhook_role(struct webhook       *webhook,
                             struct http_exchange *exchange);

#endif
