/* test_xml.c - XML is read whole or not at all. */
#include <criterion/criterion.h>

#include "base/xml.h"

static const struct json_caps caps = {4096, 8};

static struct json *read_xml(const char *text, struct err *err) {
    return xml_parse(str_of(text), &caps, err);
}

static void refused(const char *text, enum err_code code) {
    struct err   err;
    struct json *root = read_xml(text, &err);

    cr_assert_null(root, "%s", text);
    cr_assert_eq(err.code, code, "%s", err.text);
}

Test(xml, gives_text_by_the_names_on_the_way_down) {
    struct err   err;
    struct json *root = read_xml(
        "<?xml version=\"1.0\"?>\n<a:Answer xmlns:a=\"x\">\n <Result>\n"
        "  <Id n=\"1\">i-1 &amp; \xC3\xA9</Id><Id>i-2</Id><Empty/>\n"
        " </Result>\n</a:Answer>",
        &err);

    cr_assert(str_is(xml_name(root), "Answer"));
    cr_assert(str_is(xml_dig(root, "Result", "Id", NULL), "i-1 & \xC3\xA9"));
    cr_assert_eq(json_count(json_find(xml_child(root, "Result"), "children")),
                 3);
    cr_assert(xml_child(xml_child(root, "Result"), "Empty") != NULL);
    cr_assert_eq(xml_dig(root, "Result", "Empty", NULL).len, 0);
    cr_assert_eq(xml_dig(root, "No", "Such", NULL).len, 0);
    json_release(root);
}

Test(xml, XM1_refuses_what_is_cut_malformed_deep_or_too_long) {
    struct buf long_text = BUF_EMPTY;

    refused("", ERR_INVALID);
    refused("<a><b>1</b>", ERR_INVALID);
    refused("<a><b>1</a></b>", ERR_INVALID);
    refused("<a>1</a><b/>", ERR_INVALID);
    refused("<a>\xFF</a>", ERR_INVALID);
    refused("<a><a><a><a><a><a><a><a><a/></a></a></a></a></a></a></a></a>",
            ERR_LIMIT);
    buf_add_text(&long_text, "<a>");
    while (long_text.len < 5000)
        buf_add_char(&long_text, 'x');
    buf_add_text(&long_text, "</a>");
    refused(buf_text(&long_text), ERR_LIMIT);
    buf_release(&long_text);
}

Test(xml, XM2_refuses_a_document_type_and_its_entities) {
    refused("<!DOCTYPE a [<!ENTITY b \"bbbb\">]><a>&b;</a>", ERR_INVALID);
    refused("<!DOCTYPE a SYSTEM \"file:///etc/passwd\"><a/>", ERR_INVALID);
}
