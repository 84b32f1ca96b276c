/* test_doctor.c - what has no disk to fill and no kernel to wait for.
 *
 * That each check is seen wrong is in tests/integration/doctor.py, with real
 * damage to a real state directory.
 */
#include "support.h"

#include <ftw.h>
#include <stdlib.h>
#include <string.h>

#include "base/err.h"
#include "check/findings.h"
#include "doctor/doctor.h"
#include "store/store.h"
#include "sys/file.h"

static char          directory[] = "/tmp/nightshift-doctor-XXXXXX";
static struct doctor doctor;

static int remove_one(const char *path, const struct stat *is, int kind,
                      struct FTW *at) {
    (void)is;
    (void)kind;
    (void)at;
    return remove(path);
}

static void begin(void) {
    cr_assert_not_null(mkdtemp(directory));
    doctor_open(&doctor);
}

static void end(void) {
    doctor_close(&doctor);
    cr_assert_eq(nftw(directory, remove_one, 16, FTW_DEPTH | FTW_PHYS), 0);
}

TestSuite(doctor, .init = begin, .fini = end);

static const char *last(const char *field) {
    const struct json *rows = doctor.rows;

    cr_assert_gt(json_count(rows), 0);
    return json_find_text(json_at(rows, json_count(rows) - 1), field).data;
}

Test(doctor, a_disk_that_fills_is_told_before_it_is_full) {
    int64_t mib = 1 << 20;

    cr_expect_eq(doctor_judge_space(2048 * mib, INT64_MAX), DOCTOR_OK);
    cr_expect_eq(doctor_judge_space(512 * mib, INT64_MAX), DOCTOR_WARNING);
    cr_expect_eq(doctor_judge_space(2048 * mib, 500), DOCTOR_WARNING);
    cr_expect_eq(doctor_judge_space(10 * mib, INT64_MAX), DOCTOR_WRONG);
    cr_expect_eq(doctor_judge_space(2048 * mib, 3), DOCTOR_WRONG);
}

Test(doctor, only_what_is_wrong_makes_the_whole_wrong) {
    doctor_say(&doctor, DOCTOR_SPACE, DOCTOR_WARNING, "here", "little");
    doctor_say(&doctor, DOCTOR_SPACE, DOCTOR_SKIPPED, "here", "unknown");
    cr_expect_not(doctor.wrong);
    cr_expect_str_eq(last("state"), "skipped");
    doctor_say(&doctor, DOCTOR_SPACE, DOCTOR_WRONG, "here", "%d left", 0);
    cr_expect(doctor.wrong);
    cr_expect_str_eq(last("what"), "0 left");
    cr_expect_str_eq(last("next"), doctor_next(DOCTOR_SPACE));
}

Test(doctor, DO2_a_directory_that_is_held_is_skipped_and_not_sound) {
    struct err    err;
    struct store *store = store_sqlite_open(directory, &err);
    bool          held = false;

    cr_assert_not_null(store, "%s", err.text);
    cr_expect_not(doctor_database(&doctor, directory, false, &held));
    cr_expect(held);
    cr_expect_str_eq(last("state"), "skipped");
    store_close(store);
    cr_expect(doctor_database(&doctor, directory, true, &held));
    cr_expect_not(held);
    cr_expect_str_eq(last("state"), "ok");
}

Test(doctor, DO1_nothing_is_made_where_nothing_is) {
    struct file_list list;
    struct err       err;
    bool             held = false;

    cr_expect_not(doctor_directory(&doctor, directory));
    cr_expect_not(doctor_database(&doctor, directory, true, &held));
    cr_assert(file_list_read(directory, NULL, &list, &err), "%s", err.text);
    cr_expect_eq(list.count, 0);
    file_list_release(&list);
}

/* So that `explain` has one page for each word. */
Test(doctor, no_check_has_the_name_of_an_error_or_a_finding) {
    for (int i = 0; i < DOCTOR_COUNT; i++) {
        const char *name = doctor_name((enum doctor_check)i);

        cr_expect_eq(err_find(name), ERR_COUNT, "%s", name);
        for (int k = 0; k < FINDING_COUNT; k++)
            cr_expect_str_neq(name, findings_code((enum finding)k));
        for (int k = 0; k < i; k++)
            cr_expect_str_neq(name, doctor_name((enum doctor_check)k));
    }
}
