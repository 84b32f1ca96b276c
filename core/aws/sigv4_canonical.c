/* sigv4_canonical.c - one reservation, then plain stores.
 *
 * The canonical request cannot be longer than room_for() says, so it is
 * reserved once and written through a pointer; the assertion at the end is
 * what a wrong bound would meet. Nothing is mended on the way: what does not
 * pass ends the call. (SG2) Sorting is the only step that looks at a parameter
 * twice.
 */
#include "aws/sigv4_private.h"

#include <assert.h>

#include "base/mem.h"

static const char hex_digits[] = "0123456789ABCDEF";

/* --- bytes ------------------------------------------------------------ */

/* RFC 3986, appendix A: what stands for itself in a path or a query. RFC 9110,
 * section 5.6.2: what a header's name is made of. */
enum { UNRESERVED = 1, URL = 2, HEX = 4, NAME = 8 };

#define PLAIN (UNRESERVED | URL | NAME)
#define BOTH (URL | NAME)

static const unsigned char classes[256] = {
    ['0' ... '9'] = PLAIN | HEX,
    ['A' ... 'F'] = PLAIN | HEX,
    ['G' ... 'Z'] = PLAIN,
    ['a' ... 'f'] = PLAIN | HEX,
    ['g' ... 'z'] = PLAIN,
    ['-'] = PLAIN,
    ['.'] = PLAIN,
    ['_'] = PLAIN,
    ['~'] = PLAIN,
    ['!'] = BOTH,
    ['$'] = BOTH,
    ['&'] = BOTH,
    ['\''] = BOTH,
    ['*'] = BOTH,
    ['+'] = BOTH,
    ['('] = URL,
    [')'] = URL,
    [','] = URL,
    ['/'] = URL,
    [':'] = URL,
    [';'] = URL,
    ['='] = URL,
    ['?'] = URL,
    ['@'] = URL,
    ['#'] = NAME,
    ['%'] = NAME,
    ['^'] = NAME,
    ['`'] = NAME,
    ['|'] = NAME,
};

static bool is(char c, int class) {
    return classes[(unsigned char)c] & class;
}

static char lower(char c) {
    return c >= 'A' && c <= 'Z' ? (char)(c | 0x20) : c;
}

static int hex_value(char c) {
    return c <= '9' ? c - '0' : (c | 0x20) - 'a' + 10;
}

static char *put(char *at, struct str s) {
    if (s.len)
        memcpy(at, s.data, s.len);
    return at + s.len;
}

static char *put_encoded_byte(char *at, char c) {
    if (is(c, UNRESERVED)) {
        *at++ = c;
        return at;
    }
    *at++ = '%';
    *at++ = hex_digits[(unsigned char)c >> 4];
    *at++ = hex_digits[(unsigned char)c & 15];
    return at;
}

/* Encodes the bytes as they stand: what was encoded is so twice now. */
static char *put_encoded(char *at, struct str s) {
    for (size_t i = 0; i < s.len; i++)
        at = put_encoded_byte(at, s.data[i]);
    return at;
}

/* Encodes what the bytes mean, so that %2d, - and %2D are one. s is sound. */
static char *put_recoded(char *at, struct str s) {
    for (size_t i = 0; i < s.len; i++) {
        char c = s.data[i];

        if (c == '%') {
            c = (char)(hex_value(s.data[i + 1]) << 4 |
                       hex_value(s.data[i + 2]));
            i += 2;
        }
        at = put_encoded_byte(at, c);
    }
    return at;
}

/* --- the URL ---------------------------------------------------------- */

struct url {
    struct str host, path, query; /* the host without port */
    int        port;              /* 0: the scheme's own */
};

static bool starts_with_scheme(struct str url, const char *scheme) {
    for (size_t i = 0; scheme[i]; i++)
        if (i >= url.len || lower(url.data[i]) != scheme[i])
            return false;
    return true;
}

/* Cuts the port off an authority; an address in brackets has colons too. */
static bool read_port(struct str *host, int own, int *port, struct err *err) {
    size_t colon = host->len;

    *port = 0;
    while (colon && is(host->data[colon - 1], HEX) &&
           host->data[colon - 1] <= '9')
        colon--;
    if (colon == 0 || host->data[colon - 1] != ':')
        return true;
    for (size_t i = colon; i < host->len && *port <= 65535; i++)
        *port = *port * 10 + (host->data[i] - '0');
    host->len = colon - 1;
    if (*port > 65535)
        return err_set(err, ERR_INVALID, "url: the port is too large");
    if (*port == own)
        *port = 0;
    return true;
}

