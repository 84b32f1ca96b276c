/* inbound.c - a row for each method; a check clears the result and asks one.
 *
 * After inbound_open() nothing here changes but the certificates of SNS, which
 * have a lock of their own; so a check may run on any number of threads.
 */
#include "auth/inbound.h"

#include <string.h>

#include "auth/inbound_private.h"
#include "base/mem.h"

#define SECONDS ((int64_t)1000)

static enum inbound_verdict take_anyone(const struct inbound         *inbound,
                                        const struct inbound_request *request,
                                        struct inbound_result        *result) {
    (void)inbound;
    (void)request;
    (void)result;
    return INBOUND_TRUSTED;
}

/* check, secret, user, allow, window */
static const struct inbound_row rows[INBOUND_METHOD_COUNT] = {
    [INBOUND_NONE] = {take_anyone, false, false, false, 0},
    [INBOUND_BEARER] = {inbound_token_bearer, true, false, false, 0},
    [INBOUND_BASIC] = {inbound_token_basic, true, true, false, 0},
    [INBOUND_MTLS] = {inbound_certificate_check, false, false, true, 0},
    [INBOUND_GITHUB] = {inbound_mac_github, true, false, false, 0},
    [INBOUND_STANDARD] = {inbound_mac_standard, true, false, false,
                          300 * SECONDS},
    [INBOUND_PAGERDUTY] = {inbound_mac_pagerduty, true, false, false, 0},
    [INBOUND_SNS] = {inbound_sns_check, false, false, true, 3600 * SECONDS},
    [INBOUND_SLACK] = {inbound_mac_slack, true, false, false, 300 * SECONDS},
};

const struct inbound_row *inbound_row_of(enum inbound_method method) {
    return &rows[method];
}

struct inbound *inbound_open(struct str source, const struct json *settings,
                             const struct secrets *secrets, struct err *err) {
    struct inbound               *inbound = mem_new(sizeof *inbound);
    const struct inbound_settings from = {source, settings, secrets};

    if (!inbound_setting_read(inbound, &from, err)) {
        inbound_close(inbound);
        return NULL;
    }
    if (inbound->method == INBOUND_SNS)
        inbound->cache = inbound_cache_open();
    return inbound;
}

void inbound_close(struct inbound *inbound) {
    if (!inbound)
        return;
    mem_wipe(inbound->secrets, sizeof inbound->secrets);
    json_release(inbound->allow);
    mem_free(inbound->user);
    inbound_cache_close(inbound->cache);
    buf_release(&inbound->warning);
    mem_free(inbound);
}

enum inbound_method inbound_method(const struct inbound *inbound) {
    return inbound->method;
}

bool inbound_confirms(const struct inbound *inbound) {
    return inbound->confirm;
}

const char *inbound_warning(const struct inbound *inbound) {
    return buf_text(&inbound->warning);
}

enum inbound_verdict inbound_check(const struct inbound         *inbound,
                                   const struct inbound_request *request,
                                   struct inbound_result        *result) {
    enum inbound_verdict verdict;

    memset(result, 0, sizeof *result);
    result->secret = -1;
    verdict = rows[inbound->method].check(inbound, request, result);
    /* What somebody unknown says of himself goes no further. */
    if (verdict != INBOUND_TRUSTED) {
        result->delivery[0] = result->who[0] = '\0';
        result->signed_id = false;
        result->about = INBOUND_ABOUT_EVENT;
        result->confirm[0] = '\0';
        result->secret = -1;
    }
    return verdict;
}

bool inbound_learn(struct inbound *inbound, struct str url, struct str pem,
                   int64_t now_ms, struct err *err) {
    if (!inbound->cache)
        return err_set(err, ERR_INVALID,
                       "only a source with auth = \"sns\" has certificates");
    return inbound_cache_put(inbound->cache, url, pem, now_ms, err);
}

/* --- results ------------------------------------------------------------ */

enum inbound_verdict inbound_refuse(struct inbound_result *result,
                                    enum inbound_why       why) {
    result->why = why;
    return INBOUND_REFUSED;
}

bool inbound_result_put(char *field, size_t size, struct str text) {
    if (text.len >= size || (text.len && memchr(text.data, '\0', text.len)))
        return false;
    if (text.len)
        memcpy(field, text.data, text.len);
    field[text.len] = '\0';
    return true;
}

bool inbound_is_timely(const struct inbound *inbound, int64_t at_ms,
                       int64_t now_ms) {
    return at_ms >= now_ms - inbound->window_ms &&
           at_ms <= now_ms + inbound->window_ms;
}

const char *inbound_method_name(enum inbound_method method) {
    static const char *const names[] = {
#define X(method, name, about) name,
        INBOUND_METHODS(X)
#undef X
    };

    return names[method];
}

const char *inbound_why_name(enum inbound_why why) {
    static const char *const names[] = {
#define X(why, name, about) name,
        INBOUND_WHYS(X)
#undef X
    };

    return names[why];
}
