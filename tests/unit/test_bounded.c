/* test_bounded.c - the bounded library against the stock one, and where it
 * differs on purpose. */
#include "differ.h"

#include "vm/bounded.h"

static struct differ d;

static void open_both(void) {
    differ_open(&d);
}

static void close_both(void) {
    differ_close(&d);
}

TestSuite(bounded, .init = open_both, .fini = close_both, .timeout = 120);

/* --- random calls -------------------------------------------------------- */

static void push_integer(lua_Integer number) {
    lua_pushinteger(d.stock, number);
    lua_pushinteger(d.ours, number);
}

static void push_real(double number) {
    lua_pushnumber(d.stock, number);
    lua_pushnumber(d.ours, number);
}

static void push_text(const char *text, size_t len) {
    lua_pushlstring(d.stock, text, len);
    lua_pushlstring(d.ours, text, len);
}

static const lua_Integer edges[] = {0,
                                    1,
                                    2,
                                    3,
                                    5,
                                    -1,
                                    -2,
                                    -3,
                                    7,
                                    12,
                                    64,
                                    255,
                                    256,
                                    LUA_MAXINTEGER,
                                    LUA_MAXINTEGER - 1,
                                    LUA_MININTEGER,
                                    LUA_MININTEGER + 1,
                                    1LL << 31,
                                    -(1LL << 31),
                                    1LL << 53};

static lua_Integer random_edge(void) {
    return edges[differ_random(&d, sizeof edges / sizeof *edges)];
}

static void push_random_text(unsigned most) {
    static const char letters[] =
        "ab\0c1 -%\xc3\xa9\xe2\x82\xac\xf0\x9f\x98\x80"
        "\x80\xff\xed\xa0\x80";
    char   text[32];
    size_t len = differ_random(&d, most);

    for (size_t i = 0; i < len; i++)
        text[i] = letters[differ_random(&d, sizeof letters - 1)];
    push_text(text, len);
}

static void push_random(void) {
    switch (differ_random(&d, 6)) {
    case 0: push_integer((lua_Integer)differ_random(&d, 20) - 10); break;
    case 1: push_integer(random_edge()); break;
    case 2: push_real((double)differ_random(&d, 1000) / 8 - 60); break;
    case 3: push_real((double)random_edge() * 1.5e10); break;
    case 4: push_text("12", 2); break;
    default: push_random_text(12);
    }
}

/* Holds both functions of this source at the bottom of both stacks. */
static void hold(const char *source) {
    lua_settop(d.stock, 0);
    lua_settop(d.ours, 0);
    differ_load(d.stock, source);
    differ_load(d.ours, source);
}

static void push_held(void) {
    lua_pushvalue(d.stock, 1);
    lua_pushvalue(d.ours, 1);
}

static void check_held(const char *source, int arguments) {
    if (!differ_same(&d, arguments))
        cr_assert_fail("%s\n stock: %s\n ours:  %s", source,
                       buf_text(&d.expected), buf_text(&d.got));
}

/* Which of two faults is named first is not worth an equality. */
static void check_held_or_both_fail(const char *source, int arguments) {
    if (!differ_same(&d, arguments) &&
        !(str_starts(buf_str(&d.expected), "error: ") &&
          str_starts(buf_str(&d.got), "error: ")))
        cr_assert_fail("%s\n stock: %s\n ours:  %s", source,
                       buf_text(&d.expected), buf_text(&d.got));
}

/* source(text, position, position): every function over a text and a range */
static void check_ranges(const char *source, int rounds, bool edgy) {
    hold(source);
    for (int i = 0; i < rounds; i++) {
        int count = 1 + (int)differ_random(&d, 3);

        push_held();
        push_random_text(20);
        for (int k = 1; k < count; k++)
            push_integer(edgy && differ_random(&d, 3) == 0
                             ? random_edge()
                             : (lua_Integer)differ_random(&d, 24) - 12);
        check_held(source, count);
    }
}

Test(bounded, BD3_string_functions_over_ranges_are_those_of_stock) {
    check_ranges("return string.sub(...)", 4000, true);
    check_ranges("return string.byte(...)", 4000, true);
    check_ranges("local s = ... return s:upper(), s:lower(), s:reverse(), #s,"
                 " s:len()",
                 1000, false);
}

