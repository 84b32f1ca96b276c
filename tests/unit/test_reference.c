/* test_reference.c - what "$node.field" names, and what is no reference. */
#include <criterion/criterion.h>

#include "graph/reference.h"

static struct reference reference;
static struct err       err;

Test(reference, RF1_takes_a_root_and_a_path) {
    cr_assert(reference_parse(STR("$analyst.service.name"), &reference));
    cr_expect(str_is(reference.root, "analyst"));
    cr_expect(str_is(reference.path, "service.name"));
    cr_expect_not(reference.all);
    cr_assert(reference_parse(STR("$service"), &reference));
    cr_expect(str_is(reference.root, "service"));
    cr_expect_eq(reference.path.len, 0);
    cr_assert(reference_parse(STR("$incident.labels.team-name"), &reference));
    cr_expect(str_is(reference.path, "labels.team-name"));
}

Test(reference, RF1_all_means_every_visit) {
    cr_assert(reference_parse(STR("$verification.all"), &reference));
    cr_expect(reference.all);
    cr_assert(reference_parse(STR("$verification.all_of"), &reference));
    cr_expect_not(reference.all);
    cr_assert(reference_parse(STR("$verification.x.all"), &reference));
    cr_expect_not(reference.all);
}

Test(reference, RF1_other_texts_stand_for_themselves) {
    static const char *const texts[] = {
        "",     "$",   "analyst.service", "costs $5", "$.x", "$x.", "$x..y",
        "$x y", "$$x", "$x-y.z",          "$x.$y"};

    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++)
        cr_expect_not(reference_parse(str_of(texts[i]), &reference), "%s",
                      texts[i]);
}

Test(reference, digs_through_maps_and_lists) {
    struct json *value =
        json_parse(STR("{\"a\":{\"b\":[10,{\"c\":\"deep\"}]},\"n\":null}"),
                   &json_caps_answer, &err);

    cr_assert(value);
    cr_expect_eq(reference_dig(value, STR("")), value);
    cr_expect_eq(json_int(reference_dig(value, STR("a.b.1"))), 10);
    cr_expect(str_is(json_text(reference_dig(value, STR("a.b.2.c"))), "deep"));
    cr_expect_null(reference_dig(value, STR("a.b.0")));
    cr_expect_null(reference_dig(value, STR("a.b.3")));
    cr_expect_null(reference_dig(value, STR("a.x.y")));
    cr_expect_null(reference_dig(value, STR("n.x")));
    cr_expect_null(reference_dig(NULL, STR("a")));
    json_release(value);
}
