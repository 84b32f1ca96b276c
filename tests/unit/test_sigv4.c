/* test_sigv4.c - signatures that AWS published, and the rules one by one.
 *
 * The published ones are from the AWS documentation: the IAM and S3 examples
 * and the "vanilla" request of the signature test suite. Whether the rules
 * hold together on arbitrary requests is the oracles' work
 * (tests/integration/sigv4_oracles.py).
 */
#include <criterion/criterion.h>

#include "aws/sigv4.h"
#include "base/timestamp.h"

static struct err             err;
static struct sigv4_key       key;
static struct sigv4_signature signature;
static struct http_headers    headers;

static const struct sigv4_credentials example = {
    .access_key = {"AKIDEXAMPLE", 11},
    .secret_key = {"wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY", 40},
};
static const struct sigv4_credentials s3_example = {
    .access_key = {"AKIAIOSFODNN7EXAMPLE", 20},
    .secret_key = {"wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY", 40},
};

static void start(void) {
    headers = (struct http_headers){NULL, 0};
}

static void finish(void) {
    sigv4_key_release(&key);
    sigv4_signature_release(&signature);
    http_headers_release(&headers);
}

TestSuite(sigv4, .init = start, .fini = finish);

static struct sigv4_request request(const char *service, const char *url) {
    struct sigv4_request made = {
        .method = STR("GET"),
        .url = str_of(url),
        .headers = &headers,
        .service = str_of(service),
        .region = STR("us-east-1"),
        .normalise_path = !sigv4_is_s3(str_of(service)),
    };

    cr_assert(timestamp_read(STR("2015-08-30T12:36:00Z"), &made.now_ms, &err));
    return made;
}

static void header(const char *name, const char *value) {
    cr_assert(http_headers_add(&headers, str_of(name), str_of(value)));
}

static void sign(const struct sigv4_credentials *credentials,
                 struct sigv4_request            made) {
    cr_assert(sigv4_sign(&key, credentials, &made, &signature, &err), "%s",
              err.text);
}

static void refuse(struct sigv4_request made, const char *part) {
    cr_assert_not(sigv4_sign(&key, &example, &made, &signature, &err),
                  "took %.*s", STR_ARG(made.url));
    cr_assert_eq(err.code, ERR_INVALID);
    cr_assert(strstr(err.text, part), "\"%s\" does not say %s", err.text, part);
}

static void expect_signature(const char *expected) {
    cr_assert(str_ends(buf_str(&signature.authorization), expected), "%s\n%s",
              buf_text(&signature.authorization),
              buf_text(&signature.canonical_request));
}

/* Line `number` of the canonical request, counted from 0. */
static struct str line(int number) {
    struct str left = buf_str(&signature.canonical_request), at = left;

    for (int i = 0; i <= number; i++)
        at = str_cut(left, '\n', &left);
    return at;
}

static void expect_line(int number, const char *expected) {
    cr_assert(str_is(line(number), expected), "%.*s is not %s",
              STR_ARG(line(number)), expected);
}

static void expect_path(const char *service, const char *url,
                        const char *expected) {
    sign(&example, request(service, url));
    expect_line(1, expected);
}

static void expect_query(const char *url, const char *expected) {
    sign(&example, request("ecs", url));
    expect_line(2, expected);
}

/* --- published signatures ---------------------------------------------- */

Test(sigv4, SG1_signs_the_vanilla_request_of_the_test_suite) {
    sign(&example, request("service", "https://example.amazonaws.com/"));
    cr_assert_str_eq(
        buf_text(&signature.authorization),
        "AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE/20150830/us-east-1/service/"
        "aws4_request, SignedHeaders=host;x-amz-date, Signature="
        "5fa00fa31553b73ebf1942676e86291e8372ff2a2260956d9b8aae1d763fbf31");
}

Test(sigv4, SG1_signs_the_ListUsers_example_of_the_IAM_guide) {
    header("Content-Type", "application/x-www-form-urlencoded; charset=utf-8");
    sign(&example, request("iam", "https://iam.amazonaws.com/"
                                  "?Action=ListUsers&Version=2010-05-08"));
    expect_signature(
        "5d672d79c15b13162d9279b0855cfba6789a8edb4c82c400e06b5924a6f2b5d7");
}

