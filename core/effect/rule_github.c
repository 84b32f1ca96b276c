/* rule_github.c - GitHub: a branch and a pull request are found by name.
 *
 * A reference that exists with the wanted commit, or a pull request from the
 * wanted head, is the write's own mark. (R1)
 */
#include "effect/rule.h"

#define COMMENTS 100 /* the longest page that GitHub gives */

void rule_github_target(const struct effect *e, struct buf *out) {
    struct str owner = json_find_text(e->args, "owner");
    struct str repo = json_find_text(e->args, "repo");

    if (owner.len && repo.len)
        buf_addf(out, "github:%.*s/%.*s", STR_ARG(owner), STR_ARG(repo));
    else
        buf_add_text(out, "github:*");
}

static struct json *question(const struct effect *e, const char *route,
                             struct json *args) {
    struct json *list = json_new_list();

    json_put_text(args, "owner", json_find_text(e->args, "owner"));
    json_put_text(args, "repo", json_find_text(e->args, "repo"));
    json_append_text(list, str_of(e->where));
    json_append_text(list, STR("github"));
    json_append_text(list, str_of(route));
    json_append(list, args);
    return list;
}

/* "refs/heads/x" -> "heads/x" */
static struct str ref_name(const struct effect *e) {
    struct str ref = json_find_text(e->args, "ref");

    if (str_starts(ref, "refs/"))
        ref = (struct str){ref.data + 5, ref.len - 5};
    return ref;
}

struct json *rule_github_ref_read(const struct effect *e) {
    struct json *args = json_new_map();

    json_put_text(args, "ref", ref_name(e));
    return question(e, "GET /repos/{owner}/{repo}/git/matching-refs/{ref}",
                    args);
}

/* The answer lists every reference that begins with the name. */
enum effect_proof rule_github_ref_prove(const struct effect *e,
                                        const struct json   *before,
                                        const struct json   *now,
                                        struct json        **answer) {
    struct str wanted = json_find_text(e->args, "ref");

    (void)before;
    if (!json_is(now, JSON_LIST))
        return PROOF_UNSURE;
    for (size_t i = 0; i < json_count(now); i++) {
        const struct json *ref = json_at(now, i);

        if (!str_equal(json_find_text(ref, "ref"), wanted))
            continue;
        if (!str_equal(json_find_text(json_find(ref, "object"), "sha"),
                       json_find_text(e->args, "sha")))
            return PROOF_UNSURE;
        *answer = json_clone(ref);
        return PROOF_APPLIED;
    }
    return PROOF_ABSENT;
}

struct json *rule_github_pull_find(const struct effect *e) {
    struct json *args = json_new_map();
    struct buf   head = BUF_EMPTY;

    buf_addf(&head, "%.*s:%.*s", STR_ARG(json_find_text(e->args, "owner")),
             STR_ARG(json_find_text(e->args, "head")));
    json_put_text(args, "head", buf_str(&head));
    json_put_text(args, "state", STR("all"));
    buf_release(&head);
    return question(e, "GET /repos/{owner}/{repo}/pulls", args);
}

enum effect_proof rule_github_pull_prove(const struct effect *e,
                                         const struct json   *before,
                                         const struct json   *now,
                                         struct json        **answer) {
    (void)e;
    (void)before;
    if (!json_is(now, JSON_LIST))
        return PROOF_UNSURE;
    if (json_count(now) == 0)
        return PROOF_ABSENT;
    *answer = json_clone(json_at(now, 0));
    return PROOF_APPLIED;
}

struct json *rule_github_pull_read(const struct effect *e) {
    struct json *args = json_new_map();

    json_put(args, "pull_number",
             json_clone(json_find(e->args, "pull_number")));
    return question(e, "GET /repos/{owner}/{repo}/pulls/{pull_number}", args);
}

enum effect_proof rule_github_state_prove(const struct effect *e,
                                          const struct json   *before,
                                          const struct json   *now,
                                          struct json        **answer) {
    struct str wanted = json_find_text(e->args, "state");

    (void)before;
    if (wanted.len == 0 || json_find_text(now, "state").len == 0)
        return PROOF_UNSURE;
    if (!str_equal(json_find_text(now, "state"), wanted))
        return PROOF_ABSENT;
    *answer = json_clone(now);
    return PROOF_APPLIED;
}

struct json *rule_github_comments_read(const struct effect *e) {
    struct json *args = json_new_map();

    json_put(args, "issue_number",
             json_clone(json_find(e->args, "issue_number")));
    json_put_int(args, "per_page", COMMENTS);
    return question(
        e, "GET /repos/{owner}/{repo}/issues/{issue_number}/comments", args);
}

/* The list begins with the oldest, so a full one may go on without ours. */
enum effect_proof rule_github_comment_prove(const struct effect *e,
                                            const struct json   *before,
                                            const struct json   *now,
                                            struct json        **answer) {
    struct str body = json_find_text(e->args, "body");

    (void)before;
    if (!json_is(now, JSON_LIST) || body.len == 0)
        return PROOF_UNSURE;
    for (size_t i = 0; i < json_count(now); i++)
        if (str_equal(json_find_text(json_at(now, i), "body"), body)) {
            *answer = json_clone(json_at(now, i));
            return PROOF_APPLIED;
        }
    return json_count(now) < COMMENTS ? PROOF_ABSENT : PROOF_UNSURE;
}

struct json *rule_github_object_predict(const struct effect *e,
                                        const struct json   *before) {
    struct json *answer = json_new_map();

    (void)before;
    /* Stable and plainly not a real one: derived from the question. */
    json_put_text(answer, "sha", (struct str){e->digest, 40});
    return answer;
}

struct json *rule_github_ref_predict(const struct effect *e,
                                     const struct json   *before) {
    struct json *answer = json_new_map(), *object = json_new_map();

    (void)before;
    json_put_text(object, "sha", json_find_text(e->args, "sha"));
    json_put_text(answer, "ref", json_find_text(e->args, "ref"));
    json_put(answer, "object", object);
    return answer;
}

struct json *rule_github_pull_predict(const struct effect *e,
                                      const struct json   *before) {
    struct json *answer = before ? json_clone(before) : json_new_map();
    struct str   state = json_find_text(e->args, "state");

    json_put_text(answer, "state", state.len ? state : STR("open"));
    if (!json_find(answer, "number"))
        json_put_int(answer, "number", 0);
    if (!json_find(answer, "merged"))
        json_put_bool(answer, "merged", false);
    if (!json_find(answer, "html_url"))
        json_put_text(answer, "html_url", STR("(assumed pull request)"));
    return answer;
}
