/* log.c - a line is built whole, redacted value by value, then written once.
 *
 * Redaction comes before escaping: a secret with a quote or a newline in it
 * would not be recognised any more afterwards. It sees the run id, the message
 * and every value; names are literals of ours. A pipe or file opened for
 * appending keeps lines of several threads apart as long as each is one
 * write(2), so lines are capped rather than cut into several writes.
 */
#include "observe/log.h"

#include <errno.h>
#include <stdarg.h>
#include <string.h>

#include "base/encode.h"
#include "base/mem.h"
#include "base/timestamp.h"

enum { VALUE_MAX = 4096 };

struct log {
    struct log_options options;
    char              *name, *value; /* of log_with(), or NULL */
};

struct line {
    const struct log *log;
    struct buf        text;
};

static const char *const names[] = {"debug", "info", "warn", "error"};

struct log *log_open(const struct log_options *options) {
    struct log *log = mem_new(sizeof *log);

    log->options = *options;
    return log;
}

void log_adjust(struct log *log, enum log_level level, bool json) {
    log->options.level = level;
    log->options.json = json;
}

struct log *log_with(const struct log *log, const char *name,
                     struct str value) {
    struct log *other = log_open(&log->options);

    other->name = mem_text(name, strlen(name));
    other->value = mem_text(value.data, value.len);
    return other;
}

void log_close(struct log *log) {
    if (!log)
        return;
    mem_free(log->name);
    mem_free(log->value);
    mem_free(log);
}

bool log_wants(const struct log *log, enum log_level level) {
    return level >= log->options.level;
}

/* What logfmt readers take without quotes. */
static bool is_plain(struct str value) {
    for (size_t i = 0; i < value.len; i++) {
        unsigned char c = (unsigned char)value.data[i];

        if (c <= ' ' || c == '"' || c == '=' || c == '\\' || c >= 0x7f)
            return false;
    }
    return value.len > 0;
}

static void add_name(struct line *line, const char *name) {
    char open = line->log->options.json ? ',' : ' ';

    if (line->text.len)
        buf_add_char(&line->text, open);
    else if (line->log->options.json)
        buf_add_char(&line->text, '{');
    buf_addf(&line->text, line->log->options.json ? "\"%s\":" : "%s=", name);
}

/* The length of a control character at `at`, else 0: C0, DEL, and the C1 ones,
 * which some terminals obey too and which are two bytes in UTF-8. */
static size_t control_at(struct str value, size_t at) {
    unsigned char c = (unsigned char)value.data[at];
    unsigned char next =
        at + 1 < value.len ? (unsigned char)value.data[at + 1] : 0;

    if (c < 0x20 || c == 0x7f)
        return 1;
    return c == 0xc2 && next >= 0x80 && next < 0xa0 ? 2 : 0;
}

/* The escapes of JSON, which readers of logfmt understand as well. */
static void add_quoted(struct buf *out, struct str value) {
    buf_add_char(out, '"');
    for (size_t at = 0; at < value.len; at++) {
        char   c = value.data[at];
        size_t control = control_at(value, at);

        if (c == '"' || c == '\\')
            buf_addf(out, "\\%c", c);
        else if (c == '\n')
            buf_add_text(out, "\\n");
        else if (control)
            buf_addf(out, "\\u%04x",
                     (unsigned char)value.data[at + control - 1]);
        else
            buf_add_char(out, c);
        at += control ? control - 1 : 0;
    }
    buf_add_char(out, '"');
}

static void add_value(struct line *line, struct str value) {
    struct buf clean = BUF_EMPTY, valid = BUF_EMPTY;
    bool       cut;

    if (line->log->options.redact)
        line->log->options.redact(line->log->options.redact_arg, value, &clean);
    else
        buf_add_str(&clean, value);
    cut = clean.len > VALUE_MAX;
    if (cut)
        clean.len = VALUE_MAX;
    encode_utf8_mend(buf_str(&clean), &valid);
    if (cut)
        buf_add_text(&valid, "...");
    if (!line->log->options.json && is_plain(buf_str(&valid)))
        buf_add_str(&line->text, buf_str(&valid));
    else
        add_quoted(&line->text, buf_str(&valid));
    buf_release(&clean);
    buf_release(&valid);
}

static void add(struct line *line, const char *name, struct str value) {
    add_name(line, name);
    add_value(line, value);
}

/* Not redacted: written by us, and a redactor must not be able to eat them. */
static void add_own(struct line *line, const char *name, struct str value) {
    add_name(line, name);
    buf_addf(&line->text, line->log->options.json ? "\"%.*s\"" : "%.*s",
             STR_ARG(value));
}

static void add_time(struct line *line) {
    struct clock *clock = line->log->options.clock;
    struct buf    time_text = BUF_EMPTY;

    timestamp_write(clock->wall_ms(clock), &time_text);
    add_own(line, "time", buf_str(&time_text));
    buf_release(&time_text);
}

/* There is nobody to tell when the log itself cannot be written. */
static void put(int fd, struct str text) {
    while (text.len) {
        ssize_t done = write(fd, text.data, text.len);

        if (done < 0 && errno == EINTR)
            continue;
        if (done <= 0)
            return;
        text.data += done;
        text.len -= (size_t)done;
    }
}

void log_line(struct log *log, enum log_level level, const char *run,
              const char *message, ...) {
    struct line line = {.log = log};
    const char *name;
    va_list     pairs;

    if (!log_wants(log, level))
        return;
    add_time(&line);
    add_own(&line, "level", str_of(names[level]));
    if (run)
        add(&line, "run", str_of(run));
    if (log->name)
        add(&line, log->name, str_of(log->value));
    add(&line, "message", str_of(message));
    va_start(pairs, message);
    while ((name = va_arg(pairs, const char *)))
        add(&line, name, str_of(va_arg(pairs, const char *)));
    va_end(pairs);
    buf_add_text(&line.text, log->options.json ? "}\n" : "\n");
    put(log->options.fd, buf_str(&line.text));
    buf_release(&line.text);
}

bool log_level_read(struct str text, enum log_level *level) {
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        if (!str_is(text, names[i]))
            continue;
        *level = (enum log_level)i;
        return true;
    }
    return false;
}