Test(bounded, BD3_utf8_functions_are_those_of_stock) {
    check_ranges("return utf8.len(...)", 4000, true);
    check_ranges("return utf8.codepoint(...)", 4000, true);
    check_ranges("return utf8.offset(...)", 4000, true);
    check_ranges("local s, i, j = ... return utf8.len(s, i, j, true)", 4000,
                 true);
    check_ranges("local s, i, j = ... return utf8.codepoint(s, i, j, true)",
                 4000, true);
    check_ranges("local s, lax = ... local all = {} "
                 "for at, code in utf8.codes(s, lax) do"
                 "  all[#all + 1] = at all[#all + 1] = code end return all",
                 4000, false);
    check_ranges("local s, at = ... return utf8.codes('')(s, at)", 2000, true);
    differ_check(&d, "return utf8.char(), utf8.char(65, 0x20ac, 0x7fffffff)");
    differ_check(&d, "return utf8.char(-1)");
    differ_check(&d, "return utf8.char(0x80000000)");
    differ_check(&d, "return utf8.charpattern");
}

Test(bounded, BD3_format_is_that_of_stock_in_20000_random_cases) {
    static const char flags[] = "-+ #0123456789...";
    static const char letters[] = "diuoxXcaAeEfgGsqFy%";
    const char       *source = "return string.format(...)";
    char              format[40];

    hold(source);
    for (int i = 0; i < 20000; i++) {
        size_t   len = 0;
        unsigned count =
            differ_random(&d, 3) ? differ_random(&d, 4) : differ_random(&d, 24);

        format[len++] = '<';
        format[len++] = '%';
        for (; count > 0; count--)
            format[len++] = flags[differ_random(&d, sizeof flags - 1)];
        format[len++] = letters[differ_random(&d, sizeof letters - 1)];
        format[len++] = '>';
        push_held();
        push_text(format, len);
        if (format[len - 2] == 'c')
            push_integer((lua_Integer)differ_random(&d, 256));
        else
            push_random();
        check_held_or_both_fail(source, 2);
    }
}

Test(bounded, BD3_format_quotes_and_refuses_as_stock_does) {
    differ_check(&d, "return ('%q'):format('a\\n\\0001\\r\"\\\\')");
    differ_check(&d, "return ('%q %q'):format(1/0, -1/0)");
    differ_check(&d, "return ('%q'):format(0/0)");
    differ_check(&d, "return ('%q %q'):format(math.mininteger, 0.1)");
    differ_check(&d, "return ('%q %q %q'):format(nil, true, 3)");
    differ_check(&d, "return ('%q'):format({})");
    differ_check(&d, "return ('%s %s'):format(nil, true)");
    differ_check(&d, "return ('%s'):format()");
    differ_check(&d, "return ('%d'):format('x')");
    differ_check(&d, "return ('%d'):format(1.5)");
    differ_check(&d, "return ('%5s|%-5s|%.1s'):format('a', 'b', 'cd')");
    differ_check(&d, "return ('%20s'):format(('x'):rep(200))");
    differ_check(&d, "return ('%.20s'):format(('x'):rep(200))");
    differ_check(&d, "return ('%-99s|'):format(('x'):rep(5000))");
    differ_check(&d, "return ('%20s'):format('a\\0b')");
    differ_check(&d, "return ('%99.99f'):format(1e308)");
    differ_check(&d, "return ('%100d'):format(1)");
    differ_check(&d, "return ('%s'):format(setmetatable({},"
                     " { __tostring = function() return 'me' end }))");
    differ_check(&d, "return ('%s'):format(setmetatable({},"
                     " { __tostring = function() return {} end }))");
}

Test(bounded, BD3_rep_is_that_of_stock) {
    const char *source = "return string.rep(...)";

    hold(source);
    for (int i = 0; i < 3000; i++) {
        push_held();
        push_random_text(8);
        push_integer((lua_Integer)differ_random(&d, 30) - 5);
        if (differ_random(&d, 2))
            push_random_text(5);
        else
            push_text("", 0);
        check_held(source, 3);
    }
    differ_check(&d, "return ('x'):rep(math.maxinteger)");
    differ_check(&d, "return ('x'):rep(math.mininteger)");
    differ_check(&d, "return ('xy'):rep(math.maxinteger // 2 + 1)");
    differ_expect(&d, "return (''):rep(1 << 40)", "\"\" ");
    differ_check(&d, "return ('x'):rep(1 << 62, 'yyy')");
    differ_check(&d, "return string.char(), string.char(1, 255)");
    differ_check(&d, "return string.char(256)");
    differ_check(&d, "return string.char(-1)");
}

