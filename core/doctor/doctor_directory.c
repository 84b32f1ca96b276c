/* doctor_directory.c - the directory and its files as the kernel sees them, and
 * the database as SQLite does.
 */
#include <errno.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include "doctor/doctor.h"
#include "store/store.h"
#include "sys/file.h"

#define MIB ((int64_t)1 << 20)
#define SPACE_WRONG (64 * MIB)
#define SPACE_WARNING (1024 * MIB)
#define FILES_WRONG 16
#define FILES_WARNING 1000

/* --- files --------------------------------------------------------------------- */

static void judge_owner(struct doctor *doctor, const struct stat *dir,
                        const char *path, const struct stat *file) {
    if (file->st_uid != dir->st_uid)
        doctor_say(doctor, DOCTOR_OWNER, DOCTOR_WRONG, path,
                   "belongs to user %u, its directory to %u",
                   (unsigned)file->st_uid, (unsigned)dir->st_uid);
}

static void judge_mode(struct doctor *doctor, const char *path,
                       const struct stat *file) {
    if (file->st_mode & 077)
        doctor_say(doctor, DOCTOR_MODE, DOCTOR_WRONG, path,
                   "has mode %04o: others than its owner can open it",
                   (unsigned)(file->st_mode & 07777));
}

static void judge_files(struct doctor *doctor, const char *dir,
                        const struct stat *of_dir) {
    static const char *const names[] = {"nightshift.db", "nightshift.db-wal",
                                        "lock", "executing", "serve.json"};
    size_t                   before = json_count(doctor->rows);
    struct buf               path = BUF_EMPTY;
    struct stat              is;

    judge_mode(doctor, dir, of_dir);
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        buf_clear(&path);
        buf_addf(&path, "%s/%s", dir, names[i]);
        if (stat(buf_text(&path), &is) != 0)
            continue;
        judge_owner(doctor, of_dir, buf_text(&path), &is);
        judge_mode(doctor, buf_text(&path), &is);
    }
    if (geteuid() != 0 && of_dir->st_uid != geteuid())
        doctor_say(doctor, DOCTOR_OWNER, DOCTOR_WRONG, dir,
                   "belongs to user %u, and this is user %u",
                   (unsigned)of_dir->st_uid, (unsigned)geteuid());
    if (json_count(doctor->rows) == before)
        doctor_say(doctor, DOCTOR_MODE, DOCTOR_OK, dir,
                   "owner and mode are right, of its files too");
    buf_release(&path);
}

/* --- space --------------------------------------------------------------------- */

enum doctor_state doctor_judge_space(int64_t free_bytes, int64_t free_files) {
    if (free_bytes < SPACE_WRONG || free_files < FILES_WRONG)
        return DOCTOR_WRONG;
    return free_bytes < SPACE_WARNING || free_files < FILES_WARNING
               ? DOCTOR_WARNING
               : DOCTOR_OK;
}

static void judge_space(struct doctor *doctor, const char *dir) {
    struct statvfs is;
    int64_t        bytes, files;

    if (statvfs(dir, &is) != 0) {
        doctor_say(doctor, DOCTOR_SPACE, DOCTOR_SKIPPED, dir, "%s",
                   strerror(errno));
        return;
    }
    bytes = (int64_t)is.f_bavail * (int64_t)is.f_frsize;
    /* Some file systems make inodes as they go, and have none to count. */
    files = is.f_files ? (int64_t)is.f_favail : INT64_MAX;
    doctor_say(doctor, DOCTOR_SPACE, doctor_judge_space(bytes, files), dir,
               "%lld MiB are free", (long long)(bytes / MIB));
}

bool doctor_directory(struct doctor *doctor, const char *dir) {
    struct buf  path = BUF_EMPTY;
    struct stat is;
    bool        there;

    if (stat(dir, &is) != 0 || !S_ISDIR(is.st_mode)) {
        doctor_say(doctor, DOCTOR_DIRECTORY, DOCTOR_WRONG, dir,
                   "no such directory: nothing was ever kept there");
        return false;
    }
    judge_files(doctor, dir, &is);
    judge_space(doctor, dir);
    buf_addf(&path, "%s/nightshift.db", dir);
    there = file_exists(buf_text(&path));
    if (!there)
        doctor_say(doctor, DOCTOR_DIRECTORY, DOCTOR_WRONG, buf_text(&path),
                   "is not there: nothing was ever kept here, or it is gone");
    buf_release(&path);
    return there;
}

/* --- the database ----------------------------------------------------------------- */

static bool judge_schema(struct doctor *doctor, const char *dir,
                         int64_t schema) {
    if (schema == STORE_SCHEMA)
        doctor_say(doctor, DOCTOR_SCHEMA, DOCTOR_OK, dir,
                   "schema %lld, that of this program", (long long)schema);
    else if (schema < STORE_SCHEMA)
        doctor_say(doctor, DOCTOR_SCHEMA, DOCTOR_WARNING, dir,
                   "schema %lld: the next start migrates it to %d, and what is "
                   "in it was not looked at",
                   (long long)schema, STORE_SCHEMA);
    else
        doctor_say(doctor, DOCTOR_SCHEMA, DOCTOR_WRONG, dir,
                   "schema %lld, and this program knows %d", (long long)schema,
                   STORE_SCHEMA);
    return schema == STORE_SCHEMA;
}

bool doctor_database(struct doctor *doctor, const char *dir, bool full,
                     bool *held) {
    struct buf damage = BUF_EMPTY;
    struct err err;
    int64_t    schema = 0;
    bool       ok = store_sqlite_check(dir, full, &schema, &damage, &err);

    *held = !ok && err.code == ERR_HELD;
    if (*held) {
        doctor_say(doctor, DOCTOR_INTEGRITY, DOCTOR_SKIPPED, dir, "%s",
                   err.text);
        return false;
    }
    if (!ok || damage.len) {
        doctor_say(doctor, DOCTOR_INTEGRITY, DOCTOR_WRONG, dir, "%s",
                   ok ? buf_text(&damage) : err.text);
        buf_release(&damage);
        return false;
    }
    doctor_say(doctor, DOCTOR_INTEGRITY, DOCTOR_OK, dir, "%s",
               full ? "every page, index and blob is as it should be"
                    : "quick check: no damage; --full reads everything");
    return judge_schema(doctor, dir, schema);
}
