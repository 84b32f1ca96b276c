/* check_policy.c - what a policy declares.
 *
 * Which outcomes a policy may pass through depends on where it stands; which
 * it may add is its own word, and every text it returns must be one of those.
 */
#include "check/check_private.h"

void check_policy(struct check *check) {
    static const struct shape rows[] = {
        {"about", SHAPE_TEXT, "one sentence for the people on call"},
        {"decide", SHAPE_FUNCTION, "function(outcome, output, facts)"},
        {"adds", SHAPE_TEXTS, NULL},
    };
    struct spot policy = check_root(check, "policy");

    if (!check_shape(check, &policy, rows, sizeof rows / sizeof *rows))
        return;
    check_shape_words(check, &policy, "adds");
    check_text_outcomes(check, "decide", json_find(check->meta, "adds"),
                        FINDING_POLICY_ADDS_UNDECLARED);
}