Test(bounded, BD3_tonumber_is_that_of_stock) {
    static const char letters[] = "0123456789abcxXzZpPeE.-+ \t\0_";
    const char       *source = "return tonumber(...)";
    char              text[12];

    hold(source);
    for (int i = 0; i < 20000; i++) {
        size_t len = differ_random(&d, sizeof text);
        int    count = 1 + (int)differ_random(&d, 2);

        for (size_t k = 0; k < len; k++)
            text[k] = letters[differ_random(&d, sizeof letters - 1)];
        push_held();
        push_text(text, len);
        if (count == 2)
            push_integer((lua_Integer)differ_random(&d, 38));
        check_held(source, count);
    }
    differ_check(&d, "return tonumber(nil), tonumber({}), tonumber(3.0)");
    differ_check(&d, "return tonumber()");
    differ_check(&d, "return tonumber(3, 10)");
    differ_check(&d, "return tonumber('7fffffffffffffffff', 16)");
    differ_check(&d, "return tonumber('-zz', 36), tonumber(' 1 ', 2)");
}

/* --- tables --------------------------------------------------------------- */

/* source(list, a, b, c): `{1, .., size}` and up to three numbers */
static void check_lists(const char *source, int least, int most, bool edgy) {
    hold(source);
    for (int i = 0; i < 4000; i++) {
        int count =
            least + (int)differ_random(&d, (unsigned)(most - least) + 1);
        int size = (int)differ_random(&d, 8);

        push_held();
        push_integer(size);
        for (int k = 0; k < count; k++)
            push_integer(edgy && differ_random(&d, 6) == 0
                             ? random_edge()
                             : (lua_Integer)differ_random(&d, 16) - 4);
        check_held(source, 1 + count);
    }
}

#define LIST \
    "local n, a, b, c = ... local t = {} for i = 1, n do t[i] = i * i end "
#define ALL \
    " local all = {} for i = -20, 30 do all[i + 21] = t[i] or false end "

Test(bounded, BD3_table_functions_are_those_of_stock) {
    check_lists(LIST "table.insert(t, a)" ALL "return all", 1, 1, true);
    check_lists(LIST "table.insert(t, a, b)" ALL "return all", 2, 2, true);
    check_lists(LIST "local ok, x = pcall(table.remove, t, a)" ALL
                     "return ok, ok and x, all",
                0, 1, true);
    check_lists(LIST "return table.concat(t, ',', a, b)", 0, 2, false);
    check_lists(LIST "return table.unpack(t, a, b)", 0, 2, false);
    check_lists(LIST "local n = select('#', table.move(t, a, b, c))" ALL
                     "return n, all",
                3, 3, false);
    check_lists(LIST "local u = t t = table.move(t, a, b, c, {})" ALL
                     "return all",
                3, 3, false);
    check_lists("return table.pack(...), table.pack(...).n", 0, 3, true);
}

Test(bounded, BD3_table_functions_go_through_metamethods) {
    static const char *const ends[] = {
        "table.insert(p, 9) return log",
        "table.insert(p, 1, 9) return log",
        "table.remove(p) return log",
        "table.remove(p, 1) return log",
        "return table.concat(p, ','), log",
        "return table.unpack(p)",
        "table.move(p, 1, 3, 2) return log",
        "return table.move(p, 1, 3, 1, {})",
        "table.sort(p, function(a, b) return a > b end) return log",
        "table.insert(3, 4)",
        "table.concat('x')",
        "table.unpack()",
        "table.move({}, 1, 2, 3, 4)",
        "table.insert({}, 1, 2, 3)",
        "table.insert({})",
        "table.concat({ {} })",
        "table.concat({ 1, nil })",
        "return table.concat({ 1, 2.5, 'x' }, 3)"};
    char source[512];

    for (size_t i = 0; i < sizeof ends / sizeof *ends; i++) {
        snprintf(source, sizeof source,
                 "local log, t = {}, { 3, 1, 2 } "
                 "local p = setmetatable({}, {"
                 " __len = function() return #t end,"
                 " __index = function(_, i) return t[i] end,"
                 " __newindex = function(_, i, v) t[i] = v "
                 "  log = { table.unpack(t) } end }) %s",
                 ends[i]);
        differ_check(&d, source);
    }
}

