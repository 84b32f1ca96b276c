/* aws_creds.h - credentials for AWS, found in AWS's order and kept fresh.
 *
 * The order is that of the AWS CLI ("Configuration settings and precedence" in
 * its user guide), so that what works beside us works here: environment, a
 * role of the shared profile, web identity (environment, then profile), keys
 * of the shared credentials file, keys of the config file, the container's
 * endpoint, the instance's metadata. AWS_PROFILE picks the profile and does
 * not put it before the environment. The first that has something decides: one
 * that is set up and fails is an error, not a reason to act as somebody else.
 * What would need a program or a person (credential_process, SSO, MFA) is
 * refused where its turn comes.
 *
 * A role in another account is assumed from our own credentials when the
 * configuration has a row for it (aws.accounts.*.role).
 *
 *   AC1  After a prepare the credentials are good for a minute, or, when they
 *        could not be refreshed, for as long as the old ones are.
 *   AC2  One fetch at a time for an account; whoever prepares meanwhile waits
 *        for the same one.
 *   AC3  An error names the provider and why, and each one that had nothing;
 *        no key, secret or token is in it. (N11)
 *   AC4  What is held is known to the redactor before anybody can sign with
 *        it, and is wiped when it is replaced and on close. (N11)
 *   AC5  Nobody acts in an account that was not asked for: one that is neither
 *        ours nor has a row is refused, and so is a role of another account
 *        than its row's.
 *   AC6  IMDSv1 is never spoken: without a session token nothing is asked.
 *   AC7  No program is started, whatever a profile says.
 *   AC8  A token goes over https, to loopback, or to an agent of AWS's on this
 *        host.
 *
 * Lifetime: process. Thread: loop.
 */
#ifndef AWS_AWS_CREDS_H
#define AWS_AWS_CREDS_H

#include "aws/sigv4.h"
#include "base/clock.h"
#include "base/json.h"

struct aws_creds;
struct http_client;
struct loop;
struct redact;
struct secrets;

/* X(member, "VARIABLE") */
#define AWS_CREDS_INPUTS(X)                                           \
    X(home, "HOME")                                                   \
    X(profile, "AWS_PROFILE")                                         \
    X(config_file, "AWS_CONFIG_FILE")                                 \
    X(credentials_file, "AWS_SHARED_CREDENTIALS_FILE")                \
    X(web_identity_token_file, "AWS_WEB_IDENTITY_TOKEN_FILE")         \
    X(role_arn, "AWS_ROLE_ARN")                                       \
    X(role_session_name, "AWS_ROLE_SESSION_NAME")                     \
    X(container_path, "AWS_CONTAINER_CREDENTIALS_RELATIVE_URI")       \
    X(container_url, "AWS_CONTAINER_CREDENTIALS_FULL_URI")            \
    X(container_token_file, "AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE") \
    X(metadata_disabled, "AWS_EC2_METADATA_DISABLED")                 \
    X(metadata_endpoint, "AWS_EC2_METADATA_SERVICE_ENDPOINT")         \
    X(metadata_mode, "AWS_EC2_METADATA_SERVICE_ENDPOINT_MODE")

/* What the environment says, read once. NULL: not set, or empty. */
struct aws_creds_inputs {
#define X(member, variable) const char *member;
    AWS_CREDS_INPUTS(X)
#undef X
};

typedef const char *aws_creds_lookup_fn(const char *variable);
/* Borrows what lookup gives. */
void                aws_creds_inputs_read(struct aws_creds_inputs *inputs,
                                          aws_creds_lookup_fn     *lookup);

/* All borrowed. Without a client only the environment and the files are
 * asked. */
struct aws_creds_options {
    struct loop            *loop;
    struct clock           *clock;
    struct http_client     *client;
    struct redact          *redact;  /* NULL: nobody shows anything */
    const struct secrets   *secrets; /* AWS_ACCESS_KEY_ID and its like */
    const struct json      *config;  /* aws.* */
    struct aws_creds_inputs inputs;
};

struct aws_creds *aws_creds_open(const struct aws_creds_options *options);
void              aws_creds_close(struct aws_creds *creds); /* no fetch open */

typedef void aws_creds_done_fn(void *arg, const struct err *err);

/* `account` empty: our own. done comes once, later; err NULL when find() may
 * be called now. */
void aws_creds_prepare(struct aws_creds *creds, struct str account,
                       aws_creds_done_fn *done, void *arg);
/* Never waits. What is given lives until the loop turns. The environment's are
 * found without a prepare. */
bool aws_creds_find(struct aws_creds *creds, struct str account,
                    struct sigv4_credentials *out, struct err *err);
/* The service refused them. Gives whether a fetch could bring others. */
bool aws_creds_forget(struct aws_creds *creds, struct str account);

#endif
