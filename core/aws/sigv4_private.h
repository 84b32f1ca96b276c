/* sigv4_private.h - the half of signing that knows no key: the canonical
 * request.
 *
 * Kept apart from sigv4.c because it is where signers disagree with each other
 * and with AWS: everything about encoding, order and white space is in
 * sigv4_canonical.c, everything about keys is not.
 *
 * Lifetime: call. Thread: any.
 */
#ifndef AWS_SIGV4_PRIVATE_H
#define AWS_SIGV4_PRIVATE_H

#include "aws/sigv4.h"

/* One header or one query parameter. `order` is its place in what was given. */
struct sigv4_pair {
    struct str key, value;
    size_t     order;
};

struct sigv4_scratch {
    struct sigv4_pair *headers, *query;
    size_t             header_count, header_room, query_room;
    struct buf         names;          /* lower-cased header names */
    struct buf         encoded;        /* query parameters, encoded */
    struct buf         hash;           /* of the body */
    struct buf         credential;     /* presigned: access key and scope */
    struct buf         presign;        /* parameters for the query, encoded */
    struct str         signed_headers; /* inside the canonical request */
};

void sigv4_canonical_release(struct sigv4_scratch *scratch);

/* Fills canonical_request, host and payload of the signature, whose date and
 * scratch are set, and scratch->signed_headers. To presign, scratch->credential
 * is set too, and scratch->presign is filled. */
bool sigv4_canonical_write(const struct sigv4_request *request,
                           struct str token, struct sigv4_signature *signature,
                           struct err *err);

/* sigv4_presign.c: fills scratch->presign with everything but the signature.
 * `names` are the signed headers, as in the canonical request. */
bool sigv4_presign_write(const struct sigv4_request *request, struct str query,
                         struct str names, struct str token,
                         struct sigv4_signature *signature, struct err *err);

/* Empties it and makes room in one piece: growing would leave a session token
 * behind. */
void sigv4_presign_room(struct buf *out, size_t room);

#endif
