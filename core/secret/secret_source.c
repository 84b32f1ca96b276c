/* secret_source.c - places are tried in order; a broken one is no reason to go
 * on to the next, since that would use another secret than the one meant.
 */
#include "secret/secret_source.h"

#include <ctype.h>
#include <string.h>

#include "base/mem.h"
#include "sys/file.h"

#define VALUE_MAX (64u << 10)

bool secret_source_is_name(struct str name) {
    for (size_t i = 0; i < name.len; i++)
        if (!isalnum((unsigned char)name.data[i]) &&
            (!name.data[i] || !strchr("_-.", name.data[i])))
            return false;
    return name.len > 0 && name.len <= 128 && name.data[0] != '.';
}

static void drop_line_end(struct buf *out, size_t from) {
    if (out->len > from && out->data[out->len - 1] == '\n')
        out->data[--out->len] = '\0';
    if (out->len > from && out->data[out->len - 1] == '\r')
        out->data[--out->len] = '\0';
}

static bool read_file(const char *path, struct buf *out, struct err *err) {
    size_t from = out->len;

    /* In one piece, so that growing leaves no copy of a secret behind. */
    buf_reserve(out, VALUE_MAX + 2);
    if (!file_read_private(path, VALUE_MAX, out, err))
        return false;
    drop_line_end(out, from);
    return out->len > from || err_set(err, ERR_INVALID, "%s is empty", path);
}

static bool read_in(const char *directory, struct str name, struct buf *out,
                    struct err *err) {
    struct buf path = BUF_EMPTY;
    bool       ok;

    buf_addf(&path, "%s/%.*s", directory, STR_ARG(name));
    ok = read_file(buf_text(&path), out, err);
    buf_release(&path);
    return ok;
}

/* NAME, or the file that NAME_FILE points to. */
static bool read_env(const struct secret_places *places, struct str name,
                     struct buf *out, struct err *err) {
    struct buf  variable = BUF_EMPTY;
    const char *value, *path;

    buf_add_str(&variable, name);
    value = places->env(buf_text(&variable));
    buf_add_text(&variable, "_FILE");
    path = places->env(buf_text(&variable));
    buf_release(&variable);
    if (value && *value) {
        buf_add_text(out, value);
        return true;
    }
    if (path && *path && !read_file(path, out, err)) {
        /* Somebody said that it is there: that is no "nowhere". */
        if (err->code == ERR_NOT_FOUND)
            err->code = ERR_CONFIG;
        return err_wrap(err, "%.*s_FILE", STR_ARG(name));
    }
    if (path && *path)
        return true;
    return err_set(err, ERR_NOT_FOUND, "not in the environment");
}

static bool nowhere(const struct secret_places *places, struct str name,
                    struct err *err) {
    return err_set(
        err, ERR_NOT_FOUND,
        "secret \"%.*s\" is neither in the credentials directory (%s), nor in "
        "secrets.directory (%s), nor in the environment",
        STR_ARG(name), places->credentials ? places->credentials : "not set",
        places->directory ? places->directory : "not set");
}

bool secret_source_read(const struct secret_places *places, struct str name,
                        struct buf *out, struct err *err) {
    const char *directories[] = {places->credentials, places->directory};

    if (!secret_source_is_name(name))
        return err_set(err, ERR_INVALID,
                       "\"%.*s\" is no name of a secret: letters, digits, "
                       "'_', '-' and '.'",
                       (int)(name.len > 40 ? 40 : name.len), name.data);
    for (size_t i = 0; i < 2; i++) {
        if (!directories[i])
            continue;
        if (read_in(directories[i], name, out, err))
            return true;
        if (err->code != ERR_NOT_FOUND)
            return err_wrap(err, "secret %.*s", STR_ARG(name));
    }
    if (read_env(places, name, out, err))
        return true;
    return err->code == ERR_NOT_FOUND
               ? nowhere(places, name, err)
               : err_wrap(err, "secret %.*s", STR_ARG(name));
}
