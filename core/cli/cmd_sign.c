/* cmd_sign.c - nightshift sign: requests as JSON lines in, signatures out.
 *
 * What a person compares with AWS's answer to a wrong signature, and what the
 * tests compare with other signers. Each line stands alone: a bad one is
 * answered with its error, in its place, and the next one is read. The secret
 * is taken and never given: no answer and no error has it.
 *
 * The other way round, a line { "verify": … } has a delivery that somebody
 * signed for us, and is answered with what we think of it (verdict.h).
 */
#include <stdlib.h>

#include "aws/sigv4.h"
#include "base/json.h"
#include "base/timestamp.h"
#include "cli/cli.h"
#include "cli/verdict.h"

#define LINE_MAX_BYTES ((size_t)1 << 20)

/* --- lines ------------------------------------------------------------ */

struct lines {
    FILE      *from;
    struct buf line; /* without its newline */
    size_t     number;
    bool       too_long;
};

/* A line past the cap is read to its end and not kept. */
static bool next_line(struct lines *lines) {
    int c = getc_unlocked(lines->from);

    if (c == EOF)
        return false;
    buf_clear(&lines->line);
    lines->number++;
    lines->too_long = false;
    for (; c != EOF && c != '\n'; c = getc_unlocked(lines->from)) {
        lines->too_long |= lines->line.len == LINE_MAX_BYTES;
        if (!lines->too_long)
            buf_add_char(&lines->line, (char)c);
    }
    return true;
}

/* --- reading a request ------------------------------------------------ */

static const char *const fields[] = {
    "method",        "url",     "headers",         "body",       "service",
    "region",        "time",    "normalise",       "access_key", "secret_key",
    "session_token", "presign", "unsigned_payload"};
#define FIELDS (sizeof fields / sizeof *fields)

static const char *nearest_field(struct str name) {
    const char *best = fields[0];

    for (size_t i = 1; i < FIELDS; i++)
        if (str_distance(name, str_of(fields[i])) <
            str_distance(name, str_of(best)))
            best = fields[i];
    return best;
}

static bool is_field(struct str name) {
    for (size_t i = 0; i < FIELDS; i++)
        if (str_is(name, fields[i]))
            return true;
    return false;
}

static bool check_fields(const struct json *line, struct err *err) {
    struct json_walk walk = json_walk_over(line);
    bool             ok = true;

    while (ok && json_walk_next(&walk))
        ok = is_field(walk.key) ||
             err_set(err, ERR_INVALID,
                     "no field is called \"%.*s\"; the nearest is \"%s\"",
                     (int)(walk.key.len > 40 ? 40 : walk.key.len),
                     walk.key.data, nearest_field(walk.key));
    json_walk_stop(&walk);
    return ok;
}

static bool read_text(const struct json *line, const char *field, bool must,
                      struct str *out, struct err *err) {
    const struct json *value = json_find(line, field);

    *out = json_text(value);
    if (!value && must)
        return err_set(err, ERR_INVALID, "%s is missing", field);
    return !value || json_is(value, JSON_TEXT) ||
           err_set(err, ERR_INVALID, "%s must be a string", field);
}

static bool add_header(struct http_headers *headers, struct str name,
                       const struct json *value, struct err *err) {
    if (!json_is(value, JSON_TEXT))
        return err_set(err, ERR_INVALID,
                       "headers: a value must be a string or a list of "
                       "strings");
    return http_headers_add(headers, name, json_text(value)) ||
           err_set(err, ERR_INVALID, "headers: CR, LF or NUL in a header");
}

static bool read_headers(const struct json *map, struct http_headers *headers,
                         struct err *err) {
    struct json_walk walk = json_walk_over(map);
    bool             ok = true;

    if (map && !json_is(map, JSON_MAP))
        return err_set(err, ERR_INVALID, "headers must be an object");
    while (ok && json_walk_next(&walk)) {
        bool list = json_is(walk.value, JSON_LIST);

        if (!list)
            ok = add_header(headers, walk.key, walk.value, err);
        for (size_t i = 0; ok && i < json_count(walk.value) && list; i++)
            ok = add_header(headers, walk.key, json_at(walk.value, i), err);
    }
    json_walk_stop(&walk);
    return ok;
}

/* Keys of the line and keys of the environment are never mixed: half of each
 * would sign as nobody. */
static bool read_credentials(const struct json        *line,
                             struct sigv4_credentials *out, struct err *err) {
    if (!read_text(line, "access_key", false, &out->access_key, err) ||
        !read_text(line, "secret_key", false, &out->secret_key, err) ||
        !read_text(line, "session_token", false, &out->session_token, err))
        return false;
    if (out->access_key.len && out->secret_key.len)
        return true;
    if (out->access_key.len || out->secret_key.len || out->session_token.len)
        return err_set(err, ERR_INVALID,
                       "access_key and secret_key must both be given");
    out->access_key = str_of(getenv("AWS_ACCESS_KEY_ID"));
    out->secret_key = str_of(getenv("AWS_SECRET_ACCESS_KEY"));
    out->session_token = str_of(getenv("AWS_SESSION_TOKEN"));
    return (out->access_key.len && out->secret_key.len) ||
           err_set(err, ERR_INVALID,
                   "no credentials: set AWS_ACCESS_KEY_ID and "
                   "AWS_SECRET_ACCESS_KEY, or give access_key and secret_key");
}

static bool read_truth(const struct json *line, const char *field, bool *out,
                       struct err *err) {
    const struct json *value = json_find(line, field);

    if (value)
        *out = json_truth(value);
    return !value || json_is(value, JSON_BOOL) ||
           err_set(err, ERR_INVALID, "%s must be true or false", field);
}

