/* github_app.c - one grant for each repository; a fetch is one or two requests.
 *
 * A grant is fetched by: GET its installation, unless that is known, then POST
 * for a token. Whoever waits is told in the order of asking, always from a
 * callback of the loop.
 */
#include "auth/github_app.h"

#include <strings.h>

#include "base/clock.h"
#include "base/encode.h"
#include "base/mem.h"
#include "base/timestamp.h"
#include "net/http_client.h"
#include "secret/redact.h"
#include "sys/crypto.h"
#include "sys/loop.h"

#define GRANTS_MAX 256
#define REFRESH_MS (5 * 60000)
#define BACK_DATED_S 60
#define JWT_LIFE_S 540 /* from now; with the back date exactly 10 minutes */
#define DEADLINE_MS 20000
#define ANSWER_CAP (1u << 20)
#define PEM_MAX 16384
#define SKEW_LEAST_MS 30000 /* less than that is not why */

struct waiter {
    signer_done_fn *done;
    void           *arg;
};

struct grant {
    struct github_app *app;
    char              *owner, *repo; /* both "" for the whole installation */
    struct buf         token;
    int64_t            ends_ms, installation;
    struct waiter     *waiters;
    size_t             waiting;
    bool               busy, mended;
    struct err         err; /* of a fetch that could not begin */
};

struct github_app {
    struct signer             signer; /* first: the ops find us by it */
    struct github_app_options options;
    struct crypto_rsa        *key;
    struct grant             *grants[GRANTS_MAX];
    size_t                    count;
    int64_t                   skew_ms; /* GitHub's clock minus ours */
};

/* By GitHub's clock, which judges both the proof and a token's end. */
static int64_t now_of(const struct github_app *app) {
    return app->options.clock->wall_ms(app->options.clock) + app->skew_ms;
}

static const struct json *settings(const struct github_app *app) {
    return json_dig(app->options.config, "github", "app", NULL);
}

static void wipe(struct buf *buf) {
    mem_wipe(buf->data, buf->cap);
    buf_release(buf);
}

/* --- grants ------------------------------------------------------------- */

static void release_grant(struct grant *grant) {
    wipe(&grant->token);
    mem_free(grant->owner);
    mem_free(grant->repo);
    mem_free(grant->waiters);
    mem_free(grant);
}

/* GitHub takes names in any case. */
static bool same_name(const char *mine, struct str name) {
    return strlen(mine) == name.len &&
           strncasecmp(mine, name.data, name.len) == 0;
}

static struct grant *find_grant(const struct github_app   *app,
                                const struct signer_scope *scope) {
    for (size_t i = 0; i < app->count; i++)
        if (same_name(app->grants[i]->owner, scope->owner) &&
            same_name(app->grants[i]->repo, scope->repo))
            return app->grants[i];
    return NULL;
}

/* One that nobody waits for makes room. */
static bool make_room(struct github_app *app) {
    for (size_t i = 0; app->count == GRANTS_MAX && i < app->count; i++) {
        if (app->grants[i]->busy)
            continue;
        release_grant(app->grants[i]);
        app->grants[i] = app->grants[--app->count];
    }
    return app->count < GRANTS_MAX;
}

static struct grant *add_grant(struct github_app         *app,
                               const struct signer_scope *scope) {
    struct grant *grant;

    if (!make_room(app))
        return NULL;
    grant = mem_new(sizeof *grant);
    grant->app = app;
    grant->owner = mem_text(scope->owner.data, scope->owner.len);
    grant->repo = mem_text(scope->repo.data, scope->repo.len);
    (void)str_to_int(json_find_text(settings(app), "installation"),
                     &grant->installation);
    app->grants[app->count++] = grant;
    return grant;
}

static bool good(const struct grant *grant, int64_t spare_ms) {
    return grant->token.len > 0 &&
           grant->ends_ms - now_of(grant->app) > spare_ms;
}

/* The fetch is over. A waiter may ask again at once, and is a new one then. */
static void tell(struct grant *grant, const struct err *err) {
    struct waiter *waiters = grant->waiters;
    size_t         waiting = grant->waiting;

    grant->waiters = NULL;
    grant->waiting = 0;
    grant->busy = false;
    for (size_t i = 0; i < waiting; i++)
        waiters[i].done(waiters[i].arg, err);
    mem_free(waiters);
}

