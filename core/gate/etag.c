/* etag.c - a small array, searched from end to end: 128 digests are two pages.
 */
#include "gate/etag.h"

#include <string.h>

#include "base/mem.h"
#include "sys/crypto.h"

struct kept {
    struct etag_key key;
    struct buf      tag, link, body;
    uint64_t        used;
};

struct etag {
    struct kept kept[ETAG_COUNT];
    size_t      count, bytes;
    uint64_t    turn;
};

struct etag *etag_open(void) {
    return mem_new(sizeof(struct etag));
}

static size_t size_of(const struct kept *kept) {
    return kept->tag.len + kept->link.len + kept->body.len;
}

static void drop(struct etag *etag, struct kept *kept) {
    etag->bytes -= size_of(kept);
    buf_release(&kept->tag);
    buf_release(&kept->link);
    buf_release(&kept->body);
    *kept = etag->kept[--etag->count];
    memset(&etag->kept[etag->count], 0, sizeof *kept);
}

void etag_close(struct etag *etag) {
    if (!etag)
        return;
    while (etag->count)
        drop(etag, &etag->kept[0]);
    mem_free(etag);
}

static struct kept *find(struct etag *etag, const struct etag_key *key) {
    for (size_t i = 0; i < etag->count; i++)
        if (memcmp(etag->kept[i].key.text, key->text, sizeof key->text) == 0)
            return &etag->kept[i];
    return NULL;
}

/* (ET1) A digest, so that no token is kept here. */
static struct etag_key key_of(const struct http_request *request) {
    struct str      who = http_headers_find(&request->headers, "Authorization");
    struct buf      text = BUF_EMPTY, hex = BUF_EMPTY;
    struct etag_key key = {""};

    buf_reserve(&text, who.len + strlen(request->url) + 1);
    buf_addf(&text, "%s\n", request->url);
    buf_add_str(&text, who);
    crypto_sha256_hex(buf_str(&text), &hex);
    memcpy(key.text, buf_text(&hex), sizeof key.text);
    mem_wipe(text.data, text.len);
    buf_release(&text);
    buf_release(&hex);
    return key;
}

struct etag_key etag_ask(struct etag *etag, struct http_request *request) {
    struct etag_key key = {""};
    struct kept    *kept;

    if (strcmp(request->method, "GET") != 0)
        return key;
    key = key_of(request);
    kept = find(etag, &key);
    if (kept)
        (void)http_headers_add(&request->headers, STR("If-None-Match"),
                               buf_str(&kept->tag));
    return key;
}

static struct kept *oldest(struct etag *etag) {
    struct kept *found = &etag->kept[0];

    for (size_t i = 1; i < etag->count; i++)
        if (etag->kept[i].used < found->used)
            found = &etag->kept[i];
    return found;
}

/* (ET2) */
static void keep(struct etag *etag, const struct etag_key *key, struct str tag,
                 const struct http_answer *http) {
    struct str   link = http_headers_find(&http->headers, "link");
    struct kept *kept = find(etag, key);
    size_t       size = tag.len + link.len + http->body.len;

    if (kept)
        drop(etag, kept);
    if (size > ETAG_BYTES / 8 || http->body.len == 0)
        return;
    while (etag->count == ETAG_COUNT || etag->bytes + size > ETAG_BYTES)
        drop(etag, oldest(etag));
    kept = &etag->kept[etag->count++];
    kept->key = *key;
    kept->used = ++etag->turn;
    buf_add_str(&kept->tag, tag);
    buf_add_str(&kept->link, link);
    buf_add_str(&kept->body, buf_str(&http->body));
    etag->bytes += size;
}

static void restore(struct etag *etag, struct kept *kept,
                    const struct http_answer *http, struct http_answer *whole) {
    *whole = (struct http_answer){.fate = HTTP_ANSWERED, .status = 200};
    for (size_t i = 0; i < http->headers.count; i++)
        (void)http_headers_add(&whole->headers,
                               str_of(http->headers.items[i].name),
                               str_of(http->headers.items[i].value));
    if (kept->link.len && !http_headers_find(&whole->headers, "link").len)
        (void)http_headers_add(&whole->headers, STR("link"),
                               buf_str(&kept->link));
    buf_add_str(&whole->body, buf_str(&kept->body));
    kept->used = ++etag->turn;
}

bool etag_take(struct etag *etag, const struct etag_key *key,
               const struct http_answer *http, struct http_answer *whole) {
    struct str   tag = http_headers_find(&http->headers, "etag");
    struct kept *kept = key->text[0] ? find(etag, key) : NULL;

    if (!key->text[0] || http->fate != HTTP_ANSWERED)
        return false;
    if (http->status == 304 && kept) {
        restore(etag, kept, http, whole);
        return true;
    }
    if (http->status == 200 && tag.len > 0 && tag.len <= 256)
        keep(etag, key, tag, http);
    return false;
}