Test(sigv4, SG1_signs_the_examples_of_the_S3_guide) {
    static const struct {
        const char *url, *range, *signature;
    } examples[] = {
        {"https://examplebucket.s3.amazonaws.com/test.txt", "bytes=0-9",
         "f0e8bdb87c964420e857bd35b5d6ed310bd44f0170aba48dd91039c6036bdb41"},
        {"https://examplebucket.s3.amazonaws.com/?lifecycle", NULL,
         "fea454ca298b7da1c68078a5d1bdbfbbe0d65c699e0f91ac7a200a0136783543"},
        {"https://examplebucket.s3.amazonaws.com/?max-keys=2&prefix=J", NULL,
         "34b48302e7b5fa45bde8084f4b7868a86f0a534bc59db6670ed5711ef69dc6f7"},
    };

    for (size_t i = 0; i < sizeof examples / sizeof *examples; i++) {
        struct sigv4_request made = request("s3", examples[i].url);

        cr_assert(
            timestamp_read(STR("2013-05-24T00:00:00Z"), &made.now_ms, &err));
        http_headers_drop(&headers, "range");
        if (examples[i].range)
            header("Range", examples[i].range);
        sign(&s3_example, made);
        expect_signature(examples[i].signature);
    }
}

/* --- the key ------------------------------------------------------------ */

Test(sigv4, SG1_a_kept_key_is_never_used_for_anything_else) {
    struct sigv4_request     made = request("ecs", "https://x.amazonaws.com/");
    struct sigv4_credentials other = example;

    other.secret_key = STR("wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEZ");
    for (int step = 0; step < 6; step++) {
        struct sigv4_key                fresh = {.day = 0};
        struct sigv4_signature          alone = {.scratch = NULL};
        const struct sigv4_credentials *who = step == 5 ? &other : &example;

        made.now_ms += step == 1 ? 1000 : step == 2 ? 86400000 : 0;
        made.region = step >= 3 ? STR("eu-west-1") : made.region;
        made.service = step >= 4 ? STR("sts") : made.service;
        cr_assert(sigv4_sign(&fresh, who, &made, &alone, &err));
        sign(who, made);
        cr_assert_str_eq(buf_text(&signature.authorization),
                         buf_text(&alone.authorization), "step %d", step);
        sigv4_key_release(&fresh);
        sigv4_signature_release(&alone);
    }
}

Test(sigv4, SG1_region_and_service_do_not_run_into_each_other) {
    struct sigv4_request made = request("bc", "https://x/");
    struct buf           first = BUF_EMPTY;

    made.region = STR("a");
    sign(&example, made);
    buf_add_str(&first, buf_str(&signature.authorization));
    made.region = STR("ab");
    made.service = STR("c");
    sign(&example, made);
    cr_assert_str_neq(buf_text(&signature.authorization), buf_text(&first));
    buf_release(&first);
}

Test(sigv4, SG6_a_released_key_holds_nothing_but_zeroes) {
    static const struct sigv4_key empty;

    sign(&example, request("ecs", "https://x/"));
    cr_assert_neq(memcmp(&key.mac, &empty.mac, sizeof key.mac), 0);
    sigv4_key_release(&key);
    cr_assert_eq(memcmp(&key, &empty, sizeof key), 0);
}

Test(sigv4, SG6_N11_the_secret_is_in_no_text_and_in_no_error) {
    struct sigv4_credentials broken = example;
    struct sigv4_request     made = request("ecs", "https://x/");
    const char              *secret = "wJalrXUtnFEMI";

    sign(&example, made);
    cr_assert_null(strstr(buf_text(&signature.canonical_request), secret));
    cr_assert_null(strstr(buf_text(&signature.string_to_sign), secret));
    cr_assert_null(strstr(buf_text(&signature.authorization), secret));
    broken.secret_key = STR("wJalrXUtnFEMI\n");
    cr_assert_not(sigv4_sign(&key, &broken, &made, &signature, &err));
    cr_assert_null(strstr(err.text, secret));
}

/* --- what is refused ---------------------------------------------------- */

