/* inbound_setting.c - one source's settings, held against its method's row.
 *
 * A setting that the method has no use for is refused like one that is missing:
 * whoever wrote it believes that it protects him. (IN6) Sentences name the key
 * and never what a secret holds. (IN5)
 */
#include <stdarg.h>
#include <string.h>

#include "auth/inbound_private.h"
#include "base/mem.h"
#include "base/nearest.h"
#include "base/timestamp.h"
#include "secret/secret.h"

#define SECRET_SHORT 16 /* bytes */
#define WINDOW_MOST_MS ((int64_t)24 * 3600 * 1000)

static bool refuse(const struct inbound_settings *from, struct err *err,
                   const char *key, const char *fmt, ...)
    __attribute__((format(printf, 4, 5)));

static bool refuse(const struct inbound_settings *from, struct err *err,
                   const char *key, const char *fmt, ...) {
    struct buf text = BUF_EMPTY;
    char       words[600];
    va_list    args;

    va_start(args, fmt);
    (void)vsnprintf(words, sizeof words, fmt, args);
    va_end(args);
    buf_addf(&text, "sources.%.*s.%s %s", STR_ARG(from->source), key, words);
    err_set(err, ERR_CONFIG, "%s", buf_text(&text));
    buf_release(&text);
    return false;
}

/* --- auth --------------------------------------------------------------- */

static void list_methods(struct buf *out) {
    for (int i = 0; i < INBOUND_METHOD_COUNT; i++)
        buf_addf(out, "%s%s", i ? ", " : "",
                 inbound_method_name((enum inbound_method)i));
}

static bool unknown_method(const struct inbound_settings *from,
                           struct str given, struct err *err) {
    struct nearest nearest = nearest_to(given);
    struct buf     all = BUF_EMPTY, words = BUF_EMPTY;

    list_methods(&all);
    for (int i = 0; i < INBOUND_METHOD_COUNT; i++)
        nearest_offer(&nearest,
                      str_of(inbound_method_name((enum inbound_method)i)));
    if (given.len == 0)
        (void)refuse(from, err, "auth",
                     "is missing: say how its sender is known (%s)",
                     buf_text(&all));
    else
        (void)refuse(from, err, "auth", "is \"%.*s\"%s; it must be one of %s",
                     (int)(given.len > 40 ? 40 : given.len), given.data,
                     nearest_words(&nearest, &words), buf_text(&all));
    buf_release(&all);
    buf_release(&words);
    return false;
}

static bool read_method(struct inbound                *inbound,
                        const struct inbound_settings *from, struct err *err) {
    struct str given = json_find_text(from->settings, "auth");

    for (int i = 0; i < INBOUND_METHOD_COUNT; i++)
        if (str_is(given, inbound_method_name((enum inbound_method)i))) {
            inbound->method = (enum inbound_method)i;
            return true;
        }
    return unknown_method(from, given, err);
}

/* --- secrets ------------------------------------------------------------ */

static bool keep(struct inbound *inbound, const struct inbound_settings *from,
                 const char *key, struct str secret, struct err *err) {
    struct inbound_secret *to = &inbound->secrets[inbound->count];
    const char            *form = NULL;
    bool                   is_token =
        inbound->method == INBOUND_BEARER || inbound->method == INBOUND_BASIC;
    bool ok = is_token ? inbound_token_keep(inbound, secret, to, &form)
                       : inbound_mac_keep(inbound, secret, to, &form);

    if (!ok)
        return refuse(from, err, key,
                      "has not the form that auth = \"%s\" "
                      "takes: %s",
                      inbound_method_name(inbound->method), form);
    if (secret.len < SECRET_SHORT)
        buf_addf(&inbound->warning,
                 "%ssources.%.*s.%s is shorter than %d bytes and may be "
                 "guessed: make a longer one, with `openssl rand -hex 32` say",
                 inbound->warning.len ? "; " : "", STR_ARG(from->source), key,
                 SECRET_SHORT);
    inbound->count++;
    return true;
}

static bool read_secret(struct inbound                *inbound,
                        const struct inbound_settings *from, const char *key,
                        struct err *err) {
    const struct json *reference = json_find(from->settings, key);
    struct str         name = json_find_text(reference, "secret");
    struct str         secret;

    if (!reference)
        return true;
    secret = name.len ? secret_find(from->secrets, name.data) : STR("");
    if (name.len == 0)
        return refuse(from, err, key, "must be secret(\"NAME\")");
    if (secret.len == 0)
        return refuse(from, err, key,
                      "names the secret %.*s, which is empty or was not found",
                      (int)(name.len > 80 ? 80 : name.len), name.data);
    return keep(inbound, from, key, secret, err);
}

