/* aws_rest.h - arguments as path, query, headers and body of a REST operation.
 *
 * A row's operation says where each argument goes; what it does not mention is
 * the JSON body (rest-json), and an error where there is none: an argument
 * that the service would never see must not look as if it had been given.
 *
 *   AR1  A path argument cannot leave its place: "", "." and ".." are refused
 *        as a segment, of {Key+} too, and everything that means something in a
 *        URL is escaped. {Key+} keeps its slashes, doubled ones as well.
 *   AR2  No argument can set a header that signs, frames or chooses an
 *        operation, or put CR, LF or NUL into one. (RQ1)
 *   AR3  An argument that has no place is refused with the nearest name.
 *
 * Source: Smithy, HTTP bindings; the S3 API reference.
 *
 * Lifetime: call. Thread: any.
 */
#ifndef PROTOCOL_AWS_REST_H
#define PROTOCOL_AWS_REST_H

#include "base/json.h"
#include "net/http.h"

/* Zeroed it is empty. */
struct aws_rest {
    struct buf          target; /* path and query, from the first slash */
    struct http_headers headers;
    struct buf          body;
    bool                has_body;
};
void aws_rest_release(struct aws_rest *rest);

/* The bucket goes into the host: it is one label that TLS can prove. */
bool aws_rest_bucket_is_host(const struct json *row,
                             const struct json *operation,
                             const struct json *args);

/* Path alone, without query: for who decides by route. */
bool aws_rest_path(const struct json *row, const struct json *operation,
                   const struct json *args, struct buf *path, struct err *err);

/* `host_bucket`: the path begins behind /{Bucket}. */
bool aws_rest_write(const struct json *row, const struct json *operation,
                    const struct json *args, bool host_bucket,
                    struct aws_rest *out, struct err *err);

#endif
