/* test_rule_graphql.c - a revert is found again by its marker, or not at all. */
#include <criterion/criterion.h>

#include "effect/rule.h"
#include "support.h"

#define MARKER "<!-- nightshift:0a1b2c3d-0000-8000-8000-000000000000 -->"
#define ASK(body)                                                           \
    "['', 'github', 'POST /graphql', {'query': 'mutation($input: I!) { "    \
    "revertPullRequest(input: $input) { revertPullRequest { number } } }'," \
    "'variables': {'input': {'pullRequestId': 'PR_9', 'body': '" body       \
    "'}}}, {'owner': 'o', 'repo': 'r'}]"
#define LIST(pulls) \
    "{'node': {'repository': {'pullRequests': {'nodes': [" pulls "]}}}}"
#define OURS "{'number': 8, 'body': 'x " MARKER "'}"
#define SEVEN "{'number': 7, 'body': 'other'}"

static enum effect_proof prove(const char *ask, const char *were,
                               const char *are) {
    struct effect     effect = support_effect(ask, NULL);
    struct json      *before = support_json(were), *now = support_json(are);
    struct json      *answer = NULL;
    enum effect_proof proof = effect.rule->prove(&effect, before, now, &answer);

    cr_expect_eq(answer != NULL, proof == PROOF_APPLIED);
    if (answer)
        cr_expect_eq(json_find_int(json_dig(answer, "revertPullRequest",
                                            "revertPullRequest", NULL),
                                   "number", 0),
                     8);
    json_release(answer);
    json_release(before);
    json_release(now);
    effect_release(&effect);
    return proof;
}

Test(rule_graphql, R1_a_revert_is_proven_by_the_marker_of_its_slot) {
    cr_expect_eq(prove(ASK(MARKER), LIST(SEVEN), LIST(OURS "," SEVEN)),
                 PROOF_APPLIED);
    cr_expect_eq(prove(ASK(MARKER), LIST(SEVEN), LIST(SEVEN)), PROOF_ABSENT);
    cr_expect_eq(prove(ASK(MARKER), LIST(""), LIST("")), PROOF_ABSENT);
}

Test(rule_graphql, R1_what_the_answers_do_not_show_is_unsure) {
    /* It was there before, so it is not this write's. */
    cr_expect_eq(prove(ASK(MARKER), LIST(OURS), LIST(OURS)), PROOF_UNSURE);
    cr_expect_eq(prove(ASK("no marker"), LIST(SEVEN), LIST(OURS)),
                 PROOF_UNSURE);
    cr_expect_eq(prove(ASK("<!-- nightshift:1 -->"), LIST(""), LIST("")),
                 PROOF_UNSURE);
    cr_expect_eq(prove(ASK(MARKER), LIST(SEVEN), "{'node': null}"),
                 PROOF_UNSURE);
    cr_expect_eq(prove(ASK(MARKER), "{}", LIST(OURS)), PROOF_UNSURE);
}

Test(rule_graphql, R1_a_list_that_does_not_reach_back_shows_no_absence) {
    struct buf many = BUF_EMPTY, text = BUF_EMPTY;

    for (int i = 0; i < 50; i++)
        buf_addf(&many, "%s{'number': %d, 'body': ''}", i ? "," : "", 90 - i);
    buf_addf(&text, LIST("%s"), buf_text(&many));
    cr_expect_eq(prove(ASK(MARKER), LIST(SEVEN), buf_text(&text)),
                 PROOF_UNSURE);
    cr_expect_eq(
        prove(ASK(MARKER), LIST("{'number': 41, 'body': ''}"), buf_text(&text)),
        PROOF_ABSENT);
    buf_release(&many);
    buf_release(&text);
}

Test(rule_graphql, it_is_read_back_by_the_same_token) {
    struct effect effect = support_effect(ASK(MARKER), NULL);
    struct json  *question = effect.rule->readback(&effect);
    struct effect reader;
    struct json  *none = json_new_map();
    struct err    err;

    cr_assert(effect_make(&reader, question, none, &err), "%s", err.text);
    cr_expect_str_eq(reader.name, "github:graphql:query");
    cr_expect_eq(reader.class, EFFECT_READ);
    support_is(json_find(reader.args, "variables"), "{'id': 'PR_9'}");
    support_is(reader.options, "{'owner': 'o', 'repo': 'r'}");
    effect_release(&reader);
    effect_release(&effect);
    json_release(question);
    json_release(none);
}

Test(rule_graphql, a_prediction_is_plainly_none) {
    struct effect effect = support_effect(ASK(MARKER), NULL);
    struct json  *made = effect.rule->predict(&effect, NULL);

    cr_expect_eq(json_find_int(json_dig(made, "revertPullRequest",
                                        "revertPullRequest", NULL),
                               "number", -1),
                 0);
    json_release(made);
    effect_release(&effect);
}
