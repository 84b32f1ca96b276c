/* admin.c - roles first, then one table of routes.
 *
 * An exchange sleeps while its question waits for the store thread, which
 * answers it; the loop is not needed for that, so what is asked is answered
 * while a run keeps the loop busy, and the server can be closed from the loop.
 */
#include "serve/admin.h"

#include <ctype.h>
#include <string.h>

#include "base/mem.h"
#include "graph/incident.h"
#include "net/http_server.h"
#include "serve/inquiry.h"
#include "store/delivery.h"
#include "store/queue.h"
#include "sys/loop.h"

struct admin {
    struct admin_options options;
};

/* (AD1) */
bool admin_allows(struct webhook *webhook, struct http_exchange *exchange,
                  enum token_role needs) {
    enum token_role has = webhook_role(webhook, exchange);

    if (token_reaches(has, needs))
        return true;
    if (has == TOKEN_NONE) {
        http_exchange_add(exchange, "WWW-Authenticate",
                          STR("Bearer realm=\"nightshift\""));
        http_exchange_problem(exchange, 401, "unauthorized",
                              "a bearer token is needed");
    } else {
        http_exchange_problem(exchange, 403, "forbidden",
                              "the token's role does not reach that far");
    }
    return false;
}

/* One request that waits for the store thread. */
struct ask {
    struct admin         *admin;
    struct http_exchange *exchange;
    const struct route   *route;
    char                  id[ID_SIZE]; /* the one in the path, or "" */
    char                  state[16];
    size_t                limit;
    struct json          *answer;
};

struct route {
    const char     *method, *before, *after; /* around the id in the path */
    bool            has_id;
    enum token_role needs;
    const char     *states[2]; /* what ?state= may be; the first unless said */
    /* On the store thread; gives the answer. */
    struct json *(*ask)(struct store *store, const struct ask *ask,
                        struct err *err);
    /* Then, when that is durable, on the loop; NULL: nothing. */
    void (*act)(struct admin *admin, const char *id);
};

/* --- questions ----------------------------------------------------------- */

static struct inquiry inquiry_of(const struct ask *ask) {
    return (struct inquiry){str_of(ask->state), ask->limit};
}

static struct json *ask_ledger(struct store *store, const struct ask *ask,
                               struct err *err) {
    (void)ask;
    return inquiry_ledger(store, err);
}

static struct json *ask_runs(struct store *store, const struct ask *ask,
                             struct err *err) {
    struct inquiry inquiry = inquiry_of(ask);

    return inquiry_runs(store, &inquiry, err);
}

static struct json *ask_run(struct store *store, const struct ask *ask,
                            struct err *err) {
    return inquiry_run(store, str_of(ask->id), err);
}

static struct json *ask_incidents(struct store *store, const struct ask *ask,
                                  struct err *err) {
    struct inquiry inquiry = inquiry_of(ask);

    return inquiry_incidents(store, &inquiry, err);
}

static struct json *ask_deliveries(struct store *store, const struct ask *ask,
                                   struct err *err) {
    struct inquiry inquiry = inquiry_of(ask);

    return inquiry_deliveries(store, &inquiry, err);
}

/* --- deeds --------------------------------------------------------------- */

/* What was not open: is it there at all? */
static bool say_why_not(struct store *store, const char *prefix, const char *id,
                        const char *otherwise, struct err *err) {
    struct buf key = BUF_EMPTY;
    bool       found = false, ok;

    buf_addf(&key, "%s%s", prefix, id);
    ok = store_get(store, buf_str(&key), NULL, NULL, &found, err);
    buf_release(&key);
    return ok && err_set(err, found ? ERR_CONFLICT : ERR_NOT_FOUND, "%s",
                         found ? otherwise : "there is none");
}

static struct json *done_with(const char *what, const char *id,
                              const char *state) {
    struct json *out = json_new_map();

    json_put_text(out, what, str_of(id));
    json_put_text(out, "state", str_of(state));
    return out;
}