Test(bounded, BD2_ranges_at_the_ends_of_the_integers_are_errors_as_in_stock) {
    static const char *const ranges[] = {
        "return table.unpack({}, math.mininteger, math.maxinteger)",
        "return table.unpack({}, 0, math.maxinteger)",
        "return table.unpack({}, math.maxinteger, math.maxinteger)",
        "return table.unpack({}, math.mininteger, math.mininteger + 1)",
        "return table.unpack({}, 1, 1e7)",
        "return table.move({}, 1, math.maxinteger, 2)",
        "return table.move({}, -1, math.maxinteger, 2)",
        "return table.move({}, math.mininteger, -1, 2)",
        "return table.move({}, math.maxinteger, math.maxinteger, 1)",
        "return table.move({}, math.maxinteger, math.mininteger, 1)",
        "return table.move({ 1 }, 1, 1, math.maxinteger)[math.maxinteger]",
        "return table.move({}, 1, 2, math.maxinteger)",
        "return table.concat({}, ',', math.maxinteger, math.maxinteger)",
        "return table.concat({}, ',', math.maxinteger, math.mininteger)",
        "return table.concat({ [math.maxinteger] = 1 }, ',',"
        " math.maxinteger, math.maxinteger)",
        "return ('x'):sub(math.mininteger, math.maxinteger)",
        "return ('x'):byte(math.mininteger, math.maxinteger)",
        "return utf8.codepoint('x', math.mininteger, math.maxinteger)",
        "return utf8.offset('xyz', math.mininteger)",
        "return utf8.offset('xyz', math.maxinteger)",
        "return select(math.mininteger, 1)",
        "return select(math.maxinteger, 1)"};

    for (size_t i = 0; i < sizeof ranges / sizeof *ranges; i++)
        differ_check(&d, ranges[i]);
}

/* --- sort ----------------------------------------------------------------- */

Test(bounded, BD3_sort_gives_what_stock_gives_for_a_total_order) {
    const char *source =
        "local n, seed = ... local t = {} for i = 1, n do"
        " seed = (seed * 1103515245 + 12345) % 2147483648"
        " t[i] = seed % 97 end "
        "local s, r = { table.unpack(t) }, { table.unpack(t) }"
        "table.sort(t) table.sort(r, function(a, b) return a > b end) "
        "for i = 1, n do s[i] = tostring(s[i]) end table.sort(s) "
        "return t, r, s";

    hold(source);
    for (int i = 0; i < 600; i++) {
        push_held();
        push_integer((lua_Integer)differ_random(&d, i < 500 ? 40 : 200));
        push_integer((lua_Integer)differ_random(&d, 1u << 30));
        check_held(source, 2);
    }
}

Test(bounded, BD4_sort_is_stable) {
    differ_expect(&d,
                  "local t = {} for i = 1, 500 do t[i] = { i % 7, i } end "
                  "table.sort(t, function(a, b) return a[1] < b[1] end) "
                  "for i = 2, 500 do local a, b = t[i - 1], t[i] "
                  "  if a[1] == b[1] and a[2] > b[2] then return false end "
                  "  if a[1] > b[1] then return false end end "
                  "return true",
                  "true ");
}

Test(bounded, BD1_an_order_that_contradicts_itself_ends_and_loses_nothing) {
    differ_expect(&d,
                  "local t, sum, calls = {}, 0, 0 "
                  "for i = 1, 1000 do t[i] = i end "
                  "for _, f in ipairs({"
                  "  function() return true end, function() return false end,"
                  "  function() calls = calls + 1 return calls % 3 == 0 end,"
                  "}) do table.sort(t, f) end "
                  "for i = 1, 1000 do sum = sum + t[i] end return #t, sum",
                  "1000 500500 ");
}

