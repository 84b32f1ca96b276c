/* aws_creds_container.c - the agents of ECS and EKS, which hand a task or a pod
 * its role's credentials.
 *
 * The address comes from the environment and a token is sent to it, so it must
 * be one of the agents' addresses, loopback, or https. (AC8) The path of it is
 * a secret of the task's, and is in no error.
 *
 * Source: "Container credential provider" in the AWS SDKs and Tools Reference
 * Guide.
 */
#include <string.h>
#include <strings.h>

#include "aws/aws_creds_private.h"
#include "base/mem.h"
#include "net/address.h"
#include "net/http_client.h"
#include "secret/secret.h"
#include "sys/file.h"

#define AGENT "http://169.254.170.2"
#define DEADLINE_MS 2000
#define TOKEN_MAX (64u << 10)

struct asking {
    aws_creds_result_fn *done;
    void                *arg;
};

static void fail(struct asking *asking, const struct err *err) {
    struct asking ended = *asking;

    mem_free(asking);
    aws_creds_result_failed(ended.done, ended.arg, err);
}

static void answered(void *arg, const struct http_answer *http,
                     const struct err *sent) {
    struct asking         *asking = arg, ended = *asking;
    struct aws_creds_value value;
    struct err             err;

    if (http->fate != HTTP_ANSWERED)
        (void)err_set(&err, sent->code, "its endpoint did not answer (%s)",
                      err_name(sent->code));
    else if (http->status != 200)
        (void)err_set(&err, aws_creds_http_code(http->status),
                      "its endpoint answered with status %d", http->status);
    else if (aws_creds_value_read(buf_str(&http->body), &value, &err)) {
        mem_free(asking);
        aws_creds_result_found(ended.done, ended.arg, &value);
        return;
    }
    fail(asking, &err);
}

/* --- where ------------------------------------------------------------- */

static struct str host_of(struct str url) {
    const char *from = memmem(url.data, url.len, "://", 3);
    struct str  rest =
        from ? (struct str){from + 3, url.len - 3 - (size_t)(from - url.data)}
              : STR("");
    size_t len = 0;

    if (rest.len && rest.data[0] == '[') {
        while (len < rest.len && rest.data[len] != ']')
            len++;
        return (struct str){rest.data + 1, len ? len - 1 : 0};
    }
    while (len < rest.len && !strchr("/?#:@", rest.data[len]))
        len++;
    return (struct str){rest.data, len};
}

/* EC2's own metadata is no container's endpoint. */
static bool is_agent(struct str host) {
    static const char *const agents[] = {
        "localhost", "169.254.170.2", "169.254.170.23", "fd00:ec2::23", "::1"};
    char text[64] = "";

    for (size_t i = 0; i < sizeof agents / sizeof *agents; i++)
        if (str_is(host, agents[i]))
            return true;
    if (host.len < sizeof text)
        memcpy(text, host.data, host.len);
    return str_starts(host, "127.") && address_is_metadata_text(text);
}

/* (AC8) */
static bool find_url(const struct aws_creds_inputs *in, struct buf *url,
                     enum http_reach *reach, struct err *err) {
    *reach = HTTP_METADATA;
    if (in->container_path) {
        buf_addf(url, AGENT "%s", in->container_path);
        return in->container_path[0] == '/' ||
               err_set(err, ERR_CONFIG,
                       "AWS_CONTAINER_CREDENTIALS_RELATIVE_URI does not begin "
                       "with a slash");
    }
    buf_add_text(url, in->container_url);
    if (strncasecmp(in->container_url, "https://", 8) == 0) {
        *reach = HTTP_PRIVATE;
        return true;
    }
    return (strncasecmp(in->container_url, "http://", 7) == 0 &&
            is_agent(host_of(buf_str(url)))) ||
           err_set(err, ERR_CONFIG,
                   "AWS_CONTAINER_CREDENTIALS_FULL_URI is neither https nor "
                   "on loopback or one of the agents' addresses");
}

/* --- with what --------------------------------------------------------- */

static bool add_token(struct http_request *request, struct str token,
                      struct err *err) {
    token = str_trim(token);
    return token.len == 0 ||
           http_headers_add(&request->headers, STR("Authorization"), token) ||
           err_set(err, ERR_CONFIG,
                   "the authorization token has a line end or a NUL in it");
}

static bool authorise(const struct aws_creds_options *o,
                      struct http_request *request, struct err *err) {
    const char *file = o->inputs.container_token_file;
    struct buf  token = BUF_EMPTY;
    bool        ok;

    if (!file)
        return add_token(
            request,
            secret_find(o->secrets, "AWS_CONTAINER_AUTHORIZATION_TOKEN"), err);
    ok = file_read(file, TOKEN_MAX, &token, err) &&
         add_token(request, buf_str(&token), err);
    aws_creds_value_release_buf(&token);
    return ok;
}

/* The client's own sentence has the URL in it. */
static bool start(const struct aws_creds_options *o,
                  struct http_request *request, struct asking *asking,
                  struct err *err) {
    struct http_call *call;

    if (!o->client)
        return err_set(err, ERR_DENIED, "there is no network here");
    return http_client_start(o->client, request, answered, asking, &call,
                             err) ||
           err_set(err, ERR_CONFIG,
                   "the address of its endpoint cannot be used");
}

static void ask(const struct aws_creds_options *o, struct asking *asking) {
    struct http_request request = {0};
    struct buf          url = BUF_EMPTY;
    enum http_reach     reach;
    struct err          err;
    bool                ok = find_url(&o->inputs, &url, &reach, &err);

    if (ok) {
        aws_creds_http_init(&request, "GET", buf_str(&url), reach, DEADLINE_MS);
        ok = authorise(o, &request, &err) && start(o, &request, asking, &err);
    }
    http_request_release(&request);
    aws_creds_value_release_buf(&url);
    if (!ok)
        fail(asking, &err);
}

void aws_creds_container_fetch(const struct aws_creds_options *o,
                               aws_creds_result_fn *done, void *arg) {
    struct asking *asking;

    if (!o->inputs.container_path && !o->inputs.container_url) {
        aws_creds_result_none(done, arg,
                              "neither AWS_CONTAINER_CREDENTIALS_RELATIVE_URI "
                              "nor _FULL_URI is set");
        return;
    }
    asking = mem_new(sizeof *asking);
    *asking = (struct asking){done, arg};
    ask(o, asking);
}
