/* test_graphql.c - documents read for what they do. */
#include <criterion/criterion.h>

#include "protocol/graphql.h"
#include "support.h"

static struct graphql read_;
static struct err     err;

static bool reads(const char *text) {
    cr_expect(graphql_read(str_of(text), &read_, &err), "%s: %s", text,
              err.text);
    return read_.reads;
}

static void field_is(const char *text, const char *field) {
    cr_expect_not(reads(text), "%s", text);
    cr_expect(str_is(read_.field, field), "%s: %.*s", text,
              STR_ARG(read_.field));
}

static void refused(const char *text) {
    cr_expect_not(graphql_read(str_of(text), &read_, &err), "%s", text);
    cr_expect_eq(err.code, ERR_INVALID);
}

Test(graphql, a_document_of_queries_reads) {
    cr_expect(reads("{ viewer { login } }"));
    cr_expect(reads("query Q($n: Int = 3, $m: [ID!]!) @x { a(n: $n) { ...F } } "
                    "fragment F on T @y { b }"));
    cr_expect(reads("query A { a } query B { b }"));
    cr_expect(reads("\xEF\xBB\xBFquery mutation { mutation: query(mutation: "
                    "\"mutation {x}\") }"));
    cr_expect(reads("# mutation { x }\r\n{ a(b: \"\"\" mutation { x } "
                    "\\\"\"\" \"\"\") }"));
    cr_expect(reads("{ ... on Query { a } ... @include(if: true) { b } ...F } "
                    "fragment F on Query { c }"));
    cr_expect(reads("{ a(x: {y: [1, -2.5e+3, {z: null}], e: RED, t: true}) }"));
}

Test(graphql, what_writes_is_no_read_wherever_it_stands) {
    cr_expect_not(reads("query A { a } mutation B { b }"));
    cr_expect_not(reads("mutation B { b } query A { a }"));
    cr_expect_not(reads("subscription { s }"));
    cr_expect_not(reads("{ a(s: \"\\\"\") } mutation { b }"));
    cr_expect_not(reads("{ a(s: \"\"\"\\\"\"\" \"\"\") } mutation { b }"));
}

Test(graphql, GQ2_a_mutations_one_field_has_its_schemas_name) {
    field_is("mutation($input: I!) { revertPullRequest(input: $input) { a } }",
             "revertPullRequest");
    cr_expect(read_.by_input);
    field_is("mutation { harmless: deleteRef(input: {x: 1}) { a { b } } }",
             "deleteRef");
    cr_expect_not(read_.by_input);
    field_is("mutation { a b }", "");
    field_is("mutation { a a }", "");
    field_is("mutation { ...F } fragment F on Mutation { a }", "");
    field_is("mutation { a ... on Mutation { b } }", "");
    field_is("mutation A { a } mutation B { b }", "");
    field_is("query A { a } mutation B { b }", "");
    field_is("subscription { s }", "");
}

Test(graphql, only_the_whole_input_by_its_variable_is_by_input) {
    field_is("mutation { m(input: $other) }", "m");
    cr_expect_not(read_.by_input);
    field_is("mutation { m(input: $input, more: 1) }", "m");
    cr_expect_not(read_.by_input);
    field_is("mutation { m(more: 1, input: $input) }", "m");
    cr_expect_not(read_.by_input);
    field_is("mutation { m(inputs: $input) }", "m");
    cr_expect_not(read_.by_input);
}

Test(graphql, GQ1_what_is_not_of_the_grammar_is_an_error) {
    static const char *const texts[] = {"",
                                        "   ",
                                        "query",
                                        "{",
                                        "{}",
                                        "{ a",
                                        "{ a() }",
                                        "{ a(b) }",
                                        "{ a(b:) }",
                                        "{ a(b: 01) }",
                                        "{ a(b: 1x) }",
                                        "{ a(b: 1.) }",
                                        "{ a } }",
                                        "{ a(b: \"x) }",
                                        "{ a(b: \"\\q\") }",
                                        "{ a(b: \"\"\" x) }",
                                        "{ a: }",
                                        "fragment F on T { a }",
                                        "fragment on on T { a } { b }",
                                        "type T { a: Int }",
                                        "query ($a Int) { a }",
                                        "query ($a: Int = $b) { a }",
                                        "{ a. b }",
                                        "{ .. F }",
                                        "mutate { a }",
                                        "{ a } # \r mutation { b }",
                                        "{ a } \x01",
                                        "{ a(b: \"\xff\") }",
                                        "\"about\" query { a }",
                                        "{ ? }",
                                        "{ a @ }",
                                        "query () { a }"};

    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++)
        refused(texts[i]);
    refused("{ a }\r");
    cr_expect_not(
        graphql_read((struct str){"{ a }\0 mutation", 15}, &read_, &err));
}

static void nest(struct buf *text, const char *open, const char *close,
                 int depth) {
    for (int i = 0; i < depth; i++)
        buf_add_text(text, open);
    for (int i = 0; i < depth; i++)
        buf_add_text(text, close);
}

static bool taken(struct buf *text) {
    bool ok = graphql_read(buf_str(text), &read_, &err);

    buf_release(text);
    return ok;
}

Test(graphql, GQ3_size_and_nesting_are_bounded) {
    struct buf text = BUF_EMPTY;

    buf_add_text(&text, "{ a(b: ");
    nest(&text, "[", "]", GRAPHQL_DEPTH_MAX - 1);
    buf_add_text(&text, ") }");
    cr_expect(taken(&text), "%s", err.text);
    buf_add_text(&text, "{ a(b: ");
    nest(&text, "[", "]", 20000);
    buf_add_text(&text, ") }");
    cr_expect_not(taken(&text));
    nest(&text, "{a", "}", 20000);
    cr_expect_not(taken(&text));
    buf_add_text(&text, "{ a }");
    while (text.len <= GRAPHQL_BYTES_MAX)
        buf_add_char(&text, ' ');
    cr_expect_not(taken(&text));
}
