/* test_aws_profile.c - the shared files as AWS's own tools read them. */
#include <criterion/criterion.h>

#include "aws/aws_profile.h"
#include "support.h"

static struct err err;

static void reads(const char *text, bool is_config, const char *wanted) {
    struct json *value = aws_profile_parse(str_of(text), is_config, &err);

    cr_assert_not_null(value, "%s", err.text);
    support_is(value, wanted);
    json_release(value);
}

static void refuses(const char *text, const char *words) {
    cr_assert_null(aws_profile_parse(str_of(text), true, &err), "%s", text);
    cr_expect_eq(err.code, ERR_CONFIG);
    cr_expect(support_has(err.text, words), "%s", err.text);
}

Test(aws_profile, a_config_file_calls_its_profiles_so) {
    reads("[default]\na=1\n[profile ops]\na = 2\n[profile \"two words\"]\na=3\n"
          "[preview]\na=4\n[sso-session x]\na=5\n[profiles]\na=6\n",
          true,
          "{'default': {'a': '1'}, 'ops': {'a': '2'}, 'two words': "
          "{'a': '3'}}");
}

Test(aws_profile, a_credentials_file_has_names_alone) {
    reads("[default]\na=1\n[ops]\na=2\n[profile x]\na=3\n", false,
          "{'default': {'a': '1'}, 'ops': {'a': '2'}, 'profile x': "
          "{'a': '3'}}");
}

Test(aws_profile, comments_blanks_and_capitals_do_not_matter) {
    reads("# first\n; second\n\n[default]\r\n A_Key : x=y # kept\r\n"
          "   # third\n other=\n",
          true, "{'default': {'a_key': 'x=y # kept', 'other': ''}}");
}

Test(aws_profile, indented_lines_are_settings_of_one_service) {
    reads("[default]\ns3 =\n  signature = v4\n  a = inner\na = outer\n", true,
          "{'default': {'s3': '', 'a': 'outer'}}");
    reads("[default]\n  a = 1\n  b = 2\n    more\n    more\n  c = 3\n", true,
          "{'default': {'a': '1', 'b': '2\\n', 'c': '3'}}");
}

Test(aws_profile, AP1_what_is_not_of_the_form_is_refused_with_its_line) {
    refuses("a = 1\n", "line 1: a value before the first section");
    refuses("[default]\na = 1\na = 2\n", "line 3: this name has a value");
    refuses("[default]\n[default]\n", "line 2: this section was there");
    refuses("[default\n", "line 1: a section ends in ]");
    refuses("[]\n", "line 1: a section ends in ]");
    refuses("[default]\n= 1\n", "line 2: neither");
    refuses("[default]\nlonely\n", "line 2: neither");
    refuses("[default]\na=\xff\n", "not text in UTF-8");
}

Test(aws_profile, AP1_sections_of_others_have_the_same_form) {
    refuses("[x]\na=1\na=2\n", "line 3: this name has a value");
    refuses("[x]\n[y]\n[x]\n", "line 3: this section was there");
    refuses("[x]\ns3=\n  a=1\n  lonely\n", "line 4: a setting of a service");
}

Test(aws_profile, of_two_titles_for_one_profile_the_later_stands) {
    reads("[default]\na=1\nb=1\n[profile default]\na=2\n"
          "[profile 'x']\na=3\n[profile x]\nc=4\n[profile x y]\na=5\n",
          true, "{'default': {'a': '2'}, 'x': {'c': '4'}}");
}

Test(aws_profile, AP1_N11_no_value_is_in_an_error) {
    refuses("[default]\naws_secret_access_key = s3cret\n"
            "aws_secret_access_key = s3cret\n",
            "line 3");
    cr_expect_not(support_has(err.text, "s3cret"));
    refuses("[default]\ns3cret-on-a-line-of-its-own\n", "line 2");
    cr_expect_not(support_has(err.text, "s3cret"));
}

Test(aws_profile, AP2_an_empty_one_is_released_twice) {
    struct aws_creds_inputs none = {0};
    struct aws_profiles     profiles;

    cr_assert(aws_profile_read(&none, &profiles, &err));
    cr_expect_not(aws_profile_known(&profiles, STR("default")));
    cr_expect_eq(aws_profile_find(&profiles, STR("default"), "a").len, 0);
    aws_profile_release(&profiles);
    aws_profile_release(&profiles);
}