Test(bounded, BD3_sort_refuses_what_stock_refuses_and_names_the_line) {
    differ_refuses(&d, "table.sort({ 1, 'x' })",
                   "test:1: attempt to compare number with string");
    differ_refuses(&d, "table.sort({ true, false })",
                   "test:1: attempt to compare two boolean values");
    differ_refuses(&d, "table.sort({ {}, {} })",
                   "attempt to compare two table values");
    differ_refuses(&d, "table.sort(3)", "bad argument #1 to 'sort'");
    differ_refuses(&d, "table.sort({ 1, 2 }, 3)", "bad argument #2 to 'sort'");
    differ_expect(&d,
                  "local t = { 3, 2, 1 } "
                  "pcall(table.sort, t, function() error('x') end) return t",
                  "{3 2 1 } ");
}

/* --- order ---------------------------------------------------------------- */

Test(bounded, BD4_pairs_goes_by_numbers_then_strings_then_booleans) {
    differ_expect(&d,
                  "local all = {} for k in pairs({ b = 1, [2] = 1, [1.5] = 1,"
                  " a = 1, [true] = 1, [-3] = 1, [1] = 1, [2^70] = 1, ba = 1,"
                  " [''] = 1, [false] = 1, [1/0] = 1, [-1/0] = 1, [3] = 1,"
                  " [math.mininteger] = 1, [-2^70] = 1, [math.maxinteger] = 1,"
                  " ['a\\0'] = 1, ['\\255'] = 1 }) do"
                  "  all[#all + 1] = ('%q'):format(k) end "
                  "return table.concat(all, ' ')",
                  "\"-1e9999 -0x1p+70 0x8000000000000000 -3 1 0x1.8p+0 2 3 "
                  "9223372036854775807 0x1p+70 1e9999 \"\" \"a\" \"a\\0\" "
                  "\"b\" \"ba\" \"\xff\" false true\" ");
}

Test(bounded, BD4_next_goes_in_the_order_of_pairs) {
    differ_expect(&d,
                  "local t, seed = {}, 42 for i = 1, 300 do"
                  " seed = (seed * 1103515245 + 12345) % 2147483648"
                  " t[seed % 3 == 0 and seed or 'k' .. seed % 1000] = i end "
                  "local k = nil for key, value in pairs(t) do local v "
                  " k, v = next(t, k) if k ~= key or v ~= value then"
                  " return false end end return next(t, k) == nil",
                  "true ");
    differ_expect(&d, "return next({})", "nil ");
    differ_expect(&d, "return next({ 7 })", "1 7 ");
    differ_expect(&d, "return next({ a = 1, c = 3 }, 'b')", "\"c\" 3 ");
}

Test(bounded, BD4_pairs_is_a_snapshot) {
    differ_expect(&d,
                  "local t, seen = { a = 1, b = 2, c = 3, d = 4 }, {} "
                  "for k, v in pairs(t) do seen[#seen + 1] = k .. v"
                  " t.b = nil t.c = 7 t.zz = 9 end return seen",
                  "{\"a1\" \"c7\" \"d4\" } ");
    differ_expect(&d,
                  "local t = {} for i = 1, 100 do t['k' .. i] = i end "
                  "for k in pairs(t) do t[k] = nil end return next(t)",
                  "nil ");
}

Test(bounded, BD4_a_key_without_an_order_is_an_error) {
    differ_refuses(&d, "pairs({ [{}] = 1 })", "a key of type table");
    differ_refuses(&d, "pairs({ [print or type] = 1 })",
                   "a key of type function");
    differ_refuses(&d, "next({ [{}] = 1 })", "next: a key of type table");
    differ_refuses(&d, "pairs()", "bad argument #1 to 'pairs'");
    differ_refuses(&d, "pairs(3)", "table expected, got number");
    differ_refuses(&d, "next(nil)", "table expected, got nil");
}

Test(bounded, BD3_pairs_honours_its_metamethod) {
    differ_check(&d, "local t = setmetatable({}, { __pairs = function(t)"
                     " return function(_, i) i = (i or 0) + 1"
                     " if i < 4 then return i end end, t, nil end })"
                     " local sum = 0 for i in pairs(t) do sum = sum + i end"
                     " return sum");
}

/* --- basic functions ------------------------------------------------------ */

Test(bounded, BD4_tostring_tells_no_address) {
    differ_expect(&d,
                  "return tostring({}), tostring(type),"
                  " tostring(function() end), tostring(json.null)",
                  "\"table\" \"function\" \"function\" \"null\" ");
    differ_expect(&d, "return ('%s %s'):format({}, type)",
                  "\"table function\" ");
    differ_expect(&d, "return tostring(setmetatable({}, { __name = 'N' }))",
                  "\"N\" ");
    differ_refuses(&d, "return ('%p'):format({})", "address");
    differ_check(&d, "return tostring(1), tostring(1.0), tostring(-0.0),"
                     " tostring(1/0), tostring(nil), tostring(true),"
                     " tostring('x'), tostring(2^63), tostring(1e100)");
    differ_check(&d, "return tostring()");
}

