/* world.c - rows tried from the last to the first. (W1)
 *
 * Writes are remembered with their time when they are answered, so that
 * `after.write` can count them. (W2)
 */
#include "gate/world.h"

#include <string.h>

#include "base/mem.h"
#include "base/timestamp.h"

struct seen_write {
    char        *name;
    struct json *args;
    int64_t      at_ms;
};

struct world {
    struct json       *rows, *incident;
    int               *used; /* how often each row has answered */
    struct seen_write *writes;
    size_t             write_count;
    int64_t            start_ms, begin_ms;
};

/* --- opening ---------------------------------------------------------- */

static bool known_keys(const struct json *map, const char *const *known,
                       const char *what, struct err *err) {
    struct json_walk walk = json_walk_over(map);

    while (json_walk_next(&walk)) {
        const char *const *name = known;

        while (*name && !str_is(walk.key, *name))
            name++;
        if (*name)
            continue;
        err_set(err, ERR_INVALID, "%s: unknown key \"%.*s\"", what,
                STR_ARG(walk.key));
        json_walk_stop(&walk);
        return false;
    }
    return true;
}

static bool check_duration(const struct json *after, const char *key,
                           struct err *err) {
    const struct json *text = json_find(after, key);
    int64_t            ms;

    return !text || timestamp_read_duration(json_text(text), &ms, err) ||
           err_wrap(err, "after.%s", key);
}

static bool check_row(const struct json *row, struct err *err) {
    static const char *const row_keys[] = {"match",  "after", "times",
                                           "answer", "error", NULL};
    static const char *const match_keys[] = {"effect", "args", NULL};
    static const char *const after_keys[] = {"time",  "write", "args",
                                             "count", "delay", NULL};
    const struct json       *match = json_find(row, "match");

    if (json_find(row, "world"))
        return true;
    if (!json_find_text(match, "effect").len)
        return err_set(err, ERR_INVALID, "a row needs match.effect");
    if (!json_find(row, "answer") == !json_find(row, "error"))
        return err_set(err, ERR_INVALID, "a row has either answer or error");
    return known_keys(row, row_keys, "row", err) &&
           known_keys(match, match_keys, "match", err) &&
           known_keys(json_find(row, "after"), after_keys, "after", err) &&
           check_duration(json_find(row, "after"), "time", err) &&
           check_duration(json_find(row, "after"), "delay", err);
}

struct world *world_open(struct json *rows, struct err *err) {
    struct world *world = mem_new(sizeof *world);

    world->rows = rows;
    world->used = mem_new(json_count(rows) * sizeof *world->used);
    for (size_t i = 0; i < json_count(rows); i++)
        if (!check_row(json_at(rows, i), err)) {
            err_wrap(err, "world row %zu", i + 1);
            world_close(world);
            return NULL;
        }
    return world;
}

void world_close(struct world *world) {
    if (!world)
        return;
    for (size_t i = 0; i < world->write_count; i++) {
        mem_free(world->writes[i].name);
        json_release(world->writes[i].args);
    }
    mem_free(world->writes);
    mem_free(world->used);
    json_release(world->rows);
    json_release(world->incident);
    mem_free(world);
}

#define BEGINS_AFTER_MS 120000 /* Alertmanager's group_wait and a `for` */

void world_begin(struct world *world, const struct json *incident,
                 int64_t start_ms) {
    json_release(world->incident);
    world->incident = json_clone(incident);
    world->start_ms = start_ms;
    world->begin_ms = start_ms + BEGINS_AFTER_MS;
}

int64_t world_start(const struct world *world) {
    return world->begin_ms;
}

/* --- matching --------------------------------------------------------- */

/* '*' stands for any run of bytes. */
static bool glob(struct str pattern, struct str text) {
    size_t p = 0, t = 0, star = SIZE_MAX, retry = 0;

    while (t < text.len) {
        if (p < pattern.len && pattern.data[p] == '*') {
            star = p++;
            retry = t;
        } else if (p < pattern.len && pattern.data[p] == text.data[t]) {
            p++;
            t++;
        } else if (star != SIZE_MAX) {
            p = star + 1;
            t = ++retry;
        } else {
            return false;
        }
    }
    while (p < pattern.len && pattern.data[p] == '*')
        p++;
    return p == pattern.len;
}

struct filling {
    const struct world *world;
    const struct json  *args;
    int64_t             now_ms;
};

static struct json *fill(const struct filling *f, const struct json *value);

static bool fits(const struct filling *f, const struct json *pattern,
                 const struct json *value);