static void tell_err(void *arg) {
    struct grant *grant = arg;
    struct err    err = grant->err;

    tell(grant, &err);
}

/* --- the App's own proof ------------------------------------------------ */

static void add_base64url(struct str bytes, struct buf *out) {
    size_t from = out->len;

    encode_base64(bytes, out);
    while (out->len > from && out->data[out->len - 1] == '=')
        out->data[--out->len] = '\0';
    for (size_t i = from; i < out->len; i++)
        if (out->data[i] == '+')
            out->data[i] = '-';
        else if (out->data[i] == '/')
            out->data[i] = '_';
}

static void add_claims(const struct github_app *app, struct buf *out) {
    int64_t      now_s = now_of(app) / 1000;
    struct json *claims = json_new_map();
    struct buf   text = BUF_EMPTY;

    json_put_int(claims, "iat", now_s - BACK_DATED_S);
    json_put_int(claims, "exp", now_s + JWT_LIFE_S);
    json_put_text(claims, "iss", json_find_text(settings(app), "id"));
    json_write(claims, &text);
    add_base64url(buf_str(&text), out);
    json_release(claims);
    buf_release(&text);
}

/* (GA1) Room is made first, so that no outgrown copy stays unwiped. */
static bool make_jwt(const struct github_app *app, struct buf *jwt) {
    struct buf signature = BUF_EMPTY;
    bool       ok;

    buf_reserve(jwt, 4096);
    add_base64url(STR("{\"alg\":\"RS256\",\"typ\":\"JWT\"}"), jwt);
    buf_add_char(jwt, '.');
    add_claims(app, jwt);
    ok = crypto_rsa_sign(app->key, buf_str(jwt), &signature);
    if (ok) {
        buf_add_char(jwt, '.');
        add_base64url(buf_str(&signature), jwt);
        redact_learn_until(app->options.redact, buf_str(jwt),
                           now_of(app) + JWT_LIFE_S * 1000, now_of(app));
    }
    wipe(&signature);
    return ok;
}

static bool add_proof(const struct github_app *app,
                      struct http_request *request, struct err *err) {
    struct buf jwt = BUF_EMPTY, value = BUF_EMPTY;
    bool       ok = make_jwt(app, &jwt);

    if (ok) {
        buf_reserve(&value, jwt.len + 8);
        buf_addf(&value, "Bearer %s", buf_text(&jwt));
        ok = http_headers_add(&request->headers, STR("Authorization"),
                              buf_str(&value));
    }
    wipe(&jwt);
    wipe(&value);
    return ok || err_set(err, ERR_CONFIG, "the GitHub App's key cannot sign");
}

/* --- requests ----------------------------------------------------------- */

static void begin_url(const struct github_app *app, struct buf *url) {
    struct str base =
        json_find_text(json_find(app->options.config, "github"), "url");

    buf_add_str(url, base.len ? base : STR("https://api.github.com"));
    while (url->len && url->data[url->len - 1] == '/')
        url->data[--url->len] = '\0';
}

static bool ask(struct grant *grant, const char *method, const struct buf *url,
                const struct json *body, http_done_fn *done, struct err *err) {
    struct github_app  *app = grant->app;
    struct http_request request = {0};
    struct http_call   *call;
    bool                ok;

    http_request_init(&request, method, buf_str(url));
    (void)http_headers_add(&request.headers, STR("Accept"),
                           STR("application/vnd.github+json"));
    (void)http_headers_add(&request.headers, STR("X-GitHub-Api-Version"),
                           STR("2022-11-28"));
    if (body) {
        request.has_body = true;
        json_write(body, &request.body);
        (void)http_headers_add(&request.headers, STR("Content-Type"),
                               STR("application/json"));
    }
    request.reach = HTTP_PRIVATE;
    request.deadline_ms = DEADLINE_MS;
    request.answer_cap = ANSWER_CAP;
    ok = add_proof(app, &request, err) &&
         http_client_start(app->options.client, &request, done, grant, &call,
                           err);
    http_request_release(&request);
    return ok;
}

