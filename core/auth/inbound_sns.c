/* inbound_sns.c - a message of Amazon SNS, and what of it is signed.
 *
 * Signed is a text of lines: name, value, name, value, for the fields below in
 * this order, each value as it is once JSON's escapes are gone, and a line end
 * behind the last one too. Nothing in it says where a value ends. So only
 * Message may hold a line end; with that the text has one reading. (IN8)
 *
 * Cheap questions come first, and everything that can be refused without a
 * certificate is, so that strangers cannot make us fetch.
 */
#include <string.h>

#include "auth/inbound_private.h"
#include "base/encode.h"
#include "base/timestamp.h"

/* SNS carries 256 KiB; escaped it may be a few times as long. */
static const struct json_caps caps = {(size_t)2 << 20, 8};

#define FIELDS_MOST 7
static const struct kind {
    const char        *type;
    enum inbound_about about;
    const char        *fields[FIELDS_MOST + 1];
} kinds[] = {
    {"Notification",
     INBOUND_ABOUT_EVENT,
     {"Message", "MessageId", "Subject", "Timestamp", "TopicArn", "Type"}},
    {"SubscriptionConfirmation",
     INBOUND_ABOUT_SUBSCRIBING,
     {"Message", "MessageId", "SubscribeURL", "Timestamp", "Token", "TopicArn",
      "Type"}},
    {"UnsubscribeConfirmation",
     INBOUND_ABOUT_UNSUBSCRIBING,
     {"Message", "MessageId", "SubscribeURL", "Timestamp", "Token", "TopicArn",
      "Type"}},
};

static const struct kind *kind_of(const struct json *message) {
    struct str type = json_find_text(message, "Type");

    for (size_t i = 0; i < sizeof kinds / sizeof *kinds; i++)
        if (str_is(type, kinds[i].type))
            return &kinds[i];
    return NULL;
}

static bool is_fit(const char *name, const struct json *value) {
    struct str text = json_text(value);

    return json_is(value, JSON_TEXT) &&
           (strcmp(name, "Message") == 0 ||
            (text.len > 0 && !memchr(text.data, '\n', text.len)));
}

/* What is signed; a Subject may be absent, or null. (IN8) */
static bool write_signed(const struct json *message, const struct kind *kind,
                         struct buf *out) {
    for (const char *const *name = kind->fields; *name; name++) {
        const struct json *value = json_find(message, *name);

        if (strcmp(*name, "Subject") == 0 &&
            (!value || json_is(value, JSON_NULL_KIND)))
            continue;
        if (!is_fit(*name, value))
            return false;
        buf_addf(out, "%s\n", *name);
        buf_add_str(out, json_text(value));
        buf_add_char(out, '\n');
    }
    return true;
}

/* Base64 in its one spelling. */
static bool read_signature(const struct json *message, struct buf *bytes) {
    struct str text = json_find_text(message, "Signature");
    struct buf again = BUF_EMPTY;
    struct err err;
    bool       ok = text.len > 0 && encode_base64_read(text, bytes, &err);

    if (ok)
        encode_base64(buf_str(bytes), &again);
    ok = ok && str_equal(buf_str(&again), text);
    buf_release(&again);
    return ok;
}

static bool read_hash(const struct json *message, enum crypto_hash *hash) {
    struct str version = json_find_text(message, "SignatureVersion");

    *hash = str_is(version, "1") ? CRYPTO_SHA1 : CRYPTO_SHA256;
    return str_is(version, "1") || str_is(version, "2");
}

/* All that needs no certificate. */
static enum inbound_why look(const struct inbound         *inbound,
                             const struct inbound_request *request,
                             const struct json            *message,
                             struct inbound_result        *result) {
    struct str topic = json_find_text(message, "TopicArn");
    struct str url = json_find_text(message, "SigningCertURL");
    struct err err;
    int64_t    at_ms;

    if (!inbound_setting_find(inbound, topic))
        return INBOUND_WHY_TOPIC;
    if (!inbound_cache_is_address(url) ||
        !inbound_result_put(result->url, sizeof result->url, url))
        return INBOUND_WHY_ADDRESS;
    if (!timestamp_read(json_find_text(message, "Timestamp"), &at_ms, &err) ||
        !inbound_result_put(result->delivery, sizeof result->delivery,
                            json_find_text(message, "MessageId")))
        return INBOUND_WHY_MALFORMED;
    if (!inbound_is_timely(inbound, at_ms, request->now_ms))
        return INBOUND_WHY_TIMESTAMP;
    (void)inbound_result_put(result->who, sizeof result->who, topic);
    result->signed_id = true;
    return INBOUND_WHY_FINE;
}

/* Only what is signed is told. */
static void tell_about(const struct json *message, const struct kind *kind,
                       struct inbound_result *result) {
    struct str url = json_find_text(message, "SubscribeURL");

    result->about = kind->about;
    if (kind->about == INBOUND_ABOUT_SUBSCRIBING &&
        inbound_cache_is_confirmation(url))
        (void)inbound_result_put(result->confirm, sizeof result->confirm, url);
}

static enum inbound_verdict judge(const struct inbound         *inbound,
                                  const struct inbound_request *request,
                                  const struct json            *message,
                                  struct inbound_result        *result) {
    const struct kind    *kind = kind_of(message);
    struct buf            text = BUF_EMPTY, signature = BUF_EMPTY;
    struct inbound_signed what = {.hash = CRYPTO_SHA256};
    enum inbound_verdict  verdict;

    if (!kind || !read_hash(message, &what.hash) ||
        !read_signature(message, &signature) ||
        !write_signed(message, kind, &text)) {
        verdict = inbound_refuse(result, INBOUND_WHY_MALFORMED);
    } else {
        what.text = buf_str(&text);
        what.signature = buf_str(&signature);
        verdict = inbound_cache_judge(inbound->cache, str_of(result->url),
                                      request->now_ms, &what);
        if (verdict == INBOUND_REFUSED)
            result->why = INBOUND_WHY_SIGNATURE;
        else if (verdict == INBOUND_TRUSTED)
            tell_about(message, kind, result);
    }
    if (verdict != INBOUND_NEEDS_CERTIFICATE)
        result->url[0] = '\0';
    buf_release(&text);
    buf_release(&signature);
    return verdict;
}

enum inbound_verdict inbound_sns_check(const struct inbound         *inbound,
                                       const struct inbound_request *request,
                                       struct inbound_result        *result) {
    struct err           err;
    struct json         *message = json_parse(request->body, &caps, &err);
    enum inbound_why     why = INBOUND_WHY_MALFORMED;
    enum inbound_verdict verdict;

    if (message && json_is(message, JSON_MAP))
        why = look(inbound, request, message, result);
    verdict = why ? inbound_refuse(result, why)
                  : judge(inbound, request, message, result);
    if (why)
        result->url[0] = '\0';
    json_release(message);
    return verdict;
}
