/* verdict.c - reads a delivery, opens a source for it and asks once. */
#include "cli/verdict.h"

#include <stdlib.h>

#include "auth/inbound.h"
#include "base/encode.h"
#include "base/mem.h"
#include "base/nearest.h"
#include "base/timestamp.h"
#include "net/http.h"
#include "secret/secret.h"

struct delivery {
    struct secrets        *secrets;
    struct http_headers    headers;
    struct buf             body, names;
    struct inbound_request request;
};

static struct str header_of(void *arg, const char *name) {
    return http_headers_find(arg, name);
}

/* --- reading ------------------------------------------------------------- */

static bool check_members(const struct json *given, struct err *err) {
    static const char *const known[] = {
        "settings", "secrets", "headers", "body",         "body_base64",
        "time",     "subject", "names",   "certificates", NULL};
    struct json_walk walk = json_walk_over(given);
    struct nearest   nearest = nearest_to(STR(""));
    struct buf       words = BUF_EMPTY;
    bool             ok = true;

    while (ok && json_walk_next(&walk)) {
        ok = str_in(walk.key, known);
        nearest = nearest_to(walk.key);
    }
    for (size_t i = 0; !ok && known[i]; i++)
        nearest_offer(&nearest, str_of(known[i]));
    if (!ok)
        (void)err_set(err, ERR_INVALID, "verify has no member of this name%s",
                      nearest_words(&nearest, &words));
    json_walk_stop(&walk);
    buf_release(&words);
    return ok;
}

static void put_secret(struct delivery *delivery, const struct json *given,
                       const char *key) {
    struct str name =
        json_find_text(json_dig(given, "settings", key, NULL), "secret");
    struct str value =
        json_find_text(json_find(given, "secrets"), name.len ? name.data : "");

    if (value.len == 0 && name.len)
        value = str_of(getenv(name.data));
    if (name.len)
        secret_put(delivery->secrets, name.data, value);
}

static bool read_headers(struct delivery *delivery, const struct json *map,
                         struct err *err) {
    struct json_walk walk = json_walk_over(map);
    bool             ok = true;

    while (ok && json_walk_next(&walk))
        ok = json_is(walk.value, JSON_TEXT) &&
             http_headers_add(&delivery->headers, walk.key,
                              json_text(walk.value));
    json_walk_stop(&walk);
    return ok || err_set(err, ERR_INVALID,
                         "headers: a value must be a string without line end");
}

static bool read_delivery(struct delivery *delivery, const struct json *given,
                          struct err *err) {
    const struct json *names = json_find(given, "names");

    if (!check_members(given, err))
        return false;
    put_secret(delivery, given, "secret");
    put_secret(delivery, given, "old_secret");
    buf_add_str(&delivery->body, json_find_text(given, "body"));
    for (size_t i = 0; i < json_count(names); i++)
        buf_addf(&delivery->names, "%.*s\n",
                 STR_ARG(json_text(json_at(names, i))));
    if (!encode_base64_read(json_find_text(given, "body_base64"),
                            &delivery->body, err))
        return err_wrap(err, "body_base64");
    if (!timestamp_read(json_find_text(given, "time"),
                        &delivery->request.now_ms, err))
        return err_wrap(err, "time");
    delivery->request.header = header_of;
    delivery->request.arg = &delivery->headers;
    delivery->request.body = buf_str(&delivery->body);
    delivery->request.client_subject = json_find_text(given, "subject");
    delivery->request.client_names = buf_str(&delivery->names);
    return read_headers(delivery, json_find(given, "headers"), err);
}

/* --- answering ----------------------------------------------------------- */

static void put_some(struct json *answer, const char *key, const char *text) {
    if (*text)
        json_put_text(answer, key, str_of(text));
}

static struct json *answer_of(enum inbound_verdict         verdict,
                              const struct inbound_result *result) {
    static const char *const words[] = {[INBOUND_TRUSTED] = "trusted",
                                        [INBOUND_REFUSED] = "refused",
                                        [INBOUND_NEEDS_CERTIFICATE] =
                                            "needs_certificate"};
    struct json             *answer = json_new_map();

    json_put_text(answer, "verdict", str_of(words[verdict]));
    put_some(answer, "why", inbound_why_name(result->why));
    put_some(answer, "secret",
             result->secret < 0    ? ""
             : result->secret == 0 ? "secret"
                                   : "old_secret");
    put_some(answer, "delivery", result->delivery);
    put_some(answer, "who", result->who);
    put_some(answer, "url", result->url);
    return answer;
}

static bool learn(struct inbound *inbound, const struct json *certificates,
                  int64_t now_ms, struct err *err) {
    struct json_walk walk = json_walk_over(certificates);
    bool             ok = true;

    while (ok && json_walk_next(&walk))
        ok = inbound_learn(inbound, walk.key, json_text(walk.value), now_ms,
                           err);
    json_walk_stop(&walk);
    return ok;
}

struct json *verdict_of(const struct json *given, struct err *err) {
    struct delivery       delivery = {.secrets = secret_open()};
    struct inbound       *inbound = NULL;
    struct inbound_result result;
    struct json          *answer = NULL;
    enum inbound_verdict  verdict;

    if (read_delivery(&delivery, given, err))
        inbound = inbound_open(STR("verify"), json_find(given, "settings"),
                               delivery.secrets, err);
    if (inbound && learn(inbound, json_find(given, "certificates"),
                         delivery.request.now_ms, err)) {
        verdict = inbound_check(inbound, &delivery.request, &result);
        answer = answer_of(verdict, &result);
        put_some(answer, "warning", inbound_warning(inbound));
    }
    inbound_close(inbound);
    secret_close(delivery.secrets);
    http_headers_release(&delivery.headers);
    buf_release(&delivery.body);
    buf_release(&delivery.names);
    return answer;
}
