/* aws_profile.h - the shared config and credentials files of AWS, as values.
 *
 * Two files in one form: sections of names and values. In the config file a
 * profile's section is called [profile NAME], or [default]; in the credentials
 * file it is called [NAME]. What both say of a profile is taken from the
 * credentials file, but who wants keys may ask for either.
 *
 *   AP1  A file that is not of this form is an error with its line, never half
 *        a file; no value of it is in the error. (N11)
 *   AP2  What was read is wiped on release.
 *
 * Source: "Using shared config and credentials files" in the AWS SDKs and Tools
 * Reference Guide; where it is silent (indented lines, comments, repeated
 * sections) we read as botocore reads.
 *
 * Lifetime: call. Thread: loop.
 */
#ifndef AWS_AWS_PROFILE_H
#define AWS_AWS_PROFILE_H

#include "aws/aws_creds.h"

/* Zeroed it is empty: no profile in either. Section -> name -> value. */
struct aws_profiles {
    struct json *config, *credentials;
};

/* Files that are not there are empty; so are all without a HOME. */
bool aws_profile_read(const struct aws_creds_inputs *inputs,
                      struct aws_profiles *profiles, struct err *err);
void aws_profile_release(struct aws_profiles *profiles); /* wipes */

/* AWS_PROFILE, or "default". */
struct str aws_profile_name(const struct aws_creds_inputs *inputs);
bool aws_profile_known(const struct aws_profiles *profiles, struct str name);
/* The value, ending in NUL, or an empty str. */
struct str aws_profile_find(const struct aws_profiles *profiles,
                            struct str name, const char *key);
bool       aws_profile_has(const struct aws_profiles *profiles, struct str name,
                           const char *key);

/* One file's text. NULL with err filled. Gives. */
struct json *aws_profile_parse(struct str text, bool is_config,
                               struct err *err);

#endif
