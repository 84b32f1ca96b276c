/* disk.c - a disk that fails, fills up, stops, and forgets what was not synced.
 *
 * Loaded with LD_PRELOAD in front of the C library. Every operation on files
 * below DISK_ROOT is counted by kind, may be made to fail, and is written to
 * the redo log DISK_LOG in the order in which it took place; disk.py plays
 * that log over a copy of what was there before and so knows, at any moment,
 * what a power cut may leave behind.
 *
 *   DISK_ROOT   an absolute directory without links in it
 *   DISK_LOG    a file outside of it, appended to
 *   DISK_COUNT  set: totals go to standard error at exit, "disk KIND N"
 *   DISK_FAULT  KIND:N:WHAT[:on], the Nth operation of a kind, from 1;
 *               with ":on" every later one as well. KIND is open, read, write,
 *               sync, truncate, rename, unlink, mkdir, close, or change: each
 *               that changes something, creating opens among them. WHAT is
 *               EIO, ENOSPC, short (a write takes half; with ":on" the next
 *               finds the disk full) or kill (SIGKILL: just after a write,
 *               just before anything else)
 *
 * The model. A write or truncation is on the disk once its file was synced;
 * a name that was made, moved or removed, once its directory was. Before that
 * it may be there, in any order, torn between sectors of 512 bytes. A sync
 * that fails leaves the pages clean, as Linux does: what it should have
 * written is never written by a later one, though reading still shows it.
 * Nothing is really synced here, since the power is never really cut.
 *
 * What it does not see: mmap (SQLite's -shm, which is passed over), writev,
 * descriptors 0 to 2, programs that are linked statically.
 *
 * System calls are made directly, so there is no real function to look for;
 * one mutex keeps operation and log in one order.
 */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <pthread.h>
#include <signal.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/types.h>
#include <sys/uio.h>
#include <unistd.h>

#define KINDS(X)            \
    X(OPEN, "open")         \
    X(READ, "read")         \
    X(WRITE, "write")       \
    X(SYNC, "sync")         \
    X(TRUNCATE, "truncate") \
    X(RENAME, "rename")     \
    X(UNLINK, "unlink")     \
    X(MKDIR, "mkdir")       \
    X(CLOSE, "close")       \
    X(CHANGE, "change")

enum kind {
#define X(id, name) id,
    KINDS(X)
#undef X
        KIND_COUNT
};

static const char *const kind_names[] = {
#define X(id, name) name,
    KINDS(X)
#undef X
};

enum what { FINE, FAIL_IO, FAIL_FULL, SHORT, KILL };

static const char *const what_names[] = {"", "EIO", "ENOSPC", "short", "kill"};

static pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER; /* all that follows */
static char            root[PATH_MAX];                    /* "": not ours */
static int             log_fd = -1;
static long            passed[KIND_COUNT];

static struct {
    int       kind;
    enum what what;
    long      nth;
    bool      on;
} fault = {.kind = KIND_COUNT};

/* --- setting up ---------------------------------------------------------- */

static int index_of(const char *name, const char *const *names, int count) {
    int at = 0;

    while (at < count && strcmp(name, names[at]) != 0)
        at++;
    return at;
}

static void arm(const char *text) {
    char kind[16], what[16], on[4] = "";

    if (sscanf(text, "%15[^:]:%ld:%15[^:]:%3s", kind, &fault.nth, what, on) < 3)
        abort();
    fault.kind = index_of(kind, kind_names, KIND_COUNT);
    fault.what = (enum what)index_of(what, what_names, KILL + 1);
    fault.on = strcmp(on, "on") == 0;
    if (fault.kind == KIND_COUNT || fault.what > KILL || fault.what == FINE)
        abort();
}

__attribute__((constructor)) static void set_up(void) {
    const char *at = getenv("DISK_ROOT"), *log = getenv("DISK_LOG");

    if (!at)
        return;
    if (log)
        log_fd = (int)syscall(SYS_openat, AT_FDCWD, log,
                              O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC, 0600);
    if (getenv("DISK_FAULT"))
        arm(getenv("DISK_FAULT"));
    (void)snprintf(root, sizeof root, "%s", at);
}

__attribute__((destructor)) static void print_totals(void) {
    if (*root && getenv("DISK_COUNT"))
        for (int kind = 0; kind < KIND_COUNT; kind++)
            (void)fprintf(stderr, "disk %s %ld\n", kind_names[kind],
                          passed[kind]);
}

/* --- what is ours -------------------------------------------------------- */

static bool ours(const char *path) {
    size_t len = strlen(root), path_len = strlen(path);

    return len && strncmp(path, root, len) == 0 &&
           (path[len] == '/' || path[len] == '\0') &&
           (path_len < 4 || strcmp(path + path_len - 4, "-shm") != 0);
}

struct file {
    char               path[PATH_MAX];
    unsigned long long inode;
    bool               directory;
};

