/* test_json.c - read strictly, written in one way. */
#include <criterion/criterion.h>

#include <math.h>
#include <string.h>

#include "base/json.h"
#include "support.h"

static struct err err;

static struct json *parse(struct str text) {
    return json_parse(text, &json_caps_answer, &err);
}

static void writes(const char *text, const char *wanted) {
    struct json *value = parse(str_of(text));
    struct buf   out = BUF_EMPTY;

    cr_assert(value, "%s: %s", text, err.text);
    json_write(value, &out);
    cr_expect_str_eq(buf_text(&out), wanted);
    json_release(value);
    buf_release(&out);
}

static void refuses(struct str text, enum err_code code) {
    struct json *value = parse(text);

    cr_expect_null(value, "took %.*s", STR_ARG(text));
    cr_expect_eq(err.code, code, "%.*s: %s: %s", STR_ARG(text),
                 err_name(err.code), err.text);
    json_release(value);
}

Test(json, writes_sorted_keys_and_no_white_space) {
    writes(" { \"b\" : [ 1 , true , null ] , \"a\" : { } } ",
           "{\"a\":{},\"b\":[1,true,null]}");
    writes("[]", "[]");
    writes("{\"b\":1,\"a\":2,\"B\":3,\"\":4}",
           "{\"\":4,\"B\":3,\"a\":2,\"b\":1}");
}

Test(json, JS1_numbers_keep_their_kind_and_every_bit) {
    writes("9223372036854775807", "9223372036854775807");
    writes("-9223372036854775808", "-9223372036854775808");
    writes("-0.0", "-0.0");
    writes("0.1", "0.1");
    writes("0.30000000000000004", "0.30000000000000004");
    writes("1e308", "1e+308");
    writes("1.0", "1.0");
    writes("1", "1");
    writes("1e2", "100.0");
    writes("5e-324", "4.94065645841247e-324");
    writes("123456789.125", "123456789.125");
    writes("2.2250738585072014e-308", "2.2250738585072014e-308");
}

Test(json, JS1_texts_are_escaped_only_where_they_must) {
    writes("\"\\u00e9\\u20ac\\ud83d\\ude00\"",
           "\"\xC3\xA9\xE2\x82\xAC\xF0\x9F\x98\x80\"");
    writes("\"\\\"\\\\\\/\\b\\f\\n\\r\\t\\u0000\\u001f\\u007f\"",
           "\"\\\"\\\\/\\b\\f\\n\\r\\t\\u0000\\u001f\x7F\"");
}

/* A small generator: the same values at every run. */
static uint64_t seed = 88172645463325252u;

static uint64_t random_bits(void) {
    seed ^= seed << 13;
    seed ^= seed >> 7;
    return seed ^= seed << 17;
}

static struct json *random_value(int depth) {
    uint64_t     bits = random_bits();
    double       real;
    struct buf   text = BUF_EMPTY;
    struct json *made;

    switch (bits % (depth ? 8 : 6)) {
    case 0: return json_new_null();
    case 1: return json_new_bool(bits & 8);
    case 2: return json_new_int((int64_t)random_bits());
    case 3: return json_new_int((int64_t)(bits >> 8 & 7));
    case 4:
        bits = random_bits();
        memcpy(&real, &bits, sizeof real);
        return json_new_real(isfinite(real) ? real : -0.0);
    case 5:
        for (int i = (int)(bits >> 8 & 7); i > 0; i--)
            buf_addf(&text, "%c\xC3\xA9", (int)(random_bits() % 128));
        made = json_new_text(buf_str(&text));
        buf_release(&text);
        return made;
    case 6:
        made = json_new_list();
        for (int i = (int)(bits >> 8 & 7); i > 0; i--)
            json_append(made, random_value(depth - 1));
        return made;
    default:
        made = json_new_map();
        for (int i = (int)(bits >> 8 & 7); i > 0; i--) {
            buf_clear(&text);
            buf_addf(&text, "%llx", (unsigned long long)(random_bits() >> 50));
            json_put(made, buf_text(&text), random_value(depth - 1));
        }
        buf_release(&text);
        return made;
    }
}