static bool map_fits(const struct filling *f, const struct json *pattern,
                     const struct json *value) {
    struct json_walk walk = json_walk_over(pattern);

    while (json_walk_next(&walk))
        if (!fits(f, walk.value, json_find_str(value, walk.key))) {
            json_walk_stop(&walk);
            return false;
        }
    return true;
}

static bool list_fits(const struct filling *f, const struct json *pattern,
                      const struct json *value) {
    if (!json_is(value, JSON_LIST) || json_count(value) != json_count(pattern))
        return false;
    for (size_t i = 0; i < json_count(pattern); i++)
        if (!fits(f, json_at(pattern, i), json_at(value, i)))
            return false;
    return true;
}

static bool text_fits(const struct filling *f, const struct json *pattern,
                      const struct json *value) {
    struct json *filled = fill(f, pattern);
    bool         ok;

    ok = json_is(filled, JSON_TEXT)
             ? json_is(value, JSON_TEXT) &&
                   glob(json_text(filled), json_text(value))
             : json_same(filled, value);
    json_release(filled);
    return ok;
}

static bool fits(const struct filling *f, const struct json *pattern,
                 const struct json *value) {
    if (!value)
        return false;
    if (json_is(pattern, JSON_MAP))
        return json_is(value, JSON_MAP) && map_fits(f, pattern, value);
    if (json_is(pattern, JSON_LIST))
        return list_fits(f, pattern, value);
    if (json_is(pattern, JSON_TEXT))
        return text_fits(f, pattern, value);
    return json_same(pattern, value);
}

static int64_t duration(const struct json *map, const char *key) {
    int64_t    ms = 0;
    struct err err;
    struct str text = json_find_text(map, key);

    if (text.len && !timestamp_read_duration(text, &ms, &err))
        return 0;
    return ms;
}

static bool write_seen(const struct filling *f, const struct json *after) {
    const struct world *world = f->world;
    const struct json  *args = json_find(after, "args");
    int64_t             wanted = json_find_int(after, "count", 1);

    for (size_t i = 0; i < world->write_count; i++) {
        const struct seen_write *seen = &world->writes[i];

        if (!glob(json_find_text(after, "write"), str_of(seen->name)) ||
            (args && !fits(f, args, seen->args)) || --wanted > 0)
            continue;
        return f->now_ms >= seen->at_ms + duration(after, "delay");
    }
    return false;
}

static bool is_due(const struct filling *f, const struct json *row) {
    const struct json *after = json_find(row, "after");

    if (f->now_ms < f->world->begin_ms + duration(after, "time"))
        return false;
    return !json_find(after, "write") || write_seen(f, after);
}

static bool row_fits(const struct filling *f, const struct json *row,
                     const struct effect *effect) {
    const struct json *match = json_find(row, "match");
    const struct json *args = json_find(match, "args");

    return match &&
           glob(json_find_text(match, "effect"), str_of(effect->name)) &&
           (!args || fits(f, args, effect->args)) && is_due(f, row);
}

static const struct json *find_row(struct world *world, const struct filling *f,
                                   const struct effect *effect) {
    for (size_t i = json_count(world->rows); i-- > 0;) {
        const struct json *row = json_at(world->rows, i);
        int64_t            times = json_find_int(row, "times", INT32_MAX);

        if (world->used[i] < times && row_fits(f, row, effect)) {
            world->used[i]++;
            return row;
        }
    }
    return NULL;
}

/* --- templates -------------------------------------------------------- */

/* "start-5m|s": a moment, moved, in a unit. */
static struct json *moment(const struct filling *f, struct str text,
                           int64_t base) {
    struct str   unit, move = str_cut(text, '|', &unit);
    struct buf   out = BUF_EMPTY;
    struct err   err;
    int64_t      ms = 0;
    struct json *made;

    (void)f;
    if (move.len > 1 &&
        !timestamp_read_duration((struct str){move.data + 1, move.len - 1}, &ms,
                                 &err))
        ms = 0;
    ms = move.len && move.data[0] == '-' ? base - ms : base + ms;
    if (str_is(unit, "ms"))
        return json_new_int(ms);
    if (str_is(unit, "s"))
        return ms % 1000 ? json_new_real((double)ms / 1000)
                         : json_new_int(ms / 1000);
    timestamp_write(ms, &out);
    made = json_new_text(buf_str(&out));
    buf_release(&out);
    return made;
}

static struct str after(struct str text, size_t skip) {
    return (struct str){text.data + skip, text.len - skip};
}

