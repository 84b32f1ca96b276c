/* watch_look.c - what is there, and which directories would tell of a change.
 *
 * A path is followed part by part, as the kernel does: a link may be replaced
 * in the directory that it stands in, and the thing at the end in its own.
 * There only these names count, since the folder of a configuration may hold
 * a log that is written all the time. Below a watched folder every name counts.
 */
#include <errno.h>
#include <limits.h>
#include <string.h>
#include <sys/inotify.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/mem.h"
#include "sys/crypto.h"
#include "sys/file.h"
#include "sys/watch_private.h"

#define NOTICES                                                             \
    (IN_CREATE | IN_DELETE | IN_MOVED_FROM | IN_MOVED_TO | IN_CLOSE_WRITE | \
     IN_MODIFY | IN_ATTRIB | IN_DELETE_SELF | IN_MOVE_SELF | IN_ONLYDIR)

enum { LINKS_MAX = 40, PLACES_MAX = 4096, FILE_MAX = 4 << 20 };

/* --- places ----------------------------------------------------------------- */

bool watch_place_counts(const struct watch_place *place, struct str name) {
    struct buf slashed = BUF_EMPTY;
    bool       counts = place->names.len == 0 || name.len == 0;

    if (counts)
        return true;
    buf_addf(&slashed, "/%.*s/", STR_ARG(name));
    counts = strstr(buf_text(&place->names), buf_text(&slashed)) != NULL;
    buf_release(&slashed);
    return counts;
}

static struct watch_place *place_of(struct watch_look *look, int number,
                                    bool *is_new) {
    for (size_t i = 0; i < look->count; i++)
        if (look->places[i].number == number) {
            *is_new = false;
            return &look->places[i];
        }
    look->places =
        mem_resize(look->places, (look->count + 1) * sizeof *look->places);
    look->places[look->count] = (struct watch_place){number, BUF_EMPTY};
    *is_new = true;
    return &look->places[look->count++];
}

/* `name` NULL: every name. A directory that is gone is noticed by the one that
 * held it. */
static void add_place(struct watch_look *look, const char *directory,
                      const char *name) {
    struct watch_place *place;
    bool                is_new;
    int                 number;

    if (look->fd < 0)
        return;
    number = look->count < PLACES_MAX
                 ? inotify_add_watch(look->fd, directory, NOTICES)
                 : (errno = ENOSPC, -1);
    if (number < 0) {
        if (errno != ENOENT && errno != ENOTDIR)
            look->problem = errno;
        return;
    }
    place = place_of(look, number, &is_new);
    if (!name)
        buf_clear(&place->names);
    else if (is_new || place->names.len)
        buf_addf(&place->names, "/%s/", name);
}

/* --- the way to a path -------------------------------------------------------- */

struct way {
    struct buf at;   /* a directory, without links */
    struct buf rest; /* parts that are still to come */
    int        links;
};

/* What a link says takes its place among the parts to come. */
static bool follow(struct way *way, const char *link) {
    char       target[PATH_MAX];
    ssize_t    len = readlink(link, target, sizeof target - 1);
    struct buf rest = BUF_EMPTY;

    if (len <= 0 || ++way->links > LINKS_MAX)
        return false;
    target[len] = '\0';
    if (target[0] == '/') {
        buf_clear(&way->at);
        buf_add_char(&way->at, '/');
    }
    buf_addf(&rest, "%s/%s", target, buf_text(&way->rest));
    buf_release(&way->rest);
    way->rest = rest;
    return true;
}

/* One part further; false at the end of the way. */
static bool go(struct watch_look *look, struct way *way) {
    struct str  rest, part = str_cut(buf_str(&way->rest), '/', &rest);
    struct buf  name = BUF_EMPTY, full = BUF_EMPTY, left = BUF_EMPTY;
    struct stat is;
    bool        there, on = true;

    buf_add_str(&name, part);
    buf_addf(&full, "%s/%s", buf_text(&way->at), buf_text(&name));
    buf_add_str(&left, rest);
    buf_release(&way->rest);
    way->rest = left;
    if (part.len) {
        there = lstat(buf_text(&full), &is) == 0;
        if (!there || S_ISLNK(is.st_mode) || left.len == 0)
            add_place(look, buf_text(&way->at), buf_text(&name));
        if (there && S_ISLNK(is.st_mode)) {
            on = follow(way, buf_text(&full));
        } else {
            buf_clear(&way->at);
            buf_add_str(&way->at, buf_str(&full));
            on = there;
        }
    }
    buf_release(&name);
    buf_release(&full);
    return on && way->rest.len > 0;
}

static void add_way(struct watch_look *look, const char *path) {
    struct way way = {BUF_EMPTY, BUF_EMPTY, 0};

    buf_add_text(&way.at, path[0] == '/' ? "/" : ".");
    buf_add_text(&way.rest, path);
    while (way.rest.len && go(look, &way))
        continue;
    buf_release(&way.at);
    buf_release(&way.rest);
}

static void seen(void *arg, const char *path, bool is_link) {
    if (is_link)
        add_way(arg, path);
    else
        add_place(arg, path, NULL);
}

/* --- what is there ------------------------------------------------------------ */

/* Its name and its bytes, or what else is all that can be said. */
static void add_file(struct buf *all, const char *path) {
    struct buf content = BUF_EMPTY;
    struct err err;

    buf_addf(all, "%s\n", path);
    if (file_read(path, FILE_MAX, &content, &err))
        crypto_sha256_hex(buf_str(&content), all);
    else if (err.code == ERR_LIMIT)
        file_stamp(path, all);
    else
        buf_add_text(all, err.text);
    buf_add_char(all, '\n');
    buf_release(&content);
}

static void add_folder(struct watch_look *look, const char *path,
                       struct buf *all) {
    struct file_list list;
    struct buf       full = BUF_EMPTY;
    struct err       err;

    if (!file_list_visit(path, look->of->suffix, &list, seen, look, &err))
        buf_addf(all, "%s\n", err.text);
    for (size_t i = 0; i < list.count; i++) {
        buf_clear(&full);
        buf_addf(&full, "%s/%s", path, list.paths[i]);
        add_file(all, buf_text(&full));
    }
    buf_release(&full);
    file_list_release(&list);
}

static bool is_directory(const char *path) {
    struct stat is;

    return stat(path, &is) == 0 && S_ISDIR(is.st_mode);
}

void watch_look_make(struct watch_look *look) {
    struct buf all = BUF_EMPTY;

    look->places = NULL;
    look->count = 0;
    look->problem = 0;
    for (size_t i = 0; i < look->of->count; i++) {
        const char *path = look->of->paths[i];

        add_way(look, path);
        if (is_directory(path))
            add_folder(look, path, &all);
        else
            add_file(&all, path);
    }
    crypto_sha256(buf_str(&all), look->digest);
    buf_release(&all);
}

void watch_look_release(struct watch_look *look) {
    for (size_t i = 0; i < look->count; i++)
        buf_release(&look->places[i].names);
    mem_free(look->places);
    look->places = NULL;
    look->count = 0;
}

void watch_digest(const struct watch_paths *of,
                  unsigned char             out[DIGEST_SIZE]) {
    struct watch_look look = {.of = of, .fd = -1};

    watch_look_make(&look);
    memcpy(out, look.digest, DIGEST_SIZE);
    watch_look_release(&look);
}
