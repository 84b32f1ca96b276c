/* check_services.c - the rows of lib/aws/services.lua, each at its line.
 *
 * What a row may say is the protocols' own knowledge (aws_service.h); here it
 * only gets a place.
 */
#include "check/check_private.h"
#include "check/lines.h"
#include "protocol/aws_service.h"

static void say(void *arg, enum aws_service_fault fault, const struct str *keys,
                size_t depth, const char *text) {
    static const enum finding findings[] = {
        FINDING_KEY_UNKNOWN, FINDING_KEY_MISSING, FINDING_KEY_TYPE};
    struct check *check = arg;

    check_say(check, findings[fault],
              lines_find_path(buf_str(&check->script->text), keys, depth),
              "service %.*s: %s", depth ? (int)keys[0].len : 0,
              depth ? keys[0].data : "", text);
}

void check_services(struct check *check) {
    (void)aws_service_check(check->meta, say, check);
}
