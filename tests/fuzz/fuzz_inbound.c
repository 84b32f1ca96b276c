/* fuzz_inbound.c - deliveries of strangers, for every way to know a sender.
 *
 * The first byte chooses the way; then come headers as "Name: value" lines, an
 * empty line, and the body. Nobody without the secret may be trusted, so every
 * verdict that says so is a find; what is refused says why and carries nothing
 * that the stranger wrote; an address to fetch from is one of SNS.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "auth/inbound.h"
#include "secret/secret.h"

#define NOW 1772330584000 /* 2026-03-01T02:03:04Z */
#define HEADERS 16

int LLVMFuzzerTestOneInput(const unsigned char *data, size_t size);

static void demand(bool holds, const char *what) {
    if (holds)
        return;
    fprintf(stderr, "broken: %s\n", what);
    abort();
}

static const char *const settings[] = {
    "{\"auth\":\"bearer\",\"secret\":{\"secret\":\"A\"}}",
    "{\"auth\":\"basic\",\"user\":\"u\",\"secret\":{\"secret\":\"A\"}}",
    "{\"auth\":\"mtls\",\"allow\":[\"a.example.com\"]}",
    "{\"auth\":\"github\",\"secret\":{\"secret\":\"A\"}}",
    "{\"auth\":\"standard\",\"secret\":{\"secret\":\"A\"},"
    "\"old_secret\":{\"secret\":\"B\"}}",
    "{\"auth\":\"pagerduty\",\"secret\":{\"secret\":\"A\"},"
    "\"old_secret\":{\"secret\":\"B\"}}",
    "{\"auth\":\"sns\",\"allow\":[\"arn:aws:sns:eu-west-1:1:t\"]}",
    "{\"auth\":\"slack\",\"secret\":{\"secret\":\"A\"}}",
};
#define WAYS (sizeof settings / sizeof *settings)

static struct inbound *ways[WAYS];

static void open_ways(void) {
    const struct json_caps caps = {4096, 8};
    struct secrets        *secrets = secret_open();
    struct err             err;

    secret_put(secrets, "A", STR("QWxsIHlvdXIgYmFzZSBhcmUgYmVsb25n"));
    secret_put(secrets, "B", STR("dG8gdXMsIGFuZCB0aGUgc2VjcmV0cyB0"));
    for (size_t i = 0; i < WAYS; i++) {
        struct json *map = json_parse(str_of(settings[i]), &caps, &err);

        ways[i] = inbound_open(STR("fuzz"), map, secrets, &err);
        demand(ways[i] != NULL, err.text);
        json_release(map);
    }
    secret_close(secrets);
}

struct headers {
    struct str names[HEADERS], values[HEADERS];
    size_t     count;
};

static struct str header_of(void *arg, const char *name) {
    const struct headers *headers = arg;

    for (size_t i = 0; i < headers->count; i++)
        if (headers->names[i].len == strlen(name) &&
            strncasecmp(headers->names[i].data, name, strlen(name)) == 0)
            return headers->values[i];
    return STR("");
}

/* Gives the body. */
static struct str read_headers(struct str text, struct headers *headers) {
    struct str line, rest = text;

    headers->count = 0;
    while (rest.data && headers->count < HEADERS) {
        line = str_cut(rest, '\n', &rest);
        if (line.len == 0)
            break;
        headers->names[headers->count] =
            str_cut(line, ':', &headers->values[headers->count]);
        headers->values[headers->count] =
            str_trim(headers->values[headers->count]);
        headers->count++;
    }
    return rest;
}

static void judge(const struct inbound         *inbound,
                  const struct inbound_request *request) {
    struct inbound_result result, again;
    enum inbound_verdict  verdict = inbound_check(inbound, request, &result);

    demand(verdict != INBOUND_TRUSTED, "a stranger is trusted");
    demand(verdict == inbound_check(inbound, request, &again) &&
               memcmp(&result, &again, sizeof result) == 0,
           "judged differently the second time");
    demand((verdict == INBOUND_REFUSED) == (result.why != INBOUND_WHY_FINE),
           "refused without a reason");
    demand(!*result.who && !*result.delivery && result.secret < 0,
           "a stranger's words in the result");
    demand((verdict == INBOUND_NEEDS_CERTIFICATE) ==
               (strncmp(result.url, "https://sns.", 12) == 0),
           "an address that is none of SNS");
}

int LLVMFuzzerTestOneInput(const unsigned char *data, size_t size) {
    struct headers         headers;
    struct inbound_request request = {
        .header = header_of, .arg = &headers, .now_ms = NOW};

    if (!ways[0])
        open_ways();
    if (size == 0)
        return 0;
    request.body =
        read_headers((struct str){(const char *)data + 1, size - 1}, &headers);
    request.client_names = header_of(&headers, "Client");
    if (str_is(request.client_names, "a.example.com"))
        request.client_names = STR("");
    judge(ways[data[0] % WAYS], &request);
    return 0;
}
