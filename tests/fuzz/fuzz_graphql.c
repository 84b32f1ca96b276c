/* fuzz_graphql.c - arbitrary bytes as a GraphQL document.
 *
 * Whatever arrives: no crash, the same verdict each time, and one that keeps
 * its promises: a document that reads names no field, a field is a name of the
 * text, and a document behind which `mutation { m }` is written reads no more.
 */
#include <assert.h>
#include <ctype.h>
#include <string.h>

#include "base/buf.h"
#include "protocol/graphql.h"

int LLVMFuzzerTestOneInput(const unsigned char *data, size_t size);

static void check_field(struct str text, const struct graphql *read) {
    struct str field = read->field;

    if (field.len == 0) {
        assert(!read->by_input);
        return;
    }
    assert(!read->reads && read->operations == 1);
    assert(field.data >= text.data &&
           field.data + field.len <= text.data + text.len);
    for (size_t i = 0; i < field.len; i++)
        assert(isalnum((unsigned char)field.data[i]) || field.data[i] == '_');
}

/* A line end first, since a comment may be open. */
static void check_longer(struct str text, const struct graphql *read) {
    struct buf     more = BUF_EMPTY;
    struct graphql both;
    struct err     err;

    buf_add_str(&more, text);
    buf_add_text(&more, "\nmutation { m }");
    if (more.len <= GRAPHQL_BYTES_MAX) {
        bool ok = graphql_read(buf_str(&more), &both, &err);

        assert(ok);
        assert(!both.reads && both.operations == read->operations + 1);
        assert(both.field.len == 0);
    }
    buf_release(&more);
}

int LLVMFuzzerTestOneInput(const unsigned char *data, size_t size) {
    struct str     text = {(const char *)data, size};
    struct graphql once, again;
    struct err     err = {.text = ""};
    bool           ok = graphql_read(text, &once, &err);

    assert(ok == graphql_read(text, &again, &err));
    if (!ok) {
        assert(err.text[0]);
        return 0;
    }
    assert(once.reads == again.reads && str_equal(once.field, again.field));
    assert(once.operations > 0);
    check_field(text, &once);
    check_longer(text, &once);
    return 0;
}