Test(sigv4, SG2_refuses_percent_signs_without_two_hex_digits) {
    refuse(request("ecs", "https://x/a%zzb"), "two hex digits");
    refuse(request("ecs", "https://x/a%2"), "two hex digits");
    refuse(request("ecs", "https://x/%"), "two hex digits");
    refuse(request("s3", "https://x/?a=%g0"), "two hex digits");
    refuse(request("s3", "https://x/?a=%4&b=1"), "two hex digits");
}

Test(sigv4, SG2_does_not_look_past_the_end_of_the_URL) {
    struct sigv4_request made = request("ecs", "");

    made.url = (struct str){"https://x/a%20", 13};
    refuse(made, "two hex digits");
    made.url = (struct str){"https://x/?a=%20", 15};
    refuse(made, "two hex digits");
}

Test(sigv4, SG2_refuses_bytes_that_a_URL_cannot_have) {
    refuse(request("ecs", "https://x/a b"), "byte 11");
    refuse(request("ecs", "https://x/\r\nX-Evil: 1"), "byte 10");
    refuse(request("ecs", "https://x/?a=\xC3\xBC"), "byte 13");
    refuse(request("ecs", "https://x/#top"), "byte 10");
    refuse(request("ecs", "https://x/?q=[1]"), "byte 13");
}

Test(sigv4, SG2_refuses_what_is_not_an_absolute_URL) {
    refuse(request("ecs", ""), "https://");
    refuse(request("ecs", "x.amazonaws.com/"), "https://");
    refuse(request("ecs", "ftp://x/"), "https://");
    refuse(request("ecs", "https://"), "host");
    refuse(request("ecs", "https:///path"), "host");
    refuse(request("ecs", "https://me@x/"), "host");
    refuse(request("ecs", "https://me:pw@x/"), "host");
    refuse(request("ecs", "https://x:99999999999/"), "port");
    refuse(request("ecs", "https://[::1/"), "host");
    refuse(request("ecs", "https://x%41/"), "host");
}

static void refuse_header(char *name, char *value, const char *part) {
    struct http_header   item = {name, value};
    struct http_headers  one = {&item, 1};
    struct sigv4_request made = request("ecs", "https://x/");

    made.headers = &one;
    refuse(made, part);
}

Test(sigv4, SG2_refuses_headers_that_would_become_two) {
    refuse_header("X-A", "1\r\nX-Evil: 1", "x-a has a control character");
    refuse_header("X-A", "long enough for a word\nthen", "control character");
    refuse_header("X-A", "del\x7F", "control character");
    refuse_header("X-A\r\nX-Evil", "1", "a name has a byte");
    refuse_header("X-A:", "1", "a name has a byte");
    refuse_header("", "1", "a name is empty");
    refuse_header("Host", "x\r\n", "host has a control character");
    refuse_header("Host", "", "host is empty");
}

Test(sigv4, SG2_refuses_two_hosts_and_two_hashes_of_the_body) {
    header("Host", "a");
    header("host", "b");
    refuse(request("ecs", "https://x/"), "host twice");
    http_headers_drop(&headers, "host");
    header("x-amz-content-sha256", "UNSIGNED-PAYLOAD");
    header("X-Amz-Content-Sha256", "other");
    refuse(request("s3", "https://x/"), "x-amz-content-sha256 twice");
}

Test(sigv4, SG2_refuses_scopes_methods_and_times_that_are_none) {
    struct sigv4_request made = request("ecs", "https://x/");

    made.region = STR("eu/west");
    refuse(made, "region");
    made.region = STR("");
    refuse(made, "region");
    made = request("s3\n", "https://x/");
    refuse(made, "service");
    made = request("ecs", "https://x/");
    made.method = STR("GET /");
    refuse(made, "method");
    made.method = STR("get");
    refuse(made, "method");
    made = request("ecs", "https://x/");
    made.now_ms = -1;
    refuse(made, "time");
    made.now_ms = 253402300800000;
    refuse(made, "time");
}

