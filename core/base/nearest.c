/* nearest.c - edits counted by str_distance(); a third of the name may differ.
 *
 * Among names that are equally near the first in byte order wins. (NR1)
 */
#include "base/nearest.h"

struct nearest nearest_to(struct str wrong) {
    return (struct nearest){wrong, {"", 0}, 0};
}

void nearest_offer(struct nearest *nearest, struct str name) {
    size_t distance = str_distance(nearest->wrong, name);
    size_t allowed = nearest->wrong.len < 6 ? 2 : nearest->wrong.len / 3;

    if (name.len == 0 || distance > allowed || distance >= name.len)
        return;
    if (nearest->best.len > 0 && (distance > nearest->distance ||
                                  (distance == nearest->distance &&
                                   str_compare(name, nearest->best) >= 0)))
        return;
    nearest->best = name;
    nearest->distance = distance;
}

void nearest_offer_all(struct nearest *nearest, const struct json *names) {
    struct str   key;
    struct json *value;

    if (json_is(names, JSON_MAP))
        for (void *at = NULL; json_next(names, &at, &key, &value);)
            nearest_offer(nearest, key);
    else if (json_is(names, JSON_LIST))
        for (size_t i = 0; i < json_count(names); i++)
            nearest_offer(nearest, json_text(json_at(names, i)));
}

const char *nearest_words(const struct nearest *nearest, struct buf *text) {
    buf_clear(text);
    if (nearest->best.len > 0)
        buf_addf(text, " (did you mean '%.*s'?)", STR_ARG(nearest->best));
    return buf_text(text);
}
