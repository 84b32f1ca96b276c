/* evidence.c - strip, redact, cap; the nonce is a hash over the result. */
#include "llm/evidence.h"

#include <string.h>

#include "base/encode.h"
#include "base/visible.h"
#include "secret/redact.h"
#include "sys/crypto.h"

/* Back to the beginning of a character. */
static size_t whole_before(struct str text, size_t at) {
    while (at > 0 && at < text.len &&
           ((unsigned char)text.data[at] & 0xC0) == 0x80)
        at--;
    return at;
}

/* Keeps both ends: a log begins with what started and ends with what failed.
 */
static struct json *capped(struct str text, size_t limit) {
    size_t       head = whole_before(text, limit / 2);
    size_t       tail = whole_before(text, text.len - limit / 2);
    struct buf   out = BUF_EMPTY;
    struct json *value;

    if (text.len <= limit)
        return json_new_text(text);
    buf_add(&out, text.data, head);
    buf_addf(&out, "\n[%zu " EVIDENCE_CUT "]\n", tail - head);
    buf_add(&out, text.data + tail, text.len - tail);
    value = json_new_text(buf_str(&out));
    buf_release(&out);
    return value;
}

static void cap_items(struct json *clean) {
    struct json *items = json_find(clean, "evidence");
    size_t       count = json_count(items);
    size_t       share = count ? EVIDENCE_ALL_MAX / count : 0;

    if (share > EVIDENCE_ITEM_MAX)
        share = EVIDENCE_ITEM_MAX;
    for (size_t i = 0; json_is(items, JSON_LIST) && i < count; i++) {
        struct json *item = json_at(items, i);
        struct json *text = capped(json_find_text(item, "text"), share);

        json_put(item, "text", text);
    }
}

struct json *evidence_clean(const struct json   *args,
                            const struct redact *redact) {
    struct json *visible = visible_json(args), *clean, *own;

    if (!redact) {
        cap_items(visible);
        return visible;
    }
    clean = redact_json(redact, visible);
    json_release(visible);
    own = json_clone(clean);
    json_release(clean);
    cap_items(own);
    return own;
}

/* (EV2) */
void evidence_nonce(const struct json *clean, const char *token,
                    char nonce[EVIDENCE_NONCE_SIZE]) {
    struct buf text = BUF_EMPTY, hex = BUF_EMPTY;

    buf_addf(&text, "fence %s\n", token);
    json_write(clean, &text);
    crypto_sha256_hex(buf_str(&text), &hex);
    memcpy(nonce, buf_text(&hex), EVIDENCE_NONCE_SIZE - 1);
    nonce[EVIDENCE_NONCE_SIZE - 1] = '\0';
    buf_release(&text);
    buf_release(&hex);
}

/* The mark of a cut is ours and no evidence. */
bool evidence_holds(const struct json *clean, struct str name,
                    struct str quote) {
    const struct json *items = json_find(clean, "evidence");

    if (quote.len == 0 ||
        memmem(quote.data, quote.len, EVIDENCE_CUT, strlen(EVIDENCE_CUT)))
        return false;
    for (size_t i = 0; i < json_count(items); i++) {
        const struct json *item = json_at(items, i);
        struct str         text = json_find_text(item, "text");

        if (str_equal(json_find_text(item, "name"), name) &&
            memmem(text.data, text.len, quote.data, quote.len))
            return true;
    }
    return false;
}