Test(sigv4, SG2_refuses_credentials_with_white_space_in_them) {
    struct sigv4_request     made = request("ecs", "https://x/");
    struct sigv4_credentials bad = example;

    bad.access_key = STR("AKID\n");
    cr_assert_not(sigv4_sign(&key, &bad, &made, &signature, &err));
    bad.access_key = STR("AKID/20150830");
    cr_assert_not(sigv4_sign(&key, &bad, &made, &signature, &err));
    bad = example;
    bad.secret_key = STR("");
    cr_assert_not(sigv4_sign(&key, &bad, &made, &signature, &err));
    bad = example;
    bad.session_token = STR("token\r\nX-Evil: 1");
    cr_assert_not(sigv4_sign(&key, &bad, &made, &signature, &err));
    cr_assert_eq(err.code, ERR_INVALID);
}

Test(sigv4, SG2_a_refusal_does_not_spoil_the_next_signature) {
    refuse(request("ecs", "https://x/%"), "two hex digits");
    sign(&example, request("service", "https://example.amazonaws.com/"));
    expect_signature(
        "5fa00fa31553b73ebf1942676e86291e8372ff2a2260956d9b8aae1d763fbf31");
}

/* --- path and query ----------------------------------------------------- */

Test(sigv4, SG3_encodes_the_path_twice_and_normalises_it) {
    expect_path("ecs", "https://x", "/");
    expect_path("ecs", "https://x?a=b", "/");
    expect_path("ecs", "https://x/", "/");
    expect_path("ecs", "https://x//", "/");
    expect_path("ecs", "https://x/a//b/", "/a/b/");
    expect_path("ecs", "https://x/a/./b/../c", "/a/c");
    expect_path("ecs", "https://x/../../a", "/a");
    expect_path("ecs", "https://x/a/..", "/");
    expect_path("ecs", "https://x/a/../", "/");
    expect_path("ecs", "https://x/a/b/..", "/a");
    expect_path("ecs", "https://x/a%20b", "/a%2520b");
    expect_path("ecs", "https://x/%2e%2E/a", "/%252e%252E/a");
    expect_path("bedrock", "https://x/model/a%3A0%2Fb/invoke",
                "/model/a%253A0%252Fb/invoke");
    expect_path("ecs", "https://x/a:b,c", "/a%3Ab%2Cc");
}

Test(sigv4, SG3_leaves_the_path_of_S3_as_it_is) {
    expect_path("s3", "https://x", "/");
    expect_path("s3", "https://x/a//b/./c/../d", "/a//b/./c/../d");
    expect_path("s3", "https://x//", "//");
    expect_path("s3", "https://x/a/", "/a/");
    expect_path("s3", "https://x/a%20b%2Fc", "/a%20b%2Fc");
    expect_path("s3express", "https://x/a%20b", "/a%20b");
    expect_path("s3", "https://x/a%c3%bc*%7e", "/a%C3%BC%2A~");
}

Test(sigv4, SG3_normalises_only_when_asked) {
    struct sigv4_request made = request("ecs", "https://x/a//b/../c/");

    made.normalise_path = false;
    sign(&example, made);
    expect_line(1, "/a//b/../c/");
    made = request("s3", "https://x/a//b/../c%20d/");
    made.normalise_path = true;
    sign(&example, made);
    expect_line(1, "/a/c%20d/");
}

Test(sigv4, SG4_sorts_the_query_by_encoded_key_then_value) {
    expect_query("https://x/?b=2&a=1", "a=1&b=2");
    expect_query("https://x/?a=2&a=1&a=", "a=&a=1&a=2");
    expect_query("https://x/?a=1&a=%2F&a=%61", "a=%2F&a=1&a=a");
    expect_query("https://x/?k-1=x&k=y&K=z", "K=z&k=y&k-1=x");
    expect_query("https://x/?%C3%BC=1&~=2&z=3", "%C3%BC=1&z=3&~=2");
}

Test(sigv4, SG4_a_parameter_without_a_value_gets_an_equals_sign) {
    expect_query("https://x/?acl", "acl=");
    expect_query("https://x/?acl&b", "acl=&b=");
    expect_query("https://x/?", "");
    expect_query("https://x/?&a=1&&", "a=1");
    expect_query("https://x/?=v", "=v");
}

Test(sigv4, SG4_encodes_each_name_and_value_once) {
    expect_query("https://x/?a=b%3dc", "a=b%3Dc");
    expect_query("https://x/?a=b=c", "a=b%3Dc");
    expect_query("https://x/?a=x+y*z", "a=x%2By%2Az");
    expect_query("https://x/?%7E=%2D", "~=-");
}

