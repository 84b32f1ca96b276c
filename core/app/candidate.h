/* candidate.h - the scripts and the configuration of one moment, proven.
 *
 * Made from files beside what is in force, and only looked at: everything that
 * `nightshift check` proves is proven here, and what the service needs beyond
 * that. Making one reads, compiles and evaluates every script, so it may be
 * done on a thread of its own.
 *
 *   CA1  One without problems is whole: every file of the folder at one moment,
 *        sealed, and a configuration that the service can begin with. A folder
 *        that changed while it was read is read again.
 *        An empty folder is a problem: it is more often one that is not there
 *        than one that somebody meant.
 *   CA2  A problem has a code, a file, a line and a sentence, as a finding of
 *        check has; no secret is in it. (N11)
 *
 * Lifetime: call. Thread: any, one at a time.
 */
#ifndef APP_CANDIDATE_H
#define APP_CANDIDATE_H

#include "app/config.h"
#include "base/digest.h"
#include "vm/bundle.h"

struct candidate {
    struct bundle *bundle;   /* NULL when the folder cannot be read */
    struct config *config;   /* NULL when it is not understood */
    struct json   *problems; /* { code, file, line, text, next }, in order */
    unsigned char  digest[DIGEST_SIZE]; /* of the files, as watch_digest() */
};

/* `config` NULL: ./nightshift.lua when there is one. Secrets that are at AWS are
 * left to secret_fetch.h; any other that is wanted must be there. */
void candidate_make(const char *scripts, const char *config,
                    struct clock *clock, struct candidate *candidate);
void candidate_release(struct candidate *candidate);

/* Appends a problem of the configuration, at the line of the key if it is one
 * of the file. */
void candidate_add_problem(struct candidate *candidate, struct str key,
                           const struct err *err);

#endif
