/* sigv4.h - AWS Signature Version 4, in the Authorization header or in the URL.
 *
 * Any service, any endpoint: clock, region, service and credentials are
 * arguments, and nothing is read from the environment. A signature is made of
 * three texts, each built from the one before: the canonical request, the
 * string to sign, the Authorization header. All three are kept, since AWS
 * answers a wrong signature with the first two and comparing them is the only
 * way to find out why.
 *
 * Most of the work of a signature is deriving the key, which changes once a
 * day. struct sigv4_key keeps it, with its HMAC pads; it derives anew when
 * secret, day, region or service differ from those of the last call.
 *
 *   SG1  The same arguments give the same bytes; a kept key changes nothing.
 *   SG2  Every part of the request that is not sound is refused, never mended:
 *        percent signs without two hex digits, bytes that RFC 3986 does not
 *        allow in a URL, CR, LF and other controls anywhere.
 *   SG3  The path is normalised and encoded once more than in the URL; for S3
 *        it is neither.
 *   SG4  The query is sorted by encoded key, then by encoded value.
 *   SG5  host and every header that was given are signed, lower-cased, sorted,
 *        white space collapsed, repeated names joined by commas, except those
 *        that proxies rewrite.
 *   SG6  The secret is in none of the texts and in no error, and is wiped with
 *        the key that was derived from it.
 *   SG7  A presigned URL is the given one with the signature's own parameters
 *        behind it. A URL that has one of them already, in whatever case, is
 *        refused: which of two counts would be the server's choice. It lives
 *        for one second to seven days.
 *
 * The body of a presigned request is not known yet: S3 signs the words
 * UNSIGNED-PAYLOAD in its place, other services the hash of the body given.
 *
 * Sources: "Create a signed AWS API request" in the AWS IAM User Guide;
 * "Authenticating Requests: Using Query Parameters" in the Amazon S3 API
 * Reference.
 *
 * Lifetime: call; a key may live as long as its owner. Thread: any, but a key
 * and a signature belong to one at a time.
 */
#ifndef AWS_SIGV4_H
#define AWS_SIGV4_H

#include <stdbool.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/err.h"
#include "net/http.h"
#include "sys/crypto.h"

struct sigv4_credentials {
    struct str access_key, secret_key;
    struct str session_token; /* empty for long-lived credentials */
};

struct sigv4_request {
    struct str                 method;  /* capital letters */
    struct str                 url;     /* absolute, in RFC 3986 encoding */
    const struct http_headers *headers; /* borrowed; NULL for none */
    struct str                 body, service, region;
    int64_t                    now_ms;
    bool                       normalise_path;   /* false for S3 */
    bool                       unsigned_payload; /* the body is not hashed */
    int64_t expires_s; /* of a presigned URL; 0: sign in the header */
};

/* S3 and its variants, which sign the path as it is and want
 * x-amz-content-sha256. */
bool sigv4_is_s3(struct str service);

/* Zeroed it is empty. */
struct sigv4_key {
    struct crypto_hmac_key mac;
    struct buf             secret, region, service; /* what mac is for */
    struct buf             scope; /* day/region/service/aws4_request */
    int64_t                day;   /* since 1970 */
};

void sigv4_key_release(struct sigv4_key *key); /* wipes it */

/* Zeroed it is empty. Signing again with the same one reuses its memory. */
struct sigv4_signature {
    struct buf canonical_request, string_to_sign;
    struct buf authorization; /* empty when presigned */
    struct buf url;           /* presigned, else empty; as good as a key */
    struct buf host;          /* the value that was signed */
    char       date[17];      /* 20260301T020304Z */
    char       payload[65];   /* x-amz-content-sha256; "" when not added */
    struct sigv4_scratch *scratch;
};

void sigv4_signature_release(struct sigv4_signature *signature);

/* On failure the code is ERR_INVALID and the sentence names the part. A header
 * x-amz-content-sha256 that was given is taken for the hash of the body. */
bool sigv4_sign(struct sigv4_key               *key,
                const struct sigv4_credentials *credentials,
                const struct sigv4_request     *request,
                struct sigv4_signature *signature, struct err *err);

/* Sets what the signature speaks of; presigned it is Host alone. Else Host, X-Amz-Date, Authorization, and where
 * they apply X-Amz-Security-Token and X-Amz-Content-Sha256. The arguments are
 * those of the successful sigv4_sign(). */
void sigv4_put_headers(const struct sigv4_signature   *signature,
                       const struct sigv4_credentials *credentials,
                       struct http_headers            *headers);

#endif
