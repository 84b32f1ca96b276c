/* http_head.c - one pass over the bytes of each field, a count for each field
 * that must not be repeated, and the verdict at the end.
 */
#include "net/http_head.h"

#include <ctype.h>
#include <strings.h>

/* Fields that decide where a request ends or who is speaking. */
static const struct str single[HTTP_HEAD_SINGLES] = {
    {"Host", 4},
    {"Content-Length", 14},
    {"Transfer-Encoding", 17},
    {"Expect", 6},
    {"Content-Type", 12},
    {"Content-Encoding", 16},
    {"Authorization", 13},
    {"webhook-id", 10},
    {"webhook-timestamp", 17},
    {"webhook-signature", 17},
    {"X-GitHub-Event", 14},
    {"X-Hub-Signature-256", 19},
    {"X-GitHub-Delivery", 17},
    {"X-PagerDuty-Signature", 21},
    {"X-Slack-Signature", 17},
    {"X-Slack-Request-Timestamp", 25}};
enum { AT_HOST, AT_LENGTH, AT_ENCODING, AT_EXPECT };

static const struct http_problem fit = {0, NULL, NULL};

static struct http_problem bad(const char *detail) {
    return (struct http_problem){400, "bad_request", detail};
}

static bool is_control(char c) {
    return ((unsigned char)c < ' ' && c != '\t') || c == 0x7f;
}

static bool is_hex(char c) {
    return isxdigit((unsigned char)c) != 0;
}

/* "%00" to "%1F" and "%7F" would become control characters. */
static bool hides_control(const char *at, size_t left) {
    if (left < 3 || !is_hex(at[1]) || !is_hex(at[2]))
        return true;
    return at[1] == '0' || at[1] == '1' ||
           (at[1] == '7' && (at[2] == 'f' || at[2] == 'F'));
}

struct http_problem http_head_check_target(struct str target) {
    if (target.len > HTTP_HEAD_LINE_MAX)
        return (struct http_problem){414, "uri_too_long",
                                     "the path and its query are too long"};
    if (target.len == 0 || target.data[0] != '/')
        return bad("the path does not begin with a slash");
    for (size_t i = 0; i < target.len; i++) {
        char c = target.data[i];

        if (c == ' ' || c == '\t' || is_control(c))
            return bad("the path has a space or a control character in it");
        if (c == '%' && hides_control(target.data + i, target.len - i))
            return bad("an escape in the path is broken or hides a control "
                       "character");
    }
    return fit;
}

static const char *doubt_in(struct str name, struct str value) {
    if (name.len == 0)
        return "a field has no name";
    if (!str_made_of(name, isalnum, "-_!#$%&'*+.^`|~"))
        return "a field's name has a character that names do not have";
    for (size_t i = 0; i < value.len; i++)
        if (is_control(value.data[i]))
            return "a field has a control character in it";
    return NULL;
}

static void count_single(struct http_head *head, struct str name,
                         struct str value) {
    for (size_t i = 0; i < HTTP_HEAD_SINGLES; i++)
        if (single[i].len == name.len &&
            strncasecmp(single[i].data, name.data, name.len) == 0) {
            head->times[i]++;
            head->values[i] = str_trim(value);
            return;
        }
}

void http_head_begin(struct http_head *head, struct str version,
                     bool in_place) {
    *head = (struct http_head){.in_place = in_place,
                               .end = version.data + version.len,
                               .old = !str_is(version, "HTTP/1.1")};
}

static void follows(struct http_head *head, const char *next, size_t gap) {
    if (!head->doubt && head->in_place &&
        (uintptr_t)next != (uintptr_t)head->end + gap)
        head->doubt = "a line of the head does not end in CR LF, or is folded";
}

void http_head_add(struct http_head *head, struct str name, struct str value) {
    follows(head, name.data, 2);
    if (!head->doubt)
        head->doubt = doubt_in(name, value);
    count_single(head, name, value);
    head->end = value.data + value.len;
    head->bytes += name.len + value.len + 4;
    head->fields++;
}

void http_head_end(struct http_head *head, const char *end) {
    follows(head, end, 4);
}

static bool is_number(struct str text, int64_t *number) {
    return str_made_of(text, isdigit, "") && text.len < 16 &&
           str_to_int(text, number);
}

static bool is(struct str text, const char *word) {
    return text.len == strlen(word) &&
           strncasecmp(text.data, word, text.len) == 0;
}

static const char *doubt_about_end(const struct http_head *head,
                                   int64_t                *length) {
    const unsigned *times = head->times;

    for (size_t i = 0; i < HTTP_HEAD_SINGLES; i++)
        if (times[i] > 1)
            return "a field that must stand there once is repeated";
    if (times[AT_HOST] == 0 && !head->old)
        return "the Host is missing";
    if (times[AT_LENGTH] && times[AT_ENCODING])
        return "the request has two lengths";
    if (times[AT_LENGTH] && !is_number(head->values[AT_LENGTH], length))
        return "the Content-Length is no number";
    if (times[AT_ENCODING] &&
        (head->old || !is(head->values[AT_ENCODING], "chunked")))
        return "the Transfer-Encoding is not understood";
    return NULL;
}

struct http_problem http_head_check(const struct http_head *head,
                                    int64_t                *length) {
    const char *doubt = head->doubt;

    *length = 0;
    if (!doubt)
        doubt = doubt_about_end(head, length);
    if (doubt)
        return bad(doubt);
    if (head->bytes > HTTP_HEAD_BYTES_MAX ||
        head->fields > HTTP_HEAD_FIELDS_MAX)
        return (struct http_problem){431, "head_too_large",
                                     "the head has too many fields or bytes"};
    if (head->times[AT_EXPECT] && !is(head->values[AT_EXPECT], "100-continue"))
        return (struct http_problem){417, "expectation_failed",
                                     "only 100-continue may be expected"};
    return fit;
}