static bool is_host(struct str host) {
    bool address =
        host.len > 2 && host.data[0] == '[' && host.data[host.len - 1] == ']';

    if (address) {
        host.data++;
        host.len -= 2;
    }
    for (size_t i = 0; i < host.len; i++)
        if (!(is(host.data[i], address ? HEX : UNRESERVED) ||
              (address && (host.data[i] == ':' || host.data[i] == '.'))))
            return false;
    return host.len > 0;
}

static bool is_sound(struct str url, struct str part, struct err *err) {
    for (size_t i = 0; i < part.len; i++) {
        if (is(part.data[i], URL))
            continue;
        if (part.data[i] != '%')
            return err_set(err, ERR_INVALID,
                           "url: byte %zu must be percent-encoded",
                           (size_t)(part.data - url.data) + i);
        if (i + 2 >= part.len || !is(part.data[i + 1], HEX) ||
            !is(part.data[i + 2], HEX))
            return err_set(err, ERR_INVALID,
                           "url: percent sign at byte %zu without two hex "
                           "digits",
                           (size_t)(part.data - url.data) + i);
        i += 2;
    }
    return true;
}

static bool read_url(struct str text, struct url *url, struct err *err) {
    bool       tls = starts_with_scheme(text, "https://");
    struct str left = text;
    size_t     end = 0;

    if (!tls && !starts_with_scheme(text, "http://"))
        return err_set(err, ERR_INVALID, "url: begin with https:// or http://");
    left.data += tls ? 8 : 7;
    left.len -= tls ? 8 : 7;
    while (end < left.len && left.data[end] != '/' && left.data[end] != '?')
        end++;
    url->host = (struct str){left.data, end};
    left = (struct str){left.data + end, left.len - end};
    url->path = str_cut(left, '?', &url->query);
    if (!read_port(&url->host, tls ? 443 : 80, &url->port, err))
        return false;
    if (!is_host(url->host))
        return err_set(err, ERR_INVALID,
                       "url: the host is no name and no address");
    return is_sound(text, url->path, err) && is_sound(text, url->query, err);
}

/* --- the path --------------------------------------------------------- */

/* Dot segments are those that are written with dots: %2E is a name. AWS also
 * drops empty segments, which RFC 3986 keeps. (SG3) */
static char *put_path(char *at, struct str path, bool once, bool normalise) {
    char      *start = at;
    bool       slash = path.len && path.data[path.len - 1] == '/';
    struct str left = path, segment;

    (void)str_cut(path, '/', &left);
    while (left.data) {
        segment = str_cut(left, '/', &left);
        if (normalise && (segment.len == 0 || str_is(segment, ".")))
            continue;
        if (normalise && str_is(segment, "..")) {
            while (at > start && *--at != '/')
                continue;
            continue;
        }
        *at++ = '/';
        at = once ? put_recoded(at, segment) : put_encoded(at, segment);
    }
    if (at == start || (normalise && slash))
        *at++ = '/';
    return at;
}

/* --- sorting ---------------------------------------------------------- */

typedef int order_fn(const void *a, const void *b);

static int by_value(const void *a, const void *b) {
    const struct sigv4_pair *one = a, *other = b;
    int                      order = str_compare(one->key, other->key);

    return order ? order : str_compare(one->value, other->value);
}

static int by_place(const void *a, const void *b) {
    const struct sigv4_pair *one = a, *other = b;
    int                      order = str_compare(one->key, other->key);

    return order ? order
                 : (one->order > other->order) - (one->order < other->order);
}

static void sort(struct sigv4_pair *pairs, size_t count, order_fn *order) {
    if (count > 16) {
        qsort(pairs, count, sizeof *pairs, order);
        return;
    }
    for (size_t i = 1; i < count; i++) {
        struct sigv4_pair moving = pairs[i];
        size_t            at = i;

        for (; at && order(&pairs[at - 1], &moving) > 0; at--)
            pairs[at] = pairs[at - 1];
        pairs[at] = moving;
    }
}

static void make_room(struct sigv4_pair **pairs, size_t *room, size_t count) {
    if (count <= *room)
        return;
    *room = 2 * count + 4;
    *pairs = mem_resize(*pairs, *room * sizeof **pairs);
}

/* --- the query -------------------------------------------------------- */

static struct str recoded(struct str text, char **at) {
    char *start = *at;

    *at = put_recoded(start, text);
    return (struct str){start, (size_t)(*at - start)};
}

