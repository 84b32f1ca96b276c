/* json.h - JSON values: read strictly, written canonically.
 *
 * All JSON from outside comes through json_parse(): valid UTF-8, no duplicate
 * keys, a cap on size and depth checked before anything is built, 64-bit
 * integers kept exact, `[]` and `{}` kept apart. json_write() gives the one
 * canonical text of a value (sorted keys, no white space, the shortest number
 * that reads back the same), so equal values have equal digests.
 *
 * A value is counted: who gets one from json_new_*, json_parse or json_clone
 * owns it and calls json_release(). A setter *takes* the value it is given; a
 * finder *borrows* from its container.
 *
 *   JS1  json_write(json_parse(text)) is a fixed point, byte for byte.
 *   JS2  Text over a cap is refused before a value is built from it.
 *
 * Source: RFC 8259; the canonical form differs from RFC 8785 only in keeping
 * integers of 64 bits and the kind of a number (1 and 1.0 stay apart).
 *
 * Lifetime: any. Thread: any, but a value belongs to one at a time.
 */
#ifndef BASE_JSON_H
#define BASE_JSON_H

#include <stdbool.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/err.h"

struct json;

enum json_kind {
    JSON_NULL_KIND,
    JSON_BOOL,
    JSON_INT,
    JSON_REAL_KIND,
    JSON_TEXT,
    JSON_LIST,
    JSON_MAP
};

struct json_caps {
    size_t bytes; /* refuse longer texts */
    int    depth; /* refuse deeper nesting; [[]] is 2 */
};

#define JSON_DEPTH_MAX 128
extern const struct json_caps json_caps_answer; /* 16 MiB, 64 deep */

/* NULL with err filled: json_syntax, json_truncated, json_depth, json_utf8,
 * json_duplicate, json_number or json_size. */
struct json *json_parse(struct str text, const struct json_caps *caps,
                        struct err *err);
/* Several values, one behind the other, white space between: JSON lines and
 * pretty-printed rows alike. Gives a list. */
struct json *json_parse_many(struct str text, const struct json_caps *caps,
                             struct err *err);
struct json *json_retain(struct json *value);
void         json_release(struct json *value); /* NULL is fine */
struct json *json_clone(const struct json *value);
/* Zeroes every text inside, for a value that held a secret; keys stay. */
void         json_wipe(struct json *value);

struct json *json_new_null(void);
struct json *json_new_bool(bool value);
struct json *json_new_int(int64_t value);
struct json *json_new_real(double value); /* finite, asserted */
struct json *json_new_text(struct str text);
struct json *json_new_list(void);
/* { code, text, status }, as journals, scripts and answers show an error. */
struct json *json_new_error(const struct err *err);
struct json *json_new_map(void);

enum json_kind json_kind_of(const struct json *value);
bool           json_is(const struct json *value, enum json_kind kind);
struct str     json_text(const struct json *value); /* empty unless text */
int64_t        json_int(const struct json *value);  /* 0 unless a number */
double         json_number(const struct json *value);
bool           json_truth(const struct json *value); /* true only for true */

/* Maps. A missing key, or a value that is no map, finds NULL. */
struct json *json_find(const struct json *map, const char *key);
struct json *json_find_str(const struct json *map, struct str key);
struct str   json_find_text(const struct json *map, const char *key);
int64_t      json_find_int(const struct json *map, const char *key,
                           int64_t otherwise);
/* Walks keys through maps, NULL ends the list: json_dig(v, "a", "b", NULL) */
struct json *json_dig(const struct json *map, ...) __attribute__((sentinel));
void         json_put(struct json *map, const char *key, struct json *value);
void         json_put_str(struct json *map, struct str key, struct json *value);
void         json_put_text(struct json *map, const char *key, struct str text);
void         json_put_int(struct json *map, const char *key, int64_t value);
void         json_put_bool(struct json *map, const char *key, bool value);
void         json_drop(struct json *map, const char *key);
void         json_drop_str(struct json *map, struct str key);
/* Copies every member of `from` over `into`; values are shared. */
void         json_merge(struct json *into, const struct json *from);

/* Lists, and the count of either container. */
size_t       json_count(const struct json *container);
struct json *json_at(const struct json *list, size_t index);
/* Is this text among the items? */
bool         json_lists(const struct json *list, struct str text);
void         json_append(struct json *list, struct json *value);
void         json_insert(struct json *list, size_t index, struct json *value);
void         json_replace(struct json *list, size_t index, struct json *value);
void         json_append_text(struct json *list, struct str text);

/* Members in the order of their keys' bytes:
 *   struct json_walk walk = json_walk_over(map);
 *   while (json_walk_next(&walk)) use(walk.key, walk.value);
 * A loop that is left early calls json_walk_stop(). */
struct json_walk {
    struct str         key;
    struct json       *value;
    const struct json *map;
    const char       **keys;
    size_t             at, count;
};
struct json_walk json_walk_over(const struct json *map);
bool             json_walk_next(struct json_walk *walk);
void             json_walk_stop(struct json_walk *walk);

/* Members in no particular order, without memory: *at starts as NULL. */
bool json_next(const struct json *map, void **at, struct str *key,
               struct json **value);

bool json_same(const struct json *a, const struct json *b);

void json_write(const struct json *value, struct buf *out);
void json_write_text(struct str text, struct buf *out); /* with the quotes */
/* For people: two spaces a level, short containers on one line. */
void json_write_pretty(const struct json *value, int indent, struct buf *out);

#endif
