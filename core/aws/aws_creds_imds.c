/* aws_creds_imds.c - the role of the EC2 instance that we run on.
 *
 * Three requests: a session token, the name of the role, its credentials. The
 * first is the one that a proxy, a container without the hop for it, or no
 * EC2 at all leaves unanswered, so it has a second and no more. Whoever gives
 * no token is not asked anything else. (AC6)
 *
 * Source: "Use the Instance Metadata Service" in the Amazon EC2 User Guide.
 */
#include <string.h>
#include <strings.h>

#include "aws/aws_creds_private.h"
#include "base/encode.h"
#include "base/mem.h"
#include "net/http_client.h"

#define TOKEN_DEADLINE_MS 1000
#define DEADLINE_MS 2000
#define TTL "21600"
#define TOKEN_MAX 1024
#define ROLES "/latest/meta-data/iam/security-credentials/"

struct session {
    const struct aws_creds_options *o;
    aws_creds_result_fn            *done;
    void                           *arg;
    struct buf                      base;
    struct buf                      token;
};

static struct session close_session(struct session *session) {
    struct session ended = *session;

    buf_release(&session->base);
    aws_creds_value_release_buf(&session->token);
    mem_free(session);
    return ended;
}

static void nothing(struct session *session, const char *why,
                    const struct err *err) {
    struct session ended = close_session(session);

    aws_creds_result_none(ended.done, ended.arg, "%s%s%s", why, err ? ": " : "",
                          err ? err->text : "");
}

static void fail(struct session *session, const struct err *err) {
    struct session ended = close_session(session);

    aws_creds_result_failed(ended.done, ended.arg, err);
}

/* True when `http` is an answer to go on with. */
static bool may_go_on(struct session *session, const struct http_answer *http,
                      const struct err *err, const char *what) {
    char why[80];

    if (http->fate == HTTP_ANSWERED && http->status == 200)
        return true;
    if (http->fate != HTTP_ANSWERED) {
        nothing(session, "no answer", err);
        return false;
    }
    (void)snprintf(why, sizeof why, "%s (status %d)", what, http->status);
    nothing(session, why, NULL);
    return false;
}

static void send(struct session *session, const char *method, const char *path,
                 struct str more, http_done_fn *done) {
    struct http_request request;
    struct http_call   *call;
    struct buf          url = BUF_EMPTY;
    struct err          err;
    bool                first = session->token.len == 0;

    buf_addf(&url, "%s%s", buf_text(&session->base), path);
    encode_percent(more, "", &url);
    aws_creds_http_init(&request, method, buf_str(&url), HTTP_METADATA,
                        first ? TOKEN_DEADLINE_MS : DEADLINE_MS);
    buf_release(&url);
    (void)http_headers_add(&request.headers,
                           first ? STR("X-aws-ec2-metadata-token-ttl-seconds")
                                 : STR("X-aws-ec2-metadata-token"),
                           first ? STR(TTL) : buf_str(&session->token));
    if (!http_client_start(session->o->client, &request, done, session, &call,
                           &err))
        nothing(session, "its address cannot be used", &err);
}

static void got_credentials(void *arg, const struct http_answer *http,
                            const struct err *sent) {
    struct session        *session = arg, ended;
    struct aws_creds_value value;
    struct err             err;

    if (!may_go_on(session, http, sent, "the role has no credentials"))
        return;
    if (!aws_creds_value_read(buf_str(&http->body), &value, &err)) {
        fail(session, &err);
        return;
    }
    ended = close_session(session);
    aws_creds_result_found(ended.done, ended.arg, &value);
}

static void got_role(void *arg, const struct http_answer *http,
                     const struct err *err) {
    struct session *session = arg;
    struct str      rest, name;

    if (!may_go_on(session, http, err, "the instance has no role"))
        return;
    name = str_trim(str_cut(buf_str(&http->body), '\n', &rest));
    if (name.len == 0 || name.len > 256)
        nothing(session, "the instance has no role", NULL);
    else
        send(session, "GET", ROLES, name, got_credentials);
}

static bool take_token(struct session *session, struct str token) {
    token = str_trim(token);
    if (token.len == 0 || token.len > TOKEN_MAX ||
        memchr(token.data, '\n', token.len) ||
        memchr(token.data, '\r', token.len) ||
        memchr(token.data, '\0', token.len))
        return false;
    buf_add_str(&session->token, token);
    return true;
}

/* (AC6) */
static void got_token(void *arg, const struct http_answer *http,
                      const struct err *err) {
    struct session *session = arg;

    if (!may_go_on(session, http, err, "no session token"))
        return;
    if (take_token(session, buf_str(&http->body)))
        send(session, "GET", ROLES, STR(""), got_role);
    else
        nothing(session, "the session token cannot be used", NULL);
}

static void find_base(const struct aws_creds_inputs *in, struct buf *base) {
    if (in->metadata_endpoint)
        buf_add_text(base, in->metadata_endpoint);
    else if (in->metadata_mode && strcasecmp(in->metadata_mode, "ipv6") == 0)
        buf_add_text(base, "http://[fd00:ec2::254]");
    else
        buf_add_text(base, "http://169.254.169.254");
    while (base->len && base->data[base->len - 1] == '/')
        base->data[--base->len] = '\0';
}

void aws_creds_imds_fetch(const struct aws_creds_options *o,
                          aws_creds_result_fn *done, void *arg) {
    const char     *disabled = o->inputs.metadata_disabled;
    struct session *session;

    if (disabled && strcasecmp(disabled, "true") == 0) {
        aws_creds_result_none(done, arg, "AWS_EC2_METADATA_DISABLED is set");
        return;
    }
    if (!o->client) {
        aws_creds_result_none(done, arg, "there is no network here");
        return;
    }
    session = mem_new(sizeof *session);
    *session = (struct session){.o = o, .done = done, .arg = arg};
    find_base(&o->inputs, &session->base);
    send(session, "PUT", "/latest/api/token", STR(""), got_token);
}