Test(json, JS1_writing_what_was_read_is_a_fixed_point) {
    for (int i = 0; i < 3000; i++) {
        struct json *value = random_value(5), *back;
        struct buf   first = BUF_EMPTY, second = BUF_EMPTY;

        json_write(value, &first);
        back = parse(buf_str(&first));
        cr_assert(back, "%s: %s", buf_text(&first), err.text);
        json_write(back, &second);
        cr_assert_str_eq(buf_text(&first), buf_text(&second));
        cr_assert(json_same(value, back), "%s", buf_text(&first));
        json_release(value);
        json_release(back);
        buf_release(&first);
        buf_release(&second);
    }
}

Test(json, pretty_text_reads_back_as_the_same_value) {
    for (int i = 0; i < 200; i++) {
        struct json *value = random_value(4), *back;
        struct buf   text = BUF_EMPTY;

        json_write_pretty(value, 0, &text);
        back = parse(buf_str(&text));
        cr_assert(back && json_same(value, back), "%s", buf_text(&text));
        json_release(value);
        json_release(back);
        buf_release(&text);
    }
}

Test(json, names_what_is_wrong_with_a_text) {
    refuses(STR(""), ERR_JSON_TRUNCATED);
    refuses(STR("{\"a\":"), ERR_JSON_TRUNCATED);
    refuses(STR("[1,]"), ERR_JSON_SYNTAX);
    refuses(STR("[1] x"), ERR_JSON_SYNTAX);
    refuses(STR("NaN"), ERR_JSON_SYNTAX);
    refuses(STR("01"), ERR_JSON_SYNTAX);
    refuses(STR("'a'"), ERR_JSON_SYNTAX);
    refuses(STR("\"\xC0\xAF\""), ERR_JSON_UTF8);
    refuses(STR("\"\xED\xA0\x80\""), ERR_JSON_UTF8);
    refuses(STR("{\"a\":1,\"a\":2}"), ERR_JSON_DUPLICATE);
    refuses(STR("{\"a\":1,\"\\u0061\":2}"), ERR_JSON_DUPLICATE);
    refuses(STR("9223372036854775808"), ERR_JSON_NUMBER);
    refuses(STR("-9223372036854775809"), ERR_JSON_NUMBER);
    refuses(STR("1e999"), ERR_JSON_NUMBER);
    refuses(STR("{\"a\\u0000b\":1}"), ERR_JSON_SYNTAX);
}

Test(json, JS2_size_and_depth_are_refused_before_anything_is_built) {
    struct json_caps caps = {8, 2};

    cr_expect_null(json_parse(STR("[1,2,3,4]"), &caps, &err));
    cr_expect_eq(err.code, ERR_JSON_SIZE);
    cr_expect_null(json_parse(STR("[[[]]]"), &caps, &err));
    cr_expect_eq(err.code, ERR_JSON_DEPTH);
    json_release(json_parse(STR("[[],[]]"), &caps, &err));
    /* Not even syntax is looked at: what follows the brackets is no JSON. */
    cr_expect_null(json_parse(STR("[[[?"), &caps, &err));
    cr_expect_eq(err.code, ERR_JSON_DEPTH);
    cr_expect_null(json_parse_many(STR("1 [[[ "), &caps, &err));
    cr_expect_eq(err.code, ERR_JSON_DEPTH);
}

Test(json, JS2_brackets_inside_texts_are_no_depth) {
    struct json_caps caps = {100, 1};
    struct json     *value =
        json_parse(STR("[\"[[[{{{\\\"[[[\",\"\\\\\"]"), &caps, &err);

    cr_assert(value, "%s", err.text);
    json_release(value);
}

Test(json, reads_values_one_behind_the_other) {
    struct json *values =
        json_parse_many(STR(" {\"a\":\"\xC3\xA9\"}\n[1]\n\n2 3 \"x\"true{ } "),
                        &json_caps_answer, &err);

    cr_assert(values, "%s", err.text);
    support_is(values, "[{'a': '\xC3\xA9'}, [1], 2, 3, 'x', true, {}]");
    json_release(values);
    values = json_parse_many(STR("  "), &json_caps_answer, &err);
    cr_expect_eq(json_count(values), 0);
    json_release(values);
    cr_expect_null(json_parse_many(STR("[1] {"), &json_caps_answer, &err));
    cr_expect(support_has(err.text, "value 2"), "%s", err.text);
}