Test(bounded, BD5_a_metatable_is_taken_as_a_copy) {
    differ_refuses(&d, "setmetatable({}, { __gc = type })", "'__gc'");
    differ_refuses(&d, "setmetatable({}, { __mode = 'k' })", "'__mode'");
    differ_refuses(&d, "setmetatable({}, { __close = type })", "'__close'");
    differ_expect(&d,
                  "local mt = {} local t = setmetatable({}, mt) "
                  "mt.__close = type mt.__gc = type mt.__mode = 'kv' "
                  "return getmetatable(t) == mt, "
                  "pcall(function() local x <close> = t end)",
                  "true false \"test:1: variable 'x' got a non-closable "
                  "value\" ");
}

Test(bounded, BD5_getmetatable_gives_back_what_was_set) {
    differ_expect(&d,
                  "local mt = { __index = { a = 1 } } "
                  "local t = setmetatable({}, mt) "
                  "return t.a, getmetatable(t) == mt, "
                  "getmetatable(setmetatable(t, nil)), t.a",
                  "1 true nil nil ");
    differ_check(&d, "local t = setmetatable({}, { __metatable = 'no' })"
                     " return getmetatable(t), pcall(setmetatable, t, {})");
    differ_expect(&d, "return getmetatable(''), getmetatable('').__index",
                  "error: \"test:1: attempt to index a boolean value\" ");
    differ_check(&d, "return getmetatable({}), getmetatable(3)");
    differ_check(&d, "return setmetatable(3, {})");
    differ_check(&d, "return setmetatable({}, 3)");
    differ_check(&d, "return setmetatable({})");
}

Test(bounded, BD5_objects_of_one_class_share_one_copy) {
    differ_expect(&d,
                  "local C = { __index = function(_, k) return k end } "
                  "local t = {} for i = 1, 20000 do"
                  " t[i] = setmetatable({}, C) end "
                  "C.__index = { x = 5 } local late = t[1].x "
                  "setmetatable({}, C) return late, t[1].x",
                  "\"x\" 5 ");
    cr_assert_lt(lua_gc(d.ours, LUA_GCCOUNT), 8000);
}

Test(bounded, BD3_xpcall_gives_what_stock_gives) {
    differ_check(&d, "return xpcall(function(...) return ... end, type, 1, 2)");
    differ_check(&d, "return xpcall(error, function(e) return e .. '!' end,"
                     " 'x', 0)");
    differ_check(&d, "return xpcall(error, function() return 1, 2 end, 'x')");
    differ_check(&d, "return pcall(xpcall, type, nil)");
    differ_check(&d, "return xpcall(error, function(e) return e end, nil)");
}

Test(bounded, BD3_xpcall_takes_the_error_of_its_handler) {
    differ_expect(&d,
                  "return xpcall(error, function() error('again', 0) end,"
                  " 'first')",
                  "false \"again\" ");
}

Test(bounded, BD5_a_call_metamethod_is_a_function) {
    differ_refuses(&d,
                   "local mt = {} mt.__call = setmetatable({}, mt)"
                   " setmetatable({}, mt)",
                   "'__call' must be a function");
    differ_check(&d, "return setmetatable({}, { __call = function(_, a)"
                     " return a end })(7)");
}

Test(bounded, BD4_math_is_stock_without_chance) {
    differ_check(&d, "return math.floor(-3.5), math.fmod(-5, 3), math.pi,"
                     " math.ult(1, -1), math.tointeger('8'), math.type(1),"
                     " math.max(1, 2.5), math.modf(-3.25)");
    differ_refuses(&d, "math.random()", "ctx.random()");
    differ_refuses(&d, "math.randomseed(1)", "ctx.random()");
}

Test(bounded, BD3_a_name_that_is_not_listed_is_not_there) {
    differ_expect(&d,
                  "return load, loadstring, dofile, loadfile, print,"
                  " collectgarbage, coroutine, os, io, debug, package,"
                  " string.dump, string.pack, string.unpack,"
                  " string.packsize, string.scan, string.make_gsub, warn",
                  "nil nil nil nil nil nil nil nil nil nil nil nil nil nil "
                  "nil nil nil nil ");
}