static size_t read_query(struct sigv4_scratch *scratch, struct str query,
                         size_t count, char **at) {
    struct str left = query;

    while (left.data) {
        struct str value, pair = str_cut(left, '&', &left);
        struct str key = str_cut(pair, '=', &value);

        if (pair.len == 0)
            continue;
        make_room(&scratch->query, &scratch->query_room, count + 1);
        scratch->query[count].key = recoded(key, at);
        scratch->query[count++].value = recoded(value, at);
    }
    return count;
}

/* What was given and what the signature brings itself. */
static size_t read_queries(struct sigv4_scratch *scratch, struct str query) {
    struct str more = buf_str(&scratch->presign);
    size_t     count;
    char      *at;

    sigv4_presign_room(&scratch->encoded, 3 * (query.len + more.len));
    at = scratch->encoded.data;
    count = read_query(scratch, query, 0, &at);
    return more.len ? read_query(scratch, more, count, &at) : count;
}

/* (SG4) */
static char *put_query(char *at, struct sigv4_scratch *scratch,
                       struct str query) {
    size_t count =
        query.len || scratch->presign.len ? read_queries(scratch, query) : 0;

    sort(scratch->query, count, by_value);
    for (size_t i = 0; i < count; i++) {
        if (i)
            *at++ = '&';
        at = put(at, scratch->query[i].key);
        *at++ = '=';
        at = put(at, scratch->query[i].value);
    }
    return at;
}

/* --- headers ---------------------------------------------------------- */

/* Hop-by-hop headers, those that proxies, tracers and load balancers rewrite,
 * and the two that a signature brings itself. AWS takes them unsigned. */
static const char *const unsigned_names[] = {"authorization",
                                             "baggage",
                                             "cache-control",
                                             "connection",
                                             "date",
                                             "expect",
                                             "forwarded",
                                             "from",
                                             "keep-alive",
                                             "max-forwards",
                                             "pragma",
                                             "referer",
                                             "te",
                                             "traceparent",
                                             "tracestate",
                                             "trailer",
                                             "transfer-encoding",
                                             "upgrade",
                                             "user-agent",
                                             "via",
                                             "x-amzn-trace-id"};
static const char *const unsigned_starts[] = {"proxy-", "sec-", "x-forwarded-"};

static bool is_signed(struct str name) {
    if (str_starts(name, "x-amz-"))
        return true;
    for (size_t i = 0; i < sizeof unsigned_names / sizeof(char *); i++)
        if (name.data[0] == unsigned_names[i][0] &&
            str_is(name, unsigned_names[i]))
            return false;
    for (size_t i = 0; i < sizeof unsigned_starts / sizeof(char *); i++)
        if (str_starts(name, unsigned_starts[i]))
            return false;
    return true;
}

static void add_header(struct sigv4_scratch *scratch, struct str name,
                       struct str value) {
    size_t at = scratch->header_count++;

    scratch->headers[at] = (struct sigv4_pair){name, value, at};
}

/* The lower-cased name, kept in scratch->names, whose room is reserved. */
static bool lower_name(struct sigv4_scratch *scratch, const char *name,
                       struct str *out, struct err *err) {
    char *start = scratch->names.data + scratch->names.len, *at = start;

    for (; *name; name++) {
        if (!is(*name, NAME))
            return err_set(err, ERR_INVALID,
                           "headers: a name has a byte that names cannot have");
        *at++ = lower(*name);
    }
    *out = (struct str){start, (size_t)(at - start)};
    scratch->names.len += out->len;
    return out->len || err_set(err, ERR_INVALID, "headers: a name is empty");
}

/* What the signature brings itself, and a request may not decide. */
static bool is_replaced(struct str name, struct str session_token) {
    return str_is(name, "x-amz-date") ||
           (session_token.len && str_is(name, "x-amz-security-token"));
}

/* Headers of which there is one, with something in it. */
static bool take_one(struct str *into, struct str name, struct str value,
                     struct err *err) {
    if (into->data)
        return err_set(err, ERR_INVALID, "headers: %.*s twice", STR_ARG(name));
    *into = value;
    return value.len ||
           err_set(err, ERR_INVALID, "headers: %.*s is empty", STR_ARG(name));
}

struct given {
    struct str host, payload; /* NULL data: not given */
};

static bool take_header(struct sigv4_scratch     *scratch,
                        const struct http_header *header, struct str token,
                        struct given *given, struct err *err) {
    struct str name, value = str_of(header->value);

    if (!lower_name(scratch, header->name, &name, err))
        return false;
    if (!is_signed(name) || is_replaced(name, token))
        return true;
    if (str_is(name, "host"))
        return take_one(&given->host, name, value, err);
    if (str_is(name, "x-amz-content-sha256"))
        return take_one(&given->payload, name, value, err);
    add_header(scratch, name, value);
    return true;
}

