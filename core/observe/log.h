/* log.h - one line for one event, as logfmt or JSON, on standard error.
 *
 * A line has a time, a level, a message and pairs; what belongs to a run
 * carries its id. Values are redacted by the redactor that app installs, since
 * a log line is the easiest way for a secret to leave (N11).
 *
 * Lifetime: process. Thread: any; a line is one write.
 */
#ifndef OBSERVE_LOG_H
#define OBSERVE_LOG_H

#include <stdbool.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/clock.h"

enum log_level { LOG_DEBUG, LOG_INFO, LOG_WARN, LOG_ERROR };

struct log;
typedef void log_redact_fn(void *arg, struct str text, struct buf *out);

struct log_options {
    enum log_level level;
    bool           json;
    int            fd;
    struct clock  *clock;
    log_redact_fn *redact; /* NULL: as it is */
    void          *redact_arg;
};

struct log *log_open(const struct log_options *options);
void        log_close(struct log *log);
/* From now on; before there are other threads. */
void        log_adjust(struct log *log, enum log_level level, bool json);
/* One like this one whose lines say this, too, behind the run; for
 * log_close(). Copies. */
struct log *log_with(const struct log *log, const char *name, struct str value);
bool        log_wants(const struct log *log, enum log_level level);

/* Pairs are name, value, …, NULL; all values are text:
 *   log_line(log, LOG_WARN, run, "effect failed", "effect", name, NULL);
 * run may be NULL. */
void log_line(struct log *log, enum log_level level, const char *run,
              const char *message, ...) __attribute__((sentinel));

/* "debug", "info", "warn" or "error". */
bool log_level_read(struct str text, enum log_level *level);

#endif
