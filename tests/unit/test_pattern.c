/* test_pattern.c - our matcher against the stock one, and its limits. */
#include "differ.h"

#include "vm/pattern.h"

static struct differ d;

static void open_both(void) {
    differ_open(&d);
}

static void close_both(void) {
    differ_close(&d);
}

TestSuite(pattern, .init = open_both, .fini = close_both, .timeout = 120);

static void push_text(const char *text, size_t len) {
    lua_pushlstring(d.stock, text, len);
    lua_pushlstring(d.ours, text, len);
}

static void push_number(lua_Integer number) {
    lua_pushinteger(d.stock, number);
    lua_pushinteger(d.ours, number);
}

/* Pieces of patterns, whole and broken, so that every branch is met often. */
static size_t random_pattern(char *to) {
    static const char *const pieces[] = {
        "a",    "b",    "c",     ".",      "%a",    "%d",    "%s",  "%w",
        "%W",   "%S",   "[ab]",  "[^a]",   "[a-c]", "[%a_]", "[]]", "[^]b]",
        "[a-]", "[",    "(",     ")",      "()",    "(a",    "b)",  "*",
        "+",    "-",    "?",     "^",      "$",     "%1",    "%2",  "%b()",
        "%bab", "%b",   "%f[a]", "%f[^a]", "%f",    "%%",    "%",   "%.",
        "(.)",  "(a*)", "(.-)",  "%x",     "%p",    "%l",    "%u",  "%c",
        "%g",   "%z",   "%Z",    "%A",     "%D"};
    size_t      len = 0;
    unsigned    count = 1 + differ_random(&d, 6);
    const char *piece;

    if (differ_random(&d, 8) == 0)
        to[len++] = '^';
    for (; count > 0; count--) {
        if (differ_random(&d, 40) == 0) {
            to[len++] = 0;
            continue;
        }
        piece = pieces[differ_random(&d, sizeof pieces / sizeof *pieces)];
        memcpy(to + len, piece, strlen(piece));
        len += strlen(piece);
    }
    return len;
}

static size_t random_subject(char *to) {
    static const char letters[] = "aaabbbc_1 ()]-.%\0A\xe9";
    size_t            len = differ_random(&d, 20);

    for (size_t i = 0; i < len; i++)
        to[i] = letters[differ_random(&d, sizeof letters - 1)];
    return len;
}

static void check_random(const char *source, int rounds, bool init) {
    char   pattern[64], subject[64];
    size_t pattern_len, subject_len;

    differ_load(d.stock, source);
    differ_load(d.ours, source);
    for (int i = 0; i < rounds; i++) {
        pattern_len = random_pattern(pattern);
        subject_len = random_subject(subject);
        lua_pushvalue(d.stock, 1);
        lua_pushvalue(d.ours, lua_gettop(d.ours));
        push_text(subject, subject_len);
        push_text(pattern, pattern_len);
        if (init)
            push_number((lua_Integer)differ_random(&d, 30) - 12);
        if (!differ_same(&d, 2 + init))
            cr_assert_fail("%s\n pattern '%.*s' subject '%.*s'\n"
                           " stock: %s\n ours:  %s",
                           source, (int)pattern_len, pattern, (int)subject_len,
                           subject, buf_text(&d.expected), buf_text(&d.got));
    }
    lua_pop(d.stock, 1);
    lua_pop(d.ours, 1);
}

Test(pattern, PT2_finds_what_stock_finds_in_25000_random_cases) {
    check_random("return string.find(...)", 15000, false);
    check_random("return string.find(...)", 10000, true);
}

Test(pattern, PT2_matches_what_stock_matches_in_25000_random_cases) {
    check_random("return string.match(...)", 15000, false);
    check_random("return string.match(...)", 10000, true);
}

Test(pattern, PT2_iterates_as_stock_does_in_10000_random_cases) {
    check_random("local all = {}"
                 "for a, b in string.gmatch(...) do"
                 "  all[#all + 1] = a all[#all + 1] = b or 'nil' end "
                 "return all",
                 10000, true);
}

Test(pattern, PT2_replaces_by_a_string_as_stock_does) {
    static const char *const replacements[] = {
        "", "x", "<%0>", "%1", "%1%2", "%%", "%", "%x", "[%1]%0"};
    char source[128];

    for (size_t i = 0; i < sizeof replacements / sizeof *replacements; i++) {
        snprintf(source, sizeof source,
                 "local s, p, n = ... return s:gsub(p, '%s', n)",
                 replacements[i]);
        check_random(source, 2000, false);
        check_random(source, 500, true);
    }
}

Test(pattern, PT2_replaces_by_a_function_or_a_table_as_stock_does) {
    check_random("local s, p = ... return s:gsub(p, function(a, b)"
                 " if a == 'b' then return false end"
                 " return '<' .. tostring(a) .. ',' .. tostring(b) .. '>'"
                 " end)",
                 8000, false);
    check_random("local s, p, n = ... return s:gsub(p,"
                 " { a = 'A', b = false, [''] = '-', [1] = 7 }, n)",
                 8000, true);
    check_random("local s, p = ... return s:gsub(p, function(a)"
                 " if a == 'c' then return {} end end)",
                 4000, false);
}

