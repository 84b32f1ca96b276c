/* fuzz_sigv4.c - arbitrary bytes as the fields of a request to sign.
 *
 * The input is cut at 0x1F into method, URL, body, service, region, access
 * key, secret, session token and then header names and values by turns. The
 * first byte chooses normalisation, the next two the day. Signing must never
 * crash, must give the same bytes with a kept and with a fresh key, and what
 * it gives must have exactly the lines that the request calls for.
 */
#include <assert.h>

#include "aws/sigv4.h"

#define FIELDS 8
#define HEADERS 12

int LLVMFuzzerTestOneInput(const unsigned char *data, size_t size);

/* Lives from input to input, so that keys are kept and replaced. */
static struct sigv4_key       kept;
static struct sigv4_signature reused;

struct input {
    struct str          fields[FIELDS];
    struct http_headers headers;
};

static void read_input(struct input *input, struct str left) {
    for (int i = 0; i < FIELDS; i++)
        input->fields[i] = str_cut(left, 0x1F, &left);
    while (left.data && input->headers.count < HEADERS) {
        struct str name = str_cut(left, 0x1F, &left);

        (void)http_headers_add(&input->headers, name,
                               str_cut(left, 0x1F, &left));
    }
}

static struct sigv4_request request_of(const struct input  *input,
                                       const unsigned char *head) {
    return (struct sigv4_request){
        .method = input->fields[0],
        .url = input->fields[1],
        .body = input->fields[2],
        .service = input->fields[3],
        .region = input->fields[4],
        .headers = &input->headers,
        .now_ms = (head[1] * 256 + head[2]) * (int64_t)43200000,
        .normalise_path = head[0] & 1,
    };
}

static size_t lines_of(struct str text) {
    size_t count = 1;

    for (size_t i = 0; i < text.len; i++)
        count += text.data[i] == '\n';
    return count;
}

static void check(const struct input             *input,
                  const struct sigv4_credentials *credentials,
                  const struct sigv4_signature   *one,
                  const struct sigv4_signature   *other) {
    struct http_headers sent = {NULL, 0};
    struct str          names =
        str_of(strstr(buf_text(&one->authorization), ", SignedHeaders="));
    size_t expected = 7;

    assert(str_equal(buf_str(&one->canonical_request),
                     buf_str(&other->canonical_request)));
    assert(str_equal(buf_str(&one->string_to_sign),
                     buf_str(&other->string_to_sign)));
    assert(str_equal(buf_str(&one->authorization),
                     buf_str(&other->authorization)));
    names = str_cut((struct str){names.data + 2, names.len - 2}, ',',
                    &(struct str){NULL, 0});
    for (size_t i = 0; i < names.len; i++)
        expected += names.data[i] == ';';
    assert(lines_of(buf_str(&one->canonical_request)) == expected);
    assert(lines_of(buf_str(&one->string_to_sign)) == 4);
    assert(lines_of(buf_str(&one->authorization)) == 1);
    assert(lines_of(buf_str(&one->host)) == 1);
    for (size_t i = 0; i < input->headers.count; i++)
        (void)http_headers_add(&sent, str_of(input->headers.items[i].name),
                               str_of(input->headers.items[i].value));
    sigv4_put_headers(one, credentials, &sent);
    http_headers_release(&sent);
}

int LLVMFuzzerTestOneInput(const unsigned char *data, size_t size) {
    struct input             input = {.headers = {NULL, 0}};
    struct sigv4_key         fresh = {.day = 0};
    struct sigv4_signature   signature = {.scratch = NULL};
    struct sigv4_credentials credentials;
    struct sigv4_request     request;
    struct err               err, again;
    bool                     ok;

    if (size < 3)
        return 0;
    read_input(&input, (struct str){(const char *)data + 3, size - 3});
    request = request_of(&input, data);
    credentials = (struct sigv4_credentials){input.fields[5], input.fields[6],
                                             input.fields[7]};
    ok = sigv4_sign(&fresh, &credentials, &request, &signature, &err);
    assert(ok == sigv4_sign(&kept, &credentials, &request, &reused, &again));
    if (ok)
        check(&input, &credentials, &signature, &reused);
    else
        assert(err.code == ERR_INVALID && strcmp(err.text, again.text) == 0);
    sigv4_key_release(&fresh);
    sigv4_signature_release(&signature);
    http_headers_release(&input.headers);
    return 0;
}