/* What a refusal means for whoever set this up. */
static bool refusal(const struct grant *grant, const struct http_answer *http,
                    const struct json *body, struct err *err) {
    struct str words = json_find_text(body, "message");
    bool       limited =
        http->status == 429 ||
        http_headers_find(&http->headers, "retry-after").len > 0 ||
        str_is(http_headers_find(&http->headers, "x-ratelimit-remaining"), "0");
    enum err_code code = limited               ? ERR_THROTTLED
                         : http->status == 401 ? ERR_DENIED
                         : http->status == 403 ? ERR_DENIED
                         : http->status == 404 ? ERR_NOT_FOUND
                         : http->status == 422 ? ERR_DENIED
                                               : ERR_REMOTE;
    const char   *hint =
        code == ERR_NOT_FOUND ? "; is the App installed there?"
          : http->status == 401 ? "; is this its id, its key, and the time?"
          : http->status == 422 ? "; has it github.app.permissions there?"
                                : "";

    err_set(err, code, "GitHub App for %s/%s: status %d%s%.*s%s",
            *grant->owner ? grant->owner : "*",
            *grant->repo ? grant->repo : "*", http->status,
            words.len ? ": " : "", (int)(words.len > 200 ? 200 : words.len),
            words.data ? words.data : "", hint);
    err->status = http->status;
    return false;
}

/* Gives the body of the answer that was hoped for. */
static struct json *expect(const struct grant *grant, int status,
                           const struct http_answer *http,
                           const struct err *failure, struct err *err) {
    struct json *body;
    struct err   unread;

    if (http->fate != HTTP_ANSWERED) {
        *err = *failure;
        err_wrap(err, "GitHub App");
        return NULL;
    }
    body = json_parse(buf_str(&http->body), &json_caps_answer, &unread);
    if (http->status == status && json_is(body, JSON_MAP))
        return body;
    if (http->status == status)
        err_set(err, ERR_REMOTE, "GitHub App: the answer is no JSON object");
    else
        (void)refusal(grant, http, body, err);
    json_release(body);
    return NULL;
}

/* A proof is refused when our clock is off; the answer says what time it is
 * there. Once for each fetch. (GA5) */
static bool mend(struct grant *grant, const struct http_answer *http) {
    struct github_app *app = grant->app;
    int64_t            theirs, skew;
    struct err         err;

    if (grant->mended || http->fate != HTTP_ANSWERED || http->status != 401 ||
        !timestamp_read_http(http_headers_find(&http->headers, "date"), &theirs,
                             &err))
        return false;
    skew = theirs - app->options.clock->wall_ms(app->options.clock);
    if (skew - app->skew_ms > -SKEW_LEAST_MS &&
        skew - app->skew_ms < SKEW_LEAST_MS)
        return false;
    app->skew_ms = skew;
    grant->mended = true;
    return true;
}

static bool begin(struct grant *grant, struct err *err);

/* --- a token ------------------------------------------------------------ */

/* (GA4) */
static bool take_token(struct grant *grant, const struct json *body,
                       struct err *err) {
    struct github_app *app = grant->app;
    struct str         token = json_find_text(body, "token");
    int64_t            now = now_of(app), ends;
    struct err         unread;

    if (token.len < 8 ||
        !timestamp_read(json_find_text(body, "expires_at"), &ends, &unread))
        return err_set(err, ERR_REMOTE,
                       "GitHub App: the answer has no token with an end");
    redact_learn_until(app->options.redact, token, ends + 60000, now);
    wipe(&grant->token);
    buf_reserve(&grant->token, token.len);
    buf_add_str(&grant->token, token);
    grant->ends_ms = ends;
    mem_wipe((char *)token.data, token.len);
    return good(grant, 0) ||
           err_set(err, ERR_REMOTE,
                   "GitHub App: the token has run out already; is this "
                   "machine's clock right?");
}

