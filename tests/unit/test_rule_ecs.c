/* test_rule_ecs.c - what ECS shows of a write, and what it does not. */
#include <criterion/criterion.h>

#include "effect/rule.h"
#include "support.h"

#define FORCE                                                                 \
    "['', 'aws', 'ecs:UpdateService', {'cluster': 'prod', 'service': 'api', " \
    "'forceNewDeployment': true}]"
#define SCALE                                                                 \
    "['', 'aws', 'ecs:UpdateService', {'cluster': 'prod', 'service': 'api', " \
    "'desiredCount': 4}]"

static struct json *answer;

/* The proof of this write's rule; `answer` is what it found. */
static enum effect_proof prove(const char *question, const char *before,
                               const char *now) {
    struct effect     effect = support_effect(question, NULL);
    struct json      *was = before ? support_json(before) : NULL;
    struct json      *is = support_json(now);
    enum effect_proof proof;

    json_release(answer);
    answer = NULL;
    proof = effect.rule->prove(&effect, was, is, &answer);
    cr_expect_eq(answer != NULL, proof == PROOF_APPLIED);
    effect_release(&effect);
    json_release(was);
    json_release(is);
    return proof;
}

static void target(const char *question, const char *wanted) {
    struct effect effect = support_effect(
        question, "{'aws': {'region': 'eu-1', 'account': '42'}}");

    cr_expect_str_eq(effect.target, wanted);
    effect_release(&effect);
}

Test(rule_ecs, targets_name_account_region_cluster_and_service) {
    target(SCALE, "aws:42/eu-1/ecs/prod/api");
    target("['', 'aws', 'ecs:UpdateService', {'service': 'api'}]",
           "aws:42/eu-1/ecs/default/api");
    target("['', 'aws', 'ecs:UpdateService', {'cluster': "
           "'arn:aws:ecs:eu-1:42:cluster/prod', 'service': "
           "'arn:aws:ecs:eu-1:42:service/prod/api'}]",
           "aws:42/eu-1/ecs/prod/api");
    target("['', 'aws', 'ecs:StopTask', {'cluster': 'prod', 'task': 't'}]",
           "aws:42/eu-1/ecs/prod");
    target("['', 'aws', 'ecs:DescribeServices', {'cluster': 'prod', "
           "'services': ['api']}]",
           "aws:42/eu-1/ecs/prod");
    target("['', 'aws', 'ecs:UpdateService', {'cluster': 'prod', 'service': "
           "'api'}, {'account': '7', 'region': 'us-2'}]",
           "aws:7/us-2/ecs/prod/api");
}

Test(rule_ecs, reads_back_where_it_wrote) {
    struct effect effect = support_effect(
        "['a:1', 'aws', 'ecs:UpdateService', {'cluster': 'prod', 'service': "
        "'api', 'desiredCount': 4}, {'region': 'us-2'}]",
        NULL);
    struct json *question = effect.rule->readback(&effect);

    support_is(question, "['a:1', 'aws', 'ecs:DescribeServices', {'cluster': "
                         "'prod', 'services': ['api']}, {'region': 'us-2'}]");
    json_release(question);
    effect_release(&effect);
}

Test(rule_ecs, R1_a_deployment_is_proven_by_an_id_that_was_not_there) {
    const char *one = "{'services': [{'deployments': [{'id': 'd1'}]}]}";
    const char *two = "{'services': [{'deployments': [{'id': 'd2'}, "
                      "{'id': 'd1'}]}]}";

    cr_expect_eq(prove(FORCE, one, two), PROOF_APPLIED);
    support_is(answer, "{'service': {'deployments': [{'id': 'd2'}, "
                       "{'id': 'd1'}]}}");
    cr_expect_eq(prove(FORCE, one, one), PROOF_ABSENT);
    /* The newest one is gone again: rolled back, not ours. */
    cr_expect_eq(prove(FORCE, two, one), PROOF_ABSENT);
}