Test(sigv4, SG4_sorts_a_query_of_a_thousand_parameters) {
    struct buf url = BUF_EMPTY, expected = BUF_EMPTY;

    buf_add_text(&url, "https://x/?");
    for (int i = 999; i >= 0; i--)
        buf_addf(&url, "k%03d=v%s", i, i ? "&" : "");
    for (int i = 0; i < 1000; i++)
        buf_addf(&expected, "k%03d=v%s", i, i < 999 ? "&" : "");
    expect_query(buf_text(&url), buf_text(&expected));
    buf_release(&url);
    buf_release(&expected);
}

/* --- headers ------------------------------------------------------------ */

Test(sigv4, SG5_lowers_sorts_collapses_and_joins_headers) {
    header("X-Zebra", "  a \t b  ");
    header("x-alpha", "one");
    header("X-ALPHA", " two ");
    header("X-Empty", "");
    header("x-alpha", "three and more than eight bytes  of it");
    sign(&example, request("ecs", "https://x/"));
    expect_line(3, "host:x");
    expect_line(4, "x-alpha:one,two,three and more than eight bytes of it");
    expect_line(5, "x-amz-date:20150830T123600Z");
    expect_line(6, "x-empty:");
    expect_line(7, "x-zebra:a b");
    expect_line(8, "");
    expect_line(9, "host;x-alpha;x-amz-date;x-empty;x-zebra");
}

Test(sigv4, SG5_collapses_white_space_that_the_header_list_kept) {
    struct http_header   items[] = {{"b", "\t  x  y\t"}, {"a", " \t "}};
    struct http_headers  raw = {items, 2};
    struct sigv4_request made = request("ecs", "https://x/");

    made.headers = &raw;
    sign(&example, made);
    expect_line(3, "a:");
    expect_line(4, "b:x y");
}

Test(sigv4, SG5_never_signs_what_proxies_rewrite) {
    static const char *const names[] = {
        "Connection",
        "User-Agent",
        "X-Amzn-Trace-Id",
        "Expect",
        "Transfer-Encoding",
        "Keep-Alive",
        "TE",
        "Trailer",
        "Upgrade",
        "Proxy-Connection",
        "Proxy-Authorization",
        "Proxy-Authenticate",
        "X-Forwarded-For",
        "X-Forwarded-Proto",
        "Forwarded",
        "Via",
        "Cache-Control",
        "Traceparent",
        "Authorization",
        "Date",
    };

    for (size_t i = 0; i < sizeof names / sizeof *names; i++)
        header(names[i], "x");
    sign(&example, request("service", "https://example.amazonaws.com/"));
    expect_signature(
        "5fa00fa31553b73ebf1942676e86291e8372ff2a2260956d9b8aae1d763fbf31");
}

Test(sigv4, SG5_keeps_many_repeated_headers_in_their_order) {
    struct buf expected = BUF_EMPTY;

    buf_add_text(&expected, "x-a:");
    for (int i = 39; i >= 0; i--) {
        char value[16];

        (void)snprintf(value, sizeof value, "%d", i);
        header("X-A", value);
        buf_addf(&expected, "%d%s", i, i ? "," : "");
    }
    sign(&example, request("ecs", "https://x/"));
    expect_line(4, buf_text(&expected));
    buf_release(&expected);
}

Test(sigv4, SG5_signs_the_host_in_lower_case_without_the_usual_port) {
    static const char *const hosts[][2] = {
        {"https://EC2.Amazonaws.com/", "host:ec2.amazonaws.com"},
        {"https://x:443/", "host:x"},
        {"HTTP://x:80/", "host:x"},
        {"https://x:/", "host:x"},
        {"https://x:80/", "host:x:80"},
        {"http://localhost:4566/a:1", "host:localhost:4566"},
        {"http://[::1]:0443/", "host:[::1]:443"},
        {"http://[::1]/", "host:[::1]"},
    };

    for (size_t i = 0; i < sizeof hosts / sizeof *hosts; i++) {
        sign(&example, request("ecs", hosts[i][0]));
        expect_line(3, hosts[i][1]);
    }
}