/* --- what it costs -------------------------------------------------------- */

/* Runs the snippet, with 300,000 bytes as its argument, on few instructions.
 */
static bool is_stopped(const char *source) {
    static const struct vm_limits few = {64u << 20, 50000, 60000, 0};
    static char                   text[300000];
    struct vm                    *vm = vm_open(&few, &differ_clock);
    lua_State                    *L = vm_state(vm);

    sandbox_open(L, d.bundle);
    differ_load(L, source);
    memset(text, 'x', sizeof text);
    lua_pushlstring(L, text, sizeof text);
    differ_run(L, 1, &d.got);
    vm_close(vm);
    return strstr(buf_text(&d.got), "instructions limit") != NULL;
}

Test(bounded, BD1_work_is_charged_before_it_is_done) {
    static const char *const heavy[] = {
        "return ('x'):rep(4 << 20)",
        "return ('x'):rep(1 << 15, ('y'):rep(400))",
        "return table.move({}, 1, 1 << 40, 2)",
        "return table.concat({}, ',', 1, 1 << 40)",
        "for i = 1, 9 do table.unpack({}, 1, 9000) end",
        "return table.insert(setmetatable({}, { __len = function()"
        " return 1 << 40 end }), 1, 'x')",
        "return table.remove(setmetatable({}, { __len = function()"
        " return 1 << 40 end }), 1)",
        "local s = ... return s:upper()",
        "local s = ... return s:reverse()",
        "local s = ... return utf8.len(s)",
        "local s = ... return utf8.codepoint(s, 1, -1)",
        "local s = ... return utf8.offset(s, 299999)",
        "local s = ... return s:byte(1, -1)",
        "local s = ... return tonumber(s)",
        "local s = ... return tonumber(s, 36)",
        "local s = ... return s:find('y', 1, true)",
        "local s = ... return s:find('[y]')",
        "local s = ... return s:gsub('x', 'y')",
        "local s = ... return ('%q'):format(s)",
        "local s = ... for i = 1, 9 do s:sub(2) end",
        "local s = ... for i = 1, 9 do ('%s'):format(s) end",
        "local s = ... for i = 1, 9 do table.concat({ s }) end",
        "local t = {} for i = 1, 5000 do t[i] = i end"
        " for i = 1, 9 do pairs(t) end",
        "local t = {} for i = 1, 5000 do t[i] = i end"
        " for i = 1, 9 do next(t) end"};
    static const char *const light[] = {
        "local s = ... return #s, s:byte(7), s:sub(1, 9), s:find('x')",
        "return table.unpack({}, 1, 9000)",
        "local t = {} for i = 1, 5000 do t[i] = i end return #t"};

    for (size_t i = 0; i < sizeof heavy / sizeof *heavy; i++)
        cr_expect(is_stopped(heavy[i]), "%s\n was not stopped", heavy[i]);
    for (size_t i = 0; i < sizeof light / sizeof *light; i++)
        cr_expect_not(is_stopped(light[i]), "%s\n was stopped", light[i]);
}

Test(bounded, BD1_pcall_nests_150_deep) {
    differ_expect(&d,
                  "local deepest = 0 local function f(n) deepest = n"
                  " return pcall(f, n + 1) end f(1) return deepest",
                  "151 ");
    differ_expect(&d,
                  "for i = 1, 1000 do pcall(error) pcall(type, 1) end"
                  " return pcall(pcall, pcall, type, 1)",
                  "true true true \"number\" ");
}

Test(bounded, BD1_a_text_has_at_most_16_MiB) {
    differ_refuses(&d, "return ('x'):rep((16 << 20) + 1)", "too large");
    differ_expect(&d, "return #('x'):rep(16 << 20)", "16777216 ");
    differ_refuses(&d, "return ('x'):rep(9 << 20, ' ')", "too large");
    differ_refuses(&d,
                   "local s = ('x'):rep(9 << 20)"
                   " return table.concat({ s, s })",
                   "too large");
    differ_refuses(&d,
                   "local s = ('x'):rep(9 << 20)"
                   " return ('%s%s'):format(s, s)",
                   "too large");
}
