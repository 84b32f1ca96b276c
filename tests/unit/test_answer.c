/* test_answer.c - what an HTTP answer means for what was asked. */
#include <criterion/criterion.h>

#include <string.h>

#include "effect/answer.h"
#include "support.h"

#define READ "['', 'aws', 'ecs:DescribeServices', {}]"
#define WRITE "['', 'aws', 'ecs:UpdateService', {'desiredCount': 4}]"

static struct answer answer;

struct given {
    const char    *question, *config;
    enum http_fate fate;
    int            status;
    const char    *body;
    const char    *header, *value;
};

static void read_answer(const struct given *given) {
    struct effect      effect = support_effect(given->question, given->config);
    struct http_answer http = {.fate = given->fate, .status = given->status};
    struct err         err;

    err_set(&err, ERR_TIMEOUT, "no answer within 20 s");
    if (given->body)
        buf_add_text(&http.body, given->body);
    if (given->header)
        cr_assert(http_headers_add(&http.headers, str_of(given->header),
                                   str_of(given->value)));
    if (answer.fate == ANSWER_GIVEN)
        json_release(answer.value);
    answer = answer_read(&effect, &http, &err, SUPPORT_START);
    effect_release(&effect);
    http_answer_release(&http);
}

static void means(const char *question, int status, const char *body,
                  enum answer_fate fate, enum err_code code) {
    read_answer(&(struct given){question, NULL, HTTP_ANSWERED, status, body,
                                NULL, NULL});
    cr_expect_eq(answer.fate, fate, "status %d: fate %d", status, answer.fate);
    if (fate != ANSWER_GIVEN) {
        cr_expect_eq(answer.err.code, code, "status %d: %s: %s", status,
                     err_name(answer.err.code), answer.err.text);
    }
}

Test(answer, a_success_is_its_body) {
    means(READ, 200, "{\"services\":[]}", ANSWER_GIVEN, 0);
    support_is(answer.value, "{'services': []}");
    means(WRITE, 201, "", ANSWER_GIVEN, 0);
    support_is(answer.value, "{}");
}

Test(answer, AN1_a_write_is_refused_when_the_service_said_so) {
    means(WRITE, 400, "{\"__type\":\"InvalidParameterException\"}",
          ANSWER_REFUSED, ERR_INVALID);
    means(WRITE, 403, "{}", ANSWER_REFUSED, ERR_DENIED);
    means(WRITE, 404, "not json", ANSWER_REFUSED, ERR_NOT_FOUND);
    means(WRITE, 409, "", ANSWER_REFUSED, ERR_CONFLICT);
    means(WRITE, 422, "{}", ANSWER_REFUSED, ERR_INVALID);
    means(WRITE, 429, "{}", ANSWER_REFUSED, ERR_THROTTLED);
    means(WRITE, 302, "", ANSWER_REFUSED, ERR_REMOTE);
    means(WRITE, 400, "{\"__type\":\"ThrottlingException\"}", ANSWER_REFUSED,
          ERR_THROTTLED);
}

Test(answer, AN1_a_write_is_unknown_when_the_service_stumbled) {
    means(WRITE, 500, "{\"__type\":\"ServerException\"}", ANSWER_UNKNOWN,
          ERR_REMOTE);
    means(WRITE, 502, "<html>", ANSWER_UNKNOWN, ERR_REMOTE);
    means(WRITE, 503, "", ANSWER_UNKNOWN, ERR_REMOTE);
    means(WRITE, 504, "", ANSWER_UNKNOWN, ERR_TIMEOUT);
    means(READ, 500, "{}", ANSWER_REFUSED, ERR_REMOTE);
    means(READ, 504, "{}", ANSWER_REFUSED, ERR_TIMEOUT);
}

Test(answer, AN1_bytes_on_the_wire_decide_when_there_is_no_answer) {
    read_answer(
        &(struct given){WRITE, NULL, HTTP_NOT_SENT, 0, NULL, NULL, NULL});
    cr_expect_eq(answer.fate, ANSWER_REFUSED);
    read_answer(
        &(struct given){WRITE, NULL, HTTP_SENT_UNKNOWN, 0, NULL, NULL, NULL});
    cr_expect_eq(answer.fate, ANSWER_UNKNOWN);
    cr_expect_str_eq(answer.err.text,
                     "aws:ecs:UpdateService: no answer within 20 s");
    read_answer(
        &(struct given){READ, NULL, HTTP_SENT_UNKNOWN, 0, NULL, NULL, NULL});
    cr_expect_eq(answer.fate, ANSWER_REFUSED);
    cr_expect_eq(answer.err.code, ERR_TIMEOUT);
}

Test(answer, AN2_what_is_not_json_is_never_an_empty_success) {
    means(READ, 200, "", ANSWER_REFUSED, ERR_REMOTE);
    means(READ, 200, "<html>login</html>", ANSWER_REFUSED, ERR_REMOTE);
    means(READ, 200, "{\"services\":[", ANSWER_REFUSED, ERR_REMOTE);
    means(READ, 200, "{\"a\":1,\"a\":2}", ANSWER_REFUSED, ERR_REMOTE);
    /* The service took the write, so nobody may call it refused. */
    means(WRITE, 200, "<html>", ANSWER_UNKNOWN, ERR_REMOTE);
    cr_expect(support_has(answer.err.text, "status 200"), "%s",
              answer.err.text);
}

