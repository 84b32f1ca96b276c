/* sigv4.c - the key, the string to sign, and the signature in its place.
 *
 * A kept key remembers what it was derived from and is used only for exactly
 * that (SG1). The buffers that hold a secret get their memory in one piece, so
 * that growing never leaves a copy behind, and are wiped before they are let
 * go (SG6).
 */
#include "aws/sigv4.h"

#include <assert.h>
#include <string.h>

#include "aws/sigv4_private.h"
#include "base/mem.h"
#include "base/timestamp.h"

#define DAY_MS 86400000LL
#define LAST_MS 253402300799999LL /* the last with a year of four digits */
#define ALGORITHM "AWS4-HMAC-SHA256"

bool sigv4_is_s3(struct str service) {
    static const char *const names[] = {"s3", "s3express", "s3-outposts",
                                        "s3-object-lambda"};

    for (size_t i = 0; i < sizeof names / sizeof *names; i++)
        if (str_is(service, names[i]))
            return true;
    return false;
}

/* --- the key ---------------------------------------------------------- */

static void wipe(struct buf *buf) {
    mem_wipe(buf->data, buf->cap);
    buf_release(buf);
}

void sigv4_key_release(struct sigv4_key *key) {
    crypto_hmac_key_wipe(&key->mac);
    wipe(&key->secret);
    buf_release(&key->region);
    buf_release(&key->service);
    buf_release(&key->scope);
    key->day = 0;
}

static bool is_for(const struct sigv4_key *key, struct str secret,
                   const struct sigv4_request *request) {
    return key->scope.len && key->day == request->now_ms / DAY_MS &&
           str_equal(buf_str(&key->service), request->service) &&
           str_equal(buf_str(&key->region), request->region) &&
           crypto_equal(buf_str(&key->secret), secret);
}

/* key = HMAC(key, text), as a key for the next step. */
static void derive_step(struct crypto_hmac_key *key, struct str text) {
    unsigned char mac[DIGEST_SIZE];

    crypto_hmac(key, text, mac);
    crypto_hmac_key_init(key, (struct str){(const char *)mac, sizeof mac});
    mem_wipe(mac, sizeof mac);
}

static void derive(struct sigv4_key *key, struct str secret,
                   const struct sigv4_request *request) {
    struct buf first = BUF_EMPTY;

    sigv4_key_release(key);
    key->day = request->now_ms / DAY_MS;
    buf_add_str(&key->secret, secret);
    buf_add_str(&key->region, request->region);
    buf_add_str(&key->service, request->service);
    timestamp_write_basic(request->now_ms, &key->scope);
    key->scope.len = 8;
    buf_addf(&key->scope, "/%.*s/%.*s/aws4_request", STR_ARG(request->region),
             STR_ARG(request->service));

    buf_reserve(&first, 4 + secret.len);
    buf_add_text(&first, "AWS4");
    buf_add_str(&first, secret);
    crypto_hmac_key_init(&key->mac, buf_str(&first));
    derive_step(&key->mac, (struct str){key->scope.data, 8});
    derive_step(&key->mac, request->region);
    derive_step(&key->mac, request->service);
    derive_step(&key->mac, STR("aws4_request"));
    wipe(&first);
}

/* --- checks ----------------------------------------------------------- */

static bool is_visible(struct str text) {
    for (size_t i = 0; i < text.len; i++)
        if (text.data[i] <= ' ' || text.data[i] > '~')
            return false;
    return text.len > 0;
}

