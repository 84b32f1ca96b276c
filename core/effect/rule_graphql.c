/* rule_graphql.c - a revert is found among the newest pull requests by the
 * marker in its body.
 *
 * The body of a revert carries "<!-- nightshift:SLOT -->". The search index of
 * GitHub lags behind, so absence there would prove nothing; the repository's
 * own list of its newest pull requests is read instead, before and after. One
 * that was not there before and carries the marker is ours. Absence is shown
 * only when the list reaches back to what was seen before. (R1)
 */
#include <string.h>

#include "effect/rule.h"

#define NEWEST 50
#define MARKER "<!-- nightshift:"
#define MARKER_LEAST 24 /* shorter ones could be anybody's */

static const char newest_query[] =
    "query($id:ID!){node(id:$id){...on PullRequest{repository{pullRequests("
    "first:50,orderBy:{field:CREATED_AT,direction:DESC}){nodes{number url "
    "state merged headRefName body}}}}}}";

static const struct json *input_of(const struct effect *e) {
    return json_dig(e->args, "variables", "input", NULL);
}

struct json *rule_graphql_revert_read(const struct effect *e) {
    struct json *list = json_new_list(), *args = json_new_map();
    struct json *variables = json_new_map();

    json_put_text(variables, "id",
                  json_find_text(input_of(e), "pullRequestId"));
    json_put_text(args, "query", str_of(newest_query));
    json_put(args, "variables", variables);
    json_append_text(list, str_of(e->where));
    json_append_text(list, STR("github"));
    json_append_text(list, STR("POST /graphql"));
    json_append(list, args);
    json_append(list, json_clone(e->options));
    return list;
}

static struct str marker_of(const struct effect *e) {
    struct str  body = json_find_text(input_of(e), "body");
    const char *from =
        body.len ? memmem(body.data, body.len, MARKER, sizeof MARKER - 1)
                 : NULL;
    const char *to =
        from ? memmem(from, (size_t)(body.data + body.len - from), "-->", 3)
             : NULL;

    if (!to || to + 3 - from < MARKER_LEAST)
        return STR("");
    return (struct str){from, (size_t)(to + 3 - from)};
}

static const struct json *pulls_of(const struct json *answer) {
    return json_dig(answer, "node", "repository", "pullRequests", "nodes",
                    NULL);
}

static bool among(const struct json *pulls, int64_t number) {
    for (size_t i = 0; i < json_count(pulls); i++)
        if (json_find_int(json_at(pulls, i), "number", -1) == number)
            return true;
    return false;
}

/* Does the list of now go back to what was the newest before? */
static bool reaches_back(const struct json *before, const struct json *now) {
    return json_count(now) < NEWEST ||
           (json_count(before) > 0 &&
            among(now, json_find_int(json_at(before, 0), "number", -2)));
}

static struct json *as_answer(const struct json *pull) {
    struct json *answer = json_new_map(), *revert = json_new_map();

    json_put(revert, "revertPullRequest", json_clone(pull));
    json_put(answer, "revertPullRequest", revert);
    return answer;
}

enum effect_proof rule_graphql_revert_prove(const struct effect *e,
                                            const struct json   *before,
                                            const struct json   *now,
                                            struct json        **answer) {
    struct str         marker = marker_of(e);
    const struct json *were = pulls_of(before), *are = pulls_of(now);

    if (marker.len == 0 || !json_is(were, JSON_LIST) ||
        !json_is(are, JSON_LIST))
        return PROOF_UNSURE;
    for (size_t i = 0; i < json_count(are); i++) {
        const struct json *pull = json_at(are, i);
        struct str         body = json_find_text(pull, "body");

        if (body.len < marker.len ||
            !memmem(body.data, body.len, marker.data, marker.len))
            continue;
        if (among(were, json_find_int(pull, "number", -1)))
            return PROOF_UNSURE;
        *answer = as_answer(pull);
        return PROOF_APPLIED;
    }
    return reaches_back(were, are) ? PROOF_ABSENT : PROOF_UNSURE;
}

/* It is read by REST afterwards, so it has the members of that, too. */
struct json *rule_graphql_revert_predict(const struct effect *e,
                                         const struct json   *before) {
    struct json *pull = rule_github_pull_predict(e, NULL), *answer;

    (void)before;
    json_put_text(pull, "url", STR("(assumed pull request)"));
    json_put_text(pull, "headRefName", STR("(assumed branch)"));
    answer = as_answer(pull);
    json_release(pull);
    return answer;
}