static bool take_headers(const struct sigv4_request *request, struct str token,
                         struct sigv4_scratch *scratch, struct given *given,
                         struct err *err) {
    static const struct http_headers none;
    const struct http_headers       *headers =
        request->headers ? request->headers : &none;
    size_t names = 0;

    for (size_t i = 0; i < headers->count; i++)
        names += strlen(headers->items[i].name);
    buf_clear(&scratch->names);
    buf_reserve(&scratch->names, names);
    make_room(&scratch->headers, &scratch->header_room, headers->count + 4);
    scratch->header_count = 0;
    for (size_t i = 0; i < headers->count; i++)
        if (!take_header(scratch, &headers->items[i], token, given, err))
            return false;
    return true;
}

/* Eight bytes at once: none is a control, a space or DEL. */
static bool all_visible(uint64_t word) {
    const uint64_t ones = ~0ULL / 255, tops = ones * 128;
    uint64_t       del = word ^ (ones * 0x7F);

    return !((((word - ones * 0x21) & ~word) | ((del - ones) & ~del)) & tops);
}

/* NULL when the value holds a control character. */
static char *put_value(char *at, struct str value) {
    char    *start = at;
    bool     gap = false;
    uint64_t word;

    for (size_t i = 0; i < value.len; i++) {
        char c;

        while (!gap && i + 8 <= value.len) {
            memcpy(&word, value.data + i, 8);
            if (!all_visible(word))
                break;
            memcpy(at, &word, 8);
            at += 8;
            i += 8;
        }
        if (i == value.len)
            break;
        c = value.data[i];
        if (c == ' ' || c == '\t') {
            gap = at > start;
            continue;
        }
        if ((unsigned char)c < 0x20 || c == 0x7F)
            return NULL;
        if (gap)
            *at++ = ' ';
        gap = false;
        *at++ = c;
    }
    return at;
}

static char *put_headers(char *at, struct sigv4_scratch *scratch,
                         struct err *err) {
    struct str last = {NULL, 0};

    for (size_t i = 0; i < scratch->header_count; i++) {
        struct sigv4_pair *header = &scratch->headers[i];
        bool               again = i && str_equal(header->key, last);

        last = header->key;
        if (!again)
            at = put(at, header->key);
        at[again ? -1 : 0] = again ? ',' : ':';
        at = put_value(again ? at : at + 1, header->value);
        if (!at) {
            err_set(err, ERR_INVALID, "headers: %.*s has a control character",
                    STR_ARG(header->key));
            return NULL;
        }
        *at++ = '\n';
    }
    return at;
}

static char *put_names(char *at, struct sigv4_scratch *scratch) {
    char *start = at;

    for (size_t i = 0; i < scratch->header_count; i++) {
        struct str name = scratch->headers[i].key;

        if (i && str_equal(name, scratch->headers[i - 1].key))
            continue;
        if (i)
            *at++ = ';';
        at = put(at, name);
    }
    scratch->signed_headers = (struct str){start, (size_t)(at - start)};
    return at;
}

/* --- the whole -------------------------------------------------------- */

void sigv4_canonical_release(struct sigv4_scratch *scratch) {
    if (!scratch)
        return;
    mem_free(scratch->headers);
    mem_free(scratch->query);
    mem_wipe(scratch->encoded.data, scratch->encoded.cap);
    mem_wipe(scratch->presign.data, scratch->presign.cap);
    buf_release(&scratch->names);
    buf_release(&scratch->encoded);
    buf_release(&scratch->credential);
    buf_release(&scratch->presign);
    buf_release(&scratch->hash);
    mem_free(scratch);
}

/* Each byte of the query becomes at most three, and each parameter without an
 * equals sign gets one; what presigning adds is encoded and stays; names stand twice, before a colon or a semicolon. */
static size_t room_for(const struct sigv4_request *request, struct str payload,
                       const struct sigv4_scratch *scratch) {
    size_t room = request->method.len + 4 * request->url.len + payload.len + 9 +
                  scratch->presign.len;

    for (size_t i = 0; i < scratch->header_count; i++)
        room +=
            2 * scratch->headers[i].key.len + scratch->headers[i].value.len + 3;
    return room;
}

static bool is_method(struct str method, struct err *err) {
    bool ok = method.len > 0;

    for (size_t i = 0; i < method.len; i++)
        ok = ok && method.data[i] >= 'A' && method.data[i] <= 'Z';
    return ok || err_set(err, ERR_INVALID, "method: capital letters only");
}

