/* reference.c - cut at dots; nothing is copied. */
#include "graph/reference.h"

#include <ctype.h>

/* Names with dots between them: no empty one, no odd character. Keys with
 * other characters (a label may have '-') are taken behind the root. */
static bool well_formed(struct str text) {
    char last = '.';

    for (size_t i = 0; i < text.len; i++) {
        char c = text.data[i];

        if (c == '.' ? last == '.' : c == '$' || !isgraph((unsigned char)c))
            return false;
        last = c;
    }
    return last != '.';
}

static bool is_name(struct str text) {
    for (size_t i = 0; i < text.len; i++)
        if (!isalnum((unsigned char)text.data[i]) && text.data[i] != '_')
            return false;
    return text.len > 0;
}

bool reference_parse(struct str text, struct reference *out) {
    struct str rest;

    if (text.len < 2 || text.data[0] != '$')
        return false;
    text.data++;
    text.len--;
    if (!well_formed(text))
        return false;
    out->root = str_cut(text, '.', &rest);
    out->path = rest.data ? rest : STR("");
    out->all = str_is(out->path, "all");
    return is_name(out->root);
}

struct json *reference_dig(const struct json *value, struct str path) {
    struct json *at = (struct json *)value;

    while (at && path.len > 0) {
        struct str key = str_cut(path, '.', &path);
        int64_t    item;

        if (!json_is(at, JSON_LIST))
            at = json_find_str(at, key);
        else if (str_to_int(key, &item) && item > 0)
            at = json_at(at, (size_t)item - 1);
        else
            at = NULL;
    }
    return at;
}
