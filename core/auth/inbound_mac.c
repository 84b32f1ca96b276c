/* inbound_mac.c - github, pagerduty, standard, slack: HMAC-SHA256.
 *
 * They differ in what is hashed before the body, in how the MAC is written and
 * in whether several may be given. We write the MAC as the sender must have
 * written it and compare texts, so that there is one spelling of a right
 * answer and no decoder for a stranger to talk to. Every MAC that came is
 * compared with every secret's. (IN1, IN4)
 */
#include <ctype.h>
#include <string.h>

#include "auth/inbound_private.h"
#include "base/encode.h"
#include "base/mem.h"

#define OFFERS_MAX 16

/* What one scheme says of its header. */
struct scheme {
    const char *prefix;    /* before each MAC */
    char        separator; /* between several; 0: there is one */
    bool        base64;    /* else hex */
};

static const struct scheme github = {"sha256=", 0, false};
static const struct scheme pagerduty = {"v1=", ',', false};
static const struct scheme standard = {"v1,", ' ', true};
static const struct scheme slack = {"v0=", 0, false};

/* --- secrets ------------------------------------------------------------ */

/* Base64 with one spelling; senders leave the padding out now and then. */
static bool is_canonical(struct str text, struct str bytes) {
    struct buf again = BUF_EMPTY;
    size_t     bare = text.len;
    bool       same;

    buf_reserve(&again, 4 * (bytes.len / 3 + 1) + 1);
    encode_base64(bytes, &again);
    while (bare && text.data[bare - 1] == '=')
        bare--;
    same = again.len >= text.len && again.len - bare <= 2 &&
           crypto_equal((struct str){again.data, text.len}, text);
    mem_wipe(again.data, again.cap);
    buf_release(&again);
    return same;
}

static bool keep_standard(struct str secret, struct inbound_secret *keep,
                          const char **form) {
    struct buf bytes = BUF_EMPTY;
    struct err err;
    bool       ok;

    *form = "a secret of Standard Webhooks is \"whsec_\" and base64";
    if (str_starts(secret, "whsec_")) {
        secret.data += 6;
        secret.len -= 6;
    }
    buf_reserve(&bytes, secret.len + 1);
    ok = encode_base64_read(secret, &bytes, &err) && bytes.len > 0 &&
         is_canonical(secret, buf_str(&bytes));
    crypto_hmac_key_init(&keep->mac, buf_str(&bytes));
    mem_wipe(bytes.data, bytes.cap);
    buf_release(&bytes);
    return ok;
}

bool inbound_mac_keep(const struct inbound *inbound, struct str secret,
                      struct inbound_secret *keep, const char **form) {
    if (inbound->method == INBOUND_STANDARD)
        return keep_standard(secret, keep, form);
    crypto_hmac_key_init(&keep->mac, secret);
    return true;
}

/* --- comparing ---------------------------------------------------------- */

/* The MACs in a header; those of other versions are passed over. */
struct offers {
    struct str items[OFFERS_MAX];
    size_t     count;
};

static bool add_offer(struct offers *offers, const struct scheme *scheme,
                      struct str text) {
    size_t skip = strlen(scheme->prefix);

    if (!str_starts(text, scheme->prefix))
        return true;
    if (offers->count == OFFERS_MAX)
        return false;
    offers->items[offers->count++] =
        (struct str){text.data + skip, text.len - skip};
    return true;
}

static bool read_offers(const struct scheme *scheme, struct str header,
                        struct offers *offers) {
    struct str rest = header;
    bool       ok = true;

    offers->count = 0;
    if (!scheme->separator)
        ok = add_offer(offers, scheme, header);
    while (ok && scheme->separator && rest.data) {
        struct str one = str_cut(rest, scheme->separator, &rest);

        ok = add_offer(offers, scheme, str_trim(one));
    }
    return ok && offers->count > 0;
}

static void write_mac(const struct scheme         *scheme,
                      const struct inbound_secret *secret,
                      const struct str *parts, size_t count, struct buf *out) {
    unsigned char mac[DIGEST_SIZE];

    buf_clear(out);
    crypto_hmac_parts(&secret->mac, parts, count, mac);
    if (scheme->base64)
        encode_base64((struct str){(const char *)mac, sizeof mac}, out);
    else
        encode_hex(mac, sizeof mac, out);
}

