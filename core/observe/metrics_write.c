/* metrics_write.c - the rows as OpenMetrics 1.0 or as the older text format.
 *
 * The two differ in the end mark, in UNIT, in how info is typed, and in whether
 * HELP and TYPE name a counter with its _total. Numbers and bounds are written
 * the same in both, so that a scraper that changes its mind does not begin new
 * series. Every word is read once and added up here. (ME3)
 */
#include "observe/metrics_private.h"

#include <math.h>

#include "base/encode.h"

struct writer {
    struct metrics              *metrics;
    const struct metrics_metric *metric;
    struct row                  *row;
    enum metrics_format          format;
    struct buf                  *out;
};

/* The fewest digits that read back as the same number. */
static void add_number(struct buf *out, double value) {
    char text[40];
    int  digits = 14;

    if (!isfinite(value)) {
        buf_add_text(out, isnan(value) ? "NaN" : value > 0 ? "+Inf" : "-Inf");
        return;
    }
    do
        (void)snprintf(text, sizeof text, "%.*g", ++digits, value);
    while (digits < 17 && !(strtod(text, NULL) == value));
    buf_add_text(out, text);
}

/* (ME4) */
static void add_escaped(struct buf *out, struct str value) {
    struct buf valid = BUF_EMPTY;

    encode_utf8_mend(value, &valid);
    for (size_t i = 0; i < valid.len; i++) {
        char c = valid.data[i];

        if (c == '\\' || c == '"')
            buf_add_char(out, '\\');
        if (c == '\n')
            buf_add_text(out, "\\n");
        else
            buf_add_char(out, c);
    }
    buf_release(&valid);
}

static void add_label(struct buf *text, const char *name, struct str value) {
    buf_addf(text, "%s%s=\"", text->len ? "," : "", name);
    add_escaped(text, value);
    buf_add_char(text, '"');
}

static bool is_zero(const struct row *row, size_t series) {
    for (size_t i = 0; i < row->words_each; i++)
        if (atomic_load_explicit(&row->words[series * row->words_each + i],
                                 memory_order_relaxed))
            return false;
    return true;
}

/* Appends the labels of one series; true when all its values are known ones,
 * so that it is shown as zero, too. (ME5) */
static bool add_labels(const struct writer *writer, size_t series,
                       struct buf *text) {
    const struct row *row = writer->row;
    size_t            span = row->series;
    bool              known = true;

    for (int i = 0; i < METRICS_LABELS_MAX && row->values[i]; i++) {
        const struct metrics_label *label =
            &metrics_labels[writer->metric->labels[i]];
        size_t      cap = row->values[i]->cap, at;
        const char *value;

        span /= cap + 1;
        at = series / span;
        series %= span;
        value = at < cap ? atomic_load(&row->values[i]->at[at]) : NULL;
        known = known && at < cap && !label->cap;
        add_label(text, label->name, value ? str_of(value) : STR("other"));
    }
    return known;
}

static void begin_sample(const struct writer *writer, const char *suffix,
                         const char *label_text) {
    buf_addf(writer->out, "%s%s", writer->metric->name, suffix);
    if (*label_text)
        buf_addf(writer->out, "{%s}", label_text);
    buf_add_char(writer->out, ' ');
}

static void add_count(const struct writer *writer, const char *suffix,
                      const char *label_text, uint64_t count) {
    begin_sample(writer, suffix, label_text);
    buf_addf(writer->out, "%llu\n", (unsigned long long)count);
}

static void add_real(const struct writer *writer, const char *suffix,
                     const char *label_text, double value) {
    begin_sample(writer, suffix, label_text);
    add_number(writer->out, value);
    buf_add_char(writer->out, '\n');
}

static void add_bucket(const struct writer *writer, const char *label_text,
                       struct str bound, uint64_t count) {
    struct buf with = BUF_EMPTY;

    buf_add_text(&with, label_text);
    add_label(&with, "le", bound);
    add_count(writer, "_bucket", buf_text(&with), count);
    buf_release(&with);
}

