/* desk.c - one call at a time, so that a loop of its own serves it. */
#include "cli/desk.h"

#include <ctype.h>
#include <string.h>

#include "app/state.h"
#include "base/mem.h"
#include "graph/incident.h"
#include "net/http_client.h"
#include "serve/inquiry.h"
#include "store/delivery.h"
#include "sys/file.h"
#include "sys/loop.h"

#define API "/api/v1/"
#define DEADLINE_MS 10000
#define ANSWER_MAX (64u << 20)

/* --- opening ------------------------------------------------------------- */

/* "0.0.0.0:80" is listened on, not called. */
static struct str reachable(struct str address, struct buf *out) {
    if (str_starts(address, "0.0.0.0:"))
        buf_addf(out, "127.0.0.1%.*s", (int)address.len - 7, address.data + 7);
    else if (str_starts(address, "[::]:"))
        buf_addf(out, "[::1]%.*s", (int)address.len - 4, address.data + 4);
    else
        buf_add_str(out, address);
    return buf_str(out);
}

/* (DK1) `held` names the process. */
static bool is_holder(const struct json *map, const struct err *held) {
    struct buf  pid = BUF_EMPTY;
    const char *at;
    bool        is;

    buf_addf(&pid, "process %lld", (long long)json_find_int(map, "pid", 0));
    at = strstr(held->text, buf_text(&pid));
    is = at && !isdigit((unsigned char)at[pid.len]);
    buf_release(&pid);
    return is;
}

static bool find_serve(struct desk *desk, const struct err *held) {
    struct buf   path = BUF_EMPTY, text = BUF_EMPTY, address = BUF_EMPTY;
    struct json *map = NULL;
    struct err   err;
    bool         is;

    buf_addf(&path, "%s/serve.json", buf_text(&desk->dir));
    if (file_read_private(buf_text(&path), 64u << 10, &text, &err))
        map = json_parse(buf_str(&text), &json_caps_answer, &err);
    is = map && is_holder(map, held);
    if (is) {
        buf_addf(&desk->url, "%s://%s",
                 json_truth(json_find(map, "tls")) ? "https" : "http",
                 reachable(json_find_text(map, "address"), &address).data);
        buf_addf(&desk->token, "Bearer %.*s",
                 STR_ARG(json_find_text(map, "token")));
    }
    if (text.data)
        mem_wipe(text.data, text.len);
    json_wipe(map);
    json_release(map);
    buf_release(&text);
    buf_release(&path);
    buf_release(&address);
    return is;
}

bool desk_open(struct desk *desk, const struct cli *cli, struct err *err) {
    memset(desk, 0, sizeof *desk);
    desk->store = state_open(cli->value.state, &desk->dir, err);
    return desk->store || (err->code == ERR_HELD && find_serve(desk, err));
}

void desk_close(struct desk *desk) {
    store_close(desk->store);
    if (desk->token.data)
        mem_wipe(desk->token.data, desk->token.len);
    buf_release(&desk->token);
    buf_release(&desk->url);
    buf_release(&desk->dir);
}

/* --- over HTTP ----------------------------------------------------------- */

struct asking {
    struct json *answer;
    struct err  *err;
};

static struct json *refused(const struct http_answer *answer,
                            const struct json *problem, struct err *err) {
    struct str    detail = json_find_text(problem, "detail");
    enum err_code code = answer->status == 404   ? ERR_NOT_FOUND
                         : answer->status == 409 ? ERR_CONFLICT
                         : answer->status == 401 || answer->status == 403
                             ? ERR_DENIED
                             : ERR_REMOTE;

    err_set(err, code, "serve answered %d: %.*s", answer->status,
            STR_ARG(detail));
    return NULL;
}

static void take_answer(void *arg, const struct http_answer *answer,
                        const struct err *err) {
    const struct json_caps caps = {ANSWER_MAX, 100};
    struct asking         *asking = arg;
    struct json           *value;

    if (answer->fate != HTTP_ANSWERED) {
        *asking->err = *err;
        return;
    }
    value = json_parse(buf_str(&answer->body), &caps, asking->err);
    if (value && (answer->status < 300 || json_find(value, "reasons"))) {
        asking->answer = value;
        return;
    }
    if (value)
        (void)refused(answer, value, asking->err);
    json_release(value);
}

