/* aws_answer.h - what came back from AWS, as a value or as an error's words.
 *
 * JSON stays JSON. XML becomes it: an element with children is an object, a
 * repeated one a list, <member> and <item> wrappers are lists, <entry> ones
 * maps; a row's `lists` says which elements are lists even when one or none
 * came. Leaves are text, since XML does not say what they are; whoever needs a
 * number says tonumber. A raw body gets the name that the row gives it, with
 * the headers that it names: { Body = "text" } or, for bytes that are no UTF-8,
 * { Body = { base64 = "…" } }.
 *
 *   AA1  Cut, undecodable or of another shape than the protocol's is an error,
 *        never an empty success. (AN2)
 *   AA2  A list that the row names is a list with no, one and many items.
 *
 * Sources: Smithy (AWS protocols: error shapes), the S3 API reference.
 *
 * Lifetime: call. Thread: any.
 */
#ifndef PROTOCOL_AWS_ANSWER_H
#define PROTOCOL_AWS_ANSWER_H

#include "base/json.h"
#include "net/http.h"

struct aws_answer_error {
    struct buf code, message, request_id; /* empty when not said */
};
void aws_answer_error_read(const struct http_answer *http,
                           struct aws_answer_error  *out);
void aws_answer_error_release(struct aws_answer_error *error);

/* Of a status that means success; NULL with err filled. `route` is the
 * operation's row for REST, else NULL. An empty body is {} only when
 * `empty_fits`. */
struct json *aws_answer_value(const struct json *row, struct str operation,
                              const struct json        *route,
                              const struct http_answer *http, bool empty_fits,
                              struct err *err);

#endif
