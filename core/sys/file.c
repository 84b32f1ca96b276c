/* file.c - plain POSIX, every descriptor close-on-exec.
 *
 * The lock is a kernel lock on the open file, which stays where it is: the
 * kernel frees it when its holder dies, while a lock made of a file's existence
 * outlives a kill, and one that is unlinked on release can be held twice. The
 * process id inside is only for the message.
 */
#include "sys/file.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>

#include "base/mem.h"

enum { CHUNK = 64 * 1024 };

static bool fail(struct err *err, const char *what, const char *path) {
    enum err_code code = errno == ENOENT ? ERR_NOT_FOUND : ERR_IO;

    return err_set(err, code, "%s %s: %s", what, path, strerror(errno));
}

static ssize_t read_some(int fd, void *into, size_t len) {
    ssize_t got;

    do
        got = read(fd, into, len);
    while (got < 0 && errno == EINTR);
    return got;
}

/* One byte more than the cap is asked for, to tell "full" from "over". */
static bool read_all(int fd, const char *path, size_t cap, struct buf *out,
                     struct err *err) {
    size_t room = cap < SIZE_MAX ? cap + 1 : cap;

    for (;;) {
        size_t  ask = room < CHUNK ? room : CHUNK;
        ssize_t got;

        buf_reserve(out, ask);
        got = read_some(fd, out->data + out->len, ask);
        if (got < 0)
            return fail(err, "read", path);
        if (got == 0)
            return true;
        out->len += (size_t)got;
        out->data[out->len] = '\0';
        room -= (size_t)got;
        if (room == 0)
            return err_set(err, ERR_LIMIT, "read %s: larger than %zu bytes",
                           path, cap);
    }
}

/* All or nothing. */
static bool read_whole(int fd, const char *path, size_t cap, struct buf *out,
                       struct err *err) {
    size_t before = out->len;

    if (read_all(fd, path, cap, out, err))
        return true;
    out->len = before;
    out->data[before] = '\0';
    return false;
}

bool file_read(const char *path, size_t cap_bytes, struct buf *out,
               struct err *err) {
    bool ok;
    int  fd;

    if (strcmp(path, "-") == 0)
        return read_whole(STDIN_FILENO, "standard input", cap_bytes, out, err);
    fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0)
        return fail(err, "read", path);
    ok = read_whole(fd, path, cap_bytes, out, err);
    (void)close(fd);
    return ok;
}

/* (FI3) */
static bool is_private(int fd, const char *path, struct err *err) {
    struct stat file;

    if (fstat(fd, &file) != 0)
        return fail(err, "read", path);
    if (!S_ISREG(file.st_mode))
        return err_set(err, ERR_DENIED, "%s is no regular file", path);
    return (file.st_mode & 0177) == 0 ||
           err_set(err, ERR_DENIED,
                   "%s has mode %04o, so others can open it: chmod 0400 %s",
                   path, (unsigned)(file.st_mode & 07777), path);
}

bool file_read_private(const char *path, size_t cap_bytes, struct buf *out,
                       struct err *err) {
    /* A fifo in its place must not hold us up. */
    int  fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    bool ok;

    if (fd < 0)
        return fail(err, "read", path);
    ok = is_private(fd, path, err) && read_whole(fd, path, cap_bytes, out, err);
    (void)close(fd);
    return ok;
}

static bool write_all(int fd, struct str content) {
    while (content.len) {
        ssize_t put = write(fd, content.data, content.len);

        if (put < 0 && errno == EINTR)
            continue;
        if (put < 0)
            return false;
        content.data += put;
        content.len -= (size_t)put;
    }
    return true;
}

/* The directory that holds path: "." when path names none. */
static void parent_of(const char *path, struct buf *out) {
    const char *slash = strrchr(path, '/');

    if (!slash)
        buf_add_text(out, ".");
    else
        buf_add(out, path, slash == path ? 1 : (size_t)(slash - path));
}

