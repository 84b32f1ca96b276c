/* inbound_certificate.c - a TLS client is known by a name of its certificate.
 *
 * The server has verified the chain before it hands a certificate over; here
 * its subject, or one of its DNS names, must be in `allow`, letter for letter.
 * A pattern would be one more thing to get wrong.
 */
#include "auth/inbound_private.h"

enum inbound_verdict
inbound_certificate_check(const struct inbound         *inbound,
                          const struct inbound_request *request,
                          struct inbound_result        *result) {
    const struct json *allowed =
        inbound_setting_find(inbound, request->client_subject);
    struct str rest = request->client_names;

    if (request->client_subject.len == 0 && rest.len == 0)
        return inbound_refuse(result, INBOUND_WHY_MISSING);
    while (!allowed && rest.data)
        allowed = inbound_setting_find(inbound, str_cut(rest, '\n', &rest));
    if (!allowed)
        return inbound_refuse(result, INBOUND_WHY_NAME);
    (void)inbound_result_put(result->who, sizeof result->who,
                             json_text(allowed));
    return INBOUND_TRUSTED;
}
