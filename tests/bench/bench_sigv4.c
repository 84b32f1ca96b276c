/* bench_sigv4.c - what a signature costs over the hashing in it.
 *
 * Three requests in turn, as a run makes them: an ECS call with a session
 * token, an S3 object with a query, a query-protocol call. The floor hashes
 * and MACs the same bytes with the same key and does nothing else. Both are
 * measured in turns, and the best turn of each is taken: what else the machine
 * does only ever adds.
 */
#include <assert.h>

#include "aws/sigv4.h"
#include "base/mem.h"

#define TURNS 15
#define ROUNDS 20000
#define KINDS 3

/* 2026-03-01T02:03:04Z */
#define NOW_MS 1772330584000LL

struct kind {
    struct sigv4_request     request;
    struct sigv4_credentials credentials;
    struct http_headers      headers;
    struct sigv4_key         key;
    struct sigv4_signature   signature;
};

static struct kind            kinds[KINDS];
static volatile unsigned char sink;

static double now_seconds(void) {
    struct timespec at;

    (void)clock_gettime(CLOCK_MONOTONIC, &at);
    return (double)at.tv_sec + (double)at.tv_nsec * 1e-9;
}

static void prepare(struct kind *kind, const char *method, const char *url,
                    const char *service, const char *body) {
    kind->request = (struct sigv4_request){
        .method = str_of(method),
        .url = str_of(url),
        .headers = &kind->headers,
        .body = str_of(body),
        .service = str_of(service),
        .region = STR("eu-central-1"),
        .now_ms = NOW_MS,
        .normalise_path = !sigv4_is_s3(str_of(service)),
    };
    kind->credentials = (struct sigv4_credentials){
        .access_key = STR("ASIAEXAMPLEEXAMPLE00"),
        .secret_key = STR("Zm9yIGEgYmVuY2htYXJrIG9ubHkgMDEyMzQ1Njc4"),
    };
}

static void prepare_all(char token[600]) {
    memset(token, 'T', 600);
    prepare(&kinds[0], "POST", "https://ecs.eu-central-1.amazonaws.com/", "ecs",
            "{\"cluster\":\"prod\",\"service\":\"checkout\","
            "\"forceNewDeployment\":true}");
    kinds[0].credentials.session_token = (struct str){token, 600};
    http_headers_add(&kinds[0].headers, STR("Content-Type"),
                     STR("application/x-amz-json-1.1"));
    http_headers_add(&kinds[0].headers, STR("X-Amz-Target"),
                     STR("AmazonEC2ContainerServiceV20141113.UpdateService"));

    prepare(&kinds[1], "GET",
            "https://logs.s3.eu-central-1.amazonaws.com/2026/03/01/"
            "checkout%20api.json?versionId=abc%2Fdef&partNumber=2",
            "s3", "");
    http_headers_add(&kinds[1].headers, STR("x-amz-request-payer"),
                     STR("requester"));

    prepare(&kinds[2], "POST", "https://sts.eu-central-1.amazonaws.com/", "sts",
            "Action=AssumeRole&Version=2011-06-15&RoleSessionName=nightshift&"
            "RoleArn=arn%3Aaws%3Aiam%3A%3A123456789012%3Arole%2Fnightshift");
    http_headers_add(&kinds[2].headers, STR("Content-Type"),
                     STR("application/x-www-form-urlencoded; charset=utf-8"));
}

static void sign(struct kind *kind) {
    struct err err;
    bool       ok = sigv4_sign(&kind->key, &kind->credentials, &kind->request,
                               &kind->signature, &err);

    assert(ok);
    (void)ok;
    sink ^= (unsigned char)kind->signature.authorization.data[0];
}

static void hash_only(struct kind *kind) {
    unsigned char out[DIGEST_SIZE];

    crypto_sha256(kind->request.body, out);
    crypto_sha256(buf_str(&kind->signature.canonical_request), out);
    crypto_hmac(&kind->key.mac, buf_str(&kind->signature.string_to_sign), out);
    sink ^= out[0];
}

static double seconds_of(void (*work)(struct kind *)) {
    double start = now_seconds();

    for (int i = 0; i < ROUNDS; i++)
        for (int k = 0; k < KINDS; k++)
            work(&kinds[k]);
    return now_seconds() - start;
}

static double least(double a, double b) {
    return a == 0 || b < a ? b : a;
}

int main(void) {
    static char token[600];
    double      signing = 0, floor = 0;

    prepare_all(token);
    (void)seconds_of(sign);
    for (int turn = 0; turn < TURNS; turn++) {
        signing = least(signing, seconds_of(sign));
        floor = least(floor, seconds_of(hash_only));
    }
    printf("bench sigv4_over_floor %.2f ratio (aim <= 2)\n", signing / floor);
    printf("bench sigv4_per_second %.0f signatures/s\n",
           ROUNDS * KINDS / signing);
    for (int k = 0; k < KINDS; k++) {
        sigv4_key_release(&kinds[k].key);
        sigv4_signature_release(&kinds[k].signature);
        http_headers_release(&kinds[k].headers);
    }
    return 0;
}