static const struct json *dig(const struct json *value, struct str path) {
    while (value && path.len) {
        struct str rest, step = str_cut(path, '.', &rest);
        int64_t    index;

        value = json_is(value, JSON_LIST) && str_to_int(step, &index)
                    ? json_at(value, (size_t)index)
                    : json_find_str(value, step);
        path = rest.data ? rest : STR("");
    }
    return value;
}

/* The value of one template's name; NULL when it names nothing. */
static struct json *lookup(const struct filling *f, struct str name) {
    const struct json *labels = json_find(f->world->incident, "labels");
    const struct json *found = NULL;

    if (str_starts(name, "start"))
        return moment(f, after(name, 5), f->world->start_ms);
    if (str_starts(name, "now"))
        return moment(f, after(name, 3), f->now_ms);
    if (str_starts(name, "args."))
        found = dig(f->args, after(name, 5));
    else if (str_starts(name, "labels."))
        found = json_find_str(labels, after(name, 7));
    else
        found = json_find_str(labels, name);
    return found ? json_clone(found) : NULL;
}

static void add_text(const struct json *value, struct buf *out) {
    if (json_is(value, JSON_TEXT))
        buf_add_str(out, json_text(value));
    else
        json_write(value, out);
}

static struct json *fill_text(const struct filling *f, struct str text) {
    struct buf   out = BUF_EMPTY;
    struct json *made;

    while (text.len) {
        const char *open = memmem(text.data, text.len, "${", 2);
        const char *close =
            open ? memchr(open, '}', text.len - (size_t)(open - text.data))
                 : NULL;
        struct json *value;

        if (!close)
            break;
        value = lookup(f, (struct str){open + 2, (size_t)(close - open - 2)});
        /* A text that is one template takes the value's own kind. */
        if (value && open == text.data && close + 1 == text.data + text.len &&
            out.len == 0)
            return value;
        buf_add(&out, text.data, (size_t)(open - text.data));
        if (value)
            add_text(value, &out);
        json_release(value);
        text = after(text, (size_t)(close + 1 - text.data));
    }
    buf_add_str(&out, text);
    made = json_new_text(buf_str(&out));
    buf_release(&out);
    return made;
}

static struct json *fill(const struct filling *f, const struct json *value) {
    struct json *made;
    struct str   key;
    struct json *member;
    void        *at = NULL;

    switch (json_kind_of(value)) {
    case JSON_TEXT: return fill_text(f, json_text(value));
    case JSON_MAP:
        made = json_new_map();
        while (json_next(value, &at, &key, &member))
            json_put_str(made, key, fill(f, member));
        return made;
    case JSON_LIST:
        made = json_new_list();
        for (size_t i = 0; i < json_count(value); i++)
            json_append(made, fill(f, json_at(value, i)));
        return made;
    default: return json_clone(value);
    }
}

/* --- answering -------------------------------------------------------- */

/* (W3) */
static bool no_answer(const struct effect *effect, struct err *err) {
    struct buf row = BUF_EMPTY;

    buf_add_text(&row, "{\"match\":{\"effect\":");
    json_write_text(str_of(effect->name), &row);
    buf_add_text(&row, ",\"args\":");
    json_write(effect->args, &row);
    buf_add_text(&row, "},\"answer\":{}}");
    err_set(err, ERR_NO_ANSWER,
            "the world has no answer; the missing row is "
            "%s",
            buf_text(&row));
    buf_release(&row);
    return false;
}

static bool row_error(const struct json *error, struct err *err) {
    struct str    code = json_find_text(error, "code");
    struct str    text = json_find_text(error, "text");
    enum err_code id = err_find(code.data);

    err_set(err, id == ERR_COUNT ? ERR_REMOTE : id, "%.*s", STR_ARG(text));
    err->status = (int)json_find_int(error, "status", 0);
    return false;
}

static void remember(struct world *world, const struct effect *effect,
                     int64_t now_ms) {
    struct seen_write *seen;

    world->writes = mem_resize(world->writes, (world->write_count + 1) *
                                                  sizeof *world->writes);
    seen = &world->writes[world->write_count++];
    seen->name = mem_text(effect->name, strlen(effect->name));
    seen->args = json_clone(effect->args);
    seen->at_ms = now_ms;
}

bool world_answer(struct world *world, const struct effect *effect,
                  int64_t now_ms, struct json **answer, struct err *err) {
    struct filling     f = {world, effect->args, now_ms};
    const struct json *row = find_row(world, &f, effect);

    if (!row)
        return no_answer(effect, err);
    if (json_find(row, "error"))
        return row_error(json_find(row, "error"), err);
    *answer = fill(&f, json_find(row, "answer"));
    if (effect_writes(effect))
        remember(world, effect, now_ms);
    return true;
}