Test(sigv4, SG5_a_host_that_was_given_stands) {
    header("Host", "vpce.example:8443");
    sign(&example, request("ecs", "https://127.0.0.1/"));
    expect_line(3, "host:vpce.example:8443");
    cr_assert_str_eq(buf_text(&signature.host), "vpce.example:8443");
}

Test(sigv4, SG5_a_session_token_is_signed_and_replaces_the_given_one) {
    struct sigv4_credentials session = example;

    header("X-Amz-Security-Token", "stale");
    header("X-Amz-Date", "stale");
    session.session_token = STR("fresh");
    sign(&session, request("ecs", "https://x/"));
    expect_line(4, "x-amz-date:20150830T123600Z");
    expect_line(5, "x-amz-security-token:fresh");
    expect_line(7, "host;x-amz-date;x-amz-security-token");
}

Test(sigv4, SG5_S3_gets_the_hash_of_the_body_as_a_header) {
    struct sigv4_request made = request("s3", "https://x/");

    made.body = STR("abc");
    sign(&example, made);
    expect_line(4, "x-amz-content-sha256:ba7816bf8f01cfea414140de5dae2223"
                   "b00361a396177a9cb410ff61f20015ad");
    expect_line(8, "ba7816bf8f01cfea414140de5dae2223"
                   "b00361a396177a9cb410ff61f20015ad");
    header("X-Amz-Content-Sha256", " UNSIGNED-PAYLOAD ");
    sign(&example, made);
    expect_line(4, "x-amz-content-sha256:UNSIGNED-PAYLOAD");
    expect_line(8, "UNSIGNED-PAYLOAD");
    cr_assert_str_eq(signature.payload, "");
}

Test(sigv4, put_headers_sets_each_header_once) {
    struct sigv4_credentials session = example;

    session.session_token = STR("fresh");
    header("Content-Type", "text/plain");
    header("x-amz-security-token", "stale");
    header("x-amz-date", "stale");
    header("authorization", "stale");
    sign(&session, request("s3", "https://x:8443/"));
    sigv4_put_headers(&signature, &session, &headers);
    sigv4_put_headers(&signature, &session, &headers);
    cr_assert_eq(headers.count, 6);
    cr_assert(str_is(http_headers_find(&headers, "host"), "x:8443"));
    cr_assert(
        str_is(http_headers_find(&headers, "x-amz-date"), "20150830T123600Z"));
    cr_assert(
        str_is(http_headers_find(&headers, "x-amz-security-token"), "fresh"));
    cr_assert(str_starts(http_headers_find(&headers, "x-amz-content-sha256"),
                         "e3b0c44298fc1c14"));
    cr_assert(str_equal(http_headers_find(&headers, "authorization"),
                        buf_str(&signature.authorization)));
}

Test(sigv4, SG1_signing_what_was_signed_gives_the_same_bytes) {
    struct sigv4_request made = request("s3", "https://x/a?b");
    struct buf           first = BUF_EMPTY;

    header("X-Amz-Meta-A", "1");
    sign(&example, made);
    buf_add_str(&first, buf_str(&signature.authorization));
    sigv4_put_headers(&signature, &example, &headers);
    sign(&example, made);
    cr_assert_str_eq(buf_text(&signature.authorization), buf_text(&first));
    buf_release(&first);
}

/* --- in the URL --------------------------------------------------------- */

static struct sigv4_request presigned(const char *service, const char *url) {
    struct sigv4_request made = request(service, url);

    made.expires_s = 900;
    return made;
}

static void refuse_url(const char *url) {
    refuse(presigned("s3", url), "already");
}

Test(sigv4, SG7_presigns_the_example_of_the_S3_guide) {
    struct sigv4_request made =
        presigned("s3", "https://examplebucket.s3.amazonaws.com/test.txt");

    made.expires_s = 86400;
    cr_assert(timestamp_read(STR("2013-05-24T00:00:00Z"), &made.now_ms, &err));
    sign(&s3_example, made);
    cr_assert_str_eq(
        buf_text(&signature.url),
        "https://examplebucket.s3.amazonaws.com/test.txt"
        "?X-Amz-Algorithm=AWS4-HMAC-SHA256&X-Amz-Credential="
        "AKIAIOSFODNN7EXAMPLE%2F20130524%2Fus-east-1%2Fs3%2Faws4_request"
        "&X-Amz-Date=20130524T000000Z&X-Amz-Expires=86400"
        "&X-Amz-SignedHeaders=host&X-Amz-Signature="
        "aeeed9bbccd4d02ee5c0109b86d86835f995330da4c265957d157751f604d404");
    cr_assert_eq(signature.authorization.len, 0);
}

