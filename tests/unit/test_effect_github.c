/* test_effect_github.c - the document says what a GraphQL request is. */
#include <criterion/criterion.h>

#include <string.h>

#include "effect/effect.h"
#include "support.h"

static struct effect effect;
static struct err    err;

static bool make(const char *question) {
    struct json *asked = support_json(question), *none = json_new_map();
    bool         ok = effect_make(&effect, asked, none, &err);

    json_release(asked);
    json_release(none);
    return ok;
}

static void is(const char *document, const char *name,
               enum effect_class class) {
    struct buf question = BUF_EMPTY;

    buf_addf(&question,
             "['', 'github', 'POST /graphql', {'query': '%s', 'variables': "
             "{'input': {'pullRequestId': 'PR_1', 'body': 'b'}}}]",
             document);
    cr_assert(make(buf_text(&question)), "%s", err.text);
    cr_expect_str_eq(effect.name, name, "%s: %s", document, effect.name);
    cr_expect_eq(effect.class, class, "%s: %s", document,
                 effect_class_name(effect.class));
    cr_expect_str_eq(effect.target, "github:*");
    effect_release(&effect);
    buf_release(&question);
}

static void refused(const char *question, const char *words) {
    cr_assert_not(make(question), "%s", question);
    cr_expect(support_has(err.text, words), "%s", err.text);
}

Test(effect_github, N4_a_name_and_class_come_from_the_document) {
    is("{ viewer { login } }", "github:graphql:query", EFFECT_READ);
    is("mutation { addComment(input: {x: 1}) { a } }",
       "github:graphql:addComment", EFFECT_ONCE);
    is("mutation { query: deleteRef(input: {x: 1}) { a } }",
       "github:graphql:deleteRef", EFFECT_ONCE);
    is("mutation { a b }", "github:graphql:mutation", EFFECT_ONCE);
    is("subscription { a }", "github:graphql:mutation", EFFECT_ONCE);
    is("query A { a } mutation B { b }", "github:graphql:mutation",
       EFFECT_ONCE);
}

Test(effect_github, EG2_a_field_called_query_is_still_a_write) {
    is("mutation { query { a } }", "github:graphql:mutation", EFFECT_ONCE);
    is("mutation { mutation }", "github:graphql:mutation", EFFECT_ONCE);
}

Test(effect_github, a_rule_counts_only_for_what_its_readback_can_see) {
    is("mutation($input: I!) { revertPullRequest(input: $input) { a } }",
       "github:graphql:revertPullRequest", EFFECT_VERIFY);
    is("mutation { revertPullRequest(input: {x: 1}) { a } }",
       "github:graphql:revertPullRequest", EFFECT_ONCE);
}

Test(effect_github, EG1_nothing_but_the_document_says_what_is_done) {
    static const char *const routes[] = {
        "POST /graphql/",    "POST //graphql", "POST /GraphQL",
        "POST /api/graphql", "GET /graphql",   "POST /graphql//",
        "POST /x/../graphql"};

    for (size_t i = 0; i < sizeof routes / sizeof *routes; i++) {
        struct buf question = BUF_EMPTY;

        buf_addf(&question, "['', 'github', '%s', {'query': '{a}'}]",
                 routes[i]);
        refused(buf_text(&question), "is no route");
        buf_release(&question);
    }
    refused("['', 'github', 'POST /graphql', {'query': '{a}', 'extensions': "
            "{'persistedQuery': {'sha256Hash': 'x'}}}]",
            "extensions");
    refused("['', 'github', 'POST /graphql', {'variables': {}}]", "GraphQL");
    refused("['', 'github', 'POST /graphql', {'query': '{'}]", "GraphQL");
    refused("['', 'github', 'POST /graphql', {'query': ['{a}']}]", "GraphQL");
}

Test(effect_github, options_are_few_and_each_has_its_place) {
    cr_assert(make("['', 'github', 'GET /user', {}, {'pages': true}]"));
    support_is(effect.options, "{'pages': true}");
    effect_release(&effect);
    cr_assert(make("['', 'github', 'POST /graphql', {'query': '{a}'}, "
                   "{'owner': 'o', 'repo': 'r'}]"));
    cr_expect_str_eq(effect.target, "github:*");
    effect_release(&effect);
    cr_assert(make("['', 'github', 'GET /user', {}, {}]"));
    effect_release(&effect);
    refused("['', 'github', 'POST /x', {}, {'pages': true}]", "no option");
    refused("['', 'github', 'GET /x', {}, {'pages': 1}]", "no option");
    refused("['', 'github', 'GET /x', {}, {'owner': 'o'}]", "no option");
    refused("['', 'github', 'POST /graphql', {'query': '{a}'}, {'pages': "
            "true}]",
            "no option");
}

Test(effect_github, names_of_graphql_may_be_declared) {
    cr_expect(effect_name_valid(STR("github:graphql:query")));
    cr_expect(effect_name_valid(STR("github:graphql:revertPullRequest")));
    cr_expect_not(effect_name_valid(STR("github:graphql:")));
    cr_expect_not(effect_name_valid(STR("github:graphql:a b")));
    cr_expect_not(effect_name_valid(STR("github:graphql:1a")));
    cr_expect_not(effect_name_valid(STR("github:POST /graphql")));
    cr_expect_eq(effect_class_of(STR("github:graphql:query")), EFFECT_READ);
    cr_expect_eq(effect_class_of(STR("github:graphql:mutation")), EFFECT_ONCE);
    cr_expect_eq(effect_class_of(STR("github:graphql:revertPullRequest")),
                 EFFECT_VERIFY);
}

Test(effect_github, a_wait_may_ask_by_graphql) {
    cr_assert(make("['', 'wait', {'ask': ['github:POST /graphql', {'query': "
                   "'{a}'}]}]"),
              "%s", err.text);
    effect_release(&effect);
}