/* "presign": { "expires": seconds } */
static bool read_presign(const struct json *presign, int64_t *out,
                         struct err *err) {
    const struct json *expires = json_find(presign, "expires");

    *out = json_int(expires);
    return !presign ||
           (json_count(presign) == 1 && json_is(expires, JSON_INT) &&
            *out > 0) ||
           err_set(err, ERR_INVALID, "presign must be {\"expires\": seconds}");
}

static bool read_request(const struct json *line, struct sigv4_request *out,
                         struct err *err) {
    struct str moment;

    if (!read_text(line, "method", true, &out->method, err) ||
        !read_text(line, "url", true, &out->url, err) ||
        !read_text(line, "body", false, &out->body, err) ||
        !read_text(line, "service", true, &out->service, err) ||
        !read_text(line, "region", true, &out->region, err) ||
        !read_text(line, "time", true, &moment, err))
        return false;
    out->normalise_path = !sigv4_is_s3(out->service);
    if (!read_truth(line, "normalise", &out->normalise_path, err) ||
        !read_truth(line, "unsigned_payload", &out->unsigned_payload, err) ||
        !read_presign(json_find(line, "presign"), &out->expires_s, err))
        return false;
    return timestamp_read(moment, &out->now_ms, err) || err_wrap(err, "time");
}

/* --- answering -------------------------------------------------------- */

static void print(const struct json *value) {
    struct buf text = BUF_EMPTY;

    json_write(value, &text);
    buf_add_char(&text, '\n');
    (void)fwrite(text.data, 1, text.len, stdout);
    (void)fflush(stdout); /* whoever feeds us may wait for this answer */
    buf_release(&text);
}

static void answer(const struct sigv4_signature   *signature,
                   const struct sigv4_credentials *credentials) {
    struct http_headers set = {NULL, 0};
    struct json        *out = json_new_map(), *headers = json_new_map();

    sigv4_put_headers(signature, credentials, &set);
    for (size_t i = 0; i < set.count; i++)
        json_put_text(headers, set.items[i].name, str_of(set.items[i].value));
    json_put_text(out, "canonical_request",
                  buf_str(&signature->canonical_request));
    json_put_text(out, "string_to_sign", buf_str(&signature->string_to_sign));
    json_put(out, "headers", headers);
    if (signature->url.len)
        json_put_text(out, "url", buf_str(&signature->url));
    print(out);
    json_release(out);
    http_headers_release(&set);
}

static void answer_error(const struct err *err, size_t number) {
    struct json *out = json_new_map(), *error = json_new_map();

    json_put_text(error, "code", str_of(err_name(err->code)));
    json_put_text(error, "text", str_of(err->text));
    json_put_int(error, "line", (int64_t)number);
    json_put(out, "error", error);
    print(out);
    json_release(out);
}

/* --- the command ------------------------------------------------------ */

struct signer {
    struct sigv4_key       key;
    struct sigv4_signature signature;
};

static bool sign_line(struct signer *signer, const struct json *line,
                      struct err *err) {
    struct http_headers      headers = {NULL, 0};
    struct sigv4_request     request = {.headers = &headers};
    struct sigv4_credentials credentials;
    bool                     ok;

    if (!json_is(line, JSON_MAP))
        return err_set(err, ERR_INVALID, "a line must be an object");
    ok = check_fields(line, err) && read_request(line, &request, err) &&
         read_credentials(line, &credentials, err) &&
         read_headers(json_find(line, "headers"), &headers, err) &&
         sigv4_sign(&signer->key, &credentials, &request, &signer->signature,
                    err);
    if (ok)
        answer(&signer->signature, &credentials);
    http_headers_release(&headers);
    return ok;
}

static bool verify(const struct json *delivery, struct err *err) {
    struct json *answer;

    if (!json_is(delivery, JSON_MAP))
        return err_set(err, ERR_INVALID, "verify must be an object");
    answer = verdict_of(delivery, err);
    if (answer)
        print(answer);
    json_release(answer);
    return answer != NULL;
}

static bool take_line(struct signer *signer, const struct lines *lines,
                      struct err *err) {
    const struct json_caps caps = {LINE_MAX_BYTES, 8};
    struct json           *line;
    bool                   ok;

    if (lines->too_long)
        return err_set(err, ERR_JSON_SIZE, "line longer than %zu bytes",
                       LINE_MAX_BYTES);
    line = json_parse(buf_str(&lines->line), &caps, err);
    ok = line &&
         (json_find(line, "verify") ? verify(json_find(line, "verify"), err)
                                    : sign_line(signer, line, err));
    json_release(line);
    return ok;
}

int cmd_sign(const struct cli *cli) {
    struct lines  lines = {.from = stdin};
    struct signer signer = {.key = {.day = 0}};
    struct err    err = {.code = ERR_INVALID};
    int           code = EXIT_DONE;

    if (cli->count) {
        err_set(&err, ERR_USAGE, "sign takes no arguments: \"%s\"",
                cli->args[0]);
        return cli_fail(cli, &err);
    }
    while (next_line(&lines)) {
        if (str_trim(buf_str(&lines.line)).len == 0 && !lines.too_long)
            continue;
        if (take_line(&signer, &lines, &err))
            continue;
        answer_error(&err, lines.number);
        code = EXIT_BAD_INPUT;
    }
    if (ferror(stdin) || ferror(stdout)) {
        err_set(&err, ERR_IO, "standard input or output failed");
        code = cli_fail(cli, &err);
    }
    buf_release(&lines.line);
    sigv4_key_release(&signer.key);
    sigv4_signature_release(&signer.signature);
    return code;
}
