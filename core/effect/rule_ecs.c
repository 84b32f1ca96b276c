/* rule_ecs.c - ECS: a service's settings and deployments are its own proof.
 *
 * UpdateService has no client token. A changed setting is proven by reading
 * the setting; a forced deployment by a deployment id that was not there
 * before. (R1)
 */
#include <string.h>

#include "effect/rule.h"

/* The name at the end of an ARN, or the name itself. */
static struct str short_name(struct str name) {
    for (size_t i = name.len; i > 0; i--)
        if (name.data[i - 1] == '/')
            return (struct str){name.data + i, name.len - i};
    return name;
}

static struct str cluster_of(const struct effect *e) {
    struct str cluster = json_find_text(e->args, "cluster");

    return cluster.len ? short_name(cluster) : STR("default");
}

static struct str option(const struct effect *e, const char *name) {
    struct str value = json_find_text(e->options, name);

    return value.len ? value : STR("-");
}

void rule_ecs_cluster_target(const struct effect *e, struct buf *out) {
    buf_addf(out, "aws:%.*s/%.*s/ecs/%.*s", STR_ARG(option(e, "account")),
             STR_ARG(option(e, "region")), STR_ARG(cluster_of(e)));
}

void rule_ecs_service_target(const struct effect *e, struct buf *out) {
    rule_ecs_cluster_target(e, out);
    buf_addf(out, "/%.*s",
             STR_ARG(short_name(json_find_text(e->args, "service"))));
}

static struct json *question(const struct effect *e, const char *action,
                             struct json *args) {
    struct json *list = json_new_list();

    json_append_text(list, str_of(e->where));
    json_append_text(list, STR("aws"));
    json_append_text(list, str_of(action));
    json_append(list, args);
    json_append(list, json_retain(e->options));
    return list;
}

static struct json *describe_args(const struct effect *e, const char *field,
                                  struct str name) {
    struct json *args = json_new_map(), *names = json_new_list();

    if (json_find(e->args, "cluster"))
        json_put_text(args, "cluster", json_find_text(e->args, "cluster"));
    json_append_text(names, name);
    json_put(args, field, names);
    return args;
}

struct json *rule_ecs_service_read(const struct effect *e) {
    return question(
        e, "ecs:DescribeServices",
        describe_args(e, "services", json_find_text(e->args, "service")));
}

struct json *rule_ecs_task_read(const struct effect *e) {
    return question(e, "ecs:DescribeTasks",
                    describe_args(e, "tasks", json_find_text(e->args, "task")));
}

static const struct json *first(const struct json *answer, const char *list) {
    return json_at(json_find(answer, list), 0);
}

static struct json *answer_of(const char *name, const struct json *value) {
    struct json *answer = json_new_map();

    json_put(answer, name, json_clone(value));
    return answer;
}

static bool has_deployment(const struct json *service, struct str id) {
    const struct json *deployments = json_find(service, "deployments");

    for (size_t i = 0; i < json_count(deployments); i++)
        if (str_equal(json_find_text(json_at(deployments, i), "id"), id))
            return true;
    return false;
}

/* The newest deployment is listed first and has the status PRIMARY. */
enum effect_proof rule_ecs_deployment_prove(const struct effect *e,
                                            const struct json   *before,
                                            const struct json   *now,
                                            struct json        **answer) {
    const struct json *was = first(before, "services");
    const struct json *is = first(now, "services");
    struct str         primary =
        json_find_text(json_at(json_find(is, "deployments"), 0), "id");

    (void)e;
    if (!was || !is || primary.len == 0)
        return PROOF_UNSURE;
    if (has_deployment(was, primary))
        return PROOF_ABSENT;
    *answer = answer_of("service", is);
    return PROOF_APPLIED;
}

/* Every setting that was asked for and that DescribeServices shows. */
enum effect_proof rule_ecs_settings_prove(const struct effect *e,
                                          const struct json   *before,
                                          const struct json   *now,
                                          struct json        **answer) {
    static const char *const shown[] = {"desiredCount", "taskDefinition",
                                        "platformVersion",
                                        "healthCheckGracePeriodSeconds"};
    const struct json       *is = first(now, "services");
    size_t                   compared = 0;

    (void)before;
    if (!is)
        return PROOF_UNSURE;
    for (size_t i = 0; i < sizeof shown / sizeof *shown; i++) {
        const struct json *asked = json_find(e->args, shown[i]);

        if (!asked)
            continue;
        compared++;
        if (json_is(asked, JSON_TEXT)
                ? !str_equal(short_name(json_text(asked)),
                             short_name(json_find_text(is, shown[i])))
                : json_int(asked) != json_find_int(is, shown[i], INT64_MIN))
            return PROOF_ABSENT;
    }
    /* Settings that cannot be seen are set again: that is what `set` means. */
    if (compared == 0)
        return PROOF_ABSENT;
    *answer = answer_of("service", is);
    return PROOF_APPLIED;
}

enum effect_proof rule_ecs_task_prove(const struct effect *e,
                                      const struct json   *before,
                                      const struct json   *now,
                                      struct json        **answer) {
    const struct json *task = first(now, "tasks");

    (void)e;
    (void)before;
    if (!task)
        return PROOF_UNSURE;
    if (!str_is(json_find_text(task, "desiredStatus"), "STOPPED"))
        return PROOF_ABSENT;
    *answer = answer_of("task", task);
    return PROOF_APPLIED;
}

static void copy_field(struct json *into, const struct json *from,
                       const char *name) {
    const struct json *value = json_find(from, name);

    if (value)
        json_put(into, name, json_clone(value));
}

/* The deployment that UpdateService would have begun, already steady. */
static struct json *new_deployment(const struct json *service) {
    struct json *deployment = json_new_map();

    json_put_text(deployment, "id", STR("ecs-svc/assumed"));
    json_put_text(deployment, "status", STR("PRIMARY"));
    json_put_text(deployment, "rolloutState", STR("COMPLETED"));
    copy_field(deployment, service, "taskDefinition");
    copy_field(deployment, service, "desiredCount");
    json_put_int(deployment, "runningCount",
                 json_find_int(service, "desiredCount", 0));
    json_put_int(deployment, "pendingCount", 0);
    json_put_int(deployment, "failedTasks", 0);
    return deployment;
}

struct json *rule_ecs_service_predict(const struct effect *e,
                                      const struct json   *before) {
    const struct json *was = first(before, "services");
    struct json       *answer = json_new_map(), *service, *deployments;

    service = was ? json_clone(was) : json_new_map();
    copy_field(service, e->args, "desiredCount");
    copy_field(service, e->args, "taskDefinition");
    json_put_int(service, "runningCount",
                 json_find_int(service, "desiredCount", 0));
    json_put_int(service, "pendingCount", 0);
    if (json_truth(json_find(e->args, "forceNewDeployment")) ||
        json_find(e->args, "taskDefinition")) {
        deployments = json_new_list();
        json_append(deployments, new_deployment(service));
        json_put(service, "deployments", deployments);
    }
    json_put(answer, "service", service);
    return answer;
}