static struct json *cancel_run(struct store *store, const struct ask *ask,
                               struct err *err) {
    bool found = false;

    if (!incident_cancel(store, ask->id, "operator", &found, err))
        return NULL;
    if (found)
        return done_with("run", ask->id, "cancelling");
    (void)say_why_not(store, INCIDENT_RUN, ask->id, "the run has ended", err);
    return NULL;
}

static struct json *retry_delivery(struct store *store, const struct ask *ask,
                                   struct err *err) {
    bool found = false;

    if (!delivery_retry(store, str_of(ask->id), &found, err))
        return NULL;
    if (found)
        return done_with("delivery", ask->id, "new");
    (void)say_why_not(store, DELIVERY_RECORD, ask->id,
                      "the delivery is not among the unparsed", err);
    return NULL;
}

static void act_cancel(struct admin *admin, const char *id) {
    admin->options.actions->cancel(admin->options.arg, id);
}

static void act_retry(struct admin *admin, const char *id) {
    admin->options.actions->retry(admin->options.arg, id);
}

static struct json *ask_document(struct store *store, const struct ask *ask,
                                 struct err *err) {
    static const unsigned char text[] = {
#include "openapi.json.inc"
    };

    (void)store;
    (void)ask;
    return json_parse((struct str){(const char *)text, sizeof text},
                      &json_caps_answer, err);
}

static const struct route routes[] = {
    {.method = "GET",
     .before = "openapi.json",
     .after = "",
     .needs = TOKEN_VIEWER,
     .ask = ask_document},
    {.method = "GET",
     .before = "ledger",
     .after = "",
     .needs = TOKEN_VIEWER,
     .ask = ask_ledger},
    {.method = "GET",
     .before = "runs",
     .after = "",
     .needs = TOKEN_VIEWER,
     .states = {"all", "open"},
     .ask = ask_runs},
    {.method = "GET",
     .before = "runs/",
     .after = "",
     .has_id = true,
     .needs = TOKEN_VIEWER,
     .ask = ask_run},
    {.method = "POST",
     .before = "runs/",
     .after = "/cancel",
     .has_id = true,
     .needs = TOKEN_OPERATOR,
     .ask = cancel_run,
     .act = act_cancel},
    {.method = "GET",
     .before = "incidents",
     .after = "",
     .needs = TOKEN_VIEWER,
     .ask = ask_incidents},
    {.method = "GET",
     .before = "deliveries",
     .after = "",
     .needs = TOKEN_VIEWER,
     .states = {"unparsed", "new"},
     .ask = ask_deliveries},
    {.method = "POST",
     .before = "deliveries/",
     .after = "/retry",
     .has_id = true,
     .needs = TOKEN_OPERATOR,
     .ask = retry_delivery,
     .act = act_retry},
};
#define ROUTES (sizeof routes / sizeof *routes)

bool admin_route(size_t index, const char **method, struct buf *path) {
    const struct route *route = &routes[index];

    if (index >= ROUTES)
        return false;
    *method = route->method;
    buf_clear(path);
    buf_addf(path, "/api/v1/%s%s%s", route->before, route->has_id ? "{id}" : "",
             route->after);
    return true;
}

/* --- the way there and back ---------------------------------------------- */

static bool find_answer(struct store *store, void *arg, struct err *err) {
    struct ask *ask = arg;

    ask->answer = ask->route->ask(store, ask, err);
    return ask->answer != NULL;
}

static void answer_err(struct http_exchange *exchange, const struct err *err) {
    if (err->code == ERR_NOT_FOUND) {
        http_exchange_problem(exchange, 404, "not_found", err->text);
    } else if (err->code == ERR_CONFLICT) {
        http_exchange_problem(exchange, 409, "conflict", err->text);
    } else if (err->code == ERR_IO) {
        http_exchange_problem(exchange, 503, "store_failed",
                              "the store has failed");
    } else {
        http_exchange_problem(exchange, 500, err_name(err->code), err->text);
    }
}

static void act(void *arg) {
    struct ask *ask = arg;

    ask->route->act(ask->admin, ask->id);
    mem_free(ask);
}

/* On the store thread, when all of it is durable: the sender first, since the
 * loop may be waiting for the last exchange to be answered. */
