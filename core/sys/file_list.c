/* file_list.c - the files below a directory, through links that stay inside.
 *
 * A ConfigMap with folders is mounted as `nodes -> ..data/nodes`, with `..data`
 * a link to the directory of one generation; so links are followed, judged by
 * where they lead. Directories that are being read are known by device and
 * inode: a link to one of them has nothing to show that is not listed anyway.
 * Links that fan out without a loop are bounded by the count. (FI4)
 */
#include <dirent.h>
#include <errno.h>
#include <limits.h>
#include <string.h>
#include <sys/stat.h>

#include "base/mem.h"
#include "sys/file.h"

enum { DEPTH_MAX = 32, ENTRIES_MAX = 50000 };

struct place {
    dev_t device;
    ino_t inode;
};

/* One walk: `path` is the whole path so far, `base` the length of the part
 * that is not repeated in the list. */
struct walk {
    struct buf         path;
    size_t             base;
    const char        *directory, *suffix;
    struct file_list  *list;
    file_list_seen_fn *seen;
    void              *arg;
    struct place       within[DEPTH_MAX]; /* the directories being read */
    int                depth, entries;
};

static bool fail(struct err *err, const char *path) {
    enum err_code code = errno == ENOENT ? ERR_NOT_FOUND : ERR_IO;

    return err_set(err, code, "list %s: %s", path, strerror(errno));
}

static void list_add(struct file_list *list, const char *path) {
    if ((list->count & (list->count - 1)) == 0)
        list->paths =
            mem_resize(list->paths, (list->count ? list->count * 2 : 1) *
                                        sizeof *list->paths);
    list->paths[list->count++] = mem_text(path, strlen(path));
}

static bool is_within(const struct walk *walk, const struct stat *is) {
    for (int i = 0; i < walk->depth; i++)
        if (walk->within[i].device == is->st_dev &&
            walk->within[i].inode == is->st_ino)
            return true;
    return false;
}

static bool leads_inside(const struct walk *walk, struct err *err) {
    char   root[PATH_MAX], target[PATH_MAX];
    size_t len;

    if (!realpath(walk->directory, root) || !realpath(walk->path.data, target))
        return errno == ENOENT || fail(err, walk->path.data);
    len = strcmp(root, "/") == 0 ? 0 : strlen(root);
    return (strncmp(target, root, len) == 0 && target[len] == '/') ||
           err_set(err, ERR_DENIED,
                   "%s is a link to %s, which is not below %s: copy that "
                   "folder, or link all of %s",
                   walk->path.data, target, walk->directory, walk->directory);
}

static bool walk_directory(struct walk *walk, const struct stat *is,
                           struct err *err);

static bool walk_path(struct walk *walk, const char *name, struct err *err) {
    struct stat is;
    bool        link;

    /* Something that vanished meanwhile is simply not there. */
    link = lstat(walk->path.data, &is) == 0 && S_ISLNK(is.st_mode);
    if (link && walk->seen)
        walk->seen(walk->arg, walk->path.data, true);
    if (stat(walk->path.data, &is) != 0)
        return errno == ENOENT || fail(err, walk->path.data);
    if (S_ISDIR(is.st_mode))
        return is_within(walk, &is) || ((!link || leads_inside(walk, err)) &&
                                        walk_directory(walk, &is, err));
    if (S_ISREG(is.st_mode) &&
        (!walk->suffix || str_ends(str_of(name), walk->suffix)))
        list_add(walk->list, walk->path.data + walk->base + 1);
    return true;
}

static bool walk_entry(struct walk *walk, const char *name, struct err *err) {
    size_t before = walk->path.len;
    bool   ok;

    if (name[0] == '.')
        return true;
    if (++walk->entries > ENTRIES_MAX)
        return err_set(err, ERR_LIMIT, "list %s: more than %d entries",
                       walk->directory, ENTRIES_MAX);
    buf_addf(&walk->path, "/%s", name);
    ok = walk_path(walk, name, err);
    walk->path.len = before;
    walk->path.data[before] = '\0';
    return ok;
}

static bool read_entries(struct walk *walk, struct err *err) {
    DIR           *directory = opendir(walk->path.data);
    struct dirent *entry;
    bool           ok = true;

    if (!directory)
        return fail(err, walk->path.data);
    while (ok && (errno = 0, entry = readdir(directory)))
        ok = walk_entry(walk, entry->d_name, err);
    if (ok && errno)
        ok = fail(err, walk->path.data);
    (void)closedir(directory);
    return ok;
}

static bool walk_directory(struct walk *walk, const struct stat *is,
                           struct err *err) {
    bool ok;

    if (walk->depth >= DEPTH_MAX)
        return err_set(err, ERR_LIMIT, "list %s: more than %d directories deep",
                       walk->path.data, DEPTH_MAX);
    walk->within[walk->depth++] = (struct place){is->st_dev, is->st_ino};
    if (walk->seen)
        walk->seen(walk->arg, walk->path.data, false);
    ok = read_entries(walk, err);
    walk->depth--;
    return ok;
}

static int by_bytes(const void *a, const void *b) {
    return strcmp(*(char *const *)a, *(char *const *)b);
}

bool file_list_visit(const char *directory, const char *suffix,
                     struct file_list *list, file_list_seen_fn *seen, void *arg,
                     struct err *err) {
    struct walk walk = {.directory = directory,
                        .suffix = suffix,
                        .list = list,
                        .seen = seen,
                        .arg = arg};
    struct stat is;
    bool        ok;

    *list = (struct file_list){NULL, 0};
    buf_add_text(&walk.path, directory);
    walk.base = walk.path.len;
    ok = stat(directory, &is) == 0 ? walk_directory(&walk, &is, err)
                                   : fail(err, directory);
    buf_release(&walk.path);
    if (list->count)
        qsort(list->paths, list->count, sizeof *list->paths, by_bytes);
    if (!ok)
        file_list_release(list);
    return ok;
}

bool file_list_read(const char *directory, const char *suffix,
                    struct file_list *list, struct err *err) {
    return file_list_visit(directory, suffix, list, NULL, NULL, err);
}

void file_list_release(struct file_list *list) {
    for (size_t i = 0; i < list->count; i++)
        mem_free(list->paths[i]);
    mem_free(list->paths);
    *list = (struct file_list){NULL, 0};
}
