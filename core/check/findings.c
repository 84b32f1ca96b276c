/* findings.c - the pages of findings.def, and the order of a list.
 *
 * Sorting borrows the values, drops what is equal to the one before, and
 * moves what is left into a new list. (FN1)
 */
#include "check/findings.h"

#include <string.h>

#include "base/mem.h"

static const struct page {
    const char *code, *meaning, *next;
} pages[] = {
#define FINDING(id, code, meaning, next) {code, meaning, next},
#include "check/findings.def"
#undef FINDING
};

const char *findings_code(enum finding finding) {
    return pages[finding].code;
}

const char *findings_meaning(enum finding finding) {
    return pages[finding].meaning;
}

const char *findings_next(enum finding finding) {
    return pages[finding].next;
}

enum finding findings_find(const char *code) {
    int i = 0;

    while (i < FINDING_COUNT && strcmp(pages[i].code, code) != 0)
        i++;
    return (enum finding)i;
}

void findings_add(struct json *list, enum finding finding, const char *file,
                  int line, const char *text) {
    struct json *map = json_new_map();

    json_put_text(map, "code", str_of(pages[finding].code));
    json_put_text(map, "file", str_of(file));
    json_put_int(map, "line", line);
    json_put_text(map, "text", str_of(text));
    json_put_text(map, "next", str_of(pages[finding].next));
    json_append(list, map);
}

static int compare_text(const struct json *a, const struct json *b,
                        const char *key) {
    return str_compare(json_find_text(a, key), json_find_text(b, key));
}

static int compare(const void *left, const void *right) {
    const struct json *a = *(struct json *const *)left;
    const struct json *b = *(struct json *const *)right;
    int64_t lines = json_find_int(a, "line", 0) - json_find_int(b, "line", 0);
    int     order = compare_text(a, b, "file");

    if (order == 0)
        order = (lines > 0) - (lines < 0);
    if (order == 0)
        order = compare_text(a, b, "code");
    return order != 0 ? order : compare_text(a, b, "text");
}

struct json *findings_sort(struct json *list) {
    size_t        count = json_count(list);
    struct json  *sorted = json_new_list();
    struct json **items;

    if (count > 0) {
        items = mem_new(count * sizeof *items);
        for (size_t i = 0; i < count; i++)
            items[i] = json_at(list, i);
        qsort(items, count, sizeof *items, compare);
        for (size_t i = 0; i < count; i++)
            if (i == 0 || compare(&items[i - 1], &items[i]) != 0)
                json_append(sorted, json_retain(items[i]));
        mem_free(items);
    }
    json_release(list);
    return sorted;
}