static void token_came(void *arg, const struct http_answer *http,
                       const struct err *failure) {
    struct grant *grant = arg;
    struct err    err;
    struct json  *body = expect(grant, 201, http, failure, &err);
    bool          ok = body && take_token(grant, body, &err);

    if (!ok && mend(grant, http) && begin(grant, &err))
        return;
    json_release(body);
    if (http->body.data)
        mem_wipe(http->body.data, http->body.len);
    /* It may have been uninstalled and installed again, under a new number. */
    if (!ok && err.code == ERR_NOT_FOUND &&
        !json_find(settings(grant->app), "installation"))
        grant->installation = 0;
    tell(grant, ok ? NULL : &err);
}

static struct json *wanted(const struct grant *grant) {
    const struct json *permissions =
        json_find(settings(grant->app), "permissions");
    struct json *body = json_new_map(), *repositories = json_new_list();

    if (*grant->repo) {
        json_append_text(repositories, str_of(grant->repo));
        json_put(body, "repositories", json_retain(repositories));
    }
    if (json_count(permissions) > 0)
        json_put(body, "permissions", json_clone(permissions));
    json_release(repositories);
    return body;
}

static bool ask_token(struct grant *grant, struct err *err) {
    struct buf   url = BUF_EMPTY;
    struct json *body = wanted(grant);
    bool         ok;

    begin_url(grant->app, &url);
    buf_addf(&url, "/app/installations/%lld/access_tokens",
             (long long)grant->installation);
    ok = ask(grant, "POST", &url, body, token_came, err);
    json_release(body);
    buf_release(&url);
    return ok;
}

/* --- its installation --------------------------------------------------- */

static void installation_came(void *arg, const struct http_answer *http,
                              const struct err *failure) {
    struct grant *grant = arg;
    struct err    err;
    struct json  *body = expect(grant, 200, http, failure, &err);
    bool          ok = body != NULL;

    if (!ok && mend(grant, http) && begin(grant, &err))
        return;
    if (ok) {
        grant->installation = json_find_int(body, "id", 0);
        ok = grant->installation > 0 ||
             err_set(&err, ERR_REMOTE, "GitHub App: an installation has no id");
    }
    json_release(body);
    if (!ok || !ask_token(grant, &err))
        tell(grant, &err);
}

static bool ask_installation(struct grant *grant, struct err *err) {
    struct buf url = BUF_EMPTY;
    bool       ok;

    if (!*grant->owner || !*grant->repo)
        return err_set(err, ERR_CONFIG,
                       "this request names no repository, so whose token "
                       "should sign it? Set github.app.installation, or give "
                       "owner and repo as options");
    begin_url(grant->app, &url);
    buf_add_text(&url, "/repos/");
    encode_percent(str_of(grant->owner), "", &url);
    buf_add_char(&url, '/');
    encode_percent(str_of(grant->repo), "", &url);
    buf_add_text(&url, "/installation");
    ok = ask(grant, "GET", &url, NULL, installation_came, err);
    buf_release(&url);
    return ok;
}

/* --- the signer --------------------------------------------------------- */

struct ready {
    struct waiter waiter;
    struct err   *err;
};

static void report(void *arg) {
    struct ready ready = *(struct ready *)arg;

    mem_free(arg);
    ready.waiter.done(ready.waiter.arg, ready.err);
    mem_free(ready.err);
}

static void report_later(struct github_app *app, struct waiter waiter,
                         const struct err *err) {
    struct ready *ready = mem_new(sizeof *ready);

    ready->waiter = waiter;
    if (err) {
        ready->err = mem_new(sizeof *err);
        *ready->err = *err;
    }
    loop_defer(app->options.loop, report, ready);
}

static bool begin(struct grant *grant, struct err *err) {
    return grant->installation ? ask_token(grant, err)
                               : ask_installation(grant, err);
}

/* (GA2) */
static void fetch(struct grant *grant) {
    if (grant->busy)
        return;
    grant->busy = true;
    grant->mended = false;
    if (!begin(grant, &grant->err))
        loop_defer(grant->app->options.loop, tell_err, grant);
}

