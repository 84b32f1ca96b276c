/* raw_client.h - one HTTP request over a socket of its own, byte for byte.
 *
 * Lifetime: a test. Thread: any.
 */
#ifndef TESTS_RAW_CLIENT_H
#define TESTS_RAW_CLIENT_H

#include <stdint.h>

#include "base/buf.h"

/* Sends `text` to this port of the machine itself and appends everything that
 * comes until the peer closes. */
void raw_client_ask(uint16_t port, struct str text, struct buf *got);
/* The same with the head made: `headers` are whole lines, each with its CRLF.
 */
void raw_client_send(uint16_t port, const char *method, const char *path,
                     const char *headers, const char *body, struct buf *got);
/* The status of an answer; 0: there is none. */
int  raw_client_status(const struct buf *got);

#endif
