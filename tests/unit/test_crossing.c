/* test_crossing.c - JSON through a real attempt: as an argument, a question,
 * an answer and a result, and never another byte. */
#include "scripted.h"

/* A seed that is fixed, so a failure comes again. */
static uint64_t seed = 88172645463325252u;

static unsigned below(unsigned limit) {
    seed ^= seed << 13;
    seed ^= seed >> 7;
    seed ^= seed << 17;
    return (unsigned)((seed >> 20) % limit);
}

#define ONE_OF(list) (list)[below(sizeof(list) / sizeof *(list))]

static struct json *random_integer(void) {
    static const int64_t edges[] = {
        0,         1,         -1,           INT64_MAX,      INT64_MIN,
        1LL << 53, 1LL << 31, -(1LL << 31), (1LL << 53) + 1};

    return json_new_int(below(2) ? ONE_OF(edges) : (int64_t)seed);
}

static struct json *random_real(void) {
    static const double edges[] = {0.0,
                                   -0.0,
                                   0.1,
                                   1.0,
                                   -1.0,
                                   1e308,
                                   -1e308,
                                   5e-324,
                                   1.0 / 3,
                                   1e15,
                                   1e16,
                                   1e-7,
                                   9007199254740993.0,
                                   1.7976931348623157e308};

    return json_new_real(below(2) ? ONE_OF(edges)
                                  : (double)seed / (1 + below(1u << 30)));
}

static struct json *random_text(void) {
    static const struct str texts[] = {
        {"", 0},
        {"plain", 5},
        {"a\0b", 3},
        {"\0", 1},
        {"quote \" back \\ slash / tab \t", 28},
        {"\x01\x1f\x7f", 3},
        {"\xc3\xa9\xe2\x82\xac\xf0\x9f\x98\x80", 9},
        {"\xf4\x8f\xbf\xbf\xef\xbf\xbf\xee\x80\x80", 10},
        {"\xe2\x80\xa8\xe2\x80\xa9", 6},
        {"1", 1},
        {"null", 4}};

    return json_new_text(ONE_OF(texts));
}

/* Names that Lua or the engine could take for something of their own. */
static const char *random_key(void) {
    static const char *const keys[] = {
        "a",      "b",          "1",        "2",    "0",
        "-1",     "1.0",        "",         " ",    "n",
        "__len",  "__index",    "__pairs",  "__gc", "__metatable",
        "__name", "json.array", "function", "\n",   "\xc3\xa9",
        "secret", "final",      "ok",       "\x7f", "\xf0\x9f\x98\x80"};

    return ONE_OF(keys);
}

static struct json *random_value(int depth) {
    unsigned     kind = below(depth > 0 ? 10 : 5), count = below(5);
    struct json *made;

    switch (kind) {
    case 0: return json_new_null();
    case 1: return json_new_bool(below(2));
    case 2: return random_integer();
    case 3: return random_real();
    case 4: return random_text();
    case 5:
    case 6:
    case 7:
        made = json_new_list();
        while (count--)
            json_append(made, random_value(depth - 1));
        return made;
    default:
        made = json_new_map();
        while (count--)
            json_put(made, random_key(), random_value(depth - 1));
        return made;
    }
}

static void same(const struct json *got, const struct json *wanted) {
    struct buf a = BUF_EMPTY, b = BUF_EMPTY;

    cr_assert(got, "there is nothing");
    json_write(got, &a);
    json_write(wanted, &b);
    cr_assert_str_eq(buf_text(&a), buf_text(&b));
    buf_release(&a);
    buf_release(&b);
}

static struct bundle *open_mirror(void) {
    return scripted_body(NULL, "ctx, input",
                         "local answer = ctx.http(input) "
                         "return answer, input, json.decode(json.encode("
                         "input))");
}

static void cross(struct bundle *bundle, struct json *value) {
    struct json    *arguments = json_new_list();
    struct err      err = {.text = ""};
    struct attempt *attempt;

    json_append(arguments, json_retain(value));
    attempt = attempt_open(bundle, scripted_node(bundle, "subject"), "run",
                           true, arguments, &scripted_limits, &err);
    cr_assert_eq(attempt_resume(attempt, true, NULL, &err), ATTEMPT_ASKS, "%s",
                 err.text);
    same(json_at(attempt_question(attempt), 2), value);
    cr_assert_eq(attempt_resume(attempt, true, value, &err), ATTEMPT_ENDED,
                 "%s", err.text);
    for (size_t i = 0; i < 3; i++)
        same(json_at(attempt_results(attempt), i), value);
    attempt_close(attempt);
    json_release(arguments);
}

Test(crossing, MA1_random_values_pass_an_attempt_byte_for_byte,
     .timeout = 120) {
    struct bundle *bundle = open_mirror();

    for (int i = 0; i < 600; i++) {
        struct json *value = random_value(1 + i % 6);

        cross(bundle, value);
        json_release(value);
    }
    bundle_release(bundle);
}

Test(crossing, MA1_the_edges_of_every_kind_pass_byte_for_byte) {
    static const char *const texts[] = {"[]",
                                        "{}",
                                        "[[]]",
                                        "[{}]",
                                        "{\"a\":[]}",
                                        "null",
                                        "[null]",
                                        "{\"a\":null}",
                                        "[null,null]",
                                        "{\"a\":{}}",
                                        "9223372036854775807",
                                        "-9223372036854775808",
                                        "-0.0",
                                        "0.0",
                                        "1.0",
                                        "1",
                                        "1e308",
                                        "0.1",
                                        "5e-324",
                                        "1.7976931348623157e308",
                                        "\"\\u0000\"",
                                        "\"a\\u0000b\"",
                                        "\"\xf0\x9f\x98\x80\"",
                                        "\"\"",
                                        "true",
                                        "false",
                                        "{\"1\":1,\"2\":2}",
                                        "{\"\":0}",
                                        "[1,1.0,\"1\",true,[1],{\"1\":1}]"};
    struct bundle           *bundle = open_mirror();
    struct err               err = {.text = ""};

    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
        struct json *value =
            json_parse(str_of(texts[i]), &json_caps_answer, &err);

        cr_assert(value, "%s: %s", texts[i], err.text);
        cross(bundle, value);
        json_release(value);
    }
    bundle_release(bundle);
}

Test(crossing, MA1_what_came_as_a_list_stays_one_when_a_script_empties_it) {
    struct bundle *bundle =
        scripted_body(NULL, "input",
                      "table.remove(input.list) input.map.a = nil "
                      "return input");
    struct json *arguments = support_json("[{'list': [1], 'map': {'a': 1}}]");
    struct err   err = {.text = ""};
    struct json *results =
        attempt_call(bundle, scripted_node(bundle, "subject"), "run", arguments,
                     &scripted_limits, &err);

    cr_assert(results, "%s", err.text);
    support_is(results, "[{'list': [], 'map': {}}]");
    json_release(results);
    json_release(arguments);
    bundle_release(bundle);
}

Test(crossing, MA1_the_table_that_cjson_gives_keeps_empty_lists) {
    scripted_gives("local c = require 'cjson' "
                   "return c.empty_array, c.as_array{}, c.null",
                   "[[], [], null]");
    scripted_gives("local c = require('cjson').new() "
                   "return c.decode('{\"a\":[]}'), "
                   "c.decode(c.encode({ b = { 1.5 } }))",
                   "[{'a': []}, {'b': [1.5]}]");
}