static void add_histogram(const struct writer *writer, const char *label_text,
                          const _Atomic uint64_t *words) {
    const struct bounds *bounds =
        &writer->metrics->bounds[writer->metric->buckets];
    double   scale = metrics_buckets[writer->metric->buckets].scale;
    uint64_t count = 0;

    for (size_t i = 0; i <= bounds->count; i++) {
        count += atomic_load_explicit(&words[i], memory_order_relaxed);
        add_bucket(writer, label_text,
                   i < bounds->count ? bounds->text[i] : STR("+Inf"), count);
    }
    add_count(writer, "_count", label_text, count);
    add_real(writer, "_sum", label_text,
             (double)atomic_load(&words[bounds->count + 1]) / scale);
}

static void add_series(const struct writer *writer, const char *label_text,
                       const _Atomic uint64_t *words) {
    uint64_t word = atomic_load_explicit(words, memory_order_relaxed);
    double   real;

    memcpy(&real, &word, sizeof real);
    switch (writer->metric->kind) {
    case COUNTER: add_count(writer, "_total", label_text, word); break;
    case READING: add_real(writer, "_total", label_text, real); break;
    case GAUGE: add_real(writer, "", label_text, real); break;
    case HISTOGRAM: add_histogram(writer, label_text, words); break;
    case INFO: break; /* has no words */
    }
}

static void add_info(const struct writer *writer) {
    struct buf text = BUF_EMPTY;

    (void)pthread_mutex_lock(&writer->metrics->info_lock);
    if (writer->row->info)
        add_label(&text, metrics_labels[writer->metric->labels[0]].name,
                  str_of(writer->row->info));
    (void)pthread_mutex_unlock(&writer->metrics->info_lock);
    if (text.len)
        add_count(writer, "_info", buf_text(&text), 1);
    buf_release(&text);
}

static bool learns(const struct metrics_metric *metric) {
    for (int i = 0; i < METRICS_LABELS_MAX; i++)
        if (metrics_labels[metric->labels[i]].cap)
            return true;
    return false;
}

/* Most series of a metric that learns its values are not used, so they are
 * passed by before any text is made of them. */
static void add_row(const struct writer *writer) {
    const struct row *row = writer->row;
    struct buf        text = BUF_EMPTY;
    bool              sparse = learns(writer->metric);

    for (size_t i = 0; i < row->series; i++) {
        bool zero = is_zero(row, i);

        if (zero && sparse)
            continue;
        buf_clear(&text);
        if (add_labels(writer, i, &text) || !zero)
            add_series(writer, buf_text(&text),
                       row->words + i * row->words_each);
    }
    buf_release(&text);
}

static const char *unit_of(const char *name) {
    static const char *const units[] = {"seconds", "bytes"};
    struct str               text = str_of(name);

    for (size_t i = 0; i < sizeof units / sizeof *units; i++)
        if (str_ends(text, units[i]))
            return units[i];
    return NULL;
}

static void add_head(const struct writer *writer) {
    static const char *const types[] = {"counter", "counter", "gauge",
                                        "histogram", "info"};
    static const char *const suffixes[] = {"_total", "_total", "", "", "_info"};
    bool                     open = writer->format == METRICS_OPENMETRICS;
    const char              *name = writer->metric->name;
    const char              *type = types[writer->metric->kind];
    const char *suffix = open ? "" : suffixes[writer->metric->kind];

    if (!open && writer->metric->kind == INFO)
        type = "gauge";
    buf_addf(writer->out, "# HELP %s%s %s\n# TYPE %s%s %s\n", name, suffix,
             writer->metric->help, name, suffix, type);
    if (open && unit_of(name))
        buf_addf(writer->out, "# UNIT %s %s\n", name, unit_of(name));
}

void metrics_write(struct metrics *metrics, enum metrics_format format,
                   struct buf *out) {
    struct writer writer = {.metrics = metrics, .format = format, .out = out};

    for (int i = 0; i < METRIC_COUNT; i++) {
        writer.metric = &metrics_list[i];
        writer.row = &metrics->rows[i];
        add_head(&writer);
        if (writer.metric->kind == INFO)
            add_info(&writer);
        else
            add_row(&writer);
    }
    if (format == METRICS_OPENMETRICS)
        buf_add_text(out, "# EOF\n");
}

const char *metrics_content_type(enum metrics_format format) {
    return format == METRICS_OPENMETRICS
               ? "application/openmetrics-text; version=1.0.0; charset=utf-8"
               : "text/plain; version=0.0.4; charset=utf-8";
}
