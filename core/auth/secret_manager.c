/* secret_manager.c - prepare, sign, send, read, wipe. */
#include "auth/secret_manager.h"

#include "base/json.h"
#include "base/mem.h"
#include "net/http_client.h"

#define ANSWER_MAX (256u << 10) /* a secret is at most 64 KiB */

struct fetch {
    struct secret_manager manager;
    struct http_request   request;
    struct signer_scope   scope;
    struct buf            id, key;
    secret_manager_fn    *done;
    void                 *arg;
};

static void end(struct fetch *fetch, struct str value, const struct err *err) {
    fetch->done(fetch->arg, value, err);
    http_request_release(&fetch->request);
    buf_release(&fetch->id);
    buf_release(&fetch->key);
    mem_free(fetch);
}

static void fail(struct fetch *fetch, const struct err *why) {
    struct err err = *why;

    err_wrap(&err, "AWS Secrets Manager, %s", buf_text(&fetch->id));
    end(fetch, STR(""), &err);
}

/* --- the answer -------------------------------------------------------- */

/* A parser's own words show what it stumbled over. (SM1) */
static struct json *parse(struct str text, struct err *err) {
    struct json *value = json_parse(text, &json_caps_answer, err);

    if (!value)
        err_set(err, ERR_REMOTE, "the answer is not JSON");
    return value;
}

/* One field of a secret that is itself JSON. */
static bool end_with_key(struct fetch *fetch, struct str secret,
                         struct err *err) {
    struct json *fields = parse(secret, err);
    struct str   value = json_find_text(fields, buf_text(&fetch->key));

    if (!json_is(fields, JSON_MAP))
        err_set(err, ERR_CONFIG,
                "the secret is no JSON object, so it has no "
                "key %s",
                buf_text(&fetch->key));
    else if (value.len == 0)
        err_set(err, ERR_CONFIG, "the secret has no text under the key %s",
                buf_text(&fetch->key));
    else
        end(fetch, value, NULL);
    json_wipe(fields);
    json_release(fields);
    return value.len > 0;
}

static bool end_with_secret(struct fetch *fetch, const struct json *answer,
                            struct err *err) {
    struct str secret = json_find_text(answer, "SecretString");

    if (secret.len == 0)
        return err_set(err, ERR_REMOTE,
                       "the answer has no SecretString; binary secrets are "
                       "not taken"); /* SM1 */
    if (fetch->key.len)
        return end_with_key(fetch, secret, err);
    end(fetch, secret, NULL);
    return true;
}

static bool read_refusal(const struct http_answer *http,
                         const struct json *answer, struct err *err) {
    struct str type = json_find_text(answer, "__type"), rest;

    (void)str_cut(type, '#', &rest);
    if (rest.data)
        type = rest;
    return err_set(err, http->status == 400 ? ERR_NOT_FOUND : ERR_DENIED,
                   "status %d %.*s", http->status, STR_ARG(type));
}

static void answered(void *arg, const struct http_answer *http,
                     const struct err *failure) {
    struct fetch *fetch = arg;
    struct json  *answer = NULL;
    struct err    err;
    bool          ended = false;

    if (http->fate != HTTP_ANSWERED) {
        fail(fetch, failure);
        return;
    }
    answer = parse(buf_str(&http->body), &err);
    if (http->status != 200)
        read_refusal(http, answer, &err);
    else if (answer)
        ended = end_with_secret(fetch, answer, &err);
    if (!ended)
        fail(fetch, &err);
    json_wipe(answer); /* SM2 */
    json_release(answer);
    mem_wipe(http->body.data, http->body.len);
}

/* --- the question ------------------------------------------------------ */

static void send(struct fetch *fetch) {
    struct http_call *call;
    struct err        err;

    if (!http_client_start(fetch->manager.client, &fetch->request, answered,
                           fetch, &call, &err))
        fail(fetch, &err);
}

static void prepared(void *arg, const struct err *failure) {
    struct fetch *fetch = arg;
    int64_t       now = fetch->manager.clock->wall_ms(fetch->manager.clock);
    struct err    err;

    if (failure)
        fail(fetch, failure);
    else if (signer_sign(fetch->manager.signer, &fetch->scope, now,
                         &fetch->request, &err))
        send(fetch);
    else
        fail(fetch, &err);
}

static void add_header(struct http_request *request, const char *name,
                       struct str value) {
    (void)http_headers_add(&request->headers, str_of(name), value);
}

static void build(struct fetch *fetch) {
    struct http_request *request = &fetch->request;
    struct json         *body = json_new_map();

    http_request_init(request, "POST", fetch->manager.url);
    add_header(request, "Content-Type", STR("application/x-amz-json-1.1"));
    add_header(request, "X-Amz-Target", STR("secretsmanager.GetSecretValue"));
    json_put_text(body, "SecretId", buf_str(&fetch->id));
    json_write(body, &request->body);
    json_release(body);
    request->has_body = true;
    request->reach = HTTP_PRIVATE; /* a VPC endpoint */
    request->deadline_ms = fetch->manager.deadline_ms;
    request->answer_cap = ANSWER_MAX;
}

void secret_manager_fetch(const struct secret_manager *manager,
                          struct str reference, secret_manager_fn *done,
                          void *arg) {
    struct fetch *fetch = mem_new(sizeof *fetch);
    struct str    key, id;

    if (str_starts(reference, "aws:"))
        reference = (struct str){reference.data + 4, reference.len - 4};
    id = str_cut(reference, '#', &key);
    fetch->manager = *manager;
    buf_add_str(&fetch->id, id);
    buf_add_str(&fetch->key, key);
    fetch->done = done;
    fetch->arg = arg;
    fetch->scope.service = STR("secretsmanager");
    fetch->scope.region = manager->region;
    build(fetch);
    signer_prepare(manager->signer, &fetch->scope, prepared, fetch);
}
