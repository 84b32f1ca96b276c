/* watch.h - tells that the content of some files is not what it was.
 *
 * The kernel's notices (inotify) only say when to look; whether something
 * changed is decided by looking: every file is read and hashed, on a thread of
 * its own. So it does not matter in which steps an editor saves, whether a file
 * is written, renamed over or linked to another place, or whether a notice was
 * lost. Every look also says anew which directories are to be noticed: all
 * below the folders, those that hold the paths themselves, and those that a
 * link leads through.
 *
 *   WT1  A change is told once, after the files have been quiet for a while, or
 *        after the upper bound when they never are.
 *   WT2  What has the same bytes as before is no change: a touch, a copy of the
 *        same, an edit that was taken back in time. Before is what was told
 *        last, or what whoever loads the files says that he read.
 *   WT3  Where notices cannot be had, or are not made (some network file
 *        systems), the files are looked at every so often instead.
 *   WT4  A folder or file that is removed, comes back, or did not exist when
 *        the watch began is seen to.
 *   WT5  Nothing is read or told after watch_close().
 *
 * Sources: inotify(7).
 *
 * Lifetime: process. Thread: loop.
 */
#ifndef SYS_WATCH_H
#define SYS_WATCH_H

#include <stdbool.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/digest.h"

struct clock;
struct loop;
struct watch;

/* What is watched: folders, of which files with the suffix count, and single
 * files; neither need to exist. */
struct watch_paths {
    const char *const *paths;
    size_t             count;
    const char        *suffix;
};

struct watch_options {
    struct loop         *loop;
    struct clock        *clock;
    struct watch_paths   of; /* copied */
    /* What was seen last by whoever loaded it, or NULL: the first look is a
     * change. */
    const unsigned char *known;
    int64_t              quiet_ms, most_ms; /* (WT1) */
    int64_t              look_ms;           /* at the latest, with notices */
    int64_t              poll_ms;           /* without them */
    void (*changed)(void *arg);
    /* Notices cannot be had, why says it; NULL: they can be had again. */
    void (*polling)(void *arg, const char *why);
    void *arg;
}; /* borrowed, where nothing else is said */

struct watch *watch_open(const struct watch_options *options);
/* The loop must run to its end once more. NULL is fine. (WT5) */
void          watch_close(struct watch *watch);

/* Somebody has loaded the files meanwhile, and this is what he read. */
void watch_know(struct watch *watch, const unsigned char digest[DIGEST_SIZE]);

/* The digest of what is there now; reads all of it. Any thread. */
void watch_digest(const struct watch_paths *of, unsigned char out[DIGEST_SIZE]);

#endif
