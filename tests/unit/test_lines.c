/* test_lines.c - a finding shows the line that its reader has to change. */
#include <criterion/criterion.h>

#include "check/lines.h"

static const char playbook[] = "-- head\n"
                               "local x = { nodes = { look = 1 } }\n"
                               "return {\n"
                               "  about = \"nodes = { look = \",\n"
                               "  --[[ nodes = {\n"
                               "  } ]]\n"
                               "  run = function(a)\n"
                               "    local nodes = { look = { next = 2 } }\n"
                               "    if a then return { nodes = 3 } end\n"
                               "    for _ = 1, 2 do a = a end\n"
                               "    repeat a = 1 until a\n"
                               "    while a do break end\n"
                               "  end,\n"
                               "  nodes = {\n"
                               "    [\"find\"] = { next = {} };\n"
                               "    look = { next = {\n"
                               "      found = \"x\",\n"
                               "      nothing = [[\n"
                               "]], pass = \"y\" },\n"
                               "    },\n"
                               "  },\n"
                               "  effects = { \"a\",\n"
                               "    \"b\", f(1, 2),\n"
                               "    \"c\" },\n"
                               "}\n";

Test(lines, LN1_finds_a_key_along_its_path) {
    struct str text = str_of(playbook);

    cr_expect_eq(lines_find(text, "about", NULL), 4);
    cr_expect_eq(lines_find(text, "run", NULL), 7);
    cr_expect_eq(lines_find(text, "nodes", NULL), 14);
    cr_expect_eq(lines_find(text, "nodes", "find", "next", NULL), 15);
    cr_expect_eq(lines_find(text, "nodes", "look", "next", "found", NULL), 17);
    cr_expect_eq(lines_find(text, "nodes", "look", "next", "pass", NULL), 19);
}

Test(lines, LN1_counts_the_items_of_a_list_from_one) {
    struct str text = str_of(playbook);

    cr_expect_eq(lines_find(text, "effects", "1", NULL), 22);
    cr_expect_eq(lines_find(text, "effects", "2", NULL), 23);
    cr_expect_eq(lines_find(text, "effects", "4", NULL), 24);
    cr_expect_eq(lines_find(text, "effects", "5", NULL), 22);
}

Test(lines, LN1_falls_back_to_the_deepest_key_that_is_there) {
    struct str text = str_of(playbook);

    cr_expect_eq(lines_find(text, "nodes", "look", "with", "x", NULL), 16);
    cr_expect_eq(lines_find(text, "nodes", "lok", NULL), 14);
    cr_expect_eq(lines_find(text, "limits", NULL), 3);
    cr_expect_eq(lines_find(text, "about", "x", NULL), 4);
    cr_expect_eq(lines_find(STR("local x = 1"), "a", NULL), 1);
    cr_expect_eq(lines_find(STR(""), "a", NULL), 1);
}

Test(lines, LN1_follows_a_name_that_is_returned) {
    struct str text = STR("local other = { about = 1 }\n"
                          "local node = {\n"
                          "  about = \"x\",\n"
                          "}\n"
                          "node.effects = {\n"
                          "  \"a\",\n"
                          "}\n"
                          "function node.run(ctx)\n"
                          "  return { about = 1 }\n"
                          "end\n"
                          "return node\n");

    cr_expect_eq(lines_find(text, "about", NULL), 3);
    cr_expect_eq(lines_find(text, "effects", "1", NULL), 6);
    cr_expect_eq(lines_find(text, "run", NULL), 8);
    cr_expect_eq(lines_find(text, "risk", NULL), 11);
}

Test(lines, LN2_takes_no_key_from_a_function_a_string_or_a_comment) {
    struct str text = STR("return {\n"
                          "  f = function() return { key = 1 } end,\n"
                          "  s = \"key = 1\", l = [==[\n key = ]] 1 ]==],\n"
                          "  -- key = 1\n"
                          "  --[[ key = 1 ]]\n"
                          "  q = 'it\\'s, key = 1',\n"
                          "  key = 2,\n"
                          "}\n");

    cr_expect_eq(lines_find(text, "key", NULL), 8);
}

Test(lines, LN1_stays_inside_any_broken_text) {
    static const char *const texts[] = {
        "return {",        "return { a = ",  "return { a = { b = ",
        "return }",        "return { [",     "return { [\"a\"",
        "return { a = (",  "return \"",      "return [[",
        "--[==[",          "return { end }", "return { , }",
        "return { a b c }"};

    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++)
        cr_expect_eq(lines_find(str_of(texts[i]), "a", "b", NULL), 1, "%s",
                     texts[i]);
}