/* A Host header that was given stands: it is what will be sent. */
static void write_host(const struct url *url, const struct given *given,
                       struct buf *out) {
    struct str host = given->host.data ? given->host : url->host;

    buf_clear(out);
    buf_add_str(out, host);
    if (given->host.data)
        return;
    for (size_t i = 0; i < out->len; i++)
        out->data[i] = lower(out->data[i]);
    if (url->port)
        buf_addf(out, ":%d", url->port);
}

#define UNSIGNED "UNSIGNED-PAYLOAD"

/* The last line, and for S3, or when the body is not in it, a header of its
 * own. */
static struct str payload_hash(const struct sigv4_request *request,
                               const struct given         *given,
                               struct sigv4_signature     *signature) {
    struct buf *hash = &signature->scratch->hash;

    signature->payload[0] = '\0';
    if (given->payload.data)
        return given->payload;
    if (request->unsigned_payload ||
        (request->expires_s && sigv4_is_s3(request->service))) {
        if (!request->expires_s)
            memcpy(signature->payload, UNSIGNED, sizeof UNSIGNED);
        return STR(UNSIGNED);
    }
    buf_clear(hash);
    crypto_sha256_hex(request->body, hash);
    if (sigv4_is_s3(request->service))
        memcpy(signature->payload, hash->data, CRYPTO_HEX_SIZE + 1);
    return buf_str(hash);
}

/* Date and token of a presigned request are in its query. */
static void add_own_headers(struct sigv4_signature *signature,
                            const struct given *given, struct str token,
                            bool presign) {
    struct sigv4_scratch *scratch = signature->scratch;

    add_header(scratch, STR("host"), buf_str(&signature->host));
    if (!presign)
        add_header(scratch, STR("x-amz-date"), str_of(signature->date));
    if (given->payload.data)
        add_header(scratch, STR("x-amz-content-sha256"), given->payload);
    else if (signature->payload[0])
        add_header(scratch, STR("x-amz-content-sha256"),
                   str_of(signature->payload));
    if (token.len && !presign)
        add_header(scratch, STR("x-amz-security-token"), token);
    sort(scratch->headers, scratch->header_count, by_place);
}

/* The names are wanted in the query before they are written below it. */
static bool presign(const struct sigv4_request *request, struct str query,
                    struct str token, struct sigv4_signature *signature,
                    struct err *err) {
    struct sigv4_scratch *scratch = signature->scratch;
    struct buf            names = BUF_EMPTY;
    bool                  ok;

    buf_clear(&scratch->presign);
    if (!request->expires_s)
        return true;
    buf_reserve(&names, scratch->names.len +
                            sizeof "host;x-amz-content-sha256" +
                            scratch->header_count);
    names.len = (size_t)(put_names(names.data, scratch) - names.data);
    ok = sigv4_presign_write(request, query, buf_str(&names), token, signature,
                             err);
    buf_release(&names);
    return ok;
}

static char *put_request(char *at, const struct sigv4_request *request,
                         const struct url *url, struct str payload,
                         struct sigv4_scratch *scratch, struct err *err) {
    at = put(at, request->method);
    *at++ = '\n';
    at = put_path(at, url->path, sigv4_is_s3(request->service),
                  request->normalise_path);
    *at++ = '\n';
    at = put_query(at, scratch, url->query);
    *at++ = '\n';
    at = put_headers(at, scratch, err);
    if (!at)
        return NULL;
    *at++ = '\n';
    at = put_names(at, scratch);
    *at++ = '\n';
    return put_value(at, payload);
}

bool sigv4_canonical_write(const struct sigv4_request *request,
                           struct str token, struct sigv4_signature *signature,
                           struct err *err) {
    struct sigv4_scratch *scratch = signature->scratch;
    struct buf           *out = &signature->canonical_request;
    struct given          given = {{NULL, 0}, {NULL, 0}};
    struct url            url;
    struct str            payload;
    size_t                room;
    char                 *end;

    if (!is_method(request->method, err) ||
        !read_url(request->url, &url, err) ||
        !take_headers(request, token, scratch, &given, err))
        return false;
    write_host(&url, &given, &signature->host);
    payload = payload_hash(request, &given, signature);
    add_own_headers(signature, &given, token, request->expires_s != 0);
    if (!presign(request, url.query, token, signature, err))
        return false;
    room = room_for(request, payload, scratch);
    sigv4_presign_room(out, room);
    end = put_request(out->data, request, &url, payload, scratch, err);
    if (!end)
        return false;
    out->len = (size_t)(end - out->data);
    assert(out->len <= room);
    *end = '\0';
    return true;
}