static void answer(void *arg, const struct err *err) {
    struct ask  *ask = arg;
    struct loop *loop = ask->admin->options.loop;
    struct buf   body = BUF_EMPTY;
    bool         deed = !err && ask->route->act;

    if (deed)
        loop_expect(loop);
    if (err) {
        answer_err(ask->exchange, err);
    } else {
        json_write(ask->answer, &body);
        http_exchange_answer(ask->exchange, deed ? 202 : 200,
                             "application/json", buf_str(&body));
    }
    buf_release(&body);
    json_release(ask->answer);
    if (deed)
        loop_post(loop, act, ask);
    else
        mem_free(ask);
}

/* --- a request ----------------------------------------------------------- */

static bool fits(const struct route *route, struct str tail, struct str *id) {
    size_t around = strlen(route->before) + strlen(route->after);

    *id = STR("");
    if (!route->has_id)
        return str_is(tail, route->before);
    if (!str_starts(tail, route->before) || !str_ends(tail, route->after) ||
        tail.len <= around || tail.len - around >= ID_SIZE)
        return false;
    *id = (struct str){tail.data + strlen(route->before), tail.len - around};
    return str_made_of(*id, isalnum, "_");
}

static const struct route *find(struct str method, struct str tail,
                                struct str *id, const char **allowed) {
    *allowed = NULL;
    for (size_t i = 0; i < ROUTES; i++) {
        if (!fits(&routes[i], tail, id))
            continue;
        if (str_is(method, routes[i].method))
            return &routes[i];
        *allowed = routes[i].method;
    }
    return NULL;
}

static bool read_limit(struct ask *ask) {
    struct str text = http_exchange_query(ask->exchange, "limit");
    int64_t    limit = INQUIRY_LIMIT;

    if (text.len &&
        (!str_to_int(text, &limit) || limit < 1 || limit > INQUIRY_LIMIT_MAX))
        return false;
    ask->limit = (size_t)limit;
    return true;
}

static bool read_state(struct ask *ask) {
    const char *const *states = ask->route->states;
    struct str         text = http_exchange_query(ask->exchange, "state");

    if (!states[0])
        return true;
    if (text.len && !str_is(text, states[0]) && !str_is(text, states[1]))
        return false;
    (void)snprintf(ask->state, sizeof ask->state, "%s",
                   text.len && str_is(text, states[1]) ? states[1] : states[0]);
    return true;
}

static void begin(struct admin *admin, struct http_exchange *exchange,
                  const struct route *route, struct str id) {
    struct ask *ask = mem_new(sizeof *ask);

    ask->admin = admin;
    ask->exchange = exchange;
    ask->route = route;
    (void)snprintf(ask->id, sizeof ask->id, "%.*s", STR_ARG(id));
    if (read_limit(ask) && read_state(ask)) {
        queue_submit(admin->options.queue, find_answer, answer, ask);
        return;
    }
    http_exchange_problem(exchange, 400, "invalid",
                          "limit is 1 to 200; state is one that is listed");
    mem_free(ask);
}

static void refuse(struct http_exchange *exchange, const char *allowed) {
    if (!allowed) {
        http_exchange_problem(exchange, 404, "no_such_path",
                              "nothing is served under this path and method");
        return;
    }
    http_exchange_add(exchange, "Allow", str_of(allowed));
    http_exchange_problem(exchange, 405, "method_not_allowed",
                          "this path takes another method");
}

struct admin *admin_open(const struct admin_options *options) {
    struct admin *admin = mem_new(sizeof *admin);

    admin->options = *options;
    return admin;
}

void admin_close(struct admin *admin) {
    mem_free(admin);
}

/* (AD1) */
void admin_take(struct admin *admin, struct http_exchange *exchange,
                struct str tail) {
    struct webhook     *webhook = admin->options.webhook;
    struct str          id;
    const char         *allowed;
    const struct route *route =
        find(http_exchange_method(exchange), tail, &id, &allowed);

    if (!admin_allows(webhook, exchange, route ? route->needs : TOKEN_VIEWER))
        return;
    if (route)
        begin(admin, exchange, route, id);
    else
        refuse(exchange, allowed);
}
