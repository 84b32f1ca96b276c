/* str.c - compares bytes; nothing here allocates. */
#include "base/str.h"

#include <ctype.h>
#include <string.h>

struct str str_of(const char *text) {
    return (struct str){text ? text : "", text ? strlen(text) : 0};
}

bool str_equal(struct str a, struct str b) {
    return a.len == b.len && (a.len == 0 || memcmp(a.data, b.data, a.len) == 0);
}

bool str_is(struct str a, const char *text) {
    return str_equal(a, str_of(text));
}

bool str_starts(struct str s, const char *prefix) {
    size_t len = strlen(prefix);

    return s.len >= len && memcmp(s.data, prefix, len) == 0;
}

bool str_ends(struct str s, const char *suffix) {
    size_t len = strlen(suffix);

    return s.len >= len && memcmp(s.data + s.len - len, suffix, len) == 0;
}

bool str_in(struct str s, const char *const *list) {
    for (; s.len > 0 && *list; list++)
        if (**list == s.data[0] && str_is(s, *list))
            return true;
    return false;
}

bool str_made_of(struct str s, int (*is)(int), const char *also) {
    for (size_t i = 0; i < s.len; i++)
        if (!is((unsigned char)s.data[i]) &&
            (!s.data[i] || !strchr(also, s.data[i])))
            return false;
    return s.len > 0;
}

int str_compare(struct str a, struct str b) {
    size_t shorter = a.len < b.len ? a.len : b.len;
    int    order = shorter ? memcmp(a.data, b.data, shorter) : 0;

    if (order)
        return order;
    return (a.len > b.len) - (a.len < b.len);
}

struct str str_trim(struct str s) {
    while (s.len && isspace((unsigned char)s.data[0]))
        s.data++, s.len--;
    while (s.len && isspace((unsigned char)s.data[s.len - 1]))
        s.len--;
    return s;
}

struct str str_cut(struct str s, char at, struct str *rest) {
    const char *found = s.len ? memchr(s.data, at, s.len) : NULL;

    *rest = (struct str){NULL, 0};
    if (!found)
        return s;
    *rest = (struct str){found + 1, s.len - (size_t)(found - s.data) - 1};
    s.len = (size_t)(found - s.data);
    return s;
}

bool str_to_int(struct str s, int64_t *out) {
    bool    negative = s.len > 0 && s.data[0] == '-';
    int64_t value = 0;

    for (size_t i = negative; i < s.len; i++) {
        if (s.data[i] < '0' || s.data[i] > '9')
            return false;
        if (__builtin_mul_overflow(value, 10, &value) ||
            __builtin_sub_overflow(value, s.data[i] - '0', &value))
            return false;
    }
    if (s.len == (size_t)negative || (!negative && value == INT64_MIN))
        return false;
    *out = negative ? value : -value;
    return true;
}

size_t str_distance(struct str a, struct str b) {
    size_t row[65];

    a.len = a.len > 64 ? 64 : a.len;
    b.len = b.len > 64 ? 64 : b.len;
    for (size_t j = 0; j <= b.len; j++)
        row[j] = j;
    for (size_t i = 1; i <= a.len; i++) {
        size_t corner = row[0];

        row[0] = i;
        for (size_t j = 1; j <= b.len; j++) {
            size_t swap = corner + (a.data[i - 1] != b.data[j - 1]);
            size_t drop = row[j] + 1, grow = row[j - 1] + 1;

            corner = row[j];
            row[j] = swap < drop ? swap : drop;
            row[j] = row[j] < grow ? row[j] : grow;
        }
    }
    return row[b.len];
}
