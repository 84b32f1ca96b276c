/* sigv4_presign.c - the parameters that make a URL carry its own signature.
 *
 * They are put behind what the URL has, and the canonical request then treats
 * them as parameters like any other. What the URL has is compared by meaning,
 * not by spelling: %58-Amz-Date is X-Amz-Date to every server. (SG7)
 */
#include "aws/sigv4_private.h"
#include "base/encode.h"
#include "base/mem.h"

#include <strings.h>

#define LONGEST_S 604800 /* seven days */

static const char *const own[] = {"X-Amz-Algorithm",     "X-Amz-Credential",
                                  "X-Amz-Date",          "X-Amz-Expires",
                                  "X-Amz-Signature",     "X-Amz-SignedHeaders",
                                  "X-Amz-Security-Token"};
#define OWN (sizeof own / sizeof *own)

void sigv4_presign_room(struct buf *out, size_t room) {
    if (out->cap <= room) {
        mem_wipe(out->data, out->cap);
        buf_release(out);
    }
    buf_clear(out);
    buf_reserve(out, room);
}

static const char *own_name(const char *name) {
    for (size_t i = 0; i < OWN; i++)
        if (strcasecmp(name, own[i]) == 0)
            return own[i];
    return NULL;
}

static bool check_query(struct str query, struct err *err) {
    struct str left = query;
    struct buf name = BUF_EMPTY;
    bool       ok = true;

    while (ok && left.data) {
        struct str value, pair = str_cut(left, '&', &left);

        buf_clear(&name);
        ok = encode_percent_read(str_cut(pair, '=', &value), &name, err);
        if (ok && own_name(buf_text(&name)))
            ok = err_set(err, ERR_INVALID,
                         "url: it has %s already, which presigning adds",
                         own_name(buf_text(&name)));
    }
    buf_release(&name);
    return ok;
}

static void add(struct buf *out, const char *name, struct str value) {
    if (out->len)
        buf_add_char(out, '&');
    buf_add_text(out, name);
    buf_add_char(out, '=');
    encode_percent(value, "", out);
}

bool sigv4_presign_write(const struct sigv4_request *request, struct str query,
                         struct str names, struct str token,
                         struct sigv4_signature *signature, struct err *err) {
    struct buf *out = &signature->scratch->presign;
    struct str  credential = buf_str(&signature->scratch->credential);
    char        seconds[24];

    if (request->expires_s < 1 || request->expires_s > LONGEST_S)
        return err_set(err, ERR_INVALID,
                       "expires: one second to seven days (604800)");
    if (!check_query(query, err))
        return false;
    sigv4_presign_room(out, 200 + 3 * (credential.len + names.len + token.len));
    (void)snprintf(seconds, sizeof seconds, "%lld",
                   (long long)request->expires_s);
    add(out, "X-Amz-Algorithm", STR("AWS4-HMAC-SHA256"));
    add(out, "X-Amz-Credential", credential);
    add(out, "X-Amz-Date", str_of(signature->date));
    add(out, "X-Amz-Expires", str_of(seconds));
    add(out, "X-Amz-SignedHeaders", names);
    if (token.len)
        add(out, "X-Amz-Security-Token", token);
    return true;
}
