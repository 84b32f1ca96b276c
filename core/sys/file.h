/* file.h - whole files, private directories, and the lock on a state one.
 *
 * Everything that is read has a cap, checked while reading and not by the
 * size the file claims, since a pipe or /proc claims none. What is written
 * appears whole or not at all, also after a power cut.
 *
 *   FI1  file_write leaves the old content or the new one, never a mixture.
 *   FI2  A second process that asks for a held lock is refused and told the
 *        holder's process id; a dead holder's lock is free.
 *   FI3  A file that others than its owner can open is not read as a secret.
 *   FI4  A list ends, whatever links to what, and no directory is read that
 *        lies outside of the one that was asked for.
 *
 * Lifetime: call, but a lock: process. Thread: any.
 */
#ifndef SYS_FILE_H
#define SYS_FILE_H

#include "base/buf.h"
#include "base/err.h"

/* Appends; "-" is standard input. Over the cap: ERR_LIMIT, nothing there:
 * ERR_NOT_FOUND, else ERR_IO. On failure *out is as it was. */
bool file_read(const char *path, size_t cap_bytes, struct buf *out,
               struct err *err);

/* The same for a file that holds a secret: a regular one that nobody but its
 * owner may read and nobody may write or run (0400, or 0600 for its owner's
 * editor). Judged on the opened file. ERR_DENIED says how to mend it. (FI3) */
bool file_read_private(const char *path, size_t cap_bytes, struct buf *out,
                       struct err *err);
/* Writes beside the target, then renames over it. Mode 0600. */
bool file_write(const char *path, struct str content, struct err *err);

/* A directory: the names in it are durable. A file: its bytes are, if no sync
 * has failed before. */
bool file_sync(const char *path, struct err *err);
/* Makes durable what reading the file shows, whoever wrote it. A failed sync
 * leaves bytes that can be read and are on no disk, and that no later sync
 * writes; so they are written again, over themselves. */
bool file_settle(const char *path, struct err *err);

bool file_exists(const char *path);

/* Appends what is another text after each change of the file: its number, size
 * and times. Appends "-" when there is none. */
void file_stamp(const char *path, struct buf *out);

/* Makes it and what is missing above it, each 0700 and durable. */
bool file_make_directory(const char *path, struct err *err);

struct file_list {
    char **paths; /* relative to the directory that was listed */
    size_t count;
};

/* All regular files below, by bytes of their path, whose name ends in suffix
 * (NULL: all); what begins with a dot is left out. A link to a directory is
 * followed if that lies below, too, which is how Kubernetes mounts a folder,
 * and one back to a directory that holds it is left out; a link that leads
 * elsewhere is ERR_DENIED. (FI4) */
bool file_list_read(const char *directory, const char *suffix,
                    struct file_list *list, struct err *err);

/* The same, and `seen` is told of each directory before it is read and of each
 * link as it is met. */
typedef void file_list_seen_fn(void *arg, const char *path, bool is_link);
bool         file_list_visit(const char *directory, const char *suffix,
                             struct file_list *list, file_list_seen_fn *seen, void *arg,
                             struct err *err);
void         file_list_release(struct file_list *list);

/* ERR_HELD names the holder. Released when closed, and by the kernel when the
 * process ends in whatever way. */
struct file_lock;
struct file_lock *file_lock_open(const char *path, struct err *err);
void              file_lock_close(struct file_lock *lock);

#endif
