/* evidence.h - what a model is shown, and how it is fenced.
 *
 * Logs, diffs and metrics are written by whoever can make a service log, so
 * they are data and never words of ours. Everything of a question is stripped
 * of hidden characters, then redacted, then capped, in this order: a secret
 * that hidden characters split is whole again before it is looked for, and one
 * that the cap would cut is gone before it is cut.
 *
 *   EV1  No secret that the redactor knows is in what is sent. (N11)
 *   EV2  The fence's word depends on the slot's token and on the evidence, so
 *        that no evidence can hold the word that closes it.
 *
 * Lifetime: call. Thread: loop.
 */
#ifndef LLM_EVIDENCE_H
#define LLM_EVIDENCE_H

#include "base/json.h"

struct redact;

#define EVIDENCE_ITEM_MAX 16384
#define EVIDENCE_ALL_MAX 65536
#define EVIDENCE_CUT "bytes cut here"
#define EVIDENCE_NONCE_SIZE 33

/* The question as it may be sent; `redact` NULL: a made-up world, which has no
 * secrets. Gives a new value. */
struct json *evidence_clean(const struct json   *args,
                            const struct redact *redact);
void         evidence_nonce(const struct json *clean, const char *token,
                            char nonce[EVIDENCE_NONCE_SIZE]);
/* Is it a part of the evidence of this name, word for word? */
bool         evidence_holds(const struct json *clean, struct str name,
                            struct str quote);

#endif
