/* aws_creds_env.c - the three variables, which configuration keeps as secrets.
 */
#include "aws/aws_creds_private.h"
#include "secret/secret.h"

void aws_creds_env_fetch(const struct aws_creds_options *o,
                         aws_creds_result_fn *done, void *arg) {
    struct aws_creds_parts parts = {
        .access_key = secret_find(o->secrets, "AWS_ACCESS_KEY_ID"),
        .secret_key = secret_find(o->secrets, "AWS_SECRET_ACCESS_KEY"),
        .session_token = secret_find(o->secrets, "AWS_SESSION_TOKEN"),
    };
    struct aws_creds_value value;
    struct err             err;

    if (parts.access_key.len == 0) {
        aws_creds_result_none(done, arg, "AWS_ACCESS_KEY_ID is not set");
    } else if (aws_creds_value_make(&parts, &value, &err)) {
        value.fixed = true;
        aws_creds_result_found(done, arg, &value);
    } else {
        (void)err_wrap(&err, "AWS_ACCESS_KEY_ID is set, but");
        aws_creds_result_failed(done, arg, &err);
    }
}
