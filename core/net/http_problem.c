/* http_problem.c - the phrases of the statuses, and the members in the order
 * that json_write() gives them. A 503 says when to come back, since nobody
 * refuses with it for good.
 */
#include "net/http_problem.h"

#include "base/json.h"

const char *http_problem_title(int status) {
    switch (status) {
    case 400: return "Bad Request";
    case 401: return "Unauthorized";
    case 403: return "Forbidden";
    case 404: return "Not Found";
    case 405: return "Method Not Allowed";
    case 408: return "Request Timeout";
    case 409: return "Conflict";
    case 413: return "Content Too Large";
    case 414: return "URI Too Long";
    case 415: return "Unsupported Media Type";
    case 417: return "Expectation Failed";
    case 422: return "Unprocessable Content";
    case 429: return "Too Many Requests";
    case 431: return "Request Header Fields Too Large";
    case 500: return "Internal Server Error";
    case 503: return "Service Unavailable";
    case 505: return "HTTP Version Not Supported";
    default: return "Error";
    }
}

void http_problem_write(struct http_problem problem, struct buf *out) {
    struct json *map = json_new_map();

    json_put_text(map, "type", STR("about:blank"));
    json_put_text(map, "title", str_of(http_problem_title(problem.status)));
    json_put_int(map, "status", problem.status);
    json_put_text(map, "detail", str_of(problem.detail));
    json_put_text(map, "code", str_of(problem.code));
    json_write(map, out);
    json_release(map);
}

void http_problem_write_whole(struct http_problem problem, struct buf *out) {
    struct buf body = BUF_EMPTY;

    http_problem_write(problem, &body);
    buf_addf(out,
             "HTTP/1.1 %d %s\r\nContent-Type: " HTTP_PROBLEM_TYPE
             "\r\nContent-Length: %zu\r\n%sConnection: close\r\n\r\n",
             problem.status, http_problem_title(problem.status), body.len,
             problem.status == 503 ? "Retry-After: " HTTP_PROBLEM_COME_BACK
                                     "\r\n"
                                   : "");
    buf_add_str(out, buf_str(&body));
    buf_release(&body);
}