/* Parts are hashed where they are. (IN2) */
static enum inbound_verdict judge(const struct inbound *inbound,
                                  const struct scheme  *scheme,
                                  struct str header, const struct str *parts,
                                  size_t count, struct inbound_result *result) {
    struct buf    right = BUF_EMPTY;
    struct offers offers;

    if (!read_offers(scheme, header, &offers))
        return inbound_refuse(result, INBOUND_WHY_MALFORMED);
    for (size_t i = inbound->count; i-- > 0;) {
        write_mac(scheme, &inbound->secrets[i], parts, count, &right);
        for (size_t k = 0; k < offers.count; k++)
            if (crypto_equal(offers.items[k], buf_str(&right)))
                result->secret = (int)i;
    }
    mem_wipe(right.data, right.cap);
    buf_release(&right);
    return result->secret < 0 ? inbound_refuse(result, INBOUND_WHY_SIGNATURE)
                              : INBOUND_TRUSTED;
}

/* --- schemes that sign the body alone ----------------------------------- */

static enum inbound_verdict check_body(const struct inbound         *inbound,
                                       const struct scheme          *scheme,
                                       const struct inbound_request *request,
                                       const char                   *name,
                                       struct inbound_result        *result) {
    struct str header = request->header(request->arg, name);

    if (header.len == 0)
        return inbound_refuse(result, INBOUND_WHY_MISSING);
    return judge(inbound, scheme, header, &request->body, 1, result);
}

/* GitHub's id of a delivery is not under its signature: whoever replays one
 * may give it a new id. */
enum inbound_verdict inbound_mac_github(const struct inbound         *inbound,
                                        const struct inbound_request *request,
                                        struct inbound_result        *result) {
    struct str id = request->header(request->arg, "X-GitHub-Delivery");

    if (!inbound_result_put(result->delivery, sizeof result->delivery, id))
        return inbound_refuse(result, INBOUND_WHY_MALFORMED);
    return check_body(inbound, &github, request, "X-Hub-Signature-256", result);
}

enum inbound_verdict
inbound_mac_pagerduty(const struct inbound         *inbound,
                      const struct inbound_request *request,
                      struct inbound_result        *result) {
    return check_body(inbound, &pagerduty, request, "X-PagerDuty-Signature",
                      result);
}

/* --- schemes that sign a time ------------------------------------------- */

/* Seconds since 1970 in digits, as they are signed. */
static bool read_seconds(struct str text, int64_t *ms) {
    int64_t seconds;

    if (text.len > 12 || !str_made_of(text, isdigit, "") ||
        !str_to_int(text, &seconds))
        return false;
    *ms = seconds * 1000;
    return true;
}

static enum inbound_why look_at_time(const struct inbound *inbound,
                                     struct str text, int64_t now_ms) {
    int64_t at_ms;

    if (!read_seconds(text, &at_ms))
        return INBOUND_WHY_MALFORMED;
    return inbound_is_timely(inbound, at_ms, now_ms) ? INBOUND_WHY_FINE
                                                     : INBOUND_WHY_TIMESTAMP;
}

/* A full stop in the id would let it and the time be cut in another place. */
enum inbound_verdict inbound_mac_standard(const struct inbound         *inbound,
                                          const struct inbound_request *request,
                                          struct inbound_result *result) {
    struct str       id = request->header(request->arg, "webhook-id");
    struct str       at = request->header(request->arg, "webhook-timestamp");
    struct str       given = request->header(request->arg, "webhook-signature");
    const struct str parts[] = {id, STR("."), at, STR("."), request->body};
    enum inbound_why why;

    if (id.len == 0 || at.len == 0 || given.len == 0)
        return inbound_refuse(result, INBOUND_WHY_MISSING);
    if (memchr(id.data, '.', id.len) ||
        !inbound_result_put(result->delivery, sizeof result->delivery, id))
        return inbound_refuse(result, INBOUND_WHY_MALFORMED);
    result->signed_id = true;
    why = look_at_time(inbound, at, request->now_ms);
    return why ? inbound_refuse(result, why)
               : judge(inbound, &standard, given, parts,
                       sizeof parts / sizeof *parts, result);
}

enum inbound_verdict inbound_mac_slack(const struct inbound         *inbound,
                                       const struct inbound_request *request,
                                       struct inbound_result        *result) {
    struct str at = request->header(request->arg, "X-Slack-Request-Timestamp");
    struct str given = request->header(request->arg, "X-Slack-Signature");
    const struct str parts[] = {STR("v0:"), at, STR(":"), request->body};
    enum inbound_why why;

    if (at.len == 0 || given.len == 0)
        return inbound_refuse(result, INBOUND_WHY_MISSING);
    why = look_at_time(inbound, at, request->now_ms);
    return why ? inbound_refuse(result, why)
               : judge(inbound, &slack, given, parts,
                       sizeof parts / sizeof *parts, result);
}
