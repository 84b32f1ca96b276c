/* provider.h - three ways of speaking to a model, as one seam.
 *
 * A provider builds the request for a prompt and reads what came back. Which
 * one, and where, is the configuration's: llm.provider, llm.model and the
 * provider's url. Nothing secret is in a request; its signer adds that.
 *
 *   PV1  What is no whole and plain answer - cut, refused, filtered, empty or
 *        no JSON - is a problem with a name, never half an answer.
 *
 * Implementations: provider_openai.c (and Azure, and compatible servers),
 * provider_anthropic.c, provider_bedrock.c.
 *
 * Lifetime: call. Thread: loop.
 */
#ifndef LLM_PROVIDER_H
#define LLM_PROVIDER_H

#include "auth/signer.h"
#include "llm/prompt.h"

enum reply_fate {
    REPLY_ANSWER,  /* value */
    REPLY_BAD,     /* no answer, and asking once more may bring one */
    REPLY_REFUSED, /* no answer, and none will come */
    REPLY_ERROR    /* err: not this question but the call failed */
};

struct provider_reply {
    enum reply_fate fate;
    struct json    *value;
    int64_t         input, output; /* tokens; -1: not said */
    int64_t         retry_after_ms;
    struct err      err; /* with every fate but REPLY_ANSWER */
};

struct provider_request {
    struct http_request http;
    enum signer_kind    signer;
    struct signer_scope scope; /* borrows from the configuration */
};

struct provider {
    const char *name;
    /* Fills url, headers, body, signer and scope. */
    bool (*build)(const struct json *config, const struct prompt *prompt,
                  struct provider_request *out, struct err *err);
    /* A body of status 200. */
    void (*read)(const struct json *body, struct provider_reply *out);
};

/* NULL: none is configured. False: a name that is not known. */
bool provider_find(const struct json *config, const struct provider **out,
                   struct err *err);
void provider_read(const struct provider    *provider,
                   const struct http_answer *http, int64_t now_ms,
                   struct provider_reply *out);

extern const struct provider provider_openai;    /* provider_openai.c */
extern const struct provider provider_anthropic; /* provider_anthropic.c */
extern const struct provider provider_bedrock;   /* provider_bedrock.c */

/* --- for the implementations ------------------------------------------- */

int64_t provider_max_tokens(const struct json *config);
bool    provider_plain(const struct json *config); /* no structured output */
void    provider_post(struct provider_request *out, struct str url,
                      const struct json *body);
/* llm.NAME.url or `otherwise`, without a slash at its end. */
void    provider_base(const struct json *config, const char *name,
                      const char *otherwise, struct buf *url);
struct json *provider_message(const char *role, struct str text);
void         provider_tokens(const struct json *usage, const char *input,
                             const char *output, struct provider_reply *out);
void         provider_bad(struct provider_reply *out, enum reply_fate fate,
                          const char *words);
/* Text that should be one JSON object, in a code fence or not. (PV1) */
void         provider_take_text(struct str text, struct provider_reply *out);
void provider_take_value(const struct json *value, struct provider_reply *out);
/* The input of a block that uses our tool, or NULL. */
typedef const struct json *provider_input_fn(const struct json *block);
/* The first tool's input among the blocks of an answer, else their text. */
void                       provider_take_blocks(const struct json     *content,
                                                provider_input_fn     *input_of,
                                                struct provider_reply *out);

#endif