static bool send_it(struct desk *desk, struct loop *loop,
                    struct http_client *client, const char *method,
                    const char *path, struct asking *asking) {
    struct http_request request;
    struct http_call   *call;
    struct buf          url = BUF_EMPTY;
    bool                ok;

    buf_addf(&url, "%s%s", buf_text(&desk->url), path);
    http_request_init(&request, method, buf_str(&url));
    request.reach = HTTP_PRIVATE;
    request.deadline_ms = DEADLINE_MS;
    request.answer_cap = ANSWER_MAX;
    request.has_body = method[0] == 'P';
    (void)http_headers_add(&request.headers, STR("Authorization"),
                           buf_str(&desk->token));
    ok = http_client_start(client, &request, take_answer, asking, &call,
                           asking->err);
    if (ok)
        loop_run(loop);
    http_request_release(&request);
    buf_release(&url);
    return ok;
}

static struct json *ask(struct desk *desk, const char *method, const char *path,
                        struct err *err) {
    struct http_client_options options = {.user_agent = "nightshift"};
    struct loop               *loop = loop_open();
    struct http_client        *client = http_client_open(loop, &options);
    struct asking              asking = {NULL, err};

    (void)send_it(desk, loop, client, method, path, &asking);
    http_client_close(client);
    loop_close(loop);
    return asking.answer;
}

static struct json *ask_list(struct desk *desk, const char *name,
                             const char *state, bool all, struct err *err) {
    struct buf   path = BUF_EMPTY;
    struct json *answer;

    buf_addf(&path, API "%s?limit=%d%s%s", name,
             all ? INQUIRY_LIMIT_MAX : INQUIRY_LIMIT, state ? "&state=" : "",
             state ? state : "");
    answer = ask(desk, "GET", buf_text(&path), err);
    buf_release(&path);
    return answer;
}

struct json *desk_ledger(struct desk *desk, struct err *err) {
    return ask(desk, "GET", API "ledger", err);
}

/* 503 is an answer, too: it has its reasons. */
struct json *desk_readiness(struct desk *desk, struct err *err) {
    return ask(desk, "GET", "/readyz", err);
}

/* The id is checked before it becomes a part of a path. */
static struct json *ask_one(struct desk *desk, const char *method,
                            const char *before, const char *id,
                            const char *after, struct err *err) {
    struct buf   path = BUF_EMPTY;
    struct json *answer = NULL;

    if (!str_made_of(str_of(id), isalnum, "_")) {
        err_set(err, ERR_NOT_FOUND, "there is no %s", id);
        return NULL;
    }
    buf_addf(&path, API "%s/%s%s", before, id, after);
    answer = ask(desk, method, buf_text(&path), err);
    buf_release(&path);
    return answer;
}

/* --- either -------------------------------------------------------------- */

static struct inquiry newest(const char *state, bool all) {
    return (struct inquiry){str_of(state), all ? SIZE_MAX : INQUIRY_LIMIT};
}

struct json *desk_runs(struct desk *desk, const char *state, bool all,
                       struct err *err) {
    struct inquiry inquiry = newest(state, all);

    return desk->store ? inquiry_runs(desk->store, &inquiry, err)
                       : ask_list(desk, "runs", state, all, err);
}

struct json *desk_run(struct desk *desk, const char *run, struct err *err) {
    return desk->store ? inquiry_run(desk->store, str_of(run), err)
                       : ask_one(desk, "GET", "runs", run, "", err);
}

struct json *desk_incidents(struct desk *desk, bool all, struct err *err) {
    struct inquiry inquiry = newest(NULL, all);

    return desk->store ? inquiry_incidents(desk->store, &inquiry, err)
                       : ask_list(desk, "incidents", NULL, all, err);
}

struct json *desk_deliveries(struct desk *desk, const char *state, bool all,
                             struct err *err) {
    struct inquiry inquiry = newest(state, all);

    return desk->store ? inquiry_deliveries(desk->store, &inquiry, err)
                       : ask_list(desk, "deliveries", state, all, err);
}

static bool post(struct desk *desk, const char *before, const char *id,
                 const char *after, struct err *err) {
    struct json *answer = ask_one(desk, "POST", before, id, after, err);

    json_release(answer);
    return answer != NULL;
}

bool desk_cancel(struct desk *desk, const char *run, struct err *err) {
    bool found = false;

    if (!desk->store)
        return post(desk, "runs", run, "/cancel", err);
    return incident_cancel(desk->store, run, "operator", &found, err) &&
           (found || err_set(err, ERR_NOT_FOUND,
                             "no run %s waits or is unfinished", run));
}

bool desk_retry(struct desk *desk, const char *delivery, struct err *err) {
    bool found = false;

    if (!desk->store)
        return post(desk, "deliveries", delivery, "/retry", err);
    return delivery_retry(desk->store, str_of(delivery), &found, err) &&
           (found || err_set(err, ERR_NOT_FOUND,
                             "no delivery %s is among the unparsed", delivery));
}