/* Asked of the kernel each time, so there is no table to keep. */
static bool find(int fd, struct file *file) {
    char        link[40];
    struct stat is;
    ssize_t     len;
    int         before = errno;

    if (!*root || fd <= STDERR_FILENO)
        return false;
    (void)snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
    len = readlink(link, file->path, sizeof file->path - 1);
    errno = before;
    if (len <= 0)
        return false;
    file->path[len] = '\0';
    if (!ours(file->path) || fstat(fd, &is) != 0)
        return false;
    file->inode = is.st_ino;
    file->directory = S_ISDIR(is.st_mode);
    return true;
}

/* --- an operation -------------------------------------------------------- */

static enum what verdict(enum kind kind, long n) {
    if (fault.kind != (int)kind || n < fault.nth)
        return FINE;
    if (n == fault.nth)
        return fault.what;
    if (!fault.on)
        return FINE;
    return fault.what == SHORT ? FAIL_FULL : fault.what;
}

/* Locks: whoever calls it calls leave(). */
static enum what enter(enum kind kind, bool changes) {
    enum what what;

    (void)pthread_mutex_lock(&mutex);
    what = verdict(kind, ++passed[kind]);
    if (changes && what == FINE)
        what = verdict(CHANGE, passed[CHANGE] + 1);
    passed[CHANGE] += changes;
    return what;
}

static long leave(long result) {
    (void)pthread_mutex_unlock(&mutex);
    return result;
}

static void die(enum what what) {
    if (what == KILL)
        (void)syscall(SYS_kill, getpid(), SIGKILL);
}

static bool refuses(enum what what) {
    die(what);
    if (what == FINE)
        return false;
    errno = what == FAIL_FULL ? ENOSPC : EIO;
    return true;
}

/* "VERB INODE OFFSET LENGTH PATH", a new line, and LENGTH bytes. */
static void note(const char *verb, unsigned long long inode, const char *path,
                 off_t offset, const void *data, size_t len) {
    char         head[PATH_MAX + 80];
    struct iovec parts[2];
    int          before = errno;

    if (log_fd < 0)
        return;
    parts[0].iov_len =
        (size_t)snprintf(head, sizeof head, "%s %llu %lld %zu %s\n", verb,
                         inode, (long long)offset, len, path);
    parts[0].iov_base = head;
    parts[1] = (struct iovec){(void *)data, len};
    (void)syscall(SYS_writev, log_fd, parts, 2);
    errno = before;
}

/* --- names --------------------------------------------------------------- */

static bool exists(const char *path) {
    struct stat is;
    int         before = errno;
    bool        there = lstat(path, &is) == 0;

    errno = before;
    return there;
}

static int open_ours(int at, const char *path, int flags, mode_t mode) {
    bool        creates = (flags & O_CREAT) && !exists(path);
    enum what   what = enter(OPEN, creates);
    struct file file;
    int         fd = -1;

    if (!refuses(what))
        fd = (int)syscall(SYS_openat, at, path, flags, mode);
    if (fd >= 0 && find(fd, &file)) {
        if (creates)
            note("create", file.inode, file.path, 0, "", 0);
        else if (flags & O_TRUNC)
            note("truncate", file.inode, file.path, 0, "", 0);
    }
    return (int)leave(fd);
}

int openat(int at, const char *path, int flags, ...) {
    mode_t  mode;
    va_list rest;

    va_start(rest, flags);
    mode = (flags & (O_CREAT | O_TMPFILE)) ? va_arg(rest, mode_t) : 0;
    va_end(rest);
    if (!ours(path))
        return (int)syscall(SYS_openat, at, path, flags, mode);
    return open_ours(at, path, flags, mode);
}

int open(const char *path, int flags, ...) {
    mode_t  mode;
    va_list rest;

    va_start(rest, flags);
    mode = (flags & (O_CREAT | O_TMPFILE)) ? va_arg(rest, mode_t) : 0;
    va_end(rest);
    return openat(AT_FDCWD, path, flags, mode);
}

int creat(const char *path, mode_t mode) {
    return open(path, O_WRONLY | O_CREAT | O_TRUNC, mode);
}

/* The C library's own would not pass through our open(). */
int mkostemp(char *template, int flags) {
    static unsigned long made;
    char                *tail = template + strlen(template) - 6;
    int                  fd;

    do {
        unsigned long n = __atomic_add_fetch(&made, 1, __ATOMIC_RELAXED) +
                          (unsigned long)getpid() * 1000;

        for (int i = 0; i < 6; i++, n /= 10)
            tail[i] = (char)('0' + n % 10);
        fd = open(template, O_RDWR | O_CREAT | O_EXCL | flags, 0600);
    } while (fd < 0 && errno == EEXIST);
    return fd;
}

int rename(const char *from, const char *to) {
    int rc = -1;

    if (!ours(from))
        return (int)syscall(SYS_rename, from, to);
    if (!refuses(enter(RENAME, true))) {
        note("rename", 0, from, 0, to, strlen(to));
        rc = (int)syscall(SYS_rename, from, to);
    }
    return (int)leave(rc);
}

