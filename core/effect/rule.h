/* rule.h - the functions that rows of effects.def name.
 *
 * A target function writes whom a request touches; a readback gives the
 * question whose answer shows the write's mark; a proof compares; a prediction
 * says what a simulated write would have answered. All are pure.
 *
 *   R1  A proof says `applied` or `absent` only when the answers show it;
 *       anything else is `unsure`, and an unsure write is never sent again.
 *
 * Lifetime: none. Thread: any.
 */
#ifndef EFFECT_RULE_H
#define EFFECT_RULE_H

#include "effect/effect.h"

void         rule_ecs_service_target(const struct effect *e, struct buf *out);
void         rule_ecs_cluster_target(const struct effect *e, struct buf *out);
struct json *rule_ecs_service_read(const struct effect *e);
struct json *rule_ecs_task_read(const struct effect *e);
enum effect_proof rule_ecs_deployment_prove(const struct effect *e,
                                            const struct json   *before,
                                            const struct json   *now,
                                            struct json        **answer);
enum effect_proof rule_ecs_settings_prove(const struct effect *e,
                                          const struct json   *before,
                                          const struct json   *now,
                                          struct json        **answer);
enum effect_proof rule_ecs_task_prove(const struct effect *e,
                                      const struct json   *before,
                                      const struct json   *now,
                                      struct json        **answer);
struct json      *rule_ecs_service_predict(const struct effect *e,
                                           const struct json   *before);

void              rule_github_target(const struct effect *e, struct buf *out);
struct json      *rule_github_ref_read(const struct effect *e);
struct json      *rule_github_pull_find(const struct effect *e);
struct json      *rule_github_pull_read(const struct effect *e);
enum effect_proof rule_github_ref_prove(const struct effect *e,
                                        const struct json   *before,
                                        const struct json   *now,
                                        struct json        **answer);
enum effect_proof rule_github_pull_prove(const struct effect *e,
                                         const struct json   *before,
                                         const struct json   *now,
                                         struct json        **answer);
enum effect_proof rule_github_state_prove(const struct effect *e,
                                          const struct json   *before,
                                          const struct json   *now,
                                          struct json        **answer);
struct json      *rule_github_comments_read(const struct effect *e);
enum effect_proof rule_github_comment_prove(const struct effect *e,
                                            const struct json   *before,
                                            const struct json   *now,
                                            struct json        **answer);
struct json      *rule_github_object_predict(const struct effect *e,
                                             const struct json   *before);
struct json      *rule_github_ref_predict(const struct effect *e,
                                          const struct json   *before);
struct json      *rule_github_pull_predict(const struct effect *e,
                                           const struct json   *before);

struct json      *rule_graphql_revert_read(const struct effect *e);
enum effect_proof rule_graphql_revert_prove(const struct effect *e,
                                            const struct json   *before,
                                            const struct json   *now,
                                            struct json        **answer);
struct json      *rule_graphql_revert_predict(const struct effect *e,
                                              const struct json   *before);

#endif