/* A rename is durable only once its directory is. */
static bool sync_parent(const char *path) {
    struct buf parent = BUF_EMPTY;
    int        fd;
    bool       ok;

    parent_of(path, &parent);
    fd = open(buf_text(&parent), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    ok = fd >= 0 && fsync(fd) == 0;
    if (fd >= 0)
        (void)close(fd);
    buf_release(&parent);
    return ok;
}

bool file_write(const char *path, struct str content, struct err *err) {
    struct buf beside = BUF_EMPTY;
    int        fd;
    bool       ok;

    buf_addf(&beside, "%s.XXXXXX", path);
    fd = mkostemp(beside.data, O_CLOEXEC); /* 0600 */
    if (fd < 0) {
        buf_release(&beside);
        return fail(err, "write", path);
    }
    ok = write_all(fd, content) && fsync(fd) == 0;
    ok = (close(fd) == 0) && ok;
    ok = ok && rename(beside.data, path) == 0 && sync_parent(path);
    if (!ok) {
        (void)fail(err, "write", path);
        (void)unlink(beside.data);
    }
    buf_release(&beside);
    return ok;
}

bool file_sync(const char *path, struct err *err) {
    int  fd = open(path, O_RDONLY | O_CLOEXEC);
    bool ok = fd >= 0 && fsync(fd) == 0;

    ok = ok || fail(err, "sync", path);
    if (fd >= 0)
        (void)close(fd);
    return ok;
}

static bool write_again(int fd) {
    char   *part = mem_new(CHUNK);
    off_t   at = 0;
    ssize_t got, put = 0;

    while ((got = pread(fd, part, CHUNK, at)) > 0 &&
           (put = pwrite(fd, part, (size_t)got, at)) > 0)
        at += put;
    mem_free(part);
    return got == 0;
}

bool file_settle(const char *path, struct err *err) {
    int  fd = open(path, O_RDWR | O_CLOEXEC);
    bool ok = fd >= 0 && write_again(fd) && fsync(fd) == 0;

    ok = ok || fail(err, "settle", path);
    if (fd >= 0)
        (void)close(fd);
    return ok;
}

bool file_exists(const char *path) {
    return access(path, F_OK) == 0;
}

static void add_time(struct buf *out, struct timespec at) {
    buf_addf(out, " %lld.%09ld", (long long)at.tv_sec, at.tv_nsec);
}

/* The time of the inode's own change cannot be set back as the other one can. */
void file_stamp(const char *path, struct buf *out) {
    struct stat is;

    if (stat(path, &is) != 0) {
        buf_add_char(out, '-');
        return;
    }
    buf_addf(out, "%llu %llu %lld", (unsigned long long)is.st_dev,
             (unsigned long long)is.st_ino, (long long)is.st_size);
    add_time(out, is.st_mtim);
    add_time(out, is.st_ctim);
}

static bool is_directory(const char *path) {
    struct stat is;

    return stat(path, &is) == 0 && S_ISDIR(is.st_mode);
}

/* Durable or not there: who finds it takes it for durable. A parent that may
 * not be read is taken as it is. */
static bool make_one(const char *path) {
    int why;

    if (mkdir(path, 0700) != 0)
        return is_directory(path);
    if (sync_parent(path) || errno == EACCES)
        return true;
    why = errno;
    (void)rmdir(path);
    errno = why;
    return false;
}

bool file_make_directory(const char *path, struct err *err) {
    char *walk = mem_text(path, strlen(path));
    bool  ok = *path != '\0';

    errno = ENOENT;
    for (char *at = walk + 1; ok; at++) {
        char was = *at;

        if (was != '/' && was != '\0')
            continue;
        *at = '\0';
        ok = make_one(walk);
        *at = was;
        if (was == '\0')
            break;
    }
    mem_free(walk);
    return ok || fail(err, "make directory", path);
}

struct file_lock {
    int fd;
};

static bool held(const char *path, int fd, struct err *err) {
    char    text[32] = "";
    ssize_t got = pread(fd, text, sizeof text - 1, 0);
    int64_t pid;

    /* The holder writes its id just after it got the lock. */
    if (got <= 0 || !str_to_int(str_trim(str_of(text)), &pid))
        return err_set(err, ERR_HELD, "%s is held by another process", path);
    return err_set(err, ERR_HELD, "%s is held by process %lld", path,
                   (long long)pid);
}

static bool take(const char *path, int fd, struct err *err) {
    /* Of the open file, not of the process: no close() elsewhere frees it. */
    struct flock whole = {.l_type = F_WRLCK, .l_whence = SEEK_SET};
    char         text[32];
    int          len = snprintf(text, sizeof text, "%ld\n", (long)getpid());

    if (fcntl(fd, F_OFD_SETLK, &whole) != 0)
        return errno == EAGAIN || errno == EACCES ? held(path, fd, err)
                                                  : fail(err, "lock", path);
    if (ftruncate(fd, 0) != 0 || pwrite(fd, text, (size_t)len, 0) != len)
        return fail(err, "lock", path);
    return true;
}

struct file_lock *file_lock_open(const char *path, struct err *err) {
    struct file_lock *lock;
    int               fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);

    if (fd < 0) {
        (void)fail(err, "lock", path);
        return NULL;
    }
    if (!take(path, fd, err)) {
        (void)close(fd);
        return NULL;
    }
    lock = mem_new(sizeof *lock);
    lock->fd = fd;
    return lock;
}

void file_lock_close(struct file_lock *lock) {
    if (!lock)
        return;
    (void)ftruncate(lock->fd, 0); /* the next holder's id is not ours */
    (void)close(lock->fd);
    mem_free(lock);
}