Test(answer, an_error_carries_the_words_and_status_of_the_service) {
    means(READ, 400,
          "{\"__type\":\"com.amazonaws#ClusterNotFoundException\","
          "\"message\":\"Cluster not found.\"}",
          ANSWER_REFUSED, ERR_NOT_FOUND);
    cr_expect_eq(answer.err.status, 400);
    cr_expect_str_eq(answer.err.text,
                     "aws:ecs:DescribeServices: status 400 "
                     "ClusterNotFoundException: Cluster not found.");
}

Test(answer, retry_after_is_taken_in_seconds_and_capped) {
    struct given given = {READ,          NULL, HTTP_ANSWERED, 429, "{}",
                          "Retry-After", "7"};

    read_answer(&given);
    cr_expect_eq(answer.retry_after_ms, 7000);
    given.value = "86400";
    read_answer(&given);
    cr_expect_eq(answer.retry_after_ms, 86400000,
                 "nobody has to wait, but "
                 "whoever reads it knows");
    given.value = "999999999999";
    read_answer(&given);
    cr_expect_eq(answer.retry_after_ms, 31536000000);
    given.value = "-1";
    read_answer(&given);
    cr_expect_eq(answer.retry_after_ms, 0);
    given.value = "Wed, 21 Oct 2015 07:28:00 GMT";
    read_answer(&given);
    cr_expect_eq(answer.retry_after_ms, 0);
}

Test(answer, knows_the_words_that_mean_slow_down) {
    static const char *const words[] = {
        "RequestLimitExceeded", "ProvisionedThroughputExceededException",
        "BandwidthLimitExceeded", "RequestThrottledException", "SlowDown"};

    for (size_t i = 0; i < sizeof words / sizeof *words; i++) {
        char body[100];

        (void)snprintf(body, sizeof body, "{\"__type\":\"%s\"}", words[i]);
        means(WRITE, 400, body, ANSWER_REFUSED, ERR_THROTTLED);
    }
    means(WRITE, 400, "{\"__type\":\"ServiceQuotaExceededException\"}",
          ANSWER_REFUSED, ERR_INVALID);
}

Test(answer, githubs_403_without_calls_left_is_a_throttle) {
    struct given given = {
        "['', 'github', 'GET /user', {}]", NULL, HTTP_ANSWERED, 403, "{}",
        "x-ratelimit-remaining",           "0"};

    read_answer(&given);
    cr_expect_eq(answer.err.code, ERR_THROTTLED);
    given.value = "12";
    read_answer(&given);
    cr_expect_eq(answer.err.code, ERR_DENIED);
}

Test(answer, plain_http_gives_status_and_whatever_the_body_is) {
    struct given given = {"['', 'http', {'url': 'https://ok.test/'}]",
                          "{'http': {'allow': ['ok.test']}}",
                          HTTP_ANSWERED,
                          200,
                          "OK",
                          NULL,
                          NULL};

    read_answer(&given);
    cr_expect_eq(answer.fate, ANSWER_GIVEN);
    support_is(answer.value, "{'status': 200, 'text': 'OK'}");
    given.body = "[1]";
    read_answer(&given);
    support_is(answer.value, "{'status': 200, 'json': [1]}");
}

/* --- GraphQL ---------------------------------------------------------------- */

#define QUERY "['', 'github', 'POST /graphql', {'query': '{ a }'}]"
#define MUTATION "['', 'github', 'POST /graphql', {'query': 'mutation{m}'}]"
#define ERROR(type, path) \
    "{\"message\":\"no\",\"type\":\"" type "\",\"path\":[" path "]}"

Test(answer, graphqls_answer_is_its_data) {
    means(QUERY, 200, "{\"data\":{\"a\":1}}", ANSWER_GIVEN, 0);
    support_is(answer.value, "{'a': 1}");
    means(QUERY, 200, "{}", ANSWER_REFUSED, ERR_REMOTE);
    means(QUERY, 200, "[]", ANSWER_REFUSED, ERR_REMOTE);
    means(MUTATION, 200, "{\"data\":null}", ANSWER_UNKNOWN, ERR_REMOTE);
    means(MUTATION, 200, "so sorry", ANSWER_UNKNOWN, ERR_REMOTE);
}

Test(answer, AG1_errors_with_a_200_are_errors_whatever_the_data) {
    means(QUERY, 200,
          "{\"data\":{\"a\":1},\"errors\":[" ERROR("FORBIDDEN", "") "]}",
          ANSWER_REFUSED, ERR_DENIED);
    cr_expect_str_eq(answer.err.text, "github:graphql:query: no");
    means(QUERY, 200,
          "{\"data\":null,\"errors\":[" ERROR("NOT_FOUND", "\"a\"") "]}",
          ANSWER_REFUSED, ERR_NOT_FOUND);
    means(QUERY, 200, "{\"errors\":\"odd\"}", ANSWER_REFUSED, ERR_REMOTE);
}

