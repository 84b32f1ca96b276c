/* bind.c - node outputs are lists in the scope, everything else is a map. */
#include "graph/bind.h"

#include "graph/reference.h"

static struct json *resolve(const struct reference *reference,
                            const struct json      *scope) {
    const struct json *root = json_find_str(scope, reference->root);
    const struct json *found;

    if (reference->all)
        return root ? json_clone(root) : json_new_list();
    if (json_is(root, JSON_LIST))
        root = json_at(root, json_count(root) - 1);
    found = root ? reference_dig(root, reference->path) : NULL;
    return found ? json_clone(found) : json_new_null();
}

static struct json *bound(const struct json *value, const struct json *scope) {
    struct reference reference;
    struct json     *made, *member;
    struct str       key;
    void            *at = NULL;

    switch (json_kind_of(value)) {
    case JSON_TEXT:
        return reference_parse(json_text(value), &reference)
                   ? resolve(&reference, scope)
                   : json_clone(value);
    case JSON_MAP:
        made = json_new_map();
        while (json_next(value, &at, &key, &member)) {
            struct json *inner = bound(member, scope);

            if (json_is(inner, JSON_NULL_KIND))
                json_release(inner);
            else
                json_put_str(made, key, inner);
        }
        return made;
    case JSON_LIST:
        made = json_new_list();
        for (size_t i = 0; i < json_count(value); i++)
            json_append(made, bound(json_at(value, i), scope));
        return made;
    default: return json_clone(value);
    }
}

struct json *bind_input(const struct json *with, const struct json *scope) {
    return with ? bound(with, scope) : json_new_map();
}