static bool is_code(struct str text) {
    for (size_t i = 0; i < text.len; i++) {
        char c = text.data[i];

        if (!((c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
              (c >= '0' && c <= '9') || c == '-' || c == '.' || c == '_'))
            return false;
    }
    return text.len > 0 && text.len <= 64;
}

/* Says nothing of what it found: it may be the secret. (SG6) */
static bool check_scope(const struct sigv4_request *request, struct str secret,
                        struct err *err) {
    if (!is_code(request->region))
        return err_set(err, ERR_INVALID, "region: write it as in eu-west-1");
    if (!is_code(request->service))
        return err_set(err, ERR_INVALID,
                       "service: write its signing name, as in ecs");
    if (request->now_ms < 0 || request->now_ms > LAST_MS)
        return err_set(err, ERR_INVALID, "time: outside the years 1970-9999");
    return is_visible(secret) ||
           err_set(err, ERR_INVALID,
                   "secret key: empty, or with white space in it");
}

static bool check_credentials(const struct sigv4_credentials *credentials,
                              bool presign, struct err *err) {
    struct str id = credentials->access_key;

    /* As a header the session token is checked like any other. */
    if (presign && credentials->session_token.len &&
        !is_visible(credentials->session_token))
        return err_set(err, ERR_INVALID,
                       "session token: a byte that tokens cannot have");
    return (is_visible(id) && !memchr(id.data, '/', id.len) &&
            !memchr(id.data, ',', id.len)) ||
           err_set(err, ERR_INVALID, "access key: not an access key id");
}

/* --- signing ---------------------------------------------------------- */

static bool ready_key(struct sigv4_key               *key,
                      const struct sigv4_credentials *credentials,
                      const struct sigv4_request *request, struct err *err) {
    if (is_for(key, credentials->secret_key, request))
        return true;
    if (!check_scope(request, credentials->secret_key, err))
        return false;
    derive(key, credentials->secret_key, request);
    return true;
}

static void two_digits(char *at, int64_t value) {
    at[0] = (char)('0' + value / 10);
    at[1] = (char)('0' + value % 10);
}

/* The day is in the key's scope already; the rest is small arithmetic. */
static void write_date(const struct sigv4_key *key, int64_t now_ms,
                       char out[17]) {
    int64_t second = now_ms % DAY_MS / 1000;

    memcpy(out, key->scope.data, 8);
    out[8] = 'T';
    two_digits(out + 9, second / 3600);
    two_digits(out + 11, second / 60 % 60);
    two_digits(out + 13, second % 60);
    out[15] = 'Z';
    out[16] = '\0';
}

static void write_string_to_sign(const struct sigv4_key *key,
                                 struct sigv4_signature *signature) {
    struct buf *out = &signature->string_to_sign;

    buf_clear(out);
    buf_add_str(out, STR(ALGORITHM "\n"));
    buf_add(out, signature->date, 16);
    buf_add_char(out, '\n');
    buf_add_str(out, buf_str(&key->scope));
    buf_add_char(out, '\n');
    crypto_sha256_hex(buf_str(&signature->canonical_request), out);
}

static void write_credential(const struct sigv4_key *key, struct str access_key,
                             struct buf *out) {
    buf_clear(out);
    buf_add_str(out, access_key);
    buf_add_char(out, '/');
    buf_add_str(out, buf_str(&key->scope));
}

/* A URL without a path asks for "/", and says so before the question mark. */
static void write_url(const struct sigv4_key *key, struct str given,
                      struct sigv4_signature *signature) {
    struct buf *out = &signature->url;
    struct str  more = buf_str(&signature->scratch->presign);
    struct str  query, before = str_cut(given, '?', &query);
    size_t      scheme = before.data[4] == ':' ? 7 : 8;

    sigv4_presign_room(out, given.len + more.len + 90);
    buf_add_str(out, before);
    if (!memchr(before.data + scheme, '/', before.len - scheme))
        buf_add_char(out, '/');
    buf_add_char(out, '?');
    if (query.len) {
        buf_add_str(out, query);
        buf_add_char(out, '&');
    }
    buf_add_str(out, more);
    buf_add_str(out, STR("&X-Amz-Signature="));
    crypto_hmac_hex(&key->mac, buf_str(&signature->string_to_sign), out);
}

static void write_authorization(const struct sigv4_key *key,
                                struct str              access_key,
                                struct sigv4_signature *signature) {
    struct buf *out = &signature->authorization;

    buf_clear(out);
    buf_add_str(out, STR(ALGORITHM " Credential="));
    buf_add_str(out, access_key);
    buf_add_char(out, '/');
    buf_add_str(out, buf_str(&key->scope));
    buf_add_str(out, STR(", SignedHeaders="));
    buf_add_str(out, signature->scratch->signed_headers);
    buf_add_str(out, STR(", Signature="));
    crypto_hmac_hex(&key->mac, buf_str(&signature->string_to_sign), out);
}

bool sigv4_sign(struct sigv4_key               *key,
                const struct sigv4_credentials *credentials,
                const struct sigv4_request     *request,
                struct sigv4_signature *signature, struct err *err) {
    if (!signature->scratch)
        signature->scratch = mem_new(sizeof *signature->scratch);
    buf_clear(&signature->authorization);
    buf_clear(&signature->url);
    if (!check_credentials(credentials, request->expires_s != 0, err) ||
        !ready_key(key, credentials, request, err))
        return err_wrap(err, "sign");
    write_date(key, request->now_ms, signature->date);
    if (request->expires_s)
        write_credential(key, credentials->access_key,
                         &signature->scratch->credential);
    if (!sigv4_canonical_write(request, credentials->session_token, signature,
                               err))
        return err_wrap(err, "sign");
    write_string_to_sign(key, signature);
    if (request->expires_s)
        write_url(key, request->url, signature);
    else
        write_authorization(key, credentials->access_key, signature);
    return true;
}

void sigv4_signature_release(struct sigv4_signature *signature) {
    wipe(&signature->canonical_request); /* has the session token in it */
    wipe(&signature->url);
    buf_release(&signature->string_to_sign);
    buf_release(&signature->authorization);
    buf_release(&signature->host);
    sigv4_canonical_release(signature->scratch);
    signature->scratch = NULL;
}

/* --- headers ---------------------------------------------------------- */

static void set_header(struct http_headers *headers, const char *name,
                       struct str value) {
    bool ok;

    http_headers_drop(headers, name);
    ok = http_headers_add(headers, str_of(name), value);
    assert(ok); /* signing refused what a header cannot hold */
    (void)ok;
}

void sigv4_put_headers(const struct sigv4_signature   *signature,
                       const struct sigv4_credentials *credentials,
                       struct http_headers            *headers) {
    set_header(headers, "Host", buf_str(&signature->host));
    if (signature->url.len)
        return;
    set_header(headers, "X-Amz-Date", str_of(signature->date));
    if (signature->payload[0])
        set_header(headers, "X-Amz-Content-Sha256", str_of(signature->payload));
    if (credentials->session_token.len)
        set_header(headers, "X-Amz-Security-Token", credentials->session_token);
    set_header(headers, "Authorization", buf_str(&signature->authorization));
}
