/* aws_creds_web_identity.c - a token in a file, exchanged for a role.
 *
 * EKS and its like put the token there and replace it before it runs out, so
 * it is read anew for each exchange and kept no longer than that. Each of the
 * three settings may come from the environment, else from the profile.
 */
#include "aws/aws_creds_private.h"
#include "aws/aws_profile.h"
#include "sys/file.h"

#define TOKEN_MAX (64u << 10)

void aws_creds_web_identity_start(const struct aws_creds_options *o,
                                  const char                     *token_file,
                                  const struct aws_creds_role    *role,
                                  aws_creds_result_fn *done, void *arg) {
    struct buf token = BUF_EMPTY;
    struct err err;

    if (role->arn.len == 0)
        (void)err_set(&err, ERR_CONFIG,
                      "there is a token file and no role: set AWS_ROLE_ARN or "
                      "the profile's role_arn");
    else if (file_read(token_file, TOKEN_MAX, &token, &err) &&
             (str_trim(buf_str(&token)).len ||
              err_set(&err, ERR_CONFIG, "%s is empty", token_file))) {
        aws_creds_sts_exchange(o, role, str_trim(buf_str(&token)), done, arg);
        aws_creds_value_release_buf(&token);
        return;
    }
    aws_creds_value_release_buf(&token);
    aws_creds_result_failed(done, arg, &err);
}

static struct str either(const char *variable, struct str setting) {
    return variable ? str_of(variable) : setting;
}

void aws_creds_web_identity_fetch(const struct aws_creds_options *o,
                                  aws_creds_result_fn *done, void *arg) {
    const struct aws_creds_inputs *in = &o->inputs;
    struct aws_profiles            files = {0};
    struct str                     name = aws_profile_name(in), file;
    struct aws_creds_role          role;
    struct err                     err;

    if (!aws_profile_read(in, &files, &err)) {
        aws_creds_result_failed(done, arg, &err);
        return;
    }
    file = either(in->web_identity_token_file,
                  aws_profile_find(&files, name, "web_identity_token_file"));
    role = (struct aws_creds_role){
        .arn = either(in->role_arn, aws_profile_find(&files, name, "role_arn")),
        .session_name =
            either(in->role_session_name,
                   aws_profile_find(&files, name, "role_session_name")),
        .duration = aws_profile_find(&files, name, "duration_seconds"),
        .region = aws_profile_find(&files, name, "region"),
    };
    if (file.len)
        aws_creds_web_identity_start(o, file.data, &role, done, arg);
    else
        aws_creds_result_none(done, arg,
                              "AWS_WEB_IDENTITY_TOKEN_FILE is not set");
    aws_profile_release(&files);
}