Test(json, finds_nothing_where_nothing_is_and_never_crashes_on_it) {
    struct json *map = support_json("{'a': {'b': [1, 2.5, 'x']}, 'n': null}");
    struct json *list = json_dig(map, "a", "b", NULL);

    cr_expect_eq(json_int(json_at(list, 0)), 1);
    cr_expect_eq(json_int(json_at(list, 1)), 2);
    cr_expect(str_is(json_text(json_at(list, 2)), "x"));
    cr_expect_null(json_at(list, 3));
    cr_expect_null(json_at(map, 0));
    cr_expect_null(json_dig(map, "a", "c", "d", NULL));
    cr_expect_null(json_find(list, "a"));
    cr_expect_null(json_find(NULL, "a"));
    cr_expect_eq(json_count(NULL), 0);
    cr_expect_eq(json_text(NULL).len, 0);
    cr_expect_not(json_truth(NULL));
    cr_expect_eq(json_find_int(map, "a", 7), 7);
    cr_expect_eq(json_find_int(map, "n", 7), 7);
    cr_expect_null(json_find_str(map, STR("a\0x")));
    json_release(map);
}

Test(json, finds_keys_that_are_longer_than_its_own_buffer) {
    struct json *map = json_new_map();
    char         key[300];

    memset(key, 'k', sizeof key);
    json_put_str(map, (struct str){key, 299}, json_new_int(1));
    json_put_str(map, (struct str){key, 127}, json_new_int(2));
    json_put_str(map, (struct str){key, 128}, json_new_int(3));
    cr_expect_eq(json_int(json_find_str(map, (struct str){key, 299})), 1);
    cr_expect_eq(json_int(json_find_str(map, (struct str){key, 127})), 2);
    cr_expect_eq(json_int(json_find_str(map, (struct str){key, 128})), 3);
    cr_expect_null(json_find_str(map, (struct str){key, 200}));
    json_release(map);
}

Test(json, walks_members_in_the_order_of_their_bytes) {
    struct json     *map = support_json("{'b': 1, 'a': 2, '\xC3\xA9': 3}");
    struct json_walk walk = json_walk_over(map);
    struct buf       keys = BUF_EMPTY;

    while (json_walk_next(&walk))
        buf_addf(&keys, "%.*s ", STR_ARG(walk.key));
    cr_expect_str_eq(buf_text(&keys), "a b \xC3\xA9 ");
    walk = json_walk_over(map);
    (void)json_walk_next(&walk);
    json_walk_stop(&walk);
    walk = json_walk_over(NULL);
    cr_expect_not(json_walk_next(&walk));
    json_release(map);
    buf_release(&keys);
}

Test(json, merging_takes_the_newer_member) {
    struct json *a = support_json("{'x': 1, 'y': 2}");
    struct json *b = support_json("{'y': 3, 'z': 4}");

    json_merge(a, b);
    support_is(a, "{'x': 1, 'y': 3, 'z': 4}");
    json_drop(a, "x");
    json_drop(a, "nothing");
    support_is(a, "{'y': 3, 'z': 4}");
    json_release(a);
    json_release(b);
}

Test(json, a_text_that_is_no_utf8_is_mended_not_lost) {
    struct json *value = json_new_text(STR("a\xFFz"));

    cr_expect(str_is(json_text(value), "a\xEF\xBF\xBDz"));
    json_release(value);
}

Test(json, a_list_knows_its_texts_and_nothing_else_has_any) {
    struct json *list = support_json("['a', 7, null, 'ab', ['c']]");
    struct json *map = support_json("{'a': 'a'}");

    cr_expect(json_lists(list, STR("ab")));
    cr_expect_not(json_lists(list, STR("b")));
    cr_expect_not(json_lists(list, STR("c")));
    cr_expect_not(json_lists(map, STR("a")));
    cr_expect_not(json_lists(NULL, STR("a")));
    json_release(list);
    json_release(map);
}
