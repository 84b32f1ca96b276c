/* reload.h - new scripts and a new configuration, whole or not at all.
 *
 * A change of a file, or SIGHUP, asks for a reload. A candidate is made on a
 * thread of its own, its secrets at AWS are fetched, it is compared with what
 * is in force; only then is it offered, and the one step that changes anything
 * is reload_swap(), which its receiver takes when it is ready for it. Runs keep
 * the bundle and the configuration that they began with. (N8)
 *
 *   RE1  Nothing that is in force changes before reload_swap(), and nothing at
 *        all when there is a problem.
 *   RE2  Asked while one is being made, it is made once more afterwards: the
 *        last state of the files is the one that counts.
 *   RE3  A secret is known to the redactor before a candidate that holds it is
 *        offered, and stays known; after the swap whoever holds the table signs
 *        with the new value. (N11)
 *   RE4  A key that waits for a restart keeps its present value, and each
 *        reload names it.
 *
 * Lifetime: process. Thread: loop.
 */
#ifndef APP_RELOAD_H
#define APP_RELOAD_H

#include "app/secret_fetch.h"
#include "app/service_settings.h"

struct redact;
struct reload;

struct reload_candidate {
    struct bundle          *bundle; /* that in force, when it is the same */
    struct config          *config;
    struct service_settings settings;      /* of that configuration */
    struct json            *changes;       /* keys whose values take effect */
    struct json            *needs_restart; /* keys whose values do not */
    bool changed; /* a script, a key or a secret; false: nothing to swap */
};

/* Exactly one of the two is given: the candidate, which is the receiver's to
 * swap or to release, or what is wrong: { code, file, line, text, next }. */
typedef void reload_done_fn(void *arg, struct reload_candidate *candidate,
                            const struct json *problems);

struct reload_options {
    const char         *scripts, *config; /* as candidate_make(); copied */
    struct bundle     **bundle;           /* where those in force are: */
    struct config     **config_in_force;  /* only read */
    struct redact      *redact;
    struct secret_fetch fetch; /* its loop and clock are ours, too */
    reload_done_fn     *done;
    void               *arg;
}; /* all borrowed but the two texts */

struct reload *reload_open(const struct reload_options *options);
/* done does not come any more; what is being made is thrown away. The loop
 * must run to its end once more. */
void           reload_close(struct reload *reload);

/* Of the files, as the candidate or the problems that were told last are of
 * them: watch_know() it. */
const unsigned char *reload_digest(const struct reload *reload);

/* done comes later, at least once. */
void reload_ask(struct reload *reload);

/* Puts the candidate in force and lets go of what was; takes the candidate. */
void reload_swap(struct reload_candidate *candidate, struct bundle **bundle,
                 struct config **config);
void reload_release(struct reload_candidate *candidate);

/* "FILE:LINE: code: sentence", one line for each, for people. */
void reload_words(const struct json *problems, struct buf *out);

#endif
