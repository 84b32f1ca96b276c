/* prompt.h - the words that a model gets.
 *
 * The system text says what an answer is and that fenced text is data; the
 * user text is the question, what may be answered, and the evidence inside its
 * fences. A second try has the complaint about the first one in it, in our own
 * words.
 *
 * Lifetime: call. Thread: any.
 */
#ifndef LLM_PROMPT_H
#define LLM_PROMPT_H

#include "llm/question.h"

struct prompt {
    const char  *system; /* borrowed: constant */
    struct buf   user;
    struct json *schema;
};

/* `complaint` NULL: the first try. */
void   prompt_make(struct prompt *prompt, enum question_kind kind,
                   const struct json *clean, const char *nonce,
                   const char *complaint);
void   prompt_release(struct prompt *prompt);
size_t prompt_size(const struct prompt *prompt); /* bytes of all of it */

#endif