Test(sigv4, SG7_presigning_keeps_the_URL_as_it_was_given) {
    sign(&example, presigned("s3", "https://b.s3.amazonaws.com?b=%2d&a"));
    cr_assert(
        str_starts(buf_str(&signature.url),
                   "https://b.s3.amazonaws.com/?b=%2d&a&X-Amz-Algorithm="),
        "%s", buf_text(&signature.url));
    expect_line(1, "/");
}

Test(sigv4, SG7_presigning_signs_the_body_of_what_is_not_S3) {
    struct sigv4_request made = presigned("ecs", "https://x.amazonaws.com/");

    sign(&example, made);
    cr_assert(str_ends(buf_str(&signature.canonical_request),
                       "\nhost\ne3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934"
                       "ca495991b7852b855"));
    made.unsigned_payload = true;
    sign(&example, made);
    cr_assert(str_ends(buf_str(&signature.canonical_request),
                       "\nhost\nUNSIGNED-PAYLOAD"));
}

Test(sigv4, SG7_refuses_a_URL_that_has_parameters_of_a_signature) {
    refuse_url("https://x/?X-Amz-Signature=0");
    refuse_url("https://x/?a=1&x-amz-date=2");
    refuse_url("https://x/?%58-Amz-Expires=5");
    refuse_url("https://x/?X-Amz-Security-Token");
}

Test(sigv4, SG7_refuses_to_live_longer_than_seven_days) {
    struct sigv4_request made = presigned("s3", "https://x/");

    made.expires_s = 604800;
    sign(&example, made);
    made.expires_s = 604801;
    refuse(made, "seven days");
    made.expires_s = -1;
    refuse(made, "seven days");
}

Test(sigv4, SG6_a_presigned_URL_has_the_token_encoded_and_never_the_secret) {
    struct sigv4_credentials session = example;
    struct http_headers      set = {NULL, 0};

    session.session_token = STR("a/b+c==");
    sign(&session, presigned("s3", "https://x/k"));
    cr_assert(strstr(signature.url.data,
                     "&X-Amz-Security-Token=a%2Fb%2Bc%3D%3D&X-Amz-Signature="));
    cr_assert_not(strstr(signature.url.data, "wJalrX"));
    sigv4_put_headers(&signature, &session, &set);
    cr_assert_eq(set.count, 1, "the token is in the URL already");
    http_headers_release(&set);
    session.session_token = STR("a\r\nb");
    cr_assert_not(sigv4_sign(&key, &session,
                             &(struct sigv4_request){.method = STR("GET"),
                                                     .url = STR("https://x/k"),
                                                     .service = STR("s3"),
                                                     .region = STR("eu-west-1"),
                                                     .expires_s = 5},
                             &signature, &err));
}

Test(sigv4, SG7_a_signature_in_the_header_follows_one_in_the_URL) {
    sign(&example, presigned("s3", "https://x/?a=1"));
    sign(&example, request("service", "https://example.amazonaws.com/"));
    cr_assert_eq(signature.url.len, 0);
    expect_signature(
        "5fa00fa31553b73ebf1942676e86291e8372ff2a2260956d9b8aae1d763fbf31");
}

Test(sigv4, SG5_an_unsigned_payload_is_said_in_a_header_that_is_signed) {
    struct sigv4_request made = request("s3", "https://x/key");

    made.unsigned_payload = true;
    made.body = STR("whatever");
    sign(&example, made);
    cr_assert_str_eq(signature.payload, "UNSIGNED-PAYLOAD");
    expect_line(4, "x-amz-content-sha256:UNSIGNED-PAYLOAD");
    cr_assert(
        str_ends(buf_str(&signature.canonical_request), "\nUNSIGNED-PAYLOAD"));
}