static bool read_secrets(struct inbound                *inbound,
                         const struct inbound_settings *from, struct err *err) {
    if (!json_find(from->settings, "secret"))
        return refuse(from, err, "secret",
                      "is missing: auth = \"%s\" checks with it; give it as "
                      "secret(\"NAME\")",
                      inbound_method_name(inbound->method));
    return read_secret(inbound, from, "secret", err) &&
           read_secret(inbound, from, "old_secret", err);
}

/* --- the others --------------------------------------------------------- */

static bool read_user(struct inbound                *inbound,
                      const struct inbound_settings *from, struct err *err) {
    struct str user = json_find_text(from->settings, "user");

    if (user.len == 0)
        return refuse(from, err, "user",
                      "is missing: auth = \"basic\" takes a user and a secret");
    if (user.len > 200 || memchr(user.data, ':', user.len) ||
        memchr(user.data, '\0', user.len))
        return refuse(from, err, "user",
                      "must have no colon and at most 200 bytes");
    inbound->user = mem_text(user.data, user.len);
    return true;
}

static bool read_allow(struct inbound                *inbound,
                       const struct inbound_settings *from, struct err *err) {
    const struct json *allow = json_find(from->settings, "allow");

    if (!json_is(allow, JSON_LIST) || json_count(allow) == 0)
        return refuse(from, err, "allow", "is missing: %s",
                      inbound->method == INBOUND_SNS
                          ? "list the ARNs of your topics, since every AWS "
                            "account can send signed messages"
                          : "list the names that its client certificate may "
                            "have, since a CA signs more than one");
    for (size_t i = 0; i < json_count(allow); i++)
        if (json_text(json_at(allow, i)).len == 0)
            return refuse(from, err, "allow", "must be a list of texts");
    inbound->allow = json_clone(allow);
    return true;
}

static bool read_window(struct inbound                *inbound,
                        const struct inbound_settings *from, struct err *err) {
    int64_t otherwise = inbound_row_of(inbound->method)->window_ms;

    inbound->window_ms = json_find_int(from->settings, "window_ms", otherwise);
    return (inbound->window_ms > 0 && inbound->window_ms <= WINDOW_MOST_MS) ||
           refuse(from, err, "window", "must be between 1ms and 24h");
}

/* What is set and not taken. */
static bool find_useless(const struct inbound          *inbound,
                         const struct inbound_settings *from, struct err *err) {
    const struct inbound_row *row = inbound_row_of(inbound->method);
    const struct {
        const char *key;
        bool        taken;
    } keys[] = {{"secret", row->secret},
                {"old_secret", row->secret},
                {"user", row->user},
                {"allow", row->allow},
                {"confirm", inbound->method == INBOUND_SNS},
                {"window", row->window_ms > 0},
                {"window_ms", row->window_ms > 0}};

    for (size_t i = 0; i < sizeof keys / sizeof *keys; i++)
        if (!keys[i].taken && json_find(from->settings, keys[i].key))
            return refuse(from, err, keys[i].key,
                          "is of no use with auth = \"%s\": take it out",
                          inbound_method_name(inbound->method));
    return true;
}

bool inbound_setting_read(struct inbound                *inbound,
                          const struct inbound_settings *from,
                          struct err                    *err) {
    const struct inbound_row *row;

    if (!read_method(inbound, from, err) || !find_useless(inbound, from, err))
        return false;
    row = inbound_row_of(inbound->method);
    inbound->confirm = json_truth(json_find(from->settings, "confirm"));
    return (!row->user || read_user(inbound, from, err)) &&
           (!row->secret || read_secrets(inbound, from, err)) &&
           (!row->allow || read_allow(inbound, from, err)) &&
           (!row->window_ms || read_window(inbound, from, err));
}

const struct json *inbound_setting_find(const struct inbound *inbound,
                                        struct str            name) {
    for (size_t i = 0; name.len && i < json_count(inbound->allow); i++)
        if (str_equal(json_text(json_at(inbound->allow, i)), name))
            return json_at(inbound->allow, i);
    return NULL;
}
