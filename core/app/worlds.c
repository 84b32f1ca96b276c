/* worlds.c - an include is relative to its file; a chain of eight is a loop. */
#include "app/worlds.h"

#include <string.h>

#include "sys/file.h"

#define FILE_MAX (8u << 20)
#define INCLUDES_MAX 8

static bool add_file(struct json *rows, const char *path, int depth,
                     struct err *err);

static bool include(struct json *rows, const char *from, struct str name,
                    int depth, struct err *err) {
    const char *slash = strrchr(from, '/');
    struct buf  path = BUF_EMPTY;
    bool        ok;

    buf_addf(&path, "%.*s%.*s", slash ? (int)(slash + 1 - from) : 0, from,
             STR_ARG(name));
    ok = depth < INCLUDES_MAX
             ? add_file(rows, buf_text(&path), depth + 1, err)
             : err_set(err, ERR_INVALID, "%s includes itself", from);
    buf_release(&path);
    return ok;
}

static bool add_rows(struct json *rows, const struct json *read,
                     const char *path, int depth, struct err *err) {
    for (size_t i = 0; i < json_count(read); i++) {
        struct json *row = json_at(read, i);
        struct str   name = json_find_text(row, "include");

        if (name.len == 0)
            json_append(rows, json_retain(row));
        else if (!include(rows, path, name, depth, err))
            return false;
    }
    return true;
}

static bool add_file(struct json *rows, const char *path, int depth,
                     struct err *err) {
    static const struct json_caps caps = {FILE_MAX, 64};
    struct buf                    text = BUF_EMPTY;
    struct json                  *read = NULL;
    bool                          ok;

    ok = file_read(path, FILE_MAX, &text, err);
    if (ok) {
        read = json_parse_many(buf_str(&text), &caps, err);
        ok = (read && add_rows(rows, read, path, depth, err)) ||
             err_wrap(err, "%s", path);
    }
    json_release(read);
    buf_release(&text);
    return ok;
}

struct json *worlds_read(const char *dir, struct err *err) {
    struct file_list list = {0};
    struct json     *rows = json_new_list();
    bool             ok = file_list_read(dir, ".json", &list, err);

    if (ok && list.count == 0)
        ok = err_set(err, ERR_NOT_FOUND, "%s: no *.json files, so no world",
                     dir);
    for (size_t i = 0; ok && i < list.count; i++) {
        struct buf path = BUF_EMPTY;

        buf_addf(&path, "%s/%s", dir, list.paths[i]);
        ok = add_file(rows, buf_text(&path), 0, err);
        buf_release(&path);
    }
    file_list_release(&list);
    if (ok)
        return rows;
    json_release(rows);
    return NULL;
}