Test(pattern, PT2_finds_plain_text_as_stock_does) {
    check_random("local s, p, i = ... return s:find(p, i, true)", 5000, true);
    differ_check(&d, "local s = ('ab'):rep(10000) local all = {} "
                     "for i = 1, 9000, 7 do local p = ('b'):rep(i % 3) .. "
                     "('ab'):rep(i // 5) .. 'c' "
                     "all[#all + 1] = (s:sub(1, 2 * i) .. p .. s):find(p, 1,"
                     " true) end return all");
}

Test(pattern, PT2_finds_plain_text_at_the_end_of_a_long_one) {
    differ_check(&d, "local all = {} for i = 1, 9000, 37 do"
                     " local s = ('ab'):rep(i) .. 'abc'"
                     " all[#all + 1] = s:find('abc', 1, true)"
                     " all[#all + 1] = s:find(('ab'):rep(i // 2) .. 'c')"
                     " end return all");
}

Test(pattern, PT2_takes_and_refuses_arguments_as_stock_does) {
    differ_check(&d, "return ('x'):find()");
    differ_check(&d, "return string.find({}, 'x')");
    differ_check(&d, "return string.find(12345, 34)");
    differ_check(&d, "return ('abc'):find('b', 'x')");
    differ_check(&d, "return ('abc'):find('', 4)");
    differ_check(&d, "return ('abc'):find('', 5)");
    differ_check(&d, "return ('abc'):find('b', math.mininteger)");
    differ_check(&d, "return ('abc'):match('b', math.maxinteger)");
    differ_check(&d, "return ('abc'):gsub('b')");
    differ_check(&d, "return ('abc'):gsub('b', true)");
    differ_check(&d, "return ('abc'):gsub('b', 'x', 'y')");
    differ_check(&d, "return ('abc'):gsub('', '-', math.maxinteger)");
    differ_check(&d, "return ('abc'):gsub('', '-', math.mininteger)");
    differ_check(&d, "return ('abc'):gsub('%w', 12)");
    differ_check(&d, "return ('hello world'):gsub('()o()', '%2%1')");
    differ_check(&d, "return ('x'):rep(40):gsub('x', '%1%1', 3)");
}

Test(pattern, PT2_captures_at_most_32) {
    differ_check(&d, "return ('x'):rep(32):match(('(x)'):rep(32))");
    differ_check(&d, "return ('x'):rep(33):match(('(x)'):rep(33))");
    differ_check(&d, "return ('a'):rep(300):match(('a?'):rep(150))");
}

Test(pattern, PT1_stops_a_pattern_that_would_run_for_hours) {
    differ_refuses(&d,
                   "return ('a'):rep(30):find(('a?'):rep(30) .. "
                   "('a'):rep(30) .. 'b')",
                   "pattern too complex");
    differ_refuses(&d, "return ('a'):rep(30000):find('.-.-.-b')",
                   "pattern too complex");
    differ_refuses(&d, "return ('a'):rep(30000):gsub('.-.-.-b', '')",
                   "pattern too complex");
    differ_refuses(&d, "return ('('):rep(30000):find('%b()')",
                   "pattern too complex");
    differ_refuses(&d, "for _ in ('a'):rep(30000):gmatch('.*.*.*b') do end",
                   "pattern too complex");
}

Test(pattern, PT1_lets_a_plain_search_of_a_large_text_pass) {
    differ_expect(&d,
                  "return (('x'):rep(1 << 20) .. 'ERROR 7'):match("
                  "'ERR%u+ (%d)')",
                  "\"7\" ");
    differ_expect(&d, "return #(('x-'):rep(1 << 19):gsub('%-', '__'))",
                  "1572864 ");
}

Test(pattern, PT1_charges_what_it_does) {
    static const struct vm_limits few = {32u << 20, 100000, 60000, 0};
    struct vm                    *vm = vm_open(&few, &differ_clock);
    lua_State                    *L = vm_state(vm);

    sandbox_open(L, d.bundle);
    differ_load(L, "local s = ('a'):rep(2000) return s:find('.-.-b')");
    differ_run(L, 0, &d.got);
    cr_assert(strstr(buf_text(&d.got), "instructions limit"), "%s",
              buf_text(&d.got));
    vm_close(vm);
}

Test(pattern, PT3_goes_at_most_so_deep) {
    differ_check(&d, "return ('a'):rep(500):find(('a?'):rep(199))");
    differ_check(&d, "return ('a'):rep(500):find(('a?'):rep(200))");
    differ_refuses(&d, "return ('a'):rep(90000):find(('a?'):rep(80000))",
                   "pattern too complex");
}

Test(pattern, PT1_gsub_does_not_make_more_than_it_may) {
    differ_refuses(&d, "return ('x'):rep(4096):gsub('x', ('y'):rep(8192))",
                   "resulting string too large");
    differ_refuses(&d,
                   "local y = ('y'):rep(8192) "
                   "return ('x'):rep(4096):gsub('x', "
                   "function() return y end)",
                   "resulting string too large");
}