Test(rule_ecs, R1_a_deployment_without_its_before_image_is_unsure) {
    const char *one = "{'services': [{'deployments': [{'id': 'd1'}]}]}";

    cr_expect_eq(prove(FORCE, NULL, one), PROOF_UNSURE);
    cr_expect_eq(prove(FORCE, "{'services': []}", one), PROOF_UNSURE);
    cr_expect_eq(prove(FORCE, one, "{'services': []}"), PROOF_UNSURE);
    cr_expect_eq(prove(FORCE, one, "{'services': [{'deployments': []}]}"),
                 PROOF_UNSURE);
    cr_expect_eq(prove(FORCE, one, "{}"), PROOF_UNSURE);
    cr_expect_eq(prove(FORCE, one, "[]"), PROOF_UNSURE);
}

Test(rule_ecs, R1_settings_are_proven_by_all_that_were_asked_for) {
    const char *both =
        "['', 'aws', 'ecs:UpdateService', {'service': 'api', 'desiredCount': "
        "4, 'taskDefinition': 'api:7'}]";

    cr_expect_eq(prove(SCALE, NULL, "{'services': [{'desiredCount': 4}]}"),
                 PROOF_APPLIED);
    cr_expect_eq(prove(SCALE, NULL, "{'services': [{'desiredCount': 3}]}"),
                 PROOF_ABSENT);
    cr_expect_eq(prove(SCALE, NULL, "{'services': [{}]}"), PROOF_ABSENT);
    cr_expect_eq(prove(SCALE, NULL, "{'services': []}"), PROOF_UNSURE);
    cr_expect_eq(prove(both, NULL,
                       "{'services': [{'desiredCount': 4, 'taskDefinition': "
                       "'arn:aws:ecs:eu-1:42:task-definition/api:7'}]}"),
                 PROOF_APPLIED);
    cr_expect_eq(prove(both, NULL,
                       "{'services': [{'desiredCount': 4, 'taskDefinition': "
                       "'arn:aws:ecs:eu-1:42:task-definition/api:6'}]}"),
                 PROOF_ABSENT);
}

Test(rule_ecs, R1_a_stopped_task_is_proven_by_its_wanted_status) {
    const char *stop = "['', 'aws', 'ecs:StopTask', {'task': 't1'}]";

    cr_expect_eq(prove(stop, NULL,
                       "{'tasks': [{'desiredStatus': "
                       "'STOPPED'}]}"),
                 PROOF_APPLIED);
    cr_expect_eq(prove(stop, NULL,
                       "{'tasks': [{'desiredStatus': "
                       "'RUNNING'}]}"),
                 PROOF_ABSENT);
    /* Stopped tasks are forgotten after an hour, so absence shows nothing. */
    cr_expect_eq(prove(stop, NULL, "{'tasks': []}"), PROOF_UNSURE);
}

static void predicts(const char *question, const char *before,
                     const char *wanted) {
    struct effect effect = support_effect(question, NULL);
    struct json  *was = before ? support_json(before) : NULL;
    struct json  *made = effect.rule->predict(&effect, was);

    support_is(made, wanted);
    json_release(made);
    json_release(was);
    effect_release(&effect);
}

Test(rule_ecs, a_prediction_is_the_service_as_it_would_be) {
    predicts(SCALE,
             "{'services': [{'desiredCount': 2, 'runningCount': 2, "
             "'taskDefinition': 'api:6', 'deployments': [{'id': 'd1'}]}]}",
             "{'service': {'desiredCount': 4, 'runningCount': 4, "
             "'pendingCount': 0, 'taskDefinition': 'api:6', 'deployments': "
             "[{'id': 'd1'}]}}");
    predicts(FORCE,
             "{'services': [{'desiredCount': 2, 'taskDefinition': 'api:6', "
             "'deployments': [{'id': 'd1'}]}]}",
             "{'service': {'desiredCount': 2, 'runningCount': 2, "
             "'pendingCount': 0, 'taskDefinition': 'api:6', 'deployments': "
             "[{'id': 'ecs-svc/assumed', 'status': 'PRIMARY', 'rolloutState': "
             "'COMPLETED', 'taskDefinition': 'api:6', 'desiredCount': 2, "
             "'runningCount': 2, 'pendingCount': 0, 'failedTasks': 0}]}}");
    predicts(SCALE, NULL,
             "{'service': {'desiredCount': 4, 'runningCount': 4, "
             "'pendingCount': 0}}");
}