static void prepare(struct signer *signer, const struct signer_scope *scope,
                    signer_done_fn *done, void *arg) {
    struct github_app *app = (struct github_app *)signer;
    struct grant      *grant = find_grant(app, scope);
    struct waiter      waiter = {done, arg};
    struct err         err;

    if (grant && good(grant, REFRESH_MS)) {
        report_later(app, waiter, NULL);
        return;
    }
    if (!grant)
        grant = add_grant(app, scope);
    if (!grant) {
        err_set(&err, ERR_LIMIT, "GitHub App: %d repositories at once",
                GRANTS_MAX);
        report_later(app, waiter, &err);
        return;
    }
    grant->waiters = mem_resize(grant->waiters,
                                (grant->waiting + 1) * sizeof *grant->waiters);
    grant->waiters[grant->waiting++] = waiter;
    fetch(grant);
}

/* (GA3) */
static bool sign(struct signer *signer, const struct signer_scope *scope,
                 int64_t now_ms, struct http_request *request,
                 struct err *err) {
    struct github_app *app = (struct github_app *)signer;
    struct grant      *grant = find_grant(app, scope);
    struct buf         value = BUF_EMPTY;
    bool               ok;

    (void)now_ms;
    if (!grant || !good(grant, 0))
        return err_set(err, ERR_DENIED, "GitHub App: no token for %.*s/%.*s",
                       STR_ARG(scope->owner), STR_ARG(scope->repo));
    buf_reserve(&value, grant->token.len + 8);
    buf_addf(&value, "Bearer %s", buf_text(&grant->token));
    http_headers_drop(&request->headers, "Authorization");
    ok = http_headers_add(&request->headers, STR("Authorization"),
                          buf_str(&value));
    wipe(&value);
    return ok ||
           err_set(err, ERR_REMOTE, "GitHub App: the token cannot be sent");
}

static bool forget(struct signer *signer, const struct signer_scope *scope) {
    struct grant *grant = find_grant((struct github_app *)signer, scope);

    if (grant)
        wipe(&grant->token);
    return grant != NULL;
}

static void close_app(struct signer *signer) {
    struct github_app *app = (struct github_app *)signer;

    for (size_t i = 0; i < app->count; i++)
        release_grant(app->grants[i]);
    crypto_rsa_close(app->key);
    mem_free(app);
}

static const struct signer_ops ops = {prepare, sign, forget, close_app};

/* In an environment variable line ends are often written as \n. */
static struct crypto_rsa *read_key(struct str pem) {
    struct buf         text = BUF_EMPTY;
    struct crypto_rsa *key;

    if (pem.len > PEM_MAX)
        return NULL;
    buf_reserve(&text, pem.len);
    for (size_t i = 0; i < pem.len; i++)
        if (pem.data[i] == '\\' && i + 1 < pem.len && pem.data[i + 1] == 'n') {
            buf_add_char(&text, '\n');
            i++;
        } else {
            buf_add_char(&text, pem.data[i]);
        }
    key = crypto_rsa_read(buf_str(&text));
    wipe(&text);
    return key;
}

struct signer *github_app_open(const struct github_app_options *options,
                               struct str key, struct err *err) {
    const struct json *app_settings =
        json_dig(options->config, "github", "app", NULL);
    struct str id = json_find_text(app_settings, "id");
    struct str installation = json_find_text(app_settings, "installation");
    struct crypto_rsa *read;
    struct github_app *app;
    int64_t            number;

    if (id.len == 0 || key.len == 0) {
        err_set(err, ERR_CONFIG,
                "a GitHub App needs both github.app.id and its key: set "
                "GITHUB_APP_ID and GITHUB_APP_PRIVATE_KEY_FILE");
        return NULL;
    }
    if (installation.len &&
        (!str_to_int(installation, &number) || number < 1)) {
        err_set(err, ERR_CONFIG, "github.app.installation is no number");
        return NULL;
    }
    read = read_key(key);
    if (!read) {
        err_set(err, ERR_CONFIG,
                "the GitHub App's key is no RSA private key of 2048 bits or "
                "more, in PEM and without a passphrase");
        return NULL;
    }
    app = mem_new(sizeof *app);
    app->signer.ops = &ops;
    app->options = *options;
    app->key = read;
    return &app->signer;
}
