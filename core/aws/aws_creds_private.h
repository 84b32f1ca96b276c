/* aws_creds_private.h - what the providers share, for auth/ alone.
 *
 * A provider is asked once and ends once, perhaps from inside: it has nothing
 * (and says why), it found credentials, or it is set up and failed.
 *
 * Lifetime: call. Thread: loop.
 */
#ifndef AWS_AWS_CREDS_PRIVATE_H
#define AWS_AWS_CREDS_PRIVATE_H

#include "aws/aws_creds.h"
#include "net/http.h"

/* Zeroed it is empty. */
struct aws_creds_value {
    char   *access_key, *secret_key, *session_token; /* the last may be NULL */
    int64_t expires_ms;                              /* 0: never */
    bool    fixed; /* the environment's: there are no others */
};

enum aws_creds_fate { AWS_CREDS_NONE, AWS_CREDS_FOUND, AWS_CREDS_FAILED };

struct aws_creds_result {
    enum aws_creds_fate    fate;
    struct aws_creds_value value; /* when found */
    struct err             err;   /* else: why */
    bool                   stale; /* STS says that what signed has run out */
};

/* Takes the value. */
typedef void aws_creds_result_fn(void *arg, struct aws_creds_result *result);
/* `o` outlives the call. */
typedef void aws_creds_fetch_fn(const struct aws_creds_options *o,
                                aws_creds_result_fn *done, void *arg);

/* --- aws_creds_value.c ------------------------------------------------- */

/* As they were given; `expires` is RFC 3339, empty for never. */
struct aws_creds_parts {
    struct str access_key, secret_key, session_token, expires;
};

bool aws_creds_value_make(const struct aws_creds_parts *parts,
                          struct aws_creds_value *value, struct err *err);
/* The JSON that containers and instances are given. `wiped` on the way. */
bool aws_creds_value_read(struct str body, struct aws_creds_value *value,
                          struct err *err);
void aws_creds_value_copy(const struct aws_creds_value *from,
                          struct aws_creds_value       *to);
void aws_creds_value_release(struct aws_creds_value *value); /* wipes */
/* Wipes every text of it first. NULL is fine. */
void aws_creds_value_release_json(struct json *value);
void aws_creds_value_release_buf(struct buf *buf);

void aws_creds_result_none(aws_creds_result_fn *done, void *arg,
                           const char *fmt, ...)
    __attribute__((format(printf, 3, 4)));
void aws_creds_result_failed(aws_creds_result_fn *done, void *arg,
                             const struct err *err);
/* Takes. */
void aws_creds_result_found(aws_creds_result_fn *done, void *arg,
                            struct aws_creds_value *value);

/* --- the chain and the providers, in their order ----------------------- */

aws_creds_fetch_fn aws_creds_chain_fetch; /* aws_creds_chain.c */
aws_creds_fetch_fn aws_creds_env_fetch;
aws_creds_fetch_fn aws_creds_profile_fetch_role; /* aws_creds_profile.c */
aws_creds_fetch_fn aws_creds_web_identity_fetch;
aws_creds_fetch_fn aws_creds_profile_fetch_keys; /* aws_creds_profile.c */
aws_creds_fetch_fn aws_creds_container_fetch;
aws_creds_fetch_fn aws_creds_imds_fetch;

/* --- aws_creds_sts.c --------------------------------------------------- */

struct aws_creds_role {
    struct str arn, external_id, session_name, duration;
    struct str region; /* of the profile, when there is no other */
};

/* Nothing is borrowed longer than the call. */
void aws_creds_sts_assume(const struct aws_creds_options *o,
                          const struct aws_creds_role    *role,
                          const struct aws_creds_value   *with,
                          aws_creds_result_fn *done, void *arg);
void aws_creds_sts_exchange(const struct aws_creds_options *o,
                            const struct aws_creds_role *role, struct str token,
                            aws_creds_result_fn *done, void *arg);

/* Reads the token anew and exchanges it. */
void aws_creds_web_identity_start(const struct aws_creds_options *o,
                                  const char                     *token_file,
                                  const struct aws_creds_role    *role,
                                  aws_creds_result_fn *done, void *arg);

/* --- small requests: aws_creds_http.c ---------------------------------- */

void aws_creds_http_init(struct http_request *request, const char *method,
                         struct str url, enum http_reach reach,
                         int64_t deadline_ms);
/* Whether a status that is not 200 may be another one soon: throttled, io; or
 * denied. */
enum err_code aws_creds_http_code(int status);

#endif
