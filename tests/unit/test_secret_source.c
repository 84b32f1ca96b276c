/* test_secret_source.c - a secret is found where only we can read it. */
#include <criterion/criterion.h>

#include <sys/stat.h>

#include "secret/secret_source.h"
#include "support.h"
#include "sys/file.h"

static char       directory[] = "/tmp/nightshift-secrets-XXXXXX";
static struct buf value;
static struct err err;

static const char *env(const char *name) {
    static char path[64];

    if (strcmp(name, "PLAIN") == 0)
        return "from-the-environment";
    if (strcmp(name, "EMPTY") == 0)
        return "";
    (void)snprintf(path, sizeof path, "%s/pointed", directory);
    return strcmp(name, "POINTED_FILE") == 0 ? path : NULL;
}

static void put(const char *name, const char *text, mode_t mode) {
    char path[96];

    (void)snprintf(path, sizeof path, "%s/%s", directory, name);
    cr_assert(file_write(path, str_of(text), &err), "%s", err.text);
    cr_assert_eq(chmod(path, mode), 0);
}

static void make_directory(void) {
    cr_assert(mkdtemp(directory));
}

TestSuite(secret_source, .init = make_directory);

static bool finds(const char *credentials, const char *given,
                  const char *name) {
    struct secret_places places = {credentials, given, env};

    buf_clear(&value);
    return secret_source_read(&places, str_of(name), &value, &err);
}

Test(secret_source, takes_the_first_place_that_has_the_name) {
    put("PLAIN", "from-a-file\n", 0400);
    cr_assert(finds(directory, NULL, "PLAIN"), "%s", err.text);
    cr_expect_str_eq(buf_text(&value), "from-a-file");
    cr_assert(finds("/nonexistent", directory, "PLAIN"), "%s", err.text);
    cr_expect_str_eq(buf_text(&value), "from-a-file");
    cr_assert(finds(NULL, NULL, "PLAIN"), "%s", err.text);
    cr_expect_str_eq(buf_text(&value), "from-the-environment");
}

Test(secret_source, a_variable_may_point_to_a_file) {
    put("pointed", "from-the-file-pointed-to\r\n", 0600);
    cr_assert(finds(NULL, NULL, "POINTED"), "%s", err.text);
    cr_expect_str_eq(buf_text(&value), "from-the-file-pointed-to");
}

Test(secret_source, a_variable_that_points_to_nothing_is_an_error) {
    cr_expect_not(finds(NULL, NULL, "POINTED"));
    cr_expect_eq(err.code, ERR_CONFIG);
    cr_expect(support_has(err.text, "POINTED_FILE"), "%s", err.text);
}

Test(secret_source, says_where_it_looked) {
    cr_expect_not(finds(NULL, directory, "ABSENT"));
    cr_expect_eq(err.code, ERR_NOT_FOUND);
    cr_expect(support_has(err.text, directory), "%s", err.text);
    cr_expect(support_has(err.text, "ABSENT"), "%s", err.text);
    cr_expect_not(finds(NULL, NULL, "EMPTY"));
    cr_expect_eq(err.code, ERR_NOT_FOUND);
}

Test(secret_source, SS1_FI3_a_file_that_others_can_open_is_refused) {
    static const mode_t open_modes[] = {0440, 0404, 0620, 0602, 0500, 0644};

    for (size_t i = 0; i < sizeof open_modes / sizeof *open_modes; i++) {
        put("PLAIN", "in-the-open", open_modes[i]);
        cr_expect_not(finds(NULL, directory, "PLAIN"), "%o", open_modes[i]);
        cr_expect_eq(err.code, ERR_DENIED);
        cr_expect(support_has(err.text, "chmod 0400"), "%s", err.text);
        cr_expect_eq(value.len, 0);
    }
}

Test(secret_source, SS1_what_is_no_file_is_refused_at_once) {
    char path[96];

    (void)snprintf(path, sizeof path, "%s/FIFO", directory);
    cr_assert_eq(mkfifo(path, 0400), 0);
    cr_expect_not(finds(NULL, directory, "FIFO"));
    cr_expect_eq(err.code, ERR_DENIED);
    put("NOTHING", "", 0400);
    cr_expect_not(finds(NULL, directory, "NOTHING"));
    cr_expect_eq(err.code, ERR_INVALID);
}

Test(secret_source, SS2_a_name_cannot_lead_out_of_its_directory) {
    static const char *const names[] = {"../etc/passwd", "a/b", "..", ".x", "",
                                        "a b",           "a\nb"};

    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        cr_expect_not(finds(directory, directory, names[i]), "%s", names[i]);
        cr_expect_eq(err.code, ERR_INVALID, "%s: %s", names[i], err.text);
    }
}

Test(secret_source, SS3_N11_no_error_has_anything_of_the_value) {
    put("PLAIN", "in-the-open", 0444);
    cr_expect_not(finds(directory, NULL, "PLAIN"));
    cr_expect_not(support_has(err.text, "in-the-open"));
    cr_expect_not(support_has(err.text, "from-the-environment"));
}
