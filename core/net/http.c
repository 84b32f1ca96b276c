/* http.c - headers are checked where they are added, so that nothing later on
 * can split a request: a name is a token of RFC 9110, a value holds no CR, LF
 * or NUL. Everything is wiped on release, because most headers here carry a
 * credential and the rest cost nothing.
 */
#include "net/http.h"

#include <ctype.h>
#include <string.h>
#include <strings.h>

#include "base/mem.h"

static bool is_token(struct str text) {
    for (size_t i = 0; i < text.len; i++) {
        unsigned char c = (unsigned char)text.data[i];

        if (!isalnum(c) && (c == '\0' || !strchr("!#$%&'*+-.^_`|~", c)))
            return false;
    }
    return text.len > 0;
}

static bool is_value(struct str text) {
    for (size_t i = 0; i < text.len; i++) {
        char c = text.data[i];

        if (c == '\r' || c == '\n' || c == '\0')
            return false;
    }
    return true;
}

bool http_headers_add(struct http_headers *headers, struct str name,
                      struct str value) {
    size_t count = headers->count;

    if (!is_token(name) || !is_value(value))
        return false;
    value = str_trim(value);
    if ((count & (count - 1)) == 0) /* full at every power of two */
        headers->items = mem_resize(headers->items, (count ? count * 2 : 1) *
                                                        sizeof *headers->items);
    headers->items[count].name = mem_text(name.data, name.len);
    headers->items[count].value = mem_text(value.data, value.len);
    headers->count++;
    return true;
}

struct str http_headers_find(const struct http_headers *headers,
                             const char                *name) {
    for (size_t i = 0; i < headers->count; i++)
        if (strcasecmp(headers->items[i].name, name) == 0)
            return str_of(headers->items[i].value);
    return (struct str){"", 0};
}

static void release_text(char *text) {
    if (text)
        mem_wipe(text, strlen(text));
    mem_free(text);
}

static void release_header(struct http_header *header) {
    release_text(header->name);
    release_text(header->value);
}

void http_headers_drop(struct http_headers *headers, const char *name) {
    size_t kept = 0;

    for (size_t i = 0; i < headers->count; i++) {
        struct http_header header = headers->items[i];

        if (strcasecmp(header.name, name) == 0)
            release_header(&header);
        else
            headers->items[kept++] = header;
    }
    headers->count = kept;
}

void http_headers_release(struct http_headers *headers) {
    for (size_t i = 0; i < headers->count; i++)
        release_header(&headers->items[i]);
    mem_free(headers->items);
    *headers = (struct http_headers){NULL, 0};
}

void http_request_init(struct http_request *request, const char *method,
                       struct str url) {
    *request = (struct http_request){0};
    request->method = mem_text(method, strlen(method));
    request->url = mem_text(url.data, url.len);
    request->deadline_ms = 30000;
    request->answer_cap = 16 * 1024 * 1024;
}

static void wipe_buf(struct buf *buf) {
    mem_wipe(buf->data, buf->cap);
    buf_release(buf);
}

void http_request_release(struct http_request *request) {
    release_text(request->method);
    release_text(request->url); /* a signature may stand in the query */
    http_headers_release(&request->headers);
    wipe_buf(&request->body);
    *request = (struct http_request){0};
}

void http_answer_release(struct http_answer *answer) {
    http_headers_release(&answer->headers);
    wipe_buf(&answer->body); /* credentials come as answers too */
    *answer = (struct http_answer){0};
}