static int remove_ours(long call, const char *path) {
    int rc = -1;

    if (!ours(path) || !exists(path))
        return (int)syscall(call, path);
    if (!refuses(enter(UNLINK, true))) {
        note("unlink", 0, path, 0, "", 0);
        rc = (int)syscall(call, path);
    }
    return (int)leave(rc);
}

int unlink(const char *path) {
    return remove_ours(SYS_unlink, path);
}

int rmdir(const char *path) {
    return remove_ours(SYS_rmdir, path);
}

int mkdir(const char *path, mode_t mode) {
    int rc = -1;

    if (!ours(path) || exists(path))
        return (int)syscall(SYS_mkdir, path, mode);
    if (!refuses(enter(MKDIR, true))) {
        note("mkdir", 0, path, 0, "", 0);
        rc = (int)syscall(SYS_mkdir, path, mode);
    }
    return (int)leave(rc);
}

/* --- bytes --------------------------------------------------------------- */

static ssize_t read_at(int fd, void *into, size_t len, off_t at) {
    return at < 0 ? syscall(SYS_read, fd, into, len)
                  : syscall(SYS_pread64, fd, into, len, at);
}

static ssize_t take(int fd, void *into, size_t len, off_t at) {
    struct file file;

    if (!find(fd, &file))
        return read_at(fd, into, len, at);
    if (refuses(enter(READ, false)))
        return leave(-1);
    return leave(read_at(fd, into, len, at));
}

ssize_t read(int fd, void *into, size_t len) {
    return take(fd, into, len, -1);
}

ssize_t pread(int fd, void *into, size_t len, off_t at) {
    return take(fd, into, len, at);
}

static ssize_t write_at(int fd, const void *data, size_t len, off_t at) {
    return at < 0 ? syscall(SYS_write, fd, data, len)
                  : syscall(SYS_pwrite64, fd, data, len, at);
}

static off_t place_of(int fd) {
    int flags = fcntl(fd, F_GETFL);

    return lseek(fd, 0, flags & O_APPEND ? SEEK_END : SEEK_CUR);
}

static ssize_t put(int fd, const void *data, size_t len, off_t at) {
    struct file file;
    enum what   what;

    if (!find(fd, &file))
        return write_at(fd, data, len, at);
    what = enter(WRITE, true);
    if (what == SHORT && len > 1) {
        len /= 2;
        what = FINE;
    }
    if (what != KILL && refuses(what))
        return leave(-1);
    note("write", file.inode, file.path, at < 0 ? place_of(fd) : at, data, len);
    len = (size_t)write_at(fd, data, len, at);
    die(what);
    return leave((ssize_t)len);
}

ssize_t write(int fd, const void *data, size_t len) {
    return put(fd, data, len, -1);
}

ssize_t pwrite(int fd, const void *data, size_t len, off_t at) {
    return put(fd, data, len, at);
}

int ftruncate(int fd, off_t size) {
    struct file file;
    int         rc = -1;

    if (!find(fd, &file))
        return (int)syscall(SYS_ftruncate, fd, size);
    if (!refuses(enter(TRUNCATE, true))) {
        note("truncate", file.inode, file.path, size, "", 0);
        rc = (int)syscall(SYS_ftruncate, fd, size);
    }
    return (int)leave(rc);
}

static int sync_file(int fd, long call) {
    struct file file;
    bool        failed;

    if (!find(fd, &file))
        return (int)syscall(call, fd);
    failed = refuses(enter(SYNC, true));
    note(failed ? "lost" : "sync", file.inode, file.path, 0, "", 0);
    return (int)leave(failed ? -1 : 0);
}

int fsync(int fd) {
    return sync_file(fd, SYS_fsync);
}

int fdatasync(int fd) {
    return sync_file(fd, SYS_fdatasync);
}

int close(int fd) {
    struct file file;
    bool        failed;

    if (!find(fd, &file))
        return (int)syscall(SYS_close, fd);
    failed = refuses(enter(CLOSE, false));
    (void)syscall(SYS_close, fd);
    if (failed)
        errno = EIO;
    return (int)leave(failed ? -1 : 0);
}

/* --- the same under the names that programs of 64-bit offsets use ---------- */

#define SAME(name) __attribute__((alias(#name)))

int     open64(const char *path, int flags, ...) SAME(open);
int     openat64(int at, const char *path, int flags, ...) SAME(openat);
int     creat64(const char *path, mode_t mode) SAME(creat);
int     mkostemp64(char *template, int flags) SAME(mkostemp);
ssize_t pread64(int fd, void *into, size_t len, off_t at) SAME(pread);
ssize_t pwrite64(int fd, const void *data, size_t len, off_t at) SAME(pwrite);
int     ftruncate64(int fd, off_t size) SAME(ftruncate);
