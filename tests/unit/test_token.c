/* test_token.c - the words of Lua, and where they stand. */
#include <criterion/criterion.h>

#include "check/token.h"

static struct tokens tokens;

static void read_all(const char *text) {
    tokens_read(&tokens, str_of(text));
}

static void expect(size_t at, enum token_kind kind, const char *text,
                   int line) {
    cr_assert_lt(at, tokens.count);
    cr_expect_eq(tokens.items[at].kind, kind, "kind of token %zu", at);
    cr_expect(str_is(tokens.items[at].text, text), "token %zu is '%.*s'", at,
              STR_ARG(tokens.items[at].text));
    cr_expect_eq(tokens.items[at].line, line, "line of token %zu", at);
}

Test(token, TK2_reads_names_numbers_strings_and_symbols) {
    read_all("local x_1 = 0x1p-3 .. 'a\\'b'\n~= [=[\nc]]\n]=] ...");
    expect(0, TOKEN_NAME, "local", 1);
    expect(1, TOKEN_NAME, "x_1", 1);
    expect(2, TOKEN_SYMBOL, "=", 1);
    expect(3, TOKEN_NUMBER, "0x1p-3", 1);
    expect(4, TOKEN_SYMBOL, "..", 1);
    expect(5, TOKEN_STRING, "a\\'b", 1);
    expect(6, TOKEN_SYMBOL, "~=", 2);
    expect(7, TOKEN_STRING, "\nc]]\n", 2);
    expect(8, TOKEN_SYMBOL, "...", 4);
    cr_expect_eq(tokens.count, 9);
    tokens_release(&tokens);
}

Test(token, TK2_keeps_a_number_apart_from_a_concatenation) {
    read_all("1..2 3.5-1");
    expect(0, TOKEN_NUMBER, "1", 1);
    expect(1, TOKEN_SYMBOL, "..", 1);
    expect(2, TOKEN_NUMBER, "2", 1);
    expect(3, TOKEN_NUMBER, "3.5", 1);
    expect(4, TOKEN_SYMBOL, "-", 1);
    tokens_release(&tokens);
}

Test(token, TK1_ends_with_the_text_whatever_is_unfinished) {
    static const char *const texts[] = {"\"abc",      "'abc\\", "[==[ x ]=]",
                                        "--[[ never", "--",     "\x01\xff$"};

    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
        read_all(texts[i]);
        cr_expect_eq(tokens.items[tokens.count].kind, TOKEN_END);
        tokens_release(&tokens);
    }
}

Test(token, TK1_skips_a_whole_expression_with_its_blocks) {
    read_all("function(a) if a then return { b, c } end end, d");
    cr_expect(token_is(&tokens.items[tokens_skip(&tokens, 0)], ","));
    cr_expect(str_is(tokens.items[tokens_skip(&tokens, 0) + 1].text, "d"));
    tokens_release(&tokens);
}