Test(answer, AG2_a_mutation_is_refused_only_when_all_errors_say_so) {
    means(MUTATION, 200,
          "{\"data\":{\"m\":null},\"errors\":[" ERROR("UNPROCESSABLE",
                                                      "\"m\"") "]}",
          ANSWER_REFUSED, ERR_INVALID);
    means(MUTATION, 200, "{\"errors\":[{\"message\":\"no\",\"locations\":[]}]}",
          ANSWER_REFUSED, ERR_REMOTE);
    means(MUTATION, 200,
          "{\"data\":{\"m\":null},\"errors\":[" ERROR(
              "NOT_FOUND", "\"m\"") ",{\"message\":\"and more\"}]}",
          ANSWER_UNKNOWN, ERR_REMOTE);
    /* The field was carried out, and something below it failed. */
    means(MUTATION, 200,
          "{\"data\":{\"m\":null},\"errors\":[" ERROR("NOT_FOUND",
                                                      "\"m\",\"x\"") "]}",
          ANSWER_UNKNOWN, ERR_REMOTE);
    means(MUTATION, 200,
          "{\"data\":{\"m\":{}},\"errors\":[" ERROR("FORBIDDEN", "\"m\"") "]}",
          ANSWER_UNKNOWN, ERR_REMOTE);
    means(MUTATION, 200,
          "{\"data\":null,\"errors\":[{\"message\":\"Something went "
          "wrong while executing your query.\"}]}",
          ANSWER_UNKNOWN, ERR_REMOTE);
    means(MUTATION, 200, "{\"errors\":[]}", ANSWER_UNKNOWN, ERR_REMOTE);
    means(MUTATION, 502, "{}", ANSWER_UNKNOWN, ERR_REMOTE);
    means(MUTATION, 403, "{\"message\":\"no\"}", ANSWER_REFUSED, ERR_DENIED);
}

/* --- limits ----------------------------------------------------------------- */

Test(answer, githubs_limits_say_when_to_come_back) {
    struct given given = {QUERY,
                          NULL,
                          HTTP_ANSWERED,
                          200,
                          "{\"errors\":[" ERROR("RATE_LIMITED", "") "]}",
                          "retry-after",
                          "7"};

    read_answer(&given);
    cr_expect_eq(answer.err.code, ERR_THROTTLED);
    cr_expect_eq(answer.retry_after_ms, 7000);
    given = (struct given){"['', 'github', 'GET /user', {}]",
                           NULL,
                           HTTP_ANSWERED,
                           403,
                           "{\"message\":\"You have exceeded a secondary rate "
                           "limit.\"}",
                           NULL,
                           NULL};
    read_answer(&given);
    cr_expect_eq(answer.err.code, ERR_THROTTLED);
    cr_expect_eq(answer.retry_after_ms, 60000);
}

/* --- pages ------------------------------------------------------------------ */

#define PAGES                                                            \
    "['', 'github', 'GET /repos/{owner}/{repo}/issues', {'owner': 'o', " \
    "'repo': 'r', 'per_page': 1}, {'pages': true}]"
#define URL "https://a/repos/o/r/issues?per_page=1"

static void page(const char *body, const char *link) {
    struct effect      effect = support_effect(PAGES, NULL);
    struct http_answer http = {.fate = HTTP_ANSWERED, .status = 200};
    struct err         err;

    buf_add_text(&http.body, body);
    if (link)
        cr_assert(http_headers_add(&http.headers, STR("Link"), str_of(link)));
    answer = answer_read(&effect, &http, &err, SUPPORT_START);
    answer_page(&effect, &http, STR(URL), &answer);
    effect_release(&effect);
    http_answer_release(&http);
}

Test(answer, a_page_has_items_and_the_next_pages_arguments) {
    page("[1]", "<https://a/repos/o/r/issues?per_page=1&page=2>; rel=\"next\"");
    support_is(answer.value, "{'items': [1], 'next': {'owner': 'o', 'repo': "
                             "'r', 'per_page': '1', 'page': '2'}}");
    json_release(answer.value);
    page("{\"total_count\":1,\"items\":[1]}", NULL);
    support_is(answer.value, "{'items': [1], 'next': null}");
    json_release(answer.value);
}

Test(answer, LK1_a_page_whose_next_is_elsewhere_is_an_error) {
    page("[1]", "<https://b/repos/o/r/issues?page=2>; rel=\"next\"");
    cr_expect_eq(answer.fate, ANSWER_REFUSED);
    cr_expect(support_has(answer.err.text, "leads elsewhere"));
    page("[1]", "<https://a/repos/o/r/issues?page=2; rel=\"next\"");
    cr_expect_eq(answer.fate, ANSWER_REFUSED);
    page("{\"a\":[],\"b\":[]}", NULL);
    cr_expect_eq(answer.fate, ANSWER_REFUSED);
    page("{}", NULL);
    cr_expect_eq(answer.fate, ANSWER_REFUSED);
}
