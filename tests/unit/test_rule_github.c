/* test_rule_github.c - branches and pull requests are found by their names. */
#include <criterion/criterion.h>

#include "effect/rule.h"
#include "support.h"

#define REF                                                                 \
    "['', 'github', 'POST /repos/{owner}/{repo}/git/refs', {'owner': 'o', " \
    "'repo': 'r', 'ref': 'refs/heads/fix', 'sha': 'abc'}]"
#define PULL                                                             \
    "['', 'github', 'POST /repos/{owner}/{repo}/pulls', {'owner': 'o', " \
    "'repo': 'r', 'head': 'fix', 'base': 'main', 'title': 't'}]"
#define CLOSE                                                            \
    "['', 'github', 'PATCH /repos/{owner}/{repo}/pulls/{pull_number}', " \
    "{'owner': 'o', 'repo': 'r', 'pull_number': 7, 'state': 'closed'}]"
#define BLOB                                                                 \
    "['', 'github', 'POST /repos/{owner}/{repo}/git/blobs', {'owner': 'o', " \
    "'repo': 'r', 'content': 'x'}]"

static void reads_back(const char *question, const char *wanted) {
    struct effect effect = support_effect(question, NULL);
    struct json  *made = effect.rule->readback(&effect);

    support_is(made, wanted);
    json_release(made);
    effect_release(&effect);
}

static enum effect_proof prove(const char *question, const char *now) {
    struct effect     effect = support_effect(question, NULL);
    struct json      *is = support_json(now), *answer = NULL;
    enum effect_proof proof = effect.rule->prove(&effect, NULL, is, &answer);

    cr_expect_eq(answer != NULL, proof == PROOF_APPLIED);
    json_release(answer);
    json_release(is);
    effect_release(&effect);
    return proof;
}

Test(rule_github, targets_name_the_repository_or_all_of_them) {
    struct effect effect = support_effect(REF, NULL);

    cr_expect_str_eq(effect.target, "github:o/r");
    effect_release(&effect);
    effect = support_effect("['', 'github', 'GET /user', {}]", NULL);
    cr_expect_str_eq(effect.target, "github:*");
    effect_release(&effect);
}

Test(rule_github, reads_back_by_the_name_that_was_written) {
    reads_back(REF, "['', 'github', "
                    "'GET /repos/{owner}/{repo}/git/matching-refs/{ref}', "
                    "{'owner': 'o', 'repo': 'r', 'ref': 'heads/fix'}]");
    reads_back(PULL, "['', 'github', 'GET /repos/{owner}/{repo}/pulls', "
                     "{'owner': 'o', 'repo': 'r', 'head': 'o:fix', 'state': "
                     "'all'}]");
    reads_back(CLOSE, "['', 'github', "
                      "'GET /repos/{owner}/{repo}/pulls/{pull_number}', "
                      "{'owner': 'o', 'repo': 'r', 'pull_number': 7}]");
}

Test(rule_github, R1_a_reference_is_proven_by_name_and_commit) {
    cr_expect_eq(prove(REF, "[{'ref': 'refs/heads/fix', 'object': {'sha': "
                            "'abc'}}]"),
                 PROOF_APPLIED);
    cr_expect_eq(prove(REF, "[]"), PROOF_ABSENT);
    /* The list holds every name that begins so. */
    cr_expect_eq(prove(REF, "[{'ref': 'refs/heads/fix-2', 'object': {'sha': "
                            "'abc'}}]"),
                 PROOF_ABSENT);
    /* Somebody else's branch of that name: sending again would not help. */
    cr_expect_eq(prove(REF, "[{'ref': 'refs/heads/fix', 'object': {'sha': "
                            "'def'}}]"),
                 PROOF_UNSURE);
    cr_expect_eq(prove(REF, "{'message': 'x'}"), PROOF_UNSURE);
}

Test(rule_github, R1_a_pull_request_is_proven_by_its_head) {
    cr_expect_eq(prove(PULL, "[{'number': 7}]"), PROOF_APPLIED);
    cr_expect_eq(prove(PULL, "[]"), PROOF_ABSENT);
    cr_expect_eq(prove(PULL, "{}"), PROOF_UNSURE);
}

Test(rule_github, R1_a_state_is_proven_by_the_state) {
    const char *title =
        "['', 'github', 'PATCH /repos/{owner}/{repo}/pulls/{pull_number}', "
        "{'owner': 'o', 'repo': 'r', 'pull_number': 7, 'title': 'new'}]";

    cr_expect_eq(prove(CLOSE, "{'state': 'closed'}"), PROOF_APPLIED);
    cr_expect_eq(prove(CLOSE, "{'state': 'open'}"), PROOF_ABSENT);
    cr_expect_eq(prove(CLOSE, "{}"), PROOF_UNSURE);
    cr_expect_eq(prove(title, "{'state': 'open'}"), PROOF_UNSURE);
}

static struct json *predicted(const char *question, const char *before) {
    struct effect effect = support_effect(question, NULL);
    struct json  *was = before ? support_json(before) : NULL;
    struct json  *made = effect.rule->predict(&effect, was);

    json_release(was);
    effect_release(&effect);
    return made;
}

Test(rule_github, predictions_are_stable_and_plainly_not_real) {
    struct json *one = predicted(BLOB, NULL), *other = predicted(BLOB, NULL);

    cr_expect_eq(json_find_text(one, "sha").len, 40);
    cr_expect(json_same(one, other));
    json_release(one);
    json_release(other);
    one = predicted(REF, NULL);
    support_is(one, "{'ref': 'refs/heads/fix', 'object': {'sha': 'abc'}}");
    json_release(one);
    one = predicted(PULL, NULL);
    support_is(one, "{'state': 'open', 'number': 0, 'merged': false, "
                    "'html_url': '(assumed pull request)'}");
    json_release(one);
    one = predicted(CLOSE, "{'state': 'open', 'number': 7, 'merged': false, "
                           "'html_url': 'u'}");
    support_is(one, "{'state': 'closed', 'number': 7, 'merged': false, "
                    "'html_url': 'u'}");
    json_release(one);
}

Test(rule_github, objects_named_by_their_content_may_be_sent_again) {
    struct effect effect = support_effect(BLOB, NULL);

    cr_expect_eq(effect.class, EFFECT_TOKEN);
    effect_release(&effect);
}

#define COMMENT                                                     \
    "['', 'github', "                                               \
    "'POST /repos/{owner}/{repo}/issues/{issue_number}/comments', " \
    "{'owner': 'o', 'repo': 'r', 'issue_number': 7, 'body': 'words'}]"

Test(rule_github, R1_a_comment_is_proven_by_all_of_its_words) {
    struct buf many = BUF_EMPTY;

    reads_back(COMMENT,
               "['', 'github', "
               "'GET /repos/{owner}/{repo}/issues/{issue_number}/comments', "
               "{'owner': 'o', 'repo': 'r', 'issue_number': 7, 'per_page': "
               "100}]");
    cr_expect_eq(prove(COMMENT, "[{'body': 'words'}]"), PROOF_APPLIED);
    cr_expect_eq(prove(COMMENT, "[{'body': 'words and more'}]"), PROOF_ABSENT);
    cr_expect_eq(prove(COMMENT, "{}"), PROOF_UNSURE);
    buf_add_text(&many, "[");
    for (int i = 0; i < 100; i++)
        buf_addf(&many, "%s{'body': '%d'}", i ? "," : "", i);
    buf_add_text(&many, "]");
    cr_expect_eq(prove(COMMENT, buf_text(&many)), PROOF_UNSURE);
    buf_release(&many);
}
