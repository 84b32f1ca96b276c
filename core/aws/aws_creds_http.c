/* aws_creds_http.c - the frame of every request for credentials: small. */
#include "aws/aws_creds_private.h"

#define ANSWER_CAP (64u << 10)

void aws_creds_http_init(struct http_request *request, const char *method,
                         struct str url, enum http_reach reach,
                         int64_t deadline_ms) {
    http_request_init(request, method, url);
    request->reach = reach;
    request->deadline_ms = deadline_ms;
    request->answer_cap = ANSWER_CAP;
}

enum err_code aws_creds_http_code(int status) {
    if (status == 429)
        return ERR_THROTTLED;
    return status >= 500 ? ERR_IO : ERR_DENIED;
}
