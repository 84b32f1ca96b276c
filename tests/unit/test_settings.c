/* test_settings.c - a configuration is a script behind the same wall. */
#include <criterion/criterion.h>

#include <string.h>

#include "support.h"
#include "vm/settings.h"

static struct clock_virtual clock_;
static struct err           err;

static const char *environment(const char *name) {
    return strcmp(name, "REGION") == 0 ? "eu-1" : NULL;
}

static struct json *read_settings(const char *text) {
    struct bundle *bundle;
    struct json   *table;

    clock_virtual_init(&clock_, SUPPORT_START);
    bundle = bundle_open(NULL, &clock_.clock);
    table = settings_read(bundle, "nightshift.lua", str_of(text), environment,
                          &err);
    bundle_release(bundle);
    return table;
}

static void gives(const char *text, const char *wanted) {
    struct json *table = read_settings(text);

    cr_assert(table, "%s", err.text);
    support_is(table, wanted);
    json_release(table);
}

static void refuses(const char *text, const char *part) {
    struct json *table = read_settings(text);

    cr_expect_null(table, "%s", text);
    cr_expect_eq(err.code, ERR_CONFIG);
    cr_expect(support_has(err.text, part), "%s", err.text);
}

Test(settings, is_the_table_that_the_text_returns) {
    gives("local region = env('REGION') return { aws = { region = region }, "
          "list = { 1, 2 }, none = env('NOTHING') }",
          "{'aws': {'region': 'eu-1'}, 'list': [1, 2]}");
}

Test(settings, CF2_a_secret_is_its_name_and_never_its_value) {
    gives("return { url = secret('HOOK') }", "{'url': {'secret': 'HOOK'}}");
}

Test(settings, N3_it_has_no_more_doors_than_a_node) {
    refuses("return { x = os.getenv('HOME') }", "os");
    refuses("return { x = io.open('/etc/passwd') }", "io");
    refuses("return { x = load('return 1')() }", "load");
    refuses("return { x = require 'lib.x' }", "no library");
}

Test(settings, every_mistake_names_the_file) {
    refuses("return {", "nightshift.lua:1:");
    refuses("error('early')", "nightshift.lua:1: early");
    refuses("return 7", "must return a table");
    refuses("return { f = function() end }", ".f: a function");
    refuses("while true do end", "limit");
    refuses("\x1bLua", "");
}
