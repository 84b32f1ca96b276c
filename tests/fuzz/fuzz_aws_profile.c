/* fuzz_aws_profile.c - AWS's shared files from somebody's home directory.
 *
 * Whatever is read must be values that a profile may have, the same when it is
 * read again, and released whole; what is refused must say so in one sentence
 * that has nothing of the file in it.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "aws/aws_profile.h"

int LLVMFuzzerTestOneInput(const unsigned char *data, size_t size);

static void demand(bool holds, const char *what) {
    if (holds)
        return;
    fprintf(stderr, "broken: %s\n", what);
    abort();
}

static void check_profile(const struct json *profile) {
    struct json_walk walk = json_walk_over(profile);

    while (json_walk_next(&walk)) {
        demand(json_is(walk.value, JSON_TEXT), "a value is no text");
        demand(strlen(json_text(walk.value).data) == json_text(walk.value).len,
               "a value has a NUL in it");
    }
}

static void check(struct str text, bool is_config) {
    struct err       err = {.text = ""};
    struct json     *first = aws_profile_parse(text, is_config, &err);
    struct json     *again = aws_profile_parse(text, is_config, &err);
    struct json_walk walk;

    demand((first == NULL) == (again == NULL), "refused only once");
    if (!first) {
        demand(err.code == ERR_CONFIG && strlen(err.text) < 80,
               "refused without a short sentence");
        return;
    }
    demand(json_same(first, again), "read differently the second time");
    walk = json_walk_over(first);
    while (json_walk_next(&walk))
        check_profile(walk.value);
    json_release(first);
    json_release(again);
}

int LLVMFuzzerTestOneInput(const unsigned char *data, size_t size) {
    struct str text = {(const char *)data, size};

    check(text, true);
    check(text, false);
    return 0;
}
