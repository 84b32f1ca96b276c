/* aws_creds_value.c - credentials are copied once, into memory of exactly their
 * size, and what they were copied from is wiped; nothing that grows ever holds
 * them. (AC4)
 */
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "aws/aws_creds_private.h"
#include "base/mem.h"
#include "base/timestamp.h"

static void wipe_text(char **text) {
    if (*text)
        mem_wipe(*text, strlen(*text));
    mem_free(*text);
    *text = NULL;
}

void aws_creds_value_release(struct aws_creds_value *value) {
    wipe_text(&value->access_key);
    wipe_text(&value->secret_key);
    wipe_text(&value->session_token);
    *value = (struct aws_creds_value){0};
}

static char *copy_text(const char *text) {
    return text ? mem_text(text, strlen(text)) : NULL;
}

void aws_creds_value_copy(const struct aws_creds_value *from,
                          struct aws_creds_value       *to) {
    *to = *from;
    to->access_key = copy_text(from->access_key);
    to->secret_key = copy_text(from->secret_key);
    to->session_token = copy_text(from->session_token);
}

void aws_creds_value_release_buf(struct buf *buf) {
    mem_wipe(buf->data, buf->cap);
    buf_release(buf);
}

/* The tree is ours alone, so its texts may be written to. */
static void wipe_json(struct json *value) {
    struct json_walk walk;

    if (json_is(value, JSON_TEXT))
        mem_wipe((char *)json_text(value).data, json_text(value).len);
    if (json_is(value, JSON_LIST))
        for (size_t i = 0; i < json_count(value); i++)
            wipe_json(json_at(value, i));
    if (!json_is(value, JSON_MAP))
        return;
    walk = json_walk_over(value);
    while (json_walk_next(&walk))
        wipe_json(walk.value);
}

void aws_creds_value_release_json(struct json *value) {
    if (!value)
        return;
    wipe_json(value);
    json_release(value);
}

/* What would end a header line, or is no text, signs nothing. */
static bool is_sound(struct str text) {
    for (size_t i = 0; i < text.len; i++)
        if (text.data[i] <= ' ' || text.data[i] > '~')
            return false;
    return true;
}

bool aws_creds_value_make(const struct aws_creds_parts *parts,
                          struct aws_creds_value *value, struct err *err) {
    int64_t expires = 0;

    if (parts->access_key.len == 0)
        return err_set(err, ERR_DENIED, "there is no access key id");
    if (parts->secret_key.len == 0)
        return err_set(err, ERR_DENIED, "there is no secret access key");
    if (!is_sound(parts->access_key) || !is_sound(parts->secret_key) ||
        !is_sound(parts->session_token))
        return err_set(err, ERR_DENIED,
                       "there is a blank or a control character in a key");
    if (parts->expires.len && !timestamp_read(parts->expires, &expires, err))
        return err_set(err, ERR_REMOTE, "their expiry is no moment");
    *value = (struct aws_creds_value){
        .access_key = mem_text(parts->access_key.data, parts->access_key.len),
        .secret_key = mem_text(parts->secret_key.data, parts->secret_key.len),
        .expires_ms = expires,
    };
    if (parts->session_token.len)
        value->session_token =
            mem_text(parts->session_token.data, parts->session_token.len);
    return true;
}

bool aws_creds_value_read(struct str body, struct aws_creds_value *value,
                          struct err *err) {
    static const struct json_caps caps = {64u << 10, 8};
    struct json                  *json = json_parse(body, &caps, err);
    struct aws_creds_parts        parts = {json_find_text(json, "AccessKeyId"),
                                           json_find_text(json, "SecretAccessKey"),
                                           json_find_text(json, "Token"),
                                           json_find_text(json, "Expiration")};
    bool                          ok;

    if (!json)
        return err_set(err, ERR_REMOTE, "its answer is not JSON");
    if (parts.expires.len == 0)
        ok = err_set(err, ERR_REMOTE, "its answer has no Expiration");
    else
        ok = aws_creds_value_make(&parts, value, err);
    aws_creds_value_release_json(json);
    return ok;
}

void aws_creds_result_none(aws_creds_result_fn *done, void *arg,
                           const char *fmt, ...) {
    struct aws_creds_result result = {.fate = AWS_CREDS_NONE};
    char                    why[300];
    va_list                 args;

    va_start(args, fmt);
    (void)vsnprintf(why, sizeof why, fmt, args);
    va_end(args);
    (void)err_set(&result.err, ERR_DENIED, "%s", why);
    done(arg, &result);
}

void aws_creds_result_failed(aws_creds_result_fn *done, void *arg,
                             const struct err *err) {
    struct aws_creds_result result = {.fate = AWS_CREDS_FAILED, .err = *err};

    done(arg, &result);
}

void aws_creds_result_found(aws_creds_result_fn *done, void *arg,
                            struct aws_creds_value *value) {
    struct aws_creds_result result = {.fate = AWS_CREDS_FOUND, .value = *value};

    *value = (struct aws_creds_value){0};
    done(arg, &result);
}
